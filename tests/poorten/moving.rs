//! From SQLite to PostgreSQL and back: a backup here, a restore there, the logboek intact.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Output,
    sync::Arc,
};

use jiff::SignedDuration;
use ketenpoort::proto::{self, receive_request::Verzoek, receive_response::Antwoord};
use serde_json::Value;

use crate::{
    history::{Load, ZVH, mostly_allowed},
    poorten::Poorten,
    postgres::Cluster,
    served::{Served, expect, ketenpoort, logboek, stderr},
    traffic::{Postvak, request, request_id, template},
};

fn copy(verb: &str, config: &Path, flag: &str, file: &Path) -> Output {
    ketenpoort().arg(verb).arg("--config").arg(config).arg(flag).arg(file).output().unwrap()
}

fn check(number: u64) -> proto::SendRequest {
    let mut check = request(template("bekendheidscheck"));
    check.request_id = request_id(number);
    check
}

fn lines(config: &Path) -> Vec<Value> {
    let found = expect(&logboek(config, "search", &[]), 0);
    found.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Sends twelve to a postvak, of which one is received and confirmed, and stops.
async fn twelve_sent(served: &mut Served) -> Vec<(proto::SendRequest, proto::Ontvangstbewijs)> {
    let mut zsm = served.client("zsm").await;
    let mut sent = Vec::new();
    for number in 0..12 {
        let request = check(number);
        let bewijs = zsm.send(request.clone()).await.unwrap().into_inner().ontvangstbewijs.unwrap();
        sent.push((request, bewijs));
    }
    let mut postvak = Postvak::open(&mut served.client(ZVH).await, "algemeen", 1).await;
    let Antwoord::Aflevering(first) = postvak.hear().await else { panic!("nothing was delivered") };
    postvak.say(Verzoek::Bevestig(first.bericht)).await;
    assert!(matches!(postvak.hear().await, Antwoord::Bevestigd(_)));
    drop(postvak);
    served.stop();
    sent
}

/// Receives and confirms the other eleven.
async fn receive_eleven(served: &Served) {
    let mut postvak = Postvak::open(&mut served.client(ZVH).await, "algemeen", 100).await;
    let mut confirmed = 0;
    while confirmed < 11 {
        match postvak.hear().await {
            Antwoord::Aflevering(aflevering) => postvak.say(Verzoek::Bevestig(aflevering.bericht)).await,
            Antwoord::Bevestigd(_) => confirmed += 1,
            Antwoord::PostvakLeeg(_) => {}
            Antwoord::BevestigingGeweigerd(geweigerd) => panic!("{geweigerd:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_on_sqlite_goes_on_on_postgresql_and_back_with_the_logboek_intact() {
    let mut served = Served::start();
    let sent = twelve_sent(&mut served).await;
    let before = lines(&served.config());
    let file = served.path().join("kopie.db");
    expect(&copy("backup", &served.config(), "--out", &file), 0);
    let again = copy("backup", &served.config(), "--out", &file);
    expect(&again, 2);
    assert!(stderr(&again).contains("bestaat al"), "{}", stderr(&again));

    let cluster = Cluster::start(&[]);
    let url = cluster.url(&cluster.database());
    let there = served.path().join("daar.toml");
    fs::write(&there, fs::read_to_string(served.config()).unwrap().replace("sqlite:ketenpoort.db", &url)).unwrap();
    let restored = expect(&copy("restore", &there, "--from", &file), 0);
    assert!(restored.contains(&format!("{} regels", before.len())), "{restored}");
    assert_eq!(lines(&there), before);
    served.configure("sqlite:ketenpoort.db", &url);
    served.serve();
    let mut zsm = served.client("zsm").await;
    for (request, bewijs) in &sent {
        // The receipt that was given on the other store, to the letter.
        let again = zsm.send(request.clone()).await.unwrap().into_inner().ontvangstbewijs;
        assert_eq!(again.as_ref(), Some(bewijs));
    }
    receive_eleven(&served).await;
    served.stop();

    // What is there already is not written over.
    let full = copy("restore", &there, "--from", &file);
    expect(&full, 2);
    assert!(stderr(&full).contains("overschrijft niets"), "{}", stderr(&full));

    // And back: to a file and keys without day keys, as on a new machine.
    let (back, home) = (served.path().join("terug.db"), served.path().join("thuis.toml"));
    expect(&copy("backup", &there, "--out", &back), 0);
    let keys = served.path().join("sleutels");
    fs::remove_file(keys.join("dagsleutels.json")).unwrap();
    fs::write(&home, fs::read_to_string(&there).unwrap().replace(&url, "sqlite:thuis.db")).unwrap();
    expect(&copy("restore", &home, "--from", &back), 0);
    assert_eq!(lines(&home), lines(&there));
    served.configure(&url, "sqlite:thuis.db");
    served.serve();
    let fetch = proto::FetchRequest {
        bericht: sent[5].1.bericht.clone(),
        medewerker: "lezer-1".to_owned(),
        ..Default::default()
    };
    served.client(ZVH).await.fetch(fetch).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_made_beside_gateways_at_work_and_holds_one_moment() {
    let cluster = Cluster::start(&[]);
    let url = cluster.url(&cluster.database());
    let mut poorten = Poorten::prepare(&[url.clone(), url]);
    poorten.serve(0);
    poorten.serve(1);
    let load = Load::start(&poorten, 4, SignedDuration::ZERO, Arc::new(mostly_allowed));
    load.more(50).await;
    let file = poorten.path().join("kopie.db");
    expect(&copy("backup", &poorten.config(0), "--out", &file), 0);
    let acknowledged = load.acknowledged();
    load.more(50).await;
    load.finish(|_| false).await;
    let aside = poorten.path().join("aside.toml");
    let config = fs::read_to_string(poorten.config(0)).unwrap();
    let url = config.lines().find(|line| line.starts_with("url")).unwrap().to_owned();
    fs::write(&aside, config.replace(&url, "url = \"sqlite:kopie.db\"")).unwrap();
    let kept = lines(&aside);
    assert!(kept.len() > 50 && kept.len() < lines(&poorten.config(0)).len(), "{} regels, {acknowledged}", kept.len());
    assert_eq!(kept[..], lines(&poorten.config(0))[..kept.len()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_was_changed_or_is_of_other_keys_is_not_put_back() {
    let mut served = Served::start();
    served.client("zsm").await.send(check(1)).await.unwrap();
    served.stop();
    let (file, config) = (served.path().join("kopie.db"), served.path().join("daar.toml"));
    expect(&copy("backup", &served.config(), "--out", &file), 0);
    fs::write(&config, fs::read_to_string(served.config()).unwrap().replace("sqlite:ketenpoort.db", "sqlite:daar.db"))
        .unwrap();
    let changed = served.path().join("gewijzigd.db");
    fs::copy(&file, &changed).unwrap();
    let bytes = fs::read(&changed).unwrap();
    let at = bytes.windows(20).position(|window| window == b"\"soort\":\"aanvaard\",\"").unwrap();
    let mut bytes = bytes;
    bytes[at + 9] = b'A';
    fs::write(&changed, bytes).unwrap();
    let refused = copy("restore", &config, "--from", &changed);
    expect(&refused, 1);
    assert!(stderr(&refused).contains("het logboek klopt niet"), "{}", stderr(&refused));
    let pseudoniem = served.path().join("sleutels/pseudoniem.key");
    let kept = fs::read_to_string(&pseudoniem).unwrap();
    fs::write(&pseudoniem, "07".repeat(32)).unwrap();
    let refused = copy("restore", &config, "--from", &file);
    expect(&refused, 2);
    assert!(stderr(&refused).contains("niet die van deze database"), "{}", stderr(&refused));
    fs::write(&pseudoniem, kept).unwrap();
    expect(&copy("restore", &config, "--from", &file), 0);
}

/// Puts back into a new SQLite file beside the configuration of this data directory. Gives what was said, and the configuration.
fn put_back(served: &Served, name: &str, from: &Path) -> (Output, PathBuf) {
    let config = served.path().join(format!("{name}.toml"));
    let text = fs::read_to_string(served.config()).unwrap();
    fs::write(&config, text.replace("sqlite:ketenpoort.db", &format!("sqlite:{name}.db"))).unwrap();
    (copy("restore", &config, "--from", from), config)
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_backup_is_put_back_and_only_with_the_keys_that_it_needs() {
    let mut served = Served::start();
    served.client("zsm").await.send(check(1)).await.unwrap();
    // What the gateway still writes to is not whole without the log beside it.
    let (live, _) = put_back(&served, "levend", &served.database());
    expect(&live, 2);
    assert!(stderr(&live).contains("is geen reservekopie"), "{}", stderr(&live));
    let file = served.path().join("kopie.db");
    expect(&copy("backup", &served.config(), "--out", &file), 0);
    served.stop();
    let (_, config) = put_back(&served, "een", &file);
    // What was put back can be backed up again, and put back again.
    let again = served.path().join("nog-een.db");
    expect(&copy("backup", &config, "--out", &again), 0);
    let (done, twice) = put_back(&served, "twee", &again);
    expect(&done, 0);
    assert_eq!(lines(&twice), lines(&config));

    let document = served.path().join("sleutels/dagsleutels.json");
    let kept = fs::read_to_string(&document).unwrap();
    let wrapped = kept.split('"').find(|word| word.len() > 64).unwrap();
    let other = format!("{}{}", if wrapped.starts_with('0') { "1" } else { "0" }, &wrapped[1..]);
    fs::write(&document, kept.replace(wrapped, &other)).unwrap();
    let (refused, _) = put_back(&served, "drie", &file);
    expect(&refused, 2);
    assert!(stderr(&refused).contains("een andere dagsleutel"), "{}", stderr(&refused));
    fs::remove_file(&document).unwrap();
    let without = copy("backup", &served.config(), "--out", &served.path().join("zonder.db"));
    expect(&without, 2);
    assert!(stderr(&without).contains("ontbreekt"), "{}", stderr(&without));
    assert!(!served.path().join("zonder.db").exists());
    let (done, _) = put_back(&served, "vier", &file);
    expect(&done, 0);
    assert_eq!(fs::read_to_string(&document).unwrap(), kept);
}
