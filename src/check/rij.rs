//! The exchange matrix by rule: what `tabel`, `mermaid` and `svg` show.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use crate::domain::{
    Adrespatroon, Berichtsoort, Bewaar, Convenant, Regel, TeltVanaf, VanKracht,
    matrix::{open_patronen, patronen, routes, stromen},
};

/// What one rule allows on a day to one group of senders and ontvangers.
#[derive(Clone, Debug, PartialEq)]
pub struct Rij {
    /// Name of the convenant.
    pub convenant: String,
    /// Id of the rule.
    pub regel: String,
    /// The kind of bericht.
    pub berichtsoort: Berichtsoort,
    /// Who may send it; a partner where all its loketten may.
    pub van: Vec<Adrespatroon>,
    /// Who may receive it; a partner where all its open loketten may.
    pub naar: Vec<Adrespatroon>,
    /// Ids of the grondslagen; of several the sender chooses one.
    pub grondslagen: Vec<String>,
    /// How long it stays usable, in Dutch.
    pub houdbaarheid: String,
    /// Ids of the mandaten by which it goes, each once.
    pub mandaten: Vec<String>,
    /// Everything else that the rule asks or allows, in Dutch.
    pub voorwaarden: Vec<String>,
}

/// The rows of everything that may be sent on a day, in the order of the documents.
#[must_use]
pub fn rijen(van_kracht: &VanKracht, day: Date) -> Vec<Rij> {
    let mut found = Vec::new();
    for convenant in van_kracht.convenanten() {
        for regel in &convenant.regels {
            found.extend(of_regel(van_kracht, convenant, regel, day));
        }
    }
    found
}

fn of_regel(van_kracht: &VanKracht, convenant: &Convenant, regel: &Regel, day: Date) -> Vec<Rij> {
    let stromen = stromen(van_kracht, convenant, regel, day);
    // Which grondslagen count can differ by day, but not by address: one set for all of them.
    let grondslagen: BTreeSet<&String> = stromen.iter().map(|stroom| &stroom.grondslag).collect();
    let grondslagen: Vec<String> = regel.grondslagen.iter().filter(|id| grondslagen.contains(id)).cloned().collect();
    let mandaten: BTreeMap<_, _> =
        stromen.iter().map(|stroom| ((&stroom.van, &stroom.naar), &stroom.mandaten)).collect();
    let pairs: BTreeSet<_> = stromen.iter().map(|stroom| (&stroom.van, &stroom.naar)).collect();
    let row = |(van, naar): (BTreeSet<_>, BTreeSet<_>)| {
        let of_route = van.iter().flat_map(|van| naar.iter().filter_map(|naar| mandaten.get(&(*van, *naar))));
        let mandaten: BTreeSet<String> = of_route.flat_map(|ids| ids.iter().cloned()).collect();
        Rij {
            convenant: convenant.naam.clone(),
            regel: regel.id.clone(),
            berichtsoort: regel.berichtsoort,
            van: patronen(van_kracht.partners(), &van),
            naar: open_patronen(van_kracht.partners(), &naar, day),
            grondslagen: grondslagen.clone(),
            houdbaarheid: houdbaarheid(regel),
            mandaten: mandaten.into_iter().collect(),
            voorwaarden: voorwaarden(regel),
        }
    };
    routes(&pairs).into_iter().map(row).collect()
}

fn houdbaarheid(regel: &Regel) -> String {
    let vanaf = match regel.telt_vanaf {
        TeltVanaf::Aanvaarding => "aanvaarding",
        TeltVanaf::Peildatum => "peildatum",
    };
    format!("{} vanaf {vanaf}", regel.houdbaarheid)
}

fn voorwaarden(regel: &Regel) -> Vec<String> {
    let mut found: Vec<String> = regel.afwijking.iter().map(|waarom| format!("afwijking: {waarom}")).collect();
    if let Some(doelgroep) = regel.doelgroep {
        found.push(format!("alleen {}en", doelgroep.as_str()));
    }
    if let Some(categorie) = regel.categorie {
        found.push(format!("alleen {}", categorie.as_str().replace('_', " ")));
    }
    if !regel.mede_ontvanger.is_empty() {
        let namen: Vec<String> = regel.mede_ontvanger.iter().map(ToString::to_string).collect();
        found.push(format!("ook aan {}", namen.join(" of ")));
    }
    found.push(if regel.bsn_toegestaan { "BSN mag" } else { "zonder BSN" }.to_owned());
    if regel.max_verlengingen > 0 {
        found.push(format!("{} keer te verlengen", regel.max_verlengingen));
    }
    if regel.bewaar_inhoud == Bewaar::Bevestiging {
        found.push("inhoud weg na bevestiging".to_owned());
    }
    found
}

/// `a of b`: of several grondslagen the sender chooses.
#[must_use]
pub fn keuze(grondslagen: &[String]) -> String {
    grondslagen.join(" of ")
}
