//! Woorden (words): tables, numbers and regels, as an FG reads them.

use jiff::Timestamp;

use crate::{
    domain::{BerichtId, Weigering},
    exchange::{
        datum,
        toezicht::{Getoond, rapport::Tabel},
    },
    logboek::{Logregel, Soort},
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

/// A name of the logboek, as it is read: `contextinformatie_verzoek` becomes `contextinformatie verzoek`.
pub(super) fn leesbaar(naam: &str) -> String {
    naam.replace('_', " ")
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

    /// A value of a report: the id of a bericht leads to its life, and numbers stand below each other.
    fn of_rapport(waarde: String) -> Self {
        if waarde.parse::<BerichtId>().is_ok() {
            let naar = format!("/uitwisselingen/{waarde}");
            return Self { tekst: waarde, naar, is_getal: false };
        }
        match waarde.parse::<u64>() {
            Ok(of) => Self::getal(of),
            Err(_) => Self::tekst(waarde),
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
        let rijen = rijen.into_iter().map(|rij| rij.into_iter().map(Cel::of_rapport).collect());
        let mut blad = Self::new((naam, titel), kolommen, rijen.collect());
        if weggelaten > 0 {
            let more = aantal(weggelaten, "rij", "rijen");
            blad.noot = format!("En nog {more}; zoek bij Uitwisselingen, of haal het hele rapport op.");
        }
        blad
    }
}

/// What a regel says happened, in a sentence.
pub(super) fn gebeurtenis(getoond: &Getoond, regel: &Logregel) -> String {
    let name = |of: &Option<String>| of.clone().unwrap_or_else(|| "iemand".to_owned());
    let (van, naar, wie) = (name(&getoond.afzender), name(&getoond.ontvanger), actor(getoond, regel));
    let soort = regel.berichtsoort.as_deref().map_or_else(|| "een bericht".to_owned(), leesbaar);
    let why = |regel: &Logregel| {
        let said = regel.weigering.as_deref().and_then(Weigering::what_it_is);
        said.map_or_else(String::new, |said| format!(": {}", uncapitalised(said)))
    };
    match regel.soort {
        Soort::Aanvaard => format!("{van} stuurde {soort} aan {naar}. De poort aanvaardde het."),
        Soort::Geweigerd if regel.bericht.is_some() && regel.ontvanger.is_some() => {
            format!("De poort hield {soort} van {van} aan {naar} tegen{}.", why(regel))
        }
        Soort::Geweigerd => {
            let times = regel.aantal.filter(|aantal| *aantal > 1).map(|of| format!(", {} keer", getal(of)));
            let wie = uncapitalised(&wie);
            format!("De poort weigerde wat {wie} vroeg{}{}.", why(regel), times.unwrap_or_default())
        }
        Soort::Afgeleverd => {
            let again = regel.poging.filter(|poging| *poging > 1).map(|of| format!(" (poging {of})"));
            format!("{naar} haalde {soort} van {van} op{}.", again.unwrap_or_default())
        }
        Soort::Bevestigd => format!("{naar} bevestigde de ontvangst van {soort}."),
        Soort::Geraadpleegd if regel.uitkomst.as_deref() == Some("niet_gevonden") => {
            format!("{wie} zocht naar een scenario over iemand. Er lag er geen.")
        }
        Soort::Geraadpleegd => format!("{wie} las {soort} van {van}."),
        Soort::Ingetrokken => format!("{van} trok {soort} aan {naar} in, voor iemand het ophaalde{}.", why(regel)),
        Soort::Vervallen => format!("De termijn van {soort} van {van} aan {naar} was voorbij."),
        Soort::Vernietigd => format!("De inhoud van {soort} van {van} aan {naar} is vernietigd."),
        Soort::Beschadigd => format!("De inhoud van {soort} van {van} aan {naar} was beschadigd."),
        Soort::VernietigingGevraagd => {
            format!("{van} trok {soort} in en vroeg {naar} de eigen kopie te vernietigen{}.", why(regel))
        }
        Soort::VernietigingBevestigd => format!("{naar} antwoordde op het verzoek om te vernietigen."),
        Soort::Ingezien if regel.bekeken.is_some() => {
            format!("{wie} bekeek het verloop van een bericht, zonder inhoud.")
        }
        Soort::Ingezien => format!("{wie} keek in het logboek, zonder inhoud te zien."),
        Soort::Geexporteerd => format!("{wie} haalde het logboek op."),
        Soort::ConvenantGewijzigd => {
            format!("{wie} bracht een wijziging van kracht: {}.", regel.document.as_deref().unwrap_or("een convenant"))
        }
        Soort::PartnerGewijzigd => format!("{wie} wijzigde wie deelneemt."),
        Soort::Voorgesteld => format!("{wie} stelde een wijziging voor."),
        Soort::Bekrachtigd => format!("{wie} bekrachtigde een voorstel."),
        other => format!("{wie}: {}.", leesbaar(other.as_str())),
    }
}

/// Who acted, with the role of who is no partner.
pub(super) fn actor(getoond: &Getoond, regel: &Logregel) -> String {
    let naam = getoond.actor.as_deref().unwrap_or("de poort");
    match regel.rol.as_deref() {
        Some("fg") => format!("De FG van {naam}"),
        Some("auditor") => "Een auditor".to_owned(),
        Some("beheer") => "Beheer".to_owned(),
        Some("tekent") => format!("Wie tekent voor {naam}"),
        Some("contact") => format!("Het contactpunt van {naam}"),
        Some("poort") | None => "De poort".to_owned(),
        Some(_) => naam.to_owned(),
    }
}

/// When a regel was written, in words.
pub(super) fn wanneer(regel: &Logregel) -> String {
    regel.tijd.parse::<Timestamp>().map(datum::moment).unwrap_or_default()
}

fn uncapitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_with_points() {
        for (of, text) in [(0, "0"), (999, "999"), (1000, "1.000"), (1_234_567, "1.234.567")] {
            assert_eq!(getal(of), text);
        }
        assert_eq!((aantal(1, "rij", "rijen"), aantal(0, "rij", "rijen")), ("1 rij".to_owned(), "0 rijen".to_owned()));
    }
}
