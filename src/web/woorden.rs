//! Woorden (words): tables and numbers, as an FG reads them.

use jiff::Timestamp;

use crate::{
    domain::{BerichtId, Berichtsoort},
    exchange::{Exchange, datum, toezicht::rapport::Tabel},
    logboek::Logregel,
};

/// A number with a point before each three digits: 12.345.
pub(super) fn getal(of: u64) -> String {
    let digits = of.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push('.');
        }
        text.push(digit);
    }
    text
}

/// So many of something: `1 bericht`, `2 berichten`.
pub(super) fn aantal(of: u64, een: &str, meer: &str) -> String {
    if of == 1 { format!("1 {een}") } else { format!("{} {meer}", getal(of)) }
}

/// Names of the logboek that are written otherwise in Dutch.
const GESPELD: [(&str, &str); 4] = [
    ("bij_melding", "BIJ-melding"),
    ("reintegratie", "re-integratie"),
    ("geexporteerd", "geëxporteerd"),
    ("beeindigd", "beëindigd"),
];

/// A name of the logboek, as it is read: `mondelinge_verstrekking` becomes `mondelinge verstrekking`.
pub(super) fn leesbaar(naam: &str) -> String {
    GESPELD.iter().fold(naam.to_owned(), |text, (written, read)| text.replace(written, read)).replace('_', " ")
}

/// A berichtsoort with its article: `een scenario`.
pub(super) fn een(berichtsoort: &str) -> String {
    let naam = leesbaar(berichtsoort);
    // Of what is not counted there is no one.
    if berichtsoort == Berichtsoort::Contextinformatie.as_str() { naam } else { format!("een {naam}") }
}

/// A text that begins a sentence.
pub(super) fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// A value in a table.
pub(super) struct Cel {
    pub(super) tekst: String,
    /// Where it leads; nowhere where empty.
    pub(super) naar: String,
    pub(super) is_getal: bool,
}

impl Cel {
    pub(super) fn tekst(tekst: impl Into<String>) -> Self {
        Self { tekst: tekst.into(), naar: String::new(), is_getal: false }
    }

    pub(super) fn getal(of: u64) -> Self {
        Self { tekst: getal(of), naar: String::new(), is_getal: true }
    }

    /// A value of a report: the id of a bericht leads to its life, and counts stand below each other.
    fn of_rapport(kolom: &str, waarde: String) -> Self {
        if waarde.parse::<BerichtId>().is_ok() {
            let naar = format!("/uitwisselingen/{waarde}");
            return Self { tekst: waarde, naar, is_getal: false };
        }
        match waarde.parse::<u64>() {
            Ok(of) if Tabel::counts(kolom) => Self::getal(of),
            _ if Tabel::names(kolom) => Self::tekst(leesbaar(&waarde)),
            _ => Self::tekst(waarde),
        }
    }
}

/// A column of a table.
pub(super) struct Kolom {
    pub(super) naam: String,
    /// Whether it holds numbers.
    pub(super) is_getal: bool,
}

/// A table on a page.
pub(super) struct Blad {
    /// Unique on its page.
    pub(super) naam: String,
    pub(super) titel: String,
    pub(super) kolommen: Vec<Kolom>,
    pub(super) rijen: Vec<Vec<Cel>>,
    /// Whether it has so many rows that it is shown when somebody asks.
    pub(super) is_lang: bool,
    /// What is said below it; nothing where empty.
    pub(super) noot: String,
}

/// A table of more rows is folded.
const LONG: usize = 15;

impl Blad {
    pub(super) fn new((naam, titel): (&str, &str), kolommen: &[&str], rijen: Vec<Vec<Cel>>) -> Self {
        let is_getal = |at: usize| rijen.first().and_then(|rij| rij.get(at)).is_some_and(|cel| cel.is_getal);
        let kolom = |(at, naam): (usize, &&str)| Kolom { naam: leesbaar(naam), is_getal: is_getal(at) };
        Self {
            naam: naam.to_owned(),
            titel: titel.to_owned(),
            kolommen: kolommen.iter().enumerate().map(kolom).collect(),
            is_lang: rijen.len() > LONG,
            rijen,
            noot: String::new(),
        }
    }
}

impl From<Tabel> for Blad {
    fn from(Tabel { naam, titel, kolommen, rijen, weggelaten }: Tabel) -> Self {
        let cell = |(kolom, waarde): (&&str, String)| Cel::of_rapport(kolom, waarde);
        let rijen = rijen.into_iter().map(|rij| kolommen.iter().zip(rij).map(cell).collect());
        let mut blad = Self::new((naam, titel), kolommen, rijen.collect());
        if weggelaten > 0 {
            let more = aantal(weggelaten, "rij", "rijen");
            blad.noot = format!("En nog {more}; zoek bij Uitwisselingen, of haal het hele rapport op.");
        }
        blad
    }
}

/// When a regel was written, in words.
pub(super) fn wanneer(regel: &Logregel) -> String {
    regel.tijd.parse::<Timestamp>().map(datum::moment).unwrap_or_default()
}

/// For whom and why was searched, and when: on paper nothing else says it.
pub(super) fn gezocht(exchange: &Exchange, naar: &str, reden: &str) -> Vec<String> {
    vec![
        format!("Gezocht op {}: {naar}.", datum::moment(exchange.klok.now())),
        format!("Waarom: {}.", reden.trim_end_matches('.')),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_spelled() {
        for (naam, read) in [
            ("mondelinge_verstrekking", "mondelinge verstrekking"),
            ("bij_melding, zvh-zeeland", "BIJ-melding, zvh-zeeland"),
            ("geexporteerd", "geëxporteerd"),
            ("reintegratiebericht", "re-integratiebericht"),
        ] {
            assert_eq!(leesbaar(naam), read);
        }
    }

    #[test]
    fn counts_have_points_names_are_spelled_and_what_somebody_wrote_stays() {
        let tabel = Tabel {
            naam: "proef",
            titel: "Proef",
            kolommen: &["logregel", "aantal", "wat", "reden"],
            rijen: vec![["1234", "1234", "vernietiging_gevraagd", "om map_7"].map(str::to_owned).to_vec()],
            weggelaten: 0,
        };
        let told: Vec<String> = Blad::from(tabel).rijen.remove(0).into_iter().map(|cel| cel.tekst).collect();
        assert_eq!(told, ["1234", "1.234", "vernietiging gevraagd", "om map_7"]);
    }

    #[test]
    fn numbers_are_read_with_points() {
        for (of, text) in [(0, "0"), (999, "999"), (1000, "1.000"), (1_234_567, "1.234.567")] {
            assert_eq!(getal(of), text);
        }
        assert_eq!((aantal(1, "rij", "rijen"), aantal(0, "rij", "rijen")), ("1 rij".to_owned(), "0 rijen".to_owned()));
    }
}
