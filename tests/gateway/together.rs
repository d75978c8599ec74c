//! Events that one transaction carries out together and that touch the same berichten.

use futures_util::future::join_all;
use ketenpoort::{
    exchange::Exchange,
    grpc::convert,
    store::{Event, HeldLease},
};

use crate::{
    harness::*,
    inside::{Inside, call},
};

const ZSM: &str = "zsm.ketenpoort.test";
const ZVH: &str = "zvh-baronie-breda.ketenpoort.test";

/// What is kept for an Ask, and until when.
async fn reserved(exchange: &Exchange) -> i64 {
    let reserved = "SELECT count(*) FROM postvak WHERE toestand = 'gereserveerd' AND lease_tot > 0";
    sqlx::query_scalar(reserved).fetch_one(&exchange.store.read).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_comes_as_its_ask_ends_is_kept_for_nobody_whatever_else_happens() {
    let inside = Inside::open().await;
    let exchange = inside.exchange().await;
    let (zsm, zvh) = (call(&exchange, ZSM), call(&exchange, ZVH));
    let algemeen = convert::loket("algemeen").unwrap();
    let mut were_reserved = 0;
    for round in 0..40 {
        let asked_until = exchange.klok.now().checked_add(jiff::SignedDuration::from_secs(300)).unwrap();
        let asked = exchange.send(&zsm, &convert::bericht(&check()).unwrap(), Some(asked_until)).await.unwrap();
        let verzoek = asked.bericht;
        let other = exchange.send(&zsm, &convert::bericht(&check()).unwrap(), None).await.unwrap().bericht;
        let adres = zsm.identiteit().adres(&convert::loket("volwassenen").unwrap()).unwrap();
        let answer = || async {
            let answer = known(&verzoek.to_string());
            exchange.send(&zvh, &convert::bericht(&answer).unwrap(), None).await.unwrap();
        };
        // Something that makes the database be asked in the middle of it.
        let read = || async { drop(exchange.fetch(&zvh, &algemeen, other, "lezer-1").await.unwrap()) };
        let end = || async {
            let ended = |reply| Event::EndAsk(verzoek, adres.clone(), reply);
            exchange.store.writer.write(ended).await.unwrap();
        };
        match round % 4 {
            0 => {
                tokio::join!(answer(), read(), end());
            }
            1 => {
                tokio::join!(end(), read(), answer());
            }
            2 => {
                tokio::join!(read(), answer(), read(), end());
            }
            _ => {
                answer().await;
                were_reserved += reserved(&exchange).await;
                tokio::join!(read(), end(), read());
            }
        }
        assert_eq!(reserved(&exchange).await, 0, "round {round}");
    }
    assert_eq!(were_reserved, 10, "nothing was kept for anybody, so this shows nothing");
    drop(exchange);
    inside.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn very_many_leases_are_given_back_at_once() {
    const MANY: usize = 2600;
    let inside = Inside::open().await;
    let exchange = inside.exchange().await;
    let (zsm, zvh) = (call(&exchange, ZSM), call(&exchange, ZVH));
    let requests: Vec<_> = (0..MANY).map(|_| convert::bericht(&check()).unwrap()).collect();
    join_all(requests.iter().map(|bericht| exchange.send(&zsm, bericht, None))).await;
    let postvak = exchange.open_postvak(&zvh, &convert::loket("algemeen").unwrap(), "lezer-1").unwrap();
    let mut leases = Vec::new();
    while leases.len() < MANY {
        let handed = postvak.take(64).await.unwrap();
        assert!(!handed.is_empty(), "{} of {MANY}", leases.len());
        leases.extend(handed.into_iter().map(|handed| {
            let (bericht, poging) = (handed.bericht.bericht, handed.poging);
            HeldLease { bericht, log_index: handed.bericht.log_index, poging }
        }));
    }
    let adres = zvh.identiteit().adres(&convert::loket("algemeen").unwrap()).unwrap();
    exchange.store.writer.write(|reply| Event::Release(adres, leases, reply)).await.unwrap();
    let held = "SELECT count(*) FROM postvak WHERE toestand = 'afgeleverd' AND lease_tot > 0";
    let held: i64 = sqlx::query_scalar(held).fetch_one(&exchange.store.read).await.unwrap();
    assert_eq!(held, 0);
    drop((postvak, exchange));
    inside.end().await;
}
