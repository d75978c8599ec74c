//! At the command line: a change that each party signs, seen by an FG before, and told afterwards; and what is erased of a person.

use std::{fs, path::Path, process::Output};

use serde_json::{Value, json};

use crate::served::{Served, expect, ketenpoort, stderr, until};

const CONVENANT: &str = "zvh-zeeland";
/// What a convenant asks of a party, as it is printed.
const TO_SIGN: &str = " ondertekent zvh-zeeland";

fn beheer(served: &Served, who: &str, verb: &str, arguments: &[&str]) -> Output {
    let mut command = ketenpoort();
    command.args(["beheer", verb, "--profile"]).arg(served.profile_dir(who)).args(arguments);
    command.output().unwrap()
}

/// What an FG sees of proposals.
fn seen(served: &Served, who: &str, arguments: &[&str]) -> String {
    let mut command = ketenpoort();
    command.args(["logboek", "voorstellen", "--profile"]).arg(served.profile_dir(who)).args(arguments);
    expect(&command.output().unwrap(), 0)
}

/// A copy of a file of the data directory with other words in it; gives its path and what it was.
fn edited(served: &Served, file: &str, change: impl Fn(&str) -> String) -> (String, String) {
    let before = fs::read_to_string(served.path().join(file)).unwrap();
    let after = change(&before);
    assert_ne!(before, after);
    let path = served.path().join(format!("nieuw-{}", Path::new(file).file_name().unwrap().to_str().unwrap()));
    fs::write(&path, after).unwrap();
    (path.to_str().unwrap().to_owned(), before)
}

/// The number in what `propose` printed.
fn number(printed: &str) -> &str {
    printed.split(['\u{20}', ',']).nth(1).unwrap()
}

#[test]
fn a_change_is_proposed_seen_signed_by_each_party_and_told_afterwards() {
    let served = Served::start();
    let (asks, _) =
        edited(&served, "deelnemers.toml", |text| format!("{text}\n[wijzigen]\nbekrachtigt = \"partijen\"\n"));
    expect(&beheer(&served, "beheer", "load", &["--reden", "besluit", &asks]), 0);
    let (file, before) = edited(&served, "convenanten/zvh-zeeland.toml", |text| text.replace("2026.1", "2026.2"));
    let why = ["--reden", "nieuwe afspraken", file.as_str()];
    let refused = beheer(&served, "beheer", "load", &why);
    assert_eq!(expect(&refused, 1), "");
    assert!(stderr(&refused).contains("beheer propose"), "{}", stderr(&refused));
    assert_eq!(seen(&served, "fg-zsm", &[]), "Er staat geen voorstel open.\n");

    // One that was a mistake is taken back.
    let mistaken = expect(&beheer(&served, "beheer", "propose", &why), 0);
    let back = beheer(&served, "beheer-2", "reject", &["--reden", "vergissing", number(&mistaken)]);
    assert_eq!(expect(&back, 0), format!("Voorstel {} is ingetrokken.\n", number(&mistaken)));
    assert_eq!(expect(&beheer(&served, "tekent-zsm", "ratify", &[number(&mistaken)]), 1), "");

    let proposed = expect(&beheer(&served, "beheer", "propose", &why), 0);
    let voorstel = number(&proposed);
    let parties: Vec<&str> =
        proposed.lines().filter_map(|line| line.strip_prefix("[ ] ")?.strip_suffix(TO_SIGN)).collect();
    assert!(parties.len() > 1, "{proposed}");
    // An FG reads the same, without the text; who signs gets that too.
    assert_eq!(seen(&served, "fg-zsm", &[]), proposed);
    let json: Value = serde_json::from_str(&seen(&served, "auditor", &["--json"])).unwrap();
    assert_eq!((json["reden"].as_str(), &json["documenten"][0]["tekst"]), (Some("nieuwe afspraken"), &Value::Null));
    let asked = expect(&beheer(&served, &format!("tekent-{}", parties[0]), "proposals", &["--json"]), 0);
    let asked: Value = serde_json::from_str(&asked).unwrap();
    assert_eq!(asked["documenten"][0]["tekst"].as_str().unwrap(), fs::read_to_string(&file).unwrap());

    let other = beheer(&served, "beheer-2", "ratify", &[voorstel]);
    assert!(stderr(&other).contains("geweigerd (instemming_niet_gevraagd)"), "{}", stderr(&other));
    for (given, party) in parties.iter().enumerate() {
        let agreed = expect(&beheer(&served, &format!("tekent-{party}"), "ratify", &[voorstel]), 0);
        assert_eq!(agreed.matches("[x] ").count(), given + 1, "{agreed}");
    }
    until("the convenant in force", || {
        let listed = expect(&beheer(&served, "beheer", "list", &[]), 0);
        listed.contains("versie 2026.2").then_some(())
    });
    let told = expect(&beheer(&served, "beheer", "history", &[CONVENANT]), 0);
    assert_eq!(told.matches("    ondertekend door tekent ").count(), parties.len(), "{told}");
    assert!(told.lines().next().unwrap().ends_with("nieuwe afspraken") && told.contains("de eerste start"), "{told}");
    // The text of before, to the letter.
    let json = expect(&beheer(&served, "beheer", "history", &["--json", CONVENANT]), 0);
    let first: Value = serde_json::from_str(json.lines().last().unwrap()).unwrap();
    let former = beheer(&served, "beheer", "show", &[CONVENANT, "--hash", first["hash"].as_str().unwrap()]);
    assert_eq!(expect(&former, 0), before);
    let never = beheer(&served, "beheer", "show", &[CONVENANT, "--hash", &"0".repeat(64)]);
    assert!(stderr(&never).contains("nooit een tekst met deze hash"), "{}", stderr(&never));
    expect(&served.logboek("verify", &[]), 0);
}

#[test]
fn what_opens_the_logboek_about_a_person_is_erased_by_an_operator_and_not_while_it_is_needed() {
    let served = Served::start();
    let file = |naam: &str, of: &Value| {
        let path = served.path().join(naam);
        fs::write(&path, of.to_string()).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let person = file("persoon.json", &json!({"naam": "Mila van Verzonnenhove", "geboortedatum": "1990-02-03"}));
    expect(&served.partner("find", "zsm", &["--zaaknummer", "ZSM-1", &person]), 0);
    let erase = |who: &str| beheer(&served, who, "wis", &["--reden", "verzoek 2026-3", "--persoon", &person]);
    assert!(stderr(&erase("fg-zsm")).contains("geweigerd (methode_onbekend)"), "{}", stderr(&erase("fg-zsm")));
    let erased = expect(&erase("beheer"), 0);
    assert!(erased.starts_with("Gewist: ") && !erased.contains("Mila"), "{erased}");
    // Nothing is left that was about this person.
    let again = erase("beheer");
    assert_eq!(expect(&again, 1), "");
    assert!(stderr(&again).contains("geweigerd (niemand_gevonden)"), "{}", stderr(&again));
    expect(&served.logboek("verify", &[]), 0);
}
