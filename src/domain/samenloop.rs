//! Samenloop: where several convenanten allow one exchange. Which one stamps, what another gives to who names it, and where
//! nothing says which one stamps.
//!
//! A cell is a berichtsoort from one address to another about one kind of people in one category. In it every kind of bericht is
//! tried that the rules tell apart ([`Proef`]), each by asking the rules as admission does.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp, civil::Date};

use super::{
    Adres, Berichtsoort, Convenant, LoketNaam, PartnerNaam, Regel, TeltVanaf, Termijn, VanKracht,
    convenant::matches_any,
    houdbaarheid::{start_of, unreadable_from},
    plaatsen::{Plaatsen, Wie, routes},
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
    /// What only the other allows and therefore stamps, in Dutch.
    pub alleen_andere: Vec<&'static str>,
    /// The day on which both are in force, where that is later than today.
    pub vanaf: Option<Date>,
    /// Whether the other would keep it usable longer.
    pub langer: bool,
}

impl Samenloop {
    /// What both say, in Dutch, for somebody who knows the exchange already.
    #[must_use]
    pub fn tekst(&self) -> String {
        let Self { stempelt, andere, kiezen, alleen_andere, vanaf, langer, .. } = self;
        let mut text = vanaf.map_or(String::new(), |day| format!("vanaf {day} "));
        text.push_str(&format!("stempelt {}; {} krijgt alleen wie {kiezen}", stempelt.tekst(), andere.tekst()));
        if !alleen_andere.is_empty() {
            text.push_str(&format!(
                "; wat alleen {} toestaat ({}) stempelt dat",
                andere.convenant,
                alleen_andere.join(", ")
            ));
        }
        if *langer {
            text.push_str(&format!(
                ". Won de langste termijn, dan werd dit grondslag {} en {}",
                andere.grondslagen.join(" of "),
                andere.term()
            ));
        }
        text
    }
}

/// Everything in which convenanten meet on a day: what both say, by the exchanges of which they say it, with a rule of the
/// other.
#[must_use]
pub fn samenlopen(van_kracht: &VanKracht, day: Date) -> Vec<(Samenloop, Vec<String>, String)> {
    let mut found: BTreeMap<Samenloop, (Plaatsen, String)> = BTreeMap::new();
    for (route, regels) in van_kracht.shared() {
        for cel in cellen(van_kracht, route, &regels, day) {
            for (samenloop, regel) in cel.samenlopen(van_kracht, day) {
                let (plaatsen, _) = found.entry(samenloop).or_insert_with(|| (Plaatsen::new(), regel));
                plaatsen.entry((cel.van.clone(), cel.naar.clone())).or_default().insert(cel.wie);
            }
        }
    }
    let told = found.into_iter().map(|(samenloop, (plaatsen, regel))| {
        let routes = routes(van_kracht, samenloop.berichtsoort, &plaatsen, day);
        (samenloop, routes, regel)
    });
    told.collect()
}

/// Two convenanten that begin together, say different things and of which neither stands behind the other.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Onbeslist {
    /// One of them.
    pub een: Kant,
    /// The other.
    pub ander: Kant,
    /// One of the exchanges, in Dutch.
    pub uitwisseling: String,
}

/// Each two convenanten of which nothing says which one stamps, once.
#[must_use]
pub fn onbeslist(van_kracht: &VanKracht, day: Date) -> Vec<Onbeslist> {
    let mut found: BTreeMap<(usize, usize), Onbeslist> = BTreeMap::new();
    for (route, regels) in van_kracht.shared() {
        for cel in cellen(van_kracht, route, &regels, day) {
            for (at, een, ander) in cel.undecided(van_kracht, day) {
                found.entry(at).or_insert_with(|| {
                    let wie = [((cel.van.clone(), cel.naar.clone()), BTreeSet::from([cel.wie]))].into();
                    let uitwisseling = routes(van_kracht, cel.soort, &wie, day).join(", ");
                    Onbeslist { een, ander, uitwisseling: format!("{} {uitwisseling}", cel.soort) }
                });
            }
        }
    }
    found.into_values().collect()
}

/// A berichtsoort from one address to another, about one kind of people, with the rules that speak of it.
pub(super) struct Cel<'k> {
    pub(super) soort: Berichtsoort,
    pub(super) van: Adres,
    pub(super) naar: Adres,
    pub(super) wie: Wie,
    regels: Vec<(usize, &'k Convenant, &'k Regel)>,
}

/// A bericht that is tried in a cell.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Proef {
    bsn: bool,
    verlenging: u8,
    /// Goes to nobody else, where a rule asks for another ontvanger.
    alleen: bool,
    peildatum: Option<Date>,
    grondslag: Option<String>,
}

impl Proef {
    /// A bericht that asks nothing but a grondslag.
    pub(super) fn naming(grondslag: &str) -> Self {
        Self { grondslag: Some(grondslag.to_owned()), ..Self::default() }
    }

    /// Whether every bericht of the other kind asks what this one asks.
    pub(super) fn asks_no_more(&self, other: &Self) -> bool {
        (!self.bsn || other.bsn)
            && self.verlenging <= other.verlenging
            && (!self.alleen || other.alleen)
            && (self.peildatum.is_none() || self.peildatum == other.peildatum)
            && (self.grondslag.is_none() || self.grondslag == other.grondslag)
    }

    /// In Dutch, after what is allowed; empty for a bericht that asks nothing.
    pub(super) fn tekst(&self) -> String {
        let mut words = Vec::new();
        if self.bsn {
            words.push("met BSN".to_owned());
        }
        if self.verlenging > 0 {
            words.push(format!("bij verlenging {}", self.verlenging));
        }
        if self.alleen {
            words.push("zonder andere ontvanger".to_owned());
        }
        if let Some(day) = self.peildatum {
            words.push(format!("met peildatum {day}"));
        }
        if let Some(grondslag) = &self.grondslag {
            words.push(format!("met grondslag {grondslag} gekozen"));
        }
        if words.is_empty() { String::new() } else { format!(" ({})", words.join(", ")) }
    }
}

/// The cells of one route, without those of which no rule speaks.
pub(super) fn cellen<'k>(
    van_kracht: &'k VanKracht,
    (soort, van, naar): Route<'_>,
    regels: &[(usize, usize)],
    day: Date,
) -> Vec<Cel<'k>> {
    let adressen = |naam: &PartnerNaam| van_kracht.partners().get(naam).into_iter().flat_map(|of| of.adressen());
    let (van, mut naar): (Vec<Adres>, Vec<Adres>) = (adressen(van).collect(), adressen(naar).collect());
    naar.retain(|adres| van_kracht.closed_on(adres, day).is_none());
    let mut found: BTreeMap<(Adres, Adres, Wie), Vec<(usize, &Convenant, &Regel)>> = BTreeMap::new();
    for (at, number) in regels {
        let convenant = &van_kracht.convenanten()[*at];
        let regel = &convenant.regels[*number];
        if convenant.geldig_tot_en_met < day {
            continue;
        }
        for van in van.iter().filter(|adres| matches_any(&regel.van, adres)) {
            for naar in naar.iter().filter(|adres| *adres != van && matches_any(&regel.naar, adres)) {
                for wie in regel.kinds() {
                    let of_cell = found.entry((van.clone(), naar.clone(), wie)).or_default();
                    // Rules of one convenant that say the same are one: it may have thousands.
                    let same = |other: &&(usize, &Convenant, &Regel)| other.0 == *at && says_the_same(other.2, regel);
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
        let now: BTreeSet<usize> = self.regels.iter().map(|(at, _, _)| *at).collect();
        let past = now.iter().flat_map(|at| &van_kracht.historie()[*at].eerder).flat_map(|of| &of.convenant.regels);
        let past = past.filter(|regel| regel.covers(self.soort, &self.van, &self.naar));
        let regels: Vec<&Regel> = self.regels.iter().map(|(_, _, regel)| *regel).chain(past).collect();
        let bsn: BTreeSet<bool> = regels.iter().map(|regel| regel.bsn_toegestaan).chain([false]).collect();
        let verlengingen: BTreeSet<u8> = regels.iter().map(|regel| regel.max_verlengingen).chain([0]).collect();
        let alleen = regels.iter().any(|regel| !regel.mede_ontvanger.is_empty());
        let grondslagen: BTreeSet<Option<&String>> =
            regels.iter().flat_map(|regel| &regel.grondslagen).map(Some).chain([None]).collect();
        let mut proeven = Vec::new();
        for peildatum in oldest(self.soort, &regels, day) {
            for bsn in &bsn {
                for verlenging in &verlengingen {
                    for alleen in [false, true].into_iter().take(1 + usize::from(alleen)) {
                        proeven.extend(grondslagen.iter().map(|grondslag| Proef {
                            bsn: *bsn,
                            verlenging: *verlenging,
                            alleen,
                            peildatum,
                            grondslag: grondslag.cloned(),
                        }));
                    }
                }
            }
        }
        proeven
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
        if !proef.alleen {
            let mede = self.regels.iter().flat_map(|(_, _, regel)| &regel.mede_ontvanger);
            ontvangers.extend(mede.map(|patroon| Adres {
                partner: patroon.partner.clone(),
                loket: patroon.loket.clone().unwrap_or_else(LoketNaam::default),
            }));
        }
        ask(&Vraag {
            soort: self.soort,
            van: &self.van,
            naar: &self.naar,
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
                    alleen_andere: self.only(&andere.convenant, &stempelt.convenant),
                    vanaf: (at > day).then_some(at),
                    langer: other_last > last,
                };
                found.push((samenloop, regel.clone()));
            }
        }
        found
    }

    /// Which of several stamps: the one of a bericht without a choice, else of one that makes a choice.
    fn senior(&self, van_kracht: &VanKracht, kanten: &[(Kant, Date, String)], day: Date) -> Option<usize> {
        let ids = kanten.iter().flat_map(|(kant, _, _)| &kant.grondslagen).cloned().map(Some);
        let mut proeven = std::iter::once(None).chain(ids).map(|grondslag| Proef { grondslag, ..Proef::default() });
        let stamped = proeven.find_map(|proef| self.stamp(van_kracht, &proef, None, day))?;
        kanten.iter().position(|(kant, _, _)| kant.convenant == stamped.convenant.naam)
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

    /// In what one convenant is wider than the other.
    fn only(&self, one: &str, other: &str) -> Vec<&'static str> {
        let of = |naam: &str, test: &dyn Fn(&Regel) -> bool| {
            self.regels.iter().any(|(_, convenant, regel)| convenant.naam == naam && test(regel))
        };
        let most = |naam: &str| {
            let own = self.regels.iter().filter(|(_, convenant, _)| convenant.naam == naam);
            own.map(|(_, _, regel)| regel.max_verlengingen).max()
        };
        let wider = |test: &dyn Fn(&Regel) -> bool| of(one, test) && !of(other, test);
        let all = [
            ("met BSN", wider(&|regel| regel.bsn_toegestaan)),
            ("zonder mede-ontvanger", wider(&|regel| regel.mede_ontvanger.is_empty())),
            ("vaker verlengd", most(one) > most(other)),
            ("met oude peildatum", wider(&|regel| regel.telt_vanaf == TeltVanaf::Aanvaarding)),
        ];
        all.into_iter().filter(|(_, wider)| *wider).map(|(what, _)| what).collect()
    }

    /// Two that begin in the same moment to allow such a bericht, say something else and of which neither stands behind.
    fn undecided(&self, van_kracht: &VanKracht, day: Date) -> Vec<((usize, usize), Kant, Kant)> {
        if self.names().len() < 2 {
            return Vec::new();
        }
        let mut found = BTreeMap::new();
        for at in self.days(van_kracht, day) {
            for proef in self.proeven(van_kracht, day) {
                let claims = self.ask(&proef, None, at, |vraag| self.claims(van_kracht, vraag));
                for (place, (one, since, een)) in claims.iter().enumerate() {
                    for (other, _, ander) in claims[..place].iter().filter(|(_, other, _)| other == since) {
                        let [convenant, andere] = [*other, *one].map(|at| &van_kracht.convenanten()[at]);
                        let settled = convenant.staat_achter.contains(&andere.naam)
                            || andere.staat_achter.contains(&convenant.naam);
                        let same = (&een.grondslagen, een.houdbaarheid, een.telt_vanaf)
                            == (&ander.grondslagen, ander.houdbaarheid, ander.telt_vanaf);
                        if !settled && !same {
                            found.entry((*other, *one)).or_insert_with(|| (ander.clone(), een.clone()));
                        }
                    }
                }
            }
        }
        found.into_iter().map(|(at, (ander, een))| (at, ander, een)).collect()
    }

    /// What each convenant would stamp and since when, whoever has a mandaat: that may be given any day.
    fn claims(&self, van_kracht: &VanKracht, vraag: &Vraag<'_>) -> Vec<(usize, Timestamp, Kant)> {
        let mut best: BTreeMap<usize, Gestempeld<'_>> = BTreeMap::new();
        for (at, convenant, regel) in &self.regels {
            if let Some(claim) = vraag.claim(convenant, regel, van_kracht.productie()) {
                let longest = best.entry(*at).or_insert(claim);
                if longest.length() < claim.length() {
                    *longest = claim;
                }
            }
        }
        best.into_iter().map(|(at, claim)| (at, van_kracht.since(vraag, at).0, Kant::of(&claim))).collect()
    }
}

/// No peildatum, and for each rule the oldest with which it still allows a bericht, and one that is too old for all of them.
fn oldest(soort: Berichtsoort, regels: &[&Regel], day: Date) -> BTreeSet<Option<Date>> {
    let stale =
        |regel: &&&Regel| regel.telt_vanaf == TeltVanaf::Peildatum || soort == Berichtsoort::MondelingeVerstrekking;
    let terms: BTreeSet<Termijn> = regels.iter().filter(stale).map(|regel| regel.houdbaarheid).collect();
    let all_alike = terms.len() == 1 && regels.iter().all(|regel| stale(&regel));
    if terms.is_empty() || all_alike {
        return BTreeSet::from([None]);
    }
    let last = |termijn: &Termijn| {
        let span = match termijn {
            Termijn::Maanden(maanden) => i64::from(*maanden) * 31,
            Termijn::Dagen(dagen) => i64::from(*dagen),
        };
        let earliest = day.saturating_sub(jiff::Span::new().days(span));
        earliest.series(jiff::Span::new().days(1)).find(|start| termijn.last_day(*start) >= day).unwrap_or(day)
    };
    let mut found: BTreeSet<Date> = terms.iter().map(last).collect();
    found.extend(found.first().and_then(|first| first.yesterday().ok()));
    found.into_iter().map(Some).chain([None]).collect()
}

/// What was loaded on a day counts on it, whenever that was.
fn end_of(day: Date) -> Timestamp {
    unreadable_from(day).saturating_sub(SignedDuration::from_micros(1)).unwrap_or_else(|_| start_of(day))
}
