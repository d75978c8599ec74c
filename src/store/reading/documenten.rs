//! Documenten: what is and was in force. Kept for ever, so that anybody can see by which text a bericht was judged.
//!
//! A row says nothing by itself: it counts with the regel of its index, which names the document and carries its hash. Whether that
//! regel stands in the logboek, and no other change does, is known by [`Teksten`], which the head of the logboek has too.

use std::collections::BTreeMap;

use sqlx::Row;

use crate::{
    domain::{Document, DocumentSoort, Geladen},
    logboek::{Logregel, Soort, Teksten, leaf_hash, sha256_hex, tijd},
    store::{
        DbRow, Pool, StoreError,
        values::{int, moment, uint},
    },
};

/// The texts that are in force by the rows of a database, each held to its regel.
pub struct Texts {
    /// What those regels are. The rows count only where the head of the logboek says the same.
    pub teksten: Teksten,
    /// What is in force, by kind and name.
    pub in_force: Vec<Document>,
    /// Each text of a convenant since it was last withdrawn, oldest first, by name.
    pub history: BTreeMap<String, Vec<Loaded>>,
}

/// A text of a convenant: when it was loaded, and its hash.
#[derive(Clone)]
pub struct Loaded {
    /// When.
    pub geladen: Geladen,
    /// SHA-256 of the text, lowercase hexadecimal.
    pub hash: String,
}

/// The version of what is in force by the rows, each for what it says; 0 before anything was.
///
/// # Errors
/// [`StoreError::Database`].
pub async fn newest_versie(read: &Pool) -> Result<u64, StoreError> {
    let versie: i64 =
        sqlx::query_scalar("SELECT coalesce(max(log_index), -1) + 1 FROM documenten").fetch_one(read).await?;
    Ok(uint(versie))
}

/// Reads what is in force, and holds each row to its regel.
///
/// # Errors
/// [`StoreError::Unproven`] where a row has no such regel.
pub async fn texts(read: &Pool) -> Result<Texts, StoreError> {
    // One statement, so that all of it is of one moment. Only texts in force are read.
    let rows = sqlx::query(
        "SELECT d.log_index, d.soort, d.naam, d.tijd, d.hash, r.regel, CASE WHEN d.log_index = \
         (SELECT max(n.log_index) FROM documenten n WHERE n.soort = d.soort AND n.naam = d.naam) THEN d.tekst END AS tekst \
         FROM documenten d LEFT JOIN logregels r ON r.log_index = d.log_index ORDER BY d.log_index",
    )
    .fetch_all(read)
    .await?;
    let mut teksten = Teksten::default();
    let mut in_force: BTreeMap<(DocumentSoort, String), Document> = BTreeMap::new();
    let mut history: BTreeMap<String, Vec<Loaded>> = BTreeMap::new();
    for row in &rows {
        let Text { soort, naam, geladen, hash, tekst } = Text::read(row, &mut teksten)?;
        match (&hash, soort) {
            (Some(hash), DocumentSoort::Convenant) => {
                history.entry(naam.clone()).or_default().push(Loaded { geladen, hash: hash.clone() });
            }
            (None, DocumentSoort::Convenant) => drop(history.remove(&naam)),
            (_, DocumentSoort::Deelnemers) => {}
        }
        if let Some((hash, tekst)) = hash.zip(tekst) {
            if sha256_hex(tekst.as_bytes()) != hash {
                return Err(unproven(geladen.log_index, "de tekst is een andere dan die van de regel"));
            }
            in_force.insert((soort, naam.clone()), Document { soort, naam, hash, tekst });
        }
    }
    Ok(Texts { teksten, in_force: in_force.into_values().collect(), history })
}

/// A row, with what its regel says of it too.
struct Text {
    soort: DocumentSoort,
    naam: String,
    geladen: Geladen,
    hash: Option<String>,
    /// Only of what is in force.
    tekst: Option<String>,
}

impl Text {
    /// Reads a row, holds it to its regel, and takes that regel up in `teksten`.
    fn read(row: &DbRow, teksten: &mut Teksten) -> Result<Self, StoreError> {
        let log_index = uint(row.try_get("log_index")?);
        let naam: String = row.try_get("naam")?;
        let soort: DocumentSoort = row
            .try_get::<&str, _>("soort")?
            .parse()
            .map_err(|()| StoreError::inconsistent("documenten", "soort", log_index))?;
        let geladen = Geladen { tijd: moment(row.try_get("tijd")?), log_index };
        let hash: Option<String> = row.try_get("hash")?;
        let leaf: Option<&[u8]> = row.try_get("regel")?;
        let regel = leaf.and_then(|leaf| Some((leaf, Logregel::from_leaf(leaf).ok()?)));
        let (leaf, regel) = regel.ok_or_else(|| unproven(log_index, "er is geen regel die dit vastlegde"))?;
        let said = match soort {
            DocumentSoort::Deelnemers => Soort::PartnerGewijzigd,
            DocumentSoort::Convenant => Soort::ConvenantGewijzigd,
        };
        let same = regel.soort == said
            && regel.document == Some(soort.in_logboek(&naam))
            && regel.convenant == hash
            && regel.tijd == tijd(geladen.tijd);
        if !same {
            return Err(unproven(log_index, "de regel zegt iets anders"));
        }
        teksten.take(log_index, regel.soort, &leaf_hash(leaf));
        Ok(Self { soort, naam, geladen, hash, tekst: row.try_get("tekst")? })
    }
}

pub(super) fn unproven(log_index: u64, why: &str) -> StoreError {
    StoreError::Unproven { log_index, why: why.to_owned() }
}

/// The text that was put in force by this regel, if it has this hash.
///
/// # Errors
/// [`StoreError`] when it cannot be read or is another text.
pub async fn tekst(
    read: &Pool,
    Loaded { geladen: Geladen { log_index, .. }, hash }: &Loaded,
) -> Result<String, StoreError> {
    let tekst: Option<String> = sqlx::query_scalar("SELECT tekst FROM documenten WHERE log_index = $1")
        .bind(int(*log_index))
        .fetch_one(read)
        .await?;
    tekst
        .filter(|tekst| sha256_hex(tekst.as_bytes()) == *hash)
        .ok_or_else(|| unproven(*log_index, "de tekst is een andere dan die van de regel"))
}

/// The hashes of every text that a convenant of this name ever had.
///
/// # Errors
/// [`StoreError::Database`].
pub async fn hashes_of(read: &Pool, convenant: &str) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT hash FROM documenten WHERE soort = $1 AND naam = $2 AND hash IS NOT NULL ORDER BY log_index";
    let hashes = sqlx::query_scalar(sql).bind(DocumentSoort::Convenant.as_str()).bind(convenant).fetch_all(read);
    Ok(hashes.await?)
}

/// A text that a convenant of this hash had, if there ever was one.
///
/// # Errors
/// [`StoreError::Database`].
pub async fn of_hash(read: &Pool, hash: &str) -> Result<Option<String>, StoreError> {
    let tekst =
        sqlx::query_scalar("SELECT tekst FROM documenten WHERE hash = $1 ORDER BY log_index LIMIT 1").bind(hash);
    Ok(tekst.fetch_optional(read).await?.flatten())
}

/// A change of one document: its regel.
pub struct Change {
    /// Its index.
    pub log_index: u64,
    /// The regel.
    pub regel: Logregel,
    /// What it is.
    pub soort: DocumentSoort,
    /// Its name.
    pub naam: String,
}

/// The changes of one document, or of all, the newest first; at most so many.
///
/// # Errors
/// [`StoreError::Unproven`] where a row has no such regel.
pub async fn changes(read: &Pool, naam: Option<&str>, most: u32) -> Result<Vec<Change>, StoreError> {
    let rows = sqlx::query(
        "SELECT d.log_index, d.soort, d.naam, r.regel FROM documenten d LEFT JOIN logregels r ON r.log_index = d.log_index \
         WHERE d.naam = $1 OR $1 = '' ORDER BY d.log_index DESC LIMIT $2",
    );
    let change = |row: &DbRow| {
        let log_index = uint(row.try_get("log_index")?);
        let leaf: Option<&[u8]> = row.try_get("regel")?;
        let regel = leaf.and_then(|leaf| Logregel::from_leaf(leaf).ok());
        let soort = row.try_get::<&str, _>("soort")?.parse();
        Ok(Change {
            log_index,
            regel: regel.ok_or_else(|| unproven(log_index, "er is geen regel die dit vastlegde"))?,
            soort: soort.map_err(|()| StoreError::inconsistent("documenten", "soort", log_index))?,
            naam: row.try_get("naam")?,
        })
    };
    let rows = rows.bind(naam.unwrap_or_default()).bind(i64::from(most)).fetch_all(read).await?;
    rows.iter().map(change).collect()
}

/// What was in force right before this index of the logboek: all texts with when they were loaded, whatever they are worth now.
///
/// # Errors
/// [`StoreError`] when it cannot be read.
pub async fn before(read: &Pool, log_index: u64) -> Result<Vec<(Geladen, String)>, StoreError> {
    let sql = "SELECT d.log_index, d.tijd, d.tekst FROM documenten d WHERE d.log_index = (SELECT max(n.log_index) FROM documenten n \
               WHERE n.soort = d.soort AND n.naam = d.naam AND n.log_index < $1) AND d.tekst IS NOT NULL ORDER BY d.log_index";
    let text = |row: &DbRow| {
        let geladen = Geladen { tijd: moment(row.try_get("tijd")?), log_index: uint(row.try_get("log_index")?) };
        Ok((geladen, row.try_get("tekst")?))
    };
    sqlx::query(sql).bind(int(log_index)).fetch_all(read).await?.iter().map(text).collect()
}

/// Every text with deelnemers that ever was in force, oldest first, with the index of the regel that put it in force.
///
/// # Errors
/// [`StoreError::Database`].
pub async fn all_deelnemers(read: &Pool) -> Result<Vec<(u64, String)>, StoreError> {
    let texts: Vec<(i64, String)> =
        sqlx::query_as("SELECT log_index, tekst FROM documenten WHERE soort = $1 ORDER BY log_index")
            .bind(DocumentSoort::Deelnemers.as_str())
            .fetch_all(read)
            .await?;
    Ok(texts.into_iter().map(|(log_index, tekst)| (uint(log_index), tekst)).collect())
}
