//! Confirm: a delivered bericht was taken over.

use std::{future::ready, sync::Arc};

use jiff::Timestamp;

use super::{Call, Exchange};
use crate::{
    domain::{BerichtId, LoketNaam, VanKracht, Weigering},
    store::{Confirm, Event},
};

impl Exchange {
    /// Confirms a bericht; a second time is harmless. Gives the moment of the first confirmation.
    ///
    /// # Errors
    /// [`Weigering::BerichtOnbekend`] or [`Weigering::NietAfgeleverd`], not yet logged.
    pub async fn acknowledge(
        &self,
        call: &Call,
        loket: &LoketNaam,
        bericht: BerichtId,
    ) -> Result<Timestamp, Weigering> {
        let adres = call.identiteit().adres(loket)?;
        let actor = self.actor(call, None);
        let judge = |van_kracht: Arc<VanKracht>| {
            let (adres, actor, versie) = (adres.clone(), actor.clone(), van_kracht.versie());
            ready(Ok(Box::new(Confirm { bericht, adres, actor, versie })))
        };
        let (confirmed, _) = self.write_judged(call, judge, Event::Confirm).await?;
        Ok(confirmed)
    }
}
