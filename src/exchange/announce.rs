//! Announce: what ends soon is said to who runs the gateway, once a day and after each change, before it stops anything.

use jiff::civil::Date;

use super::Exchange;
use crate::domain::{
    einde::{Einde, ends_soon},
    houdbaarheid::amsterdam_date,
};

/// Remembers what was announced.
#[derive(Default)]
pub struct Announcer(Option<(Date, u64)>);

impl Announcer {
    /// Writes what ends soon to the process log, when the day or what is in force is another than last time.
    pub fn announce(&mut self, exchange: &Exchange) {
        let van_kracht = exchange.van_kracht();
        let today = amsterdam_date(exchange.klok.now());
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
