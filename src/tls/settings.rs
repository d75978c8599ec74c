//! TLS settings of server and client: versions, groups, suites, files.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use ::aws_lc_rs::digest::{SHA256, digest};
use rustls::{
    ClientConfig, Error, RootCertStore, ServerConfig,
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, PrivateKeyDer, UnixTime},
    server::NoServerSessionStorage,
    sign::{CertifiedKey, SingleCertAndKey},
    time_provider::TimeProvider,
    version::TLS13,
};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::{
    TlsError,
    ca::TrustedCa,
    crl::Crl,
    identity::{Identifier, oin},
    pem,
};
use crate::domain::{Klok, Oin, Vingerafdruk};

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

pub(super) fn content(path: &Path, what: impl Into<String>) -> TlsError {
    TlsError::Content { path: path.to_owned(), what: what.into() }
}

/// The certificates in a PEM file, the leaf first.
///
/// # Errors
/// [`TlsError`] naming the file, and the line of what in it is no certificate.
pub fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let certificate = |block: pem::Block| {
        if !X509Certificate::from_der(&block.bytes).is_ok_and(|(rest, _)| rest.is_empty()) {
            let what = "het blok dat hier begint is geen leesbaar certificaat. Haal het opnieuw op.".to_owned();
            return Err(pem::at(path, (block.line, what)));
        }
        Ok(CertificateDer::from(block.bytes.to_vec()))
    };
    pem::read_blocks(path, pem::Soort::Certificaat)?.into_iter().map(certificate).collect()
}

/// By what one certificate is known.
#[must_use]
pub fn vingerafdruk(certificate: &CertificateDer<'_>) -> Vingerafdruk {
    Vingerafdruk::new(digest(&SHA256, certificate).as_ref())
}

/// The revocation lists in a file: one in DER, or any number in PEM. Which of both it is, its content says.
///
/// # Errors
/// [`TlsError`] naming the file, and the line of what in it is no list.
pub fn lists(path: &Path) -> Result<Vec<Crl>, TlsError> {
    let bytes = pem::read(path)?;
    if pem::is_der(&bytes) {
        return Ok(vec![Crl::parse(&bytes).map_err(|what| content(path, what))?]);
    }
    let list = |block: pem::Block| Crl::parse(&block.bytes).map_err(|what| pem::at(path, (block.line, what)));
    let blocks = pem::blocks(&bytes, pem::Soort::Crl).map_err(|refused| pem::at(path, refused))?;
    blocks.into_iter().map(list).collect()
}

pub(super) fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let mut blocks = pem::read_blocks(path, pem::Soort::Sleutel)?;
    if let Some(second) = blocks.get(1) {
        let what = "hier begint een tweede privesleutel; in het bestand hoort er een. Verwijder wat er niet in hoort.";
        return Err(pem::at(path, (second.line, what.to_owned())));
    }
    let block = blocks.pop().expect("a file that is read has a block");
    let bytes = block.bytes.to_vec();
    Ok(match block.label {
        "RSA PRIVATE KEY" => PrivateKeyDer::Pkcs1(bytes.into()),
        "EC PRIVATE KEY" => PrivateKeyDer::Sec1(bytes.into()),
        _ => PrivateKeyDer::Pkcs8(bytes.into()),
    })
}

/// A certificate chain with the private key that belongs to it.
///
/// # Errors
/// [`TlsError`] naming the file, also where the key is of another certificate.
pub fn certified_key(certificaat: &Path, sleutel: &Path) -> Result<CertifiedKey, TlsError> {
    let (chain, key) = (certificates(certificaat)?, private_key(sleutel)?);
    CertifiedKey::from_der(chain, key, &provider()).map_err(|error| match error {
        Error::InconsistentKeys(_) => content(
            sleutel,
            format!(
                "deze privesleutel hoort niet bij {}. Zet certificaat en sleutel bij elkaar.",
                certificaat.display()
            ),
        ),
        other => content(sleutel, format!("geen bruikbare privesleutel: {other}")),
    })
}

fn roots(path: &Path) -> Result<Arc<RootCertStore>, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(|error| content(path, format!("geen bruikbare CA: {error}")))?;
    }
    Ok(Arc::new(roots))
}

/// A CA with its revocation lists; an expired list refuses, as does a revoked certificate at any level. Nothing: revocation is not checked.
///
/// # Errors
/// [`TlsError`] naming the file.
pub fn trusted_ca(naam: &str, bestand: &Path, crls: Option<&[PathBuf]>) -> Result<TrustedCa, TlsError> {
    let of_files = |files: &[PathBuf]| files.iter().map(|path| lists(path)).collect::<Result<Vec<_>, _>>();
    let found = crls.map(of_files).transpose()?.map(|lists| lists.into_iter().flatten().collect());
    TrustedCa::new(naam, bestand, &certificates(bestand)?, found)
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
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(certified_key(certificaat, sleutel)?)));
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
        .with_client_cert_resolver(Arc::new(SingleCertAndKey::from(certified_key(certificaat, sleutel)?)));
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(config)
}

/// What the gateway offers whom it asks something: trust in these CAs alone (in none without), and its own certificate where one is asked
/// of it. The same versions, groups and suites hold as for partners.
///
/// # Errors
/// [`TlsError`] naming the file.
pub fn outbound(ca: Option<&Path>, bekend_als: Option<(&Path, &Path)>) -> Result<ClientConfig, TlsError> {
    let roots = ca.map_or_else(|| Ok(Arc::new(RootCertStore::empty())), roots)?;
    let config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])
        .expect("the provider has TLS 1.3 suites")
        .with_root_certificates(roots);
    Ok(match bekend_als {
        None => config.with_no_client_auth(),
        Some((certificaat, sleutel)) => {
            config.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(certified_key(certificaat, sleutel)?)))
        }
    })
}
