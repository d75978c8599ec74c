//! Following: what stands in the database is held to the head that this gateway signed or saw last, before anything is signed.
//!
//! Where they are the same, a gateway was alone. Where another gateway wrote, the regels in between are taken up one by one, by
//! their bytes, until they give the very checkpoint that stands there with our signature. Anything else is a [`Fork`].

use std::{borrow::Cow, collections::BTreeMap};

use sqlx::Row;

use crate::{
    logboek::{self, Fork, Head, Logregel, NoteError, Soort, VerifyKey},
    store::{
        DbConnection, DbRow, Progress, StoreError,
        values::{index, int, uint},
    },
};

/// Regels that are read at once.
const PAGE: u64 = 1024;

/// What the database says of the logboek that is written, in its one row.
pub(in crate::store) struct Newest {
    pub(in crate::store) naam: String,
    nummer: u32,
    eerste: u64,
    /// The newest checkpoint; empty where there is none yet.
    pub(in crate::store) nota: String,
}

/// How far a head was followed.
pub(in crate::store) enum Followed {
    /// It is the newest.
    Newest,
    /// Another gateway wrote since: this is the newest.
    Later(Box<Head>),
    /// So many regels were written since that they must be read outside a transaction.
    FarBehind,
}

impl Newest {
    pub(in crate::store) fn read(row: &DbRow) -> Result<Self, StoreError> {
        let nummer = u32::try_from(row.try_get::<i64, _>("nummer")?);
        Ok(Self {
            naam: row.try_get("naam")?,
            nummer: nummer.map_err(|_| StoreError::inconsistent("logboek", "nummer", 1))?,
            eerste: index(row.try_get("eerste")?, "logboek", "eerste")?,
            nota: row.try_get("nota")?,
        })
    }

    /// Whether it is of the logboek of this head.
    pub(in crate::store) fn is_of(&self, head: &Head) -> bool {
        (self.nummer, &self.naam, self.eerste) == (head.nummer, &head.naam, head.eerste)
    }

    /// Reads it without keeping anybody from it; nothing where no logboek was begun.
    pub(in crate::store) async fn load(connection: &mut DbConnection) -> Result<Option<Self>, StoreError> {
        let row = sqlx::query("SELECT nummer, naam, eerste, nota FROM logboek WHERE id = 1")
            .fetch_optional(connection)
            .await?;
        row.as_ref().map(Self::read).transpose()
    }

    /// Whether `known` is the newest head; else takes up the regels in between, at most a page of them.
    ///
    /// Inside the transaction that has locked this row, so that nothing comes after it.
    pub(in crate::store) async fn follow(
        &self,
        tx: &mut DbConnection,
        known: &Head,
        key: &VerifyKey,
    ) -> Result<Followed, StoreError> {
        if self.nota == known.nota && self.nummer == known.nummer {
            return Ok(Followed::Newest);
        }
        if self.nummer > known.nummer {
            return Ok(Followed::FarBehind);
        }
        let left = self.behind(known, key)?;
        if left > PAGE {
            return Ok(Followed::FarBehind);
        }
        let mut head = known.clone();
        take_up(tx, &mut head, left).await?;
        self.must_be(known, head, key).map(|head| Followed::Later(Box::new(head)))
    }

    /// Takes up all regels after `known`, however many, also those of logboeken that were begun since: at the start, or after a long
    /// pause.
    pub(in crate::store) async fn follow_far(
        &self,
        connection: &mut DbConnection,
        known: &Head,
        key: &VerifyKey,
        progress: Progress<'_>,
    ) -> Result<Head, StoreError> {
        let mut head = if self.nummer > known.nummer { self.later(connection, known).await? } else { known.clone() };
        let mut left = self.behind(&head, key)?;
        let all = head.next_index() + left;
        while left > 0 {
            let taken = take_up(connection, &mut head, left.min(PAGE)).await?;
            if taken == 0 {
                break;
            }
            left -= taken;
            progress(all - left, all);
        }
        self.must_be(known, head, key)
    }

    /// The beginning of this logboek, by way of those that were closed since `known`. The first regel of each says with which head the
    /// one before it was closed. Where one of them could not go on (`log_hersteld`), what `known` says of it no longer counts, and all
    /// is read from the very first regel on.
    async fn later(&self, connection: &mut DbConnection, known: &Head) -> Result<Head, StoreError> {
        let fork = |why: String| self.fork(known, why);
        let all = logboeken(connection).await?;
        let mut firsts = BTreeMap::new();
        for Logboek { nummer, naam, eerste } in &all {
            let first = regel_at(connection, *eerste).await?;
            let first = first.filter(|_| *nummer > 1).or_else(|| (*nummer == 1).then(Logregel::default));
            let first = first.ok_or_else(|| fork(format!("de eerste regel van logboek {naam} ontbreekt")))?;
            firsts.insert(*nummer, first);
        }
        let restored = firsts.iter().any(|(nummer, first)| *nummer > known.nummer && first.soort == Soort::LogHersteld);
        let mut head = match all.first() {
            Some(Logboek { nummer: 1, naam, eerste: 0 }) if restored => Head::new(naam, 1, 0),
            _ if restored => return Err(fork("het eerste logboek is er niet meer".to_owned())),
            _ => known.clone(),
        };
        for next in all.iter().skip_while(|next| next.nummer <= head.nummer).collect::<Vec<_>>() {
            let first = &firsts[&next.nummer];
            let ended = if first.soort == Soort::LogHersteld { &first.ondertekend } else { &first.gesloten };
            let ended = ended.as_deref().unwrap_or_default();
            let size = ended.split(' ').nth(1).and_then(|size| size.parse::<u64>().ok());
            while size.is_some_and(|size| size > head.grootte()) {
                let left = size.unwrap_or_default() - head.grootte();
                if take_up(connection, &mut head, left.min(PAGE)).await? == 0 {
                    break;
                }
            }
            let old = head;
            head = old.next_logboek(&next.naam, next.nummer, next.eerste);
            // Its first regel is the first leaf of its tree, which is held to a signature or to the head that the next one names; so it
            // stands exactly where the logboek begins, and not among regels of the one before it. No name is used twice.
            let restored = first.soort == Soort::LogHersteld;
            let in_place = head.eerste == next.eerste && (restored || next.eerste == old.next_index());
            let is_new = next.naam != known.naam && all.iter().filter(|log| log.naam == next.naam).count() == 1;
            if old.in_regel() != ended || !in_place || !is_new {
                return Err(fork(format!("logboek {} sluit niet aan op dat ervoor", next.naam)));
            }
        }
        Ok(head)
    }

    /// The beginning of this logboek, by all that stands before it.
    pub(in crate::store) async fn beginning(&self, connection: &mut DbConnection) -> Result<Head, StoreError> {
        let first = first(connection, self).await?;
        if self.nummer > first.nummer { self.later(connection, &first).await } else { Ok(first) }
    }

    /// How many regels it has more.
    fn behind(&self, known: &Head, key: &VerifyKey) -> Result<u64, StoreError> {
        let fork = |why: &'static str| self.fork(known, why);
        if !self.is_of(known) {
            return Err(fork("het is een ander logboek"));
        }
        if self.nota.is_empty() {
            let is_new = known.grootte() == 0 && known.nummer == 1;
            return if is_new { Ok(0) } else { Err(fork("er is geen enkel checkpoint meer")) };
        }
        let signed = key.named(&self.naam).and_then(|key| logboek::open(&self.nota, &key));
        let signed = signed.map_err(|error| self.unsigned(known, &error))?;
        match signed.size.checked_sub(known.grootte()) {
            None => Err(fork("er ontbreken regels: dit is een eerdere stand")),
            Some(0) if signed != known.checkpoint() => Err(fork("van evenveel regels zijn er andere")),
            Some(more) => Ok(more),
        }
    }

    /// `head`, if that is what the newest checkpoint was signed for.
    fn must_be(&self, known: &Head, mut head: Head, key: &VerifyKey) -> Result<Head, StoreError> {
        // Only a logboek of which nobody ever saw a regel needs no signature.
        let is_new = self.nota.is_empty() && head.nummer == 1 && head.grootte() == 0 && known.grootte() == 0;
        let is = is_new || head.is_signed_by(&self.nota, key).map_err(|error| self.unsigned(known, &error))?;
        if !is {
            return Err(self.fork(known, "de regels erna geven een andere wortel, of ontbreken"));
        }
        head.nota.clone_from(&self.nota);
        Ok(head)
    }

    fn unsigned(&self, known: &Head, error: &NoteError) -> StoreError {
        self.fork(known, format!("het nieuwste checkpoint is niet van dit logboek en zijn sleutel: {error}"))
    }

    fn fork(&self, known: &Head, why: impl Into<Cow<'static, str>>) -> StoreError {
        Fork::new(known, (self.eerste, &self.nota), why).into()
    }
}

/// The head at which a gateway begins, before it writes anything: the newest one, which must follow what was `kept` of an earlier run.
/// Where nothing was kept, all regels are read.
pub(in crate::store) async fn open(
    connection: &mut DbConnection,
    naam: &str,
    kept: Option<Head>,
    key: &VerifyKey,
) -> Result<Head, StoreError> {
    let newest = match (Newest::load(connection).await?, &kept) {
        (Some(newest), _) => newest,
        (None, Some(kept)) => return Err(Fork::new(kept, (0, ""), "er is geen logboek meer").into()),
        (None, None) => return Ok(Head::new(naam, 1, 0)),
    };
    if kept.is_none() && !newest.nota.is_empty() {
        tracing::warn!(
            "this gateway remembers nothing of this logboek: all of it is read, and whether it was put back to an earlier moment cannot be known"
        );
    }
    let known = match kept {
        Some(kept) => kept,
        None => first(connection, &newest).await?,
    };
    let progress = |done: u64, all: u64| {
        if done.is_multiple_of(PAGE * 128) {
            tracing::info!(done, all, "reading what was written to the logboek since this gateway saw it");
        }
    };
    let head = newest.follow_far(connection, &known, key, &progress).await?;
    let (last, checkpoint): (i64, String) = sqlx::query_as(
        "SELECT coalesce((SELECT max(log_index) FROM logregels), -1), \
         coalesce((SELECT nota FROM checkpoints ORDER BY logboek DESC, grootte DESC LIMIT 1), '')",
    )
    .fetch_one(&mut *connection)
    .await?;
    let written = logboeken(connection).await?.pop();
    let eerste = written.as_ref().map_or(head.eerste, |log| log.eerste);
    let is_last =
        written.is_none_or(|log| (log.nummer, log.naam, log.eerste) == (head.nummer, head.naam.clone(), head.eerste));
    if i128::from(last) + 1 != i128::from(head.next_index()) || checkpoint != head.nota || !is_last {
        let why = "de regels en checkpoints die er staan eindigen ergens anders";
        return Err(Fork::new(&head, (eerste, &checkpoint), why).into());
    }
    Ok(head)
}

/// A logboek of a database.
pub(in crate::store) struct Logboek {
    pub(in crate::store) nummer: u32,
    pub(in crate::store) naam: String,
    /// `log_index` of its first regel.
    pub(in crate::store) eerste: u64,
}

/// Every logboek of a database, in order.
pub(in crate::store) async fn logboeken(connection: &mut DbConnection) -> Result<Vec<Logboek>, StoreError> {
    let rows = sqlx::query("SELECT nummer, naam, eerste FROM logboeken ORDER BY nummer").fetch_all(connection).await?;
    let logboek = |row: &DbRow| {
        let nummer: i64 = row.try_get("nummer")?;
        let nummer = u32::try_from(nummer).map_err(|_| StoreError::inconsistent("logboeken", "nummer", nummer))?;
        let eerste = index(row.try_get("eerste")?, "logboeken", "eerste")?;
        Ok(Logboek { nummer, naam: row.try_get("naam")?, eerste })
    };
    rows.iter().map(logboek).collect()
}

/// The beginning of the first logboek of a database.
async fn first(connection: &mut DbConnection, newest: &Newest) -> Result<Head, StoreError> {
    let first = logboeken(connection).await?.into_iter().next();
    Ok(first.map_or_else(
        || Head::new(&newest.naam, newest.nummer, newest.eerste),
        |Logboek { nummer, naam, eerste }| Head::new(&naam, nummer, eerste),
    ))
}

async fn regel_at(connection: &mut DbConnection, log_index: u64) -> Result<Option<Logregel>, StoreError> {
    let leaf: Option<Vec<u8>> = sqlx::query_scalar("SELECT regel FROM logregels WHERE log_index = $1")
        .bind(int(log_index))
        .fetch_optional(connection)
        .await?;
    Ok(leaf.and_then(|leaf| Logregel::from_leaf(&leaf).ok()))
}

/// Takes up the regels after a head, at most so many. Gives how many there were.
async fn take_up(connection: &mut DbConnection, head: &mut Head, most: u64) -> Result<u64, StoreError> {
    let before = head.grootte();
    let rows = sqlx::query(
        "SELECT log_index, regel FROM logregels WHERE log_index >= $1 AND log_index < $2 ORDER BY log_index",
    )
    .bind(int(head.next_index()))
    .bind(int(head.next_index() + most))
    .fetch_all(connection)
    .await?;
    for row in rows {
        let log_index = uint(row.try_get("log_index")?);
        let leaf: &[u8] = row.try_get("regel")?;
        // What is missing or damaged gives another root, which says more than this could.
        if log_index != head.next_index() || head.read_next(leaf).is_err() {
            break;
        }
    }
    Ok(head.grootte() - before)
}

/// Starts the first logboek, of this name and with keys of this mark, where there is none. Gives the mark of the keys that it has.
pub(in crate::store) async fn start(
    connection: &mut DbConnection,
    naam: &str,
    sleutels: &str,
) -> Result<String, StoreError> {
    sqlx::query(
        "INSERT INTO logboek (id, nummer, naam, eerste, nota, sleutels) VALUES (1, 1, $1, 0, '', $2) \
         ON CONFLICT (id) DO UPDATE SET sleutels = coalesce(logboek.sleutels, excluded.sleutels)",
    )
    .bind(naam)
    .bind(sleutels)
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "INSERT INTO logboeken (nummer, naam, eerste) SELECT nummer, naam, eerste FROM logboek WHERE nummer = 1 \
         ON CONFLICT (nummer) DO NOTHING",
    )
    .execute(&mut *connection)
    .await?;
    Ok(sqlx::query_scalar("SELECT coalesce(sleutels, '') FROM logboek WHERE id = 1").fetch_one(connection).await?)
}
