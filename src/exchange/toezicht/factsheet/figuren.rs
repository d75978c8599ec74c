//! Figuren: the eight figures, each from what was read.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, ToSpan};

use super::{
    super::rapport::Periode,
    Figuur, Getekend, Waarde,
    lezing::{Bericht, Gelezen},
    maand,
};
use crate::{domain::Berichtsoort, logboek::Soort};

/// The months beside each other, what was counted in one of them together.
const BY_MONTH: Getekend = Getekend { kolom: None, bijschrift: "aantal in de maand" };
const NO_GEMEENTE: &str = "Per gemeente kan het niet: het logboek noemt de gemeente nog niet.";

/// All figures of a period.
pub(super) fn all(gelezen: &Gelezen, periode: Periode) -> Vec<Figuur> {
    let maanden = months(periode);
    let berichten: Vec<&Bericht> = gelezen.berichten.values().collect();
    let of = |soort: Berichtsoort| -> Vec<&Bericht> {
        berichten.iter().copied().filter(|bericht| bericht.soort == soort).collect()
    };
    vec![
        per_zvh(
            ("aanmeldingen", "Aanmeldingen, opschalingen en buikpijnmeldingen"),
            vec!["Per Zorg- en Veiligheidshuis en maand.", NO_GEMEENTE],
            [Berichtsoort::Aanmelding, Berichtsoort::Opschaling, Berichtsoort::Buikpijnmelding]
                .map(|soort| (soort, of(soort)))
                .to_vec(),
            &maanden,
        ),
        questions(&berichten),
        answering(&berichten),
        scenarios(&of(Berichtsoort::Scenario), &gelezen.geraadpleegd),
        terugkoppeling(&of(Berichtsoort::Scenario)),
        meldingen([Berichtsoort::BijMelding, Berichtsoort::Melding18b].map(|soort| (soort, of(soort))).to_vec()),
        per_zvh(
            ("re-integratie", "Re-integratieberichten"),
            vec!["Per Zorg- en Veiligheidshuis en maand.", NO_GEMEENTE],
            vec![(Berichtsoort::Reintegratiebericht, of(Berichtsoort::Reintegratiebericht))],
            &maanden,
        ),
        mistakes(gelezen, &maanden),
    ]
}

fn months(Periode { van, tot_en_met }: Periode) -> Vec<String> {
    let mut months = Vec::new();
    let mut day = van.first_of_month();
    while day <= tot_en_met && months.len() < 13 {
        months.push(maand(day));
        day = day.saturating_add(1.month());
    }
    months
}

fn columns(first: &str, others: &[&str]) -> Vec<String> {
    std::iter::once(first).chain(others.iter().copied()).map(str::to_owned).collect()
}

fn per_zvh(
    (naam, titel): (&'static str, &'static str),
    zinnen: Vec<&'static str>,
    soorten: Vec<(Berichtsoort, Vec<&Bericht>)>,
    maanden: &[String],
) -> Figuur {
    let mut rijen = Vec::new();
    for (soort, berichten) in soorten {
        let mut by: BTreeMap<&str, BTreeMap<String, u64>> = BTreeMap::new();
        for bericht in berichten {
            let Some(zvh) = bericht.zvh() else { continue };
            *by.entry(zvh).or_default().entry(maand(bericht.dag())).or_default() += 1;
        }
        rijen.extend(by.into_iter().map(|(zvh, counts)| {
            let values = maanden.iter().map(|maand| Waarde::aantal(counts.get(maand).copied().unwrap_or(0)));
            (format!("{}, {zvh}", soort.as_str()), values.collect())
        }));
    }
    let months: Vec<&str> = maanden.iter().map(String::as_str).collect();
    Figuur { naam, titel, zinnen, kolommen: columns("wat, en welk huis", &months), getekend: BY_MONTH, rijen }
}

fn verzoeken<'b>(berichten: &[&'b Bericht]) -> Vec<&'b Bericht> {
    berichten.iter().copied().filter(|bericht| bericht.soort.is_verzoek()).collect()
}

fn questions(berichten: &[&Bericht]) -> Figuur {
    let asked = verzoeken(berichten);
    let loketten: BTreeSet<&str> = asked.iter().map(|of| of.ontvanger.as_str()).collect();
    let row = |loket: &str| {
        let own = asked.iter().filter(|of| of.ontvanger == loket);
        let (all, answered) =
            own.fold((0, 0), |(all, answered), of| (all + 1, answered + u64::from(of.beantwoord.is_some())));
        (loket.to_owned(), vec![Waarde::aantal(all), Waarde::procent(answered, all)])
    };
    Figuur {
        naam: "vragen",
        titel: "Vragen per loket, en hoeveel daarvan beantwoord zijn",
        zinnen: vec![
            "Of een antwoord op tijd was, staat nog niet in het logboek: een termijn kent het convenant nog niet. Een antwoord van na de \
             periode telt niet mee.",
        ],
        kolommen: columns("loket", &["gevraagd", "beantwoord"]),
        getekend: Getekend { kolom: Some(0), bijschrift: "gevraagd" },
        rijen: loketten.into_iter().map(row).collect(),
    }
}

fn minutes(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.duration_since(from).as_mins()).unwrap_or(0)
}

fn answering(berichten: &[&Bericht]) -> Figuur {
    let asked = verzoeken(berichten);
    let soorten: BTreeSet<Berichtsoort> = asked.iter().map(|of| of.soort).collect();
    let row = |(soort, naam, at_night): (Berichtsoort, &str, bool)| {
        let own = asked.iter().filter(|of| of.soort == soort && of.is_at_night() == at_night);
        let took: Vec<u64> = own.filter_map(|of| Some(minutes(of.tijd, of.beantwoord?))).collect();
        // Not of how many: beside the number of questions that would tell how few were not answered.
        (format!("{soort}, {naam}"), vec![Waarde::midden(took)])
    };
    let when = [("in kantooruren", false), ("buiten kantooruren", true)];
    let rijen = soorten.iter().flat_map(|soort| when.map(|(naam, at_night)| row((*soort, naam, at_night))));
    Figuur {
        naam: "antwoordtijd",
        titel: "Hoe lang een antwoord duurt",
        zinnen: vec![
            "De middelste van alle tijden, van vraag tot antwoord. Buiten kantooruren is voor 8.00, vanaf 18.00 en in het weekend, naar het moment \
             van de vraag.",
        ],
        kolommen: columns("wat, en wanneer gevraagd", &["middelste tijd"]),
        getekend: Getekend { kolom: Some(0), bijschrift: "middelste tijd, in minuten" },
        rijen: rijen.collect(),
    }
}

fn scenarios(scenarios: &[&Bericht], looked: &[bool]) -> Figuur {
    let count =
        |holds: &dyn Fn(&Bericht) -> bool| Waarde::aantal(scenarios.iter().filter(|of| holds(of)).count() as u64);
    let ended = |soorten: &'static [Soort]| move |of: &Bericht| of.einde.is_some_and(|einde| soorten.contains(&einde));
    let rij = |naam: &str, waarde: Waarde| (naam.to_owned(), vec![waarde]);
    Figuur {
        naam: "scenarios",
        titel: "Scenario's",
        zinnen: vec![
            "Geteld per ontvanger. Vervallen en ingetrokken: van scenario's die in deze periode zijn klaargelegd. Geraadpleegd: elke keer in \
             deze periode, ook van scenario's van ervoor.",
        ],
        kolommen: columns("wat ermee gebeurde", &["aantal"]),
        getekend: Getekend { kolom: Some(0), bijschrift: "aantal" },
        rijen: vec![
            rij("klaargelegd", count(&|of| !of.vervangt)),
            rij("vernieuwd", count(&|of| of.vervangt)),
            rij("vervallen", count(&ended(&[Soort::Vervallen]))),
            rij("ingetrokken", count(&ended(&[Soort::Ingetrokken, Soort::VernietigingGevraagd]))),
            rij("geraadpleegd", Waarde::aantal(looked.len() as u64)),
            rij(
                "waarvan buiten kantooruren",
                Waarde::deel(looked.iter().filter(|at_night| **at_night).count() as u64, looked.len() as u64),
            ),
        ],
    }
}

fn terugkoppeling(scenarios: &[&Bericht]) -> Figuur {
    let consulted: Vec<&&Bericht> = scenarios.iter().filter(|of| of.geraadpleegd).collect();
    let answered = consulted.iter().filter(|of| of.teruggekoppeld).count() as u64;
    let all = consulted.len() as u64;
    Figuur {
        naam: "terugkoppeling",
        titel: "Geraadpleegde scenario's met een terugkoppeling",
        zinnen: vec!["Van scenario's die in deze periode zijn klaargelegd en geraadpleegd."],
        kolommen: columns("scenario's", &["geraadpleegd", "met terugkoppeling", "aandeel"]),
        getekend: Getekend { kolom: Some(2), bijschrift: "aandeel met terugkoppeling, in procenten" },
        rijen: vec![(
            "alle".to_owned(),
            vec![Waarde::aantal(all), Waarde::deel(answered, all), Waarde::procent(answered, all)],
        )],
    }
}

fn meldingen(soorten: Vec<(Berichtsoort, Vec<&Bericht>)>) -> Figuur {
    let row = |(soort, berichten): (Berichtsoort, Vec<&Bericht>)| {
        let took: Vec<u64> = berichten.iter().filter_map(|of| Some(minutes(of.tijd, of.opgehaald?))).collect();
        let never = berichten.iter().filter(|of| of.opgehaald.is_none() && of.einde.is_some()).count() as u64;
        (
            soort.as_str().to_owned(),
            vec![
                Waarde::aantal(berichten.len() as u64),
                Waarde::midden(took),
                Waarde::deel(never, berichten.len() as u64),
            ],
        )
    };
    Figuur {
        naam: "meldingen",
        titel: "BIJ-meldingen en meldingen 18b",
        zinnen: vec!["Geteld per ontvanger. Nooit opgehaald: geëindigd zonder dat iemand het ophaalde."],
        kolommen: columns("soort", &["verstuurd", "middelste tijd tot ophalen", "nooit opgehaald"]),
        getekend: Getekend { kolom: Some(0), bijschrift: "verstuurd" },
        rijen: soorten.into_iter().map(row).collect(),
    }
}

fn mistakes(gelezen: &Gelezen, maanden: &[String]) -> Figuur {
    let row = |naam: &str, of: &dyn Fn(&String) -> u64| {
        (naam.to_owned(), maanden.iter().map(|maand| Waarde::aantal(of(maand))).collect())
    };
    let months: Vec<&str> = maanden.iter().map(String::as_str).collect();
    Figuur {
        naam: "fouten",
        titel: "Geweigerd, verkeerd geadresseerd en betwist",
        zinnen: vec!["Per maand. Betwist: rectificaties waarbij de betrokkene het er niet mee eens is."],
        kolommen: columns("wat", &months),
        getekend: BY_MONTH,
        rijen: vec![
            row("geweigerd", &|maand| gelezen.geweigerd.get(maand).copied().unwrap_or(0)),
            row("verkeerd geadresseerd", &|maand| {
                gelezen.verkeerd.iter().filter(|(of, ..)| of == maand).count() as u64
            }),
            row("betwist", &|maand| gelezen.betwist.get(maand).copied().unwrap_or(0)),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_long_an_answer_takes_is_told_of_each_kind_of_question() {
        let asked = |soort, took: i64| {
            let tijd: Timestamp = "2026-11-30T10:00:00Z".parse().unwrap();
            Bericht {
                soort,
                afzender: "zsm/jeugd".to_owned(),
                ontvanger: "zvh-zeeland/algemeen".to_owned(),
                tijd,
                vervangt: false,
                opgehaald: None,
                beantwoord: Some(tijd + took.minutes()),
                einde: None,
                teruggekoppeld: false,
                geraadpleegd: false,
            }
        };
        let quick = (0..5).map(|_| asked(Berichtsoort::Bekendheidscheck, 3));
        let slow = (0..5).map(|_| asked(Berichtsoort::Contextinformatieverzoek, 90));
        let berichten: Vec<Bericht> = quick.chain(slow).collect();
        let told = answering(&berichten.iter().collect::<Vec<_>>()).rijen;
        let told: Vec<String> = told.into_iter().map(|(naam, values)| format!("{naam}: {}", values[0])).collect();
        assert_eq!(
            told,
            [
                "bekendheidscheck, in kantooruren: 3 minuten",
                "bekendheidscheck, buiten kantooruren: niet getoond",
                "contextinformatieverzoek, in kantooruren: 90 minuten",
                "contextinformatieverzoek, buiten kantooruren: niet getoond",
            ]
        );
    }
}
