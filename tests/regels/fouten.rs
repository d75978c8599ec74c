//! Mistakes: each with its own code and a sentence in both languages.

use std::{fmt::Write, fs};

use jiff::civil::Date;
use ketenpoort::{
    check::bevindingen::{Waarschuwing, bevindingen},
    config::{Config, aanvaard::Aanvaardbaar},
    documenten::parse,
    domain::{Deelnemers, Mandaathouder, Regel, VanKracht},
    lezen::fout::Fout,
};

use crate::{
    bouw::{convenant, deelnemers, mandaat, regel},
    files::mistakes_in,
};

const GOOD: &str = r#"naam = "proef"
titel = "Proef"
versie = "1"
partijen = ["zsm", "zvh-zeeland"]
geldig_van = 2026-01-01
geldig_tot_en_met = 2027-01-01

[[grondslag]]
id = "g"
citaat = "c"
omschrijving = "o"
bron = "b"
status = "bevestigd"
verwerkingsactiviteit = "https://register.voorbeeld.test/g"

[[regel]]
id = "een"
berichtsoort = "bekendheidscheck"
van = ["zsm"]
naar = ["zvh-zeeland"]
grondslag = ["g"]
houdbaarheid_maanden = 3
telt_vanaf = "aanvaarding"
"#;

/// The one mistake that this change of a good convenant makes: line, code and both sentences.
#[track_caller]
fn only_mistake(from: &str, to: &str) -> (usize, &'static str, String, String) {
    assert!(GOOD.contains(from), "{from}");
    let found = mistakes_in(&GOOD.replace(from, to));
    let [mistake] = found.as_slice() else { panic!("expected one mistake, found {found:#?}") };
    (mistake.line, mistake.fout.code(), mistake.fout.uitleg(), mistake.fout.explanation())
}

#[test]
fn each_bad_input_has_its_own_code_and_says_what_to_do_in_two_languages() {
    assert!(mistakes_in(GOOD).is_empty(), "{:?}", mistakes_in(GOOD));
    let second = GOOD[GOOD.find("[[regel]]").unwrap()..].replace("\"een\"", "\"twee\"");
    let contradicting = format!("\n{second}bsn_toegestaan = true\n");
    for (from, to, line, code, nl, en) in [
        ("versie", "versei", 3, "onbekende_sleutel", "bedoelt u versie", "do you mean versie"),
        (
            "[\"zvh-zeeland\"]\ngr",
            "[\"zvh-zeelnd\"]\ngr",
            20,
            "onbekende_partner",
            "is geen partner",
            "is not a partner",
        ),
        ("maanden = 3", "maanden = 0", 22, "houdbaarheid_buiten_bereik", "van 1 tot en met 24", "from 1 to 24"),
        ("maanden = 3", "maanden = 1200", 22, "houdbaarheid_buiten_bereik", "Drie maanden", "Three months"),
        (
            "telt_vanaf = \"aanvaarding\"\n",
            &format!("telt_vanaf = \"aanvaarding\"\n{contradicting}"),
            25,
            "regels_spreken_elkaar_tegen",
            "verschillen in bsn_toegestaan",
            "differ in bsn_toegestaan",
        ),
    ] {
        if code == "onbekende_sleutel" {
            // The key that it should have been is missing too.
            let found = mistakes_in(&GOOD.replacen(from, to, 1));
            let unknown = found.iter().find(|mistake| mistake.fout.code() == code).unwrap();
            assert!(
                unknown.line == line && unknown.fout.uitleg().contains(nl) && unknown.fout.explanation().contains(en)
            );
            continue;
        }
        let (at, found, uitleg, explanation) = only_mistake(from, to);
        assert_eq!((at, found), (line, code), "{uitleg}");
        assert!(uitleg.contains(nl), "{uitleg}");
        assert!(explanation.contains(en), "{explanation}");
    }
}

#[test]
fn a_mandaat_that_lapsed_yesterday_is_told() {
    let today: Date = "2026-11-30".parse().unwrap();
    let found = |last: Date| {
        let mut given = mandaat("m", "zvh");
        given.geldig_tot_en_met = last;
        let regels = vec![Regel { mandaat: Some(Mandaathouder::Ontvanger), ..regel("r") }];
        let deelnemers = Deelnemers { mandaten: vec![given], ..deelnemers() };
        let van_kracht = VanKracht::new(1, true, deelnemers, vec![convenant(regels)]);
        let found = bevindingen(&van_kracht, today);
        found
            .into_iter()
            .filter(|(_, found)| found.code().starts_with("mandaat"))
            .map(|(_, found)| found)
            .collect::<Vec<_>>()
    };
    assert_eq!(found(today), []);
    let [lapsed] = found(today.yesterday().unwrap()).try_into().unwrap();
    assert_eq!(lapsed.code(), "mandaat_verlopen");
    assert!(lapsed.uitleg().contains("dat van zvh geldt vandaag niet"), "{}", lapsed.uitleg());
    assert!(lapsed.explanation().contains("that of zvh does not hold today"), "{}", lapsed.explanation());
}

#[test]
fn a_file_of_100_mb_is_refused_before_it_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("ketenpoort.toml");
    // Sparse: it has the size and takes no room.
    fs::File::create(&file).unwrap().set_len(100 << 20).unwrap();
    let error = Config::load(&file).unwrap_err();
    let [mistake] = error.0.as_slice() else { panic!("{error}") };
    assert_eq!(mistake.fout.code(), "te_groot");
    assert!(mistake.fout.uitleg().contains("groter dan 512 KiB"), "{}", mistake.fout.uitleg());
    assert!(mistake.fout.explanation().contains("larger than 512 KiB"), "{}", mistake.fout.explanation());
    // As text that beheer sends, too.
    let text = "#".repeat(3 << 20);
    let error = parse(&[crate::files::bron("groot", &text)], &crate::files::omgeving(true)).unwrap_err();
    assert!(error.0.iter().any(|mistake| mistake.fout.code() == "te_groot"), "{error}");
}

/// `docs/fouten.md` is what editors of a convenant look up; it is the snapshot of both tables.
#[test]
fn the_documented_mistakes_are_the_table() {
    let mut table = String::from(
        "# Fouten en waarschuwingen\n\nWhat `ketenpoort check`, `serve` and `beheer` say of a configuration. With `--json` the code \
         stands in `fout` or `waarschuwing`.\n\n## Fouten\n\nNothing comes into force as long as there is one.\n\n",
    );
    rows(&mut table, Fout::TABLE);
    let codes = Aanvaardbaar::ALL.map(|code| format!("`{}`", code.as_str())).join(", ");
    let about = format!(
        "\n## Waarschuwingen\n\nNo document is refused because of these. Some about certificates, lists and keys refuse a start in \
         production, unless `aanvaard` in `ketenpoort.toml` names their code: {codes}. With `certificaat_onleesbaar`, \
         `sleutel_past_niet` and `ca_dubbel` no gateway starts.\n\n"
    );
    table.push_str(&about);
    rows(&mut table, Waarschuwing::TABLE);
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/fouten.md");
    if std::env::var_os("KETENPOORT_UPDATE_DOCS").is_some() {
        fs::write(path, &table).unwrap();
    }
    assert_eq!(fs::read_to_string(path).unwrap(), table, "run with KETENPOORT_UPDATE_DOCS=1 and read the diff");
}

fn rows(table: &mut String, rows: &[(&str, &str, &str)]) {
    table.push_str("| code | uitleg | explanation |\n|---|---|---|\n");
    for (code, uitleg, explanation) in rows {
        writeln!(table, "| `{code}` | {uitleg} | {explanation} |").unwrap();
    }
}

#[test]
fn what_disturbs_a_terminal_stands_twice_or_never_ends_is_refused() {
    for (from, to, code) in [
        ("titel = \"Proef\"", "titel = \"Proef\\u001b[2J\"", "verkeerde_vorm"),
        ("titel = \"Proef\"", "titel = \"feorP\\u202e\"", "verkeerde_vorm"),
        ("versie = \"1\"", "versie = \"1\\nregel twee\"", "verkeerde_vorm"),
        ("van = [\"zsm\"]", "van = [\"zsm\", \"zsm\"]", "dubbel"),
    ] {
        assert_eq!(only_mistake(from, to).1, code, "{to}");
    }
    let long = GOOD.replace("van = [\"zsm\"]", &format!("van = [\"{}\"]", "x".repeat(100_000)));
    assert!(mistakes_in(&long).iter().all(|mistake| mistake.fout.uitleg().len() < 1000));
    let deelnemers = GOOD.replace("naam = \"proef\"", "naam = \"deelnemers\"");
    assert_eq!(mistakes_in(&deelnemers)[0].fout.code(), "dubbel");
    let error = Config::load(std::path::Path::new("/dev/zero")).unwrap_err();
    assert_eq!(error.0[0].fout.code(), "onleesbaar");
}

/// A name that no finding has would be accepted and mean nothing.
#[test]
fn what_can_be_accepted_is_a_finding() {
    for code in Aanvaardbaar::ALL {
        assert!(Waarschuwing::TABLE.iter().any(|(known, ..)| *known == code.as_str()), "{code:?}");
    }
}
