//! Houdbaarheid: until which day the content of a bericht may be used.
//!
//! Counted in civil days of Europe/Amsterdam, the last day included, with no extension for weekends.

use std::{fmt, str::FromStr, sync::LazyLock};

use jiff::{Span, Timestamp, Zoned, civil::Date, tz::TimeZone};

static AMSTERDAM: LazyLock<TimeZone> =
    LazyLock::new(|| TimeZone::get("Europe/Amsterdam").expect("the time zone database is compiled in"));

/// How long a bericht stays usable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Termijn {
    /// Calendar months, 1 to 24: ends on the same day-number, or the last day of a shorter month.
    Maanden(u8),
    /// Days, 1 to 731.
    Dagen(u16),
}

impl Termijn {
    /// The last day of a term that starts on `start`.
    #[must_use]
    pub fn last_day(self, start: Date) -> Date {
        let span = match self {
            Self::Maanden(months) => Span::new().months(months),
            Self::Dagen(days) => Span::new().days(days),
        };
        // jiff constrains to the last day of a shorter month, which is the rule of the domain.
        start.saturating_add(span)
    }
}

impl fmt::Display for Termijn {
    /// In Dutch, for people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Maanden(1) => f.write_str("1 maand"),
            Self::Maanden(maanden) => write!(f, "{maanden} maanden"),
            Self::Dagen(1) => f.write_str("1 dag"),
            Self::Dagen(dagen) => write!(f, "{dagen} dagen"),
        }
    }
}

/// From when a term counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TeltVanaf {
    /// The day the gateway accepted the bericht.
    Aanvaarding,
    /// The day the content was true, and never later than acceptance: stale news gets no fresh months.
    Peildatum,
}

impl TeltVanaf {
    /// The name in a convenant.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Aanvaarding => "aanvaarding",
            Self::Peildatum => "peildatum",
        }
    }
}

impl FromStr for TeltVanaf {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Aanvaarding, Self::Peildatum].into_iter().find(|telt| telt.as_str() == text).ok_or(())
    }
}

/// The civil date in Europe/Amsterdam.
#[must_use]
pub fn amsterdam_date(moment: Timestamp) -> Date {
    AMSTERDAM.to_datetime(moment).date()
}

/// A moment as the clocks of Europe/Amsterdam show it.
#[must_use]
pub fn amsterdam(moment: Timestamp) -> Zoned {
    moment.to_zoned(AMSTERDAM.clone())
}

/// The moment from which content with this last day is unreadable: 00:00 local time of the next day.
#[must_use]
pub fn unreadable_from(last_day: Date) -> Timestamp {
    last_day
        .tomorrow()
        .and_then(|day| day.to_zoned(AMSTERDAM.clone()))
        .map_or(Timestamp::MAX, |midnight| midnight.timestamp())
}

/// The last whole day before a moment, in Europe/Amsterdam.
#[must_use]
pub fn last_day_before(moment: Timestamp) -> Date {
    amsterdam_date(moment).yesterday().unwrap_or(Date::MIN)
}

/// The moment at which the clocks of Europe/Amsterdam show this hour (0 to 23) and minute (0 to 59) of a day. One that they skip is as much
/// later, and of one that comes twice it is the first.
///
/// # Panics
/// When there is no such hour or minute.
#[must_use]
pub fn moment_of(day: Date, hour: i8, minute: i8) -> Timestamp {
    let local = day.at(hour, minute, 0, 0);
    local.to_zoned(AMSTERDAM.clone()).map_or(Timestamp::MAX, |zoned| zoned.timestamp())
}

/// The first moment of a day: 00:00 local time.
#[must_use]
pub fn start_of(day: Date) -> Timestamp {
    day.to_zoned(AMSTERDAM.clone()).map_or(Timestamp::MIN, |midnight| midnight.timestamp())
}

/// The last day on which a bericht may be used.
///
/// A missing `peildatum` counts as the day of acceptance; `grpc::content` requires it where the berichtsoort does.
#[must_use]
pub fn houdbaar_tot_en_met(termijn: Termijn, telt_vanaf: TeltVanaf, aanvaard: Date, peildatum: Option<Date>) -> Date {
    let start = match telt_vanaf {
        TeltVanaf::Aanvaarding => aanvaard,
        TeltVanaf::Peildatum => peildatum.map_or(aanvaard, |day| day.min(aanvaard)),
    };
    termijn.last_day(start)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn three_months_end_on_the_same_day_number_or_the_last_of_a_shorter_month() {
        for (start, end) in [
            (date(2026, 11, 30), date(2027, 2, 28)),
            (date(2026, 12, 31), date(2027, 3, 31)),
            (date(2027, 11, 29), date(2028, 2, 29)),
            (date(2027, 11, 30), date(2028, 2, 29)),
            (date(2028, 2, 29), date(2028, 5, 29)),
            (date(2026, 1, 31), date(2026, 4, 30)),
            (date(2026, 11, 22), date(2027, 2, 22)),
            (date(2026, 10, 1), date(2027, 1, 1)),
        ] {
            assert_eq!(Termijn::Maanden(3).last_day(start), end, "from {start}");
        }
    }

    #[test]
    fn a_moment_of_a_day_is_that_of_the_clocks_there() {
        for (day, hour, utc) in [
            (date(2026, 12, 1), 6, "2026-12-01T05:00:00Z"),
            (date(2026, 7, 1), 6, "2026-07-01T04:00:00Z"),
            // Skipped: from two to three; and on that day six is six.
            (date(2026, 3, 29), 2, "2026-03-29T01:00:00Z"),
            (date(2026, 3, 29), 6, "2026-03-29T04:00:00Z"),
            // Twice between two and three.
            (date(2026, 10, 25), 2, "2026-10-25T00:00:00Z"),
        ] {
            assert_eq!(moment_of(day, hour, 0).to_string(), utc, "{day} {hour}");
        }
    }

    #[test]
    fn days_are_counted_plainly() {
        assert_eq!(Termijn::Dagen(14).last_day(date(2026, 12, 24)), date(2027, 1, 7));
    }

    #[test]
    fn stale_news_gets_no_fresh_months() {
        let aanvaard = date(2026, 11, 22);
        let three = Termijn::Maanden(3);
        let at = |vanaf, peildatum| houdbaar_tot_en_met(three, vanaf, aanvaard, peildatum);
        assert_eq!(at(TeltVanaf::Peildatum, Some(date(2026, 9, 1))), date(2026, 12, 1));
        assert_eq!(at(TeltVanaf::Peildatum, Some(date(2026, 12, 1))), date(2027, 2, 22));
        assert_eq!(at(TeltVanaf::Peildatum, None), date(2027, 2, 22));
        assert_eq!(at(TeltVanaf::Aanvaarding, Some(date(2026, 9, 1))), date(2027, 2, 22));
    }

    #[test]
    fn the_day_turns_at_midnight_in_amsterdam_in_winter_and_summer() {
        let at = |text: &str| amsterdam_date(text.parse().unwrap());
        assert_eq!(at("2026-11-22T22:59:59Z"), date(2026, 11, 22));
        assert_eq!(at("2026-11-22T23:00:00Z"), date(2026, 11, 23));
        assert_eq!(at("2026-07-01T21:59:59Z"), date(2026, 7, 1));
        assert_eq!(at("2026-07-01T22:00:00Z"), date(2026, 7, 2));
    }

    #[test]
    fn unreadable_from_midnight_also_in_the_nights_the_clock_moves() {
        for (last_day, from) in [
            (date(2027, 2, 28), "2027-02-28T23:00:00Z"),
            (date(2026, 3, 28), "2026-03-28T23:00:00Z"),
            (date(2026, 3, 29), "2026-03-29T22:00:00Z"),
            (date(2026, 10, 24), "2026-10-24T22:00:00Z"),
            (date(2026, 10, 25), "2026-10-25T23:00:00Z"),
        ] {
            assert_eq!(unreadable_from(last_day), from.parse().unwrap(), "after {last_day}");
        }
    }
}
