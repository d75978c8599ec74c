//! Withdrawal, destruction, rectificatie.

use jiff::SignedDuration;
use ketenpoort::{
    logboek::Soort,
    proto::{self, IntrekkingUitkomst, RedenIntrekking, Toestand, VernietigingUitkomst},
};
use serde_json::{Value, json};

use crate::harness::*;

const ZVH: &str = "zvh-baronie-breda";

fn withdraw(bericht: &str, reden: RedenIntrekking) -> proto::WithdrawRequest {
    proto::WithdrawRequest {
        bericht: bericht.to_owned(),
        loket: String::new(),
        reden: reden.into(),
        toelichting: None,
        medewerker: "bb-regie-03".to_owned(),
    }
}

fn answering(soort: &str, bericht: &str) -> Value {
    let mut json = template(soort);
    json["in_antwoord_op"] = json!(bericht);
    json
}

async fn sent(client: &mut Client, json: Value) -> String {
    send(client, request(json)).await.unwrap().bericht
}

async fn fetched(client: &mut Client, bericht: &str, loket: &str) -> Result<proto::Aflevering, tonic::Status> {
    let request =
        proto::FetchRequest { bericht: bericht.to_owned(), loket: loket.to_owned(), medewerker: "lezer-1".to_owned() };
    Ok(client.fetch(request).await?.into_inner().aflevering.unwrap())
}

/// To ZSM, where two loketten get it.
fn to_two() -> Value {
    let mut json = template("scenario");
    json["ontvangers"] =
        json!([{"partner": "zsm", "loket": "volwassenen"}, {"partner": "zsm", "loket": "zware-zaken"}]);
    json
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_delivered_never_is_and_who_got_it_is_asked_to_destroy_it() {
    let gateway = TestGateway::start().await;
    let (mut zvh, mut zsm) = (gateway.client(ZVH).await, gateway.client("zsm").await);
    let bericht = sent(&mut zvh, to_two()).await;
    let mut at_zsm = Receiver::open(&mut zsm, "volwassenen", 9).await.unwrap();
    at_zsm.bericht().await;
    at_zsm.confirm(&bericht).await;
    let withdrawn = zvh.withdraw(withdraw(&bericht, RedenIntrekking::CasusGesloten)).await.unwrap().into_inner();
    let uitkomsten: Vec<_> = withdrawn.intrekkingen.iter().map(proto::Intrekking::uitkomst).collect();
    assert_eq!(uitkomsten, [IntrekkingUitkomst::VernietigingGevraagd, IntrekkingUitkomst::Ingetrokken]);
    let regels = gateway.regels().await;
    for (intrekking, soort) in withdrawn.intrekkingen.iter().zip([Soort::VernietigingGevraagd, Soort::Ingetrokken]) {
        let regel = &regels[usize::try_from(intrekking.log_index).unwrap()];
        assert_eq!((regel.soort, regel.bericht.as_ref()), (soort, Some(&bericht)));
        assert!(regel.medewerker.is_some() && regel.reden.is_some() && regel.weigering.is_none());
    }
    // The one that got it gets the request; the other gets nothing, ever.
    let asked = at_zsm.bericht().await;
    assert_eq!(Some(&asked.bericht), withdrawn.vernietigingsverzoek.as_ref());
    assert_eq!(
        (asked.berichtsoort.as_str(), asked.in_antwoord_op.as_deref()),
        ("vernietigingsverzoek", Some(&*bericht))
    );
    Receiver::open(&mut gateway.client("zsm").await, "zware-zaken", 1).await.unwrap().empty().await;
    assert_eq!(weigering(fetched(&mut zsm, &bericht, "volwassenen").await), "ingetrokken");
    // Safe to repeat: the same answer, and nothing happens.
    let before = gateway.regels().await.len();
    let again = zvh.withdraw(withdraw(&bericht, RedenIntrekking::CasusGesloten)).await.unwrap().into_inner();
    assert_eq!((again.intrekkingen, again.vernietigingsverzoek), (withdrawn.intrekkingen, None));
    assert_eq!(gateway.regels().await.len(), before);
    // What its ontvanger did is logged, and its afzender sees it; also when that changes.
    sent(&mut zsm, answering("vernietigingsbevestiging", &asked.bericht)).await;
    let seen = status(&mut zvh, &bericht).await.unwrap();
    assert_eq!(seen.ontvangers[0].vernietiging(), VernietigingUitkomst::InDossierOpgenomen);
    let last = seen.tijdlijn.last().unwrap();
    assert_eq!(
        (last.soort.as_str(), last.weigering.as_deref()),
        ("vernietiging_bevestigd", Some("in_dossier_opgenomen"))
    );
    let mut destroyed = answering("vernietigingsbevestiging", &asked.bericht);
    destroyed["inhoud"]["vernietigingsbevestiging"] = json!({"uitkomst": "VERNIETIGING_UITKOMST_VERNIETIGD"});
    sent(&mut zsm, destroyed).await;
    let seen = status(&mut zvh, &bericht).await.unwrap();
    assert_eq!(seen.ontvangers[0].vernietiging(), VernietigingUitkomst::Vernietigd);
    assert_eq!(seen.ontvangers[0].toestand(), Toestand::Ingetrokken);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_content_of_what_was_withdrawn_is_gone_from_the_database() {
    let gateway = TestGateway::start().await;
    let mut zvh = gateway.client(ZVH).await;
    let bericht = sent(&mut zvh, to_two()).await;
    fetched(&mut gateway.client("zsm").await, &bericht, "volwassenen").await.unwrap();
    zvh.withdraw(withdraw(&bericht, RedenIntrekking::Onjuist)).await.unwrap();
    let mut database = gateway.sql().await;
    let left: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM berichten b JOIN postvak p ON p.bericht = b.id WHERE b.berichtsoort = 'scenario' \
         AND (b.inhoud IS NOT NULL OR p.sleutel IS NOT NULL)",
    )
    .fetch_one(&mut database)
    .await
    .unwrap();
    assert_eq!(left, 0);
    // Reading with Fetch is having got it, without any delivery.
    let seen = status(&mut zvh, &bericht).await.unwrap();
    assert!(seen.tijdlijn.iter().any(|gebeurtenis| gebeurtenis.soort == "vernietiging_gevraagd"));
}

#[tokio::test(flavor = "multi_thread")]
async fn wrongly_addressed_is_a_data_leak_that_the_logboek_shows() {
    let gateway = TestGateway::start().await;
    let mut zvh = gateway.client(ZVH).await;
    let bericht = sent(&mut zvh, template("scenario")).await;
    fetched(&mut gateway.client("zsm").await, &bericht, "volwassenen").await.unwrap();
    zvh.withdraw(withdraw(&bericht, RedenIntrekking::VerkeerdGeadresseerd)).await.unwrap();
    let regels = gateway.regels().await;
    let leak = regels.iter().find(|regel| regel.weigering.as_deref() == Some("verkeerd_geadresseerd")).unwrap();
    assert_eq!((leak.soort, leak.bericht.as_ref()), (Soort::VernietigingGevraagd, Some(&bericht)));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_afzender_withdraws_and_says_why() {
    let gateway = TestGateway::start().await;
    let (mut zvh, mut zsm) = (gateway.client(ZVH).await, gateway.client("zsm").await);
    let bericht = sent(&mut zvh, template("scenario")).await;
    for stranger in ["zsm", "zvh-zeeland"] {
        let mut client = gateway.client(stranger).await;
        assert_eq!(weigering(client.withdraw(withdraw(&bericht, RedenIntrekking::Onjuist)).await), "bericht_onbekend");
    }
    assert_eq!(weigering(zvh.withdraw(withdraw(&request_id(), RedenIntrekking::Onjuist)).await), "bericht_onbekend");
    assert_eq!(weigering(zvh.withdraw(withdraw("geen-id", RedenIntrekking::Onjuist)).await), "bericht_onbekend");
    assert_eq!(weigering(zvh.withdraw(withdraw(&bericht, RedenIntrekking::Unspecified)).await), "ongeldig_veld");
    assert_eq!(weigering(zvh.withdraw(withdraw(&bericht, RedenIntrekking::Anders)).await), "ongeldig_veld");
    let nobody = proto::WithdrawRequest { medewerker: String::new(), ..withdraw(&bericht, RedenIntrekking::Onjuist) };
    assert_eq!(weigering(zvh.withdraw(nobody).await), "ongeldig_veld");
    assert_eq!(toestand(&mut zvh, &bericht).await, Toestand::Wacht);
    // What follows another bericht is corrected by the next one.
    fetched(&mut zsm, &bericht, "volwassenen").await.unwrap();
    let rectificatie = sent(&mut zvh, answering("rectificatie", &bericht)).await;
    assert_eq!(weigering(zvh.withdraw(withdraw(&rectificatie, RedenIntrekking::Onjuist)).await), "niet_in_te_trekken");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verzoek_that_was_withdrawn_is_answered_by_nobody_and_what_ended_undelivered_cannot_be_withdrawn() {
    let gateway = TestGateway::start().await;
    let (mut zvh, mut zsm) = (gateway.client(ZVH).await, gateway.client("zsm").await);
    let at = |bericht: &str| proto::WithdrawRequest {
        loket: "volwassenen".to_owned(),
        ..withdraw(bericht, RedenIntrekking::CasusGesloten)
    };
    let verzoek = send(&mut zsm, check()).await.unwrap().bericht;
    zsm.withdraw(at(&verzoek)).await.unwrap();
    assert_eq!(weigering(send(&mut zvh, known(&verzoek)).await), "verzoek_ingetrokken");
    // An answer that was taken back makes room for a right one.
    let verzoek = send(&mut zsm, check()).await.unwrap().bericht;
    let wrong = send(&mut zvh, known(&verzoek)).await.unwrap().bericht;
    zvh.withdraw(withdraw(&wrong, RedenIntrekking::Onjuist)).await.unwrap();
    send(&mut zvh, known(&verzoek)).await.unwrap();
    let mut today_only = check();
    today_only.houdbaar_tot_en_met = Some(today().to_string());
    let lapsed = send(&mut zsm, today_only).await.unwrap().bericht;
    gateway.clock.advance(SignedDuration::from_hours(24));
    let mut zsm = gateway.client("zsm").await;
    until(&mut zsm, &lapsed, Toestand::Vervallen).await;
    assert_eq!(weigering(zsm.withdraw(at(&lapsed)).await), "al_beeindigd");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rectificatie_goes_to_everyone_who_got_the_original_also_when_it_and_its_convenant_have_lapsed() {
    let gateway = TestGateway::start().await;
    let (mut zvh, mut zsm) = (gateway.client(ZVH).await, gateway.client("zsm").await);
    let mut short = to_two();
    short["houdbaar_tot_en_met"] = json!(today().to_string());
    let bericht = sent(&mut zvh, short).await;
    fetched(&mut zsm, &bericht, "volwassenen").await.unwrap();
    gateway.clock.advance(SignedDuration::from_hours(24));
    let mut zvh = gateway.client(ZVH).await;
    until(&mut zvh, &bericht, Toestand::Vervallen).await;
    gateway.lapse().await;
    let receipt = send(&mut zvh, request(answering("rectificatie", &bericht))).await.unwrap();
    // Who never saw it has nothing to correct.
    let lokets: Vec<_> =
        receipt.aanvaardingen.iter().map(|aanvaarding| aanvaarding.ontvanger.clone().unwrap().loket).collect();
    assert_eq!(lokets, ["volwassenen"]);
    let mut zsm = gateway.client("zsm").await;
    let mut at_zsm = Receiver::open(&mut zsm, "volwassenen", 9).await.unwrap();
    let got = [at_zsm.bericht().await, at_zsm.bericht().await];
    assert_eq!(got.map(|got| got.berichtsoort), ["vervalmelding", "rectificatie"]);
    sent(&mut zsm, answering("rectificatiebevestiging", &receipt.bericht)).await;
    let confirmed = Receiver::open(&mut zvh, "", 9).await.unwrap().bericht().await;
    assert_eq!(confirmed.berichtsoort, "rectificatiebevestiging");
    assert_eq!(confirmed.gesprek, receipt.gesprek);
    // What became of it can change.
    sent(&mut zsm, answering("rectificatiebevestiging", &receipt.bericht)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_reads_a_disputed_bericht_sees_that_it_is() {
    let gateway = TestGateway::start().await;
    let (mut zvh, mut zsm) = (gateway.client(ZVH).await, gateway.client("zsm").await);
    let bericht = sent(&mut zvh, template("scenario")).await;
    let mut dispute = answering("rectificatie", &bericht);
    dispute["inhoud"]["rectificatie"]["aard"] = json!("RECTIFICATIE_AARD_BETWIST");
    let rectificatie = sent(&mut zvh, dispute).await;
    let fetched = fetched(&mut zsm, &bericht, "volwassenen").await.unwrap();
    let received = Receiver::open(&mut zsm, "volwassenen", 1).await.unwrap().bericht().await;
    for seen in [fetched.correcties, received.correcties, status(&mut zvh, &bericht).await.unwrap().correcties] {
        assert_eq!(seen.len(), 1);
        assert_eq!((&seen[0].bericht, seen[0].betwist), (&rectificatie, true));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rectificatie_by_a_stranger_or_to_others_is_refused() {
    let gateway = TestGateway::start().await;
    let (mut zvh, mut zsm) = (gateway.client(ZVH).await, gateway.client("zsm").await);
    let bericht = sent(&mut zvh, to_two()).await;
    for (stranger, loket) in [("zvh-zeeland", "algemeen"), ("zsm", "volwassenen")] {
        let mut json = answering("rectificatie", &bericht);
        json["loket"] = json!(loket);
        let refused = send(&mut gateway.client(stranger).await, request(json)).await;
        assert_eq!(weigering(refused), "rectificatie_niet_van_u");
    }
    let mut nothing = answering("rectificatie", &request_id());
    assert_eq!(weigering(send(&mut zvh, request(nothing.clone())).await), "rectificatie_niet_van_u");
    nothing["in_antwoord_op"] = Value::Null;
    assert_eq!(weigering(send(&mut zvh, request(nothing)).await), "rectificatie_niet_van_u");
    let mut to_one = answering("rectificatie", &bericht);
    to_one["ontvangers"] = json!([{"partner": "zsm", "loket": "volwassenen"}]);
    assert_eq!(weigering(send(&mut zvh, request(to_one)).await), "rectificatie_ontvangers");
    let mut with_bsn = answering("rectificatie", &bericht);
    with_bsn["inhoud"]["betrokkenen"] = json!([
        {"rol": "BETROKKENE_ROL_HOOFDPERSOON", "naam": "Jan", "geboortedatum": "1987-05-12", "bsn": "999990019"}
    ]);
    assert_eq!(weigering(send(&mut zvh, request(with_bsn)).await), "bsn_niet_toegestaan");
    // What only the gateway sends.
    for soort in ["vernietigingsverzoek", "vervalmelding", "vervalwaarschuwing"] {
        let mut json = template("scenario");
        json["inhoud"].as_object_mut().unwrap().remove("scenario");
        json["inhoud"][soort] = json!({"bericht": bericht, "berichtsoort": "scenario"});
        json["in_antwoord_op"] = json!(bericht);
        assert_eq!(weigering(send(&mut zvh, request(json)).await), "soort_van_de_poort", "{soort}");
    }
    let confirmation = send(&mut zsm, request(answering("vernietigingsbevestiging", &bericht))).await;
    assert_eq!(weigering(confirmation), "antwoord_past_niet");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_refused_at_delivery_can_be_read_when_it_is_allowed_again_and_be_corrected_and_withdrawn_before() {
    let gateway = TestGateway::start().await;
    let original = gateway.edited("convenanten/zvh-baronie-breda.toml", "2035-12-31", "2035-12-31");
    let (mut zvh, mut zsm) = (gateway.client(ZVH).await, gateway.client("zsm").await);
    let (bericht, taken_back) = (sent(&mut zvh, to_two()).await, sent(&mut zvh, to_two()).await);
    gateway.lapse().await;
    Receiver::open(&mut zsm, "volwassenen", 2).await.unwrap().empty().await;
    assert_eq!(weigering(fetched(&mut zsm, &bericht, "volwassenen").await), "aflevering_geweigerd");
    // Who can still get it is corrected with the other.
    let receipt = send(&mut zvh, request(answering("rectificatie", &bericht))).await.unwrap();
    assert_eq!(receipt.aanvaardingen.len(), 2);
    let withdrawn = zvh.withdraw(withdraw(&taken_back, RedenIntrekking::Onjuist)).await.unwrap().into_inner();
    let uitkomsten: Vec<_> = withdrawn.intrekkingen.iter().map(proto::Intrekking::uitkomst).collect();
    assert_eq!(uitkomsten, [IntrekkingUitkomst::Ingetrokken; 2]);
    gateway.load(vec![original]).await.unwrap();
    let got = fetched(&mut zsm, &bericht, "volwassenen").await.unwrap();
    assert_eq!(got.correcties.len(), 1);
    assert_eq!(weigering(fetched(&mut zsm, &taken_back, "volwassenen").await), "ingetrokken");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_leak_that_comes_to_light_later_is_logged_once_too() {
    let gateway = TestGateway::start().await;
    let mut zvh = gateway.client(ZVH).await;
    let bericht = sent(&mut zvh, template("scenario")).await;
    fetched(&mut gateway.client("zsm").await, &bericht, "volwassenen").await.unwrap();
    zvh.withdraw(withdraw(&bericht, RedenIntrekking::Onjuist)).await.unwrap();
    for _ in 0..2 {
        let again = zvh.withdraw(withdraw(&bericht, RedenIntrekking::VerkeerdGeadresseerd)).await.unwrap().into_inner();
        assert_eq!(again.intrekkingen[0].uitkomst(), IntrekkingUitkomst::VernietigingGevraagd);
    }
    let regels = gateway.regels().await;
    let leaks = regels.iter().filter(|regel| regel.weigering.as_deref() == Some("verkeerd_geadresseerd"));
    assert_eq!(leaks.map(|regel| regel.soort).collect::<Vec<_>>(), [Soort::VernietigingGevraagd]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_cannot_be_asked_to_destroy_is_not_said_to_be_asked() {
    let gateway = TestGateway::start().await;
    let mut zvh = gateway.client(ZVH).await;
    let mut json = template("verrijkingsverzoek");
    json["ontvangers"] = json!([{"partner": "vt"}]);
    let bericht = sent(&mut zvh, json).await;
    Receiver::open(&mut gateway.client("vt").await, "", 1).await.unwrap().bericht().await;
    let renamed = gateway.edited(
        "deelnemers.toml",
        "naam = \"vt\"\noin = [\"00000099000000104000\"]\norganisatie = \"Veilig Thuis\"\n\n[[partner.loket]]\nnaam = \"algemeen\"",
        "naam = \"vt\"\noin = [\"00000099000000104000\"]\norganisatie = \"Veilig Thuis\"\n\n[[partner.loket]]\nnaam = \"anders\"",
    );
    gateway.load(vec![renamed]).await.unwrap();
    for _ in 0..2 {
        let withdrawn = zvh.withdraw(withdraw(&bericht, RedenIntrekking::Onjuist)).await.unwrap().into_inner();
        assert_eq!(withdrawn.intrekkingen[0].uitkomst(), IntrekkingUitkomst::NietBereikbaar);
        assert_eq!(withdrawn.vernietigingsverzoek, None);
    }
    assert!(!gateway.soorten().await.contains(&"vernietiging_gevraagd".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_follows_is_about_the_same_people_and_is_no_way_around_the_rules() {
    let gateway = TestGateway::start_with(|config| config.bounds.postvak = 3).await;
    let (mut zvh, mut zsm) = (gateway.client(ZVH).await, gateway.client("zsm").await);
    let bericht = sent(&mut zvh, template("scenario")).await;
    let about = |naam: &str| {
        let mut json = answering("rectificatie", &bericht);
        json["inhoud"]["betrokkenen"] =
            json!([{"rol": "BETROKKENE_ROL_HOOFDPERSOON", "naam": naam, "geboortedatum": "1987-05-12"}]);
        json
    };
    assert_eq!(weigering(send(&mut zvh, request(about("Iemand Anders"))).await), "betrokkene_anders");
    let mut partial = about("Heel Ander");
    partial["inhoud"]["betrokkenen"][0]["geboortedatum"] = json!("1990");
    assert_eq!(weigering(send(&mut zvh, request(partial)).await), "betrokkene_anders");
    // A date of birth that was wrong is what a rectificatie is for.
    let mut corrected = about("Voorbeeld, Jan");
    corrected["inhoud"]["betrokkenen"][0]["geboortedatum"] = json!("1987-12-05");
    sent(&mut zvh, corrected).await;
    sent(&mut zvh, about("jan voorbeeld")).await;
    for _ in 2..20 {
        sent(&mut zvh, answering("rectificatie", &bericht)).await;
    }
    assert_eq!(weigering(send(&mut zvh, request(answering("rectificatie", &bericht))).await), "te_vaak_gevolgd");
    // They do not keep others out of the postvak.
    for _ in 0..2 {
        sent(&mut zvh, template("scenario")).await;
    }
    assert_eq!(weigering(send(&mut zvh, request(template("scenario"))).await), "postvak_vol");
    let mut receiver = Receiver::open(&mut zsm, "volwassenen", 30).await.unwrap();
    let mut got = Vec::new();
    for _ in 0..23 {
        got.push(receiver.bericht().await.bericht);
    }
    for bericht in got {
        receiver.confirm(&bericht).await;
    }
    for _ in 0..3 {
        sent(&mut zvh, template("scenario")).await;
    }
    assert_eq!(weigering(send(&mut zvh, request(template("scenario"))).await), "postvak_vol");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_who_withdraw_at_once_hear_the_same() {
    let gateway = TestGateway::start().await;
    let zvh = gateway.client(ZVH).await;
    let bericht = sent(&mut zvh.clone(), template("scenario")).await;
    fetched(&mut gateway.client("zsm").await, &bericht, "volwassenen").await.unwrap();
    let withdrawing = (0..16).map(|_| {
        let (mut zvh, request) = (zvh.clone(), withdraw(&bericht, RedenIntrekking::Onjuist));
        tokio::spawn(async move { zvh.withdraw(request).await.unwrap().into_inner() })
    });
    let (mut first, mut sent) = (None, 0);
    for withdrawn in withdrawing.collect::<Vec<_>>() {
        let withdrawn = withdrawn.await.unwrap();
        sent += usize::from(withdrawn.vernietigingsverzoek.is_some());
        assert_eq!(withdrawn.intrekkingen[0].uitkomst(), IntrekkingUitkomst::VernietigingGevraagd);
        assert_eq!(*first.get_or_insert(withdrawn.intrekkingen.clone()), withdrawn.intrekkingen);
    }
    assert_eq!(sent, 1);
}
