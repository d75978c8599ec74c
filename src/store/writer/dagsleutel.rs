//! The wrapped key of a day, in a row.

use jiff::civil::Date;

use crate::store::{StoreError, postvak::work::Work};

/// Adds the key of a day, unless there is one.
pub(super) async fn add(work: &mut Work<'_>, day: Date, wrapped: &str) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO dagsleutels (dag, sleutel) VALUES ($1, $2) ON CONFLICT (dag) DO NOTHING")
        .bind(day.to_string())
        .bind(wrapped)
        .execute(work.database().await?)
        .await?;
    Ok(())
}
