//! `[[ca]]`: a certificate authority, and its revocation lists.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    str::FromStr,
};

use crate::{
    documenten::hash,
    lezen::{
        fout::Fout,
        namen::short,
        section::{Section, Vorm},
    },
    uitgaand::Haaladres,
};

/// A certificate authority.
#[derive(Clone, Debug)]
pub struct Ca {
    /// Its name in identities.
    pub naam: String,
    /// Its certificate, PEM.
    pub bestand: PathBuf,
    /// Its revocation lists in files, PEM or DER.
    pub crl: Vec<PathBuf>,
    /// Those that are fetched.
    pub opgehaald: Vec<Opgehaald>,
    /// Certificates that stand between its own and those of partners, PEM: who can have signed a list that is fetched.
    pub tussenliggend: Option<PathBuf>,
    /// The CAs of who publishes its lists over https, PEM.
    pub crl_ca: Option<PathBuf>,
}

/// A revocation list that is fetched.
#[derive(Clone, Debug)]
pub struct Opgehaald {
    /// From where.
    pub adres: Haaladres,
    /// Where the last good one is kept.
    pub bestand: PathBuf,
}

impl Ca {
    /// One whose lists are files.
    #[must_use]
    pub fn of_files(naam: &str, bestand: PathBuf, crl: Vec<PathBuf>) -> Self {
        Self { naam: naam.to_owned(), bestand, crl, opgehaald: Vec::new(), tussenliggend: None, crl_ca: None }
    }

    /// Its revocation lists as files: those that were given, and what was fetched. Nothing where the configuration names no list: then
    /// revocation is not checked, and a gateway in production starts only where that is accepted by name. Where a list is named and was
    /// not fetched yet, everyone of this CA is refused.
    #[must_use]
    pub fn lists(&self) -> Option<Vec<PathBuf>> {
        let fetched = self.opgehaald.iter().map(|of| &of.bestand).filter(|file| file.exists());
        let is_named = !self.crl.is_empty() || !self.opgehaald.is_empty();
        is_named.then(|| self.crl.iter().chain(fetched).cloned().collect())
    }
}

/// The CAs. Two of one name are a mistake: the second would vouch for who was bound to the first.
pub(super) fn cas(root: &Section<'_>, base: &Path, fetched: &Path) -> Vec<Ca> {
    let mut names = BTreeSet::new();
    let mut cas = Vec::new();
    for section in root.sections("ca") {
        let line = section.line();
        let Some(ca) = ca(section, base, fetched) else { continue };
        if !names.insert(ca.naam.clone()) {
            root.mistake(line, Fout::Dubbel { wat: "[[ca]]".to_owned(), naam: short(&ca.naam) });
        }
        cas.push(ca);
    }
    cas
}

/// A revocation list: a file, or an address to fetch it from.
enum Lijst {
    Bestand(String),
    Adres(Haaladres),
}

impl FromStr for Lijst {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        if text.contains("://") { text.parse().map(Self::Adres) } else { Ok(Self::Bestand(text.to_owned())) }
    }
}

fn ca(section: Section<'_>, base: &Path, fetched: &Path) -> Option<Ca> {
    let lists = Vorm::fixed(
        "bestanden, of adressen die met http:// of https:// beginnen, zonder gebruiker of wachtwoord",
        "files, or addresses that begin with http:// or https://, without user or password",
    );
    let naam = section.text("naam");
    let bestand = section.text("bestand");
    let (mut crl, mut opgehaald) = (Vec::new(), Vec::new());
    for list in section.list::<Lijst>("crl", &lists, true) {
        match list.value {
            Lijst::Bestand(file) => crl.push(base.join(file)),
            Lijst::Adres(adres) => {
                let bestand = fetched.join(format!("{}.crl", &hash(&adres.to_string())[..16]));
                opgehaald.push(Opgehaald { adres, bestand });
            }
        }
    }
    let file = |key| section.optional_text(key).map(|file| base.join(file.value));
    let (tussenliggend, crl_ca) = (file("tussenliggend"), file("crl_ca"));
    // Without CAs nobody could tell whether it is this publisher that answers.
    if crl_ca.is_none() && opgehaald.iter().any(|of| of.adres.is_secure()) {
        let fout = Fout::Ontbreekt { sleutel: "crl_ca".to_owned(), waarin: "[[ca]]".to_owned() };
        section.mistake(section.line(), fout);
    }
    section.finish();
    let of_files = Ca::of_files(&naam?.value, base.join(bestand?.value), crl);
    Some(Ca { opgehaald, tussenliggend, crl_ca, ..of_files })
}
