//! What is in force is what the logboek says: a row that no regel put in force counts for nothing.

use std::time::Instant;

use aws_lc_rs::digest::{SHA256, digest};
use ketenpoort::proto;
use sqlx::{AnyConnection, AssertSqlSafe};

use crate::harness::{PATIENCE, TestGateway, check, send, weigering};

const BREDA: &str = "convenanten/zvh-baronie-breda.toml";

async fn sql(sql: &mut AnyConnection, text: &str) {
    sqlx::raw_sql(AssertSqlSafe(text.to_owned())).execute(sql).await.unwrap();
}

async fn toestand(gateway: &TestGateway) -> proto::GetToestandResponse {
    gateway.beheer().await.get_toestand(proto::GetToestandRequest {}).await.unwrap().into_inner()
}

/// Waits until the gateway says that it is ready, or that it is not.
async fn is_ready(gateway: &TestGateway, ready: bool) -> Vec<String> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let told = toestand(gateway).await;
        if told.gereed == ready {
            return told.redenen;
        }
        assert!(Instant::now() < deadline, "ready stays {}: {:?}", told.gereed, told.redenen);
    }
}

/// The columns of a row of documenten.
const COLUMNS: &str = "log_index, soort, naam, tijd, hash, tekst";

/// A row at this index, with a text that would make of politie's certificate one of zsm.
fn ghost(gateway: &TestGateway, log_index: &str) -> String {
    let tekst = std::fs::read_to_string(gateway.path().join("deelnemers.toml")).unwrap();
    let politie = "san = \"politie.ketenpoort.test\"\npartner = \"politie\"";
    assert!(tekst.contains(politie));
    let tekst = tekst.replace(politie, "san = \"politie.ketenpoort.test\"\npartner = \"zsm\"");
    let hash = hex::encode(digest(&SHA256, tekst.as_bytes()));
    let tekst = tekst.replace('\'', "''");
    format!(
        "INSERT INTO documenten ({COLUMNS}) SELECT {log_index}, 'deelnemers', 'deelnemers', max(tijd), '{hash}', '{tekst}' \
         FROM documenten"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_no_regel_put_in_force_makes_nobody_anybody_else() {
    let gateway = TestGateway::start().await;
    let mut database = gateway.sql().await;
    let (mut zsm, mut politie) = (gateway.client("zsm").await, gateway.client("politie").await);
    let refused = weigering(send(&mut politie, check()).await);
    let known = "SELECT max(log_index) FROM documenten";
    let known: i64 = sqlx::query_scalar(known).fetch_one(&mut database).await.unwrap();
    // Of no regel at all; of a regel that says something else; in the place of the newest text.
    for (log_index, undo) in [
        ("(SELECT max(log_index) + 1000 FROM logregels)", format!("DELETE FROM documenten WHERE log_index > {known}")),
        ("(SELECT max(log_index) FROM logregels)", format!("DELETE FROM documenten WHERE log_index > {known}")),
    ] {
        send(&mut zsm, check()).await.unwrap();
        sql(&mut database, &ghost(&gateway, log_index)).await;
        let redenen = is_ready(&gateway, false).await;
        assert!(redenen.iter().any(|reden| reden.contains("niet bewezen")), "{redenen:?}");
        // It serves on by what it knew, also who connects now.
        send(&mut gateway.client("zsm").await, check()).await.unwrap();
        assert_eq!(weigering(send(&mut gateway.client("politie").await, check()).await), refused);
        sql(&mut database, &undo).await;
        assert_eq!(is_ready(&gateway, true).await, Vec::<String>::new());
    }
}

/// What does not stand in the logboek does not come in force by a start either.
#[tokio::test(flavor = "multi_thread")]
async fn a_start_reads_no_text_that_is_not_proven() {
    let mut gateway = TestGateway::start().await;
    let longer = gateway.edited(BREDA, "versie = \"2026.1\"", "versie = \"2026.2\"");
    gateway.load(vec![longer]).await.unwrap();
    send(&mut gateway.client("zsm").await, check()).await.unwrap();
    gateway.stop().await;
    let mut database = gateway.sql().await;
    let copy = format!("DROP TABLE IF EXISTS bewaard; CREATE TABLE bewaard AS SELECT {COLUMNS} FROM documenten");
    for tampered in [
        ghost(&gateway, "(SELECT max(log_index) + 1000 FROM logregels)"),
        ghost(&gateway, "(SELECT max(log_index) FROM logregels)"),
        // An older text comes back by taking the newest away, or by its words in the place of the newer ones.
        "DELETE FROM documenten WHERE log_index = (SELECT max(log_index) FROM documenten)".to_owned(),
        "UPDATE documenten SET tekst = (SELECT tekst FROM bewaard b WHERE b.naam = documenten.naam ORDER BY log_index LIMIT 1) \
         WHERE log_index = (SELECT max(log_index) FROM bewaard)"
            .to_owned(),
        "UPDATE documenten SET naam = 'zvh-ander' WHERE log_index = (SELECT max(log_index) FROM bewaard)".to_owned(),
        "UPDATE documenten SET tijd = tijd - 1 WHERE log_index = (SELECT max(log_index) FROM bewaard)".to_owned(),
        "UPDATE documenten SET hash = NULL, tekst = NULL WHERE log_index = (SELECT max(log_index) FROM bewaard)".to_owned(),
        "DELETE FROM documenten".to_owned(),
    ] {
        sql(&mut database, &copy).await;
        sql(&mut database, &tampered).await;
        let refused = gateway.refuses().await;
        assert!(refused.contains("niet bewezen"), "{tampered}: {refused}");
        let undo = format!("DELETE FROM documenten; INSERT INTO documenten ({COLUMNS}) SELECT {COLUMNS} FROM bewaard");
        sql(&mut database, &undo).await;
    }
    sql(&mut database, "DROP TABLE bewaard").await;
    gateway.restart_with(|_| ()).await;
    send(&mut gateway.client("zsm").await, check()).await.unwrap();
}
