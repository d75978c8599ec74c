//! The convenant file: grondslagen and regels, as a privacy officer writes them.

use std::{collections::BTreeSet, path::Path};

use aws_lc_rs::digest::{SHA256, digest};

use super::section::{Located, Mistakes, Section, read_file};
use crate::domain::{
    Adrespatroon, Berichtsoort, Convenant, Doelgroep, Grondslag, PartnerNaam, Regel, TeltVanaf, Termijn, VanKracht,
};

/// Reads a convenant file; every mistake is noted. The partners must be known already.
#[must_use]
pub fn parse(file: &Path, text: &str, partners: &VanKracht, mistakes: &Mistakes) -> Option<Convenant> {
    let hash = hex::encode(digest(&SHA256, text.as_bytes()));
    read_file(file, text, mistakes, |root| convenant(root, hash, partners))
}

fn convenant(root: Section<'_>, hash: String, partners: &VanKracht) -> Option<Convenant> {
    let naam = root.text("naam");
    root.text("titel");
    let versie = root.text("versie");
    let geldig_van = root.date("geldig_van");
    let geldig_tot_en_met = root.date("geldig_tot_en_met");
    if let (Some(van), Some(tot)) = (&geldig_van, &geldig_tot_en_met)
        && tot.value < van.value
    {
        root.mistake(tot.line, "geldig_tot_en_met ligt voor geldig_van");
    }
    let grondslagen: Vec<Grondslag> = root.sections("grondslag").into_iter().filter_map(grondslag).collect();
    let known: BTreeSet<&str> = grondslagen.iter().map(|grondslag| grondslag.id.as_str()).collect();
    if known.len() < grondslagen.len() {
        root.mistake(root.line(), "twee grondslagen hebben hetzelfde id; geef elk een eigen id");
    }
    let sections = root.sections("regel");
    if sections.is_empty() {
        root.mistake(root.line(), "het convenant heeft geen enkele [[regel]] en staat dus niets toe");
    }
    let regels: Vec<Regel> = sections.into_iter().filter_map(|section| regel(section, &known, partners)).collect();
    let mut ids = BTreeSet::new();
    for regel in &regels {
        if !ids.insert(regel.id.as_str()) {
            root.mistake(root.line(), format!("twee regels heten {}; geef elk een eigen id", regel.id));
        }
    }
    root.finish();
    Some(Convenant {
        naam: naam?.value,
        versie: versie?.value,
        hash,
        geldig_van: geldig_van?.value,
        geldig_tot_en_met: geldig_tot_en_met?.value,
        grondslagen,
        regels,
    })
}

fn grondslag(section: Section<'_>) -> Option<Grondslag> {
    let id = identifier(&section);
    let citaat = section.text("citaat");
    let omschrijving = section.text("omschrijving");
    let bron = section.text("bron");
    let status = section.text("status");
    let bevestigd = status.and_then(|status| match status.value.as_str() {
        "bevestigd" => Some(true),
        "te_bevestigen" => Some(false),
        _ => {
            section.mistake(status.line, "status moet \"bevestigd\" of \"te_bevestigen\" zijn");
            None
        }
    });
    let geldig_van = section.optional_date("geldig_van").map(|day| day.value);
    let geldig_tot_en_met = section.optional_date("geldig_tot_en_met").map(|day| day.value);
    let verwerkingsactiviteit = uri(&section, section.text("verwerkingsactiviteit"));
    section.finish();
    Some(Grondslag {
        id: id?,
        citaat: citaat?.value,
        omschrijving: omschrijving?.value,
        bron: bron?.value,
        bevestigd: bevestigd?,
        geldig_van,
        geldig_tot_en_met,
        verwerkingsactiviteit: verwerkingsactiviteit?,
    })
}

fn regel(section: Section<'_>, grondslagen: &BTreeSet<&str>, partners: &VanKracht) -> Option<Regel> {
    let id = identifier(&section);
    let berichtsoort = section.parsed::<Berichtsoort>(
        "berichtsoort",
        &format!("een van {}", Berichtsoort::ALL.map(Berichtsoort::as_str).join(", ")),
    );
    let van = patterns(&section, "van", partners);
    let naar = patterns(&section, "naar", partners);
    let named: Vec<Located<String>> = section.list("grondslag", "id's van grondslagen, zoals [\"bij\"]", false);
    for grondslag in &named {
        if !grondslagen.contains(grondslag.value.as_str()) {
            let known = grondslagen.iter().copied().collect::<Vec<_>>().join(", ");
            section.mistake(
                grondslag.line,
                format!("grondslag {} staat niet in dit convenant; er zijn: {known}", grondslag.value),
            );
        }
    }
    let houdbaarheid = houdbaarheid(&section);
    let telt_vanaf = section.text("telt_vanaf").and_then(|telt| match telt.value.as_str() {
        "aanvaarding" => Some(TeltVanaf::Aanvaarding),
        "peildatum" => Some(TeltVanaf::Peildatum),
        _ => {
            section.mistake(telt.line, "telt_vanaf moet \"aanvaarding\" of \"peildatum\" zijn");
            None
        }
    });
    let doelgroep = match section.optional_text("doelgroep") {
        None => None,
        Some(text) => {
            if let Ok(doelgroep) = text.value.parse::<Doelgroep>() {
                Some(doelgroep)
            } else {
                section.mistake(text.line, "doelgroep moet \"minderjarig\" of \"volwassen\" zijn");
                return None;
            }
        }
    };
    let bsn_toegestaan = section.flag("bsn_toegestaan", false);
    let verwerkingsactiviteit = section.optional_text("verwerkingsactiviteit");
    let verwerkingsactiviteit =
        if verwerkingsactiviteit.is_some() { Some(uri(&section, verwerkingsactiviteit)?) } else { None };
    section.finish();
    Some(Regel {
        id: id?,
        berichtsoort: berichtsoort?.value,
        van,
        naar,
        grondslagen: named.into_iter().map(|grondslag| grondslag.value).collect(),
        houdbaarheid: houdbaarheid?,
        telt_vanaf: telt_vanaf?,
        doelgroep,
        bsn_toegestaan,
        verwerkingsactiviteit,
    })
}

/// Three months is what is asked of every bericht; a rule that deviates says why.
fn houdbaarheid(section: &Section<'_>) -> Option<Termijn> {
    let maanden = section.optional_number("houdbaarheid_maanden", 1..=24);
    let dagen = section.optional_number("houdbaarheid_dagen", 1..=731);
    let waarom = section.optional_text("afwijking");
    let term = match (maanden, dagen) {
        (Some(maanden), None) => Termijn::Maanden(u8::try_from(maanden.value).expect("the range ends at 24")),
        (None, Some(dagen)) => Termijn::Dagen(u16::try_from(dagen.value).expect("the range ends at 731")),
        _ => {
            section.mistake(section.line(), "geef houdbaarheid_maanden of houdbaarheid_dagen, een van de twee");
            return None;
        }
    };
    if term != Termijn::Maanden(3) && waarom.is_none() {
        section.mistake(section.line(), "deze houdbaarheid is niet drie maanden; zeg in afwijking waarom");
    }
    Some(term)
}

fn patterns(section: &Section<'_>, key: &'static str, known: &VanKracht) -> Vec<Adrespatroon> {
    let texts: Vec<Located<String>> = section.list(key, "partners of partner/loket, zoals [\"zsm/jeugd\"]", false);
    texts.into_iter().filter_map(|text| pattern(section, &text, known)).collect()
}

fn pattern(section: &Section<'_>, text: &Located<String>, known: &VanKracht) -> Option<Adrespatroon> {
    let (partner, loket) = match text.value.split_once('/') {
        Some((partner, loket)) => (partner, Some(loket)),
        None => (text.value.as_str(), None),
    };
    let found = partner.parse::<PartnerNaam>().ok().and_then(|naam| known.partners.get(&naam));
    let Some(found) = found else {
        section.mistake(text.line, format!("{partner} is geen partner in ketenpoort.toml"));
        return None;
    };
    let loket = match loket {
        None => None,
        Some(loket) => {
            if let Some(loket) = found.loketten.iter().find(|known| known.as_str() == loket) {
                Some(loket.clone())
            } else {
                section.mistake(text.line, format!("{partner} heeft geen loket {loket}"));
                return None;
            }
        }
    };
    Some(Adrespatroon { partner: found.naam.clone(), loket })
}

fn identifier(section: &Section<'_>) -> Option<String> {
    let id = section.text("id")?;
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    if id.value.len() <= 64 && id.value.chars().all(plain) {
        Some(id.value)
    } else {
        section.mistake(id.line, "id moet uit hoogstens 64 kleine letters, cijfers, - en _ bestaan");
        None
    }
}

fn uri(section: &Section<'_>, text: Option<Located<String>>) -> Option<String> {
    let text = text?;
    if text.value.parse::<http::Uri>().is_ok_and(|uri| uri.scheme().is_some()) && text.value.len() <= 200 {
        Some(text.value)
    } else {
        section.mistake(text.line, "verwerkingsactiviteit moet een URI van hoogstens 200 tekens zijn");
        None
    }
}
