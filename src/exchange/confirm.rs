//! Confirm: a delivered bericht was taken over.

use std::{future::ready, sync::Arc};

use jiff::Timestamp;

use super::{Call, Exchange};
use crate::{
    domain::{Adres, BerichtId, LoketNaam, VanKracht, Weigering},
    store::{Actor, Confirm, Event},
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
        medewerker: Option<&str>,
    ) -> Result<Timestamp, Weigering> {
        let adres = call.identiteit().adres(loket)?;
        self.confirm(call, &adres, bericht, self.actor(call, medewerker)).await
    }

    /// The same at one address, by this actor.
    pub(super) async fn confirm(
        &self,
        call: &Call,
        adres: &Adres,
        bericht: BerichtId,
        actor: Actor,
    ) -> Result<Timestamp, Weigering> {
        let judge = |van_kracht: Arc<VanKracht>| {
            let (adres, actor, versie) = (adres.clone(), actor.clone(), van_kracht.versie());
            ready(Ok(Box::new(Confirm { bericht, adres, actor, versie })))
        };
        let (confirmed, _) = self.write_judged(call, judge, Event::Confirm).await?;
        Ok(confirmed)
    }
}
