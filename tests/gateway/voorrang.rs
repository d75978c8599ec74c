//! Two convenanten on one exchange: the senior one stamps, another one who names it.

use ketenpoort::{proto, store::verify};

use crate::harness::*;

const BREDA: &str = "convenanten/zvh-baronie-breda.toml";

/// A convenant that allows what `check` sends, on another grondslag and for six months. It says that it began years ago.
const TWEEDE: &str = r#"naam = "a-tweede"
titel = "Nog een convenant"
versie = "1"
partijen = ["zsm", "zvh-baronie-breda"]
geldig_van = 2020-01-01
geldig_tot_en_met = 2035-12-31

[[grondslag]]
id = "toestemming"
citaat = "Toestemming"
omschrijving = "De betrokkene stemt in."
bron = "Een test"
status = "bevestigd"
verwerkingsactiviteit = "https://verwerkingsregister.voorbeeld.test/toestemming"

[[regel]]
id = "half-jaar"
berichtsoort = "bekendheidscheck"
van = ["zsm"]
naar = ["zvh-baronie-breda"]
grondslag = ["toestemming"]
houdbaarheid_maanden = 6
afwijking = "het onderzoek duurt langer"
telt_vanaf = "aanvaarding"
"#;

fn document(tekst: &str) -> proto::NieuwDocument {
    proto::NieuwDocument { herkomst: "tweede.toml".to_owned(), tekst: tekst.to_owned() }
}

async fn change(
    gateway: &TestGateway,
    laden: Vec<proto::NieuwDocument>,
    intrekken: &[&str],
    proef: bool,
) -> proto::ChangeDocumentsResponse {
    let request = proto::ChangeDocumentsRequest {
        laden,
        intrekken: intrekken.iter().map(ToString::to_string).collect(),
        reden: "een test".to_owned(),
        medewerker: "beheer-7".to_owned(),
        proef,
    };
    gateway.beheer().await.change_documents(request).await.unwrap().into_inner()
}

/// Grondslag, rule and last day that a bericht gets.
async fn stamp(gateway: &TestGateway, request: proto::SendRequest) -> (String, String, String) {
    let receipt = send(&mut gateway.client("zsm").await, request).await.unwrap();
    let stempel = receipt.aanvaardingen[0].stempel.clone().unwrap();
    (stempel.grondslag, stempel.regel, stempel.houdbaar_tot_en_met)
}

async fn grondslag(gateway: &TestGateway) -> String {
    stamp(gateway, check()).await.0
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_convenant_changes_no_stamp_and_stamps_who_names_it() {
    let mut gateway = TestGateway::start().await;
    let before = stamp(&gateway, check()).await;
    let told = |response: &proto::ChangeDocumentsResponse| {
        response.gevolgen.iter().any(|zin| {
            zin.starts_with("Meer dan een convenant: bekendheidscheck van zsm")
                && zin.contains("stempelt convenant zvh-baronie-breda")
                && zin.contains("wie grondslag toestemming of convenant a-tweede noemt")
                && zin.contains("Won de langste termijn")
        })
    };
    let dry = change(&gateway, vec![document(TWEEDE)], &[], true).await;
    assert!(told(&dry), "{:?}", dry.gevolgen);
    let loaded = change(&gateway, vec![document(TWEEDE)], &[], false).await;
    assert!(told(&loaded), "{:?}", loaded.gevolgen);
    assert_eq!(stamp(&gateway, check()).await, before);
    let by_grondslag = proto::SendRequest { grondslag: Some("toestemming".to_owned()), ..check() };
    let by_name = |naam: &str| proto::SendRequest { convenant: Some(naam.to_owned()), ..check() };
    for chosen in [by_grondslag, by_name("a-tweede")] {
        let (grondslag, regel, until) = stamp(&gateway, chosen).await;
        assert_eq!((grondslag.as_str(), regel.as_str()), ("toestemming", "half-jaar"));
        assert!(until > before.2, "{until}");
    }
    let mut zsm = gateway.client("zsm").await;
    for other in ["bestaat-niet", "bij"] {
        assert_eq!(weigering(send(&mut zsm, by_name(other)).await), "convenant_niet_toegestaan");
    }
    // Another choice is another bericht.
    let first = by_name("a-tweede");
    send(&mut zsm, first.clone()).await.unwrap();
    let again = proto::SendRequest { convenant: None, ..first };
    assert_eq!(weigering(send(&mut zsm, again).await), "request_id_hergebruikt");
    // It is read from the database again.
    gateway.restart_with(|_| {}).await;
    assert_eq!(stamp(&gateway, check()).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_version_keeps_its_place_and_a_withdrawal_loses_it() {
    let gateway = TestGateway::start().await;
    let before = grondslag(&gateway).await;
    change(&gateway, vec![document(TWEEDE)], &[], false).await;
    change(&gateway, vec![gateway.edited(BREDA, "2026.1", "2026.2")], &[], false).await;
    assert_eq!(grondslag(&gateway).await, before);
    let gone = change(&gateway, Vec::new(), &["zvh-baronie-breda"], true).await;
    let other = |zin: &String| {
        zin.starts_with("Ander stempel: bekendheidscheck")
            && zin.contains("nu convenant a-tweede (grondslag toestemming")
    };
    assert!(gone.gevolgen.iter().any(other), "{:?}", gone.gevolgen);
    change(&gateway, Vec::new(), &["zvh-baronie-breda"], false).await;
    assert_eq!(grondslag(&gateway).await, "toestemming");
    // Back again it comes behind.
    change(&gateway, vec![gateway.edited(BREDA, "2026.1", "2026.3")], &[], false).await;
    assert_eq!(grondslag(&gateway).await, "toestemming");
    change(&gateway, Vec::new(), &["a-tweede"], false).await;
    assert_eq!(grondslag(&gateway).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_that_are_loaded_together_need_staat_achter() {
    let gateway = TestGateway::start().await;
    let derde = TWEEDE.replace("a-tweede", "b-derde").replace("\"toestemming\"", "\"wet\"");
    let status = gateway.load(vec![document(TWEEDE), document(&derde)]).await.unwrap_err();
    assert_eq!(weigering::<()>(Err(status.clone())), "document_onjuist");
    let told = tonic_types::StatusExt::get_details_bad_request(&status).unwrap().field_violations;
    assert!(told[0].description.starts_with("samen_van_kracht: convenant a-tweede en convenant b-derde"), "{told:?}");
    let behind = derde.replace("versie = \"1\"", "versie = \"1\"\nstaat_achter = [\"a-tweede\"]");
    gateway.load(vec![document(TWEEDE), document(&behind)]).await.unwrap();
    change(&gateway, Vec::new(), &["zvh-baronie-breda"], false).await;
    assert_eq!(grondslag(&gateway).await, "toestemming");
    // Circles and itself are mistakes too.
    for (wrong, code) in [("b-derde", "staat_achter_kring"), ("a-tweede", "staat_achter_zichzelf")] {
        let tekst = TWEEDE.replace("versie = \"1\"", &format!("versie = \"1\"\nstaat_achter = [\"{wrong}\"]"));
        let status = gateway.load(vec![document(&tekst)]).await.unwrap_err();
        let told = tonic_types::StatusExt::get_details_bad_request(&status).unwrap().field_violations;
        assert!(told[0].description.starts_with(code), "{told:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn since_when_a_text_counts_is_held_to_its_regel() {
    let gateway = TestGateway::start().await;
    let mut sql = gateway.sql().await;
    let read = gateway.read().await;
    let verify = async || verify::verify(&read, &gateway.vkey(), &[], None, &|_, _| {}).await;
    let earlier = "UPDATE documenten SET tijd = tijd - 1 WHERE naam = 'bij'";
    sqlx::query(earlier).execute(&mut sql).await.unwrap();
    let found = verify().await.unwrap_err().to_string();
    assert!(found.contains("de tijd van de bewaarde tekst is niet die van de regel"), "{found}");
    sqlx::query("UPDATE documenten SET tijd = tijd + 1 WHERE naam = 'bij'").execute(&mut sql).await.unwrap();
    verify().await.unwrap();
}
