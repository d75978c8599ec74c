//! The postvak: what waits for a loket, what was handed out, what was confirmed. Where a bericht stands, and how it gets
//! there, is in [`super::toestand`].

use std::sync::Arc;

use jiff::{Timestamp, civil::Date};
use sqlx::Row;

use super::{
    DbConnection, Pool, StoreError, int,
    rij::{Actor, PostvakRij, ReadRow, Verzegeld},
    toestand::Toestand,
    work::Work,
    zoek,
};
use crate::{
    domain::{Adres, BerichtId, Berichtsoort, Bewaar, VanKracht, Weigering, houdbaarheid::amsterdam_date},
    logboek::Soort,
    sleutels::{Opened, Opener, Opening},
};

/// The moment of a regel.
pub(super) fn moment(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).expect("the head holds a real moment")
}

/// An Ask ended: nothing is reserved for it any more.
pub(super) async fn end_ask(work: &mut Work<'_>, verzoek: BerichtId, adres: &Adres) -> Result<(), StoreError> {
    work.ring(adres.clone());
    let tx = work.database().await?;
    let id = verzoek.0.as_bytes().to_vec();
    sqlx::query("UPDATE berichten SET wacht_tot = 0 WHERE id = $1").bind(&id).execute(&mut *tx).await?;
    sqlx::query("UPDATE postvak SET lease_tot = 0 WHERE in_antwoord_op = $1 AND toestand = 1 AND poging = 0")
        .bind(id)
        .execute(tx)
        .await?;
    Ok(())
}

/// Gives leases back at once, so that a client that lost its connection need not wait for them to lapse.
///
/// A lease that lapsed and went to another receiver is another `poging`, and stays.
pub(super) async fn release(work: &mut Work<'_>, adres: &Adres, leases: &[(u64, u32)]) -> Result<(), StoreError> {
    work.ring(adres.clone());
    let tx = work.database().await?;
    for (log_index, poging) in leases {
        sqlx::query("UPDATE postvak SET lease_tot = 0 WHERE log_index = $1 AND poging = $2 AND toestand = 1")
            .bind(int(*log_index))
            .bind(i64::from(*poging))
            .execute(&mut *tx)
            .await?;
    }
    Ok(())
}

/// Confirms one bericht; a second time changes nothing. Gives the moment of the first confirmation.
pub(super) async fn acknowledge(
    work: &mut Work<'_>,
    bericht: BerichtId,
    adres: &Adres,
    actor: &Actor,
) -> Result<Result<i64, Weigering>, StoreError> {
    let Some(mut rij) = work.row_to_confirm(bericht, adres).await? else {
        return Ok(Err(Weigering::BerichtOnbekend));
    };
    if let Some(at) = rij.bevestigd {
        return Ok(Ok(at));
    }
    if rij.poging == 0 {
        return Ok(Err(Weigering::NietAfgeleverd));
    }
    let regel = rij.regel(Soort::Bevestigd, actor);
    rij.bevestigd = Some(work.log.micros());
    if rij.toestand.may_become(Toestand::Bevestigd) {
        work.step(&mut rij, Toestand::Bevestigd, 0, actor, regel).await?;
    } else {
        // It came late, and counts; what happened meanwhile stays.
        actor.log(&mut work.log, Some(bericht), regel)?;
        sqlx::query("UPDATE postvak SET bevestigd = $1 WHERE log_index = $2")
            .bind(rij.bevestigd)
            .bind(int(rij.log_index))
            .execute(work.database().await?)
            .await?;
    }
    if rij.stempel.bewaar_inhoud == Bewaar::Bevestiging && rij.beeindigd.is_none() {
        let (ended, _) = actor.log(&mut work.log, Some(bericht), rij.regel(Soort::Vernietigd, actor))?;
        work.end_content(&mut rij, ended).await?;
        zoek::forget(work.database().await?, &rij).await?;
    }
    Ok(Ok(work.log.micros()))
}

/// Asks to read one bericht again, or for the first time.
pub struct Consult {
    /// The bericht.
    pub bericht: BerichtId,
    /// At which address.
    pub adres: Adres,
    /// Who reads.
    pub actor: Actor,
    /// What allows it now.
    pub van_kracht: Arc<VanKracht>,
    /// Opens content.
    pub opener: Arc<dyn Opener>,
}

/// What became of it.
pub enum Consulted {
    /// It was opened, and logged.
    Read(Box<PostvakRij>, Opened),
    /// It no longer opens; nothing was logged.
    Damaged(Box<PostvakRij>),
    /// The key of this day is not at hand; nothing was logged.
    NoKey(Date),
}

/// Reads one bericht.
pub(super) async fn consult(
    work: &mut Work<'_>,
    consult: &Consult,
) -> Result<Result<Consulted, Weigering>, StoreError> {
    let Consult { bericht, adres, actor, van_kracht, opener } = consult;
    let Some(verzegeld) = find::<Verzegeld>(work.database().await?, *bericht, adres).await? else {
        return Ok(Err(Weigering::BerichtOnbekend));
    };
    let rij = &verzegeld.rij;
    match rij.toestand {
        Toestand::Ingetrokken => return Ok(Err(Weigering::Ingetrokken)),
        Toestand::Vervangen => return Ok(Err(Weigering::Vervangen)),
        Toestand::Vervallen => return Ok(Err(Weigering::Vervallen)),
        Toestand::Beschadigd => return Ok(Err(Weigering::InhoudBeschadigd)),
        Toestand::Wacht | Toestand::Afgeleverd | Toestand::Bevestigd | Toestand::Geweigerd => {}
    }
    let now = work.log.micros();
    match rij.may_be_handed(van_kracht, moment(now)) {
        Ok(()) => {}
        Err(Weigering::Vervallen) => return Ok(Err(Weigering::Vervallen)),
        Err(_) if rij.toestand == Toestand::Geweigerd => return Ok(Err(Weigering::AfleveringGeweigerd)),
        Err(weigering) => return Ok(Err(weigering)),
    }
    if rij.beeindigd.is_some() && rij.bevestigd.is_some() && rij.stempel.bewaar_inhoud == Bewaar::Bevestiging {
        return Ok(Err(Weigering::InhoudNietBewaard));
    }
    let opening = verzegeld.open(opener.as_ref());
    let rij = verzegeld.rij;
    let opened = match opening {
        Opening::Opened(opened) => opened,
        Opening::Damaged => return Ok(Ok(Consulted::Damaged(Box::new(rij)))),
        Opening::NoKey => return Ok(Ok(Consulted::NoKey(rij.stempel.houdbaar_tot_en_met))),
    };
    actor.log(&mut work.log, Some(*bericht), rij.regel(Soort::Geraadpleegd, actor))?;
    // The first reading since the last terugkoppeling is what its afzender waits for.
    let open = rij.terugkoppeling_open.or((rij.soort == Berichtsoort::Scenario).then_some(now));
    sqlx::query("UPDATE postvak SET gelezen = 1, terugkoppeling_open = $1 WHERE log_index = $2")
        .bind(open)
        .bind(int(rij.log_index))
        .execute(work.database().await?)
        .await?;
    Ok(Ok(Consulted::Read(Box::new(rij), opened)))
}

/// The row of a bericht at an address, with its content or without.
pub(super) async fn find<T: ReadRow>(
    tx: &mut DbConnection,
    bericht: BerichtId,
    adres: &Adres,
) -> Result<Option<T>, StoreError> {
    let row = sqlx::query(T::AT)
        .bind(bericht.0.as_bytes().to_vec())
        .bind(adres.partner.as_str())
        .bind(adres.loket.as_str())
        .fetch_optional(tx)
        .await?;
    row.as_ref().map(T::read).transpose()
}

/// Rows that are looked through for a day that can be read.
const LOOKED_THROUGH: i64 = 100;

/// Until when the newest bericht with a key is houdbaar: a day whose key must exist. A damaged row says nothing, and the one before it
/// is asked.
///
/// # Errors
/// [`StoreError`] when it cannot be read.
pub async fn newest_day(read: &Pool) -> Result<Option<Date>, StoreError> {
    let newest = sqlx::query(
        "SELECT houdbaar_tot_en_met FROM postvak WHERE sleutel IS NOT NULL ORDER BY log_index DESC LIMIT $1",
    )
    .bind(LOOKED_THROUGH)
    .fetch_all(read)
    .await?;
    Ok(newest.iter().find_map(|row| row.try_get::<&str, _>("houdbaar_tot_en_met").ok()?.parse().ok()))
}

/// Whether anything in a postvak can be handed out now, or judged anew; a look that does not wait for the writer.
///
/// # Errors
/// [`StoreError::Database`].
pub async fn has_open(read: &Pool, adres: &Adres, gelezen: u64, now: Timestamp) -> Result<bool, StoreError> {
    let found: Option<i64> = sqlx::query_scalar(
        "SELECT 1 FROM postvak WHERE partner = $1 AND loket = $2 AND (toestand = 0 OR (toestand = 1 AND lease_tot <= $3) \
         OR (toestand = 3 AND (beoordeeld_versie < $5 OR (beoordeeld_versie = $5 AND beoordeeld_dag < $4)))) \
         AND houdbaar_tot_en_met >= $4 LIMIT 1",
    )
    .bind(adres.partner.as_str())
    .bind(adres.loket.as_str())
    .bind(super::micros(now))
    .bind(amsterdam_date(now).to_string())
    .bind(int(gelezen))
    .fetch_optional(read)
    .await?;
    Ok(found.is_some())
}
