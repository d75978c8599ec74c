//! What a stranger at the door costs a partner: chains without end, silence, and headers that lie.

use std::{
    io::ErrorKind,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use ketenpoort::config::Config;
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
pub async fn connect_from(from: IpAddr, to: SocketAddr) -> std::io::Result<TcpStream> {
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

#[tokio::test(flavor = "multi_thread")]
async fn half_handshakes_that_take_every_place_keep_nobody_out() {
    let gateway = TestGateway::start().await;
    let name = "localhost".try_into().unwrap();
    let mut client = rustls::ClientConnection::new(Arc::new(raw_client(&gateway, None)), name).unwrap();
    let mut hello = Vec::new();
    client.write_tls(&mut hello).unwrap();
    let mut half = Vec::new();
    for number in 0..600_u16 {
        let from = IpAddr::from([127, 0, 0, 2 + u8::try_from(number / 60).unwrap()]);
        let mut stream = connect_from(from, adres(&gateway)).await.unwrap();
        stream.write_all(&hello).await.unwrap();
        half.push(stream);
    }
    for _ in 0..5 {
        try_call(&gateway.profile("zsm")).await.unwrap();
    }
}

/// The name of the root of the gateway's own.
const TRUSTED: &str = "Ketenpoort ontwikkeling Root CA";

/// A leaf of nobody's with ten certificates of one name above it, and so many others: what a stranger can send. Each of the ten
/// could be the issuer of each other.
pub fn many_certificates(fillers: usize) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
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

const CLIENT: [u8; 28] = *b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x07\x0a\0\0\x01\x30\x39\x1d\x13";

fn behind_a_balancer(config: &mut Config) {
    config.grpc.proxy_van = vec!["127.0.0.1/32".parse().unwrap()];
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
