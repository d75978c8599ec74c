//! What is allowed: compared cell by cell, told in groups.
//!
//! A cell is a berichtsoort from one address to another, for minors, adults or people of unknown age, in one category, on one
//! grondslag. Its houdbaarheid is that of the rule that stamps it, as in `admission`: of the senior convenant, and in that of
//! the longest rule. Of each other condition it shows the most lenient that any rule gives: a partner that may choose its rule
//! can reach it, although perhaps not all of them in one bericht.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet, HashMap},
    rc::Rc,
};

use jiff::civil::Date;

use super::super::{
    Adres, Berichtsoort, Bewaar, Grondslag, Mandaathouder, PartnerNaam, Regel, Status, TeltVanaf, Termijn, VanKracht,
    matrix::addresses,
    plaatsen::{Plaatsen, Wie, routes},
    proef::Proef,
    samenloop::{self, cellen, term},
};

/// Berichtsoort, sender, ontvanger, whom it is about, grondslag.
type Cel<'v> = (Berichtsoort, &'v Adres, &'v Adres, Wie, &'v str);
/// What holds in each cell; there are a million of them, and few conditions.
type Cellen<'v> = BTreeMap<Cel<'v>, Rc<Voorwaarden>>;

/// What holds in a cell.
#[derive(Clone, PartialEq)]
struct Voorwaarden {
    termijn: Termijn,
    /// Why that is not three months.
    afwijking: Option<String>,
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
    let mut by_convenant: BTreeMap<Cel<'_>, Vec<(&str, Rc<Voorwaarden>)>> = BTreeMap::new();
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
                        let of_cell = by_convenant.entry(cel).or_default();
                        match of_cell.last_mut() {
                            Some((naam, known)) if *naam == convenant.naam && **known == **own => {}
                            Some((naam, known)) if *naam == convenant.naam => {
                                *known = Rc::new(lenient(known, own, day));
                            }
                            _ => of_cell.push((&convenant.naam, Rc::clone(own))),
                        }
                    }
                }
            }
        }
    }
    let shared = van_kracht.shared().into_iter().flat_map(|(route, regels)| cellen(van_kracht, route, &regels, day));
    let shared: Shared<'_> = shared.map(|cel| ((cel.soort, cel.van, cel.naar, cel.wie), cel)).collect();
    let merged = by_convenant.into_iter().map(|(cel, by_convenant)| match by_convenant.as_slice() {
        [(_, only)] => (cel, Rc::clone(only)),
        several => {
            let stamps = several[stamps(van_kracht, &shared, &cel, several, day)].1.as_ref();
            (cel, Rc::new(several.iter().fold(stamps.clone(), |so_far, (_, other)| wider(&so_far, other))))
        }
    });
    merged.collect()
}

/// Where several convenanten speak of one exchange.
type Shared<'v> = BTreeMap<(Berichtsoort, &'v Adres, &'v Adres, Wie), samenloop::Cel<'v>>;

/// Which of several convenanten stamps what names the grondslag of the cell.
fn stamps(
    van_kracht: &VanKracht,
    shared: &Shared<'_>,
    (soort, van, naar, wie, grondslag): &Cel<'_>,
    by_convenant: &[(&str, Rc<Voorwaarden>)],
    day: Date,
) -> usize {
    let stamped = shared.get(&(*soort, *van, *naar, *wie)).and_then(|cel| {
        let named = Proef::naming(grondslag);
        cel.days(van_kracht, day).into_iter().find_map(|at| cel.stamp(van_kracht, &named, None, at))
    });
    let stamps = stamped.and_then(|stamped| by_convenant.iter().position(|(naam, _)| *naam == stamped.convenant.naam));
    stamps.unwrap_or(0)
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
        afwijking: regel.afwijking.clone(),
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

/// Two rules of one convenant together: of both the longest stamps.
fn lenient(one: &Voorwaarden, other: &Voorwaarden, day: Date) -> Voorwaarden {
    // Of equal terms the one that counts from acceptance lasts longest.
    let length = |of: &Voorwaarden| (of.termijn.last_day(day), of.telt_vanaf == TeltVanaf::Aanvaarding);
    if length(other) > length(one) { wider(other, one) } else { wider(one, other) }
}

/// What stamps, under whichever condition is the more lenient: what the one does not allow, the other stamps.
fn wider(stamps: &Voorwaarden, other: &Voorwaarden) -> Voorwaarden {
    let without = stamps.mede_ontvanger.is_empty() || other.mede_ontvanger.is_empty();
    Voorwaarden {
        bsn: stamps.bsn || other.bsn,
        mandaat: stamps.mandaat.and(other.mandaat),
        mede_ontvanger: if without { BTreeSet::new() } else { &stamps.mede_ontvanger | &other.mede_ontvanger },
        verlengingen: stamps.verlengingen.max(other.verlengingen),
        ..stamps.clone()
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
    if (was.termijn, was.telt_vanaf) == (is.termijn, is.telt_vanaf) && was.afwijking != is.afwijking {
        let end = format!(": {} (was {})", houdbaar(is), houdbaar(was));
        note(2, "Andere reden voor de houdbaarheid".to_owned(), end);
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
    term(of.termijn, of.telt_vanaf, of.afwijking.as_deref())
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
