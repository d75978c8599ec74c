//! Several gateways on one database are one gateway to those who use them.

use std::{
    fs,
    process::Stdio,
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::SignedDuration;
use ketenpoort::{
    grpc::status::weigering_in,
    proto::{self, receive_request::Verzoek, receive_response::Antwoord},
};
use serde_json::Value;

use crate::{
    faketime,
    history::{self, Load, mostly_allowed},
    poorten::{Poorten, copy},
    postgres::Cluster,
    served::{expect, ketenpoort, logboek, until},
    traffic::{Client, Postvak, request, request_id, template},
};

const ZVH: &str = "zvh-baronie-breda";

fn check(number: u64) -> proto::SendRequest {
    let mut check = request(template("bekendheidscheck"));
    check.request_id = request_id(number);
    check
}

async fn send(client: &mut Client, request: &proto::SendRequest) -> proto::Ontvangstbewijs {
    client.send(request.clone()).await.unwrap().into_inner().ontvangstbewijs.unwrap()
}

async fn next(postvak: &mut Postvak) -> proto::Aflevering {
    loop {
        if let Antwoord::Aflevering(aflevering) = postvak.hear().await {
            return aflevering;
        }
    }
}

/// One closes the logboek while both write: the other goes on in the next one, and what was accepted in each is proven by each.
#[tokio::test(flavor = "multi_thread")]
async fn a_logboek_that_is_closed_at_one_gateway_is_followed_by_all() {
    let cluster = Cluster::start(&[]);
    let mut poorten = two(&cluster);
    poorten.serve(0);
    poorten.serve(1);
    let load = Load::start(&poorten, 6, SignedDuration::ZERO, Arc::new(mostly_allowed));
    let mut names = Vec::new();
    for at in [0, 1, 1, 0] {
        load.more(30).await;
        let mut close = ketenpoort();
        close.args(["logboek", "sluit", "--json", "--reden", "een test", "--profile"]);
        let closed = expect(&close.arg(poorten.profile_dir(at, "beheer")).output().unwrap(), 0);
        let closed: Value = serde_json::from_str(&closed).unwrap();
        names.push(closed["volgende"].as_str().unwrap().to_owned());
    }
    load.more(30).await;
    let history = load.finish(|_| false).await;
    history::check(&history, &poorten.regels(0), &poorten.vkey());
    let proven_in = |naam: &str| {
        let here = |proof: &str| proof.contains(&format!("\n\n{naam}\n"));
        history.acknowledged.iter().any(|sent| sent.bewijs.aanvaardingen.iter().any(|one| here(&one.bewijs)))
    };
    assert!(names.iter().all(|naam| proven_in(naam)), "{names:?}");
    let verified: Value =
        serde_json::from_str(&expect(&logboek(&poorten.config(1), "verify", &["--json"]), 0)).unwrap();
    let verified: Vec<&str> =
        verified["logboeken"].as_array().unwrap().iter().map(|log| log["naam"].as_str().unwrap()).collect();
    assert_eq!(verified[1..], names);
}

/// Two gateways on a new database.
fn two(cluster: &Cluster) -> Poorten {
    let url = cluster.url(&cluster.database());
    Poorten::prepare(&[url.clone(), url])
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_at_one_gateway_arrives_at_another_and_is_known_to_both() {
    let cluster = Cluster::start(&[]);
    let mut poorten = two(&cluster);
    // At once, on an empty database: both make what is not there, and nothing is made twice.
    poorten.launch(0);
    poorten.launch(1);
    poorten.answers(0);
    poorten.answers(1);
    let (mut zsm, mut zvh) = (poorten.client(0, "zsm").await, poorten.client(1, ZVH).await);
    let mut postvak = Postvak::open(&mut zvh, "algemeen", 32).await;
    assert!(matches!(postvak.hear().await, Antwoord::PostvakLeeg(_)));
    let mut waited = Vec::new();
    for number in 0..9 {
        let request = check(number);
        let sent = send(&mut zsm, &request).await;
        let started = Instant::now();
        assert_eq!(next(&mut postvak).await.bericht, sent.bericht);
        waited.push(started.elapsed());
        postvak.say(Verzoek::Bevestig(sent.bericht.clone())).await;
        // The same request at the other gateway is the same bericht.
        let again = send(&mut poorten.client(1, "zsm").await, &request).await;
        assert_eq!(again, sent);
    }
    // Looking happens once a second; who is told need not wait for it.
    waited.sort();
    assert!(waited[4] < Duration::from_millis(300), "half of them waited longer than {:?}", waited[4]);
    let regels = poorten.regels(0);
    let of = |soort: &str| regels.iter().filter(|regel| regel["soort"] == soort).count();
    assert_eq!((of("gestart"), of("partner_gewijzigd"), of("aanvaard"), of("afgeleverd")), (2, 1, 9, 9));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_of_a_gateway_that_died_moves_to_another() {
    let cluster = Cluster::start(&[]);
    let mut poorten = two(&cluster);
    for at in 0..2 {
        poorten.configure(at, "# [grenzen]\n# lease_seconds = 60", "[grenzen]\nlease_seconds = 2");
        poorten.serve(at);
    }
    let sent = send(&mut poorten.client(0, "zsm").await, &check(1)).await;
    let mut first = Postvak::open(&mut poorten.client(0, ZVH).await, "algemeen", 1).await;
    assert_eq!(next(&mut first).await.poging, 1);
    poorten.kill(0);
    let mut second = Postvak::open(&mut poorten.client(1, ZVH).await, "algemeen", 1).await;
    let again = next(&mut second).await;
    assert_eq!((again.bericht, again.poging), (sent.bericht, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partner_that_is_taken_out_at_one_gateway_is_out_everywhere_within_a_second() {
    let cluster = Cluster::start(&[]);
    let mut poorten = two(&cluster);
    poorten.serve(0);
    poorten.serve(1);
    let mut postvak = Postvak::open(&mut poorten.client(1, "zvh-zeeland").await, "algemeen", 1).await;
    assert!(matches!(postvak.hear().await, Antwoord::PostvakLeeg(_)));
    let text = fs::read_to_string(poorten.path().join("deelnemers.toml")).unwrap();
    // Its certificate opens nothing any more.
    let without = text.replace("zvh-zeeland.ketenpoort.test", "niemand.ketenpoort.test");
    assert_ne!(text, without);
    let file = poorten.path().join("deelnemers.nieuw.toml");
    fs::write(&file, without).unwrap();
    let mut load = ketenpoort();
    load.args(["beheer", "load", "--profile"]).arg(poorten.profile_dir(0, "beheer"));
    load.args(["--medewerker", "beheer-7", "--reden", "een test"]).arg(&file);
    expect(&load.output().unwrap(), 0);
    let started = Instant::now();
    postvak.closed().await;
    assert!(started.elapsed() < Duration::from_secs(1), "out after {:?}", started.elapsed());
    assert!(poorten.profile(1, "zvh-zeeland").connect().await.is_err(), "it got in again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_with_other_keys_or_none_is_refused_and_says_which_to_copy() {
    let cluster = Cluster::start(&[]);
    let mut poorten = two(&cluster);
    poorten.configure(1, "map = \"sleutels\"", "map = \"sleutels-1\"");
    poorten.serve(0);
    let sent = send(&mut poorten.client(0, "zsm").await, &check(1)).await;
    let none = poorten.refuses(1);
    assert!(none.contains("van een andere poort op deze database"), "{none}");
    assert!(!poorten.path().join("sleutels-1").exists(), "it made keys of its own");

    for file in ["wortel-1.key", "pseudoniem.key", "logboek.key"] {
        copy(&poorten.path().join("sleutels"), &poorten.path().join("sleutels-1"));
        fs::write(poorten.path().join("sleutels-1").join(file), "07".repeat(32)).unwrap();
        let other = poorten.refuses(1);
        assert!(other.contains("niet die van deze database"), "{file}: {other}");
    }
    copy(&poorten.path().join("sleutels"), &poorten.path().join("sleutels-1"));
    poorten.serve(1);
    let mut zvh = poorten.client(1, ZVH).await;
    let fetch = proto::FetchRequest { bericht: sent.bericht, medewerker: "lezer-1".to_owned(), ..Default::default() };
    zvh.fetch(fetch).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scenario_is_warned_of_once_however_many_gateways_look() {
    let cluster = Cluster::start(&[]);
    let url = cluster.url(&cluster.database());
    let mut poorten = Poorten::prepare(&[url.clone(), url.clone(), url]);
    for at in 0..3 {
        poorten.configure(at, "# [grenzen]\n# lease_seconds = 60", "[grenzen]\nvervalwaarschuwing_dagen = 366");
        poorten.serve(at);
    }
    let mut zvh = poorten.client(0, ZVH).await;
    for number in 0..12 {
        let mut scenario = request(template("scenario"));
        scenario.request_id = request_id(number);
        send(&mut zvh, &scenario).await;
    }
    let warnings = || {
        let of =
            |regel: &&serde_json::Value| regel["berichtsoort"] == "vervalwaarschuwing" && regel["soort"] == "aanvaard";
        poorten.regels(0).iter().filter(of).count()
    };
    until("everything is warned of", || (warnings() >= 12).then_some(()));
    // Three gateways look twice a second.
    let looked = Instant::now() + Duration::from_millis(1200);
    until("each of them looked again", || (Instant::now() > looked).then_some(()));
    assert_eq!(warnings(), 12);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_wrong_writes_nothing() {
    let cluster = Cluster::start(&[]);
    let mut poorten = two(&cluster);
    poorten.serve(0);
    let file = poorten.path().join("klok.txt");
    fs::write(&file, "+90").unwrap();
    poorten.environment(1, &faketime::set_in(&file));
    poorten.serve(1);
    let mut wrong = poorten.client(1, "zsm").await;
    let before = poorten.regels(0).len();
    let refused = wrong.send(check(1)).await.unwrap_err();
    assert_eq!(weigering_in(&refused).as_deref(), Some("klok_onzeker"));
    poorten.says(1, "the clock is not believed");
    assert_eq!(poorten.regels(0).len(), before);
    // Put right while it runs, it begins by itself.
    fs::write(&file, "+20").unwrap();
    poorten.says(1, "believed again");
    send(&mut wrong, &check(1)).await;
    // `tijd` does not run back when the other writes next.
    send(&mut poorten.client(0, "zsm").await, &check(2)).await;
}

/// Each of them is judged against what the other left.
#[tokio::test(flavor = "multi_thread")]
async fn two_changes_at_once_at_two_gateways_are_both_made_one_after_the_other() {
    let cluster = Cluster::start(&[]);
    let mut poorten = two(&cluster);
    poorten.serve(0);
    poorten.serve(1);
    let load = |at: usize, naam: &str, versie: &str| {
        let text = fs::read_to_string(poorten.path().join(format!("convenanten/{naam}.toml"))).unwrap();
        let file = poorten.path().join(format!("{naam}-{at}-{versie}.toml"));
        fs::write(&file, text.replace("versie = \"2026.1\"", &format!("versie = \"{versie}\""))).unwrap();
        let mut load = ketenpoort();
        load.args(["beheer", "load", "--json", "--medewerker", "beheer-7", "--reden", "een test", "--profile"]);
        load.arg(poorten.profile_dir(at, "beheer")).arg(file).stdout(Stdio::piped()).spawn().unwrap()
    };
    for round in 2..7 {
        // Two documents; then one, of which the later load replaces the earlier.
        for second in ["zvh-zeeland", "zvh-baronie-breda"] {
            let versie = |at: usize| format!("{round}-{second}-{at}");
            let both = [load(0, "zvh-baronie-breda", &versie(0)), load(1, second, &versie(1))];
            let versies = both.map(|child| {
                let loaded: Value = serde_json::from_str(&expect(&child.wait_with_output().unwrap(), 0)).unwrap();
                assert_eq!(loaded["wijzigingen"].as_array().unwrap().len(), 1, "{loaded}");
                loaded["versie"].as_u64().unwrap()
            });
            assert_eq!(versies[0].abs_diff(versies[1]), 1, "{versies:?}");
        }
    }
    let changed = |regel: &Value| regel["soort"] == "convenant_gewijzigd" && regel["actor"].is_string();
    let regels: Vec<Value> = poorten.regels(0).into_iter().filter(changed).collect();
    assert_eq!(regels.len(), 20);
}
