//! The story as data: days, steps, and the placeholders in their berichten.

use std::collections::HashMap;

use jiff::{Timestamp, ToSpan};
use serde::Deserialize;
use serde_json::Value;

use crate::{cli::Failure, domain::houdbaarheid::amsterdam_date};

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
    pub dag: String,
    pub verhaal: String,
    pub stappen: Vec<Stap>,
}

#[derive(Deserialize)]
pub struct Stap {
    /// Short name of the step in the JSON output.
    pub stap: String,
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

/// Fills in the placeholders of a bericht: `{vandaag}`, `{vandaag-3}`, `{over-2-uur}`, `{bericht:NAAM}`.
///
/// # Errors
/// When a placeholder means nothing.
pub fn fill(value: &Value, now: Timestamp, berichten: &HashMap<String, String>) -> Result<Value, Failure> {
    Ok(match value {
        Value::String(text) => Value::String(fill_text(text, now, berichten)?),
        Value::Array(items) => {
            Value::Array(items.iter().map(|item| fill(item, now, berichten)).collect::<Result<_, _>>()?)
        }
        Value::Object(entries) => {
            let fill = |(key, value): (&String, &Value)| Ok((key.clone(), fill(value, now, berichten)?));
            Value::Object(entries.iter().map(fill).collect::<Result<_, Failure>>()?)
        }
        other => other.clone(),
    })
}

fn fill_text(text: &str, now: Timestamp, berichten: &HashMap<String, String>) -> Result<String, Failure> {
    let Some(inner) = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) else {
        return Ok(text.to_owned());
    };
    let unknown = || Failure::Usage(format!("het verhaal noemt {text}, en dat betekent niets"));
    if let Some(naam) = inner.strip_prefix("bericht:") {
        return berichten.get(naam).cloned().ok_or_else(unknown);
    }
    if let Some(days) = inner.strip_prefix("vandaag") {
        let days: i32 = if days.is_empty() { 0 } else { days.parse().map_err(|_| unknown())? };
        return Ok(amsterdam_date(now).saturating_add(days.days()).to_string());
    }
    let hours = inner.strip_prefix("over-").and_then(|rest| rest.strip_suffix("-uur"));
    let hours: i32 = hours.and_then(|hours| hours.parse().ok()).ok_or_else(unknown)?;
    Ok(now.saturating_add(hours.hours()).map_err(|_| unknown())?.to_string())
}
