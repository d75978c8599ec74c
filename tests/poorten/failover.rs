//! The server that takes writes is lost, and its standby takes over.

use std::{
    env, fs,
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::SignedDuration;

use crate::{
    history::{Load, check, mostly_allowed},
    poorten::Poorten,
    postgres::Cluster,
    served::{expect, logboek, stderr, until},
};

/// Until the first acknowledgement after a standby took over.
const BACK_WITHIN: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread")]
async fn with_a_synchronous_standby_nothing_acknowledged_is_lost_and_gateways_come_back_by_themselves() {
    let cycles = if env::var_os("KETENPOORT_LANG").is_some() { 50 } else { 5 };
    let mut primary = Cluster::start(&[]);
    let database = primary.database();
    let mut standby = primary.standby(&[]);
    primary.wait_for_standby();
    let places = [primary.place(), standby.place()];
    let mut poorten =
        Poorten::prepare(&[primary.url_of_two(&standby, &database), standby.url_of_two(&primary, &database)]);
    for at in 0..2 {
        poorten.configure(at, "# [grenzen]\n# lease_seconds = 60", "[grenzen]\nlease_seconds = 3");
        poorten.serve(at);
    }
    let load = Load::start(&poorten, 6, SignedDuration::ZERO, Arc::new(mostly_allowed));
    let mut slowest = Duration::ZERO;
    for cycle in 0..cycles {
        load.more(60).await;
        primary.kill();
        standby.promote();
        // It has no standby of its own yet: an operator says that it goes on without.
        standby.set("synchronous_standby_names", "");
        let promoted = Instant::now();
        load.more(1).await;
        slowest = slowest.max(promoted.elapsed());
        assert!(promoted.elapsed() < BACK_WITHIN, "back after {:?}", promoted.elapsed());
        // In the place of the server that was lost comes a new standby.
        drop(primary);
        primary = standby;
        standby = primary.standby_at(places[cycle % 2].clone(), &[]);
        primary.wait_for_standby();
    }
    let history = load.finish(|_| false).await;
    println!("{} acknowledged over {cycles} failovers, back within {slowest:?}", history.acknowledged.len());
    check(&history, &poorten.regels(0), &poorten.vkey());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_synchronous_standby_nothing_is_acknowledged_and_with_it_the_truth_is_found() {
    let primary = Cluster::start(&[]);
    let database = primary.database();
    let standby = primary.standby(&[]);
    let place = standby.place();
    primary.wait_for_standby();
    let mut poorten = Poorten::prepare(&[primary.url(&database)]);
    poorten.serve(0);
    let mut zsm = poorten.client(0, "zsm").await;
    zsm.send(mostly_allowed(1)).await.unwrap();
    standby.kill();
    drop(standby);
    let request = mostly_allowed(2);
    let told = zsm.send(request.clone()).await.unwrap_err();
    assert_eq!(told.code(), tonic::Code::Unavailable, "{told:?}");
    let _standby = primary.standby_at(place, &[]);
    primary.wait_for_standby();
    let started = Instant::now();
    let receipt = loop {
        match zsm.send(request.clone()).await {
            Ok(sent) => break sent.into_inner(),
            Err(_) => assert!(started.elapsed() < Duration::from_secs(30), "it does not go on"),
        }
    };
    assert_eq!(zsm.send(request).await.unwrap().into_inner(), receipt);
    let accepted = poorten.regels(0).into_iter().filter(|regel| regel["soort"] == "aanvaard").count();
    assert_eq!(accepted, 2);
}

#[test]
fn with_an_asynchronous_standby_the_gateway_starts_only_when_told_to_accept_it() {
    let primary = Cluster::start(&[]);
    let database = primary.database();
    let mut poorten = Poorten::prepare(&[primary.url(&database)]);
    let standby = primary.standby(&[]);
    let refused = poorten.refuses(0);
    assert!(refused.contains("asynchroon_aanvaard"), "{refused}");
    poorten.configure(0, "[opslag]", "[opslag]\nasynchroon_aanvaard = true");
    poorten.serve(0);
    poorten.says(0, "a failover can lose what was acknowledged");
    poorten.stop(0);
    // With one that is waited for nothing need be accepted.
    poorten.configure(0, "asynchroon_aanvaard = true", "asynchroon_aanvaard = false");
    primary.wait_for_standby();
    poorten.serve(0);
    // Now the whole log is written: only the first start said it.
    poorten.stop(0);
    assert_eq!(poorten.log(0).matches("can lose").count(), 1, "{}", poorten.log(0));
    primary.set("synchronous_standby_names", "");
    drop(standby);
}

/// What was acknowledged is gone, and somebody accepted that it could be. But what was signed is not contradicted.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_standby_lacked_is_found_and_nothing_is_signed_in_its_place() {
    let primary = Cluster::start(&[]);
    let database = primary.database();
    let standby = primary.standby(&[]);
    let mut poorten = Poorten::prepare(&[primary.url_of_two(&standby, &database)]);
    poorten.configure(0, "[opslag]", "[opslag]\nasynchroon_aanvaard = true");
    poorten.serve(0);
    let mut zsm = poorten.client(0, "zsm").await;
    zsm.send(mostly_allowed(1)).await.unwrap();
    primary.wait_for_standby();
    primary.set("synchronous_standby_names", "");
    let there = poorten.regels(0).len();
    standby.set("primary_conninfo", "");
    let receiving = || standby.sql("postgres", "SELECT count(*) FROM pg_stat_wal_receiver");
    until("the standby receives no more", || (receiving().trim() == "0").then_some(()));
    for number in 2..6 {
        zsm.send(mostly_allowed(number)).await.unwrap();
    }
    let acknowledged = poorten.regels(0).len();
    primary.kill();
    standby.promote();
    poorten.ends(0);
    let names =
        |text: &str, regels: usize| text.contains(&format!("{regels} regels, de laatste met index {}", regels - 1));
    let told = poorten.log(0);
    assert!(names(&told, there) && names(&told, acknowledged), "{told}");
    let refused = poorten.refuses(0);
    assert!(names(&refused, there) && names(&refused, acknowledged), "{refused}");
    assert_eq!(poorten.regels(0).len(), there);
    let verified = logboek(&poorten.config(0), "verify", &[]);
    expect(&verified, 1);
    assert!(stderr(&verified).contains("afgesneden of teruggezet"), "{}", stderr(&verified));
    poorten.nothing_to_verify();
}

#[test]
fn a_server_that_does_not_write_through_is_refused() {
    let cluster = Cluster::start(&["fsync=off"]);
    let mut poorten = Poorten::prepare(&[cluster.url(&cluster.database())]);
    let refused = poorten.refuses(0);
    assert!(refused.contains("fsync staat uit"), "{refused}");
    assert!(!fs::exists(poorten.path().join("sleutels")).unwrap(), "it made keys");
    poorten.nothing_to_verify();
}
