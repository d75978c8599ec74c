//! A database that fails in the middle: nothing is acknowledged that is not there, and nothing stays locked.

use std::{
    process::{Child, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::SignedDuration;
use ketenpoort::proto;
use tokio::time::sleep;

use crate::{
    history::{Load, check, mostly_allowed},
    link::{Link, State, linked},
    poorten::Poorten,
    postgres::Cluster,
    served::{PATIENCE, until},
    traffic::{Client, request, request_id, template},
};

/// Two gateways with a link each, and load on both.
async fn under_load(cluster: &Cluster) -> (Vec<Link>, Poorten, Load) {
    let (links, mut poorten) = linked(cluster, 2);
    poorten.serve(0);
    poorten.serve(1);
    let load = Load::start(&poorten, 6, SignedDuration::ZERO, Arc::new(mostly_allowed));
    load.more(20).await;
    (links, poorten, load)
}

/// The end of each: everything is known, arrives, and nothing is locked.
async fn sound(cluster: &Cluster, poorten: &Poorten, load: Load) {
    load.more(20).await;
    let history = load.finish(|_| false).await;
    check(&history, &poorten.regels(0), &poorten.vkey());
    nothing_locked(cluster);
}

fn nothing_locked(cluster: &Cluster) {
    until("nothing is locked", || {
        let open =
            cluster.sql("postgres", "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'");
        let waiting = cluster.sql("postgres", "SELECT count(*) FROM pg_locks WHERE NOT granted");
        (open == "0" && waiting == "0").then_some(())
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_lost_in_the_middle_of_a_commit_loses_nothing_and_doubles_nothing() {
    let cluster = Cluster::start(&[]);
    let (links, poorten, load) = under_load(&cluster).await;
    for _ in 0..8 {
        for state in [State::DropsCommit, State::DropsAnswer] {
            for link in &links {
                let before = link.dropped();
                link.set(state);
                while link.dropped() < before + 2 {
                    sleep(Duration::from_millis(5)).await;
                }
                link.set(State::Open);
                load.more(5).await;
            }
        }
    }
    assert!(links.iter().all(|link| link.dropped() >= 32));
    sound(&cluster, &poorten, load).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn statements_that_are_cancelled_and_sessions_that_are_ended_leave_nothing_half_done() {
    let cluster = Cluster::start(&[]);
    // What an administrator sets for everybody does not reach into the wait for a standby.
    cluster.set("statement_timeout", "2s");
    let (_links, poorten, load) = under_load(&cluster).await;
    let writers = "FROM pg_stat_activity WHERE application_name = 'ketenpoort' AND state <> 'idle'";
    for round in 0..60 {
        let end = if round % 3 == 0 { "pg_terminate_backend" } else { "pg_cancel_backend" };
        cluster.sql("postgres", &format!("SELECT count({end}(pid)) {writers}"));
        sleep(Duration::from_millis(20)).await;
    }
    sound(&cluster, &poorten, load).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_read_only_for_a_while_acknowledges_nothing_and_goes_on_after_it() {
    let cluster = Cluster::start(&[]);
    let (_links, poorten, load) = under_load(&cluster).await;
    cluster.set("default_transaction_read_only", "on");
    // Whatever was under way has its answer by then.
    sleep(Duration::from_millis(500)).await;
    let before = load.acknowledged();
    let refused = poorten.client(0, "zsm").await.send(check_of(1_000_000)).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::Unavailable, "{refused:?}");
    assert_eq!(load.acknowledged(), before, "acknowledged by a database that writes nothing");
    // The statement itself must be allowed to write.
    cluster.sql("postgres", "ALTER SYSTEM RESET default_transaction_read_only");
    cluster.sql("postgres", "SELECT pg_reload_conf()");
    sound(&cluster, &poorten, load).await;
}

fn check_of(number: u64) -> proto::SendRequest {
    let mut check = request(template("bekendheidscheck"));
    check.request_id = request_id(number);
    check
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_acknowledges_nothing_and_loses_nothing() {
    let cluster = Cluster::start(&["autovacuum=off"]);
    let (_links, mut poorten) = linked(&cluster, 1);
    poorten.serve(0);
    let mut zsm = poorten.client(0, "zsm").await;
    // Rows that are rolled back stay where they were: the file is nearly full. No file grows beyond 17 MiB; those of the log of
    // transactions have 16 MiB and do not grow.
    let bloat = "BEGIN; INSERT INTO logregels (log_index, regel, hash) SELECT 1000000 + i, \
                 convert_to(repeat(md5(i::text), 59), 'UTF8'), 'x' FROM generate_series(1, 8640) i; ROLLBACK";
    cluster.sql(&only_database(&cluster), bloat);
    cluster.limit_files(Some(17 << 20));
    let mut acknowledged = Vec::new();
    let refused = loop {
        let request = check_of(acknowledged.len() as u64);
        match zsm.send(request.clone()).await {
            Ok(sent) => acknowledged.push((request, sent.into_inner().ontvangstbewijs.unwrap())),
            Err(status) => break (request, status),
        }
        assert!(acknowledged.len() < 2000, "the disk does not fill up");
    };
    assert_eq!(refused.1.code(), tonic::Code::Unavailable, "{:?}", refused.1);
    poorten.says(0, "could not extend file");
    assert!(acknowledged.len() > 20);
    nothing_locked(&cluster);
    cluster.limit_files(None);
    // There is room again: the same request, and everything that was acknowledged.
    until_sent(&mut zsm, &refused.0).await;
    for (request, bewijs) in &acknowledged {
        assert_eq!(zsm.send(request.clone()).await.unwrap().into_inner().ontvangstbewijs.as_ref(), Some(bewijs));
    }
    let accepted = poorten.regels(0).into_iter().filter(|regel| regel["soort"] == "aanvaard").count();
    assert_eq!(accepted, acknowledged.len() + 1);
}

fn only_database(cluster: &Cluster) -> String {
    cluster.sql("postgres", "SELECT datname FROM pg_database WHERE datname LIKE 'poort%'")
}

async fn until_sent(client: &mut Client, request: &proto::SendRequest) {
    while client.send(request.clone()).await.is_err() {
        sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_victim_of_a_deadlock_tells_its_caller_and_goes_on() {
    let cluster = Cluster::start(&[]);
    let (_links, mut poorten) = linked(&cluster, 1);
    poorten.serve(0);
    let mut zsm = poorten.client(0, "zsm").await;
    zsm.send(check_of(1)).await.unwrap();
    // Somebody who holds a row that the gateway wants, and then wants the one that the gateway holds.
    let locks = "SET deadlock_timeout = '60s'; BEGIN; SELECT 1 FROM postvakken FOR UPDATE; SELECT pg_sleep(1); \
                 SELECT 1 FROM logboek FOR UPDATE; SELECT pg_sleep(0.5); ROLLBACK";
    let _saboteur = locked_by(&cluster, locks);
    let second = check_of(2);
    let told = zsm.send(second.clone()).await.unwrap_err();
    assert_eq!(told.code(), tonic::Code::Unavailable, "{told:?}");
    poorten.says(0, "deadlock detected");
    until_sent(&mut zsm, &second).await;
    nothing_locked(&cluster);
    assert_eq!(poorten.regels(0).into_iter().filter(|regel| regel["soort"] == "aanvaard").count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_became_another_is_not_written_by_who_knew_the_old_one() {
    let cluster = Cluster::start(&[]);
    let database = cluster.database();
    let url = cluster.url(&database);
    // Each with keys of its own.
    let (mut old, mut new) =
        (Poorten::prepare(std::slice::from_ref(&url)), Poorten::prepare(std::slice::from_ref(&url)));
    old.serve(0);
    let mut zsm = old.client(0, "zsm").await;
    zsm.send(check_of(1)).await.unwrap();
    cluster.sql("postgres", &format!("DROP DATABASE {database} WITH (FORCE)"));
    cluster.sql("postgres", &format!("CREATE DATABASE {database} OWNER ketenpoort"));
    new.serve(0);
    // What comes while it connects anew is refused before it can see whose logboek it is; so something comes until it does.
    let deadline = Instant::now() + PATIENCE;
    for number in 2.. {
        assert!(zsm.send(check_of(number)).await.is_err(), "acknowledged in the logboek of another");
        if old.log(0).contains("de database is een andere geworden") {
            break;
        }
        assert!(Instant::now() < deadline, "it does not stop");
    }
    old.nothing_to_verify();
    let refused = old.refuses(0);
    assert!(refused.contains("niet die van deze database"), "{refused}");
    new.client(0, "zsm").await.send(check_of(20)).await.unwrap();
    assert_eq!(new.regels(0).into_iter().filter(|regel| regel["soort"] == "aanvaard").count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_holds_the_lock_of_the_logboek_makes_nobody_wait_for_ever() {
    let cluster = Cluster::start(&[]);
    let (_links, mut poorten) = linked(&cluster, 1);
    poorten.serve(0);
    let mut zsm = poorten.client(0, "zsm").await;
    zsm.send(check_of(1)).await.unwrap();
    let hold = "BEGIN; SELECT 1 FROM logboek FOR UPDATE; SELECT pg_sleep(13); ROLLBACK";
    let _saboteur = locked_by(&cluster, hold);
    let (second, started) = (check_of(2), Instant::now());
    let told = zsm.send(second.clone()).await.unwrap_err();
    assert_eq!(told.code(), tonic::Code::Unavailable, "{told:?}");
    assert!(started.elapsed() < Duration::from_secs(12), "told after {:?}", started.elapsed());
    poorten.says(0, "lock timeout");
    until_sent(&mut zsm, &second).await;
    nothing_locked(&cluster);
}

/// Somebody who says this, and by now holds what they lock before they sleep.
fn locked_by(cluster: &Cluster, statements: &str) -> Ended {
    let mut saboteur = cluster.psql(&only_database(cluster));
    let saboteur = Ended(saboteur.args(["-c", statements]).stdout(Stdio::null()).spawn().unwrap());
    until("the row is locked", || {
        let sleeping = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
        (cluster.sql("postgres", sleeping) == "1").then_some(())
    });
    saboteur
}

/// Waits for the end of a process.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        drop(self.0.wait());
    }
}
