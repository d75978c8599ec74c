//! The stromenschema as Mermaid: a node a partner or loket, an arrow for everything that may go between two of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};

use jiff::civil::Date;

use super::rij::{keuze, rijen};
use crate::domain::{Adrespatroon, VanKracht};

/// The text of the diagram.
#[must_use]
pub fn mermaid(van_kracht: &VanKracht, day: Date) -> String {
    let rijen = rijen(van_kracht, day);
    let nodes: BTreeSet<&Adrespatroon> = rijen.iter().flat_map(|rij| rij.van.iter().chain(&rij.naar)).collect();
    let ids: BTreeMap<&Adrespatroon, usize> = nodes.into_iter().enumerate().map(|(at, node)| (node, at)).collect();
    let mut edges: BTreeMap<(usize, usize), BTreeSet<String>> = BTreeMap::new();
    for rij in &rijen {
        let mandaat = if rij.mandaten.is_empty() { "" } else { ", met mandaat" };
        let label = format!("{}: {}, {}{mandaat}", rij.berichtsoort, keuze(&rij.grondslagen), rij.houdbaarheid);
        for van in &rij.van {
            for naar in rij.naar.iter().filter(|naar| *naar != van) {
                edges.entry((ids[van], ids[naar])).or_default().insert(label.clone());
            }
        }
    }
    let mut out = format!("%% Stromenschema op {day}, gemaakt met ketenpoort check\nflowchart LR\n");
    let mut line = |text: String| writeln!(out, "  {text}").expect("writing to a String does not fail");
    for (node, id) in &ids {
        line(format!("n{id}[\"{}\"]", escape(&node.to_string())));
    }
    for ((van, naar), labels) in edges {
        let label = labels.iter().map(|label| escape(label)).collect::<Vec<_>>().join("<br/>");
        line(format!("n{van} -->|\"{label}\"| n{naar}"));
    }
    out
}

/// Inside quotes only these mean something to Mermaid.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('#', "&num;").replace('"', "&quot;").replace('<', "&lt;").replace('>', "&gt;")
}
