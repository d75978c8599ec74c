//! Documenten (documents): the language of the texts that can be in force, which are one document with deelnemers, and convenanten.
//!
//! [`parse`] reads all of them together, because rules name partners: `deelnemers` reads who takes part, with the `loketten` of
//! each; [`mod@convenant`] reads what is allowed on which grondslag, and `naast` judges its rules beside each other. [`samen`] finds
//! what only several convenanten together can have wrong. [`compared`] reads two convenanten by themselves, and [`mod@print`] writes one
//! as text again. How TOML is read, and what can be wrong, stands in [`lezen`](crate::lezen).
//!
//! Not here: `ketenpoort.toml`, which names the files ([`config`](crate::config)); what it means that a document is in force, which
//! is for [`domain`](crate::domain); where documents lie (`store::reading::documenten`, and `store::writer::change`, which adds
//! them); and who may change them (`exchange::beheer`).
//!
//! - Texts go in; what they mean, or every mistake in them, comes out. Only [`compared`] opens files, and nothing here asks for the
//!   time.
//! - The same code reads files, what beheer sends, and what stands in the database: nothing can be in force that could not be
//!   loaded.
//! - In whatever order the texts come, they mean the same.
//! - What is printed reads as the same convenant.
//! - A text of the past stops nothing, whatever is wrong with it by the rules of today.

pub mod compared;
pub mod convenant;
mod deelnemers;
mod loketten;
mod naast;
pub mod print;
pub mod samen;

use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA256, digest};
use toml::de::DeTable;

use self::{convenant::convenant, deelnemers::deelnemers, samen::circle};
use crate::{
    domain::{Convenant, Deelnemers, Document, DocumentSoort, VanKracht, naast::Ruimte},
    lezen::{
        Fouten, Mistakes,
        bestand::too_much,
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
    /// The convenanten, by name.
    pub convenanten: Vec<Convenant>,
    /// The texts with their names and hashes: the deelnemers, and the convenanten in the order given.
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
#[must_use]
pub fn parse_noting(bronnen: &[Bron], omgeving: &Omgeving, mistakes: &Mistakes) -> Parsed {
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

/// The deelnemers in a text that once was in force, whatever is wrong with it by the rules of today.
#[must_use]
pub fn of_the_past(tekst: &str) -> Deelnemers {
    let (mistakes, omgeving) = (Mistakes::default(), Omgeving { cas: Vec::new(), productie: false });
    let read = read_toml(Path::new(DEELNEMERS), tekst, &mistakes, |root| Some(deelnemers(root, &omgeving)));
    read.unwrap_or_default()
}

fn document(soort: DocumentSoort, naam: &str, tekst: &str) -> Document {
    Document { soort, naam: naam.to_owned(), hash: hash(tekst), tekst: tekst.to_owned() }
}

fn read_bron<T>(bron: &Bron, mistakes: &Mistakes, read: impl FnOnce(Section<'_>) -> Option<T>) -> Option<T> {
    if let Some(fout) = too_much(&bron.tekst) {
        mistakes.of_file(&bron.herkomst, fout);
        return None;
    }
    read_toml(&bron.herkomst, &bron.tekst, mistakes, read)
}

/// SHA-256 of a document, lowercase hexadecimal.
#[must_use]
pub fn hash(text: &str) -> String {
    hex::encode(digest(&SHA256, text.as_bytes()))
}

/// Kind and name of a text, as far as it has them; one that is too much to read is not looked into.
#[must_use]
pub fn name_of(tekst: &str) -> Option<(DocumentSoort, String)> {
    if too_much(tekst).is_some() {
        return None;
    }
    let (root, _) = DeTable::parse_recoverable(tekst);
    let has = |key: &str| root.get_ref().contains_key(key);
    if ["partner", "identiteit", "mandaat"].into_iter().any(has) {
        return Some((DocumentSoort::Deelnemers, DEELNEMERS.to_owned()));
    }
    let naam = root.get_ref().get("naam")?.get_ref().as_str()?;
    Some((DocumentSoort::Convenant, naam.to_owned()))
}
