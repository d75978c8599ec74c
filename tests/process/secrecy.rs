//! Promise 9: nothing about a person reaches the process log, not even with `KETENPOORT_LOG=debug`.

use std::{collections::BTreeSet, fs, path::Path};

use jiff::{ToSpan, civil::Date};
use ketenpoort::{
    clock::SystemClock,
    domain::{Clock, houdbaarheid::amsterdam_date},
    proto::{self, receive_request::Verzoek, receive_response::Antwoord},
};
use serde_json::Value;

use crate::{
    served::{Served, expect, ketenpoort, stderr},
    traffic::{Postvak, request, request_id, send, template},
};

/// Not about a person, and rightly in the log: the partners of the example.
const PARTNERS: [&str; 10] = [
    "zsm",
    "om",
    "politie",
    "3ro",
    "dji",
    "vt",
    "zvh-baronie-breda",
    "zvh-de-markiezaten",
    "zvh-midden-brabant",
    "zvh-zeeland",
];
/// Short ones and dates are personal under these keys too.
const PERSONAL: [&str; 9] = [
    "naam",
    "bsn",
    "skn",
    "geboortedatum",
    "casusnummer_afzender",
    "telefoon",
    "zaaknummer",
    "medewerker",
    "aanwijzingen",
];

/// Every text that must not be found: all leaves below `inhoud`, the people of a casus, and the employees.
#[derive(Default)]
struct Secrets(BTreeSet<String>);

impl Secrets {
    fn collect(&mut self, value: &Value, key: &str, in_content: bool) {
        match value {
            Value::Object(entries) => {
                let content =
                    |key: &String| in_content || ["inhoud", "betrokkenen", "toelichting"].contains(&key.as_str());
                entries.iter().for_each(|(key, value)| self.collect(value, key, content(key)));
            }
            Value::Array(items) => items.iter().for_each(|item| self.collect(item, key, in_content)),
            Value::String(text) if in_content || key == "medewerker" => self.add(key, &filled(text)),
            _ => {}
        }
    }

    fn add(&mut self, key: &str, text: &str) {
        let is_enum = text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
        let is_moment = text.starts_with('{') || text.get(..10).is_some_and(|day| day.parse::<Date>().is_ok());
        let is_free_text = text.chars().count() > 5 && !is_enum && !is_moment;
        if (PERSONAL.contains(&key) || is_free_text) && !PARTNERS.contains(&text) {
            self.0.insert(text.to_owned());
        }
    }

    #[track_caller]
    fn assert_absent_from(&self, log: &str) {
        let found: Vec<&String> = self.0.iter().filter(|secret| log.contains(secret.as_str())).collect();
        let line = |secret: &str| log.lines().find(|line| line.contains(secret)).unwrap_or_default().to_owned();
        let lines: Vec<String> = found.iter().map(|secret| line(secret)).collect();
        assert!(found.is_empty(), "in the process log: {found:?}, for example in\n{}", lines.join("\n"));
    }
}

/// The placeholder of a day as the demo fills it in.
fn filled(text: &str) -> String {
    let days = text.strip_prefix("{vandaag").and_then(|rest| rest.strip_suffix('}')).and_then(|days| days.parse().ok());
    let day = |days: i32| amsterdam_date(SystemClock.now()).saturating_add(days.days()).to_string();
    days.map_or_else(|| text.to_owned(), day)
}

fn of_the_story() -> Secrets {
    let voorbeeld = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/voorbeeld");
    let casussen = fs::read_dir(voorbeeld.join("casussen")).unwrap().map(|file| file.unwrap().path());
    let casussen = casussen.filter(|file| file.extension().is_some_and(|extension| extension == "json"));
    let mut secrets = Secrets::default();
    for file in casussen.chain([voorbeeld.join("week.json")]) {
        secrets.collect(&serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap(), "", false);
    }
    for named in ["Bram van Verzonnenhove", "999900183", "LDH-2291", "zsm-nacht-02"] {
        assert!(secrets.0.contains(named), "{named} was not found in the story");
    }
    assert!(secrets.0.len() > 200, "only {} texts found in the story", secrets.0.len());
    secrets
}

#[test]
fn nothing_personal_of_the_demo_reaches_the_process_log() {
    let output = ketenpoort().args(["demo", "--json"]).env("KETENPOORT_LOG", "debug").output().unwrap();
    expect(&output, 0);
    let log = stderr(&output);
    assert!(log.contains("DEBUG") && log.contains("Send"), "the log says nothing, so this shows nothing");
    of_the_story().assert_absent_from(&log);
}

/// The gateway cannot know that a partner puts a name where an id belongs; it must not repeat it.
fn with_secrets_in_wrong_places(number: u64) -> Vec<proto::SendRequest> {
    let base = || {
        let mut request = request(template("bekendheidscheck"));
        request.request_id = request_id(number);
        request
    };
    let change = |change: fn(&mut proto::SendRequest)| {
        let mut request = base();
        change(&mut request);
        request
    };
    vec![
        change(|request| request.request_id = "Jansen-geheim".to_owned()),
        change(|request| request.loket = "jansen-geheim".to_owned()),
        change(|request| request.loket = "Jansen geheim".to_owned()),
        change(|request| request.ontvangers[0].partner = "jansen-geheim".to_owned()),
        change(|request| request.ontvangers[0].loket = "jansen-geheim".to_owned()),
        change(|request| request.in_antwoord_op = Some("Jansen-geheim".to_owned())),
        change(|request| request.grondslag = Some("jansen-geheim".to_owned())),
        change(|request| request.houdbaar_tot_en_met = Some("Jansen-geheim".to_owned())),
        change(|request| request.inhoud.as_mut().unwrap().medewerker = "Jansen-geheim".repeat(20)),
        change(|request| request.inhoud.as_mut().unwrap().betrokkenen[0].bsn = Some("Jansen-geheim".to_owned())),
        change(|request| request.inhoud.as_mut().unwrap().betrokkenen[0].geboortedatum = "Jansen-geheim".to_owned()),
        change(|request| request.inhoud.as_mut().unwrap().peildatum = Some("Jansen-geheim".to_owned())),
    ]
}

/// One bericht that is accepted, and each of those with a secret where none belongs, which is refused.
async fn send_right_and_wrong(served: &Served) {
    let mut zsm = served.client("zsm").await;
    let mut bericht = request(template("bekendheidscheck"));
    bericht.request_id = request_id(1);
    send(served, "zsm", &mut zsm, &bericht).await.unwrap();
    for wrong in with_secrets_in_wrong_places(2) {
        send(served, "zsm", &mut zsm, &wrong).await.unwrap_err();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_personal_reaches_the_process_log() {
    let mut served = Served::prepare();
    served.serve_with("debug");
    let mut secrets = Secrets::default();
    secrets.0.insert("lezer-001".to_owned());
    secrets.collect(&template("bekendheidscheck"), "", false);
    send_right_and_wrong(&served).await;

    let mut zvh = served.client("zvh-baronie-breda").await;
    let mut postvak = Postvak::open(&mut zvh, "algemeen", 1).await;
    let Antwoord::Aflevering(aflevering) = postvak.hear().await else { panic!("no delivery") };
    postvak.say(Verzoek::Bevestig("Jansen-geheim".to_owned())).await;
    postvak.say(Verzoek::Bevestig(aflevering.bericht)).await;
    while !matches!(postvak.hear().await, Antwoord::Bevestigd(_)) {}

    drop((postvak, zvh));
    served.stop();
    let log = served.log();
    assert!(log.contains("DEBUG") && log.contains("Receive"), "the log says nothing, so this shows nothing");
    secrets.assert_absent_from(&log);
    assert!(!log.to_lowercase().contains("jansen"), "{log}");
}

/// The logboek is for ever: what a partner writes in the wrong place must not get into it.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_personal_reaches_the_logboek() {
    let served = Served::start();
    send_right_and_wrong(&served).await;
    let mut secrets = Secrets::default();
    secrets.collect(&template("bekendheidscheck"), "", false);
    let regels = expect(&served.logboek("search", &[]), 0);
    assert!(regels.contains("aanvaard") && regels.contains("geweigerd"), "{regels}");
    secrets.assert_absent_from(&regels);
    let found: Vec<&str> = regels.lines().filter(|regel| regel.to_lowercase().contains("jansen")).collect();
    assert!(found.is_empty(), "for ever in the logboek:\n{}", found.join("\n"));
}
