//! The machine's clocks and randomness: the only place that reads them.

use std::fs;

use jiff::{SignedDuration, Timestamp};
use rustix::time::{ClockId, clock_gettime};

use crate::domain::{Clock, Rng};

/// The machine's clocks: the one that somebody can set, and the one that counts from its start.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one caller of now()")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn since_boot(&self) -> SignedDuration {
        let time = clock_gettime(ClockId::Boottime);
        let nanos = i32::try_from(time.tv_nsec).expect("the system counts less than a second in nanoseconds");
        SignedDuration::new(time.tv_sec, nanos)
    }

    fn boot(&self) -> String {
        // Linux makes a new one at each start. Without it nothing remembered counts as of this start.
        fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
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
