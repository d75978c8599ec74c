//! Documenten: what is and was in force. Kept for ever, so that anybody can see by which text a bericht was judged.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sqlx::Row;

use super::{DbRow, Outdated, Pool, StoreError, int, rij::Actor, uint, work::Work};
use crate::{
    domain::{Document, DocumentSoort, Geladen},
    logboek::{Logregel, Soort},
};

/// Puts documents in force and withdraws others: all of them together.
#[derive(Clone)]
pub struct Change {
    /// The version of what was in force when they were judged.
    pub basis: u64,
    /// Each of them.
    pub wijzigingen: Vec<Wijziging>,
    /// Who does it and why; nobody when the gateway enters its files at its very first start.
    pub actor: Option<Actor>,
}

/// What happens to one document.
#[derive(Clone, Debug)]
pub struct Wijziging {
    /// What it is.
    pub soort: DocumentSoort,
    /// Its name.
    pub naam: String,
    /// Hash and text that come in force; `None` withdraws it.
    pub nieuw: Option<(String, String)>,
    /// Hash of what was in force.
    pub oud: Option<String>,
}

/// A change that was made.
#[derive(Debug)]
pub struct Changed {
    /// The new version.
    pub versie: u64,
    /// Index and bytes of the regel of each wijziging, in order.
    pub regels: Vec<(u64, Vec<u8>)>,
}

/// The version of what is in force now; 0 before anything was.
///
/// # Errors
/// [`StoreError::Database`].
pub async fn newest_versie(read: &Pool) -> Result<u64, StoreError> {
    let versie: Option<i64> =
        sqlx::query_scalar("SELECT versie FROM logboek WHERE id = 1").fetch_optional(read).await?;
    Ok(uint(versie.unwrap_or(0)))
}

/// What is in force, by kind and name, and its version.
///
/// # Errors
/// [`StoreError`] when it cannot be read.
pub async fn in_force(read: &Pool) -> Result<(u64, Vec<Document>), StoreError> {
    // One statement, so that version and documents are of one moment.
    let rows = sqlx::query(
        "SELECT d.soort, d.naam, d.hash, d.tekst, (SELECT versie FROM logboek WHERE id = 1) AS newest FROM documenten d \
         WHERE d.tekst IS NOT NULL AND NOT EXISTS \
         (SELECT 1 FROM documenten n WHERE n.soort = d.soort AND n.naam = d.naam AND n.log_index > d.log_index) \
         ORDER BY d.soort, d.naam",
    )
    .fetch_all(read)
    .await?;
    let document = |row: &DbRow| {
        let naam: String = row.try_get("naam")?;
        let soort: &str = row.try_get("soort")?;
        let soort = soort.parse().map_err(|()| StoreError::inconsistent("documenten", "soort", &naam))?;
        Ok(Document { soort, naam, hash: row.try_get("hash")?, tekst: row.try_get("tekst")? })
    };
    let documenten = rows.iter().map(document).collect::<Result<_, StoreError>>()?;
    let versie = rows.first().map(|row| row.try_get::<i64, _>("newest")).transpose()?;
    Ok((versie.map_or(0, uint), documenten))
}

/// When each version of a convenant was loaded since it was last withdrawn, oldest first, by name, as of `versie`. Rows are only
/// added, so that this goes with what was in force in that version, whenever it is read.
///
/// # Errors
/// [`StoreError`] when it cannot be read.
pub async fn history(read: &Pool, versie: u64) -> Result<BTreeMap<String, Vec<Geladen>>, StoreError> {
    let rows = sqlx::query(
        "SELECT log_index, naam, tijd, hash FROM documenten WHERE soort = $1 AND versie <= $2 ORDER BY log_index",
    )
    .bind(DocumentSoort::Convenant.as_str())
    .bind(int(versie))
    .fetch_all(read)
    .await?;
    let mut history: BTreeMap<String, Vec<Geladen>> = BTreeMap::new();
    for row in rows {
        let naam: String = row.try_get("naam")?;
        if row.try_get::<Option<&str>, _>("hash")?.is_none() {
            history.remove(&naam);
            continue;
        }
        let tijd = Timestamp::from_microsecond(row.try_get("tijd")?);
        let tijd = tijd.map_err(|_| StoreError::inconsistent("documenten", "tijd", &naam))?;
        let log_index = uint(row.try_get("log_index")?);
        history.entry(naam).or_default().push(Geladen { tijd, log_index });
    }
    Ok(history)
}

/// The text that was put in force by this logregel.
///
/// # Errors
/// [`StoreError`] when it cannot be read.
pub async fn tekst(read: &Pool, log_index: u64) -> Result<String, StoreError> {
    let tekst: Option<String> = sqlx::query_scalar("SELECT tekst FROM documenten WHERE log_index = $1")
        .bind(int(log_index))
        .fetch_one(read)
        .await?;
    tekst.ok_or_else(|| StoreError::inconsistent("documenten", "tekst", log_index))
}

/// Every text with deelnemers that ever was in force, oldest first.
///
/// # Errors
/// [`StoreError::Database`].
pub async fn all_deelnemers(read: &Pool) -> Result<Vec<String>, StoreError> {
    let texts = sqlx::query_scalar("SELECT tekst FROM documenten WHERE soort = $1 ORDER BY log_index")
        .bind(DocumentSoort::Deelnemers.as_str())
        .fetch_all(read)
        .await?;
    Ok(texts)
}

/// Writes a change, unless what is in force changed since it was judged.
pub(super) async fn change(work: &mut Work<'_>, change: &Change) -> Result<Result<Changed, Outdated>, StoreError> {
    if change.basis != work.log.versie() {
        return Ok(Err(Outdated));
    }
    let next = work.log.versie() + 1;
    let mut regels = Vec::with_capacity(change.wijzigingen.len());
    for wijziging in &change.wijzigingen {
        let (log_index, leaf) = match &change.actor {
            Some(actor) => actor.log(&mut work.log, None, regel(Some(actor), wijziging))?,
            None => work.log.append(None, regel(None, wijziging))?,
        };
        let (hash, tekst) = wijziging.nieuw.as_ref().map(|(hash, tekst)| (hash, tekst)).unzip();
        sqlx::query(
            "INSERT INTO documenten (log_index, versie, soort, naam, tijd, hash, tekst) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(int(log_index))
        .bind(int(next))
        .bind(wijziging.soort.as_str())
        .bind(&wijziging.naam)
        .bind(work.log.micros())
        .bind(hash)
        .bind(tekst)
        .execute(work.database().await?)
        .await?;
        regels.push((log_index, leaf));
    }
    work.log.set_versie(next);
    Ok(Ok(Changed { versie: next, regels }))
}

/// The regel of one wijziging. `convenant` and `convenant_oud` are hashes of documents of either kind.
fn regel(actor: Option<&Actor>, wijziging: &Wijziging) -> Logregel {
    let soort = match wijziging.soort {
        DocumentSoort::Deelnemers => Soort::PartnerGewijzigd,
        DocumentSoort::Convenant => Soort::ConvenantGewijzigd,
    };
    Logregel {
        convenant: wijziging.nieuw.as_ref().map(|(hash, _)| hash.clone()),
        convenant_oud: wijziging.oud.clone(),
        ..actor.map_or_else(|| Logregel::new(String::new(), soort), |actor| actor.regel(soort))
    }
}
