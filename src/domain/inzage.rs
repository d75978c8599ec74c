//! Inzage (access): what somebody may ask of the partners about themselves. Source: AVG art. 12 and 15, and the grounds of art. 23.

use std::{
    collections::{BTreeMap, BTreeSet},
    str::FromStr,
};

use jiff::{Timestamp, civil::Date};

use super::{
    PartnerNaam, Termijn,
    houdbaarheid::{amsterdam_date, unreadable_from},
};

/// Why something is withheld from who asks. Source: AVG art. 23, lid 1; UAVG art. 41.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grond {
    /// Onder a.
    NationaleVeiligheid,
    /// Onder c.
    OpenbareVeiligheid,
    /// Onder d: preventing, investigating and prosecuting offences.
    StrafbareFeiten,
    /// Onder h: supervision and inspection.
    Toezichtstaak,
    /// Onder i: it would harm who asks.
    BeschermingBetrokkene,
    /// Onder i: it would harm somebody else.
    RechtenVanAnderen,
}

impl Grond {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::NationaleVeiligheid,
        Self::OpenbareVeiligheid,
        Self::StrafbareFeiten,
        Self::Toezichtstaak,
        Self::BeschermingBetrokkene,
        Self::RechtenVanAnderen,
    ];

    /// The name on the command line and where a decision is kept.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NationaleVeiligheid => "nationale_veiligheid",
            Self::OpenbareVeiligheid => "openbare_veiligheid",
            Self::StrafbareFeiten => "strafbare_feiten",
            Self::Toezichtstaak => "toezichtstaak",
            Self::BeschermingBetrokkene => "bescherming_betrokkene",
            Self::RechtenVanAnderen => "rechten_van_anderen",
        }
    }

    /// The same for who asks, after "omdat".
    #[must_use]
    pub fn uitleg(self) -> &'static str {
        match self {
            Self::NationaleVeiligheid => "dat nodig is voor de veiligheid van het land (AVG art. 23, lid 1, onder a)",
            Self::OpenbareVeiligheid => "dat nodig is voor de openbare veiligheid (AVG art. 23, lid 1, onder c)",
            Self::StrafbareFeiten => {
                "dat nodig is om misdrijven te voorkomen, op te sporen of te vervolgen (AVG art. 23, lid 1, onder d)"
            }
            Self::Toezichtstaak => "dat nodig is voor toezicht of inspectie (AVG art. 23, lid 1, onder h)",
            Self::BeschermingBetrokkene => "dat nodig is om u te beschermen (AVG art. 23, lid 1, onder i)",
            Self::RechtenVanAnderen => {
                "dat nodig is om de rechten van andere mensen te beschermen (AVG art. 23, lid 1, onder i)"
            }
        }
    }
}

impl FromStr for Grond {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|grond| grond.as_str() == text).ok_or(())
    }
}

/// What a partner decided about a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Oordeel {
    /// Who asks sees it.
    Vrijgegeven,
    /// Who asks does not.
    Achtergehouden {
        /// Why.
        grond: Grond,
        /// The same in words, for who asks.
        toelichting: Option<String>,
        /// That something is withheld is not told either.
        verzwegen: bool,
    },
}

/// What somebody asked of a contactpunt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verzoek {
    /// The name of who asks.
    pub naam: String,
    /// The date of birth of who asks.
    pub geboortedatum: String,
    /// The reference of the contactpunt.
    pub kenmerk: String,
    /// The day on which the request came in, Europe/Amsterdam.
    pub ontvangen_op: Date,
    /// Whether a number was given by which the person is known for sure. The number itself is not kept.
    pub op_nummer: bool,
}

/// What a partner decided, by row: the index of its logregel.
pub type Besluit = BTreeMap<u64, Oordeel>;

/// The term of a request, and what of it partners have to decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Termijnen {
    /// Before this moment who asks has an answer.
    pub antwoord_voor: Timestamp,
    /// Before this moment partners decide.
    pub besluiten_voor: Timestamp,
}

impl Termijnen {
    /// Of a request that came in on this day: a month (AVG art. 12, lid 3).
    #[must_use]
    pub fn new(ontvangen_op: Date, now: Timestamp) -> Self {
        Self::of(unreadable_from(Termijn::Maanden(1).last_day(ontvangen_op)), now)
    }

    /// Two months more (AVG art. 12, lid 3).
    #[must_use]
    pub fn extended(ontvangen_op: Date, now: Timestamp) -> Self {
        Self::of(unreadable_from(Termijn::Maanden(3).last_day(ontvangen_op)), now)
    }

    /// Of a term that was set at this moment. Partners have half of the days that were left then, and at least that day.
    #[must_use]
    pub fn of(antwoord_voor: Timestamp, since: Timestamp) -> Self {
        let first = amsterdam_date(since);
        let left = (amsterdam_date(antwoord_voor) - first).get_days() - 1;
        let half = Termijn::Dagen(u16::try_from(left / 2).unwrap_or_default()).last_day(first);
        Self { antwoord_voor, besluiten_voor: unreadable_from(half) }
    }
}

/// Whether each of these partners released a row.
#[must_use]
pub fn is_released(row: u64, partners: &BTreeSet<PartnerNaam>, besluiten: &BTreeMap<PartnerNaam, Besluit>) -> bool {
    let released = |partner| besluiten.get(partner).and_then(|of| of.get(&row)) == Some(&Oordeel::Vrijgegeven);
    partners.iter().all(released)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn termijnen(ontvangen_op: &str, now: &str) -> [String; 2] {
        let of = Termijnen::new(ontvangen_op.parse().unwrap(), now.parse().unwrap());
        [of.besluiten_voor, of.antwoord_voor].map(|moment| moment.to_string())
    }

    #[test]
    fn who_asks_is_answered_within_a_month_and_partners_decide_in_half_of_what_is_left() {
        // Each ends at midnight in Amsterdam, in winter and summer.
        for (ontvangen_op, now, besluiten_voor, antwoord_voor) in [
            ("2026-11-30", "2026-11-30T12:00:00Z", "2026-12-15T23:00:00Z", "2026-12-30T23:00:00Z"),
            // The last day of a shorter month, over the change to summer time.
            ("2026-01-31", "2026-01-31T12:00:00Z", "2026-02-14T23:00:00Z", "2026-02-28T23:00:00Z"),
            ("2026-03-15", "2026-03-15T12:00:00Z", "2026-03-30T22:00:00Z", "2026-04-15T22:00:00Z"),
            // Written down late, and too late.
            ("2026-11-01", "2026-11-30T12:00:00Z", "2026-11-30T23:00:00Z", "2026-12-01T23:00:00Z"),
            ("2026-09-01", "2026-11-30T12:00:00Z", "2026-11-30T23:00:00Z", "2026-10-01T22:00:00Z"),
        ] {
            assert_eq!(termijnen(ontvangen_op, now), [besluiten_voor, antwoord_voor], "{ontvangen_op}");
        }
        let extended = Termijnen::extended("2026-11-30".parse().unwrap(), "2026-12-20T12:00:00Z".parse().unwrap());
        assert_eq!(extended.antwoord_voor.to_string(), "2027-02-28T23:00:00Z");
    }

    #[test]
    fn a_row_is_released_when_each_partner_in_it_says_so() {
        let name = |naam: &str| naam.parse::<PartnerNaam>().unwrap();
        let withheld = Oordeel::Achtergehouden { grond: Grond::StrafbareFeiten, toelichting: None, verzwegen: true };
        let mut besluiten = BTreeMap::from([(name("om"), Besluit::from([(7, Oordeel::Vrijgegeven)]))]);
        let both = BTreeSet::from([name("om"), name("zsm")]);
        assert!(is_released(7, &BTreeSet::from([name("om")]), &besluiten));
        assert!(!is_released(7, &both, &besluiten) && !is_released(8, &BTreeSet::from([name("om")]), &besluiten));
        besluiten.insert(name("zsm"), Besluit::from([(7, withheld)]));
        assert!(!is_released(7, &both, &besluiten));
        besluiten.insert(name("zsm"), Besluit::from([(7, Oordeel::Vrijgegeven)]));
        assert!(is_released(7, &both, &besluiten));
    }
}
