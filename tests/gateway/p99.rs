//! What a partner notices of others' abuse: the time that 99 of 100 of its calls stay under, first in quiet and then meanwhile.
//!
//! `tests/run` runs these alone and one after the other: beside other tests they would measure those.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use ketenpoort::proto;
use tokio::io::AsyncReadExt;

use crate::{
    door::{connect_from, many_certificates},
    groot::{convenant, deelnemers},
    harness::*,
    tls::{adres, raw_client, raw_connect, try_call},
};

/// Below this the machine of the test decides, not the gateway.
const FLOOR: Duration = Duration::from_millis(30);
const CALLS: usize = 300;

/// The time that 99 of 100 calls of a partner stay under, of so many or until told to stop.
async fn p99(gateway: &TestGateway, stop: impl Fn() -> bool) -> Duration {
    let mut zsm = gateway.client("zsm").await;
    let mut took = Vec::new();
    while took.len() < CALLS || !stop() {
        let begun = Instant::now();
        send(&mut zsm, check()).await.unwrap();
        took.push(begun.elapsed());
    }
    took.sort();
    took[took.len() * 99 / 100]
}

/// In quiet, after a first round that warms up.
async fn quiet(gateway: &TestGateway) -> Duration {
    p99(gateway, || true).await;
    p99(gateway, || true).await.max(FLOOR)
}

/// Strangers on a thread of their own, until this is dropped, so that what they cost is what the gateway does for them.
struct Strangers {
    stop: Arc<AtomicBool>,
    tried: Arc<AtomicUsize>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Strangers {
    /// So many of them, who each try again and again, `every` so often and 20,000 times in all at most.
    fn start<F: Future<Output = ()> + 'static>(
        many: u8,
        every: Duration,
        attempt: impl Fn(u8) -> F + Send + Clone + 'static,
    ) -> Self {
        let (stop, tried) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let (stopped, counted) = (Arc::clone(&stop), Arc::clone(&tried));
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let all = tokio::task::LocalSet::new();
            for number in 0..many {
                let (stopped, counted, attempt) = (Arc::clone(&stopped), Arc::clone(&counted), attempt.clone());
                all.spawn_local(async move {
                    let mut pace = tokio::time::interval(every);
                    while !stopped.load(Ordering::SeqCst) && counted.fetch_add(1, Ordering::SeqCst) < 20_000 {
                        pace.tick().await;
                        attempt(number).await;
                    }
                });
            }
            runtime.block_on(all);
        });
        Self { stop, tried, thread: Some(thread) }
    }

    async fn busy(&self, attempts: usize) {
        while self.tried.load(Ordering::SeqCst) < attempts {
            tokio::task::yield_now().await;
        }
    }
}

impl Drop for Strangers {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let ended = self.thread.take().unwrap().join();
        assert!(ended.is_ok() || std::thread::panicking());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_partner_hardly_notices_chains_without_end_and_silence_without_end() {
    let gateway = TestGateway::start().await;
    let quiet = quiet(&gateway).await;
    let to = adres(&gateway);

    let (chain, key) = many_certificates(100);
    let config = raw_client(&gateway, Some((chain, key)));
    let strangers = Strangers::start(4, Duration::from_millis(100), move |_| {
        let config = config.clone();
        async move { drop(raw_connect(to, config).await.expect_err("a stranger is refused")) }
    });
    strangers.busy(8).await;
    let during_chains = p99(&gateway, || true).await;
    drop(strangers);

    // More than there is room for, from more addresses than it takes to fill it.
    let strangers = Strangers::start(12, Duration::from_millis(10), move |number| async move {
        let mut silent = connect_from(IpAddr::from([127, 0, 0, number + 2]), to).await.unwrap();
        // It stays until the gateway closes it.
        tokio::task::spawn_local(async move { drop(silent.read(&mut [0; 1]).await) });
    });
    strangers.busy(1_000).await;
    for _ in 0..5 {
        // Also who connects anew gets in meanwhile.
        try_call(&gateway.profile("zvh-baronie-breda")).await.unwrap();
    }
    let during_silence = p99(&gateway, || true).await;
    drop(strangers);
    let said = format!("quiet {quiet:?}, chains {during_chains:?}, silence {during_silence:?}");
    println!("{said}");
    assert!(during_chains < 3 * quiet && during_silence < 3 * quiet, "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn partners_do_not_notice_that_two_dry_runs_of_large_documents_are_judged() {
    let gateway = TestGateway::start().await;
    let quiet = quiet(&gateway).await;
    let mut laden = vec![deelnemers(&gateway, 1100)];
    laden.extend((0..4).map(|number| convenant(&format!("groot-{number}"), 300, 800)));
    let judged = Arc::new(AtomicBool::new(false));
    let mut dry_runs = tokio::task::JoinSet::new();
    for _ in 0..2 {
        let (laden, medewerker) = (laden.clone(), "beheer-7".to_owned());
        let request = proto::ChangeDocumentsRequest { laden, medewerker, proef: true, ..Default::default() };
        let mut beheer = gateway.beheer().await;
        dry_runs.spawn(async move { beheer.change_documents(request).await.unwrap().into_inner() });
    }
    let waited = Arc::clone(&judged);
    let waiting = tokio::spawn(async move {
        let answers = dry_runs.join_all().await;
        waited.store(true, Ordering::SeqCst);
        answers
    });
    let busy = p99(&gateway, || judged.load(Ordering::SeqCst)).await;
    let answers = waiting.await.unwrap();
    assert!(busy < 3 * quiet, "p99 {busy:?} while documents were judged, and {quiet:?} before");
    for answer in answers {
        assert_eq!(answer.wijzigingen.len(), 5);
        // An answer must arrive: of many thousands of sentences it says how many there are.
        assert!((100..=1001).contains(&answer.gevolgen.len()), "{}", answer.gevolgen.len());
        assert!(answer.gevolgen.last().unwrap().starts_with("En nog "), "{:?}", answer.gevolgen.last());
    }
}
