//! Klok: what follows from a clock in doubt. The doubt is said in the process log, and the database is asked. The doubt ends by
//! itself, or by the word of an operator.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;
use tracing::Instrument;

use super::{Call, Exchange, unavailable};
use crate::{
    domain::{Twijfel, Weigering},
    logboek::{Soort, TlogProof},
    store::{Actor, Alone, Event, NotDone, StoreError},
};

/// A doubt that goes on is said again after so long.
const SAY_AGAIN: Duration = Duration::from_mins(1);

impl Exchange {
    /// Why this gateway does not serve as it should, in Dutch; empty when it does.
    #[must_use]
    pub fn redenen(&self) -> Vec<String> {
        let klok = self.klok.trust().err();
        klok.iter().map(Twijfel::uitleg).chain(self.in_force.leesbaar.reden()).collect()
    }

    /// Why what is in force cannot be read here or is not proven, in Dutch; nothing when it can and is.
    #[must_use]
    pub fn onleesbaar(&self) -> Option<String> {
        self.in_force.leesbaar.reden()
    }

    /// An operator says that the clock is right. Gives the doubt that this ended and the proof of its regel, if there was a doubt. It is
    /// finished also when the operator goes away: a word that is not logged must be taken back.
    ///
    /// # Errors
    /// [`Weigering::KlokWeersproken`] where no word helps. Where the word cannot be logged it does not count, and the caller hears
    /// why.
    pub async fn believe_clock(
        self: &Arc<Self>,
        call: &Call,
        reden: &str,
        medewerker: &str,
    ) -> Result<Option<(Twijfel, TlogProof)>, Weigering> {
        let (exchange, call) = (Arc::clone(self), call.clone());
        let (reden, medewerker) = (reden.to_owned(), medewerker.to_owned());
        let believing = async move { exchange.believe_and_log(&call, &reden, &medewerker).await };
        self.tasks.finish("the word of an operator", believing.in_current_span()).await.map_err(unavailable)?
    }

    async fn believe_and_log(
        &self,
        call: &Call,
        reden: &str,
        medewerker: &str,
    ) -> Result<Option<(Twijfel, TlogProof)>, Weigering> {
        self.van_kracht().deelnemers().still(&call.aangemeld)?;
        let ended = self.klok.believe().map_err(|twijfel| {
            tracing::warn!(%twijfel, "an operator confirmed the clock, and was refused");
            Weigering::KlokWeersproken
        })?;
        let Some(ended) = ended else { return Ok(None) };
        let actor = Actor { reden: Some(self.reden(reden)), ..self.actor(call, Some(medewerker)) };
        let alone = Alone::of(&actor, Soort::Beheerd);
        let logged = self.write(|reply| Event::Log(Box::new(alone), reply)).await;
        let proven = logged.and_then(|((index, regel), commit)| {
            let commit = commit.ok_or_else(|| unavailable("an act of beheer without a commit"))?;
            Ok(commit.proof(index, regel))
        });
        match proven {
            Ok(bewijs) => {
                tracing::warn!(ended = %ended.twijfel, "an operator confirmed the clock; lapsing waits an hour");
                Ok(Some((ended.twijfel, bewijs)))
            }
            Err(weigering) => {
                self.klok.take_back(&ended);
                // In the transaction itself the database contradicted it.
                Err(if weigering == Weigering::KlokOnzeker { Weigering::KlokWeersproken } else { weigering })
            }
        }
    }
}

/// Watches the clock of a gateway: says what is wrong, asks the database, and begins the run in the logboek once the clock is
/// believed.
#[derive(Default)]
pub struct ClockWatch {
    begun: bool,
    /// When a doubt was said last.
    said: Option<Instant>,
}

impl ClockWatch {
    /// Looks once; to be called about twice a second.
    pub async fn look(&mut self, exchange: &Exchange) {
        if let Err(twijfel) = exchange.klok.trust() {
            if self.said.is_none_or(|said| said.elapsed() >= SAY_AGAIN) {
                tracing::error!(%twijfel, "the clock is not believed: nothing is written, nothing lapses, callers hear KLOK_ONZEKER");
                self.said = Some(Instant::now());
            }
            // That a database cannot be reached is said by others, who need it for more.
            drop(exchange.store.tell_time(&exchange.klok).await);
        }
        if exchange.klok.trust().is_err() {
            return;
        }
        if self.said.take().is_some() {
            tracing::warn!("the clock is believed again; what has lapsed is ended after one hour");
        }
        if !self.begun {
            self.begun = self.begin(exchange).await.is_ok();
        }
    }

    /// Begins the run in the logboek, if the clock is believed.
    ///
    /// # Errors
    /// When it cannot be written; it is tried again at each look.
    pub async fn begin(&mut self, exchange: &Exchange) -> Result<(), NotDone> {
        exchange.klok.trust().map_err(StoreError::Clock)?;
        exchange.store.writer.write(Event::Follow).await?;
        self.begun = true;
        Ok(())
    }
}
