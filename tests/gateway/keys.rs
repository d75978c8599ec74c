use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
    sync::Arc,
};

use jiff::{SignedDuration, ToSpan};
use ketenpoort::{
    clock::{SystemClock, SystemRng},
    config::Opslag,
    domain::{Clock, houdbaarheid::amsterdam_date},
    gateway::Gateway,
    store::verify::{self, inhoud},
};

use crate::harness::*;

/// Why a gateway on this test's database does not start.
async fn refusal_to_start(gateway: &TestGateway) -> String {
    match Gateway::start(&gateway.config, false, Arc::new(SystemClock), Arc::new(SystemRng)).await {
        Ok(_) => panic!("it started"),
        Err(error) => error.to_string(),
    }
}

/// Verifying beside a gateway that runs: it makes keys meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn a_day_key_that_was_made_since_the_keys_were_read_is_no_damage_and_its_content_is_said_to_be_unseen() {
    let mut gateway = TestGateway::start().await;
    send(&mut gateway.client("zsm").await, check()).await.unwrap();
    let read = gateway.read().await;
    let keys = inhoud::keys(&read, &gateway.config.sleutels, &gateway.vkey(), Arc::new(SystemRng)).await.unwrap();
    let vkey = gateway.vkey();
    let verified = async || {
        let sound = verify::verify(&read, &vkey, &[], Some(&keys), &|_, _| {}).await.unwrap();
        let content = inhoud::content(&read, &keys.store).await.unwrap();
        assert_eq!(content.damaged, Vec::<String>::new());
        (sound.checked.without_key(), content.sound, content.without_key.values().sum::<u64>())
    };
    assert_eq!(verified().await, (0, 1, 0));
    gateway.stop().await;
    gateway.clock.advance(SignedDuration::from_hours(72));
    gateway.restart_with(|_| ()).await;
    let mut later = template("bekendheidscheck");
    let needed = (gateway.clock.now() + SignedDuration::from_hours(1)).to_string();
    later["inhoud"]["bekendheidscheck"]["antwoord_nodig_voor"] = needed.into();
    send(&mut gateway.client("zsm").await, request(later)).await.unwrap();
    assert_eq!(verified().await, (1, 1, 1));
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
    config.wacht = Some(gateway.path().join("wacht-2.json"));
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

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_gateway_on_the_same_file_is_refused_by_whatever_name_it_has() {
    let gateway = with_a_file().await;
    let Opslag::Sqlite { bestand, .. } = &gateway.config.opslag else { unreachable!() };
    // Keys of its own, so that only the database can be in the way.
    let keys = gateway.path().join("kopie");
    fs::create_dir(&keys).unwrap();
    for file in ["logboek.key", "wortel-1.key", "pseudoniem.key", "dagsleutels.json", "begonnen.txt"] {
        if gateway.config.sleutels.join(file).exists() {
            fs::copy(gateway.config.sleutels.join(file), keys.join(file)).unwrap();
        }
    }
    let elsewhere = gateway.path().join("elders");
    fs::create_dir(&elsewhere).unwrap();
    symlink(bestand, elsewhere.join("link.db")).unwrap();
    fs::hard_link(bestand, elsewhere.join("hard.db")).unwrap();
    symlink(gateway.path(), elsewhere.join("map")).unwrap();
    let mut zsm = gateway.client("zsm").await;
    for name in ["link.db", "hard.db", "map/een.db"] {
        let mut config = gateway.config.clone();
        config.opslag = Opslag::Sqlite { bestand: elsewhere.join(name), grootste_mebibytes: None };
        config.sleutels = keys.clone();
        let second = Gateway::start(&config, false, Arc::new(SystemClock), Arc::new(SystemRng)).await;
        let why = second.err().unwrap_or_else(|| panic!("{name}: it started")).to_string();
        assert!(why.contains("in gebruik door een andere poort"), "{name}: {why}");
        // The first one did not notice.
        send(&mut zsm, check()).await.unwrap();
    }
    assert_eq!(mode(bestand), 0o600);
    assert!(!bestand.with_extension("slot").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_made_through_a_link_that_somebody_planted() {
    let other = tempfile::tempdir().unwrap();
    let victim = other.path().join("van-een-ander");
    fs::write(&victim, "ongemoeid").unwrap();
    let gateway = TestGateway::start_with(|config| {
        fs::create_dir(&config.sleutels).unwrap();
        for name in ["wortel-1.nieuw", "logboek.nieuw", "pseudoniem.nieuw", "dagsleutels.nieuw", "begonnen.nieuw"] {
            symlink(&victim, config.sleutels.join(name)).unwrap();
        }
    })
    .await;
    send(&mut gateway.client("zsm").await, check()).await.unwrap();
    assert_eq!(fs::read_to_string(&victim).unwrap(), "ongemoeid");
    gateway.stop().await;
    for name in ["wortel-1.key", "logboek.key", "pseudoniem.key", "openen.slot"] {
        assert_eq!(mode(&gateway.config.sleutels.join(name)), 0o600, "{name}");
    }

    // A link in the place of a lock, of a key, or of a database that is to be made.
    for (name, taken) in [("openen.slot", &victim), ("wortel-1.key", &other.path().join("nergens"))] {
        let mut config = gateway.config.clone();
        config.sleutels = other.path().join(format!("sleutels-{name}"));
        config.opslag = Opslag::Sqlite { bestand: other.path().join(format!("{name}.db")), grootste_mebibytes: None };
        fs::create_dir(&config.sleutels).unwrap();
        symlink(taken, config.sleutels.join(name)).unwrap();
        assert!(Gateway::start(&config, false, Arc::new(SystemClock), Arc::new(SystemRng)).await.is_err(), "{name}");
    }
    let mut config = gateway.config.clone();
    config.sleutels = other.path().join("nieuw");
    let bestand = other.path().join("link.db");
    symlink(other.path().join("nergens"), &bestand).unwrap();
    config.opslag = Opslag::Sqlite { bestand, grootste_mebibytes: None };
    let why = Gateway::start(&config, false, Arc::new(SystemClock), Arc::new(SystemRng)).await.err();
    assert!(why.expect("it started").to_string().contains("link.db"));
    assert!(!other.path().join("nergens").exists());
    assert_eq!(fs::read_to_string(&victim).unwrap(), "ongemoeid");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_directory_that_vanishes_is_waited_for_and_not_made_anew() {
    let gateway = with_a_file().await;
    let mut zvh = gateway.client("zvh-baronie-breda").await;
    send(&mut zvh, request(template("scenario"))).await.unwrap();
    let keys = &gateway.config.sleutels;
    let away = gateway.path().join("weg");
    fs::rename(keys, &away).unwrap();
    let mut shorter = template("scenario");
    shorter["houdbaar_tot_en_met"] = amsterdam_date(gateway.clock.now()).saturating_add(5.days()).to_string().into();
    let shorter = request(shorter);
    for _ in 0..3 {
        assert_eq!(weigering(send(&mut zvh, shorter.clone()).await), "niet_beschikbaar");
    }
    assert!(!keys.exists(), "it made a directory in its place");
    // An empty one in its place is not taken for it either.
    fs::create_dir(keys).unwrap();
    assert_eq!(weigering(send(&mut zvh, shorter.clone()).await), "niet_beschikbaar");
    assert_eq!(fs::read_dir(keys).unwrap().count(), 0, "it made keys in its place");
    fs::remove_dir(keys).unwrap();
    fs::rename(&away, keys).unwrap();
    let first = send(&mut zvh, shorter.clone()).await.unwrap();
    assert_eq!(send(&mut zvh, shorter).await.unwrap().bericht, first.bericht);
}
