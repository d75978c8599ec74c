//! What is refused at delivery waits: a mistake of beheer costs nothing.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use ketenpoort::{
    logboek::Soort,
    proto::{self, Toestand, receive_request::Verzoek, receive_response::Antwoord},
};
use tokio::task::JoinSet;

use crate::harness::*;

const ZVH: &str = "zvh-baronie-breda";
const BREDA: &str = "convenanten/zvh-baronie-breda.toml";
const WAITING: usize = 500;

/// The texts of `change`, put in force or only tried.
async fn withdraw(gateway: &TestGateway, convenant: &str, proef: bool) -> proto::ChangeDocumentsResponse {
    let request = proto::ChangeDocumentsRequest {
        laden: Vec::new(),
        intrekken: vec![convenant.to_owned()],
        reden: "een vergissing".to_owned(),
        medewerker: "beheer-7".to_owned(),
        proef,
    };
    gateway.beheer().await.change_documents(request).await.unwrap().into_inner()
}

async fn send_many(gateway: &TestGateway, count: usize) {
    let zsm = gateway.client("zsm").await;
    let check = check();
    let mut sending = JoinSet::new();
    for _ in 0..count {
        let (mut zsm, request) = (zsm.clone(), proto::SendRequest { request_id: request_id(), ..check.clone() });
        sending.spawn(async move { send(&mut zsm, request).await.unwrap() });
    }
    sending.join_all().await;
}

/// How many regels of a soort each bericht has.
async fn regels(gateway: &TestGateway, soort: Soort) -> BTreeMap<String, usize> {
    let mut counted = BTreeMap::new();
    for regel in gateway.regels().await {
        if regel.soort == soort
            && let Some(bericht) = regel.bericht
        {
            *counted.entry(bericht).or_default() += 1;
        }
    }
    counted
}

#[tokio::test(flavor = "multi_thread")]
async fn a_convenant_withdrawn_by_mistake_with_much_waiting_loses_nothing() {
    let gateway = TestGateway::start().await;
    let original = gateway.edited(BREDA, "2035-12-31", "2035-12-31");
    send_many(&gateway, WAITING).await;
    let mut zvh = gateway.client(ZVH).await;
    let mut receiver = Receiver::open(&mut zvh, "", 100).await.unwrap();
    let mut confirmed = 0;
    while confirmed < 100 {
        match receiver.next().await.unwrap() {
            Antwoord::Aflevering(got) => receiver.say(Verzoek::Bevestig(got.bericht)).await,
            Antwoord::Bevestigd(_) => confirmed += 1,
            _ => {}
        }
    }
    let tried = withdraw(&gateway, ZVH, true).await;
    let said =
        "wat wacht: 400 berichten bekendheidscheck van zsm naar zvh-baronie-breda worden bij aflevering geweigerd";
    assert!(tried.gevolgen.iter().any(|zin| zin.starts_with(said)), "{:?}", tried.gevolgen);
    let done = withdraw(&gateway, ZVH, false).await;
    assert!(done.gevolgen.iter().any(|zin| zin.starts_with(said)), "{:?}", done.gevolgen);
    // The receiver has credit all the time, and refuses all that waits.
    receiver.say(Verzoek::Krediet(400)).await;
    let deadline = std::time::Instant::now() + PATIENCE;
    while regels(&gateway, Soort::Geweigerd).await.len() < 400 {
        assert!(std::time::Instant::now() < deadline, "they were not refused");
        tokio::task::yield_now().await;
    }
    let tried = gateway.load(vec![original]).await.unwrap();
    let said = "wat wacht: 400 berichten bekendheidscheck van zsm naar zvh-baronie-breda, eerder bij aflevering geweigerd, worden";
    assert!(tried.gevolgen.iter().any(|zin| zin.starts_with(said)), "{:?}", tried.gevolgen);
    for _ in 0..400 {
        receiver.bericht().await;
    }
    let (refused, delivered) = (regels(&gateway, Soort::Geweigerd).await, regels(&gateway, Soort::Afgeleverd).await);
    assert_eq!((refused.len(), delivered.len()), (400, WAITING));
    assert!(refused.values().chain(delivered.values()).all(|count| *count == 1), "once each");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_outcome_is_logged_once_and_another_one_again() {
    let gateway = TestGateway::start().await;
    let bericht = send(&mut gateway.client("zsm").await, check()).await.unwrap().bericht;
    let refusals = async |wanted: &[&str]| {
        let mut zvh = gateway.client(ZVH).await;
        Receiver::open(&mut zvh, "", 1).await.unwrap().empty().await;
        let refused = gateway.regels().await.into_iter().filter(|regel| regel.soort == Soort::Geweigerd);
        assert_eq!(refused.map(|regel| regel.weigering.unwrap()).collect::<Vec<_>>(), wanted);
    };
    gateway.lapse().await;
    refusals(&["convenant_niet_van_kracht"]).await;
    // Another version, and another day, with the same outcome.
    gateway.load(vec![gateway.edited("convenanten/zvh-zeeland.toml", "2026.1", "2026.2")]).await.unwrap();
    refusals(&["convenant_niet_van_kracht"]).await;
    gateway.clock.advance(SignedDuration::from_hours(24));
    refusals(&["convenant_niet_van_kracht"]).await;
    withdraw(&gateway, ZVH, false).await;
    refusals(&["convenant_niet_van_kracht", "geen_regel"]).await;
    assert_eq!(toestand(&mut gateway.client("zsm").await, &bericht).await, Toestand::Geweigerd);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_refused_counts_in_no_postvak_and_counts_again_when_it_is_delivered() {
    let gateway = TestGateway::start_with(|config| config.bounds.postvak = 1).await;
    let original = gateway.edited(BREDA, "2035-12-31", "2035-12-31");
    let (mut zsm, mut zvh) = (gateway.client("zsm").await, gateway.client(ZVH).await);
    send(&mut zsm, check()).await.unwrap();
    assert_eq!(weigering(send(&mut zsm, check()).await), "postvak_vol");
    gateway.lapse().await;
    Receiver::open(&mut zvh, "", 1).await.unwrap().empty().await;
    gateway.load(vec![original]).await.unwrap();
    let mut receiver = Receiver::open(&mut zvh, "", 1).await.unwrap();
    let got = receiver.bericht().await.bericht;
    assert_eq!(weigering(send(&mut zsm, check()).await), "postvak_vol");
    receiver.confirm(&got).await;
    send(&mut zsm, check()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn old_post_goes_to_nobody_but_the_organisation_that_it_was_stamped_for() {
    const OWN: &str = "naam = \"zvh-baronie-breda\"\noin = [\"00000099000000201000\"]";
    const FORMER: &str = "naam = \"zvh-baronie-breda\"\noin = [\"00000099000000209000\", \"00000099000000201000\"]";
    let gateway = TestGateway::start_with(|config| edit(&config.deelnemers, OWN, FORMER)).await;
    let (mut zsm, mut zvh) = (gateway.client("zsm").await, gateway.client(ZVH).await);
    let bericht = send(&mut zsm, check()).await.unwrap().bericht;
    let renamed = gateway.edited("deelnemers.toml", FORMER, OWN);
    gateway.load(vec![renamed]).await.unwrap();
    Receiver::open(&mut zvh, "", 1).await.unwrap().empty().await;
    let fetch =
        proto::FetchRequest { bericht: bericht.clone(), loket: String::new(), medewerker: "lezer-1".to_owned() };
    assert_eq!(weigering(zvh.fetch(fetch).await), "aflevering_geweigerd");
    let seen = status(&mut zsm, &bericht).await.unwrap();
    assert_eq!(seen.ontvangers[0].toestand(), Toestand::Geweigerd);
    assert!(seen.tijdlijn.iter().any(|gebeurtenis| gebeurtenis.weigering.as_deref() == Some("ontvanger_anders")));
    // The same organisation after all: its former OIN is named again.
    gateway.load(vec![gateway.edited("deelnemers.toml", FORMER, FORMER)]).await.unwrap();
    assert_eq!(Receiver::open(&mut zvh, "", 1).await.unwrap().bericht().await.bericht, bericht);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_refused_lapses_on_its_day_and_an_answer_that_was_refused_is_not_given_twice() {
    let gateway = TestGateway::start().await;
    let (mut zsm, mut zvh) = (gateway.client("zsm").await, gateway.client(ZVH).await);
    let verzoek = send(&mut zsm, check()).await.unwrap().bericht;
    let mut answer = known(&verzoek);
    answer.houdbaar_tot_en_met = Some(today().to_string());
    let answer = send(&mut zvh, answer).await.unwrap().bericht;
    let original = gateway.edited(BREDA, "2035-12-31", "2035-12-31");
    gateway.lapse().await;
    Receiver::open(&mut zsm, "volwassenen", 1).await.unwrap().empty().await;
    gateway.load(vec![original]).await.unwrap();
    assert_eq!(weigering(send(&mut zvh, known(&verzoek)).await), "al_beantwoord");
    gateway.clock.advance(SignedDuration::from_hours(24));
    until(&mut zvh, &answer, Toestand::Vervallen).await;
    send(&mut zvh, known(&verzoek)).await.unwrap();
}
