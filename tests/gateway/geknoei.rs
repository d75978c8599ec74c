//! Whatever is changed in the tables, `verify` finds it: each column of each table is tried, and each table is emptied. A new column
//! comes with an answer, or this fails.

use std::sync::Arc;

use ketenpoort::{
    clock::SystemRng,
    config::Opslag,
    proto,
    store::verify::{self, inhoud, tables::NO_EVIDENCE},
};
use sqlx::{AnyConnection, AssertSqlSafe, Row};

use crate::{
    fork::TABLES,
    harness::{Receiver, TestGateway, check, known, request, request_id, send, template},
    scenario::{renewal, scenario, search, sent},
    voorstel::{asks, ratify, renewed},
    wis::erase,
};

const ZVH: &str = "zvh-baronie-breda";

fn fetch(bericht: &str) -> proto::FetchRequest {
    proto::FetchRequest { bericht: bericht.to_owned(), medewerker: "zsm-1".to_owned(), loket: "volwassenen".to_owned() }
}

/// Something that was erased, and something that was proposed and signed.
async fn erased_and_proposed(gateway: &TestGateway) {
    // Somebody of whom nothing is known but that he was searched for, and that is erased.
    let nobody = search(|persoon| persoon.naam = Some("Iemand Die Nergens Staat".to_owned()));
    gateway.client("zsm").await.find_scenario(nobody.clone()).await.unwrap();
    erase(gateway, nobody.persoon.unwrap()).await.unwrap();
    asks(gateway, "bekrachtigt = \"partijen\"").await;
    let voorstel = renewed(gateway).await;
    ratify(gateway, "tekent-zsm", &voorstel, |text| text).await.unwrap();
}

/// A logboek in which everything stands that a row can say.
async fn full() -> TestGateway {
    let gateway = TestGateway::start().await;
    let (mut zvh, mut zsm) = (gateway.client(ZVH).await, gateway.client("zsm").await);
    // Enough for a tile of the tree.
    let mut many = tokio::task::JoinSet::new();
    for _ in 0..260 {
        let mut om = gateway.client("om").await;
        many.spawn(async move { drop(send(&mut om, check()).await) });
    }
    many.join_all().await;
    let asked = send(&mut zsm, check()).await.unwrap().bericht;
    let mut receiver = Receiver::open(&mut zvh, "algemeen", 10).await.unwrap();
    assert_eq!(receiver.bericht().await.bericht, asked);
    send(&mut zvh, known(&asked)).await.unwrap();
    receiver.confirm(&asked).await;
    drop(receiver);
    let first = sent(&mut zvh, scenario()).await;
    zsm.fetch(fetch(&first)).await.unwrap();
    let second = sent(&mut zvh, renewal(&first)).await;
    zsm.find_scenario(search(|_| ())).await.unwrap();
    zsm.fetch(fetch(&second)).await.unwrap();
    let third = sent(&mut zvh, scenario()).await;
    zsm.fetch(fetch(&third)).await.unwrap();
    let withdraw = proto::WithdrawRequest {
        bericht: third,
        reden: proto::RedenIntrekking::CasusGesloten.into(),
        medewerker: "bb-regie-03".to_owned(),
        ..proto::WithdrawRequest::default()
    };
    let withdrawn = zvh.withdraw(withdraw).await.unwrap().into_inner();
    let mut done = template("vernietigingsbevestiging");
    done["in_antwoord_op"] = withdrawn.vernietigingsverzoek.unwrap().into();
    done["loket"] = "volwassenen".into();
    done["request_id"] = request_id().into();
    send(&mut zsm, request(done)).await.unwrap();
    // Held by a receiver that says nothing, refused, and waiting.
    for _ in 0..3 {
        send(&mut zsm, check()).await.unwrap();
    }
    let mut silent = Receiver::open(&mut zvh, "algemeen", 1).await.unwrap();
    silent.bericht().await;
    let mut to_zeeland = check();
    to_zeeland.ontvangers[0].partner = "zvh-zeeland".to_owned();
    send(&mut zsm, to_zeeland).await.unwrap();
    let withdraw = proto::ChangeDocumentsRequest {
        intrekken: vec!["zvh-zeeland".to_owned()],
        reden: "een test".to_owned(),
        medewerker: "beheer-7".to_owned(),
        ..proto::ChangeDocumentsRequest::default()
    };
    gateway.beheer().await.change_documents(withdraw).await.unwrap();
    let mut zeeland = gateway.client("zvh-zeeland").await;
    let mut refused = Receiver::open(&mut zeeland, "algemeen", 1).await.unwrap();
    refused.empty().await;
    erased_and_proposed(&gateway).await;
    let request = proto::CloseLogboekRequest { reden: "een test".into(), medewerker: "beheer-7".into() };
    gateway.beheer().await.close_logboek(request).await.unwrap();
    gateway
}

/// What verifying finds, with the keys or without; also what it says it could not look at.
async fn found(gateway: &TestGateway, with_keys: bool) -> Option<String> {
    let read = gateway.read().await;
    let key = gateway.vkey();
    let keys = inhoud::keys(&read, &gateway.config.sleutels, &key, Arc::new(SystemRng)).await.unwrap();
    let told = match verify::verify(&read, &key, &[], with_keys.then_some(&keys), &|_, _| {}).await {
        Err(error) => Some(error.to_string()),
        Ok(sound) if with_keys => {
            let content = inhoud::content(&read, &keys.store).await.unwrap();
            let without = sound.checked.without_key() + content.without_key.values().sum::<u64>();
            content.damaged.into_iter().next().or((without > 0).then(|| format!("{without} zonder sleutel")))
        }
        Ok(_) => None,
    };
    read.close().await;
    told
}

/// A database that is tampered with, and put back each time.
struct Victim {
    gateway: TestGateway,
    sql: AnyConnection,
    postgres: bool,
    /// In an order in which a row refers only to rows of earlier tables.
    tables: Vec<&'static str>,
}

impl Victim {
    async fn new() -> Self {
        let gateway = full().await;
        gateway.stop().await;
        let postgres = matches!(gateway.config.opslag, Opslag::Postgres(_));
        let mut tables = TABLES.to_vec();
        tables.extend(postgres.then_some("dagsleutels"));
        let mut victim = Self { sql: gateway.sql().await, gateway, postgres, tables };
        if postgres {
            victim.run("CREATE SCHEMA bewaard").await.unwrap();
        } else {
            let aside = victim.gateway.path().join("bewaard.db");
            std::fs::File::create_new(&aside).unwrap();
            victim.run(&format!("ATTACH DATABASE '{}' AS bewaard", aside.display())).await.unwrap();
        }
        for table in victim.tables.clone() {
            victim.run(&format!("CREATE TABLE bewaard.{table} AS SELECT * FROM {table}")).await.unwrap();
        }
        victim
    }

    async fn run(&mut self, text: &str) -> Result<u64, sqlx::Error> {
        Ok(sqlx::raw_sql(AssertSqlSafe(text.to_owned())).execute(&mut self.sql).await?.rows_affected())
    }

    async fn put_back(&mut self) {
        let gone = self.tables.iter().rev().map(|table| format!("DELETE FROM {table}; "));
        let back = self.tables.iter().map(|table| format!("INSERT INTO {table} SELECT * FROM bewaard.{table}; "));
        let all: String = gone.chain(back).collect();
        self.run(&format!("BEGIN; {all} COMMIT")).await.unwrap();
    }

    /// Whether this is found; also where the database itself refuses it. `None` where it changes nothing.
    async fn finds(&mut self, text: &str) -> Option<bool> {
        match self.run(text).await {
            Err(error) => {
                assert!(error.as_database_error().is_some(), "{text}: {error}");
                return Some(true);
            }
            Ok(0) => return None,
            Ok(_) => {}
        }
        let told = found(&self.gateway, true).await;
        self.put_back().await;
        Some(told.is_some())
    }

    /// Every table with its columns and their types.
    async fn columns(&mut self) -> Vec<(String, String, String)> {
        let text = if self.postgres {
            "SELECT CAST(table_name AS TEXT), CAST(column_name AS TEXT), CAST(data_type AS TEXT) FROM information_schema.columns \
             WHERE table_schema = 'public' AND table_name <> '_sqlx_migrations' ORDER BY table_name, ordinal_position"
        } else {
            "SELECT m.name, c.name, lower(c.type) FROM main.sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' \
             AND m.name NOT LIKE 'sqlite%' AND m.name <> '_sqlx_migrations' ORDER BY m.name, c.cid"
        };
        let rows = sqlx::query(text).fetch_all(&mut self.sql).await.unwrap();
        rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect()
    }
}

/// Ways to tamper with a column: another value in some rows, that of other rows, none, and one where there was none.
fn ways(table: &str, column: &str, kind: &str) -> Vec<String> {
    let changed = match kind {
        "bigint" | "integer" => {
            vec![format!("{column} + 1"), format!("1 - {column}"), format!("{column} + 1000000007")]
        }
        "blob" | "bytea" => vec![format!("substr({column}, 1, length({column}) - 1)")],
        _ => vec![format!("{column} || 'x'")],
    };
    let newest = format!("{column} = (SELECT max({column}) FROM {table})");
    let oldest = format!("(SELECT min({column}) FROM {table})");
    let other = format!("UPDATE {table} SET {column} = {oldest} WHERE {newest} AND {column} <> {oldest}");
    let none = format!("UPDATE {table} SET {column} = NULL WHERE {newest}");
    let invented = format!("UPDATE {table} SET {column} = (SELECT max({column}) FROM {table}) WHERE {column} IS NULL");
    let changed = changed.into_iter().map(|value| format!("UPDATE {table} SET {column} = {value} WHERE {newest}"));
    changed.chain([other, none, invented]).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_changed_in_a_column_is_found_or_is_said_to_be_no_evidence() {
    let mut victim = Victim::new().await;
    assert_eq!(found(&victim.gateway, true).await, None);
    assert_eq!(found(&victim.gateway, false).await, None);
    let (mut missed, mut untried) = (Vec::new(), Vec::new());
    for (table, column, kind) in victim.columns().await {
        if !victim.tables.contains(&&*table) {
            // Day keys of a gateway on SQLite lie in its key directory, and the table is empty.
            assert_eq!((&*table, victim.postgres), ("dagsleutels", false), "a table that this test does not know");
            continue;
        }
        if NO_EVIDENCE.iter().any(|(of, named, _)| (*of, *named) == (&*table, &*column)) {
            continue;
        }
        let mut tried = false;
        for way in ways(&table, &column, &kind) {
            match victim.finds(&way).await {
                Some(true) => tried = true,
                Some(false) => missed.push(way),
                None => {}
            }
        }
        if !tried {
            untried.push(format!("{table}.{column}"));
        }
    }
    assert!(missed.is_empty(), "not found:\n{}", missed.join("\n"));
    assert!(untried.is_empty(), "this test has no row for {untried:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_is_emptied_and_whatever_is_added_is_found() {
    let mut victim = Victim::new().await;
    let mut missed = Vec::new();
    for table in victim.tables.clone() {
        if victim.finds(&format!("DELETE FROM {table}")).await == Some(false) {
            missed.push(format!("all of {table} deleted"));
        }
    }
    // Held for ever, as if a receiver or an Ask had it.
    for text in [
        "UPDATE postvak SET lease_tot = 4000000000000000 WHERE toestand = 'wacht'",
        "UPDATE postvak SET lease_tot = 4000000000000000 WHERE toestand = 'afgeleverd'",
        "UPDATE berichten SET wacht_tot = 4000000000000000",
        // What nobody wrote.
        "INSERT INTO logboeken (nummer, naam, eerste) VALUES (2, 'nog/een', 100000)",
        "UPDATE logboeken SET eerste = 1; UPDATE logboek SET eerste = 1",
    ] {
        assert_eq!(victim.finds(text).await, Some(true), "{text}");
    }
    let trigger = if victim.postgres {
        "CREATE FUNCTION niets() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; \
         CREATE TRIGGER stil BEFORE INSERT ON logregels FOR EACH ROW EXECUTE FUNCTION niets()"
    } else {
        "CREATE TRIGGER stil AFTER INSERT ON logregels BEGIN DELETE FROM openingen; END"
    };
    let undo =
        if victim.postgres { "DROP TRIGGER stil ON logregels; DROP FUNCTION niets" } else { "DROP TRIGGER stil" };
    for (planted, undo) in [
        (trigger, undo),
        ("CREATE TABLE geheim (x BIGINT)", "DROP TABLE geheim"),
        ("ALTER TABLE berichten ADD COLUMN geheim TEXT", "ALTER TABLE berichten DROP COLUMN geheim"),
        ("CREATE VIEW kijk AS SELECT 1 AS x", "DROP VIEW kijk"),
        ("INSERT INTO dagsleutels VALUES ('2026-01-01', '00')", "DELETE FROM dagsleutels WHERE dag = '2026-01-01'"),
        ("INSERT INTO dagsleutels VALUES ('ooit', '00')", "DELETE FROM dagsleutels WHERE dag = 'ooit'"),
    ] {
        victim.run(planted).await.unwrap();
        let about = if planted.contains("dagsleutels") { "tabel dagsleutels" } else { "schema" };
        if found(&victim.gateway, about != "schema").await.is_none_or(|told| !told.contains(about)) {
            missed.push(planted.to_owned());
        }
        victim.run(undo).await.unwrap();
    }
    assert!(missed.is_empty(), "not found:\n{}", missed.join("\n"));
    assert_eq!(found(&victim.gateway, true).await, None);
}
