//! Plaatsen: between whom and about whom something holds, in the fewest words.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::{
    Adres, Adrespatroon, Berichtsoort, Categorie, Doelgroep, VanKracht,
    matrix::{self, open_patronen, patronen},
};

/// Whom and what an exchange is about, as far as rules tell that apart.
pub(super) type Wie = (Option<Doelgroep>, Option<Categorie>);
/// Sender and ontvanger, and whom it is about.
pub(super) type Plaatsen<'v> = BTreeMap<(&'v Adres, &'v Adres), BTreeSet<Wie>>;

/// `a`, `a en b`, `a, b en c`.
pub(super) fn en(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} en {last}", first.join(", ")),
    }
}

/// Who to whom and about whom: senders with the same ontvangers together.
pub(super) fn routes(van_kracht: &VanKracht, soort: Berichtsoort, plaatsen: &Plaatsen<'_>, day: Date) -> Vec<String> {
    let mut by_kind: BTreeMap<&BTreeSet<Wie>, BTreeSet<(&Adres, &Adres)>> = BTreeMap::new();
    for (pair, kinds) in plaatsen {
        by_kind.entry(kinds).or_default().insert(*pair);
    }
    let partners = van_kracht.partners();
    let names = |patronen: Vec<Adrespatroon>| en(&patronen.iter().map(ToString::to_string).collect::<Vec<_>>());
    let mut found = Vec::new();
    for (kinds, pairs) in by_kind {
        for (van, naar) in matrix::routes(&pairs) {
            let (van, naar) = (names(patronen(partners, &van)), names(open_patronen(partners, &naar, day)));
            found.push(format!("van {van} naar {naar}{}", about(soort, kinds)));
        }
    }
    found
}

/// Nothing where everybody and everything is meant.
fn about(soort: Berichtsoort, kinds: &BTreeSet<Wie>) -> String {
    let wie = |doelgroep: Option<Doelgroep>| match doelgroep {
        None => "mensen van onbekende leeftijd",
        Some(Doelgroep::Minderjarig) => "minderjarigen",
        Some(Doelgroep::Volwassen) => "volwassenen",
    };
    let doelgroepen: BTreeSet<_> = kinds.iter().map(|(doelgroep, _)| *doelgroep).collect();
    let categorieen: BTreeSet<_> = kinds.iter().map(|(_, categorie)| *categorie).collect();
    let all_categorieen = !soort.has_categorie() || categorieen.len() == Categorie::ALL.len();
    let categorie = |wat: Option<Categorie>| wat.map_or("", Categorie::as_str).to_owned();
    if kinds.len() < doelgroepen.len() * categorieen.len() {
        // Not every doelgroep with every category: each has to be named.
        let each = kinds.iter().map(|(wiens, wat)| format!("{} ({})", wie(*wiens), categorie(*wat)));
        return format!(" over {}", en(&each.collect::<Vec<_>>()));
    }
    let mut text = String::new();
    if doelgroepen.len() < 1 + Doelgroep::ALL.len() {
        let named: Vec<String> = doelgroepen.into_iter().rev().map(|doelgroep| wie(doelgroep).to_owned()).collect();
        text = format!(" over {}", en(&named));
    }
    if !all_categorieen {
        let named: Vec<String> = categorieen.into_iter().map(categorie).collect();
        text = format!("{text} (categorie {})", en(&named));
    }
    text
}
