//! The convenant: the agreement of partners that says which exchange is allowed.

use jiff::civil::Date;

use super::{Adres, Berichtsoort, Doelgroep, LoketNaam, PartnerNaam, TeltVanaf, Termijn};

/// A convenant, parsed from its file by `config`.
#[derive(Clone, Debug, PartialEq)]
pub struct Convenant {
    /// Its name, unique in the configuration.
    pub naam: String,
    /// Its version.
    pub versie: String,
    /// SHA-256 of the file, lowercase hexadecimal; stands in every logregel that rests on it.
    pub hash: String,
    /// The first day of its term.
    pub geldig_van: Date,
    /// The last day of its term.
    pub geldig_tot_en_met: Date,
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
    /// Whether a jurist confirmed it.
    pub bevestigd: bool,
    /// First day on which it is in force, if it has one.
    pub geldig_van: Option<Date>,
    /// Last day on which it is in force, if it has one.
    pub geldig_tot_en_met: Option<Date>,
    /// URI into the register of processing.
    pub verwerkingsactiviteit: String,
}

impl Grondslag {
    /// Whether its term covers `day`.
    #[must_use]
    pub fn in_force(&self, day: Date) -> bool {
        self.geldig_van.is_none_or(|from| from <= day) && self.geldig_tot_en_met.is_none_or(|to| day <= to)
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
    /// From when that counts.
    pub telt_vanaf: TeltVanaf,
    /// Only for minors or only for adults, if it says so.
    pub doelgroep: Option<Doelgroep>,
    /// Whether the content may hold a BSN.
    pub bsn_toegestaan: bool,
    /// Another entry in the register of processing than the grondslag's.
    pub verwerkingsactiviteit: Option<String>,
}

impl Regel {
    /// Whether the rule speaks of this berichtsoort between these two.
    #[must_use]
    pub fn covers(&self, soort: Berichtsoort, van: &Adres, naar: &Adres) -> bool {
        self.berichtsoort == soort
            && self.van.iter().any(|pattern| pattern.matches(van))
            && self.naar.iter().any(|pattern| pattern.matches(naar))
    }
}

/// A partner with all its loketten, or one loket of it.
#[derive(Clone, Debug, PartialEq, Eq)]
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
