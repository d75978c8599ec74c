//! What a stranger at the door costs a partner: chains without end, silence, and headers that lie.

use std::{
    io::ErrorKind,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use ketenpoort::{
    config::Config,
    proto::{self, get_status_request::Zoek},
};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    time::timeout,
};

use crate::{
    harness::*,
    tls::{adres, own_chain, raw_client, raw_connect, raw_handshake, try_call},
};

/// A socket from an address of this machine's own.
async fn connect_from(from: IpAddr, to: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::new(from, 0))?;
    socket.connect(to).await
}

async fn is_closed(stream: &mut TcpStream, within: Duration) -> bool {
    match timeout(within, stream.read(&mut [0; 1])).await {
        Ok(read) => matches!(read, Ok(0)) || read.is_err_and(|error| error.kind() == ErrorKind::ConnectionReset),
        Err(_) => false,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn silent_sockets_of_one_address_keep_nobody_of_it_out() {
    let gateway = TestGateway::start().await;
    let mut silent = Vec::new();
    for _ in 0..80 {
        silent.push(TcpStream::connect(adres(&gateway)).await.unwrap());
    }
    // Who speaks gets in at once, also from that address, and the oldest silent ones made room.
    try_call(&gateway.profile("zsm")).await.unwrap();
    for stream in &mut silent[..16] {
        assert!(is_closed(stream, Duration::from_secs(3)).await, "the oldest should have made room");
    }
    // A second is long enough to begin.
    for stream in &mut silent[16..] {
        assert!(is_closed(stream, Duration::from_secs(5)).await, "silence has an end");
    }
}

/// The name of the root of the gateway's own.
const TRUSTED: &str = "Ketenpoort ontwikkeling Root CA";

/// A leaf of nobody's with ten certificates of one name above it, and so many others: what a stranger can send. Each of the ten
/// could be the issuer of each other.
fn many_certificates(fillers: usize) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
    let params = |name: &str| {
        let mut params = CertificateParams::default();
        // As the CA that the gateway trusts: with other names there is nothing to look for.
        let country = rcgen::string::PrintableString::try_from("NL").unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CountryName, rcgen::DnValue::PrintableString(country));
        params.distinguished_name.push(DnType::OrganizationName, "Ketenpoort ontwikkeling");
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
    };
    let top = CertifiedIssuer::self_signed(params(TRUSTED), KeyPair::generate().unwrap()).unwrap();
    let mut chain = Vec::new();
    let key = KeyPair::generate().unwrap();
    let mut leaf = CertificateParams::new(vec!["vreemd.test".to_owned()]).unwrap();
    leaf.distinguished_name.push(DnType::CommonName, "vreemd");
    chain.push(leaf.signed_by(&key, &top).unwrap().der().clone());
    for _ in 0..10 {
        let same = CertifiedIssuer::signed_by(params(TRUSTED), KeyPair::generate().unwrap(), &top).unwrap();
        chain.push(same.der().clone());
    }
    let filler = KeyPair::generate().unwrap();
    for number in 0..fillers {
        chain.push(params(&number.to_string()).self_signed(&filler).unwrap().der().clone());
    }
    (chain, PrivateKeyDer::Pkcs8(key.serialize_der().into()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_of_more_than_four_or_sixteen_kibibytes_is_refused_before_any_path_is_built() {
    let gateway = TestGateway::start().await;
    let (own, key) = own_chain(&gateway);
    let (many, _) = many_certificates(4);
    // The own chain, which is good, and some that have nothing to do with it.
    let chain = |more: usize| [own.clone(), many[many.len() - more..].to_vec()].concat();
    let connect = |chain| raw_connect(adres(&gateway), raw_client(&gateway, Some((chain, key.clone_key()))));
    connect(chain(3)).await.unwrap();
    let error = connect(chain(4)).await.expect_err("five above the leaf");
    assert!(!error.to_string().contains("UnknownCA"), "{error}");
    let mut large = CertificateParams::default();
    large.distinguished_name.push(DnType::CommonName, "x".repeat(16 << 10));
    let large = large.self_signed(&KeyPair::generate().unwrap()).unwrap().der().clone();
    connect([own.clone(), vec![large]].concat()).await.expect_err("more than 16 KiB");
}

/// The time that 99 of 100 calls of a partner stay under.
async fn p99(gateway: &TestGateway, calls: usize) -> Duration {
    let mut zsm = gateway.client("zsm").await;
    let mut took = Vec::new();
    for _ in 0..calls {
        let zoek = Some(Zoek::RequestId(request_id()));
        let begun = Instant::now();
        assert_eq!(weigering(zsm.get_status(proto::GetStatusRequest { zoek }).await), "bericht_onbekend");
        took.push(begun.elapsed());
    }
    took.sort();
    took[calls * 99 / 100]
}

/// Below this the machine of the test decides, not the gateway.
const FLOOR: Duration = Duration::from_millis(30);
const CALLS: usize = 300;

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
    p99(&gateway, CALLS).await;
    let quiet = p99(&gateway, CALLS).await.max(FLOOR);
    let to = adres(&gateway);

    let (chain, key) = many_certificates(100);
    let config = raw_client(&gateway, Some((chain, key)));
    let strangers = Strangers::start(4, Duration::from_millis(100), move |_| {
        let config = config.clone();
        async move { drop(raw_connect(to, config).await.expect_err("a stranger is refused")) }
    });
    strangers.busy(8).await;
    let during_chains = p99(&gateway, CALLS).await;
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
    let during_silence = p99(&gateway, CALLS).await;
    drop(strangers);
    let said = format!("quiet {quiet:?}, chains {during_chains:?}, silence {during_silence:?}");
    println!("{said}");
    assert!(during_chains < 3 * quiet && during_silence < 3 * quiet, "{said}");
}

const CLIENT: [u8; 28] = *b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x07\x0a\0\0\x01\x30\x39\x1d\x13";

fn behind_a_balancer(config: &mut Config) {
    config.grpc_proxy_van = vec!["127.0.0.1/32".parse().unwrap()];
}

/// A whole handshake and the first bytes of HTTP/2, behind what is said first.
async fn raw_after(gateway: &TestGateway, from: IpAddr, first: &[u8]) -> std::io::Result<()> {
    let mut stream = connect_from(from, adres(gateway)).await?;
    stream.write_all(first).await?;
    raw_handshake(stream, raw_client(gateway, Some(own_chain(gateway)))).await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_is_asked_of_a_balancer_and_believed_of_nobody_else() {
    let gateway = TestGateway::start_with(behind_a_balancer).await;
    let (balancer, other) = (IpAddr::from([127, 0, 0, 1]), IpAddr::from([127, 0, 0, 2]));
    raw_after(&gateway, balancer, &CLIENT).await.unwrap();
    raw_after(&gateway, other, &[]).await.unwrap();
    for (from, first) in [
        (other, CLIENT.to_vec()),
        (balancer, Vec::new()),
        (balancer, b"PROXY TCP4 192.0.2.7 10.0.0.1 1 2\r\n".to_vec()),
        // One that says it is longer takes the beginning of what follows for its own.
        (balancer, [&CLIENT[..15], &[0x20], &CLIENT[16..]].concat()),
        (balancer, [&CLIENT[..15], &[0x04], &CLIENT[16..]].concat()),
        (balancer, CLIENT[..20].to_vec()),
    ] {
        let refused = timeout(PATIENCE, raw_after(&gateway, from, &first)).await.expect("a verdict in time");
        assert!(refused.is_err(), "{from} got in with {first:?}");
    }
    // Silence, and a balancer that only looks, end by themselves.
    for first in [&[][..], &CLIENT[..9], b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"] {
        let mut stream = connect_from(balancer, adres(&gateway)).await.unwrap();
        stream.write_all(first).await.unwrap();
        assert!(is_closed(&mut stream, Duration::from_secs(4)).await, "{first:?}");
    }
    raw_after(&gateway, balancer, &CLIENT).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_by_a_balancer_is_counted_by_its_own_address() {
    let gateway = TestGateway::start_with(behind_a_balancer).await;
    let header = |client: [u8; 4]| [&CLIENT[..16], &client, &CLIENT[20..]].concat();
    let balancer = IpAddr::from([127, 0, 0, 1]);
    let mut silent = Vec::new();
    for number in 0..100 {
        let mut stream = connect_from(balancer, adres(&gateway)).await.unwrap();
        stream.write_all(&header([192, 0, 2, if number < 80 { 1 } else { 2 }])).await.unwrap();
        silent.push(stream);
    }
    raw_after(&gateway, balancer, &header([192, 0, 2, 3])).await.unwrap();
    raw_after(&gateway, balancer, &header([192, 0, 2, 1])).await.unwrap();
}
