//! The threads on which handshakes are done.
//!
//! A handshake costs about a millisecond of cryptography, and a stranger can ask for one without end. On the threads that
//! answer calls each would make every partner wait; here strangers only make each other wait.

use std::{io, num::NonZero, thread::available_parallelism};

use tokio::{
    runtime::{Builder, Runtime},
    task::JoinSet,
};

/// Threads, at most: a gateway that starts again gets all its partners at once.
const MOST_THREADS: usize = 4;

/// A few threads for handshakes, which end with it.
pub struct Handshakes(Option<Runtime>);

impl Handshakes {
    /// Starts half as many threads as there are processors, at least one: the other half goes on answering calls.
    ///
    /// # Errors
    /// What the system says when it gives no threads.
    pub fn start() -> io::Result<Self> {
        let threads = (available_parallelism().map_or(1, NonZero::get) / 2).clamp(1, MOST_THREADS);
        let runtime = Builder::new_multi_thread().worker_threads(threads).thread_name("handshake").build()?;
        Ok(Self(Some(runtime)))
    }

    /// Does work on these threads. It stops where it is when the caller stops waiting; `None` when it panicked, or when the
    /// gateway ends.
    pub(super) async fn run<F>(&self, work: F) -> Option<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let runtime = self.0.as_ref().expect("the runtime is taken when this is dropped");
        let mut task = JoinSet::new();
        task.spawn_on(work, runtime.handle());
        task.join_next().await?.ok()
    }
}

impl Drop for Handshakes {
    fn drop(&mut self) {
        // Waiting for them would block the thread that drops this, which answers calls.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
