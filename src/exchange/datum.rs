//! Datum (date): days and moments, for people: in Dutch, Europe/Amsterdam.

use jiff::{Timestamp, civil::Date};

use crate::domain::houdbaarheid::{amsterdam, last_day_before};

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

/// The last day of a term that ends at a moment: what is to be there before midnight is there on this day at the latest.
#[must_use]
pub fn uiterlijk(einde: Timestamp) -> String {
    dag(last_day_before(einde))
}

/// A day as it was written down; as it was written where that is no whole day.
#[must_use]
pub fn opgeschreven(day: &str) -> String {
    day.parse().map_or_else(|_| day.to_owned(), dag)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::inzage::Termijnen;

    #[test]
    fn a_day_and_a_moment_are_those_of_amsterdam() {
        assert_eq!(dag("2026-03-01".parse().unwrap()), "1 maart 2026");
        assert_eq!(moment("2026-12-31T23:05:00Z".parse().unwrap()), "1 januari 2027 om 0.05 uur");
        assert_eq!(moment("2026-07-01T10:30:00Z".parse().unwrap()), "1 juli 2026 om 12.30 uur");
        assert_eq!((opgeschreven("1975-04-30"), opgeschreven("1975")), ("30 april 1975".to_owned(), "1975".to_owned()));
    }

    #[test]
    fn a_term_ends_with_the_last_hour_of_its_last_day() {
        let of = |ontvangen_op: &str| {
            let day = ontvangen_op.parse().unwrap();
            uiterlijk(Termijnen::new(day, "2026-11-21T12:00:00Z".parse().unwrap()).antwoord_voor)
        };
        // A month ends on the same date (Regulation 1182/71, art. 3), whole; where a month is shorter, on its last day.
        assert_eq!(of("2026-11-21"), "21 december 2026");
        assert_eq!(of("2026-08-31"), "30 september 2026");
    }
}
