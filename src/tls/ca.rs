//! A certificate authority whose certificates may connect: its anchors, its revocation lists, and a path to them.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use rustls::{
    CertRevocationListError, CertificateError, DistinguishedName, OtherError,
    pki_types::{CertificateDer, SignatureVerificationAlgorithm, TrustAnchor, UnixTime},
};
use webpki::{Cert, EndEntityCert, Error, KeyUsage, VerifiedPath, anchor_from_trusted_cert};
use x509_parser::{
    asn1_rs::Any,
    prelude::{FromDer, X509Certificate},
};

use super::{
    TlsError,
    crl::{Crl, judge},
    settings::{content, provider},
};

/// A CA by its name in the configuration. What its anchors vouch for is checked against them alone, so that an OIN is bound to
/// its issuer.
pub struct TrustedCa {
    naam: String,
    anchors: Vec<TrustAnchor<'static>>,
    /// Nothing where revocation is not checked.
    lists: Option<Vec<Crl>>,
    algorithms: &'static [&'static dyn SignatureVerificationAlgorithm],
}

/// Who can sign a revocation list: a certificate in the file of a CA, or one that stands between it and a leaf.
#[derive(Clone, Debug)]
pub struct Uitgever {
    /// The subject, for people.
    pub naam: String,
    subject: Vec<u8>,
    key: Vec<u8>,
}

impl Uitgever {
    /// Whom a certificate is of; nothing where it cannot be read, or may sign no lists.
    pub(super) fn of(certificate: &CertificateDer<'_>) -> Option<Self> {
        let anchor = anchor_from_trusted_cert(certificate).ok()?;
        let (subject, key) = (anchor.subject.to_vec(), anchor.subject_public_key_info.to_vec());
        signs_lists(certificate).then(|| Self { naam: readable(&subject), subject, key })
    }
}

/// Whether a list is signed by this issuer.
pub(super) fn is_list_of(list: &Crl, uitgever: &Uitgever) -> bool {
    list.is_of(&uitgever.subject, &uitgever.key, provider().signature_verification_algorithms.all)
}

impl TrustedCa {
    /// A CA of these certificates. Nothing as lists: revocation is not checked. With lists, also with none of them yet, a certificate at any
    /// level of whose issuer no list holds is refused.
    ///
    /// # Errors
    /// [`TlsError::Content`] naming the file of the certificates.
    pub fn new(
        naam: &str,
        bestand: &Path,
        certificates: &[CertificateDer<'static>],
        lists: Option<Vec<Crl>>,
    ) -> Result<Self, TlsError> {
        if certificates.iter().any(|certificate| !is_authority(certificate)) {
            return Err(content(
                bestand,
                "een certificaat dat geen CA is (basicConstraints zonder CA); bedoeld is dat van de uitgever",
            ));
        }
        let anchor = |certificate| anchor_from_trusted_cert(certificate).map(|anchor| anchor.to_owned());
        let anchors = certificates.iter().map(anchor).collect::<Result<_, _>>();
        let anchors = anchors.map_err(|error| content(bestand, format!("geen bruikbare CA: {error}")))?;
        let algorithms = provider().signature_verification_algorithms.all;
        Ok(Self { naam: naam.to_owned(), anchors, lists, algorithms })
    }

    /// Its name in the configuration.
    #[must_use]
    pub fn naam(&self) -> &str {
        &self.naam
    }

    /// The names of its anchors, which a client is told.
    pub(super) fn subjects(&self) -> impl Iterator<Item = DistinguishedName> {
        self.anchors.iter().map(|anchor| DistinguishedName::in_sequence(&anchor.subject))
    }

    /// Its revocation lists.
    pub(crate) fn lists(&self) -> &[Crl] {
        self.lists.as_deref().unwrap_or_default()
    }

    /// When the lists of each source have all ended, Unix seconds.
    pub(crate) fn ends_of_lists(&self) -> Vec<i64> {
        let mut ends: BTreeMap<_, i64> = BTreeMap::new();
        for list in self.lists() {
            let end = ends.entry(list.source()).or_insert(i64::MIN);
            *end = (*end).max(list.next_update());
        }
        ends.into_values().collect()
    }

    /// Whether one of these issuers, the contents of names, is an anchor of this CA: else no path can lead to it.
    pub(super) fn is_named(&self, issuers: &[&[u8]]) -> bool {
        self.anchors.iter().any(|anchor| issuers.contains(&anchor.subject.as_ref()))
    }

    /// Whether both vouch by the same key under the same name, so that it is not certain whose certificate one is.
    #[must_use]
    pub fn shares_an_anchor(&self, other: &Self) -> bool {
        let same = |a: &TrustAnchor<'_>, b: &TrustAnchor<'_>| {
            a.subject == b.subject && a.subject_public_key_info == b.subject_public_key_info
        };
        self.anchors.iter().any(|anchor| other.anchors.iter().any(|theirs| same(anchor, theirs)))
    }

    /// Checks the chain, the terms and the revocation of a client.
    pub(super) fn verify_client(
        &self,
        leaf: &EndEntityCert<'_>,
        chain: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), rustls::Error> {
        let not_revoked = |path: &VerifiedPath<'_>| self.not_revoked(path, now);
        let usage = KeyUsage::client_auth();
        leaf.verify_for_usage(self.algorithms, &self.anchors, chain, now, usage, None, Some(&not_revoked))
            .map(drop)
            .map_err(tls_error)
    }

    /// Every certificate of a path against the lists of the one above it.
    fn not_revoked(&self, path: &VerifiedPath<'_>, now: UnixTime) -> Result<(), Error> {
        let Some(lists) = &self.lists else { return Ok(()) };
        let mut certificate: &Cert<'_> = path.end_entity();
        let mut leaf = true;
        for issuer in path.intermediate_certificates() {
            if !signs_lists(&issuer.der()) {
                return Err(Error::IssuerNotCrlSigner);
            }
            judge(lists, self.algorithms, (certificate, leaf), &key(issuer)?, now)?;
            (certificate, leaf) = (issuer, false);
        }
        let key = path.anchor().subject_public_key_info.as_ref();
        judge(lists, self.algorithms, (certificate, leaf), key, now)
    }

    /// Whom the certificates in its own file are of.
    pub(crate) fn uitgevers(&self) -> Vec<Uitgever> {
        let of = |anchor: &TrustAnchor<'_>| {
            let (subject, key) = (anchor.subject.to_vec(), anchor.subject_public_key_info.to_vec());
            Uitgever { naam: readable(&subject), subject, key }
        };
        self.anchors.iter().map(of).collect()
    }

    /// Whether a list of this CA is signed by this issuer.
    pub(crate) fn is_list_of(&self, list: &Crl, uitgever: &Uitgever) -> bool {
        list.is_of(&uitgever.subject, &uitgever.key, self.algorithms)
    }

    /// The issuers between a server's chain and this CA; an error when it does not lead here.
    pub(crate) fn server_path(&self, chain: &[CertificateDer<'_>], now: UnixTime) -> Result<Vec<Uitgever>, Error> {
        let (leaf, above) = chain.split_first().ok_or(Error::UnknownIssuer)?;
        let leaf = EndEntityCert::try_from(leaf)?;
        let usage = KeyUsage::server_auth();
        let path = leaf.verify_for_usage(self.algorithms, &self.anchors, above, now, usage, None, None)?;
        let uitgever = |issuer: &Cert<'_>| {
            Ok(Uitgever { naam: readable(issuer.subject()), subject: issuer.subject().to_vec(), key: key(issuer)? })
        };
        path.intermediate_certificates().map(uitgever).collect()
    }
}

/// The content of the key of a certificate, without the outer tag.
fn key(certificate: &Cert<'_>) -> Result<Vec<u8>, Error> {
    let whole = certificate.subject_public_key_info();
    Any::from_der(&whole).map(|(_, key)| key.as_bytes().to_vec()).map_err(|_| Error::BadDer)
}

/// Whether a certificate may issue others (RFC 5280, section 4.2.1.9).
fn is_authority(certificate: &[u8]) -> bool {
    let parsed = X509Certificate::from_der(certificate);
    parsed.is_ok_and(|(_, parsed)| parsed.basic_constraints().ok().flatten().is_some_and(|found| found.value.ca))
}

/// A CA whose key usage does not name lists may sign none (RFC 5280, section 6.3.3, under f).
fn signs_lists(issuer: &CertificateDer<'_>) -> bool {
    let Ok((_, parsed)) = X509Certificate::from_der(issuer) else { return false };
    parsed.key_usage().is_ok_and(|usage| usage.is_none_or(|usage| usage.value.crl_sign()))
}

/// A name as people read it, or in hexadecimal where it is none.
fn readable(subject: &[u8]) -> String {
    let whole = DistinguishedName::in_sequence(subject);
    x509_parser::x509::X509Name::from_der(whole.as_ref())
        .map_or_else(|_| hex::encode(subject), |(_, name)| name.to_string())
}

/// The errors that have an alert of their own, so that a client hears what is wrong with its certificate.
pub(super) fn tls_error(error: Error) -> rustls::Error {
    let certificate = match error {
        Error::BadDer | Error::BadDerTime | Error::TrailingData(_) => CertificateError::BadEncoding,
        Error::CertNotValidYet { time, not_before } => CertificateError::NotValidYetContext { time, not_before },
        Error::CertExpired { time, not_after } => CertificateError::ExpiredContext { time, not_after },
        Error::InvalidCertValidity => CertificateError::Expired,
        Error::UnknownIssuer => CertificateError::UnknownIssuer,
        Error::CertRevoked => CertificateError::Revoked,
        Error::UnknownRevocationStatus => CertificateError::UnknownRevocationStatus,
        Error::CrlExpired { time, next_update } => CertificateError::ExpiredRevocationListContext { time, next_update },
        Error::InvalidSignatureForPublicKey => CertificateError::BadSignature,
        Error::RequiredEkuNotFoundContext(_) => CertificateError::InvalidPurpose,
        Error::IssuerNotCrlSigner => return CertRevocationListError::IssuerInvalidForCrl.into(),
        other => CertificateError::Other(OtherError(Arc::new(other))),
    };
    certificate.into()
}
