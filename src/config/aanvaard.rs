//! What somebody may accept by name although a gateway in production would not start with it.

use std::str::FromStr;

/// A finding about certificates, lists or keys that a configuration can accept: it costs safety, and does not make the
/// gateway do what nobody asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Aanvaardbaar {
    /// Of an issuer there is no revocation list that holds.
    CrlOntbreekt,
    /// The newest revocation list of an issuer has ended.
    CrlVerlopen,
    /// A certificate has ended.
    CertificaatVerlopen,
    /// A certificate does not hold yet.
    CertificaatNogNietGeldig,
    /// The chain of the gateway leads to none of the CAs.
    KetenZonderCa,
    /// Others than the gateway's user can read or write a key.
    SleutelOpen,
}

impl Aanvaardbaar {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::CrlOntbreekt,
        Self::CrlVerlopen,
        Self::CertificaatVerlopen,
        Self::CertificaatNogNietGeldig,
        Self::KetenZonderCa,
        Self::SleutelOpen,
    ];

    /// Its name, which is the code of the finding.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CrlOntbreekt => "crl_ontbreekt",
            Self::CrlVerlopen => "crl_verlopen",
            Self::CertificaatVerlopen => "certificaat_verlopen",
            Self::CertificaatNogNietGeldig => "certificaat_nog_niet_geldig",
            Self::KetenZonderCa => "keten_zonder_ca",
            Self::SleutelOpen => "sleutel_open",
        }
    }

    /// Whether it is found by comparing with the present moment.
    #[must_use]
    pub fn rests_on_the_clock(self) -> bool {
        matches!(self, Self::CrlVerlopen | Self::CertificaatVerlopen | Self::CertificaatNogNietGeldig)
    }

    /// Every name, as a sentence lists them.
    pub(super) fn names() -> String {
        Self::ALL.map(Self::as_str).join(", ")
    }
}

impl FromStr for Aanvaardbaar {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|one| one.as_str() == text).ok_or(())
    }
}
