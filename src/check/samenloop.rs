//! Where convenanten meet: which one stamps, and what another gives to who names it.

use std::collections::BTreeSet;

use jiff::civil::Date;

use super::bevindingen::{Bevinding, Onderwerp, Waarschuwing};
use crate::domain::{VanKracht, samenloop::samenlopen};

/// One warning for all exchanges of which two convenanten say the same beside each other.
pub(super) fn meeting(van_kracht: &VanKracht, day: Date, found: &mut Vec<Bevinding>) {
    for (samenloop, routes, regel) in samenlopen(van_kracht, day) {
        let onderwerp = Onderwerp::Regel(samenloop.andere.convenant.clone(), regel);
        let uitwisseling = format!("{} {}", samenloop.berichtsoort, routes.join("; "));
        found.push((onderwerp, Waarschuwing::Overlap { uitwisseling, samenloop: samenloop.tekst() }));
    }
}

/// Names in `staat_achter` that nobody has.
pub(super) fn behind_nobody(van_kracht: &VanKracht, found: &mut Vec<Bevinding>) {
    let names: BTreeSet<&str> = van_kracht.convenanten().iter().map(|convenant| convenant.naam.as_str()).collect();
    for convenant in van_kracht.convenanten() {
        for naam in convenant.staat_achter.iter().filter(|naam| !names.contains(naam.as_str())) {
            let waarschuwing =
                Waarschuwing::StaatAchterOnbekend { convenant: convenant.naam.clone(), naam: naam.clone() };
            found.push((Onderwerp::Convenant(convenant.naam.clone()), waarschuwing));
        }
    }
}
