//! The exchange matrix as an aligned table in plain text: at most 120 columns, long cells wrap.

use std::fmt::Write;

use jiff::civil::Date;

use super::{
    bevindingen::join,
    rij::{Rij, keuze, rijen},
};
use crate::domain::{Convenant, VanKracht};

/// Heads and widths of the columns; with two spaces between them 120 together.
const COLUMNS: [(&str, usize); 6] =
    [("berichtsoort", 24), ("van", 18), ("naar", 18), ("grondslag", 22), ("houdbaar", 12), ("voorwaarden", 16)];

/// The table of everything that may be sent on a day, by convenant.
#[must_use]
pub fn tabel(van_kracht: &VanKracht, day: Date) -> String {
    let mut out = format!("Wie mag op {day} wat aan wie sturen, op welke grondslag, hoe lang, met welk mandaat\n");
    let rijen = rijen(van_kracht, day);
    for convenant in van_kracht.convenanten() {
        head(&mut out, convenant, day);
        let own: Vec<&Rij> = rijen.iter().filter(|rij| rij.convenant == convenant.naam).collect();
        if own.is_empty() {
            out.push_str("  Dit convenant staat op deze dag niets toe.\n");
            continue;
        }
        line(&mut out, &COLUMNS.map(|(head, width)| wrap(head, width)));
        line(&mut out, &COLUMNS.map(|(_, width)| vec!["-".repeat(width)]));
        for rij in own {
            line(&mut out, &cells(rij));
        }
    }
    out
}

fn head(out: &mut String, convenant: &Convenant, day: Date) {
    let Convenant { naam, titel, versie, geldig_van, geldig_tot_en_met, .. } = convenant;
    let note = if convenant.in_force(day) { "" } else { " - op deze dag NIET van kracht" };
    writeln!(
        out,
        "\n{naam} - {titel}\nversie {versie}, geldig van {geldig_van} tot en met {geldig_tot_en_met}{note}\n"
    )
    .expect("writing to a String does not fail");
}

fn cells(rij: &Rij) -> [Vec<String>; 6] {
    let mut conditions: Vec<String> = rij.mandaten.iter().map(|mandaat| format!("mandaat {mandaat}")).collect();
    conditions.extend(rij.voorwaarden.iter().cloned());
    let columns = [
        rij.berichtsoort.to_string(),
        join(&rij.van),
        join(&rij.naar),
        keuze(&rij.grondslagen),
        rij.houdbaarheid.clone(),
        conditions.join("; "),
    ];
    let mut at = 0;
    columns.map(|text| {
        at += 1;
        wrap(&text, COLUMNS[at - 1].1)
    })
}

/// One row: as many lines as its longest cell.
fn line(out: &mut String, cells: &[Vec<String>; 6]) {
    let height = cells.iter().map(Vec::len).max().unwrap_or(0);
    for number in 0..height {
        let mut text = String::new();
        for (cell, (_, width)) in cells.iter().zip(COLUMNS) {
            let part = cell.get(number).map_or("", String::as_str);
            write!(text, "{part:width$}  ").expect("writing to a String does not fail");
        }
        out.push_str(text.trim_end());
        out.push('\n');
    }
    if height > 1 {
        out.push('\n');
    }
}

/// Lines of at most `width` characters: broken at a space, else after a hyphen, slash or underscore, else anywhere.
#[must_use]
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut rest: Vec<char> = text.chars().collect();
    while rest.len() > width {
        let space = rest[..=width].iter().rposition(|c| *c == ' ').filter(|at| *at > 0);
        let joint = rest[..width].iter().rposition(|c| ['-', '/', '_'].contains(c)).map(|at| at + 1);
        let at = space.or(joint).unwrap_or(width);
        lines.push(rest[..at].iter().collect::<String>().trim_end().to_owned());
        rest = rest[at..].iter().copied().skip_while(|c| *c == ' ').collect();
    }
    lines.push(rest.into_iter().collect());
    lines
}
