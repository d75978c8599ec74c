//! Who is at the other end of a connection.

use std::{collections::BTreeSet, fmt, str::FromStr, sync::Arc};

use jiff::Timestamp;

use super::{Adres, LoketNaam, Oin, PartnerNaam, Weigering, Zicht};

/// What an identity may do. No certificate has two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rol {
    /// Exchanges berichten for a partner.
    Partner,
    /// Functionaris gegevensbescherming (data-protection officer): sees metadata of its partner, and of others as granted.
    Fg,
    /// Sees metadata as granted.
    Auditor,
    /// Operates the gateway.
    Beheer,
    /// Signs for a partner that is a party of convenanten.
    Tekent,
    /// The contactpunt of a partner for people who ask what was exchanged about them, and its controller in their dossiers.
    Contact,
    /// The gateway itself. No certificate of a deelnemer has this role.
    Poort,
}

impl Rol {
    /// The role as it stands in configuration and logboek.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Partner => "partner",
            Self::Fg => "fg",
            Self::Auditor => "auditor",
            Self::Beheer => "beheer",
            Self::Tekent => "tekent",
            Self::Contact => "contact",
            Self::Poort => "poort",
        }
    }
}

/// A way in (ingang): each has a port of its own, and a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ingang {
    /// For partners.
    Partners,
    /// For toezicht: FGs and auditors, and for the contactpunten that answer people about what toezicht oversees.
    Toezicht,
    /// For beheer, and for who signs for a party.
    Beheer,
}

impl Ingang {
    /// Each of them.
    pub const ALL: [Self; 3] = [Self::Partners, Self::Toezicht, Self::Beheer];
}

impl Rol {
    /// The way in of this role; none for the gateway itself.
    #[must_use]
    pub fn ingang(self) -> Option<Ingang> {
        match self {
            Self::Partner => Some(Ingang::Partners),
            Self::Fg | Self::Auditor | Self::Contact => Some(Ingang::Toezicht),
            Self::Beheer | Self::Tekent => Some(Ingang::Beheer),
            Self::Poort => None,
        }
    }
}

impl FromStr for Rol {
    type Err = ();

    /// Reads the role of a deelnemer.
    fn from_str(text: &str) -> Result<Self, ()> {
        let all = [Self::Partner, Self::Fg, Self::Auditor, Self::Beheer, Self::Tekent, Self::Contact];
        all.into_iter().find(|rol| rol.as_str() == text).ok_or(())
    }
}

impl fmt::Display for Rol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Who acts: the owner of a connection's certificate, as `tls` verified it, or the gateway itself ([`Self::of_gateway`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identiteit {
    /// The partner it acts for.
    pub partner: PartnerNaam,
    /// The OIN in the certificate.
    pub oin: Oin,
    /// What it may do.
    pub rol: Rol,
    /// The loketten that its certificate opens.
    pub loketten: BTreeSet<LoketNaam>,
    /// Whose logregels it may see, where it is of toezicht.
    pub ziet: Zicht,
}

impl Identiteit {
    /// The gateway itself, which sends what only it can know.
    #[must_use]
    pub fn of_gateway(oin: Oin) -> Self {
        let Adres { partner, loket } = Adres::gateway();
        Self { partner, oin, rol: Rol::Poort, loketten: [loket].into(), ziet: Zicht::default() }
    }

    /// The address of one of its own loketten.
    ///
    /// # Errors
    /// [`Weigering::LoketNietVanU`] when the certificate does not open that loket.
    pub fn adres(&self, loket: &LoketNaam) -> Result<Adres, Weigering> {
        if self.loketten.contains(loket) {
            Ok(Adres { partner: self.partner.clone(), loket: loket.clone() })
        } else {
            Err(Weigering::LoketNietVanU)
        }
    }
}

/// The SHA-256 of a certificate in DER, as tools print it: `openssl x509 -noout -fingerprint -sha256`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Vingerafdruk(String);

impl Vingerafdruk {
    /// Of these 32 bytes.
    #[must_use]
    pub fn new(sha256: &[u8]) -> Self {
        Self(hex::encode(sha256))
    }
}

impl fmt::Display for Vingerafdruk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Vingerafdruk {
    type Err = ();

    /// 64 hexadecimal digits, large or small, with or without colons between two of them.
    fn from_str(text: &str) -> Result<Self, ()> {
        let digits: String = text.chars().filter(|c| *c != ':').map(|c| c.to_ascii_lowercase()).collect();
        let is_whole = digits.len() == 64 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        if is_whole { Ok(Self(digits)) } else { Err(()) }
    }
}

/// What a verified certificate shows of its holder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificaat {
    /// The CA that issued it, by its name in the configuration.
    pub ca: String,
    /// The OIN of its subject.
    pub oin: Oin,
    /// The DNS names in it.
    pub namen: Vec<String>,
    /// By what this one certificate is known.
    pub vingerafdruk: Vingerafdruk,
    /// All of it, DER: by what a signature of its owner is verified.
    pub der: Arc<[u8]>,
    /// The last moment of its validity: notAfter (RFC 5280, section 4.1.2.5).
    pub tot: Timestamp,
}

/// A certificate and the identity that it opens by what was in force when it connected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aangemeld {
    /// What it shows.
    pub certificaat: Certificaat,
    /// What it opens.
    pub toegang: Toegang,
}

/// Which certificate is which identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Toegang {
    /// The CA that must have issued it, by its name in the configuration.
    pub ca: String,
    /// A DNS name that must be in it, where an OIN has several identities.
    pub san: Option<String>,
    /// Who it then is.
    pub identiteit: Identiteit,
}

impl Toegang {
    /// Whether this certificate opens it.
    #[must_use]
    pub fn opens_for(&self, certificaat: &Certificaat) -> bool {
        self.ca == certificaat.ca
            && self.identiteit.oin == certificaat.oin
            && self.san.as_ref().is_none_or(|san| certificaat.namen.contains(san))
    }
}
