//! Nareken (recompute): each gateway goes through the whole logboek by itself, at its start and once a day, and remembers what came of it.
//! With the public key alone, as anybody can do who has the regels.

use std::sync::{Mutex, PoisonError};

use jiff::{Timestamp, ToSpan, civil::Date};

use crate::{
    domain::houdbaarheid::{amsterdam, moment_of},
    exchange::Exchange,
    store::{
        StoreError,
        verify::{self, VerifyError},
    },
};

/// At this hour of Amsterdam, each day.
const HOUR: i8 = 6;

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

    /// Keeps it, unless one that began later is known already: two can be under way.
    fn keep(&self, nagerekend: Nagerekend) {
        let mut newest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if newest.as_ref().is_none_or(|known| known.wanneer <= nagerekend.wanneer) {
            *newest = Some(nagerekend);
        }
    }
}

/// The last moment, not after now, at which a recomputation was to begin.
fn due(now: Timestamp) -> Timestamp {
    let at = |day: Date| moment_of(day, HOUR, 0);
    let today = amsterdam(now).date();
    let this = at(today);
    if this <= now { this } else { at(today.saturating_sub(1.day())) }
}

impl Exchange {
    /// Whether the logboek was not recomputed since it was due.
    #[must_use]
    pub fn is_recomputing_due(&self) -> bool {
        self.nagerekend.newest().is_none_or(|last| last.wanneer < due(self.klok.now()))
    }

    /// Recomputes the whole logboek. What is wrong is kept, and told to the process log. It computes more than it waits: not for a thread
    /// that serves.
    ///
    /// # Errors
    /// [`StoreError`] where it could not be read.
    pub async fn recompute(&self) -> Result<(), StoreError> {
        let now = self.klok.now();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_that_were_under_way_the_one_that_began_last_counts() {
        let uitkomst = Uitkomst::default();
        for (wanneer, regels) in [("2026-11-30T06:00:00Z", 9), ("2026-11-21T06:00:00Z", 7)] {
            uitkomst.keep(Nagerekend { wanneer: wanneer.parse().unwrap(), uitkomst: Ok(regels) });
        }
        assert_eq!(uitkomst.newest().unwrap().uitkomst, Ok(9));
    }
}
