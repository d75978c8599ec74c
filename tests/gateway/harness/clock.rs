//! Time and randomness that a test decides.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use jiff::{SignedDuration, Timestamp};
use ketenpoort::{
    clock::SystemClock,
    domain::{Clock, Rng},
};

/// The machine's time, plus what a test adds.
#[derive(Default)]
pub struct TestClock {
    passed: AtomicI64,
    set: AtomicI64,
    boot: AtomicI64,
}

impl TestClock {
    /// So much time passes.
    pub fn advance(&self, by: SignedDuration) {
        self.passed.fetch_add(i64::try_from(by.as_micros()).unwrap(), Ordering::SeqCst);
    }

    /// Somebody sets the wall clock, so far from what it was.
    pub fn step(&self, by: SignedDuration) {
        self.set.fetch_add(i64::try_from(by.as_micros()).unwrap(), Ordering::SeqCst);
    }

    /// The machine is started anew.
    pub fn reboot(&self) {
        self.boot.fetch_add(1, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        let added = self.passed.load(Ordering::SeqCst) + self.set.load(Ordering::SeqCst);
        SystemClock.now().saturating_add(SignedDuration::from_micros(added)).unwrap()
    }

    fn since_boot(&self) -> SignedDuration {
        SystemClock.since_boot() + SignedDuration::from_micros(self.passed.load(Ordering::SeqCst))
    }

    fn boot(&self) -> String {
        format!("start-{}", self.boot.load(Ordering::SeqCst))
    }
}

/// Bytes that are the same in every run (splitmix64).
pub struct SeededRng(pub(super) AtomicU64);

impl Rng for SeededRng {
    fn fill(&self, out: &mut [u8]) {
        for chunk in out.chunks_mut(8) {
            let mut z = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::SeqCst);
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            chunk.copy_from_slice(&(z ^ (z >> 31)).to_le_bytes()[..chunk.len()]);
        }
    }
}
