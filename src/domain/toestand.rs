//! Toestand: where a bericht stands for one ontvanger.
//!
//! ```mermaid
//! stateDiagram-v2
//!     [*] --> Wacht: aanvaard
//!     [*] --> Gereserveerd: aanvaard, an answer to an Ask that waits
//!     Wacht --> Afgeleverd: afgeleverd
//!     Wacht --> Geweigerd: geweigerd, no convenant allows it any more
//!     Wacht --> Vervallen: vervallen
//!     Wacht --> Ingetrokken: ingetrokken, or vernietiging_gevraagd where it was read
//!     Wacht --> Vervangen: vernietigd
//!     Wacht --> Beschadigd: beschadigd
//!     Gereserveerd --> Afgeleverd: afgeleverd
//!     Gereserveerd --> Geweigerd: geweigerd, no convenant allows it any more
//!     Gereserveerd --> Vervallen: vervallen
//!     Gereserveerd --> Ingetrokken: ingetrokken
//!     Gereserveerd --> Vervangen: vernietigd
//!     Gereserveerd --> Beschadigd: beschadigd
//!     Afgeleverd --> Afgeleverd: afgeleverd, the lease lapsed
//!     Afgeleverd --> Bevestigd: bevestigd
//!     Afgeleverd --> Geweigerd: geweigerd, no convenant allows it any more
//!     Afgeleverd --> Vervallen: vervallen
//!     Afgeleverd --> Ingetrokken: vernietiging_gevraagd
//!     Afgeleverd --> Vervangen: vernietigd
//!     Afgeleverd --> Beschadigd: beschadigd
//!     Bevestigd --> Vervallen: vervallen
//!     Bevestigd --> Ingetrokken: vernietiging_gevraagd
//!     Bevestigd --> Vervangen: vernietigd
//!     Bevestigd --> Beschadigd: beschadigd, read again
//!     Geweigerd --> Afgeleverd: afgeleverd, a convenant allows it again
//!     Geweigerd --> Geweigerd: geweigerd, for another reason
//!     Geweigerd --> Bevestigd: bevestigd, it was delivered before
//!     Geweigerd --> Vervallen: vervallen
//!     Geweigerd --> Ingetrokken: ingetrokken, or vernietiging_gevraagd where it was delivered before
//!     Geweigerd --> Vervangen: vernietigd
//!     Geweigerd --> Beschadigd: beschadigd
//!     Vervallen --> Ingetrokken: vernietiging_gevraagd, it was delivered before
//!     Vervangen --> Ingetrokken: vernietiging_gevraagd, it was delivered before
//!     Beschadigd --> Ingetrokken: vernietiging_gevraagd, it was delivered before
//! ```
//!
//! Each arrow is one regel, and the store keeps its index beside the toestand. A bericht that is Gereserveerd is for the Ask that
//! waits. When that Ask ends, the bericht is for any reader, and stays Gereserveerd until one takes it or it ends.
//!
//! Content ends with Vervallen, Ingetrokken, Vervangen and Beschadigd, and with the confirmation where the rule says so. What was
//! refused keeps its content until its last day: whoever withdraws a convenant by mistake loses nothing. A confirmation that comes
//! late is logged; after one of the four ends it changes no state.

use std::str::FromStr;

/// Where a bericht stands for one ontvanger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Toestand {
    /// Waits in the postvak.
    Wacht,
    /// An answer, kept for the Ask that waits for it.
    Gereserveerd,
    /// Handed out, not yet confirmed.
    Afgeleverd,
    /// Confirmed.
    Bevestigd,
    /// Refused at delivery; judged again when what is in force changes, and every day.
    Geweigerd,
    /// Its houdbaarheid has passed.
    Vervallen,
    /// Withdrawn by its afzender.
    Ingetrokken,
    /// Replaced by a renewal.
    Vervangen,
    /// Its content no longer opens.
    Beschadigd,
}

impl Toestand {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Wacht,
        Self::Gereserveerd,
        Self::Afgeleverd,
        Self::Bevestigd,
        Self::Geweigerd,
        Self::Vervallen,
        Self::Ingetrokken,
        Self::Vervangen,
        Self::Beschadigd,
    ];

    /// The name in the store.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Wacht => "wacht",
            Self::Gereserveerd => "gereserveerd",
            Self::Afgeleverd => "afgeleverd",
            Self::Bevestigd => "bevestigd",
            Self::Geweigerd => "geweigerd",
            Self::Vervallen => "vervallen",
            Self::Ingetrokken => "ingetrokken",
            Self::Vervangen => "vervangen",
            Self::Beschadigd => "beschadigd",
        }
    }

    /// Whether it counts as open in its postvak: not confirmed, not refused and not ended.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::Wacht | Self::Gereserveerd | Self::Afgeleverd)
    }

    /// Whether it did not end: it can still be read, if a convenant allows that.
    #[must_use]
    pub fn is_current(self) -> bool {
        self.is_open() || matches!(self, Self::Bevestigd | Self::Geweigerd)
    }

    /// Whether a search still finds it. What is damaged is found, so that who searches at night hears that there was something, and
    /// whom to ask.
    #[must_use]
    pub fn is_found(self) -> bool {
        self.is_current() || self == Self::Beschadigd
    }

    /// Whether the drawing has this arrow.
    #[must_use]
    pub fn may_become(self, next: Self) -> bool {
        match self {
            Self::Wacht | Self::Gereserveerd => !matches!(next, Self::Wacht | Self::Gereserveerd | Self::Bevestigd),
            Self::Afgeleverd | Self::Geweigerd => !matches!(next, Self::Wacht | Self::Gereserveerd),
            Self::Bevestigd => !next.is_current(),
            Self::Vervallen | Self::Vervangen | Self::Beschadigd => next == Self::Ingetrokken,
            Self::Ingetrokken => false,
        }
    }
}

impl FromStr for Toestand {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|toestand| toestand.as_str() == text).ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// What people read is what the code does.
    #[test]
    fn the_drawing_has_exactly_the_arrows_of_the_code() {
        let arrow = |line: &str| {
            let (from, rest) = line.strip_prefix("//!     ")?.split_once(" --> ")?;
            Some((from.to_owned(), rest.split_once(':')?.0.to_owned()))
        };
        let drawn: BTreeSet<_> =
            include_str!("toestand.rs").lines().filter_map(arrow).filter(|(from, _)| from != "[*]").collect();
        let pairs = Toestand::ALL.into_iter().flat_map(|from| Toestand::ALL.map(|to| (from, to)));
        let coded =
            pairs.filter(|(from, to)| from.may_become(*to)).map(|(from, to)| (format!("{from:?}"), format!("{to:?}")));
        assert_eq!(drawn, coded.collect());
    }
}
