//! Operations that repeat, bounded in time and count, how long each took, and what processor time they took together.

use std::time::{Duration, Instant};

use anyhow::ensure;
use rustix::time::{ClockId, clock_gettime};
use tokio::{
    task::{JoinHandle, JoinSet},
    time::sleep_until,
};

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

impl Plan {
    /// A part of it, with a warm-up of its own.
    pub fn divided(self, parts: u32) -> Self {
        Self { warm_up: self.warm_up, measured: self.measured / parts }
    }
}

/// Processor time of this process so far: user and system, of all its threads.
pub fn cpu() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).expect("no process took less than nothing")
}

/// The time in which operations count.
#[derive(Clone, Copy)]
pub struct Window {
    begin: Instant,
    end: Instant,
    most: usize,
}

impl Window {
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
}

/// Looks at the processor time when the window opens, and when it closes.
pub struct Meter {
    pub window: Window,
    at_begin: JoinHandle<Duration>,
}

impl Meter {
    /// Opens the window after the warm-up, which begins now; each of `callers` keeps samples of its own.
    pub fn after_warm_up(plan: Plan, callers: usize) -> Self {
        let begin = Instant::now() + plan.warm_up;
        let window = Window { begin, end: begin + plan.measured, most: MOST_SAMPLES / callers };
        let at_begin = tokio::spawn(async move {
            sleep_until(begin.into()).await;
            cpu()
        });
        Self { window, at_begin }
    }

    /// Ends now, with the last operation.
    pub async fn close(self, mut latencies: Vec<Duration>) -> anyhow::Result<Samples> {
        let elapsed = self.window.begin.elapsed();
        ensure!(!latencies.is_empty(), "not one operation was measured");
        let cpu = cpu().saturating_sub(self.at_begin.await?);
        latencies.sort_unstable();
        Ok(Samples { latencies, elapsed, cpu })
    }
}

/// How long each operation took.
pub struct Samples {
    /// Sorted, at least one.
    latencies: Vec<Duration>,
    elapsed: Duration,
    cpu: Duration,
}

impl Samples {
    /// Those of two windows together.
    pub fn and(mut self, other: Self) -> Self {
        self.latencies.extend(other.latencies);
        self.latencies.sort_unstable();
        Self { latencies: self.latencies, elapsed: self.elapsed + other.elapsed, cpu: self.cpu + other.cpu }
    }

    fn count(&self) -> f64 {
        f64::from(u32::try_from(self.latencies.len()).expect("a window bounds the samples"))
    }

    /// Operations a second.
    pub fn rate(&self) -> f64 {
        self.count() / self.elapsed.as_secs_f64()
    }

    /// Processor time of one operation, microseconds.
    pub fn cpu_us(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.count()
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
    let meter = Meter::after_warm_up(plan, callers);
    let window = meter.window;
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
    meter.close(latencies).await
}
