//! Bell: for whom something arrived.

use std::{fmt, str::FromStr};

use crate::domain::{Adres, BerichtId};

/// Who waits for something.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bell {
    /// The receivers of a postvak.
    Postvak(Adres),
    /// The Ask that waits for the answers to this verzoek.
    Verzoek(BerichtId),
}

/// As other gateways hear it.
impl fmt::Display for Bell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Postvak(adres) => adres.fmt(f),
            Self::Verzoek(verzoek) => verzoek.fmt(f),
        }
    }
}

impl FromStr for Bell {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        // Only an address has a slash.
        if text.contains('/') {
            return text.parse().map(Self::Postvak).map_err(|_| ());
        }
        text.parse().map(Self::Verzoek).map_err(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_gateways_hear_the_bell_that_was_rung() {
        let postvak = Bell::Postvak("zsm/jeugd".parse().unwrap());
        let verzoek = Bell::Verzoek(BerichtId(uuid::Uuid::from_u128(7)));
        for bell in [postvak, verzoek] {
            assert_eq!(bell.to_string().parse(), Ok(bell));
        }
        assert_eq!("niets".parse::<Bell>(), Err(()));
    }
}
