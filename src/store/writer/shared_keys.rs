//! Day keys, where several gateways share them: a row a day, made by whoever is first and never replaced.
//!
//! Each is wrapped under a root that is not in this database.

use std::sync::atomic::Ordering;

use jiff::civil::Date;

use super::{Store, event::Event};
use crate::{
    sleutels::{
        DayKeyPlace, KeyError,
        dagsleutels::{Pending, Wrapped},
    },
    store::NotDone,
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
            found.fetch_optional(&self.0.read).await.map_err(|error| unreachable(&error))
        })
    }

    fn add(&self, day: Date, wrapped: Wrapped) -> Pending<'_, ()> {
        Box::pin(async move {
            let written = self.0.writer.write(|reply| Event::DayKey(day, wrapped, reply)).await;
            written.map(drop).map_err(|error: NotDone| unreachable(&error))
        })
    }

    fn reconnects(&self) -> u64 {
        self.0.reconnects.load(Ordering::SeqCst)
    }
}

fn unreachable(error: &impl ToString) -> KeyError {
    KeyError::Unreachable(error.to_string())
}
