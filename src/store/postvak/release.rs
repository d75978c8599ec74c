//! Giving back what is held for somebody who is gone, so that others need not wait until it lapses.

use jiff::Timestamp;

use super::{lease::HeldLease, work::Work};
use crate::{
    domain::{Adres, BerichtId, Toestand},
    store::StoreError,
};

/// Gives leases of a postvak back. A lease that lapsed and went to another receiver has another `poging`, and is left alone.
pub(in crate::store) async fn release(
    work: &mut Work<'_>,
    adres: &Adres,
    leases: &[HeldLease],
) -> Result<(), StoreError> {
    for HeldLease { log_index, poging, .. } in leases {
        let rij = work.row(*log_index).await?;
        let same = |rij: &_| is_held(rij, *poging);
        if let Some(mut rij) = rij.filter(same) {
            rij.held_until = Timestamp::UNIX_EPOCH;
            work.put(&rij);
        }
    }
    work.ring(adres);
    Ok(())
}

fn is_held(rij: &super::rij::PostvakRij, poging: u32) -> bool {
    rij.toestand == Toestand::Afgeleverd && rij.poging == poging
}

/// An Ask ended: nothing is kept for it any more.
pub(in crate::store) async fn end_ask(
    work: &mut Work<'_>,
    verzoek: BerichtId,
    adres: &Adres,
) -> Result<(), StoreError> {
    for mut rij in work.reserved_for(verzoek).await? {
        rij.held_until = Timestamp::UNIX_EPOCH;
        work.put(&rij);
    }
    work.no_longer_asked(verzoek);
    work.ring(adres);
    Ok(())
}
