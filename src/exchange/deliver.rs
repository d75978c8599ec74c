//! Deliver: lease from a postvak, hand out, read again.

use std::{
    collections::{BTreeSet, HashMap},
    future::ready,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::{SignedDuration, Timestamp, civil::Date};
use tokio::sync::Notify;

use super::{
    Call, Exchange, unavailable,
    views::{BerichtView, Handed},
};
use crate::{
    domain::{Adres, BerichtId, Correctie, LoketNaam, VanKracht, Weigering, houdbaarheid::amsterdam_date},
    jobs::Tasks,
    sleutels::Opened,
    store::{
        Actor, Bell, Consult, Consulted, Event, HeldLease, Holder, Lease, Leased, Place, Post, PostvakRij, Writer,
        reading::{berichten::correcties, postvakken::has_leasable},
    },
    telemetry::Teller,
};

/// Berichten in one lease, at most, so that one reader does not hold the writer long.
pub const MOST_AT_ONCE: usize = 64;
/// How often the writer is asked again, because keys had to be read first, or because much was judged and nothing handed out.
const MOST_ROUNDS: usize = 64;

/// What one receiver was handed and has not confirmed. It is held from the commit on. When this is dropped, it is given back at
/// once: a client that lost its connection need not wait until its leases lapse.
pub(super) struct Held {
    leases: Mutex<HashMap<BerichtId, HeldLease>>,
    adres: Adres,
    writer: Writer,
    tasks: Tasks,
}

impl Held {
    pub(super) fn new(exchange: &Exchange, adres: Adres) -> Arc<Self> {
        let (writer, tasks) = (exchange.store.writer.clone(), exchange.tasks.clone());
        Arc::new(Self { leases: Mutex::default(), adres, writer, tasks })
    }

    /// Gives nothing back: whoever has these leases keeps them until they lapse.
    pub(super) fn let_go(&self) {
        self.leases().clear();
    }

    fn leases(&self) -> MutexGuard<'_, HashMap<BerichtId, HeldLease>> {
        self.leases.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Holder for Held {
    fn hold(&self, leases: &[HeldLease]) {
        self.leases().extend(leases.iter().map(|lease| (lease.bericht, *lease)));
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let leases: Vec<HeldLease> = self.leases().drain().map(|(_, lease)| lease).collect();
        if leases.is_empty() {
            return;
        }
        let (writer, adres) = (self.writer.clone(), self.adres.clone());
        self.tasks.spawn("leases that are given back", async move {
            // If this does not get through, the leases lapse by themselves.
            drop(writer.write(|reply| Event::Release(adres, leases, reply)).await);
        });
    }
}

/// An open postvak of one receiver. What that took and did not confirm is given back at once when this is dropped.
pub struct Postvak {
    exchange: Arc<Exchange>,
    call: Call,
    adres: Adres,
    actor: Actor,
    bell: Arc<Notify>,
    held: Arc<Held>,
    /// Counted as long as it is open.
    _open: Teller,
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
        let bell = self.store.wakers.of(Bell::Postvak(adres.clone()));
        let actor = self.actor(call, Some(medewerker));
        let held = Held::new(self, adres.clone());
        let open = self.metingen.stream(adres.partner.as_str());
        Ok(Postvak { exchange: Arc::clone(self), call: call.clone(), adres, actor, bell, held, _open: open })
    }

    /// Reads one bericht, again or for the first time, until its last day.
    ///
    /// # Errors
    /// [`Weigering::BerichtOnbekend`], how its content ended, or why no convenant allows it any more; not yet logged.
    pub async fn fetch(
        &self,
        call: &Call,
        loket: &LoketNaam,
        bericht: BerichtId,
        medewerker: &str,
    ) -> Result<Handed, Weigering> {
        let adres = call.identiteit().adres(loket)?;
        let actor = self.actor(call, Some(medewerker));
        let judge = |van_kracht: Arc<VanKracht>| {
            let (adres, actor, opener) = (adres.clone(), actor.clone(), self.keys.clone());
            ready(Ok(Box::new(Consult { bericht, adres, actor, van_kracht, opener })))
        };
        for _ in 0..MOST_ROUNDS {
            match self.write_judged(call, judge, Event::Consult).await?.0 {
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
        held: &Arc<Held>,
        verzoek: Option<BerichtId>,
        most: usize,
        actor: &Actor,
    ) -> Result<Vec<Handed>, Weigering> {
        let held_for = SignedDuration::from_secs(i64::try_from(self.bounds.lease_seconds).unwrap_or(i64::MAX));
        let (mut without, mut after) = (BTreeSet::new(), Place::default());
        for _ in 0..MOST_ROUNDS {
            let judge = |van_kracht: Arc<VanKracht>| {
                let (adres, without, gelezen_versie) =
                    (held.adres.clone(), without.clone(), van_kracht.gelezen_versie());
                let post = Post { adres, verzoek, without, gelezen_versie, after };
                let (actor, opener, holder) = (actor.clone(), self.keys.clone(), Arc::clone(held) as Arc<dyn Holder>);
                ready(Ok(Box::new(Lease { post, most, held_for, actor, van_kracht, opener, holder })))
            };
            let (leased, _) = self.write_judged(call, judge, Event::Lease).await?;
            let again = leased.more_after.is_some() || !leased.unknown.is_empty();
            // Rows whose key is read meanwhile are judged once more.
            after = leased.more_after.filter(|_| leased.unknown.is_empty()).unwrap_or(after);
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

    /// Whether what is houdbaar until this day may still be handed out.
    fn may_leave(&self, last_day: Date) -> bool {
        last_day >= amsterdam_date(self.klok.now())
    }

    fn hand(&self, rij: PostvakRij, opened: Opened, correcties: Vec<Correctie>) -> Result<Handed, Weigering> {
        // A process that was stopped between the transaction and here may find that it is another day.
        if !self.may_leave(rij.last_day()) {
            return Err(Weigering::Vervallen);
        }
        let poging = rij.poging;
        self.metingen.delivered(poging);
        drop(self.metingen.sporen.delivery(rij.spoor.as_deref(), poging));
        Ok(Handed { bericht: BerichtView::from(rij), poging, opened, correcties })
    }
}

impl Postvak {
    /// Rings when something arrives: ask for its `notified` before [`Postvak::take`], so that nothing is missed in between.
    #[must_use]
    pub fn bell(&self) -> Arc<Notify> {
        Arc::clone(&self.bell)
    }

    /// Hands out what waits now, at most `most`.
    ///
    /// # Errors
    /// [`Weigering::NietBeschikbaar`] or [`Weigering::KlokOnzeker`].
    pub async fn take(&self, most: u32) -> Result<Vec<Handed>, Weigering> {
        let exchange = &self.exchange;
        exchange.trust_clock()?;
        let gelezen_versie = exchange.van_kracht().gelezen_versie();
        let waits = has_leasable(&exchange.store.read, &self.adres, gelezen_versie, exchange.klok.now());
        if !waits.await.map_err(unavailable)? {
            return Ok(Vec::new());
        }
        let most = usize::try_from(most).unwrap_or(MOST_AT_ONCE).min(MOST_AT_ONCE);
        exchange.lease(&self.call, &self.held, None, most, &self.actor).await
    }

    /// Wakes another receiver of this postvak, for whom something may be left.
    pub fn pass_on(&self) {
        self.bell.notify_one();
    }

    /// Whether this may still leave: its last day may have passed since it was taken.
    #[must_use]
    pub fn may_leave(&self, handed: &Handed) -> bool {
        self.exchange.may_leave(handed.bericht.stempel.houdbaar_tot_en_met)
    }

    /// Staff reference of the employee who receives.
    #[must_use]
    pub fn medewerker(&self) -> Option<String> {
        self.actor.medewerker.as_ref()?.opening.tekst.clone()
    }

    /// Confirms a bericht.
    ///
    /// # Errors
    /// The [`Weigering`], not yet logged.
    pub async fn acknowledge(&self, bericht: BerichtId) -> Result<Timestamp, Weigering> {
        let at = self.exchange.confirm(&self.call, &self.adres, bericht, self.actor.clone()).await?;
        self.held.leases().remove(&bericht);
        Ok(at)
    }
}
