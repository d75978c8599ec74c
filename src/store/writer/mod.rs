//! The writer: one task carries out what callers hand in, many at a time in one transaction (`task`), and answers when that is durable.
//!
//! An [`Event`] is handed to [`Writer::write`]. `carry_out` says how each is carried out, with [`change`], `dagsleutel` and
//! [`next_logboek`] for those that are not about a bericht. `batch` says what becomes of a batch with one that cannot be carried out. Who waits at a
//! postvak is woken, here ([`wake`]) and at other gateways (`listen`). [`shared_keys`] is where several gateways share their day
//! keys. [`restore`] is for an operator, where the logboek cannot go on and no gateway runs.

pub mod alone;
mod batch;
mod carry_out;
pub mod change;
mod dagsleutel;
pub mod dossier;
pub mod event;
mod listen;
pub mod next_logboek;
pub mod restore;
pub mod shared_keys;
mod task;
pub mod voorstel;
pub mod wake;
pub mod wis;

use std::sync::{Arc, atomic::AtomicU64};

use tokio::sync::{mpsc, watch};

use self::{
    event::{Durable, Event, Reply},
    wake::Wakers,
};
use super::{NotDone, Pool, StoreError, database::dialect::Dialect, values::moment};
use crate::{
    domain::Klok,
    logboek::Head,
    telemetry::sporen::{Gang, Sporen},
};

/// How often the writer connected anew: what was read before may be of a server that is no more.
type Reconnects = Arc<AtomicU64>;

/// The way to the writer.
#[derive(Clone)]
pub struct Writer {
    to: mpsc::Sender<Handed>,
    sporen: Sporen,
}

/// An event on its way to the writer, with its way there where that is traced.
struct Handed {
    event: Event,
    gang: Option<Arc<Gang>>,
}

impl Writer {
    /// How many events wait for the writer.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.to.max_capacity() - self.to.capacity()
    }

    /// Hands in an event and waits until it is durable. A call that is cancelled drops its waiting, never the transaction.
    ///
    /// # Errors
    /// Why it was not carried out: [`NotDone`]. With [`StoreError::Unknown`] it may have been carried out all the same.
    pub async fn write<T>(&self, event: impl FnOnce(Reply<T>) -> Event) -> Result<Durable<T>, NotDone> {
        let (reply, answer) = Reply::new();
        let gang = self.sporen.hand_in();
        let handed = Handed { event: event(reply), gang: gang.clone() };
        self.to.send(handed).await.map_err(|_| StoreError::Unknown)?;
        let answered = answer.await;
        if let Some(gang) = gang {
            gang.end();
        }
        answered.map_err(|_| StoreError::Unknown)?
    }
}

/// The reading side, and the way to the writer.
#[derive(Clone)]
pub struct Store {
    /// For reading.
    pub read: Pool,
    /// Takes everything that changes something.
    pub writer: Writer,
    /// Wakes those who wait at a postvak.
    pub wakers: Wakers,
    head: watch::Receiver<Arc<Head>>,
    reconnects: Reconnects,
    /// How far the clock of a gateway may be from that of the database, seconds.
    most_apart: u64,
}

impl Store {
    /// The head that this gateway signed or saw last; all of it is durable.
    #[must_use]
    pub fn head(&self) -> Arc<Head> {
        Arc::clone(&self.head.borrow())
    }

    /// For who must know of each next one.
    #[must_use]
    pub fn heads(&self) -> watch::Receiver<Arc<Head>> {
        self.head.clone()
    }

    /// Whether the database answers who reads.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn is_reachable(&self) -> Result<(), StoreError> {
        sqlx::query("SELECT 1").fetch_one(&self.read).await?;
        Ok(())
    }

    /// Tells the clock of this gateway what the database says of the time, where the database has a clock of its own.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn tell_time(&self, klok: &Klok) -> Result<(), StoreError> {
        let mut connection = self.read.acquire().await?;
        if let Some(time) = Dialect::of(&connection).time() {
            let theirs: i64 = sqlx::query_scalar(time).fetch_one(&mut *connection).await?;
            klok.heard_database(moment(theirs), self.most_apart);
        }
        Ok(())
    }
}
