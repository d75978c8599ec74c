//! Wijzigen (changing): who must agree with a change of what is in force, and how long it is told before.

use std::{collections::BTreeSet, fmt, str::FromStr};

use super::{Convenant, DocumentSoort, Identiteit, Mandaat, PartnerNaam, Rol, Toegang, VanKracht};

/// Who must agree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Bekrachtiging {
    /// Nobody.
    #[default]
    Niemand,
    /// Another operator than who proposed it: another CA, OIN or SAN.
    Ander,
    /// Each party of each convenant that changes, by a signature; of the deelnemers another operator.
    Partijen,
}

impl Bekrachtiging {
    /// The word in the document.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Niemand => "niemand",
            Self::Ander => "ander",
            Self::Partijen => "partijen",
        }
    }
}

impl FromStr for Bekrachtiging {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Niemand, Self::Ander, Self::Partijen].into_iter().find(|one| one.as_str() == text).ok_or(())
    }
}

impl fmt::Display for Bekrachtiging {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a change of what is in force asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wijzigen {
    /// Who must agree.
    pub bekrachtigt: Bekrachtiging,
    /// So many days it is told before it comes into force.
    pub na_dagen: u16,
}

impl Wijzigen {
    /// Whether an operator changes it alone and at once.
    #[must_use]
    pub fn is_vrij(self) -> bool {
        self == Self::default()
    }
}

/// A document that is to change: its kind and name, and the hashes of the texts before and after, where there are such.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TeWijzigen {
    /// What it is.
    pub soort: DocumentSoort,
    /// Its name.
    pub naam: String,
    /// What was in force.
    pub oud: Option<String>,
    /// What is to be in force; nothing where it is to be withdrawn.
    pub nieuw: Option<String>,
}

/// Somebody whose agreement is asked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Instemming {
    /// Another operator than who proposed it.
    Ander,
    /// A party, by the name of the document that it signs: a convenant, or the deelnemers where these come to ask less.
    Partij(PartnerNaam, String),
}

/// Whose agreement a change asks, by what is in force before it.
#[must_use]
pub fn instemming(before: &VanKracht, after: &VanKracht, wijzigingen: &[TeWijzigen]) -> BTreeSet<Instemming> {
    let bekrachtigt = before.deelnemers().wijzigen.bekrachtigt;
    let changes = |soort: DocumentSoort| wijzigingen.iter().filter(move |of| of.soort == soort);
    match bekrachtigt {
        Bekrachtiging::Niemand => BTreeSet::new(),
        Bekrachtiging::Ander => [Instemming::Ander].into(),
        Bekrachtiging::Partijen => {
            let named = |van_kracht: &VanKracht, naam: &str| {
                let of_name = |convenant: &&Convenant| convenant.naam == naam;
                van_kracht.convenanten().iter().find(of_name).map(|convenant| convenant.partijen.clone())
            };
            let parties = changes(DocumentSoort::Convenant).flat_map(|TeWijzigen { naam, .. }| {
                let both = [before, after].into_iter().filter_map(move |van_kracht| named(van_kracht, naam));
                both.flatten().map(move |partner| Instemming::Partij(partner, naam.clone()))
            });
            let others = changes(DocumentSoort::Deelnemers).map(|_| Instemming::Ander);
            // Asking less asks what it asks now: of every party there is.
            let deelnemers = changes(DocumentSoort::Deelnemers);
            let less = deelnemers.filter(|_| before.deelnemers().wijzigen != after.deelnemers().wijzigen);
            let everybody = less.flat_map(|of| {
                let all = before.convenanten().iter().flat_map(|convenant| &convenant.partijen);
                all.map(|partner| Instemming::Partij(partner.clone(), of.naam.clone()))
            });
            parties.chain(others).chain(everybody).collect()
        }
    }
}

/// The parties in this that have nobody who can sign for them, by what is in force.
#[must_use]
pub fn without_signer(van_kracht: &VanKracht, asked: &BTreeSet<Instemming>) -> BTreeSet<PartnerNaam> {
    let toegangen = &van_kracht.deelnemers().toegangen;
    let signs = |partner: &PartnerNaam| {
        let of = |toegang: &Toegang| toegang.identiteit.rol == Rol::Tekent && toegang.identiteit.partner == *partner;
        toegangen.iter().any(of)
    };
    let parties = asked.iter().filter_map(|of| match of {
        Instemming::Partij(partner, _) => Some(partner),
        Instemming::Ander => None,
    });
    parties.filter(|partner| !signs(partner)).cloned().collect()
}

/// Whether a change only takes away: nobody comes in, no certificate is blocked no longer, nothing is newly allowed or stamped otherwise, nobody
/// sees more, and changing does not become easier. A partner, identity or convenant can go; a convenant that meets another one cannot, because the other
/// one stamps from then on what it stamped.
#[must_use]
pub fn only_takes_away(before: &VanKracht, after: &VanKracht) -> bool {
    let (oud, nieuw) = (before.deelnemers(), after.deelnemers());
    let known = |toegang: &Toegang| oud.toegangen.contains(toegang);
    let same_partners = nieuw.partners.iter().all(|(naam, partner)| oud.partners.get(naam) == Some(partner));
    if oud.wijzigen != nieuw.wijzigen || !same_partners || !nieuw.toegangen.iter().all(known) {
        return false;
    }
    if !oud.geblokkeerd.keys().all(|blocked| nieuw.geblokkeerd.contains_key(blocked)) {
        return false;
    }
    // Where a mandaat goes, another convenant can stamp from then on. Of a partner that goes its mandaten go too.
    let stays = |partner: &PartnerNaam| nieuw.partners.contains_key(partner);
    if !oud.mandaten.iter().filter(|mandaat: &&Mandaat| stays(&mandaat.partner)).eq(&nieuw.mandaten) {
        return false;
    }
    // A fingerprint does not say whose certificate it is of: it may be of one of those below.
    let blocked = nieuw.geblokkeerd.keys().filter(|blocked| !oud.geblokkeerd.contains_key(blocked)).count();
    // One of those who oversee, sign or answer people can go at once, as a stolen certificate must, and all of a partner that goes; who takes more of them
    // out says so before.
    let oversees = |toegang: &&Toegang| {
        let Identiteit { rol, partner, .. } = &toegang.identiteit;
        matches!(rol, Rol::Fg | Rol::Auditor | Rol::Tekent | Rol::Contact) && stays(partner)
    };
    let gone = oud.toegangen.iter().filter(|toegang| !nieuw.toegangen.contains(toegang));
    if gone.filter(oversees).count() + blocked > 1 {
        return false;
    }
    let among = |convenanten: &[Convenant], of: &Convenant| convenanten.iter().any(|one| one.hash == of.hash);
    let (was, is) = (before.convenanten(), after.convenanten());
    let meeting = before.meeting();
    is.iter().all(|of| among(was, of)) && was.iter().all(|of| among(is, of) || !meeting.contains(&of.naam))
}

/// What a party signs: that it agrees with this text of a convenant, or with its withdrawal, in this proposal.
#[must_use]
pub fn te_tekenen(voorstel: u64, of: &TeWijzigen) -> String {
    let TeWijzigen { soort, naam, oud, nieuw } = of;
    let what = match (nieuw, oud) {
        (Some(nieuw), _) => format!("sha256 {nieuw}"),
        (None, Some(oud)) => format!("intrekken sha256 {oud}"),
        (None, None) => "niets".to_owned(),
    };
    format!("ketenpoort/v1 bekrachtiging\nvoorstel {voorstel}\n{}\n{what}\n", soort.in_logboek(naam))
}
