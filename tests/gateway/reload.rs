//! Certificates and revocation lists that change while the gateway runs.

use std::{fs, path::Path};

use jiff::{SignedDuration, Timestamp};
use ketenpoort::{clock::SystemClock, config::Config, domain::Clock, pki::LeafSpec};
use tokio::time::{Duration, Instant, timeout};

use crate::{
    harness::{PATIENCE, Receiver, TestGateway, check, send},
    health::{metric, until},
    tls::{Extra, assert_kept_out, try_call, write_profile},
};

fn in_hours(hours: i64) -> Timestamp {
    SystemClock.now().saturating_add(SignedDuration::from_hours(hours)).unwrap()
}

/// The file of the list that `Extra::admit` wrote.
fn list(config: &Config) -> &Path {
    &config.cas.last().unwrap().crl[0]
}

/// Puts a file in the place of another one, as a whole.
fn put(file: &Path, text: &str) {
    let fresh = file.with_extension("nieuw");
    fs::write(&fresh, text).unwrap();
    fs::rename(fresh, file).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_revoked_is_out_within_a_second_of_the_load_and_nobody_else() {
    let extra = Extra::new();
    let lists = |revoked: &[Vec<u8>]| extra.ca.crl_pem(revoked, in_hours(-1), in_hours(24)).unwrap();
    let gateway = TestGateway::start_with(|config| extra.admit(config, Some(lists(&[])))).await;
    let [bad, good] = [extra.leaf(), extra.leaf()].map(|leaf| extra.ca.issue(&leaf).unwrap());
    let profile = write_profile(&gateway, &bad.chain_pem, &bad.key_pem);
    let (mut revoked, mut other) = (profile.connect().await.unwrap(), gateway.client("zvh-baronie-breda").await);
    let mut stream = Receiver::open(&mut revoked, "volwassenen", 1).await.unwrap();
    let mut stays = Receiver::open(&mut other, "algemeen", 1).await.unwrap();
    stream.empty().await;
    stays.empty().await;
    put(list(&gateway.config), &lists(&[bad.certificate_serial]));
    gateway.reload().await.unwrap();
    let loaded = Instant::now();
    timeout(PATIENCE, stream.next()).await.unwrap().unwrap_err();
    assert!(loaded.elapsed() < Duration::from_secs(1), "{:?}", loaded.elapsed());
    assert_kept_out(&profile, "CertificateRevoked").await;
    // Whoever has another certificate of that CA gets in, and who was there stays.
    let fresh = write_profile(&gateway, &good.chain_pem, &good.key_pem);
    try_call(&fresh).await.unwrap();
    send(&mut fresh.connect().await.unwrap(), check()).await.unwrap();
    stays.bericht().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_in_its_file_is_served_by_itself_and_who_was_there_stays() {
    let gateway = TestGateway::start().await;
    let mut before = gateway.client("zsm").await;
    send(&mut before, check()).await.unwrap();
    // Of another CA, so that it is seen which one is served.
    let extra = Extra::new();
    let fresh = extra.ca.issue(&own(&extra)).unwrap();
    put(&gateway.config.sleutel, &fresh.key_pem);
    // Between the two files the key belongs to no certificate: that counts for nothing, and is seen.
    until("the key alone is refused", async || {
        metric(gateway.waarneming(), "ketenpoort_certificates_refused").await[""] == "1"
    })
    .await;
    put(&gateway.config.certificaat, &fresh.chain_pem);
    let of = gateway.profile_dir("zsm");
    let old = fs::read_to_string(of.join("ca.pem")).unwrap();
    until_loaded(&gateway).await;
    fs::write(of.join("ca.pem"), extra.ca.root_pem()).unwrap();
    send(&mut gateway.client("zsm").await, check()).await.unwrap();
    send(&mut before, check()).await.unwrap();
    fs::write(of.join("ca.pem"), old).unwrap();
    assert!(gateway.profile("zsm").connect().await.is_err(), "the old one is still served");
}

/// What the gateway itself has, of another CA.
fn own(extra: &Extra) -> LeafSpec {
    let (serial_numbers, sans) = (vec!["00000099000000501000".to_owned()], vec!["127.0.0.1".to_owned()]);
    LeafSpec { serial_numbers, sans, server: true, ..extra.leaf() }
}

async fn until_loaded(gateway: &TestGateway) {
    let loaded = async || metric(gateway.waarneming(), "ketenpoort_certificates_loaded_timestamp_seconds").await;
    let first = loaded().await;
    until("it is read again", async || loaded().await != first).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_used_changes_nothing_and_is_said() {
    let extra = Extra::new();
    let gateway = TestGateway::start_with(|config| extra.admit(config, None)).await;
    let adres = gateway.waarneming();
    let refused = async || metric(adres, "ketenpoort_certificates_refused").await[""].clone();
    assert_eq!(refused().await, "0");
    let certificaat = gateway.config.certificaat.clone();
    let good = fs::read_to_string(&certificaat).unwrap();
    let other = LeafSpec { serial_numbers: vec!["00000099000000999000".to_owned()], ..own(&extra) };
    let other = extra.ca.issue(&other).unwrap();
    let key = fs::read_to_string(&gateway.config.sleutel).unwrap();
    for ((text, key), said) in [
        (("onzin", &*key), "cert.pem"),
        ((&good[..good.len() / 2], &key), "cert.pem"),
        ((&extra.ca.issue(&own(&extra)).unwrap().chain_pem, &key), "deze privesleutel hoort niet bij"),
        ((&other.chain_pem, &other.key_pem), "en deze poort stuurt onder 00000099000000501000"),
    ] {
        put(&certificaat, text);
        put(&gateway.config.sleutel, key);
        let error = gateway.reload().await.unwrap_err().to_string();
        assert!(error.contains(said), "{said}: {error}");
        assert_eq!(refused().await, "1");
        send(&mut gateway.client("zsm").await, check()).await.unwrap();
    }
    put(&gateway.config.sleutel, &key);
    fs::remove_file(&certificaat).unwrap();
    assert!(gateway.reload().await.unwrap_err().to_string().contains("cert.pem"));
    // Two at once, and what was there before.
    put(&certificaat, &good);
    let (one, two) = tokio::join!(gateway.reload(), gateway.reload());
    one.unwrap();
    two.unwrap();
    assert_eq!(refused().await, "0");
    send(&mut gateway.client("zsm").await, check()).await.unwrap();
}
