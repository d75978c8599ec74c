//! Day keys, where several gateways share them: a row a day, made by whoever is first and never replaced.
//!
//! Each is wrapped under a root that is not in this database.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use jiff::civil::Date;

use super::{Event, Store, StoreError, work::Work};
use crate::sleutels::{
    DayKeyPlace, KeyError,
    dagsleutels::{Pending, Wrapped},
};

/// The day keys in this database.
pub struct SharedDayKeys(Store);

impl SharedDayKeys {
    /// Of this store.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self(store)
    }
}

impl DayKeyPlace for SharedDayKeys {
    fn find(&self, day: Date) -> Pending<'_, Option<Wrapped>> {
        Box::pin(async move {
            let found = sqlx::query_scalar("SELECT sleutel FROM dagsleutels WHERE dag = $1").bind(day.to_string());
            found.fetch_optional(&self.0.read).await.map_err(|error| unreachable(&error.into()))
        })
    }

    fn add(&self, day: Date, wrapped: Wrapped) -> Pending<'_, ()> {
        Box::pin(async move {
            let written = self.0.writer.write(|reply| Event::DayKey(day, wrapped, reply)).await;
            written.map(drop).map_err(|error| unreachable(&error))
        })
    }

    fn generation(&self) -> u64 {
        self.0.connections.load(Ordering::SeqCst)
    }
}

/// How often the writer connected anew: what was read before may be of a server that is no more.
pub(super) type Connections = Arc<AtomicU64>;

fn unreachable(error: &StoreError) -> KeyError {
    KeyError::Unreachable(error.to_string())
}

/// Adds the key of a day, unless there is one.
pub(super) async fn add(work: &mut Work<'_>, day: Date, wrapped: &str) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO dagsleutels (dag, sleutel) VALUES ($1, $2) ON CONFLICT (dag) DO NOTHING")
        .bind(day.to_string())
        .bind(wrapped)
        .execute(work.database().await?)
        .await?;
    Ok(())
}
