//! A bericht as the gateway understands it: parsed and checked, not yet admitted.

use std::{fmt, str::FromStr};

use jiff::{
    Timestamp,
    civil::{Date, date},
};
use uuid::Uuid;

use super::{Adres, Berichtsoort, Categorie, LoketNaam, Persoon};

/// Identifier of a bericht: `UUIDv7`, given by the gateway (RFC 9562).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BerichtId(pub Uuid);

impl fmt::Display for BerichtId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for BerichtId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, uuid::Error> {
        text.parse().map(Self)
    }
}

/// What a partner wants to send, made by `grpc::convert`, which has checked every field; or what the gateway itself sends, made by
/// `exchange::poort`.
#[derive(Clone, Debug)]
pub struct Bericht {
    /// Chosen by the sender; makes a repeated send harmless.
    pub request_id: Uuid,
    /// SHA-256 of what the request means: is a repeat the same?
    pub vingerafdruk: [u8; 32],
    /// The sender's loket.
    pub loket: LoketNaam,
    /// Each address once, in the order sent. A rectificatie may name none: it goes to everyone who got the original.
    pub ontvangers: Vec<Adres>,
    /// The bericht that this one answers, or follows.
    pub in_antwoord_op: Option<BerichtId>,
    /// The sender's wish for a shorter houdbaarheid.
    pub houdbaar_tot_en_met: Option<Date>,
    /// The sender's choice of grondslag.
    pub grondslag: Option<String>,
    /// The sender's choice of convenant, by name.
    pub convenant: Option<String>,
    /// The bericht that this one replaces (renewal).
    pub vervangt: Option<BerichtId>,
    /// What the content says that matters to admission.
    pub feiten: Feiten,
    /// Each betrokkene, encoded: what the logboek commits to.
    pub betrokkenen: Vec<Vec<u8>>,
    /// Staff reference of the acting employee: what the logboek commits to. Empty where the gateway acts by itself.
    pub medewerker: String,
    /// The content exactly as it will be sealed and delivered.
    pub inhoud: Vec<u8>,
}

/// What the gateway must know of the content to judge it.
#[derive(Clone, Debug)]
pub struct Feiten {
    /// The kind of bericht.
    pub soort: Berichtsoort,
    /// Date of birth of the hoofdpersoon; absent only where a bericht that follows another names nobody anew.
    pub geboortedatum: Option<Geboortedatum>,
    /// Each betrokkene, for the pseudonyms by which it can be found.
    pub personen: Vec<Persoon>,
    /// Whether any betrokkene has a BSN in it.
    pub bevat_bsn: bool,
    /// The day the content was true.
    pub peildatum: Option<Date>,
    /// The day of the offence, where the content has one.
    pub pleegdatum: Option<Date>,
    /// The category, where the berichtsoort has one.
    pub categorie: Option<Categorie>,
    /// Fields with a day that may not lie in the future.
    pub past_days: Vec<(String, Date)>,
    /// Until when an answer is of use.
    pub antwoord_nodig_voor: Option<Timestamp>,
    /// Fields with a moment that may not lie in the future.
    pub past_moments: Vec<(String, Timestamp)>,
    /// The day on which a scenario was last checked.
    pub actualiteit_getoetst_op: Option<Date>,
    /// When it was said, of what was given by telephone: its term counts from then.
    pub gegeven_op: Option<Timestamp>,
    /// Whether a rectificatie disputes the original.
    pub betwist: bool,
    /// What became of a copy, in a vernietigingsbevestiging.
    pub vernietiging: Option<Vernietiging>,
}

impl Feiten {
    /// Of this kind, and nothing else.
    #[must_use]
    pub fn new(soort: Berichtsoort) -> Self {
        Self {
            soort,
            geboortedatum: None,
            personen: Vec::new(),
            bevat_bsn: false,
            peildatum: None,
            pleegdatum: None,
            categorie: None,
            past_days: Vec::new(),
            antwoord_nodig_voor: None,
            past_moments: Vec::new(),
            actualiteit_getoetst_op: None,
            gegeven_op: None,
            betwist: false,
            vernietiging: None,
        }
    }
}

/// What an ontvanger did with its copy of a bericht that was withdrawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vernietiging {
    /// Destroyed.
    Vernietigd,
    /// It is part of a dossier that has a term of its own.
    InDossierOpgenomen,
    /// A law makes the ontvanger keep it.
    WettelijkeBewaarplicht,
}

impl Vernietiging {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Vernietigd, Self::InDossierOpgenomen, Self::WettelijkeBewaarplicht];

    /// The name in store and logboek.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Vernietigd => "vernietigd",
            Self::InDossierOpgenomen => "in_dossier_opgenomen",
            Self::WettelijkeBewaarplicht => "wettelijke_bewaarplicht",
        }
    }
}

impl FromStr for Vernietiging {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|vernietiging| vernietiging.as_str() == text).ok_or(())
    }
}

/// Minors and adults have agreements of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Doelgroep {
    /// Under 18 on the day that counts.
    Minderjarig,
    /// 18 or over on the day that counts.
    Volwassen,
}

impl Doelgroep {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Minderjarig, Self::Volwassen];

    /// The name in convenant and store.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Minderjarig => "minderjarig",
            Self::Volwassen => "volwassen",
        }
    }
}

impl FromStr for Doelgroep {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|doelgroep| doelgroep.as_str() == text).ok_or(())
    }
}

/// A date of birth, which may be known only by month or year.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geboortedatum {
    earliest: Date,
    latest: Date,
}

impl Geboortedatum {
    /// Minor or adult on `day`, or `None` where a partial date leaves it open.
    #[must_use]
    pub fn doelgroep_on(self, day: Date) -> Option<Doelgroep> {
        let adult = |born: Date| day >= born.saturating_add(jiff::Span::new().years(18));
        match (adult(self.earliest), adult(self.latest)) {
            (true, true) => Some(Doelgroep::Volwassen),
            (false, false) => Some(Doelgroep::Minderjarig),
            _ => None,
        }
    }

    /// The first day on which this person can have been born.
    #[must_use]
    pub fn earliest(self) -> Date {
        self.earliest
    }
}

impl FromStr for Geboortedatum {
    type Err = ();

    /// Reads `1987-05-12`, `1987-05` or `1987`; `0000`, as the BRP writes it, where not even the year is known.
    fn from_str(text: &str) -> Result<Self, ()> {
        if text == UNKNOWN_YEAR {
            return Ok(Self { earliest: FIRST_BIRTH, latest: Date::MAX });
        }
        let (earliest, latest) = match text.len() {
            10 => (civil_date(text).ok_or(())?, civil_date(text).ok_or(())?),
            7 => {
                let first = civil_date(&format!("{text}-01")).ok_or(())?;
                (first, first.last_of_month())
            }
            4 => {
                let first = civil_date(&format!("{text}-01-01")).ok_or(())?;
                (first, first.last_of_year())
            }
            _ => return Err(()),
        };
        // Nobody of whom a bericht speaks was born earlier: a year like 0001 would make an adult of anybody.
        if earliest < FIRST_BIRTH { Err(()) } else { Ok(Self { earliest, latest }) }
    }
}

const UNKNOWN_YEAR: &str = "0000";
const FIRST_BIRTH: Date = date(1900, 1, 1);

/// Reads a civil date in exactly the form `2026-11-30`; jiff alone would take more forms.
#[must_use]
pub fn civil_date(text: &str) -> Option<Date> {
    let plain = text.len() == 10
        && text.bytes().enumerate().all(|(at, c)| if at == 4 || at == 7 { c == b'-' } else { c.is_ascii_digit() });
    if plain { text.parse().ok() } else { None }
}

/// Burgerservicenummer: nine digits that pass the elfproef. Source: Regeling bsn, art. 2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bsn(String);

impl Bsn {
    /// The nine digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Bsn {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        if text.len() != 9 || !text.bytes().all(|c| c.is_ascii_digit()) || text == "000000000" {
            return Err(());
        }
        // Weights 9 down to 2, and minus one for the last digit.
        let weights = [9, 8, 7, 6, 5, 4, 3, 2, -1];
        let sum: i32 = text.bytes().zip(weights).map(|(digit, weight)| i32::from(digit - b'0') * weight).sum();
        if sum % 11 == 0 { Ok(Self(text.to_owned())) } else { Err(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bsn_passes_the_elfproef() {
        assert!("999990019".parse::<Bsn>().is_ok());
        for bad in ["999990018", "000000000", "99999001", "9999900190", "99999001x"] {
            assert!(bad.parse::<Bsn>().is_err(), "{bad} was taken");
        }
    }

    #[test]
    fn someone_is_an_adult_from_the_eighteenth_birthday() {
        let born: Geboortedatum = "2008-11-22".parse().unwrap();
        assert_eq!(born.doelgroep_on(date(2026, 11, 21)), Some(Doelgroep::Minderjarig));
        assert_eq!(born.doelgroep_on(date(2026, 11, 22)), Some(Doelgroep::Volwassen));
    }

    #[test]
    fn a_partial_date_of_birth_can_leave_the_doelgroep_open() {
        let born: Geboortedatum = "2008".parse().unwrap();
        assert_eq!(born.doelgroep_on(date(2025, 12, 31)), Some(Doelgroep::Minderjarig));
        assert_eq!(born.doelgroep_on(date(2026, 6, 1)), None);
        assert_eq!(born.doelgroep_on(date(2026, 12, 31)), Some(Doelgroep::Volwassen));
        // Of unknown age: perhaps a child.
        assert_eq!("0000".parse::<Geboortedatum>().unwrap().doelgroep_on(date(2026, 6, 1)), None);
        for bad in ["0001", "1700", "1899-12-31", "0000-01", "", "08", "2008-13", "2008-02-30", "20080101", "2008-1-1"]
        {
            assert!(bad.parse::<Geboortedatum>().is_err(), "{bad} was taken");
        }
    }
}
