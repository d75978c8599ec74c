//! What a change of what is in force does to berichten that wait, in sentences.

use std::collections::BTreeMap;

use super::{Exchange, unavailable};
use crate::{
    domain::{Berichtsoort, PartnerNaam, VanKracht, Weigering},
    store::reading::wachtend::waiting,
};

/// How many berichten of one kind between two partners.
#[derive(Default)]
struct Counted {
    /// Wait, and would be refused at delivery.
    refused: u64,
    /// Were refused, and would be delivered after all.
    again: u64,
}

impl Exchange {
    /// How many waiting berichten would be refused after this change, and how many refused ones delivered after all.
    pub(super) async fn what_waits(&self, before: &VanKracht, after: &VanKracht) -> Result<Vec<String>, Weigering> {
        let now = self.klok.now();
        let (groups, unreadable) = waiting(&self.store.read, now).await.map_err(unavailable)?;
        self.passed.say(&unreadable);
        let mut counted: BTreeMap<(Berichtsoort, PartnerNaam, PartnerNaam), Counted> = BTreeMap::new();
        for group in groups {
            let allowed = |van_kracht| group.may_be_handed(van_kracht, now).is_ok();
            let of = (group.soort, group.afzender.partner.clone(), group.ontvanger.adres.partner.clone());
            match (group.geweigerd, allowed(before), allowed(after)) {
                (false, true, false) => counted.entry(of).or_default().refused += group.aantal,
                (true, false, true) => counted.entry(of).or_default().again += group.aantal,
                _ => {}
            }
        }
        Ok(counted
            .into_iter()
            .flat_map(|((soort, van, naar), counted)| sentences(soort, &van, &naar, &counted))
            .collect())
    }
}

fn sentences(soort: Berichtsoort, van: &PartnerNaam, naar: &PartnerNaam, counted: &Counted) -> Vec<String> {
    let of = |aantal: u64| {
        let (noun, verb) = if aantal == 1 { ("bericht", "wordt") } else { ("berichten", "worden") };
        (format!("{aantal} {noun} {soort} van {van} naar {naar}"), verb)
    };
    let refused = (counted.refused > 0).then(|| {
        let (what, verb) = of(counted.refused);
        format!(
            "wat wacht: {what} {verb} bij aflevering geweigerd zolang dit zo blijft, en tot de laatste dag bewaard."
        )
    });
    let again = (counted.again > 0).then(|| {
        let (what, verb) = of(counted.again);
        format!("wat wacht: {what}, eerder bij aflevering geweigerd, {verb} alsnog afgeleverd.")
    });
    refused.into_iter().chain(again).collect()
}
