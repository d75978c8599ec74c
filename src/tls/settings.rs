//! TLS settings of server and client: versions, groups, suites, files.

use std::{fs, path::Path, sync::Arc, time::Duration};

use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer, UnixTime, pem::PemObject},
    server::{NoServerSessionStorage, WebPkiClientVerifier},
    time_provider::TimeProvider,
    version::TLS13,
};

use super::{
    TlsError,
    identity::{Identifier, TrustedCa, oin},
};
use crate::domain::{Klok, Oin};

/// NCSC 2025: X25519MLKEM768 first, X25519 and P-256 for compatibility; AES-256-GCM and `ChaCha20` only.
#[must_use]
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(CryptoProvider {
        kx_groups: vec![
            aws_lc_rs::kx_group::X25519MLKEM768,
            aws_lc_rs::kx_group::X25519,
            aws_lc_rs::kx_group::SECP256R1,
        ],
        cipher_suites: vec![
            aws_lc_rs::cipher_suite::TLS13_AES_256_GCM_SHA384,
            aws_lc_rs::cipher_suite::TLS13_CHACHA20_POLY1305_SHA256,
        ],
        ..aws_lc_rs::default_provider()
    })
}

fn content(path: &Path, what: impl Into<String>) -> TlsError {
    TlsError::Content { path: path.to_owned(), what: what.into() }
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|source| TlsError::Io { path: path.to_owned(), source })
}

/// The certificates in a PEM file, the leaf first.
///
/// # Errors
/// [`TlsError`] naming the file.
pub fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&read(path)?)
        .collect::<Result<_, _>>()
        .map_err(|error| content(path, format!("geen leesbare PEM: {error}")))?;
    if chain.is_empty() { Err(content(path, "bevat geen certificaat")) } else { Ok(chain) }
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_slice(&read(path)?).map_err(|_| content(path, "bevat geen leesbare privesleutel (PEM)"))
}

fn roots(path: &Path) -> Result<Arc<RootCertStore>, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(|error| content(path, format!("geen bruikbare CA: {error}")))?;
    }
    Ok(Arc::new(roots))
}

/// A CA with its revocation lists; an expired list refuses, as does a revoked certificate at any level.
///
/// # Errors
/// [`TlsError`] naming the file.
pub fn trusted_ca(naam: &str, bestand: &Path, crls: &[impl AsRef<Path>]) -> Result<TrustedCa, TlsError> {
    let mut lists = Vec::new();
    for path in crls {
        let path = path.as_ref();
        let found: Vec<_> = CertificateRevocationListDer::pem_slice_iter(&read(path)?)
            .collect::<Result<_, _>>()
            .map_err(|error| content(path, format!("geen leesbare CRL: {error}")))?;
        if found.is_empty() {
            return Err(content(path, "bevat geen CRL (PEM)"));
        }
        lists.extend(found);
    }
    let builder = WebPkiClientVerifier::builder_with_provider(roots(bestand)?, provider());
    let builder = if lists.is_empty() { builder } else { builder.with_crls(lists).enforce_revocation_expiration() };
    let verifier = builder.build().map_err(|error| content(bestand, format!("geen bruikbare CA of CRL: {error}")))?;
    Ok(TrustedCa { naam: naam.to_owned(), verifier })
}

/// What the gateway offers.
///
/// # Errors
/// [`TlsError`] naming the file.
pub fn server(certificaat: &Path, sleutel: &Path, identifier: Arc<Identifier>) -> Result<ServerConfig, TlsError> {
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])
        .expect("the provider has TLS 1.3 suites")
        .with_client_cert_verifier(identifier)
        .with_single_cert(certificates(certificaat)?, private_key(sleutel)?)
        .map_err(|error| content(sleutel, format!("hoort niet bij {}: {error}", certificaat.display())))?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    // On resumption rustls does not ask the verifier again: no tickets, no sessions, no early data.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.max_early_data_size = 0;
    Ok(config)
}

/// The same settings, with the validity of certificates judged by the clock of the gateway: one that was set wrongly must not
/// lock everybody out.
#[must_use]
pub fn by_clock(mut config: ServerConfig, klok: Arc<Klok>) -> ServerConfig {
    config.time_provider = Arc::new(ByClock(klok));
    config
}

struct ByClock(Arc<Klok>);

impl std::fmt::Debug for ByClock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ByClock")
    }
}

impl TimeProvider for ByClock {
    fn current_time(&self) -> Option<UnixTime> {
        Some(unix_time(&self.0))
    }
}

/// The present moment, for certificates.
pub(super) fn unix_time(klok: &Klok) -> UnixTime {
    let now = u64::try_from(klok.now().as_second()).unwrap_or(0);
    UnixTime::since_unix_epoch(Duration::from_secs(now))
}

/// The OIN in the gateway's own certificate, under which it sends what only it can know.
///
/// # Errors
/// [`TlsError`] naming the file.
pub fn own_oin(certificaat: &Path) -> Result<Oin, TlsError> {
    let chain = certificates(certificaat)?;
    oin(&chain[0]).map_err(|reason| content(certificaat, reason.to_string()))
}

/// What a partner's client offers: its own certificate, and trust in one CA.
///
/// # Errors
/// [`TlsError`] naming the file.
pub fn client(certificaat: &Path, sleutel: &Path, ca: &Path) -> Result<ClientConfig, TlsError> {
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])
        .expect("the provider has TLS 1.3 suites")
        .with_root_certificates(roots(ca)?)
        .with_client_auth_cert(certificates(certificaat)?, private_key(sleutel)?)
        .map_err(|error| content(sleutel, format!("hoort niet bij {}: {error}", certificaat.display())))?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(config)
}
