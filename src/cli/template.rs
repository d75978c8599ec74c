//! `send --template SOORT`: a bericht to fill in, that the example convenant allows as it stands.
//!
//! The examples are data (`deploy/voorbeeld/sjablonen.json`), with the same placeholders as the story of the demo.

use std::collections::HashMap;

use jiff::{Timestamp, ToSpan};
use serde_json::Value;

use super::{Failure, print_line};
use crate::{
    clock::SystemClock,
    domain::{Berichtsoort, Clock, houdbaarheid::amsterdam_date},
};

const TEMPLATES: &str = include_str!("../../deploy/voorbeeld/sjablonen.json");

/// Prints the template of a berichtsoort.
///
/// # Errors
/// [`Failure::Usage`] naming the berichtsoorten that exist.
pub fn print(soort: &str) -> Result<(), Failure> {
    let templates: Value = serde_json::from_str(TEMPLATES).expect("a test prints every template");
    let Some(template) = templates.get(soort) else {
        let sent = Berichtsoort::ALL.into_iter().filter(|soort| !soort.from_gateway());
        let all = sent.map(Berichtsoort::as_str).collect::<Vec<_>>().join(", ");
        return Err(Failure::Usage(format!("{soort} is geen berichtsoort die een partner stuurt; er zijn: {all}")));
    };
    let filled = fill(template, SystemClock.now(), &HashMap::new())?;
    print_line(&serde_json::to_string_pretty(&filled).expect("a JSON value always prints"))
}

/// Fills in the placeholders of a bericht: `{vandaag}`, `{vandaag-3}`, `{over-2-uur}`, `{2-uur-geleden}`,
/// `{bericht:NAAM}`.
///
/// # Errors
/// When a placeholder means nothing.
pub(crate) fn fill(value: &Value, now: Timestamp, berichten: &HashMap<String, String>) -> Result<Value, Failure> {
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
    let ahead = inner.strip_prefix("over-").and_then(|rest| rest.strip_suffix("-uur")?.parse::<i32>().ok());
    let ago = inner.strip_suffix("-uur-geleden").and_then(|hours| hours.parse::<i32>().ok());
    let hours = ahead.or(ago.map(|hours| -hours)).ok_or_else(unknown)?;
    let later = now.saturating_add(hours.hours()).map_err(|_| unknown())?;
    Ok(jiff::Timestamp::from_second(later.as_second()).map_err(|_| unknown())?.to_string())
}
