//! Beheer at the command line: what is in force is seen, tried out, changed and withdrawn.

use std::{fs, path::PathBuf, process::Output};

use jiff::ToSpan;
use ketenpoort::{
    clock::SystemClock,
    domain::{Clock, houdbaarheid::amsterdam_date},
};
use serde_json::Value;

use crate::served::{Served, expect, stderr, until};

fn beheer(served: &Served, verb: &str, arguments: &[&str]) -> Output {
    let mut command = crate::served::ketenpoort();
    command.args(["beheer", verb, "--profile"]).arg(served.profile_dir("beheer")).args(arguments);
    command.output().unwrap()
}

/// A copy of a convenant of the data directory with other words in it.
fn edited(served: &Served, from: &str, to: &str) -> PathBuf {
    let text = fs::read_to_string(served.path().join("convenanten/zvh-zeeland.toml")).unwrap();
    assert!(text.contains(from), "{from} is not in the convenant");
    let file = served.path().join("nieuw.toml");
    fs::write(&file, text.replace(from, to)).unwrap();
    file
}

#[test]
fn a_convenant_is_tried_out_loaded_shown_and_withdrawn() {
    let served = Served::start();
    let listed = expect(&beheer(&served, "list", &[]), 0);
    assert!(listed.contains("convenant   zvh-zeeland") && listed.contains("versie 2026.1"), "{listed}");
    let stand = listed.lines().last().unwrap().to_owned();
    let number = stand.strip_prefix("Stand na logregel ").and_then(|text| text.strip_suffix('.')).unwrap();
    let newest: u64 = number.parse().unwrap();

    let file = edited(&served, "versie = \"2026.1\"", "versie = \"2026.2\"");
    let file = file.to_str().unwrap();
    let tried = expect(&beheer(&served, "load", &["--dry-run", file]), 0);
    assert!(tried.contains("1 document zou veranderen. Er is niets gewijzigd."), "{tried}");
    assert!(expect(&beheer(&served, "list", &[]), 0).ends_with(&format!("{stand}\n")));
    // Without a reason nothing is changed.
    assert_eq!(expect(&beheer(&served, "load", &[file]), 2), "");

    let loaded = expect(&beheer(&served, "load", &["--json", "--reden", "nieuwe versie", file]), 0);
    let loaded: Value = serde_json::from_str(&loaded).unwrap();
    assert_eq!((&loaded["versie"], &loaded["wijzigingen"][0]["naam"]), (&(newest + 2).into(), &"zvh-zeeland".into()));
    assert_eq!(expect(&beheer(&served, "show", &["zvh-zeeland"]), 0), fs::read_to_string(file).unwrap());
    let again = expect(&beheer(&served, "load", &["--reden", "nog eens", file]), 0);
    assert_eq!(again, "Er verandert niets: dit is al van kracht.\n");

    let withdrawn = expect(&beheer(&served, "withdraw", &["--reden", "opgezegd", "zvh-zeeland"]), 0);
    assert!(withdrawn.ends_with(&format!("1 document gewijzigd, met logregel {}.\n", newest + 2)), "{withdrawn}");
    let unknown = beheer(&served, "show", &["zvh-zeeland"]);
    assert_eq!(expect(&unknown, 1), "");
    assert!(stderr(&unknown).contains("geweigerd (document_onbekend)"), "{}", stderr(&unknown));
}

#[test]
fn mistakes_in_what_is_loaded_are_all_told_with_their_line() {
    let served = Served::start();
    let file = edited(&served, "telt_vanaf = \"aanvaarding\"", "telt_vanaf = \"gisteren\"");
    let output = beheer(&served, "load", &["--reden", "x", file.to_str().unwrap()]);
    assert_eq!(expect(&output, 1), "");
    let told = stderr(&output);
    assert!(told.contains("geweigerd (document_onjuist)"), "{told}");
    assert!(told.matches("nieuw.toml:").count() > 2 && told.contains("telt_vanaf moet"), "{told}");
    let huge = served.path().join("groot.toml");
    fs::File::create(&huge).unwrap().set_len(100 << 20).unwrap();
    let output = beheer(&served, "load", &["--reden", "x", huge.to_str().unwrap()]);
    assert_eq!(expect(&output, 2), "");
    assert!(stderr(&output).contains("groter dan 512 KiB"), "{}", stderr(&output));
}

#[test]
fn what_ends_within_sixty_days_is_announced_in_the_process_log_while_it_still_holds() {
    let mut served = Served::start();
    assert!(!served.log().contains("ends soon"), "{}", served.log());
    let day = amsterdam_date(SystemClock.now()).checked_add(30.days()).unwrap();
    let file = edited(&served, "geldig_tot_en_met = 2035-12-31", &format!("geldig_tot_en_met = {day}"));
    expect(&beheer(&served, "load", &["--reden", "loopt af", file.to_str().unwrap()]), 0);
    let announced = |served: &Served| served.log().lines().filter(|line| line.contains("ends soon")).count();
    until("what ends soon is announced", || (announced(&served) == 1).then_some(()));
    let log = served.log();
    let line = log.lines().find(|line| line.contains("ends soon")).unwrap();
    assert!(line.contains("WARN") && line.contains("zvh-zeeland") && line.contains(&day.to_string()), "{line}");
    // At every start too; it holds still, so nothing is refused by it.
    served.stop();
    served.serve();
    until("it is announced again", || (announced(&served) == 2).then_some(()));
    assert!(!served.log().contains("no longer in force"), "{}", served.log());
}

#[test]
fn what_lapsed_is_announced_in_the_process_log_and_stays_in_force_after_a_restart() {
    let mut served = Served::start();
    assert!(!served.log().contains("no longer in force"), "{}", served.log());
    let ended = "1970-01-01";
    let term = format!("geldig_van = 1969-01-01\ngeldig_tot_en_met = {ended}");
    let file = edited(&served, "geldig_van = 2026-01-01\ngeldig_tot_en_met = 2035-12-31", &term);
    expect(&beheer(&served, "load", &["--reden", "loopt af", file.to_str().unwrap()]), 0);
    served.says("no longer in force");
    // After a restart the database counts, not the file of the first start.
    served.stop();
    served.serve();
    served.says("files differ from what is in force");
    assert!(expect(&beheer(&served, "list", &[]), 0).contains(&format!("tot en met {ended}")));
}

#[test]
fn one_certificate_is_blocked_by_its_file_or_by_what_openssl_prints_of_it() {
    let served = Served::start();
    expect(&served.partner("loketten", "om", &[]), 0);
    let file = served.profile_dir("om").join("cert.pem");
    let reden = ["--reden", "laptop \"gestolen\", melding 7"];
    let blocked = beheer(&served, "blokkeer", &[&["--certificaat", file.to_str().unwrap()], &reden[..]].concat());
    let told = expect(&blocked, 0);
    assert!(told.contains("geeft geen toegang meer, wie het ook heeft: laptop \"gestolen\", melding 7."), "{told}");
    assert_eq!(served.partner("loketten", "om", &[]).status.code(), Some(3));
    expect(&served.partner("loketten", "zsm", &[]), 0);
    let deelnemers = expect(&beheer(&served, "show", &["deelnemers"]), 0);
    assert!(deelnemers.contains("[[geblokkeerd]]"), "{deelnemers}");
    let colons = "AB:".repeat(32);
    let told = expect(
        &beheer(&served, "blokkeer", &[&["--vingerafdruk", colons.trim_end_matches(':')], &reden[..]].concat()),
        0,
    );
    assert!(told.contains(&"ab".repeat(32)), "{told}");
    let wrong = beheer(&served, "blokkeer", &[&["--vingerafdruk", "AB:CD"], &reden[..]].concat());
    assert_eq!(wrong.status.code(), Some(2));
    assert!(stderr(&wrong).contains("64 hexadecimale cijfers"), "{}", stderr(&wrong));
}
