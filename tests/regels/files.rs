use std::{collections::BTreeSet, fs};

use ketenpoort::{
    check::bevindingen::bevindingen,
    config::Config,
    documenten::{Bron, Omgeving, Parsed, parse},
    domain::{Berichtsoort, matrix::matrix},
    lezen::{Fouten, Mistake},
};

/// The worked example.
const DEELNEMERS: &str = include_str!("../../deploy/voorbeeld/deelnemers.toml");
const CONVENANTEN: [(&str, &str); 7] = [
    ("baronie", include_str!("../../deploy/voorbeeld/convenanten/zvh-baronie-breda.toml")),
    ("markiezaten", include_str!("../../deploy/voorbeeld/convenanten/zvh-de-markiezaten.toml")),
    ("midden-brabant", include_str!("../../deploy/voorbeeld/convenanten/zvh-midden-brabant.toml")),
    ("zeeland", include_str!("../../deploy/voorbeeld/convenanten/zvh-zeeland.toml")),
    ("18b", include_str!("../../deploy/voorbeeld/convenanten/melding-18b.toml")),
    ("bij", include_str!("../../deploy/voorbeeld/convenanten/bij.toml")),
    ("reintegratie", include_str!("../../deploy/voorbeeld/convenanten/reintegratie.toml")),
];

/// What is read beside a machine's own configuration.
pub fn omgeving(productie: bool) -> Omgeving {
    Omgeving { cas: vec!["ontwikkel".to_owned()], productie }
}

pub fn bron(herkomst: &str, tekst: &str) -> Bron {
    Bron { herkomst: herkomst.into(), tekst: tekst.to_owned() }
}

/// The worked example, parsed.
pub fn voorbeeld() -> Result<Parsed, Fouten> {
    let mut bronnen = vec![bron("deelnemers.toml", DEELNEMERS)];
    bronnen.extend(CONVENANTEN.map(|(naam, tekst)| bron(naam, tekst)));
    parse(&bronnen, &omgeving(false))
}

/// The mistakes in a convenant between the partners of the worked example.
pub fn mistakes_in(text: &str) -> Vec<Mistake> {
    let bronnen = [bron("deelnemers.toml", DEELNEMERS), bron("convenant.toml", text)];
    parse(&bronnen, &omgeving(false)).map_or_else(|Fouten(mistakes)| mistakes, |_| Vec::new())
}

/// The same, as "line: message".
fn mistakes(text: &str) -> Vec<String> {
    mistakes_in(text).iter().map(|mistake| format!("{}: {}", mistake.line, mistake.fout.uitleg())).collect()
}

#[test]
fn the_worked_example_has_no_mistake() {
    let parsed = voorbeeld().unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(parsed.convenanten.len(), CONVENANTEN.len());
    assert_eq!(parsed.documenten.len(), CONVENANTEN.len() + 1);
}

#[test]
fn in_the_worked_example_every_berichtsoort_flows_and_everyone_who_asks_can_be_answered() {
    let van_kracht = voorbeeld().unwrap().van_kracht(1, &omgeving(true));
    let day = jiff::civil::date(2026, 11, 24);
    let stromen = matrix(&van_kracht, day);
    for soort in Berichtsoort::ALL.into_iter().filter(|soort| !soort.follows()) {
        assert!(stromen.iter().any(|stroom| stroom.berichtsoort == soort), "nobody may send {soort}");
    }
    // What is told of the example is meant to be told: nothing is unreachable, contradicted or never answered.
    let codes: BTreeSet<_> =
        bevindingen(&van_kracht, day).into_iter().map(|(_, waarschuwing)| waarschuwing.code()).collect();
    assert_eq!(codes, BTreeSet::from(["grondslag_aanvaard", "grondslag_ongebruikt", "ontwikkelcertificaten"]));
}

const BROKEN: &str = r#"naam = "kapot"
titel = "Kapot convenant"
versie = "1"
partijen = ["dji", "zsm", "zvh-zeeland"]
geldig_van = 2027-01-01
geldig_tot_en_met = 2026-01-01
kleur = "blauw"

[[grondslag]]
id = "bij"
citaat = "c"
omschrijving = "o"
bron = "b"
status = "misschien"
verwerkingsactiviteit = "https://register.voorbeeld.test/bij"

[[regel]]
id = "r1"
berichtsoort = "bij_meldingen"
van = ["dji"]
naar = ["zvh-amsterdam", "zsm/achterdeur"]
grondslag = ["wgs"]
houdbaarheid_maanden = 0
telt_vanaf = "gisteren"
bsn_toegstaan = true

[[regel]]
id = "r2"
berichtsoort = "bij_melding"
van = ["dji"]
naar = ["zvh-zeeland"]
houdbaarheid_maanden = 6
telt_vanaf = "aanvaarding"
"#;

#[test]
fn all_mistakes_are_told_at_once_with_their_line() {
    let found = mistakes(BROKEN);
    for expected in [
        "6: geldig_tot_en_met ligt voor geldig_van",
        "7: onbekende sleutel kleur",
        "14: status moet",
        "19: berichtsoort moet een van",
        "21: zvh-amsterdam is geen partner",
        "21: zsm heeft geen loket achterdeur",
        "22: grondslag wgs staat niet in dit convenant",
        "23: houdbaarheid_maanden moet een geheel getal van 1 tot en met 24 zijn",
        "24: telt_vanaf moet",
        "25: onbekende sleutel bsn_toegstaan in [[regel]]; bedoelt u bsn_toegestaan?",
        "27: grondslag ontbreekt in [[regel]]",
        "27: deze houdbaarheid is niet drie maanden; zeg in afwijking waarom",
    ] {
        assert!(found.iter().any(|mistake| mistake.starts_with(expected)), "{expected} is not in {found:#?}");
    }
}

#[test]
fn what_is_no_toml_is_told_with_its_line() {
    let found = mistakes("naam = \"x\"\nversie = \n");
    assert!(found.iter().all(|mistake| mistake.starts_with("2: geen geldige TOML")), "{found:?}");
    assert!(!found.is_empty());
}

#[test]
fn a_configuration_tells_its_mistakes_and_those_of_its_convenanten_together() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("c.toml"), BROKEN).unwrap();
    fs::write(dir.path().join("d.toml"), DEELNEMERS).unwrap();
    let config = dir.path().join("ketenpoort.toml");
    fs::write(&config, "logboek = \"l\"\ndeelnemers = \"d.toml\"\nconvenanten = [\"c.toml\", \"weg.toml\"]\n[opslag]\nurl = \"mysql:x\"\n")
        .unwrap();
    let error = Config::load_with_documents(&config, true, jiff::Timestamp::UNIX_EPOCH).unwrap_err().to_string();
    for expected in [
        "c.toml:7:",
        "weg.toml: niet te lezen",
        "ketenpoort.toml:5: url moet een URL die met sqlite: of postgres: begint",
        "[sleutels] ontbreekt",
        "[tls] ontbreekt",
    ] {
        assert!(error.contains(expected), "{expected} is not in {error}");
    }
}

#[test]
fn a_database_that_is_not_verified_is_a_mistake_and_so_is_what_it_does_not_know() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("ketenpoort.toml");
    let told = |opslag: &str| {
        fs::write(&config, format!("[opslag]\n{opslag}\n")).unwrap();
        let error = Config::load(&config).unwrap_err().to_string();
        error
            .lines()
            .filter(|line| line.contains(".toml:2:") || line.contains(".toml:3:"))
            .collect::<Vec<_>>()
            .join("\n")
    };
    for url in ["postgres://kp@db/keten?sslmode=require", "postgresql://kp@db/keten?sslmode=disable"] {
        assert!(
            told(&format!("url = \"{url}\"")).contains("2: url moet een verbinding met sslmode=verify-full"),
            "{url}"
        );
    }
    assert!(told("url = \"postgres://kp@db/keten?options=x\"").contains("2: url moet zoals postgres://"));
    let said = told("url = \"postgres:///keten?host=/run&user=kp\"\ngrootste_mebibytes = 100");
    assert!(said.contains("3: grootste_mebibytes moet er alleen met sqlite: zijn"), "{said}");
    assert_eq!(told("url = \"postgres:///keten?host=/run&user=kp\""), "");
}
