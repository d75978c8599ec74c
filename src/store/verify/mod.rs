//! Verifying the logboek: recomputed from the database, with documents, berichten and their rows held to it. Counters, pseudonyms and
//! salts are not looked at.
//!
//! Leaves are read once, in order, in one read transaction beside a running gateway. Of each regel are checked: numbering, form,
//! time and hash; and of the tree every tile, every checkpoint that was ever issued with its signature, and the head. Each change
//! of what is in force is held to its text, and each acceptance to what was in force then (`documenten`). Each row of the postvak
//! is held to the regels about it (`rows`). Content is opened apart ([`inhoud`]).

mod documenten;
mod error;
pub mod inhoud;
mod rows;

use std::collections::{BTreeMap, BTreeSet};

use sqlx::Row;

pub use self::error::VerifyError;
use self::{
    documenten::TextsSoFar,
    error::tree,
    rows::{Counted, PostvakRijen},
};
use crate::{
    domain::{Oin, PartnerNaam},
    logboek::{self, Hash, Head, Logregel, Node, TILE_WIDTH, VerifyKey, check_leaf, leaf_hash, tile_of},
    store::{
        DbConnection, DbRow, Pool, Progress,
        database::dialect::snapshot,
        ledger::follow::Newest,
        values::{bericht_id, int, uint},
    },
};

/// The logboek holds together.
#[derive(Clone, Debug)]
pub struct Sound {
    /// Number of regels.
    pub regels: u64,
    /// Number of checkpoints.
    pub checkpoints: u64,
    /// The newest checkpoint, a signed note.
    pub nota: String,
}

/// Regels read at once.
const PAGE: u64 = 1024;

/// Verifies all of it. `oins` says which OIN is or was whose; `progress` hears of regels.
///
/// # Errors
/// [`VerifyError`] naming the first bad index.
pub async fn verify(
    read: &Pool,
    naam: &str,
    key: &VerifyKey,
    oins: &BTreeMap<PartnerNaam, BTreeSet<Oin>>,
    progress: Progress<'_>,
) -> Result<Sound, VerifyError> {
    let mut connection = read.acquire().await?;
    let mut tx = snapshot(&mut connection).await?;
    let newest = Newest::load(&mut tx).await?.ok_or_else(|| tree(0, "er is geen logboek begonnen"))?;
    if newest.naam != naam {
        return Err(tree(0, format!("de database hoort bij logboek {}", newest.naam)));
    }
    let all: i64 = sqlx::query_scalar("SELECT count(*) FROM logregels").fetch_one(&mut *tx).await?;
    let mut walk = Walk::new(key, Head::new(naam, 1, 0));
    let mut in_force = TextsSoFar::default();
    let mut nota = String::new();
    loop {
        let size = walk.head.grootte();
        let rows = sqlx::query(
            "SELECT log_index, regel, hash, bericht FROM logregels WHERE log_index >= $1 ORDER BY log_index LIMIT $2",
        )
        .bind(int(size))
        .bind(int(PAGE))
        .fetch_all(&mut *tx)
        .await?;
        progress(size, uint(all));
        if rows.is_empty() {
            break;
        }
        let mut notes = notes(&mut tx, size, rows.len() as u64).await?.into_iter().peekable();
        let postvak = PostvakRijen::load(&mut tx, &rows).await?;
        for row in &rows {
            let regel = walk.regel(row)?;
            let index = walk.head.next_index() - 1;
            in_force.regel(&mut tx, index, &regel).await?;
            walk.counted.check(index, &regel, &postvak, oins)?;
            while let Some((_, note)) = notes.next_if(|(size, _)| *size == walk.head.grootte()) {
                walk.checkpoint(&note)?;
                nota = note;
            }
        }
    }
    walk.finish(&mut tx, &newest, &nota).await?;
    in_force.finish(&mut tx, walk.head.grootte()).await?;
    Ok(Sound { regels: walk.head.grootte(), checkpoints: walk.checkpoints, nota })
}

/// The checkpoints that were issued among the regels after `size`, each with its own size.
async fn notes(tx: &mut DbConnection, size: u64, regels: u64) -> Result<Vec<(u64, String)>, VerifyError> {
    let rows =
        sqlx::query("SELECT grootte, nota FROM checkpoints WHERE grootte > $1 AND grootte <= $2 ORDER BY grootte")
            .bind(int(size))
            .bind(int(size + regels))
            .fetch_all(tx)
            .await?;
    // Bytes that are no text are no note either, and fail as one.
    let note = |row: &DbRow| Ok((uint(row.try_get("grootte")?), row.try_get::<String, _>("nota").unwrap_or_default()));
    rows.iter().map(note).collect()
}

struct Walk<'a> {
    key: &'a VerifyKey,
    head: Head,
    tijd: Option<String>,
    checkpoints: u64,
    /// What the regels say of the rows, to be compared with their number.
    counted: Counted,
    tiles: BTreeMap<(u8, u64), Vec<u8>>,
}

impl<'a> Walk<'a> {
    fn new(key: &'a VerifyKey, head: Head) -> Self {
        Self { key, head, tijd: None, checkpoints: 0, counted: Counted::default(), tiles: BTreeMap::new() }
    }

    fn regel(&mut self, row: &DbRow) -> Result<Logregel, VerifyError> {
        let index = uint(row.try_get("log_index")?);
        let (leaf, hash): (&[u8], &[u8]) = (row.try_get("regel")?, row.try_get("hash")?);
        let bericht: Option<&[u8]> = row.try_get("bericht")?;
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
        self.tijd = Some(regel.tijd.clone());
        let tiles = &mut self.tiles;
        self.head.push(leaf, regel.soort, &mut |node: Node, hash: Hash| {
            if node.level.is_multiple_of(8) {
                let (niveau, nummer, _) = tile_of(node);
                tiles.entry((niveau, nummer)).or_default().extend_from_slice(&hash);
            }
        });
        Ok(regel)
    }

    fn checkpoint(&mut self, nota: &str) -> Result<(), VerifyError> {
        let size = self.head.grootte();
        let checkpoint = logboek::open(nota, self.key)
            .map_err(|error| tree(size, format!("het checkpoint is niet door dit logboek ondertekend: {error}")))?;
        if checkpoint != self.head.checkpoint() {
            // What the checkpoint covers was changed after it was signed; which regel, its hash cannot tell.
            return Err(VerifyError::Regel {
                index: size - 1,
                what: format!("het ondertekende checkpoint van grootte {} hoort bij andere regels", checkpoint.size),
            });
        }
        self.checkpoints += 1;
        Ok(())
    }

    async fn finish(&mut self, tx: &mut DbConnection, newest: &Newest, nota: &str) -> Result<(), VerifyError> {
        let size = self.head.grootte();
        if newest.nota != nota {
            return Err(VerifyError::Regel {
                index: self.head.next_index(),
                what: "de kop van het logboek noemt een ander checkpoint dan het laatste dat er staat".to_owned(),
            });
        }
        let beyond: i64 = sqlx::query_scalar("SELECT count(*) FROM checkpoints WHERE grootte > $1 OR grootte <= 0")
            .bind(int(size))
            .fetch_one(&mut *tx)
            .await?;
        if beyond > 0 || (size > 0 && nota.is_empty()) {
            return Err(tree(size, "er zijn checkpoints voor regels die er niet zijn, of geen enkel checkpoint"));
        }
        if size > 0 && logboek::open(nota, self.key).map(|newest| newest.size).ok() != Some(size) {
            return Err(tree(size, "het laatste checkpoint dekt niet alle regels"));
        }
        let stored = sqlx::query("SELECT niveau, nummer, hashes FROM tegels ORDER BY niveau, nummer")
            .fetch_all(&mut *tx)
            .await?;
        let tile = |row: &DbRow| {
            let niveau = u8::try_from(row.try_get::<i64, _>("niveau")?).unwrap_or(u8::MAX);
            Ok(((niveau, uint(row.try_get("nummer")?)), row.try_get("hashes")?))
        };
        let stored = stored.iter().map(tile).collect::<Result<BTreeMap<(u8, u64), Vec<u8>>, sqlx::Error>>()?;
        // The last level-0 tile is stored once it is full.
        let full = usize::try_from(TILE_WIDTH).unwrap_or(usize::MAX) * size_of::<Hash>();
        self.tiles.retain(|(niveau, _), hashes| *niveau > 0 || hashes.len() == full);
        if stored != self.tiles {
            return Err(tree(size, "een tegel van de boom hoort bij andere regels"));
        }
        self.counted.compare(tx, size).await
    }
}
