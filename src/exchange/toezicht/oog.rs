//! Oog (eye): with what toezicht looks, through a gateway that runs or beside it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::{Date, date};

use super::{
    Getoond, read_regel,
    zoek::{Zoekfilter, Zoekveld},
};
use crate::{
    documenten::{convenant::of_the_past, of_the_past as deelnemers},
    domain::{
        BerichtId, Convenant, Oin, Weigering, Zicht,
        houdbaarheid::{start_of, unreadable_from},
        partner::GATEWAY,
    },
    exchange::unavailable,
    sleutels::{OpeningKeys, SealingKeys},
    store::{
        Pool,
        ledger::regels::{index_at, regels_at},
        reading::{
            documenten::{all_deelnemers, hashes_of, of_hash},
            namen::Namen,
        },
        zoeken::{Eis, Merk, Vraag, Waarop, Zoekbestand},
    },
};

/// No last day lies beyond these.
const FIRST_DAY: Date = date(1, 1, 1);
const LAST_DAY: Date = date(9999, 12, 31);

/// Convenanten by the hash of their text.
pub type Convenanten = BTreeMap<String, Convenant>;

/// With what toezicht looks.
pub struct Oog<'a> {
    /// The logboek and what stands beside it.
    pub read: &'a Pool,
    /// By what regels are found.
    pub zoeken: &'a Zoekbestand,
    /// By what people are found.
    pub sleutels: &'a SealingKeys,
    /// By what commitments are opened.
    pub openingen: OpeningKeys,
    /// Whose OINs were whose.
    pub namen: Namen,
    /// Whose regels it sees.
    pub ziet: Zicht,
}

impl Oog<'_> {
    /// What is asked of each regel before an index.
    ///
    /// # Errors
    /// [`Weigering::PartnerOnbekend`], or [`Weigering::OngeldigVeld`] for a convenant that never was.
    pub async fn vraag(&self, filter: &Zoekfilter, searched: u64) -> Result<Vraag, Weigering> {
        let (read, namen) = (self.read, &self.namen);
        let van = match filter.van {
            Some(day) => index_at(read, start_of(day)).await.map_err(unavailable)?,
            None => 0,
        };
        let tot = match filter.tot_en_met {
            Some(day) => index_at(read, unreadable_from(day)).await.map_err(unavailable)?.min(searched),
            None => searched,
        };
        // Who searches for a person, a bericht or a gesprek must not learn from the looks of others whom or what these were about.
        let names_one = |veld: Zoekveld| matches!(veld, Zoekveld::Gesprek | Zoekveld::Bericht);
        let of_people = filter.betrokkene.is_some() || filter.velden.iter().any(|(veld, _)| names_one(*veld));
        let sight = if of_people { Sight::Own } else { Sight::AndNobodys };
        let mut eisen: Vec<Eis> = rights(&self.ziet, sight).into_iter().collect();
        let mut one_of = |marks: Vec<Merk>| eisen.push(Eis::EenVan(marks));
        if !filter.partner.is_empty() {
            if filter.partner.iter().any(|naam| namen.oins(naam).is_empty()) {
                return Err(Weigering::PartnerOnbekend);
            }
            one_of(filter.partner.iter().map(|naam| Merk::new(Waarop::Partij, naam.as_str())).collect());
        }
        for (veld, values) in &filter.velden {
            self.known_partners(*veld, values)?;
            one_of(values.iter().map(|value| Merk::new(veld.waarop(), value)).collect());
        }
        if !filter.convenant.is_empty() {
            let mut hashes = Vec::new();
            for naam in &filter.convenant {
                let known = hashes_of(read, naam).await.map_err(unavailable)?;
                if known.is_empty() {
                    return Err(Weigering::veld(
                        "filter.convenant",
                        "namen van convenanten die van kracht zijn of waren",
                    ));
                }
                hashes.extend(known);
            }
            one_of(hashes.into_iter().map(|hash| Merk::new(Waarop::Convenant, hash)).collect());
        }
        if filter.buiten_kantooruren {
            one_of(vec![Merk::new(Waarop::BuitenKantooruren, "")]);
        }
        if let Some(medewerker) = &filter.medewerker {
            one_of(self.employee(medewerker));
        }
        if let Some(persoon) = &filter.betrokkene {
            let of = |(kenmerk, text)| Merk::pseudoniem(Waarop::Betrokkene, &self.sleutels.pseudoniem(kenmerk, text));
            one_of(persoon.kenmerken().iter().map(|(kenmerk, text)| of((*kenmerk, text))).collect());
        }
        if filter.houdbaar_van.is_some() || filter.houdbaar_tot_en_met.is_some() {
            let day = |day: Option<Date>, open: Date| day.unwrap_or(open).to_string();
            let (from, to) = (day(filter.houdbaar_van, FIRST_DAY), day(filter.houdbaar_tot_en_met, LAST_DAY));
            eisen.push(Eis::Tussen(Waarop::Houdbaar, from, to));
        }
        Ok(Vraag { van, tot, eisen })
    }

    /// Nothing found must not be a typing error: who sent or was sent to is or was a partner, or the gateway itself.
    fn known_partners(&self, veld: Zoekveld, values: &[String]) -> Result<(), Weigering> {
        let is_partner = |adres: &String| {
            let naam = adres.split('/').next().unwrap_or_default();
            naam == GATEWAY || naam.parse().is_ok_and(|naam| !self.namen.oins(&naam).is_empty())
        };
        let names_partners = matches!(veld, Zoekveld::Afzender | Zoekveld::Ontvanger | Zoekveld::Loket);
        let right = !names_partners || values.iter().all(is_partner);
        if right { Ok(()) } else { Err(Weigering::PartnerOnbekend) }
    }

    /// All regels of a stretch of the logboek that are seen.
    pub(super) fn seen(&self, van: u64, tot: u64) -> Vraag {
        Vraag { van, tot, eisen: rights(&self.ziet, Sight::AndNobodys).into_iter().collect() }
    }

    /// Whether a regel is seen.
    pub(super) fn sees_regel(&self, log_index: u64, leaf: &[u8]) -> bool {
        read_regel(leaf).is_ok_and(|regel| self.ziet.covers(&self.namen.partijen(log_index, &regel)))
    }

    /// What came of a search: whether there is any trace of what it asked.
    ///
    /// # Errors
    /// [`Weigering::NietBeschikbaar`].
    pub async fn uitkomst(&self, filter: &Zoekfilter, mut vraag: Vraag) -> Result<&'static str, Weigering> {
        if filter.betrokkene.is_some() {
            // That somebody looked for this person before is no trace of the person.
            vraag.eisen.push(Eis::Niet(Merk::new(Waarop::Kijker, "")));
        }
        let is_found = self.zoeken.find(&vraag).await.map_err(unavailable)?.count() > 0;
        Ok(if is_found { "gevonden" } else { "niet_gevonden" })
    }

    /// An employee of any of the organisations that are seen: a reference means somebody else at each.
    fn employee(&self, medewerker: &str) -> Vec<Merk> {
        let mut oins: BTreeSet<Oin> = self.ziet.partners().iter().flat_map(|naam| self.namen.oins(naam)).collect();
        if self.ziet.is_alles() {
            oins.extend(self.namen.all_oins().iter().cloned());
        }
        let mark = |oin: &Oin| Merk::pseudoniem(Waarop::Medewerker, &self.sleutels.medewerker(oin, medewerker));
        oins.iter().map(mark).collect()
    }

    /// The convenanten whose texts have these hashes, as far as they can be read today.
    pub(in crate::exchange) async fn convenanten(
        &self,
        hashes: impl Iterator<Item = &str>,
    ) -> Result<Convenanten, Weigering> {
        let texts = all_deelnemers(self.read).await.map_err(unavailable)?;
        let deelnemers = texts.last().map(|(_, tekst)| deelnemers(tekst)).unwrap_or_default();
        let mut convenanten = Convenanten::new();
        for hash in hashes {
            if convenanten.contains_key(hash) {
                continue;
            }
            let tekst = of_hash(self.read, hash).await.map_err(unavailable)?;
            if let Some(convenant) = tekst.and_then(|tekst| of_the_past(&tekst, &deelnemers)) {
                convenanten.insert(hash.to_owned(), convenant);
            }
        }
        Ok(convenanten)
    }

    /// The indexes of the regels of a bericht and of its gesprek that are seen, in order.
    ///
    /// # Errors
    /// [`Weigering::BerichtOnbekend`], of what is not seen too.
    pub async fn leven(&self, bericht: BerichtId) -> Result<Vec<u64>, Weigering> {
        let tot = self.zoeken.bijgewerkt_tot().await.map_err(unavailable)?;
        let find = async |rights: Option<Eis>, merk: Merk| {
            let eisen = rights.into_iter().chain([Eis::EenVan(vec![merk])]).collect();
            self.zoeken.find(&Vraag { van: 0, tot, eisen }).await.map_err(unavailable)
        };
        // That others looked at a bericht does not make it one that is seen.
        let of_bericht = || Merk::new(Waarop::Bericht, bericht.to_string());
        let own = find(rights(&self.ziet, Sight::Own), of_bericht()).await?;
        let first = regels_at(self.read, &own.page(None, 1, false)).await.map_err(unavailable)?;
        let (_, leaf) = first.into_iter().next().ok_or(Weigering::BerichtOnbekend)?;
        // Of this bericht also who looked; of the others in its gesprek what is seen of them.
        let mut indexes =
            find(rights(&self.ziet, Sight::AndNobodys), of_bericht()).await?.page(None, usize::MAX, false);
        if let Some(gesprek) = read_regel(&leaf)?.gesprek {
            let found = find(rights(&self.ziet, Sight::Own), Merk::new(Waarop::Gesprek, gesprek)).await?;
            indexes.extend(found.page(None, usize::MAX, false));
        }
        indexes.sort_unstable();
        indexes.dedup();
        Ok(indexes)
    }

    /// The regels at these indexes, as they are shown. What may be seen is asked of each once more, of the regel itself.
    ///
    /// # Errors
    /// [`Weigering::NietBeschikbaar`] when one may not be seen, or none can be read.
    pub async fn shown(&self, indexes: &[u64]) -> Result<Vec<Getoond>, Weigering> {
        let leaves = regels_at(self.read, indexes).await.map_err(unavailable)?;
        let shown = |(log_index, leaf): (u64, Vec<u8>)| {
            let regel = read_regel(&leaf)?;
            if !self.ziet.covers(&self.namen.partijen(log_index, &regel)) {
                return Err(unavailable("the file for searching shows a regel that may not be seen: remove it"));
            }
            Ok(Getoond::new(log_index, leaf, &regel, &self.namen))
        };
        leaves.into_iter().map(shown).collect()
    }
}

/// How far the sight of somebody reaches.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::exchange) enum Sight {
    /// What the partners that it sees took part in, and what their own FGs looked at.
    Own,
    /// That, and what no partner took part in.
    AndNobodys,
}

/// What a regel must have to be seen; nothing for who sees everything.
pub(in crate::exchange) fn rights(ziet: &Zicht, sight: Sight) -> Option<Eis> {
    if ziet.is_alles() {
        return None;
    }
    let of = |waarop: Waarop| ziet.partners().iter().map(move |naam| Merk::new(waarop, naam.as_str()));
    let nobodys = (sight == Sight::AndNobodys).then(|| Merk::new(Waarop::Algemeen, ""));
    Some(Eis::EenVan(of(Waarop::Partij).chain(of(Waarop::Kijker)).chain(nobodys).collect()))
}
