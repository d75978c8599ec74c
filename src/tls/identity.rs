//! From a client certificate to an identity: chain, revocation, OIN and SAN.

use std::sync::Arc;

use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme,
    client::danger::HandshakeSignatureValid,
    pki_types::{CertificateDer, UnixTime},
    server::danger::{ClientCertVerified, ClientCertVerifier},
};
use tokio::sync::watch;
use x509_parser::{
    oid_registry::OID_X509_SERIALNUMBER,
    prelude::{FromDer, GeneralName, X509Certificate},
};

use crate::domain::{Aangemeld, Certificaat, Oin, VanKracht, van_kracht::NietAangemeld};

/// A certificate authority whose certificates may connect.
pub struct TrustedCa {
    /// Its name in the configuration.
    pub naam: String,
    /// Checks chain, validity and revocation against this CA alone, so that an OIN is bound to its issuer.
    pub verifier: Arc<dyn ClientCertVerifier>,
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
}

/// Verifies client certificates and knows who they are.
pub struct Identifier {
    cas: Vec<TrustedCa>,
    van_kracht: watch::Receiver<Arc<VanKracht>>,
    hints: Vec<DistinguishedName>,
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
        let hints = cas.iter().flat_map(|ca| ca.verifier.root_hint_subjects().iter().cloned()).collect();
        Self { cas, van_kracht, hints }
    }

    /// Ends when this certificate no longer opens this, by a change of what is in force.
    pub async fn no_longer(
        &self,
        (leaf, chain): (&CertificateDer<'_>, &[CertificateDer<'_>]),
        aangemeld: &Aangemeld,
        now: impl Fn() -> UnixTime,
    ) {
        let mut changes = self.van_kracht.clone();
        while self.identify(leaf, chain, now()).is_ok_and(|known| known == *aangemeld) {
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

    /// The first CA under which the chain holds; else the error that says most.
    fn issuer(&self, leaf: &CertificateDer<'_>, chain: &[CertificateDer<'_>], now: UnixTime) -> Result<&str, Error> {
        let mut error = Error::InvalidCertificate(CertificateError::UnknownIssuer);
        for ca in &self.cas {
            match ca.verifier.verify_client_cert(leaf, chain, now) {
                Ok(_) => return Ok(&ca.naam),
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
        let certificaat = Certificaat { ca: ca.to_owned(), oin, namen: names.into_iter().map(str::to_owned).collect() };
        let found = self.van_kracht.borrow().deelnemers().toegang(&certificaat).cloned();
        match found {
            Ok(toegang) => Ok(Aangemeld { certificaat, toegang }),
            Err(NietAangemeld::Onbekend) => Err(Unidentified::NoIdentity(certificaat.oin, certificaat.ca)),
            Err(NietAangemeld::Dubbelzinnig) => Err(Unidentified::Ambiguous(certificaat.oin, certificaat.ca)),
        }
    }

    fn any(&self) -> &dyn ClientCertVerifier {
        self.cas.first().expect("the configuration refuses a gateway without a CA").verifier.as_ref()
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
        self.any().verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.any().verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.any().supported_verify_schemes()
    }
}
