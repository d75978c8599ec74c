//! What is in force: the deelnemers and the convenanten by which every bericht is judged.
//!
//! Made once from parsed documents, then only read. Rules are found by partner pair, so that a judgement costs the same
//! with two rules and with two thousand.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    str::FromStr,
};

use jiff::{Timestamp, civil::Date};

use super::{
    Aangemeld, Adres, Berichtsoort, Certificaat, Convenant, Geladen, Historie, Mandaat, Partner, PartnerNaam, Regel,
    Toegang, Versie, Weigering,
};

/// A text that is or was in force, exactly as it was loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// What it is.
    pub soort: DocumentSoort,
    /// Its name: of a convenant its `naam`; there is one document with deelnemers, called `deelnemers`.
    pub naam: String,
    /// SHA-256 of the text, lowercase hexadecimal.
    pub hash: String,
    /// The text, TOML.
    pub tekst: String,
}

/// What a document holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DocumentSoort {
    /// Partners, identities and mandaten.
    Deelnemers,
    /// A convenant.
    Convenant,
}

impl DocumentSoort {
    /// The name in store and proto.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deelnemers => "deelnemers",
            Self::Convenant => "convenant",
        }
    }
}

impl FromStr for DocumentSoort {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Deelnemers, Self::Convenant].into_iter().find(|soort| soort.as_str() == text).ok_or(())
    }
}

/// Partners, who may connect as whom, and mandaten: one document.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Deelnemers {
    /// The partners by name.
    pub partners: BTreeMap<PartnerNaam, Partner>,
    /// Which certificate is which identity.
    pub toegangen: Vec<Toegang>,
    /// The mandaten that were given.
    pub mandaten: Vec<Mandaat>,
}

/// A certificate that is nobody, or more than one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NietAangemeld {
    /// No identity has this CA, OIN and name.
    Onbekend,
    /// Several do.
    Dubbelzinnig,
}

impl Deelnemers {
    /// The one identity that a certificate opens.
    ///
    /// # Errors
    /// [`NietAangemeld`] where there is none, or more than one.
    pub fn toegang(&self, certificaat: &Certificaat) -> Result<&Toegang, NietAangemeld> {
        let mut found = self.toegangen.iter().filter(|toegang| toegang.opens_for(certificaat));
        match (found.next(), found.next()) {
            (Some(toegang), None) => Ok(toegang),
            (None, _) => Err(NietAangemeld::Onbekend),
            (Some(_), Some(_)) => Err(NietAangemeld::Dubbelzinnig),
        }
    }

    /// Whether who connected is still who it was then.
    ///
    /// # Errors
    /// [`Weigering::ToegangVervallen`].
    pub fn still(&self, aangemeld: &Aangemeld) -> Result<(), Weigering> {
        let now = self.toegang(&aangemeld.certificaat);
        if now == Ok(&aangemeld.toegang) { Ok(()) } else { Err(Weigering::ToegangVervallen) }
    }
}

/// What is in force.
#[derive(Clone, Debug, Default)]
pub struct VanKracht {
    versie: u64,
    productie: bool,
    deelnemers: Deelnemers,
    convenanten: Vec<Convenant>,
    /// How each convenant came to be what it is, in the same order.
    historie: Vec<Historie>,
    /// Convenant and rule by sender and ontvanger, in the order of the documents.
    regels: HashMap<PartnerNaam, HashMap<PartnerNaam, Vec<Place>>>,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    soort: Berichtsoort,
    convenant: usize,
    regel: usize,
}

impl VanKracht {
    /// Version `versie` of what is in force. In `productie` an unconfirmed grondslag counts only when it was accepted.
    ///
    /// All convenanten count as loaded together, and not yet: [`Self::loaded_at`] and [`Self::with_history`] say when.
    #[must_use]
    pub fn new(versie: u64, productie: bool, deelnemers: Deelnemers, convenanten: Vec<Convenant>) -> Self {
        let mut regels: HashMap<PartnerNaam, HashMap<PartnerNaam, Vec<Place>>> = HashMap::new();
        for (at, convenant) in convenanten.iter().enumerate() {
            for (number, regel) in convenant.regels.iter().enumerate() {
                for (van, naar) in partner_pairs(regel) {
                    let place = Place { soort: regel.berichtsoort, convenant: at, regel: number };
                    regels.entry(van.clone()).or_default().entry(naar.clone()).or_default().push(place);
                }
            }
        }
        let historie = together(convenanten.len(), Timestamp::MAX);
        Self { versie, productie, deelnemers, convenanten, historie, regels }
    }

    /// As if all its convenanten are loaded at this moment, together: how files come in force.
    #[must_use]
    pub fn loaded_at(mut self, now: Timestamp) -> Self {
        self.historie = together(self.convenanten.len(), now);
        self
    }

    /// As if loaded at this moment in the place of what was in force: a convenant that is the same stays, another version
    /// follows the one before it.
    #[must_use]
    pub fn loaded_after(self, oud: &Self, now: Timestamp) -> Self {
        let former = oud.convenanten.iter().zip(&oud.historie);
        let mut by_name: BTreeMap<String, Historie> =
            former.map(|(convenant, historie)| (convenant.naam.clone(), historie.clone())).collect();
        for (convenant, log_index) in self.convenanten.iter().zip(u64::MAX / 2..) {
            let was = oud.convenanten.iter().find(|was| was.naam == convenant.naam);
            if was.is_some_and(|was| was.hash == convenant.hash) {
                continue;
            }
            let before = by_name.remove(&convenant.naam).zip(was).map(|(Historie { geladen, mut eerder }, was)| {
                eerder.push(Versie { geladen, tot: now, convenant: was.clone() });
                eerder
            });
            let geladen = Geladen { tijd: now, log_index };
            let historie = Historie { geladen, eerder: before.unwrap_or_default() };
            by_name.insert(convenant.naam.clone(), historie);
        }
        self.with_history(by_name)
    }

    /// With the history of its convenanten by name; one that is missing counts as not yet loaded.
    #[must_use]
    pub fn with_history(mut self, mut by_name: BTreeMap<String, Historie>) -> Self {
        for (convenant, historie) in self.convenanten.iter().zip(&mut self.historie) {
            if let Some(known) = by_name.remove(&convenant.naam) {
                *historie = known;
            }
        }
        self
    }

    /// Without the rules of the past that decide nothing: where only one convenant speaks today, nothing of it is asked.
    #[must_use]
    pub fn trimmed(mut self) -> Self {
        let shared: BTreeSet<(Berichtsoort, PartnerNaam, PartnerNaam)> =
            self.shared().into_keys().map(|(soort, van, naar)| (soort, van.clone(), naar.clone())).collect();
        let meets = |regel: &Regel| {
            let mut routes = partner_pairs(regel).map(|(van, naar)| (regel.berichtsoort, van.clone(), naar.clone()));
            routes.any(|route| shared.contains(&route))
        };
        for versie in self.historie.iter_mut().flat_map(|historie| &mut historie.eerder) {
            versie.convenant.regels.retain(meets);
        }
        self
    }

    /// Which version this is; 0 before anything was in force.
    #[must_use]
    pub fn versie(&self) -> u64 {
        self.versie
    }

    /// Whether real data flows.
    #[must_use]
    pub fn productie(&self) -> bool {
        self.productie
    }

    /// Partners, identities and mandaten.
    #[must_use]
    pub fn deelnemers(&self) -> &Deelnemers {
        &self.deelnemers
    }

    /// The partners by name.
    #[must_use]
    pub fn partners(&self) -> &BTreeMap<PartnerNaam, Partner> {
        &self.deelnemers.partners
    }

    /// All convenanten, those outside their term too.
    #[must_use]
    pub fn convenanten(&self) -> &[Convenant] {
        &self.convenanten
    }

    /// The partner at an address whose loket exists, open or closed.
    ///
    /// # Errors
    /// [`Weigering::PartnerOnbekend`] or [`Weigering::LoketOnbekend`].
    pub fn partner_at(&self, adres: &Adres) -> Result<&Partner, Weigering> {
        let partner = self.partners().get(&adres.partner).ok_or(Weigering::PartnerOnbekend)?;
        if partner.loketten.contains_key(&adres.loket) { Ok(partner) } else { Err(Weigering::LoketOnbekend) }
    }

    /// How each convenant came to be what it is, in the order of [`Self::convenanten`].
    #[must_use]
    pub fn historie(&self) -> &[Historie] {
        &self.historie
    }

    /// The names of the convenanten that speak of a berichtsoort between two partners of which another one speaks too. Only
    /// of these the past matters.
    #[must_use]
    pub fn meeting(&self) -> BTreeSet<&str> {
        let numbers: BTreeSet<usize> = self.shared().values().flatten().map(|(convenant, _)| *convenant).collect();
        numbers.into_iter().map(|at| &*self.convenanten[at].naam).collect()
    }

    /// The routes of which rules of several convenanten speak.
    pub(super) fn shared(&self) -> BTreeMap<Route<'_>, Vec<(usize, usize)>> {
        let mut routes = self.routes();
        routes.retain(|_, regels| regels.iter().any(|(convenant, _)| *convenant != regels[0].0));
        routes
    }

    /// Every route of which a rule speaks, with its rules by convenant and rule.
    pub(super) fn routes(&self) -> BTreeMap<Route<'_>, Vec<(usize, usize)>> {
        let mut routes: BTreeMap<Route<'_>, Vec<(usize, usize)>> = BTreeMap::new();
        for (van, of) in &self.regels {
            for (naar, places) in of {
                for Place { soort, convenant, regel } in places {
                    routes.entry((*soort, van, naar)).or_default().push((*convenant, *regel));
                }
            }
        }
        routes
    }

    /// The rules that speak of this berichtsoort between these two, with the number of their convenant and in its order.
    pub fn regels<'k>(
        &'k self,
        soort: Berichtsoort,
        van: &Adres,
        naar: &Adres,
    ) -> impl Iterator<Item = (usize, &'k Convenant, &'k Regel)> {
        let places = self.regels.get(&van.partner).and_then(|of| of.get(&naar.partner));
        let of_soort = places.into_iter().flatten().filter(move |place| place.soort == soort);
        of_soort
            .map(|place| {
                let convenant = &self.convenanten[place.convenant];
                (place.convenant, convenant, &convenant.regels[place.regel])
            })
            .filter(move |(_, _, regel)| regel.covers(soort, van, naar))
    }

    /// The mandaten of a partner for a berichtsoort on this day.
    ///
    /// # Errors
    /// [`Weigering::MandaatVerlopen`] where there are some, but none for this day; else [`Weigering::MandaatOntbreekt`].
    pub fn mandaten(&self, houder: &PartnerNaam, soort: Berichtsoort, day: Date) -> Result<Vec<&Mandaat>, Weigering> {
        let given = |mandaat: &&Mandaat| mandaat.partner == *houder && mandaat.berichtsoorten.contains(&soort);
        let all: Vec<&Mandaat> = self.deelnemers.mandaten.iter().filter(given).collect();
        if all.is_empty() {
            return Err(Weigering::MandaatOntbreekt);
        }
        let valid: Vec<&Mandaat> = all.into_iter().filter(|mandaat| mandaat.in_force(day)).collect();
        if valid.is_empty() { Err(Weigering::MandaatVerlopen) } else { Ok(valid) }
    }
}

/// A berichtsoort from one partner to another.
pub(super) type Route<'a> = (Berichtsoort, &'a PartnerNaam, &'a PartnerNaam);

/// Convenanten that were loaded in one moment, in their order.
fn together(count: usize, tijd: Timestamp) -> Vec<Historie> {
    let geladen = |log_index| Historie { geladen: Geladen { tijd, log_index }, eerder: Vec::new() };
    (0..count as u64).map(geladen).collect()
}

/// Each pair of partners of which a rule speaks, once.
fn partner_pairs(regel: &Regel) -> impl Iterator<Item = (&PartnerNaam, &PartnerNaam)> {
    let van: BTreeSet<&PartnerNaam> = regel.van.iter().map(|pattern| &pattern.partner).collect();
    let naar: BTreeSet<&PartnerNaam> = regel.naar.iter().map(|pattern| &pattern.partner).collect();
    van.into_iter().flat_map(move |van| naar.clone().into_iter().map(move |naar| (van, naar)))
}
