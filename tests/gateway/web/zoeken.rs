//! Searching on the page: what was asked is said, also on paper, and stays in the form.

use http::StatusCode;
use jiff::{SignedDuration, ToSpan};
use ketenpoort::proto::FetchRequest;

use super::browser::{get, post};
use crate::{
    harness::{Receiver, TestGateway, check, request, send, template, today},
    voorstel,
};

#[tokio::test(flavor = "multi_thread")]
async fn which_filters_are_chosen_is_said_and_stays_in_the_form() {
    let gateway = TestGateway::start().await;
    send(&mut gateway.client("zsm").await, check()).await.unwrap();
    let first = "U ziet niet alles, maar alleen wat bij deze filters past.";
    assert!(!get(&gateway, "fg-zsm", "/uitwisselingen").await.text.contains(first));
    let query = "partner=zsm&soort=aanvaard&soort=afgeleverd&berichtsoort=mondelinge_verstrekking&loket=zsm/jeugd&loket=zsm/algemeen\
                 &houdbaar_van=2026-12-01&houdbaar_tot_en_met=2027-01-31&grondslag=zzz&buiten_kantooruren=ja";
    for toon in ["", "&toon=wie-met-wie"] {
        let text = get(&gateway, "fg-zsm", &format!("/uitwisselingen?{query}{toon}")).await.text;
        let said = "past. Partner: zsm. Wat er gebeurde: aanvaard of afgeleverd. Soort bericht: mondelinge verstrekking. Grondslag: zzz. Loket: \
                    zsm/jeugd. Loket: zsm/algemeen. Laatste houdbare dag, van: 1 december 2026. Laatste houdbare dag, tot en met: 31 januari 2027. \
                    Alleen buiten kantooruren, zonder wat de poort zelf deed.</p>";
        assert!(text.contains(first) && text.contains(said), "{text}");
        for kept in [
            "<option value=\"zzz\" selected>zzz</option>",
            "name=\"soort\" multiple>",
            "type=\"date\" id=\"houdbaar_van\" name=\"houdbaar_van\" value=\"2026-12-01\"",
            "type=\"date\" id=\"houdbaar_tot_en_met\" name=\"houdbaar_tot_en_met\" value=\"2027-01-31\"",
            "id=\"loket-2\" name=\"loket\" value=\"zsm/algemeen\"",
            "Wat de poort zelf deed, zoals vernietigen, staat er dan niet bij.",
        ] {
            assert!(text.contains(kept), "{kept}: {text}");
        }
        assert!(!text.contains("id=\"partner\" name=\"partner\" multiple"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_searches_for_an_employee_reads_whom_and_why_and_no_address_has_it() {
    let gateway = TestGateway::start().await;
    let mut client = gateway.client("zsm").await;
    for _ in 0..60 {
        send(&mut client, check()).await.unwrap();
    }
    let who = check().inhoud.unwrap().medewerker;
    let fields = [("medewerker", who.as_str()), ("reden", "klacht 14.")];
    let found = post(&gateway, "fg-zsm", "/uitwisselingen", ("same-origin", &fields)).await;
    assert_eq!(found.status, StatusCode::OK, "{}", found.text);
    assert!(found.text.contains(&format!(": medewerker {who}.</p>")), "{}", found.text);
    assert!(found.text.contains("<p class=\"utrecht-paragraph\">Waarom: klacht 14.</p>"), "{}", found.text);
    assert!(found.text.contains("Volgende pagina") && !found.text.contains("niet alles"), "{}", found.text);
    let addresses: Vec<&str> = found.text.split("href=\"").skip(1).filter_map(|part| part.split('"').next()).collect();
    assert!(!addresses.iter().any(|address| address.contains(&who) || address.contains("klacht")), "{addresses:?}");
    let nobody = post(&gateway, "fg-zsm", "/uitwisselingen", ("same-origin", &[("reden", "x")])).await;
    assert!(nobody.text.contains("<strong data-veld=\"medewerker\">Personeelsreferentie</strong>"), "{}", nobody.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_wrong_is_named_as_it_stands_on_the_page() {
    let gateway = TestGateway::start().await;
    for (path, said) in [
        (
            "/uitwisselingen?houdbaar_van=2026-02-01&houdbaar_tot_en_met=2026-01-01",
            "Laatste houdbare dag, tot en met</strong>: een dag die niet voor de eerste dag ligt",
        ),
        (
            "/uitwisselingen?gesprek=x",
            "Nummer van een gesprek</strong>: het nummer dat bij het verloop van een bericht staat",
        ),
        ("/uitwisselingen?uitkomst=x", "Uitkomst van zoeken</strong>: een uitkomst uit de keuzelijst"),
        ("/uitwisselingen?pagina=abc", "Zoek opnieuw en blader vanaf het begin."),
        ("/uitwisselingen?toon=wie-met-wie&pagina=abc", "De bladzijde in het adres</strong>: niets"),
        ("/inzage/x", "Het nummer van het verzoek in het adres</strong>"),
        ("/bewijs/999999", "Er is geen logregel met dit nummer"),
        (
            "/uitwisselingen/00000000-0000-7000-8000-000000000000",
            "Dit bericht is er niet, of het gaat niet over een partner",
        ),
    ] {
        let text = get(&gateway, "fg-zsm", path).await.text;
        assert!(text.contains(said) && !text.contains("filter."), "{path}: {text}");
    }
    let skn = [("skn", "x"), ("reden", "x")];
    let text = post(&gateway, "fg-zsm", "/betrokkene", ("same-origin", &skn)).await.text;
    assert!(text.contains("<strong data-veld=\"skn\">SKN</strong>"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_period_is_of_the_same_day_or_proposal() {
    let gateway = TestGateway::start().await;
    let day = today();
    voorstel::asks(&gateway, "bekrachtigt = \"ander\"\nna_dagen = 2").await;
    let nummer = voorstel::renewed(&gateway).await.voorstel;
    for (naam, waarde) in [("op", day.to_string()), ("voorstel", nummer.to_string())] {
        let text = get(&gateway, "fg-zsm", &format!("/convenanten?{naam}={waarde}")).await.text;
        let hidden = format!("<input type=\"hidden\" name=\"{naam}\" value=\"{waarde}\">");
        assert!(text.contains(&hidden), "{text}");
        let (_, rest) = text.split_once("aria-label=\"Andere periode\"").unwrap();
        let links = rest.split("</nav>").next().unwrap();
        assert!(links.contains("Vorig kwartaal"), "{links}");
        assert_eq!(
            links.matches("href=").count(),
            links.matches(&format!("&#38;{naam}={waarde}\"")).count(),
            "{links}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_gateway_sent_itself_is_said_to_be_left_out_of_who_sent_to_whom() {
    let gateway = TestGateway::start_with(|config| config.bounds.vervalwaarschuwing_dagen = 3).await;
    let (mut zvh, mut zsm) = (gateway.client("zvh-baronie-breda").await, gateway.client("zsm").await);
    let mut soon = template("scenario");
    soon["ontvangers"] = serde_json::json!([{"partner": "zsm", "loket": "jeugd"}]);
    soon["houdbaar_tot_en_met"] = today().checked_add(5.days()).unwrap().to_string().into();
    let bericht = send(&mut zvh, request(soon)).await.unwrap().bericht;
    let (loket, medewerker) = ("jeugd".to_owned(), "zsm-1".to_owned());
    zsm.fetch(FetchRequest { bericht, loket, medewerker }).await.unwrap();
    let drawn = async || get(&gateway, "fg-zvh-baronie-breda", "/uitwisselingen?toon=wie-met-wie").await.text;
    let text = drawn().await;
    assert!(text.contains("Geteld is wat partners stuurden") && !text.contains("Wat de poort zelf stuurde"), "{text}");
    // Who sent it is warned before it lapses.
    let mut at_zvh = Receiver::open(&mut zvh, "", 9).await.unwrap();
    at_zvh.empty().await;
    gateway.clock.advance(SignedDuration::from_hours(48));
    at_zvh.bericht().await;
    let text = drawn().await;
    assert!(text.contains("Wat de poort zelf stuurde telt hier niet mee: 1 logregel."), "{text}");
    assert!(!text.contains("niet te zien"), "{text}");
}
