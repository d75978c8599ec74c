//! Rules of one convenant beside each other: which speak of one exchange, and which can never give a stamp.

use std::{
    collections::{BTreeSet, HashMap},
    sync::LazyLock,
};

use jiff::civil::{Date, date};

use super::bevindingen::{Bevinding, Onderwerp, Waarschuwing, name};
use crate::domain::{
    Berichtsoort, Bewaar, Convenant, Regel, TeltVanaf, Termijn, VanKracht,
    convenant::overlapping,
    matrix::addresses,
    naast::{Naast, Patronen},
};

/// A rule and where it stands: convenant and rule by number.
struct Place<'a> {
    at: (usize, usize),
    convenant: &'a Convenant,
    regel: &'a Regel,
    van: Patronen<'a>,
    naar: Patronen<'a>,
}

/// What a rule says that it cannot mean.
pub(super) fn alone(convenant: &Convenant, regel: &Regel, found: &mut Vec<Bevinding>) {
    let mut note = |waarschuwing| {
        found.push((Onderwerp::Regel(convenant.naam.clone(), regel.id.clone()), waarschuwing));
    };
    if regel.max_verlengingen > 0 && !regel.berichtsoort.is_renewable() {
        let berichtsoort = regel.berichtsoort.to_string();
        note(Waarschuwing::VerlengenPastNiet { regel: name(convenant, regel), berichtsoort });
    }
    if regel.berichtsoort == Berichtsoort::Scenario && regel.bewaar_inhoud == Bewaar::Bevestiging {
        note(Waarschuwing::ScenarioNietBewaard { regel: name(convenant, regel) });
    }
    let naar = Patronen::new(&regel.naar);
    let itself = regel.mede_ontvanger.iter().find(|mede| naar.overlap(mede));
    if let Some(mede) = itself {
        note(Waarschuwing::MedeOntvangerVanzelf { regel: name(convenant, regel), partner: mede.to_string() });
    }
}

pub(super) fn compare(van_kracht: &VanKracht, day: Date, found: &mut Vec<Bevinding>) {
    let mut places = Vec::new();
    for (number, convenant) in van_kracht.convenanten().iter().enumerate() {
        if convenant.geldig_tot_en_met >= day {
            let regels = convenant.regels.iter().enumerate();
            places.extend(regels.map(|(at, regel)| {
                let [van, naar] = [&regel.van, &regel.naar].map(|patterns| Patronen::new(patterns));
                Place { at: (number, at), convenant, regel, van, naar }
            }));
        }
    }
    let naast = Naast::new(places.iter().map(|place| place.regel));
    let mut never = BTreeSet::new();
    for place in &places {
        if let Some(winners) = beaten(van_kracht, place, (&places, &naast)) {
            never.insert(place.at);
            let regel = name(place.convenant, place.regel);
            let andere = winners.into_iter().collect::<Vec<_>>().join(", ");
            found.push((onderwerp(place), Waarschuwing::Onbereikbaar { regel, andere }));
        }
    }
    let speaks = |number: &usize| !never.contains(&places[*number].at);
    let beside = (0..places.len()).filter(speaks).flat_map(|one| {
        let later = naast.later(one, places[one].regel).into_iter().filter(speaks);
        later.map(move |other| (one, other)).collect::<Vec<_>>()
    });
    found.extend(beside.filter_map(|(one, other)| overlap(&places[one], &places[other])).take(MEESTE_OVERLAP));
}

/// Overlaps that are told, at most: nobody reads more, and documents that are no convenanten can hold millions.
const MEESTE_OVERLAP: usize = 10_000;

fn onderwerp(place: &Place<'_>) -> Onderwerp {
    Onderwerp::Regel(place.convenant.naam.clone(), place.regel.id.clone())
}

fn overlap(one: &Place<'_>, other: &Place<'_>) -> Option<Bevinding> {
    // What two convenanten say of one exchange is told by `samenloop`, in groups.
    if one.at.0 != other.at.0 || !overlapping(one.regel, other.regel) {
        return None;
    }
    let (regel, andere) = (name(other.convenant, other.regel), name(one.convenant, one.regel));
    Some((onderwerp(other), Waarschuwing::Overbodig { regel, andere }))
}

/// The rules that always win from this one, if there are some for everything that it allows.
fn beaten(
    van_kracht: &VanKracht,
    place: &Place<'_>,
    (all, naast): (&[Place<'_>], &Naast<'_>),
) -> Option<BTreeSet<String>> {
    let regel = place.regel;
    // Asked once for each rule beside it, and once more for each grondslag.
    let (mut wins, mut rests) = (HashMap::new(), HashMap::new());
    let mut winners = BTreeSet::new();
    for van in addresses(van_kracht, &regel.van) {
        for naar in addresses(van_kracht, &regel.naar) {
            if van == naar {
                continue;
            }
            let mut beside = naast.at(regel.berichtsoort, &van.partner, &naar.partner).to_vec();
            beside.retain(|rival| {
                let rival = &all[*rival];
                let wins = wins.entry(rival.at).or_insert_with(|| rivals(rival, place));
                *wins && rival.van.mean(van) && rival.naar.mean(naar)
            });
            for grondslag in &regel.grondslagen {
                for (doelgroep, categorie) in regel.kinds() {
                    let winner = beside.iter().find(|number| {
                        let rival = &all[**number];
                        (rival.regel.doelgroep.is_none() || rival.regel.doelgroep == doelgroep)
                            && (rival.regel.categorie.is_none() || rival.regel.categorie == categorie)
                            && *rests
                                .entry((rival.at, grondslag))
                                .or_insert_with(|| rival.regel.grondslagen.contains(grondslag))
                    });
                    winners.insert(*winner?);
                }
            }
        }
    }
    let named = |number: usize| name(all[number].convenant, all[number].regel);
    (!winners.is_empty()).then(|| winners.into_iter().map(named).collect())
}

/// Whether a rule wins from another of its convenant wherever both speak: it asks no more, holds as long, and keeps content no
/// shorter. A rule of another convenant beats none: a sender can still name this one's convenant.
fn rivals(rival: &Place<'_>, place: &Place<'_>) -> bool {
    let (one, other) = (rival.regel, place.regel);
    let asks_no_more = one.berichtsoort == other.berichtsoort
        && (one.bsn_toegestaan || !other.bsn_toegestaan)
        && (one.mandaat.is_none() || one.mandaat == other.mandaat)
        && one.max_verlengingen >= other.max_verlengingen
        && (one.mede_ontvanger.is_empty() || one.mede_ontvanger == other.mede_ontvanger)
        // Where a rule leaves a choice, a sender that names none is refused by it.
        && (one.grondslagen.len() == 1 || other.grondslagen.len() > 1);
    rival.at != place.at && rival.at.0 == place.at.0 && asks_no_more && lasts(rival, place)
}

/// Whether what a rule stamps is never less than what another would, and the rule comes first where it is the same.
fn lasts(rival: &Place<'_>, place: &Place<'_>) -> bool {
    let (one, other) = (rival.regel, place.regel);
    match longer(one, other) {
        Length::Always => true,
        Length::Equal if one.bewaar_inhoud == other.bewaar_inhoud => rival.at < place.at,
        Length::Equal => one.bewaar_inhoud == Bewaar::Houdbaarheid,
        Length::NotShorter => rival.at < place.at && one.bewaar_inhoud >= other.bewaar_inhoud,
        Length::Other => false,
    }
}

enum Length {
    /// On every day.
    Always,
    /// The same on every day.
    Equal,
    /// On some days the same.
    NotShorter,
    /// On some days shorter.
    Other,
}

/// How the houdbaarheid of one rule compares with that of another.
fn longer(one: &Regel, other: &Regel) -> Length {
    let same_start = one.telt_vanaf == other.telt_vanaf;
    if !same_start && one.telt_vanaf == TeltVanaf::Peildatum {
        return Length::Other;
    }
    let ((shortest, _), (other_shortest, other_longest)) = (days(one.houdbaarheid), days(other.houdbaarheid));
    match (one.houdbaarheid, other.houdbaarheid) {
        (one, other) if one == other => {
            if same_start {
                Length::Equal
            } else {
                Length::NotShorter
            }
        }
        (Termijn::Maanden(_), Termijn::Maanden(_)) | (Termijn::Dagen(_), Termijn::Dagen(_)) => {
            if shortest > other_shortest { Length::Always } else { Length::Other }
        }
        _ if shortest > other_longest => Length::Always,
        _ if shortest == other_longest => Length::NotShorter,
        _ => Length::Other,
    }
}

/// The fewest and most days that a term can have.
fn days(termijn: Termijn) -> (i32, i32) {
    // Of 1 to 24 months, once: a leap year and three others show every month.
    static MONTHS: LazyLock<Vec<(i32, i32)>> = LazyLock::new(|| {
        let of = |maanden| {
            let lengths = date(2024, 1, 1).series(jiff::Span::new().days(1)).take(4 * 366).map(|start| {
                let span = start.until(Termijn::Maanden(maanden).last_day(start));
                span.expect("a term of at most two years").get_days()
            });
            lengths.fold((i32::MAX, 0), |(least, most), days| (least.min(days), most.max(days)))
        };
        (1..=24).map(of).collect()
    });
    match termijn {
        Termijn::Dagen(dagen) => (i32::from(dagen), i32::from(dagen)),
        Termijn::Maanden(maanden) => MONTHS[usize::from(maanden.clamp(1, 24)) - 1],
    }
}
