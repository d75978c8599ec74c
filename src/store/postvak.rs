//! The postvak: what waits for a loket, what was handed out, what was confirmed. Where a bericht stands, and how it gets
//! there, is in [`super::toestand`].

use std::sync::Arc;

use jiff::{Timestamp, civil::Date};

use super::{
    DbConnection, Pool, StoreError, int,
    rij::{Actor, PostvakRij, select_rows},
    toestand::Toestand,
    work::Work,
};
use crate::{
    domain::{
        Adres, BerichtId, Berichtsoort, Bewaar, VanKracht, Weigering, houdbaarheid::amsterdam_date, still_allowed,
    },
    logboek::{Logregel, Soort},
};

/// Asks for berichten to hand out.
pub struct Lease {
    /// The postvak.
    pub adres: Adres,
    /// Only answers to this verzoek, reserved or waiting; otherwise whatever waits.
    pub verzoek: Option<BerichtId>,
    /// At most so many.
    pub most: u32,
    /// How long they are held, microseconds.
    pub lease_micros: i64,
    /// Who receives.
    pub actor: Actor,
    /// What allows it now.
    pub van_kracht: Arc<VanKracht>,
}

/// Hands out: lapsed leases first, then in the order of the logboek. What is no longer allowed is refused.
pub(super) async fn lease(work: &mut Work<'_>, lease: &Lease) -> Result<Vec<PostvakRij>, StoreError> {
    let now = work.log.micros();
    let moment = moment(now);
    let mut leased = Vec::new();
    for mut rij in candidates(work.database().await?, lease, now).await? {
        match still_allowed(rij.soort, &rij.afzender, &rij.ontvanger, &rij.stempel, &lease.van_kracht, moment) {
            Ok(()) => {
                rij.poging += 1;
                let until = now.saturating_add(lease.lease_micros);
                let regel = Logregel { poging: Some(rij.poging), ..rij.regel(Soort::Afgeleverd, &lease.actor) };
                work.step(&mut rij, Toestand::Afgeleverd, until, &lease.actor, regel).await?;
                leased.push(rij);
            }
            Err(weigering) => {
                let code = Some(weigering.code().to_owned());
                let regel = Logregel { weigering: code, ..rij.regel(Soort::Geweigerd, &lease.actor) };
                work.step(&mut rij, Toestand::Geweigerd, 0, &lease.actor, regel).await?;
            }
        }
    }
    Ok(leased)
}

/// The moment of a regel.
pub(super) fn moment(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).expect("the head holds a real moment")
}

async fn candidates(tx: &mut DbConnection, lease: &Lease, now: i64) -> Result<Vec<PostvakRij>, StoreError> {
    let (partner, loket) = (lease.adres.partner.as_str(), lease.adres.loket.as_str());
    // What has lapsed is the affair of `verval`.
    let today = amsterdam_date(moment(now)).to_string();
    let mut rows = match lease.verzoek {
        Some(verzoek) => {
            select_rows!(
                "WHERE p.in_antwoord_op = $1 AND p.partner = $2 AND p.loket = $3 \
                 AND (p.toestand = 0 OR (p.toestand = 1 AND (p.poging = 0 OR p.lease_tot <= $4))) \
                 AND p.houdbaar_tot_en_met >= $5 ORDER BY p.toestand DESC, p.log_index LIMIT 64"
            )
            .bind(verzoek.0.as_bytes().to_vec())
            .bind(partner)
            .bind(loket)
            .bind(now)
            .bind(&today)
            .fetch_all(&mut *tx)
            .await?
        }
        None => {
            select_rows!(
                "WHERE p.partner = $1 AND p.loket = $2 AND p.toestand = 1 AND p.lease_tot <= $3 \
                 AND p.houdbaar_tot_en_met >= $4 ORDER BY p.log_index LIMIT $5"
            )
            .bind(partner)
            .bind(loket)
            .bind(now)
            .bind(&today)
            .bind(i64::from(lease.most))
            .fetch_all(&mut *tx)
            .await?
        }
    };
    if lease.verzoek.is_none() && rows.len() < lease.most as usize {
        let room = int(u64::from(lease.most)) - i64::try_from(rows.len()).expect("no more rows than asked for");
        rows.extend(
            select_rows!(
                "WHERE p.partner = $1 AND p.loket = $2 AND p.toestand = 0 AND p.houdbaar_tot_en_met >= $3 \
                 ORDER BY p.log_index LIMIT $4"
            )
            .bind(partner)
            .bind(loket)
            .bind(&today)
            .bind(room)
            .fetch_all(&mut *tx)
            .await?,
        );
    }
    // One damaged row must not keep the others from their ontvanger.
    let read =
        |row| PostvakRij::read(row).inspect_err(|error| tracing::error!(%error, "a damaged row was passed over"));
    Ok(rows.iter().filter_map(|row| read(row).ok()).collect())
}

/// An Ask ended: nothing is reserved for it any more.
pub(super) async fn end_ask(work: &mut Work<'_>, verzoek: BerichtId, adres: Adres) -> Result<(), StoreError> {
    work.ring(adres);
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
pub(super) async fn release(work: &mut Work<'_>, adres: Adres, leases: &[(u64, u32)]) -> Result<(), StoreError> {
    work.ring(adres);
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
    let Some(mut rij) = find(work.database().await?, bericht, adres).await? else {
        return Ok(Err(Weigering::BerichtOnbekend));
    };
    if let Some(at) = rij.bevestigd {
        return Ok(Ok(at));
    }
    if rij.poging == 0 {
        return Ok(Err(Weigering::NietAfgeleverd));
    }
    let regel = rij.regel(Soort::Bevestigd, actor);
    if rij.toestand == Toestand::Afgeleverd {
        work.step(&mut rij, Toestand::Bevestigd, 0, actor, regel).await?;
    } else {
        // It came late, and counts; what happened meanwhile stays.
        actor.log(&mut work.log, Some(bericht), regel);
    }
    sqlx::query("UPDATE postvak SET bevestigd = $1 WHERE log_index = $2")
        .bind(work.log.micros())
        .bind(int(rij.log_index))
        .execute(work.database().await?)
        .await?;
    if rij.stempel.bewaar_inhoud == Bewaar::Bevestiging && rij.sleutel.is_some() {
        let (ended, _) = actor.log(&mut work.log, Some(bericht), rij.regel(Soort::Vernietigd, actor));
        work.end_content(&mut rij, ended).await?;
    }
    Ok(Ok(work.log.micros()))
}

/// Reads one bericht again, or for the first time.
pub(super) async fn consult(
    work: &mut Work<'_>,
    bericht: BerichtId,
    adres: &Adres,
    actor: &Actor,
    van_kracht: &VanKracht,
) -> Result<Result<PostvakRij, Weigering>, StoreError> {
    let Some(rij) = find(work.database().await?, bericht, adres).await? else {
        return Ok(Err(Weigering::BerichtOnbekend));
    };
    match rij.toestand {
        Toestand::Ingetrokken => return Ok(Err(Weigering::Ingetrokken)),
        Toestand::Vervangen => return Ok(Err(Weigering::Vervangen)),
        Toestand::Vervallen => return Ok(Err(Weigering::Vervallen)),
        Toestand::Geweigerd => return Ok(Err(Weigering::AfleveringGeweigerd)),
        Toestand::Wacht | Toestand::Afgeleverd | Toestand::Bevestigd => {}
    }
    let now = work.log.micros();
    if let Err(weigering) =
        still_allowed(rij.soort, &rij.afzender, &rij.ontvanger, &rij.stempel, van_kracht, moment(now))
    {
        return Ok(Err(weigering));
    }
    if rij.sleutel.is_none() && rij.bevestigd.is_some() && rij.stempel.bewaar_inhoud == Bewaar::Bevestiging {
        return Ok(Err(Weigering::InhoudNietBewaard));
    }
    actor.log(&mut work.log, Some(bericht), rij.regel(Soort::Geraadpleegd, actor));
    // The first reading since the last terugkoppeling is what its afzender waits for.
    let open = rij.terugkoppeling_open.or((rij.soort == Berichtsoort::Scenario).then_some(now));
    sqlx::query("UPDATE postvak SET gelezen = 1, terugkoppeling_open = $1 WHERE log_index = $2")
        .bind(open)
        .bind(int(rij.log_index))
        .execute(work.database().await?)
        .await?;
    Ok(Ok(rij))
}

pub(super) async fn find(
    tx: &mut DbConnection,
    bericht: BerichtId,
    adres: &Adres,
) -> Result<Option<PostvakRij>, StoreError> {
    let row = select_rows!("WHERE p.bericht = $1 AND p.partner = $2 AND p.loket = $3")
        .bind(bericht.0.as_bytes().to_vec())
        .bind(adres.partner.as_str())
        .bind(adres.loket.as_str())
        .fetch_optional(tx)
        .await?;
    row.as_ref().map(PostvakRij::read).transpose()
}

/// Until when the newest bericht with a key is houdbaar: a day whose key must exist.
///
/// # Errors
/// [`StoreError`] when it cannot be read.
pub async fn newest_day(read: &Pool) -> Result<Option<Date>, StoreError> {
    let newest: Option<(i64, String)> = sqlx::query_as(
        "SELECT log_index, houdbaar_tot_en_met FROM postvak WHERE sleutel IS NOT NULL ORDER BY log_index DESC LIMIT 1",
    )
    .fetch_optional(read)
    .await?;
    let parse = |(row, day): (i64, String)| {
        day.parse().map_err(|_| StoreError::inconsistent("postvak", "houdbaar_tot_en_met", row))
    };
    newest.map(parse).transpose()
}

/// Whether anything in a postvak can be handed out now; a look that does not wait for the writer.
///
/// # Errors
/// [`StoreError::Database`].
pub async fn has_open(read: &Pool, adres: &Adres, now: Timestamp) -> Result<bool, StoreError> {
    let found: Option<i64> = sqlx::query_scalar(
        "SELECT 1 FROM postvak WHERE partner = $1 AND loket = $2 AND (toestand = 0 OR (toestand = 1 AND lease_tot <= $3)) \
         AND houdbaar_tot_en_met >= $4 LIMIT 1",
    )
    .bind(adres.partner.as_str())
    .bind(adres.loket.as_str())
    .bind(super::micros(now))
    .bind(amsterdam_date(now).to_string())
    .fetch_optional(read)
    .await?;
    Ok(found.is_some())
}
