//! People of one name, and partners that come and go: nobody gets what is of another.

use futures_util::future::join_all;
use jiff::SignedDuration;
use ketenpoort::proto::{self, Kenmerk, RijSoort};
use serde_json::json;

use super::calls::{
    bram, bram_with_skn, close, decide, exchanged, extend, get, list, open, opening, released, rows, text,
};
use crate::{
    harness::{TestGateway, request, send, weigering},
    scenario::{scenario, search, sent},
    wis::{erase, withdrawn},
    zoeken::{ZVH, asked, page},
};

fn numbered(skn: &str) -> proto::Zoekpersoon {
    proto::Zoekpersoon { skn: Some(skn.to_owned()), ..bram() }
}

/// A scenario about Bram, with this number or none.
fn about(skn: Option<&str>) -> serde_json::Value {
    let mut json = scenario();
    let person = json["inhoud"]["betrokkenen"][0].as_object_mut().unwrap();
    match skn {
        Some(skn) => person.insert("skn".to_owned(), json!(skn)),
        None => person.remove("skn"),
    };
    json
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_found_at_a_namesake_is_not_told_and_a_name_alone_is_marked() {
    let gateway = TestGateway::start().await;
    let (mut zvh, mut zeeland) = (gateway.client(ZVH).await, gateway.client("zvh-zeeland").await);
    sent(&mut zvh, about(Some("1111111"))).await;
    sent(&mut zeeland, about(Some("2222222"))).await;
    sent(&mut zvh, about(None)).await;
    // One search by name finds all three.
    let found = gateway.client("zsm").await.find_scenario(search(|_| ())).await.unwrap().into_inner();
    assert_eq!(found.scenarios.len(), 3);
    let first = open(&gateway, "contact-zsm", opening(&gateway, numbered("1111111"))).await.unwrap();
    assert_eq!(first.nog_te_besluiten, 2, "the ZVH and ZSM, not that of the other");
    let seen: Vec<_> = first.rijen.iter().map(|rij| (rij.soort(), rij.herkend_op())).collect();
    let (exchange, searched) = (RijSoort::Uitwisseling, RijSoort::Zoekvraag);
    let (by_number, by_name) = (Kenmerk::Skn, Kenmerk::NaamGeboortedatum);
    // What is known by name alone can be of either; who decides is told so.
    assert_eq!(seen, [(exchange, by_number), (exchange, by_name), (searched, by_name), (searched, by_name)]);
    assert_eq!(weigering(get(&gateway, "contact-zvh-zeeland", first.dossier).await), "dossier_onbekend");
    for who in ["contact-zsm", "contact-zvh-baronie-breda"] {
        decide(&gateway, who, first.dossier, (&[], Some(released()))).await.unwrap();
    }
    let overview = close(&gateway, "contact-zsm", first.dossier).await.unwrap();
    assert!(!text(&overview).contains("Zeeland"), "{}", text(&overview));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_namesake_who_was_only_searched_for_or_refused_is_one_too() {
    let gateway = TestGateway::start().await;
    let (mut zvh, mut zsm) = (gateway.client(ZVH).await, gateway.client("zsm").await);
    sent(&mut zvh, about(Some("1111111"))).await;
    open(&gateway, "contact-zsm", opening(&gateway, bram())).await.unwrap();
    zsm.find_scenario(search(|persoon| persoon.skn = Some("2222222".to_owned()))).await.unwrap();
    assert_eq!(weigering(open(&gateway, "contact-zsm", opening(&gateway, bram())).await), "ongeldig_veld");
    let other = open(&gateway, "contact-zsm", opening(&gateway, numbered("2222222"))).await.unwrap();
    assert_eq!(rows(&other).iter().map(|(_, soort)| *soort).collect::<Vec<_>>(), [RijSoort::Zoekvraag]);
    let mut refused = about(Some("3333333"));
    refused["ontvangers"] = json!([{"partner": "politie"}]);
    assert_eq!(weigering(send(&mut zvh, request(refused)).await), "geen_regel");
    let third = open(&gateway, "contact-politie", opening(&gateway, numbered("3333333"))).await.unwrap();
    assert_eq!((third.rijen.len(), third.nog_te_besluiten), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_namesake_with_another_kind_of_number_is_told_apart_by_what_is_known_of_both() {
    let gateway = TestGateway::start().await;
    // A BSN that no rule allows: refused, and found by the person all the same.
    let refused = async |who: &str, skn: Option<&str>, bsn: &str| {
        let mut json = about(skn);
        json["inhoud"]["betrokkenen"][0]["bsn"] = json!(bsn);
        assert_eq!(weigering(send(&mut gateway.client(who).await, request(json)).await), "bsn_niet_toegestaan");
    };
    refused(ZVH, Some("1111111"), "999990019").await;
    refused("zvh-zeeland", None, "123456782").await;
    assert_eq!(weigering(open(&gateway, "contact-dji", opening(&gateway, bram())).await), "ongeldig_veld");
    let first = open(&gateway, "contact-dji", opening(&gateway, numbered("1111111"))).await.unwrap();
    assert_eq!(first.nog_te_besluiten, 1);
    assert_eq!(weigering(get(&gateway, "contact-zvh-zeeland", first.dossier).await), "dossier_onbekend");
    // A third of the name, so that one number leaves two: the other number is asked too.
    refused("zvh-midden-brabant", None, "999990020").await;
    let by_skn = open(&gateway, "contact-dji", opening(&gateway, numbered("2222222"))).await;
    assert_eq!(weigering(by_skn), "ongeldig_veld");
    let second = proto::Zoekpersoon { bsn: Some("123456782".to_owned()), ..bram() };
    let second = open(&gateway, "contact-dji", opening(&gateway, second)).await.unwrap();
    assert_eq!(second.nog_te_besluiten, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_belongs_to_who_asks_is_followed_also_where_none_was_given() {
    let gateway = TestGateway::start().await;
    sent(&mut gateway.client(ZVH).await, about(Some("6767676"))).await;
    let by_number = || proto::Zoekpersoon { skn: Some("6767676".to_owned()), ..Default::default() };
    let request = proto::FindScenarioRequest { persoon: Some(by_number()), ..search(|_| ()) };
    gateway.client("zsm").await.find_scenario(request).await.unwrap();
    let filter = proto::Zoekfilter { betrokkene: Some(by_number()), ..Default::default() };
    page(&gateway, "fg-zsm", asked(filter)).await.unwrap();
    let opened = open(&gateway, "contact-zsm", opening(&gateway, bram())).await.unwrap();
    let seen: Vec<_> = opened.rijen.iter().map(|rij| (rij.soort(), rij.herkend_op())).collect();
    let by_name = Kenmerk::NaamGeboortedatum;
    let expected = [RijSoort::Uitwisseling, RijSoort::Zoekvraag, RijSoort::Toezicht].map(|soort| (soort, by_name));
    assert_eq!(seen, expected, "as sure as the name that led to the number");
    assert!(text(&opened).contains("Wij zochten zonder nummer van u."), "{}", text(&opened));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_only_named_in_a_bericht_hears_that_it_is_about_somebody_else() {
    let gateway = TestGateway::start().await;
    sent(&mut gateway.client(ZVH).await, scenario()).await;
    let mila = proto::Zoekpersoon {
        naam: Some("Mila van Verzonnenhove".to_owned()),
        geboortedatum: Some("1990-02-03".to_owned()),
        ..Default::default()
    };
    let opened = open(&gateway, "contact-zsm", opening(&gateway, mila)).await.unwrap();
    let said = &opened.rijen[0].zinnen[0];
    assert!(said.ends_with("een bericht over iemand anders, waarin u wordt genoemd (scenario)."), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_left_is_not_asked_in_the_person_of_who_has_its_number_now() {
    let gateway = TestGateway::start().await;
    exchanged(&gateway).await;
    // The ZVH goes, and another organisation gets its OIN.
    let moved = gateway.edited("deelnemers.toml", &format!("\"{ZVH}\""), "\"zvh-opvolger\"");
    let mut intrekken = Vec::new();
    for file in std::fs::read_dir(gateway.path().join("convenanten")).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        let naam = text.lines().find_map(|line| line.strip_prefix("naam = ")).unwrap().trim_matches('"').to_owned();
        intrekken.extend(text.contains(&format!("\"{ZVH}")).then_some(naam));
    }
    let request = proto::ChangeDocumentsRequest {
        laden: vec![moved],
        intrekken,
        reden: "een opvolger".to_owned(),
        medewerker: "beheer-7".to_owned(),
        proef: false,
    };
    gateway.beheer().await.change_documents(request).await.unwrap();
    let opened = open(&gateway, "contact-zsm", opening(&gateway, bram_with_skn())).await.unwrap();
    assert_eq!((opened.nog_te_besluiten, &opened.vertrokken[..]), (1, &[ZVH.to_owned()][..]));
    // The certificate of who left is that of the other now.
    let successor = format!("contact-{ZVH}");
    assert_eq!(weigering(get(&gateway, &successor, opened.dossier).await), "dossier_onbekend");
    decide(&gateway, "contact-zsm", opened.dossier, (&[], Some(released()))).await.unwrap();
    let closed = close(&gateway, "contact-zsm", opened.dossier).await.unwrap();
    assert!(text(&closed).contains("of doen niet meer mee"), "{}", text(&closed));
    assert!(!text(&closed).contains("stuurde Zorg"), "{}", text(&closed));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dossier_whose_contactpunt_is_gone_is_gone_on_with_by_who_is_asked() {
    let gateway = TestGateway::start().await;
    exchanged(&gateway).await;
    let nummer = open(&gateway, "contact-dji", opening(&gateway, bram_with_skn())).await.unwrap().dossier;
    assert_eq!(weigering(close(&gateway, "contact-zsm", nummer).await), "besluit_niet_gevraagd");
    let san = "san = \"contact.dji.ketenpoort.test\"\npartner = \"dji\"\nrol = \"contact\"";
    let gone = gateway.edited("deelnemers.toml", san, "san = \"x.test\"\npartner = \"dji\"\nrol = \"fg\"");
    gateway.load(vec![gone]).await.unwrap();
    for who in ["contact-zsm", "contact-zvh-baronie-breda"] {
        decide(&gateway, who, nummer, (&[], Some(released()))).await.unwrap();
    }
    let closed = close(&gateway, "contact-zsm", nummer).await.unwrap();
    assert!(text(&closed).contains("stuurde Zorg- en Veiligheidshuis"), "{}", text(&closed));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_acts_at_once_each_is_judged_by_those_before_it() {
    let gateway = TestGateway::start().await;
    exchanged(&gateway).await;
    let contact = format!("contact-{ZVH}");
    let nummer = open(&gateway, &contact, opening(&gateway, bram_with_skn())).await.unwrap().dossier;
    let extended = join_all((0..6).map(|_| extend(&gateway, &contact, nummer, "druk"))).await;
    assert_eq!(extended.into_iter().flatten().count(), 1, "extended once");
    for who in ["contact-zsm", contact.as_str()] {
        decide(&gateway, who, nummer, (&[], Some(released()))).await.unwrap();
    }
    let closed = join_all((0..6).map(|_| close(&gateway, &contact, nummer))).await;
    assert_eq!(closed.into_iter().flatten().count(), 1, "closed once");
    let soorten = gateway.soorten().await;
    assert_eq!(soorten.iter().filter(|soort| *soort == "inzage_verstrekt").count(), 1);
    let last = soorten.iter().rposition(|soort| soort == "inzage_besloten").unwrap();
    assert!(last < soorten.iter().position(|soort| soort == "inzage_verstrekt").unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn erasing_by_a_number_stops_at_a_dossier_that_was_opened_by_name() {
    let gateway = TestGateway::start().await;
    let mut zvh = gateway.client(ZVH).await;
    let bericht = sent(&mut zvh, about(Some("5555555"))).await;
    let contact = format!("contact-{ZVH}");
    let nummer = open(&gateway, &contact, opening(&gateway, bram())).await.unwrap().dossier;
    withdrawn(&mut zvh, bericht).await;
    let by_number = || proto::Zoekpersoon { skn: Some("5555555".to_owned()), ..Default::default() };
    assert_eq!(weigering(erase(&gateway, by_number()).await), "dossier_open");
    gateway.clock.advance(SignedDuration::from_hours(24 * 20));
    close(&gateway, &contact, nummer).await.unwrap();
    erase(&gateway, by_number()).await.unwrap();
    let empty = get(&gateway, &contact, nummer).await.unwrap();
    assert_eq!((&empty.verzoek, empty.rijen.len()), (&None, 0));
    assert_eq!(list(&gateway, &contact, true).await, [nummer]);
}
