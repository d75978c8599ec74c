//! Mandaat: one organ lets another act on its behalf.
//!
//! The procesregisseur of a ZVH receives BIJ and 18b meldingen for the mayor by mandaat. Whether a rule needs one stands in
//! its convenant; which ones exist stands with the deelnemers, because mayors give and withdraw them on their own.

use std::{collections::BTreeSet, str::FromStr};

use jiff::civil::Date;

use super::{Berichtsoort, PartnerNaam};

/// Authority to act for another organ (mandaat). Source: Awb, section 10.1.1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mandaat {
    /// Short name, unique among the deelnemers.
    pub id: String,
    /// Who gave it: an organ, no person. At most 200 characters.
    pub gever: String,
    /// The function that may act, for example `procesregisseur`.
    pub functie: String,
    /// The partner in which that function is.
    pub partner: PartnerNaam,
    /// For which berichtsoorten it holds.
    pub berichtsoorten: BTreeSet<Berichtsoort>,
    /// The first day of its term.
    pub geldig_van: Date,
    /// The last day of its term.
    pub geldig_tot_en_met: Date,
    /// Where it is written down.
    pub bron: String,
}

impl Mandaat {
    /// Whether its term covers `day`.
    #[must_use]
    pub fn in_force(&self, day: Date) -> bool {
        self.geldig_van <= day && day <= self.geldig_tot_en_met
    }
}

/// Which side of an exchange must hold a mandaat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mandaathouder {
    /// Who sends.
    Afzender,
    /// Who receives.
    Ontvanger,
}

impl Mandaathouder {
    /// The name in a convenant.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Afzender => "afzender",
            Self::Ontvanger => "ontvanger",
        }
    }
}

impl FromStr for Mandaathouder {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Afzender, Self::Ontvanger].into_iter().find(|houder| houder.as_str() == text).ok_or(())
    }
}
