//! What the report says is left open: of now and of an earlier period, and of nobody who answered.

use std::collections::BTreeSet;

use jiff::{SignedDuration, ToSpan};
use ketenpoort::proto::{self, GetRapportResponse, RedenIntrekking};

use crate::{
    harness::{TestGateway, check, known, send, template},
    rapport::{asked, of_today, table, today},
    scenario::sent,
    zoeken::ZVH,
};

#[tokio::test(flavor = "multi_thread")]
async fn who_answered_before_a_period_is_not_said_to_be_silent_in_it() {
    let gateway = TestGateway::start().await;
    let (mut zsm, mut zvh) = (gateway.client("zsm").await, gateway.client(ZVH).await);
    let first = today(&gateway);
    let mut two = check_of(first.saturating_add(4.days()));
    two["ontvangers"] = serde_json::json!([{"partner": ZVH}, {"partner": "zvh-zeeland"}]);
    let verzoek = sent(&mut zsm, two).await;
    send(&mut zvh, known(&verzoek)).await.unwrap();
    // Somebody who feels uneasy about a case waits too, and who takes something back does not.
    let uneasy = sent(&mut zsm, template("buikpijnmelding")).await;
    let taken_back = send(&mut zsm, check()).await.unwrap().bericht;
    let withdraw = proto::WithdrawRequest {
        bericht: taken_back,
        loket: "volwassenen".to_owned(),
        reden: RedenIntrekking::CasusGesloten.into(),
        medewerker: "zsm-1".to_owned(),
        ..Default::default()
    };
    zsm.withdraw(withdraw).await.unwrap();
    let silent = |rapport: &GetRapportResponse, naam: &str| -> BTreeSet<(String, String)> {
        let rows = table(rapport, naam);
        rows.iter().map(|row| (row["bericht"].clone(), row["ontvanger"].clone())).collect()
    };
    let of = |bericht: &str, ontvanger: &str| (bericht.to_owned(), format!("{ontvanger}/algemeen"));
    let waiting = BTreeSet::from([of(&verzoek, "zvh-zeeland"), of(&uneasy, ZVH)]);
    assert_eq!(silent(&of_today(&gateway, "auditor").await, "niet_beantwoord"), waiting);
    gateway.clock.advance(SignedDuration::from_hours(48));
    assert_eq!(silent(&of_today(&gateway, "auditor").await, "niet_beantwoord"), waiting);
    // Once nobody can answer any more it waits no longer, and is told in the period in which that came.
    gateway.clock.advance(SignedDuration::from_hours(4 * 24));
    let all = asked(&gateway, "auditor", &first.to_string(), &today(&gateway).to_string()).await.unwrap();
    assert_eq!(silent(&all, "niet_beantwoord"), BTreeSet::from([of(&uneasy, ZVH)]));
    assert_eq!(silent(&all, "verlopen_zonder_antwoord"), BTreeSet::from([of(&verzoek, "zvh-zeeland")]));
    let now = of_today(&gateway, "auditor").await;
    assert_eq!(silent(&now, "niet_beantwoord"), BTreeSet::from([of(&uneasy, ZVH)]));
    assert_eq!(silent(&now, "verlopen_zonder_antwoord"), BTreeSet::new());
}

/// The day on which nobody can answer any more is a day of one period, wherever the border between two periods lies.
#[tokio::test(flavor = "multi_thread")]
async fn what_lapses_unanswered_is_of_one_period_and_of_no_other() {
    let gateway = TestGateway::start().await;
    let mut zsm = gateway.client("zsm").await;
    let first = today(&gateway);
    let mut check = check_of(first.saturating_add(2.days()));
    check["ontvangers"] = serde_json::json!([{"partner": ZVH}]);
    let verzoek = sent(&mut zsm, check).await;
    gateway.clock.advance(SignedDuration::from_hours(6 * 24));
    let last = today(&gateway);
    let mut day = first;
    let mut told = Vec::new();
    while day <= last {
        let rapport = asked(&gateway, "auditor", &day.to_string(), &day.to_string()).await.unwrap();
        let is_told = |naam: &str| table(&rapport, naam).iter().any(|row| row["bericht"] == verzoek);
        told.push((is_told("niet_beantwoord"), is_told("verlopen_zonder_antwoord")));
        day = day.saturating_add(1.day());
    }
    // Three days on which an answer could come; then one on which it is told that none came.
    let (waits, lapsed, gone) = ((true, false), (false, true), (false, false));
    assert_eq!(told, [waits, waits, waits, lapsed, gone, gone, gone]);
}

/// A bekendheidscheck that can be read until this day.
fn check_of(last: jiff::civil::Date) -> serde_json::Value {
    let mut check = template("bekendheidscheck");
    check["houdbaar_tot_en_met"] = last.to_string().into();
    check
}
