//! Deliver: lease from a postvak, hand out, read again.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

use super::{Call, Exchange, unavailable};
use crate::{
    domain::{Adres, BerichtId, LoketNaam, Weigering, houdbaarheid::amsterdam_date},
    sleutels::seal::Opened,
    store::{Actor, Correctie, Event, Lease, PostvakRij, berichten::correcties, postvak::has_open},
};

/// So many at once, so that one reader does not hold the writer long.
const CHUNK: u32 = 64;

/// A bericht that is handed out, opened.
pub struct Handed {
    /// The bericht for this ontvanger.
    pub rij: PostvakRij,
    /// Content and its salt.
    pub opened: Opened,
    /// What its afzender corrected since.
    pub correcties: Vec<Correctie>,
}

/// An open postvak: what one receiver took and did not confirm is given back at once when it goes.
pub struct Postvak {
    exchange: Arc<Exchange>,
    call: Call,
    adres: Adres,
    actor: Actor,
    bell: Arc<Notify>,
    held: Mutex<HashMap<BerichtId, (u64, u32)>>,
}

impl Exchange {
    /// Opens the postvak of a loket of the caller's own.
    ///
    /// # Errors
    /// [`Weigering::LoketNietVanU`].
    pub fn open_postvak(
        self: &Arc<Self>,
        call: &Call,
        loket: &LoketNaam,
        medewerker: &str,
    ) -> Result<Postvak, Weigering> {
        let adres = call.identiteit().adres(loket)?;
        let bell = self.store.wakers.of(&adres);
        let actor = self.actor(call, Some(medewerker));
        Ok(Postvak { exchange: Arc::clone(self), call: call.clone(), adres, actor, bell, held: Mutex::default() })
    }

    /// Reads one bericht again, until it expires.
    ///
    /// # Errors
    /// [`Weigering::BerichtOnbekend`], [`Weigering::Vervallen`] or why no convenant allows it any more; not yet logged.
    pub async fn fetch(
        &self,
        call: &Call,
        loket: &LoketNaam,
        bericht: BerichtId,
        medewerker: &str,
    ) -> Result<Handed, Weigering> {
        let adres = call.identiteit().adres(loket)?;
        let actor = Box::new(self.actor(call, Some(medewerker)));
        let event = |van_kracht, reply| Event::Consult(bericht, adres.clone(), actor.clone(), van_kracht, reply);
        let (rij, _) = self.write_judged(call, event).await?;
        let mut correcties = correcties(&self.store.read, [bericht].into_iter()).await.map_err(unavailable)?;
        self.hand(rij?, correcties.remove(&bericht).unwrap_or_default()).await
    }

    /// Leases what waits, or the answers to one verzoek.
    pub(super) async fn lease(
        &self,
        call: &Call,
        adres: &Adres,
        verzoek: Option<BerichtId>,
        most: u32,
        actor: &Actor,
    ) -> Result<Vec<Handed>, Weigering> {
        let lease_micros = i64::try_from(self.bounds.lease_seconds).unwrap_or(i64::MAX).saturating_mul(1_000_000);
        let event = |van_kracht, reply| {
            let (adres, actor) = (adres.clone(), actor.clone());
            let lease = Lease { adres, verzoek, most, lease_micros, actor, van_kracht };
            Event::Lease(Box::new(lease), reply)
        };
        let (rijen, _) = self.write_judged(call, event).await?;
        let berichten = rijen.iter().map(|rij| rij.bericht);
        let mut correcties = correcties(&self.store.read, berichten).await.map_err(unavailable)?;
        let mut handed = Vec::with_capacity(rijen.len());
        for rij in rijen {
            let correcties = correcties.remove(&rij.bericht).unwrap_or_default();
            // One that does not open must not take the others with it: its lease lapses, and the log of the process says so.
            handed.extend(self.hand(rij, correcties).await.ok());
        }
        Ok(handed)
    }

    /// Whether a bericht may still be handed out today.
    fn may_leave(&self, rij: &PostvakRij) -> bool {
        rij.stempel.houdbaar_tot_en_met >= amsterdam_date(self.klok.now())
    }

    async fn hand(&self, rij: PostvakRij, correcties: Vec<Correctie>) -> Result<Handed, Weigering> {
        // A process that was stopped between the transaction and here may find that it is another day.
        if !self.may_leave(&rij) {
            return Err(Weigering::Vervallen);
        }
        let sealed = rij.inhoud.as_ref().ok_or(Weigering::Vervallen)?;
        let opened = self.data_key(&rij).await?.open(rij.bericht, &rij.afzender, sealed).map_err(unavailable)?;
        Ok(Handed { rij, opened, correcties })
    }
}

impl Postvak {
    /// Rings when something arrives: ask for its `notified` before [`Postvak::take`], so that nothing is missed in between.
    #[must_use]
    pub fn bell(&self) -> Arc<Notify> {
        Arc::clone(&self.bell)
    }

    /// Hands out what waits now, at most `most`. Must run to its end: what it leased is lost to others until then.
    ///
    /// # Errors
    /// [`Weigering::NietBeschikbaar`] or [`Weigering::KlokOnzeker`].
    pub async fn take(&self, most: u32) -> Result<Vec<Handed>, Weigering> {
        let exchange = &self.exchange;
        exchange.trust_clock()?;
        if !has_open(&exchange.store.read, &self.adres, exchange.klok.now()).await.map_err(unavailable)? {
            return Ok(Vec::new());
        }
        let handed = exchange.lease(&self.call, &self.adres, None, most.min(CHUNK), &self.actor).await?;
        self.held().extend(handed.iter().map(|handed| (handed.rij.bericht, (handed.rij.log_index, handed.rij.poging))));
        Ok(handed)
    }

    /// Whether this may still leave: its last day may have passed since it was taken.
    #[must_use]
    pub fn may_leave(&self, handed: &Handed) -> bool {
        self.exchange.may_leave(&handed.rij)
    }

    /// Confirms a bericht.
    ///
    /// # Errors
    /// The [`Weigering`], not yet logged.
    pub async fn acknowledge(&self, bericht: BerichtId) -> Result<i64, Weigering> {
        let at = self.exchange.acknowledge(&self.call, &self.adres.loket, bericht).await?;
        self.held().remove(&bericht);
        Ok(at)
    }

    fn held(&self) -> MutexGuard<'_, HashMap<BerichtId, (u64, u32)>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Postvak {
    fn drop(&mut self) {
        let leases: Vec<(u64, u32)> = self.held().drain().map(|(_, lease)| lease).collect();
        if leases.is_empty() {
            return;
        }
        let (exchange, adres) = (Arc::clone(&self.exchange), self.adres.clone());
        tokio::spawn(async move {
            // If this does not get through, the leases lapse by themselves.
            drop(exchange.store.writer.write(|reply| Event::Release(adres, leases, reply)).await);
        });
    }
}
