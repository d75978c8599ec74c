//! The convenant: the agreement of partners that says which exchange is allowed.

use std::{collections::BTreeSet, fmt, str::FromStr};

use jiff::civil::Date;

use super::{
    Adres, Berichtsoort, Doelgroep, LoketNaam, Mandaathouder, PartnerNaam, TeltVanaf, Termijn, Weigering,
    naast::Patronen,
};

/// A convenant, parsed from its text by `documenten`.
#[derive(Clone, Debug, PartialEq)]
pub struct Convenant {
    /// Its name, unique among what is in force.
    pub naam: String,
    /// What it is about, for people.
    pub titel: String,
    /// Its version.
    pub versie: String,
    /// SHA-256 of the file, lowercase hexadecimal; stands in every logregel that rests on it.
    pub hash: String,
    /// Who signed it: the only partners of which its rules may speak.
    pub partijen: BTreeSet<PartnerNaam>,
    /// The first day of its term.
    pub geldig_van: Date,
    /// The last day of its term.
    pub geldig_tot_en_met: Date,
    /// Names of convenanten behind which this one stands. Where this one and such another one begin in the same moment to allow an
    /// exchange, the other one stamps.
    pub staat_achter: Vec<String>,
    /// The legal bases it rests on.
    pub grondslagen: Vec<Grondslag>,
    /// What it allows; what no rule allows is refused.
    pub regels: Vec<Regel>,
}

impl Convenant {
    /// Whether its term covers `day`.
    #[must_use]
    pub fn in_force(&self, day: Date) -> bool {
        self.geldig_van <= day && day <= self.geldig_tot_en_met
    }

    /// The grondslag with this id.
    #[must_use]
    pub fn grondslag(&self, id: &str) -> Option<&Grondslag> {
        self.grondslagen.iter().find(|grondslag| grondslag.id == id)
    }
}

/// Legal basis of an exchange (grondslag).
#[derive(Clone, Debug, PartialEq)]
pub struct Grondslag {
    /// Short name, unique in the convenant.
    pub id: String,
    /// The law and article.
    pub citaat: String,
    /// What it allows, in a sentence.
    pub omschrijving: String,
    /// Where this is written down.
    pub bron: String,
    /// Whether it is known to be sound.
    pub status: Status,
    /// First day on which it is in force, if it has one.
    pub geldig_van: Option<Date>,
    /// Last day on which it is in force, if it has one.
    pub geldig_tot_en_met: Option<Date>,
    /// URI into the register of processing.
    pub verwerkingsactiviteit: String,
}

/// Whether a jurist confirmed a grondslag.
#[derive(Clone, Debug, PartialEq)]
pub enum Status {
    /// Yes.
    Bevestigd,
    /// Not yet. In production it counts only once somebody accepted that.
    TeBevestigen(Option<Acceptatie>),
}

/// Somebody answers for a grondslag that is not confirmed yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acceptatie {
    /// Who: a function.
    pub door: String,
    /// When.
    pub op: Date,
    /// Why.
    pub waarom: String,
}

impl Grondslag {
    /// Whether its term covers `day`.
    #[must_use]
    pub fn in_force(&self, day: Date) -> bool {
        self.geldig_van.is_none_or(|from| from <= day) && self.geldig_tot_en_met.is_none_or(|to| day <= to)
    }

    /// Whether an exchange may rest on it on this day.
    ///
    /// # Errors
    /// [`Weigering::GrondslagNietVanKracht`]; in production also [`Weigering::GrondslagOnbevestigd`].
    pub fn usable(&self, day: Date, productie: bool) -> Result<(), Weigering> {
        if !self.in_force(day) {
            return Err(Weigering::GrondslagNietVanKracht);
        }
        if self.counts(productie) { Ok(()) } else { Err(Weigering::GrondslagOnbevestigd) }
    }

    /// Whether it is confirmed, or somebody answers for it; outside production it always counts.
    #[must_use]
    pub fn counts(&self, productie: bool) -> bool {
        !productie || self.status != Status::TeBevestigen(None)
    }
}

/// One line of a convenant: this berichtsoort, from these to those, on this grondslag, for so long.
#[derive(Clone, Debug, PartialEq)]
pub struct Regel {
    /// Short name, unique in the convenant.
    pub id: String,
    /// The kind of bericht.
    pub berichtsoort: Berichtsoort,
    /// Who may send it.
    pub van: Vec<Adrespatroon>,
    /// Who may receive it.
    pub naar: Vec<Adrespatroon>,
    /// One grondslag, or several from which the sender chooses.
    pub grondslagen: Vec<String>,
    /// How long it stays usable.
    pub houdbaarheid: Termijn,
    /// Why that is not three months.
    pub afwijking: Option<String>,
    /// From when it counts.
    pub telt_vanaf: TeltVanaf,
    /// Only for minors or only for adults, if it says so.
    pub doelgroep: Option<Doelgroep>,
    /// Only for this category, if it says so.
    pub categorie: Option<Categorie>,
    /// Whether the content may hold a BSN.
    pub bsn_toegestaan: bool,
    /// Who must hold a mandaat for this berichtsoort, if anybody.
    pub mandaat: Option<Mandaathouder>,
    /// One of these must be among the ontvangers too; empty asks for none.
    pub mede_ontvanger: Vec<Adrespatroon>,
    /// How often it may be renewed.
    pub max_verlengingen: u8,
    /// How long the gateway keeps the content.
    pub bewaar_inhoud: Bewaar,
    /// Another entry in the register of processing than the grondslag's.
    pub verwerkingsactiviteit: Option<String>,
}

impl Regel {
    /// Whether the rule speaks of this berichtsoort between these two. Never of a loket and itself.
    #[must_use]
    pub fn covers(&self, soort: Berichtsoort, van: &Adres, naar: &Adres) -> bool {
        self.berichtsoort == soort && matches_any(&self.van, van) && matches_any(&self.naar, naar) && van != naar
    }
}

impl Regel {
    /// Of whom and what a rule speaks; `None` as doelgroep is somebody whose date of birth leaves it open.
    #[must_use]
    pub fn kinds(&self) -> Vec<(Option<Doelgroep>, Option<Categorie>)> {
        let doelgroepen = match self.doelgroep {
            Some(doelgroep) => vec![Some(doelgroep)],
            None => vec![None, Some(Doelgroep::Minderjarig), Some(Doelgroep::Volwassen)],
        };
        let categorieen = match self.categorie {
            Some(categorie) => vec![Some(categorie)],
            None if self.berichtsoort.has_categorie() => Categorie::ALL.map(Some).to_vec(),
            None => vec![None],
        };
        doelgroepen.into_iter().flat_map(|wie| categorieen.iter().map(move |wat| (wie, *wat))).collect()
    }

    /// The key in which another rule on the same exchange says something else, if there is one.
    #[must_use]
    pub fn differs_from(&self, other: &Self) -> Option<&'static str> {
        let same = [
            ("houdbaarheid", self.houdbaarheid == other.houdbaarheid),
            ("telt_vanaf", self.telt_vanaf == other.telt_vanaf),
            ("bsn_toegestaan", self.bsn_toegestaan == other.bsn_toegestaan),
            ("mandaat", self.mandaat == other.mandaat),
            ("mede_ontvanger", self.mede_ontvanger == other.mede_ontvanger),
            ("max_verlengingen", self.max_verlengingen == other.max_verlengingen),
            ("bewaar_inhoud", self.bewaar_inhoud == other.bewaar_inhoud),
        ];
        same.into_iter().find(|(_, same)| !same).map(|(key, _)| key)
    }
}

/// Whether there is a bericht of which both rules speak.
#[must_use]
pub fn overlapping(one: &Regel, other: &Regel) -> bool {
    fn agree<T: Copy + PartialEq>(one: Option<T>, other: Option<T>) -> bool {
        one.is_none() || other.is_none() || one == other
    }
    let meet = |one: &[Adrespatroon], other: &[Adrespatroon]| {
        let one = Patronen::new(one);
        other.iter().any(|pattern| one.overlap(pattern))
    };
    let share = |one: &[String], other: &[String]| {
        let one: BTreeSet<&String> = one.iter().collect();
        other.iter().any(|id| one.contains(id))
    };
    one.berichtsoort == other.berichtsoort
        && agree(one.doelgroep, other.doelgroep)
        && agree(one.categorie, other.categorie)
        && share(&one.grondslagen, &other.grondslagen)
        && meet(&one.van, &other.van)
        && meet(&one.naar, &other.naar)
}

/// Whether one of the patterns means this address.
#[must_use]
pub fn matches_any(patterns: &[Adrespatroon], adres: &Adres) -> bool {
    patterns.iter().any(|pattern| pattern.matches(adres))
}

/// A partner with all its loketten, or one loket of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Adrespatroon {
    /// The partner.
    pub partner: PartnerNaam,
    /// One loket, or all of them.
    pub loket: Option<LoketNaam>,
}

impl Adrespatroon {
    /// Whether the address is meant.
    #[must_use]
    pub fn matches(&self, adres: &Adres) -> bool {
        self.partner == adres.partner && self.loket.as_ref().is_none_or(|loket| *loket == adres.loket)
    }
}

impl fmt::Display for Adrespatroon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.loket {
            Some(loket) => write!(f, "{}/{loket}", self.partner),
            None => self.partner.fmt(f),
        }
    }
}

/// The category of a melding, which some rules tell apart. Source: BIJ regeling; art. 18b Pbw.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Categorie {
    /// A serious violent offence.
    ErnstigGeweld,
    /// A sexual offence.
    Zeden,
}

impl Categorie {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::ErnstigGeweld, Self::Zeden];

    /// The name in a convenant.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ErnstigGeweld => "ernstig_geweld",
            Self::Zeden => "zeden",
        }
    }
}

impl FromStr for Categorie {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|categorie| categorie.as_str() == text).ok_or(())
    }
}

/// How long the gateway itself keeps content for an ontvanger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bewaar {
    /// Until the ontvanger confirmed that it took over the bericht.
    Bevestiging,
    /// Until its houdbaarheid ends.
    #[default]
    Houdbaarheid,
}

impl Bewaar {
    /// Both, the shorter first.
    pub const ALL: [Self; 2] = [Self::Bevestiging, Self::Houdbaarheid];

    /// The name in convenant and store.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bevestiging => "bevestiging",
            Self::Houdbaarheid => "houdbaarheid",
        }
    }
}

impl FromStr for Bewaar {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|bewaar| bewaar.as_str() == text).ok_or(())
    }
}
