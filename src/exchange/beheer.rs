//! Beheer: put documents in force and withdraw them, all or nothing, each with a logregel.

use super::{
    Call, Exchange,
    send::MOST_TURNS,
    unavailable,
    van_kracht::{bron, parse_aside},
};
use crate::{
    check::bevindingen::bevindingen,
    config::{
        ConfigError,
        documents::{Bron, DEELNEMERS, Parsed, name_of},
        fout::Fout,
        section::Mistake,
    },
    domain::{
        Document, DocumentSoort, Overtreding, VanKracht, Weigering, houdbaarheid::amsterdam_date, verschil::verschil,
    },
    logboek::TlogProof,
    store::{Actor, Change, Event, Wijziging, documenten},
};

/// What beheer asks.
#[derive(Clone, Debug)]
pub struct Opdracht {
    /// Documents to put in force; each replaces the one of its name.
    pub laden: Vec<Bron>,
    /// Names of convenanten to withdraw.
    pub intrekken: Vec<String>,
    /// Why, 1 to 500 characters; the logboek commits to it.
    pub reden: String,
    /// Staff reference of the acting employee.
    pub medewerker: String,
    /// Only say what would change.
    pub proef: bool,
}

/// What a change did, or would do.
pub struct Gevolg {
    /// The version that is in force now.
    pub versie: u64,
    /// Each document that changed.
    pub wijzigingen: Vec<Gewijzigd>,
    /// What it means, in sentences: newly allowed, forbidden, shortened, lengthened.
    pub zinnen: Vec<String>,
    /// What deserves a second look since this change, and did not before.
    pub waarschuwingen: Vec<String>,
}

/// A document that changed.
pub struct Gewijzigd {
    /// What and how.
    pub wijziging: Wijziging,
    /// The proof that it is in the logboek; absent when nothing was changed.
    pub bewijs: Option<TlogProof>,
}

/// A change that was judged, before it is written.
struct Plan {
    basis: u64,
    wijzigingen: Vec<Wijziging>,
    zinnen: Vec<String>,
    waarschuwingen: Vec<String>,
}

impl Exchange {
    /// Changes what is in force: everything that is asked, or nothing.
    ///
    /// # Errors
    /// [`Weigering::DocumentOnjuist`] with every mistake, or [`Weigering::DocumentOnbekend`]; not yet logged.
    pub async fn change(&self, call: &Call, opdracht: &Opdracht) -> Result<Gevolg, Weigering> {
        for _ in 0..MOST_TURNS {
            let Plan { basis, wijzigingen, zinnen, waarschuwingen } = self.plan(call, opdracht).await?;
            if opdracht.proef || wijzigingen.is_empty() {
                let unproven = |wijziging| Gewijzigd { wijziging, bewijs: None };
                let wijzigingen = wijzigingen.into_iter().map(unproven).collect();
                return Ok(Gevolg { versie: basis, wijzigingen, zinnen, waarschuwingen });
            }
            let actor = Actor {
                reden: Some(self.committed(opdracht.reden.as_bytes())),
                ..self.actor(call, Some(&opdracht.medewerker))
            };
            let change = Change { basis, wijzigingen: wijzigingen.clone(), actor: Some(actor) };
            let event = |reply| Event::Change(Box::new(change), reply);
            let (changed, commit) = self.store.writer.write(event).await.map_err(unavailable)?;
            let Ok(changed) = changed else { continue };
            let commit = commit.ok_or_else(|| unavailable("a change without a commit"))?;
            self.refresh().await.map_err(unavailable)?;
            let proven =
                |(wijziging, (index, regel))| Gewijzigd { wijziging, bewijs: Some(commit.proof(index, regel)) };
            let wijzigingen = wijzigingen.into_iter().zip(changed.regels).map(proven).collect();
            return Ok(Gevolg { versie: changed.versie, wijzigingen, zinnen, waarschuwingen });
        }
        Err(unavailable("what is in force changes faster than it can be judged by"))
    }

    /// What is in force: version and documents.
    ///
    /// # Errors
    /// [`Weigering::NietBeschikbaar`].
    pub async fn documents(&self) -> Result<(u64, Vec<Document>), Weigering> {
        documenten::in_force(&self.store.read).await.map_err(unavailable)
    }

    /// One document in force.
    ///
    /// # Errors
    /// [`Weigering::DocumentOnbekend`], not yet logged.
    pub async fn document(&self, naam: &str) -> Result<Document, Weigering> {
        let (_, documenten) = self.documents().await?;
        documenten.into_iter().find(|document| document.naam == naam).ok_or(Weigering::DocumentOnbekend)
    }

    async fn plan(&self, call: &Call, opdracht: &Opdracht) -> Result<Plan, Weigering> {
        let (basis, current) = self.documents().await?;
        let before = self.judged_by(&current).await?;
        // Who was taken out meanwhile changes nothing any more.
        before.deelnemers().still(&call.aangemeld)?;
        let both = |naam: &String| {
            opdracht.laden.iter().any(|bron| name_of(&bron.tekst) == Some((DocumentSoort::Convenant, naam.clone())))
        };
        if opdracht.intrekken.iter().any(both) {
            return Err(Weigering::veld("intrekken", "geen convenant dat in dezelfde wijziging wordt geladen"));
        }
        let of_kind = |naam: &String| current.iter().any(|known| is_convenant(known, naam));
        if !opdracht.intrekken.iter().all(of_kind) {
            return Err(Weigering::DocumentOnbekend);
        }
        let replaced = |known: &Document| {
            opdracht.intrekken.iter().any(|naam| is_convenant(known, naam))
                || opdracht.laden.iter().any(|bron| name_of(&bron.tekst) == Some((known.soort, known.naam.clone())))
        };
        let mut bronnen: Vec<Bron> = current.iter().filter(|known| !replaced(known)).cloned().map(bron).collect();
        bronnen.extend(opdracht.laden.iter().cloned());
        let omgeving = &self.in_force.omgeving;
        let parsed =
            parse_aside(bronnen, omgeving).await.and_then(|parsed| keeps_door_open(call, parsed)).map_err(wrong)?;
        let wijzigingen = wijzigingen(&current, &parsed.documenten);
        let today = amsterdam_date(self.clock.now());
        let after = parsed.van_kracht(basis + 1, omgeving);
        let mut zinnen = verschil(&before, &after, today);
        zinnen.extend(self.what_waits(&before, &after).await?);
        let known = bevindingen(&before, today);
        let new = bevindingen(&after, today).into_iter().filter(|bevinding| !known.contains(bevinding));
        let waarschuwingen = new.map(|(_, waarschuwing)| waarschuwing.uitleg()).collect();
        Ok(Plan { basis, wijzigingen, zinnen, waarschuwingen })
    }

    async fn judged_by(&self, documenten: &[Document]) -> Result<VanKracht, Weigering> {
        let bronnen: Vec<Bron> = documenten.iter().cloned().map(bron).collect();
        let omgeving = &self.in_force.omgeving;
        Ok(parse_aside(bronnen, omgeving).await.map_err(unavailable)?.van_kracht(0, omgeving))
    }
}

fn is_convenant(document: &Document, naam: &str) -> bool {
    document.soort == DocumentSoort::Convenant && document.naam == naam
}

/// Who makes a change must still be able to make the next one.
fn keeps_door_open(call: &Call, parsed: Parsed) -> Result<Parsed, ConfigError> {
    if parsed.deelnemers.still(&call.aangemeld).is_ok() {
        return Ok(parsed);
    }
    let fout = Fout::SluitBuiten { oin: call.identiteit().oin.to_string() };
    Err(ConfigError(vec![Mistake { file: DEELNEMERS.into(), line: 0, fout }]))
}

/// Each mistake with where it stands, in Dutch.
fn wrong(ConfigError(mistakes): ConfigError) -> Weigering {
    let overtreding = |mistake: &Mistake| {
        let place = format!("{}:{}", mistake.file.display(), mistake.line);
        Overtreding::new(place, format!("{}: {}", mistake.fout.code(), mistake.fout.uitleg()))
    };
    let (mut told, mut bytes) = (Vec::new(), 0);
    for mistake in &mistakes {
        let overtreding = overtreding(mistake);
        bytes += overtreding.veld.len() + overtreding.uitleg.len();
        if bytes > MOST_BYTES {
            let more = format!("en nog {} fouten; ketenpoort check noemt ze allemaal", mistakes.len() - told.len());
            told.push(Overtreding::new("", more));
            break;
        }
        told.push(overtreding);
    }
    Weigering::DocumentOnjuist(told)
}

/// A status must fit in the trailers of a response, of which clients take 8 to 16 KiB; base64 adds a third.
const MOST_BYTES: usize = 4096;

/// What differs between what is in force and what is to be.
fn wijzigingen(current: &[Document], next: &[Document]) -> Vec<Wijziging> {
    let same_name = |one: &Document, other: &Document| (one.soort, &one.naam) == (other.soort, &other.naam);
    let withdrawn = current.iter().filter(|known| !next.iter().any(|document| same_name(known, document)));
    let withdrawn = withdrawn.map(|known| Wijziging {
        soort: known.soort,
        naam: known.naam.clone(),
        nieuw: None,
        oud: Some(known.hash.clone()),
    });
    let loaded = next.iter().filter_map(|document| {
        let oud = current.iter().find(|known| same_name(known, document)).map(|known| known.hash.clone());
        (oud.as_ref() != Some(&document.hash)).then(|| Wijziging {
            soort: document.soort,
            naam: document.naam.clone(),
            nieuw: Some((document.hash.clone(), document.tekst.clone())),
            oud,
        })
    });
    loaded.chain(withdrawn).collect()
}

/// The documents that the files of a first start put in force.
#[must_use]
pub fn first_change(parsed: &Parsed) -> Change {
    Change { basis: 0, wijzigingen: wijzigingen(&[], &parsed.documenten), actor: None }
}
