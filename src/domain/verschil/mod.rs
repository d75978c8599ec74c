//! Verschil: what a change of what is in force means, in sentences that a privacy officer can read.
//!
//! Four parts, in this order. `documenten`: which convenanten and grondslagen there are, with which term, version and status.
//! `deelnemers`: partners with their `loketten`, identities, mandaten. `stromen`: what is newly allowed, no longer allowed, shorter
//! or longer usable, or under other conditions. `stempels`: where several convenanten allow one exchange, which one stamps from
//! then on, and what can be chosen.
//!
//! A flow counts as allowed when nothing it rests on has lapsed on the day given: a convenant, grondslag or mandaat that
//! starts later counts already, because a change is judged by what it will do. Hence a term that only moves into the future
//! gives the sentence about the term and none about its flows.
//!
//! Not here: whether the change is a good idea, and texts that change nothing a partner may do (ids of rules, comments).

mod deelnemers;
mod documenten;
mod loketten;
mod stempels;
mod stromen;

use std::collections::HashMap;

use jiff::civil::Date;

use super::{VanKracht, plaatsen::en};

/// What is newly allowed, forbidden, shortened or lengthened, in Dutch.
#[must_use]
pub fn verschil(oud: &VanKracht, nieuw: &VanKracht, day: Date) -> Vec<String> {
    let mut zinnen = Vec::new();
    documenten::compare(oud, nieuw, &mut zinnen);
    deelnemers::compare(oud.deelnemers(), nieuw.deelnemers(), &mut zinnen);
    stromen::compare(oud, nieuw, day, &mut zinnen);
    stempels::compare(oud, nieuw, day, &mut zinnen);
    zinnen
}

/// What stands in one list and not in the other, and what stands in both, by name.
fn pair<'a, T>(
    oud: &'a [T],
    nieuw: &'a [T],
    naam: impl Fn(&T) -> String,
) -> Vec<(String, Option<&'a T>, Option<&'a T>)> {
    let named = |list: &'a [T]| {
        let mut found: HashMap<String, &'a T> = HashMap::new();
        for item in list {
            found.entry(naam(item)).or_insert(item);
        }
        found
    };
    let (of_oud, of_nieuw) = (named(oud), named(nieuw));
    let gone = oud.iter().map(|item| (naam(item), Some(item)));
    let gone = gone.map(|(naam, item)| {
        let other = of_nieuw.get(&naam).copied();
        (naam, item, other)
    });
    let fresh = nieuw.iter().map(|item| (naam(item), None, Some(item)));
    gone.chain(fresh.filter(|(naam, ..)| !of_oud.contains_key(naam))).collect()
}
