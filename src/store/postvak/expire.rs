//! Lapsing: what has passed its houdbaarheid ends, and who got it is told.
//!
//! Not here: the keys of days (`sleutels`), and what is due (`reading`).

use std::sync::Arc;

use super::{accept::accept, actor::Actor, new::Accept, work::Work};
use crate::{
    domain::Toestand,
    logboek::{Oorzaak, Soort},
    store::NotDone,
};

/// Ends one bericht for one ontvanger.
pub struct Expire {
    /// Index of its regel `aanvaard`.
    pub log_index: u64,
    /// Whether its ontvanger had got it, when this was judged.
    pub was_received: bool,
    /// The gateway.
    pub actor: Actor,
    /// The vervalmelding to its ontvanger, where that must be told.
    pub melding: Option<Arc<Accept>>,
}

/// Ends a row, if its last day has passed and it did not end before.
pub(in crate::store) async fn expire(work: &mut Work<'_>, expire: &Expire) -> Result<(), NotDone> {
    let Some(mut rij) = work.row(expire.log_index).await? else { return Ok(()) };
    if !rij.toestand.may_become(Toestand::Vervallen) || rij.last_day() >= work.today() {
        return Ok(());
    }
    if rij.was_received() != expire.was_received {
        return Err(NotDone::Outdated);
    }
    let regel = rij.end(Soort::Vervallen, Oorzaak::Vervallen, &expire.actor);
    work.step(&mut rij, Toestand::Vervallen, &expire.actor, regel).await?;
    tell(work, expire.melding.as_ref()).await
}

/// Sends what the gateway says of an end, if anything. That this is refused, or was sent before, stops nothing: what ended has
/// ended.
pub(super) async fn tell(work: &mut Work<'_>, melding: Option<&Arc<Accept>>) -> Result<(), NotDone> {
    let Some(melding) = melding else { return Ok(()) };
    match accept(work, melding).await {
        Err(NotDone::Refused(_)) | Ok(_) => Ok(()),
        Err(error) => Err(error),
    }
}
