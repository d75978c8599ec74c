//! An FG and an auditor at the command line, at a gateway that runs.

use ketenpoort::logboek::Signer;
use serde_json::Value;

use crate::{
    command_line::send,
    served::{Served, expect, ketenpoort, stderr, until},
};

fn search(served: &Served, who: &str, arguments: &[&str]) -> std::process::Output {
    let mut search = ketenpoort();
    search.args(["logboek", "search", "--profile"]).arg(served.profile_dir(who)).args(arguments);
    search.output().unwrap()
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn an_fg_searches_by_its_profile_and_sees_names_and_local_time() {
    let served = Served::start();
    expect(&send(&served, "zsm", "bekendheidscheck", &[]), 0);
    let found = lines(&expect(&search(&served, "fg-zsm", &["--soort", "aanvaard"]), 0));
    let [one] = &found[..] else { panic!("{found:?}") };
    assert_eq!(
        (one["afzender"].as_str(), one["ontvanger"].as_str(), one["logregel"]["soort"].as_str()),
        (Some("zsm/volwassenen"), Some("zvh-baronie-breda/algemeen"), Some("aanvaard"))
    );
    let local = one["tijd_lokaal"].as_str().unwrap();
    assert!(local.ends_with("+01:00") || local.ends_with("+02:00"), "{local}");
    // The same regel, to the letter, as the operator reads beside the gateway.
    let beside = lines(&expect(&served.logboek("search", &["--soort", "aanvaard"]), 0));
    assert_eq!((&beside[0]["log_index"], &beside[0]["logregel"]), (&one["log_index"], &one["logregel"]));
    assert_eq!(expect(&search(&served, "fg-dji", &["--soort", "aanvaard"]), 0), "");
    // Each look is there for the next one to see.
    let looks = lines(&expect(&search(&served, "auditor", &["--soort", "ingezien"]), 0));
    assert_eq!(looks.iter().filter_map(|look| look["actor"].as_str()).collect::<Vec<_>>(), ["zsm", "beheer", "dji"]);

    let employee = ["--door", "medewerker-001"];
    let refused = search(&served, "fg-zsm", &employee);
    assert_eq!(expect(&refused, 1), "");
    assert!(stderr(&refused).contains("inzage.reden: waarom u naar deze persoon zoekt"), "{}", stderr(&refused));
    let found = expect(&search(&served, "fg-zsm", &[&employee[..], &["--reden", "een klacht"]].concat()), 0);
    assert!(lines(&found).iter().any(|of| of["logregel"]["soort"] == "aanvaard"), "{found}");

    let config = served.config();
    for wrong in [&["--config", config.to_str().unwrap()][..], &["--van", "gisteren", "--onzin"]] {
        expect(&search(&served, "fg-zsm", wrong), 2);
    }
    // It is the same search, and the same mistakes are told.
    for (arguments, code) in
        [(&["--van", "2026-01-01", "--door", "medewerker-001"][..], 0), (&["--van", "gisteren"], 2)]
    {
        expect(&served.logboek("search", arguments), code);
    }
    // A partner has another port, and another right.
    expect(&search(&served, "zsm", &[]), 1);
}

#[test]
fn each_field_can_be_asked_at_the_command_line() {
    let served = Served::start();
    expect(&send(&served, "zsm", "bekendheidscheck", &[]), 0);
    let found = lines(&expect(&search(&served, "auditor", &["--soort", "aanvaard"]), 0));
    let regel = &found[0]["logregel"];
    let of = |key: &str| regel[key].as_str().unwrap();
    let (nobody, never) = ("01900000-0000-7000-8000-000000000000", "2000-01-01");
    for (flag, hits, misses) in [
        ("--partner", "zvh-baronie-breda", "dji"),
        ("--afzender", "zsm", "zvh-baronie-breda"),
        ("--ontvanger", "zvh-baronie-breda", "zsm"),
        ("--loket", "zsm/volwassenen", "zsm/jeugd"),
        ("--berichtsoort", "bekendheidscheck", "scenario"),
        ("--grondslag", of("grondslag"), "pbw-18b"),
        ("--regel", of("regel"), "scenario"),
        ("--convenant", "zvh-baronie-breda", "bij"),
        ("--bericht", of("bericht"), nobody),
        ("--gesprek", of("gesprek"), nobody),
        ("--houdbaar-van", of("houdbaar_tot_en_met"), "2999-01-01"),
        ("--houdbaar-tot-en-met", of("houdbaar_tot_en_met"), never),
    ] {
        let asked =
            |value: &str| lines(&expect(&search(&served, "auditor", &["--soort", "aanvaard", flag, value]), 0)).len();
        assert_eq!((asked(hits), asked(misses)), (1, 0), "{flag}");
    }
    // Each of these looks is a regel that says whether it found anything: the first one, and two for each field.
    let asked = |uitkomst: &str| lines(&expect(&search(&served, "auditor", &["--uitkomst", uitkomst]), 0)).len();
    assert_eq!((asked("gevonden"), asked("niet_gevonden")), (13, 12));
}

#[test]
fn an_operator_that_looks_beside_the_gateway_is_in_the_logboek_as_long_as_it_runs() {
    let mut served = Served::start();
    expect(&send(&served, "zsm", "bekendheidscheck", &[]), 0);
    let persoon = served.path().join("persoon.json");
    std::fs::write(&persoon, r#"{"naam": "Iemand Die Nergens Staat", "geboortedatum": "1987-05-12"}"#).unwrap();
    let persoon = persoon.to_str().unwrap();
    let look = ["--persoon", persoon, "--medewerker", "beheerder-9", "--reden", "vraag van de FG"];
    let found = served.logboek("search", &look);
    assert_eq!((expect(&found, 0).as_str(), stderr(&found).as_str()), ("", ""));
    let looks = || lines(&expect(&search(&served, "auditor", &["--soort", "ingezien"]), 0));
    let seen = looks();
    let [one] = &seen[..] else { panic!("{seen:?}") };
    let regel = &one["logregel"];
    assert_eq!(
        (one["actor"].as_str(), regel["rol"].as_str(), regel["uitkomst"].as_str()),
        (Some("beheer"), Some("beheer"), Some("niet_gevonden"))
    );
    assert!(regel["medewerker"].is_string() && regel["reden"].is_string() && regel["betrokkene"][0].is_string());
    // Who sees everything finds it by who looked and by whom was looked for; nobody else does.
    for arguments in [&["--door", "beheerder-9"][..], &["--persoon", persoon]] {
        let arguments = [arguments, &["--reden", "een test"]].concat();
        assert!(lines(&expect(&search(&served, "auditor", &arguments), 0)).contains(one), "{arguments:?}");
        assert!(!lines(&expect(&search(&served, "fg-dji", &arguments), 0)).contains(one), "{arguments:?}");
    }
    let out = served.path().join("export");
    let export = ["--out", out.to_str().unwrap(), "--reden", "voor de auditor"];
    expect(&served.logboek("export", &export), 0);
    let exported = lines(&expect(&search(&served, "fg-dji", &["--soort", "geexporteerd"]), 0));
    assert_eq!(exported.iter().map(|of| of["actor"].as_str()).collect::<Vec<_>>(), [Some("beheer")]);
    // A look that was told by nobody with the keys is put aside, and is no look.
    let blikken = served.path().join("sleutels/wacht.blikken");
    std::fs::write(blikken.join("x.blik"), "verzonnen").unwrap();
    until("a look that was made up to be put aside", || blikken.join("x.onleesbaar").exists().then_some(()));
    std::fs::remove_file(blikken.join("x.onleesbaar")).unwrap();
    served.stop();
    let before = expect(&served.logboek("verify", &[]), 0);
    let found = served.logboek("search", &look);
    // It finds who looked before.
    assert_eq!(lines(&expect(&found, 0)).first(), Some(one));
    assert!(stderr(&found).contains("deze blik staat niet in het logboek"), "{}", stderr(&found));
    assert_eq!(expect(&served.logboek("verify", &[]), 0), before);
}

fn report(served: &Served, from: &[&str], arguments: &[&str]) -> std::process::Output {
    let mut report = ketenpoort();
    report.args(["logboek", "rapport"]).args(from).args(arguments);
    report.current_dir(served.path()).output().unwrap()
}

/// The rows of a table.
fn table<'r>(report: &'r Value, naam: &str) -> &'r Value {
    let tables = report["afdelingen"].as_array().unwrap().iter().flat_map(|of| of["tabellen"].as_array().unwrap());
    tables.into_iter().find(|table| table["naam"] == naam).map(|table| &table["rijen"]).unwrap()
}

#[test]
fn a_report_is_read_in_three_forms_and_its_proof_is_recomputed() {
    let served = Served::start();
    expect(&send(&served, "zsm", "bekendheidscheck", &[]), 0);
    let auditor = ["--profile", "profielen/auditor"];
    let told = expect(&report(&served, &auditor, &[]), 0);
    for part in [
        "# Rapport van 20",
        "Over alle partners.",
        "| bekendheidscheck | zsm | zvh-baronie-breda | zvh-baronie-breda | handvat-gegevensdeling | ja | 1 |",
        "## Datalekken",
        "## Wat de poort niet kan weten",
        "met de sleutel die de poort noemt",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let json: Value = serde_json::from_str(&expect(&report(&served, &auditor, &["--formaat", "json"]), 0)).unwrap();
    let own: Value =
        serde_json::from_str(&expect(&report(&served, &["--profile", "profielen/fg-dji"], &["--formaat", "json"]), 0))
            .unwrap();
    assert_eq!((own["partners"][0].as_str(), table(&own, "stromen").as_array()), (Some("dji"), Some(&Vec::new())));
    // The operator reads the same beside the gateway, and that is in the logboek.
    let beside = ["--config", "ketenpoort.toml"];
    let other: Value = serde_json::from_str(&expect(&report(&served, &beside, &["--formaat", "json"]), 0)).unwrap();
    assert_eq!(table(&other, "stromen"), table(&json, "stromen"));
    let looks = lines(&expect(&search(&served, "fg-dji", &["--soort", "ingezien"]), 0));
    assert_eq!(looks.iter().filter(|look| look["actor"] == "beheer").count(), 1);
    // For a spreadsheet: all in one table, or a file a table.
    let csv = expect(&report(&served, &auditor, &["--formaat", "csv"]), 0);
    let rows: Vec<Vec<String>> = csv::Reader::from_reader(csv.as_bytes()).deserialize().map(Result::unwrap).collect();
    let is_flow = |row: &&Vec<String>| row[1] == "stromen" && row[3] == "aantal";
    assert_eq!(rows.iter().filter(is_flow).map(|row| &*row[4]).collect::<Vec<_>>(), ["1"]);
    expect(&report(&served, &auditor, &["--formaat", "csv", "--out", "rekenblad"]), 0);
    let flows = std::fs::read_to_string(served.path().join("rekenblad/stromen.csv")).unwrap();
    assert_eq!(flows.lines().count(), 2, "{flows}");

    // Another key than that of the logboek: it says so, and shows nothing.
    let strange = Signer::from_seed("ketenpoort.test/voorbeeld", &[7; 32]).unwrap().vkey().to_string();
    let wrong = report(&served, &auditor, &["--vkey", &strange]);
    assert_eq!(expect(&wrong, 1), "");
    assert!(stderr(&wrong).contains("het bewijs bij dit rapport klopt niet"), "{}", stderr(&wrong));
    let right = expect(&served.logboek("vkey", &[]), 0);
    let told = expect(&report(&served, &auditor, &["--vkey", right.trim()]), 0);
    assert!(told.contains("met de sleutel die u gaf"), "{told}");
    for (arguments, code) in [
        (&["--out", "x"][..], 2),
        (&["--formaat", "csv", "--out", "rekenblad"], 2),
        (&["--van", "2999-01-01", "--tot-en-met", "2999-01-02"], 1),
        (&["--formaat", "pdf"], 2),
    ] {
        assert_eq!(expect(&report(&served, &auditor, arguments), code), "", "{arguments:?}");
    }
    expect(&report(&served, &["--profile", "profielen/zsm"], &[]), 1);
}
