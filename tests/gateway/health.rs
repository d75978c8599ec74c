//! How a gateway stands, told over plain HTTP: `/live`, `/ready` and `/metrics`.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc, time::Duration};

use futures_util::StreamExt;
use http::header;
use http_body_util::StreamBody;
use hyper::body::{Bytes, Frame};
use jiff::SignedDuration;
use ketenpoort::proto;
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::Notify,
    time::{Instant, sleep, timeout},
};
use tokio_stream::wrappers::ReceiverStream;

use crate::harness::{PATIENCE, Receiver, TestGateway, check, known, send, template, weigering};
use crate::klok::strict;
use crate::web::browser::{connect, handed_in};
use tonic::body::Body;

/// Sends these bytes, and gives all that comes back until the other side closes.
async fn raw(adres: SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(adres).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    timeout(PATIENCE, stream.read_to_end(&mut answer)).await.unwrap().unwrap();
    String::from_utf8(answer).unwrap()
}

/// Status and body of a path.
async fn get(adres: SocketAddr, path: &str) -> (u16, String) {
    let answer = raw(adres, format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").as_bytes()).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

/// Which parts are not as they must be, with why.
async fn wrong(adres: SocketAddr) -> BTreeMap<String, String> {
    let (status, body) = get(adres, "/ready").await;
    let told: Value = serde_json::from_str(&body).unwrap();
    let parts = told["onderdelen"].as_object().unwrap();
    let wrong = parts.iter().filter(|(_, of)| of["goed"] == false);
    let wrong: BTreeMap<String, String> =
        wrong.map(|(naam, of)| (naam.clone(), of["reden"].as_str().unwrap().to_owned())).collect();
    assert_eq!((status, told["gereed"].as_bool().unwrap()), if wrong.is_empty() { (200, true) } else { (503, false) });
    wrong
}

/// The values of a metric, by its labels.
pub async fn metric(adres: SocketAddr, naam: &str) -> BTreeMap<String, String> {
    let (status, text) = get(adres, "/metrics").await;
    assert_eq!(status, 200);
    let values = text.lines().filter_map(|line| {
        let (labels, value) = line.strip_prefix(naam)?.rsplit_once(' ')?;
        (labels.is_empty() || labels.starts_with('{')).then(|| (labels.to_owned(), value.to_owned()))
    });
    values.collect()
}

pub async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds().await {
        assert!(Instant::now() < deadline, "{what}");
        sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_is_ready_or_says_that_its_clock_is_doubted() {
    let gateway = TestGateway::start_with(strict).await;
    let adres = gateway.waarneming();
    assert_eq!(get(adres, "/live").await, (200, "leeft\n".to_owned()));
    assert_eq!(wrong(adres).await, BTreeMap::new());
    // Somebody sets the clock: partners are refused, and a balancer sees why.
    gateway.clock.step(SignedDuration::from_hours(30));
    until("the clock is not doubted", async || wrong(adres).await.contains_key("klok")).await;
    assert_eq!(metric(adres, "ketenpoort_clock_doubted").await[""], "1");
    assert_eq!(get(adres, "/live").await.0, 200);
    gateway.clock.step(SignedDuration::from_hours(-30));
    until("it is ready again", async || wrong(adres).await.is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_ended_is_said_as_long_as_it_counts() {
    let gateway = TestGateway::start().await;
    let adres = gateway.waarneming();
    // A certificate of development is valid for ninety days.
    gateway.clock.advance(SignedDuration::from_hours(24 * 91));
    until("the certificate ended", async || wrong(adres).await.contains_key("certificaten")).await;
    let said = wrong(adres).await;
    assert!(said["certificaten"].contains("het certificaat van de poort is verlopen op"), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_that_do_not_count_are_said() {
    let gateway = TestGateway::start().await;
    let adres = gateway.waarneming();
    let mut sql = gateway.sql().await;
    let added = "INSERT INTO documenten (log_index, soort, naam, tijd, hash, tekst) \
                 SELECT max(log_index) + 1000, 'convenant', 'vals', max(tijd), 'x', 'x' FROM documenten";
    sqlx::query(added).execute(&mut sql).await.unwrap();
    until("a row that counts for nothing is said", async || wrong(adres).await.contains_key("teksten")).await;
    sqlx::query("DELETE FROM documenten WHERE naam = 'vals'").execute(&mut sql).await.unwrap();
    until("it is ready again", async || wrong(adres).await.is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_is_counted_and_names_nobody() {
    let gateway = TestGateway::start().await;
    let adres = gateway.waarneming();
    let (mut zsm, mut zvh) = (gateway.client("zsm").await, gateway.client("zvh-baronie-breda").await);
    let verzoek = send(&mut zsm, check()).await.unwrap().bericht;
    let calls = metric(adres, "ketenpoort_calls_total").await;
    let sent = r#"{partner="zsm",rpc_method="Send",rpc_service="ExchangeService",uitkomst="ok"}"#;
    assert_eq!(calls[sent], "1", "{calls:?}");
    assert_eq!(metric(adres, "ketenpoort_connections").await[r#"{partner="zsm"}"#], "1");
    // What waits is looked through now and then.
    let waiting = r#"{loket="algemeen",partner="zvh-baronie-breda"}"#;
    until("it waits", async || {
        metric(adres, "ketenpoort_postvak_waiting").await.get(waiting).is_some_and(|of| of == "1")
    })
    .await;
    assert!(
        metric(adres, "ketenpoort_postvak_oldest_timestamp_seconds").await[waiting].parse::<f64>().unwrap() > 1.7e9
    );
    let mut receiver = Receiver::open(&mut zvh, "", 1).await.unwrap();
    receiver.bericht().await;
    assert_eq!(metric(adres, "ketenpoort_streams").await[r#"{partner="zvh-baronie-breda"}"#], "1");
    assert_eq!(metric(adres, "ketenpoort_deliveries_total").await[r#"{poging="1"}"#], "1");
    receiver.confirm(&verzoek).await;
    drop(receiver);
    send(&mut zvh, known(&verzoek)).await.unwrap();
    until("the stream is closed", async || {
        metric(adres, "ketenpoort_streams").await[r#"{partner="zvh-baronie-breda"}"#] == "0"
    })
    .await;
    for naam in [
        "ketenpoort_call_duration_seconds_bucket",
        "ketenpoort_commit_duration_seconds_bucket",
        "ketenpoort_commit_events_bucket",
        "ketenpoort_writer_waiting",
        "ketenpoort_logboek_regels",
        "ketenpoort_checkpoint_timestamp_seconds",
        "ketenpoort_in_force_version",
        "ketenpoort_in_force_end_timestamp_seconds",
        "ketenpoort_certificate_end_timestamp_seconds",
        "ketenpoort_recomputed_timestamp_seconds",
        "ketenpoort_logboek_holds",
        "ketenpoort_log_lines_lost_total",
        "target_info",
    ] {
        assert!(!metric(adres, naam).await.is_empty(), "{naam} is not there");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_callers_make_up_is_one_name_and_nobody_is_named() {
    let gateway = TestGateway::start().await;
    let adres = gateway.waarneming();
    let (mut zsm, mut zvh) = (gateway.client("zsm").await, gateway.client("zvh-baronie-breda").await);
    let verzoek = send(&mut zsm, check()).await.unwrap().bericht;
    send(&mut zvh, known(&verzoek)).await.unwrap();
    // A refusal by its code, and what a caller makes up under one name.
    assert_eq!(weigering(send(&mut zvh, known(&verzoek)).await), "al_beantwoord");
    let made_up = tonic::codegen::http::uri::PathAndQuery::from_static("/ketenpoort.v1.ExchangeService/Verzonnen");
    let channel = gateway.profile("zsm").channel().await.unwrap();
    let mut grpc = tonic::client::Grpc::new(channel);
    grpc.ready().await.unwrap();
    let codec = tonic_prost::ProstCodec::<proto::GetToestandRequest, proto::GetToestandResponse>::default();
    grpc.unary(tonic::Request::new(proto::GetToestandRequest {}), made_up, codec).await.unwrap_err();
    let calls = metric(adres, "ketenpoort_calls_total").await;
    let has = |parts: &[&str]| calls.keys().any(|labels| parts.iter().all(|part| labels.contains(part)));
    assert!(has(&["zvh-baronie-breda", r#"rpc_method="Send""#, r#"uitkomst="al_beantwoord""#]), "{calls:?}");
    assert!(has(&[r#"rpc_method="onbekend""#, r#"uitkomst="methode_onbekend""#]), "{calls:?}");
    // A handshake without a certificate.
    drop(raw(gateway.adres(), b"GET / HTTP/1.1\r\n\r\n").await);
    until("it is counted", async || !metric(adres, "ketenpoort_handshakes_refused_total").await.is_empty()).await;

    let (_, text) = get(adres, "/metrics").await;
    let inhoud = &template("bekendheidscheck")["inhoud"];
    let persoon = &inhoud["betrokkenen"][0];
    for word in
        [&persoon["naam"], &persoon["geboortedatum"], &persoon["skn"], &inhoud["bekendheidscheck"]["zaaknummer"]]
    {
        let Some(word) = word.as_str() else { continue };
        assert!(!text.contains(word), "{word}");
    }
    assert!(!text.contains("Verzonnen") && !text.contains(&verzoek) && !text.contains("medewerker"));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_asks_otherwise_or_without_end_gets_a_plain_answer_and_keeps_nobody_out() {
    let gateway = TestGateway::start().await;
    let adres = gateway.waarneming();
    assert_eq!(get(adres, "/").await.0, 404);
    assert_eq!(get(adres, "/metrics/../ready").await.0, 404);
    for (request, status) in [
        ("POST /ready HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\nconnection: close\r\n\r\nabc", "405"),
        ("onzin\r\n\r\n", "400"),
        (&*format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "x".repeat(20_000)), "4"),
    ] {
        let answer = raw(adres, request.as_bytes()).await;
        assert!(answer.strip_prefix("HTTP/1.1 ").is_some_and(|rest| rest.starts_with(status)), "{answer}");
    }
    // Somebody who scrapes every ten milliseconds, and many who say nothing.
    let silent: Vec<TcpStream> =
        futures_util::future::join_all((0..20).map(async |_| TcpStream::connect(adres).await.unwrap())).await;
    let mut zsm = gateway.client("zsm").await;
    for _ in 0..50 {
        assert_eq!(get(adres, "/metrics").await.0, 200);
        assert_eq!(get(adres, "/ready").await.0, 200);
        sleep(Duration::from_millis(10)).await;
    }
    send(&mut zsm, check()).await.unwrap();
    drop(silent);
}

#[tokio::test(flavor = "multi_thread")]
async fn while_calls_are_finished_it_is_not_ready_and_then_it_is_gone() {
    let gateway = TestGateway::start().await;
    let adres = gateway.waarneming();
    // Somebody hands in a file, and its end does not come yet.
    let (mut browser, talking) = connect(&gateway, "fg-zsm").await;
    let (end, body) = tokio::sync::mpsc::channel::<Result<Bytes, std::io::Error>>(1);
    end.send(Ok(Bytes::from_static(b"--x\r\n"))).await.unwrap();
    let body = StreamBody::new(ReceiverStream::new(body).map(|part| part.map(Frame::data)));
    let mut asked = handed_in(Body::new(body));
    // The gateway says so when it begins to read what is handed in.
    asked.headers_mut().insert(header::EXPECT, header::HeaderValue::from_static("100-continue"));
    let read = Arc::new(Notify::new());
    let reads = Arc::clone(&read);
    hyper::ext::on_informational(&mut asked, move |_| reads.notify_one());
    let asking = tokio::spawn(async move { drop(browser.send_request(asked).await) });
    timeout(PATIENCE, read.notified()).await.unwrap();
    let stopping = async {
        until("it stops", async || wrong(adres).await.contains_key("dienst")).await;
        assert_eq!(get(adres, "/live").await.0, 200);
        drop(end);
    };
    tokio::join!(gateway.stop(), stopping);
    asking.await.unwrap();
    drop(talking.await);
    assert!(TcpStream::connect(adres).await.is_err(), "it is still there");
}
