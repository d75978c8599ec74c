//! What leaves the gateway so that others can hold it to it: exports, and checkpoints that are kept.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use sqlx::{Connection, SqliteConnection};
use tokio::task::JoinSet;

use crate::{
    served::{Served, expect, ketenpoort, stderr},
    traffic::{request, request_id, template},
};

async fn send_some(served: &Served, numbers: std::ops::Range<u64>) {
    let base = request(template("bekendheidscheck"));
    let mut sending = JoinSet::new();
    let zsm = served.client("zsm").await;
    for number in numbers {
        let request = ketenpoort::proto::SendRequest { request_id: request_id(number), ..base.clone() };
        let mut zsm = zsm.clone();
        sending.spawn(async move { zsm.send(request).await.unwrap() });
    }
    sending.join_all().await;
}

fn vkey(served: &Served) -> String {
    expect(&served.logboek("vkey", &[]), 0).trim().to_owned()
}

fn export(served: &Served, name: &str) -> PathBuf {
    let out = served.path().join(name);
    expect(&served.logboek("export", &["--out", out.to_str().unwrap()]), 0);
    out
}

fn verify_export(dir: &Path, arguments: &[&str]) -> Output {
    ketenpoort().args(["logboek", "verify", "--export"]).arg(dir).args(arguments).output().unwrap()
}

fn stranger(dir: &Path, vkey: &str) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop/tegels.py");
    Command::new("python3").arg(script).arg(dir).arg(vkey).output().unwrap()
}

fn onthoud(from: &[&str], checkpoint: &Path) -> Output {
    ketenpoort().args(["logboek", "onthoud"]).args(from).arg("--checkpoint").arg(checkpoint).output().unwrap()
}

/// Every file below a directory.
fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_is_accepted_by_a_stranger_and_nothing_in_it_can_change() {
    let mut served = Served::start();
    send_some(&served, 0..300).await;
    let vkey = vkey(&served);
    // Beside a running gateway, and of each size that it has at that moment.
    let running = export(&served, "lopend");
    expect(&stranger(&running, &vkey), 0);
    served.stop();
    let out = export(&served, "geheel");
    let told = expect(&stranger(&out, &vkey), 0);
    assert!(told.contains("2 levels, signed and whole"), "{told}");
    expect(&verify_export(&out, &["--vkey", &vkey]), 0);
    let told = expect(&verify_export(&out, &[]), 0);
    assert!(told.contains("met de sleutel die erbij ligt"), "{told}");
    // It needs no configuration, database or key of the operator: this one is gone.
    let elsewhere = tempfile::tempdir().unwrap();
    let moved = elsewhere.path().join("export");
    fs::rename(&out, &moved).unwrap();
    let checkpoint = moved.join("checkpoint");
    expect(&verify_export(&moved, &["--vkey", &vkey, "--tegen", checkpoint.to_str().unwrap()]), 0);
    let earlier = running.join("checkpoint");
    expect(&verify_export(&moved, &["--vkey", &vkey, "--tegen", earlier.to_str().unwrap()]), 0);
    let output = verify_export(&running, &["--vkey", &vkey, "--tegen", checkpoint.to_str().unwrap()]);
    expect(&output, 1);
    assert!(stderr(&output).contains("afgesneden of teruggezet"), "{}", stderr(&output));
    for file in files(&moved) {
        let whole = fs::read(&file).unwrap();
        for at in [0, whole.len() / 2, whole.len() - 1] {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            fs::write(&file, changed).unwrap();
            // A key that is brought along counts, whatever lies there.
            let brought: &[&str] = if file.ends_with("vkey") { &[] } else { &["--vkey", &vkey] };
            assert_ne!(verify_export(&moved, brought).status.code(), Some(0), "{} at {at}", file.display());
        }
        fs::remove_file(&file).unwrap();
        if !file.ends_with("vkey") {
            assert_eq!(verify_export(&moved, &["--vkey", &vkey]).status.code(), Some(1), "{}", file.display());
        }
        fs::write(&file, whole).unwrap();
    }
    expect(&verify_export(&moved, &["--vkey", &vkey]), 0);
    // Never over something.
    let output = served.logboek("export", &["--out", moved.to_str().unwrap()]);
    expect(&output, 2);
    assert!(stderr(&output).contains("niet leeg"), "{}", stderr(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_fg_keeps_each_day_extends_what_she_kept_or_she_hears_it() {
    let mut served = Served::start();
    send_some(&served, 100..101).await;
    let config = served.config();
    let from_config = ["--config", config.to_str().unwrap()];
    let kept = served.path().join("fg/checkpoint.txt");
    fs::create_dir(kept.parent().unwrap()).unwrap();
    let told = expect(&onthoud(&from_config, &kept), 0);
    assert!(told.contains("Voor het eerst bewaard") && told.contains(&vkey(&served)), "{told}");
    assert!(expect(&onthoud(&from_config, &kept), 0).starts_with("Ongewijzigd"));
    send_some(&served, 0..3).await;
    assert!(expect(&onthoud(&from_config, &kept), 0).contains("verder op"));
    // From exports it goes on as well.
    send_some(&served, 3..5).await;
    served.stop();
    let out = export(&served, "export");
    let from_export = ["--export", out.to_str().unwrap()];
    assert!(expect(&onthoud(&from_export, &kept), 0).contains("verder op"));
    let earlier = fs::read_to_string(served.path().join("fg/checkpoint.txt.eerder")).unwrap();
    assert_eq!(earlier.matches("\u{2014} ").count(), 2);
    // The next logboek too: it names the last head of the one before.
    served.serve();
    send_some(&served, 5..6).await;
    let mut close = ketenpoort();
    close.args(["logboek", "sluit", "--reden", "een test", "--profile"]).arg(served.profile_dir("beheer"));
    let told = expect(&close.output().unwrap(), 0);
    assert!(told.contains("Het volgende logboek heet"), "{told}");
    send_some(&served, 6..8).await;
    served.stop();
    expect(&onthoud(&from_config, &kept), 0);
    assert!(fs::read_to_string(&kept).unwrap().lines().next().unwrap().ends_with("-2"));
    // Somebody puts an older database back, and the gateway is made to go on with it without what it remembers.
    let newest = fs::read(served.database()).unwrap();
    served.serve();
    send_some(&served, 8..9).await;
    served.stop();
    expect(&onthoud(&from_config, &kept), 0);
    let before = fs::read_to_string(&kept).unwrap();
    fs::write(served.database(), newest).unwrap();
    let output = onthoud(&from_config, &kept);
    expect(&output, 1);
    assert!(stderr(&output).contains("afgesneden of teruggezet") && stderr(&output).contains(".splitsing"));
    fs::remove_file(served.path().join("sleutels/wacht.json")).unwrap();
    served.serve();
    send_some(&served, 20..30).await;
    served.stop();
    let output = onthoud(&from_config, &kept);
    expect(&output, 1);
    assert!(stderr(&output).contains("een ander dan waarvoor is ingestaan"), "{}", stderr(&output));
    assert_eq!(fs::read_to_string(&kept).unwrap(), before, "what was kept stays");
    let evidence = fs::read_to_string(served.path().join("fg/checkpoint.txt.splitsing")).unwrap();
    assert!(evidence.contains(&before) && evidence.contains("Bewijs (RFC 6962"), "{evidence}");
    // With another key nothing is kept.
    let other = "ander.test+00000000+AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let mut wrong = from_config.to_vec();
    wrong.extend(["--vkey", other]);
    assert_ne!(onthoud(&wrong, &kept).status.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_fg_keeps_checkpoints_through_the_gateway_alone_and_hears_when_they_do_not_belong_together() {
    let mut served = Served::start();
    send_some(&served, 0..2).await;
    let profile = served.profile_dir("fg-dji");
    let from_poort = ["--profile", profile.to_str().unwrap()];
    let kept = served.path().join("checkpoint.txt");
    let told = expect(&onthoud(&from_poort, &kept), 0);
    assert!(told.contains("Voor het eerst bewaard") && told.contains(&vkey(&served)), "{told}");
    send_some(&served, 2..4).await;
    assert!(expect(&onthoud(&from_poort, &kept), 0).contains("verder op"));
    // Over a logboek that was closed.
    let mut close = ketenpoort();
    close.args(["logboek", "sluit", "--reden", "een test", "--profile"]).arg(served.profile_dir("beheer"));
    expect(&close.output().unwrap(), 0);
    send_some(&served, 4..6).await;
    assert!(expect(&onthoud(&from_poort, &kept), 0).contains("verder op"));
    assert!(fs::read_to_string(&kept).unwrap().lines().next().unwrap().ends_with("-2"));
    served.stop();
    let older = fs::read(served.database()).unwrap();
    served.serve();
    send_some(&served, 6..8).await;
    expect(&onthoud(&from_poort, &kept), 0);
    let before = fs::read_to_string(&kept).unwrap();
    served.stop();
    // Put back, and made to go on: first shorter than what was kept, then another past of the same length.
    fs::write(served.database(), older).unwrap();
    fs::remove_file(served.path().join("sleutels/wacht.json")).unwrap();
    served.serve();
    for (numbers, why) in [(None, "niet te kennen"), (Some(20..30), "alleen is aangevuld klopt niet")] {
        if let Some(numbers) = numbers {
            send_some(&served, numbers).await;
        }
        let output = onthoud(&from_poort, &kept);
        expect(&output, 1);
        assert!(stderr(&output).contains(why) && stderr(&output).contains(".splitsing"), "{}", stderr(&output));
        assert_eq!(fs::read_to_string(&kept).unwrap(), before, "what was kept stays");
        let evidence = fs::read_to_string(served.path().join("checkpoint.txt.splitsing")).unwrap();
        assert!(evidence.contains(&before), "{evidence}");
    }
}

/// Verifying reads no key that signs, and of a backup nothing but the public key.
#[tokio::test(flavor = "multi_thread")]
async fn verifying_asks_nothing_of_the_operator() {
    let mut served = Served::start();
    send_some(&served, 0..3).await;
    let vkey = vkey(&served);
    let backup = served.path().join("reserve.kopie");
    let mut make = ketenpoort();
    make.args(["backup", "--config"]).arg(served.config()).arg("--out").arg(&backup);
    expect(&make.output().unwrap(), 0);
    served.stop();
    fs::remove_file(served.path().join("sleutels/logboek.key")).unwrap();
    let told = expect(&served.logboek("verify", &[]), 0);
    assert!(told.contains("Het logboek klopt") && !told.contains("NIET gecontroleerd"), "{told}");
    let of_backup = |arguments: &[&str]| {
        ketenpoort().args(["logboek", "verify", "--backup"]).arg(&backup).args(arguments).output().unwrap()
    };
    let told = expect(&of_backup(&["--vkey", &vkey]), 0);
    assert!(told.contains("NIET gecontroleerd"), "{told}");
    expect(&of_backup(&[]), 2);
    let other = "ander.test+00000000+AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    assert_ne!(of_backup(&["--vkey", other]).status.code(), Some(0));
    // What is no checkpoint of this logboek is said to be none.
    let note = served.path().join("bewaard.txt");
    let whole: serde_json::Value = serde_json::from_str(&expect(&served.logboek("verify", &["--json"]), 0)).unwrap();
    let whole = whole["logboeken"][0]["checkpoint"].as_str().unwrap().to_owned();
    for (text, told) in [
        (whole.clone(), None),
        (format!("{whole}\u{2014} getuige.test AAAAAAAAAAAAAAAAAAAA\n"), None),
        (whole.replacen("ketenpoort", "kettenpoort", 1), Some("de nota draagt geen handtekening van kettenpoort")),
        (
            whole[..whole.len() - 20].to_owned(),
            Some("dit is geen ondertekende nota: zij eindigt niet op een regeleinde"),
        ),
        (String::new(), Some("zijn eerste regel is geen naam van een logboek")),
        ("x".repeat(200_000), Some("groter dan")),
        (whole.replace('\n', "\r\n"), Some("dit is geen ondertekende nota: zij heeft een stuurteken")),
    ] {
        fs::write(&note, &text).unwrap();
        let output = served.logboek("verify", &["--tegen", note.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(if told.is_some() { 2 } else { 0 }), "{}", stderr(&output));
        assert!(stderr(&output).contains(told.unwrap_or_default()), "{}", stderr(&output));
    }
    let sqlite = format!("sqlite://{}", served.database().display());
    SqliteConnection::connect(&sqlite).await.unwrap().close().await.unwrap();
}
