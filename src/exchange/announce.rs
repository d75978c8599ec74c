//! Announce: what ends soon is said to who runs the gateway, once a day and after each change, before it stops anything.

use jiff::{ToSpan, civil::Date};

use super::Exchange;
use crate::domain::{VanKracht, houdbaarheid::amsterdam_date};

/// So long before its end a convenant, mandaat or grondslag is announced, days.
pub const ANNOUNCED_DAYS: i64 = 60;

/// Something that ends, or has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Einde {
    /// `convenant`, `mandaat` or `grondslag`.
    pub wat: &'static str,
    /// Its name; of a grondslag with that of its convenant.
    pub naam: String,
    /// The last day on which it is in force.
    pub laatste_dag: Date,
}

/// What ends within [`ANNOUNCED_DAYS`] of `day`, or has ended: then it stops its own flows and no others.
#[must_use]
pub fn ends_soon(van_kracht: &VanKracht, day: Date) -> Vec<Einde> {
    let convenanten = van_kracht.convenanten().iter().flat_map(|convenant| {
        let grondslagen = convenant.grondslagen.iter().filter_map(|grondslag| {
            let naam = format!("{}/{}", convenant.naam, grondslag.id);
            Some(Einde { wat: "grondslag", naam, laatste_dag: grondslag.geldig_tot_en_met? })
        });
        let naam = convenant.naam.clone();
        let einde = Einde { wat: "convenant", naam, laatste_dag: convenant.geldig_tot_en_met };
        std::iter::once(einde).chain(grondslagen)
    });
    let mandaten = van_kracht.deelnemers().mandaten.iter().map(|mandaat| Einde {
        wat: "mandaat",
        naam: mandaat.id.clone(),
        laatste_dag: mandaat.geldig_tot_en_met,
    });
    let horizon = day.saturating_add(ANNOUNCED_DAYS.days());
    convenanten.chain(mandaten).filter(|einde| einde.laatste_dag < horizon).collect()
}

/// Remembers what was announced.
#[derive(Default)]
pub struct Announcer(Option<(Date, u64)>);

impl Announcer {
    /// Writes what ends soon to the process log, when the day or what is in force is another than last time.
    pub fn announce(&mut self, exchange: &Exchange) {
        let van_kracht = exchange.van_kracht();
        let today = amsterdam_date(exchange.clock.now());
        if self.0.replace((today, van_kracht.versie())) == Some((today, van_kracht.versie())) {
            return;
        }
        for Einde { wat, naam, laatste_dag } in ends_soon(&van_kracht, today) {
            if laatste_dag < today {
                tracing::warn!(wat, naam, %laatste_dag, "no longer in force; what rests on it is refused");
            } else {
                tracing::warn!(wat, naam, %laatste_dag, "ends soon; after that day what rests on it is refused");
            }
        }
    }
}
