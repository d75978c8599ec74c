//! A contactpunt at the command line, at a gateway that runs.

use std::process::Output;

use ketenpoort::{
    clock::SystemClock,
    domain::{Clock, houdbaarheid::amsterdam_date},
};
use serde_json::{Value, json};

use crate::{
    command_line::send,
    served::{Served, expect, ketenpoort, stderr},
};

const OPENED_BY: &str = "contact-zvh-baronie-breda";
const ASKED: &str = "contact-zsm";

fn inzage(served: &Served, who: &str, arguments: &[&str]) -> Output {
    let mut inzage = ketenpoort();
    inzage.arg("inzage").args(arguments).arg("--profile").arg(served.profile_dir(who));
    inzage.output().unwrap()
}

/// Opens a dossier about the person of the templates. Gives its number.
fn opened(served: &Served) -> String {
    let persoon = served.path().join("persoon.json");
    std::fs::write(&persoon, r#"{"naam": "Voorbeeld, Jan", "geboortedatum": "1987-05-12"}"#).unwrap();
    let today = amsterdam_date(SystemClock.now()).to_string();
    let persoon = persoon.to_str().unwrap();
    let arguments = ["open", "--persoon", persoon, "--ontvangen", &today, "--kenmerk", "inzage-9", "--json"];
    let said = expect(&inzage(served, OPENED_BY, &arguments), 0);
    let dossier: Value = serde_json::from_str(&said).unwrap();
    dossier["dossier"].to_string()
}

#[test]
fn a_contactpunt_opens_decides_and_hands_over_an_overview() {
    let served = Served::start();
    expect(&send(&served, "zsm", "bekendheidscheck", &[]), 0);
    let nummer = opened(&served);
    let listed = expect(&inzage(&served, ASKED, &["list"]), 0);
    let said = format!("Dossier {nummer} van zvh-baronie-breda, kenmerk inzage-9: antwoord uiterlijk ");
    assert!(listed.starts_with(&said) && listed.trim_end().ends_with("; 1 partner moet nog besluiten"), "{listed}");
    let shown = expect(&inzage(&served, ASKED, &["show", &nummer]), 0);
    assert!(shown.contains("Gevraagd door Voorbeeld, Jan, geboren 1987-05-12"), "{shown}");
    assert!(
        shown.contains("stuurde ZSM aan Zorg- en Veiligheidshuis Baronie Breda: de vraag of u bekend bent."),
        "{shown}"
    );
    assert!(shown.contains("[ ] zsm moet nog besluiten") && !shown.contains("zvh-baronie-breda moet"), "{shown}");
    assert!(shown.contains("herkend op naam en geboortedatum alleen"), "{shown}");
    let draft = expect(&inzage(&served, OPENED_BY, &["show", &nummer, "--overzicht"]), 0);
    assert!(draft.starts_with("# Overzicht van uw gegevens") && draft.contains("Concept"), "{draft}");

    expect(&inzage(&served, ASKED, &["decide", &nummer, "--vrijgeven"]), 0);
    let early = inzage(&served, OPENED_BY, &["close", &nummer]);
    assert_eq!(expect(&early, 1), "");
    assert!(stderr(&early).contains("nog niet besloten"), "{}", stderr(&early));
    expect(&inzage(&served, OPENED_BY, &["extend", &nummer, "--reden", "twee partners met verlof"]), 0);
    expect(&inzage(&served, OPENED_BY, &["decide", &nummer, "--vrijgeven"]), 0);
    let overview = expect(&inzage(&served, OPENED_BY, &["close", &nummer]), 0);
    assert!(overview.contains("Verstrekt op") && overview.contains("stuurde ZSM aan"), "{overview}");
    assert_eq!(expect(&inzage(&served, ASKED, &["list"]), 0).trim_end(), "Er is geen dossier waaraan u deel hebt.");
    let closed = expect(&inzage(&served, "fg-zsm", &["list", "--ook-gesloten"]), 0);
    assert!(closed.starts_with(&format!("Dossier {nummer} van zvh-baronie-breda: gesloten op ")), "{closed}");
}

#[test]
fn rows_are_withheld_one_by_one_in_words_or_in_silence() {
    let served = Served::start();
    for _ in 0..3 {
        expect(&send(&served, "zsm", "bekendheidscheck", &[]), 0);
    }
    let nummer = opened(&served);
    let shown: Value = serde_json::from_str(&expect(&inzage(&served, ASKED, &["show", &nummer, "--json"]), 0)).unwrap();
    let rows: Vec<u64> =
        shown["rijen"].as_array().unwrap().iter().map(|rij| rij["log_index"].as_u64().unwrap()).collect();
    let [first, second, _] = rows[..] else { panic!("{shown}") };
    let withheld = first.to_string();
    let ground = ["--achterhouden", "rechten_van_anderen"];
    let told = [
        &["decide", &nummer, "--vrijgeven"],
        &ground[..],
        &["--rij", &withheld, "--toelichting", "er staat een ander in"],
    ]
    .concat();
    let said = expect(&inzage(&served, ASKED, &told), 0);
    assert!(
        said.contains("[x] zsm besloot") && said.contains("1 rij(en) achtergehouden (rechten_van_anderen)"),
        "{said}"
    );
    expect(&inzage(&served, OPENED_BY, &["decide", &nummer, "--vrijgeven"]), 0);
    let overview = expect(&inzage(&served, OPENED_BY, &["show", &nummer, "--overzicht"]), 0);
    assert!(
        overview.contains("ZSM laat 1 gegeven niet zien") && overview.contains("er staat een ander in"),
        "{overview}"
    );
    // Each row something else, from a file; it takes the place of what was decided before.
    let file = served.path().join("besluit.json");
    let decided = json!({
        "besluiten": [
            {"log_index": first, "oordeel": {"vrijgeven": true}},
            {"log_index": second, "oordeel": {"grond": "GROND_STRAFBARE_FEITEN", "verzwijgen": true}},
        ],
        "overige": {"vrijgeven": true},
    });
    std::fs::write(&file, decided.to_string()).unwrap();
    let said = expect(&inzage(&served, ASKED, &["decide", &nummer, "--besluit", file.to_str().unwrap()]), 0);
    assert!(said.contains("1 rij(en) achtergehouden (strafbare_feiten, verzwegen)"), "{said}");
    let overview = expect(&inzage(&served, OPENED_BY, &["close", &nummer]), 0);
    assert!(
        overview.contains("2. Op ") && !overview.contains("3. Op ") && !overview.contains("laat 1 gegeven"),
        "{overview}"
    );
}

#[test]
fn a_mistake_is_told_before_or_by_the_gateway_and_nothing_personal_is_repeated() {
    let served = Served::start();
    expect(&send(&served, "zsm", "bekendheidscheck", &[]), 0);
    let nummer = opened(&served);
    let bad = served.path().join("slecht.json");
    std::fs::write(&bad, r#"{"naam": "Geheim Persoon""#).unwrap();
    let bad = bad.to_str().unwrap();
    let other = served.path().join("ander.json");
    std::fs::write(&other, r#"{"dossier": 9999, "overige": {"vrijgeven": true}}"#).unwrap();
    let other = other.to_str().unwrap();
    for (arguments, code) in [
        (&["open", "--persoon", bad, "--ontvangen", "2026-11-01", "--kenmerk", "x"][..], 2),
        (&["decide", &nummer], 2),
        (&["decide", &nummer, "--vrijgeven", "--achterhouden", "strafbare_feiten"], 2),
        (&["decide", &nummer, "--achterhouden", "zomaar"], 2),
        (&["decide", &nummer, "--achterhouden", "strafbare_feiten", "--verzwijgen", "--toelichting", "x"], 2),
        (&["decide", &nummer, "--besluit", bad], 2),
        (&["decide", &nummer, "--vrijgeven", "--achterhouden", "strafbare_feiten", "--rij", "99999"], 1),
        (&["decide", &nummer, "--besluit", other], 2),
        (&["show", "twaalf"], 2),
        (&["show", "99999"], 1),
        (&["show", &nummer, "--overzicht"], 1),
        (&["extend", &nummer], 1),
    ] {
        let output = inzage(&served, ASKED, arguments);
        assert_eq!(expect(&output, code), "", "{arguments:?}");
        assert!(!stderr(&output).is_empty() && !stderr(&output).contains("Geheim"), "{}", stderr(&output));
    }
    expect(&inzage(&served, "contact-dji", &["show", &nummer]), 1);
    expect(&inzage(&served, "zsm", &["list"]), 1);
    expect(&inzage(&served, "bestaat-niet", &["list"]), 2);
}
