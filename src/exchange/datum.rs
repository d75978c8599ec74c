//! Datum (date): days and moments, for people: in Dutch, Europe/Amsterdam.

use jiff::{Timestamp, civil::Date};

use crate::domain::houdbaarheid::amsterdam;

const MAANDEN: [&str; 12] = [
    "januari",
    "februari",
    "maart",
    "april",
    "mei",
    "juni",
    "juli",
    "augustus",
    "september",
    "oktober",
    "november",
    "december",
];

/// A day: `12 november 2026`.
#[must_use]
pub fn dag(day: Date) -> String {
    let maand = usize::try_from(day.month()).ok().and_then(|month| MAANDEN.get(month.checked_sub(1)?));
    format!("{} {} {}", day.day(), maand.unwrap_or(&"?"), day.year())
}

/// A moment in Amsterdam: `12 november 2026 om 14.05 uur`.
#[must_use]
pub fn moment(tijd: Timestamp) -> String {
    let local = amsterdam(tijd);
    format!("{} om {}.{:02} uur", dag(local.date()), local.hour(), local.minute())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_and_a_moment_are_those_of_amsterdam() {
        assert_eq!(dag("2026-03-01".parse().unwrap()), "1 maart 2026");
        assert_eq!(moment("2026-12-31T23:05:00Z".parse().unwrap()), "1 januari 2027 om 0.05 uur");
        assert_eq!(moment("2026-07-01T10:30:00Z".parse().unwrap()), "1 juli 2026 om 12.30 uur");
    }
}
