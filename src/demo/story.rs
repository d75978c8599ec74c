//! The story as data: days, steps, and the placeholders in their berichten.

use serde::Deserialize;
use serde_json::Value;

const WEEK: &str = include_str!("../../deploy/voorbeeld/week.json");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Story {
    pub titel: String,
    pub dagen: Vec<Dag>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dag {
    #[serde(rename = "dag")]
    pub naam: String,
    pub verhaal: String,
    pub stappen: Vec<Stap>,
}

#[derive(Deserialize)]
pub struct Stap {
    /// Short name of the step in the JSON output.
    #[serde(rename = "stap")]
    pub naam: String,
    /// What happens, for people.
    pub tekst: String,
    #[serde(flatten)]
    pub doe: Doe,
}

#[derive(Deserialize)]
#[serde(tag = "doe", rename_all = "lowercase", deny_unknown_fields)]
pub enum Doe {
    /// One asks, the others answer, all within the call.
    Ask { als: String, naam: String, wacht_seconden: u32, verzoek: Value, antwoorden: Vec<Antwoord> },
    /// Sends one bericht, which may have to be refused.
    Send { als: String, naam: String, verzoek: Value, weigering: Option<String> },
    /// Receives and confirms exactly these.
    Receive { als: String, loket: String, namen: Vec<String>, medewerker: String },
    /// Reads one again.
    Fetch { als: String, loket: String, naam: String, medewerker: String },
    /// Looks where one stands.
    Status { als: String, naam: String, toestand: String },
    /// A certificate of an unknown CA.
    Vreemd {},
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Antwoord {
    pub als: String,
    pub naam: String,
    pub verzoek: Value,
}

impl Story {
    pub fn read() -> Self {
        serde_json::from_str(WEEK).expect("a test reads the story that is compiled in")
    }

    pub fn steps(&self) -> usize {
        self.dagen.iter().map(|dag| dag.stappen.len()).sum()
    }
}
