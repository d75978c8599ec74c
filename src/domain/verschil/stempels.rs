//! What stamps where several convenanten allow one exchange: what another one stamps since, what stays although another would
//! keep it usable longer, and what can be chosen, or no longer.
//!
//! Told by asking the rules of both sides about every kind of bericht that they tell apart, so that a sentence says what
//! admission does. Where one convenant alone speaks of an exchange, before and after, `stromen` has told it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::super::{
    Adres, Berichtsoort, VanKracht, Weigering,
    plaatsen::{Plaatsen, Wie, routes},
    proef::Proef,
    samenloop::{Cel, Kant, Samenloop, cellen},
    van_kracht::Route,
};

/// The order of the sentences, how one begins and how it ends.
type Zin = (u8, String, String);
/// What stamped and what stamps since.
type Ander = (Option<Kant>, Option<Kant>);
type Zinnen<'k> = BTreeMap<(Zin, Berichtsoort), Plaatsen<'k>>;
type Cellen<'k> = BTreeMap<(&'k Adres, &'k Adres, Wie), Cel<'k>>;

pub(super) fn compare(oud: &VanKracht, nieuw: &VanKracht, day: Date, zinnen: &mut Vec<String>) {
    let (was, is) = (oud.routes(), nieuw.routes());
    let mut found = Zinnen::new();
    let mut known = BTreeMap::new();
    for route in was.keys().chain(is.keys().filter(|route| !was.contains_key(route))) {
        let of_both = [(oud, was.get(route)), (nieuw, is.get(route))];
        let names = of_both.iter().flat_map(|(van_kracht, regels)| {
            let regels = regels.iter().flat_map(|regels| regels.iter());
            regels.map(|(convenant, _)| &*van_kracht.convenanten()[*convenant].naam)
        });
        if names.collect::<BTreeSet<_>>().len() < 2 {
            continue;
        }
        let [was, is] = of_both.map(|(van_kracht, regels)| of_route(van_kracht, *route, regels, day));
        for (place, cel) in was.iter().chain(is.iter().filter(|(place, _)| !was.contains_key(place))) {
            let (was, is) = (was.get(place), is.get(place));
            let rests_on = (was.map(|cel| cel.steunt_op(oud)), is.map(|cel| cel.steunt_op(nieuw)));
            let same: &Vec<Zin> = known.entry(rests_on).or_insert_with(|| {
                let mut told = Vec::new();
                both((oud, was), (nieuw, is), day, &mut |zin| told.push(zin));
                told
            });
            for zin in same {
                let plaatsen: &mut Plaatsen<'_> = found.entry((zin.clone(), cel.soort)).or_default();
                plaatsen.entry((cel.van, cel.naar)).or_default().insert(cel.wie);
            }
        }
    }
    for (((_, begin, end), soort), plaatsen) in found {
        let routes = routes(nieuw, soort, &plaatsen, day).join("; ");
        zinnen.push(format!("{begin}: {soort} {routes}{end}."));
    }
}

fn of_route<'k>(
    van_kracht: &'k VanKracht,
    route: Route<'_>,
    regels: Option<&Vec<(usize, usize)>>,
    day: Date,
) -> Cellen<'k> {
    let cellen = regels.map_or_else(Vec::new, |regels| cellen(van_kracht, route, regels, day));
    cellen.into_iter().map(|cel| ((cel.van, cel.naar, cel.wie), cel)).collect()
}

/// What changes in one cell. Where it is new or gone as a whole, `stromen` told what may be sent.
fn both(
    (oud, was): (&VanKracht, Option<&Cel<'_>>),
    (nieuw, is): (&VanKracht, Option<&Cel<'_>>),
    day: Date,
    note: &mut impl FnMut(Zin),
) {
    let names = |cel: Option<&Cel<'_>>| {
        cel.map_or_else(BTreeSet::new, |cel| cel.names().into_iter().map(str::to_owned).collect())
    };
    let (names_was, names_is): (BTreeSet<String>, BTreeSet<String>) = (names(was), names(is));
    if names_was.union(&names_is).count() < 2 {
        return;
    }
    if let (Some(was), Some(is)) = (was, is) {
        stamps((oud, was), (nieuw, is), day, note);
        gone((oud, was), (nieuw, is), day, note);
    }
    let overlaps = |van_kracht, cel: Option<&Cel<'_>>| {
        cel.map_or_else(Vec::new, |cel| cel.samenlopen(van_kracht, day)).into_iter().map(|(samenloop, _)| samenloop)
    };
    let known: BTreeSet<Samenloop> = overlaps(oud, was).collect();
    for samenloop in overlaps(nieuw, is).filter(|samenloop| !known.contains(samenloop)) {
        note((3, "Meer dan een convenant".to_owned(), format!(": {}", samenloop.tekst())));
    }
}

/// Each kind of bericht that another convenant, grondslag or term stamps since, or that nothing stamps any more.
fn stamps(
    (oud, was): (&VanKracht, &Cel<'_>),
    (nieuw, is): (&VanKracht, &Cel<'_>),
    day: Date,
    note: &mut impl FnMut(Zin),
) {
    let days: BTreeSet<Date> = &was.days(oud, day) | &is.days(nieuw, day);
    let proeven: BTreeSet<Proef> = was.proeven(oud, day).into_iter().chain(is.proeven(nieuw, day)).collect();
    let mut told: Vec<(Ander, &Proef)> = Vec::new();
    for at in days {
        for proef in &proeven {
            let asked = [(was, oud), (is, nieuw)].map(|(cel, van_kracht)| {
                cel.ask(proef, None, at, |vraag| vraag.stamp(van_kracht).map(|stamped| Kant::of(&stamped)))
            });
            let [chose, chooses] = [&asked[0], &asked[1]].map(|asked| matches!(asked, Err(Weigering::GrondslagKiezen)));
            let [before, after] = asked.map(Result::ok);
            let (end, change) = match (&before, &after) {
                (Some(one), Some(other)) if one != other => {
                    (format!("{}: nu {} (was {})", proef.tekst(), other.tekst(), one.tekst()), (before, after))
                }
                (None, Some(other)) if chose && at == day => {
                    (format!("{}: nu {}", proef.tekst(), other.tekst()), (before, after))
                }
                // That a convenant begins later shows only when it begins.
                (None, Some(other)) if at > day => (format!("{}: {}", proef.tekst(), other.tekst()), (before, after)),
                (Some(_), None) if at == day => (proef.tekst(), (before, after)),
                _ => continue,
            };
            if told.iter().any(|(known, by)| *known == change && by.asks_no_more(proef)) {
                continue;
            }
            let when = if at > day { format!(" vanaf {at}") } else { String::new() };
            let begin = match &change {
                (Some(_), Some(_)) => format!("Ander stempel{when}"),
                (None, _) if chose && at == day => "Afzender hoeft geen grondslag meer te kiezen".to_owned(),
                (None, _) => format!("Gestempeld{when}"),
                (_, None) if chooses => "Afzender moet nu zelf een grondslag kiezen".to_owned(),
                (_, None) => "Niet meer toegestaan".to_owned(),
            };
            told.push((change, proef));
            note((if end.is_empty() { 2 } else { 1 }, begin, end));
        }
    }
}

/// Each convenant that could be named before, and no longer.
fn gone(
    (oud, was): (&VanKracht, &Cel<'_>),
    (nieuw, is): (&VanKracht, &Cel<'_>),
    day: Date,
    note: &mut impl FnMut(Zin),
) {
    for naam in was.names() {
        let Some((kant, ..)) = was.kant(oud, naam, day) else { continue };
        if is.kant(nieuw, naam, day).is_none() {
            note((2, "Niet meer te kiezen".to_owned(), format!(": {}", kant.tekst())));
        }
    }
}
