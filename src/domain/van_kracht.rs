//! What is in force: the deelnemers and the convenanten by which every bericht is judged.
//!
//! Made once from parsed documents, then only read. Rules are found by partner pair, so that a judgement costs the same
//! with two rules and with two thousand.

mod geladen;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    str::FromStr,
};

use jiff::{Timestamp, civil::Date};

use super::{
    Aangemeld, Adres, Berichtsoort, Certificaat, Convenant, Historie, Mandaat, Partner, PartnerNaam, Regel, Rol,
    Toegang, Vingerafdruk, Weigering, Wijzigen, naast::partner_pairs,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
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

impl DocumentSoort {
    /// A document by its kind and name, as the logboek names it: `convenant/zvh-breda`, `deelnemers/deelnemers`.
    #[must_use]
    pub fn in_logboek(self, naam: &str) -> String {
        format!("{}/{naam}", self.as_str())
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
    /// Certificates that open nothing, whoever holds them, each with why.
    pub geblokkeerd: BTreeMap<Vingerafdruk, String>,
    /// What a change of what is in force asks.
    pub wijzigen: Wijzigen,
}

/// A certificate that is nobody, or more than one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NietAangemeld {
    /// No identity has this CA, OIN and name.
    Onbekend,
    /// Several do.
    Dubbelzinnig,
    /// This one certificate is blocked.
    Geblokkeerd,
}

impl Deelnemers {
    /// Whether somebody answers people for this partner, and decides for it in their dossiers.
    #[must_use]
    pub fn has_contactpunt(&self, naam: &PartnerNaam) -> bool {
        let of = |Toegang { identiteit, .. }: &Toegang| identiteit.rol == Rol::Contact && identiteit.partner == *naam;
        self.toegangen.iter().any(of)
    }

    /// The one identity that a certificate opens.
    ///
    /// # Errors
    /// [`NietAangemeld`] where there is none, or more than one, or this one certificate is blocked.
    pub fn toegang(&self, certificaat: &Certificaat) -> Result<&Toegang, NietAangemeld> {
        if self.geblokkeerd.contains_key(&certificaat.vingerafdruk) {
            return Err(NietAangemeld::Geblokkeerd);
        }
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

pub(super) use geladen::Route;

/// What is in force.
#[derive(Clone, Debug, Default)]
pub struct VanKracht {
    versie: u64,
    gelezen_versie: u64,
    productie: bool,
    deelnemers: Deelnemers,
    convenanten: Vec<Convenant>,
    /// How each convenant came to be what it is, in the same order.
    historie: Vec<Historie>,
    /// The partners of which rules speak, by number.
    numbers: HashMap<PartnerNaam, u32>,
    /// Where each rule stands, in order; a list that is searched, because a map of maps takes ten times the memory.
    regels: Vec<Place>,
    /// The addresses of each partner, by loket.
    adressen: HashMap<PartnerNaam, Vec<Adres>>,
    /// Mandaten by holder and berichtsoort, by number.
    mandaten: HashMap<PartnerNaam, HashMap<Berichtsoort, Vec<usize>>>,
}

/// A rule between two partners; their order is by partners and berichtsoort, and then that of the documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    van: u32,
    naar: u32,
    soort: Berichtsoort,
    convenant: u32,
    regel: u32,
}

impl VanKracht {
    /// Version `versie` of what is in force: the `log_index` after the newest regel that changed it. In `productie` an unconfirmed grondslag counts only when it was accepted.
    ///
    /// All convenanten count as loaded together, and not yet: [`Self::loaded_at`] and [`Self::with_history`] say when.
    #[must_use]
    pub fn new(versie: u64, productie: bool, deelnemers: Deelnemers, convenanten: Vec<Convenant>) -> Self {
        let (numbers, regels) = places(&convenanten);
        let all = deelnemers.partners.iter();
        let adressen = all.map(|(naam, partner)| (naam.clone(), partner.adressen().collect())).collect();
        let mut mandaten: HashMap<PartnerNaam, HashMap<Berichtsoort, Vec<usize>>> = HashMap::new();
        for (number, mandaat) in deelnemers.mandaten.iter().enumerate() {
            let of_holder = mandaten.entry(mandaat.partner.clone()).or_default();
            for soort in &mandaat.berichtsoorten {
                of_holder.entry(*soort).or_default().push(number);
            }
        }
        let historie = geladen::together(convenanten.len(), Timestamp::MAX);
        Self {
            versie,
            gelezen_versie: versie,
            productie,
            deelnemers,
            convenanten,
            historie,
            numbers,
            regels,
            adressen,
            mandaten,
        }
    }

    /// The same, for a later version whose texts cannot be read here: a gateway serves on by what it knew. Only convenanten whose text
    /// (SHA-256) is still in force allow anything: nothing is accepted on one that was withdrawn or replaced.
    #[must_use]
    pub fn taken_for(&self, versie: u64, in_force: &BTreeSet<String>) -> Self {
        let mut taken = Self { versie, ..self.clone() };
        taken.regels.retain(|place| in_force.contains(&self.convenanten[place.convenant as usize].hash));
        taken
    }

    /// The version whose texts these are: older than [`Self::versie`] where a later one could not be read.
    #[must_use]
    pub fn gelezen_versie(&self) -> u64 {
        self.gelezen_versie
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

    /// The addresses of a partner, in the order of its loketten.
    #[must_use]
    pub fn adressen(&self, partner: &PartnerNaam) -> &[Adres] {
        self.adressen.get(partner).map_or(&[], Vec::as_slice)
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

    /// The rules that speak of this berichtsoort between these two, with the number of their convenant and in its order.
    pub fn regels<'k>(
        &'k self,
        soort: Berichtsoort,
        van: &Adres,
        naar: &Adres,
    ) -> impl Iterator<Item = (usize, &'k Convenant, &'k Regel)> {
        let numbers = self.numbers.get(&van.partner).zip(self.numbers.get(&naar.partner));
        let places = numbers.map_or(&[][..], |(van, naar)| {
            let key = |place: &Place| (place.van, place.naar, place.soort);
            let from = self.regels.partition_point(|place| key(place) < (*van, *naar, soort));
            let until = self.regels[from..].partition_point(|place| key(place) == (*van, *naar, soort));
            &self.regels[from..from + until]
        });
        places
            .iter()
            .map(|place| {
                let at = place.convenant as usize;
                let convenant = &self.convenanten[at];
                (at, convenant, &convenant.regels[place.regel as usize])
            })
            .filter(move |(_, _, regel)| regel.covers(soort, van, naar))
    }

    /// Every mandaat of a partner for a berichtsoort, whatever its term.
    pub fn given(&self, houder: &PartnerNaam, soort: Berichtsoort) -> impl Iterator<Item = &Mandaat> {
        let numbers = self.mandaten.get(houder).and_then(|of_holder| of_holder.get(&soort));
        numbers.into_iter().flatten().map(|number| &self.deelnemers.mandaten[*number])
    }

    /// The mandaten of a partner for a berichtsoort on this day.
    ///
    /// # Errors
    /// [`Weigering::MandaatVerlopen`] where there are some, but none for this day; else [`Weigering::MandaatOntbreekt`].
    pub fn mandaten(&self, houder: &PartnerNaam, soort: Berichtsoort, day: Date) -> Result<Vec<&Mandaat>, Weigering> {
        let all: Vec<&Mandaat> = self.given(houder, soort).collect();
        if all.is_empty() {
            return Err(Weigering::MandaatOntbreekt);
        }
        let valid: Vec<&Mandaat> = all.into_iter().filter(|mandaat| mandaat.in_force(day)).collect();
        if valid.is_empty() { Err(Weigering::MandaatVerlopen) } else { Ok(valid) }
    }
}

/// Partners by number, and where each rule stands.
fn places(convenanten: &[Convenant]) -> (HashMap<PartnerNaam, u32>, Vec<Place>) {
    let small = |number: usize| u32::try_from(number).expect("documents hold fewer than that");
    let (mut numbers, mut places): (HashMap<PartnerNaam, u32>, _) = (HashMap::new(), Vec::new());
    for (convenant, of_convenant) in convenanten.iter().enumerate() {
        for (number, regel) in of_convenant.regels.iter().enumerate() {
            let (convenant, soort) = (small(convenant), regel.berichtsoort);
            for (van, naar) in partner_pairs(regel) {
                let [van, naar] = [van, naar].map(|partner| {
                    let next = small(numbers.len());
                    *numbers.entry(partner.clone()).or_insert(next)
                });
                places.push(Place { van, naar, soort, convenant, regel: small(number) });
            }
        }
    }
    places.sort_unstable();
    (numbers, places)
}
