use std::{fs, sync::Arc};

use jiff::ToSpan;
use ketenpoort::{
    clock::{SystemClock, SystemRng},
    config::Opslag,
    domain::{Clock, houdbaarheid::amsterdam_date},
    gateway::Gateway,
};

use crate::harness::*;

/// Why a gateway on this test's database does not start.
async fn refusal_to_start(gateway: &TestGateway) -> String {
    match Gateway::start(&gateway.config, false, Arc::new(SystemClock), Arc::new(SystemRng)).await {
        Ok(_) => panic!("it started"),
        Err(error) => error.to_string(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_lost_or_strange_keys_the_gateway_does_not_start_and_writes_nothing() {
    let gateway = TestGateway::start().await;
    send(&mut gateway.client("zsm").await, check()).await.unwrap();
    gateway.stop().await;
    let regels = gateway.regels().await.len();
    let keys = gateway.config.sleutels.clone();
    let kept = gateway.path().join("bewaard");

    // All keys gone: new ones would sign another logboek.
    fs::rename(&keys, &kept).unwrap();
    let why = refusal_to_start(&gateway).await;
    assert!(why.contains("staan geen sleutels"), "{why}");
    assert!(!keys.exists(), "it made keys");
    fs::rename(&kept, &keys).unwrap();

    // One key gone beside others, each in turn.
    for file in ["logboek.key", "wortel-1.key", "pseudoniem.key"] {
        let (path, aside) = (keys.join(file), gateway.path().join(file));
        fs::rename(&path, &aside).unwrap();
        let why = refusal_to_start(&gateway).await;
        assert!(why.contains("ontbreekt naast de andere"), "{file}: {why}");
        // Another one in its place: it signs, opens or finds otherwise.
        fs::write(&path, format!("{}\n", "07".repeat(32))).unwrap();
        let why = refusal_to_start(&gateway).await;
        assert!(why.contains("niet die van deze database"), "{file}: {why}");
        fs::rename(&aside, &path).unwrap();
    }

    // The day keys gone, and those of another root.
    let Opslag::Sqlite { .. } = gateway.config.opslag else {
        day_keys_in_the_database(&gateway).await;
        assert_eq!(gateway.regels().await.len(), regels);
        return;
    };
    let (document, aside) = (keys.join("dagsleutels.json"), gateway.path().join("dagsleutels.json"));
    fs::rename(&document, &aside).unwrap();
    assert!(refusal_to_start(&gateway).await.contains("bestaat niet (meer)"));
    let text = fs::read_to_string(&aside).unwrap();
    fs::write(&document, text.replace("\"versie\": 1", "\"versie\": 2")).unwrap();
    assert!(refusal_to_start(&gateway).await.contains("beschadigd"));
    fs::rename(&aside, &document).unwrap();
    assert_eq!(gateway.regels().await.len(), regels);
}

async fn day_keys_in_the_database(gateway: &TestGateway) {
    let mut sql = gateway.sql().await;
    sqlx::query("UPDATE dagsleutels SET dag = 'x' || dag").execute(&mut sql).await.unwrap();
    assert!(refusal_to_start(gateway).await.contains("bestaat niet (meer)"));
    sqlx::query("UPDATE dagsleutels SET dag = substr(dag, 2), sleutel = '00' || sleutel")
        .execute(&mut sql)
        .await
        .unwrap();
    assert!(refusal_to_start(gateway).await.contains("beschadigd"));
    sqlx::query("UPDATE dagsleutels SET sleutel = substr(sleutel, 3)").execute(&mut sql).await.unwrap();
}

/// A gateway with its day keys in a file, also where the other tests run on PostgreSQL.
async fn with_a_file() -> TestGateway {
    TestGateway::start_with(|config| {
        let bestand = config.sleutels.with_file_name("een.db");
        config.opslag = Opslag::Sqlite { bestand, grootste_mebibytes: None };
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn day_keys_that_vanish_under_a_running_gateway_are_not_written_over() {
    let gateway = with_a_file().await;
    let mut zvh = gateway.client("zvh-baronie-breda").await;
    send(&mut zvh, request(template("scenario"))).await.unwrap();
    let document = gateway.config.sleutels.join("dagsleutels.json");
    let kept = fs::read_to_string(&document).unwrap();
    fs::write(&document, r#"{"versie": 1, "epoch": 1, "dagsleutels": {}}"#).unwrap();
    // Another last day asks for a new key.
    let mut shorter = template("scenario");
    shorter["houdbaar_tot_en_met"] = amsterdam_date(gateway.clock.now()).saturating_add(5.days()).to_string().into();
    let shorter = request(shorter);
    assert_eq!(weigering(send(&mut zvh, shorter.clone()).await), "niet_beschikbaar");
    fs::write(&document, kept).unwrap();
    send(&mut zvh, shorter).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn day_keys_in_a_directory_are_of_one_gateway() {
    let mut gateway = with_a_file().await;
    gateway.stop().await;
    // A copy of the database, as if somebody tried it out.
    let (Opslag::Sqlite { bestand, .. }, twee) = (&gateway.config.opslag, gateway.path().join("twee.db")) else {
        unreachable!()
    };
    fs::copy(bestand, &twee).unwrap();
    gateway.restart_with(|_| {}).await;
    let mut config = gateway.config.clone();
    config.opslag = Opslag::Sqlite { bestand: twee, grootste_mebibytes: None };
    let second = Gateway::start(&config, false, Arc::new(SystemClock), Arc::new(SystemRng)).await;
    let why = second.err().expect("it started").to_string();
    assert!(why.contains("dagsleutels") && why.contains("in gebruik door een andere poort"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_a_logboek_that_is_not_there_begin_no_other_one() {
    let gateway = with_a_file().await;
    gateway.stop().await;
    let mut config = gateway.config.clone();
    config.opslag = Opslag::Sqlite { bestand: gateway.path().join("leeg.db"), grootste_mebibytes: None };
    let begun = Gateway::start(&config, false, Arc::new(SystemClock), Arc::new(SystemRng)).await;
    let why = begun.err().expect("it started").to_string();
    assert!(why.contains("is al een logboek begonnen"), "{why}");
    let mut config = gateway.config.clone();
    config.logboek = "ketenpoort.test/voorbeeld/2027".to_owned();
    let other = Gateway::start(&config, false, Arc::new(SystemClock), Arc::new(SystemRng)).await;
    let why = other.err().expect("it started").to_string();
    assert!(why.contains("hoort bij logboek"), "{why}");
}
