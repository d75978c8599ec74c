//! When things happen: working days, nights, and moments that dice choose.

use std::collections::BTreeMap;

use fastrand::Rng;
use jiff::{
    Timestamp, ToSpan,
    civil::{Date, Weekday},
};

use crate::domain::houdbaarheid::{amsterdam, moment_of};

/// What happens, in order of time.
pub struct Agenda<T> {
    events: BTreeMap<(Timestamp, u64), T>,
    count: u64,
}

/// What lies so close together happens at once: there is nothing between them that one could wait for.
const AT_ONCE: i64 = 20 * 60;
/// And never more than so many.
const MOST_AT_ONCE: usize = 24;

impl<T> Agenda<T> {
    pub fn new() -> Self {
        Self { events: BTreeMap::new(), count: 0 }
    }

    pub fn add(&mut self, moment: Timestamp, event: T) {
        self.count += 1;
        self.events.insert((moment, self.count), event);
    }

    /// What comes next with what lies close behind it, and when. What `alone` says happens by itself.
    pub fn next(&mut self, alone: impl Fn(&T) -> bool) -> Option<(Timestamp, Vec<T>)> {
        let ((moment, _), first) = self.events.pop_first()?;
        let mut together = vec![first];
        while !alone(&together[0]) && together.len() < MOST_AT_ONCE {
            let Some(next) = self.events.first_entry() else { break };
            if alone(next.get()) || next.key().0.as_second() - moment.as_second() > AT_ONCE {
                break;
            }
            together.push(next.remove());
        }
        Some((moment, together))
    }
}

/// A moment of a day that the dice choose: in office hours, or in the evening and at night.
pub fn some_time(dice: &mut Rng, day: Date, na_kantoortijd: bool) -> Timestamp {
    let hours: &[i8] = if na_kantoortijd { &[0, 1, 5, 19, 20, 21, 22, 23] } else { &[8, 9, 9, 10, 11, 13, 14, 15, 16] };
    moment_of(day, hours[dice.usize(..hours.len())], dice.i8(0..60))
}

fn is_working_day(day: Date) -> bool {
    !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday)
}

/// This day, or the next one on which offices are open.
pub fn working_day(mut day: Date) -> Date {
    while !is_working_day(day) {
        day = day.saturating_add(1.day());
    }
    day
}

/// This moment, or the first one after it at which an office is open; `dice` keeps everybody from starting at eight.
pub fn in_office(dice: &mut Rng, moment: Timestamp) -> Timestamp {
    let local = amsterdam(moment);
    let (day, hour) = (local.date(), local.hour());
    if is_working_day(day) && (8..17).contains(&hour) {
        return moment;
    }
    let next = if is_working_day(day) && hour < 8 { day } else { working_day(day.saturating_add(1.day())) };
    moment_of(next, 8, dice.i8(0..60))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn offices_open_at_eight_on_working_days() {
        let mut dice = Rng::with_seed(1);
        let friday = date(2026, 11, 27);
        let noon = moment_of(friday, 12, 0);
        assert_eq!(in_office(&mut dice, noon), noon);
        for (day, hour, opens) in
            [(friday, 17, 30), (friday, 7, 27), (date(2026, 11, 28), 12, 30), (date(2026, 11, 29), 3, 30)]
        {
            let opened = amsterdam(in_office(&mut dice, moment_of(day, hour, 0)));
            assert_eq!((opened.day(), opened.hour()), (opens, 8), "{day} {hour}");
        }
    }

    #[test]
    fn what_lies_close_together_happens_at_once_and_some_things_alone() {
        let mut agenda = Agenda::new();
        let start = moment_of(date(2026, 11, 27), 9, 0);
        for (minutes, event) in [(0, "a"), (10, "b"), (30, "c"), (40, "alone"), (41, "d")] {
            agenda.add(start + minutes.minutes(), event);
        }
        let mut told = Vec::new();
        while let Some((_, events)) = agenda.next(|event| *event == "alone") {
            told.push(events.join(" "));
        }
        assert_eq!(told, ["a b", "c", "alone", "d"]);
    }
}
