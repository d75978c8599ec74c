//! Documents that can be in force: one with deelnemers, and convenanten. Parsed together, because rules name partners.
//!
//! Pure: texts in, domain values or every mistake out. The same code reads files, what beheer sends, and what stands in the
//! database, so that nothing can be in force that could not be loaded.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use jiff::civil::Date;
use toml::de::DeTable;

use super::{
    convenant::{convenant, hash},
    deelnemers::deelnemers,
};
use crate::{
    domain::{
        Convenant, Deelnemers, Document, DocumentSoort, Partner, PartnerNaam, VanKracht,
        naast::Ruimte,
        onbeslist::{Onbeslist, onbeslist},
    },
    lezen::{
        Fouten, Mistake, Mistakes,
        bestand::{MOST_BYTES, too_large},
        fout::Fout,
        section::{Section, read_toml},
    },
};

/// The one document with deelnemers.
pub const DEELNEMERS: &str = "deelnemers";

/// A text and where it comes from, as mistakes name it.
#[derive(Clone, Debug)]
pub struct Bron {
    /// A path, or the name under which it is in force.
    pub herkomst: PathBuf,
    /// The text, TOML.
    pub tekst: String,
}

/// What documents are judged against.
#[derive(Clone, Debug)]
pub struct Omgeving {
    /// Names of the CAs in the configuration.
    pub cas: Vec<String>,
    /// Whether real data flows: then no development certificates.
    pub productie: bool,
}

/// Documents that hold together.
#[derive(Clone, Debug)]
pub struct Parsed {
    /// Partners, identities and mandaten.
    pub deelnemers: Deelnemers,
    /// The convenanten, in the order given.
    pub convenanten: Vec<Convenant>,
    /// The texts with their names and hashes, in the order given.
    pub documenten: Vec<Document>,
}

impl Parsed {
    /// As what is in force from version `versie` on.
    #[must_use]
    pub fn van_kracht(self, versie: u64, omgeving: &Omgeving) -> VanKracht {
        VanKracht::new(versie, omgeving.productie, self.deelnemers, self.convenanten)
    }
}

/// Parses all documents together.
///
/// # Errors
/// [`Fouten`] with every mistake of every document.
pub fn parse(bronnen: &[Bron], omgeving: &Omgeving) -> Result<Parsed, Fouten> {
    let mistakes = Mistakes::default();
    let parsed = parse_noting(bronnen, omgeving, &mistakes);
    mistakes.outcome().map(|()| parsed)
}

/// Parses what can be parsed, and notes every mistake.
pub(super) fn parse_noting(bronnen: &[Bron], omgeving: &Omgeving, mistakes: &Mistakes) -> Parsed {
    let mut parsed = Parsed { deelnemers: Deelnemers::default(), convenanten: Vec::new(), documenten: Vec::new() };
    let (of_deelnemers, others): (Vec<&Bron>, Vec<&Bron>) =
        bronnen.iter().partition(|bron| matches!(name_of(&bron.tekst), Some((DocumentSoort::Deelnemers, _))));
    if of_deelnemers.len() != 1 {
        let file = of_deelnemers.last().map_or_else(|| DEELNEMERS.into(), |bron| bron.herkomst.clone());
        mistakes.of_file(&file, Fout::EenDeelnemers {});
    }
    for bron in of_deelnemers {
        let read = read_bron(bron, mistakes, |root| Some(deelnemers(root, omgeving)));
        parsed.deelnemers = read.unwrap_or_default();
        parsed.documenten.push(document(DocumentSoort::Deelnemers, DEELNEMERS, &bron.tekst));
    }
    let mut ruimte = Ruimte::default();
    for bron in others {
        let read = |root: Section<'_>| convenant(root, hash(&bron.tekst), &parsed.deelnemers, &mut ruimte);
        let read = read_bron(bron, mistakes, read);
        let Some(convenant) = read else { continue };
        if convenant.naam == DEELNEMERS || parsed.convenanten.iter().any(|other| other.naam == convenant.naam) {
            let fout = Fout::Dubbel { wat: "convenant".to_owned(), naam: convenant.naam.clone() };
            mistakes.of_file(&bron.herkomst, fout);
        }
        parsed.documenten.push(document(DocumentSoort::Convenant, &convenant.naam, &bron.tekst));
        parsed.convenanten.push(convenant);
    }
    // By name, as the database gives them: of equal rules the first one stamps, wherever its file stands.
    parsed.convenanten.sort_by(|one, other| one.naam.cmp(&other.naam));
    if let Some((first, kring)) = circle(&parsed.convenanten) {
        let of_first = |bron: &&Bron| name_of(&bron.tekst) == Some((DocumentSoort::Convenant, first.clone()));
        let file = bronnen.iter().find(of_first).map_or_else(PathBuf::new, |bron| bron.herkomst.clone());
        mistakes.of_file(&file, Fout::StaatAchterKring { kring });
    }
    parsed
}

/// Convenanten that stand behind each other in a circle, if there are some: the name of one, and all of them in Dutch.
fn circle(convenanten: &[Convenant]) -> Option<(String, String)> {
    let by_name: BTreeMap<&str, &Convenant> = convenanten.iter().map(|of| (of.naam.as_str(), of)).collect();
    // One that stands behind nobody who is left is in no circle; what cannot be taken away is, or stands behind one.
    let mut left = by_name.clone();
    loop {
        // Behind itself is a mistake of its own.
        let leads = |of: &Convenant, naam: &String| *naam != of.naam && left.contains_key(naam.as_str());
        let free: Vec<&str> = left
            .values()
            .filter(|of| !of.staat_achter.iter().any(|naam| leads(of, naam)))
            .map(|of| of.naam.as_str())
            .collect();
        if free.is_empty() {
            break;
        }
        left.retain(|naam, _| !free.contains(naam));
    }
    let mut way: Vec<&str> = vec![left.first_key_value()?.0];
    loop {
        let last = by_name[way[way.len() - 1]];
        let next = last.staat_achter.iter().filter(|naam| **naam != last.naam);
        let next = next.into_iter().find_map(|naam| left.get_key_value(naam.as_str()))?.0;
        if let Some(start) = way.iter().position(|naam| naam == next) {
            way.push(next);
            return Some((next.to_string(), way[start..].join(" achter ")));
        }
        way.push(next);
    }
}

/// Each two convenanten, one of them among `bronnen`, of which nothing says which one stamps: found where documents are
/// judged before they come in force, and never in what is in force.
#[must_use]
pub fn undecided(van_kracht: &VanKracht, bronnen: &[Bron], day: Date) -> Vec<Mistake> {
    let files: BTreeMap<String, &PathBuf> =
        bronnen.iter().filter_map(|bron| Some((name_of(&bron.tekst)?.1, &bron.herkomst))).collect();
    let mistake = |Onbeslist { een, ander, uitwisseling }: Onbeslist| {
        let file = files.get(&ander.convenant).or_else(|| files.get(&een.convenant))?;
        let verschil = format!("{} of {}", een.tekst(), ander.tekst());
        let fout = Fout::SamenVanKracht { convenant: een.convenant, andere: ander.convenant, uitwisseling, verschil };
        Some(Mistake { file: (*file).clone(), line: 0, fout })
    };
    onbeslist(van_kracht, day).into_iter().filter_map(mistake).collect()
}

/// The partners in a text that once was in force, whatever is wrong with it by the rules of today.
#[must_use]
pub fn partners(tekst: &str) -> BTreeMap<PartnerNaam, Partner> {
    let (mistakes, omgeving) = (Mistakes::default(), Omgeving { cas: Vec::new(), productie: false });
    let read = read_toml(Path::new(DEELNEMERS), tekst, &mistakes, |root| Some(deelnemers(root, &omgeving)));
    read.unwrap_or_default().partners
}

fn document(soort: DocumentSoort, naam: &str, tekst: &str) -> Document {
    Document { soort, naam: naam.to_owned(), hash: hash(tekst), tekst: tekst.to_owned() }
}

fn read_bron<T>(bron: &Bron, mistakes: &Mistakes, read: impl FnOnce(Section<'_>) -> Option<T>) -> Option<T> {
    if bron.tekst.len() as u64 > MOST_BYTES {
        mistakes.of_file(&bron.herkomst, too_large());
        return None;
    }
    read_toml(&bron.herkomst, &bron.tekst, mistakes, read)
}

/// Kind and name of a text, as far as it has them.
#[must_use]
pub fn name_of(tekst: &str) -> Option<(DocumentSoort, String)> {
    let (root, _) = DeTable::parse_recoverable(tekst);
    let has = |key: &str| root.get_ref().contains_key(key);
    if ["partner", "identiteit", "mandaat"].into_iter().any(has) {
        return Some((DocumentSoort::Deelnemers, DEELNEMERS.to_owned()));
    }
    let naam = root.get_ref().get("naam")?.get_ref().as_str()?;
    Some((DocumentSoort::Convenant, naam.to_owned()))
}
