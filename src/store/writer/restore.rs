//! Restoring (herstel): a logboek that cannot go on is closed as it is found, and the next one begins.
//!
//! What was found is not believed and not thrown away: all regels that stand there are named by their head. What is in force goes on
//! as far as signed checkpoints vouch for the regels.

use std::sync::Arc;

use jiff::Timestamp;
use sqlx::{Connection, Row};

use crate::{
    domain::houdbaarheid::amsterdam_date,
    logboek::{Checkpoint, Head, LogboekNaam, Logregel, Signer, Soort, VerifyKey},
    sleutels::OpeningKeys,
    store::{
        DbConnection, StoreError,
        database::{dialect::Dialect, open::Database, rows::Script},
        ledger::{
            append::Appender,
            follow::{Logboek, Newest, logboeken, open},
        },
        postvak::actor::Actor,
        values::{index, int},
    },
};

/// Regels that are read at once.
const PAGE: u64 = 1024;
/// So far may the last regel lie ahead of the clock before that is damage, seconds.
const AHEAD: i64 = 3600;

/// What is restored, and by whom.
pub struct Herstel<'a> {
    /// The head that the gateway signed or saw last.
    pub known: Option<Head>,
    /// What an FG kept.
    pub bewaard: &'a Checkpoint,
    /// How the logboeken of this gateway are called.
    pub naam: &'a LogboekNaam,
    /// Who decided it and why.
    pub actor: &'a Actor,
    /// The pair of keys of the logboek.
    pub signer: &'a Signer,
    /// The keys of openings.
    pub openingen: &'a OpeningKeys,
    /// The present moment.
    pub now: Timestamp,
}

/// What came of it.
#[derive(Debug)]
pub struct Hersteld {
    /// How the next logboek is called.
    pub volgende: String,
    /// The first regel of it.
    pub regel: Logregel,
    /// The head of that logboek, signed.
    pub head: Arc<Head>,
    /// Documents that no checkpoint vouches for, and that are in force no more.
    pub vervallen: Vec<String>,
}

/// Why nothing was restored.
#[derive(Debug, thiserror::Error)]
pub enum HerstelError {
    /// It can go on.
    #[error(
        "dit logboek is heel: het gaat verder op wat de poort onthield en op het bewaarde checkpoint. Er valt niets te herstellen; sluiten kan \
         met logboek sluit"
    )]
    Heel,
    /// The checkpoint is of a logboek that this gateway does not have.
    #[error("het bewaarde checkpoint is van logboek {0}, en dat staat niet in deze database")]
    AnderLogboek(String),
    /// What came before it does not hold together either.
    #[error(
        "ook wat aan dit logboek voorafgaat is beschadigd, en daar kan geen volgend logboek bij aansluiten ({0}). Zet een reservekopie terug \
         waarin dat heel is, en herstel vandaar"
    )]
    Begin(String),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for HerstelError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// Closes the logboek as it is found, and begins the next one. All of it or nothing.
///
/// # Errors
/// [`HerstelError`]; then nothing was changed.
pub async fn herstel(database: &mut Database, herstel: &Herstel<'_>) -> Result<Hersteld, HerstelError> {
    let key = herstel.signer.vkey();
    let dialect = Dialect::of(&database.writer);
    let mut tx = database.writer.begin_with(dialect.begin()).await?;
    // Keeps every gateway out until the end.
    let row = sqlx::query(dialect.lock_head()).fetch_optional(&mut *tx).await?;
    let row = row.ok_or_else(|| StoreError::inconsistent("logboek", "id", 1))?;
    let newest = Newest::read(&row)?;
    let logs = logboeken(&mut tx).await?;
    let origin = &herstel.bewaard.origin;
    let is_known = |head: &Head| head.naam == *origin;
    if !logs.iter().any(|log| log.naam == *origin) && !herstel.known.as_ref().is_some_and(is_known) {
        return Err(HerstelError::AnderLogboek(origin.clone()));
    }
    let beginning = newest.beginning(&mut tx).await.map_err(|error| match error {
        StoreError::Fork(fork) => HerstelError::Begin(fork.why.into_owned()),
        other => other.into(),
    })?;
    let found = Found::read(&mut tx, beginning, &key, herstel.bewaard).await?;
    if !is_damaged(&mut tx, herstel, &newest, &logs, &found).await? {
        return Err(HerstelError::Heel);
    }
    let vervallen = withdraw_unvouched(&mut tx, &found.vouched).await?;
    let nummer =
        herstel.nummer(&found, &logs).ok_or_else(|| StoreError::inconsistent("logboeken", "nummer", u32::MAX))?;
    let used = logs.into_iter().map(|log| log.naam).chain(herstel.known.iter().map(|known| known.naam.clone()));
    let volgende = herstel.naam.next(&used.collect::<Vec<_>>(), amsterdam_date(herstel.now).year());
    let next = found.vouched.next_logboek(&volgende, nummer, herstel.lost(&found));
    let mut log = Appender::begin(&next, herstel.now);
    let regel = Logregel {
        gesloten: Some(found.all.in_regel()),
        ondertekend: Some(found.vouched.in_regel()),
        onthouden: herstel.known.as_ref().map(Head::in_regel),
        bewaard: Some(herstel.bewaard.line()),
        ..herstel.actor.regel(Soort::LogHersteld)
    };
    let (_, leaf) = herstel.actor.log(&mut log, None, regel)?;
    let mut script = Script::new(dialect);
    let commit = log.finish(&mut tx, &mut script, herstel.signer, herstel.openingen).await?;
    script.execute(&mut tx).await?;
    tx.commit().await?;
    let regel = Logregel::from_leaf(&leaf).map_err(StoreError::from)?;
    Ok(Hersteld { volgende, regel, head: commit.head, vervallen })
}

impl Herstel<'_> {
    /// The number after that of the last logboek that anybody knows of.
    fn nummer(&self, found: &Found, logs: &[Logboek]) -> Option<u32> {
        let known = self.known.iter().map(|known| known.nummer);
        let all = known.chain(logs.iter().map(|log| log.nummer)).chain([found.all.nummer]);
        all.max().and_then(|last| last.checked_add(1))
    }

    /// The first index that was never handed out, as far as anybody knows.
    fn lost(&self, found: &Found) -> u64 {
        let known = self.known.as_ref().map_or(0, Head::next_index);
        let kept = if self.bewaard.origin == found.all.naam { found.all.eerste + self.bewaard.size } else { 0 };
        found.end.max(known).max(kept)
    }
}

/// What stands there of the logboek that is written.
struct Found {
    /// All of it, whatever it is.
    all: Head,
    /// So much of it as a signed checkpoint vouches for.
    vouched: Head,
    /// The `log_index` after its last regel.
    end: u64,
    /// Whether the checkpoint that an FG kept is of a tree that it begins with.
    has_kept: bool,
}

impl Found {
    async fn read(
        tx: &mut DbConnection,
        beginning: Head,
        key: &VerifyKey,
        kept: &Checkpoint,
    ) -> Result<Self, StoreError> {
        let (mut all, mut end) = (beginning.clone(), beginning.eerste);
        let mut found = Self { all: beginning.clone(), vouched: beginning, end, has_kept: false };
        loop {
            let rows =
                sqlx::query("SELECT log_index, regel FROM logregels WHERE log_index >= $1 ORDER BY log_index LIMIT $2")
                    .bind(int(end))
                    .bind(int(PAGE))
                    .fetch_all(&mut *tx)
                    .await?;
            if rows.is_empty() {
                found.all = all;
                found.end = end;
                return Ok(found);
            }
            for row in rows {
                let log_index = index(row.try_get("log_index")?, "logregels", "log_index")?;
                let in_place = log_index == all.next_index();
                let leaf: &[u8] = row.try_get("regel")?;
                if all.read_next(leaf).is_err() {
                    all.push(leaf, Soort::Onbekend, &mut |_, _| ());
                }
                end = log_index + 1;
                found.has_kept |= all.checkpoint() == *kept;
                if in_place {
                    found.vouch(tx, &all, key).await?;
                }
            }
        }
    }

    /// Takes over a head for which a signed checkpoint vouches.
    async fn vouch(&mut self, tx: &mut DbConnection, head: &Head, key: &VerifyKey) -> Result<(), StoreError> {
        let nota: Option<String> =
            sqlx::query_scalar("SELECT nota FROM checkpoints WHERE logboek = $1 AND grootte = $2")
                .bind(i64::from(head.nummer))
                .bind(int(head.grootte()))
                .fetch_optional(tx)
                .await?;
        if nota.is_some_and(|nota| head.is_signed_by(&nota, key) == Ok(true)) {
            self.vouched = head.clone();
        }
        Ok(())
    }
}

/// Whether the logboek cannot go on, or should not: it does not follow what is known, or what an FG kept, or it was written by a clock
/// that ran ahead.
async fn is_damaged(
    tx: &mut DbConnection,
    herstel: &Herstel<'_>,
    newest: &Newest,
    logs: &[Logboek],
    found: &Found,
) -> Result<bool, StoreError> {
    let ahead = found.all.tijd.as_second() - herstel.now.as_second() > AHEAD;
    let of_this = herstel.bewaard.origin == found.all.naam;
    let contradicts = of_this && !found.has_kept || !logs.iter().any(|log| log.naam == herstel.bewaard.origin);
    if ahead || contradicts || found.vouched != found.all {
        return Ok(true);
    }
    match open(tx, &newest.naam, herstel.known.clone(), &herstel.signer.vkey()).await {
        Ok(_) => Ok(false),
        Err(StoreError::Fork(_)) => Ok(true),
        Err(error) => Err(error),
    }
}

/// Takes away the rows of documents for which no checkpoint vouches. Gives which they were.
async fn withdraw_unvouched(tx: &mut DbConnection, vouched: &Head) -> Result<Vec<String>, StoreError> {
    let gone = sqlx::query_scalar("SELECT naam FROM documenten WHERE log_index >= $1 ORDER BY log_index")
        .bind(int(vouched.next_index()))
        .fetch_all(&mut *tx)
        .await?;
    sqlx::query("DELETE FROM documenten WHERE log_index >= $1").bind(int(vouched.next_index())).execute(tx).await?;
    Ok(gone)
}
