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

/// The quarter of a day, until today.
pub(super) fn around(exchange: &Exchange, day: Date) -> Periode {
    let van = quarter(day);
    let last = van.saturating_add(3.months()).saturating_sub(1.day());
    Periode { van, tot_en_met: last.min(amsterdam_date(exchange.klok.now())).max(van) }
}

/// A period on a page: in words, and the way to those beside it.
pub(super) struct Keuze {
    pub(super) van: String,
    pub(super) tot_en_met: String,
    pub(super) in_woorden: String,
    /// The quarters before and after it, as fields of an address with a name; of a period that is not within a quarter the present one.
    pub(super) andere: Vec<(&'static str, String)>,
    /// What is asked besides the period, and stays when that changes.
    pub(super) erbij: Option<(&'static str, String)>,
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
        let andere = if tot_en_met < next {
            let later = (next <= today).then(|| ("Volgend kwartaal", address(next)));
            std::iter::once(("Vorig kwartaal", address(this.saturating_sub(3.months())))).chain(later).collect()
        } else {
            vec![("Dit kwartaal", address(quarter(today)))]
        };
        Self {
            in_woorden: format!("{} tot en met {}", datum::dag(van), datum::dag(tot_en_met)),
            van: van.to_string(),
            tot_en_met: tot_en_met.to_string(),
            andere,
            erbij: None,
        }
    }

    /// The same beside something else that is asked, which another period keeps.
    pub(super) fn with(mut self, erbij: Option<(&'static str, String)>) -> Self {
        if let Some((naam, waarde)) = &erbij {
            for (_, address) in &mut self.andere {
                *address = format!("{address}&{naam}={waarde}");
            }
        }
        Self { erbij, ..self }
    }
}
