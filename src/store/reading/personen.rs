//! Finding berichten by the people they are about.

use std::collections::BTreeSet;

use crate::{
    domain::{BerichtId, Kenmerk},
    store::{Pool, StoreError, postvak::pseudoniemen::recognised, values::bericht_id},
};

/// Every bericht about this person, oldest first.
///
/// # Errors
/// [`StoreError`] when they cannot be read.
pub async fn berichten_over(read: &Pool, wanted: &[(Kenmerk, [u8; 32])]) -> Result<Vec<BerichtId>, StoreError> {
    let mut connection = read.acquire().await?;
    let mut berichten = BTreeSet::new();
    for (_, pseudoniem) in wanted {
        let ids: Vec<Vec<u8>> = sqlx::query_scalar("SELECT bericht FROM pseudoniemen WHERE pseudoniem = $1")
            .bind(pseudoniem.as_slice())
            .fetch_all(&mut *connection)
            .await?;
        for id in ids {
            berichten.insert(bericht_id(&id, "pseudoniemen")?);
        }
    }
    let berichten: Vec<BerichtId> = berichten.into_iter().collect();
    Ok(recognised(&mut connection, &berichten, wanted).await?.into_keys().collect())
}
