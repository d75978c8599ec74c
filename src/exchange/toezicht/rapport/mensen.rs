//! Mensen (people): how many different people berichten were about, by keyed pseudonyms alone.

use std::collections::HashMap;

use crate::{domain::Kenmerk, store::reading::rapport::Mark};

/// Counts people. Who was written down by two marks once (an SKN and a name with date of birth) is one person wherever one of them stands.
#[derive(Default)]
pub(super) struct Mensen {
    /// Which group a pseudonym is in.
    of: HashMap<Vec<u8>, usize>,
    /// Of each group the one that it was joined with; itself where with none.
    joined: Vec<usize>,
    /// How many groups were joined with another.
    fewer: usize,
}

impl Mensen {
    /// Takes the marks of some berichten, those of one person after each other.
    pub(super) fn take(&mut self, marks: &[Mark]) {
        for person in marks.chunk_by(|one, next| (one.bericht, one.volgnummer) == (next.bericht, next.volgnummer)) {
            let is_sure = |mark: &&Mark| mark.kenmerk != Kenmerk::Naam;
            let sure: Vec<&Mark> = person.iter().filter(is_sure).collect();
            // Who has nothing but a name counts by that name.
            let by = if sure.is_empty() { person.iter().collect() } else { sure };
            let mut first = None;
            for mark in by {
                let group = self.group(&mark.pseudoniem);
                let first = *first.get_or_insert(group);
                self.join(first, group);
            }
        }
    }

    /// How many people these were.
    pub(super) fn count(&self) -> u64 {
        (self.joined.len() - self.fewer) as u64
    }

    fn group(&mut self, pseudoniem: &[u8]) -> usize {
        if let Some(group) = self.of.get(pseudoniem) {
            return *group;
        }
        let group = self.joined.len();
        self.joined.push(group);
        self.of.insert(pseudoniem.to_vec(), group);
        group
    }

    fn root(&mut self, mut group: usize) -> usize {
        while self.joined[group] != group {
            self.joined[group] = self.joined[self.joined[group]];
            group = self.joined[group];
        }
        group
    }

    fn join(&mut self, one: usize, other: usize) {
        let (one, other) = (self.root(one), self.root(other));
        if one != other {
            self.joined[other] = one;
            self.fewer += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::BerichtId;

    #[test]
    fn who_is_known_by_several_marks_is_one_person() {
        let mark = |bericht: u128, volgnummer: u64, kenmerk: Kenmerk, pseudoniem: u8| Mark {
            bericht: BerichtId(Uuid::from_u128(bericht)),
            volgnummer,
            hoofdpersoon: false,
            kenmerk,
            pseudoniem: vec![pseudoniem; 32],
        };
        let mut mensen = Mensen::default();
        assert_eq!(mensen.count(), 0);
        mensen.take(&[
            mark(1, 0, Kenmerk::Skn, 1),
            mark(1, 1, Kenmerk::NaamGeboortedatum, 2),
            // Two people with one name.
            mark(1, 1, Kenmerk::Naam, 9),
            mark(2, 0, Kenmerk::Naam, 9),
        ]);
        assert_eq!(mensen.count(), 3);
        // The first and the second turn out to be one, and the same again changes nothing.
        for bericht in [3, 4] {
            mensen.take(&[mark(bericht, 0, Kenmerk::Skn, 1), mark(bericht, 0, Kenmerk::NaamGeboortedatum, 2)]);
            assert_eq!(mensen.count(), 2);
        }
    }
}
