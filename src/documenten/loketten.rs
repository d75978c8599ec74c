//! Loketten of a partner: named in a list, or described one by one with `[[partner.loket]]`.

use std::collections::BTreeMap;

use super::convenant::unknown_partner;
use crate::{
    domain::{Adres, Contact, Deelnemers, Loket, LoketNaam, PartnerNaam, Sluiting, Telefoon},
    lezen::{
        fout::Fout,
        namen::listed,
        section::{Located, Section, Vorm},
    },
};

const NAAM: Vorm =
    Vorm::fixed("een naam van kleine letters, cijfers en streepjes", "a name of lowercase letters, digits and hyphens");
const FUNCTIE: Vorm = Vorm::fixed("een functie van hoogstens 100 tekens", "a function of at most 100 characters");
const TELEFOON: Vorm = Vorm::fixed(
    "een telefoonnummer van 3 tot 20 cijfers, spaties, + of -",
    "a telephone number of 3 to 20 digits, spaces, + or -",
);
const ADRES: Vorm = Vorm::fixed("een adres als \"zsm/algemeen\"", "an address like \"zsm/algemeen\"");

/// Loketten of one partner, at most: each identity of it can open all of them, and each rule can mean all of them.
const MEESTE: usize = 100;

/// Where a loket refers to, and on which line it says so.
pub(super) type Verwijzing = (LoketNaam, Located<Adres>);

/// Reads the loketten of one partner; without any there is `algemeen`. Where they refer to is judged with
/// [`referrals`], when all partners are known.
pub(super) fn loketten(partner: &Section<'_>) -> (BTreeMap<LoketNaam, Loket>, Vec<Verwijzing>) {
    let named: Vec<Located<LoketNaam>> = partner.list("loketten", &NAAM, true);
    let mut found: BTreeMap<LoketNaam, Loket> = named.into_iter().map(|naam| (naam.value, Loket::default())).collect();
    let mut verwijzingen = Vec::new();
    for section in partner.sections("loket") {
        let naam = section.parsed::<LoketNaam>("naam", &NAAM);
        let contact = contact(&section);
        let (vanaf, verwijzing) = sluiting(&section);
        section.finish();
        let Some(Located { value: naam, line }) = naam else { continue };
        verwijzingen.extend(verwijzing.clone().map(|naar| (naam.clone(), naar)));
        let sluiting = vanaf.zip(verwijzing).map(|(vanaf, naar)| Sluiting { vanaf, verwijst_naar: naar.value });
        // One with a mistake is there all the same, and rules may name it.
        if found.insert(naam.clone(), Loket { contact, sluiting }).is_some() {
            partner.mistake(line, Fout::Dubbel { wat: "loket".to_owned(), naam: naam.to_string() });
        }
    }
    if found.len() > MEESTE {
        partner.mistake(partner.line(), Fout::TeVeel { wat: "loketten bij deze partner".to_owned(), meeste: MEESTE });
        found = found.into_iter().take(MEESTE).collect();
    }
    if found.is_empty() {
        found.insert(LoketNaam::default(), Loket::default());
    }
    (found, verwijzingen)
}

fn contact(section: &Section<'_>) -> Option<Contact> {
    let functie = section.text("functie").and_then(|Located { value, line }| {
        if value.chars().count() <= 100 { Some(value) } else { section.wrong(line, "functie", &FUNCTIE) }
    });
    let telefoon = section.parsed::<Telefoon>("telefoon", &TELEFOON);
    Some(Contact { functie: functie?, telefoon: telefoon?.value })
}

/// From when, and where to go instead. Both or neither: a sender that is only refused cannot help the betrokkene.
fn sluiting(section: &Section<'_>) -> (Option<jiff::civil::Date>, Option<Located<Adres>>) {
    let vanaf = section.optional_date("gesloten_vanaf").map(|day| day.value);
    let naar = section.optional_parsed::<Adres>("verwijst_naar", &ADRES);
    let half = |heeft: &str, mist: &str| {
        section.mistake(section.line(), Fout::SluitingHalf { heeft: heeft.to_owned(), mist: mist.to_owned() });
    };
    match (section.has("gesloten_vanaf"), section.has("verwijst_naar")) {
        (true, false) => half("gesloten_vanaf", "verwijst_naar"),
        (false, true) => half("verwijst_naar", "gesloten_vanaf"),
        _ => {}
    }
    (vanaf, naar)
}

/// Notes every loket of a partner that refers to where nobody can go.
pub(super) fn referrals(root: &Section<'_>, partner: &PartnerNaam, verwijzingen: &[Verwijzing], known: &Deelnemers) {
    for (loket, Located { value: naar, line }) in verwijzingen {
        let van = Adres { partner: partner.clone(), loket: loket.clone() };
        let Some(other) = known.partners.get(&naar.partner) else {
            unknown_partner(root, *line, naar.partner.as_str(), known);
            continue;
        };
        let fout = match other.loketten.get(&naar.loket) {
            None => Fout::OnbekendLoket {
                partner: naar.partner.to_string(),
                loket: naar.loket.to_string(),
                bestaat: listed(other.loketten.keys().map(LoketNaam::as_str)),
            },
            Some(_) if *naar == van => Fout::VerwijstNaarZichzelf { loket: van.to_string() },
            Some(target) if target.sluiting.is_some() => {
                Fout::VerwijstNaarGesloten { loket: van.to_string(), naar: naar.to_string() }
            }
            Some(_) => continue,
        };
        root.mistake(*line, fout);
    }
}
