//! By what a person can be found: SKN, BSN, or name and date of birth.
//!
//! Two berichten are about the same person when one of these marks (kenmerken) is equal and none contradicts. On purpose this
//! misses a person whose name is written differently: at night the scenario of a wrong person does more harm than none. What it
//! misses stands in `docs/protocol.md`. The store keeps keyed pseudonyms of marks, never the marks.

use std::{collections::BTreeSet, fmt, str::FromStr};

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

use super::{Bsn, bericht::civil_date};

/// A person, as a bericht or a search names it.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Persoon {
    /// Strafrechtsketennummer, 7 or 8 digits.
    pub skn: Option<String>,
    /// Burgerservicenummer.
    pub bsn: Option<Bsn>,
    /// Full name.
    pub naam: String,
    /// Date of birth as written: whole or partial.
    pub geboortedatum: String,
    /// Whether the bericht is about this one first.
    pub hoofdpersoon: bool,
}

/// The kind of a mark, the surest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kenmerk {
    /// Strafrechtsketennummer.
    Skn,
    /// Burgerservicenummer.
    Bsn,
    /// Normalised name, and whole date of birth.
    NaamGeboortedatum,
    /// Normalised name alone: to see whether two berichten that belong together speak of the same people. Nobody is found by it.
    Naam,
}

impl Kenmerk {
    /// All of them, the surest first.
    pub const ALL: [Self; 4] = [Self::Skn, Self::Bsn, Self::NaamGeboortedatum, Self::Naam];
    /// Those by which somebody is found, the surest first.
    pub const FINDABLE: [Self; 3] = [Self::Skn, Self::Bsn, Self::NaamGeboortedatum];
    /// Numbers: each is of one person.
    pub const NUMBERS: [Self; 2] = [Self::Skn, Self::Bsn];

    /// The name in store and proto.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Skn => "skn",
            Self::Bsn => "bsn",
            Self::NaamGeboortedatum => "naam_geboortedatum",
            Self::Naam => "naam",
        }
    }
}

impl fmt::Display for Kenmerk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Kenmerk {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|kenmerk| kenmerk.as_str() == text).ok_or(())
    }
}

impl Persoon {
    /// The marks by which this person is found: kind and text. A partial date of birth gives none with the name: too many would
    /// match.
    #[must_use]
    pub fn kenmerken(&self) -> Vec<(Kenmerk, String)> {
        let mut all = self.alle_kenmerken();
        all.retain(|(kenmerk, _)| *kenmerk != Kenmerk::Naam);
        all
    }

    /// The same, and the name alone where it has a letter or digit. By the name alone people are compared, and nobody is found.
    #[must_use]
    pub fn alle_kenmerken(&self) -> Vec<(Kenmerk, String)> {
        // An SKN of 7 digits is one of 8 with a nought in front.
        let skn = self.skn.as_ref().map(|skn| (Kenmerk::Skn, format!("{skn:0>8}")));
        let bsn = self.bsn.as_ref().map(|bsn| (Kenmerk::Bsn, bsn.as_str().to_owned()));
        let naam = Some(normalised(&self.naam)).filter(|naam| !naam.is_empty());
        let whole = naam.as_ref().filter(|_| civil_date(&self.geboortedatum).is_some());
        let whole = whole.map(|naam| (Kenmerk::NaamGeboortedatum, format!("{naam}|{}", self.geboortedatum)));
        [skn, bsn, whole, naam.map(|naam| (Kenmerk::Naam, naam))].into_iter().flatten().collect()
    }
}

/// The keyed pseudonyms of one betrokkene: HMAC-SHA-256 of each mark. All that the store knows of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pseudoniemen {
    /// Whether the bericht is about this one first.
    pub hoofdpersoon: bool,
    /// Each with what it is a pseudonym of.
    pub kenmerken: Vec<(Kenmerk, [u8; 32])>,
}

/// What these people have as this kind of mark: more than one value means that they are more than one person.
pub fn values<'p, T: Ord + Copy + 'p>(
    kenmerk: Kenmerk,
    people: impl IntoIterator<Item = &'p Vec<(Kenmerk, T)>>,
) -> BTreeSet<T> {
    let of_kind = people.into_iter().flatten().filter(|(kind, _)| *kind == kenmerk);
    of_kind.map(|(_, mark)| *mark).collect()
}

/// The surest mark that both have the same, unless a surer one contradicts: of two people with one name and birthday, each with
/// its own SKN, only one is meant.
#[must_use]
pub fn agreeing<T: PartialEq>(wanted: &[(Kenmerk, T)], known: &[(Kenmerk, T)]) -> Option<Kenmerk> {
    for kenmerk in Kenmerk::FINDABLE {
        let of = |marks: &[(Kenmerk, T)]| marks.iter().position(|(kind, _)| *kind == kenmerk);
        if let (Some(wanted_at), Some(known_at)) = (of(wanted), of(known)) {
            return (wanted[wanted_at].1 == known[known_at].1).then_some(kenmerk);
        }
    }
    None
}

/// Whether an SKN or a BSN says that these are two people.
#[must_use]
pub fn contradict<T: PartialEq>(one: &[(Kenmerk, T)], other: &[(Kenmerk, T)]) -> bool {
    let sure = one.iter().filter(|(kind, _)| matches!(kind, Kenmerk::Skn | Kenmerk::Bsn));
    sure.into_iter().any(|(kind, mark)| other.iter().any(|(known, theirs)| known == kind && theirs != mark))
}

/// Whether two berichten that belong together mean the same person here: the same SKN, BSN or name, and none that contradicts. A
/// date of birth may be completed or corrected.
#[must_use]
pub fn may_be_same<T: PartialEq>(one: &[(Kenmerk, T)], other: &[(Kenmerk, T)]) -> bool {
    !contradict(one, other)
        && one.iter().any(|(kind, mark)| other.iter().any(|(known, theirs)| known == kind && theirs == mark))
}

/// A name without case, accents, punctuation and order: "Berg, José van den" is "berg den jose van". Letters that do not
/// decompose (ø, ł) stay as they are.
fn normalised(naam: &str) -> String {
    let plain: String = if naam.is_ascii() {
        naam.to_ascii_lowercase()
    } else {
        naam.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase).collect()
    };
    let mut words: Vec<&str> = plain.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    words.sort_unstable();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(naam: &str, geboortedatum: &str) -> Vec<(Kenmerk, String)> {
        Persoon { naam: naam.to_owned(), geboortedatum: geboortedatum.to_owned(), ..Persoon::default() }.kenmerken()
    }

    #[test]
    fn case_accents_punctuation_and_order_do_not_matter() {
        let wanted = named("José van den Berg", "1987-05-12");
        for same in ["BERG, Jose van den", "jose  van-den berg", "Jose\u{301} van den Berg"] {
            assert_eq!(named(same, "1987-05-12"), wanted, "{same}");
        }
        for other in ["José vd Berg", "Jos van den Berg", "José van den Bergh"] {
            assert_ne!(named(other, "1987-05-12"), wanted, "{other}");
        }
        assert_ne!(named("José van den Berg", "1987-05-13"), wanted);
    }

    #[test]
    fn a_partial_date_of_birth_gives_no_mark_with_the_name() {
        for partial in ["1987-05", "1987", "0000"] {
            assert_eq!(named("Jan", partial), [], "{partial}");
        }
        assert_eq!(named("?!", "1987-05-12"), []);
    }

    #[test]
    fn people_have_the_values_that_any_of_them_has() {
        let people = [vec![(Kenmerk::Skn, 1), (Kenmerk::Naam, 9)], vec![(Kenmerk::Skn, 2)], vec![(Kenmerk::Bsn, 7)]];
        assert_eq!(values(Kenmerk::Skn, &people), [1, 2].into());
        assert_eq!(values(Kenmerk::Bsn, &people), [7].into());
        assert_eq!(values::<u8>(Kenmerk::Bsn, &[]), [].into());
    }

    #[test]
    fn a_surer_mark_that_contradicts_outweighs_a_name() {
        let marks = |skn: Option<&str>| {
            let skn = skn.map(str::to_owned);
            Persoon { skn, naam: "Jan".to_owned(), geboortedatum: "1987-05-12".to_owned(), ..Persoon::default() }
                .kenmerken()
        };
        assert_eq!(agreeing(&marks(Some("7310482")), &marks(Some("07310482"))), Some(Kenmerk::Skn));
        assert_eq!(agreeing(&marks(Some("7310482")), &marks(None)), Some(Kenmerk::NaamGeboortedatum));
        assert_eq!(agreeing(&marks(Some("7310482")), &marks(Some("7310483"))), None);
        assert_eq!(agreeing::<String>(&[], &marks(None)), None);
    }
}
