//! What no checkpoint vouches for: the regels at the end of a logboek that was closed as damaged, and the indexes that were lost with
//! it. They say nothing, so nothing that they touched can be held to the regels.

use std::{collections::HashSet, ops::Range};

use sqlx::Row;

use super::{
    error::VerifyError,
    log::{PAGE, SoundLog},
};
use crate::{
    domain::BerichtId,
    logboek::Logregel,
    store::{
        DbConnection, DbRow,
        values::{bericht_id, int, uint},
    },
};

/// Regels that say nothing, and the berichten that they touched.
pub(super) struct Onverantwoord {
    ranges: Vec<Range<u64>>,
    berichten: HashSet<BerichtId>,
}

impl Onverantwoord {
    /// Of these logboeken, the oldest first.
    pub(super) async fn load(tx: &mut DbConnection, logboeken: &[SoundLog]) -> Result<Self, VerifyError> {
        let between = |two: &[SoundLog]| {
            let vouched = two[0].vouched.unwrap_or(two[0].regels);
            two[0].eerste + vouched..two[1].eerste
        };
        let ranges = logboeken.windows(2).map(between).filter(|range| !range.is_empty()).collect::<Vec<_>>();
        let mut berichten = HashSet::new();
        for range in &ranges {
            rows(tx, range, &mut berichten).await?;
            regels(tx, range, &mut berichten).await?;
        }
        Ok(Self { ranges, berichten })
    }

    /// Whether no checkpoint vouches for the regel at this index.
    pub(super) fn covers(&self, index: u64) -> bool {
        self.ranges.iter().any(|range| range.contains(&index))
    }

    /// How many openings there are of such regels.
    pub(super) async fn openingen(&self, tx: &mut DbConnection) -> Result<u64, VerifyError> {
        let mut all = 0;
        for range in &self.ranges {
            let count: i64 =
                sqlx::query_scalar("SELECT count(*) FROM openingen WHERE log_index >= $1 AND log_index < $2")
                    .bind(int(range.start))
                    .bind(int(range.end))
                    .fetch_one(&mut *tx)
                    .await?;
            all += uint(count);
        }
        Ok(all)
    }

    /// The berichten that such regels touched.
    pub(super) fn berichten(&self) -> &HashSet<BerichtId> {
        &self.berichten
    }
}

/// Adds the berichten of which a row names such a regel: it may be gone.
async fn rows(
    tx: &mut DbConnection,
    range: &Range<u64>,
    berichten: &mut HashSet<BerichtId>,
) -> Result<(), VerifyError> {
    let found = sqlx::query(
        "SELECT bericht FROM postvak WHERE (log_index >= $1 AND log_index < $2) \
         OR (verplaatst_door >= $1 AND verplaatst_door < $2) OR (beeindigd_door >= $1 AND beeindigd_door < $2)",
    )
    .bind(int(range.start))
    .bind(int(range.end))
    .fetch_all(tx)
    .await?;
    let bericht = |row: &DbRow| Ok(bericht_id(row.try_get("bericht")?, "postvak")?);
    berichten.extend(found.iter().map(bericht).collect::<Result<Vec<_>, VerifyError>>()?);
    Ok(())
}

/// Adds the berichten that such a regel names.
async fn regels(
    tx: &mut DbConnection,
    range: &Range<u64>,
    berichten: &mut HashSet<BerichtId>,
) -> Result<(), VerifyError> {
    let mut from = range.start;
    loop {
        let found = sqlx::query(
            "SELECT log_index, regel FROM logregels WHERE log_index >= $1 AND log_index < $2 ORDER BY log_index LIMIT $3",
        )
        .bind(int(from))
        .bind(int(range.end))
        .bind(int(PAGE))
        .fetch_all(&mut *tx)
        .await?;
        let Some(last) = found.last() else { return Ok(()) };
        from = uint(last.try_get("log_index")?) + 1;
        for row in found {
            let Ok(regel) = Logregel::from_leaf(row.try_get("regel")?) else { continue };
            let named = [regel.bericht, regel.in_antwoord_op, regel.vervangt];
            berichten.extend(named.into_iter().flatten().filter_map(|id| id.parse::<BerichtId>().ok()));
        }
    }
}
