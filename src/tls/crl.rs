//! Revocation lists: which one counts for a certificate, and what it says.
//!
//! Lists are told apart by the *key* that signed them, not by the name of their issuer: a CA that got a new key keeps its
//! name, and has a list of each key. Of several lists of one key and one scope (issuing distribution point) the newest that
//! holds now counts, so that a list can be renewed by putting a second file beside the first. rustls' own verifier takes
//! the first list that has the right name, which fails for both.
//!
//! Invariants: a list speaks only after its signature was verified by the key of the issuer in the verified path; where no
//! list speaks, or none that holds now, the certificate is refused.

use std::sync::{Mutex, PoisonError};

use rustls::pki_types::{SignatureVerificationAlgorithm, UnixTime};
use webpki::{Cert, CertRevocationList, Error, OwnedCertRevocationList};
use x509_parser::{
    asn1_rs::{Any, BitString},
    extensions::{DistributionPointName, GeneralName, ParsedExtension},
    prelude::{CertificateRevocationList, FromDer, X509Certificate},
};

/// Keys that are remembered of one list: whether it is theirs. A CA has a key or two.
const KEYS_REMEMBERED: usize = 16;

/// One revocation list.
pub struct Crl {
    list: CertRevocationList<'static>,
    signed: Vec<u8>,
    algorithm: Vec<u8>,
    signature: Vec<u8>,
    /// Which key signed it, as the list itself says; empty where it does not.
    authority: Vec<u8>,
    /// Unix seconds.
    this_update: i64,
    /// Unix seconds.
    next_update: i64,
    scope: Option<Scope>,
    /// Keys that were tried, and whether they signed it: a list can be megabytes, and is hashed once a key.
    tried: Mutex<Vec<(Vec<u8>, bool)>>,
}

/// For which certificates of its issuer a list speaks (RFC 5280, section 5.2.5).
struct Scope {
    only_users: bool,
    only_cas: bool,
    uris: Vec<String>,
}

/// What a list says by itself of who made it, and for what: the name and key of its issuer, and its scope.
pub(crate) type Source<'a> = (&'a [u8], &'a [u8], &'a [u8]);

impl Crl {
    /// Parses a list in DER.
    ///
    /// # Errors
    /// What is wrong with it and what to do, in Dutch.
    pub(super) fn parse(der: &[u8]) -> Result<Self, String> {
        let (rest, parsed) = CertificateRevocationList::from_der(der).map_err(|_| no_list(der))?;
        if !rest.is_empty() {
            return Err("er staat iets achter de intrekkingslijst. Haal het bestand opnieuw op.".to_owned());
        }
        let list = OwnedCertRevocationList::from_der(der).map(CertRevocationList::from).map_err(|error| {
            format!("deze intrekkingslijst is niet te gebruiken: {error}. Vraag de CA om een volledige lijst (v2).")
        })?;
        let scope = Scope::of(&parsed);
        // A scope that cannot be read must not count as "everything".
        if scope.is_none() && list.issuing_distribution_point().is_some() {
            return Err(
                "het bereik van deze intrekkingslijst is niet te lezen. Vraag de CA om een volledige lijst.".to_owned()
            );
        }
        let next_update = parsed
            .next_update()
            .ok_or("deze intrekkingslijst zegt niet tot wanneer zij geldt. Vraag de CA om een die dat wel doet.")?;
        Ok(Self {
            list,
            signed: parsed.tbs_cert_list.as_ref().to_vec(),
            algorithm: algorithm(der).ok_or_else(|| no_list(der))?,
            signature: parsed.signature_value.data.to_vec(),
            authority: authority(&parsed),
            this_update: parsed.last_update().timestamp(),
            next_update: next_update.timestamp(),
            scope,
            tried: Mutex::default(),
        })
    }

    /// From when it holds, Unix seconds.
    pub(crate) fn this_update(&self) -> i64 {
        self.this_update
    }

    /// Until when it holds, Unix seconds; at that moment not any more.
    pub(crate) fn next_update(&self) -> i64 {
        self.next_update
    }

    /// Whether it holds at a moment, Unix seconds.
    pub(crate) fn holds(&self, now: i64) -> bool {
        self.this_update <= now && now < self.next_update
    }

    /// What lists that replace each other have in common.
    pub(crate) fn source(&self) -> Source<'_> {
        (self.list.issuer(), &self.authority, self.list.issuing_distribution_point().unwrap_or_default())
    }

    /// Whether this issuer signed it: `name` and `key` are the contents of a subject and a `SubjectPublicKeyInfo`.
    pub(crate) fn is_of(&self, name: &[u8], key: &[u8], algorithms: &[&dyn SignatureVerificationAlgorithm]) -> bool {
        if self.list.issuer() != name {
            return false;
        }
        let mut tried = self.tried.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, signed)) = tried.iter().find(|(known, _)| known == key) {
            return *signed;
        }
        let signed = self.verify(key, algorithms).is_some();
        if tried.len() < KEYS_REMEMBERED {
            tried.push((key.to_vec(), signed));
        }
        signed
    }

    fn verify(&self, key: &[u8], algorithms: &[&dyn SignatureVerificationAlgorithm]) -> Option<()> {
        let (bits, of_key) = Any::from_der(key).ok()?;
        let (_, bits) = BitString::from_der(bits).ok()?;
        let fits = |algorithm: &&&dyn SignatureVerificationAlgorithm| {
            algorithm.signature_alg_id().as_ref() == self.algorithm
                && algorithm.public_key_alg_id().as_ref() == of_key.as_bytes()
        };
        let verified = |algorithm: &&dyn SignatureVerificationAlgorithm| {
            algorithm.verify_signature(&bits.data, &self.signed, &self.signature).is_ok()
        };
        algorithms.iter().filter(fits).any(verified).then_some(())
    }

    /// Whether its scope has this certificate in it.
    fn speaks_of(&self, certificate: &Cert<'_>, leaf: bool) -> bool {
        let Some(scope) = &self.scope else { return true };
        if (scope.only_users && !leaf) || (scope.only_cas && leaf) {
            return false;
        }
        let der = certificate.der();
        X509Certificate::from_der(&der).is_ok_and(|(_, parsed)| scope.is_named_by(&parsed))
    }
}

impl Scope {
    fn of(list: &CertificateRevocationList<'_>) -> Option<Self> {
        let point = list.extensions().iter().find_map(|extension| match extension.parsed_extension() {
            ParsedExtension::IssuingDistributionPoint(point) => Some(point),
            _ => None,
        })?;
        Some(Self {
            only_users: point.only_contains_user_certs,
            only_cas: point.only_contains_ca_certs,
            uris: point.distribution_point.iter().flat_map(uris).map(str::to_owned).collect(),
        })
    }

    /// A certificate that names where its list is must name this one; one that names none is in every list of its issuer.
    fn is_named_by(&self, certificate: &X509Certificate<'_>) -> bool {
        let mut points = certificate.extensions().iter().filter_map(|extension| match extension.parsed_extension() {
            ParsedExtension::CRLDistributionPoints(points) => Some(points),
            _ => None,
        });
        let Some(points) = points.next() else { return true };
        // One for some reasons only, or signed by another, is not supported.
        let whole = points.iter().filter(|point| point.reasons.is_none() && point.crl_issuer.is_none());
        whole
            .filter_map(|point| point.distribution_point.as_ref())
            .flat_map(uris)
            .any(|uri| self.uris.iter().any(|known| known == uri))
    }
}

/// Whether a certificate is not revoked, by the lists of its issuer that count at `now`.
///
/// # Errors
/// [`Error::CertRevoked`]; [`Error::CrlExpired`] where no list of the issuer holds any more; else
/// [`Error::UnknownRevocationStatus`] where there is none.
pub(super) fn judge(
    lists: &[Crl],
    algorithms: &[&dyn SignatureVerificationAlgorithm],
    (certificate, leaf): (&Cert<'_>, bool),
    issuer_key: &[u8],
    time: UnixTime,
) -> Result<(), Error> {
    let now = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    let of_issuer =
        |list: &&Crl| list.speaks_of(certificate, leaf) && list.is_of(certificate.issuer(), issuer_key, algorithms);
    let speaking: Vec<&Crl> = lists.iter().filter(of_issuer).collect();
    let holding: Vec<&Crl> = speaking.iter().copied().filter(|list| list.holds(now)).collect();
    if holding.is_empty() {
        let newest = speaking.iter().map(|list| list.next_update).filter(|next| *next <= now).max();
        return Err(newest.map_or(Error::UnknownRevocationStatus, |next| {
            let next_update = UnixTime::since_unix_epoch(std::time::Duration::from_secs(next.try_into().unwrap_or(0)));
            Error::CrlExpired { time, next_update }
        }));
    }
    let newer = |list: &Crl, other: &Crl| {
        other.list.issuing_distribution_point() == list.list.issuing_distribution_point()
            && other.this_update > list.this_update
    };
    for list in &holding {
        // Two of one moment both count: nothing says which of them is the newest.
        let newest = !holding.iter().any(|other| newer(list, other));
        if newest && list.list.find_serial(certificate.serial())?.is_some() {
            return Err(Error::CertRevoked);
        }
    }
    Ok(())
}

/// What a DER structure is that is no list.
fn no_list(der: &[u8]) -> String {
    match X509Certificate::from_der(der) {
        Ok(_) => "dit is een certificaat, en geen intrekkingslijst. Controleer het pad.".to_owned(),
        Err(_) => "dit is geen leesbare intrekkingslijst. Haal het bestand opnieuw op.".to_owned(),
    }
}

/// The content of the outer `signatureAlgorithm` of a list, as the algorithms of rustls name themselves.
fn algorithm(der: &[u8]) -> Option<Vec<u8>> {
    let (_, whole) = Any::from_der(der).ok()?;
    let (rest, _signed) = Any::from_der(whole.as_bytes()).ok()?;
    let (_, algorithm) = Any::from_der(rest).ok()?;
    Some(algorithm.as_bytes().to_vec())
}

fn authority(list: &CertificateRevocationList<'_>) -> Vec<u8> {
    let key = list.extensions().iter().find_map(|extension| match extension.parsed_extension() {
        ParsedExtension::AuthorityKeyIdentifier(authority) => authority.key_identifier.as_ref(),
        _ => None,
    });
    key.map(|key| key.0.to_vec()).unwrap_or_default()
}

fn uris<'a>(name: &'a DistributionPointName<'_>) -> Vec<&'a str> {
    let DistributionPointName::FullName(names) = name else { return Vec::new() };
    names.iter().filter_map(|name| if let GeneralName::URI(uri) = name { Some(*uri) } else { None }).collect()
}
