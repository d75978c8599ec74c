//! `check`: its findings, and the command as people and programs run it.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use jiff::civil::{Date, date};
use ketenpoort::{
    check::{bevindingen::bevindingen, certificaten, mermaid::mermaid, rij::rijen, svg::svg, tabel::tabel},
    config::Config,
    domain::{
        Berichtsoort, Bewaar, Convenant, Deelnemers, Doelgroep, Mandaathouder, Regel, Status, Termijn, VanKracht,
        matrix::matrix,
    },
};
use serde_json::Value;
use tempfile::TempDir;

use crate::bouw::{acceptatie, convenant, deelnemers, mandaat, patroon, regel, van_kracht};

const TODAY: Date = date(2026, 6, 1);

/// Code and sentence of everything that is said about these convenanten, but for the unused grondslag b.
fn told(convenanten: Vec<Convenant>) -> Vec<String> {
    let found = bevindingen(&van_kracht(convenanten), TODAY);
    let told = found.iter().map(|(_, found)| format!("{}: {}", found.code(), found.uitleg()));
    told.filter(|told| !told.starts_with("grondslag_ongebruikt")).collect()
}

fn answered(id: &str) -> Vec<Regel> {
    let back = Regel {
        berichtsoort: Berichtsoort::Contextinformatie,
        van: vec![patroon("zvh")],
        naar: vec![patroon("zsm")],
        ..regel("antwoord")
    };
    vec![regel(id), back]
}

#[track_caller]
fn only(told: &[String], begin: &str, naming: &[&str]) {
    let [one] = told else { panic!("expected one finding, found {told:#?}") };
    assert!(one.starts_with(&format!("{begin}: ")), "{one}");
    assert!(naming.iter().all(|word| one.contains(word)), "{one} does not name {naming:?}");
}

#[test]
fn nothing_is_said_about_what_needs_no_second_look() {
    assert_eq!(told(vec![convenant(answered("r"))]), Vec::<String>::new());
}

#[test]
fn two_convenanten_on_one_exchange_are_told_once_with_who_stamps_and_what_can_be_chosen() {
    let mut other = answered("ander");
    other[0] = Regel { grondslagen: vec!["b".to_owned()], bsn_toegestaan: true, ..other[0].clone() };
    other.truncate(1);
    let two = |regels| vec![convenant(answered("r")), Convenant { naam: "twee".to_owned(), ..convenant(regels) }];
    let naming = [
        "contextinformatieverzoek van zsm naar zvh: stempelt convenant test (grondslag a",
        "krijgt alleen wie grondslag b of convenant twee noemt",
        "wat alleen twee toestaat of zij al langer toestaat (met BSN) stempelt twee",
    ];
    only(&told(two(other.clone())), "overlap", &naming);
    // The same on the same terms is told too: who reads must know which of both to change.
    only(&told(two(vec![regel("zelfde")])), "overlap", &["wie convenant twee noemt"]);
    let later = Convenant {
        naam: "later".to_owned(),
        geldig_van: date(2026, 8, 1),
        ..convenant(vec![Regel { houdbaarheid: Termijn::Maanden(6), ..regel("langer") }])
    };
    let naming =
        ["vanaf 2026-08-01 stempelt convenant test", "Won de langste termijn, dan werd dit grondslag a en 6 maanden"];
    only(&told(vec![convenant(answered("r")), later]), "overlap", &naming);
    other[0].berichtsoort = Berichtsoort::BijMelding;
    assert_eq!(told(two(other)), Vec::<String>::new());
}

#[test]
fn seven_convenanten_on_one_exchange_are_not_hundreds_of_lines() {
    let names = ["a", "b", "c", "d", "e", "f", "g"];
    let all = names.map(|naam| Convenant { naam: naam.to_owned(), ..convenant(answered("r")) });
    assert_eq!(told(all.to_vec()).len(), 12, "each of six others, for each of two berichtsoorten");
}

#[test]
fn a_rule_of_one_convenant_that_always_loses_is_unreachable() {
    let with = |extra: Regel| {
        let mut regels = answered("r");
        regels.push(extra);
        told(vec![convenant(regels)])
    };
    let shorter = Regel { houdbaarheid: Termijn::Dagen(14), ..regel("kort") };
    only(&with(shorter.clone()), "onbereikbaar", &["test/kort", "test/r"]);
    only(&with(Regel { doelgroep: Some(Doelgroep::Volwassen), ..regel("deel") }), "onbereikbaar", &["test/deel"]);
    // What it alone allows keeps it reachable, and so does another convenant: a sender can name it.
    only(&with(Regel { bsn_toegestaan: true, ..shorter.clone() }), "overbodig", &["test/kort"]);
    let other = Convenant { naam: "twee".to_owned(), ..convenant(vec![shorter]) };
    only(&told(vec![convenant(answered("r")), other]), "overlap", &["wie convenant twee noemt"]);
}

#[test]
fn a_convenant_behind_one_that_is_not_there_is_told() {
    let behind = Convenant { staat_achter: vec!["weg".to_owned()], ..convenant(answered("r")) };
    only(&told(vec![behind]), "staat_achter_onbekend", &["convenant test staat achter weg"]);
}

#[test]
fn a_deviating_term_shows_its_reason() {
    let afwijking = Some("zo lang duurt de nazorg".to_owned());
    let long = Regel { houdbaarheid: Termijn::Maanden(6), afwijking, ..regel("r") };
    let van_kracht = van_kracht(vec![convenant(vec![long])]);
    assert!(svg(&van_kracht, TODAY).contains("afwijking: zo lang duurt de nazorg"));
    let row = tabel(&van_kracht, TODAY).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(row.contains("afwijking: zo"), "{row}");
    assert_eq!(matrix(&van_kracht, TODAY)[0].afwijking.as_deref(), Some("zo lang duurt de nazorg"));
}

#[test]
fn what_a_rule_cannot_mean_is_told() {
    let with = |change: fn(&mut Regel)| {
        let mut regels = answered("r");
        change(&mut regels[0]);
        told(vec![convenant(regels)])
    };
    only(&with(|regel| regel.max_verlengingen = 2), "verlengen_past_niet", &["test/r", "contextinformatieverzoek"]);
    only(&with(|regel| regel.mede_ontvanger = vec![patroon("zvh/jeugd")]), "mede_ontvanger_vanzelf", &["zvh/jeugd"]);
    let kept_short = Regel {
        berichtsoort: Berichtsoort::Scenario,
        bewaar_inhoud: Bewaar::Bevestiging,
        max_verlengingen: 2,
        ..regel("scenario")
    };
    let all = told(vec![convenant(vec![kept_short])]);
    assert!(all.iter().any(|told| told.starts_with("scenario_niet_bewaard")), "{all:?}");
    assert!(!all.iter().any(|told| told.starts_with("verlengen_past_niet")), "{all:?}");
}

#[test]
fn two_rules_of_one_convenant_that_say_the_same_are_one_too_many() {
    let mut regels = answered("r");
    regels[0].van = vec![patroon("zsm/jeugd"), patroon("zsm/algemeen")];
    regels[0].naar = vec![patroon("zvh/jeugd")];
    regels.push(Regel { van: vec![patroon("zsm/jeugd")], ..regel("half") });
    only(&told(vec![convenant(regels)]), "overbodig", &["test/half", "test/r"]);
}

#[test]
fn who_asks_and_is_never_answered_is_told_with_the_pairs() {
    let mut regels = answered("r");
    regels[1].van = vec![patroon("zvh/jeugd")];
    let naming = ["zsm mag contextinformatieverzoek sturen aan zvh/algemeen", "contextinformatie"];
    only(&told(vec![convenant(regels)]), "nooit_beantwoord", &naming);
    // An answer follows the doelgroep of its question.
    let mut regels = answered("r");
    regels[0].doelgroep = Some(Doelgroep::Minderjarig);
    regels[1].doelgroep = Some(Doelgroep::Volwassen);
    only(&told(vec![convenant(regels)]), "nooit_beantwoord", &["zsm mag"]);
}

#[test]
fn grondslagen_are_told_when_unused_unconfirmed_or_at_their_end() {
    let found = bevindingen(&van_kracht(vec![convenant(answered("r"))]), TODAY);
    let [(_, unused)] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(unused.code(), "grondslag_ongebruikt");
    assert!(unused.uitleg().contains("rust op b"), "{}", unused.uitleg());
    let with = |status, tot| {
        let mut convenant = convenant(answered("r"));
        convenant.grondslagen[0].status = status;
        convenant.grondslagen[0].geldig_tot_en_met = tot;
        told(vec![convenant])
    };
    let accepted = Status::TeBevestigen(Some(acceptatie()));
    only(&with(accepted, None), "grondslag_aanvaard", &["FG", "2026-02-01"]);
    let doubted = with(Status::TeBevestigen(None), None);
    assert!(doubted[0].starts_with("grondslag_onbevestigd"), "{doubted:?}");
    assert!(doubted.iter().any(|told| told.starts_with("niets_toegestaan")), "{doubted:?}");
    only(&with(Status::Bevestigd, Some(date(2026, 7, 30))), "loopt_af", &["grondslag test/a", "2026-07-30"]);
    assert_eq!(with(Status::Bevestigd, Some(date(2026, 7, 31))), Vec::<String>::new());
    let lapsed = with(Status::Bevestigd, Some(date(2026, 5, 31)));
    assert!(lapsed.iter().any(|told| told.starts_with("verlopen: grondslag test/a gold tot")), "{lapsed:?}");
}

#[test]
fn a_mandaat_that_a_rule_asks_for_and_nobody_holds_is_told() {
    let mut regels = answered("r");
    regels[0].mandaat = Some(Mandaathouder::Afzender);
    assert!(told(vec![convenant(regels.clone())])[0].starts_with("mandaat_ontbreekt: regel test/r"));
    let deelnemers = Deelnemers { mandaten: vec![mandaat("m", "zsm")], ..deelnemers() };
    let held = VanKracht::new(1, true, deelnemers, vec![convenant(regels)]);
    let found = bevindingen(&held, TODAY);
    assert!(found.iter().all(|(_, found)| !found.code().starts_with("mandaat")), "{found:?}");
    let rij = &rijen(&held, TODAY)[0];
    assert_eq!(rij.mandaten, ["m"]);
}

#[test]
fn a_partner_stands_for_all_its_loketten_and_no_less() {
    let all = rijen(&van_kracht(vec![convenant(vec![regel("r")])]), TODAY);
    assert_eq!((all.len(), all[0].van[0].to_string(), all[0].naar[0].to_string()), (1, "zsm".into(), "zvh".into()));
    let loket = Regel { van: vec![patroon("zsm/jeugd")], ..regel("r") };
    assert_eq!(rijen(&van_kracht(vec![convenant(vec![loket])]), TODAY)[0].van[0].to_string(), "zsm/jeugd");
}

#[test]
fn what_is_shown_escapes_what_stands_in_it() {
    let evil = Convenant { titel: "<script>\"&\u{1}".to_owned(), ..convenant(vec![regel("r")]) };
    let drawn = svg(&van_kracht(vec![evil]), TODAY);
    assert!(drawn.contains("&lt;script&gt;&quot;&amp; </text>"), "{drawn}");
    well_formed(&drawn);
    let odd = Regel { grondslagen: vec!["a".to_owned()], ..regel("r") };
    let diagram = mermaid(&van_kracht(vec![convenant(vec![odd])]), TODAY);
    assert!(diagram.contains("n0 -->|\"contextinformatieverzoek: a, 3 maanden vanaf aanvaarding\"| n1"), "{diagram}");
}

/// Every element is closed in its order, and no bare `<` or `&` is left: enough of XML for what we write.
fn well_formed(xml: &str) {
    let mut open = Vec::new();
    for part in xml.split('<').skip(1) {
        let (tag, text) = part.split_once('>').unwrap_or_else(|| panic!("<{part} is not closed"));
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "</{name}> closes something else");
        } else if !tag.ends_with('/') {
            open.push(tag.split_whitespace().next().unwrap());
        }
        for entity in text.split('&').skip(1) {
            let name = entity.split_once(';').unwrap_or_else(|| panic!("&{entity} is no entity")).0;
            assert!(["amp", "lt", "gt", "quot"].contains(&name), "&{name};");
        }
    }
    assert!(open.is_empty(), "not closed: {open:?}");
}

#[test]
fn the_table_fits_a_terminal_of_120_columns_and_loses_nothing() {
    let parsed = crate::files::voorbeeld().unwrap();
    let van_kracht = VanKracht::new(1, false, parsed.deelnemers, parsed.convenanten);
    let shown = tabel(&van_kracht, TODAY);
    assert!(shown.lines().all(|line| line.chars().count() <= 120), "{shown}");
    for id in ["zvh-midden-brabant", "contextinformatieverzoek", "afspraken-zsm-jeugd", "minderjarigen"] {
        assert!(shown.contains(id), "{id} is not in {shown}");
    }
}

// --- The command ---------------------------------------------------------------------------------------------------

/// A data directory as `init` makes it.
struct Data(TempDir);

impl Data {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let made = run(&["init", "--data-dir", dir.path().to_str().unwrap()]);
        assert!(made.status.success());
        Self(dir)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn config(&self) -> String {
        self.path("ketenpoort.toml").to_str().unwrap().to_owned()
    }

    fn replace(&self, name: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.path(name)).unwrap();
        assert!(text.contains(from), "{from} is not in {name}");
        fs::write(self.path(name), text.replace(from, to)).unwrap();
    }

    fn check(&self, arguments: &[&str]) -> Output {
        run(&[&["check", "--config", &self.config()], arguments].concat())
    }
}

fn run(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ketenpoort"));
    command.args(arguments).env_remove("KETENPOORT_DATABASE_URL").output().unwrap()
}

/// stdout and stderr, when the exit code is this one.
#[track_caller]
fn expect(output: &Output, code: i32) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "stdout: {out}\nstderr: {err}");
    (out, err)
}

fn objects(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

#[test]
fn a_sound_configuration_gives_the_matrix_in_every_form() {
    let data = Data::new();
    let (table, warnings) = expect(&data.check(&[]), 0);
    assert!(table.contains("contextinformatieverzoek"), "{table}");
    assert!(warnings.contains("convenanten/zvh-baronie-breda.toml:") && warnings.contains("(grondslag_ongebruikt)"));
    let (lines, nothing) = expect(&data.check(&["--json"]), 0);
    assert_eq!(nothing, "", "with --json what is found is data");
    let objects = objects(&lines);
    let flow = objects.iter().find(|object| object["stroom"] == "bij_melding").unwrap();
    assert_eq!((&flow["houdbaarheid"], &flow["convenant"]), (&"P3M".into(), &"bij".into()));
    assert!(flow["mandaten"].is_array() && flow.get("doelgroep").is_none(), "{flow}");
    let warning = objects.iter().find(|object| object["waarschuwing"] == "grondslag_ongebruikt").unwrap();
    let (file, line) = (warning["bestand"].as_str().unwrap(), warning["regelnummer"].as_u64().unwrap());
    let text = fs::read_to_string(file).unwrap();
    assert_eq!(text.lines().nth(usize::try_from(line).unwrap() - 1), Some("[[grondslag]]"));
    let (drawing, _) = expect(&data.check(&["--form", "svg"]), 0);
    well_formed(&drawing);
    assert!(drawing.contains("<title") && drawing.contains("<desc") && !drawing.contains("<script"));
    assert!(expect(&data.check(&["--form", "mermaid"]), 0).0.contains("\nflowchart LR\n"));
    assert!(expect(&data.check(&["--form", "toml"]), 0).0.contains("id = \"bij-melding\""));
    assert!(expect(&data.check(&["--form", "json"]), 0).0 == lines);
}

#[test]
fn mistakes_are_told_all_at_once_and_the_exit_code_is_2() {
    let data = Data::new();
    data.replace("convenanten/bij.toml", "houdbaarheid_maanden = 3", "houdbaarheid_maanden = 0");
    data.replace("convenanten/zvh-zeeland.toml", "geldig_tot_en_met = 2035-12-31", "geldig_tot_en_met = 2025-12-31");
    data.replace("ketenpoort.toml", "[sleutels]", "[sleutel]");
    let (out, err) = expect(&data.check(&[]), 2);
    assert_eq!(out, "");
    for code in ["houdbaarheid_buiten_bereik", "termijn_omgekeerd", "onbekende_sleutel", "ontbreekt"] {
        assert!(err.contains(&format!("({code})")), "{code} is not in {err}");
    }
    let (out, _) = expect(&data.check(&["--json"]), 2);
    let wrong = objects(&out).into_iter().find(|object| object["fout"] == "termijn_omgekeerd").unwrap();
    assert!(
        wrong["bestand"].as_str().unwrap().ends_with("zvh-zeeland.toml") && wrong["regelnummer"].as_u64() > Some(0)
    );
    assert!(wrong["uitleg"].is_string() && wrong["explanation"].is_string());
}

#[test]
fn usage_and_development_certificates_are_told() {
    let data = Data::new();
    let (_, err) = expect(&run(&["check", "--config", &data.config()]), 0);
    assert!(err.contains("serve weigert deze configuratie zonder --dev"), "{err}");
    expect(&run(&["check"]), 2);
    expect(&run(&["check", "--diff", &data.config()]), 2);
    expect(&run(&["check", "--config", "bestaat-niet.toml"]), 2);
}

#[test]
fn certificates_that_end_are_told() {
    let data = Data::new();
    let config = Config::load(Path::new(&data.config())).unwrap();
    let codes = |moment: &str| -> BTreeSet<&str> {
        let found = certificaten::bevindingen(&config, moment.parse().unwrap());
        found.iter().map(|(_, found)| found.code()).collect()
    };
    let later = "2090-01-01T00:00:00Z";
    assert_eq!(codes(later), BTreeSet::from(["certificaat_verlopen", "crl_ontbreekt"]));
    assert_eq!(codes("2000-01-01T00:00:00Z"), BTreeSet::from(["certificaat_nog_niet_geldig", "crl_ontbreekt"]));
    fs::write(data.path("ca.pem"), "geen certificaat").unwrap();
    assert_eq!(codes(later), BTreeSet::from(["certificaat_verlopen", "certificaat_onleesbaar"]));
    assert!(expect(&data.check(&[]), 0).1.contains("(certificaat_onleesbaar)"));
}

#[test]
fn diff_says_what_changes_between_configurations_and_between_convenanten() {
    let (oud, nieuw) = (Data::new(), Data::new());
    let diff = |oud: &Path, nieuw: &Path, more: &[&str]| {
        run(&[&["check", "--diff", oud.to_str().unwrap(), nieuw.to_str().unwrap()], more].concat())
    };
    let configs = (oud.path("ketenpoort.toml"), nieuw.path("ketenpoort.toml"));
    assert!(expect(&diff(&configs.0, &configs.1, &[]), 0).0.starts_with("Er verandert niets"));
    nieuw.replace("convenanten/bij.toml", "2035-12-31", "2036-12-31");
    nieuw.replace("convenanten/bij.toml", "bsn_toegestaan = true\nmandaat", "mandaat");
    let sentences = "Convenant bij geldt nu tot en met 2036-12-31 (was 2035-12-31).\n\
                     BSN niet meer toegestaan: bij_melding van dji naar ";
    let (said, _) = expect(&diff(&configs.0, &configs.1, &[]), 0);
    assert!(said.starts_with(sentences), "{said}");
    let files = (oud.path("convenanten/bij.toml"), nieuw.path("convenanten/bij.toml"));
    let (said, _) = expect(&diff(&files.0, &files.1, &[]), 0);
    assert!(said.starts_with(sentences), "{said}");
    let (lines, _) = expect(&diff(&files.0, &files.1, &["--json"]), 0);
    assert!(objects(&lines).iter().all(|object| object["verschil"].is_string()));
    expect(&diff(&files.0, &nieuw.path("weg.toml"), &[]), 2);
}

/// What stands in the old configuration was there before: only what is new beside it can be undecided.
#[test]
fn diff_shows_a_convenant_that_comes_beside_another_and_asks_only_of_two_new_ones() {
    let (oud, nieuw) = (Data::new(), Data::new());
    let text = fs::read_to_string(oud.path("convenanten/bij.toml")).unwrap();
    for naam in ["een", "twee"] {
        let other = text.replace("naam = \"bij\"", &format!("naam = \"bij-{naam}\""));
        let other = other.replace("bij-regeling", &format!("regeling-{naam}"));
        fs::write(nieuw.path(&format!("convenanten/bij-{naam}.toml")), other).unwrap();
    }
    let configs = [oud.path("ketenpoort.toml"), nieuw.path("ketenpoort.toml")];
    let diff = || run(&["check", "--diff", configs[0].to_str().unwrap(), configs[1].to_str().unwrap()]);
    let list = "\"convenanten/bij.toml\"";
    nieuw.replace("ketenpoort.toml", list, &format!("{list}, \"convenanten/bij-een.toml\""));
    assert!(expect(&nieuw.check(&[]), 2).1.contains("samen_van_kracht"));
    let (said, _) = expect(&diff(), 0);
    assert!(
        said.contains("Meer dan een convenant: bij_melding") && said.contains("stempelt convenant bij ("),
        "{said}"
    );
    nieuw.replace("ketenpoort.toml", list, &format!("{list}, \"convenanten/bij-twee.toml\""));
    let (_, err) = expect(&diff(), 2);
    let told: Vec<&str> = err.lines().filter(|line| line.contains("samen_van_kracht")).collect();
    assert!(told.len() == 1 && told[0].contains("bij-een") && told[0].contains("bij-twee"), "{err}");
}

#[test]
fn one_convenant_is_shown_alone_and_a_convenant_is_no_configuration() {
    let data = Data::new();
    let (out, _) = expect(&run(&["check", "--config", &data.config(), "--convenant", "bij"]), 0);
    assert!(out.contains("bij_melding") && !out.contains("bekendheidscheck"), "{out}");
    let (_, err) = expect(&run(&["check", "--config", &data.config(), "--convenant", "weg"]), 2);
    assert!(err.contains("er is geen convenant weg; er zijn: bij, melding-18b"), "{err}");
    let bij = data.path("convenanten/bij.toml");
    let (_, err) = expect(&run(&["check", "--config", bij.to_str().unwrap()]), 2);
    assert!(err.contains("is een convenant en geen configuratie"), "{err}");
}
