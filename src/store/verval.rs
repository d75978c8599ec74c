//! Lapsing: what has passed its houdbaarheid ends, and who got it is told; who sent a scenario is warned in time.
//!
//! Not here: the keys of days (`sleutels`).

use std::sync::Arc;

use jiff::civil::Date;

use super::{
    DbConnection, Outdated, Pool, StoreError,
    accept::{Accept, accept},
    int,
    postvak::moment,
    rij::{self, Actor, PostvakRij, ReadRow, read_each, rows_and_indexes, select_rows},
    toestand::Toestand,
    work::Work,
};
use crate::{
    domain::{BerichtId, houdbaarheid::amsterdam_date},
    logboek::Soort,
};

/// Ends one bericht for one ontvanger.
pub struct Expire {
    /// Index of its regel `aanvaard`.
    pub log_index: u64,
    /// Whether its ontvanger had got it, when this was judged.
    pub kreeg: bool,
    /// The gateway.
    pub actor: Actor,
    /// Goes to its ontvanger, where it must be told.
    pub melding: Option<Arc<Accept>>,
}

/// Lapses a row, if it is still there to lapse.
pub(super) async fn expire(work: &mut Work<'_>, expire: &Expire) -> Result<Result<(), Outdated>, StoreError> {
    let now = work.log.micros();
    if expire.melding.as_ref().is_some_and(|melding| melding.is_outdated(now, work.versie())) {
        return Ok(Err(Outdated));
    }
    let row = select_rows!("WHERE p.log_index = $1")
        .bind(int(expire.log_index))
        .fetch_optional(work.database().await?)
        .await?;
    let rij = row.as_ref().map(PostvakRij::read).transpose()?;
    let lapsed = |rij: &PostvakRij| {
        rij.toestand.may_become(Toestand::Vervallen) && rij.stempel.houdbaar_tot_en_met < amsterdam_date(moment(now))
    };
    let Some(mut rij) = rij.filter(lapsed) else { return Ok(Ok(())) };
    if rij.kreeg() != expire.kreeg {
        return Ok(Err(Outdated));
    }
    let regel = rij.regel(Soort::Vervallen, &expire.actor);
    work.step(&mut rij, Toestand::Vervallen, 0, &expire.actor, regel).await?;
    if let Some(melding) = &expire.melding {
        // A repeated or refused melding has nothing to say to anybody; what lapsed has lapsed.
        drop(accept(work, melding).await?);
    }
    Ok(Ok(()))
}

/// Its afzender need not be warned again.
pub(super) async fn warned(tx: &mut DbConnection, bericht: BerichtId) -> Result<(), StoreError> {
    sqlx::query("UPDATE berichten SET gewaarschuwd = 1 WHERE id = $1")
        .bind(bericht.0.as_bytes().to_vec())
        .execute(tx)
        .await?;
    Ok(())
}

/// Rows that were looked at.
pub struct Looked {
    /// What they hold.
    pub rijen: Vec<PostvakRij>,
    /// What is wrong with those that cannot be read.
    pub unreadable: Vec<StoreError>,
    /// Whether there may be more.
    pub full: bool,
}

impl Looked {
    /// One damaged row must not keep others from ending: it stands apart.
    fn of(rows: Vec<rij::Looked<PostvakRij>>, most: u32) -> Self {
        let full = rows.len() == most as usize;
        let (mut rijen, mut unreadable) = (Vec::new(), Vec::new());
        for (_, row) in rows {
            match row {
                Ok(rij) => rijen.push(rij),
                Err(error) => unreadable.push(error),
            }
        }
        Self { rijen, unreadable, full }
    }
}

/// What has passed its houdbaarheid and was not ended yet, the oldest day first; without the first `passed` rows.
///
/// # Errors
/// [`StoreError`] when it cannot be read.
pub async fn due(read: &Pool, today: Date, most: u32, passed: u32) -> Result<Looked, StoreError> {
    let (rows, indexes) = rows_and_indexes!(
        "WHERE p.toestand < 4 AND p.houdbaar_tot_en_met < $1 ORDER BY p.houdbaar_tot_en_met, p.log_index LIMIT $2 OFFSET $3"
    );
    let bound =
        |sql: &'static str| sqlx::query(sql).bind(today.to_string()).bind(i64::from(most)).bind(i64::from(passed));
    let mut connection = read.acquire().await?;
    Ok(Looked::of(read_each(&mut connection, bound(rows), bound(indexes)).await?, most))
}

/// The first row to lapse of each scenario that lapses on `until` or before, and of which its afzender was not warned yet; without
/// the first `passed` ones.
///
/// # Errors
/// [`StoreError`] when it cannot be read.
pub async fn to_warn(read: &Pool, today: Date, until: Date, most: u32, passed: u32) -> Result<Looked, StoreError> {
    let (rows, indexes) = rows_and_indexes!(
        "WHERE b.berichtsoort = 'scenario' AND b.gewaarschuwd = 0 AND p.log_index = \
         (SELECT q.log_index FROM postvak q WHERE q.bericht = b.id AND q.toestand < 4 \
          ORDER BY q.houdbaar_tot_en_met, q.log_index LIMIT 1) \
         AND p.houdbaar_tot_en_met BETWEEN $1 AND $2 ORDER BY b.id LIMIT $3 OFFSET $4"
    );
    let bound = |sql: &'static str| {
        let query = sqlx::query(sql).bind(today.to_string()).bind(until.to_string());
        query.bind(i64::from(most)).bind(i64::from(passed))
    };
    let mut connection = read.acquire().await?;
    Ok(Looked::of(read_each(&mut connection, bound(rows), bound(indexes)).await?, most))
}
