//! Nareken (recompute): each gateway goes through the whole logboek by itself, at its start and once a day, and remembers what came of it.
//! With the public key alone, as anybody can do who has the regels.

use std::sync::{Mutex, PoisonError};

use jiff::{Timestamp, ToSpan, civil::Date};

use crate::{
    domain::houdbaarheid::{amsterdam, start_of},
    exchange::Exchange,
    store::{
        StoreError,
        verify::{self, VerifyError},
    },
};

/// At this hour of Amsterdam, each day.
const HOUR: i64 = 6;

/// What came of a recomputation.
#[derive(Clone, Debug)]
pub struct Nagerekend {
    /// When it was begun.
    pub wanneer: Timestamp,
    /// How many regels there were, or what is wrong.
    pub uitkomst: Result<u64, String>,
}

/// What came of the last one.
#[derive(Default)]
pub struct Uitkomst(Mutex<Option<Nagerekend>>);

impl Uitkomst {
    /// The last one; none before the first is done.
    #[must_use]
    pub fn newest(&self) -> Option<Nagerekend> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep(&self, nagerekend: Nagerekend) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(nagerekend);
    }
}

/// The last moment, not after now, at which a recomputation was to begin.
fn due(now: Timestamp) -> Timestamp {
    let at = |day: Date| start_of(day).saturating_add(HOUR.hours()).unwrap_or(Timestamp::MAX);
    let today = amsterdam(now).date();
    let this = at(today);
    if this <= now { this } else { at(today.saturating_sub(1.day())) }
}

impl Exchange {
    /// Recomputes the whole logboek, where that was not done since it was due. What is wrong is kept, and told to the process log.
    ///
    /// # Errors
    /// [`StoreError`] where it could not be read.
    pub async fn recompute(&self) -> Result<(), StoreError> {
        let now = self.klok.now();
        if self.nagerekend.newest().is_some_and(|last| last.wanneer >= due(now)) {
            return Ok(());
        }
        let uitkomst = match verify::logboeken(&self.store.read, &self.vkey, &[], &|_, _| {}).await {
            Ok(logboeken) => Ok(logboeken.iter().map(|of| of.regels).sum()),
            // Nothing is known then.
            Err(VerifyError::Store(error)) => return Err(error),
            Err(error) => Err(error.to_string()),
        };
        if let Err(wrong) = &uitkomst {
            tracing::error!(%wrong, "the logboek does not hold: it was changed outside the gateway");
        }
        self.nagerekend.keep(Nagerekend { wanneer: now, uitkomst });
        Ok(())
    }
}
