use std::{fs, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use ketenpoort::{
    client::{ClientError, Profile},
    clock::SystemClock,
    domain::Clock,
    logboek::Soort,
    pki::{DevCa, LeafSpec, dev_identities},
    proto::{self, get_status_request::Zoek},
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::client::TlsStream;

use crate::harness::*;

/// A CA of the test's own, trusted by the gateway beside the development CA.
pub struct Extra {
    pub ca: DevCa,
    pub now: Timestamp,
}

impl Extra {
    pub fn new() -> Self {
        let now = SystemClock.now();
        Self { ca: DevCa::create("CA van de test", now).unwrap(), now }
    }

    fn trust(&self, config: &mut ketenpoort::config::Config, crl: Option<String>) {
        let dir = config.certificaat.parent().unwrap().to_owned();
        let bestand = dir.join("test-ca.pem");
        fs::write(&bestand, self.ca.root_pem()).unwrap();
        let crl = crl.map(|text| {
            let path = dir.join("test.crl");
            fs::write(&path, text).unwrap();
            path
        });
        config.cas.push(ketenpoort::config::Ca::of_files("test", bestand, crl.into_iter().collect()));
    }

    /// Trusts the CA, and binds the identity of ZSM to it.
    pub fn admit(&self, config: &mut ketenpoort::config::Config, crl: Option<String>) {
        self.trust(config, crl);
        let oin = self.leaf().serial_numbers[0].clone();
        let toegang = format!("[[identiteit]]\nca = \"test\"\noin = \"{oin}\"\npartner = \"zsm\"\nrol = \"partner\"");
        let text = fs::read_to_string(&config.deelnemers).unwrap();
        fs::write(&config.deelnemers, text + "\n" + &toegang).unwrap();
    }

    pub fn leaf(&self) -> LeafSpec {
        let zsm = dev_identities().into_iter().find(|identity| identity.profile == "zsm").unwrap();
        zsm.leaf(self.now).unwrap()
    }

    /// A profile of zsm's with another certificate.
    fn profile(&self, gateway: &TestGateway, leaf: &LeafSpec) -> Profile {
        let issued = self.ca.issue(leaf).unwrap();
        write_profile(gateway, &issued.chain_pem, &issued.key_pem)
    }
}

pub fn write_profile(gateway: &TestGateway, chain: &str, key: &str) -> Profile {
    let from = gateway.profile_dir("zsm");
    let to: PathBuf = gateway.path().join("vreemd");
    fs::create_dir_all(&to).unwrap();
    for file in ["ca.pem", "profiel.toml"] {
        fs::copy(from.join(file), to.join(file)).unwrap();
    }
    fs::write(to.join("cert.pem"), chain).unwrap();
    fs::write(to.join("key.pem"), key).unwrap();
    Profile::load(&to).unwrap()
}

/// One call; a refused certificate shows at the connection or at its first call.
pub async fn try_call(profile: &Profile) -> Result<(), ClientError> {
    let mut client = profile.connect().await?;
    let zoek = Some(Zoek::RequestId(request_id()));
    match client.get_status(proto::GetStatusRequest { zoek, ..proto::GetStatusRequest::default() }).await {
        Ok(_) => Ok(()),
        Err(status) => match profile.failure(&status) {
            ClientError::Refused(refused) if refused.weigering == "bericht_onbekend" => Ok(()),
            other => Err(other),
        },
    }
}

pub async fn assert_kept_out(profile: &Profile, sign: &str) {
    let error = try_call(profile).await.expect_err("should be kept out");
    assert!(unreachable(&error).contains(sign), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_of_a_trusted_ca_with_an_identity_gets_in() {
    let extra = Extra::new();
    let gateway = TestGateway::start_with(|config| extra.admit(config, None)).await;
    try_call(&extra.profile(&gateway, &extra.leaf())).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_ca_is_kept_out() {
    let gateway = TestGateway::start().await;
    let extra = Extra::new();
    assert_kept_out(&extra.profile(&gateway, &extra.leaf()), "UnknownCA").await;
    assert_eq!(gateway.soorten().await, ["gestart"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_oin_counts_only_from_the_ca_it_is_bound_to() {
    let extra = Extra::new();
    let gateway = TestGateway::start_with(|config| {
        // The CA is trusted, but no identity is bound to it.
        extra.trust(config, None);
    })
    .await;
    assert_kept_out(&extra.profile(&gateway, &extra.leaf()), "AccessDenied").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_certificate_is_kept_out() {
    let extra = Extra::new();
    let gateway = TestGateway::start_with(|config| extra.admit(config, None)).await;
    let mut leaf = extra.leaf();
    leaf.not_after = extra.now.saturating_sub(SignedDuration::from_secs(60)).unwrap();
    assert_kept_out(&extra.profile(&gateway, &leaf), "CertificateExpired").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_with_none_or_two_serial_numbers_or_a_strange_oin_is_kept_out() {
    let extra = Extra::new();
    let gateway = TestGateway::start_with(|config| extra.admit(config, None)).await;
    let own = extra.leaf().serial_numbers[0].clone();
    let strange = "00000099999999999000".to_owned();
    for serial_numbers in [vec![], vec![own.clone(), strange.clone()], vec![own.clone(), own], vec![strange]] {
        let leaf = LeafSpec { serial_numbers, ..extra.leaf() };
        assert_kept_out(&extra.profile(&gateway, &leaf), "AccessDenied").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_certificate_is_kept_out() {
    let extra = Extra::new();
    let (good, bad) = (extra.ca.issue(&extra.leaf()).unwrap(), extra.ca.issue(&extra.leaf()).unwrap());
    let next = extra.now.saturating_add(SignedDuration::from_hours(4)).unwrap();
    let crl = extra.ca.crl_pem(std::slice::from_ref(&bad.certificate_serial), extra.now, next).unwrap();
    let gateway = TestGateway::start_with(|config| extra.admit(config, Some(crl))).await;
    try_call(&write_profile(&gateway, &good.chain_pem, &good.key_pem)).await.unwrap();
    assert_kept_out(&write_profile(&gateway, &bad.chain_pem, &bad.key_pem), "CertificateRevoked").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_revocation_list_lets_nobody_in() {
    let extra = Extra::new();
    let before = extra.now.saturating_sub(SignedDuration::from_hours(8)).unwrap();
    let lapsed = extra.now.saturating_sub(SignedDuration::from_hours(4)).unwrap();
    let crl = extra.ca.crl_pem(&[], before, lapsed).unwrap();
    let gateway = TestGateway::start_with(|config| extra.admit(config, Some(crl))).await;
    let error = try_call(&extra.profile(&gateway, &extra.leaf())).await.expect_err("should be kept out");
    unreachable(&error);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_fg_on_the_partners_port_is_told_where_to_go() {
    let gateway = TestGateway::start().await;
    gateway.point("fg-zsm", gateway.adres());
    let profile = gateway.profile("fg-zsm");
    let mut fg = profile.connect().await.unwrap();
    let status = fg.send(check()).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::PermissionDenied);
    assert!(status.message().contains("each have a port of their own"), "{}", status.message());
    assert_eq!(weigering::<()>(Err(status)), "verkeerde_rol");
    gateway.stop().await;
    let mut regels = gateway.regels().await;
    assert_eq!(regels.pop().unwrap().soort, Soort::Gestopt);
    let regel = regels.pop().unwrap();
    assert_eq!(
        (regel.weigering.as_deref(), regel.aantal, regel.rol.as_deref()),
        (Some("verkeerde_rol"), Some(1), Some("fg"))
    );
}

/// A client that trusts the gateway, with this chain and key or without.
pub fn raw_client(
    gateway: &TestGateway,
    with: Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>,
) -> rustls::ClientConfig {
    let mut roots = rustls::RootCertStore::empty();
    for ca in ketenpoort::tls::settings::certificates(&gateway.profile_dir("zsm").join("ca.pem")).unwrap() {
        roots.add(ca).unwrap();
    }
    let provider = ketenpoort::tls::settings::provider();
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap();
    let builder = builder.with_root_certificates(roots);
    match with {
        Some((chain, key)) => builder.with_client_auth_cert(chain, key).unwrap(),
        None => builder.with_no_client_auth(),
    }
}

/// The chain and key of a partner.
pub fn own_chain(gateway: &TestGateway) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
    let dir = gateway.profile_dir("zsm");
    let key = PrivateKeyDer::from_pem_file(dir.join("key.pem")).unwrap();
    (ketenpoort::tls::settings::certificates(&dir.join("cert.pem")).unwrap(), key)
}

pub async fn raw_connect(to: SocketAddr, config: rustls::ClientConfig) -> std::io::Result<TlsStream<TcpStream>> {
    raw_handshake(TcpStream::connect(to).await?, config).await
}

/// A handshake on a socket, and the first bytes of HTTP/2.
pub async fn raw_handshake(stream: TcpStream, config: rustls::ClientConfig) -> std::io::Result<TlsStream<TcpStream>> {
    let name = "localhost".try_into().unwrap();
    let mut stream = tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
    // In TLS 1.3 the server's verdict on the client comes after the client's handshake.
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await?;
    let mut byte = [0];
    stream.read_exact(&mut byte).await?;
    Ok(stream)
}

pub fn adres(gateway: &TestGateway) -> SocketAddr {
    gateway.profile("zsm").adres().trim_start_matches("https://").parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_certificate_nobody_gets_in() {
    let gateway = TestGateway::start().await;
    let none = raw_connect(adres(&gateway), raw_client(&gateway, None)).await;
    assert!(none.unwrap_err().to_string().contains("CertificateRequired"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_handshake_is_post_quantum_and_never_resumed() {
    let gateway = TestGateway::start().await;
    let config = raw_client(&gateway, Some(own_chain(&gateway)));
    for _ in 0..2 {
        let stream = raw_connect(adres(&gateway), config.clone()).await.unwrap();
        let connection = stream.get_ref().1;
        assert_eq!(connection.handshake_kind(), Some(rustls::HandshakeKind::Full));
        let group = connection.negotiated_key_exchange_group().unwrap().name();
        assert_eq!(group, rustls::NamedGroup::X25519MLKEM768);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_connection_is_closed_at_its_deadline() {
    let gateway = TestGateway::start().await;
    let mut silent = TcpStream::connect(adres(&gateway)).await.unwrap();
    let closed =
        timeout(Duration::from_secs(15), silent.read(&mut [0; 16])).await.expect("the handshake has a deadline");
    assert_eq!(closed.unwrap_or(0), 0);
}
