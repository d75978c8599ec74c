//! The convenant file: grondslagen and regels, as a privacy officer writes them.

use std::{collections::BTreeSet, path::Path};

use jiff::civil::Date;

use super::{
    hash,
    naast::{contradictions, fits},
};
use crate::{
    domain::{
        Acceptatie, Adrespatroon, Berichtsoort, Bewaar, Categorie, Convenant, Deelnemers, Doelgroep, Grondslag,
        LoketNaam, Mandaathouder, PartnerNaam, Regel, Status, TeltVanaf, Termijn, naast::Ruimte,
    },
    lezen::{
        Mistakes,
        fout::Fout,
        namen::{listed, short},
        section::{Located, MOST_ITEMS, Section, Vorm, read_toml},
    },
};

/// Reads a convenant; every mistake is noted. The deelnemers must be known already, and `ruimte` what the convenanten before it take.
pub(super) fn convenant(
    root: Section<'_>,
    hash: String,
    deelnemers: &Deelnemers,
    ruimte: &mut Ruimte,
) -> Option<Convenant> {
    let naam = identifier(&root, "naam");
    let titel = root.text("titel");
    let versie = root.text("versie");
    let term = term(&root, "het convenant");
    let partijen = partijen(&root, deelnemers);
    let staat_achter = staat_achter(&root, naam.as_deref());
    let (ids, parsed): (Vec<_>, Vec<_>) = root.sections("grondslag").into_iter().map(grondslag).unzip();
    // One with a mistake is there all the same, and rules may name it.
    let known: BTreeSet<&str> = ids.iter().flatten().map(String::as_str).collect();
    unique(&root, "grondslag", ids.iter().flatten().map(String::as_str));
    if ids.len() > MOST_ITEMS {
        root.mistake(root.line(), Fout::TeVeel { wat: "grondslagen in dit convenant".to_owned(), meeste: MOST_ITEMS });
        return None;
    }
    let grondslagen: Vec<Grondslag> = parsed.into_iter().flatten().collect();
    let sections = root.sections("regel");
    if sections.is_empty() {
        root.mistake(root.line(), Fout::GeenRegels {});
    }
    let context = Context { grondslagen: &known, deelnemers, partijen: &partijen };
    let located: Vec<(usize, Regel)> =
        sections.into_iter().filter_map(|section| Some((section.line(), regel(section, &context)?))).collect();
    unique(&root, "regel", located.iter().map(|(_, regel)| regel.id.as_str()));
    if fits(&root, &located, deelnemers, ruimte) {
        contradictions(&root, &located);
    }
    root.finish();
    let (geldig_van, geldig_tot_en_met) = term?;
    Some(Convenant {
        naam: naam?,
        titel: titel?.value,
        versie: versie?.value,
        hash,
        partijen,
        geldig_van,
        geldig_tot_en_met,
        staat_achter,
        grondslagen,
        regels: located.into_iter().map(|(_, regel)| regel).collect(),
    })
}

/// The term of a convenant or mandaat.
pub(super) fn term(section: &Section<'_>, waarvan: &str) -> Option<(Date, Date)> {
    let van = section.date("geldig_van");
    let tot = section.date("geldig_tot_en_met");
    ordered(section, waarvan, van.as_ref(), tot.as_ref());
    Some((van?.value, tot?.value))
}

fn ordered(section: &Section<'_>, waarvan: &str, van: Option<&Located<Date>>, tot: Option<&Located<Date>>) {
    if let (Some(van), Some(tot)) = (van, tot)
        && tot.value < van.value
    {
        section.mistake(tot.line, Fout::TermijnOmgekeerd { waarvan: waarvan.to_owned() });
    }
}

/// Notes names that stand twice.
pub(super) fn unique<'n>(section: &Section<'_>, wat: &str, names: impl Iterator<Item = &'n str>) {
    let mut seen = BTreeSet::new();
    for naam in names {
        if !seen.insert(naam) {
            section.mistake(section.line(), Fout::Dubbel { wat: wat.to_owned(), naam: naam.to_owned() });
        }
    }
}

fn partijen(root: &Section<'_>, deelnemers: &Deelnemers) -> BTreeSet<PartnerNaam> {
    let named: Vec<Located<PartnerNaam>> = root.list("partijen", &PARTNERS, false);
    for partij in &named {
        if !deelnemers.partners.contains_key(&partij.value) {
            unknown_partner(root, partij.line, partij.value.as_str(), deelnemers);
        }
    }
    named.into_iter().map(|partij| partij.value).collect()
}

/// Names of other convenanten. Whether they exist is no mistake: the other may be withdrawn, or come later.
fn staat_achter(root: &Section<'_>, naam: Option<&str>) -> Vec<String> {
    let named: Vec<Located<String>> = root.list("staat_achter", &CONVENANTEN, true);
    for other in named.iter().filter(|other| Some(other.value.as_str()) == naam) {
        root.mistake(other.line, Fout::StaatAchterZichzelf {});
    }
    named.into_iter().map(|other| other.value).collect()
}

/// A convenant that was in force once, as far as it can be read among the partners of today: a text of the past stops nothing
/// because of today's rules.
#[must_use]
pub fn of_the_past(tekst: &str, deelnemers: &Deelnemers) -> Option<Convenant> {
    read_toml(Path::new(""), tekst, &Mistakes::default(), |root| {
        convenant(root, hash(tekst), deelnemers, &mut Ruimte::default())
    })
}

const CONVENANTEN: Vorm =
    Vorm::fixed("namen van convenanten, zoals [\"bij\"]", "names of convenanten, such as [\"bij\"]");
const PARTNERS: Vorm = Vorm::fixed("namen van partners, zoals [\"zsm\"]", "names of partners, such as [\"zsm\"]");
const PATTERNS: Vorm = Vorm::fixed(
    "partners of partner/loket, zoals [\"zsm/jeugd\"]",
    "partners or partner/loket, such as [\"zsm/jeugd\"]",
);
const GRONDSLAGEN: Vorm = Vorm::fixed("id's van grondslagen, zoals [\"bij\"]", "ids of grondslagen, such as [\"bij\"]");

pub(super) fn unknown_partner(section: &Section<'_>, line: usize, naam: &str, deelnemers: &Deelnemers) {
    if deelnemers.partners.is_empty() {
        // What is wrong with the deelnemers is told already, and is the cause of this.
        return;
    }
    let (bedoeld, meant) = section.nearest(naam, deelnemers.partners.keys().map(PartnerNaam::as_str));
    section.mistake(line, Fout::OnbekendePartner { naam: short(naam), bedoeld, meant });
}

/// Its id, and all of it where there is no mistake.
fn grondslag(section: Section<'_>) -> (Option<String>, Option<Grondslag>) {
    let id = identifier(&section, "id");
    let parsed = id.clone().and_then(|id| grondslag_with(id, &section));
    section.finish();
    (id, parsed)
}

fn grondslag_with(id: String, section: &Section<'_>) -> Option<Grondslag> {
    let citaat = section.text("citaat");
    let omschrijving = section.text("omschrijving");
    let bron = section.text("bron");
    let status = status(&id, section);
    let van = section.optional_date("geldig_van");
    let tot = section.optional_date("geldig_tot_en_met");
    ordered(section, "de grondslag", van.as_ref(), tot.as_ref());
    let verwerkingsactiviteit = section.text("verwerkingsactiviteit").and_then(|text| uri(section, text));
    Some(Grondslag {
        id,
        citaat: citaat?.value,
        omschrijving: omschrijving?.value,
        bron: bron?.value,
        status: status?,
        geldig_van: van.map(|day| day.value),
        geldig_tot_en_met: tot.map(|day| day.value),
        verwerkingsactiviteit: verwerkingsactiviteit?,
    })
}

fn status(id: &str, section: &Section<'_>) -> Option<Status> {
    let vorm = Vorm::fixed("\"bevestigd\" of \"te_bevestigen\"", "\"bevestigd\" or \"te_bevestigen\"");
    let status = section.text("status")?;
    match status.value.as_str() {
        "bevestigd" => {
            if section.optional_section("aanvaard").map(acceptatie).is_some() {
                section.mistake(status.line, Fout::AanvaardOverbodig { grondslag: id.to_owned() });
            }
            Some(Status::Bevestigd)
        }
        "te_bevestigen" => {
            let aanvaard = section.optional_section("aanvaard").map(acceptatie);
            Some(Status::TeBevestigen(match aanvaard {
                Some(acceptatie) => Some(acceptatie?),
                None => None,
            }))
        }
        _ => section.wrong(status.line, "status", &vorm),
    }
}

fn acceptatie(section: Section<'_>) -> Option<Acceptatie> {
    let door = section.text("door");
    let op = section.date("op");
    let waarom = section.text("waarom");
    section.finish();
    Some(Acceptatie { door: door?.value, op: op?.value, waarom: waarom?.value })
}

/// What a rule may refer to.
struct Context<'a> {
    grondslagen: &'a BTreeSet<&'a str>,
    deelnemers: &'a Deelnemers,
    partijen: &'a BTreeSet<PartnerNaam>,
}

fn regel(section: Section<'_>, context: &Context<'_>) -> Option<Regel> {
    let id = identifier(&section, "id");
    let berichtsoort = berichtsoort(&section);
    let van = context.patterns(&section, "van", false);
    let naar = context.patterns(&section, "naar", false);
    let named: Vec<Located<String>> = section.list("grondslag", &GRONDSLAGEN, false);
    for grondslag in &named {
        if !context.grondslagen.contains(grondslag.value.as_str()) {
            let bestaat = listed(context.grondslagen.iter().copied());
            section.mistake(grondslag.line, Fout::OnbekendeGrondslag { grondslag: short(&grondslag.value), bestaat });
        }
    }
    let afwijking = section.optional_text("afwijking").map(|text| text.value);
    let houdbaarheid = houdbaarheid(&section, afwijking.is_some());
    let telt_vanaf = section.parsed::<TeltVanaf>("telt_vanaf", &either("aanvaarding", "peildatum"));
    let doelgroep = section.optional_parsed::<Doelgroep>("doelgroep", &either("minderjarig", "volwassen"));
    let categorie = categorie(&section, berichtsoort);
    let mandaat = section.optional_parsed::<Mandaathouder>("mandaat", &either("afzender", "ontvanger"));
    let bewaar = section.optional_parsed::<Bewaar>("bewaar_inhoud", &either("bevestiging", "houdbaarheid"));
    let bsn_toegestaan = section.flag("bsn_toegestaan", false);
    let mede_ontvanger = context.patterns(&section, "mede_ontvanger", true);
    let verlengingen = section.optional_number("max_verlengingen", 0..=12).map_or(0, |number| number.value);
    let verwerkingsactiviteit = section.optional_text("verwerkingsactiviteit").and_then(|text| uri(&section, text));
    section.finish();
    Some(Regel {
        id: id?,
        berichtsoort: berichtsoort?,
        van,
        naar,
        grondslagen: named.into_iter().map(|grondslag| grondslag.value).collect(),
        houdbaarheid: houdbaarheid?,
        afwijking,
        telt_vanaf: telt_vanaf?.value,
        doelgroep: doelgroep.map(|doelgroep| doelgroep.value),
        categorie,
        bsn_toegestaan,
        mandaat: mandaat.map(|mandaat| mandaat.value),
        mede_ontvanger,
        max_verlengingen: u8::try_from(verlengingen).expect("the range ends at 12"),
        bewaar_inhoud: bewaar.map(|bewaar| bewaar.value).unwrap_or_default(),
        verwerkingsactiviteit,
    })
}

/// One of two words.
fn either(one: &str, other: &str) -> Vorm {
    Vorm { nl: format!("\"{one}\" of \"{other}\"").into(), en: format!("\"{one}\" or \"{other}\"").into() }
}

pub(super) fn soorten() -> Vorm {
    let ruled = Berichtsoort::ALL.into_iter().filter(|soort| !soort.follows());
    let all = ruled.map(Berichtsoort::as_str).collect::<Vec<_>>().join(", ");
    Vorm { nl: format!("een van {all}").into(), en: format!("one of {all}").into() }
}

fn berichtsoort(section: &Section<'_>) -> Option<Berichtsoort> {
    let soort = section.parsed::<Berichtsoort>("berichtsoort", &soorten())?;
    if soort.value.follows() {
        section.mistake(soort.line, Fout::VolgtOrigineel { berichtsoort: soort.value.to_string() });
    }
    Some(soort.value)
}

fn categorie(section: &Section<'_>, soort: Option<Berichtsoort>) -> Option<Categorie> {
    let categorie = section.optional_parsed::<Categorie>("categorie", &either("ernstig_geweld", "zeden"))?;
    if let Some(soort) = soort.filter(|soort| !soort.has_categorie()) {
        section.mistake(categorie.line, Fout::CategoriePastNiet { berichtsoort: soort.to_string() });
    }
    Some(categorie.value)
}

/// Three months is what is asked of every bericht; a rule that deviates says why.
fn houdbaarheid(section: &Section<'_>, explained: bool) -> Option<Termijn> {
    let has = (section.has("houdbaarheid_maanden"), section.has("houdbaarheid_dagen"));
    let termijn = match has {
        (true, false) => {
            let maanden = within(section, "houdbaarheid_maanden", 24)?;
            Termijn::Maanden(u8::try_from(maanden).expect("at most 24"))
        }
        (false, true) => {
            let dagen = within(section, "houdbaarheid_dagen", 731)?;
            Termijn::Dagen(u16::try_from(dagen).expect("at most 731"))
        }
        (true, true) | (false, false) => {
            // Both are asked for, so that neither counts as an unknown key.
            for (sleutel, tot) in [("houdbaarheid_maanden", 24), ("houdbaarheid_dagen", 731)] {
                within(section, sleutel, tot);
            }
            section.mistake(section.line(), Fout::HoudbaarheidKiezen {});
            return None;
        }
    };
    if termijn != Termijn::Maanden(3) && !explained {
        section.mistake(section.line(), Fout::AfwijkingOntbreekt {});
    }
    Some(termijn)
}

/// A whole number from 1 to `tot`.
fn within(section: &Section<'_>, sleutel: &'static str, tot: u64) -> Option<u64> {
    let (number, line) = section.number(sleutel)?;
    let number = number.filter(|number| (1..=tot).contains(number));
    if number.is_none() {
        section.mistake(line, Fout::HoudbaarheidBuitenBereik { sleutel: sleutel.to_owned(), van: 1, tot });
    }
    number
}

impl Context<'_> {
    fn patterns(&self, section: &Section<'_>, key: &'static str, optional: bool) -> Vec<Adrespatroon> {
        let texts: Vec<Located<String>> = section.list(key, &PATTERNS, optional);
        texts.into_iter().filter_map(|text| self.pattern(section, &text)).collect()
    }

    fn pattern(&self, section: &Section<'_>, text: &Located<String>) -> Option<Adrespatroon> {
        let (partner, loket) = match text.value.split_once('/') {
            Some((partner, loket)) => (partner, Some(loket)),
            None => (text.value.as_str(), None),
        };
        let found = partner.parse::<PartnerNaam>().ok().and_then(|naam| self.deelnemers.partners.get(&naam));
        let Some(found) = found else {
            unknown_partner(section, text.line, partner, self.deelnemers);
            return None;
        };
        if !self.partijen.is_empty() && !self.partijen.contains(&found.naam) {
            section.mistake(text.line, Fout::GeenPartij { partner: found.naam.to_string() });
        }
        let loket = match loket {
            None => None,
            Some(loket) => {
                let known = found.loketten.keys().find(|known| known.as_str() == loket);
                if known.is_none() {
                    let bestaat = listed(found.loketten.keys().map(LoketNaam::as_str));
                    let (partner, loket) = (partner.to_owned(), short(loket));
                    section.mistake(text.line, Fout::OnbekendLoket { partner, loket, bestaat });
                }
                Some(known?.clone())
            }
        };
        Some(Adrespatroon { partner: found.naam.clone(), loket })
    }
}

/// A short name.
pub(super) fn identifier(section: &Section<'_>, key: &'static str) -> Option<String> {
    let id = section.text(key)?;
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    if id.value.len() <= 64 && id.value.chars().all(plain) {
        Some(id.value)
    } else {
        let vorm = Vorm::fixed(
            "een naam van hoogstens 64 kleine letters, cijfers, - en _",
            "a name of at most 64 lowercase letters, digits, - and _",
        );
        section.wrong(id.line, key, &vorm)
    }
}

fn uri(section: &Section<'_>, text: Located<String>) -> Option<String> {
    if text.value.parse::<http::Uri>().is_ok_and(|uri| uri.scheme().is_some()) && text.value.len() <= 200 {
        Some(text.value)
    } else {
        let vorm = Vorm::fixed("een URI van hoogstens 200 tekens", "a URI of at most 200 characters");
        section.wrong(text.line, "verwerkingsactiviteit", &vorm)
    }
}
