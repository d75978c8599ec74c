//! What an FG kept, handed in on the page: it belongs to the logboek or it does not.

use http::{Method, Request, StatusCode, header};
use hyper::body::Bytes;
use tonic::body::Body;

use super::{
    browser::{ask, get},
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
    let asked = Request::builder()
        .method(Method::POST)
        .uri("/controleren")
        .header(header::HOST, "127.0.0.1")
        .header("sec-fetch-site", "same-origin")
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=x")
        .body(Body::new(http_body_util::Full::new(Bytes::from(body))))
        .unwrap();
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
