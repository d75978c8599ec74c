//! Proef: the berichten by which a cell is tried, one for each kind that rules tell apart.
//!
//! Rules look at whether there is a BSN, how often it was renewed, who gets it too, how old its peildatum is and which grondslag
//! was chosen. Between two values at which a rule changes its answer nothing changes, so that a few berichten stand for all.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::{Adrespatroon, Berichtsoort, Regel, TeltVanaf, Termijn, plaatsen::en};

/// A bericht that is tried in a cell.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Proef {
    pub(super) bsn: bool,
    pub(super) verlenging: u8,
    /// Which of the other ontvangers that rules ask for get it too; without it all of them.
    pub(super) mede: Option<BTreeSet<Adrespatroon>>,
    pub(super) peildatum: Option<Date>,
    pub(super) grondslag: Option<String>,
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
            && self.mede.as_ref().is_none_or(|own| other.mede.as_ref().is_some_and(|mede| mede.is_subset(own)))
            && (self.peildatum.is_none() || self.peildatum == other.peildatum)
            && (self.grondslag.is_none() || self.grondslag == other.grondslag)
    }

    /// In Dutch, after what is allowed; empty for a bericht that asks nothing.
    pub(super) fn tekst(&self) -> String {
        let words = self.words();
        if words.is_empty() { words } else { format!(" ({words})") }
    }

    /// What it asks, in Dutch.
    pub(super) fn words(&self) -> String {
        let mut words = Vec::new();
        if self.bsn {
            words.push("met BSN".to_owned());
        }
        if self.verlenging > 0 {
            words.push(format!("bij verlenging {}", self.verlenging));
        }
        match self.mede.iter().flatten().map(ToString::to_string).collect::<Vec<_>>().as_slice() {
            [] if self.mede.is_some() => words.push("zonder mede-ontvanger".to_owned()),
            [] => {}
            mede => words.push(format!("van de mede-ontvangers alleen met {}", en(mede))),
        }
        if let Some(day) = self.peildatum {
            words.push(format!("met peildatum {day}"));
        }
        if let Some(grondslag) = &self.grondslag {
            words.push(format!("met grondslag {grondslag} gekozen"));
        }
        words.join(", ")
    }
}

/// Every bericht that these rules, of today and of the past, tell apart; the one that asks nothing comes first.
pub(super) fn proeven(soort: Berichtsoort, regels: &[&Regel], day: Date) -> Vec<Proef> {
    let bsn: BTreeSet<bool> = regels.iter().map(|regel| regel.bsn_toegestaan).chain([false]).collect();
    let verlengingen: BTreeSet<u8> = regels.iter().map(|regel| regel.max_verlengingen).chain([0]).collect();
    let mede = together(regels);
    let grondslagen: BTreeSet<Option<&String>> =
        regels.iter().flat_map(|regel| &regel.grondslagen).map(Some).chain([None]).collect();
    let mut proeven = Vec::new();
    for peildatum in oldest(soort, regels, day) {
        for bsn in &bsn {
            for verlenging in &verlengingen {
                for mede in &mede {
                    proeven.extend(grondslagen.iter().map(|grondslag| Proef {
                        bsn: *bsn,
                        verlenging: *verlenging,
                        mede: mede.clone(),
                        peildatum,
                        grondslag: grondslag.cloned(),
                    }));
                }
            }
        }
    }
    proeven
}

/// With more kinds of other ontvangers than this only each two of them are tried together: their number doubles with each kind.
const MOST_KINDS: usize = 6;

/// Which other ontvangers get a bericht too, as far as rules tell that apart. Which convenant stamps can rest on any of them together: one
/// is what a rule of today asks for, another what a rule of the past asked for.
fn together(regels: &[&Regel]) -> BTreeSet<Option<BTreeSet<Adrespatroon>>> {
    // Those that the same rules ask for are alike, and one stands for all.
    let mut alike: BTreeMap<Vec<usize>, &Adrespatroon> = BTreeMap::new();
    for patroon in regels.iter().flat_map(|regel| &regel.mede_ontvanger) {
        let asked = regels.iter().enumerate().filter(|(_, regel)| regel.mede_ontvanger.contains(patroon));
        alike.entry(asked.map(|(at, _)| at).collect()).or_insert(patroon);
    }
    let kinds: Vec<&Adrespatroon> = alike.into_values().collect();
    let mut found = BTreeSet::from([None]);
    if kinds.is_empty() {
        return found;
    }
    if kinds.len() <= MOST_KINDS {
        let some = |mask: usize| {
            let named = kinds.iter().enumerate().filter(|(at, _)| mask & (1 << at) != 0);
            Some(named.map(|(_, patroon)| (*patroon).clone()).collect())
        };
        found.extend((0..1 << kinds.len()).map(some));
    } else {
        let two = |one: &Adrespatroon, other: &Adrespatroon| Some(BTreeSet::from([one.clone(), other.clone()]));
        found.insert(Some(BTreeSet::new()));
        found.extend(kinds.iter().flat_map(|one| kinds.iter().map(|other| two(one, other))));
    }
    found
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
