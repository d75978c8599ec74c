//! Loketten at every verb: a certificate opens only its own, a closed one takes nothing new, and all can be asked for.

use ketenpoort::proto::{self, Toestand, receive_request::Verzoek, receive_response::Antwoord};
use serde_json::{Value, json};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::harness::*;

const ZVH: &str = "zvh-baronie-breda";

/// ZSM with two certificates: its own for adults only, and that of its FG as one for the young only.
async fn two_desks() -> TestGateway {
    TestGateway::start_with(|config| {
        let of =
            |san: &str, rol: &str| format!("san = \"{san}.ketenpoort.test\"\npartner = \"zsm\"\nrol = \"{rol}\"\n");
        let only = |san: &str, loket: &str| format!("{}loketten = [\"{loket}\"]\n", of(san, "partner"));
        edit(&config.deelnemers, &of("zsm", "partner"), &only("zsm", "volwassenen"));
        edit(&config.deelnemers, &of("fg.zsm", "fg"), &only("fg.zsm", "jeugd"));
    })
    .await
}

/// What the ZVH told by telephone, to a loket of ZSM.
fn told_to(loket: &str) -> proto::SendRequest {
    let mut json = template("mondelinge_verstrekking");
    json["ontvangers"] = json!([{"partner": "zsm", "loket": loket}]);
    request(json)
}

/// Is this child known? From zsm/jeugd.
fn child() -> proto::SendRequest {
    let mut json = template("bekendheidscheck");
    json["loket"] = json!("jeugd");
    json["inhoud"]["betrokkenen"][0]["geboortedatum"] = json!("2012-05-12");
    request(json)
}

fn fetch(bericht: &str, loket: &str) -> proto::FetchRequest {
    proto::FetchRequest { bericht: bericht.to_owned(), loket: loket.to_owned(), medewerker: "lezer-1".to_owned() }
}

fn acknowledge(bericht: &str, loket: &str) -> proto::AcknowledgeRequest {
    proto::AcknowledgeRequest { bericht: bericht.to_owned(), loket: loket.to_owned(), medewerker: "zsm-1".into() }
}

fn ask(verzoek: proto::SendRequest) -> proto::AskRequest {
    proto::AskRequest { verzoek: Some(verzoek), wacht_seconden: 20 }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_opens_only_its_own_loketten_at_every_verb() {
    let gateway = two_desks().await;
    let mut zvh = gateway.client(ZVH).await;
    let bericht = send(&mut zvh, told_to("jeugd")).await.unwrap().bericht;
    let mut adults = gateway.client("zsm").await;

    assert_eq!(weigering(send(&mut adults, child()).await), "loket_niet_van_u");
    assert_eq!(weigering(adults.ask(ask(child())).await), "loket_niet_van_u");
    assert_eq!(weigering(Receiver::open(&mut adults, "jeugd", 1).await.map(drop)), "loket_niet_van_u");
    assert_eq!(weigering(adults.fetch(fetch(&bericht, "jeugd")).await), "loket_niet_van_u");
    assert_eq!(weigering(adults.acknowledge(acknowledge(&bericht, "jeugd")).await), "loket_niet_van_u");
    // By a loket of its own it does not exist, at no verb.
    assert_eq!(weigering(adults.fetch(fetch(&bericht, "volwassenen")).await), "bericht_onbekend");
    assert_eq!(weigering(adults.acknowledge(acknowledge(&bericht, "volwassenen")).await), "bericht_onbekend");
    assert_eq!(weigering(status(&mut adults, &bericht).await), "bericht_onbekend");
    let mut receiver = Receiver::open(&mut adults, "volwassenen", 1).await.unwrap();
    receiver.empty().await;
    receiver.say(Verzoek::Bevestig(bericht.clone())).await;
    let Antwoord::BevestigingGeweigerd(refused) = receiver.next().await.unwrap() else { panic!("this was confirmed") };
    assert_eq!(refused.weigering, "BERICHT_ONBEKEND");
    // It was touched by nobody.
    assert_eq!(toestand(&mut zvh, &bericht).await, Toestand::Wacht);
    let refused = gateway.soorten().await.into_iter().filter(|soort| soort == "geweigerd:loket_niet_van_u").count();
    assert_eq!(refused, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_certificate_of_the_loket_itself_may_do_all_of_it() {
    let gateway = two_desks().await;
    let mut zvh = gateway.client(ZVH).await;
    let bericht = send(&mut zvh, told_to("jeugd")).await.unwrap().bericht;
    gateway.point("fg-zsm", gateway.adres());
    let mut young = gateway.client("fg-zsm").await;
    let mut receiver = Receiver::open(&mut young, "jeugd", 1).await.unwrap();
    assert_eq!(receiver.bericht().await.bericht, bericht);
    young.fetch(fetch(&bericht, "jeugd")).await.unwrap();
    young.acknowledge(acknowledge(&bericht, "jeugd")).await.unwrap();
    assert_eq!(status(&mut young, &bericht).await.unwrap().ontvangers[0].toestand(), Toestand::Bevestigd);
    let answering = async {
        let mut receiver = Receiver::open(&mut zvh, "", 1).await.unwrap();
        let verzoek = receiver.bericht().await.bericht;
        let mut json = template("bekendheidsantwoord");
        json["in_antwoord_op"] = json!(verzoek);
        json["ontvangers"] = json!([{"partner": "zsm", "loket": "jeugd"}]);
        send(&mut gateway.client(ZVH).await, request(json)).await.unwrap().bericht
    };
    let (asked, answered) = tokio::join!(young.ask(ask(child())), answering);
    assert_eq!(asked.unwrap().into_inner().antwoorden[0].bericht, answered);
    // The other desk of the same partner does not see that answer.
    let mut adults = gateway.client("zsm").await;
    assert_eq!(weigering(adults.fetch(fetch(&answered, "volwassenen")).await), "bericht_onbekend");
}

/// The deelnemers with ZSM's loket for the young closed since today.
fn closing(gateway: &TestGateway) -> proto::NieuwDocument {
    let open = "telefoon = \"076 000 00 23\"\n";
    let today = today();
    let closed = format!("{open}gesloten_vanaf = {today}\nverwijst_naar = \"zsm/volwassenen\"\n");
    gateway.edited("deelnemers.toml", open, &closed)
}

/// Field and what is asked, of the only violation.
fn violation(status: &Status) -> (String, String) {
    let violations = status.get_details_bad_request().unwrap().field_violations;
    let [only] = violations.as_slice() else { panic!("{violations:?}") };
    (only.field.clone(), only.description.clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_loket_takes_nothing_new_and_keeps_what_it_has() {
    let gateway = TestGateway::start().await;
    let (mut zsm, mut zvh) = (gateway.client("zsm").await, gateway.client(ZVH).await);
    let before = told_to("jeugd");
    let bericht = send(&mut zvh, before.clone()).await.unwrap().bericht;
    let changed = gateway.load(vec![closing(&gateway)]).await.unwrap();
    let said = format!("Loket zsm/jeugd sluit vanaf {} en verwijst naar zsm/volwassenen.", today());
    assert!(changed.gevolgen.contains(&said), "{:?}", changed.gevolgen);

    let mut two = told_to("volwassenen");
    two.ontvangers.push(proto::Adres { partner: "zsm".to_owned(), loket: "jeugd".to_owned() });
    let refused = send(&mut zvh, two).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    let uitleg = format!("gesloten sinds {}; verwijst naar zsm/volwassenen", today());
    assert_eq!(violation(&refused), ("ontvangers[1]".to_owned(), uitleg));
    assert_eq!(weigering::<()>(Err(refused)), "loket_gesloten");
    send(&mut zvh, told_to("volwassenen")).await.unwrap();
    // Repeating what was accepted before is safe still.
    assert_eq!(send(&mut zvh, before).await.unwrap().bericht, bericht);

    // It reads what it has, and sends.
    let mut receiver = Receiver::open(&mut zsm, "jeugd", 1).await.unwrap();
    assert_eq!(receiver.bericht().await.bericht, bericht);
    receiver.confirm(&bericht).await;
    zsm.fetch(fetch(&bericht, "jeugd")).await.unwrap();
    let verzoek = send(&mut zsm, child()).await.unwrap().bericht;

    // The answer to what it asks goes where it refers to.
    let mut json = template("bekendheidsantwoord");
    json["in_antwoord_op"] = json!(verzoek);
    json["ontvangers"] = json!([{"partner": "zsm", "loket": "jeugd"}]);
    assert_eq!(weigering(send(&mut zvh, request(json.clone())).await), "loket_gesloten");
    json["ontvangers"] = json!([{"partner": "zsm", "loket": "volwassenen"}]);
    send(&mut zvh, request(json)).await.unwrap();
    let refused = gateway.soorten().await.into_iter().filter(|soort| soort == "geweigerd:loket_gesloten").count();
    assert_eq!(refused, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_sends_to_the_closed_loket_of_the_example_is_told_where_to_go() {
    let gateway = TestGateway::start().await;
    let mut json: Value = template("mondelinge_verstrekking");
    json["ontvangers"] = json!([{"partner": "dji", "loket": "directeur-roosendaal"}]);
    let refused = send(&mut gateway.client(ZVH).await, request(json)).await.unwrap_err();
    let uitleg = "gesloten sinds 2026-07-01; verwijst naar dji/directeur-breda";
    assert_eq!(violation(&refused), ("ontvangers[0]".to_owned(), uitleg.to_owned()));
}

async fn list(client: &mut Client, partner: &str) -> Result<Vec<proto::Loket>, Status> {
    let request = proto::ListLokettenRequest { partner: partner.to_owned() };
    Ok(client.list_loketten(request).await?.into_inner().loketten)
}

#[tokio::test(flavor = "multi_thread")]
async fn any_partner_may_ask_whom_it_reaches_where() {
    let gateway = two_desks().await;
    let mut vt = gateway.client("vt").await;
    let dji = list(&mut vt, "dji").await.unwrap();
    let names: Vec<&str> = dji.iter().map(|loket| loket.loket.as_str()).collect();
    let directeuren = ["directeur-breda", "directeur-middelburg", "directeur-roosendaal", "directeur-vught"];
    assert_eq!(names, [&["algemeen", "bureau-18b"], directeuren.as_slice()].concat());
    let closed = proto::Loket {
        partner: "dji".to_owned(),
        loket: "directeur-roosendaal".to_owned(),
        functie: Some("Directeur van de inrichting".to_owned()),
        telefoon: Some("076 000 00 32".to_owned()),
        gesloten_vanaf: Some("2026-07-01".to_owned()),
        verwijst_naar: Some(proto::Adres { partner: "dji".to_owned(), loket: "directeur-breda".to_owned() }),
    };
    assert_eq!(dji[4], closed);
    assert_eq!((&dji[1].gesloten_vanaf, &dji[1].verwijst_naar), (&None, &None));

    // All of them, also with a certificate that opens one.
    gateway.point("fg-zsm", gateway.adres());
    let mut young = gateway.client("fg-zsm").await;
    let all = list(&mut young, "").await.unwrap();
    assert!(all.iter().all(|loket| loket.functie.is_some() && loket.telefoon.is_some()), "{all:?}");
    assert_eq!((all.len(), all.iter().filter(|loket| loket.partner == "zsm").count()), (21, 4));

    // What changes is seen at the next call, and looking left no trace.
    gateway.load(vec![closing(&gateway)]).await.unwrap();
    let zsm = list(&mut vt, "zsm").await.unwrap();
    let jeugd = zsm.iter().find(|loket| loket.loket == "jeugd").unwrap();
    assert_eq!(jeugd.gesloten_vanaf, Some(today().to_string()));
    assert_eq!(gateway.soorten().await, ["gestart", "partner_gewijzigd"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_partner_has_no_loketten_and_an_fg_may_not_ask() {
    let gateway = TestGateway::start().await;
    let mut vt = gateway.client("vt").await;
    assert_eq!(weigering(list(&mut vt, "zvh-amsterdam").await), "partner_onbekend");
    assert_eq!(weigering(list(&mut vt, "ZSM").await), "ongeldig_veld");
    // An FG is no partner of the exchange.
    gateway.point("fg-zsm", gateway.adres());
    assert_eq!(weigering(list(&mut gateway.client("fg-zsm").await, "zsm").await), "verkeerde_rol");
    assert_eq!(gateway.soorten().await, ["gestart", "geweigerd:partner_onbekend", "geweigerd:ongeldig_veld"]);
}
