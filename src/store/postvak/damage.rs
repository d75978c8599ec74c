//! Damage: content that no longer opens ends, once, and its afzender is told.

use std::sync::Arc;

use super::{
    actor::Actor,
    expire::tell,
    new::Accept,
    rij::read::{ReadRow, Verzegeld},
    work::Work,
};
use crate::{
    domain::Toestand,
    logboek::Soort,
    sleutels::{Opener, Opening},
    store::{NotDone, values::int},
};

/// Ends one bericht for one ontvanger, whose content was found damaged.
pub struct Damage {
    /// Index of its regel `aanvaard`.
    pub log_index: u64,
    /// The gateway.
    pub actor: Actor,
    /// The schademelding to its afzender, where there is one to be told.
    pub melding: Option<Arc<Accept>>,
    /// Opens content, to look once more whether it is damaged.
    pub opener: Arc<dyn Opener>,
}

/// Ends the row, if its content still does not open and did not end before. Gives whether that happened now.
pub(in crate::store) async fn damage(work: &mut Work<'_>, damage: &Damage) -> Result<bool, NotDone> {
    let row = sqlx::query(Verzegeld::ONE).bind(int(damage.log_index)).fetch_optional(work.database().await?).await?;
    let Some(verzegeld) = row.as_ref().map(Verzegeld::read).transpose()? else { return Ok(false) };
    let is_damaged = matches!(verzegeld.open(damage.opener.as_ref()), Opening::Damaged);
    let mut rij = verzegeld.rij;
    if !is_damaged || rij.ended_by.is_some() || !rij.toestand.may_become(Toestand::Beschadigd) {
        return Ok(false);
    }
    let regel = rij.regel(Soort::Beschadigd, &damage.actor);
    work.step(&mut rij, Toestand::Beschadigd, &damage.actor, regel).await?;
    tell(work, damage.melding.as_ref()).await?;
    Ok(true)
}
