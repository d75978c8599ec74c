//! Samenloop: where several convenanten allow one exchange. Which one stamps, and what another gives to who
//! names it.
//!
//! A cell is a berichtsoort from one address to another about one kind of people in one category. In it every kind of bericht is
//! tried that the rules tell apart (`Proef`), each by asking the rules as admission does.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp, civil::Date};

use super::{
    Adres, Berichtsoort, Convenant, Mandaathouder, PartnerNaam, Regel, TeltVanaf, Termijn, VanKracht,
    convenant::matches_any,
    houdbaarheid::{start_of, unreadable_from},
    plaatsen::{Plaatsen, Wie, routes},
    proef::{Proef, proeven},
    van_kracht::Route,
    vraag::{Gestempeld, Vraag},
};

/// What a convenant gives in a cell.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kant {
    /// Name of the convenant.
    pub convenant: String,
    /// Ids of the grondslagen; of several the sender must name one.
    pub grondslagen: Vec<String>,
    /// How long it stays usable.
    pub houdbaarheid: Termijn,
    /// From when that counts.
    pub telt_vanaf: TeltVanaf,
    /// Why that is not three months.
    pub afwijking: Option<String>,
}

impl Kant {
    pub(super) fn of(gestempeld: &Gestempeld<'_>) -> Self {
        let Gestempeld { convenant, regel, grondslag, .. } = gestempeld;
        Self {
            convenant: convenant.naam.clone(),
            grondslagen: vec![grondslag.id.clone()],
            houdbaarheid: regel.houdbaarheid,
            telt_vanaf: regel.telt_vanaf,
            afwijking: regel.afwijking.clone(),
        }
    }

    /// In Dutch: convenant, grondslag and term.
    #[must_use]
    pub fn tekst(&self) -> String {
        format!("convenant {} (grondslag {}, houdbaar {})", self.convenant, self.grondslagen.join(" of "), self.term())
    }

    pub(super) fn term(&self) -> String {
        term(self.houdbaarheid, self.telt_vanaf, self.afwijking.as_deref())
    }
}

/// A term in Dutch, with the reason where it deviates from three months.
#[must_use]
pub fn term(houdbaarheid: Termijn, telt_vanaf: TeltVanaf, afwijking: Option<&str>) -> String {
    let because = afwijking.map_or(String::new(), |waarom| format!(", afwijking: {waarom}"));
    format!("{houdbaarheid} vanaf {}{because}", telt_vanaf.as_str())
}

/// Two convenanten in one exchange, the same everywhere where it says so.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Samenloop {
    /// The kind of bericht.
    pub berichtsoort: Berichtsoort,
    /// What stamps; of several grondslagen only what the sender names.
    pub stempelt: Kant,
    /// What the other gives to who names it.
    pub andere: Kant,
    /// How a sender chooses the other, in Dutch.
    pub kiezen: String,
    /// What the other stamps all the same, because it alone allows that or has allowed it longer, in Dutch.
    pub ongenoemd: Vec<String>,
    /// The day on which both are in force, where that is later than today.
    pub vanaf: Option<Date>,
    /// Whether the other would keep it usable longer.
    pub langer: bool,
}

impl Samenloop {
    /// What both say, in Dutch, for somebody who knows the exchange already.
    #[must_use]
    pub fn tekst(&self) -> String {
        let Self { stempelt, andere, kiezen, ongenoemd, vanaf, langer, .. } = self;
        let vanaf = vanaf.map_or(String::new(), |day| format!("vanaf {day} "));
        let alleen = if ongenoemd.is_empty() {
            String::new()
        } else {
            let (naam, what) = (&andere.convenant, ongenoemd.join("; "));
            format!("; wat alleen {naam} toestaat of zij al langer toestaat ({what}) stempelt {naam}")
        };
        let langste = if *langer {
            let grondslagen = andere.grondslagen.join(" of ");
            format!(". Won de langste termijn, dan werd dit grondslag {grondslagen} en {}", andere.term())
        } else {
            String::new()
        };
        let (stempelt, andere) = (stempelt.tekst(), andere.tekst());
        format!("{vanaf}stempelt {stempelt}; {andere} krijgt alleen wie {kiezen}{alleen}{langste}")
    }
}

/// Everything in which convenanten meet on a day: what both say, by the exchanges of which they say it, with a rule of the
/// other.
#[must_use]
pub fn samenlopen(van_kracht: &VanKracht, day: Date) -> Vec<(Samenloop, Vec<String>, String)> {
    let mut found: BTreeMap<Samenloop, (Plaatsen<'_>, String)> = BTreeMap::new();
    let mut known = BTreeMap::new();
    for (route, regels) in van_kracht.shared() {
        for cel in cellen(van_kracht, route, &regels, day) {
            let same = known.entry(cel.steunt_op(van_kracht)).or_insert_with(|| cel.samenlopen(van_kracht, day));
            for (samenloop, regel) in same {
                let (plaatsen, _) = found.entry(samenloop.clone()).or_insert_with(|| (Plaatsen::new(), regel.clone()));
                plaatsen.entry((cel.van, cel.naar)).or_default().insert(cel.wie);
            }
        }
    }
    let told = found.into_iter().map(|(samenloop, (plaatsen, regel))| {
        let routes = routes(van_kracht, samenloop.berichtsoort, &plaatsen, day);
        (samenloop, routes, regel)
    });
    told.collect()
}

/// A rule with its convenant, and the number of that.
pub(super) type Plaats<'k> = (usize, &'k Convenant, &'k Regel);

/// A berichtsoort from one address to another, about one kind of people, with the rules that speak of it.
pub(super) struct Cel<'k> {
    pub(super) soort: Berichtsoort,
    pub(super) van: &'k Adres,
    pub(super) naar: &'k Adres,
    pub(super) wie: Wie,
    pub(super) regels: Vec<Plaats<'k>>,
}

/// What the answers about a cell rest on. Cells in which it is the same get the same answers, so that each is asked once: one rule
/// may speak of a hundred thousand pairs of addresses.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SteuntOp<'k> {
    wie: Wie,
    /// Whose mandaat a rule asks for.
    afzender: Option<&'k PartnerNaam>,
    ontvanger: Option<&'k PartnerNaam>,
    /// Where a rule asks for another ontvanger too: the first one may be it.
    naar: Option<&'k Adres>,
    /// The rules themselves, of today and of the past, told apart by where they stand in memory.
    regels: Vec<*const Regel>,
}

/// The cells of one route, without those of which no rule speaks.
pub(super) fn cellen<'k>(
    van_kracht: &'k VanKracht,
    (soort, van, naar): Route<'_>,
    regels: &[(usize, usize)],
    day: Date,
) -> Vec<Cel<'k>> {
    let (van, naar) = (van_kracht.adressen(van), van_kracht.adressen(naar));
    let naar: Vec<&Adres> = naar.iter().filter(|adres| van_kracht.closed_on(adres, day).is_none()).collect();
    let mut found: BTreeMap<(&'k Adres, &'k Adres, Wie), Vec<Plaats<'k>>> = BTreeMap::new();
    for (at, number) in regels {
        let convenant = &van_kracht.convenanten()[*at];
        let regel = &convenant.regels[*number];
        if convenant.geldig_tot_en_met < day {
            continue;
        }
        for van in van.iter().filter(|adres| matches_any(&regel.van, adres)) {
            for naar in naar.iter().copied().filter(|adres| *adres != van && matches_any(&regel.naar, adres)) {
                for wie in regel.kinds() {
                    let of_cell = found.entry((van, naar, wie)).or_default();
                    // Rules of one convenant that say the same are one: it may have thousands.
                    let same = |other: &&Plaats<'_>| other.0 == *at && says_the_same(other.2, regel);
                    if of_cell.iter().rev().take_while(|other| other.0 == *at).find(same).is_none() {
                        of_cell.push((*at, convenant, regel));
                    }
                }
            }
        }
    }
    found.into_iter().map(|((van, naar, wie), regels)| Cel { soort, van, naar, wie, regels }).collect()
}

fn says_the_same(one: &Regel, other: &Regel) -> bool {
    one.grondslagen == other.grondslagen
        && one.differs_from(other).is_none()
        && one.doelgroep == other.doelgroep
        && one.categorie == other.categorie
        && one.afwijking == other.afwijking
        && one.verwerkingsactiviteit == other.verwerkingsactiviteit
}

impl<'k> Cel<'k> {
    /// Names of the convenanten that speak of it.
    pub(super) fn names(&self) -> BTreeSet<&'k str> {
        self.regels.iter().map(|(_, convenant, _)| &*convenant.naam).collect()
    }

    /// Today, and each later day on which one of the rules begins to count: the last moment of each.
    pub(super) fn days(&self, van_kracht: &VanKracht, day: Date) -> BTreeSet<Date> {
        let terms = self.regels.iter().flat_map(|(_, convenant, regel)| {
            let of = regel.grondslagen.iter().filter_map(|id| convenant.grondslag(id)?.geldig_van);
            of.chain([convenant.geldig_van])
        });
        let mandaten = van_kracht.deelnemers().mandaten.iter().map(|mandaat| mandaat.geldig_van);
        let later = terms.chain(mandaten).filter(|later| *later > day);
        std::iter::once(day).chain(later).collect()
    }

    /// Every bericht that rules of this cell, of today and of the past, tell apart; the one that asks nothing first.
    pub(super) fn proeven(&self, van_kracht: &'k VanKracht, day: Date) -> Vec<Proef> {
        proeven(self.soort, &self.with_past(van_kracht), day)
    }

    /// Its rules of today, and those by which versions of the past spoke of it.
    fn with_past(&self, van_kracht: &'k VanKracht) -> Vec<&'k Regel> {
        let now: BTreeSet<usize> = self.regels.iter().map(|(at, _, _)| *at).collect();
        let past = now.iter().flat_map(|at| &van_kracht.historie()[*at].eerder).flat_map(|of| &of.convenant.regels);
        let past = past.filter(|regel| regel.covers(self.soort, self.van, self.naar));
        self.regels.iter().map(|(_, _, regel)| *regel).chain(past).collect()
    }

    /// Everything that the answers about it rest on.
    pub(super) fn steunt_op(&self, van_kracht: &'k VanKracht) -> SteuntOp<'k> {
        let regels = self.with_past(van_kracht);
        let asks = |houder: Mandaathouder| regels.iter().any(|regel| regel.mandaat == Some(houder));
        SteuntOp {
            wie: self.wie,
            afzender: asks(Mandaathouder::Afzender).then_some(&self.van.partner),
            ontvanger: asks(Mandaathouder::Ontvanger).then_some(&self.naar.partner),
            naar: regels.iter().any(|regel| !regel.mede_ontvanger.is_empty()).then_some(self.naar),
            regels: regels.into_iter().map(std::ptr::from_ref).collect(),
        }
    }

    /// Asks the rules about such a bericht, at the end of a day.
    pub(super) fn ask<T>(
        &self,
        proef: &Proef,
        convenant: Option<&str>,
        day: Date,
        ask: impl FnOnce(&Vraag<'_>) -> T,
    ) -> T {
        let mut ontvangers = vec![self.naar.clone()];
        let all = self.regels.iter().flat_map(|(_, _, regel)| &regel.mede_ontvanger);
        let mede = all.filter(|patroon| proef.mede.as_ref().is_none_or(|some| some.contains(patroon)));
        ontvangers.extend(mede.map(|patroon| Adres {
            partner: patroon.partner.clone(),
            loket: patroon.loket.clone().unwrap_or_default(),
        }));
        ask(&Vraag {
            soort: self.soort,
            van: self.van,
            naar: self.naar,
            ontvangers: &ontvangers,
            doelgroep: self.wie.0,
            categorie: self.wie.1,
            bevat_bsn: proef.bsn,
            verlenging: proef.verlenging,
            grondslag: proef.grondslag.as_deref(),
            convenant,
            vanaf: proef.peildatum.filter(|_| self.soort == Berichtsoort::MondelingeVerstrekking).unwrap_or(day),
            peildatum: proef.peildatum,
            now: end_of(day),
            today: day,
        })
    }

    /// What stamps such a bericht, if anything does.
    pub(super) fn stamp<'v>(
        &self,
        van_kracht: &'v VanKracht,
        proef: &Proef,
        convenant: Option<&str>,
        day: Date,
    ) -> Option<Gestempeld<'v>> {
        self.ask(proef, convenant, day, |vraag| vraag.stamp(van_kracht)).ok()
    }

    /// What one convenant gives; where its rules leave a choice, with all that can be chosen.
    pub(super) fn kant(&self, van_kracht: &VanKracht, naam: &str, day: Date) -> Option<(Kant, Date, String)> {
        let none = Proef::default();
        if let Some(stamped) = self.stamp(van_kracht, &none, Some(naam), day) {
            return Some((Kant::of(&stamped), stamped.tot_en_met, stamped.regel.id.clone()));
        }
        let own = self.regels.iter().filter(|(_, convenant, _)| convenant.naam == naam);
        let ids: BTreeSet<&String> = own.flat_map(|(_, _, regel)| &regel.grondslagen).collect();
        let choices = ids.into_iter().filter_map(|id| self.stamp(van_kracht, &Proef::naming(id), Some(naam), day));
        choices.fold(None, |so_far, stamped| match so_far {
            None => Some((Kant::of(&stamped), stamped.tot_en_met, stamped.regel.id.clone())),
            Some((mut kant, last, regel)) => {
                kant.grondslagen.push(stamped.grondslag.id.clone());
                Some((kant, last.max(stamped.tot_en_met), regel))
            }
        })
    }

    pub(super) fn samenlopen(&self, van_kracht: &VanKracht, day: Date) -> Vec<(Samenloop, String)> {
        let names = self.names();
        if names.len() < 2 {
            return Vec::new();
        }
        let mut told = BTreeSet::new();
        let mut found = Vec::new();
        for at in self.days(van_kracht, day) {
            let kanten: Vec<_> = names.iter().filter_map(|naam| self.kant(van_kracht, naam, at)).collect();
            let Some(senior) = self.senior(van_kracht, &kanten, at) else { continue };
            let (stempelt, last, _) = &kanten[senior];
            for (place, (andere, other_last, regel)) in kanten.iter().enumerate() {
                if place == senior || !told.insert((stempelt.convenant.clone(), andere.convenant.clone())) {
                    continue;
                }
                let samenloop = Samenloop {
                    berichtsoort: self.soort,
                    stempelt: stempelt.clone(),
                    andere: andere.clone(),
                    kiezen: self.kiezen(van_kracht, andere, at),
                    ongenoemd: self.unnamed(van_kracht, &andere.convenant, at),
                    vanaf: (at > day).then_some(at),
                    langer: other_last > last,
                };
                found.push((samenloop, regel.clone()));
            }
        }
        found
    }

    /// Which of several stamps a bericht that asks nothing; where that leaves a choice, who makes one.
    fn senior(&self, van_kracht: &VanKracht, kanten: &[(Kant, Date, String)], day: Date) -> Option<usize> {
        let (at, _) = self.ask(&Proef::default(), None, day, |vraag| vraag.senior(van_kracht)).ok()?;
        let naam = &van_kracht.convenanten()[at].naam;
        kanten.iter().position(|(kant, _, _)| kant.convenant == *naam)
    }

    /// What a sender names to get this one.
    fn kiezen(&self, van_kracht: &VanKracht, andere: &Kant, day: Date) -> String {
        let leads = |id: &&String| {
            self.stamp(van_kracht, &Proef::naming(id), None, day)
                .is_some_and(|found| found.convenant.naam == andere.convenant)
        };
        let ids: Vec<&str> = andere.grondslagen.iter().filter(leads).map(String::as_str).collect();
        if ids.is_empty() {
            format!("convenant {} noemt", andere.convenant)
        } else {
            format!("grondslag {} of convenant {} noemt", ids.join(" of "), andere.convenant)
        }
    }

    /// What this one stamps although nobody names it, in Dutch: what it alone allows, or allows longer than the others. Of those that
    /// ask the least.
    fn unnamed(&self, van_kracht: &VanKracht, naam: &str, day: Date) -> Vec<String> {
        let proeven = self.proeven(van_kracht, day);
        let mut least: Vec<&Proef> = Vec::new();
        for proef in proeven.iter().filter(|proef| proef.grondslag.is_none()) {
            if least.iter().any(|known| known.asks_no_more(proef)) {
                continue;
            }
            if self.stamp(van_kracht, proef, None, day).is_some_and(|stamped| stamped.convenant.naam == naam) {
                least.push(proef);
            }
        }
        least.into_iter().map(Proef::words).collect()
    }
}

/// What was loaded on a day counts on it, whenever that was.
fn end_of(day: Date) -> Timestamp {
    unreadable_from(day).saturating_sub(SignedDuration::from_micros(1)).unwrap_or_else(|_| start_of(day))
}
