//! One event that cannot be written costs its own caller something and nobody else.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use futures_util::future::join_all;
use jiff::SignedDuration;
use ketenpoort::{
    exchange::Exchange,
    grpc::convert,
    logboek::{Logregel, Soort},
    sleutels::{Opener, Opening, WrapContext},
    store::{Actor, Alone, Event, HeldLease, Holder, Lease, NotDone, Place, Post, StoreError, ledger::regels::regels},
};
use serde_json::json;
use sqlx::AnyConnection;
use tokio::task::JoinSet;

use crate::{
    harness::*,
    inside::{Inside, call},
};

fn beheerd(text: &str) -> Box<Alone> {
    let regel = Logregel { document: Some(text.to_owned()), ..Logregel::new(String::new(), Soort::Beheerd) };
    Box::new(Alone::new(regel))
}

async fn log(exchange: &Exchange, reden: String) -> Result<(), NotDone> {
    exchange.store.writer.write(|reply| Event::Log(beheerd(&reden), reply)).await.map(drop)
}

/// How many regels `beheerd` there are.
async fn beheerd_regels(exchange: &Exchange) -> usize {
    let regels = regels(&exchange.store.read, 0, 10_000).await.unwrap();
    let regels = regels.iter().map(|(_, leaf)| Logregel::from_leaf(leaf).unwrap());
    regels.filter(|regel| regel.soort == Soort::Beheerd).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_regel_that_cannot_be_written_among_many_undoes_only_itself_also_when_it_is_repeated() {
    let inside = Inside::open().await;
    let exchange = inside.exchange().await;
    let too_long = "x".repeat(5000);
    for round in 1..=4 {
        // Handed in together, so that they are of few batches.
        let events = (0..21).map(|number| match number {
            7 | 13 => log(&exchange, too_long.clone()),
            _ => log(&exchange, number.to_string()),
        });
        let written = join_all(events).await;
        for (number, written) in written.into_iter().enumerate() {
            match number {
                7 | 13 => {
                    assert!(matches!(written, Err(NotDone::Failed(StoreError::Unknown))), "{number}: {written:?}");
                }
                _ => written.unwrap_or_else(|error| panic!("{number} suffered with another: {error}")),
            }
        }
        assert_eq!(beheerd_regels(&exchange).await, round * 19, "each was written once");
    }
    drop(exchange);
    inside.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_that_cannot_be_written_cost_no_more_than_twice_the_work() {
    let inside = Inside::open().await;
    let exchange = inside.exchange().await;
    let too_long = "x".repeat(5000);
    let events =
        (0..500).map(|number| log(&exchange, if number % 2 == 0 { "goed".to_owned() } else { too_long.clone() }));
    let written = tokio::time::timeout(Duration::from_secs(30), join_all(events)).await.unwrap();
    assert_eq!(written.iter().filter(|written| written.is_ok()).count(), 250);
    assert_eq!(beheerd_regels(&exchange).await, 250);
    drop(exchange);
    inside.end().await;
}

/// An opener with a mistake in it.
struct Broken;

impl Opener for Broken {
    fn open(&self, _: &WrapContext<'_>, _: &[u8], _: &[u8]) -> Opening {
        panic!("a mistake in the program")
    }
}

/// Nothing is handed out.
struct Nobody;

impl Holder for Nobody {
    fn hold(&self, leases: &[HeldLease]) {
        panic!("{leases:?} were handed out")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_in_a_transaction_is_the_affair_of_its_own_caller() {
    let inside = Inside::open().await;
    let exchange = inside.exchange().await;
    let zsm = call(&exchange, "zsm.ketenpoort.test");
    exchange.send(&zsm, &convert::bericht(&check()).unwrap(), None).await.unwrap();
    let zvh = call(&exchange, "zvh-baronie-breda.ketenpoort.test");
    let lease = || Lease {
        post: Post {
            adres: "zvh-baronie-breda".parse().unwrap(),
            verzoek: None,
            without: BTreeSet::new(),
            gelezen_versie: exchange.van_kracht().gelezen_versie(),
            after: Place::default(),
        },
        most: 1,
        held_for: SignedDuration::from_micros(1),
        actor: Actor { identiteit: zvh.identiteit().clone(), trace: None, medewerker: None, reden: None },
        van_kracht: exchange.van_kracht(),
        opener: Arc::new(Broken),
        holder: Arc::new(Nobody),
    };
    for round in 1..=3 {
        let writer = &exchange.store.writer;
        let broken = writer.write(|reply| Event::Lease(Box::new(lease()), reply));
        let others = join_all((0..20).map(|number| log(&exchange, number.to_string())));
        let (broken, others) = tokio::join!(broken, others);
        assert!(matches!(broken, Err(NotDone::Failed(StoreError::Unknown))));
        for written in others {
            written.unwrap();
        }
        assert_eq!(beheerd_regels(&exchange).await, round * 20);
    }
    drop(exchange);
    inside.end().await;
}

/// The database refuses what is for this partner: found only when the rows of many berichten are written together.
/// Gives what undoes that.
async fn refuse_rows_for(sql: &mut AnyConnection, partner: &'static str) -> &'static str {
    let is_sqlite = sql.backend_name() == "SQLite";
    let refuse = if is_sqlite {
        format!(
            "CREATE TRIGGER weiger BEFORE INSERT ON postvak WHEN NEW.partner = '{partner}' \
             BEGIN SELECT RAISE(ABORT, 'niet deze'); END"
        )
    } else {
        format!("ALTER TABLE postvak ADD CONSTRAINT weiger CHECK (partner <> '{partner}') NOT VALID")
    };
    sqlx::query(sqlx::AssertSqlSafe(refuse)).execute(sql).await.unwrap();
    if is_sqlite { "DROP TRIGGER weiger" } else { "ALTER TABLE postvak DROP CONSTRAINT weiger" }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_the_database_refuses_when_many_are_written_together_are_found_by_halves() {
    let gateway = TestGateway::start().await;
    let mut sql = gateway.sql().await;
    let undo = refuse_rows_for(&mut sql, "zvh-zeeland").await;
    let mut to_zeeland = template("bekendheidscheck");
    to_zeeland["ontvangers"] = json!([{"partner": "zvh-zeeland"}]);
    let zsm = gateway.client("zsm").await;
    for _ in 0..2 {
        let mut sending = JoinSet::new();
        for number in 0..40 {
            let refused = number % 10 == 3;
            let request = if refused { request(to_zeeland.clone()) } else { check() };
            let mut zsm = zsm.clone();
            sending.spawn(async move { (refused, send(&mut zsm, request).await) });
        }
        while let Some(sent) = sending.join_next().await {
            let (refused, sent) = sent.unwrap();
            if refused {
                assert_eq!(weigering(sent), "niet_beschikbaar");
            } else {
                sent.unwrap();
            }
        }
    }
    let accepted = gateway.soorten().await.iter().filter(|soort| *soort == "aanvaard").count();
    assert_eq!(accepted, 72);
    // What a gateway did not make in its database, verifying tells.
    sqlx::query(undo).execute(&mut sql).await.unwrap();
}
