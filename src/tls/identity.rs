//! From a client certificate to an identity: chain, revocation, OIN and SAN.

use std::sync::Arc;

use jiff::Timestamp;
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, OtherError, SignatureScheme,
    client::danger::HandshakeSignatureValid,
    crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, UnixTime},
    server::danger::{ClientCertVerified, ClientCertVerifier},
};
use tokio::sync::watch;
use webpki::EndEntityCert;
use x509_parser::{
    oid_registry::OID_X509_SERIALNUMBER,
    prelude::{FromDer, GeneralName, X509Certificate},
};

use super::{
    ca::{TrustedCa, tls_error},
    settings::{self, provider},
};
use crate::domain::{Aangemeld, Certificaat, Oin, VanKracht, Vingerafdruk, van_kracht::NietAangemeld};

/// Certificates above a leaf that are looked at, at most. `PKIoverheid` has three levels above it, and the root is not sent.
const MOST_INTERMEDIATES: usize = 4;
/// Bytes of all certificates of a client, at most: a chain of four with keys of 4096 bits takes about 8 KiB.
const MOST_BYTES: usize = 16 << 10;

/// A chain on which no work is done: building paths through many certificates of one name costs a stranger nothing, and the
/// gateway seconds.
#[derive(Debug, thiserror::Error)]
#[error(
    "the client sent {intermediates} certificates above its own, {bytes} bytes in all; at most {MOST_INTERMEDIATES} and {MOST_BYTES}"
)]
struct ChainTooLarge {
    intermediates: usize,
    bytes: usize,
}

/// A valid certificate that is nobody here. The text goes to the process log of the operator.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unidentified {
    #[error("the certificate cannot be parsed")]
    Unparsable,
    #[error("the subject has {0} serialNumber attributes; exactly one, the OIN, is asked for")]
    SerialNumbers(usize),
    #[error("the serialNumber of the subject is no OIN of 20 positions")]
    NoOin,
    #[error("OIN {0} from CA {1} has no identity in the configuration, or not for the names in this certificate")]
    NoIdentity(Oin, String),
    #[error("OIN {0} from CA {1} has more than one identity for the names in this certificate; tell them apart by san")]
    Ambiguous(Oin, String),
    #[error("the certificate of OIN {0} with SHA-256 {1} is blocked by what is in force")]
    Blocked(Oin, Vingerafdruk),
}

/// Verifies client certificates and knows who they are.
pub struct Identifier {
    cas: Vec<TrustedCa>,
    van_kracht: watch::Receiver<Arc<VanKracht>>,
    hints: Vec<DistinguishedName>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl std::fmt::Debug for Identifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identifier").finish_non_exhaustive()
    }
}

impl Identifier {
    /// With at least one CA; who is who stands in what is in force.
    #[must_use]
    pub fn new(cas: Vec<TrustedCa>, van_kracht: watch::Receiver<Arc<VanKracht>>) -> Self {
        let hints = cas.iter().flat_map(TrustedCa::subjects).collect();
        Self { cas, van_kracht, hints, algorithms: provider().signature_verification_algorithms }
    }

    /// Ends when this certificate no longer opens this, by a change of what is in force. Its chain was verified when it
    /// connected, and is again when it connects anew: here only who it is can change.
    pub async fn no_longer(&self, leaf: &CertificateDer<'_>, aangemeld: &Aangemeld) {
        let mut changes = self.van_kracht.clone();
        while self.lookup(leaf, &aangemeld.certificaat.ca).is_ok_and(|known| known == *aangemeld) {
            if changes.changed().await.is_err() {
                // The gateway stops, and drains its connections itself.
                return std::future::pending().await;
            }
        }
    }

    /// Who holds this certificate.
    ///
    /// # Errors
    /// The TLS error with which the connection is closed.
    pub fn identify(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<Aangemeld, Error> {
        let ca = self.issuer(leaf, intermediates, now)?;
        self.lookup(leaf, ca).map_err(|reason| {
            tracing::warn!(%reason, "a client certificate was refused");
            Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure)
        })
    }

    /// The first CA under which the chain holds; else the error that says most. A CA costs a path only where its name is in
    /// the chain.
    fn issuer(&self, leaf: &CertificateDer<'_>, chain: &[CertificateDer<'_>], now: UnixTime) -> Result<&str, Error> {
        let bytes = chain.iter().chain([leaf]).map(|certificate| certificate.len()).sum();
        if chain.len() > MOST_INTERMEDIATES || bytes > MOST_BYTES {
            let too_large = ChainTooLarge { intermediates: chain.len(), bytes };
            return Err(Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(too_large)))));
        }
        let leaf = EndEntityCert::try_from(leaf).map_err(tls_error)?;
        // What cannot be parsed issued nothing.
        let above: Vec<EndEntityCert<'_>> = chain.iter().filter_map(|one| EndEntityCert::try_from(one).ok()).collect();
        let issuers: Vec<&[u8]> = above.iter().chain([&leaf]).map(|certificate| certificate.issuer()).collect();
        let mut error = Error::InvalidCertificate(CertificateError::UnknownIssuer);
        for ca in self.cas.iter().filter(|ca| ca.is_named(&issuers)) {
            match ca.verify_client(&leaf, chain, now) {
                Ok(()) => return Ok(ca.naam()),
                Err(Error::InvalidCertificate(CertificateError::UnknownIssuer)) => {}
                Err(other) => error = other,
            }
        }
        Err(error)
    }

    fn lookup(&self, leaf: &CertificateDer<'_>, ca: &str) -> Result<Aangemeld, Unidentified> {
        let oin = oin(leaf)?;
        let (_, certificate) = X509Certificate::from_der(leaf).map_err(|_| Unidentified::Unparsable)?;
        let names = certificate.subject_alternative_name().map_err(|_| Unidentified::Unparsable)?;
        let names: Vec<&str> = names
            .iter()
            .flat_map(|extension| &extension.value.general_names)
            .filter_map(|name| if let GeneralName::DNSName(name) = name { Some(*name) } else { None })
            .collect();
        let certificaat = Certificaat {
            ca: ca.to_owned(),
            oin,
            namen: names.into_iter().map(str::to_owned).collect(),
            vingerafdruk: settings::vingerafdruk(leaf),
            der: leaf.as_ref().into(),
            tot: Timestamp::from_second(certificate.validity().not_after.timestamp()).unwrap_or(Timestamp::MAX),
        };
        let found = self.van_kracht.borrow().deelnemers().toegang(&certificaat).cloned();
        match found {
            Ok(toegang) => Ok(Aangemeld { certificaat, toegang }),
            Err(NietAangemeld::Onbekend) => Err(Unidentified::NoIdentity(certificaat.oin, certificaat.ca)),
            Err(NietAangemeld::Geblokkeerd) => Err(Unidentified::Blocked(certificaat.oin, certificaat.vingerafdruk)),
            Err(NietAangemeld::Dubbelzinnig) => Err(Unidentified::Ambiguous(certificaat.oin, certificaat.ca)),
        }
    }
}

/// The one OIN in the subject of a certificate.
pub(super) fn oin(leaf: &CertificateDer<'_>) -> Result<Oin, Unidentified> {
    let (_, certificate) = X509Certificate::from_der(leaf).map_err(|_| Unidentified::Unparsable)?;
    let serials: Vec<_> = certificate.subject().iter_by_oid(&OID_X509_SERIALNUMBER).collect();
    let [serial] = serials.as_slice() else { return Err(Unidentified::SerialNumbers(serials.len())) };
    serial.as_str().ok().and_then(|text| text.parse().ok()).ok_or(Unidentified::NoOin)
}

impl ClientCertVerifier for Identifier {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.hints
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.identify(end_entity, intermediates, now).map(|_| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
