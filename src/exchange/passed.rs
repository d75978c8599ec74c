//! Rows that something is wrong with. They are passed over, so that they keep no other row from its ontvanger or its end, and each
//! is said once.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use jiff::civil::Date;
use tokio::time::Instant;

use crate::{sleutels::KeyError, store::StoreError};

/// How long a row that could not be ended is left alone.
const LEFT_ALONE: Duration = Duration::from_mins(1);
/// How many of these are remembered as said. When there are more, all are forgotten and may be said again.
const MOST_SAID: usize = 10_000;

/// What is remembered of such rows, by one process.
#[derive(Default)]
pub struct PassedOver {
    said: Mutex<BTreeSet<String>>,
    failed: Mutex<HashMap<u64, Instant>>,
    days: Mutex<HashMap<Date, Instant>>,
}

impl PassedOver {
    /// Says each of these in the process log, once a process and not at each look.
    pub fn say(&self, unreadable: &[StoreError]) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        for error in unreadable {
            if said.len() >= MOST_SAID {
                said.clear();
            }
            if said.insert(error.to_string()) {
                tracing::error!(%error, "a row that cannot be read is passed over; what else waits goes on");
            }
        }
    }

    /// Says once a minute that the key of a day cannot be had.
    pub fn say_of_day(&self, day: Date, error: &KeyError) {
        let mut days = self.days.lock().unwrap_or_else(PoisonError::into_inner);
        if days.get(&day).is_none_or(|since| since.elapsed() >= LEFT_ALONE) {
            tracing::error!(%day, %error, "the key of a day cannot be had; what is sealed under it waits");
            days.insert(day, Instant::now());
        }
    }

    /// This row could not be ended now.
    pub fn failed(&self, log_index: u64) {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.retain(|_, since| since.elapsed() < LEFT_ALONE);
        failed.insert(log_index, Instant::now());
    }

    /// Whether this row is left alone for a while.
    #[must_use]
    pub fn is_left_alone(&self, log_index: u64) -> bool {
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.get(&log_index).is_some_and(|since| since.elapsed() < LEFT_ALONE)
    }
}
