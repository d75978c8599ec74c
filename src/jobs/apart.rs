//! Work that computes for long without waiting: on a thread of its own, so that calls do not stand behind it.

use std::{io, thread};

use rustix::process::setpriority_process;
use tokio::{runtime::Handle, sync::oneshot};

/// Of all niceness the nicest: who is served goes first.
const NICE: i32 = 19;

/// Carries something out on a thread of its own, that gets the processor when nobody else of this machine wants it.
///
/// # Errors
/// When the system gives no thread, or the work panicked; the panic is said where every panic is.
pub async fn apart<T: Send + 'static>(name: &str, work: impl Future<Output = T> + Send + 'static) -> io::Result<T> {
    let (tell, told) = oneshot::channel();
    let runtime = Handle::current();
    let run = move || {
        // On Linux this is of the calling thread alone. Refused, it is as fast as the others, which is no reason not to do it.
        if let Err(error) = setpriority_process(None, NICE) {
            tracing::debug!(%error, "work beside the calls has the priority of the calls");
        }
        drop(tell.send(runtime.block_on(work)));
    };
    thread::Builder::new().name(name.to_owned()).spawn(run)?;
    told.await.map_err(|_| io::Error::other(format!("{name} ended without an outcome")))
}

#[cfg(test)]
mod tests {
    use rustix::process::getpriority_process;

    use super::*;

    #[tokio::test]
    async fn it_runs_on_a_thread_of_its_own_that_is_nicer_than_this_one() {
        let niceness = || getpriority_process(None).unwrap();
        let here = (thread::current().id(), niceness());
        let there = apart("a test", async move {
            tokio::task::yield_now().await;
            (thread::current().id(), niceness())
        });
        let there = there.await.unwrap();
        assert_ne!(here.0, there.0);
        assert_eq!((there.1, niceness()), (NICE, here.1));
    }

    #[tokio::test]
    async fn a_panic_in_it_is_an_error_here() {
        let ended = apart("a test", async { panic!("on purpose") }).await;
        assert_eq!(ended.unwrap_err().to_string(), "a test ended without an outcome");
    }
}
