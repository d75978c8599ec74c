//! Documenten: what is and was in force. Kept for ever, so that anybody can see by which text a bericht was judged.

use std::collections::BTreeMap;

use sqlx::Row;

use crate::{
    domain::{Document, DocumentSoort, Geladen},
    store::{
        DbRow, Pool, StoreError,
        values::{int, moment, uint},
    },
};

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

/// When each text of a convenant was loaded since it was last withdrawn, oldest first, by name, as of what is in force at `versie`.
/// Rows are only added, so that the answer for a `versie` is always the same.
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
        let tijd = moment(row.try_get("tijd")?);
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
