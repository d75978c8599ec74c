//! Openings of commitments: what it takes to see that a commitment in the logboek is to this value, sealed one by one.
//!
//! Most values have few possibilities: who has the salt tries them all. So each opening is sealed, under a key of its month that is
//! made from `openingen.key`, which is never in the database. It is bound to its leaf, so that no opening can be put in the place of
//! another. What is erased is erased by its row.

use std::sync::Arc;

use jiff::{Timestamp, tz::TimeZone};
use zeroize::Zeroizing;

use super::seal::{SealError, Sealer, Secret};
use crate::domain::{Kenmerk, Rng};

/// What of a logregel is committed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Veld {
    /// The acting employee.
    Medewerker,
    /// A person concerned.
    Betrokkene,
    /// The reason given.
    Reden,
    /// The bericht that somebody of toezicht looked at.
    Bekeken,
    /// What a partner decided in a dossier of inzage.
    Besluit,
}

impl Veld {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Medewerker, Self::Betrokkene, Self::Reden, Self::Bekeken, Self::Besluit];

    /// The name in the store and the logboek.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Medewerker => "medewerker",
            Self::Betrokkene => "betrokkene",
            Self::Reden => "reden",
            Self::Bekeken => "bekeken",
            Self::Besluit => "besluit",
        }
    }
}

/// Which commitment of which leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    /// Of this leaf, by its hash.
    pub leaf: &'a [u8; 32],
    /// What is committed to.
    pub veld: Veld,
    /// Which of several, from 0.
    pub volgnummer: u16,
}

/// What opens a commitment, and by what it can be found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitmentOpening {
    /// The salt.
    pub zout: [u8; 32],
    /// Of a betrokkene: whether the bericht is about this one first.
    pub hoofdpersoon: bool,
    /// Keyed pseudonyms: of a medewerker one, of a betrokkene one for each kenmerk.
    pub pseudoniemen: Vec<(Option<Kenmerk>, [u8; 32])>,
    /// The value itself: of a medewerker, a reden, a bericht, a decision, and who asks for inzage. What is said of another betrokkene stands in the
    /// content alone.
    pub tekst: Option<String>,
}

/// The keys of openings.
#[derive(Clone)]
pub struct OpeningKeys {
    root: Arc<Secret>,
    rng: Arc<dyn Rng>,
}

const LABEL: &[u8] = b"ketenpoort/v1 openingen";

impl OpeningKeys {
    pub(super) fn new(root: Secret, rng: Arc<dyn Rng>) -> Self {
        Self { root: Arc::new(root), rng }
    }

    /// The key of leaves that were written in the month of this moment, UTC.
    #[must_use]
    pub fn of(&self, tijd: Timestamp) -> MonthKey<'_> {
        let month = tijd.to_zoned(TimeZone::UTC).strftime("%Y-%m").to_string();
        MonthKey { key: self.root.derive(LABEL, month.as_bytes()).sealer(), rng: self.rng.as_ref() }
    }
}

/// The key of the openings of one month.
pub struct MonthKey<'a> {
    key: Sealer,
    rng: &'a dyn Rng,
}

impl MonthKey<'_> {
    /// Seals an opening.
    #[must_use]
    pub fn seal(&self, place: &Place<'_>, opening: &CommitmentOpening) -> Vec<u8> {
        self.key.seal(Zeroizing::new(opening.encode()), &aad(place), self.rng)
    }

    /// Opens what [`MonthKey::seal`] made.
    ///
    /// # Errors
    /// [`SealError`] when it is of another place, another month or other keys.
    pub fn open(&self, place: &Place<'_>, sealed: &[u8]) -> Result<CommitmentOpening, SealError> {
        CommitmentOpening::decode(&self.key.open(sealed, &aad(place))?).ok_or(SealError)
    }
}

fn aad(Place { leaf, veld, volgnummer }: &Place<'_>) -> Vec<u8> {
    [leaf.as_slice(), veld.as_str().as_bytes(), b"\n", &volgnummer.to_be_bytes()].concat()
}

impl CommitmentOpening {
    /// Salt; whether it is the hoofdpersoon; the number of pseudonyms, and each with its kind before it; then the text, if there is
    /// one, after a 1.
    fn encode(&self) -> Vec<u8> {
        let mut bytes = self.zout.to_vec();
        bytes.push(u8::from(self.hoofdpersoon));
        bytes.push(u8::try_from(self.pseudoniemen.len()).unwrap_or(u8::MAX));
        for (kenmerk, pseudoniem) in self.pseudoniemen.iter().take(usize::from(u8::MAX)) {
            bytes.push(kind(*kenmerk));
            bytes.extend_from_slice(pseudoniem);
        }
        if let Some(tekst) = &self.tekst {
            bytes.push(1);
            bytes.extend_from_slice(tekst.as_bytes());
        }
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (zout, rest) = bytes.split_first_chunk::<32>()?;
        let (hoofdpersoon, rest) = rest.split_first().filter(|(flag, _)| **flag < 2)?;
        let (many, mut rest) = rest.split_first()?;
        let mut pseudoniemen = Vec::with_capacity(usize::from(*many));
        for _ in 0..*many {
            let (kenmerk, after) = rest.split_first()?;
            let (pseudoniem, after) = after.split_first_chunk::<32>()?;
            let kenmerk = match usize::from(*kenmerk) {
                0 => None,
                number => Some(*Kenmerk::ALL.get(number - 1)?),
            };
            pseudoniemen.push((kenmerk, *pseudoniem));
            rest = after;
        }
        let tekst = match rest.split_first() {
            None => None,
            Some((1, tekst)) => Some(String::from_utf8(tekst.to_vec()).ok()?),
            Some(_) => return None,
        };
        Some(Self { zout: *zout, hoofdpersoon: *hoofdpersoon == 1, pseudoniemen, tekst })
    }
}

fn kind(kenmerk: Option<Kenmerk>) -> u8 {
    let place = kenmerk.and_then(|kenmerk| Kenmerk::ALL.iter().position(|one| *one == kenmerk));
    place.and_then(|place| u8::try_from(place + 1).ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemRng;

    fn keys() -> OpeningKeys {
        OpeningKeys::new(Secret::random(&SystemRng), Arc::new(SystemRng))
    }

    fn openings() -> [CommitmentOpening; 3] {
        [
            CommitmentOpening {
                zout: [1; 32],
                hoofdpersoon: false,
                tekst: Some("zsm-nacht-02".to_owned()),
                pseudoniemen: vec![(None, [2; 32])],
            },
            CommitmentOpening {
                zout: [3; 32],
                hoofdpersoon: true,
                tekst: None,
                pseudoniemen: Kenmerk::ALL.map(|kenmerk| (Some(kenmerk), [4; 32])).to_vec(),
            },
            CommitmentOpening {
                zout: [5; 32],
                hoofdpersoon: false,
                tekst: Some(String::new()),
                pseudoniemen: Vec::new(),
            },
        ]
    }

    #[test]
    fn an_opening_opens_at_its_place_in_its_month_with_its_keys_and_nowhere_else() {
        let (keys, tijd) = (keys(), "2026-11-30T23:59:59Z".parse::<Timestamp>().unwrap());
        let place = Place { leaf: &[7; 32], veld: Veld::Betrokkene, volgnummer: 1 };
        for opening in openings() {
            let sealed = keys.of(tijd).seal(&place, &opening);
            assert_eq!(keys.of(tijd).open(&place, &sealed).unwrap(), opening);
            assert_eq!(keys.of("2026-11-01T00:00:00Z".parse().unwrap()).open(&place, &sealed).unwrap(), opening);
            keys.of("2026-12-01T00:00:00Z".parse().unwrap()).open(&place, &sealed).unwrap_err();
            for other in [
                Place { leaf: &[8; 32], ..place },
                Place { veld: Veld::Reden, ..place },
                Place { volgnummer: 0, ..place },
            ] {
                keys.of(tijd).open(&other, &sealed).unwrap_err();
            }
            for at in 0..sealed.len() {
                let mut changed = sealed.clone();
                changed[at] ^= 1;
                keys.of(tijd).open(&place, &changed).unwrap_err();
                keys.of(tijd).open(&place, &sealed[..at]).unwrap_err();
            }
            super::tests::keys().of(tijd).open(&place, &sealed).unwrap_err();
        }
    }

    #[test]
    fn what_is_cut_off_or_goes_on_is_no_opening() {
        for opening in openings() {
            let bytes = opening.encode();
            assert_eq!(CommitmentOpening::decode(&bytes), Some(opening.clone()));
            let cut = 34 + 33 * opening.pseudoniemen.len();
            assert!((0..cut).all(|length| CommitmentOpening::decode(&bytes[..length]).is_none()));
            assert_eq!(CommitmentOpening::decode(&[&bytes[..cut], &[2]].concat()), None);
        }
    }
}
