//! What only several convenanten together can have wrong: that they stand behind each other in a circle, and that nothing says which
//! of two stamps.

use std::{collections::BTreeMap, path::PathBuf};

use jiff::civil::Date;

use super::{Bron, name_of};
use crate::{
    domain::{
        Convenant, VanKracht,
        onbeslist::{Onbeslist, onbeslist},
    },
    lezen::{Mistake, fout::Fout},
};

/// Convenanten that stand behind each other in a circle, if there are some: the name of one, and all of them in Dutch.
pub(super) fn circle(convenanten: &[Convenant]) -> Option<(String, String)> {
    let by_name: BTreeMap<&str, &Convenant> = convenanten.iter().map(|of| (of.naam.as_str(), of)).collect();
    // One that stands behind nobody who is left is in no circle; what cannot be taken away is, or stands behind one.
    let mut left = by_name.clone();
    loop {
        // Behind itself is a mistake of its own.
        let leads = |of: &Convenant, naam: &String| *naam != of.naam && left.contains_key(naam.as_str());
        let free: Vec<&str> = left
            .values()
            .filter(|of| !of.staat_achter.iter().any(|naam| leads(of, naam)))
            .map(|of| of.naam.as_str())
            .collect();
        if free.is_empty() {
            break;
        }
        left.retain(|naam, _| !free.contains(naam));
    }
    let mut way: Vec<&str> = vec![left.first_key_value()?.0];
    loop {
        let last = by_name[way[way.len() - 1]];
        let next = last.staat_achter.iter().filter(|naam| **naam != last.naam);
        let next = next.into_iter().find_map(|naam| left.get_key_value(naam.as_str()))?.0;
        if let Some(start) = way.iter().position(|naam| naam == next) {
            way.push(next);
            return Some((next.to_string(), way[start..].join(" achter ")));
        }
        way.push(next);
    }
}

/// Each two convenanten, one of them among `bronnen`, of which nothing says which one stamps: found where documents are
/// judged before they come in force, and never in what is in force.
#[must_use]
pub fn undecided(van_kracht: &VanKracht, bronnen: &[Bron], day: Date) -> Vec<Mistake> {
    let files: BTreeMap<String, &PathBuf> =
        bronnen.iter().filter_map(|bron| Some((name_of(&bron.tekst)?.1, &bron.herkomst))).collect();
    let mistake = |Onbeslist { een, ander, uitwisseling }: Onbeslist| {
        let file = files.get(&ander.convenant).or_else(|| files.get(&een.convenant))?;
        let verschil = format!("{} of {}", een.tekst(), ander.tekst());
        let fout = Fout::SamenVanKracht { convenant: een.convenant, andere: ander.convenant, uitwisseling, verschil };
        Some(Mistake { file: (*file).clone(), line: 0, fout })
    };
    onbeslist(van_kracht, day).into_iter().filter_map(mistake).collect()
}
