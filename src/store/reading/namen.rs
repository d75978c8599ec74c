//! Namen: which partner an OIN was of at a regel. An OIN can go to another organisation; what was written before stays of the one
//! that had it then.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    documenten::of_the_past,
    domain::{Deelnemers, Oin, PartnerNaam, partner::GATEWAY},
    logboek::{Logregel, Soort},
    store::{Pool, StoreError, reading::documenten::all_deelnemers},
};

/// Which OINs were whose, by each text with deelnemers that ever was in force.
#[derive(Debug, Default)]
pub struct Namen {
    /// The index of the regel that put a text in force, and whose OINs are by it; oldest first.
    versies: Vec<(u64, BTreeMap<Oin, PartnerNaam>)>,
    /// Every OIN of a partner, of an identity of no partner (an auditor, beheer), and of the gateway.
    oins: BTreeSet<Oin>,
    /// How organisations are called, by the newest text that says it.
    organisaties: BTreeMap<PartnerNaam, String>,
    /// The OIN of the gateway itself.
    poort: Option<Oin>,
}

impl Namen {
    /// Reads them. `poort` is the OIN of the gateway, which no partner has.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn read(read: &Pool, poort: Option<Oin>) -> Result<Self, StoreError> {
        let (mut versies, mut oins) = (Vec::new(), BTreeSet::from_iter(poort.clone()));
        let mut organisaties = BTreeMap::new();
        for (log_index, tekst) in all_deelnemers(read).await? {
            let Deelnemers { partners, toegangen, .. } = of_the_past(&tekst);
            for partner in partners.values() {
                let named = partner.organisatie.clone().map(|of| (partner.naam.clone(), of));
                organisaties.extend(named);
            }
            let owned = partners
                .into_iter()
                .flat_map(|(naam, partner)| partner.oins.into_iter().map(move |oin| (oin, naam.clone())));
            let owned: BTreeMap<Oin, PartnerNaam> = owned.collect();
            oins.extend(owned.keys().cloned());
            oins.extend(toegangen.into_iter().map(|toegang| toegang.identiteit.oin));
            versies.push((log_index, owned));
        }
        Ok(Self { versies, oins, organisaties, poort })
    }

    /// The partner that had an OIN when this regel was written; if nobody had, the last one before it, and else the first one after it.
    #[must_use]
    pub fn naam(&self, log_index: u64, oin: &str) -> Option<&PartnerNaam> {
        let oin = oin.parse::<Oin>().ok()?;
        let since = self.versies.partition_point(|(since, _)| *since <= log_index);
        let (before, after) = self.versies.split_at(since);
        before.iter().rev().chain(after).find_map(|(_, oins)| oins.get(&oin))
    }

    /// How a partner is called, for people who are no partner.
    #[must_use]
    pub fn organisatie<'n>(&'n self, naam: &'n PartnerNaam) -> &'n str {
        self.organisaties.get(naam).map_or(naam.as_str(), String::as_str)
    }

    /// An address of the logboek (`OIN/loket`) or an OIN, by the name of who had it.
    #[must_use]
    pub fn adres(&self, log_index: u64, adres: &str) -> String {
        let (oin, loket) = adres.split_once('/').map_or((adres, None), |(oin, loket)| (oin, Some(loket)));
        let is_poort = self.poort.as_ref().is_some_and(|poort| poort.as_str() == oin);
        let naam = match self.naam(log_index, oin) {
            Some(naam) => naam.as_str(),
            None if is_poort => GATEWAY,
            None => oin,
        };
        loket.filter(|loket| !loket.is_empty()).map_or_else(|| naam.to_owned(), |loket| format!("{naam}/{loket}"))
    }

    /// The partners that took part in what a regel tells: who sent, who was sent to, and who acted for a partner. What was refused
    /// before it was a bericht reached nobody, and is of who tried it alone. Nobody takes part in what toezicht looks at: that each of
    /// them sees.
    #[must_use]
    pub fn partijen(&self, log_index: u64, regel: &Logregel) -> BTreeSet<PartnerNaam> {
        if matches!(regel.soort, Soort::Ingezien | Soort::Geexporteerd) {
            return BTreeSet::new();
        }
        let acts = matches!(regel.rol.as_deref(), Some("partner" | "fg" | "contact"));
        let reached = regel.soort != Soort::Geweigerd || regel.bericht.is_some();
        let ontvanger = if reached { &regel.ontvanger } else { &None };
        let named = [&regel.afzender, ontvanger, if acts { &regel.actor } else { &None }];
        let oin = |adres: &String| adres.split('/').next().unwrap_or_default().to_owned();
        named.into_iter().flatten().filter_map(|adres| self.naam(log_index, &oin(adres)).cloned()).collect()
    }

    /// Every partner that ever was.
    #[must_use]
    pub fn partners(&self) -> BTreeSet<&PartnerNaam> {
        self.versies.iter().flat_map(|(_, oins)| oins.values()).collect()
    }

    /// Every OIN that anybody has or had: a partner, an auditor, beheer.
    #[must_use]
    pub fn all_oins(&self) -> &BTreeSet<Oin> {
        &self.oins
    }

    /// Every OIN that a partner has or had; nothing where there never was such a partner.
    #[must_use]
    pub fn oins(&self, naam: &PartnerNaam) -> BTreeSet<Oin> {
        let of = |oins: &BTreeMap<Oin, PartnerNaam>| {
            let owned = oins.iter().filter(|(_, of)| *of == naam).map(|(oin, _)| oin.clone());
            owned.collect::<Vec<_>>()
        };
        self.versies.iter().flat_map(|(_, oins)| of(oins)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_oin_that_went_to_another_is_of_each_in_its_time() {
        let (one, other): (Oin, Oin) =
            ("00000099000000101000".parse().unwrap(), "00000099000000102000".parse().unwrap());
        let of = |pairs: &[(&Oin, &str)]| {
            pairs.iter().map(|(oin, naam)| ((*oin).clone(), naam.parse().unwrap())).collect::<BTreeMap<_, _>>()
        };
        let namen = Namen {
            versies: vec![(1, of(&[(&one, "om")])), (5, of(&[(&one, "dji")])), (9, of(&[(&other, "zsm")]))],
            oins: BTreeSet::new(),
            organisaties: BTreeMap::new(),
            poort: None,
        };
        let at = |index: u64, oin: &Oin| namen.naam(index, oin.as_str()).map(PartnerNaam::as_str);
        // Before anybody was known, and since nobody has it: who comes nearest.
        assert_eq!(
            [0, 1, 4, 5, 8, 9, 20].map(|index| at(index, &one)),
            [Some("om"), Some("om"), Some("om"), Some("dji"), Some("dji"), Some("dji"), Some("dji")]
        );
        assert_eq!(at(3, &other), Some("zsm"));
        assert_eq!(namen.adres(3, &format!("{one}/jeugd")), "om/jeugd");
        assert_eq!(namen.adres(3, "00000099000000999000"), "00000099000000999000");
        assert_eq!(namen.oins(&"om".parse().unwrap()), [one].into());
    }
}
