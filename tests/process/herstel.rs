//! A logboek that cannot go on: what an operator sees, and the way out.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Output,
};

use serde_json::Value;
use sqlx::{ConnectOptions, Connection, sqlite::SqliteConnectOptions};

use crate::{
    faketime::set_by,
    served::{Served, expect, ketenpoort, stderr},
    traffic::{request, request_id, send, template},
};

async fn send_some(served: &Served, numbers: std::ops::Range<u64>) {
    let base = request(template("bekendheidscheck"));
    let mut zsm = served.client("zsm").await;
    for number in numbers {
        let request = ketenpoort::proto::SendRequest { request_id: request_id(number), ..base.clone() };
        send(served, "zsm", &mut zsm, &request).await.unwrap();
    }
}

/// The newest checkpoint, as an FG keeps it.
fn keep(served: &Served, name: &str) -> PathBuf {
    let told = expect(&served.logboek("verify", &["--json"]), 0);
    let told: Value = serde_json::from_str(&told).unwrap();
    let logs = told["logboeken"].as_array().unwrap();
    let file = served.path().join(name);
    fs::write(&file, logs.last().unwrap()["checkpoint"].as_str().unwrap()).unwrap();
    file
}

fn herstel(served: &Served, profile: &str, checkpoint: &Path) -> Output {
    let mut command = ketenpoort();
    command.args(["logboek", "herstel", "--reden", "een oude kopie", "--medewerker", "beheer-7", "--config"]);
    command.arg(served.config()).arg("--profile").arg(served.profile_dir(profile));
    command.arg("--checkpoint").arg(checkpoint).output().unwrap()
}

fn against(served: &Served, kept: &Path) -> Output {
    served.logboek("verify", &["--tegen", kept.to_str().unwrap()])
}

/// Not on the word of anybody, nor with a checkpoint of anything.
fn is_restored_on_nobodys_word(served: &Served, kept: &Path) {
    let output = herstel(served, "zsm", kept);
    expect(&output, 1);
    assert!(stderr(&output).contains("geen beheer"), "{}", stderr(&output));
    let cut = served.path().join("half.txt");
    fs::write(&cut, &fs::read_to_string(kept).unwrap()[..40]).unwrap();
    expect(&herstel(served, "beheer", &cut), 2);
}

/// `serve`, which must refuse: gives what it says.
fn refuses(served: &Served) -> String {
    let output = served.serve_command(ketenpoort(), "warn").output().unwrap();
    expect(&output, 2);
    stderr(&output)
}

fn newest(served: &Served) -> u64 {
    let told = expect(&served.logboek("search", &[]), 0);
    let last: Value = serde_json::from_str(told.lines().last().unwrap()).unwrap();
    last["log_index"].as_u64().unwrap()
}

fn hersteld(served: &Served) -> Value {
    let told = expect(&served.logboek("search", &["--soort", "log_hersteld"]), 0);
    serde_json::from_str(told.lines().last().unwrap()).unwrap()
}

async fn sql(served: &Served, text: &str) {
    let mut connection = SqliteConnectOptions::new().filename(served.database()).connect().await.unwrap();
    let text = sqlx::AssertSqlSafe(text.to_owned());
    assert!(sqlx::raw_sql(text).execute(&mut connection).await.unwrap().rows_affected() > 0);
    connection.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_copy_is_refused_and_the_next_logboek_is_the_way_on() {
    let mut served = Served::start();
    send_some(&served, 0..2).await;
    served.stop();
    let (old, before) = (served.path().join("oud.db"), newest(&served));
    fs::copy(served.database(), &old).unwrap();
    let early = keep(&served, "vroeg.txt");
    served.serve();
    send_some(&served, 2..5).await;
    served.stop();
    let (late, after) = (keep(&served, "laat.txt"), newest(&served));
    // Nothing is wrong, and nothing is restored.
    expect(&herstel(&served, "beheer", &late), 1);
    fs::copy(&old, served.database()).unwrap();
    let told = refuses(&served);
    for index in [before, after] {
        assert!(told.contains(&format!("de laatste met index {index},")), "{told}");
    }
    assert!(told.contains("logboek herstel"), "{told}");
    // Verify says so too, by what the gateway remembers and by what somebody kept; and not by what is older.
    let output = served.logboek("verify", &[]);
    expect(&output, 1);
    assert!(stderr(&output).contains("afgesneden of teruggezet"), "{}", stderr(&output));
    let guard = served.path().join("sleutels/wacht.json");
    let remembered = fs::read(&guard).unwrap();
    fs::remove_file(&guard).unwrap();
    expect(&against(&served, &early), 0);
    let output = against(&served, &late);
    expect(&output, 1);
    assert!(stderr(&output).contains("afgesneden of teruggezet"), "{}", stderr(&output));
    fs::write(&guard, remembered).unwrap();

    is_restored_on_nobodys_word(&served, &late);
    let told = expect(&herstel(&served, "beheer", &late), 0);
    assert!(told.contains("Het volgende heet ketenpoort.test/voorbeeld/") && told.contains("-2"), "{told}");
    // Once.
    expect(&herstel(&served, "beheer", &late), 1);

    served.serve();
    send_some(&served, 10..12).await;
    served.stop();
    let regel = hersteld(&served);
    // Indexes that were handed out are not handed out again.
    assert_eq!(regel["log_index"], after + 1);
    let regel = &regel["logregel"];
    assert_eq!(
        (&regel["rol"], regel["reden"].is_string(), regel["medewerker"].is_string()),
        (&"beheer".into(), true, true)
    );
    let named = |key: &str| regel[key].as_str().unwrap().split(' ').nth(1).unwrap().parse::<u64>().unwrap() - 1;
    assert_eq!(["gesloten", "ondertekend", "onthouden", "bewaard"].map(named), [before, before, after, after]);
    let output = against(&served, &late);
    expect(&output, 1);
    expect(&against(&served, &early), 0);
    let new = keep(&served, "nieuw.txt");
    served.serve();
    send_some(&served, 12..13).await;
    expect(&against(&served, &new), 0);
    served.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_before_a_logboek_was_closed_is_refused_with_the_indexes_of_both() {
    let mut served = Served::start();
    send_some(&served, 0..2).await;
    served.stop();
    let (old, before) = (served.path().join("oud.db"), newest(&served));
    fs::copy(served.database(), &old).unwrap();
    served.serve();
    let mut close = ketenpoort();
    close.args(["logboek", "sluit", "--reden", "een test", "--profile"]).arg(served.profile_dir("beheer"));
    expect(&close.output().unwrap(), 0);
    send_some(&served, 2..4).await;
    served.stop();
    let after = newest(&served);
    let new = served.path().join("nieuw.db");
    fs::rename(served.database(), &new).unwrap();
    fs::copy(&old, served.database()).unwrap();
    let told = refuses(&served);
    for index in [before, after] {
        assert!(told.contains(&format!("de laatste met index {index},")), "{index}: {told}");
    }
    // With the right one in its place it goes on.
    fs::rename(&new, served.database()).unwrap();
    served.serve();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_past_that_was_rewritten_is_closed_as_found_and_vouched_for_as_far_as_it_goes() {
    let mut served = Served::start();
    send_some(&served, 0..4).await;
    served.stop();
    let kept = keep(&served, "bewaard.txt");
    let last = newest(&served);
    let changed = last - 1;
    // Somebody rewrites a regel, and what is derived from it, and removes what was signed after it.
    sql(
        &served,
        &format!(
            "UPDATE logregels SET regel = CAST(replace(CAST(regel AS TEXT), 'bekendheidscheck', 'bekendheidschock') AS BLOB) \
             WHERE log_index = {changed}; DELETE FROM checkpoints WHERE grootte > {changed}; \
             UPDATE logboek SET nota = (SELECT nota FROM checkpoints ORDER BY grootte DESC LIMIT 1)"
        ),
    )
    .await;
    assert!(refuses(&served).contains("gaat niet verder"));
    let told = expect(&herstel(&served, "beheer", &kept), 0);
    assert!(told.contains("is gesloten zoals het was"), "{told}");
    served.serve();
    send_some(&served, 10..11).await;
    served.stop();
    let regel = hersteld(&served)["logregel"].clone();
    let named = |key: &str| regel[key].as_str().unwrap().split(' ').nth(1).unwrap().parse::<u64>().unwrap();
    assert_eq!(["gesloten", "ondertekend", "onthouden", "bewaard"].map(named), [last + 1, changed, last + 1, last + 1]);
    let vkey = expect(&served.logboek("vkey", &[]), 0);
    // What lies in the postvak by regels that say nothing is held to nothing, and that is said.
    let told = expect(&served.logboek("verify", &[]), 0);
    assert!(told.contains("Niet nagegaan: wat de tabellen zeggen van 1 berichten"), "{told}");
    // What was found stays as it was found.
    sql(&served, &format!("UPDATE logregels SET regel = CAST('{{}}' AS BLOB) WHERE log_index = {last}")).await;
    let output = served.logboek("verify", &["--vkey", vkey.trim()]);
    expect(&output, 1);
    assert!(stderr(&output).contains("noemt niet het hoofd"), "{}", stderr(&output));
    fs::remove_file(served.database()).unwrap();
}

/// Regels are gone, and what they put in the tables is there.
#[tokio::test(flavor = "multi_thread")]
async fn rows_whose_regels_are_lost_are_held_to_nothing() {
    let mut served = Served::start();
    send_some(&served, 0..1).await;
    let whole = newest(&served);
    send_some(&served, 1..4).await;
    served.stop();
    let kept = keep(&served, "bewaard.txt");
    sql(
        &served,
        &format!(
            "DELETE FROM logregels WHERE log_index > {whole}; DELETE FROM checkpoints WHERE grootte > {whole} + 1; \
             UPDATE logboek SET nota = (SELECT nota FROM checkpoints ORDER BY grootte DESC LIMIT 1)"
        ),
    )
    .await;
    assert!(refuses(&served).contains("gaat niet verder"));
    expect(&herstel(&served, "beheer", &kept), 0);
    served.serve();
    send_some(&served, 10..12).await;
    served.stop();
    // What was sent is still there, and no regel vouches for its content.
    let told = expect(&served.logboek("verify", &["--json"]), 1);
    let told: Value = serde_json::from_str(told.lines().next().unwrap()).unwrap();
    assert_eq!((&told["logboek"], &told["inhoud"]["gecontroleerd"]), (&"ok".into(), &3.into()));
    assert_eq!(told["inhoud"]["beschadigd"].as_array().map(Vec::len), Some(3));
    assert_eq!((&told["niet_nagegaan_berichten"], &told["met_sleutels"]), (&3.into(), &true.into()), "{told}");
    // The others still are.
    let changed =
        "UPDATE berichten SET verlenging = 1 WHERE id = (SELECT bericht FROM postvak ORDER BY log_index LIMIT 1)";
    sql(&served, changed).await;
    let output = served.logboek("verify", &[]);
    assert!(stderr(&output).contains("verlenging"), "{}", stderr(&output));
    // The harness verifies what stands there, and this is not sound any more.
    fs::remove_file(served.database()).unwrap();
}

/// What came before cannot be named by the next logboek, nor can what nobody wrote: that is said, and nothing changes.
#[tokio::test(flavor = "multi_thread")]
async fn a_logboek_whose_beginning_is_damaged_needs_a_backup() {
    let mut served = Served::start();
    send_some(&served, 0..1).await;
    let mut close = ketenpoort();
    close.args(["logboek", "sluit", "--reden", "een test", "--profile"]).arg(served.profile_dir("beheer"));
    expect(&close.output().unwrap(), 0);
    let first = newest(&served);
    send_some(&served, 1..2).await;
    served.stop();
    let (kept, right) = (keep(&served, "bewaard.txt"), fs::read(served.database()).unwrap());
    for (damage, told) in [
        (
            format!("UPDATE logregels SET regel = CAST('{{}}' AS BLOB) WHERE log_index = {first}"),
            "Zet een reservekopie terug",
        ),
        (
            "UPDATE logboeken SET nummer = 4294967295 WHERE nummer = 2; UPDATE logboek SET nummer = 4294967295"
                .to_owned(),
            "logboek",
        ),
        (
            "INSERT INTO logregels (log_index, regel, hash) VALUES (9223372036854775807, x'00', x'00')".to_owned(),
            "logregels",
        ),
        ("UPDATE logboek SET eerste = 9223372036854775807".to_owned(), "logboek"),
    ] {
        sql(&served, &damage).await;
        let output = herstel(&served, "beheer", &kept);
        let text = stderr(&output);
        assert!(output.status.code().is_some_and(|code| code > 0) && text.contains(told), "{damage}: {text}");
        assert!(!text.contains("panicked"), "{damage}: {text}");
        fs::write(served.database(), &right).unwrap();
    }
    served.serve();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_ran_ahead_ends_with_its_logboek() {
    let mut served = Served::start();
    send_some(&served, 0..1).await;
    served.stop();
    // As on a machine that knows nothing of the time, and has a clock that is wrong.
    fs::remove_file(served.path().join("sleutels/wacht.json")).unwrap();
    served.environment = set_by("+40d");
    served.serve();
    // Somebody believes it, wrongly.
    let mut word = ketenpoort();
    word.args(["beheer", "klok", "--geloof", "--reden", "vergist", "--profile"]).arg(served.profile_dir("beheer"));
    expect(&word.output().unwrap(), 0);
    served.stop();
    served.environment.clear();
    let kept = keep(&served, "bewaard.txt");
    let told = expect(&herstel(&served, "beheer", &kept), 0);
    assert!(told.contains("is gesloten zoals het was"), "{told}");
    served.serve();
    send_some(&served, 2..3).await;
    served.stop();
    let before = hersteld(&served)["log_index"].as_u64().unwrap() - 1;
    let told = expect(&served.logboek("search", &[]), 0);
    let tijd = |index: u64| {
        let regel: Value = serde_json::from_str(told.lines().nth(usize::try_from(index).unwrap()).unwrap()).unwrap();
        regel["logregel"]["tijd"].as_str().unwrap().to_owned()
    };
    assert!(tijd(before) > tijd(before + 1), "time begins anew");
}
