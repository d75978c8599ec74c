//! Whether what [`DevCa`] issues holds before the verifiers that the gateway and its partners use.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::{CertificateError, Error, RootCertStore};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::*;

pub(super) fn now() -> Timestamp {
    "2026-11-30T12:00:00.123456Z".parse().unwrap()
}

fn later(hours: i64) -> Timestamp {
    now() + SignedDuration::from_hours(hours)
}

fn ca() -> DevCa {
    DevCa::create("Test", now()).unwrap()
}

fn partner_leaf(profile: &str) -> LeafSpec {
    let mut identities = dev_identities().into_iter();
    let identity = identities.find(|one| one.profile == profile).unwrap();
    identity.leaf(now()).unwrap()
}

fn certificates(pem: &str) -> Vec<CertificateDer<'static>> {
    let parsed = CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<Vec<_>, _>>();
    parsed.unwrap()
}

fn roots(root_pem: &str) -> Arc<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for root in certificates(root_pem) {
        roots.add(root).unwrap();
    }
    roots.into()
}

fn unix(moment: Timestamp) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(moment.as_second().try_into().unwrap()))
}

fn verify_client(ca: &DevCa, chain_pem: &str, at: Timestamp, crls: &str) -> Result<(), Error> {
    let provider = Arc::new(default_provider());
    let mut verifier = WebPkiClientVerifier::builder_with_provider(roots(&ca.root_pem()), provider);
    if !crls.is_empty() {
        let crls = CertificateRevocationListDer::pem_slice_iter(crls.as_bytes());
        verifier = verifier.with_crls(crls.map(Result::unwrap)).enforce_revocation_expiration();
    }
    let chain = certificates(chain_pem);
    let verifier = verifier.build().unwrap();
    verifier.verify_client_cert(&chain[0], &chain[1..], unix(at))?;
    Ok(())
}

pub(super) fn verify_server(root_pem: &str, chain_pem: &str, name: &str) -> Result<(), Error> {
    let provider = Arc::new(default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(roots(root_pem), provider);
    let chain = certificates(chain_pem);
    let name = ServerName::try_from(name).unwrap();
    let verifier = verifier.build().unwrap();
    verifier.verify_server_cert(&chain[0], &chain[1..], &name, &[], unix(now()))?;
    Ok(())
}

/// The attributes of the leaf's subject as (dotted type, value).
fn subject(chain_pem: &str) -> Vec<(String, String)> {
    let der = &certificates(chain_pem)[0];
    let (_, certificate) = X509Certificate::from_der(der).unwrap();
    let attributes = certificate.subject().iter_attributes();
    attributes.map(|one| (one.attr_type().to_id_string(), one.as_str().unwrap().to_owned())).collect()
}

pub(super) fn serial_numbers(chain_pem: &str) -> Vec<String> {
    let attributes = subject(chain_pem).into_iter();
    attributes.filter_map(|(oid, value)| (oid == "2.5.4.5").then_some(value)).collect()
}

#[test]
fn partner_chain_verifies_as_a_client_during_its_validity_only() {
    let ca = ca();
    let chain = ca.issue(&partner_leaf("zsm")).unwrap().chain_pem;
    assert_eq!(certificates(&chain).len(), 2);
    for hours in [-1, 0, 90 * 24] {
        verify_client(&ca, &chain, later(hours), "").unwrap();
    }
    for hours in [-2, 90 * 24 + 1] {
        verify_client(&ca, &chain, later(hours), "").unwrap_err();
    }
}

#[test]
fn certificate_of_another_ca_with_the_same_name_is_refused() {
    let chain = ca().issue(&partner_leaf("zsm")).unwrap().chain_pem;
    verify_client(&ca(), &chain, now(), "").unwrap_err();
}

#[test]
fn partner_certificate_cannot_act_as_a_server() {
    let ca = ca();
    let chain = ca.issue(&partner_leaf("zsm")).unwrap().chain_pem;
    verify_server(&ca.root_pem(), &chain, "zsm.ketenpoort.test").unwrap_err();
}

#[test]
fn gateway_chain_verifies_under_each_of_its_names() {
    let ca = ca();
    let leaf = identities::gateway_leaf(now()).unwrap();
    let chain = ca.issue(&leaf).unwrap().chain_pem;
    for name in ["localhost", "gateway.ketenpoort.test", "127.0.0.1", "::1"] {
        verify_server(&ca.root_pem(), &chain, name).unwrap();
    }
    verify_server(&ca.root_pem(), &chain, "zsm.ketenpoort.test").unwrap_err();
    verify_client(&ca, &chain, now(), "").unwrap();
}

#[test]
fn key_belongs_to_the_leaf() {
    let issued = ca().issue(&partner_leaf("zsm")).unwrap();
    let key = PrivateKeyDer::from_pem_slice(issued.key_pem.as_bytes()).unwrap();
    let chain = certificates(&issued.chain_pem);
    rustls::sign::CertifiedKey::from_der(chain, key, &default_provider()).unwrap();
}

#[test]
fn subject_is_country_organisation_name_and_one_oin() {
    let issued = ca().issue(&partner_leaf("dji")).unwrap();
    let expected = [
        ("2.5.4.6", "NL"),
        ("2.5.4.10", "Dienst Justitiële Inrichtingen"),
        ("2.5.4.3", "dji.ketenpoort.test"),
        ("2.5.4.5", "00000099000000103000"),
    ];
    let expected = expected.map(|(oid, value)| (oid.to_owned(), value.to_owned()));
    assert_eq!(subject(&issued.chain_pem), expected);
}

#[test]
fn zero_and_several_serial_numbers_still_verify() {
    let ca = ca();
    for numbers in [&[][..], &["1", "2"], &["1", "1", "3", "4"]] {
        let mut leaf = partner_leaf("zsm");
        leaf.serial_numbers = numbers.iter().map(|&number| number.to_owned()).collect();
        let chain = ca.issue(&leaf).unwrap().chain_pem;
        assert_eq!(serial_numbers(&chain), leaf.serial_numbers);
        verify_client(&ca, &chain, now(), "").unwrap();
    }
}

#[test]
fn spec_that_no_certificate_can_hold_is_refused() {
    let ca = ca();
    let mut five = partner_leaf("zsm");
    five.serial_numbers = vec!["1".to_owned(); 5];
    let error = ca.issue(&five).unwrap_err();
    assert!(matches!(error, PkiError::TooManySerialNumbers { count: 5, .. }));

    let mut not_printable = partner_leaf("zsm");
    not_printable.serial_numbers = vec!["ë".to_owned()];
    let error = ca.issue(&not_printable).unwrap_err();
    assert!(matches!(error, PkiError::Certificate { .. }));

    let mut before_1970 = partner_leaf("zsm");
    before_1970.not_before = Timestamp::from_second(-1).unwrap();
    let error = ca.issue(&before_1970).unwrap_err();
    assert!(matches!(error, PkiError::Moment { .. }));
}

#[test]
fn certificate_serials_are_positive_and_differ() {
    let ca = ca();
    let issued = [(); 2].map(|()| ca.issue(&partner_leaf("zsm")).unwrap());
    assert_ne!(issued[0].certificate_serial, issued[1].certificate_serial);
    for one in &issued {
        let der = &certificates(&one.chain_pem)[0];
        let (_, certificate) = X509Certificate::from_der(der).unwrap();
        assert_eq!(certificate.raw_serial(), one.certificate_serial);
        assert!(certificate.raw_serial()[0] < 0x80);
    }
}

#[test]
fn revoked_certificate_is_refused_and_the_others_are_not() {
    let ca = ca();
    let revoked = ca.issue(&partner_leaf("zsm")).unwrap();
    let other = ca.issue(&partner_leaf("om")).unwrap();
    let serials = [revoked.certificate_serial];
    let crls = ca.crl_pem(&serials, now(), later(4)).unwrap();

    assert_eq!(
        verify_client(&ca, &revoked.chain_pem, now(), &crls),
        Err(Error::InvalidCertificate(CertificateError::Revoked))
    );
    verify_client(&ca, &other.chain_pem, now(), &crls).unwrap();
    // The list has expired: whether the certificate is still good is then unknown.
    verify_client(&ca, &other.chain_pem, later(5), &crls).unwrap_err();
    let error = ca.crl_pem(&serials, now(), now()).unwrap_err();
    assert!(matches!(error, PkiError::Crl { .. }));
}

#[test]
fn debug_of_an_issued_leaf_shows_no_key() {
    let issued = ca().issue(&partner_leaf("zsm")).unwrap();
    assert_eq!(format!("{issued:?}"), "Issued { .. }");
}
