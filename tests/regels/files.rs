use std::{cell::RefCell, fs, path::Path, rc::Rc};

use ketenpoort::{
    config::{Config, convenant, section::Mistakes},
    domain::{Partner, VanKracht},
};

const EXAMPLE: &str = include_str!("../../deploy/voorbeeld/convenant.toml");

fn partners() -> VanKracht {
    let mut known = VanKracht::default();
    for (at, naam) in [
        "zsm",
        "om",
        "politie",
        "dji",
        "3ro",
        "vt",
        "zvh-baronie-breda",
        "zvh-de-markiezaten",
        "zvh-midden-brabant",
        "zvh-zeeland",
    ]
    .into_iter()
    .enumerate()
    {
        let loketten = ["algemeen", "volwassenen", "jeugd", "bureau-18b"];
        let partner = Partner {
            naam: naam.parse().unwrap(),
            oins: vec![format!("00000099{at:09}000").parse().unwrap()],
            loketten: loketten.iter().map(|loket| loket.parse().unwrap()).collect(),
        };
        known.partners.insert(partner.naam.clone(), partner);
    }
    known
}

/// The mistakes in a convenant, as "line: message".
fn mistakes(text: &str) -> Vec<String> {
    let mistakes: Mistakes = Rc::new(RefCell::new(Vec::new()));
    drop(convenant::parse(Path::new("convenant.toml"), text, &partners(), &mistakes));
    let mut found = mistakes.take();
    found.sort();
    found.iter().map(|mistake| format!("{}: {}", mistake.line, mistake.message)).collect()
}

#[test]
fn the_example_convenant_has_no_mistake() {
    assert_eq!(mistakes(EXAMPLE), Vec::<String>::new());
}

const BROKEN: &str = r#"naam = "kapot"
titel = "Kapot convenant"
versie = "1"
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
        "5: geldig_tot_en_met ligt voor geldig_van",
        "6: onbekende sleutel kleur",
        "13: status moet",
        "18: berichtsoort moet een van",
        "20: zvh-amsterdam is geen partner",
        "20: zsm heeft geen loket achterdeur",
        "21: grondslag wgs staat niet in dit convenant",
        "22: houdbaarheid_maanden moet een geheel getal van 1 tot en met 24 zijn",
        "23: telt_vanaf moet",
        "24: onbekende sleutel bsn_toegstaan in [[regel]]; bedoelt u bsn_toegestaan?",
        "26: grondslag ontbreekt in [[regel]]",
        "26: deze houdbaarheid is niet drie maanden; zeg in afwijking waarom",
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
    let config = dir.path().join("ketenpoort.toml");
    fs::write(&config, "logboek = \"l\"\nconvenanten = [\"c.toml\", \"weg.toml\"]\n[opslag]\nurl = \"mysql:x\"\n")
        .unwrap();
    let error = Config::load(&config).unwrap_err().to_string();
    for expected in [
        "c.toml:6:",
        "weg.toml: niet te openen",
        "ketenpoort.toml:4: url moet met sqlite:",
        "[sleutels] ontbreekt",
        "[tls] ontbreekt",
    ] {
        assert!(error.contains(expected), "{expected} is not in {error}");
    }
}
