//! Confirming: an ontvanger took a bericht over.

use jiff::Timestamp;

use super::{actor::Actor, work::Work};
use crate::{
    domain::{Adres, BerichtId, Bewaar, Toestand, Weigering},
    logboek::{Oorzaak, Soort},
    store::NotDone,
};

/// Confirms one bericht.
pub struct Confirm {
    /// The bericht.
    pub bericht: BerichtId,
    /// At which address.
    pub adres: Adres,
    /// Who confirms.
    pub actor: Actor,
    /// The version of what was in force when it was judged.
    pub versie: u64,
}

/// Confirms it; a second time changes nothing. Gives the moment of the first confirmation.
pub(in crate::store) async fn confirm(work: &mut Work<'_>, confirm: &Confirm) -> Result<Timestamp, NotDone> {
    let Confirm { bericht, adres, actor, .. } = confirm;
    let Some(mut rij) = work.row_at(*bericht, adres).await? else {
        return Err(Weigering::BerichtOnbekend.into());
    };
    if let Some(at) = rij.bevestigd {
        return Ok(at);
    }
    if rij.poging == 0 {
        return Err(Weigering::NietAfgeleverd.into());
    }
    let now = work.now();
    rij.bevestigd = Some(now);
    let regel = rij.regel(Soort::Bevestigd, actor);
    if rij.toestand.may_become(Toestand::Bevestigd) {
        work.step(&mut rij, Toestand::Bevestigd, actor, regel).await?;
    } else {
        // The confirmation came late, and counts; what happened meanwhile stays.
        actor.log(&mut work.log, Some(*bericht), regel)?;
    }
    if rij.ontvanger.stempel.bewaar_inhoud == Bewaar::Bevestiging && rij.ended_by.is_none() {
        let regel = rij.end(Soort::Vernietigd, Oorzaak::Bevestigd, actor);
        let (ended_by, _) = actor.log(&mut work.log, Some(*bericht), regel)?;
        work.end_content(&mut rij, ended_by);
        work.forget(&rij);
    }
    work.put(&rij);
    Ok(now)
}
