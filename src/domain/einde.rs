//! Einde: what ends, or has ended. Said before it stops anything.

use jiff::{ToSpan, civil::Date};

use super::VanKracht;

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
    ends(van_kracht).filter(|einde| einde.laatste_dag < horizon(day)).collect()
}

/// All that is in force and ends on some day.
pub fn ends(van_kracht: &VanKracht) -> impl Iterator<Item = Einde> {
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
    convenanten.chain(mandaten)
}

/// The first day of which nothing is announced yet.
#[must_use]
pub fn horizon(day: Date) -> Date {
    day.saturating_add(ANNOUNCED_DAYS.days())
}
