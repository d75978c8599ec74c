//! One logboek after the other: closed by beheer, or because its year is over.

use jiff::SignedDuration;
use ketenpoort::{
    logboek::{self, Logregel, Soort, TlogProof},
    proto,
    store::{ledger::regels::regels, verify},
};

use crate::{
    harness::{PATIENCE, Receiver, TestGateway, check, send, status, weigering},
    inside::{Inside, this_year},
};

pub async fn close(gateway: &TestGateway) -> proto::CloseLogboekResponse {
    let request = proto::CloseLogboekRequest { reden: "jaarwisseling".into(), medewerker: "beheer-7".into() };
    gateway.beheer().await.close_logboek(request).await.unwrap().into_inner()
}

fn proof(text: &str) -> TlogProof {
    text.parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_logboek_that_is_closed_is_followed_by_one_that_names_its_last_head() {
    let mut gateway = TestGateway::start().await;
    let mut zsm = gateway.client("zsm").await;
    let (first, second) = (check(), check());
    let before = send(&mut zsm, first.clone()).await.unwrap();
    let closed = close(&gateway).await;
    let old = logboek::open(&closed.checkpoint, &gateway.vkey()).unwrap();
    let key = gateway.vkey().named(&closed.volgende).unwrap();
    assert_eq!(closed.volgende, format!("{}-2", old.origin));
    // The first regel of the new one.
    let opened = proof(&closed.bewijs).verify(&key).unwrap();
    let regel = Logregel::from_leaf(&opened.leaf).unwrap();
    assert_eq!((opened.index, regel.soort, regel.rol.as_deref()), (0, Soort::Beheerd, Some("beheer")));
    assert_eq!(regel.gesloten, Some(old.text().trim_end().replace('\n', " ")));
    assert!(regel.reden.is_some() && regel.medewerker.is_some());
    // What comes after it counts on, and is proven in the new one.
    let after = send(&mut zsm, second.clone()).await.unwrap();
    let (earlier, later) = (&before.aanvaardingen[0], &after.aanvaardingen[0]);
    assert_eq!((earlier.logboek_eerste, later.logboek_eerste, later.log_index), (0, old.size, old.size + 1));
    let proven = proof(&later.bewijs).verify(&key).unwrap();
    assert_eq!((proven.index, proven.checkpoint.origin), (1, closed.volgende.clone()));
    // What was accepted before is received, confirmed, and shown with its proof, by the logboek that it stands in.
    let mut receiver = Receiver::open(&mut gateway.client("zvh-baronie-breda").await, "algemeen", 10).await.unwrap();
    let both = [receiver.bericht().await.bericht, receiver.bericht().await.bericht];
    for bericht in &both {
        receiver.confirm(bericht).await;
    }
    drop(receiver);
    assert_eq!(send(&mut zsm, first).await.unwrap(), before);
    assert_eq!(send(&mut zsm, second).await.unwrap(), after);
    let status = status(&mut zsm, &before.bericht).await.unwrap();
    let shown = proof(&status.ontvangers[0].bewijs).verify(&gateway.vkey()).unwrap();
    assert_eq!((shown.index, shown.checkpoint.size), (earlier.log_index, old.size));
    assert!(status.tijdlijn.iter().any(|at| at.log_index > old.size), "the tijdlijn goes on: {:?}", status.tijdlijn);
    // Beginning again does not change that.
    gateway.restart_with(|_| ()).await;
    let third = close(&gateway).await;
    assert_eq!(third.volgende, format!("{}-3", old.origin));
    send(&mut gateway.client("zsm").await, check()).await.unwrap();
    // A checkpoint of each is a prefix of what stands there.
    let kept: Vec<_> = [&closed.checkpoint, &third.checkpoint]
        .map(|nota| verify::log::Kept::read(nota, &gateway.vkey()).unwrap())
        .into();
    let sound = verify::verify(&gateway.read().await, &gateway.vkey(), &kept, None, &|_, _| {}).await.unwrap();
    assert_eq!(sound.logboeken.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_logboek_of_a_year_is_closed_when_the_next_year_begins() {
    let mut gateway = TestGateway::start().await;
    send(&mut gateway.client("zsm").await, check()).await.unwrap();
    let year = this_year();
    gateway.stop().await;
    gateway.clock.advance(SignedDuration::from_hours(24 * 366));
    gateway.restart_with(|_| ()).await;
    let name = format!("ketenpoort.test/voorbeeld/{}", year + 1);
    let deadline = std::time::Instant::now() + PATIENCE;
    let newest = loop {
        let regels = gateway.regels().await;
        if let Some(regel) = regels.into_iter().find(|regel| regel.gesloten.is_some()) {
            break regel;
        }
        assert!(std::time::Instant::now() < deadline, "the year is over, and nothing was closed");
    };
    assert!(newest.gesloten.unwrap().starts_with(&format!("ketenpoort.test/voorbeeld/{year} ")));
    // The gateway itself decided it.
    assert_eq!((newest.rol.as_deref(), newest.actor.is_some()), (Some("poort"), true));
    let sound = verify::verify(&gateway.read().await, &gateway.vkey(), &[], None, &|_, _| {}).await.unwrap();
    assert_eq!(sound.logboeken.last().map(|log| log.naam.clone()), Some(name));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_year_is_closed_once_however_many_gateways_look_and_how_often() {
    let inside = Inside::open_in_year(this_year() - 1).await;
    let (one, other) = (inside.exchange().await, inside.exchange().await);
    for _ in 0..3 {
        let (closed, also) = tokio::join!(one.close_year(), other.close_year());
        closed.unwrap();
        also.unwrap();
        let regels = regels(&one.store.read, 0, 1000).await.unwrap();
        let regels = regels.iter().map(|(_, leaf)| Logregel::from_leaf(leaf).unwrap());
        assert_eq!(regels.filter(|regel| regel.gesloten.is_some()).count(), 1);
    }
    drop((one, other));
    inside.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_beheer_closes_a_logboek_and_says_why() {
    let gateway = TestGateway::start().await;
    for (reden, medewerker) in [("", "beheer-7"), ("waarom", ""), (&*"x".repeat(501), "beheer-7")] {
        let request = proto::CloseLogboekRequest { reden: reden.into(), medewerker: medewerker.into() };
        let refused = gateway.beheer().await.close_logboek(request).await;
        assert!(["ongeldig_veld", "medewerker_ontbreekt"].contains(&&*weigering(refused)));
    }
    assert!(gateway.regels().await.iter().all(|regel| regel.gesloten.is_none()));
}
