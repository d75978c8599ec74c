//! The verbs: what a partner can do. One file a verb; each goes down to the store once and up once.
//!
//! A verb gets a verified [`Call`] and parsed values, and gives a value or a [`Weigering`]; the caller logs the refusal with
//! [`Exchange::refuse`] before it leaves (promise 1). Not here: the wire (`grpc`), what is allowed (`domain`).

pub mod acknowledge;
pub mod announce;
pub mod ask;
pub mod beheer;
pub mod deliver;
pub mod expire;
pub mod find;
pub mod klok;
mod leesbaar;
pub mod loketten;
pub mod poort;
pub mod refuse;
pub mod schade;
mod seal;
pub mod send;
pub mod status;
pub mod van_kracht;
mod verleden;
mod wachtend;
pub mod withdraw;

pub use ask::Asked;
pub use beheer::{Gevolg, Gewijzigd, Opdracht};
pub use deliver::{Handed, Postvak};
pub use find::{Gevonden, Zoekvraag};
pub use poort::{RedenIntrekking, VanDePoort};
pub use refuse::{About, Weigeringen};
pub use send::{Aanvaarding, Receipt};
pub use status::StatusView;
pub use van_kracht::{InForce, LoadError};
pub use withdraw::{Intrekking, Uitkomst};

use std::{fmt::Display, sync::Arc};

use tokio::time::Instant;
use uuid::Uuid;

use crate::{
    domain::{Aangemeld, Identiteit, Klok, Rng, Weigering},
    logboek::commitment,
    sleutels::KeyStore,
    store::{Actor, Durable, Event, Reply, Store},
};

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
    /// Writes what the gateway itself sends as the content of a bericht.
    pub encode: fn(&VanDePoort) -> Vec<u8>,
    /// Weigeringen that are logged once a minute.
    pub weigeringen: Weigeringen,
}

/// One call of a verified partner.
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
        self.store.writer.write(event).await.map_err(|error| {
            // The doubt may have come up in the transaction itself.
            self.trust_clock().err().unwrap_or_else(|| unavailable(error))
        })
    }

    /// Whether anything that depends on the time can be answered.
    ///
    /// # Errors
    /// [`Weigering::KlokOnzeker`].
    pub fn trust_clock(&self) -> Result<(), Weigering> {
        self.klok.trust().map_err(|_| Weigering::KlokOnzeker)
    }

    /// Who does something, with a salted commitment to the employee.
    fn actor(&self, call: &Call, medewerker: Option<&str>) -> Actor {
        let medewerker = medewerker.map(|medewerker| self.committed(medewerker.as_bytes()));
        Actor { identiteit: call.identiteit().clone(), trace: Some(call.trace.clone()), medewerker, reden: None }
    }

    /// A new trace id, for a caller that brought none.
    #[must_use]
    pub fn new_trace(&self) -> String {
        let mut random = [0; 16];
        self.rng.fill(&mut random);
        Uuid::from_bytes(random).simple().to_string()
    }

    /// A commitment to a value, and its fresh salt.
    fn committed(&self, value: &[u8]) -> (String, [u8; 32]) {
        let mut zout = [0; 32];
        self.rng.fill(&mut zout);
        (commitment(&zout, value), zout)
    }
}

/// What is wrong inside goes to the process log; the caller hears that repeating is safe.
fn unavailable(error: impl Display) -> Weigering {
    tracing::error!(%error, "a call could not be answered");
    Weigering::NietBeschikbaar
}
