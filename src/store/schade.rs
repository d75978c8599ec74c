//! Damage: content that no longer opens ends, once, and its afzender is told.

use std::sync::Arc;

use super::{
    Outdated, StoreError,
    accept::{Accept, accept},
    int,
    rij::{Actor, ReadRow, Verzegeld},
    toestand::Toestand,
    work::Work,
};
use crate::{
    logboek::Soort,
    sleutels::{Opener, Opening},
};

/// Ends one bericht for one ontvanger, whose content was found damaged.
pub struct Damage {
    /// Index of its regel `aanvaard`.
    pub log_index: u64,
    /// The gateway.
    pub actor: Actor,
    /// Goes to its afzender, where there is one to be told.
    pub melding: Option<Arc<Accept>>,
    /// Looks once more whether it is so.
    pub opener: Arc<dyn Opener>,
}

/// Moves a row, if it still is damaged and was not moved before. Gives whether it was moved now.
pub(super) async fn damage(work: &mut Work<'_>, damage: &Damage) -> Result<Result<bool, Outdated>, StoreError> {
    let now = work.log.micros();
    if damage.melding.as_ref().is_some_and(|melding| melding.is_outdated(now, work.versie())) {
        return Ok(Err(Outdated));
    }
    let row = sqlx::query(Verzegeld::ONE).bind(int(damage.log_index)).fetch_optional(work.database().await?).await?;
    let verzegeld = row.as_ref().map(Verzegeld::read).transpose()?;
    let damaged = |verzegeld: &Verzegeld| {
        let (rij, is_damaged) = (&verzegeld.rij, matches!(verzegeld.open(damage.opener.as_ref()), Opening::Damaged));
        rij.toestand.may_become(Toestand::Beschadigd) && rij.beeindigd.is_none() && is_damaged
    };
    let Some(Verzegeld { mut rij, .. }) = verzegeld.filter(damaged) else { return Ok(Ok(false)) };
    let regel = rij.regel(Soort::Beschadigd, &damage.actor);
    work.step(&mut rij, Toestand::Beschadigd, 0, &damage.actor, regel).await?;
    if let Some(melding) = &damage.melding {
        // A repeated or refused melding has nothing to say to anybody; what is damaged has ended.
        drop(accept(work, melding).await?);
    }
    Ok(Ok(true))
}
