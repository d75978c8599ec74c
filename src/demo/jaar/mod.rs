//! A year of the four ZVH's that ends today: thousands of berichten, played with real clients on a clock that only this demo has.
//!
//! The script (`draaiboek`) says what begins by itself and what follows from what. The `agenda` puts it in time; dice with a fixed seed
//! choose, so that two years on one day are alike. What lies close together is done at once (`doen`); what came of it puts the next
//! things in the agenda. At midnight the gateway does what time brings: lapsing, warning, carrying out what was proposed.

mod agenda;
mod doen;
mod draaiboek;
mod klok;
mod personen;
mod toezien;
mod verzoek;

use std::{
    collections::{HashMap, HashSet},
    fs,
    path::Path,
    sync::Arc,
};

use anyhow::Context;
use fastrand::Rng;
use futures_util::future::try_join_all;
use jiff::{
    Timestamp, ToSpan,
    civil::{Date, Weekday},
};

pub use self::{draaiboek::Draaiboek, klok::JaarKlok};
use self::{
    agenda::{Agenda, at, in_office, some_time, working_day},
    doen::{Daad, Gevolg, Partners},
    draaiboek::{Aanleiding, Aanzet, Doe, Reactie, Vervolg},
    personen::Persoon,
    toezien::Toezicht,
    verzoek::{Ontwerp, parts},
};
use serde_json::json;

use super::{Gespeeld, play::unmet, report::Report};
use crate::{
    cli::{Failure, template},
    clock::SystemClock,
    domain::{Clock, houdbaarheid::amsterdam_date},
    gateway::Gateway,
    proto,
};

/// Two years on one day are alike.
const SEED: u64 = 2026;
/// Whoever proposes waits so many days, and every party signs.
const WIJZIGEN: &str = "\n[wijzigen]\nbekrachtigt = \"partijen\"\nna_dagen = 14\n";
/// As often the example convenanten let a scenario be renewed.
const MOST_RENEWALS: u8 = 2;
/// From when the example documents hold, and when somebody accepted what nobody confirmed.
const GELDIG_VAN: &str = "2026-01-01";
const AANVAARD: &str = "2025-12-15";

/// The day with which the year begins that ends today.
pub fn first_day() -> Date {
    amsterdam_date(SystemClock.now()).saturating_sub(1.year())
}

/// Every day of the year, today included.
pub fn days() -> impl Iterator<Item = Date> {
    let last = amsterdam_date(SystemClock.now());
    first_day().series(1.day()).take_while(move |day| *day <= last)
}

/// The moment with which it begins.
pub fn begin() -> Timestamp {
    at(first_day(), 0, 0)
}

/// Lets the documents of a new data directory hold for the whole year, and asks every party to agree with a change.
///
/// # Errors
/// When a file cannot be written.
pub fn prepare(dir: &Path) -> Result<(), Failure> {
    let first = first_day();
    let rewrite = |path: &Path, more: &str| -> anyhow::Result<()> {
        let text = fs::read_to_string(path)?;
        let text = text.replace(GELDIG_VAN, &first.min(earliest(GELDIG_VAN)).to_string());
        let accepted = first.saturating_sub(14.days()).min(earliest(AANVAARD));
        Ok(fs::write(path, text.replace(AANVAARD, &accepted.to_string()) + more)?)
    };
    let all = || {
        for file in fs::read_dir(dir.join("convenanten"))? {
            rewrite(&file?.path(), "")?;
        }
        rewrite(&dir.join("deelnemers.toml"), WIJZIGEN)
    };
    Ok(all().context("de documenten van het jaar zijn niet te schrijven")?)
}

fn earliest(text: &str) -> Date {
    text.parse().expect("a day of the example documents")
}

/// A bericht that somebody received or sent, as far as what follows must know it.
struct Stuk {
    id: String,
    soort: String,
    naam: String,
    van: String,
    aan: Vec<String>,
    persoon: Persoon,
    /// What it is about where the gateway made it; else itself.
    over: String,
    /// How often it was renewed, as a scenario.
    verlengingen: u8,
}

/// What can happen.
enum Gebeurtenis {
    /// A day begins.
    Dag(Date),
    /// The script begins something: which of its rows, for which ZVH.
    Begin(usize, usize),
    /// Somebody empties a postvak.
    Haal(String),
    /// Somebody reacts: by which row of the script, to what.
    Volg(usize, String, Arc<Stuk>),
}

/// How much there was of what.
#[derive(Default)]
struct Telling {
    /// Of partners.
    berichten: usize,
    /// Of the gateway.
    van_de_poort: usize,
    weigeringen: u64,
    zoekingen: u64,
    bewijzen: Vec<String>,
}

/// A year that is played.
pub struct Jaar<'a> {
    draaiboek: Draaiboek,
    klok: &'a JaarKlok,
    gateway: &'a Gateway,
    report: &'a Report,
    partners: Partners,
    toezicht: Toezicht,
    dice: Rng,
    agenda: Agenda<Gebeurtenis>,
    /// The berichten that were sent, by their id.
    stukken: HashMap<String, Arc<Stuk>>,
    /// Postvakken that somebody is going to empty.
    to_empty: HashSet<String>,
    /// Scenario's that are over before their time.
    ended: HashSet<String>,
    today: Date,
    telling: Telling,
}

impl<'a> Jaar<'a> {
    /// Makes everything ready and writes the script into the agenda.
    ///
    /// # Errors
    /// When a partner cannot connect.
    pub async fn new(
        dir: &Path,
        klok: &'a JaarKlok,
        gateway: &'a Gateway,
        report: &'a Report,
    ) -> Result<Self, Failure> {
        let mut jaar = Self {
            draaiboek: Draaiboek::read(),
            klok,
            gateway,
            report,
            partners: Partners::connect(dir).await?,
            toezicht: Toezicht::new(dir),
            dice: Rng::with_seed(SEED),
            agenda: Agenda::new(),
            stukken: HashMap::new(),
            to_empty: HashSet::new(),
            ended: HashSet::new(),
            today: first_day(),
            telling: Telling::default(),
        };
        jaar.write_agenda();
        Ok(jaar)
    }

    fn write_agenda(&mut self) {
        let (last, days) = (amsterdam_date(SystemClock.now()), days().collect::<Vec<_>>());
        for day in &days {
            self.agenda.add(at(*day, 0, 1), Gebeurtenis::Dag(*day));
        }
        for (row, begins) in self.draaiboek.aanleidingen.iter().enumerate() {
            for (zvh, count) in begins.per_zvh.iter().enumerate() {
                for _ in 0..*count {
                    let day = days[self.dice.usize(..days.len())];
                    let day = if begins.na_kantoortijd { day } else { working_day(day) };
                    let moment = some_time(&mut self.dice, day, begins.na_kantoortijd);
                    self.agenda.add(moment, Gebeurtenis::Begin(row, zvh));
                }
            }
            let zvh = self.draaiboek.zvhs.iter().position(|zvh| begins.zvh.as_ref() == Some(zvh)).unwrap_or_default();
            for ago in &begins.dagen_geleden {
                for time in 0..begins.keer {
                    let moment = at(last.saturating_sub(ago.days()), begins.uur, 5) + (i64::from(time) * 2).minutes();
                    self.agenda.add(moment, Gebeurtenis::Begin(row, zvh));
                }
            }
        }
    }

    /// Plays until the present.
    ///
    /// # Errors
    /// The first thing that went otherwise than the script says.
    pub async fn play(mut self) -> Result<Gespeeld, Failure> {
        while let Some((moment, events)) = self.agenda.next(|event| matches!(event, Gebeurtenis::Dag(_))) {
            if moment > SystemClock.now() {
                break;
            }
            self.klok.forward_to(moment);
            let mut deeds = Vec::new();
            for event in events {
                match event {
                    Gebeurtenis::Dag(day) => self.begin_day(day).await?,
                    Gebeurtenis::Begin(row, zvh) => deeds.extend(self.begin(row, zvh).await?),
                    Gebeurtenis::Haal(postvak) => {
                        self.to_empty.remove(&postvak);
                        deeds.push(Daad::Haal { postvak });
                    }
                    Gebeurtenis::Volg(row, door, stuk) => deeds.extend(self.follow(row, door, &stuk)?),
                }
            }
            let outcomes = try_join_all(deeds.into_iter().map(|deed| self.partners.perform(deed))).await?;
            // What was sent first: somebody may have received it in the same moment.
            let (sent, others): (Vec<_>, Vec<_>) =
                outcomes.into_iter().partition(|outcome| matches!(outcome, Gevolg::Gestuurd(..)));
            for outcome in sent.into_iter().chain(others) {
                self.take_in(outcome);
            }
        }
        self.klok.catch_up();
        self.gateway.let_time_pass().await.map_err(unmet)?;
        let Telling { berichten, van_de_poort, weigeringen, zoekingen, bewijzen } = self.telling;
        self.report.heading(&format!(
            "In een jaar: {berichten} berichten van partners, {van_de_poort} van de poort, {weigeringen} weigeringen, en {zoekingen} keer werd \
             naar scenario's gezocht."
        ));
        self.report.line(&json!({
            "stap": "jaar", "berichten": berichten, "van_de_poort": van_de_poort, "weigeringen": weigeringen, "zoekingen": zoekingen,
        }));
        Ok(Gespeeld { berichten: berichten + van_de_poort, bewijzen, begin: begin() })
    }

    /// The gateway does what a new day brings. On Mondays everybody looks in their postvak.
    async fn begin_day(&mut self, day: Date) -> Result<(), Failure> {
        self.today = day;
        self.gateway.let_time_pass().await.map_err(unmet)?;
        if day.weekday() == Weekday::Monday {
            let all: HashSet<String> = self.stukken.values().flat_map(|stuk| stuk.aan.iter().chain([&stuk.van]).cloned()).collect();
            let mut all: Vec<String> = all.into_iter().collect();
            all.sort_unstable();
            for postvak in all {
                self.will_empty(&postvak, at(day, 8, 30));
            }
        }
        self.report.step()
    }

    /// Something begins by itself.
    async fn begin(&mut self, row: usize, zvh: usize) -> Result<Option<Daad>, Failure> {
        let Aanleiding { doe, .. } = &self.draaiboek.aanleidingen[row];
        let zvhs = &self.draaiboek.zvhs;
        let expand = |adressen: &[String]| -> Vec<String> {
            let one = |adres: &String| match adres.as_str() {
                "zvh" => vec![format!("{}/algemeen", zvhs[zvh])],
                "alle-zvhs" => zvhs.iter().map(|zvh| format!("{zvh}/algemeen")).collect(),
                _ => vec![adres.clone()],
            };
            adressen.iter().flat_map(one).collect()
        };
        match doe {
            Doe::Stuur(zending) => {
                let persoon = Persoon::invent(&mut self.dice, self.today, zending.minderjarig, zending.met_bsn);
                let van = expand(&zending.van);
                let van = van[self.dice.usize(..van.len())].clone();
                let ontwerp = Ontwerp {
                    soort: zending.soort.clone(),
                    naam: zending.naam.clone(),
                    casusnummer: format!("C-{:05}", self.dice.u32(..100_000)),
                    medewerker: format!("{}-{:02}", parts(&van).0, self.dice.u32(1..8)),
                    van,
                    aan: expand(&zending.aan),
                    persoon,
                    in_antwoord_op: None,
                    vervangt: None,
                    inhoud: zending.inhoud.clone(),
                    weigering: zending.weigering.clone(),
                    verlengingen: 0,
                };
                self.send(ontwerp).map(Some)
            }
            Doe::Zoek { door, medewerker } => {
                let persoon = Persoon::invent(&mut self.dice, self.today, false, false);
                let medewerker = medewerker.clone().unwrap_or_else(|| format!("{}-03", parts(door).0));
                Ok(Some(Daad::Zoek { door: door.clone(), medewerker, persoon }))
            }
            Doe::Rapport { door } => self.toezicht.rapport(door, self.today).await.map(|()| None),
            Doe::StelVoor(wijziging) => self.toezicht.stel_voor(wijziging).await.map(|()| None),
            Doe::Inzage { door, besluiten } => {
                let partner = door.trim_start_matches("contact-");
                let theirs = |stuk: &&Arc<Stuk>| stuk.soort == "scenario" && parts(&stuk.van).0 == partner;
                let newest = self.stukken.values().filter(theirs).max_by(|a, b| a.id.cmp(&b.id));
                let newest = newest.ok_or_else(|| unmet(format!("{partner} legde nog geen scenario klaar")))?;
                self.toezicht.inzage(door, self.today, &newest.persoon, *besluiten).await.map(|()| None)
            }
        }
    }

    /// Somebody reacts.
    fn follow(&mut self, row: usize, door: String, stuk: &Stuk) -> Result<Option<Daad>, Failure> {
        let is_over = self.ended.contains(&stuk.over);
        let medewerker = format!("{}-{:02}", parts(&door).0, self.dice.u32(1..8));
        let ontwerp = |soort: &str, van: String, aan: Vec<String>| Ontwerp {
            soort: soort.to_owned(),
            naam: String::new(),
            van,
            aan,
            persoon: stuk.persoon.clone(),
            casusnummer: "C-00001".to_owned(),
            medewerker: medewerker.clone(),
            in_antwoord_op: None,
            vervangt: None,
            inhoud: serde_json::Map::new(),
            weigering: None,
            verlengingen: 0,
        };
        match &self.draaiboek.reacties[row].doe {
            Vervolg::Stuur { soort, aan, antwoord, varianten } => {
                let aan = aan.clone().unwrap_or_else(|| vec![stuk.van.clone()]);
                let mut ontwerp = ontwerp(soort, door, aan);
                ontwerp.in_antwoord_op = antwoord.then(|| stuk.id.clone());
                let total: u32 = varianten.iter().map(|variant| variant.deel).sum();
                let mut thrown = self.dice.u32(..total.max(1));
                let chosen = varianten.iter().find(|variant| {
                    let is_it = thrown < variant.deel;
                    thrown = thrown.saturating_sub(variant.deel);
                    is_it
                });
                if let Some(variant) = chosen {
                    (ontwerp.naam, ontwerp.inhoud) = (variant.naam.clone(), variant.inhoud.clone());
                }
                self.send(ontwerp).map(Some)
            }
            Vervolg::Raadpleeg => Ok(Some(Daad::Zoek { door, medewerker, persoon: stuk.persoon.clone() })),
            Vervolg::Verleng | Vervolg::TrekIn { .. } if is_over => Ok(None),
            Vervolg::Verleng => {
                let Some(old) = self.stukken.get(&stuk.over).cloned() else { return Ok(None) };
                self.ended.insert(old.id.clone());
                let mut ontwerp = ontwerp("scenario", door, old.aan.clone());
                ontwerp.verlengingen = old.verlengingen + 1;
                // Who tries once more hears that it is time for a new one.
                ontwerp.weigering = (ontwerp.verlengingen > MOST_RENEWALS).then(|| "te_vaak_verlengd".to_owned());
                ontwerp.vervangt = Some(old.id.clone());
                ontwerp.inhoud.insert("actualiteit_getoetst_op".to_owned(), self.today.to_string().into());
                self.send(ontwerp).map(Some)
            }
            Vervolg::TrekIn { reden, toelichting } => {
                self.ended.insert(stuk.id.clone());
                let (reden, toelichting) = (reden.clone(), toelichting.clone());
                Ok(Some(Daad::TrekIn { bericht: stuk.id.clone(), van: door, reden, toelichting }))
            }
        }
    }

    fn send(&self, ontwerp: Ontwerp) -> Result<Daad, Failure> {
        let template = template::of_soort(&ontwerp.soort, self.klok.now())?;
        let template = template.ok_or_else(|| unmet(format!("{} heeft geen sjabloon", ontwerp.soort)))?;
        let request = ontwerp.request(template)?;
        Ok(Daad::Stuur(Box::new(ontwerp), request))
    }

    /// Counts what came of it, and puts what follows in the agenda.
    fn take_in(&mut self, gevolg: Gevolg) {
        match gevolg {
            Gevolg::Geweigerd => self.telling.weigeringen += 1,
            Gevolg::Gestuurd(ontwerp, bewijs) => {
                self.telling.berichten += 1;
                let id = bewijs.bericht;
                self.telling.bewijzen.extend(bewijs.aanvaardingen.into_iter().map(|aanvaarding| aanvaarding.bewijs));
                let Ontwerp { soort, naam, van, aan, persoon, verlengingen, .. } = *ontwerp;
                let stuk = Arc::new(Stuk { over: id.clone(), id: id.clone(), soort, naam, van, aan, persoon, verlengingen });
                self.stukken.insert(id, Arc::clone(&stuk));
                for postvak in &stuk.aan {
                    self.will_empty_soon(postvak);
                }
                self.react(&Aanzet::Gestuurd(stuk.soort.clone()), &stuk.van, &stuk);
            }
            Gevolg::Gehaald(postvak, afleveringen) => {
                for aflevering in &afleveringen {
                    if let Some(stuk) = self.received(aflevering) {
                        self.react(&Aanzet::Ontvangen(aflevering.berichtsoort.clone()), &postvak, &stuk);
                    }
                }
            }
            Gevolg::Geraadpleegd(door, found) => {
                self.telling.zoekingen += 1;
                for id in found {
                    if let Some(stuk) = self.stukken.get(&id).cloned() {
                        self.react(&Aanzet::Geraadpleegd(stuk.soort.clone()), &door, &stuk);
                    }
                }
            }
            Gevolg::Ingetrokken(ontvangers) => {
                for adres in ontvangers {
                    self.will_empty_soon(&format!("{}/{}", adres.partner, adres.loket));
                }
            }
        }
    }

    /// What was received. What the gateway made is about a bericht that somebody sent.
    fn received(&mut self, aflevering: &proto::Aflevering) -> Option<Arc<Stuk>> {
        if let Some(stuk) = self.stukken.get(&aflevering.bericht) {
            return Some(Arc::clone(stuk));
        }
        self.telling.van_de_poort += 1;
        let about = self.stukken.get(aflevering.in_antwoord_op.as_ref()?)?;
        Some(Arc::new(Stuk {
            id: aflevering.bericht.clone(),
            soort: aflevering.berichtsoort.clone(),
            naam: String::new(),
            van: about.van.clone(),
            aan: Vec::new(),
            persoon: about.persoon.clone(),
            over: about.id.clone(),
            verlengingen: 0,
        }))
    }

    /// Throws the dice for everything that can follow.
    fn react(&mut self, op: &Aanzet, door: &str, stuk: &Arc<Stuk>) {
        let partner = parts(door).0;
        let fits = |reactie: &Reactie| {
            let by = reactie.door.as_deref().is_none_or(|who| who == partner || (who == "zvh" && partner.starts_with("zvh-")));
            let named = reactie.als.as_ref().is_none_or(|naam| *naam == stuk.naam);
            reactie.op == *op && by && named
        };
        let day_and_night = self.draaiboek.dag_en_nacht.iter().any(|who| who == partner);
        for (row, reactie) in self.draaiboek.reacties.iter().enumerate().filter(|(_, reactie)| fits(reactie)) {
            if self.dice.u8(..100) >= reactie.kans {
                continue;
            }
            let [least, most] = reactie.uren;
            let minutes = self.dice.u32(least * 60..=most * 60);
            let moment = self.klok.now() + i64::from(minutes).minutes();
            let moment = if day_and_night { moment } else { in_office(&mut self.dice, moment) };
            self.agenda.add(moment, Gebeurtenis::Volg(row, door.to_owned(), Arc::clone(stuk)));
        }
    }

    /// Somebody sees within hours that something waits.
    fn will_empty_soon(&mut self, postvak: &str) {
        let moment = self.klok.now() + i64::from(self.dice.u32(10..150)).minutes();
        let day_and_night = self.draaiboek.dag_en_nacht.iter().any(|who| who == parts(postvak).0);
        let moment = if day_and_night { moment } else { in_office(&mut self.dice, moment) };
        self.will_empty(postvak, moment);
    }

    fn will_empty(&mut self, postvak: &str, moment: Timestamp) {
        let last = amsterdam_date(SystemClock.now());
        let lies = self.draaiboek.blijft_liggen.iter().find(|of| {
            let from = last.saturating_sub(of.van_dagen_geleden.days());
            let until = last.saturating_sub(of.tot_dagen_geleden.days());
            of.postvak == postvak && (from..until).contains(&amsterdam_date(moment))
        });
        if lies.is_none() && self.to_empty.insert(postvak.to_owned()) {
            self.agenda.add(moment, Gebeurtenis::Haal(postvak.to_owned()));
        }
    }
}
