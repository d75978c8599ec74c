//! What pages tell: of what was exchanged, leaked and may be sent, and to whom no more.

use http::StatusCode;
use jiff::SignedDuration;
use ketenpoort::proto;

use super::browser::{connect, for_page, get, on};
use crate::{
    harness::{TestGateway, check, request, send, template, today, weigering},
    voorstel,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_page_says_what_was_exchanged_and_never_its_content() {
    let gateway = TestGateway::start().await;
    let mut content = template("bekendheidscheck");
    content["inhoud"]["bekendheidscheck"]["zaaknummer"] = "PL1234-geheim".into();
    let sent = send(&mut gateway.client("zsm").await, request(content)).await.unwrap();
    let overview = get(&gateway, "fg-zsm", "/").await.text;
    assert!(overview.contains("bekijkt deze pagina voor het eerst"), "{overview}");
    // Nothing is held beside a quarter in which there was no logboek.
    assert!(overview.contains("Met een vorige periode is niet te vergelijken"), "{overview}");
    assert!(!overview.contains("vorige periode 0") && !overview.contains("verstuurd, vorige periode"), "{overview}");
    // The second time it is proven that the logboek only grew.
    let again = get(&gateway, "fg-zsm", "/").await.text;
    assert!(again.contains("is het alleen aangevuld"), "{again}");
    // So it is for an auditor, who is of no partner.
    assert!(get(&gateway, "auditor", "/").await.text.contains("bekijkt deze pagina voor het eerst"));
    assert!(get(&gateway, "auditor", "/").await.text.contains("is het alleen aangevuld"));
    let life = get(&gateway, "fg-zsm", &format!("/uitwisselingen/{}", sent.bericht)).await.text;
    assert!(life.contains("stuurde een bekendheidscheck aan"), "{life}");
    assert!(life.contains("Register van verwerkingen"), "{life}");
    assert!(life.contains("(zvh-baronie-breda, versie 2026.1)") && life.contains("/convenanten?op="), "{life}");
    // Who looks at exchanges sees no looks among them, unless they are asked for.
    let looks = |page: String| page.matches("keek in het logboek").count();
    assert_eq!(looks(get(&gateway, "fg-zsm", "/uitwisselingen").await.text), 0);
    assert!(looks(get(&gateway, "fg-zsm", "/uitwisselingen?soort=ingezien").await.text) >= 3);
    let drawn = get(&gateway, "fg-zsm", "/uitwisselingen?toon=wie-met-wie").await.text;
    assert!(drawn.contains("stroom__band") && drawn.contains("hitte-5"), "{drawn}");
    // A cell leads to what it counted.
    let some = get(&gateway, "fg-zsm", "/uitwisselingen?toon=wie-met-wie&berichtsoort=bekendheidscheck").await.text;
    let cell = "berichtsoort=bekendheidscheck&#38;afzender=zsm&#38;ontvanger=zvh-baronie-breda&#38;soort=aanvaard";
    assert!(some.contains(cell), "{some}");
    let csv = get(&gateway, "fg-zsm", "/rapport.csv").await.text;
    assert!(
        csv.contains("bewijs,keten,1,tot_checkpoint,\"ketenpoort.test/") && csv.contains("bewijs,sleutel,1,vkey,"),
        "{csv}"
    );
    for text in [overview, again, life, drawn] {
        assert!(!text.contains("geheim"));
    }
    // Of others it is not there, as of what does not exist.
    assert_eq!(
        get(&gateway, "fg-dji", &format!("/uitwisselingen/{}", sent.bericht)).await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_ends_opens_nothing_more_on_a_connection_that_stands() {
    let gateway = TestGateway::start().await;
    let mut zsm = gateway.client("zsm").await;
    let (mut browser, talking) = connect(&gateway, "fg-zsm").await;
    send(&mut zsm, check()).await.unwrap();
    assert_eq!(on(&mut browser, for_page("/")).await.status, StatusCode::OK);
    // A certificate of development is valid for ninety days.
    gateway.clock.advance(SignedDuration::from_hours(24 * 91));
    assert_eq!(weigering(send(&mut zsm, check()).await), "toegang_vervallen");
    let page = on(&mut browser, for_page("/")).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert!(page.text.contains("Is het verlopen, gebruik dan uw nieuwe"), "{}", page.text);
    drop(browser);
    talking.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leak_to_two_lokets_is_told_of_each_by_what_happened_there() {
    let gateway = TestGateway::start().await;
    let (mut zvh, mut zsm) = (gateway.client("zvh-baronie-breda").await, gateway.client("zsm").await);
    let mut two = template("scenario");
    two["ontvangers"] = serde_json::json!([
        {"partner": "zsm", "loket": "volwassenen"}, {"partner": "zsm", "loket": "jeugd"},
    ]);
    let bericht = send(&mut zvh, request(two)).await.unwrap().bericht;
    let loket = "jeugd".to_owned();
    zsm.fetch(proto::FetchRequest { bericht: bericht.clone(), loket, medewerker: "zsm-1".to_owned() }).await.unwrap();
    let withdraw = proto::WithdrawRequest {
        bericht,
        reden: proto::RedenIntrekking::VerkeerdGeadresseerd.into(),
        medewerker: "bb-1".to_owned(),
        ..Default::default()
    };
    let withdrawn = zvh.withdraw(withdraw).await.unwrap().into_inner();
    let mut kept = template("vernietigingsbevestiging");
    kept["in_antwoord_op"] = withdrawn.vernietigingsverzoek.unwrap().into();
    kept["loket"] = "jeugd".into();
    kept["inhoud"]["vernietigingsbevestiging"] =
        serde_json::json!({"uitkomst": "VERNIETIGING_UITKOMST_IN_DOSSIER_OPGENOMEN", "grond": "strafdossier"});
    send(&mut zsm, request(kept)).await.unwrap();
    // It waits for the FG whatever period she looks at.
    let overview = get(&gateway, "fg-zvh-baronie-breda", "/?van=2026-01-05&tot_en_met=2026-01-06").await.text;
    assert!(overview.contains("Mogelijk datalek: een scenario van zvh-baronie-breda/algemeen"), "{overview}");
    let page = get(&gateway, "fg-zvh-baronie-breda", "/datalekken").await.text;
    let of = |loket: &str| {
        let (_, rest) = page.split_once(&format!("aan zsm/{loket}</h2>")).unwrap_or_else(|| panic!("{page}"));
        rest.split("<h2").next().unwrap().to_owned()
    };
    let (read, unread) = (of("jeugd"), of("volwassenen"));
    assert!(read.contains("las het.") && read.contains("vroeg de ontvanger de eigen kopie te vernietigen"), "{read}");
    assert!(!read.contains("voor iemand het ophaalde") && !read.contains("nog niet geantwoord"), "{read}");
    assert!(read.contains("zsm/jeugd antwoordde op dat verzoek: de eigen kopie staat in een dossier"), "{read}");
    assert!(unread.contains("voor iemand het ophaalde") && !unread.contains("las het."), "{unread}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_be_sent_is_told_of_now_of_an_earlier_day_and_of_a_proposal() {
    let gateway = TestGateway::start().await;
    let before = today();
    gateway.clock.advance(SignedDuration::from_hours(48));
    voorstel::asks(&gateway, "bekrachtigt = \"ander\"\nna_dagen = 2").await;
    let of = voorstel::renewed(&gateway).await;
    let proposed = of.voorstel;
    let versie = async |path: String| {
        let page = get(&gateway, "fg-zsm", &path).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.text);
        let (_, rest) = page.text.split_once("Convenant zvh-baronie-breda, versie ").unwrap();
        (rest.split(',').next().unwrap().to_owned(), page.text)
    };
    let (now, text) = versie("/convenanten".to_owned()).await;
    assert!(now == "2026.1" && text.contains(&format!("voorstel={proposed}")) && text.contains("Wie nu wat"), "{text}");
    assert!(text.contains("van kracht sinds") && !text.contains("nog niet van kracht"), "{text}");
    let (then, text) = versie(format!("/convenanten?voorstel={proposed}")).await;
    assert!(then == "2026.2" && text.contains(&format!("als voorstel {proposed} geldt")), "{text}");
    assert!(text.contains("versie 2026.2, nog niet van kracht"), "{text}");
    voorstel::ratify(&gateway, "beheer-2", &of, |text| text).await.unwrap();
    gateway.clock.advance(SignedDuration::from_hours(48));
    voorstel::until_in_force(&gateway).await;
    assert_eq!(versie("/convenanten".to_owned()).await.0, "2026.2");
    let (former, text) = versie(format!("/convenanten?op={before}")).await;
    assert!(former == "2026.1" && text.contains("mocht, niet gebruikt"), "{text}");
    let drawn = get(&gateway, "fg-zsm", &format!("/stromenschema.svg?op={before}")).await;
    assert!(drawn.status == StatusCode::OK && drawn.text.contains(&format!("op {before}")), "{}", drawn.text);
}
