//! The verbs: what a partner or an operator can do, one file each. [`send`], [`ask`], [`deliver`], `confirm`, [`status`], [`find`],
//! [`withdraw`] and [`loketten`] are for partners, [`beheer`] for operators, [`mod@toezicht`] for who oversees, and [`dossier`] for contactpunten.
//!
//! What the gateway does by itself: [`expire`] ends what has lapsed, [`announce`] says what ends soon, [`klok`] watches the clock,
//! [`schade`] ends what is damaged, and [`poort`] makes the berichten that the gateway itself sends. What verbs share: `seal` seals
//! a bericht, [`refuse`] logs a refusal, [`van_kracht`] keeps this process at what is in force (with `verleden`, the past of it,
//! and `leesbaar`, whether it can be read here), `wachtend` tells what a change does to berichten that wait, and [`passed`]
//! remembers rows that are passed over.
//!
//! A verb gets a verified [`Call`] and parsed values, and gives what the caller may see ([`views`]) or a [`Weigering`]. Who called
//! the verb logs the weigering with [`Exchange::refuse`] before it leaves. Not here: the wire (`grpc`), what is allowed (`domain`).

mod afdruk;
pub mod announce;
pub mod ask;
pub mod beheer;
mod confirm;
pub mod datum;
pub mod deliver;
pub mod dossier;
pub mod expire;
pub mod find;
pub mod historie;
pub mod klok;
mod leesbaar;
pub mod logboek;
pub mod loketten;
pub mod passed;
pub mod poort;
pub mod refuse;
pub mod schade;
mod seal;
pub mod send;
pub mod status;
pub mod toezicht;
pub mod van_kracht;
mod verleden;
pub mod views;
pub mod voorstel;
pub mod wacht;
mod wachtend;
pub mod wis;
pub mod withdraw;

pub use ask::Asked;
pub use beheer::{Gevolg, Gewijzigd, Opdracht};
pub use deliver::Postvak;
pub use find::Zoekvraag;
pub use passed::PassedOver;
pub use poort::{RedenIntrekking, VanDePoort};
pub use refuse::{About, Weigeringen};
pub use send::{Aanvaarding, Receipt};
pub use van_kracht::{InForce, LoadError};
pub use withdraw::Intrekking;

use std::{fmt::Display, sync::Arc};

use tokio::{sync::Semaphore, time::Instant};
use uuid::Uuid;

use crate::{
    domain::{Aangemeld, Identiteit, Klok, Rng, VanKracht, Weigering},
    jobs::Tasks,
    logboek::{LogboekNaam, VerifyKey},
    sleutels::KeyStore,
    store::{Durable, Event, NotDone, Pool, Reply, Store, StoreError, zoeken::Zoekbestand},
    telemetry::Metingen,
};

/// How often something is judged anew. A date turns once, and what is in force changes rarely: more often means that something is
/// wrong.
const MOST_JUDGEMENTS: usize = 4;

/// Bounds of the exchange.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Seconds a delivered bericht waits for its acknowledgement before it is offered again.
    pub lease_seconds: u64,
    /// Open berichten that a postvak holds.
    pub postvak: u64,
    /// Days before a scenario lapses that its afzender is warned.
    pub vervalwaarschuwing_dagen: u16,
}

/// Everything the verbs need.
pub struct Exchange {
    /// The store.
    pub store: Store,
    /// The keys.
    pub keys: Arc<KeyStore>,
    /// What is in force.
    pub in_force: InForce,
    /// The time, as far as it may be believed.
    pub klok: Arc<Klok>,
    /// Randomness.
    pub rng: Arc<dyn Rng>,
    /// Bounds.
    pub bounds: Bounds,
    /// The gateway itself, as afzender.
    pub poort: Identiteit,
    /// How its logboeken are called.
    pub logboek: LogboekNaam,
    /// By what anybody verifies them.
    pub vkey: VerifyKey,
    /// In what toezicht searches, where it has a port.
    pub zoeken: Option<Arc<Zoekbestand>>,
    /// What came of recomputing the logboek.
    pub nagerekend: toezicht::nareken::Uitkomst,
    /// Writes what the gateway itself sends as the content of a bericht.
    pub encode: fn(&VanDePoort) -> Vec<u8>,
    /// Weigeringen that are logged once a minute.
    pub weigeringen: Weigeringen,
    /// Rows that are passed over.
    pub passed: PassedOver,
    /// What goes on when a caller has gone.
    pub tasks: Tasks,
    /// Counts what happens, for operators.
    pub metingen: Arc<Metingen>,
    /// One export of a logboek is made at a time: it holds the whole tree.
    pub exports: Arc<Semaphore>,
    /// One dossier is opened at a time, so that a request that is sent twice at once finds itself.
    pub opens: tokio::sync::Mutex<()>,
}

/// One call of a verified identity.
#[derive(Clone, Debug)]
pub struct Call {
    /// Who calls, and by which entry of what is in force.
    pub aangemeld: Aangemeld,
    /// W3C trace id, 32 hexadecimal digits.
    pub trace: String,
    /// When the caller stops waiting.
    pub deadline: Option<Instant>,
}

impl Call {
    /// The verified identity.
    #[must_use]
    pub fn identiteit(&self) -> &Identiteit {
        &self.aangemeld.toegang.identiteit
    }
}

impl Exchange {
    /// Hands an event to the writer. In doubt about the clock nothing is written, and the caller hears why.
    async fn write<T>(&self, event: impl FnOnce(Reply<T>) -> Event) -> Result<Durable<T>, Weigering> {
        self.trust_clock()?;
        self.store.writer.write(event).await.map_err(|error| self.said(error))
    }

    /// Writes what a call asks, judged by what is in force now. Where that changed before it was written, it is judged again. Who
    /// is no deelnemer any more writes nothing.
    async fn write_judged<P, T, F>(
        &self,
        call: &Call,
        judge: impl Fn(Arc<VanKracht>) -> F,
        event: fn(P, Reply<T>) -> Event,
    ) -> Result<Durable<T>, Weigering>
    where
        F: Future<Output = Result<P, Weigering>>,
    {
        self.trust_clock()?;
        let judge = |van_kracht: Arc<VanKracht>| {
            let (still, judged) = (van_kracht.deelnemers().still(&call.aangemeld), judge(van_kracht));
            async {
                still?;
                Ok(judged.await?)
            }
        };
        self.write_anew(judge, event).await.map_err(|error| self.said(error))
    }

    /// Writes what is judged by what is in force now. Where that changed before it was written, it is judged again.
    async fn write_anew<P, T, F>(
        &self,
        judge: impl Fn(Arc<VanKracht>) -> F,
        event: fn(P, Reply<T>) -> Event,
    ) -> Result<Durable<T>, NotDone>
    where
        F: Future<Output = Result<P, NotDone>>,
    {
        for _ in 0..MOST_JUDGEMENTS {
            let judged = judge(self.van_kracht()).await?;
            match self.store.writer.write(|reply| event(judged, reply)).await {
                Err(NotDone::Outdated) => {}
                written => return written,
            }
            if let Err(error) = self.refresh().await {
                tracing::error!(%error, "what is in force could not be read, to judge by");
                return Err(StoreError::Unknown.into());
            }
        }
        Err(NotDone::Outdated)
    }

    /// What a caller hears of what was not done.
    fn said(&self, error: NotDone) -> Weigering {
        match error {
            NotDone::Refused(weigering) => weigering,
            NotDone::Outdated => unavailable(
                "judged again and again: what is in force changes faster than it can be judged by, or the clock is behind the last \
                 regel of the logboek, on an earlier day",
            ),
            // A doubt may have come up in the transaction itself.
            NotDone::Failed(error) => self.trust_clock().err().unwrap_or_else(|| unavailable(error)),
        }
    }

    /// The reading side, for a call. Who is no deelnemer any more reads nothing.
    fn reading(&self, call: &Call) -> Result<&Pool, Weigering> {
        self.van_kracht().deelnemers().still(&call.aangemeld)?;
        Ok(&self.store.read)
    }

    /// Whether anything that depends on the time can be answered.
    ///
    /// # Errors
    /// [`Weigering::KlokOnzeker`].
    pub fn trust_clock(&self) -> Result<(), Weigering> {
        self.klok.trust().map_err(|_| Weigering::KlokOnzeker)
    }

    /// A new trace id, for a caller that brought none.
    #[must_use]
    pub fn new_trace(&self) -> String {
        let mut random = [0; 16];
        self.rng.fill(&mut random);
        Uuid::from_bytes(random).simple().to_string()
    }
}

/// What is wrong inside goes to the process log; the caller hears that repeating is safe.
fn unavailable(error: impl Display) -> Weigering {
    tracing::error!(%error, "a call could not be answered");
    Weigering::NietBeschikbaar
}
