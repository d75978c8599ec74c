//! The clock of a year that is played: it begins in the past and goes forward faster than the machine's, until it has caught up.
//!
//! It lives here so that nothing but the demo can have it: `serve` is made with the machine's clock.

use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

use crate::{clock::SystemClock, domain::Clock};

/// A clock behind the machine's, which is only ever put forward. The clock that counts from the start of the machine goes forward with
/// it, so that a gateway sees time pass, and no clock that was set.
pub struct JaarKlok {
    /// How far it was behind when it began.
    at_first: SignedDuration,
    /// How far it is behind now.
    behind: Mutex<SignedDuration>,
}

impl JaarKlok {
    /// Begins at this moment, or now where that is later.
    pub fn from(moment: Timestamp) -> Self {
        let behind = SystemClock.now().duration_since(moment).max(SignedDuration::ZERO);
        Self { at_first: behind, behind: Mutex::new(behind) }
    }

    /// Time passes until this moment. It stays where it is when that has passed already, and never goes past the machine's.
    pub fn forward_to(&self, moment: Timestamp) {
        let behind = SystemClock.now().duration_since(moment).max(SignedDuration::ZERO);
        let mut now = self.behind.lock().unwrap_or_else(PoisonError::into_inner);
        *now = behind.min(*now);
    }

    /// Time passes until the present. From then on it is the clock of the machine.
    pub fn catch_up(&self) {
        *self.behind.lock().unwrap_or_else(PoisonError::into_inner) = SignedDuration::ZERO;
    }

    fn behind(&self) -> SignedDuration {
        *self.behind.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for JaarKlok {
    fn now(&self) -> Timestamp {
        SystemClock.now().saturating_sub(self.behind()).unwrap_or(Timestamp::MIN)
    }

    fn since_boot(&self) -> SignedDuration {
        SystemClock.since_boot().saturating_add(self.at_first.saturating_sub(self.behind()))
    }

    /// Of a start that no machine had: what a gateway remembers of this clock says nothing about the machine's.
    fn boot(&self) -> String {
        format!("jaar van {}", SystemClock.boot())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: SignedDuration = SignedDuration::from_hours(24);

    #[test]
    fn it_goes_forward_only_and_ends_as_the_clock_of_the_machine() {
        let start = SystemClock.now();
        let klok = JaarKlok::from(start - DAY * 300);
        assert_eq!(klok.now().duration_since(start - DAY * 300).as_hours(), 0);
        let booted = klok.since_boot();
        klok.forward_to(start - DAY * 100);
        assert_eq!(klok.since_boot().saturating_sub(booted).as_hours(), 200 * 24);
        let before = klok.now();
        klok.forward_to(start - DAY * 200);
        assert!(klok.now() >= before, "it went back");
        klok.forward_to(start + DAY);
        assert!(klok.now() <= SystemClock.now(), "it went into the future");
        klok.catch_up();
        assert_eq!(klok.now().duration_since(start).as_hours(), 0);
        assert_eq!(klok.since_boot().saturating_sub(booted).as_hours(), 300 * 24);
        assert_ne!(klok.boot(), SystemClock.boot());
    }
}
