use std::time::Duration;

use ketenpoort::proto::{self, Toestand};

use crate::harness::*;

fn ask_request(verzoek: proto::SendRequest, wacht_seconden: u32) -> proto::AskRequest {
    proto::AskRequest { verzoek: Some(verzoek), wacht_seconden }
}

/// Receives one verzoek as zvh-baronie-breda, confirms it and answers it.
async fn answer(gateway: &TestGateway) -> String {
    let mut zvh = gateway.client("zvh-baronie-breda").await;
    let mut receiver = Receiver::open(&mut zvh, "", 1).await.unwrap();
    let verzoek = receiver.bericht().await;
    receiver.confirm(&verzoek.bericht).await;
    send(&mut zvh, known(&verzoek.bericht)).await.unwrap().bericht
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_reaches_the_waiting_call_and_nobody_else() {
    let gateway = TestGateway::start().await;
    let mut zsm = gateway.client("zsm").await;
    // Another reader of the same postvak must not snatch the answer.
    let mut reader = gateway.client("zsm").await;
    let mut other = Receiver::open(&mut reader, "volwassenen", 1).await.unwrap();
    other.empty().await;
    let (asked, answered) = tokio::join!(zsm.ask(ask_request(check(), 20)), answer(&gateway));
    let asked = asked.unwrap().into_inner();
    assert_eq!(asked.antwoorden.len(), 1);
    assert!(asked.zonder_antwoord.is_empty());
    let antwoord = &asked.antwoorden[0];
    assert_eq!(antwoord.bericht, answered);
    assert_eq!(antwoord.in_antwoord_op.as_ref(), Some(&asked.ontvangstbewijs.as_ref().unwrap().bericht));
    assert_eq!(antwoord.gesprek, asked.ontvangstbewijs.unwrap().bericht);
    let confirm =
        proto::AcknowledgeRequest { bericht: answered.clone(), loket: "volwassenen".to_owned(), ..Default::default() };
    zsm.acknowledge(confirm).await.unwrap();
    assert_eq!(toestand(&mut gateway.client("zvh-baronie-breda").await, &answered).await, Toestand::Bevestigd);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_answer_the_call_ends_in_time_and_a_late_answer_arrives_in_the_postvak() {
    let gateway = TestGateway::start().await;
    let mut zsm = gateway.client("zsm").await;
    let asked = zsm.ask(ask_request(check(), 1)).await.unwrap().into_inner();
    assert!(asked.antwoorden.is_empty());
    assert_eq!(asked.zonder_antwoord[0].partner, "zvh-baronie-breda");
    let late = answer(&gateway).await;
    let mut receiver = Receiver::open(&mut zsm, "volwassenen", 1).await.unwrap();
    assert_eq!(receiver.bericht().await.bericht, late);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_callers_own_deadline_is_kept_and_its_answer_is_not_lost() {
    let gateway = TestGateway::start().await;
    let mut zsm = gateway.client("zsm").await;
    let mut short = tonic::Request::new(ask_request(check(), 300));
    short.set_timeout(Duration::from_secs(10));
    let asked = zsm.ask(short).await.expect("answered before the deadline").into_inner();
    assert_eq!(asked.zonder_antwoord.len(), 1);
    let late = answer(&gateway).await;
    let mut receiver = Receiver::open(&mut zsm, "volwassenen", 1).await.unwrap();
    assert_eq!(receiver.bericht().await.bericht, late);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_verzoek_can_be_asked_and_only_for_so_long() {
    let gateway = TestGateway::start().await;
    let mut dji = gateway.client("dji").await;
    let melding = request(template("bij_melding"));
    assert_eq!(weigering(dji.ask(ask_request(melding, 5)).await), "geen_verzoek");
    let mut zsm = gateway.client("zsm").await;
    for wacht in [0, 301] {
        assert_eq!(weigering(zsm.ask(ask_request(check(), wacht)).await), "ongeldig_veld");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_not_yours_to_give_is_refused() {
    let gateway = TestGateway::start().await;
    let (mut zsm, mut zeeland) = (gateway.client("zsm").await, gateway.client("zvh-zeeland").await);
    let mut zvh = gateway.client("zvh-baronie-breda").await;
    let verzoek = send(&mut zsm, check()).await.unwrap().bericht;
    assert_eq!(weigering(send(&mut zeeland, known(&verzoek)).await), "antwoord_niet_van_u");
    assert_eq!(weigering(send(&mut zvh, known(&request_id())).await), "antwoord_niet_van_u");
    let mut none = known(&verzoek);
    none.in_antwoord_op = None;
    assert_eq!(weigering(send(&mut zvh, none).await), "antwoord_ontbreekt");
    let mut other = template("contextinformatie");
    other["in_antwoord_op"] = serde_json::json!(verzoek);
    assert_eq!(weigering(send(&mut zvh, request(other)).await), "antwoord_past_niet");
    let mut check = check();
    check.in_antwoord_op = Some(verzoek.clone());
    assert_eq!(weigering(send(&mut zsm, check).await), "antwoord_past_niet");
    send(&mut zvh, known(&verzoek)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_asker_goes_away_the_answer_is_for_any_reader_at_once() {
    let gateway = TestGateway::start().await;
    let mut zsm = gateway.client("zsm").await;
    let verzoek = check();
    let asking = tokio::spawn({
        let (mut zsm, verzoek) = (zsm.clone(), verzoek.clone());
        async move { zsm.ask(ask_request(verzoek, 300)).await }
    });
    let mut zvh = gateway.client("zvh-baronie-breda").await;
    let mut receiver = Receiver::open(&mut zvh, "", 1).await.unwrap();
    let asked = receiver.bericht().await;
    asking.abort();
    let late = send(&mut zvh, known(&asked.bericht)).await.unwrap().bericht;
    let mut reader = Receiver::open(&mut zsm, "volwassenen", 1).await.unwrap();
    assert_eq!(reader.bericht().await.bericht, late);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_ask_knows_that_it_was_answered() {
    let gateway = TestGateway::start().await;
    let mut zsm = gateway.client("zsm").await;
    let verzoek = check();
    let (first, _) = tokio::join!(zsm.ask(ask_request(verzoek.clone(), 20)), answer(&gateway));
    assert_eq!(first.unwrap().into_inner().antwoorden.len(), 1);
    let again = gateway.client("zsm").await.ask(ask_request(verzoek, 20)).await.unwrap().into_inner();
    assert!(again.zonder_antwoord.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_answered_cannot_answer_again() {
    let gateway = TestGateway::start().await;
    let mut json = template("bekendheidscheck");
    json["ontvangers"] = serde_json::json!([{"partner": "zvh-baronie-breda"}, {"partner": "zvh-zeeland"}]);
    let mut zsm = gateway.client("zsm").await;
    let twice = async {
        let mut zvh = gateway.client("zvh-baronie-breda").await;
        let verzoek = Receiver::open(&mut zvh, "", 1).await.unwrap().bericht().await.bericht;
        let first = send(&mut zvh, known(&verzoek)).await.unwrap().bericht;
        (first, weigering(send(&mut zvh, known(&verzoek)).await))
    };
    let (asked, (first, again)) = tokio::join!(zsm.ask(ask_request(request(json), 2)), twice);
    let asked = asked.unwrap().into_inner();
    assert_eq!(asked.antwoorden.iter().map(|antwoord| &antwoord.bericht).collect::<Vec<_>>(), [&first]);
    assert_eq!(asked.zonder_antwoord[0].partner, "zvh-zeeland");
    assert_eq!(again, "al_beantwoord");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_was_withdrawn_is_none() {
    let gateway = TestGateway::start().await;
    let (mut zsm, mut zvh) = (gateway.client("zsm").await, gateway.client("zvh-baronie-breda").await);
    let verzoek = check();
    let bericht = send(&mut zsm, verzoek.clone()).await.unwrap().bericht;
    let answer = send(&mut zvh, known(&bericht)).await.unwrap().bericht;
    let withdraw = ketenpoort::proto::WithdrawRequest {
        bericht: answer,
        reden: ketenpoort::proto::RedenIntrekking::Onjuist.into(),
        medewerker: "bb-regie-03".to_owned(),
        ..Default::default()
    };
    zvh.withdraw(withdraw).await.unwrap();
    let asked = zsm.ask(ask_request(verzoek, 1)).await.unwrap().into_inner();
    assert_eq!((asked.antwoorden.len(), asked.zonder_antwoord.len()), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_about_somebody_else_is_refused() {
    let gateway = TestGateway::start().await;
    let (mut zsm, mut zvh) = (gateway.client("zsm").await, gateway.client("zvh-baronie-breda").await);
    let about = |mut request: ketenpoort::proto::SendRequest, naam: &str, skn: Option<&str>| {
        let hoofdpersoon = &mut request.inhoud.as_mut().unwrap().betrokkenen[0];
        hoofdpersoon.naam = naam.to_owned();
        hoofdpersoon.skn = skn.map(str::to_owned);
        request
    };
    let verzoek = send(&mut zsm, about(check(), "Jan Voorbeeld", Some("7310482"))).await.unwrap().bericht;
    let wrong = send(&mut zvh, about(known(&verzoek), "Jan Voorbeeld", Some("7310483"))).await;
    assert_eq!(weigering(wrong), "betrokkene_anders");
    // Of several people asked about, another's SKN contradicts nothing.
    let mut two = about(check(), "Jan Voorbeeld", None);
    let mut other = two.inhoud.as_ref().unwrap().betrokkenen[0].clone();
    other.rol = ketenpoort::proto::BetrokkeneRol::Gezinslid.into();
    (other.naam, other.skn) = ("Piet Voorbeeld".to_owned(), Some("7310490".to_owned()));
    two.inhoud.as_mut().unwrap().betrokkenen.push(other);
    let both = send(&mut zsm, two).await.unwrap().bericht;
    send(&mut zvh, about(known(&both), "Jan Voorbeeld", Some("7310482"))).await.unwrap();
    // The same person, written as the ZVH knows him.
    send(&mut zvh, about(known(&verzoek), "Jan van Voorbeeld", Some("7310482"))).await.unwrap();
}

/// The gateway stops while somebody asks: the call ends with what there is, and the stop does not wait for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_stop_does_not_wait_for_who_asks_and_the_verzoek_stands() {
    let mut gateway = TestGateway::start().await;
    let mut zsm = gateway.client("zsm").await;
    let request = check();
    let asking = tokio::spawn({
        let request = request.clone();
        async move { zsm.ask(ask_request(request, 300)).await }
    });
    let mut zvh = gateway.client("zvh-baronie-breda").await;
    let verzoek = Receiver::open(&mut zvh, "", 1).await.unwrap().bericht().await.bericht;
    drop(zvh);
    let started = std::time::Instant::now();
    gateway.restart_with(|_| {}).await;
    assert!(started.elapsed() < Duration::from_secs(5), "the stop took {:?}", started.elapsed());
    let asked = asking.await.unwrap().expect("it is answered before the gateway stops").into_inner();
    assert_eq!((asked.zonder_antwoord.len(), asked.ontvangstbewijs.unwrap().bericht), (1, verzoek.clone()));
    // Whoever asks again gets the receipt of the same verzoek, and its answer.
    let mut zsm = gateway.client("zsm").await;
    let (again, answered) = tokio::join!(zsm.ask(ask_request(request, 20)), answer(&gateway));
    let again = again.unwrap().into_inner();
    assert_eq!(again.ontvangstbewijs.unwrap().bericht, verzoek);
    assert_eq!(again.antwoorden[0].bericht, answered);
}
