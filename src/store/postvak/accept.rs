//! Accepting a bericht: everything that it changes, in one transaction.

use std::sync::Arc;

use jiff::Timestamp;

use super::{
    eerder::Earlier,
    new::{Accept, NewBericht},
    rij::{PostvakRij, read::ReadRow, sql::rows_sql},
    work::Work,
};
use crate::{
    domain::{BerichtId, Berichtsoort, Toestand, Vernietiging, Weigering, eerder::may_come_after},
    logboek::{Logregel, Oorzaak, Soort},
    sleutels::Veld,
    store::{NotDone, StoreError},
};

/// What became of an accept.
pub enum Accepted {
    /// Written.
    New {
        /// What was accepted.
        accept: Arc<Accept>,
        /// `tijd`.
        tijd: Timestamp,
        /// Index and bytes of the regel of each ontvanger.
        regels: Vec<(u64, Vec<u8>)>,
    },
    /// The `request_id` was used before, for this bericht.
    Repeat(BerichtId),
}

/// Accepts an admitted bericht.
pub(in crate::store) async fn accept(work: &mut Work<'_>, accept: &Arc<Accept>) -> Result<Accepted, NotDone> {
    if let Some(known) = work.made_by(accept.request()).await? {
        return Ok(Accepted::Repeat(known));
    }
    for adres in accept.counted() {
        if work.open_count(adres).await? >= accept.postvak_limit {
            return Err(Weigering::PostvakVol.into());
        }
    }
    // Whatever can refuse comes before the first write.
    let earlier = match accept.judged_after() {
        Some(bericht) => Box::pin(work.earlier(bericht)).await?,
        None => None,
    };
    if let Some(Earlier { eerder, sindsdien, .. }) = &earlier {
        may_come_after(&accept.toegelaten, &accept.personen, eerder, sindsdien)?;
    }
    let destroyed = match accept.soort() {
        Berichtsoort::Vernietigingsbevestiging => Box::pin(destroyed(work, accept)).await?,
        _ => None,
    };
    let mut regels = Vec::with_capacity(accept.ontvangers.len());
    for of in &accept.ontvangers {
        regels.push(work.log.append(Some(accept.id), of.regel.clone())?);
        // The regels of the other ontvangers have the same commitments.
        if regels.len() == 1 {
            let medewerker = (Veld::Medewerker, accept.medewerker.as_slice());
            work.log.keep_openings([medewerker, (Veld::Betrokkene, accept.betrokkenen.as_slice())]);
        }
    }
    let first = regels.first().map(|(log_index, _)| *log_index);
    let first = first.ok_or_else(|| StoreError::Broken("een bericht zonder ontvanger".to_owned()))?;
    for adres in accept.counted() {
        work.count_open(adres, 1).await?;
    }
    let tijd = work.now();
    let reserved_until = reserved_until(accept, earlier.as_ref(), tijd);
    if let Some(earlier) = earlier {
        Box::pin(follow_up(work, accept, earlier)).await?;
    }
    if let Some(rij) = destroyed {
        confirm_destruction(work, accept, rij)?;
    }
    let accept = Arc::clone(accept);
    work.accepted(NewBericht { accept: Arc::clone(&accept), tijd, first, reserved_until });
    Ok(Accepted::New { accept, tijd, regels })
}

/// Until when an answer is kept for the Ask that waits for it, if one does.
fn reserved_until(accept: &Accept, earlier: Option<&Earlier>, now: Timestamp) -> Option<Timestamp> {
    let until = earlier.filter(|_| accept.soort().answers_once())?.sindsdien.asked_until;
    until.filter(|until| *until > now)
}

/// What an accepted bericht changes of the one that it replaces, answers or follows.
async fn follow_up(work: &mut Work<'_>, accept: &Accept, earlier: Earlier) -> Result<(), StoreError> {
    let Earlier { rijen, eerder, .. } = earlier;
    if accept.toegelaten.bericht().vervangt.is_some() {
        for mut rij in rijen.into_iter().filter(|rij| rij.toestand.is_current()) {
            let regel = rij.end(Soort::Vernietigd, Oorzaak::Vervangen, &accept.actor);
            work.step(&mut rij, Toestand::Vervangen, &accept.actor, regel).await?;
        }
        return Ok(());
    }
    match accept.soort() {
        Berichtsoort::Vervalwaarschuwing => work.of_bericht(eerder.bericht).is_warned = true,
        Berichtsoort::Terugkoppeling => {
            let afzender = accept.toegelaten.afzender();
            if let Some(mut rij) = rijen.into_iter().find(|rij| rij.ontvanger.adres == *afzender) {
                rij.terugkoppeling_open = None;
                work.put(&rij);
            }
        }
        _ => {}
    }
    Ok(())
}

/// The row of the withdrawn bericht at the ontvanger that now says what became of its copy.
async fn destroyed(work: &mut Work<'_>, accept: &Accept) -> Result<Option<PostvakRij>, StoreError> {
    const WITHDRAWN: &str = rows_sql!(
        "",
        "WHERE p.bericht = (SELECT in_antwoord_op FROM berichten WHERE id = $1) AND p.partner = $2 AND p.loket = $3"
    );
    let Some(verzoek) = accept.toegelaten.bericht().in_antwoord_op else { return Ok(None) };
    let afzender = accept.toegelaten.afzender();
    let row = sqlx::query(WITHDRAWN)
        .bind(verzoek.0.as_bytes().to_vec())
        .bind(afzender.partner.as_str())
        .bind(afzender.loket.as_str())
        .fetch_optional(work.database().await?)
        .await?;
    row.as_ref().map(PostvakRij::read).transpose()
}

/// Notes in that row what became of the copy. Where the copy was kept, the regel has that outcome as `weigering`: the destruction
/// was refused.
fn confirm_destruction(work: &mut Work<'_>, accept: &Accept, mut rij: PostvakRij) -> Result<(), StoreError> {
    let Some(uitkomst) = accept.toegelaten.bericht().feiten.vernietiging else { return Ok(()) };
    let kept = (uitkomst != Vernietiging::Vernietigd).then(|| uitkomst.as_str().to_owned());
    let regel = Logregel { weigering: kept, ..rij.regel(Soort::VernietigingBevestigd, &accept.actor) };
    accept.actor.log(&mut work.log, Some(rij.bericht), regel)?;
    rij.vernietiging = Some(uitkomst);
    work.put(&rij);
    Ok(())
}
