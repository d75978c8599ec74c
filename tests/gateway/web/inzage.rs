//! The pages of requests for inzage: what each looker reads of how it stands, what is printed for the betrokkene, and forms that are refused.

use http::{StatusCode, header};

use super::{
    browser::{Page, get, post},
    looks,
};
use crate::{
    harness::{TestGateway, check, send, template, today},
    zoeken::ZVH,
};

/// A new request of the person of the templates, with some fields otherwise.
async fn ask_for(gateway: &TestGateway, who: &str, otherwise: &[(&str, &str)]) -> Page {
    let persoon = &template("bekendheidscheck")["inhoud"]["betrokkenen"][0];
    let day = today().to_string();
    let mut fields = vec![
        ("naam", persoon["naam"].as_str().unwrap()),
        ("geboortedatum", persoon["geboortedatum"].as_str().unwrap()),
        ("kenmerk", "2026-12"),
        ("ontvangen_op", day.as_str()),
        ("medewerker", "contact-1"),
    ];
    fields.retain(|(naam, _)| !otherwise.iter().any(|(other, _)| other == naam));
    fields.extend_from_slice(otherwise);
    post(gateway, who, "/inzage", ("same-origin", &fields)).await
}

fn led_to(page: &Page) -> String {
    assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.text);
    page.headers[header::LOCATION].to_str().unwrap().to_owned()
}

/// A dossier of one contactpunt about what ZSM sent the ZVH, and the row of that.
async fn opened(gateway: &TestGateway, who: &str) -> (String, u64) {
    let sent = send(&mut gateway.client("zsm").await, check()).await.unwrap();
    (led_to(&ask_for(gateway, who, &[]).await), sent.aanvaardingen[0].log_index)
}

/// Posts something that is done in a dossier.
async fn act(gateway: &TestGateway, who: &str, address: &str, (daad, fields): (&str, &[(&str, &str)])) -> Page {
    let fields = [&[("daad", daad), ("medewerker", "contact-1")], fields].concat();
    post(gateway, who, address, ("same-origin", &fields)).await
}

async fn decide(gateway: &TestGateway, who: &str, address: &str, (rij, fields): (u64, &[(&str, &str)])) -> Page {
    let named: Vec<(String, &str)> = fields.iter().map(|(what, value)| (format!("{what}-{rij}"), *value)).collect();
    let fields: Vec<(&str, &str)> = named.iter().map(|(naam, value)| (naam.as_str(), *value)).collect();
    act(gateway, who, address, ("besluit", &fields)).await
}

const RELEASED: &[(&str, &str)] = &[("rij", "vrijgeven")];
const SILENT: &[(&str, &str)] = &[("rij", "strafbare_feiten"), ("stil", "ja")];

#[tokio::test(flavor = "multi_thread")]
async fn who_sees_some_partners_never_reads_that_all_decided() {
    let gateway = TestGateway::start().await;
    let (address, rij) = opened(&gateway, "contact-zsm").await;
    let (contact, fg) = (format!("contact-{ZVH}"), format!("fg-{ZVH}"));
    let says = async |who: &str, wanted: &str| {
        for path in ["/inzage", &address] {
            let text = get(&gateway, who, path).await.text;
            assert!(text.contains(wanted), "{who} {path}: {text}");
            assert!(wanted.contains("Alle partners") || !text.contains("Alle partners besloten"), "{who} {path}");
        }
    };
    says(&fg, "moet er 1 nog besluiten. Over andere partners ziet u hier niets.").await;
    led_to(&decide(&gateway, &contact, &address, (rij, RELEASED)).await);
    for who in [&contact, &fg] {
        says(who, "van wie u rijen ziet hebben besloten. Over andere partners ziet u hier niets.").await;
    }
    says("contact-zsm", "1 partner moet nog besluiten.").await;
    led_to(&decide(&gateway, "contact-zsm", &address, (rij, RELEASED)).await);
    says("contact-zsm", "Alle partners besloten.").await;
    // Where nothing is found nobody is asked, and nobody decided.
    led_to(&ask_for(&gateway, "contact-dji", &[("naam", "Niemand Bekend")]).await);
    assert!(get(&gateway, "contact-dji", "/inzage").await.text.contains("Er is geen partner gevraagd, want"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_printed_for_the_betrokkene_holds_nothing_of_what_is_kept_silent() {
    let gateway = TestGateway::start().await;
    let (address, rij) = opened(&gateway, "contact-zsm").await;
    led_to(&decide(&gateway, "contact-zsm", &address, (rij, SILENT)).await);
    let brief = format!("{address}/overzicht");
    let page = get(&gateway, "contact-zsm", &address).await.text;
    assert!(page.contains(&format!("href=\"{brief}\"")) && page.contains("in stilte"), "{page}");
    assert!(page.contains("Deze werkpagina is niet voor de betrokkene."), "{page}");
    assert!(!page.contains("Wat u kunt doen"), "the overview is not in it: {page}");
    let before = looks(&gateway).await;
    let printed = get(&gateway, "contact-zsm", &brief).await;
    assert_eq!((printed.status, looks(&gateway).await), (StatusCode::OK, before + 1));
    let printed = printed.text;
    assert!(printed.contains("<h2 class=\"utrecht-heading-2\">Wat er niet in staat</h2>"), "{printed}");
    assert!(printed.contains("<strong>Concept.</strong>") && !printed.contains("**"), "{printed}");
    for part in ["logregel", "stilte", "misdrijven", "strafbare", "achter,", "stuurde ZSM"] {
        assert!(!printed.contains(part), "{part} is in {printed}");
    }
    // Who watches the dossier hands nothing over, and of others it is not there.
    assert!(get(&gateway, "fg-zsm", &brief).await.text.contains("Het overzicht ziet alleen het contactpunt"));
    assert_eq!(get(&gateway, "contact-dji", &brief).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_wrote_stays_text_in_what_is_printed() {
    let gateway = TestGateway::start().await;
    let odd = [("naam", "Niemand <b>*Vet*</b>"), ("kenmerk", "[a](https://b) _c_ # d")];
    let address = led_to(&ask_for(&gateway, "contact-dji", &odd).await);
    let printed = get(&gateway, "contact-dji", &format!("{address}/overzicht")).await.text;
    let as_written =
        printed.contains("Niemand &#60;b&#62;*Vet*&#60;/b&#62;") && printed.contains("[a](https://b) _c_ # d");
    assert!(as_written && !printed.contains("<b>"), "{printed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_form_stays_filled_and_names_its_fields_as_the_page_does() {
    let gateway = TestGateway::start().await;
    let refused =
        ask_for(&gateway, "contact-zsm", &[("ontvangen_op", "2999-01-01"), ("kenmerk", "mijn \"kenmerk\"")]).await;
    assert!(refused.status == StatusCode::BAD_REQUEST && !refused.headers.contains_key(header::LOCATION));
    let named =
        "<strong data-veld=\"ontvangen_op\"><a class=\"utrecht-link\" href=\"#ontvangen_op\">Ontvangen op</a></strong>";
    for part in [named, "value=\"2999-01-01\"", "value=\"mijn &#34;kenmerk&#34;\"", "value=\"contact-1\""] {
        assert!(refused.text.contains(part), "{part} is not in {}", refused.text);
    }
    let (address, rij) = opened(&gateway, "contact-zsm").await;
    let fields = [("rij", "toezichtstaak"), ("stil", "ja"), ("toelichting", "omdat <i>het</i> loopt")];
    let refused = decide(&gateway, "contact-zsm", &address, (rij, &fields)).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    for part in [
        format!("href=\"#toelichting-{rij}\">Toelichting voor de betrokkene bij logregel {rij}</a>"),
        "value=\"omdat &#60;i&#62;het&#60;/i&#62; loopt\"".to_owned(),
        "<option value=\"toezichtstaak\" selected>".to_owned(),
        "value=\"ja\" checked".to_owned(),
    ] {
        assert!(refused.text.contains(&part), "{part} is not in {}", refused.text);
    }
    let refused = decide(&gateway, "contact-zsm", &address, (rij, &[])).await;
    let named = format!("Uw besluit over logregel {rij}</a></strong>: kies vrijgeven");
    assert!(refused.text.contains(&named) && !refused.text.contains("overige"), "{}", refused.text);
    let refused = act(&gateway, "contact-zsm", &address, ("verleng", &[])).await;
    assert!(refused.text.contains(">Waarom het antwoord langer duurt</a></strong>"), "{}", refused.text);
    // What is refused for how the dossier stands says so above it.
    let early = act(&gateway, "contact-zsm", &address, ("sluit", &[])).await;
    assert!(early.status == StatusCode::CONFLICT && early.text.contains("hebben nog niet besloten"), "{}", early.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dossier_offers_what_can_be_done_and_a_new_decision_begins_with_the_last() {
    let gateway = TestGateway::start().await;
    let (address, rij) = opened(&gateway, "contact-dji").await;
    let offers = async |who: &str| {
        let text = get(&gateway, who, &address).await.text;
        ["Leg dit besluit vast", "Verleng met twee maanden", "Sluit: het overzicht"].map(|button| text.contains(button))
    };
    assert_eq!(offers("contact-dji").await, [false, true, false]);
    assert_eq!(offers("contact-zsm").await, [true, false, false]);
    led_to(&act(&gateway, "contact-dji", &address, ("verleng", &[("reden", "druk")])).await);
    led_to(&decide(&gateway, "contact-zsm", &address, (rij, SILENT)).await);
    let again = get(&gateway, "contact-zsm", &address).await.text;
    assert!(again.contains("<option value=\"strafbare_feiten\" selected>") && again.contains("value=\"ja\" checked"));
    led_to(&decide(&gateway, "contact-zsm", &address, (rij, RELEASED)).await);
    led_to(&decide(&gateway, &format!("contact-{ZVH}"), &address, (rij, RELEASED)).await);
    // It sees the row now, and decides nothing about it.
    assert!(
        get(&gateway, "contact-dji", &address)
            .await
            .text
            .contains(&format!("logregel {rij}, herkend op naam en geboortedatum"))
    );
    assert_eq!(offers("contact-dji").await, [false, false, true]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_twice_at_once_is_one_dossier_unless_it_is_said_to_be_new() {
    let gateway = TestGateway::start().await;
    let (one, other) = tokio::join!(ask_for(&gateway, "contact-zsm", &[]), ask_for(&gateway, "contact-zsm", &[]));
    let (made, refused) = if one.status == StatusCode::SEE_OTHER { (one, other) } else { (other, one) };
    let address = led_to(&made);
    assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.text);
    assert!(refused.text.contains(&format!("href=\"{address}\"")), "{}", refused.text);
    assert!(
        refused.text.contains("name=\"opnieuw\"") && refused.text.contains("value=\"2026-12\""),
        "{}",
        refused.text
    );
    // Another kenmerk, another contactpunt, or a tick: another request.
    led_to(&ask_for(&gateway, "contact-zsm", &[("kenmerk", "2026-13")]).await);
    led_to(&ask_for(&gateway, "contact-dji", &[]).await);
    assert_ne!(led_to(&ask_for(&gateway, "contact-zsm", &[("opnieuw", "ja")]).await), address);
}
