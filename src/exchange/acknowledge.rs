//! Acknowledge: a delivered bericht was taken over.

use super::{Call, Exchange, unavailable};
use crate::{
    domain::{BerichtId, LoketNaam, Weigering},
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
        let event = |reply| Event::Acknowledge(bericht, adres, actor, reply);
        let (confirmed, _) = self.store.writer.write(event).await.map_err(unavailable)?;
        confirmed
    }
}
