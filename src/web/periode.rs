//! Periode: which days a page is about. This quarter, where nothing else is asked.

use jiff::{ToSpan, civil::Date};

use super::velden::Velden;
use crate::{
    domain::{Weigering, houdbaarheid::amsterdam_date},
    exchange::{
        Exchange, datum,
        toezicht::{rapport::Periode, scherm::quarter},
    },
    grpc::rapport,
};

/// The fields of a period.
pub(super) const FIELDS: [&str; 2] = ["van", "tot_en_met"];

/// The period that is asked for.
///
/// # Errors
/// [`Weigering::OngeldigVeld`].
pub(super) fn of(exchange: &Exchange, velden: &Velden) -> Result<Periode, Weigering> {
    let today = amsterdam_date(exchange.klok.now());
    let or = |naam: &str, else_: Date| {
        let value = velden.value(naam);
        if value.is_empty() { else_.to_string() } else { value.to_owned() }
    };
    let van = or("van", quarter(today));
    let periode = rapport::periode(&van, &or("tot_en_met", today))?;
    if periode.tot_en_met > today {
        return Err(Weigering::veld("tot_en_met", "geen dag in de toekomst"));
    }
    Ok(periode)
}

/// A period on a page: in words, and the way to those beside it.
pub(super) struct Keuze {
    pub(super) van: String,
    pub(super) tot_en_met: String,
    pub(super) in_woorden: String,
    /// The quarters before and after it, as fields of an address; nothing after the present one.
    pub(super) eerder: String,
    pub(super) later: Option<String>,
}

impl Keuze {
    pub(super) fn new(exchange: &Exchange, Periode { van, tot_en_met }: Periode) -> Self {
        let today = amsterdam_date(exchange.klok.now());
        let this = quarter(van);
        let address = |from: Date| {
            let last = from.saturating_add(3.months()).saturating_sub(1.day());
            format!("van={from}&tot_en_met={}", last.min(today))
        };
        let next = this.saturating_add(3.months());
        Self {
            in_woorden: format!("{} tot en met {}", datum::dag(van), datum::dag(tot_en_met)),
            van: van.to_string(),
            tot_en_met: tot_en_met.to_string(),
            eerder: address(this.saturating_sub(3.months())),
            later: (next <= today).then(|| address(next)),
        }
    }
}
