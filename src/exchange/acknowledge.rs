//! Acknowledge: a delivered bericht was taken over.

use std::sync::Arc;

use super::{Call, Exchange};
use crate::{
    domain::{BerichtId, LoketNaam, VanKracht, Weigering},
    store::Event,
};

impl Exchange {
    /// Confirms a bericht; a second time is harmless. Gives the moment of the first confirmation, microseconds.
    ///
    /// # Errors
    /// [`Weigering::BerichtOnbekend`] or [`Weigering::NietAfgeleverd`], not yet logged.
    pub async fn acknowledge(&self, call: &Call, loket: &LoketNaam, bericht: BerichtId) -> Result<i64, Weigering> {
        let adres = call.identiteit().adres(loket)?;
        let actor = Box::new(self.actor(call, None));
        let event = |van_kracht: Arc<VanKracht>, reply| {
            Event::Acknowledge(bericht, adres.clone(), actor.clone(), van_kracht.versie(), reply)
        };
        let (confirmed, _) = self.write_judged(call, event).await?;
        confirmed
    }
}
