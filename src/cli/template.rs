//! `send --template`: a bericht to fill in that the example convenant allows as it stands, or one of an invented casus.
//!
//! The examples are data (`deploy/voorbeeld/sjablonen.json` and `deploy/voorbeeld/casussen`), with the same placeholders.

use jiff::{Timestamp, ToSpan};
use serde_json::Value;

use super::{Failure, casus::Casussen, print_line};
use crate::{
    clock::SystemClock,
    domain::{Berichtsoort, Clock, houdbaarheid::amsterdam_date},
    proceslog,
};

const TEMPLATES: &str = include_str!("../../deploy/voorbeeld/sjablonen.json");

/// Stands in a template for the id of a bericht, which only whoever sends it knows.
const SOME_BERICHT: &str = "00000000-0000-7000-8000-000000000000";

/// Prints the template of a berichtsoort, or a bericht of a casus (`casus/bericht`).
///
/// # Errors
/// [`Failure::Usage`] naming what there is.
pub fn print(naam: &str) -> Result<(), Failure> {
    let now = SystemClock.now();
    let filled = match of_soort(naam, now)? {
        Some(template) => template,
        None => of_casus(naam, now)?,
    };
    print_line(&serde_json::to_string_pretty(&filled).expect("a JSON value always prints"))
}

/// The template of a berichtsoort, filled in; nothing where there is none.
///
/// # Errors
/// When a placeholder means nothing.
pub(crate) fn of_soort(soort: &str, now: Timestamp) -> Result<Option<Value>, Failure> {
    let templates: Value = serde_json::from_str(TEMPLATES).expect("a test prints every template");
    templates.get(soort).map(|template| fill(template, now, &|_| None)).transpose()
}

fn of_casus(naam: &str, now: Timestamp) -> Result<Value, Failure> {
    let casussen = Casussen::read();
    let bericht = match casussen.bericht(naam) {
        Ok(bericht) => bericht,
        Err(other) if naam.contains('/') || casussen.is_casus(naam) => return Err(other),
        Err(_) => {
            let sent = Berichtsoort::ALL.into_iter().filter(|soort| !soort.from_gateway());
            let all = sent.map(Berichtsoort::as_str).collect::<Vec<_>>().join(", ");
            return Err(Failure::Usage(format!(
                "{naam} is geen berichtsoort die een partner stuurt; er zijn: {all}. Of geef een bericht van een casus, \
                 zoals bram/scenario."
            )));
        }
    };
    // The certificate says who sends it, so the bericht itself does not.
    proceslog::say(format_args!("{naam} is een {}; stuur het met --profile van {}", bericht.soort, bericht.van));
    casussen.verzoek(naam, now, &|_| Some(SOME_BERICHT.to_owned()))
}

/// Fills in the placeholders of a bericht: `{vandaag}`, `{vandaag-3}`, `{over-2-uur}`, `{2-uur-geleden}`, and those that
/// `named` knows.
///
/// # Errors
/// When a placeholder means nothing.
pub(crate) fn fill(value: &Value, now: Timestamp, named: &dyn Fn(&str) -> Option<Value>) -> Result<Value, Failure> {
    Ok(match value {
        Value::String(text) => match text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) {
            Some(placeholder) => named(placeholder)
                .or_else(|| moment(placeholder, now).map(Value::String))
                .ok_or_else(|| Failure::Usage(format!("het verhaal noemt {text}, en dat betekent niets")))?,
            None => value.clone(),
        },
        Value::Array(items) => Value::Array(items.iter().map(|item| fill(item, now, named)).collect::<Result<_, _>>()?),
        Value::Object(entries) => {
            let fill = |(key, value): (&String, &Value)| Ok((key.clone(), fill(value, now, named)?));
            Value::Object(entries.iter().map(fill).collect::<Result<_, Failure>>()?)
        }
        other => other.clone(),
    })
}

/// A day or a moment relative to now.
fn moment(placeholder: &str, now: Timestamp) -> Option<String> {
    if let Some(days) = placeholder.strip_prefix("vandaag") {
        let days: i32 = if days.is_empty() { 0 } else { days.parse().ok()? };
        return Some(amsterdam_date(now).saturating_add(days.days()).to_string());
    }
    let ahead = placeholder.strip_prefix("over-").and_then(|rest| rest.strip_suffix("-uur")?.parse::<i32>().ok());
    let ago = placeholder.strip_suffix("-uur-geleden").and_then(|hours| hours.parse::<i32>().ok());
    let hours = ahead.or(ago.map(|hours| -hours))?;
    let later = now.saturating_add(hours.hours()).ok()?;
    Some(Timestamp::from_second(later.as_second()).ok()?.to_string())
}
