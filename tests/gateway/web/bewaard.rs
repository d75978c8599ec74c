//! What an FG kept, handed in on the page: it belongs to the logboek or it does not.

use http::StatusCode;
use hyper::body::Bytes;
use tonic::body::Body;

use super::{
    browser::{ask, bytes, get, handed_in},
    looks,
};
use crate::{
    harness::{TestGateway, check, send},
    jaar,
};

/// Hands in something that was kept, as a file. One page is one look.
async fn upload(gateway: &TestGateway, kept: &str) -> String {
    let body = format!(
        "--x\r\nContent-Disposition: form-data; name=\"bestand\"; filename=\"a\"\r\n\r\n{kept}\r\n--x\r\nContent-Disposition: form-data; name=\"tekst\"\r\n\r\n\r\n--x--\r\n"
    );
    let asked = handed_in(Body::new(http_body_util::Full::new(Bytes::from(body))));
    let before = looks(gateway).await;
    let page = ask(gateway, "fg-zsm", asked).await;
    assert_eq!(looks(gateway).await - before, usize::from(page.status == StatusCode::OK), "one page is one look");
    page.text
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_kept_belongs_or_it_does_not() {
    let gateway = TestGateway::start().await;
    let sent = send(&mut gateway.client("zsm").await, check()).await.unwrap();
    let checkpoint = get(&gateway, "fg-zsm", "/checkpoint").await.text;
    let proof = get(&gateway, "fg-zsm", &format!("/bewijs/{}", sent.aanvaardingen[0].log_index)).await.text;
    gateway.verify_proof(&proof);
    let receipt = serde_json::json!({"aanvaardingen": [{"bewijs": sent.aanvaardingen[0].bewijs}]}).to_string();
    let upload = async |kept: &str| upload(&gateway, kept).await;
    assert!(upload(&checkpoint).await.contains("Dit checkpoint hoort bij dit logboek"));
    assert!(upload(&proof).await.contains("Dit bewijs klopt, en de logregel staat in het logboek"));
    assert!(upload(&receipt).await.contains("Dit bewijs klopt, en de logregel staat in het logboek"));
    // Of more regels than there are, and of a root that never was: the signature is over other bytes.
    let size: u64 = checkpoint.lines().nth(1).unwrap().parse().unwrap();
    let longer = checkpoint.replacen(&format!("\n{size}\n"), &format!("\n{}\n", size + 1000), 1);
    // That is no sign that anything vanished: it was not signed here.
    let said = upload(&longer).await;
    assert!(said.contains("Dit hoort niet bij dit logboek") && !said.contains("verdwenen"), "{said}");
    // As it is copied from a page or a mail.
    for copied in [checkpoint.trim_end().to_owned(), format!("\n\n{checkpoint}\n \n"), checkpoint.replace('\n', "\r\n")]
    {
        assert!(upload(&copied).await.contains("Dit checkpoint hoort bij dit logboek"), "{copied:?}");
    }
    let both = format!("{checkpoint}\r\n--x\r\nContent-Disposition: form-data; name=\"tekst\"\r\n\r\nhoi");
    assert!(upload(&both).await.contains("een bestand of een tekst, niet allebei"));
    let page = get(&gateway, "fg-zsm", "/controleren").await.text;
    assert!(page.contains("logboek onthoud --profile MAP --checkpoint checkpoint.txt"), "{page}");
    assert!(upload(&proof.replacen("index ", "index 1", 1)).await.contains("Dit bewijs klopt niet"));
    assert!(upload("{}").await.contains("staat geen bewijs"));
    // What is nothing of the gateway tells nothing of its logboek, and no proof is passed over.
    for odd in ["onzin", "\n\n", "ketenpoort.test\n5\n"] {
        let said = upload(odd).await;
        assert!(!said.contains("verdwenen") && !said.contains("hoort bij dit logboek"), "{odd}: {said}");
    }
    assert!(upload(&"[".repeat(100_000)).await.contains("leesbare JSON"));
    let many = serde_json::json!(vec![proof.clone(); 51]).to_string();
    assert!(upload(&many).await.contains("hoogstens 50 bewijzen"));
    let some = serde_json::json!(vec![proof.clone(); 50]).to_string();
    assert_eq!(upload(&some).await.matches("Dit bewijs klopt, en").count(), 50);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_kept_of_a_logboek_that_was_closed_says_where_that_goes_on() {
    let gateway = TestGateway::start().await;
    let sent = send(&mut gateway.client("zsm").await, check()).await.unwrap();
    let checkpoint = get(&gateway, "fg-zsm", "/checkpoint").await.text;
    let proof = get(&gateway, "fg-zsm", &format!("/bewijs/{}", sent.aanvaardingen[0].log_index)).await.text;
    let closed = jaar::close(&gateway).await;
    send(&mut gateway.client("zsm").await, check()).await.unwrap();
    for (kept, grew) in
        [(&checkpoint, "alleen aangevuld"), (&proof, "alleen aangevuld"), (&closed.checkpoint, "geen logregel bij")]
    {
        let said = upload(&gateway, kept).await;
        let next = format!("is het gesloten. Het gaat verder in logboek {}:", closed.volgende);
        assert!(said.contains(grew) && said.contains(&next), "{said}");
    }
}

/// What `ketenpoort logboek verify --export` says of an unpacked download.
fn verified(packed: &[u8], vkey: &str) -> std::process::Output {
    let dir = tempfile::tempdir().unwrap();
    tar::Archive::new(packed).unpack(dir.path()).unwrap();
    let mut verify = std::process::Command::new(env!("CARGO_BIN_EXE_ketenpoort"));
    verify.args(["logboek", "verify", "--vkey", vkey, "--export"]).arg(dir.path().join("logboek"));
    verify.output().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_sees_all_fetches_the_logboek_whole_and_verifies_it_without_the_gateway() {
    let gateway = TestGateway::start().await;
    let mut zsm = gateway.client("zsm").await;
    // More than a bundle of entries holds.
    for _ in 0..130 {
        send(&mut zsm, check()).await.unwrap();
    }
    let page = get(&gateway, "auditor", "/controleren").await.text;
    assert!(page.contains("/export.tar?logboek=ketenpoort.test"), "{page}");
    let fetched = bytes(&gateway, "auditor", "/export.tar").await;
    let closed = jaar::close(&gateway).await.checkpoint;
    let naam = closed.lines().next().unwrap();
    let vkey = gateway.vkey().named(naam).unwrap().to_string();
    let said = verified(&fetched, &vkey);
    assert!(said.status.success(), "{said:?}");
    assert_eq!(gateway.soorten().await.iter().filter(|soort| *soort == "geexporteerd").count(), 1);
    assert!(fetched.windows(20).any(|part| part == br#""soort":"geexporteer"#), "the look is not in it");
    // The one that was closed since is there too, and is longer now.
    let closed = bytes(&gateway, "auditor", &format!("/export.tar?logboek={naam}")).await;
    assert!(verified(&closed, &vkey).status.success());
    let half = &fetched[..fetched.len() / 2];
    assert!(!std::panic::catch_unwind(|| verified(half, &vkey).status.success()).unwrap_or(false), "half of it holds");
    // Nobody else, and no logboek that is not there.
    for who in ["fg-zsm", "contact-zsm"] {
        assert_ne!(get(&gateway, who, "/export.tar").await.status, StatusCode::OK, "{who}");
    }
    assert_eq!(get(&gateway, "auditor", "/export.tar?logboek=x").await.status, StatusCode::BAD_REQUEST);
    assert!(!get(&gateway, "fg-zsm", "/controleren").await.text.contains("/export.tar"));
}
