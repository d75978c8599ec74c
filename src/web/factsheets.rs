//! Factsheets: eight figures without people, to look at and to take along.

use std::sync::Arc;

use askama::Template;
use axum::{
    body::Body,
    extract::{Path, State},
    http::Response,
};
use jiff::ToSpan;
use plotters::prelude::*;

use super::{
    kijker::Kijker,
    pagina::Kop,
    periode::{self, Keuze},
    velden::Velden,
    woorden::{Blad, Cel, leesbaar},
};
use crate::{
    domain::{Weigering, houdbaarheid::amsterdam_date},
    exchange::{
        Exchange,
        toezicht::{
            factsheet::{Factsheet, Figuur, Waarde},
            rapport::Periode,
        },
    },
    grpc::rapport::rekenblad,
};

/// A figure on the page.
struct Vak {
    naam: &'static str,
    titel: &'static str,
    zinnen: Vec<&'static str>,
    blad: Blad,
    tekening: Option<String>,
}

#[derive(Template)]
#[template(path = "factsheets.html")]
struct Factsheets {
    kop: Kop,
    keuze: Keuze,
    vakken: Vec<Vak>,
}

/// Width of a drawing, of its names, and height of a bar and of what is around them, in pixels.
const WIDTH: u32 = 780;
const NAMES: u32 = 380;
const BAR_HEIGHT: u32 = 28;
const AROUND: u32 = 70;
/// Bars of a drawing, at most.
const MOST_BARS: usize = 24;
const BAR: RGBColor = RGBColor(0x0b, 0x4c, 0x56);

/// The period that is asked for: a year until today, where nothing is.
fn periode(exchange: &Exchange, velden: &Velden) -> Result<Periode, Weigering> {
    if velden.value("van").is_empty() && velden.value("tot_en_met").is_empty() {
        let today = amsterdam_date(exchange.klok.now());
        let van = today.saturating_sub(11.months()).first_of_month();
        return Ok(Periode { van, tot_en_met: today });
    }
    periode::of(exchange, velden)
}

async fn made(exchange: &Exchange, kijker: &Kijker, velden: &Velden) -> Result<Factsheet, Weigering> {
    kijker.watches()?;
    let periode = periode(exchange, velden.known(&periode::FIELDS, &[])?)?;
    exchange.factsheet(&kijker.call, &kijker.inzage(None), periode).await
}

pub(super) async fn show(State(exchange): State<Arc<Exchange>>, kijker: Kijker, velden: Velden) -> Response<Body> {
    let page = async {
        let of = made(&exchange, &kijker, &velden).await?;
        Ok(Factsheets {
            kop: kijker.kop("Factsheets", "/factsheets"),
            keuze: Keuze::new(&exchange, of.periode),
            vakken: of.figuren.into_iter().map(vak).collect(),
        })
    };
    kijker.answer(page).await
}

fn vak(figuur: Figuur) -> Vak {
    let cell = |of: Waarde| match of {
        Waarde::Aantal(of) => Cel::getal(of),
        other => Cel { is_getal: true, ..Cel::tekst(other.to_string()) },
    };
    let tekening = drawing(&figuur);
    let rijen = figuur.rijen.iter().map(|(naam, values)| {
        std::iter::once(Cel::tekst(leesbaar(naam))).chain(values.iter().map(|of| cell(*of))).collect()
    });
    let rijen = rijen.collect();
    let kolommen: Vec<&str> = figuur.kolommen.iter().map(String::as_str).collect();
    Vak {
        blad: Blad::new((figuur.naam, figuur.titel), &kolommen, rijen),
        naam: figuur.naam,
        titel: figuur.titel,
        zinnen: figuur.zinnen,
        tekening,
    }
}

/// The bars of a figure. Nothing where all are none. Where a part of a bar is not told there is none, and its name says so: none would be
/// read as zero.
fn bars(Figuur { kolommen, getekend, rijen, .. }: &Figuur) -> Vec<(String, u64)> {
    let bar = |naam: String, parts: &mut dyn Iterator<Item = &Waarde>| {
        let told = |of: &Waarde| (!matches!(of, Waarde::Weinig | Waarde::Onbekend)).then(|| of.hoogte());
        match parts.map(told).sum::<Option<u64>>() {
            Some(sum) => (naam, sum),
            None => (format!("{naam}: niet getoond"), 0),
        }
    };
    let bars: Vec<(String, u64)> = match getekend.kolom {
        None => {
            let of_column = |at: usize| rijen.iter().filter_map(move |(_, values)| values.get(at));
            kolommen.iter().skip(1).enumerate().map(|(at, kolom)| bar(kolom.clone(), &mut of_column(at))).collect()
        }
        Some(at) => {
            rijen.iter().map(|(naam, values)| bar(leesbaar(naam), &mut values.iter().skip(at).take(1))).collect()
        }
    };
    if bars.iter().all(|(_, of)| *of == 0) { Vec::new() } else { bars.into_iter().take(MOST_BARS).collect() }
}

fn drawing(figuur: &Figuur) -> Option<String> {
    let bars = bars(figuur);
    if bars.is_empty() {
        return None;
    }
    match draw(&bars, figuur.getekend.bijschrift) {
        Ok(svg) => Some(svg),
        Err(error) => {
            tracing::error!(error, "a figure could not be drawn");
            None
        }
    }
}

fn draw(bars: &[(String, u64)], axis: &str) -> Result<String, String> {
    let failed = |error: &dyn std::error::Error| error.to_string();
    let most = bars.iter().map(|(_, of)| *of).max().unwrap_or(1).max(1);
    let height = u32::try_from(bars.len()).unwrap_or(u32::MAX).saturating_mul(BAR_HEIGHT).saturating_add(AROUND);
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, (WIDTH, height)).into_drawing_area();
        root.fill(&WHITE).map_err(|error| failed(&error))?;
        let mut chart = ChartBuilder::on(&root)
            .margin(12)
            .x_label_area_size(40)
            .y_label_area_size(NAMES)
            .build_cartesian_2d(0..most, (0..bars.len()).into_segmented())
            .map_err(|error| failed(&error))?;
        let label = |of: &SegmentValue<usize>| match of {
            // The first one stands at the top.
            SegmentValue::CenterOf(at) => bars.iter().rev().nth(*at).map_or_else(String::new, |(naam, _)| naam.clone()),
            _ => String::new(),
        };
        chart
            .configure_mesh()
            .disable_y_mesh()
            .x_labels(6)
            .x_desc(axis)
            .y_labels(bars.len())
            .y_label_formatter(&label)
            .label_style(("sans-serif", 12))
            .draw()
            .map_err(|error| failed(&error))?;
        let data = bars.iter().rev().enumerate().map(|(at, (_, of))| (at, *of));
        chart
            .draw_series(Histogram::horizontal(&chart).style(BAR.filled()).margin(5).data(data))
            .map_err(|error| failed(&error))?;
        root.present().map_err(|error| failed(&error))?;
    }
    Ok(svg)
}

/// All figures as CSV, a value a row.
pub(super) async fn csv(State(exchange): State<Arc<Exchange>>, kijker: Kijker, velden: Velden) -> Response<Body> {
    let made = made(&exchange, &kijker, &velden).await;
    let made = made.map(|of| {
        let mut rows = vec![["figuur", "rij", "kolom", "waarde"].map(str::to_owned).to_vec()];
        for figuur in &of.figuren {
            for (naam, values) in &figuur.rijen {
                let values = figuur.kolommen.iter().skip(1).zip(values);
                rows.extend(
                    values.map(|(kolom, of)| vec![figuur.naam.to_owned(), naam.clone(), kolom.clone(), of.to_string()]),
                );
            }
        }
        rekenblad(rows)
    });
    kijker.download(("factsheet.csv", "text/csv; charset=utf-8"), made).await
}

/// One figure as a drawing.
pub(super) async fn svg(
    State(exchange): State<Arc<Exchange>>,
    kijker: Kijker,
    Path(figuur): Path<String>,
    velden: Velden,
) -> Response<Body> {
    let made = made(&exchange, &kijker, &velden).await.and_then(|of| {
        let naam = figuur.strip_suffix(".svg").unwrap_or_default();
        let found = of.figuren.iter().find(|of| of.naam == naam).and_then(drawing);
        found.ok_or(Weigering::PaginaNietGevonden)
    });
    kijker.download(("figuur.svg", "image/svg+xml"), made).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::toezicht::factsheet::Getekend;

    fn figuur(kolom: Option<usize>, kolommen: &[&str], rijen: Vec<(String, Vec<Waarde>)>) -> Figuur {
        let kolommen = kolommen.iter().map(|kolom| (*kolom).to_owned()).collect();
        let getekend = Getekend { kolom, bijschrift: "aantal" };
        Figuur { naam: "proef", titel: "Proef", zinnen: Vec::new(), kolommen, getekend, rijen }
    }

    #[test]
    fn what_is_not_told_has_no_bar_and_its_name_says_so() {
        let by_month = figuur(
            None,
            &["wat", "2026-01", "2026-02"],
            vec![
                ("a".to_owned(), vec![Waarde::aantal(20), Waarde::aantal(6)]),
                ("b".to_owned(), vec![Waarde::aantal(3), Waarde::aantal(0)]),
            ],
        );
        let named =
            |bars: Vec<(String, u64)>| bars.into_iter().map(|(naam, of)| format!("{naam} {of}")).collect::<Vec<_>>();
        assert_eq!(named(bars(&by_month)), ["2026-01: niet getoond 0", "2026-02 6"]);
        let by_row = figuur(
            Some(1),
            &["wat", "aantal", "tijd"],
            vec![
                ("a".to_owned(), vec![Waarde::aantal(9), Waarde::Onbekend]),
                ("b".to_owned(), vec![Waarde::aantal(4), Waarde::Minuten(9)]),
            ],
        );
        assert_eq!(named(bars(&by_row)), ["a: niet getoond 0", "b 9"]);
    }
}
