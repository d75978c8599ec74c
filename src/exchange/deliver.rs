//! Deliver: lease from a postvak, hand out, read again.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::civil::Date;
use tokio::sync::Notify;

use super::{Call, Exchange, unavailable};
use crate::{
    domain::{Adres, BerichtId, LoketNaam, Weigering, houdbaarheid::amsterdam_date},
    sleutels::Opened,
    store::{
        Actor, Consult, Consulted, Correctie, Event, Lease, Leased, PostvakRij, berichten::correcties,
        postvak::has_open,
    },
};

/// So many at once, so that one reader does not hold the writer long.
const CHUNK: u32 = 64;
/// How often the writer is asked again because keys had to be read first, or much was judged and nothing handed out.
const MOST_ROUNDS: usize = 64;

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
        let actor = self.actor(call, Some(medewerker));
        for _ in 0..MOST_ROUNDS {
            let event = |van_kracht, reply| {
                let (adres, actor, opener) = (adres.clone(), actor.clone(), self.keys.clone());
                Event::Consult(Box::new(Consult { bericht, adres, actor, van_kracht, opener }), reply)
            };
            let (consulted, _) = self.write_judged(call, event).await?;
            match consulted? {
                Consulted::Read(rij, opened) => {
                    let mut found = correcties(&self.store.read, [bericht].into_iter()).await.map_err(unavailable)?;
                    return self.hand(*rij, opened, found.remove(&bericht).unwrap_or_default());
                }
                Consulted::Damaged(rij) => {
                    self.end_damaged(&rij).await.map_err(unavailable)?;
                    return Err(Weigering::InhoudBeschadigd);
                }
                Consulted::NoKey(day) => drop(self.keys.existing(day).await.map_err(unavailable)?),
            }
        }
        Err(unavailable("the key of a day is found, and gone again each time"))
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
        let mut without: BTreeSet<Date> = BTreeSet::new();
        for _ in 0..MOST_ROUNDS {
            let event = |van_kracht, reply| {
                let (adres, actor) = (adres.clone(), actor.clone());
                let (opener, without) = (self.keys.clone(), without.clone());
                let lease = Lease { adres, verzoek, most, lease_micros, actor, van_kracht, opener, without };
                Event::Lease(Box::new(lease), reply)
            };
            let (leased, _) = self.write_judged(call, event).await?;
            let again = leased.is_cut_short() || !leased.unknown.is_empty();
            without.extend(self.look_after(&leased).await);
            if !leased.handed.is_empty() || !again {
                return self.hand_all(leased).await;
            }
        }
        Ok(Vec::new())
    }

    async fn hand_all(&self, Leased { handed, .. }: Leased) -> Result<Vec<Handed>, Weigering> {
        let berichten = handed.iter().map(|(rij, _)| rij.bericht);
        let mut correcties = correcties(&self.store.read, berichten).await.map_err(unavailable)?;
        let hand = |(rij, opened): (PostvakRij, Opened)| {
            let correcties = correcties.remove(&rij.bericht).unwrap_or_default();
            // One whose last day passed meanwhile must not take the others with it.
            self.hand(rij, opened, correcties).ok()
        };
        Ok(handed.into_iter().filter_map(hand).collect())
    }

    /// Whether a bericht may still be handed out today.
    fn may_leave(&self, rij: &PostvakRij) -> bool {
        rij.stempel.houdbaar_tot_en_met >= amsterdam_date(self.klok.now())
    }

    fn hand(&self, rij: PostvakRij, opened: Opened, correcties: Vec<Correctie>) -> Result<Handed, Weigering> {
        // A process that was stopped between the transaction and here may find that it is another day.
        if self.may_leave(&rij) { Ok(Handed { rij, opened, correcties }) } else { Err(Weigering::Vervallen) }
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
        let gelezen = exchange.van_kracht().gelezen();
        let waits = has_open(&exchange.store.read, &self.adres, gelezen, exchange.klok.now());
        if !waits.await.map_err(unavailable)? {
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
