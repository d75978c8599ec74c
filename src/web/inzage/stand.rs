//! Stand: how a dossier stands, in sentences.

use jiff::Timestamp;

use crate::{
    exchange::{
        datum,
        dossier::{Getoond, Gevraagd},
    },
    web::woorden::aantal,
};

/// In sentences; the first says the most.
pub(super) fn stand(of: &Getoond) -> Vec<String> {
    let mut zinnen = vec![match (&of.gesloten, of.te_laat) {
        (Some(op), false) => format!("Verstrekt op {}.", moment(op)),
        (Some(op), true) => format!("Verstrekt op {}, na de termijn.", moment(op)),
        (None, true) => "De termijn is voorbij.".to_owned(),
        (None, false) => besloten(of),
    }];
    if let Some(op) = &of.gesloten {
        zinnen.push(format!(
            "Hieronder staat wat er op {} was te zeggen, en zo is het verstrekt. Wat er daarna gebeurde staat er niet bij.",
            moment(op)
        ));
    }
    zinnen.push(format!("Te beantwoorden uiterlijk {}.", datum::uiterlijk(of.termijnen.antwoord_voor)));
    if !of.niemand_gevraagd {
        zinnen.push(format!("Partners besluiten uiterlijk {}.", datum::uiterlijk(of.termijnen.besluiten_voor)));
    }
    if of.verlengd {
        zinnen.push("De termijn is verlengd.".to_owned());
    }
    if !of.vertrokken.is_empty() {
        zinnen.push(format!("Geen deelnemer meer, dus niemand besluit voor hen: {}.", of.vertrokken.join(", ")));
    }
    zinnen.extend(of.gevraagd.iter().flat_map(of_partner));
    zinnen
}

/// How many partners decided. Who knows it of some partners alone is told so: the others may be what it waits for.
fn besloten(of: &Getoond) -> String {
    if of.niemand_gevraagd {
        return "Er is geen partner gevraagd, want bij geen partner die meedoet is iets gevonden.".to_owned();
    }
    let open = u64::from(of.nog_te_besluiten);
    if of.kijker.counts_all() {
        return match open {
            0 => "Alle partners besloten.".to_owned(),
            _ => format!("{} nog besluiten.", aantal(open, "partner moet", "partners moeten")),
        };
    }
    let seen = match open {
        0 => "De partners van wie u rijen ziet hebben besloten.".to_owned(),
        1 => "Van de partners van wie u rijen ziet moet er 1 nog besluiten.".to_owned(),
        _ => format!("Van de partners van wie u rijen ziet moeten er {open} nog besluiten."),
    };
    format!("{seen} Over andere partners ziet u hier niets.")
}

/// What a partner that is asked did.
fn of_partner(asked: &Gevraagd) -> Vec<String> {
    let decided = match (&asked.besloten, asked.te_laat) {
        (Some(op), _) => format!("{} besloot op {}.", asked.partner, moment(op)),
        (None, true) => format!("{} besloot niet op tijd.", asked.partner),
        (None, false) => format!("{} besloot nog niet.", asked.partner),
    };
    let withheld = asked.achtergehouden.iter().map(|((grond, verzwegen), rijen)| {
        let silent = if *verzwegen { ", in stilte" } else { "" };
        format!(
            "{} houdt {} achter{silent}, omdat {}.",
            asked.partner,
            aantal((*rijen).into(), "rij", "rijen"),
            grond.uitleg()
        )
    });
    std::iter::once(decided).chain(withheld).collect()
}

fn moment(tijd: &str) -> String {
    tijd.parse::<Timestamp>().map(datum::moment).unwrap_or_default()
}
