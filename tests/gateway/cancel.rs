//! A call that is given up at each place where it waits: whatever it was doing is done or not done, the same call again gives
//! what it would have given, and nothing stays locked.

use std::{future::poll_fn, pin::pin, sync::Arc, task::Poll, time::Duration};

use ketenpoort::{
    exchange::{
        Exchange, Opdracht,
        status::{Lookup, Vanaf},
    },
    grpc::convert,
    proto,
};
use serde_json::json;
use tokio::sync::watch;

use crate::{
    harness::*,
    inside::{Inside, call},
};

const ZSM: &str = "zsm.ketenpoort.test";
const ZVH: &str = "zvh-baronie-breda.ketenpoort.test";

/// Polls until it would wait for the time after `waits`; then it is dropped.
async fn give_up_after<T>(waits: usize, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    let mut left = waits;
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending if left == 0 => Poll::Ready(None),
        Poll::Pending => {
            left -= 1;
            Poll::Pending
        }
    })
    .await
}

/// Gives up a call at its first wait, another one at its second, and so on until one comes to its end by itself. On a busy machine a
/// database can have answered before anybody waits; then once more.
async fn at_every_wait<T>(what: &str, mut one: impl AsyncFnMut(usize) -> Option<T>) {
    let mut waits = 0;
    for _ in 0..100 {
        while one(waits).await.is_none() {
            waits += 1;
            assert!(waits < 1000, "{what} never comes to its end");
        }
        if waits > 0 {
            return;
        }
    }
    panic!("{what} never waits, so this shows nothing");
}

async fn sent(exchange: &Exchange, request: &proto::SendRequest, san: &str) -> String {
    let receipt = exchange.send(&call(exchange, san), &convert::bericht(request).unwrap(), None).await.unwrap();
    receipt.bericht.to_string()
}

/// A scenario to zsm alone.
fn scenario() -> proto::SendRequest {
    let mut json = template("scenario");
    json["ontvangers"] = json!([{"partner": "zsm", "loket": "volwassenen"}]);
    request(json)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_send_or_ask_that_is_given_up_anywhere_is_done_once_or_not_at_all() {
    let inside = Inside::open().await;
    let exchange = inside.exchange().await;
    let zsm = call(&exchange, ZSM);
    at_every_wait("send", async |waits| {
        let request = check();
        let bericht = convert::bericht(&request).unwrap();
        let done = give_up_after(waits, exchange.send(&zsm, &bericht, None)).await;
        let (first, second) = (sent(&exchange, &request, ZSM).await, sent(&exchange, &request, ZSM).await);
        assert_eq!(first, second);
        done.map(|receipt| assert_eq!(receipt.unwrap().bericht.to_string(), first))
    })
    .await;
    let (_stop, running) = watch::channel(false);
    at_every_wait("ask", async |waits| {
        let request = check();
        let bericht = convert::bericht(&request).unwrap();
        let asked = exchange.ask(&zsm, Arc::new(bericht), Duration::from_millis(1), running.clone());
        let done = give_up_after(waits, asked).await;
        let first = sent(&exchange, &request, ZSM).await;
        done.map(|asked| assert_eq!(asked.unwrap().receipt.bericht.to_string(), first))
    })
    .await;
    drop(exchange);
    inside.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_and_confirming_that_is_given_up_anywhere_can_be_repeated() {
    let inside = Inside::open().await;
    let exchange = inside.exchange().await;
    let (zsm, zvh) = (call(&exchange, ZSM), call(&exchange, ZVH));
    let algemeen = convert::loket("algemeen").unwrap();
    at_every_wait("fetch", async |waits| {
        let bericht = convert::bericht_id(&sent(&exchange, &check(), ZSM).await).unwrap();
        let done = give_up_after(waits, exchange.fetch(&zvh, &algemeen, bericht, "lezer-1")).await;
        exchange.fetch(&zvh, &algemeen, bericht, "lezer-1").await.map(drop).unwrap();
        done.map(|handed| handed.map(drop).unwrap())
    })
    .await;
    at_every_wait("take", async |waits| {
        sent(&exchange, &check(), ZSM).await;
        let postvak = exchange.open_postvak(&zvh, &algemeen, "lezer-1").unwrap();
        let done = give_up_after(waits, postvak.take(1)).await;
        done.map(|handed| assert_eq!(handed.unwrap().len(), 1))
    })
    .await;
    let postvak = exchange.open_postvak(&zvh, &algemeen, "lezer-1").unwrap();
    at_every_wait("acknowledge", async |waits| {
        sent(&exchange, &check(), ZSM).await;
        let handed = postvak.take(1).await.unwrap();
        let bericht = handed.first().expect("one was just sent").bericht.bericht;
        let done = give_up_after(waits, exchange.acknowledge(&zvh, &algemeen, bericht, None)).await;
        let (first, second) = (
            exchange.acknowledge(&zvh, &algemeen, bericht, None).await,
            exchange.acknowledge(&zvh, &algemeen, bericht, None).await,
        );
        assert_eq!(first.unwrap(), second.unwrap());
        done.map(|at| at.map(drop).unwrap())
    })
    .await;
    at_every_wait("status", async |waits| {
        let bericht = convert::bericht_id(&sent(&exchange, &check(), ZSM).await).unwrap();
        let done = give_up_after(waits, exchange.status(&zsm, Lookup::Bericht(bericht), Vanaf::new(0, None))).await;
        exchange.status(&zsm, Lookup::Bericht(bericht), Vanaf::new(0, None)).await.map(drop).unwrap();
        done.map(|status| status.map(drop).unwrap())
    })
    .await;
    drop((postvak, exchange));
    inside.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn finding_withdrawing_and_changing_that_is_given_up_anywhere_can_be_repeated() {
    let inside = Inside::open().await;
    let exchange = inside.exchange().await;
    let (zsm, zvh) = (call(&exchange, ZSM), call(&exchange, ZVH));
    sent(&exchange, &scenario(), ZVH).await;
    let vraag = json!({"persoon": {"naam": "Voorbeeld, Jan", "geboortedatum": "1987-05-12"}, "zaaknummer": "Z-1", "medewerker": "m-1"});
    let vraag = convert::zoekvraag(&ketenpoort::grpc::codec::from_json(vraag).unwrap()).unwrap();
    at_every_wait("find", async |waits| {
        let done = give_up_after(waits, exchange.find_scenario(&zsm, &vraag)).await;
        let found = exchange.find_scenario(&zsm, &vraag).await.unwrap().len();
        done.map(|again| assert_eq!(again.unwrap().len(), found))
    })
    .await;
    Box::pin(at_every_wait("withdraw", async |waits| {
        let bericht = sent(&exchange, &scenario(), ZVH).await;
        let intrekking = proto::WithdrawRequest {
            bericht,
            reden: proto::RedenIntrekking::Onjuist.into(),
            medewerker: "m-1".to_owned(),
            ..Default::default()
        };
        let intrekking = convert::intrekking(&intrekking).unwrap();
        let done = Box::pin(give_up_after(waits, exchange.withdraw(&zvh, &intrekking))).await;
        exchange.withdraw(&zvh, &intrekking).await.map(drop).unwrap();
        done.map(|withdrawn| withdrawn.map(drop).unwrap())
    }))
    .await;
    let beheer = call(&exchange, "beheer.ketenpoort.test");
    let text = std::fs::read_to_string(inside.dir.path().join("convenanten/zvh-zeeland.toml")).unwrap();
    at_every_wait("change", async |waits| {
        let tekst = format!("{text}\n# {waits}\n");
        let opdracht = Opdracht {
            laden: vec![ketenpoort::documenten::Bron { herkomst: "nieuw".into(), tekst }],
            intrekken: Vec::new(),
            reden: "een test".to_owned(),
            medewerker: "beheer-7".to_owned(),
            proef: false,
        };
        let done = give_up_after(waits, exchange.change(&beheer, &opdracht)).await;
        exchange.change(&beheer, &opdracht).await.map(drop).unwrap();
        done.map(|changed| changed.map(drop).unwrap())
    })
    .await;
    drop(exchange);
    inside.end().await;
}
