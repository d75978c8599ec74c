//! Renewal, finding, lapsing and terugkoppeling of a scenario.

use jiff::{SignedDuration, ToSpan};
use ketenpoort::{
    logboek::{Logregel, Soort},
    proto::{self, Kenmerk, Toestand},
};
use serde_json::{Value, json};

use crate::harness::*;

const ZVH: &str = "zvh-baronie-breda";

pub fn scenario() -> Value {
    let mut json = template("scenario");
    json["inhoud"]["betrokkenen"] = json!([
        {"rol": "BETROKKENE_ROL_HOOFDPERSOON", "naam": "Bram van Verzonnenhove", "geboortedatum": "1987-05-12", "skn": "7310482"},
        {"rol": "BETROKKENE_ROL_GEZINSLID", "naam": "Mila van Verzonnenhove", "geboortedatum": "1990-02-03"},
    ]);
    json
}

pub fn renewal(old: &str) -> Value {
    let mut json = scenario();
    json["vervangt"] = json!(old);
    json["inhoud"]["scenario"]["actualiteit_getoetst_op"] = json!(today().to_string());
    json
}

pub async fn sent(client: &mut Client, json: Value) -> String {
    send(client, request(json)).await.unwrap().bericht
}

pub fn fetch(bericht: &str) -> proto::FetchRequest {
    let loket = "volwassenen".to_owned();
    proto::FetchRequest { bericht: bericht.to_owned(), loket, medewerker: "zsm-nacht-02".to_owned() }
}

/// A search of ZSM by name and date of birth, with more or less than that.
pub fn search(change: impl FnOnce(&mut proto::Zoekpersoon)) -> proto::FindScenarioRequest {
    let mut persoon = proto::Zoekpersoon {
        naam: Some("VERZONNENHOVE, Bram van".to_owned()),
        geboortedatum: Some("1987-05-12".to_owned()),
        ..proto::Zoekpersoon::default()
    };
    change(&mut persoon);
    proto::FindScenarioRequest {
        persoon: Some(persoon),
        zaaknummer: "ZSM-2026-004711".to_owned(),
        loket: String::new(),
        medewerker: "zsm-nacht-02".to_owned(),
    }
}

async fn found(client: &mut Client, request: proto::FindScenarioRequest) -> Vec<proto::GevondenScenario> {
    client.find_scenario(request).await.unwrap().into_inner().scenarios
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_ends_the_old_content_in_the_same_transaction_and_at_most_as_often_as_the_rule_says() {
    let gateway = TestGateway::start().await;
    let (mut zvh, mut zsm) = (gateway.client(ZVH).await, gateway.client("zsm").await);
    let first = sent(&mut zvh, scenario()).await;
    zsm.fetch(fetch(&first)).await.unwrap();
    let second = sent(&mut zvh, renewal(&first)).await;
    // The same moment, and the same thread.
    let regels = gateway.regels().await;
    let [.., new, old] = regels.as_slice() else { panic!("too few regels") };
    assert_eq!((new.soort, new.vervangt.as_deref()), (Soort::Aanvaard, Some(&*first)));
    assert_eq!((old.soort, old.bericht.as_deref()), (Soort::Vernietigd, Some(&*first)));
    assert_eq!((&old.tijd, &old.gesprek), (&new.tijd, &new.gesprek));
    assert_eq!(weigering(zsm.fetch(fetch(&first)).await), "vervangen");
    let got = zsm.fetch(fetch(&second)).await.unwrap().into_inner().aflevering.unwrap();
    assert_eq!(got.vervangt.as_deref(), Some(&*first));
    let seen = status(&mut zvh, &first).await.unwrap();
    assert_eq!(seen.ontvangers[0].toestand(), Toestand::Vervangen);
    assert_eq!(seen.vervangen_door.as_deref(), Some(&*second));
    // The rule of the example allows two renewals, and a third is one too many.
    let third = sent(&mut zvh, renewal(&second)).await;
    assert_eq!(weigering(send(&mut zvh, request(renewal(&third))).await), "te_vaak_verlengd");
    let thread = status(&mut zvh, &third).await.unwrap().gesprek_berichten;
    assert_eq!(thread.iter().map(|bericht| bericht.bericht.as_str()).collect::<Vec<_>>(), [&first, &second, &third]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_of_renewals_has_no_forks_no_cycles_and_no_strangers() {
    let gateway = TestGateway::start().await;
    let mut zvh = gateway.client(ZVH).await;
    let first = sent(&mut zvh, scenario()).await;
    let second = sent(&mut zvh, renewal(&first)).await;
    // Back to the beginning, or beside what replaced it: each is replaced once.
    assert_eq!(weigering(send(&mut zvh, request(renewal(&first))).await), "al_vervangen");
    let mut itself = request(renewal(&second));
    itself.vervangt = Some(itself.request_id.clone());
    assert_eq!(weigering(send(&mut zvh, itself).await), "vervangt_niet_van_u");
    let mut zeeland = gateway.client("zvh-zeeland").await;
    assert_eq!(weigering(send(&mut zeeland, request(renewal(&second))).await), "vervangt_niet_van_u");
    let mut elsewhere = renewal(&second);
    elsewhere["ontvangers"] = json!([{"partner": "zsm", "loket": "jeugd"}]);
    assert_eq!(weigering(send(&mut zvh, request(elsewhere)).await), "vervangt_past_niet");
    let mut unchecked = renewal(&second);
    unchecked["inhoud"]["scenario"].as_object_mut().unwrap().remove("actualiteit_getoetst_op");
    assert_eq!(weigering(send(&mut zvh, request(unchecked)).await), "actualiteit_niet_getoetst");
    let mut about_another = renewal(&second);
    about_another["inhoud"]["betrokkenen"][0]["naam"] = json!("Iemand Anders");
    about_another["inhoud"]["betrokkenen"][0]["skn"] = json!("1234567");
    assert_eq!(weigering(send(&mut zvh, request(about_another)).await), "betrokkene_anders");
    // Nor about another in the same systeem, nor about somebody whose date of birth is known in part only.
    let mut about_sister = renewal(&second);
    about_sister["inhoud"]["betrokkenen"] = json!([
        {"rol": "BETROKKENE_ROL_HOOFDPERSOON", "naam": "Mila van Verzonnenhove", "geboortedatum": "1990-02-03"},
    ]);
    assert_eq!(weigering(send(&mut zvh, request(about_sister.clone())).await), "betrokkene_anders");
    about_sister["inhoud"]["betrokkenen"][0]["naam"] = json!("Totaal Ander");
    about_sister["inhoud"]["betrokkenen"][0]["geboortedatum"] = json!("1960");
    assert_eq!(weigering(send(&mut zvh, request(about_sister)).await), "betrokkene_anders");
    let mut stale = renewal(&second);
    stale["inhoud"]["scenario"]["actualiteit_getoetst_op"] = json!(today().yesterday().unwrap().to_string());
    assert_eq!(weigering(send(&mut zvh, request(stale)).await), "actualiteit_niet_getoetst");
    let withdraw = proto::WithdrawRequest {
        bericht: second.clone(),
        reden: proto::RedenIntrekking::CasusGesloten.into(),
        medewerker: "bb-regie-03".to_owned(),
        ..proto::WithdrawRequest::default()
    };
    zvh.withdraw(withdraw).await.unwrap();
    assert_eq!(weigering(send(&mut zvh, request(renewal(&second))).await), "niet_te_verlengen");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_renewals_at_once_make_one() {
    let gateway = TestGateway::start().await;
    let mut zvh = gateway.client(ZVH).await;
    let first = sent(&mut zvh, scenario()).await;
    let renewing = (0..8).map(|_| {
        let (mut zvh, json) = (zvh.clone(), renewal(&first));
        tokio::spawn(async move { send(&mut zvh, request(json)).await })
    });
    let mut outcomes = Vec::new();
    for renewed in renewing.collect::<Vec<_>>() {
        outcomes.push(renewed.await.unwrap());
    }
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    for refused in outcomes.into_iter().filter(Result::is_err) {
        assert_eq!(weigering(refused), "al_vervangen");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scenario_is_found_by_whom_it_is_about_and_each_hit_and_miss_is_logged() {
    let gateway = TestGateway::start().await;
    let (mut zvh, mut zsm) = (gateway.client(ZVH).await, gateway.client("zsm").await);
    let bericht = sent(&mut zvh, scenario()).await;
    let by_name = found(&mut zsm, search(|_| {})).await;
    assert_eq!(by_name.len(), 1);
    assert_eq!(
        (&by_name[0].bericht, by_name[0].kenmerk(), by_name[0].hoofdpersoon),
        (&bericht, Kenmerk::NaamGeboortedatum, true)
    );
    let by_skn = |persoon: &mut proto::Zoekpersoon| {
        *persoon = proto::Zoekpersoon { skn: Some("07310482".to_owned()), ..proto::Zoekpersoon::default() };
    };
    assert_eq!(found(&mut zsm, search(by_skn)).await[0].kenmerk(), Kenmerk::Skn);
    let sister = found(
        &mut zsm,
        search(|persoon| {
            persoon.naam = Some("Mila van Verzonnenhove".to_owned());
            persoon.geboortedatum = Some("1990-02-03".to_owned());
        }),
    );
    assert!(!sister.await[0].hoofdpersoon);
    // Another SKN is another person, whatever the name.
    assert_eq!(found(&mut zsm, search(|persoon| persoon.skn = Some("7310483".to_owned()))).await, []);
    assert_eq!(found(&mut zsm, search(|persoon| persoon.geboortedatum = Some("1987-05-13".to_owned()))).await, []);
    let looks = |regel: &Logregel| regel.soort == Soort::Geraadpleegd;
    let looks: Vec<Logregel> = gateway.regels().await.into_iter().filter(looks).collect();
    let hits: Vec<bool> = looks.iter().map(|regel| regel.bericht.as_ref() == Some(&bericht)).collect();
    assert_eq!(hits, [true, true, true, false, false]);
    assert!(looks.iter().all(|regel| regel.medewerker.is_some() && regel.reden.is_some()));
    assert!(looks[3..].iter().all(|regel| regel.aantal == Some(0) && regel.betrokkene.len() == 1));
    // Nothing of the person stands in what the database keeps beside the sealed content.
    gateway.stop().await;
    let database = gateway.stored().await;
    assert!(database.windows(bericht.len()).any(|bytes| bytes == bericht.as_bytes()), "the regels are in this file");
    for secret in ["Verzonnenhove", "verzonnenhove", "7310482", "ZSM-2026-004711"] {
        assert!(!database.windows(secret.len()).any(|bytes| bytes == secret.as_bytes()), "{secret} is readable");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_current_and_one_s_own_is_found() {
    let gateway = TestGateway::start().await;
    let (mut zvh, mut zsm) = (gateway.client(ZVH).await, gateway.client("zsm").await);
    let first = sent(&mut zvh, scenario()).await;
    assert_eq!(found(&mut gateway.client("om").await, search(|_| {})).await, []);
    let elsewhere = proto::FindScenarioRequest { loket: "jeugd".to_owned(), ..search(|_| {}) };
    assert_eq!(found(&mut zsm, elsewhere).await, []);
    let mut until_today = renewal(&first);
    until_today["houdbaar_tot_en_met"] = json!(today().to_string());
    let second = sent(&mut zvh, until_today).await;
    let current = found(&mut zsm, search(|_| {})).await;
    assert_eq!(current.iter().map(|found| &found.bericht).collect::<Vec<_>>(), [&second]);
    gateway.clock.advance(SignedDuration::from_hours(24));
    assert_eq!(found(&mut gateway.client("zsm").await, search(|_| {})).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_that_could_mean_anybody_is_refused() {
    type Change = fn(&mut proto::Zoekpersoon);
    let gateway = TestGateway::start().await;
    let mut zsm = gateway.client("zsm").await;
    let bad: [Change; 6] = [
        |persoon| persoon.geboortedatum = Some("1987".to_owned()),
        |persoon| persoon.geboortedatum = None,
        |persoon| persoon.naam = None,
        |persoon| *persoon = proto::Zoekpersoon::default(),
        |persoon| persoon.bsn = Some("999990018".to_owned()),
        |persoon| persoon.skn = Some("73".to_owned()),
    ];
    for change in bad {
        assert_eq!(weigering(zsm.find_scenario(search(change)).await), "ongeldig_veld");
    }
    let unaccounted: [fn(&mut proto::FindScenarioRequest); 2] =
        [|request| request.medewerker.clear(), |request| request.zaaknummer.clear()];
    for change in unaccounted {
        let mut request = search(|_| {});
        change(&mut request);
        assert_eq!(weigering(zsm.find_scenario(request).await), "ongeldig_veld");
    }
    let strange = proto::FindScenarioRequest { loket: "bestaat-niet".to_owned(), ..search(|_| {}) };
    assert_eq!(weigering(zsm.find_scenario(strange).await), "loket_niet_van_u");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consulted_scenario_waits_for_terugkoppeling_until_it_comes() {
    let gateway = TestGateway::start().await;
    let (mut zvh, mut zsm) = (gateway.client(ZVH).await, gateway.client("zsm").await);
    let bericht = sent(&mut zvh, scenario()).await;
    let open = async |zvh: &mut Client, langer_dan_dagen| {
        let request = proto::ListOpenTerugkoppelingenRequest { loket: String::new(), langer_dan_dagen };
        zvh.list_open_terugkoppelingen(request).await.unwrap().into_inner().open
    };
    // Laid ready, received and found, but not read: nobody was arrested.
    Receiver::open(&mut zsm, "volwassenen", 1).await.unwrap().bericht().await;
    assert_eq!(found(&mut zsm, search(|_| {})).await.len(), 1);
    assert_eq!(open(&mut zvh, 0).await, []);
    zsm.fetch(fetch(&bericht)).await.unwrap();
    assert_eq!(open(&mut zvh, 0).await[0].bericht, bericht);
    assert_eq!(open(&mut zvh, 14).await, []);
    let seen = status(&mut zvh, &bericht).await.unwrap();
    assert!(seen.ontvangers[0].terugkoppeling_open_sinds.is_some());
    assert_eq!(seen.tijdlijn.iter().filter(|gebeurtenis| gebeurtenis.soort == "geraadpleegd").count(), 2);
    gateway.clock.advance(SignedDuration::from_hours(24 * 14 + 1));
    let mut zvh = gateway.client(ZVH).await;
    assert_eq!(open(&mut zvh, 14).await.len(), 1);
    assert_eq!(open(&mut gateway.client("zvh-zeeland").await, 0).await, []);
    let mut terug = template("terugkoppeling");
    terug["in_antwoord_op"] = json!(bericht);
    let mut zsm = gateway.client("zsm").await;
    sent(&mut zsm, terug.clone()).await;
    assert_eq!(open(&mut zvh, 0).await, []);
    // It can be used again, and reported again.
    zsm.fetch(fetch(&bericht)).await.unwrap();
    assert_eq!(open(&mut zvh, 0).await.len(), 1);
    sent(&mut zsm, terug).await;
    assert_eq!(open(&mut zvh, 0).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_sent_a_scenario_is_warned_once_before_it_lapses_and_who_got_it_hears_that_it_did() {
    let gateway = TestGateway::start_with(|config| config.bounds.vervalwaarschuwing_dagen = 3).await;
    let (mut zvh, mut zsm) = (gateway.client(ZVH).await, gateway.client("zsm").await);
    let mut soon = scenario();
    soon["houdbaar_tot_en_met"] = json!(today().checked_add(5.days()).unwrap().to_string());
    let bericht = sent(&mut zvh, soon).await;
    zsm.fetch(fetch(&bericht)).await.unwrap();
    let mut at_zvh = Receiver::open(&mut zvh, "", 9).await.unwrap();
    at_zvh.empty().await;
    gateway.clock.advance(SignedDuration::from_hours(48));
    let warning = at_zvh.bericht().await;
    assert_eq!(
        (warning.berichtsoort.as_str(), warning.in_antwoord_op.as_deref()),
        ("vervalwaarschuwing", Some(&*bericht))
    );
    assert_eq!(warning.afzender.unwrap().partner, "ketenpoort");
    assert_eq!(warning.gesprek, status(&mut zvh, &bericht).await.unwrap().gesprek);
    let Some(proto::inhoud::Soort::Vervalwaarschuwing(says)) = warning.inhoud.unwrap().soort else {
        panic!("no warning")
    };
    assert_eq!(says.bericht, bericht);
    at_zvh.confirm(&warning.bericht).await;
    gateway.clock.advance(SignedDuration::from_hours(24 * 4));
    let mut zsm = gateway.client("zsm").await;
    let told = Receiver::open(&mut zsm, "volwassenen", 9).await.unwrap().bericht().await;
    assert_eq!((told.berichtsoort.as_str(), told.in_antwoord_op.as_deref()), ("vervalmelding", Some(&*bericht)));
    until(&mut zvh, &bericht, Toestand::Vervallen).await;
    // A bericht of the gateway never causes another: when these lapse, nothing more is sent.
    gateway.clock.advance(SignedDuration::from_hours(24 * 100));
    // No certificate of development lasts as long, so the logboek tells.
    let deadline = std::time::Instant::now() + PATIENCE;
    let lapsed = |regel: &Logregel| regel.soort == Soort::Vervallen && regel.bericht.as_ref() == Some(&told.bericht);
    let regels = loop {
        let regels = gateway.regels().await;
        if regels.iter().any(lapsed) {
            break regels;
        }
        assert!(std::time::Instant::now() < deadline, "{} never lapsed", told.bericht);
    };
    let of_gateway = |regel: &&Logregel| regel.soort == Soort::Aanvaard && regel.rol.as_deref() == Some("poort");
    assert_eq!(regels.iter().filter(of_gateway).count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_one_sweep_takes_lapses_all_the_same() {
    let gateway = TestGateway::start().await;
    let mut zvh = gateway.client(ZVH).await;
    let mut soon = scenario();
    soon["houdbaar_tot_en_met"] = json!(today().to_string());
    let mut last = String::new();
    // A sweep takes 64.
    for _ in 0..70 {
        last = sent(&mut zvh, soon.clone()).await;
    }
    gateway.clock.advance(SignedDuration::from_hours(24));
    until(&mut zvh, &last, Toestand::Vervallen).await;
    let ended = gateway.soorten().await.into_iter().filter(|soort| soort == "vervallen").count();
    assert_eq!(ended, 70);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_whose_loket_is_gone_is_warned_of_nothing_and_stops_no_other() {
    let gateway = TestGateway::start_with(|config| config.bounds.vervalwaarschuwing_dagen = 3).await;
    let mut soon = scenario();
    soon["houdbaar_tot_en_met"] = json!(today().checked_add(6.days()).unwrap().to_string());
    let gone = sent(&mut gateway.client(ZVH).await, soon.clone()).await;
    let mut zeeland = gateway.client("zvh-zeeland").await;
    let stays = sent(&mut zeeland, soon).await;
    let renamed = gateway.edited(
        "deelnemers.toml",
        "oin = [\"00000099000000201000\"]\norganisatie = \"Zorg- en Veiligheidshuis Baronie Breda\"\n\n[[partner.loket]]\nnaam = \"algemeen\"",
        "oin = [\"00000099000000201000\"]\norganisatie = \"Zorg- en Veiligheidshuis Baronie Breda\"\n\n[[partner.loket]]\nnaam = \"anders\"",
    );
    gateway.load(vec![renamed]).await.unwrap();
    gateway.clock.advance(SignedDuration::from_hours(24 * 4));
    let warning = Receiver::open(&mut zeeland, "", 1).await.unwrap().bericht().await;
    assert_eq!(warning.in_antwoord_op, Some(stays));
    // The one that is gone came first, and nothing was sent for it.
    let regels = gateway.regels().await;
    let of_gone = regels.iter().filter(|regel| regel.in_antwoord_op.as_ref() == Some(&gone));
    // That there was nobody to warn is a refusal, which the logboek has once.
    let told: Vec<_> = of_gone.map(|regel| (regel.soort, regel.weigering.as_deref(), regel.rol.as_deref())).collect();
    assert_eq!(told, [(Soort::Geweigerd, Some("partner_onbekend"), Some("poort"))]);
    let mut database = gateway.sql().await;
    let due: i64 =
        sqlx::query_scalar("SELECT count(*) FROM berichten WHERE berichtsoort = 'scenario' AND gewaarschuwd = 0")
            .fetch_one(&mut database)
            .await
            .unwrap();
    assert_eq!(due, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_bericht_does_not_stop_the_sweep() {
    let gateway = TestGateway::start().await;
    let (mut zvh, mut zsm) = (gateway.client(ZVH).await, gateway.client("zsm").await);
    let mut until_today = scenario();
    until_today["houdbaar_tot_en_met"] = json!(today().to_string());
    let damaged = sent(&mut zvh, until_today.clone()).await;
    let whole = sent(&mut zvh, until_today).await;
    for bericht in [&damaged, &whole] {
        zsm.fetch(fetch(bericht)).await.unwrap();
    }
    let mut database = gateway.sql().await;
    let id = uuid::Uuid::parse_str(&damaged).unwrap().as_bytes().to_vec();
    let spoil = sqlx::query("UPDATE berichten SET verlenging = 300 WHERE id = $1").bind(id.clone());
    spoil.execute(&mut database).await.unwrap();
    gateway.clock.advance(SignedDuration::from_hours(24));
    until(&mut zvh, &whole, Toestand::Vervallen).await;
    assert_eq!(weigering(zsm.fetch(fetch(&damaged)).await), "vervallen");
    let mend = sqlx::query("UPDATE berichten SET verlenging = 0 WHERE id = $1").bind(id);
    mend.execute(&mut database).await.unwrap();
}
