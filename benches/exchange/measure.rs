//! Operations that repeat, bounded in time and count, and how long each took.

use std::time::{Duration, Instant};

use anyhow::ensure;
use tokio::task::JoinSet;

/// More samples say nothing more, and they have to fit in memory.
const MOST_SAMPLES: usize = 4_000_000;

/// How long a figure takes.
#[derive(Clone, Copy)]
pub struct Plan {
    /// Before anything counts.
    pub warm_up: Duration,
    /// While it counts.
    pub measured: Duration,
}

/// The time in which operations count.
#[derive(Clone, Copy)]
pub struct Window {
    begin: Instant,
    end: Instant,
    most: usize,
}

impl Window {
    /// Opens after the warm-up, which begins now; each of `callers` keeps samples of its own.
    pub fn after_warm_up(plan: Plan, callers: usize) -> Self {
        let begin = Instant::now() + plan.warm_up;
        Self { begin, end: begin + plan.measured, most: MOST_SAMPLES / callers }
    }

    /// Whether another operation may start, after so many samples.
    pub fn is_open(self, samples: usize) -> bool {
        samples < self.most && Instant::now() < self.end
    }

    /// Notes an operation that ends now, if it started after the warm-up.
    pub fn note(self, started: Instant, samples: &mut Vec<Duration>) {
        if started >= self.begin {
            samples.push(started.elapsed());
        }
    }

    /// Ends now, with the last operation.
    pub fn close(self, mut latencies: Vec<Duration>) -> anyhow::Result<Samples> {
        let elapsed = self.begin.elapsed();
        ensure!(!latencies.is_empty(), "not one operation was measured");
        latencies.sort_unstable();
        Ok(Samples { latencies, elapsed })
    }
}

/// How long each operation took.
pub struct Samples {
    /// Sorted, at least one.
    latencies: Vec<Duration>,
    elapsed: Duration,
}

impl Samples {
    /// Operations a second.
    pub fn rate(&self) -> f64 {
        let count = u32::try_from(self.latencies.len()).expect("a window bounds the samples");
        f64::from(count) / self.elapsed.as_secs_f64()
    }

    /// The latency that so many of a hundred operations stay within, microseconds.
    pub fn percentile(&self, hundredths: usize) -> u64 {
        let rank = (self.latencies.len() * hundredths).div_ceil(100).max(1);
        let latency = self.latencies.get(rank - 1).expect("a percentile is at most a hundred hundredths");
        u64::try_from(latency.as_micros()).unwrap_or(u64::MAX)
    }
}

/// Repeats an operation in `callers` tasks, each of which waits for its own.
pub async fn repeat<F, O>(callers: usize, plan: Plan, operation: F) -> anyhow::Result<Samples>
where
    F: Fn() -> O + Clone + Send + 'static,
    O: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    let window = Window::after_warm_up(plan, callers);
    let mut tasks = JoinSet::new();
    for _ in 0..callers {
        let operation = operation.clone();
        tasks.spawn(async move {
            let mut samples = Vec::new();
            while window.is_open(samples.len()) {
                let started = Instant::now();
                operation().await?;
                window.note(started, &mut samples);
            }
            Ok::<_, anyhow::Error>(samples)
        });
    }
    let mut latencies = Vec::new();
    while let Some(ended) = tasks.join_next().await {
        latencies.extend(ended??);
    }
    window.close(latencies)
}
