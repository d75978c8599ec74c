//! The document with deelnemers: partners and their loketten, which certificate is which identity, and mandaten.

use std::{
    collections::{BTreeSet, HashMap},
    str::FromStr,
};

use super::{
    Omgeving,
    convenant::{identifier, soorten, term, unique},
    loketten::{Verwijzing, loketten, referrals},
};
use crate::{
    domain::{
        Berichtsoort, Deelnemers, Identiteit, LoketNaam, Mandaat, Oin, Partner, PartnerNaam, Rol, Toegang,
        Vingerafdruk, Wijzigen, Zicht, partner::GATEWAY, wijzigen::Bekrachtiging,
    },
    lezen::{
        fout::Fout,
        namen::{listed, short},
        section::{Located, Section, Vorm},
    },
};

const NAAM: Vorm =
    Vorm::fixed("een naam van kleine letters, cijfers en streepjes", "a name of lowercase letters, digits and hyphens");
const OIN: Vorm = Vorm::fixed("een OIN van 20 posities", "an OIN of 20 positions");
const ROL: Vorm =
    Vorm::fixed("partner, fg, auditor, beheer, tekent of contact", "partner, fg, auditor, beheer, tekent or contact");

/// Reads the document; every mistake is noted.
pub(super) fn deelnemers(root: Section<'_>, omgeving: &Omgeving) -> Deelnemers {
    let mut deelnemers = Deelnemers::default();
    let mut verwijzingen = Vec::new();
    let mut owners: HashMap<Oin, PartnerNaam> = HashMap::new();
    for section in root.sections("partner") {
        let line = section.line();
        let Some((partner, of_partner)) = partner(section) else { continue };
        verwijzingen.push((partner.naam.clone(), of_partner));
        let naam = partner.naam.to_string();
        for oin in &partner.oins {
            let owner = owners.entry(oin.clone()).or_insert_with(|| partner.naam.clone());
            if *owner != partner.naam {
                root.mistake(line, Fout::OinGedeeld { oin: oin.to_string(), partner: owner.to_string() });
            }
        }
        if deelnemers.partners.insert(partner.naam.clone(), partner).is_some() {
            root.mistake(line, Fout::Dubbel { wat: "partner".to_owned(), naam });
        }
    }
    for (partner, of_partner) in &verwijzingen {
        referrals(&root, partner, of_partner, &deelnemers);
    }
    let mut holders = Holders::default();
    for section in root.sections("identiteit") {
        let line = section.line();
        let Some(toegang) = toegang(section, &deelnemers, omgeving) else { continue };
        if let Some(other) = holders.confusable(&toegang, deelnemers.toegangen.len()) {
            let other = &deelnemers.toegangen[other];
            let (oin, partner) = (toegang.identiteit.oin.to_string(), other.identiteit.partner.to_string());
            root.mistake(line, Fout::IdentiteitDubbelzinnig { oin, partner });
        }
        deelnemers.toegangen.push(toegang);
    }
    if !deelnemers.toegangen.iter().any(|toegang| toegang.identiteit.rol == Rol::Beheer) {
        root.mistake(root.line(), Fout::GeenBeheer {});
    }
    for section in root.sections("mandaat") {
        deelnemers.mandaten.extend(mandaat(section, &deelnemers));
    }
    for section in root.sections("geblokkeerd") {
        let line = section.line();
        let Some((blocked, why)) = geblokkeerd(section) else { continue };
        let naam = blocked.to_string();
        if deelnemers.geblokkeerd.insert(blocked, why).is_some() {
            root.mistake(line, Fout::Dubbel { wat: "[[geblokkeerd]]".to_owned(), naam });
        }
    }
    deelnemers.wijzigen = root.optional_section("wijzigen").map(wijzigen).unwrap_or_default();
    let operators = deelnemers.toegangen.iter().filter(|toegang| toegang.identiteit.rol == Rol::Beheer);
    if deelnemers.wijzigen.bekrachtigt != Bekrachtiging::Niemand && operators.count() < 2 {
        root.mistake(root.line(), Fout::GeenTweedeBeheer {});
    }
    of_one_holder(&root, &deelnemers.mandaten);
    unique(&root, "mandaat", deelnemers.mandaten.iter().map(|mandaat| mandaat.id.as_str()));
    root.finish();
    deelnemers
}

/// By what a certificate is known, of the identities so far; each with the first that has it, by number.
#[derive(Default)]
struct Holders {
    any: HashMap<(String, Oin), usize>,
    with_san: HashMap<(String, Oin, Option<String>), usize>,
}

impl Holders {
    /// The first identity that one certificate could open as well as this one, so that neither would count. This one gets this number.
    fn confusable(&mut self, toegang: &Toegang, number: usize) -> Option<usize> {
        let known = (toegang.ca.clone(), toegang.identiteit.oin.clone());
        let with = |san: Option<String>| (known.0.clone(), known.1.clone(), san);
        let found = match &toegang.san {
            None => self.any.get(&known).copied(),
            Some(san) => {
                let same = [None, Some(san.clone())].map(|san| self.with_san.get(&with(san)).copied());
                same.into_iter().flatten().min()
            }
        };
        self.with_san.entry(with(toegang.san.clone())).or_insert(number);
        self.any.entry(known).or_insert(number);
        found
    }
}

/// Mandaten of one partner for one berichtsoort, at most.
const MEESTE_MANDATEN: usize = 100;

/// Notes each partner with more mandaten for one berichtsoort than anybody gave it.
fn of_one_holder(root: &Section<'_>, mandaten: &[Mandaat]) {
    let mut counted: HashMap<(&PartnerNaam, Berichtsoort), usize> = HashMap::new();
    for mandaat in mandaten {
        for soort in &mandaat.berichtsoorten {
            let count = counted.entry((&mandaat.partner, *soort)).or_default();
            *count += 1;
            if *count == MEESTE_MANDATEN + 1 {
                let wat = format!("mandaten van {} voor {soort}", mandaat.partner);
                root.mistake(root.line(), Fout::TeVeel { wat, meeste: MEESTE_MANDATEN });
            }
        }
    }
}

fn partner(section: Section<'_>) -> Option<(Partner, Vec<Verwijzing>)> {
    let naam = section.parsed::<PartnerNaam>("naam", &NAAM);
    if let Some(naam) = naam.as_ref().filter(|naam| naam.value.as_str() == GATEWAY) {
        section.mistake(naam.line, Fout::NaamVanDePoort { naam: naam.value.to_string() });
    }
    let organisatie = section.optional_text("organisatie").map(|text| text.value);
    let oins: Vec<Oin> = values(section.list("oin", &OIN, false));
    let (loketten, verwijzingen) = loketten(&section);
    section.finish();
    let naam = naam?.value;
    (!oins.is_empty()).then_some((Partner { naam, organisatie, oins, loketten }, verwijzingen))
}

fn values<T, C: FromIterator<T>>(located: Vec<Located<T>>) -> C {
    located.into_iter().map(|located| located.value).collect()
}

fn toegang(section: Section<'_>, known: &Deelnemers, omgeving: &Omgeving) -> Option<Toegang> {
    let ca = section.text("ca");
    if let Some(ca) = &ca
        && !omgeving.cas.contains(&ca.value)
    {
        section.mistake(ca.line, Fout::OnbekendeCa { naam: short(&ca.value) });
    }
    let oin = section.parsed::<Oin>("oin", &OIN);
    if let Some(oin) = &oin
        && omgeving.productie
        && oin.value.is_test()
    {
        section.mistake(oin.line, Fout::Ontwikkelcertificaat { oin: oin.value.to_string() });
    }
    let san = section.optional_text("san");
    let naam = section.parsed::<PartnerNaam>("partner", &NAAM);
    let rol = section.parsed::<Rol>("rol", &ROL);
    let loketten: Vec<Located<LoketNaam>> = section.list("loketten", &NAAM, true);
    let loketten = match (&naam, &rol) {
        (Some(naam), Some(rol)) => opened(&section, naam, rol.value, oin.as_ref(), &loketten, known),
        _ => BTreeSet::new(),
    };
    let ziet = match (&naam, &rol) {
        (Some(naam), Some(rol)) => zicht(&section, &naam.value, rol.value, known),
        _ => Zicht::default(),
    };
    section.finish();
    let identiteit = Identiteit { partner: naam?.value, oin: oin?.value, rol: rol?.value, loketten, ziet };
    Some(Toegang { ca: ca?.value, san: san.map(|san| san.value), identiteit })
}

/// A certificate that opens nothing, and why.
fn geblokkeerd(section: Section<'_>) -> Option<(Vingerafdruk, String)> {
    let vorm = Vorm::fixed(
        "de SHA-256 van een certificaat, 64 hexadecimale cijfers, zoals openssl x509 -noout -fingerprint -sha256 die geeft",
        "the SHA-256 of a certificate, 64 hexadecimal digits, as openssl x509 -noout -fingerprint -sha256 prints it",
    );
    let vingerafdruk = section.parsed::<Vingerafdruk>("vingerafdruk", &vorm);
    let reden = section.text("reden");
    section.finish();
    Some((vingerafdruk?.value, reden?.value))
}

/// Days that a change can be told before, at most.
const MEESTE_DAGEN: u64 = 365;

/// What a change of what is in force asks.
fn wijzigen(section: Section<'_>) -> Wijzigen {
    let vorm = Vorm::fixed("niemand, ander of partijen", "niemand, ander or partijen");
    let bekrachtigt = section.optional_parsed::<Bekrachtiging>("bekrachtigt", &vorm);
    let na_dagen = section.optional_number("na_dagen", 0..=MEESTE_DAGEN);
    section.finish();
    Wijzigen {
        bekrachtigt: bekrachtigt.map(|of| of.value).unwrap_or_default(),
        na_dagen: na_dagen.and_then(|of| u16::try_from(of.value).ok()).unwrap_or_default(),
    }
}

/// A name in `ziet`: a partner, or everybody.
enum Gezien {
    Alles,
    Partner(PartnerNaam),
}

impl FromStr for Gezien {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "*" => Ok(Self::Alles),
            naam => naam.parse().map(Self::Partner).map_err(|_| ()),
        }
    }
}

/// Whose logregels an identity may see: an FG those of its partner, and what `ziet` adds to that.
fn zicht(section: &Section<'_>, naam: &PartnerNaam, rol: Rol, known: &Deelnemers) -> Zicht {
    let vorm = Vorm::fixed("namen van partners, of \"*\" voor alles", "names of partners, or \"*\" for everything");
    let granted: Vec<Located<Gezien>> = section.list("ziet", &vorm, true);
    if !matches!(rol, Rol::Fg | Rol::Auditor) {
        if let Some(first) = granted.first() {
            section.mistake(first.line, Fout::ZietNiet { rol: rol.to_string() });
        }
        return Zicht::default();
    }
    if rol == Rol::Auditor && granted.is_empty() {
        section.mistake(section.line(), Fout::ZietNiets {});
    }
    let mut partners: BTreeSet<PartnerNaam> = (rol == Rol::Fg).then(|| naam.clone()).into_iter().collect();
    let mut alles = false;
    for Located { value, line } in granted {
        match value {
            Gezien::Alles => alles = true,
            Gezien::Partner(partner) => {
                if !known.partners.contains_key(&partner) {
                    super::convenant::unknown_partner(section, line, partner.as_str(), known);
                }
                partners.insert(partner);
            }
        }
    }
    if alles { Zicht::alles() } else { Zicht::op(partners) }
}

/// The loketten that an identity opens: those named, or all of its partner.
fn opened(
    section: &Section<'_>,
    naam: &Located<PartnerNaam>,
    rol: Rol,
    oin: Option<&Located<Oin>>,
    named: &[Located<LoketNaam>],
    known: &Deelnemers,
) -> BTreeSet<LoketNaam> {
    let Some(partner) = known.partners.get(&naam.value) else {
        // Auditor and operator belong to no partner of the exchange.
        if matches!(rol, Rol::Partner | Rol::Fg | Rol::Tekent | Rol::Contact) {
            unknown_partner(section, naam, known);
        }
        return BTreeSet::new();
    };
    if let Some(oin) = oin
        && !partner.oins.contains(&oin.value)
    {
        section.mistake(oin.line, Fout::OinVanAnder { partner: naam.value.to_string() });
    }
    if let Some(first) = named.first().filter(|_| rol != Rol::Partner) {
        section.mistake(first.line, Fout::LoketNietVoorRol { rol: rol.to_string() });
    }
    for loket in named.iter().filter(|loket| !partner.loketten.contains_key(&loket.value)) {
        let bestaat = listed(partner.loketten.keys().map(LoketNaam::as_str));
        let (partner, naam) = (partner.naam.to_string(), loket.value.to_string());
        section.mistake(loket.line, Fout::OnbekendLoket { partner, loket: naam, bestaat });
    }
    if named.is_empty() && rol == Rol::Partner {
        partner.loketten.keys().cloned().collect()
    } else {
        named.iter().map(|loket| loket.value.clone()).collect()
    }
}

fn unknown_partner(section: &Section<'_>, naam: &Located<PartnerNaam>, known: &Deelnemers) {
    super::convenant::unknown_partner(section, naam.line, naam.value.as_str(), known);
}

fn mandaat(section: Section<'_>, known: &Deelnemers) -> Option<Mandaat> {
    let id = identifier(&section, "id");
    let gever = section.text("gever");
    let functie = section.text("functie");
    let naam = section.parsed::<PartnerNaam>("partner", &NAAM);
    if let Some(naam) = naam.as_ref().filter(|naam| !known.partners.contains_key(&naam.value)) {
        unknown_partner(&section, naam, known);
    }
    let berichtsoorten: BTreeSet<Berichtsoort> = values(section.list("berichtsoorten", &soorten(), false));
    let term = term(&section, "het mandaat");
    let bron = section.text("bron");
    section.finish();
    let (geldig_van, geldig_tot_en_met) = term?;
    Some(Mandaat {
        id: id?,
        gever: gever?.value,
        functie: functie?.value,
        partner: naam?.value,
        berichtsoorten,
        geldig_van,
        geldig_tot_en_met,
        bron: bron?.value,
    })
}
