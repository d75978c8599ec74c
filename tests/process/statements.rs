//! How often the writer goes to the database: a batch of many berichten costs no more statements than a batch of one.

use tokio::task::JoinSet;

use crate::{
    served::{Served, until},
    traffic::{request, request_id, template},
};

/// Berichten that are sent at once.
const MANY: u64 = 60;

/// The statements of the writer since the start: each is a line of the driver. Those of readers, who look at what is in force and
/// at what is due, are not counted.
fn statements(served: &Served) -> Vec<String> {
    let of_readers = ["SELECT versie FROM logboek", "OFFSET", "PRAGMA"];
    let is_of_a_reader = |line: &&str| of_readers.iter().any(|words| line.contains(words));
    let log = served.log();
    let lines = log.lines().filter(|line| line.contains("sqlx::query") && !is_of_a_reader(line));
    lines.map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_of_berichten_is_looked_up_once_and_written_once() {
    let mut served = Served::prepare();
    served.serve_with("warn,sqlx::query=debug");
    let mut zsm = served.client("zsm").await;
    let numbered = |number| {
        let mut check = request(template("bekendheidscheck"));
        check.request_id = request_id(number);
        check
    };
    // The first one makes the key of its day, and what is in force is read.
    zsm.send(numbered(0)).await.unwrap();
    // The log is written by a thread of its own, in order.
    let written = |lines: &[String]| lines.iter().filter(|line| line.contains("INTO berichten")).count();
    let before = until("the first one is logged", || {
        let lines = statements(&served);
        (written(&lines) == 1).then_some(lines.len())
    });
    let checks: Vec<_> = (1..=MANY).map(numbered).collect();
    let mut sending = JoinSet::new();
    for check in checks {
        let mut zsm = zsm.clone();
        sending.spawn(async move { zsm.send(check).await.unwrap() });
    }
    sending.join_all().await;
    served.stop();
    let mut lines = statements(&served).split_off(before);
    // What it writes when it stops is another matter.
    lines.truncate(lines.iter().rposition(|line| line.contains("INTO berichten")).unwrap() + 1);
    let heads = lines.iter().filter(|line| line.contains("sleutels, grootte")).count();
    assert_eq!(written(&lines), heads, "{lines:#?}");
    assert!((heads as u64) < MANY, "{heads} transactions for {MANY} berichten");
    // The head, the looking up and the writing; and where a tile of the tree became full, what it began with.
    let tiles = lines.iter().filter(|line| line.contains("JOIN logregels r")).count();
    assert_eq!(lines.len(), heads * 3 + tiles, "{heads} transactions: {lines:#?}");
    assert!(tiles <= 1, "{tiles}");
}
