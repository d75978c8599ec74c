//! The first phase: the logboek by itself. It needs the public key alone.
//!
//! Leaves are read once, in order. Of each regel are checked: numbering, form, time and hash; and of each tree every tile and every
//! checkpoint that was ever issued, with its signature. The first regel of a logboek must name the head with which the one before it
//! was closed. A checkpoint that somebody kept must be of a tree that these regels begin with.

use std::collections::BTreeMap;

use sqlx::Row;

use super::error::{VerifyError, tree};
use crate::{
    logboek::{
        self, Checkpoint, Hash, Head, Logregel, Node, NoteError, Soort, TILE_WIDTH, VerifyKey, check_leaf, leaf_hash,
        tile_of,
    },
    store::{
        DbConnection, DbRow, Progress,
        ledger::follow::{Logboek, Newest, logboeken},
        values::{bericht_id, int, uint},
    },
};

/// Regels read at once.
pub(super) const PAGE: u64 = 1024;

/// A logboek that holds together.
#[derive(Clone, Debug)]
pub struct SoundLog {
    /// Its name.
    pub naam: String,
    /// `log_index` of its first regel.
    pub eerste: u64,
    /// Number of regels.
    pub regels: u64,
    /// Number of checkpoints.
    pub checkpoints: u64,
    /// Its newest checkpoint, a signed note.
    pub nota: String,
    /// Of a logboek that could not go on and was closed as it was found: for how many of its regels a signed checkpoint vouches. Of
    /// those after them only that nothing changed since it was closed is known.
    pub vouched: Option<u64>,
}

/// A checkpoint that somebody kept.
pub struct Kept {
    checkpoint: Checkpoint,
}

impl Kept {
    /// Reads one. It must be signed with this public key, under whichever name: it can be of a logboek that was closed since.
    ///
    /// # Errors
    /// [`NoteError`] when it is cut off, no checkpoint, or not signed with this key.
    pub fn read(nota: &str, key: &VerifyKey) -> Result<Self, NoteError> {
        let naam = nota.lines().next().unwrap_or_default();
        let named =
            key.named(naam).map_err(|_| NoteError::Checkpoint("zijn eerste regel is geen naam van een logboek"))?;
        Ok(Self { checkpoint: logboek::open(nota, &named)? })
    }

    /// What was kept.
    #[must_use]
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }
}

/// Verifies every logboek of a database, the oldest first.
pub(super) async fn verify(
    tx: &mut DbConnection,
    key: &VerifyKey,
    kept: &[Kept],
    progress: Progress<'_>,
) -> Result<Vec<SoundLog>, VerifyError> {
    let newest = Newest::load(tx).await?.ok_or_else(|| tree(0, "er is geen logboek begonnen"))?;
    let all: i64 = sqlx::query_scalar("SELECT count(*) FROM logregels").fetch_one(&mut *tx).await?;
    let logs = logboeken(tx).await?;
    let mut sound: Vec<SoundLog> = Vec::with_capacity(logs.len());
    let mut before: Option<Head> = None;
    for (at, log) in logs.iter().enumerate() {
        let next = logs.get(at + 1);
        let begins = match &before {
            None if log.nummer == 1 && log.eerste == 0 => Head::new(&log.naam, 1, 0),
            // Where a logboek was lost altogether, a number was.
            Some(before) if log.nummer > before.nummer && log.eerste >= before.next_index() => {
                before.next_logboek(&log.naam, log.nummer, log.eerste)
            }
            _ => return Err(tree(0, format!("logboek {} staat niet na dat ervoor", log.naam))),
        };
        let closed_by = match next {
            Some(next) => Some(first_of(tx, next).await?),
            None => None,
        };
        let mut walk = Walk::new(key, begins, closed_by.as_ref(), kept)?;
        walk.read(tx, next, (uint(all), progress)).await?;
        let first = if before.is_some() { Some(first_of(tx, log).await?) } else { None };
        closes(before.as_ref(), first.as_ref(), log)?;
        let (head, log) = walk.finish(tx, next.is_none().then_some(&newest)).await?;
        before = Some(head);
        sound.push(log);
    }
    let last = before.ok_or_else(|| tree(0, "er is geen logboek begonnen"))?;
    let of_others = kept.iter().find(|kept| !sound.iter().any(|log| log.naam == kept.checkpoint.origin));
    if let Some(Kept { checkpoint }) = of_others {
        return Err(VerifyError::OtherLogboek { kept: checkpoint.origin.clone(), found: last.naam });
    }
    let strays: i64 = sqlx::query_scalar(
        "SELECT (SELECT count(*) FROM checkpoints c WHERE NOT EXISTS (SELECT 1 FROM logboeken l WHERE l.nummer = c.logboek)) \
         + (SELECT count(*) FROM tegels t WHERE NOT EXISTS (SELECT 1 FROM logboeken l WHERE l.nummer = t.logboek)) \
         + (SELECT count(*) FROM logregels WHERE log_index < 0) + (SELECT abs(count(*) - 1) FROM logboek)",
    )
    .fetch_one(tx)
    .await?;
    if strays != 0 {
        return Err(tree(0, "er zijn regels, checkpoints, tegels of koppen van een logboek dat er niet is"));
    }
    Ok(sound)
}

/// The first regel of a logboek that follows another one.
async fn first_of(tx: &mut DbConnection, log: &Logboek) -> Result<Logregel, VerifyError> {
    let bad = |what: &str| VerifyError::Regel { index: log.eerste, what: what.to_owned() };
    let leaf: Option<Vec<u8>> = sqlx::query_scalar("SELECT regel FROM logregels WHERE log_index = $1")
        .bind(int(log.eerste))
        .fetch_optional(tx)
        .await?;
    let leaf = leaf.ok_or_else(|| bad("ontbreekt, en het is de eerste van een logboek"))?;
    Logregel::from_leaf(&leaf).map_err(|error| bad(&error.to_string()))
}

/// Whether the first regel of a logboek names the head with which the one before it was closed.
fn closes(before: Option<&Head>, first: Option<&Logregel>, log: &Logboek) -> Result<(), VerifyError> {
    let (Some(before), Some(first)) = (before, first) else { return Ok(()) };
    let bad = |what: &str| Err(VerifyError::Regel { index: log.eerste, what: what.to_owned() });
    if first.gesloten != Some(before.in_regel()) {
        return bad("noemt niet het hoofd waarmee het vorige logboek werd gesloten");
    }
    if first.soort != Soort::LogHersteld && log.eerste != before.next_index() {
        return bad("volgt niet op de laatste regel van het vorige logboek");
    }
    Ok(())
}

/// One logboek on the way.
struct Walk<'a> {
    key: VerifyKey,
    head: Head,
    tijd: Option<String>,
    checkpoints: u64,
    nota: String,
    /// The size of the last checkpoint that vouches for these regels.
    covered: u64,
    tiles: BTreeMap<(u8, u64), Vec<u8>>,
    /// Where it could not go on: the size for which a checkpoint vouches, and its head as the next logboek names it.
    vouched: Option<(u64, &'a str)>,
    /// What was kept of this logboek, by size.
    kept: BTreeMap<u64, Vec<&'a Checkpoint>>,
}

impl<'a> Walk<'a> {
    fn new(
        key: &VerifyKey,
        head: Head,
        closed_by: Option<&'a Logregel>,
        kept: &'a [Kept],
    ) -> Result<Self, VerifyError> {
        let restored = closed_by.filter(|first| first.soort == Soort::LogHersteld);
        let vouched = restored.and_then(|first| first.ondertekend.as_deref());
        let vouched = vouched.and_then(|head| Some((head.split(' ').nth(1)?.parse().ok()?, head)));
        let mut by_size: BTreeMap<u64, Vec<&Checkpoint>> = BTreeMap::new();
        for Kept { checkpoint } in kept.iter().filter(|kept| kept.checkpoint.origin == head.naam) {
            by_size.entry(checkpoint.size).or_default().push(checkpoint);
        }
        Ok(Self {
            key: key.named(&head.naam).map_err(|error| tree(0, error.to_string()))?,
            head,
            tijd: None,
            checkpoints: 0,
            nota: String::new(),
            covered: 0,
            tiles: BTreeMap::new(),
            vouched,
            kept: by_size,
        })
    }

    /// Whether a signed checkpoint must hold for the regels so far.
    fn is_vouched(&self) -> bool {
        self.vouched.is_none_or(|(size, _)| self.head.grootte() <= size)
    }

    /// Takes up the regels of this logboek, which end before `next`.
    async fn read(
        &mut self,
        tx: &mut DbConnection,
        next: Option<&Logboek>,
        (all, progress): (u64, Progress<'_>),
    ) -> Result<(), VerifyError> {
        let end = next.map_or(i64::MAX, |next| int(next.eerste));
        let mut from = self.head.next_index();
        loop {
            let size = self.head.grootte();
            let rows = sqlx::query(
                "SELECT log_index, regel, hash, bericht FROM logregels WHERE log_index >= $1 AND log_index < $2 \
                 ORDER BY log_index LIMIT $3",
            )
            .bind(int(from))
            .bind(end)
            .bind(int(PAGE))
            .fetch_all(&mut *tx)
            .await?;
            progress(from, all);
            let Some(last) = rows.last() else { return Ok(()) };
            from = uint(last.try_get("log_index")?) + 1;
            let mut notes = self.notes(tx, size, rows.len() as u64).await?.into_iter().peekable();
            for row in &rows {
                let before = self.tijd.clone();
                self.regel(row)?;
                // Each transaction has a checkpoint, and one moment: where time goes on, a transaction has ended.
                let ended = self.head.grootte() - 1;
                if self.is_vouched() && before.is_some() && before != self.tijd && self.covered != ended {
                    return Err(tree(ended, "het checkpoint ontbreekt"));
                }
                while let Some((_, note)) = notes.next_if(|(size, _)| *size == self.head.grootte()) {
                    self.checkpoint(note)?;
                }
                self.compare()?;
            }
        }
    }

    /// The checkpoints that were issued among the regels after `size`, each with its own size.
    async fn notes(&self, tx: &mut DbConnection, size: u64, regels: u64) -> Result<Vec<(u64, String)>, VerifyError> {
        let rows = sqlx::query(
            "SELECT grootte, nota FROM checkpoints WHERE logboek = $1 AND grootte > $2 AND grootte <= $3 ORDER BY grootte",
        )
        .bind(i64::from(self.head.nummer))
        .bind(int(size))
        .bind(int(size + regels))
        .fetch_all(tx)
        .await?;
        // Bytes that are no text are no note either, and fail as one.
        let note =
            |row: &DbRow| Ok((uint(row.try_get("grootte")?), row.try_get::<String, _>("nota").unwrap_or_default()));
        rows.iter().map(note).collect()
    }

    fn regel(&mut self, row: &DbRow) -> Result<(), VerifyError> {
        let index = uint(row.try_get("log_index")?);
        let (leaf, hash): (&[u8], &[u8]) = (row.try_get("regel")?, row.try_get("hash")?);
        let bericht: Option<&[u8]> = row.try_get("bericht")?;
        if !self.is_vouched_next() {
            self.found(leaf);
            return Ok(());
        }
        let wanted = self.head.next_index();
        let bad = |what: String| VerifyError::Regel { index: wanted, what };
        if index != wanted {
            return Err(bad(format!("ontbreekt; na {} volgt {index}", wanted.saturating_sub(1))));
        }
        let regel = check_leaf(leaf, self.tijd.as_deref()).map_err(|error| bad(error.to_string()))?;
        if hash != leaf_hash(leaf) {
            return Err(bad("de bewaarde hash hoort bij een andere regel".to_owned()));
        }
        let column = bericht.map(|bytes| bericht_id(bytes, "logregels")).transpose()?.map(|id| id.to_string());
        if column != regel.bericht {
            return Err(bad("de kolom bericht noemt een ander bericht dan de regel".to_owned()));
        }
        self.tijd = Some(regel.tijd);
        let tiles = &mut self.tiles;
        self.head.push(leaf, regel.soort, &mut |node: Node, hash: Hash| {
            if node.level.is_multiple_of(8) {
                let (niveau, nummer, _) = tile_of(node);
                tiles.entry((niveau, nummer)).or_default().extend_from_slice(&hash);
            }
        });
        Ok(())
    }

    /// Whether a signed checkpoint must hold for the next regel.
    fn is_vouched_next(&self) -> bool {
        self.vouched.is_none_or(|(size, _)| self.head.grootte() < size)
    }

    /// Takes up a regel as it was found when the logboek was closed: nothing vouches for it, and it can be anything.
    fn found(&mut self, leaf: &[u8]) {
        self.head.push(leaf, Soort::Onbekend, &mut |_, _| ());
    }

    fn checkpoint(&mut self, nota: String) -> Result<(), VerifyError> {
        let size = self.head.grootte();
        let signed = logboek::open(&nota, &self.key);
        if !self.is_vouched() {
            // What was found when it was closed is kept as it was.
            self.nota = nota;
            return Ok(());
        }
        let signed = signed
            .map_err(|error| tree(size, format!("het checkpoint is niet door dit logboek ondertekend: {error}")))?;
        if signed != self.head.checkpoint() {
            // What the checkpoint covers was changed after it was signed; which regel, its hash cannot tell.
            return Err(VerifyError::Regel {
                index: self.head.next_index() - 1,
                what: format!("het ondertekende checkpoint van grootte {} hoort bij andere regels", signed.size),
            });
        }
        self.checkpoints += 1;
        self.covered = size;
        self.nota = nota;
        Ok(())
    }

    /// Holds the tree as it stands to what was kept of this size.
    fn compare(&mut self) -> Result<(), VerifyError> {
        let size = self.head.grootte();
        if let Some((_, vouched)) = self.vouched.filter(|(vouched, _)| *vouched == size)
            && (self.head.in_regel() != vouched || self.covered != size)
        {
            return Err(tree(
                size,
                "het volgende logboek noemt een ander hoofd dan deze regels en dit checkpoint geven",
            ));
        }
        for kept in self.kept.remove(&size).into_iter().flatten() {
            if *kept != self.head.checkpoint() {
                return Err(VerifyError::Forked { kept: kept.line(), found: self.head.in_regel() });
            }
        }
        Ok(())
    }

    async fn finish(mut self, tx: &mut DbConnection, newest: Option<&Newest>) -> Result<(Head, SoundLog), VerifyError> {
        let size = self.head.grootte();
        self.kept.remove(&0);
        if let Some(kept) = self.kept.into_values().flatten().next_back() {
            return Err(VerifyError::Cut {
                index: self.head.next_index(),
                kept: kept.line(),
                found: self.head.in_regel(),
            });
        }
        if newest.is_some_and(|newest| newest.nota != self.nota || !newest.is_of(&self.head)) {
            return Err(VerifyError::Regel {
                index: self.head.next_index(),
                what: "de kop van het logboek noemt een ander checkpoint dan het laatste dat er staat".to_owned(),
            });
        }
        let nummer = i64::from(self.head.nummer);
        let beyond: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM checkpoints WHERE logboek = $1 AND (grootte > $2 OR grootte <= 0)",
        )
        .bind(nummer)
        .bind(int(size))
        .fetch_one(&mut *tx)
        .await?;
        let vouches = self.vouched.is_none();
        if vouches && (beyond > 0 || (size > 0 && self.nota.is_empty())) {
            return Err(tree(size, "er zijn checkpoints voor regels die er niet zijn, of geen enkel checkpoint"));
        }
        if vouches && size > 0 && logboek::open(&self.nota, &self.key).map(|newest| newest.size).ok() != Some(size) {
            return Err(tree(size, "het laatste checkpoint dekt niet alle regels"));
        }
        // The tiles of a logboek that could not go on stay as they were found.
        if vouches {
            tiles(tx, nummer, size, std::mem::take(&mut self.tiles)).await?;
        }
        let log = SoundLog {
            naam: self.head.naam.clone(),
            eerste: self.head.eerste,
            regels: size,
            checkpoints: self.checkpoints,
            nota: self.nota,
            vouched: self.vouched.map(|(vouched, _)| vouched),
        };
        Ok((self.head, log))
    }
}

/// Whether the tiles that stand there are these.
async fn tiles(
    tx: &mut DbConnection,
    nummer: i64,
    size: u64,
    mut computed: BTreeMap<(u8, u64), Vec<u8>>,
) -> Result<(), VerifyError> {
    let stored = sqlx::query("SELECT niveau, nummer, hashes FROM tegels WHERE logboek = $1 ORDER BY niveau, nummer")
        .bind(nummer)
        .fetch_all(&mut *tx)
        .await?;
    let tile = |row: &DbRow| Ok(((row.try_get("niveau")?, row.try_get("nummer")?), row.try_get("hashes")?));
    let stored = stored.iter().map(tile).collect::<Result<BTreeMap<(i64, i64), Vec<u8>>, sqlx::Error>>()?;
    // The last level-0 tile is stored once it is full.
    let full = usize::try_from(TILE_WIDTH).unwrap_or(usize::MAX) * size_of::<Hash>();
    computed.retain(|(niveau, _), hashes| *niveau > 0 || hashes.len() == full);
    let computed: BTreeMap<(i64, i64), Vec<u8>> =
        computed.into_iter().map(|((niveau, nummer), hashes)| ((i64::from(niveau), int(nummer)), hashes)).collect();
    if stored == computed { Ok(()) } else { Err(tree(size, "een tegel van de boom hoort bij andere regels")) }
}
