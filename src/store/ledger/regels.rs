//! Reading the logboek: its name, its last moment, its regels.

use std::collections::HashMap;

use jiff::Timestamp;
use sqlx::Row;

use crate::{
    domain::BerichtId,
    logboek::Logregel,
    store::{
        DbConnection, DbRow, Pool, StoreError,
        database::rows::{Column, Rows, fetch},
        values::{int, uint},
    },
};

/// The name of the logboek in a database, if one was begun.
///
/// # Errors
/// [`StoreError::Database`].
pub async fn logboek_naam(read: &Pool) -> Result<Option<String>, StoreError> {
    Ok(sqlx::query_scalar("SELECT naam FROM logboek WHERE id = 1").fetch_optional(read).await?)
}

/// The logboek that follows the one with this name: its name, and the index of its first regel. Nothing where none does.
///
/// # Errors
/// [`StoreError::Database`].
pub async fn next_logboek(read: &Pool, naam: &str) -> Result<Option<(String, u64)>, StoreError> {
    let next: Option<(String, i64)> = sqlx::query_as(
        "SELECT v.naam, v.eerste FROM logboeken l JOIN logboeken v ON v.nummer > l.nummer WHERE l.naam = $1 \
         ORDER BY v.nummer LIMIT 1",
    )
    .bind(naam)
    .fetch_optional(read)
    .await?;
    Ok(next.map(|(naam, eerste)| (naam, uint(eerste))))
}

/// How many regels there are, of all logboeken together.
///
/// # Errors
/// [`StoreError::Database`].
pub async fn regel_count(read: &Pool) -> Result<u64, StoreError> {
    let last: Option<i64> = sqlx::query_scalar("SELECT max(log_index) FROM logregels").fetch_one(read).await?;
    Ok(last.map_or(0, |last| uint(last) + 1))
}

/// When the last regel was written, if there is one: by the regel itself.
///
/// # Errors
/// [`StoreError`] when it cannot be read.
pub async fn last_moment(read: &Pool) -> Result<Option<Timestamp>, StoreError> {
    let last: Option<(i64, Vec<u8>)> =
        sqlx::query_as("SELECT log_index, regel FROM logregels ORDER BY log_index DESC LIMIT 1")
            .fetch_optional(read)
            .await?;
    let Some((index, leaf)) = last else { return Ok(None) };
    let moment = Logregel::from_leaf(&leaf).ok().and_then(|regel| regel.tijd.parse().ok());
    moment.map(Some).ok_or_else(|| StoreError::inconsistent("logregels", "regel", index))
}

/// Regels from `from` on, at most `most`, with their index.
///
/// # Errors
/// [`StoreError`] when they cannot be read.
pub async fn regels(read: &Pool, from: u64, most: u32) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
    let rows = sqlx::query("SELECT log_index, regel FROM logregels WHERE log_index >= $1 ORDER BY log_index LIMIT $2")
        .bind(int(from))
        .bind(i64::from(most))
        .fetch_all(read)
        .await?;
    indexed(&rows)
}

/// The index of the first regel that was written at or after this moment, or the one after the last. `tijd` never runs back.
///
/// # Errors
/// [`StoreError`] when a regel on the way cannot be read.
pub async fn index_at(read: &Pool, moment: Timestamp) -> Result<u64, StoreError> {
    let (mut from, mut to) = (0, regel_count(read).await?);
    while from < to {
        let middle = from + (to - from) / 2;
        let leaf = regel(read, middle).await?;
        let tijd = leaf.and_then(|leaf| Logregel::from_leaf(&leaf).ok()?.tijd.parse::<Timestamp>().ok());
        match tijd {
            Some(tijd) if tijd < moment => from = middle + 1,
            Some(_) => to = middle,
            None => return Err(StoreError::inconsistent("logregels", "regel", middle)),
        }
    }
    Ok(from)
}

/// Regels by their indexes, in the order of these. What is not there is left out.
///
/// # Errors
/// [`StoreError`] when they cannot be read.
pub async fn regels_at(read: &Pool, indexes: &[u64]) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
    let rows = Rows::of(&[Column::Int("log_index")], indexes, |index| [int(*index).into()]);
    let sql = "SELECT r.log_index, r.regel FROM {v} JOIN logregels r ON r.log_index = v.log_index";
    let found = fetch(&mut *read.acquire().await?, sql, rows).await?;
    let mut found: HashMap<u64, Vec<u8>> = indexed(&found)?.into_iter().collect();
    Ok(indexes.iter().filter_map(|index| Some((*index, found.remove(index)?))).collect())
}

/// One regel, if it is there.
///
/// # Errors
/// [`StoreError`] when it cannot be read.
pub async fn regel(read: &Pool, log_index: u64) -> Result<Option<Vec<u8>>, StoreError> {
    // Whoever asks may name any number.
    let Ok(log_index) = i64::try_from(log_index) else { return Ok(None) };
    let leaf = sqlx::query_scalar("SELECT regel FROM logregels WHERE log_index = $1").bind(log_index);
    Ok(leaf.fetch_optional(read).await?)
}

/// Regels of one bericht from `from` on, oldest first, at most `most`.
///
/// # Errors
/// [`StoreError`] when they cannot be read.
pub async fn timeline(
    connection: &mut DbConnection,
    bericht: BerichtId,
    from: u64,
    most: u32,
) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
    let rows = sqlx::query(
        "SELECT log_index, regel FROM logregels WHERE bericht = $1 AND log_index >= $2 ORDER BY log_index LIMIT $3",
    )
    .bind(bericht.0.as_bytes().as_slice())
    .bind(int(from))
    .bind(i64::from(most))
    .fetch_all(connection)
    .await?;
    indexed(&rows)
}

fn indexed(rows: &[DbRow]) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
    rows.iter().map(|row| Ok((uint(row.try_get("log_index")?), row.try_get("regel")?))).collect()
}
