//! Tasks beside the calls: streams, and what must be finished when its caller has gone. A stop sees them end.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::oneshot, time::timeout};
use tokio_util::task::TaskTracker;

/// Tasks under way, by name. A clone is of the same tasks.
#[derive(Clone, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    under_way: Arc<Mutex<BTreeMap<&'static str, usize>>>,
}

/// A task that ended without giving anything: it panicked, and that was said where every panic is.
#[derive(Debug, thiserror::Error)]
#[error("the task of {0} did not come to its end")]
pub struct Ended(&'static str);

/// One task under way; counted until it is dropped, also when it panics.
struct UnderWay {
    name: &'static str,
    of: Tasks,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if let Some(count) = self.of.under_way().get_mut(self.name) {
            *count -= 1;
        }
    }
}

impl Tasks {
    /// Starts a task.
    pub fn spawn(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        *self.under_way().entry(name).or_default() += 1;
        let under_way = UnderWay { name, of: self.clone() };
        self.tracker.spawn(async move {
            task.await;
            drop(under_way);
        });
    }

    /// Carries something out to its end, also when nobody waits for it any more. What it gives is then dropped.
    ///
    /// # Errors
    /// `Ended` when it panicked.
    pub async fn finish<T: Send + 'static>(
        &self,
        name: &'static str,
        task: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, Ended> {
        let (sender, receiver) = oneshot::channel();
        self.spawn(name, async move { drop(sender.send(task.await)) });
        receiver.await.map_err(|_| Ended(name))
    }

    /// Waits until all have ended, at most so long. Gives the names of those that have not, with how many there are of each.
    pub async fn ended(&self, most: Duration) -> Vec<(&'static str, usize)> {
        self.tracker.close();
        // What is left then is what is still counted.
        drop(timeout(most, self.tracker.wait()).await);
        self.under_way().iter().map(|(name, count)| (*name, *count)).filter(|(_, count)| *count > 0).collect()
    }

    fn under_way(&self) -> MutexGuard<'_, BTreeMap<&'static str, usize>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::pending,
        sync::atomic::{AtomicBool, Ordering},
    };

    use tokio::sync::Notify;

    use super::*;

    #[tokio::test]
    async fn what_is_to_be_finished_is_finished_when_its_caller_has_gone() {
        let tasks = Tasks::default();
        let (go, gone) = (Arc::new(Notify::new()), Arc::new(AtomicBool::new(false)));
        let (wait, done) = (Arc::clone(&go), Arc::clone(&gone));
        let finishing = tasks.finish("af", async move {
            wait.notified().await;
            done.store(true, Ordering::SeqCst);
        });
        assert!(timeout(Duration::from_millis(50), finishing).await.is_err());
        go.notify_one();
        assert_eq!(tasks.ended(Duration::from_secs(10)).await, []);
        assert!(gone.load(Ordering::SeqCst));
        tasks.finish("kapot", async { panic!("a mistake in the program") }).await.unwrap_err();
    }

    #[tokio::test]
    async fn a_stop_waits_for_tasks_and_names_those_that_do_not_end() {
        let tasks = Tasks::default();
        tasks.spawn("kort", async { tokio::task::yield_now().await });
        assert_eq!(tasks.ended(Duration::from_secs(10)).await, []);
        for _ in 0..2 {
            tasks.spawn("blijft", pending());
        }
        tasks.spawn("kapot", async { panic!("a mistake in the program") });
        tasks.spawn("kort", async {});
        assert_eq!(tasks.ended(Duration::from_millis(200)).await, [("blijft", 2)]);
    }
}
