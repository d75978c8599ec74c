//! Which revocation list counts: the newest of the key that issued the certificate, not the first of its name.

use std::{fs, time::Duration};

use jiff::SignedDuration;
use ketenpoort::{
    clock::SystemClock,
    config::{Ca, Config},
    domain::Clock,
    pki::DevCa,
};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, CrlDistributionPoint,
    CrlIssuingDistributionPoint, CrlScope, DnType, ExtendedKeyUsagePurpose, IsCa, KeyIdMethod, KeyPair,
    KeyUsagePurpose, RevokedCertParams, SerialNumber, date_time_ymd,
};

use crate::{
    harness::*,
    tls::{Extra, assert_kept_out, try_call, write_profile},
};

pub type Issuer = CertifiedIssuer<'static, KeyPair>;

/// A leaf of ZSM with its chain: PEM of the chain, PEM of the key, and its own number.
pub struct Leaf {
    pub chain: String,
    pub key: String,
    pub serial: Vec<u8>,
}

pub fn ca(name: &str, above: Option<&Issuer>) -> Issuer {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let key = KeyPair::generate().unwrap();
    match above {
        Some(above) => CertifiedIssuer::signed_by(params, key, above).unwrap(),
        None => CertifiedIssuer::self_signed(params, key).unwrap(),
    }
}

/// A leaf below this issuer, which sends these certificates along.
pub fn leaf(issuer: &Issuer, chain: &[&str], list_at: Option<&str>) -> Leaf {
    let spec = Extra::new().leaf();
    let mut params = CertificateParams::new(spec.sans.clone()).unwrap();
    let oin = rcgen::string::PrintableString::try_from(spec.serial_numbers[0].as_str()).unwrap();
    params.distinguished_name.push(DnType::CustomDnType(vec![2, 5, 4, 5]), rcgen::DnValue::PrintableString(oin));
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params.crl_distribution_points =
        list_at.map(|uri| CrlDistributionPoint { uris: vec![uri.to_owned()] }).into_iter().collect();
    let key = KeyPair::generate().unwrap();
    let serial = params.key_identifier(&key)[..16].iter().map(|byte| byte & 0x7f | 1).collect::<Vec<u8>>();
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    let pem = params.signed_by(&key, issuer).unwrap().pem();
    Leaf { chain: pem + &chain.concat(), key: key.serialize_pem(), serial }
}

pub struct List<'a> {
    issuer: &'a Issuer,
    revoked: &'a [&'a [u8]],
    /// From and until, hours from now.
    hours: (i64, i64),
    pub scope: Option<(&'a str, CrlScope)>,
}

impl List<'_> {
    pub fn make(&self) -> rcgen::CertificateRevocationList {
        let at = |hours: i64| {
            let moment = SystemClock.now().checked_add(SignedDuration::from_hours(hours)).unwrap();
            date_time_ymd(1970, 1, 1) + Duration::from_secs(moment.as_second().try_into().unwrap())
        };
        let revoked = self.revoked.iter().map(|serial| RevokedCertParams {
            serial_number: SerialNumber::from_slice(serial),
            revocation_time: at(-100),
            reason_code: None,
            invalidity_date: None,
        });
        let params = CertificateRevocationListParams {
            this_update: at(self.hours.0),
            next_update: at(self.hours.1),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: self.scope.as_ref().map(|(uri, scope)| CrlIssuingDistributionPoint {
                distribution_point: CrlDistributionPoint { uris: vec![(*uri).to_owned()] },
                scope: Some(*scope),
            }),
            revoked_certs: revoked.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(self.issuer).unwrap()
    }

    fn pem(&self) -> String {
        self.make().pem().unwrap()
    }
}

pub fn list<'a>(issuer: &'a Issuer, revoked: &'a [&'a [u8]], hours: (i64, i64)) -> List<'a> {
    List { issuer, revoked, hours, scope: None }
}

/// Trusts a CA with these lists, each in a file of its own, and binds the identity of ZSM to it.
pub fn admit(config: &mut Config, anchors: &str, lists: &[impl AsRef<[u8]>]) {
    let dir = config.certificaat.parent().unwrap().to_owned();
    let bestand = dir.join("test-ca.pem");
    fs::write(&bestand, anchors).unwrap();
    let file = |(at, list): (usize, &_)| {
        let path = dir.join(format!("{at}.crl"));
        fs::write(&path, AsRef::<[u8]>::as_ref(list)).unwrap();
        path
    };
    let crl = lists.iter().enumerate().map(file).collect();
    config.cas.push(Ca::of_files("test", bestand, crl));
    let oin = Extra::new().leaf().serial_numbers[0].clone();
    let toegang = format!("[[identiteit]]\nca = \"test\"\noin = \"{oin}\"\npartner = \"zsm\"\nrol = \"partner\"");
    let text = fs::read_to_string(&config.deelnemers).unwrap();
    fs::write(&config.deelnemers, text + "\n" + &toegang).unwrap();
}

pub async fn gets_in(gateway: &TestGateway, leaf: &Leaf) {
    try_call(&write_profile(gateway, &leaf.chain, &leaf.key)).await.unwrap();
}

pub async fn is_kept_out(gateway: &TestGateway, leaf: &Leaf, sign: &str) {
    assert_kept_out(&write_profile(gateway, &leaf.chain, &leaf.key), sign).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_lists_of_one_issuer_the_newest_that_holds_counts_in_any_order() {
    let issuer = ca("CA", None);
    let (good, bad) = (leaf(&issuer, &[], None), leaf(&issuer, &[], None));
    let newest = list(&issuer, &[&bad.serial], (-2, 2)).pem();
    // An older one that knows nothing yet, one that ended, and one that does not hold yet and forgets.
    let others = [(-4, 4), (-9, -5), (1, 48)].map(|hours| list(&issuer, &[], hours).pem());
    let (first, last) =
        ([std::slice::from_ref(&newest), &others[..]].concat(), [&others[..], std::slice::from_ref(&newest)].concat());
    let one_file = vec![first.concat()];
    for lists in [first, last, one_file] {
        let gateway = TestGateway::start_with(|config| admit(config, &issuer.pem(), &lists)).await;
        gets_in(&gateway, &good).await;
        is_kept_out(&gateway, &bad, "CertificateRevoked").await;
    }
    // A newer list that no longer has it counts too: it was put on hold, and let go.
    let lists = [newest, list(&issuer, &[], (-1, 2)).pem()];
    let gateway = TestGateway::start_with(|config| admit(config, &issuer.pem(), &lists)).await;
    gets_in(&gateway, &bad).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_counts_in_der_as_in_pem() {
    let issuer = ca("CA", None);
    let (good, bad) = (leaf(&issuer, &[], None), leaf(&issuer, &[], None));
    let der = list(&issuer, &[&bad.serial], (-2, 2)).make().der().to_vec();
    let gateway = TestGateway::start_with(|config| admit(config, &issuer.pem(), &[der])).await;
    gets_in(&gateway, &good).await;
    is_kept_out(&gateway, &bad, "CertificateRevoked").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_root_with_a_new_key_has_a_list_of_each_key() {
    let (old, new) = (ca("CA", None), ca("CA", None));
    let (first, second, bad) = (leaf(&old, &[], None), leaf(&new, &[], None), leaf(&new, &[], None));
    let lists = [list(&old, &[], (-2, 2)).pem(), list(&new, &[&bad.serial], (-2, 2)).pem()];
    let anchors = old.pem() + &new.pem();
    let mut gateway = TestGateway::start_with(|config| admit(config, &anchors, &lists)).await;
    gets_in(&gateway, &first).await;
    gets_in(&gateway, &second).await;
    is_kept_out(&gateway, &bad, "CertificateRevoked").await;
    // The list of one key says nothing of the other.
    gateway.restart_with(|config| config.cas.last_mut().unwrap().crl.truncate(1)).await;
    gets_in(&gateway, &first).await;
    let error =
        try_call(&write_profile(&gateway, &second.chain, &second.key)).await.expect_err("no list of its issuer");
    unreachable(&error);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_intermediate_with_a_new_key_has_a_list_of_each_key() {
    let root = ca("Root", None);
    let (old, new) = (ca("TSP", Some(&root)), ca("TSP", Some(&root)));
    let (first, second) = (leaf(&old, &[&old.pem()], None), leaf(&new, &[&new.pem()], None));
    let bad = leaf(&new, &[&new.pem()], None);
    // Both intermediates at once, as some clients send all that they have.
    let both = leaf(&new, &[&old.pem(), &new.pem()], None);
    let lists =
        [list(&root, &[], (-2, 2)).pem(), list(&old, &[], (-2, 2)).pem(), list(&new, &[&bad.serial], (-2, 2)).pem()];
    let gateway = TestGateway::start_with(|config| admit(config, &root.pem(), &lists)).await;
    for good in [&first, &second, &both] {
        gets_in(&gateway, good).await;
    }
    is_kept_out(&gateway, &bad, "CertificateRevoked").await;
}

/// Who trusts the old key reaches the new one by a certificate that the old key gave it: one name, two keys, in one path.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_key_that_the_old_one_vouches_for_has_a_list_of_its_own() {
    let old = ca("CA", None);
    let new = ca("CA", Some(&old));
    let (good, bad) = (leaf(&new, &[&new.pem()], None), leaf(&new, &[&new.pem()], None));
    let lists = [list(&old, &[], (-2, 2)).pem(), list(&new, &[&bad.serial], (-2, 2)).pem()];
    for lists in [lists.clone(), {
        let mut other = lists;
        other.reverse();
        other
    }] {
        let gateway = TestGateway::start_with(|config| admit(config, &old.pem(), &lists)).await;
        gets_in(&gateway, &good).await;
        is_kept_out(&gateway, &bad, "CertificateRevoked").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_intermediate_that_was_revoked_keeps_everybody_below_it_out() {
    let root = ca("Root", None);
    let issuing = ca("TSP", Some(&root));
    let below = leaf(&issuing, &[&issuing.pem()], None);
    let (_, parsed) = x509_parser::parse_x509_certificate(issuing.der()).unwrap();
    let number = parsed.raw_serial().to_vec();
    let lists = [list(&root, &[&number], (-2, 2)).pem(), list(&issuing, &[], (-2, 2)).pem()];
    let gateway = TestGateway::start_with(|config| admit(config, &root.pem(), &lists)).await;
    is_kept_out(&gateway, &below, "CertificateRevoked").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_list_of_another_scope_does_not_take_the_place_of_a_whole_one() {
    const HERE: &str = "http://crl.voorbeeld.test/een.crl";
    let issuer = ca("CA", None);
    let (good, bad) = (leaf(&issuer, &[], Some(HERE)), leaf(&issuer, &[], Some(HERE)));
    let elsewhere = leaf(&issuer, &[], Some("http://crl.voorbeeld.test/twee.crl"));
    let part = |revoked, scope| List { issuer: &issuer, revoked, hours: (-1, 2), scope: Some((HERE, scope)) };
    let serials: [&[u8]; 2] = [&bad.serial, &elsewhere.serial];
    let whole = list(&issuer, &serials[..1], (-3, 2)).pem();
    let lists = [part(&[], CrlScope::UserCertsOnly).pem(), whole];
    let gateway = TestGateway::start_with(|config| admit(config, &issuer.pem(), &lists)).await;
    gets_in(&gateway, &good).await;
    is_kept_out(&gateway, &bad, "CertificateRevoked").await;
    drop(gateway);
    // A part alone speaks only of who is in it.
    let lists = [part(&serials, CrlScope::UserCertsOnly).pem()];
    let gateway = TestGateway::start_with(|config| admit(config, &issuer.pem(), &lists)).await;
    gets_in(&gateway, &good).await;
    is_kept_out(&gateway, &bad, "CertificateRevoked").await;
    for other in [&elsewhere] {
        let error =
            try_call(&write_profile(&gateway, &other.chain, &other.key)).await.expect_err("nothing speaks of it");
        assert!(!unreachable(&error).contains("CertificateRevoked"), "{error}");
    }
    drop(gateway);
    let lists = [part(&[], CrlScope::CaCertsOnly).pem()];
    let gateway = TestGateway::start_with(|config| admit(config, &issuer.pem(), &lists)).await;
    let error = try_call(&write_profile(&gateway, &good.chain, &good.key)).await.expect_err("a list of CAs only");
    unreachable(&error);
}

/// The certificates of `ketenpoort certs dev`, of two levels, with lists of both in one file.
#[tokio::test(flavor = "multi_thread")]
async fn a_list_with_a_signature_of_nobody_does_not_count() {
    let extra = Extra::new();
    let stranger = DevCa::create("CA van de test", extra.now).unwrap();
    let next = extra.now.saturating_add(SignedDuration::from_hours(4)).unwrap();
    let forged = stranger.crl_pem(&[], extra.now, next).unwrap();
    let gateway = TestGateway::start_with(|config| extra.admit(config, Some(forged))).await;
    let issued = extra.ca.issue(&extra.leaf()).unwrap();
    let error = try_call(&write_profile(&gateway, &issued.chain_pem, &issued.key_pem)).await.expect_err("no true list");
    unreachable(&error);
}
