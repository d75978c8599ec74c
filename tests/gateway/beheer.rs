//! What is in force is changed while the gateway runs.

use std::time::{Duration, Instant};

use ketenpoort::{
    logboek::Soort,
    proto::{self, Ontvangstbewijs, receive_response::Antwoord},
};
use serde_json::json;
use tokio::task::JoinSet;
use tonic::{Status, transport::Channel};
use tonic_types::StatusExt;

use crate::harness::*;

const BREDA: &str = "convenanten/zvh-baronie-breda.toml";
const ZEELAND: &str = "convenanten/zvh-zeeland.toml";
const DEELNEMERS: &str = "deelnemers.toml";

/// A certificate that is removed is out within this.
const OUT_WITHIN: Duration = Duration::from_secs(1);

async fn documents(gateway: &TestGateway) -> proto::ListDocumentsResponse {
    gateway.beheer().await.list_documents(proto::ListDocumentsRequest {}).await.unwrap().into_inner()
}

fn hash_of(listed: &proto::ListDocumentsResponse, naam: &str) -> String {
    listed.documenten.iter().find(|document| document.naam == naam).unwrap().hash.clone()
}

fn stempel(receipt: &Ontvangstbewijs) -> &proto::Stempel {
    receipt.aanvaardingen[0].stempel.as_ref().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_logged_with_both_hashes_and_counts_for_the_next_bericht() {
    let gateway = TestGateway::start().await;
    let mut zsm = gateway.client("zsm").await;
    let before = send(&mut zsm, check()).await.unwrap();
    let longer = gateway.edited(BREDA, "versie = \"2026.1\"", "versie = \"2026.2\"");
    let text = longer.tekst.clone();
    let old = hash_of(&documents(&gateway).await, "zvh-baronie-breda");
    let changed = gateway.load(vec![longer]).await.unwrap();
    let [wijziging] = changed.wijzigingen.as_slice() else { panic!("one document changed: {changed:?}") };
    assert_eq!(wijziging.hash_oud.as_ref(), Some(&old));
    let regel = gateway.verify_proof(wijziging.bewijs.as_deref().unwrap());
    assert_eq!(regel.soort, Soort::ConvenantGewijzigd);
    assert_eq!((&regel.convenant, &regel.convenant_oud), (&wijziging.hash, &Some(old.clone())));
    assert_eq!((regel.rol.as_deref(), regel.reden.is_some(), regel.medewerker.is_some()), (Some("beheer"), true, true));
    let after = send(&mut zsm, check()).await.unwrap();
    assert_eq!((&stempel(&before).convenant, Some(&stempel(&after).convenant)), (&old, wijziging.hash.as_ref()));
    let asked = proto::GetDocumentRequest { naam: "zvh-baronie-breda".to_owned(), ..Default::default() };
    let shown = gateway.beheer().await.get_document(asked).await.unwrap().into_inner();
    assert_eq!((shown.tekst, shown.document.unwrap().versie.unwrap()), (text, "2026.2".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_text_again_changes_nothing_and_logs_nothing() {
    let gateway = TestGateway::start().await;
    let regels = gateway.regels().await.len();
    let same = gateway.edited(BREDA, "2026.1", "2026.1");
    let changed = gateway.load(vec![same]).await.unwrap();
    assert_eq!((changed.versie, changed.wijzigingen.len()), (regels as u64, 0));
    assert_eq!(gateway.regels().await.len(), regels);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_with_a_mistake_changes_nothing_and_names_every_mistake() {
    let gateway = TestGateway::start().await;
    let before = documents(&gateway).await;
    let good = gateway.edited(ZEELAND, "versie = \"2026.1\"", "versie = \"2026.2\"");
    let bad = gateway.edited(BREDA, "telt_vanaf = \"aanvaarding\"", "telt_vanaf = \"gisteren\"");
    let status = gateway.load(vec![good, bad]).await.unwrap_err();
    let violations = status.get_details_bad_request().unwrap().field_violations;
    assert!(violations.len() > 3, "{violations:?}");
    for violation in violations {
        let (file, line) = violation.field.rsplit_once(':').unwrap();
        assert!(file == BREDA && line.parse::<usize>().unwrap() > 1, "{violation:?}");
        assert!(violation.description.starts_with("verkeerde_vorm: telt_vanaf moet"), "{violation:?}");
    }
    assert_eq!(weigering::<()>(Err(status)), "document_onjuist");
    assert_eq!(documents(&gateway).await, before);
    assert_eq!(gateway.soorten().await.last().unwrap(), "geweigerd:document_onjuist");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawn_convenant_stops_only_its_own_flows() {
    let gateway = TestGateway::start().await;
    let request_of = |intrekken: &str| proto::ChangeDocumentsRequest {
        intrekken: vec![intrekken.to_owned()],
        reden: "opgezegd".to_owned(),
        medewerker: "beheer-7".to_owned(),
        ..Default::default()
    };
    let mut beheer = gateway.beheer().await;
    assert_eq!(weigering(beheer.change_documents(request_of("bestaat-niet")).await), "document_onbekend");
    // The deelnemers can be replaced, never withdrawn.
    assert_eq!(weigering(beheer.change_documents(request_of("deelnemers")).await), "document_onbekend");
    let withdrawn = beheer.change_documents(request_of("zvh-zeeland")).await.unwrap().into_inner();
    assert!(withdrawn.wijzigingen[0].hash.is_none() && withdrawn.wijzigingen[0].hash_oud.is_some());
    let mut zsm = gateway.client("zsm").await;
    let mut to_zeeland = check();
    to_zeeland.ontvangers[0].partner = "zvh-zeeland".to_owned();
    assert_eq!(weigering(send(&mut zsm, to_zeeland).await), "geen_regel");
    send(&mut zsm, check()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_removed_loses_its_live_stream_within_a_second_and_gets_in_no_more() {
    let gateway = TestGateway::start().await;
    let mut zsm = gateway.client("zsm").await;
    let mut receiver = Receiver::open(&mut zsm, "volwassenen", 1).await.unwrap();
    receiver.empty().await;
    let mut zvh = gateway.client("zvh-baronie-breda").await;
    let mut other = Receiver::open(&mut zvh, "", 1).await.unwrap();
    other.empty().await;
    let without = gateway.edited(DEELNEMERS, "san = \"zsm.ketenpoort.test\"", "san = \"weg.ketenpoort.test\"");
    let from = Instant::now();
    gateway.load(vec![without]).await.unwrap();
    assert!(receiver.next().await.is_err());
    assert!(from.elapsed() < OUT_WITHIN, "{:?}", from.elapsed());
    let error = gateway.profile("zsm").connect().await.expect_err("a removed identity got in");
    assert!(unreachable(&error).contains("AccessDenied"), "{error}");
    // Who stays is not disturbed.
    let zsm_back = gateway.edited(DEELNEMERS, "naam = \"zsm\"", "naam = \"zsm\"");
    gateway.load(vec![zsm_back]).await.unwrap();
    send(&mut gateway.client("zsm").await, check()).await.unwrap();
    assert!(matches!(other.next().await.unwrap(), Antwoord::Aflevering(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn beheer_cannot_lock_itself_out() {
    let gateway = TestGateway::start().await;
    let without = gateway.edited(DEELNEMERS, "san = \"beheer.ketenpoort.test\"", "san = \"weg.ketenpoort.test\"");
    // Another operator remains, but not who asks for it.
    let status = gateway.load(vec![without]).await.map(drop);
    let described = status.as_ref().unwrap_err().get_details_bad_request().unwrap().field_violations;
    assert!(described[0].description.starts_with("sluit_buiten"), "{described:?}");
    assert_eq!(weigering(status), "document_onjuist");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_port_is_for_its_own_role() {
    let gateway = TestGateway::start().await;
    let partner = gateway.profile("zsm");
    let beheer_adres = std::fs::read_to_string(gateway.profile_dir("beheer").join("profiel.toml")).unwrap();
    let beheer_adres = beheer_adres.lines().find(|line| line.starts_with("adres")).unwrap().to_owned();
    let own = std::fs::read_to_string(gateway.profile_dir("zsm").join("profiel.toml")).unwrap();
    let own_adres = format!("adres = \"{}\"", partner.adres());
    std::fs::write(gateway.profile_dir("zsm").join("profiel.toml"), own.replace(&own_adres, &beheer_adres)).unwrap();
    let channel: Channel = gateway.profile("zsm").channel().await.unwrap();
    let mut client = proto::client::BeheerServiceClient::new(channel);
    assert_eq!(weigering(client.list_documents(proto::ListDocumentsRequest {}).await), "verkeerde_rol");
}

/// A melding of dji to one ZVH.
fn melding(to: &[&str]) -> proto::SendRequest {
    let mut json = template("melding_18b");
    json["ontvangers"] = to.iter().map(|partner| json!({"partner": partner})).collect();
    request(json)
}

async fn as_politie(gateway: &TestGateway, to: &[&str]) -> Result<Ontvangstbewijs, Status> {
    let mut request = melding(to);
    request.loket = "algemeen".to_owned();
    send(&mut gateway.client("politie").await, request).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_melding_for_the_mayor_needs_a_mandaat_of_today_at_acceptance_and_at_delivery() {
    let gateway = TestGateway::start().await;
    let mut dji = gateway.client("dji").await;
    let sent = send(&mut dji, melding(&["zvh-baronie-breda"])).await.unwrap();
    let text = gateway.edited(DEELNEMERS, "[[mandaat]]", "[[mandaat]]");
    let start = text.tekst.find("\n[[mandaat]]").unwrap();
    let (others, mandaten) = text.tekst.split_at(start);
    let lapsed = mandaten.replace("geldig_tot_en_met = 2035-12-31", &format!("geldig_tot_en_met = {}", yesterday()));
    let load = async |mandaten: &str| {
        let tekst = format!("{others}{mandaten}");
        gateway.load(vec![proto::NieuwDocument { herkomst: DEELNEMERS.to_owned(), tekst }]).await.unwrap();
    };
    load(&lapsed).await;
    assert_eq!(weigering(send(&mut dji, melding(&["zvh-baronie-breda"])).await), "mandaat_verlopen");
    send(&mut dji, melding(&["om"])).await.unwrap();
    Receiver::open(&mut gateway.client("zvh-baronie-breda").await, "", 1).await.unwrap().empty().await;
    let seen = status(&mut dji, &sent.bericht).await.unwrap();
    assert_eq!(seen.tijdlijn.last().unwrap().weigering.as_deref(), Some("mandaat_verlopen"));
    load("").await;
    assert_eq!(weigering(send(&mut dji, melding(&["zvh-baronie-breda"])).await), "mandaat_ontbreekt");
}

fn yesterday() -> jiff::civil::Date {
    today().yesterday().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_melding_not_from_dji_needs_dji_among_its_ontvangers() {
    let gateway = TestGateway::start().await;
    assert_eq!(weigering(as_politie(&gateway, &["om"]).await), "mede_ontvanger_ontbreekt");
    assert_eq!(as_politie(&gateway, &["om", "dji"]).await.unwrap().aanvaardingen.len(), 2);
    as_politie(&gateway, &["dji"]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_can_be_for_one_categorie_only() {
    let gateway = TestGateway::start().await;
    let from = "id = \"melding-18b-van-dji\"\n";
    let only = gateway.edited("convenanten/melding-18b.toml", from, &format!("{from}categorie = \"zeden\"\n"));
    gateway.load(vec![only]).await.unwrap();
    let mut dji = gateway.client("dji").await;
    let mut json = template("melding_18b");
    json["ontvangers"] = json!([{"partner": "om"}]);
    json["inhoud"]["melding_18b"]["soort_risico"] = json!("SOORT_RISICO_ERNSTIG_GEWELD");
    assert_eq!(weigering(send(&mut dji, request(json.clone())).await), "categorie_niet_toegestaan");
    json["inhoud"]["melding_18b"]["soort_risico"] = json!("SOORT_RISICO_ZEDEN");
    send(&mut dji, request(json)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn content_kept_until_confirmation_is_gone_after_it_and_its_receipt_is_not() {
    let gateway = TestGateway::start().await;
    let mut zsm = gateway.client("zsm").await;
    let mut verzoek = check();
    verzoek.ontvangers[0].partner = "zvh-zeeland".to_owned();
    let verzoek = send(&mut zsm, verzoek).await.unwrap().bericht;
    let mut zeeland = gateway.client("zvh-zeeland").await;
    let answer = known(&verzoek);
    let receipt = send(&mut zeeland, answer.clone()).await.unwrap();
    let fetch = || proto::FetchRequest {
        bericht: receipt.bericht.clone(),
        loket: "volwassenen".to_owned(),
        medewerker: "lezer-1".to_owned(),
    };
    zsm.fetch(fetch()).await.unwrap();
    let mut receiver = Receiver::open(&mut zsm, "volwassenen", 1).await.unwrap();
    let got = receiver.bericht().await;
    assert_eq!(got.inhoud, answer.inhoud);
    receiver.confirm(&got.bericht).await;
    assert_eq!(weigering(zsm.fetch(fetch()).await), "inhoud_niet_bewaard");
    let soorten = gateway.soorten().await;
    assert_eq!(soorten[soorten.len() - 3..], ["bevestigd", "vernietigd", "geweigerd:inhoud_niet_bewaard"]);
    // Nothing of it is left to be read, by anybody.
    let mut database = gateway.sql().await;
    let left: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM berichten b JOIN postvak p ON p.bericht = b.id \
         WHERE p.bewaar_inhoud = 'bevestiging' AND (b.inhoud IS NOT NULL OR p.sleutel IS NOT NULL)",
    )
    .fetch_one(&mut database)
    .await
    .unwrap();
    assert_eq!(left, 0);
    assert_eq!(send(&mut zeeland, answer.clone()).await.unwrap(), receipt);
    let mut other = answer;
    other.inhoud.as_mut().unwrap().casusnummer_afzender = "ANDERS".to_owned();
    assert_eq!(weigering(send(&mut zeeland, other).await), "request_id_hergebruikt");
}

/// The end of the test verifies that each was accepted under a convenant that was in force at its regel.
#[tokio::test(flavor = "multi_thread")]
async fn berichten_under_load_are_judged_by_what_is_in_force_at_their_regel() {
    let gateway = TestGateway::start().await;
    let mut senders = JoinSet::new();
    for _ in 0..4 {
        let mut zsm = gateway.client("zsm").await;
        senders.spawn(async move {
            let mut hashes = Vec::new();
            for _ in 0..30 {
                hashes.push(stempel(&send(&mut zsm, check()).await.unwrap()).convenant.clone());
            }
            hashes
        });
    }
    let mut versies = 0;
    while !senders.is_empty() && versies < 200 {
        versies += 1;
        let next = gateway.edited(BREDA, "versie = \"2026.1\"", &format!("versie = \"2026.1.{versies}\""));
        gateway.load(vec![next]).await.unwrap();
        while senders.try_join_next().map(Result::unwrap).is_some_and(|hashes: Vec<String>| !hashes.is_empty()) {}
    }
    assert!(versies > 1, "nothing changed while they sent");
}

/// The logboek names a partner by the OIN of the moment: what it was must not be taken for tampering later.
#[tokio::test(flavor = "multi_thread")]
async fn a_partner_can_get_another_oin_and_its_logboek_still_verifies() {
    let gateway = TestGateway::start().await;
    send(&mut gateway.client("zsm").await, check()).await.unwrap();
    let other = gateway.edited(DEELNEMERS, "00000099000000105000", "00000099000000105007");
    gateway.load(vec![other]).await.unwrap();
    let error = gateway.profile("zsm").connect().await.expect_err("the former OIN got in");
    assert!(unreachable(&error).contains("AccessDenied"), "{error}");
    let found = std::process::Command::new(env!("CARGO_BIN_EXE_ketenpoort"))
        .args(["logboek", "search", "--partner", "zsm", "--soort", "aanvaard", "--config"])
        .arg(gateway.path().join("ketenpoort.toml"))
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(found.stdout).unwrap().lines().count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_identities_that_one_certificate_could_open_are_refused() {
    let gateway = TestGateway::start().await;
    for (oin, rol) in [("00000099000000402000", "beheer"), ("00000099000000101000", "om")] {
        let mut text = gateway.edited(DEELNEMERS, "[[mandaat]]", "[[mandaat]]");
        let (partner, rol) = if rol == "beheer" { ("beheer", "beheer") } else { (rol, "partner") };
        let other = format!(
            "\n[[identiteit]]\nca = \"ontwikkel\"\noin = \"{oin}\"\npartner = \"{partner}\"\nrol = \"{rol}\"\n"
        );
        text.tekst += &other;
        let status = gateway.load(vec![text]).await.unwrap_err();
        let told = status.get_details_bad_request().unwrap().field_violations;
        assert!(told.iter().any(|told| told.description.starts_with("identiteit_dubbelzinnig")), "{told:?}");
    }
    documents(&gateway).await;
}

/// Also what was under way: a call that is judged again is judged with who is in force then.
#[tokio::test(flavor = "multi_thread")]
async fn after_the_regel_that_removes_a_partner_nothing_of_it_is_accepted() {
    let gateway = TestGateway::start().await;
    let mut senders = JoinSet::new();
    for _ in 0..8 {
        let mut zsm = gateway.client("zsm").await;
        senders.spawn(async move { while send(&mut zsm, check()).await.is_ok() {} });
    }
    let without = gateway.edited(DEELNEMERS, "san = \"zsm.ketenpoort.test\"", "san = \"weg.ketenpoort.test\"");
    gateway.load(vec![without]).await.unwrap();
    while senders.join_next().await.is_some() {}
    let regels = gateway.regels().await;
    let removed = regels.iter().rposition(|regel| regel.soort == Soort::PartnerGewijzigd).unwrap();
    let later = regels[removed..].iter().filter(|regel| regel.soort == Soort::Aanvaard).count();
    assert_eq!(later, 0, "berichten of a removed partner were accepted");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_with_many_long_mistakes_still_arrives() {
    let gateway = TestGateway::start().await;
    let strange = format!("van = [\"{}\"]", "x".repeat(20_000));
    let wrong = gateway.edited(BREDA, "van = [\"zvh-baronie-breda\"]", &strange);
    let status = gateway.load(vec![wrong]).await.unwrap_err();
    let told = status.get_details_bad_request().unwrap().field_violations;
    assert!(told.iter().all(|told| told.description.len() < 1000), "{told:?}");
    let both = proto::ChangeDocumentsRequest {
        laden: vec![gateway.edited(BREDA, "2026.1", "2026.2")],
        intrekken: vec!["zvh-baronie-breda".to_owned()],
        reden: "tegenspraak".to_owned(),
        medewerker: "beheer-7".to_owned(),
        proef: false,
    };
    assert_eq!(weigering(gateway.beheer().await.change_documents(both).await), "ongeldig_veld");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_tells_what_deserves_a_second_look_since() {
    let gateway = TestGateway::start().await;
    let harmless = gateway.load(vec![gateway.edited(ZEELAND, "2026.1", "2026.2")]).await.unwrap();
    assert_eq!(harmless.waarschuwingen, Vec::<String>::new());
    // Under another name it stands beside the first one.
    let renamed = gateway.edited(ZEELAND, "naam = \"zvh-zeeland\"", "naam = \"zvh-zeeland-2\"");
    let told = gateway.load(vec![renamed]).await.unwrap();
    assert!(told.gevolgen.iter().any(|zin| zin.starts_with("Meer dan een convenant: ")), "{told:?}");
    // Said once: not as a warning too.
    assert_eq!(
        told.waarschuwingen.iter().filter(|told| told.contains("meer dan een convenant")).count(),
        0,
        "{told:?}"
    );
}
