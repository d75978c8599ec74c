//! What the store lost is said, once, ends, and is told to its afzender; a key that is away is no damage; and neither keeps anything
//! else from its ontvanger.

use std::fs;

use jiff::{SignedDuration, ToSpan};
use ketenpoort::{
    config::Opslag,
    logboek::Soort,
    proto::{self, Toestand, inhoud::Soort as Inhoud},
};
use serde_json::json;
use sqlx::{AnyConnection, AssertSqlSafe};

use crate::harness::*;

const ZVH: &str = "zvh-baronie-breda";

fn fetch(bericht: &str) -> proto::FetchRequest {
    proto::FetchRequest { bericht: bericht.to_owned(), loket: String::new(), medewerker: "lezer-1".to_owned() }
}

fn index(receipt: &proto::Ontvangstbewijs) -> i64 {
    i64::try_from(receipt.aanvaardingen[0].log_index).unwrap()
}

/// Changes the bytes in one column of a row of the postvak, or of its bericht; none leaves nothing.
async fn spoil(sql: &mut AnyConnection, table: &str, column: &str, index: i64, change: fn(Vec<u8>) -> Option<Vec<u8>>) {
    let which = match table {
        "postvak" => "log_index = $1",
        _ => "id = (SELECT bericht FROM postvak WHERE log_index = $1)",
    };
    let read = AssertSqlSafe(format!("SELECT {column} FROM {table} WHERE {which}"));
    let bytes: Vec<u8> = sqlx::query_scalar(read).bind(index).fetch_one(&mut *sql).await.unwrap();
    let write = AssertSqlSafe(format!("UPDATE {table} SET {column} = $2 WHERE {which}"));
    sqlx::query(write).bind(index).bind(change(bytes)).execute(sql).await.unwrap();
}

#[expect(clippy::unnecessary_wraps, reason = "another change leaves nothing")]
fn flipped(mut bytes: Vec<u8>) -> Option<Vec<u8>> {
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    Some(bytes)
}

#[expect(clippy::unnecessary_wraps, reason = "another change leaves nothing")]
fn cut(mut bytes: Vec<u8>) -> Option<Vec<u8>> {
    bytes.truncate(20);
    Some(bytes)
}

/// How often a regel of this soort is about this bericht.
async fn of(gateway: &TestGateway, soort: Soort, bericht: &str) -> usize {
    let about =
        |regel: &&ketenpoort::logboek::Logregel| regel.soort == soort && regel.bericht.as_deref() == Some(bericht);
    gateway.regels().await.iter().filter(about).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_content_ends_once_is_never_said_to_be_delivered_and_its_afzender_is_told() {
    type Change = fn(Vec<u8>) -> Option<Vec<u8>>;
    let changes: [(&str, &str, Change); 5] = [
        ("berichten", "inhoud", flipped),
        ("berichten", "inhoud", cut),
        ("berichten", "inhoud", |_| None),
        ("postvak", "sleutel", flipped),
        ("postvak", "sleutel", cut),
    ];
    let gateway = TestGateway::start().await;
    let (mut zsm, mut zvh) = (gateway.client("zsm").await, gateway.client(ZVH).await);
    let mut sql = gateway.sql().await;
    let mut damaged = Vec::new();
    for (table, column, change) in changes {
        let receipt = send(&mut zsm, check()).await.unwrap();
        spoil(&mut sql, table, column, index(&receipt), change).await;
        damaged.push(receipt.bericht);
    }
    let whole = send(&mut zsm, check()).await.unwrap().bericht;
    // Credit for one: the damaged ones before it cost none.
    let mut receiver = Receiver::open(&mut zvh, "", 1).await.unwrap();
    assert_eq!(receiver.bericht().await.bericht, whole);
    receiver.confirm(&whole).await;
    drop(receiver);
    Receiver::open(&mut zvh, "", 5).await.unwrap().empty().await;
    let mut told = Receiver::open(&mut zsm, "volwassenen", 5).await.unwrap();
    for bericht in &damaged {
        let melding = told.bericht().await;
        assert_eq!((&*melding.berichtsoort, melding.in_antwoord_op.as_ref()), ("schademelding", Some(bericht)));
        let Some(Inhoud::Schademelding(says)) = melding.inhoud.unwrap().soort else { panic!("no schademelding") };
        assert_eq!((&says.bericht, &*says.ontvanger), (bericht, "zvh-baronie-breda/algemeen"));
        assert_eq!(toestand(&mut zsm, bericht).await, Toestand::Beschadigd);
        assert_eq!(weigering(zvh.fetch(fetch(bericht)).await), "inhoud_beschadigd");
        assert_eq!(
            (of(&gateway, Soort::Beschadigd, bericht).await, of(&gateway, Soort::Afgeleverd, bericht).await),
            (1, 0)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stamp_that_was_changed_no_longer_opens_its_content() {
    let gateway = TestGateway::start().await;
    let (mut zsm, mut zvh) = (gateway.client("zsm").await, gateway.client(ZVH).await);
    let receipt = send(&mut zsm, check()).await.unwrap();
    let mut sql = gateway.sql().await;
    let rename = "UPDATE postvak SET regel = regel || 'x' WHERE log_index = $1";
    sqlx::query(rename).bind(index(&receipt)).execute(&mut sql).await.unwrap();
    Receiver::open(&mut zvh, "", 1).await.unwrap().empty().await;
    assert_eq!(toestand(&mut zsm, &receipt.bericht).await, Toestand::Beschadigd);
    assert_eq!(of(&gateway, Soort::Afgeleverd, &receipt.bericht).await, 0);
    // Put back so that the end of this test can verify the rest.
    let mend = "UPDATE postvak SET regel = $2 WHERE log_index = $1";
    let regel = receipt.aanvaardingen[0].stempel.as_ref().unwrap().regel.clone();
    sqlx::query(mend).bind(index(&receipt)).bind(regel).execute(&mut sql).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_again_finds_damage_and_is_not_said_to_have_read() {
    let gateway = TestGateway::start().await;
    let (mut zsm, mut zvh) = (gateway.client("zsm").await, gateway.client(ZVH).await);
    let receipt = send(&mut zsm, check()).await.unwrap();
    let mut receiver = Receiver::open(&mut zvh, "", 1).await.unwrap();
    receiver.bericht().await;
    receiver.confirm(&receipt.bericht).await;
    spoil(&mut gateway.sql().await, "berichten", "inhoud", index(&receipt), flipped).await;
    for _ in 0..2 {
        assert_eq!(weigering(zvh.fetch(fetch(&receipt.bericht)).await), "inhoud_beschadigd");
    }
    assert_eq!(of(&gateway, Soort::Geraadpleegd, &receipt.bericht).await, 0);
    assert_eq!(of(&gateway, Soort::Beschadigd, &receipt.bericht).await, 1);
    // Its copy can still be claimed back.
    let withdraw = proto::WithdrawRequest {
        bericht: receipt.bericht.clone(),
        loket: "volwassenen".to_owned(),
        reden: proto::RedenIntrekking::CasusGesloten.into(),
        medewerker: "zsm-01".to_owned(),
        ..proto::WithdrawRequest::default()
    };
    zsm.withdraw(withdraw).await.unwrap();
    assert_eq!(toestand(&mut zsm, &receipt.bericht).await, Toestand::Ingetrokken);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_answer_may_come_in_the_place_of_one_that_was_damaged() {
    let gateway = TestGateway::start().await;
    let (mut zsm, mut zvh) = (gateway.client("zsm").await, gateway.client(ZVH).await);
    let verzoek = send(&mut zsm, check()).await.unwrap().bericht;
    let answer = send(&mut zvh, known(&verzoek)).await.unwrap();
    assert_eq!(weigering(send(&mut zvh, known(&verzoek)).await), "al_beantwoord");
    spoil(&mut gateway.sql().await, "berichten", "inhoud", index(&answer), flipped).await;
    Receiver::open(&mut zsm, "volwassenen", 1).await.unwrap().empty().await;
    let again = send(&mut zvh, known(&verzoek)).await.unwrap().bericht;
    assert_eq!(Receiver::open(&mut zsm, "volwassenen", 1).await.unwrap().bericht().await.bericht, again);
}

/// Takes the day keys away, or brings them back.
async fn day_keys(gateway: &TestGateway, away: bool) {
    if let Opslag::Postgres(_) = gateway.config.opslag {
        let change = if away {
            "UPDATE dagsleutels SET dag = 'x' || dag"
        } else {
            "UPDATE dagsleutels SET dag = substr(dag, 2)"
        };
        sqlx::query(change).execute(&mut gateway.sql().await).await.unwrap();
        return;
    }
    let (there, aside) = (gateway.config.sleutels.clone(), gateway.path().join("weg"));
    if away { fs::rename(there, aside).unwrap() } else { fs::rename(aside, there).unwrap() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_away_is_no_damage_and_what_it_opens_waits_for_it() {
    let mut gateway = TestGateway::start().await;
    let mut zsm = gateway.client("zsm").await;
    let mut sooner = check();
    sooner.houdbaar_tot_en_met = Some(today().checked_add(3.days()).unwrap().to_string());
    let waits = send(&mut zsm, sooner).await.unwrap().bericht;
    let goes = send(&mut zsm, check()).await.unwrap().bericht;
    // Only the key of the newest is read at the start.
    gateway.restart_with(|_| {}).await;
    day_keys(&gateway, true).await;
    let (mut zsm, mut zvh) = (gateway.client("zsm").await, gateway.client(ZVH).await);
    let mut receiver = Receiver::open(&mut zvh, "", 2).await.unwrap();
    assert_eq!(receiver.bericht().await.bericht, goes);
    receiver.confirm(&goes).await;
    assert_eq!(weigering(zvh.fetch(fetch(&waits)).await), "niet_beschikbaar");
    assert_eq!(toestand(&mut zsm, &waits).await, Toestand::Wacht);
    assert_eq!((of(&gateway, Soort::Beschadigd, &waits).await, of(&gateway, Soort::Afgeleverd, &waits).await), (0, 0));
    day_keys(&gateway, false).await;
    assert_eq!(receiver.bericht().await.bericht, waits);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_cannot_be_read_keep_nothing_from_being_delivered_or_from_lapsing() {
    let gateway = TestGateway::start().await;
    let (mut zsm, mut zvh) = (gateway.client("zsm").await, gateway.client(ZVH).await);
    let mut until_today = check();
    until_today.houdbaar_tot_en_met = Some(today().to_string());
    let again = |request: &proto::SendRequest| proto::SendRequest { request_id: request_id(), ..request.clone() };
    // More than are looked at together, in delivery and in lapsing.
    for _ in 0..70 {
        send(&mut zsm, again(&until_today)).await.unwrap();
    }
    let mut sql = gateway.sql().await;
    sqlx::query("UPDATE postvak SET bewaar_inhoud = 'x'").execute(&mut sql).await.unwrap();
    let unreadable: Vec<u8> =
        sqlx::query_scalar("SELECT bericht FROM postvak LIMIT 1").fetch_one(&mut sql).await.unwrap();
    let unreadable = uuid::Uuid::from_slice(&unreadable).unwrap().to_string();
    // Text that is none fails a statement as a whole: PostgreSQL keeps none.
    if sql.backend_name() == "SQLite" {
        let broken =
            "UPDATE postvak SET regel = CAST(x'ff' AS TEXT) WHERE log_index = (SELECT min(log_index) FROM postvak)";
        sqlx::query("UPDATE postvak SET vernietiging = regel").execute(&mut sql).await.unwrap();
        sqlx::query(broken).execute(&mut sql).await.unwrap();
    }
    let whole = send(&mut zsm, again(&until_today)).await.unwrap().bericht;
    assert_eq!(Receiver::open(&mut zvh, "", 1).await.unwrap().bericht().await.bericht, whole);
    assert_eq!(weigering(zvh.fetch(fetch(&unreadable)).await), "niet_beschikbaar");
    assert_eq!(weigering(status(&mut zsm, &unreadable).await), "niet_beschikbaar");
    gateway.clock.advance(SignedDuration::from_hours(24));
    until(&mut zsm, &whole, Toestand::Vervallen).await;
    // Put back so that the end of this test can verify the rest.
    if sql.backend_name() == "SQLite" {
        let mend = "UPDATE postvak SET regel = coalesce(vernietiging, regel), vernietiging = NULL";
        sqlx::query(mend).execute(&mut sql).await.unwrap();
    }
    sqlx::query("UPDATE postvak SET bewaar_inhoud = 'houdbaarheid'").execute(&mut sql).await.unwrap();
}

/// A scenario about one person, and the search for that person.
fn scenario() -> proto::SendRequest {
    let mut scenario = template("scenario");
    scenario["inhoud"]["betrokkenen"] = json!([
        {"rol": "BETROKKENE_ROL_HOOFDPERSOON", "naam": "Bram van Verzonnenhove", "geboortedatum": "1987-05-12", "skn": "7310482"},
    ]);
    request(scenario)
}

fn search() -> proto::FindScenarioRequest {
    proto::FindScenarioRequest {
        persoon: Some(proto::Zoekpersoon { skn: Some("7310482".to_owned()), ..proto::Zoekpersoon::default() }),
        zaaknummer: "ZSM-2026-004711".to_owned(),
        loket: String::new(),
        medewerker: "zsm-nacht-02".to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_starts_whatever_stands_in_the_newest_row() {
    let mut gateway = TestGateway::start().await;
    let receipt = send(&mut gateway.client("zsm").await, check()).await.unwrap();
    let last_day = receipt.aanvaardingen[0].stempel.as_ref().unwrap().houdbaar_tot_en_met.clone();
    let mut sql = gateway.sql().await;
    let change = "UPDATE postvak SET houdbaar_tot_en_met = $1 WHERE log_index = $2";
    sqlx::query(change).bind("ooit").bind(index(&receipt)).execute(&mut sql).await.unwrap();
    gateway.restart_with(|_| {}).await;
    let mut zsm = gateway.client("zsm").await;
    let later = send(&mut zsm, check()).await.unwrap().bericht;
    let mut zvh = gateway.client(ZVH).await;
    assert_eq!(Receiver::open(&mut zvh, "", 5).await.unwrap().bericht().await.bericht, later);
    // Put back so that the end of this test can verify the rest.
    let mut sql = gateway.sql().await;
    sqlx::query(change).bind(last_day).bind(index(&receipt)).execute(&mut sql).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_scenario_is_found_and_said_to_be_damaged_until_it_lapses_or_is_withdrawn() {
    let gateway = TestGateway::start().await;
    let (mut zvh, mut zsm) = (gateway.client(ZVH).await, gateway.client("zsm").await);
    let mut sql = gateway.sql().await;
    let mut damaged = Vec::new();
    // Of a shorter term than the certificates of these tests.
    let until = today().saturating_add(5.days()).to_string();
    for _ in 0..2 {
        let scenario = proto::SendRequest { houdbaar_tot_en_met: Some(until.clone()), ..scenario() };
        let receipt = send(&mut zvh, scenario).await.unwrap();
        let volwassenen = proto::FetchRequest { loket: "volwassenen".to_owned(), ..fetch(&receipt.bericht) };
        // Read before, so that it can be withdrawn from who read it.
        zsm.fetch(volwassenen.clone()).await.unwrap();
        spoil(&mut sql, "berichten", "inhoud", index(&receipt), flipped).await;
        assert_eq!(weigering(zsm.fetch(volwassenen).await), "inhoud_beschadigd");
        damaged.push(receipt.bericht);
    }
    let found = async |zsm: &mut Client| {
        let found = zsm.find_scenario(search()).await.unwrap().into_inner().scenarios;
        assert!(found.iter().all(|scenario| scenario.beschadigd), "{found:?}");
        found.into_iter().map(|scenario| scenario.bericht).collect::<Vec<_>>()
    };
    damaged.reverse();
    assert_eq!(found(&mut zsm).await, damaged);
    let withdraw = proto::WithdrawRequest {
        bericht: damaged.pop().unwrap(),
        reden: proto::RedenIntrekking::Onjuist.into(),
        medewerker: "m-1".to_owned(),
        ..Default::default()
    };
    zvh.withdraw(withdraw).await.unwrap();
    assert_eq!(found(&mut zsm).await, damaged);
    gateway.clock.advance(SignedDuration::from_hours(24 * 7));
    assert_eq!(found(&mut zsm).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_that_meets_what_it_cannot_read_never_answers_none() {
    let gateway = TestGateway::start().await;
    let (mut zvh, mut zsm) = (gateway.client(ZVH).await, gateway.client("zsm").await);
    let receipt = send(&mut zvh, scenario()).await.unwrap();
    let search = search();
    assert_eq!(zsm.find_scenario(search.clone()).await.unwrap().into_inner().scenarios.len(), 1);
    let mut sql = gateway.sql().await;
    for (spoil, mend) in [
        ("UPDATE postvak SET bewaar_inhoud = 'x'", "UPDATE postvak SET bewaar_inhoud = 'houdbaarheid'"),
        ("UPDATE postvak SET loket = loket || 'x'", "UPDATE postvak SET loket = substr(loket, 1, length(loket) - 1)"),
        (
            "UPDATE pseudoniemen SET kenmerk = kenmerk || 'x'",
            "UPDATE pseudoniemen SET kenmerk = substr(kenmerk, 1, length(kenmerk) - 1)",
        ),
    ] {
        sqlx::query(spoil).execute(&mut sql).await.unwrap();
        assert_eq!(weigering(zsm.find_scenario(search.clone()).await), "niet_beschikbaar", "{spoil}");
        sqlx::query(mend).execute(&mut sql).await.unwrap();
    }
    let found = zsm.find_scenario(search).await.unwrap().into_inner().scenarios;
    assert_eq!(found[0].bericht, receipt.bericht);
}
