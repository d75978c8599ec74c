//! Opvallend (unusual): what deserves a look, each with its reason in a sentence. It proves nothing: there can be a good reason.

use std::collections::{BTreeMap, HashMap};

use jiff::{Timestamp, civil::Date};

use super::{super::oog::Oog, Afdeling, Stuk, Tabel, lezing::Gebeurtenis, of_none};
use crate::{
    domain::{Weigering, houdbaarheid::amsterdam_date},
    exchange::{
        datum::{dag, moment},
        unavailable,
    },
    logboek::Soort,
    store::zoeken::{Eis, Merk, Waarop, outside_office_hours},
};

/// Searches of one employee without a hit from which on it is told.
const MANY_MISSES: u64 = 10;
/// Refusals of one employee with nothing accepted in between from which on it is told.
const MANY_REFUSALS: u64 = 5;
/// So many days before a period say little of what is usual.
const YOUNG_DAYS: i32 = 92;
/// A day counts as a spike from so many berichten on, and from so many times the median of the days.
const SPIKE_FROM: u64 = 20;
const SPIKE_TIMES: u64 = 3;

/// A kind of bericht from one partner to another.
type Paar = (String, String, String);

/// Refusals after each other.
#[derive(Default, Clone)]
struct Reeks {
    aantal: u64,
    sinds: Option<Timestamp>,
}

/// What one employee looked for.
#[derive(Default)]
struct Zoekwerk {
    mis: u64,
    raak: u64,
    /// The first and the last time without a hit.
    tussen: Option<(Timestamp, Timestamp)>,
}

#[derive(Default)]
pub(super) struct Opvallend {
    /// The first time of each pair in the period, with its index.
    pairs: BTreeMap<Paar, (u64, Timestamp)>,
    /// What a partner did outside office hours, and in all.
    outside: BTreeMap<String, (u64, u64)>,
    /// Searches, by partner and employee.
    misses: BTreeMap<(String, String), Zoekwerk>,
    /// The last search that had a hit: each scenario that it found is a regel.
    last_hit: Option<String>,
    /// Refusals under way, and the longest, by partner and employee.
    now: HashMap<(String, String), Reeks>,
    longest: BTreeMap<(String, String), Reeks>,
    /// Berichten by afzender and day.
    days: BTreeMap<String, BTreeMap<Date, u64>>,
}

impl Opvallend {
    pub(super) fn take(&mut self, regel: &Gebeurtenis) {
        // Of toezicht and beheer the section on looks tells.
        if !regel.is_of_partner() {
            return;
        }
        let of = &regel.regel;
        let actor = of_none(regel.getoond.actor.as_ref());
        let (outside, all) = self.outside.entry(actor.clone()).or_default();
        *outside += if outside_office_hours(regel.tijd) { regel.aantal() } else { 0 };
        *all += regel.aantal();
        let who = (actor, of_none(regel.medewerker.as_ref()));
        match of.soort {
            Soort::Aanvaard => self.accepted(regel),
            Soort::Geraadpleegd if of.uitkomst.is_some() => self.searched(regel, &who),
            Soort::Geweigerd if !regel.is_refused_at_delivery() => return self.refused(regel, who),
            _ => {}
        }
        if of.soort != Soort::Geweigerd {
            // Whatever goes well ends the row.
            self.now.retain(|(partner, _), _| *partner != who.0);
        }
    }

    fn searched(&mut self, regel: &Gebeurtenis, who: &(String, String)) {
        let werk = self.misses.entry(who.clone()).or_default();
        if regel.regel.uitkomst.as_deref() != Some("gevonden") {
            werk.mis += 1;
            werk.tussen = Some((werk.tussen.map_or(regel.tijd, |(eerste, _)| eerste), regel.tijd));
        } else if regel.regel.trace.is_none() || self.last_hit != regel.regel.trace {
            werk.raak += 1;
            self.last_hit.clone_from(&regel.regel.trace);
        }
    }

    fn refused(&mut self, regel: &Gebeurtenis, who: (String, String)) {
        let reeks = self.now.entry(who.clone()).or_default();
        reeks.aantal += regel.aantal();
        reeks.sinds.get_or_insert(regel.tijd);
        let longest = self.longest.entry(who).or_default();
        if longest.aantal < reeks.aantal {
            *longest = reeks.clone();
        }
    }

    fn accepted(&mut self, regel: &Gebeurtenis) {
        let (Some(van), Some(naar), Some(soort)) = (regel.afzender(), regel.ontvanger(), &regel.regel.berichtsoort)
        else {
            return;
        };
        let pair = (soort.clone(), van.to_owned(), naar.to_owned());
        self.pairs.entry(pair).or_insert((regel.getoond.log_index, regel.tijd));
        *self.days.entry(van.to_owned()).or_default().entry(amsterdam_date(regel.tijd)).or_default() += 1;
    }

    fn searches(&self) -> impl Iterator<Item = Vec<String>> {
        let many = self.misses.iter().filter(|(_, werk)| werk.mis >= MANY_MISSES && werk.mis > werk.raak);
        many.map(|((partner, medewerker), Zoekwerk { mis, raak, tussen })| {
            let when = tussen.map(|(eerste, laatste)| format!(", tussen {} en {}", moment(eerste), moment(laatste)));
            let when = when.unwrap_or_default();
            said(
                "zoeken",
                format!(
                    "Medewerker {medewerker} van {partner} zocht {mis} keer naar een scenario dat er niet was, en {raak} keer naar een dat er \
                     wel was{when}."
                ),
            )
        })
    }

    fn refusals(&self) -> impl Iterator<Item = Vec<String>> {
        self.longest.iter().filter(|(_, reeks)| reeks.aantal >= MANY_REFUSALS).map(|((partner, medewerker), reeks)| {
            let since = reeks.sinds.map(moment).unwrap_or_default();
            let who = match medewerker.as_str() {
                "-" => format!("Van {partner} (welke medewerker is niet bekend)"),
                code => format!("Medewerker {code} van {partner}"),
            };
            said("weigeringen", format!("{who} werd vanaf {since} {} keer achter elkaar geweigerd.", reeks.aantal))
        })
    }

    fn spikes(&self) -> impl Iterator<Item = Vec<String>> {
        self.days.iter().flat_map(|(partner, days)| {
            let mut counts: Vec<u64> = days.values().copied().collect();
            counts.sort_unstable();
            let median = counts[counts.len() / 2];
            let is_spike =
                move |aantal: u64| aantal >= SPIKE_FROM && aantal >= SPIKE_TIMES * median && counts.len() > 1;
            days.iter().filter(move |(_, aantal)| is_spike(**aantal)).map(move |(day, aantal)| {
                said(
                    "piek",
                    format!(
                        "Op {} werd van {partner} {aantal} keer iets aanvaard; op een dag waarop iets wordt aanvaard is dat doorgaans {median} keer.",
                        dag(*day)
                    ),
                )
            })
        })
    }

    /// Who looks sees of some partners all, and of others only what they did with one of those.
    fn nightly(&self, is_whole: impl Fn(&str) -> bool) -> impl Iterator<Item = Vec<String>> {
        let some = self.outside.iter().filter(|(_, (outside, _))| *outside > 0);
        some.map(move |(actor, (outside, all))| {
            let seen = if is_whole(actor) { "" } else { ", voor zover u dat ziet" };
            let text = format!("Logregels van wat {actor} deed{seen}: {all}, waarvan {outside} buiten kantooruren.");
            said("buiten_kantooruren", text)
        })
    }
}

fn said(wat: &str, zin: String) -> Vec<String> {
    vec![wat.to_owned(), zin]
}

impl Oog<'_> {
    /// The section on what is unusual.
    pub(super) async fn opvallend(&self, opvallend: &Opvallend, stuk: Stuk) -> Result<Afdeling, Weigering> {
        let mut rows = Vec::new();
        let is_first = stuk.van == 0 || !self.anything_before(stuk.van).await?;
        if !is_first {
            for ((soort, van, naar), (index, tijd)) in &opvallend.pairs {
                let [soort_, van_, naar_] = [
                    Merk::new(Waarop::Berichtsoort, soort.as_str()),
                    Merk::new(Waarop::Afzender, van.as_str()),
                    Merk::new(Waarop::Ontvanger, naar.as_str()),
                ];
                let mut vraag = self.seen(0, *index);
                let accepted = Merk::new(Waarop::Soort, Soort::Aanvaard.as_str());
                vraag.eisen.extend([soort_, van_, naar_, accepted].map(|merk| Eis::EenVan(vec![merk])));
                if self.zoeken.find(&vraag).await.map_err(unavailable)?.count() == 0 {
                    let when = moment(*tijd);
                    rows.push(said(
                        "eerste_keer",
                        format!("Op {when} ging voor het eerst een {soort} van {van} naar {naar}."),
                    ));
                }
            }
        }
        rows.extend(opvallend.searches().chain(opvallend.refusals()).chain(opvallend.spikes()).chain(
            opvallend.nightly(|actor| {
                self.ziet.is_alles() || self.ziet.partners().iter().any(|naam| naam.as_str() == actor)
            }),
        ));
        let mut zinnen = vec![
            "Wat hier staat wijkt af van gewoon, en kan een goede reden hebben.".to_owned(),
            format!(
                "Genoemd wordt: een eerste keer tussen twee partners; {MANY_MISSES} of meer zoekvragen van een medewerker zonder treffer; \
                 {MANY_REFUSALS} of meer weigeringen achter elkaar, zonder dat intussen iets lukte bij die partner; een dag met {SPIKE_TIMES} keer zoveel als gewoon; en wat buiten \
                 kantooruren gebeurde: voor 8.00, vanaf 18.00 en in het weekend."
            ),
        ];
        if is_first {
            zinnen.push("Van voor deze periode is er niets; een eerste keer valt daarom niet op.".to_owned());
        } else if let Some(begin) =
            self.begonnen().await?.filter(|begin| (stuk.periode.van - *begin).get_days() < YOUNG_DAYS)
        {
            zinnen.push(format!("Het logboek begon op {}: veel is daarom een eerste keer.", dag(begin)));
        }
        let tabel = Tabel::new(("opvallend", "Wat opvalt"), &["soort", "zin"], rows);
        Ok(Afdeling { naam: "opvallend", titel: "Wat opvalt", zinnen, tabellen: vec![tabel] })
    }

    async fn anything_before(&self, index: u64) -> Result<bool, Weigering> {
        let mut vraag = self.seen(0, index);
        vraag.eisen.push(Eis::EenVan(vec![Merk::new(Waarop::Soort, Soort::Aanvaard.as_str())]));
        Ok(self.zoeken.find(&vraag).await.map_err(unavailable)?.count() > 0)
    }
}
