//! How the year goes: what begins by itself, and what follows from what was sent, received and read. Nothing here waits for anything; it
//! says what is to be done next, and hears what came of it.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use fastrand::Rng;
use jiff::{
    Timestamp, ToSpan,
    civil::{Date, Weekday},
};
use serde_json::Map;

use super::{
    agenda::{Agenda, in_office, some_time, working_day},
    doen::{Daad, Gevolg},
    draaiboek::{Aanzet, Doe, Draaiboek, Reactie, Variant, Vervolg},
    klok::JaarKlok,
    personen::Persoon,
    verzoek::{Ontwerp, medewerker_of, parts},
};
use crate::{
    cli::{Failure, template},
    demo::play::unmet,
    domain::{
        Clock,
        houdbaarheid::{amsterdam_date, moment_of},
    },
    proto,
};

/// Two years on one day are alike.
const SEED: u64 = 2026;
/// As often the example convenanten let a scenario be renewed.
const MOST_RENEWALS: u8 = 2;

/// A bericht that somebody received or sent, as far as what follows must know it.
pub struct Stuk {
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
pub enum Stap {
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
pub struct Telling {
    /// Berichten of partners.
    pub berichten: usize,
    /// Berichten of the gateway.
    pub van_de_poort: usize,
    pub weigeringen: u64,
    pub zoekingen: u64,
    /// A proof for each ontvanger of each bericht of a partner.
    pub bewijzen: Vec<String>,
}

/// The year as far as it went.
pub struct Verloop<'a> {
    draaiboek: Draaiboek,
    klok: &'a JaarKlok,
    dice: Rng,
    agenda: Agenda<Stap>,
    /// The berichten that were sent, by their id.
    stukken: HashMap<String, Arc<Stuk>>,
    /// Postvakken that somebody is going to empty.
    to_empty: HashSet<String>,
    /// Scenario's that are over before their time.
    ended: HashSet<String>,
    today: Date,
    telling: Telling,
}

impl<'a> Verloop<'a> {
    /// Writes the script into the agenda.
    pub fn new(klok: &'a JaarKlok) -> Self {
        let mut verloop = Self {
            draaiboek: Draaiboek::read(),
            klok,
            dice: Rng::with_seed(SEED),
            agenda: Agenda::new(),
            stukken: HashMap::new(),
            to_empty: HashSet::new(),
            ended: HashSet::new(),
            today: amsterdam_date(klok.now()),
            telling: Telling::default(),
        };
        verloop.write_agenda();
        verloop
    }

    fn write_agenda(&mut self) {
        let (last, days) = (self.klok.last, self.klok.days().collect::<Vec<_>>());
        for day in &days {
            self.agenda.add(moment_of(*day, 0, 1), Stap::Dag(*day));
        }
        for (row, begins) in self.draaiboek.aanleidingen.iter().enumerate() {
            for (zvh, count) in begins.per_zvh.iter().enumerate() {
                for _ in 0..*count {
                    let day = days[self.dice.usize(..days.len())];
                    let day = if begins.na_kantoortijd { day } else { working_day(day) };
                    let moment = some_time(&mut self.dice, day, begins.na_kantoortijd);
                    self.agenda.add(moment, Stap::Begin(row, zvh));
                }
            }
            let zvh = self.draaiboek.zvhs.iter().position(|zvh| begins.zvh.as_ref() == Some(zvh)).unwrap_or_default();
            for ago in &begins.dagen_geleden {
                for time in 0..begins.keer {
                    let moment =
                        moment_of(last.saturating_sub(ago.days()), begins.uur, 5) + (i64::from(time) * 2).minutes();
                    self.agenda.add(moment, Stap::Begin(row, zvh));
                }
            }
        }
    }

    /// What happens next at one moment, and when. The beginning of a day comes by itself.
    pub fn next(&mut self) -> Option<(Timestamp, Vec<Stap>)> {
        self.agenda.next(|stap| matches!(stap, Stap::Dag(_)))
    }

    pub fn telling(self) -> Telling {
        self.telling
    }

    /// A day begins. On Mondays everybody looks in their postvak.
    pub fn begin_day(&mut self, day: Date) {
        self.today = day;
        if day.weekday() == Weekday::Monday {
            let known = self.stukken.values().flat_map(|stuk| stuk.aan.iter().chain([&stuk.van]).cloned());
            for postvak in known.collect::<BTreeSet<String>>() {
                self.will_empty(&postvak, moment_of(day, 8, 30));
            }
        }
    }

    /// What somebody does.
    ///
    /// # Errors
    /// When the script cannot be done.
    pub fn take(&mut self, stap: Stap) -> Result<Option<Daad>, Failure> {
        match stap {
            Stap::Dag(_) => Ok(None),
            Stap::Begin(row, zvh) => self.begin(row, zvh).map(Some),
            Stap::Volg(row, door, stuk) => self.react(row, door, &stuk),
            Stap::Haal(postvak) => {
                self.to_empty.remove(&postvak);
                Ok(Some(Daad::Haal { postvak }))
            }
        }
    }

    /// Something begins by itself.
    fn begin(&mut self, row: usize, zvh: usize) -> Result<Daad, Failure> {
        let (zvhs, today) = (&self.draaiboek.zvhs, self.today);
        match &self.draaiboek.aanleidingen[row].doe {
            Doe::Stuur(zending) => {
                let van = addresses(&zending.van, zvhs, zvh);
                let van = van[self.dice.usize(..van.len())].clone();
                let aan = addresses(&zending.aan, zvhs, zvh);
                let persoon = Persoon::invent(&mut self.dice, today, zending.minderjarig, zending.met_bsn);
                let ontwerp = Ontwerp {
                    naam: zending.naam.clone(),
                    inhoud: zending.inhoud.clone(),
                    weigering: zending.weigering.clone(),
                    ..Ontwerp::new(&mut self.dice, &zending.soort, (van, aan), persoon)
                };
                self.send(ontwerp)
            }
            Doe::Zoek { door, medewerker } => {
                let persoon = Persoon::invent(&mut self.dice, today, false, false);
                let medewerker = medewerker.clone().unwrap_or_else(|| medewerker_of(&mut self.dice, door));
                Ok(Daad::Zoek { door: door.clone(), medewerker, persoon })
            }
            Doe::Rapport { door } => Ok(Daad::Rapport { door: door.clone(), today }),
            Doe::StelVoor(wijziging) => Ok(Daad::StelVoor(wijziging.clone())),
            Doe::Inzage { door, besluiten } => {
                let partner = door.trim_start_matches("contact-");
                let theirs = |stuk: &&Arc<Stuk>| stuk.soort == "scenario" && parts(&stuk.van).0 == partner;
                let newest = self.stukken.values().filter(theirs).max_by(|a, b| a.id.cmp(&b.id));
                let newest = newest.ok_or_else(|| unmet(format!("{partner} legde nog geen scenario klaar")))?;
                let persoon = newest.persoon.clone();
                Ok(Daad::Inzage { door: door.clone(), today, persoon, besluiten: *besluiten })
            }
        }
    }

    /// Somebody reacts.
    fn react(&mut self, row: usize, door: String, stuk: &Stuk) -> Result<Option<Daad>, Failure> {
        let is_over = self.ended.contains(&stuk.over);
        match &self.draaiboek.reacties[row].doe {
            Vervolg::Stuur { soort, aan, antwoord, varianten } => {
                let aan = aan.clone().unwrap_or_else(|| vec![stuk.van.clone()]);
                let mut ontwerp = Ontwerp::new(&mut self.dice, soort, (door, aan), stuk.persoon.clone());
                ontwerp.in_antwoord_op = antwoord.then(|| stuk.id.clone());
                if let Some(variant) = variant(&mut self.dice, varianten) {
                    (ontwerp.naam, ontwerp.inhoud) = (variant.naam.clone(), variant.inhoud.clone());
                }
                self.send(ontwerp).map(Some)
            }
            Vervolg::Raadpleeg => {
                let medewerker = medewerker_of(&mut self.dice, &door);
                Ok(Some(Daad::Zoek { door, medewerker, persoon: stuk.persoon.clone() }))
            }
            Vervolg::Verleng | Vervolg::TrekIn { .. } if is_over => Ok(None),
            Vervolg::Verleng => {
                let Some(old) = self.stukken.get(&stuk.over).cloned() else { return Ok(None) };
                self.ended.insert(old.id.clone());
                let verlengingen = old.verlengingen + 1;
                let ontwerp = Ontwerp {
                    vervangt: Some(old.id.clone()),
                    verlengingen,
                    // Who tries once more hears that it is time for a new one.
                    weigering: (verlengingen > MOST_RENEWALS).then(|| "te_vaak_verlengd".to_owned()),
                    inhoud: Map::from_iter([("actualiteit_getoetst_op".to_owned(), self.today.to_string().into())]),
                    ..Ontwerp::new(&mut self.dice, "scenario", (door, old.aan.clone()), old.persoon.clone())
                };
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
        Ok(Daad::Stuur(Box::new(ontwerp), Box::new(request)))
    }

    /// Counts what came of it, and puts what follows in the agenda.
    pub fn follow(&mut self, gevolg: Gevolg) {
        match gevolg {
            Gevolg::Niets => {}
            Gevolg::Geweigerd => self.telling.weigeringen += 1,
            Gevolg::Gestuurd(ontwerp, bewijs) => self.sent(*ontwerp, bewijs),
            Gevolg::Gehaald(postvak, afleveringen) => {
                for aflevering in &afleveringen {
                    if let Some(stuk) = self.received(aflevering) {
                        self.plan(&Aanzet::Ontvangen(aflevering.berichtsoort.clone()), &postvak, &stuk);
                    }
                }
            }
            Gevolg::Geraadpleegd(door, found) => {
                self.telling.zoekingen += 1;
                for id in found {
                    if let Some(stuk) = self.stukken.get(&id).cloned() {
                        self.plan(&Aanzet::Geraadpleegd(stuk.soort.clone()), &door, &stuk);
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

    fn sent(&mut self, ontwerp: Ontwerp, bewijs: proto::Ontvangstbewijs) {
        self.telling.berichten += 1;
        self.telling.bewijzen.extend(bewijs.aanvaardingen.into_iter().map(|aanvaarding| aanvaarding.bewijs));
        let Ontwerp { soort, naam, van, aan, persoon, verlengingen, .. } = ontwerp;
        let id = bewijs.bericht;
        let stuk = Arc::new(Stuk { over: id.clone(), id: id.clone(), soort, naam, van, aan, persoon, verlengingen });
        self.stukken.insert(id, Arc::clone(&stuk));
        for postvak in &stuk.aan {
            self.will_empty_soon(postvak);
        }
        self.plan(&Aanzet::Gestuurd(stuk.soort.clone()), &stuk.van, &stuk);
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
    fn plan(&mut self, op: &Aanzet, door: &str, stuk: &Arc<Stuk>) {
        let partner = parts(door).0;
        let fits = |reactie: &Reactie| {
            let is_who = |who: &str| who == partner || (who == "zvh" && partner.starts_with("zvh-"));
            let is_named = |naam: &String| *naam == stuk.naam;
            reactie.op == *op && reactie.door.as_deref().is_none_or(is_who) && reactie.als.as_ref().is_none_or(is_named)
        };
        let fitting = self.draaiboek.reacties.iter().enumerate().filter(|(_, reactie)| fits(reactie));
        for (row, kans, [least, most]) in fitting.map(|(row, of)| (row, of.kans, of.uren)).collect::<Vec<_>>() {
            if self.dice.u8(..100) < kans {
                let minutes = self.dice.u32(least * 60..=most * 60);
                let moment = self.at_work(partner, i64::from(minutes));
                self.agenda.add(moment, Stap::Volg(row, door.to_owned(), Arc::clone(stuk)));
            }
        }
    }

    /// So many minutes from now, or when this partner is at work after that.
    fn at_work(&mut self, partner: &str, minutes: i64) -> Timestamp {
        let moment = self.klok.now() + minutes.minutes();
        let is_always = self.draaiboek.dag_en_nacht.iter().any(|who| who == partner);
        if is_always { moment } else { in_office(&mut self.dice, moment) }
    }

    /// Somebody sees within hours that something waits.
    fn will_empty_soon(&mut self, postvak: &str) {
        let minutes = i64::from(self.dice.u32(10..150));
        let moment = self.at_work(parts(postvak).0, minutes);
        self.will_empty(postvak, moment);
    }

    fn will_empty(&mut self, postvak: &str, moment: Timestamp) {
        let last = self.klok.last;
        let is_left = self.draaiboek.blijft_liggen.iter().any(|of| {
            let from = last.saturating_sub(of.van_dagen_geleden.days());
            let until = last.saturating_sub(of.tot_dagen_geleden.days());
            of.postvak == postvak && (from..until).contains(&amsterdam_date(moment))
        });
        if !is_left && self.to_empty.insert(postvak.to_owned()) {
            self.agenda.add(moment, Stap::Haal(postvak.to_owned()));
        }
    }
}

/// The addresses of the script for one of the ZVH's.
fn addresses(adressen: &[String], zvhs: &[String; 4], zvh: usize) -> Vec<String> {
    let one = |adres: &String| match adres.as_str() {
        "zvh" => vec![format!("{}/algemeen", zvhs[zvh])],
        "alle-zvhs" => zvhs.iter().map(|zvh| format!("{zvh}/algemeen")).collect(),
        _ => vec![adres.clone()],
    };
    adressen.iter().flat_map(one).collect()
}

/// One of them, each as likely as its share says.
fn variant<'v>(dice: &mut Rng, varianten: &'v [Variant]) -> Option<&'v Variant> {
    let total: u32 = varianten.iter().map(|variant| variant.deel).sum();
    let mut thrown = dice.u32(..total.max(1));
    varianten.iter().find(|variant| {
        let is_it = thrown < variant.deel;
        thrown = thrown.saturating_sub(variant.deel);
        is_it
    })
}
