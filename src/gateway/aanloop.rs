//! Aanloop (run-up): what a gateway waits for before it begins, and how far it is with beginning and ending, for who watches it.

use std::{
    collections::HashMap,
    net::{SocketAddr, TcpListener},
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use tokio::{
    sync::watch,
    time::{Instant, sleep},
};

use super::{GatewayError, ends::Ends};
use crate::{
    config::Opslag,
    exchange::Exchange,
    store::{Database, OpenError},
};

/// Between attempts to reach a database that is away.
const AGAIN: Duration = Duration::from_secs(1);
/// How often is said that it still is.
const SAY_AGAIN: Duration = Duration::from_mins(1);

/// How far a gateway is.
#[derive(Clone)]
pub(super) enum Fase {
    /// It reads what it needs.
    Begint,
    /// It waits for its database, with what that says.
    Wacht(String),
    /// It serves, or ends: then the exchange is gone, in the end.
    Loopt {
        exchange: Weak<Exchange>,
        ends: Ends,
        /// How it was told to end.
        einde: watch::Receiver<Einde>,
    },
}

/// How a gateway was told to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Einde {
    /// It was not.
    Niet,
    /// It says that it is not ready, serves on for `drain_seconds`, and finishes what is under way.
    Gevraagd,
    /// At once: what is under way is broken off, and its callers repeat it elsewhere.
    Haast,
}

/// The beginning of a gateway: whether it waits for its database, and how far it is.
pub struct Aanloop {
    fase: watch::Sender<Fase>,
    is_patient: bool,
    /// Sockets that are open already, by the name of their section.
    sockets: Mutex<HashMap<&'static str, TcpListener>>,
}

/// The sections whose socket a service manager can hand over.
pub const SOCKETS: [&str; 4] = ["grpc", "toezicht", "beheer", "waarneming"];

impl Aanloop {
    /// A start that waits for a database that is away.
    #[must_use]
    pub fn patient() -> Self {
        Self { is_patient: true, ..Self::hasty() }
    }

    /// A start that fails when its database is away.
    #[must_use]
    pub fn hasty() -> Self {
        Self { fase: watch::Sender::new(Fase::Begint), is_patient: false, sockets: Mutex::default() }
    }

    /// The same with sockets that are open already, each by one of [`SOCKETS`]: those addresses of the configuration are not opened then.
    #[must_use]
    pub fn with_sockets(self, sockets: HashMap<&'static str, TcpListener>) -> Self {
        Self { sockets: Mutex::new(sockets), ..self }
    }

    /// Listens at an address, or at the socket that is open for this section.
    pub(super) async fn listen(
        &self,
        section: &'static str,
        adres: SocketAddr,
    ) -> Result<(tokio::net::TcpListener, SocketAddr), GatewayError> {
        let error = |source| GatewayError::Listen { adres, source };
        let handed = self.sockets.lock().unwrap_or_else(PoisonError::into_inner).remove(section);
        let socket = match handed {
            Some(socket) => {
                socket.set_nonblocking(true).map_err(error)?;
                tokio::net::TcpListener::from_std(socket).map_err(error)?
            }
            None => tokio::net::TcpListener::bind(adres).await.map_err(error)?,
        };
        let adres = socket.local_addr().map_err(error)?;
        Ok((socket, adres))
    }

    /// Whether the start waits for the database now, and nothing would be lost by giving it up.
    #[must_use]
    pub fn waits(&self) -> bool {
        matches!(*self.fase.borrow(), Fase::Wacht(_))
    }

    pub(super) fn fase(&self) -> watch::Receiver<Fase> {
        self.fase.subscribe()
    }

    pub(super) fn runs(&self, exchange: &Arc<Exchange>, ends: Ends, einde: watch::Receiver<Einde>) {
        self.fase.send_replace(Fase::Loopt { exchange: Arc::downgrade(exchange), ends, einde });
    }

    /// Opens the database, when it is there.
    pub(super) async fn database(&self, opslag: &Opslag) -> Result<Database, OpenError> {
        let mut said: Option<Instant> = None;
        loop {
            let error = match Database::open(opslag).await {
                Err(error) if self.is_patient && error.is_away() => error,
                opened => {
                    if opened.is_ok() && said.is_some() {
                        tracing::warn!("the database is there: the start goes on");
                    }
                    self.fase.send_replace(Fase::Begint);
                    return opened;
                }
            };
            if said.is_none_or(|when| when.elapsed() >= SAY_AGAIN) {
                tracing::warn!(%error, "the start waits for the database");
                said = Some(Instant::now());
            }
            self.fase.send_replace(Fase::Wacht(error.to_string()));
            sleep(AGAIN).await;
        }
    }
}
