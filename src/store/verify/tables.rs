//! The second phase: what stands beside the logboek is held to its regels, which hold together by now.
//!
//! Each change of what is in force is held to its text, and each acceptance to what was in force then (`documenten`). Each row of the
//! postvak is held to the regels about it (`rows`).

use sqlx::Row;

use super::{
    documenten::TextsSoFar,
    error::VerifyError,
    log::{PAGE, SoundLog},
    rows::{Counted, PostvakRijen},
};
use crate::{
    logboek::Logregel,
    store::{
        DbConnection,
        values::{int, uint},
    },
};

/// Verifies the tables beside these logboeken.
pub(super) async fn verify(tx: &mut DbConnection, logboeken: &[SoundLog]) -> Result<(), VerifyError> {
    let mut in_force = TextsSoFar::load(tx).await?;
    let mut counted = Counted::default();
    let mut from = 0;
    loop {
        let rows = sqlx::query(
            "SELECT log_index, regel, bericht FROM logregels WHERE log_index >= $1 ORDER BY log_index LIMIT $2",
        )
        .bind(int(from))
        .bind(int(PAGE))
        .fetch_all(&mut *tx)
        .await?;
        let Some(last) = rows.last() else { break };
        from = uint(last.try_get("log_index")?) + 1;
        let postvak = PostvakRijen::load(tx, &rows).await?;
        for row in &rows {
            let index = uint(row.try_get("log_index")?);
            let bad = |what: String| VerifyError::Regel { index, what };
            let regel = Logregel::from_leaf(row.try_get("regel")?).map_err(|error| bad(error.to_string()))?;
            in_force.regel(tx, index, &regel, is_vouched(logboeken, index)).await?;
            counted.check(index, &regel, &postvak, in_force.oins())?;
        }
    }
    let size = logboeken.last().map_or(0, |log| log.eerste + log.regels);
    in_force.finish(tx, size).await?;
    counted.compare(tx, size).await
}

/// Whether a signed checkpoint vouches for the regel at this index.
fn is_vouched(logboeken: &[SoundLog], index: u64) -> bool {
    let log = logboeken.iter().rev().find(|log| log.eerste <= index);
    log.is_some_and(|log| log.vouched.is_none_or(|vouched| index < log.eerste + vouched))
}
