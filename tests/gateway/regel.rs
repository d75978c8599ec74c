//! What a line of the logboek says: enough for who oversees.

use std::time::Instant;

use ketenpoort::{
    domain::Clock,
    logboek::{Logregel, Soort},
    proto,
};
use tokio::{io::AsyncReadExt, net::TcpStream};

use crate::{
    harness::{PATIENCE, Receiver, TestGateway, check, send, weigering},
    scenario::{renewal, scenario, search, sent},
};

const ZVH: &str = "zvh-baronie-breda";

fn of(regels: &[Logregel], soort: Soort) -> Vec<&Logregel> {
    regels.iter().filter(|regel| regel.soort == soort).collect()
}

/// Who asked, at whom, about whom, for which case: whether something was found or not.
#[tokio::test(flavor = "multi_thread")]
async fn a_search_that_misses_says_what_one_that_hits_says() {
    let gateway = TestGateway::start().await;
    sent(&mut gateway.client(ZVH).await, scenario()).await;
    let mut zsm = gateway.client("zsm").await;
    let there = proto::FindScenarioRequest { loket: "volwassenen".to_owned(), ..search(|_| ()) };
    let nobody = proto::FindScenarioRequest {
        loket: "volwassenen".to_owned(),
        ..search(|persoon| persoon.naam = Some("Niemand Zo".to_owned()))
    };
    assert_eq!(zsm.find_scenario(there).await.unwrap().into_inner().scenarios.len(), 1);
    assert_eq!(zsm.find_scenario(nobody).await.unwrap().into_inner().scenarios.len(), 0);
    let regels = gateway.regels().await;
    let [hit, miss] = of(&regels, Soort::Geraadpleegd)[..] else { panic!("two searches: {regels:?}") };
    assert_eq!(hit.uitkomst.as_deref(), Some("gevonden"));
    assert_eq!((miss.uitkomst.as_deref(), miss.aantal), (Some("niet_gevonden"), Some(0)));
    for regel in [hit, miss] {
        assert_eq!(regel.betrokkene.len(), 1);
        assert!(regel.medewerker.is_some() && regel.reden.is_some() && regel.trace.is_some(), "{regel:?}");
        assert_eq!((regel.rol.as_deref(), regel.berichtsoort.as_deref()), (Some("partner"), Some("scenario")));
        assert!(regel.actor.is_some());
    }
    assert_eq!((&hit.actor, &hit.ontvanger), (&miss.actor, &miss.ontvanger));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_refused_and_who_confirmed_is_known_by_the_employee() {
    let gateway = TestGateway::start().await;
    let (mut zsm, mut zvh) = (gateway.client("zsm").await, gateway.client(ZVH).await);
    let bericht = send(&mut zsm, check()).await.unwrap().bericht;
    let mut nowhere = check();
    nowhere.ontvangers[0].partner = "om".to_owned();
    weigering(send(&mut zsm, nowhere).await);
    let unknown = "0197a3b2-0000-7000-8000-000000000000";
    let fetch = |medewerker: &str| proto::FetchRequest {
        bericht: unknown.to_owned(),
        medewerker: medewerker.to_owned(),
        ..proto::FetchRequest::default()
    };
    weigering(zvh.fetch(fetch("bb-1")).await);
    // What is no staff reference is not committed to: it could be anything.
    weigering(zvh.fetch(fetch(&"x".repeat(65))).await);
    let mut receiver = Receiver::open(&mut zvh, "algemeen", 1).await.unwrap();
    assert_eq!(receiver.bericht().await.bericht, bericht);
    receiver.confirm(&bericht).await;
    drop(receiver);
    let acknowledge = |bericht: &str, medewerker: &str| proto::AcknowledgeRequest {
        bericht: bericht.to_owned(),
        medewerker: medewerker.to_owned(),
        ..proto::AcknowledgeRequest::default()
    };
    weigering(zvh.acknowledge(acknowledge(unknown, "bb-1")).await);
    assert_eq!(weigering(zvh.acknowledge(acknowledge(&bericht, &"x".repeat(65))).await), "ongeldig_veld");
    zvh.acknowledge(acknowledge(&bericht, "")).await.unwrap();
    let regels = gateway.regels().await;
    let known = |regel: &&Logregel| regel.medewerker.is_some();
    let refusals: Vec<bool> = of(&regels, Soort::Geweigerd).iter().map(known).collect();
    assert_eq!(refusals, [true, true, false, true, false]);
    assert!(of(&regels, Soort::Geweigerd).iter().all(|regel| regel.actor.is_some() && regel.rol.is_some()));
    assert!(of(&regels, Soort::Bevestigd).iter().all(|regel| regel.medewerker.is_some()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_says_why_a_change_says_of_what_and_a_stop_is_said() {
    let gateway = TestGateway::start().await;
    let mut zvh = gateway.client(ZVH).await;
    let first = sent(&mut zvh, scenario()).await;
    let second = sent(&mut zvh, renewal(&first)).await;
    let withdraw = proto::WithdrawRequest {
        bericht: second,
        reden: proto::RedenIntrekking::CasusGesloten.into(),
        medewerker: "bb-regie-03".to_owned(),
        ..proto::WithdrawRequest::default()
    };
    zvh.withdraw(withdraw).await.unwrap();
    gateway.stop().await;
    let regels = gateway.regels().await;
    let why = |soort| of(&regels, soort)[0].oorzaak.clone().unwrap();
    assert_eq!((&*why(Soort::Vernietigd), &*why(Soort::Ingetrokken)), ("vervangen", "ingetrokken"));
    let named: Vec<&str> =
        of(&regels, Soort::ConvenantGewijzigd).iter().map(|regel| regel.document.as_deref().unwrap()).collect();
    assert!(named.contains(&"convenant/zvh-baronie-breda"), "{named:?}");
    assert_eq!(of(&regels, Soort::PartnerGewijzigd)[0].document.as_deref(), Some("deelnemers/deelnemers"));
    assert_eq!(regels.last().map(|regel| regel.soort), Some(Soort::Gestopt));
}

/// Whoever knocks at the door without getting in is counted, without saying who that is.
#[tokio::test(flavor = "multi_thread")]
async fn handshakes_that_are_refused_are_counted_by_reason_and_class_of_address() {
    let gateway = TestGateway::start().await;
    let adres = gateway.adres();
    // From the beginning of a minute, so that all of it falls in one.
    let second = Clock::now(&*gateway.clock).as_second().rem_euclid(60);
    gateway.clock.advance(jiff::SignedDuration::from_secs(60 - second));
    for _ in 0..3 {
        let mut stranger = TcpStream::connect(adres).await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut stranger, b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        drop(stranger.read_to_end(&mut Vec::new()).await);
    }
    let mut silent = TcpStream::connect(adres).await.unwrap();
    drop(silent.read_to_end(&mut Vec::new()).await);
    assert!(of(&gateway.regels().await, Soort::HanddrukGeweigerd).is_empty(), "the minute is not over");
    gateway.clock.advance(jiff::SignedDuration::from_secs(60));
    let deadline = Instant::now() + PATIENCE;
    let found = loop {
        let regels = gateway.regels().await;
        let counted = of(&regels, Soort::HanddrukGeweigerd).into_iter().cloned();
        let counted: Vec<(Option<String>, Option<String>, Option<u64>)> =
            counted.map(|regel| (regel.oorzaak, regel.adres, regel.aantal)).collect();
        if counted.len() == 2 {
            break counted;
        }
        assert!(Instant::now() < deadline, "{counted:?}");
    };
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(found, [(text("geen_tls"), text("lokaal"), Some(3)), (text("stil"), text("lokaal"), Some(1)),]);
}
