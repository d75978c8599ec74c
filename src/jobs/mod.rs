//! Background work: what a gateway does by itself, and what goes on when a caller has gone.
//!
//! A [`Job`] runs again and again until the gateway stops, each in a task of its own. When one fails, [`run`] says so in the
//! process log; it says so again only once the job has succeeded in between. [`Tasks`] run once, beside calls: the two
//! directions of a stream, and what a caller left to be finished. A stop waits for them, but not for ever.
//!
//! Not here: which jobs there are (`gateway::jobs`) and what they do (`exchange`).

mod apart;
mod tasks;

use std::time::Duration;

use tokio::{
    sync::watch,
    time::{MissedTickBehavior, interval},
};

pub use self::{apart::apart, tasks::Tasks};

/// When a job runs again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// At its time.
    InTime,
    /// At once: there was more to do than it does at a time.
    AtOnce,
}

/// Why a job did not do what it should.
pub type Trouble = Box<dyn std::error::Error + Send + Sync>;

/// Something that a gateway does by itself, again and again.
pub trait Job: Send + 'static {
    /// Its name, as an operator reads it.
    const NAME: &'static str;
    /// What it means when it fails, as the process log says it.
    const TROUBLE: &'static str;
    /// How long from one run to the next.
    const EVERY: Duration;

    /// Runs once. What it did not get to is still to be done the next time.
    fn run(&mut self) -> impl Future<Output = Result<Next, Trouble>> + Send;

    /// What is done when the gateway stops.
    fn end(self) -> impl Future<Output = ()> + Send
    where
        Self: Sized,
    {
        async {}
    }
}

/// Runs a job until the gateway is told to stop. A run that has begun is finished. Gives the name of the job.
pub async fn run<J: Job>(mut job: J, mut stopped: watch::Receiver<bool>) -> &'static str {
    let mut is_failing = false;
    let mut tick = interval(J::EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            // An error means that whoever could tell is gone, which is the same.
            _ = stopped.wait_for(|stop| *stop) => break,
        }
        let done = job.run().await;
        if let (Err(error), false) = (&done, is_failing) {
            tracing::error!(job = J::NAME, %error, "{}", J::TROUBLE);
        }
        is_failing = done.is_err();
        if matches!(done, Ok(Next::AtOnce)) {
            tick.reset_immediately();
        }
    }
    job.end().await;
    J::NAME
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use tokio::time::timeout;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);

    struct Counting {
        runs: Arc<AtomicUsize>,
        ended: Arc<AtomicUsize>,
    }

    impl Job for Counting {
        const NAME: &'static str = "tellen";
        const TROUBLE: &'static str = "counting stopped";
        const EVERY: Duration = Duration::from_hours(1);

        async fn run(&mut self) -> Result<Next, Trouble> {
            // In an hour there is time for one run; the rest is because there was more to do.
            match self.runs.fetch_add(1, Ordering::SeqCst) {
                0..3 => Ok(Next::AtOnce),
                _ => Err("genoeg".into()),
            }
        }

        async fn end(self) {
            self.ended.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[tokio::test]
    async fn a_job_goes_on_as_long_as_there_is_more_and_ends_when_told() {
        let (runs, ended) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (stop, stopped) = watch::channel(false);
        let job = Counting { runs: Arc::clone(&runs), ended: Arc::clone(&ended) };
        let running = tokio::spawn(super::run(job, stopped));
        timeout(PATIENCE, async {
            while runs.load(Ordering::SeqCst) < 4 {
                tokio::task::yield_now().await;
            }
        })
        .await
        .unwrap();
        stop.send_replace(true);
        assert_eq!(timeout(PATIENCE, running).await.unwrap().unwrap(), "tellen");
        assert_eq!((runs.load(Ordering::SeqCst), ended.load(Ordering::SeqCst)), (4, 1));
    }
}
