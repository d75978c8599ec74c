//! Two convenanten by themselves, without a configuration: to say what a new version changes, before anybody runs it.

use std::{collections::BTreeMap, path::Path};

use jiff::civil::Date;
use toml::de::{DeTable, DeValue};

use super::{Bron, convenant::convenant, hash};
use crate::{
    domain::{
        Berichtsoort, Convenant, Deelnemers, Loket, LoketNaam, Mandaat, Oin, Partner, PartnerNaam, Wijzigen,
        naast::Ruimte,
    },
    lezen::{Fouten, Mistakes, bestand::read, section::read_toml},
};

/// Reads two convenanten among the partners that they name themselves, each with the loketten they mention and `algemeen`.
/// Every partner counts as holding every mandaat, because who holds one stands elsewhere.
///
/// # Errors
/// [`Fouten`] with every mistake of both.
pub fn convenanten(files: [&Path; 2]) -> Result<(Deelnemers, [Convenant; 2]), Fouten> {
    let mistakes = Mistakes::default();
    let bronnen = files.map(|file| Some(Bron { herkomst: file.to_owned(), tekst: read(file, &mistakes)? }));
    let deelnemers = named(bronnen.iter().flatten());
    let parsed = bronnen.map(|bron| {
        let Bron { herkomst, tekst } = bron?;
        read_toml(&herkomst, &tekst, &mistakes, |root| {
            convenant(root, hash(&tekst), &deelnemers, &mut Ruimte::default())
        })
    });
    mistakes.outcome()?;
    Ok((deelnemers, parsed.map(|convenant| convenant.expect("a file without mistakes gives a convenant"))))
}

fn named<'b>(bronnen: impl Iterator<Item = &'b Bron>) -> Deelnemers {
    let mut loketten: BTreeMap<PartnerNaam, BTreeMap<LoketNaam, Loket>> = BTreeMap::new();
    for bron in bronnen {
        let (root, _) = DeTable::parse_recoverable(&bron.tekst);
        let mut names = texts(root.get_ref(), "partijen");
        if let Some(DeValue::Array(regels)) = root.get_ref().get("regel").map(toml::Spanned::get_ref) {
            let tables = regels.iter().filter_map(|regel| regel.get_ref().as_table());
            names.extend(
                tables.flat_map(|table| ["van", "naar", "mede_ontvanger"].map(|key| texts(table, key))).flatten(),
            );
        }
        for naam in names {
            let (partner, loket) =
                naam.split_once('/').map_or((&*naam, None), |(partner, loket)| (partner, Some(loket)));
            let Ok(partner) = partner.parse() else { continue };
            let known = loketten.entry(partner).or_insert_with(|| [(LoketNaam::default(), Loket::default())].into());
            known.extend(loket.and_then(|loket| Some((loket.parse().ok()?, Loket::default()))));
        }
    }
    let oin: Oin = "00000099000000000000".parse().expect("an OIN for tests, which nobody looks at here");
    let mandaten = loketten.keys().map(|naam| every_mandaat(naam.clone())).collect();
    let partner = |(naam, loketten): (PartnerNaam, _)| {
        (naam.clone(), Partner { naam, organisatie: None, oins: vec![oin.clone()], loketten })
    };
    Deelnemers {
        partners: loketten.into_iter().map(partner).collect(),
        toegangen: Vec::new(),
        mandaten,
        geblokkeerd: BTreeMap::new(),
        wijzigen: Wijzigen::default(),
    }
}

fn every_mandaat(partner: PartnerNaam) -> Mandaat {
    Mandaat {
        id: partner.to_string(),
        gever: String::new(),
        functie: String::new(),
        partner,
        berichtsoorten: Berichtsoort::ALL.into(),
        geldig_van: Date::MIN,
        geldig_tot_en_met: Date::MAX,
        bron: String::new(),
    }
}

fn texts(table: &DeTable<'_>, key: &str) -> Vec<String> {
    let Some(DeValue::Array(items)) = table.get(key).map(toml::Spanned::get_ref) else { return Vec::new() };
    items.iter().filter_map(|item| item.get_ref().as_str().map(str::to_owned)).collect()
}
