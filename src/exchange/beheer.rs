//! Beheer: put documents in force and withdraw them, all or nothing, each with a logregel.
//!
//! Judging documents takes seconds where they are large: it is done aside and one at a time, so that partners do not notice.

use std::{
    collections::{BTreeSet, HashSet},
    sync::Arc,
};

use jiff::Timestamp;

use super::{
    Call, Exchange, MOST_JUDGEMENTS, unavailable,
    van_kracht::{aside, bron},
    verleden::Verleden,
};
use crate::{
    check::bevindingen::{Bevinding, Waarschuwing, bevindingen},
    documenten::{Bron, DEELNEMERS, Omgeving, Parsed, name_of, parse, samen::undecided},
    domain::{
        Aangemeld, Document, DocumentSoort, Instemming, Overtreding, PartnerNaam, TeWijzigen, VanKracht, Weigering,
        Wijzigen,
        houdbaarheid::amsterdam_date,
        verschil::verschil,
        wijzigen::{instemming, only_takes_away, without_signer},
    },
    lezen::{Fouten, Mistake, fout::Fout},
    logboek::{Teksten, TlogProof},
    store::{Actor, Change, Event, NotDone, Wijziging, reading::documenten::Texts},
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
pub(super) struct Plan {
    pub(super) basis: u64,
    pub(super) wijzigingen: Vec<Wijziging>,
    pub(super) zinnen: Vec<String>,
    pub(super) waarschuwingen: Vec<String>,
    /// What a change asks, by what is in force.
    pub(super) wijzigen: Wijzigen,
    /// Whose agreement this one asks.
    pub(super) instemming: BTreeSet<Instemming>,
    /// Who of them has nobody that can sign.
    pub(super) zonder: BTreeSet<PartnerNaam>,
    /// Whether it only takes away.
    pub(super) neemt_weg: bool,
}

impl Plan {
    /// The documents that it changes, by their hashes.
    pub(super) fn te_wijzigen(&self) -> Vec<TeWijzigen> {
        self.wijzigingen.iter().map(te_wijzigen).collect()
    }
}

fn te_wijzigen(wijziging: &Wijziging) -> TeWijzigen {
    let Wijziging { soort, naam, nieuw, oud } = wijziging;
    let nieuw = nieuw.as_ref().map(|(hash, _)| hash.clone());
    TeWijzigen { soort: *soort, naam: naam.clone(), oud: oud.clone(), nieuw }
}

impl Exchange {
    /// Changes what is in force: everything that is asked, or nothing.
    ///
    /// # Errors
    /// [`Weigering::DocumentOnjuist`] with every mistake, [`Weigering::DocumentOnbekend`], or [`Weigering::BekrachtigingNodig`]; not yet
    /// logged.
    pub async fn change(&self, call: &Call, opdracht: &Opdracht) -> Result<Gevolg, Weigering> {
        let opdracht = Arc::new(opdracht.clone());
        for _ in 0..MOST_JUDGEMENTS {
            let plan = self.plan(Some(call), &opdracht).await?;
            let Plan { basis, wijzigingen, zinnen, mut waarschuwingen, .. } = plan;
            let alone = plan.wijzigen.is_vrij() || plan.neemt_weg;
            if !alone && !opdracht.proef && !wijzigingen.is_empty() {
                return Err(Weigering::BekrachtigingNodig);
            }
            if !wijzigingen.is_empty() {
                waarschuwingen.extend(self.which_lapse().await);
            }
            if opdracht.proef || wijzigingen.is_empty() {
                let unproven = |wijziging| Gewijzigd { wijziging, bewijs: None };
                let wijzigingen = wijzigingen.into_iter().map(unproven).collect();
                return Ok(Gevolg { versie: basis, wijzigingen, zinnen, waarschuwingen });
            }
            let actor =
                Actor { reden: Some(self.reden(&opdracht.reden)), ..self.actor(call, Some(&opdracht.medewerker)) };
            let change = Change { basis, wijzigingen: wijzigingen.clone(), actor: Some(actor), voorstel: None };
            self.trust_clock()?;
            let written = self.store.writer.write(|reply| Event::Change(Box::new(change), reply)).await;
            let (changed, commit) = match written {
                Err(NotDone::Outdated) => continue,
                written => written.map_err(|error| self.said(error))?,
            };
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
    /// [`Weigering::ToegangVervallen`], not yet logged.
    pub async fn documents(&self, call: &Call) -> Result<(u64, Vec<Document>), Weigering> {
        let Texts { teksten, in_force, .. } = self.texts_for(call).await?;
        Ok((teksten.versie, in_force))
    }

    async fn texts_for(&self, call: &Call) -> Result<Texts, Weigering> {
        self.reading(call)?;
        self.texts().await.map_err(unavailable)
    }

    /// One document in force.
    ///
    /// # Errors
    /// [`Weigering::DocumentOnbekend`] or [`Weigering::ToegangVervallen`], not yet logged.
    pub async fn document(&self, call: &Call, naam: &str) -> Result<Document, Weigering> {
        let (_, documenten) = self.documents(call).await?;
        documenten.into_iter().find(|document| document.naam == naam).ok_or(Weigering::DocumentOnbekend)
    }

    /// Judges a change when its turn has come; who no longer waits loses its turn. Without a call it is the gateway that carries out what
    /// was proposed.
    pub(super) async fn plan(&self, call: Option<&Call>, opdracht: &Arc<Opdracht>) -> Result<Plan, Weigering> {
        let turn = self.in_force.turn_to_judge().await;
        let texts = match call {
            Some(call) => self.texts_for(call).await?,
            None => self.texts().await.map_err(unavailable)?,
        };
        let Texts { teksten: Teksten { versie: basis, .. }, in_force: current, history } = texts;
        let gevraagd = Gevraagd {
            basis,
            current,
            opdracht: Arc::clone(opdracht),
            aangemeld: call.map(|call| call.aangemeld.clone()),
            omgeving: self.in_force.omgeving.clone(),
            now: self.klok.now(),
        };
        let (gelezen, turn) = aside(turn, move || gevraagd.read()).await;
        let gelezen = gelezen?;
        let verleden = Verleden::read(&self.store.read, history, &gelezen.meeting()).await.map_err(unavailable)?;
        // What is made on the way is dropped on that thread as well.
        let (judged, _turn) = aside(turn, move || gelezen.judge(&verleden)).await;
        let (mut plan, before, after) = judged?;
        plan.zinnen.extend(self.what_waits(&before, &after).await?);
        Ok(plan)
    }
}

/// A change as it is asked, and what is in force.
struct Gevraagd {
    basis: u64,
    current: Vec<Document>,
    opdracht: Arc<Opdracht>,
    /// Who asks; nobody where the gateway carries out a proposal.
    aangemeld: Option<Aangemeld>,
    omgeving: Omgeving,
    now: Timestamp,
}

/// A change whose texts could be read: what is in force before and after, and what is written for it.
struct Gelezen {
    before: VanKracht,
    after: VanKracht,
    wijzigingen: Vec<Wijziging>,
    opdracht: Arc<Opdracht>,
    now: Timestamp,
}

impl Gelezen {
    /// The convenanten whose past decides something, before or after.
    fn meeting(&self) -> BTreeSet<String> {
        [&self.before, &self.after].into_iter().flat_map(VanKracht::meeting).collect()
    }

    /// The plan, and what it is judged by: what is in force before and after.
    fn judge(self, verleden: &Verleden) -> Result<(Plan, VanKracht, VanKracht), Weigering> {
        let Self { before, after, wijzigingen, opdracht, now } = self;
        let historie = verleden.of(&before);
        let before = before.with_history(historie);
        let after = after.loaded_after(&before, now);
        let today = amsterdam_date(now);
        let undecided = undecided(&after, &opdracht.laden, today);
        if !undecided.is_empty() {
            return Err(wrong(Fouten(undecided)));
        }
        let zinnen = at_most(verschil(&before, &after, today));
        let known: BTreeSet<Bevinding> = bevindingen(&before, today).into_iter().collect();
        // Not said twice: where convenanten meet, the sentences say what that means.
        let told = |waarschuwing: &Waarschuwing| matches!(waarschuwing, Waarschuwing::Overlap { .. });
        let new = bevindingen(&after, today).into_iter().filter(|new| !known.contains(new) && !told(&new.1));
        let waarschuwingen = at_most(new.map(|(_, waarschuwing)| waarschuwing.uitleg()).collect());
        let changed: Vec<TeWijzigen> = wijzigingen.iter().map(te_wijzigen).collect();
        let instemming = instemming(&before, &after, &changed);
        let wijzigen = before.deelnemers().wijzigen;
        let plan = Plan {
            basis: before.versie(),
            wijzigingen,
            zinnen,
            waarschuwingen,
            wijzigen,
            zonder: without_signer(&before, &instemming),
            instemming,
            neemt_weg: only_takes_away(&before, &after),
        };
        Ok((plan, before, after))
    }
}

impl Gevraagd {
    /// Reads the texts.
    fn read(&self) -> Result<Gelezen, Weigering> {
        let Self { basis, current, omgeving, .. } = self;
        let bronnen: Vec<Bron> = current.iter().cloned().map(bron).collect();
        let before = parse(&bronnen, omgeving).map_err(unavailable)?.van_kracht(*basis, omgeving);
        // Who was taken out meanwhile changes nothing any more.
        let mut parsed = parse(&next(current, &self.opdracht)?, omgeving);
        if let Some(aangemeld) = &self.aangemeld {
            before.deelnemers().still(aangemeld)?;
            parsed = parsed.and_then(|parsed| keeps_door_open(aangemeld, parsed));
        }
        let parsed = parsed.map_err(wrong)?;
        let wijzigingen = wijzigingen(current, &parsed.documenten);
        let after = parsed.van_kracht(basis + 1, omgeving);
        Ok(Gelezen { before, after, wijzigingen, opdracht: Arc::clone(&self.opdracht), now: self.now })
    }
}

/// What is to be in force after a change.
pub(super) fn next(current: &[Document], opdracht: &Opdracht) -> Result<Vec<Bron>, Weigering> {
    let Opdracht { laden, intrekken, .. } = opdracht;
    // Once for each text: a name is read from a document of some hundred kibibytes.
    let loaded: HashSet<(DocumentSoort, String)> = laden.iter().filter_map(|bron| name_of(&bron.tekst)).collect();
    if intrekken.iter().any(|naam| loaded.contains(&(DocumentSoort::Convenant, naam.clone()))) {
        return Err(Weigering::veld("intrekken", "geen convenant dat in dezelfde wijziging wordt geladen"));
    }
    let of_kind = |naam: &String| current.iter().any(|known| is_convenant(known, naam));
    if !intrekken.iter().all(of_kind) {
        return Err(Weigering::DocumentOnbekend);
    }
    let replaced = |known: &Document| {
        intrekken.iter().any(|naam| is_convenant(known, naam)) || loaded.contains(&(known.soort, known.naam.clone()))
    };
    let kept = current.iter().filter(|known| !replaced(known)).cloned().map(bron);
    Ok(kept.chain(laden.iter().cloned()).collect())
}

/// Sentences in an answer, at most, with the characters of one and the bytes of all: an answer must arrive.
const MOST_SENTENCES: usize = 1000;
const LONGEST_SENTENCE: usize = 8192;
const MOST_SAID: usize = 1 << 20;

/// The first sentences, and how many more there are.
fn at_most(sentences: Vec<String>) -> Vec<String> {
    let (all, mut bytes) = (sentences.len(), 0);
    let cut = |zin: String| match zin.char_indices().nth(LONGEST_SENTENCE) {
        Some((end, _)) => format!("{} ... (te lang om hier te noemen)", &zin[..end]),
        None => zin,
    };
    let fits = |zin: &String| {
        bytes += zin.len();
        bytes <= MOST_SAID
    };
    let mut told: Vec<String> = sentences.into_iter().take(MOST_SENTENCES).map(cut).take_while(fits).collect();
    let more = all - told.len();
    if more > 0 {
        told.push(format!("En nog {more}; ketenpoort check en check --diff noemen ze allemaal."));
    }
    told
}

fn is_convenant(document: &Document, naam: &str) -> bool {
    document.soort == DocumentSoort::Convenant && document.naam == naam
}

/// Who makes a change must still be able to make the next one.
fn keeps_door_open(aangemeld: &Aangemeld, parsed: Parsed) -> Result<Parsed, Fouten> {
    if parsed.deelnemers.still(aangemeld).is_ok() {
        return Ok(parsed);
    }
    let fout = Fout::SluitBuiten { oin: aangemeld.toegang.identiteit.oin.to_string() };
    Err(Fouten(vec![Mistake { file: DEELNEMERS.into(), line: 0, fout }]))
}

/// Each mistake with where it stands, in Dutch.
fn wrong(Fouten(mistakes): Fouten) -> Weigering {
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
    // By name: of versions that come in force together the order in the logboek can decide which one stamps, and that must not
    // rest on the order of files.
    let mut next: Vec<&Document> = next.iter().collect();
    next.sort_by_key(|document| (document.soort, &document.naam));
    let loaded = next.into_iter().filter_map(|document| {
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

/// The change by which the files of a first start come in force.
#[must_use]
pub fn first_change(parsed: &Parsed) -> Change {
    Change { basis: 0, wijzigingen: wijzigingen(&[], &parsed.documenten), actor: None, voorstel: None }
}
