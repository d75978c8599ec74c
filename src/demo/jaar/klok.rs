//! The clock of a year that is played: it begins in the past and goes forward faster than the machine's, until it has caught up.
//!
//! It lives here so that nothing but the demo can have it: `serve` is made with the machine's clock.

use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp, ToSpan, civil::Date};

use crate::{
    clock::SystemClock,
    domain::{
        Clock,
        houdbaarheid::{amsterdam_date, start_of},
    },
};

/// A clock behind the machine's, which is only ever put forward. The clock that counts from the start of the machine goes forward with
/// it, so that a gateway sees time pass, and no clock that was set.
pub struct JaarKlok {
    /// The day with which the year begins.
    first: Date,
    /// The day with which it ends: that on which it was begun to be played.
    pub last: Date,
    /// How far it was behind when it began.
    at_first: SignedDuration,
    /// How far it is behind now.
    behind: Mutex<SignedDuration>,
}

impl JaarKlok {
    /// Begins a year ago, and ends today.
    pub fn begin() -> Self {
        let now = SystemClock.now();
        let last = amsterdam_date(now);
        let first = last.saturating_sub(1.year());
        let behind = now.duration_since(start_of(first));
        Self { first, last, at_first: behind, behind: Mutex::new(behind) }
    }

    /// Every day of the year.
    pub fn days(&self) -> impl Iterator<Item = Date> {
        let last = self.last;
        self.first.series(1.day()).take_while(move |day| *day <= last)
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
        let klok = JaarKlok::begin();
        let days: Vec<Date> = klok.days().collect();
        assert!((366..=367).contains(&days.len()), "{}", days.len());
        assert_eq!((amsterdam_date(klok.now()), klok.last), (days[0], days[days.len() - 1]));
        klok.forward_to(start - DAY * 300);
        let booted = klok.since_boot();
        klok.forward_to(start - DAY * 100);
        let passed = klok.since_boot().saturating_sub(booted);
        assert!((DAY * 200 - passed).abs() < SignedDuration::from_secs(10), "{passed:?}");
        let before = klok.now();
        klok.forward_to(start - DAY * 200);
        assert!(klok.now() >= before, "it went back");
        klok.forward_to(start + DAY);
        assert!(klok.now() <= SystemClock.now(), "it went into the future");
        klok.catch_up();
        assert_eq!(klok.now().duration_since(start).as_hours(), 0);
        let passed = klok.since_boot().saturating_sub(booted);
        assert!((DAY * 300 - passed).abs() < SignedDuration::from_secs(10), "{passed:?}");
        assert_ne!(klok.boot(), SystemClock.boot());
    }
}
