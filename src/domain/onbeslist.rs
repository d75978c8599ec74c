//! Onbeslist (undecided): two convenanten that come in force together and say different things about one exchange, without a word
//! which of them stamps. A mistake as long as neither stands behind the other: who loads them must say what is meant.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, civil::Date};

use super::{
    VanKracht,
    plaatsen::routes,
    samenloop::{Cel, Kant, cellen},
    vraag::{Gestempeld, Vraag},
};

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
    let mut asked = BTreeSet::new();
    for (route, regels) in van_kracht.shared() {
        let cellen = cellen(van_kracht, route, &regels, day).into_iter();
        for cel in cellen.filter(|cel| asked.insert(cel.steunt_op(van_kracht))) {
            for (at, een, ander) in cel.undecided(van_kracht, day) {
                found.entry(at).or_insert_with(|| {
                    let wie = [((cel.van, cel.naar), BTreeSet::from([cel.wie]))].into();
                    let uitwisseling = routes(van_kracht, cel.soort, &wie, day).join(", ");
                    Onbeslist { een, ander, uitwisseling: format!("{} {uitwisseling}", cel.soort) }
                });
            }
        }
    }
    found.into_values().collect()
}

impl Cel<'_> {
    /// Two that begin in the same moment to allow such a bericht, say different things about it, and of which neither stands behind
    /// the other.
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

    /// What each convenant would stamp and since when, whoever has a mandaat: that may be given any day. One that leaves a choice
    /// of grondslag claims it too.
    fn claims(&self, van_kracht: &VanKracht, vraag: &Vraag<'_>) -> Vec<(usize, Timestamp, Kant)> {
        let mut best: BTreeMap<usize, Gestempeld<'_>> = BTreeMap::new();
        let mut choices: BTreeMap<usize, Kant> = BTreeMap::new();
        for (at, convenant, regel) in &self.regels {
            if let Some(claim) = vraag.claim(convenant, regel, van_kracht.productie()) {
                let longest = best.entry(*at).or_insert(claim);
                if longest.length() < claim.length() {
                    *longest = claim;
                }
                continue;
            }
            let chosen = vraag.each_grondslag(regel);
            for claim in chosen.filter_map(|vraag| vraag.claim(convenant, regel, van_kracht.productie())) {
                let id = claim.grondslag.id.clone();
                choices.entry(*at).and_modify(|kant| kant.grondslagen.push(id)).or_insert_with(|| Kant::of(&claim));
            }
        }
        choices.retain(|at, _| !best.contains_key(at));
        let claims = best.into_iter().map(|(at, claim)| (at, Kant::of(&claim))).chain(choices);
        claims.map(|(at, kant)| (at, van_kracht.since(vraag, at).0, kant)).collect()
    }
}
