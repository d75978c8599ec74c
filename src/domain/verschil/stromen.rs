//! What is allowed: compared cell by cell, told in groups.
//!
//! A cell is a berichtsoort from one address to another, for minors, adults or people of unknown age, in one category, on one
//! grondslag. Its houdbaarheid is that of the rule that keeps it usable longest, as in `admission`. Of each other condition it
//! shows the most lenient that any rule gives: a partner that may choose its rule can reach it, although perhaps not all of
//! them in one bericht.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet, HashMap},
    rc::Rc,
};

use jiff::civil::Date;

use super::{
    super::{
        Adres, Adrespatroon, Berichtsoort, Bewaar, Categorie, Doelgroep, Grondslag, Mandaathouder, PartnerNaam, Regel,
        Status, TeltVanaf, Termijn, VanKracht,
        matrix::{self, addresses, open_patronen, patronen},
    },
    en,
};

/// Whom and what an exchange is about, as far as rules tell that apart.
type Soort = (Option<Doelgroep>, Option<Categorie>);
/// Berichtsoort, sender, ontvanger, whom it is about, grondslag.
type Cel<'v> = (Berichtsoort, &'v Adres, &'v Adres, Soort, &'v str);
/// What holds in each cell; there are a million of them, and few conditions.
type Cellen<'v> = BTreeMap<Cel<'v>, Rc<Voorwaarden>>;

/// What holds in a cell.
#[derive(Clone, PartialEq)]
struct Voorwaarden {
    termijn: Termijn,
    telt_vanaf: TeltVanaf,
    bsn: bool,
    mandaat: Option<Mandaathouder>,
    /// Alternatives: one of them suffices.
    mede_ontvanger: BTreeSet<String>,
    verlengingen: u8,
    bewaar: Bewaar,
    /// Whether a sender must name the grondslag.
    keuze: bool,
    verwerkingsactiviteit: String,
}

/// One kind of change: the order of the sentences, how one begins and how it ends.
type Wijziging = (u8, String, String);
/// Sender and ontvanger, and whom it is about.
type Plaatsen<'v> = BTreeMap<(&'v Adres, &'v Adres), BTreeSet<Soort>>;
/// One change, with the berichtsoort and grondslag that it is about.
type Groep = (Wijziging, Berichtsoort, String);

pub(super) fn compare(oud: &VanKracht, nieuw: &VanKracht, day: Date, zinnen: &mut Vec<String>) {
    let (was, is) = (cells(oud, day), cells(nieuw, day));
    let groups = groups(&was, &is, day);
    // What is the same for several grondslagen is said once.
    let mut said: BTreeMap<(Wijziging, Berichtsoort, Vec<String>), Vec<String>> = BTreeMap::new();
    for ((wijziging, soort, grondslag), plaatsen) in groups {
        let van_kracht = if wijziging.0 == NIET_MEER { oud } else { nieuw };
        let routes = routes(van_kracht, soort, &plaatsen, day);
        said.entry((wijziging, soort, routes)).or_default().push(grondslag);
    }
    for (((_, begin, end), soort, routes), grondslagen) in said {
        let grondslagen = grondslagen.join(" of ");
        for route in routes {
            zinnen.push(format!("{begin}: {soort} {route}, op grondslag {grondslagen}{end}."));
        }
    }
}

/// Where each change happens.
fn groups<'v>(was: &Cellen<'v>, is: &Cellen<'v>, day: Date) -> BTreeMap<Groep, Plaatsen<'v>> {
    // What changes where conditions are the same ones is said in the same words: those are made once.
    let mut same: HashMap<_, Vec<usize>> = HashMap::new();
    let mut found: Vec<(Groep, Plaatsen<'v>)> = Vec::new();
    for cel in was.keys().chain(is.keys().filter(|cel| !was.contains_key(*cel))) {
        let (soort, van, naar, wie, grondslag) = *cel;
        let (was, is) = (was.get(cel), is.get(cel));
        let key = (was.map(Rc::as_ptr), is.map(Rc::as_ptr), soort, grondslag);
        let numbers = same.entry(key).or_insert_with(|| {
            let changes = changes(was.map(Rc::as_ref), is.map(Rc::as_ref), day);
            let group = |wijziging| ((wijziging, soort, grondslag.to_owned()), Plaatsen::new());
            let from = found.len();
            found.extend(changes.into_iter().map(group));
            (from..found.len()).collect()
        });
        for number in numbers {
            found[*number].1.entry((van, naar)).or_default().insert(wie);
        }
    }
    let mut groups: BTreeMap<Groep, Plaatsen<'v>> = BTreeMap::new();
    for (groep, plaatsen) in found {
        let all = groups.entry(groep).or_default();
        for (pair, kinds) in plaatsen {
            all.entry(pair).or_default().extend(kinds);
        }
    }
    groups
}

/// Everything that is allowed as long as what it rests on has not lapsed.
fn cells(van_kracht: &VanKracht, day: Date) -> Cellen<'_> {
    let mut cells = BTreeMap::new();
    for convenant in van_kracht.convenanten().iter().filter(|convenant| convenant.geldig_tot_en_met >= day) {
        for regel in &convenant.regels {
            let named = regel.grondslagen.iter().filter_map(|id| convenant.grondslag(id));
            let grondslagen: Vec<&Grondslag> = named.filter(|grondslag| counts(van_kracht, grondslag, day)).collect();
            let conditions: Vec<_> = grondslagen.iter().map(|of| (*of, Rc::new(conditions(regel, of)))).collect();
            let kinds = regel.kinds();
            for (van, naar) in pairs(van_kracht, regel, day) {
                for (grondslag, own) in &conditions {
                    for wie in &kinds {
                        let cel = (regel.berichtsoort, van, naar, *wie, grondslag.id.as_str());
                        let of_cell = cells.entry(cel).or_insert_with(|| Rc::clone(own));
                        if **of_cell != **own {
                            *of_cell = Rc::new(lenient(of_cell, own, day));
                        }
                    }
                }
            }
        }
    }
    cells
}

fn pairs<'v>(van_kracht: &'v VanKracht, regel: &Regel, day: Date) -> Vec<(&'v Adres, &'v Adres)> {
    let (mut van, mut naar) = (addresses(van_kracht, &regel.van), addresses(van_kracht, &regel.naar));
    naar.retain(|adres| van_kracht.closed_on(adres, day).is_none());
    let mandated = |adres: &&Adres| mandated(van_kracht, regel, &adres.partner, day);
    match regel.mandaat {
        None => {}
        Some(Mandaathouder::Afzender) => van.retain(mandated),
        Some(Mandaathouder::Ontvanger) => naar.retain(mandated),
    }
    let all = van.iter().flat_map(|van| naar.iter().map(move |naar| (*van, *naar)));
    all.filter(|(van, naar)| van != naar).collect()
}

/// Whether a grondslag has not lapsed and, in production, is confirmed or accepted.
fn counts(van_kracht: &VanKracht, grondslag: &Grondslag, day: Date) -> bool {
    let lapsed = grondslag.geldig_tot_en_met.is_some_and(|last| last < day);
    let refused = van_kracht.productie() && grondslag.status == Status::TeBevestigen(None);
    !lapsed && !refused
}

fn mandated(van_kracht: &VanKracht, regel: &Regel, houder: &PartnerNaam, day: Date) -> bool {
    van_kracht.given(houder, regel.berichtsoort).any(|mandaat| mandaat.geldig_tot_en_met >= day)
}

fn conditions(regel: &Regel, grondslag: &Grondslag) -> Voorwaarden {
    Voorwaarden {
        termijn: regel.houdbaarheid,
        telt_vanaf: regel.telt_vanaf,
        bsn: regel.bsn_toegestaan,
        mandaat: regel.mandaat,
        mede_ontvanger: regel.mede_ontvanger.iter().map(ToString::to_string).collect(),
        verlengingen: regel.max_verlengingen,
        bewaar: regel.bewaar_inhoud,
        keuze: regel.grondslagen.len() > 1,
        verwerkingsactiviteit: regel.verwerkingsactiviteit.as_ref().unwrap_or(&grondslag.verwerkingsactiviteit).clone(),
    }
}

fn lenient(one: &Voorwaarden, other: &Voorwaarden, day: Date) -> Voorwaarden {
    // Of equal terms the one that counts from acceptance lasts longest.
    let length = |of: &Voorwaarden| (of.termijn.last_day(day), of.telt_vanaf == TeltVanaf::Aanvaarding);
    let longest = if length(other) > length(one) { other } else { one };
    let without = one.mede_ontvanger.is_empty() || other.mede_ontvanger.is_empty();
    let either = if without { BTreeSet::new() } else { &one.mede_ontvanger | &other.mede_ontvanger };
    Voorwaarden {
        termijn: longest.termijn,
        telt_vanaf: longest.telt_vanaf,
        bsn: one.bsn || other.bsn,
        mandaat: one.mandaat.and(other.mandaat),
        mede_ontvanger: either,
        verlengingen: one.verlengingen.max(other.verlengingen),
        // Of the rule that stamps.
        bewaar: longest.bewaar,
        keuze: one.keuze && other.keuze,
        verwerkingsactiviteit: longest.verwerkingsactiviteit.clone(),
    }
}

/// The rank of what is no longer allowed: the only change that the new version does not show.
const NIET_MEER: u8 = 1;

fn changes(was: Option<&Voorwaarden>, is: Option<&Voorwaarden>, day: Date) -> Vec<Wijziging> {
    let (was, is) = match (was, is) {
        (Some(was), Some(is)) => (was, is),
        (None, Some(is)) => return vec![(0, "Nieuw toegestaan".to_owned(), in_full(is))],
        (Some(_), None) => return vec![(NIET_MEER, "Niet meer toegestaan".to_owned(), String::new())],
        (None, None) => return Vec::new(),
    };
    let mut found = Vec::new();
    let mut note = |rank, begin: String, end: String| found.push((rank, begin, end));
    if (was.termijn, was.telt_vanaf) != (is.termijn, is.telt_vanaf) {
        let end = format!(": {} (was {})", houdbaar(is), houdbaar(was));
        note(2, format!("{} houdbaar", direction(was, is, day)), end);
    }
    if was.bsn != is.bsn {
        note(3, format!("BSN {} toegestaan", if is.bsn { "nu" } else { "niet meer" }), String::new());
    }
    if was.mandaat != is.mandaat {
        let begin = is.mandaat.map_or("Geen mandaat meer nodig".to_owned(), |houder| {
            format!("Mandaat van de {} nu nodig", houder.as_str())
        });
        note(4, begin, String::new());
    }
    if was.mede_ontvanger != is.mede_ontvanger {
        let begin = if is.mede_ontvanger.is_empty() {
            "Geen mede-ontvanger meer nodig".to_owned()
        } else {
            format!("Als mede-ontvanger nu nodig {}", any_of(&is.mede_ontvanger))
        };
        note(5, begin, String::new());
    }
    if was.verlengingen != is.verlengingen {
        note(6, "Verlengen".to_owned(), format!(": hoogstens {} keer (was {})", is.verlengingen, was.verlengingen));
    }
    if was.bewaar != is.bewaar {
        let begin = match is.bewaar {
            Bewaar::Bevestiging => "Inhoud nu vernietigd zodra de ontvanger haar bevestigt",
            Bewaar::Houdbaarheid => "Inhoud nu bewaard tot de houdbaarheid eindigt",
        };
        note(7, begin.to_owned(), String::new());
    }
    if was.keuze != is.keuze {
        let begin = if is.keuze {
            "Afzender moet nu zelf een grondslag kiezen"
        } else {
            "Afzender hoeft geen grondslag meer te kiezen"
        };
        note(8, begin.to_owned(), String::new());
    }
    if was.verwerkingsactiviteit != is.verwerkingsactiviteit {
        let end = format!(": verwerkingsactiviteit {} (was {})", is.verwerkingsactiviteit, was.verwerkingsactiviteit);
        note(9, "Andere plaats in het verwerkingsregister".to_owned(), end);
    }
    found
}

/// Shorter or longer, when both term and start agree on that.
fn direction(was: &Voorwaarden, is: &Voorwaarden, day: Date) -> &'static str {
    let term = is.termijn.last_day(day).cmp(&was.termijn.last_day(day));
    let start = |of: &Voorwaarden| of.telt_vanaf == TeltVanaf::Aanvaarding;
    match (term, start(is).cmp(&start(was))) {
        (Ordering::Greater, Ordering::Greater | Ordering::Equal) | (Ordering::Equal, Ordering::Greater) => "Langer",
        (Ordering::Less, Ordering::Less | Ordering::Equal) | (Ordering::Equal, Ordering::Less) => "Korter",
        _ => "Anders",
    }
}

fn houdbaar(of: &Voorwaarden) -> String {
    format!("{} vanaf {}", of.termijn, of.telt_vanaf.as_str())
}

fn in_full(is: &Voorwaarden) -> String {
    let mut text = format!(", houdbaar {}", houdbaar(is));
    if is.bsn {
        text.push_str(", met BSN");
    }
    if let Some(houder) = is.mandaat {
        text.push_str(", met mandaat van de ");
        text.push_str(houder.as_str());
    }
    if !is.mede_ontvanger.is_empty() {
        text.push_str(", als ook ontvangt: ");
        text.push_str(&any_of(&is.mede_ontvanger));
    }
    if is.verlengingen > 0 {
        text.extend([", hoogstens ", &is.verlengingen.to_string(), " keer te verlengen"]);
    }
    if is.bewaar == Bewaar::Bevestiging {
        text.push_str(", inhoud vernietigd na bevestiging");
    }
    if is.keuze {
        text.push_str(", als de afzender deze grondslag kiest");
    }
    text
}

fn any_of(names: &BTreeSet<String>) -> String {
    names.iter().map(String::as_str).collect::<Vec<_>>().join(" of ")
}

/// Who to whom and about whom: senders with the same ontvangers together.
fn routes(van_kracht: &VanKracht, soort: Berichtsoort, plaatsen: &Plaatsen<'_>, day: Date) -> Vec<String> {
    let mut by_kind: BTreeMap<&BTreeSet<Soort>, BTreeSet<(&Adres, &Adres)>> = BTreeMap::new();
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
fn about(soort: Berichtsoort, kinds: &BTreeSet<Soort>) -> String {
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
