//! `check` as people and programs run it.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use ketenpoort::{check::certificaten, config::Config};
use serde_json::Value;
use tempfile::TempDir;

use crate::check::well_formed;

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
