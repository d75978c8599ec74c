//! Datalekken (data leaks): what went to somebody that it was not for, what happened to it, and by when the authority must know.

use std::{collections::BTreeMap, sync::Arc};

use askama::Template;
use axum::{body::Body, extract::State, http::Response};
use jiff::civil::DateTime;

use super::{
    kijker::Kijker,
    pagina::Kop,
    periode::{self, Keuze},
    velden::Velden,
    woorden::{capitalised, leesbaar},
};
use crate::{
    exchange::{Exchange, datum, toezicht::rapport::Rapport},
    logboek::Soort,
};

/// A leak, told.
struct Lek {
    bericht: String,
    titel: String,
    zinnen: Vec<String>,
    stappen: Vec<(String, String)>,
    /// What this afzender exchanged with this ontvanger in the period.
    eromheen: String,
    /// The same in the other direction.
    terug: String,
}

#[derive(Template)]
#[template(path = "datalekken.html")]
struct Datalekken {
    kop: Kop,
    keuze: Keuze,
    zinnen: Vec<String>,
    lekken: Vec<Lek>,
}

pub(super) async fn show(State(exchange): State<Arc<Exchange>>, kijker: Kijker, velden: Velden) -> Response<Body> {
    let made = async {
        kijker.watches()?;
        let periode = periode::of(&exchange, velden.known(&periode::FIELDS, &[])?)?;
        let rapport = exchange.rapport(&kijker.call, &kijker.inzage(None), periode).await?;
        Ok(told(&exchange, &kijker, rapport))
    };
    kijker.answer(made).await
}

fn told(exchange: &Exchange, kijker: &Kijker, rapport: Rapport) -> Datalekken {
    let periode = rapport.periode;
    let section = rapport.afdelingen.into_iter().find(|of| of.naam == "datalekken");
    let (zinnen, tabellen) = section.map(|of| (of.zinnen, of.tabellen)).unwrap_or_default();
    let mut rows: BTreeMap<&str, Vec<Vec<String>>> =
        tabellen.into_iter().map(|tabel| (tabel.naam, tabel.rijen)).collect();
    let stories = rows.remove("lekken_verloop").unwrap_or_default();
    let lekken = rows.remove("lekken").unwrap_or_default().into_iter().filter_map(|rij| {
        let [bericht, soort, van, naar, ontvangen, ontdekt, melden, left] = rij.try_into().ok()?;
        // A look at the bericht names no ontvanger, and is told with each.
        let is_of = |step: &&Vec<String>| {
            let to = step.get(4).map(String::as_str);
            step.first() == Some(&bericht) && (to == Some(naar.as_str()) || to == Some("-"))
        };
        let of_this = stories.iter().filter(is_of);
        let steps = of_this.clone().filter_map(|step| {
            let [_, wanneer, wat, door, _, uitkomst] = step.as_slice() else { return None };
            Some((in_words(wanneer), step_in_words((wat, uitkomst), door, &naar)))
        });
        let has = |soort: Soort| of_this.clone().any(|step| step.get(2).is_some_and(|wat| wat == soort.as_str()));
        let is_silent = has(Soort::VernietigingGevraagd) && !has(Soort::VernietigingBevestigd);
        let silent = format!("{naar} heeft op het verzoek om te vernietigen nog niet geantwoord.");
        let steps = steps.chain(is_silent.then(|| ("Tot nu toe".to_owned(), silent)));
        let got =
            if ontvangen == "ja" { "De ontvanger had het al." } else { "De ontvanger had het nog niet opgehaald." };
        let partner = |adres: &str| adres.split('/').next().unwrap_or_default().to_owned();
        Some(Lek {
            titel: format!("{} van {van} aan {naar}", capitalised(&leesbaar(&soort))),
            zinnen: vec![
                got.to_owned(),
                format!(
                    "Op zijn laatst ontdekt op {}. Melden bij de Autoriteit Persoonsgegevens voor {}: {left}.",
                    in_words(&ontdekt),
                    in_words(&melden)
                ),
            ],
            stappen: steps.collect(),
            eromheen: super::uitwisselingen::of_pair(&partner(&van), &partner(&naar), periode),
            terug: super::uitwisselingen::of_pair(&partner(&naar), &partner(&van), periode),
            bericht,
        })
    });
    Datalekken {
        kop: kijker.kop("Datalekken", "/datalekken"),
        lekken: lekken.collect(),
        keuze: Keuze::new(exchange, periode),
        zinnen,
    }
}

fn step_in_words((wat, uitkomst): (&str, &str), door: &str, naar: &str) -> String {
    let is = |soort: Soort| wat == soort.as_str();
    if is(Soort::Aanvaard) {
        format!("{door} stuurde het, en de poort aanvaardde het.")
    } else if is(Soort::Afgeleverd) {
        format!("{naar} haalde het op.")
    } else if is(Soort::Geraadpleegd) {
        format!("{door} las het.")
    } else if is(Soort::Bevestigd) {
        format!("{naar} bevestigde de ontvangst.")
    } else if is(Soort::Ingetrokken) {
        format!("{door} trok het in voor iemand het ophaalde. De inhoud is weg.")
    } else if is(Soort::VernietigingGevraagd) {
        format!(
            "{door} trok het in, en vroeg de ontvanger de eigen kopie te vernietigen. De poort geeft de inhoud aan niemand meer."
        )
    } else if is(Soort::VernietigingBevestigd) {
        format!("{naar} antwoordde op dat verzoek: {uitkomst}.")
    } else if is(Soort::Ingezien) {
        "Iemand van toezicht bekeek dit verloop, zonder inhoud.".to_owned()
    } else {
        format!("{}: {door}.", capitalised(&leesbaar(wat)))
    }
}

/// A moment of the report, `2026-11-30 09:40`, as it is said.
fn in_words(moment: &str) -> String {
    let read = DateTime::strptime("%Y-%m-%d %H:%M", moment);
    read.map_or_else(
        |_| moment.to_owned(),
        |at| format!("{} om {}.{:02} uur", datum::dag(at.date()), at.hour(), at.minute()),
    )
}
