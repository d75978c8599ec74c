//! How often the writer goes to the database: a transaction for many berichten takes no more statements than one for a single one.

use std::{collections::BTreeSet, fs, time::Duration};

use ketenpoort::proto::{self, receive_request::Verzoek, receive_response::Antwoord};
use tokio::{task::JoinSet, time::timeout};

use crate::{
    postgres::Cluster,
    served::{PATIENCE, Served, until},
    traffic::{Client, Postvak, request, request_id, template},
};

/// Berichten that are sent at once.
const MANY: u64 = 100;
/// Statements of a transaction that does things of one kind; BEGIN and COMMIT make it six round trips.
const OF_ONE_KIND: usize = 4;
/// Statements of a transaction that only accepts: the head, what is asked of requests and postvakken, and one that writes.
const OF_SENDS: usize = 3;
/// Statements of a transaction that does things of every kind: the head, what is asked of requests and postvakken, of rows, of earlier
/// berichten (three), of what can be handed out (two), and one that writes.
const OF_EVERY_KIND: usize = 9;

/// The statements of the writer since the start, by transaction. Each is a line of the driver. Those of readers are not counted: they
/// look at what is in force, what is due, what waits, what was corrected and whether the database is there.
fn transactions(log: &str) -> Vec<Vec<String>> {
    // BEGIN and COMMIT are lines of the one driver and not of the other.
    let of_readers = [
        "FROM documenten",
        "SELECT nummer, naam, eerste, nota FROM logboek",
        "OFFSET",
        "PRAGMA",
        "SELECT 1 FROM postvak",
        "summary=\"SELECT 1\"",
        "'rectificatie'",
        MARKER,
        "summary=\"COMMIT\"",
        "summary=\"BEGIN",
    ];
    let is_of_a_reader =
        |line: &str| of_readers.iter().any(|words| line.contains(words)) && !line.contains("INSERT INTO");
    let mut transactions: Vec<Vec<String>> = Vec::new();
    for line in log.lines().filter(|line| line.contains("sqlx::query") && !is_of_a_reader(line)) {
        // Of the lock on the head, which every transaction begins with.
        if line.contains("SELECT sleutels, nummer") {
            transactions.push(Vec::new());
        }
        if let Some(transaction) = transactions.last_mut() {
            transaction.push(line.to_owned());
        }
    }
    transactions
}

/// Those of one kind: in which one of these words stands, and what they took, without the tile of the tree that became full.
fn of_kind<'t>(transactions: &'t [Vec<String>], words: &[&str]) -> Vec<(usize, &'t Vec<String>)> {
    let has = |line: &String| words.iter().any(|word| line.contains(word));
    let count = |of: &Vec<String>| of.iter().filter(|line| !line.contains("JOIN logregels r")).count();
    transactions.iter().filter(|of| of.iter().any(has)).map(|of| (count(of), of)).collect()
}

/// What a statement says that accepts, that looks what can be handed out, that looks what is confirmed.
const KINDS: [&str; 3] = ["INTO berichten", "string_agg", "p.bericht = v.bericht AND"];
const SENDS: usize = 0;

/// Whether rows are asked for by their index, as those are that a receiver hands back; accepting by itself asks for none.
fn hands_back(transaction: &[String]) -> bool {
    transaction.iter().any(|line| line.contains("WHERE p.log_index = v.log_index"))
}

/// Words of a statement that only [`logged`] brings about.
const MARKER: &str = "p.terugkoppeling_open <= ";

/// Waits until the log has every statement so far, and gives how long it is then. It is written by a thread of its own, in order: when
/// what was asked last is in it, so is the rest.
async fn logged(served: &Served, client: &mut Client) -> usize {
    let marks = || served.log().matches(MARKER).count();
    let before = marks();
    let request = proto::ListOpenTerugkoppelingenRequest { loket: String::new(), langer_dan_dagen: 0 };
    client.list_open_terugkoppelingen(request).await.unwrap();
    until("the statements are logged", || (marks() > before).then(|| served.log().len()))
}

/// Sends `MANY` berichten at once.
async fn send_many(zsm: &Client, check: &proto::SendRequest, first: u64) {
    let mut sending = JoinSet::new();
    for number in first..first + MANY {
        let (mut zsm, check) = (zsm.clone(), proto::SendRequest { request_id: request_id(number), ..check.clone() });
        sending.spawn(async move { zsm.send(check).await.unwrap() });
    }
    sending.join_all().await;
}

/// Takes so many berichten with several receivers, and confirms them all at once.
async fn take_and_confirm(zvh: &mut Client, many: u64) {
    let mut receivers = Vec::new();
    for _ in 0..6 {
        receivers.push(Postvak::open(zvh, "", 5).await);
    }
    let mut taken = Vec::new();
    while (taken.len() as u64) < many {
        for receiver in &mut receivers {
            while let Ok(heard) = timeout(Duration::from_millis(100), receiver.hear()).await {
                if let Antwoord::Aflevering(aflevering) = heard {
                    taken.push(aflevering.bericht);
                    receiver.say(Verzoek::Krediet(1)).await;
                }
            }
        }
    }
    let last = &mut receivers[0];
    for bericht in &taken {
        last.say(Verzoek::Bevestig(bericht.clone())).await;
    }
    let mut unconfirmed: BTreeSet<String> = taken.into_iter().collect();
    while !unconfirmed.is_empty() {
        if let Antwoord::Bevestigd(bericht) = last.hear().await {
            unconfirmed.remove(&bericht);
        }
    }
}

async fn count(mut served: Served) {
    // Taking up regels for searching is no part of a transaction.
    let config = fs::read_to_string(served.config()).unwrap();
    let (before, rest) = config.split_once("[toezicht]").unwrap();
    let (_, after) = rest.split_once("[beheer]").unwrap();
    fs::write(served.config(), format!("{before}[beheer]{after}")).unwrap();
    served.serve_with("warn,sqlx::query=debug");
    let (zsm, mut zvh) = (served.client("zsm").await, served.client("zvh-baronie-breda").await);
    let check = request(template("bekendheidscheck"));
    // The first ones make the key of their day, and what is in force is read.
    send_many(&zsm, &check, 1000).await;
    take_and_confirm(&mut zvh, MANY).await;
    let before = logged(&served, &mut zvh).await;

    send_many(&zsm, &check, 2000).await;
    take_and_confirm(&mut zvh, MANY).await;
    let end = logged(&served, &mut zvh).await;
    let log = served.log()[before..end].to_owned();
    let kinds = transactions(&log);
    let mut of_each = [0; 3];
    for (statements, of) in of_kind(&kinds, &["INTO berichten", "UPDATE postvak"]) {
        let does = KINDS.map(|words| of.iter().any(|line| line.contains(words)));
        // What receivers that closed hand back can come along with berichten that are accepted: a kind by itself.
        let is_of_one = does.iter().filter(|does| **does).count() == 1 && !(does[SENDS] && hands_back(of));
        let most = match (is_of_one, does[SENDS]) {
            (true, true) => OF_SENDS,
            (true, false) => OF_ONE_KIND,
            (false, _) => OF_EVERY_KIND,
        };
        assert!(statements <= most, "a transaction takes {statements}, more than {most}: {of:#?}");
        for kind in (0..KINDS.len()).filter(|kind| is_of_one && does[*kind]) {
            of_each[kind] += 1;
        }
    }
    assert!(of_each.iter().all(|many| *many > 0 && *many < 2 * MANY), "transactions of one kind: {of_each:?}");

    // All of it at once.
    let before = end;
    let sending = async {
        for first in [3000, 4000] {
            send_many(&zsm, &check, first).await;
        }
    };
    timeout(PATIENCE, async { tokio::join!(sending, take_and_confirm(&mut zvh, 2 * MANY)) }).await.unwrap();
    served.stop();
    let log = served.log()[before..].to_owned();
    for (statements, of) in of_kind(&transactions(&log), &["UPDATE postvak", "INTO berichten"]) {
        assert!(statements <= OF_EVERY_KIND, "a transaction takes {statements}: {of:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_takes_as_many_statements_whatever_it_carries_on_sqlite() {
    count(Served::prepare()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_takes_as_many_statements_whatever_it_carries_on_postgresql() {
    // A table is never looked through because it was empty when a statement was planned: statistics are never made here.
    let cluster = Cluster::start(&["autovacuum=off"]);
    let served = Served::prepare();
    let database = cluster.database();
    served.configure("sqlite:ketenpoort.db", &cluster.url(&database));
    count(served).await;
    let looked_through = "SELECT sum(seq_tup_read) FROM pg_stat_user_tables \
                          WHERE relname IN ('berichten', 'postvak', 'logregels', 'openingen', 'pseudoniemen')";
    let rows: u64 = cluster.sql(&database, looked_through).trim().parse().unwrap();
    assert!(rows < MANY, "{rows} rows were read without an index");
}
