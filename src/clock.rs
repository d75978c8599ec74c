//! The machine's clock and randomness: the only place that reads either.

use jiff::Timestamp;

use crate::domain::{Clock, Rng};

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one caller of now()")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// The operating system's random source, through AWS-LC.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRng;

impl Rng for SystemRng {
    #[expect(clippy::disallowed_methods, reason = "the one caller of the global random source")]
    fn fill(&self, out: &mut [u8]) {
        aws_lc_rs::rand::fill(out).expect("AWS-LC aborts rather than return weak randomness");
    }
}
