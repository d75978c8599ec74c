//! Klopt (it holds): the first thing that an FG reads, whether the logboek holds and only grew since the last visit.

use jiff::{SignedDuration, Timestamp};

use super::woorden::aantal;
use crate::{
    domain::houdbaarheid::amsterdam,
    exchange::{
        datum,
        toezicht::{nareken::Nagerekend, scherm::Groei},
    },
};

/// A recomputation is due each day; one that is older than this says little of now.
const STALE: SignedDuration = SignedDuration::from_hours(48);
/// Whether the logboek holds, in words.
pub(super) struct Klopt {
    /// How it is shown: `ok`, `info` or `error`.
    pub(super) soort: &'static str,
    pub(super) titel: String,
    pub(super) zinnen: Vec<String>,
}

/// A moment as it is said on the day itself.
pub(super) fn said(moment: Timestamp, now: Timestamp) -> String {
    let (then, today) = (amsterdam(moment), amsterdam(now).date());
    let time = format!("{}.{:02} uur", then.hour(), then.minute());
    if then.date() == today {
        format!("vandaag om {time}")
    } else {
        format!("op {} om {time}", datum::dag(then.date()))
    }
}

fn wrong(what: String) -> Klopt {
    let advice = "Er is buiten de poort om iets gewijzigd of weggehaald. Bewaar uw checkpoints en bewijzen, meld het aan beheer en aan de FG's van \
                  de andere partners, en vertrouw wat hieronder staat niet voor het is uitgezocht.";
    Klopt { soort: "error", titel: "Het logboek klopt niet".to_owned(), zinnen: vec![what, advice.to_owned()] }
}

/// The first sentences of the overview.
pub(super) fn klopt(groei: &Groei, nagerekend: Option<&Nagerekend>, now: Timestamp) -> Klopt {
    if let Some(Nagerekend { wanneer, uitkomst: Err(what) }) = nagerekend {
        return wrong(format!("Bij het narekenen, {}, bleek: {what}.", said(*wanneer, now)));
    }
    if let Groei::Onbewezen(sinds) = groei {
        let zin =
            format!("Wat u {} zag, is niet meer terug te vinden in het logboek zoals het nu is.", said(*sinds, now));
        return wrong(zin);
    }
    let grown = match groei {
        Groei::Aangevuld(sinds) => format!("Sinds uw bezoek {} is het alleen aangevuld.", said(*sinds, now)),
        _ => "Dit certificaat bekijkt deze pagina voor het eerst. Vanaf nu zegt zij of het logboek sinds uw vorige bezoek alleen is aangevuld.".to_owned(),
    };
    match nagerekend {
        Some(Nagerekend { wanneer, uitkomst: Ok(_) }) if now.duration_since(*wanneer) > STALE => Klopt {
            soort: "info",
            titel: "Het logboek is lang niet nagerekend".to_owned(),
            zinnen: vec![
                format!(
                    "Het laatst was {}, en toen klopte het. Vraag beheer waarom dat niet meer gebeurt.",
                    said(*wanneer, now)
                ),
                grown,
            ],
        },
        Some(Nagerekend { wanneer, uitkomst: Ok(regels) }) => Klopt {
            soort: "ok",
            titel: "Het logboek klopt".to_owned(),
            zinnen: vec![
                format!(
                    "Het is {} geheel nagerekend: {}.",
                    said(*wanneer, now),
                    aantal(*regels, "logregel", "logregels")
                ),
                grown,
            ],
        },
        _ => Klopt {
            soort: "info",
            titel: "Het logboek wordt nagerekend".to_owned(),
            zinnen: vec![
                "De poort is net gestart en rekent het hele logboek na. Ververs deze pagina over een minuut."
                    .to_owned(),
                grown,
            ],
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recomputation_of_days_ago_is_not_told_as_if_it_says_something_of_now() {
        let now: Timestamp = "2026-11-30T10:00:00Z".parse().unwrap();
        for (hours, soort) in [(4, "ok"), (47, "ok"), (49, "info")] {
            let wanneer = now - SignedDuration::from_hours(hours);
            let told = klopt(&Groei::Eerste, Some(&Nagerekend { wanneer, uitkomst: Ok(7) }), now);
            assert_eq!(told.soort, soort, "{hours}: {}", told.titel);
        }
    }
}
