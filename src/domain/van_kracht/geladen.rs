//! Since when what is in force is in force, and where convenanten meet: only there the past of each decides which one stamps.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{Place, VanKracht};
use crate::domain::{Berichtsoort, Geladen, Historie, PartnerNaam, Regel, Versie, naast::partner_pairs};

impl VanKracht {
    /// As if all its convenanten are loaded at this moment, together: how files come in force.
    #[must_use]
    pub fn loaded_at(mut self, now: Timestamp) -> Self {
        self.historie = together(self.convenanten.len(), now);
        self
    }

    /// As if loaded at this moment in the place of what was in force: a convenant that is the same stays, another version
    /// follows the one before it.
    #[must_use]
    pub fn loaded_after(self, oud: &Self, now: Timestamp) -> Self {
        let former = oud.convenanten.iter().zip(&oud.historie);
        let mut by_name: BTreeMap<String, Historie> =
            former.map(|(convenant, historie)| (convenant.naam.clone(), historie.clone())).collect();
        for (convenant, log_index) in self.convenanten.iter().zip(u64::MAX / 2..) {
            let was = oud.convenanten.iter().find(|was| was.naam == convenant.naam);
            if was.is_some_and(|was| was.hash == convenant.hash) {
                continue;
            }
            let before = by_name.remove(&convenant.naam).zip(was).map(|(Historie { geladen, mut eerder }, was)| {
                eerder.push(Versie { geladen, tot: now, convenant: was.clone() });
                eerder
            });
            let geladen = Geladen { tijd: now, log_index };
            let historie = Historie { geladen, eerder: before.unwrap_or_default() };
            by_name.insert(convenant.naam.clone(), historie);
        }
        self.with_history(by_name)
    }

    /// With the history of its convenanten by name; one that is missing counts as not yet loaded.
    #[must_use]
    pub fn with_history(mut self, mut by_name: BTreeMap<String, Historie>) -> Self {
        for (convenant, historie) in self.convenanten.iter().zip(&mut self.historie) {
            if let Some(known) = by_name.remove(&convenant.naam) {
                *historie = known;
            }
        }
        self
    }

    /// Without the rules of the past that decide nothing: where only one convenant speaks today, nothing of it is asked.
    #[must_use]
    pub fn trimmed(mut self) -> Self {
        let shared: BTreeSet<(Berichtsoort, PartnerNaam, PartnerNaam)> =
            self.shared().into_keys().map(|(soort, van, naar)| (soort, van.clone(), naar.clone())).collect();
        let meets = |regel: &Regel| {
            let mut routes = partner_pairs(regel).map(|(van, naar)| (regel.berichtsoort, van.clone(), naar.clone()));
            routes.any(|route| shared.contains(&route))
        };
        for versie in self.historie.iter_mut().flat_map(|historie| &mut historie.eerder) {
            versie.convenant.regels.retain(meets);
        }
        self
    }

    /// How each convenant came to be what it is, in the order of [`Self::convenanten`].
    #[must_use]
    pub fn historie(&self) -> &[Historie] {
        &self.historie
    }

    /// The names of the convenanten that speak of a berichtsoort between two partners of which another one speaks too. Only
    /// of these the past matters.
    #[must_use]
    pub fn meeting(&self) -> BTreeSet<String> {
        let numbers: BTreeSet<usize> = self.shared().values().flatten().map(|(convenant, _)| *convenant).collect();
        numbers.into_iter().map(|at| self.convenanten[at].naam.clone()).collect()
    }

    /// The routes of which rules of several convenanten speak.
    pub(in crate::domain) fn shared(&self) -> BTreeMap<Route<'_>, Vec<(usize, usize)>> {
        let mut routes = self.routes();
        routes.retain(|_, regels| regels.iter().any(|(convenant, _)| *convenant != regels[0].0));
        routes
    }

    /// Every route of which a rule speaks, with its rules by convenant and rule.
    pub(in crate::domain) fn routes(&self) -> BTreeMap<Route<'_>, Vec<(usize, usize)>> {
        let mut routes: BTreeMap<Route<'_>, Vec<(usize, usize)>> = BTreeMap::new();
        let partners: BTreeMap<u32, &PartnerNaam> =
            self.numbers.iter().map(|(partner, number)| (*number, partner)).collect();
        for Place { van, naar, soort, convenant, regel } in &self.regels {
            let route = (*soort, partners[van], partners[naar]);
            routes.entry(route).or_default().push((*convenant as usize, *regel as usize));
        }
        routes
    }
}

/// A berichtsoort from one partner to another.
pub(in crate::domain) type Route<'a> = (Berichtsoort, &'a PartnerNaam, &'a PartnerNaam);

/// Convenanten that were loaded in one moment, in their order.
pub(super) fn together(count: usize, tijd: Timestamp) -> Vec<Historie> {
    let geladen = |log_index| Historie { geladen: Geladen { tijd, log_index }, eerder: Vec::new() };
    (0..count as u64).map(geladen).collect()
}
