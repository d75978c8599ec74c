//! The process log (proceslog): what the program tells its operator on stderr. It is never in the way.
//!
//! A full disk, a pipe that was closed or a reader that hangs costs lines of the log and nothing else. [`begin`] puts a bounded
//! queue before stderr and one thread behind it; whoever logs never waits. What found no room in the queue, and what the system did
//! not take, is counted and told once there is room again (`writer`). Kinds of lines that others can cause are limited (`limit`).
//!
//! [`say`] is the only other way to stderr. Not here: data for stdout, whose loss is an error (`cli`), and the logboek, which
//! is evidence and never lost.

mod limit;
mod writer;

use std::{
    env,
    fmt::Display,
    io::{self, Write},
    panic,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    thread,
    time::{Duration, Instant},
};

use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::{
    EnvFilter, Layer, Registry,
    filter::{FilterExt, LevelFilter, ParseError},
    fmt::{self, MakeWriter},
    layer::SubscriberExt,
    reload,
    util::SubscriberInitExt,
};

use self::{
    limit::{Limit, Limited},
    writer::{Lossy, Notice},
};

/// Lines that wait for stderr, at most; about half a megabyte.
const LINES: usize = 2048;
/// How often is looked whether lines that were held back must be told of.
const TICK: Duration = Duration::from_secs(1);
/// How long the end of the process waits for the last lines. With a reader that hangs they are lost.
const END: Duration = Duration::from_millis(1500);

/// The log of this process, once it has begun.
static LOG: OnceLock<Log> = OnceLock::new();

/// What was asked for as filter of the lines is none.
#[derive(Debug, thiserror::Error)]
#[error(
    "KETENPOORT_LOG={text:?} is geen filter voor het proceslog: {why}. Bijvoorbeeld: info, debug of warn,ketenpoort::tls=debug."
)]
pub struct NoFilter {
    text: String,
    why: ParseError,
}

/// Where lines go besides.
pub type Elsewhere = Box<dyn Layer<Registry> + Send + Sync>;

struct Log {
    queue: NonBlocking,
    elsewhere: reload::Handle<Option<Elsewhere>, Registry>,
    /// Dropped to end it.
    ending: Mutex<Option<Sender<()>>>,
    /// Closed when everything is written.
    ended: Mutex<Receiver<()>>,
}

/// Begins the process log; `KETENPOORT_LOG` sets another filter, such as `debug`, which also lifts the limits.
///
/// A second call in one process changes nothing.
///
/// # Errors
/// [`NoFilter`] where that variable holds no filter.
pub fn begin(default: &str, json: bool) -> Result<(), NoFilter> {
    let filter = match env::var("KETENPOORT_LOG") {
        Ok(text) if !text.trim().is_empty() => EnvFilter::try_new(&text).map_err(|why| NoFilter { text, why })?,
        _ => EnvFilter::new(default),
    };
    let lifted = filter.max_level_hint().is_none_or(|level| level >= LevelFilter::DEBUG);
    let limit = Arc::new(Limit::new(lifted));
    let dropped = Arc::new(OnceLock::new());
    let stderr = Lossy::new(io::stderr(), Arc::clone(&dropped), notice(json));
    let builder = NonBlockingBuilder::default().lossy(true).buffered_lines_limit(LINES).thread_name("proceslog");
    let (queue, guard) = builder.finish(stderr);
    dropped.set(queue.error_counter()).expect("it is set here alone");

    let (elsewhere, handle) = reload::Layer::new(None);
    let lines = lines(queue.clone(), json).and_then(elsewhere).with_filter(filter.and(Limited(Arc::clone(&limit))));
    if tracing_subscriber::registry().with(lines).try_init().is_err() {
        return Ok(());
    }
    let ((ending, end), (done, ended)) = (channel(), channel());
    let keeper = thread::Builder::new().name("proceslog-tick".to_owned());
    // Without it only the summaries are missing, and the last lines are not waited for.
    drop(keeper.spawn(move || keep(&limit, guard, &end, done)));
    if LOG.set(Log { queue, elsewhere: handle, ending: Mutex::new(Some(ending)), ended: Mutex::new(ended) }).is_ok() {
        panic::set_hook(Box::new(|panicked| {
            let place = panicked.location().map(ToString::to_string);
            tracing::error!(place, what = panicked.payload_as_str(), "a part of the process panicked");
        }));
    }
    Ok(())
}

/// Tells whoever runs this command something, on stderr. When stderr is gone there is nobody to tell, and that is no error.
pub fn say(text: impl Display) {
    let line = format!("{text}\n");
    match LOG.get() {
        // In one order with the lines of the log, and as little in the way.
        Some(log) => drop(log.queue.clone().write_all(line.as_bytes())),
        None => drop(io::stderr().write_all(line.as_bytes())),
    }
}

/// Lines go there too from now on, or to stderr alone again.
pub fn send_also(elsewhere: Option<Elsewhere>) {
    if let Some(log) = LOG.get() {
        // It fails when the log is gone, and with it what could be sent.
        drop(log.elsewhere.reload(elsewhere));
    }
}

/// How many lines found no room before stderr.
#[must_use]
pub fn lost() -> u64 {
    LOG.get().map_or(0, |log| u64::try_from(log.queue.error_counter().dropped_lines()).unwrap_or(u64::MAX))
}

/// Writes what still waits, as far as stderr takes it within a moment.
pub fn end() {
    let Some(log) = LOG.get() else { return };
    drop(log.ending.lock().unwrap_or_else(PoisonError::into_inner).take());
    // Closed or out of time: in both cases the process ends now.
    let _ = log.ended.lock().unwrap_or_else(PoisonError::into_inner).recv_timeout(END);
}

/// Tells of what was held back, until the log ends. The guard is dropped here and not by who ends the process: it waits for the
/// reader of stderr, and complains on stdout, whose reader may hang as well.
fn keep(limit: &Limit, guard: WorkerGuard, end: &Receiver<()>, done: Sender<()>) {
    while end.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
        limit.tell(Instant::now());
    }
    limit.tell_all();
    drop(guard);
    drop(done);
}

/// How a line looks.
fn lines<W>(writer: W, json: bool) -> Box<dyn Layer<Registry> + Send + Sync>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let layer = fmt::layer().with_writer(writer).log_internal_errors(false);
    if json { layer.json().boxed() } else { layer.with_ansi(false).boxed() }
}

/// The line that tells how many were lost, looking like the others.
fn notice(json: bool) -> Notice {
    #[derive(Clone, Default)]
    struct Buffer(Arc<Mutex<Vec<u8>>>);
    impl Write for Buffer {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    Box::new(move |lost| {
        let buffer = Buffer::default();
        let to = buffer.clone();
        let once = tracing_subscriber::registry().with(lines(move || to.clone(), json)).with(LevelFilter::WARN);
        tracing::subscriber::with_default(once, || tracing::warn!(lost, "{lost} lines of the process log were lost"));
        std::mem::take(&mut *buffer.0.lock().unwrap_or_else(PoisonError::into_inner))
    })
}
