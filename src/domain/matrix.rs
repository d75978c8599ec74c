//! The exchange matrix: everything that may be sent on a day, one line for each pair of addresses, rule and grondslag.
//!
//! What a privacy officer reads must be what the gateway does: `admit` lets through nothing that is not in the matrix,
//! and the matrix shows nothing that `admit` refuses (a property test holds both to it).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::civil::Date;

use super::{
    Adres, Adrespatroon, Berichtsoort, Bewaar, Categorie, Convenant, Doelgroep, Loket, LoketNaam, Mandaat,
    Mandaathouder, Partner, PartnerNaam, Regel, TeltVanaf, Termijn, VanKracht, vraag::rests_on,
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
    each(van_kracht, convenant, regel, day, |van, naar, rests| {
        for (grondslag, mandaten) in rests {
            found.push(Stroom {
                berichtsoort: regel.berichtsoort,
                van: van.clone(),
                naar: naar.clone(),
                doelgroep: regel.doelgroep,
                categorie: regel.categorie,
                grondslag: (*grondslag).clone(),
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
    });
    found
}

/// A grondslag on which a flow rests, and the mandaten by which it goes.
pub type Steun<'v> = (&'v String, Vec<&'v Mandaat>);

/// Calls `flow` for each pair of addresses between which a rule allows something on a day, with what that rests on.
pub fn each<'v>(
    van_kracht: &'v VanKracht,
    convenant: &'v Convenant,
    regel: &'v Regel,
    day: Date,
    mut flow: impl FnMut(&'v Adres, &'v Adres, &[Steun<'v>]),
) {
    // What it rests on differs by who must hold the mandaat, and by nothing else of the addresses.
    let mut rests: HashMap<Option<&PartnerNaam>, Vec<Steun<'v>>> = HashMap::new();
    let mut naars = addresses(van_kracht, &regel.naar);
    naars.retain(|naar| van_kracht.closed_on(naar, day).is_none());
    for van in addresses(van_kracht, &regel.van) {
        for naar in naars.iter().copied().filter(|naar| *naar != van) {
            let houder = regel.mandaat.map(|houder| match houder {
                Mandaathouder::Afzender => &van.partner,
                Mandaathouder::Ontvanger => &naar.partner,
            });
            let rests = rests.entry(houder).or_insert_with(|| {
                let on = |id| rests_on(van_kracht, (convenant, regel), id, van, naar, day);
                regel.grondslagen.iter().filter_map(|id| Some((id, on(id).ok()?.1))).collect()
            });
            if !rests.is_empty() {
                flow(van, naar, rests);
            }
        }
    }
}

/// Every address that one of the patterns means, each once and in order.
#[must_use]
pub fn addresses<'v>(van_kracht: &'v VanKracht, patterns: &[Adrespatroon]) -> Vec<&'v Adres> {
    let mut found = BTreeSet::new();
    for Adrespatroon { partner, loket } in patterns {
        let all = van_kracht.adressen(partner);
        match loket {
            None => found.extend(all),
            Some(loket) => found.extend(all.binary_search_by(|adres| adres.loket.cmp(loket)).ok().map(|at| &all[at])),
        }
    }
    found.into_iter().collect()
}

/// The shortest way to say which addresses are meant: a partner where all its loketten are among them.
#[must_use]
pub fn patronen(partners: &BTreeMap<PartnerNaam, Partner>, adressen: &BTreeSet<&Adres>) -> Vec<Adrespatroon> {
    shortest(partners, adressen, |_| true)
}

/// The same for ontvangers: a partner where all its loketten that are open on a day are among them.
#[must_use]
pub fn open_patronen(
    partners: &BTreeMap<PartnerNaam, Partner>,
    adressen: &BTreeSet<&Adres>,
    day: Date,
) -> Vec<Adrespatroon> {
    shortest(partners, adressen, |loket| loket.closed_on(day).is_none())
}

fn shortest(
    partners: &BTreeMap<PartnerNaam, Partner>,
    adressen: &BTreeSet<&Adres>,
    counts: impl Fn(&Loket) -> bool,
) -> Vec<Adrespatroon> {
    let mut meant: BTreeMap<&PartnerNaam, BTreeSet<&LoketNaam>> = BTreeMap::new();
    for Adres { partner, loket } in adressen {
        meant.entry(partner).or_default().insert(loket);
    }
    let mut found = Vec::new();
    for (partner, loketten) in meant {
        let whole = partners.get(partner).is_some_and(|known| {
            let mut counting = known.loketten.iter().filter(|(_, loket)| counts(loket));
            counting.all(|(naam, _)| loketten.contains(naam))
        });
        let patroon = |loket| Adrespatroon { partner: partner.clone(), loket };
        if whole {
            found.push(patroon(None));
        } else {
            found.extend(loketten.into_iter().map(|loket| patroon(Some(loket.clone()))));
        }
    }
    found
}

/// All of these may send to all of those.
pub type Route<'v> = (BTreeSet<&'v Adres>, BTreeSet<&'v Adres>);

/// Pairs of addresses as routes: who may send to all of whom. One where every sender may send to every ontvanger but itself;
/// of two that send to each other, two: together they would seem to send to themselves.
#[must_use]
pub fn routes<'v>(pairs: &BTreeSet<(&'v Adres, &'v Adres)>) -> Vec<Route<'v>> {
    let van: BTreeSet<&Adres> = pairs.iter().map(|(van, _)| *van).collect();
    let naar: BTreeSet<&Adres> = pairs.iter().map(|(_, naar)| *naar).collect();
    let among = van.intersection(&naar).count();
    if van.len() * naar.len() - among == pairs.len() && (among == 0 || van.len() > 2) && !pairs.is_empty() {
        return vec![(van, naar)];
    }
    let mut by_van: BTreeMap<&Adres, BTreeSet<&Adres>> = BTreeMap::new();
    for (van, naar) in pairs {
        by_van.entry(van).or_default().insert(naar);
    }
    let mut by_naar: BTreeMap<BTreeSet<&Adres>, BTreeSet<&Adres>> = BTreeMap::new();
    for (van, naar) in by_van {
        by_naar.entry(naar).or_default().insert(van);
    }
    by_naar.into_iter().map(|(naar, van)| (van, naar)).collect()
}
