//! Partners, their loketten (inboxes) and addresses.

use std::{collections::BTreeMap, fmt, str::FromStr};

use super::Loket;

/// Why a name, OIN or address is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// A partner or loket name has another form.
    #[error("\"{0}\" is geen naam: 1 tot 64 kleine letters, cijfers en streepjes")]
    Name(String),
    /// An OIN has another form.
    #[error("\"{0}\" is geen OIN: 20 cijfers (bij een KvK-nummer ook hoofdletters)")]
    Oin(String),
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(String);

        impl $name {
            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                let plain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
                if (1..=64).contains(&text.len()) && text.bytes().all(plain) {
                    Ok(Self(text.to_owned()))
                } else {
                    // A name that is none can be anything, personal data too: keep what is shown short.
                    Err(NameError::Name(text.chars().take(32).collect()))
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name! {
    /// Name of a partner, for example `zvh-baronie-breda`: 1 to 64 lowercase letters, digits and hyphens.
    PartnerNaam
}
name! {
    /// Name of a loket inside a partner, for example `jeugd`: 1 to 64 lowercase letters, digits and hyphens.
    LoketNaam
}

impl Default for LoketNaam {
    fn default() -> Self {
        Self("algemeen".to_owned())
    }
}

/// Organisatie-identificatienummer: 20 positions, `subject.serialNumber` of a certificate.
/// Source: Logius, OIN-stelsel; prefix `00000099` is for tests.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Oin(String);

impl Oin {
    /// The OIN as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this OIN exists for tests only.
    #[must_use]
    pub fn is_test(&self) -> bool {
        self.0.starts_with("00000099")
    }
}

impl FromStr for Oin {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let prefix_is_digits = text.bytes().take(8).all(|c| c.is_ascii_digit());
        let plain = |c: u8| c.is_ascii_digit() || c.is_ascii_uppercase();
        if text.len() == 20 && prefix_is_digits && text.bytes().all(plain) {
            Ok(Self(text.to_owned()))
        } else {
            Err(NameError::Oin(text.chars().take(32).collect()))
        }
    }
}

impl fmt::Display for Oin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a bericht comes from or goes to: always a loket of a partner.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Adres {
    /// The partner.
    pub partner: PartnerNaam,
    /// The loket inside it.
    pub loket: LoketNaam,
}

impl Adres {
    /// The gateway's own address, from which it warns; nobody can send to it. No partner may have its name.
    #[must_use]
    pub fn gateway() -> Self {
        Self { partner: PartnerNaam(GATEWAY.to_owned()), loket: LoketNaam::default() }
    }

    /// Whether it is the gateway's own.
    #[must_use]
    pub fn is_gateway(&self) -> bool {
        self.partner.as_str() == GATEWAY
    }
}

/// The name under which the gateway itself sends.
pub const GATEWAY: &str = "ketenpoort";

impl fmt::Display for Adres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.partner, self.loket)
    }
}

impl FromStr for Adres {
    type Err = NameError;

    /// Reads `partner/loket`; without a loket it is `algemeen`.
    fn from_str(text: &str) -> Result<Self, NameError> {
        let (partner, loket) = text.split_once('/').unwrap_or((text, "algemeen"));
        Ok(Self { partner: partner.parse()?, loket: loket.parse()? })
    }
}

/// A partner (organisation) and its loketten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partner {
    /// Its name, unique among the deelnemers.
    pub naam: PartnerNaam,
    /// How the organisation is called, for people who are no partner.
    pub organisatie: Option<String>,
    /// One or more; the first one stands in addresses in the logboek.
    pub oins: Vec<Oin>,
    /// Its loketten, those that closed too.
    pub loketten: BTreeMap<LoketNaam, Loket>,
}

impl Partner {
    /// The OIN under which the partner is addressed in the logboek.
    #[must_use]
    pub fn oin(&self) -> &Oin {
        self.oins.first().expect("the configuration refuses a partner without an OIN")
    }

    /// The addresses of its loketten.
    pub fn adressen(&self) -> impl Iterator<Item = Adres> {
        self.loketten.keys().map(|loket| Adres { partner: self.naam.clone(), loket: loket.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_without_loket_goes_to_algemeen() {
        let adres: Adres = "zsm".parse().unwrap();
        assert_eq!(adres.to_string(), "zsm/algemeen");
    }

    #[test]
    fn names_with_other_characters_are_refused() {
        for bad in ["", "ZSM", "zsm jeugd", "a/b/c", "zsm/", &"x".repeat(65)] {
            assert!(bad.parse::<Adres>().is_err(), "{bad:?} was taken");
        }
    }

    #[test]
    fn an_oin_has_twenty_positions() {
        assert!("00000099123456789000".parse::<Oin>().unwrap().is_test());
        for bad in ["0000009912345678900", "000000991234567890000", "0000009912345678900x", "A0000099123456789000"] {
            assert!(bad.parse::<Oin>().is_err(), "{bad:?} was taken");
        }
    }
}
