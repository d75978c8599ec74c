//! One certificate that opens nothing any more, while the others of its partner do.

use ketenpoort::{domain::Vingerafdruk, pki::Issued, proto};
use rustls::pki_types::{CertificateDer, pem::PemObject};
use tokio::time::{Duration, Instant, timeout};

use crate::{
    harness::{PATIENCE, Receiver, TestGateway, check, send, weigering},
    tls::{Extra, assert_kept_out, try_call, write_profile},
};

/// The deelnemers, with these lines at their end.
fn with(gateway: &TestGateway, lines: &str) -> proto::NieuwDocument {
    let tekst = std::fs::read_to_string(&gateway.config.deelnemers).unwrap();
    proto::NieuwDocument { herkomst: "deelnemers.toml".to_owned(), tekst: format!("{tekst}\n{lines}\n") }
}

fn block(vingerafdruk: &str) -> String {
    format!("[[geblokkeerd]]\nvingerafdruk = \"{vingerafdruk}\"\nreden = \"gestolen\"")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blocked_certificate_is_out_at_once_and_another_of_the_same_identity_stays() {
    let extra = Extra::new();
    let gateway = TestGateway::start_with(|config| extra.admit(config, None)).await;
    let [bad, good] = [extra.leaf(), extra.leaf()].map(|leaf| extra.ca.issue(&leaf).unwrap());
    // One directory: whoever was written last is in it.
    let profile = |leaf: &Issued| write_profile(&gateway, &leaf.chain_pem, &leaf.key_pem);
    let mut out = profile(&bad).connect().await.unwrap();
    let mut stays = profile(&good).connect().await.unwrap();
    let mut stream = Receiver::open(&mut out, "volwassenen", 1).await.unwrap();
    stream.empty().await;
    let der = CertificateDer::from_pem_slice(bad.chain_pem.as_bytes()).unwrap();
    let vingerafdruk = ketenpoort::tls::settings::vingerafdruk(&der);
    let free = with(&gateway, "");
    gateway.load(vec![with(&gateway, &block(&vingerafdruk.to_string().to_uppercase()))]).await.unwrap();
    let blocked = Instant::now();
    timeout(PATIENCE, stream.next()).await.unwrap().unwrap_err();
    assert!(blocked.elapsed() < Duration::from_secs(1), "{:?}", blocked.elapsed());
    assert_kept_out(&profile(&bad), "AccessDenied").await;
    send(&mut stays, check()).await.unwrap();
    try_call(&profile(&good)).await.unwrap();
    // Not blocked any more.
    gateway.load(vec![free]).await.unwrap();
    try_call(&profile(&bad)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_that_is_none_changes_nothing() {
    let gateway = TestGateway::start().await;
    let twice = [block(&"ab".repeat(32)), block("AB:".repeat(32).trim_end_matches(':'))].join("\n");
    for wrong in [block("abcd"), block(""), twice, "[[geblokkeerd]]\nreden = \"x\"".to_owned()] {
        assert_eq!(weigering(gateway.load(vec![with(&gateway, &wrong)]).await), "document_onjuist", "{wrong}");
    }
    assert!("ab".repeat(32).parse::<Vingerafdruk>().is_ok());
}
