//! A certificate authority of two levels that lives in memory.

use std::fmt;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rcgen::string::PrintableString;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DistinguishedName, DnType,
    DnValue, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P384_SHA384,
    RevokedCertParams, SerialNumber, date_time_ymd,
};

use super::serial_numbers::{self, PlaceholderSigner};
use super::{PkiError, after};

/// A development root CA and the issuing CA (TSP) under it.
///
/// Both private keys live only in this value: nothing serialises them, and when it is dropped no
/// further certificate can be issued in its name.
pub struct DevCa {
    root: CertifiedIssuer<'static, KeyPair>,
    issuing: CertifiedIssuer<'static, KeyPair>,
    issuing_params: CertificateParams,
}

/// What a leaf shall say. Nothing here is checked for sense: tests ask for wrong certificates.
#[derive(Debug, Clone)]
pub struct LeafSpec {
    /// `O` of the subject.
    pub organisation: String,
    /// `serialNumber` attributes of the subject, normally one (the OIN); at most four.
    pub serial_numbers: Vec<String>,
    /// Subject alternative names: an IP address becomes an iPAddress, all else a dNSName. The
    /// first is also `CN`.
    pub sans: Vec<String>,
    /// True: serverAuth and clientAuth. False: clientAuth only.
    pub server: bool,
    /// First moment of its validity, in whole seconds: fractions are dropped.
    pub not_before: Timestamp,
    /// Last moment of its validity, in whole seconds: fractions are dropped.
    pub not_after: Timestamp,
}

/// A leaf with its key.
pub struct Issued {
    /// Leaf first, then the issuing CA; the root is left out, since a peer must have that already.
    pub chain_pem: String,
    /// PKCS #8.
    pub key_pem: String,
    /// The certificate's own number, big-endian, to revoke it by; not the OIN.
    pub certificate_serial: Vec<u8>,
}

impl fmt::Debug for Issued {
    /// Keys and certificate bodies never reach a log, not even by accident.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issued").finish_non_exhaustive()
    }
}

impl DevCa {
    /// Makes both levels anew; two calls with one name give authorities that share nothing else.
    ///
    /// # Errors
    /// [`PkiError::Moment`] when `now` lies before 1970 or too far ahead.
    pub fn create(name: &str, now: Timestamp) -> Result<DevCa, PkiError> {
        let root_cn = format!("{name} Root CA");
        let issuing_cn = format!("{name} Issuing CA (TSP)");

        let root_key = new_key(&root_cn)?;
        let root_params = ca_params(name, &root_cn, 1, &root_key, now)?;
        let root = CertifiedIssuer::self_signed(root_params, root_key).map_err(|source| wrong(&root_cn, source))?;

        let issuing_key = new_key(&issuing_cn)?;
        let issuing_params = ca_params(name, &issuing_cn, 0, &issuing_key, now)?;
        let issuing = CertifiedIssuer::signed_by(issuing_params.clone(), issuing_key, &root)
            .map_err(|source| wrong(&issuing_cn, source))?;

        Ok(DevCa { root, issuing, issuing_params })
    }

    /// The trust anchor.
    #[must_use]
    pub fn root_pem(&self) -> String {
        self.root.pem()
    }

    /// Issues a leaf with a new P-384 key.
    ///
    /// # Errors
    /// [`PkiError::Certificate`], [`PkiError::TooManySerialNumbers`] or [`PkiError::Moment`] when
    /// the spec asks for what a certificate cannot hold.
    pub fn issue(&self, spec: &LeafSpec) -> Result<Issued, PkiError> {
        let mut params = leaf_params(spec)?;
        let key = new_key(&spec.organisation)?;
        let certificate_serial = serial_of(&params, &key);
        params.serial_number = Some(SerialNumber::from_slice(&certificate_serial));
        let signer = PlaceholderSigner(self.issuing.key());
        let leaf = params
            .signed_by(&key, &Issuer::from_params(&self.issuing_params, signer))
            .map_err(|source| wrong(&spec.organisation, source))?;
        let leaf_pem = serial_numbers::final_pem(leaf.der());
        Ok(Issued { chain_pem: leaf_pem + &self.issuing.pem(), key_pem: key.serialize_pem(), certificate_serial })
    }

    /// Two CRLs in one PEM text: of the root (empty) and of the issuing CA (`revoked`, each an
    /// [`Issued::certificate_serial`]). A verifier that checks every level needs both.
    ///
    /// # Errors
    /// [`PkiError::Crl`] when `next_update` is not after `this_update`.
    pub fn crl_pem(
        &self,
        revoked: &[Vec<u8>],
        this_update: Timestamp,
        next_update: Timestamp,
    ) -> Result<String, PkiError> {
        let crl = |name, issuer: &CertifiedIssuer<'_, KeyPair>, revoked: &[Vec<u8>]| {
            crl_params(revoked, this_update, next_update)?
                .signed_by(issuer)
                .and_then(|crl| crl.pem())
                .map_err(|source| PkiError::Crl { issuer: name, source })
        };
        Ok(crl("the root CA", &self.root, &[])? + &crl("the issuing CA", &self.issuing, revoked)?)
    }
}

fn ca_params(
    organisation: &str,
    common_name: &str,
    path_length: u8,
    key: &KeyPair,
    now: Timestamp,
) -> Result<CertificateParams, PkiError> {
    let mut params = CertificateParams::default();
    params.distinguished_name = subject(organisation, Some(common_name))?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(path_length));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.use_authority_key_identifier_extension = true;
    params.serial_number = Some(serial_of(&params, key).into());
    // Ten years, since tests set their clock months ahead. It opens nothing: the keys are gone
    // when the process ends, and leaves have their own, short term.
    let not_before = after(now, SignedDuration::from_hours(-1))?;
    let not_after = after(now, SignedDuration::from_hours(10 * 365 * 24))?;
    params.not_before = date_time_ymd(1970, 1, 1) + since_1970(not_before)?;
    params.not_after = date_time_ymd(1970, 1, 1) + since_1970(not_after)?;
    Ok(params)
}

fn leaf_params(spec: &LeafSpec) -> Result<CertificateParams, PkiError> {
    let mut params = CertificateParams::new(spec.sans.clone()).map_err(|source| wrong(&spec.organisation, source))?;
    params.distinguished_name = subject(&spec.organisation, spec.sans.first())?;
    serial_numbers::push(&mut params.distinguished_name, spec)?;
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    if spec.server {
        params.insert_extended_key_usage(ExtendedKeyUsagePurpose::ServerAuth);
    }
    params.use_authority_key_identifier_extension = true;
    params.not_before = date_time_ymd(1970, 1, 1) + since_1970(spec.not_before)?;
    params.not_after = date_time_ymd(1970, 1, 1) + since_1970(spec.not_after)?;
    Ok(params)
}

fn crl_params(
    revoked: &[Vec<u8>],
    this_update: Timestamp,
    next_update: Timestamp,
) -> Result<CertificateRevocationListParams, PkiError> {
    let this_update = since_1970(this_update)?;
    let next_update = since_1970(next_update)?;
    let revoked = revoked.iter().map(|serial| RevokedCertParams {
        serial_number: SerialNumber::from_slice(serial),
        revocation_time: date_time_ymd(1970, 1, 1) + this_update,
        reason_code: None,
        invalidity_date: None,
    });
    Ok(CertificateRevocationListParams {
        this_update: date_time_ymd(1970, 1, 1) + this_update,
        next_update: date_time_ymd(1970, 1, 1) + next_update,
        // RFC 5280, section 5.2.3 wants a number that only rises; the moment does, and needs no
        // memory of earlier lists.
        crl_number: SerialNumber::from(this_update.as_secs()),
        issuing_distribution_point: None,
        revoked_certs: revoked.collect(),
        key_identifier_method: KeyIdMethod::Sha256,
    })
}

fn subject(organisation: &str, common_name: Option<impl AsRef<str>>) -> Result<DistinguishedName, PkiError> {
    let mut name = DistinguishedName::new();
    // RFC 5280, appendix A.1: countryName is a PrintableString of two letters.
    let country = PrintableString::try_from("NL").map_err(|source| wrong(organisation, source))?;
    name.push(DnType::CountryName, DnValue::PrintableString(country));
    name.push(DnType::OrganizationName, organisation);
    if let Some(common_name) = common_name {
        name.push(DnType::CommonName, common_name.as_ref());
    }
    Ok(name)
}

fn new_key(subject: &str) -> Result<KeyPair, PkiError> {
    KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).map_err(|source| wrong(subject, source))
}

/// A number drawn from the new key, and so as random as that is: the random source of the tests
/// cannot seed keys, and a second source for numbers alone would gain nothing. RFC 5280, section
/// 4.1.2.2 wants it positive and at most 20 octets: these are 20, and with their top bits set to
/// 01 they are neither negative nor zero and have no leading zero to lose.
fn serial_of(params: &CertificateParams, key: &KeyPair) -> Vec<u8> {
    let mut serial = params.key_identifier(key);
    if let Some(top) = serial.first_mut() {
        *top = *top & 0x3f | 0x40;
    }
    serial
}

/// Certificates count whole seconds; before 1970 lies no moment that a clock in order gives.
fn since_1970(moment: Timestamp) -> Result<Duration, PkiError> {
    let seconds = u64::try_from(moment.as_second()).map_err(|_| PkiError::Moment { moment })?;
    Ok(Duration::from_secs(seconds))
}

fn wrong(subject: &str, source: rcgen::Error) -> PkiError {
    PkiError::Certificate { subject: subject.to_owned(), source }
}
