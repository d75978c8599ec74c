//! Finding berichten by the people they are about.

use sqlx::Row;

use crate::{
    domain::{BerichtId, Kenmerk},
    store::{
        Pool, StoreError,
        database::rows::{Column, Rows, fetch},
        postvak::pseudoniemen::recognised,
        values::bericht_id,
    },
};

/// Every bericht about this person, oldest first. Looks through all that is kept of people.
///
/// # Errors
/// [`StoreError`] when they cannot be read.
pub async fn berichten_over(read: &Pool, wanted: &[(Kenmerk, [u8; 32])]) -> Result<Vec<BerichtId>, StoreError> {
    let mut connection = read.acquire().await?;
    let marks = Rows::of(&[Column::Bytes("pseudoniem")], wanted, |(_, pseudoniem)| [pseudoniem.as_slice().into()]);
    let sql =
        "SELECT DISTINCT bericht FROM pseudoniemen WHERE pseudoniem IN (SELECT v.pseudoniem FROM {v}) ORDER BY bericht";
    let found = fetch(&mut connection, sql, marks).await?;
    let berichten = found.iter().map(|row| bericht_id(row.try_get("bericht")?, "pseudoniemen"));
    let berichten: Vec<BerichtId> = berichten.collect::<Result<_, StoreError>>()?;
    Ok(recognised(&mut connection, &berichten, wanted).await?.into_keys().collect())
}
