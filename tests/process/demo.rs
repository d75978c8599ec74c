//! `demo`: the story as JSON, and the gateway that it leaves open.

use std::{
    collections::BTreeSet,
    io::{self, BufRead, BufReader},
    path::Path,
    process::{Child, Stdio},
};

use jiff::{ToSpan, civil::Date};
use ketenpoort::{
    client::Profile,
    clock::SystemClock,
    domain::{Berichtsoort, Clock, houdbaarheid::amsterdam_date},
};
use serde_json::Value;

use crate::{
    served::{expect, ketenpoort, logboek, terminate},
    traffic::{request, request_id, template},
};

/// What a line of a step may say.
const STEP_KEYS: [&str; 10] = [
    "stap",
    "soort",
    "bericht",
    "afzender",
    "ontvanger",
    "berichtsoort",
    "grondslag",
    "houdbaar_tot_en_met",
    "log_index",
    "weigering",
];
/// The lines after the last step.
const CLOSING: [&str; 3] = ["fg", "bewijzen", "klaar"];
const CLOSING_KEYS: [&str; 5] = ["stap", "aantal", "logregels", "berichten", "logboek"];

fn text<'a>(line: &'a Value, key: &str) -> &'a str {
    line[key].as_str().unwrap_or_default()
}

/// Checks every line of the story up to and including `klaar`.
fn check_story(lines: &[Value], started: Date) {
    for line in lines {
        let allowed: &[&str] = if CLOSING.contains(&text(line, "stap")) { &CLOSING_KEYS } else { &STEP_KEYS };
        let strange: Vec<&String> =
            line.as_object().unwrap().keys().filter(|key| !allowed.contains(&key.as_str())).collect();
        assert!(strange.is_empty(), "{strange:?} in {line}");
        assert!(!text(line, "stap").is_empty(), "no stap in {line}");
    }
    let accepted: Vec<&Value> = lines.iter().filter(|line| text(line, "soort") == "aanvaard").collect();
    let berichten: BTreeSet<&str> = accepted.iter().map(|line| text(line, "bericht")).collect();
    assert!(berichten.len() >= 80, "only {} berichten", berichten.len());
    // The demo may have run past midnight.
    let furthest = amsterdam_date(SystemClock.now()).saturating_add(3.months());
    for line in &accepted {
        let until: Date = text(line, "houdbaar_tot_en_met").parse().unwrap();
        assert!((started..=furthest).contains(&until), "{line}");
        assert!(!text(line, "grondslag").is_empty() && line["log_index"].is_u64(), "{line}");
    }
    check_flows(lines);
    let last = lines.last().unwrap();
    assert_eq!((text(last, "stap"), text(last, "logboek")), ("klaar", "ok"));
    // What the gateway made is only seen where it is delivered.
    let seen = lines.iter().map(|line| text(line, "bericht")).filter(|bericht| !bericht.is_empty());
    assert_eq!(last["berichten"], seen.collect::<BTreeSet<_>>().len());
    assert!(last["logregels"].as_u64().unwrap() > accepted.len() as u64);
}

/// Every flow is played: each berichtsoort but what only midnight or damage to the store brings, and each thing that a bericht can meet.
fn check_flows(lines: &[Value]) {
    let not_in_a_week = [Berichtsoort::Vervalmelding, Berichtsoort::Schademelding];
    for soort in Berichtsoort::ALL.into_iter().filter(|soort| !not_in_a_week.contains(soort)) {
        for outcome in if soort.from_gateway() { &["afgeleverd"][..] } else { &["aanvaard", "bevestigd"] } {
            let played = |line: &Value| text(line, "soort") == *outcome && text(line, "berichtsoort") == soort.as_str();
            assert!(lines.iter().any(played), "no {soort} was {outcome}");
        }
    }
    let outcomes: BTreeSet<(&str, &str)> =
        lines.iter().map(|line| (text(line, "soort"), text(line, "weigering"))).collect();
    for outcome in [
        ("geraadpleegd", ""),
        ("ingetrokken", ""),
        ("vernietiging_gevraagd", ""),
        ("geweigerd", "geen_regel"),
        ("geweigerd", "ongeldig_veld"),
        ("geweigerd", "doelgroep_niet_toegestaan"),
        ("geweigerd", "loket_gesloten"),
        ("geweigerd", "te_vaak_verlengd"),
        ("", "certificaat_van_onbekende_ca"),
    ] {
        assert!(outcomes.contains(&outcome), "never {outcome:?}");
    }
    let missed = |line: &Value| text(line, "soort") == "geraadpleegd" && line.get("bericht").is_none();
    assert!(lines.iter().any(missed), "every search found something");
}

#[test]
fn the_demo_tells_its_story_as_json() {
    let started = amsterdam_date(SystemClock.now());
    let told = expect(&ketenpoort().args(["demo", "--json"]).output().unwrap(), 0);
    let lines: Vec<Value> = told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    check_story(&lines, started);
}

/// Ends the demo whatever happens in the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended as it should.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl Running {
    /// Starts a demo that stays open. Gives what it told until it was.
    fn until_open(dir: &Path, how: &str) -> (Self, Vec<Value>, Value, impl Iterator<Item = io::Result<String>>) {
        let mut demo = ketenpoort();
        demo.args(["demo", "--json", how, "--data-dir"]).arg(dir.join("demo")).stdout(Stdio::piped());
        let mut running = Self(demo.spawn().unwrap());
        let mut lines = Vec::new();
        let mut told = BufReader::new(running.0.stdout.take().unwrap()).lines();
        let open: Value = loop {
            let line: Value = serde_json::from_str(&told.next().expect("the demo ended too early").unwrap()).unwrap();
            if text(&line, "stap") == "open" {
                break line;
            }
            lines.push(line);
        };
        (running, lines, open, told)
    }
}

/// ZSM sends a bericht to the demo that is open. Gives until when it is houdbaar.
async fn send_to(open: &Value) -> Date {
    let profile = Profile::load(&Path::new(text(open, "profielen")).join("zsm")).unwrap();
    assert_eq!(profile.adres(), text(open, "grpc"));
    let mut request = request(template("bekendheidscheck"));
    request.request_id = request_id(1);
    let sent = profile.connect().await.unwrap().send(request).await.unwrap().into_inner();
    let accepted = sent.ontvangstbewijs.unwrap().aanvaardingen.remove(0);
    accepted.stempel.unwrap().houdbaar_tot_en_met.parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_stays_open_until_sigterm() {
    let dir = tempfile::tempdir().unwrap();
    let started = amsterdam_date(SystemClock.now());
    let (mut running, lines, open, mut told) = Running::until_open(dir.path(), "--keep-running");
    check_story(&lines, started);
    let keys: BTreeSet<&str> = open.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, BTreeSet::from(["stap", "grpc", "toezicht", "config", "profielen"]));
    send_to(&open).await;

    assert_eq!(terminate(&mut running.0).code(), Some(0));
    assert!(told.next().is_none(), "the demo said more after the open line");
    expect(&logboek(Path::new(text(&open, "config")), "verify", &[]), 0);
}

/// What every year has, in the words of the report.
const OF_A_YEAR: [&str; 10] = [
    "zocht 24 keer naar een scenario dat er niet was",
    "verkeerd_geadresseerd",
    "geen_regel",
    "bsn_niet_toegestaan",
    "te_vaak_verlengd",
    "vervalwaarschuwing",
    "vernietigingsbevestiging",
    "rectificatie",
    "Convenant zvh-baronie-breda: versie 2026.2 in plaats van versie 2026.1",
    "melding_18b",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_year_ends_today_and_then_the_clock_of_the_machine_counts() {
    let dir = tempfile::tempdir().unwrap();
    let (mut running, lines, open, _told) = Running::until_open(dir.path(), "--jaar");
    let of = |stap: &str| lines.iter().find(|line| text(line, "stap") == stap).unwrap();
    let [partners, gateway] = ["berichten", "van_de_poort"].map(|key| of("jaar")[key].as_u64().unwrap());
    assert!((2500..3500).contains(&partners), "{partners} berichten");
    assert_eq!(of("klaar")["berichten"], partners + gateway);
    // Most go to one ontvanger, and a bekendheidscheck to four.
    assert!(of("bewijzen")["aantal"].as_u64().unwrap() >= partners);
    assert_eq!(text(of("klaar"), "logboek"), "ok");

    let today = amsterdam_date(SystemClock.now());
    assert_eq!(send_to(&open).await, today.saturating_add(3.months()));
    let auditor = Path::new(text(&open, "profielen")).join("auditor");
    let first = today.saturating_sub(1.year()).saturating_add(1.day());
    let ask = |verb: &str, (van, tot_en_met): (Date, Date), more: [&str; 2]| {
        let mut ask = ketenpoort();
        ask.args(["logboek", verb, "--van", &van.to_string(), "--tot-en-met", &tot_en_met.to_string()]);
        expect(&ask.args(more).arg("--profile").arg(&auditor).output().unwrap(), 0)
    };
    let told = ask("rapport", (first, today), ["--formaat", "json"]);
    for what in OF_A_YEAR {
        assert!(told.contains(what), "no {what} in a year");
    }
    // What lapsed was ended on its day, and not when the year was over.
    let spring = (first.saturating_add(100.days()), first.saturating_add(130.days()));
    assert!(ask("search", spring, ["--soort", "vervallen"]).lines().count() > 50);

    assert_eq!(terminate(&mut running.0).code(), Some(0));
    expect(&logboek(Path::new(text(&open, "config")), "verify", &[]), 0);
}
