//! The exchange matrix: everything that may be sent on a day, one line for each pair of addresses.
//!
//! What a privacy officer reads must be what the gateway does: `admit` lets through nothing that is not in the matrix,
//! and the matrix shows nothing that `admit` refuses (a property test holds both to it).

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::{
    Adres, Adrespatroon, Berichtsoort, Bewaar, Categorie, Convenant, Doelgroep, Loket, Partner, PartnerNaam, Regel,
    TeltVanaf, Termijn, VanKracht, convenant::matches_any, vraag::rests_on,
};

/// One flow: this berichtsoort may go from one address to another, by one rule, on one grondslag.
#[derive(Clone, Debug, PartialEq)]
pub struct Stroom {
    /// The kind of bericht.
    pub berichtsoort: Berichtsoort,
    /// Who may send it.
    pub van: Adres,
    /// Who may receive it.
    pub naar: Adres,
    /// Only for minors or only for adults, if the rule says so.
    pub doelgroep: Option<Doelgroep>,
    /// Only for this category, if the rule says so.
    pub categorie: Option<Categorie>,
    /// Id of the legal basis.
    pub grondslag: String,
    /// Whether the rule leaves a choice of grondslagen, so that the sender must name this one.
    pub keuze: bool,
    /// How long it stays usable.
    pub houdbaarheid: Termijn,
    /// Why that is not three months.
    pub afwijking: Option<String>,
    /// From when that counts.
    pub telt_vanaf: TeltVanaf,
    /// Whether the content may hold a BSN.
    pub bsn_toegestaan: bool,
    /// Ids of the mandaten by which it goes; empty where the rule asks for none.
    pub mandaten: Vec<String>,
    /// One of these must be among the ontvangers too; empty asks for none.
    pub mede_ontvanger: Vec<Adrespatroon>,
    /// How often it may be renewed.
    pub max_verlengingen: u8,
    /// How long the gateway keeps the content.
    pub bewaar_inhoud: Bewaar,
    /// Name of the convenant.
    pub convenant: String,
    /// Id of the rule.
    pub regel: String,
}

/// Everything that may be sent on a day, in the order of the documents.
#[must_use]
pub fn matrix(van_kracht: &VanKracht, day: Date) -> Vec<Stroom> {
    let regels = van_kracht.convenanten().iter().flat_map(|convenant| {
        convenant.regels.iter().flat_map(move |regel| stromen(van_kracht, convenant, regel, day))
    });
    regels.collect()
}

/// What one rule allows on a day.
#[must_use]
pub fn stromen(van_kracht: &VanKracht, convenant: &Convenant, regel: &Regel, day: Date) -> Vec<Stroom> {
    let mut found = Vec::new();
    for van in addresses(van_kracht, &regel.van) {
        for naar in addresses(van_kracht, &regel.naar) {
            if !regel.covers(regel.berichtsoort, &van, &naar) || van_kracht.closed_on(&naar, day).is_some() {
                continue;
            }
            for grondslag in &regel.grondslagen {
                let Ok((_, mandaten)) = rests_on(van_kracht, (convenant, regel), grondslag, &van, &naar, day) else {
                    continue;
                };
                found.push(Stroom {
                    berichtsoort: regel.berichtsoort,
                    van: van.clone(),
                    naar: naar.clone(),
                    doelgroep: regel.doelgroep,
                    categorie: regel.categorie,
                    grondslag: grondslag.clone(),
                    keuze: regel.grondslagen.len() > 1,
                    houdbaarheid: regel.houdbaarheid,
                    afwijking: regel.afwijking.clone(),
                    telt_vanaf: regel.telt_vanaf,
                    bsn_toegestaan: regel.bsn_toegestaan,
                    mandaten: mandaten.iter().map(|mandaat| mandaat.id.clone()).collect(),
                    mede_ontvanger: regel.mede_ontvanger.clone(),
                    max_verlengingen: regel.max_verlengingen,
                    bewaar_inhoud: regel.bewaar_inhoud,
                    convenant: convenant.naam.clone(),
                    regel: regel.id.clone(),
                });
            }
        }
    }
    found
}

/// Every address that one of the patterns means, each once.
#[must_use]
pub fn addresses(van_kracht: &VanKracht, patterns: &[Adrespatroon]) -> Vec<Adres> {
    let all = van_kracht.partners().values().flat_map(Partner::adressen);
    all.filter(|adres| matches_any(patterns, adres)).collect()
}

/// The shortest way to say which addresses are meant: a partner where all its loketten are among them.
#[must_use]
pub fn patronen(partners: &BTreeMap<PartnerNaam, Partner>, adressen: &BTreeSet<Adres>) -> Vec<Adrespatroon> {
    shortest(partners, adressen, |_| true)
}

/// The same for ontvangers: a partner where all its loketten that are open on a day are among them.
#[must_use]
pub fn open_patronen(
    partners: &BTreeMap<PartnerNaam, Partner>,
    adressen: &BTreeSet<Adres>,
    day: Date,
) -> Vec<Adrespatroon> {
    shortest(partners, adressen, |loket| loket.closed_on(day).is_none())
}

fn shortest(
    partners: &BTreeMap<PartnerNaam, Partner>,
    adressen: &BTreeSet<Adres>,
    counts: impl Fn(&Loket) -> bool,
) -> Vec<Adrespatroon> {
    let mut found = Vec::new();
    for Adres { partner, loket } in adressen {
        let whole = partners.get(partner).is_some_and(|known| {
            let mut counting = known.adressen().filter(|adres| counts(&known.loketten[&adres.loket]));
            counting.all(|adres| adressen.contains(&adres))
        });
        let patroon = Adrespatroon { partner: partner.clone(), loket: (!whole).then(|| loket.clone()) };
        if found.last() != Some(&patroon) {
            found.push(patroon);
        }
    }
    found
}

/// Pairs of addresses as routes: who may send to all of whom. One where every sender may send to every ontvanger but itself;
/// of two that send to each other, two: together they would seem to send to themselves.
#[must_use]
pub fn routes(pairs: &BTreeSet<(Adres, Adres)>) -> Vec<(BTreeSet<Adres>, BTreeSet<Adres>)> {
    let van: BTreeSet<Adres> = pairs.iter().map(|(van, _)| van.clone()).collect();
    let naar: BTreeSet<Adres> = pairs.iter().map(|(_, naar)| naar.clone()).collect();
    let among = van.intersection(&naar).count();
    if van.len() * naar.len() - among == pairs.len() && (among == 0 || van.len() > 2) && !pairs.is_empty() {
        return vec![(van, naar)];
    }
    let mut by_van: BTreeMap<&Adres, BTreeSet<Adres>> = BTreeMap::new();
    for (van, naar) in pairs {
        by_van.entry(van).or_default().insert(naar.clone());
    }
    let mut by_naar: BTreeMap<BTreeSet<Adres>, BTreeSet<Adres>> = BTreeMap::new();
    for (van, naar) in by_van {
        by_naar.entry(naar).or_default().insert(van.clone());
    }
    by_naar.into_iter().map(|(naar, van)| (van, naar)).collect()
}
