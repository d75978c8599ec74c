//! Zoek (search): regels by what stands in them and whom they are about; and the life of one bericht.

use std::collections::BTreeSet;

use jiff::civil::{Date, date};

use super::{Getoond, Gezien, Inzage};
use crate::{
    domain::{
        BerichtId, Identiteit, Oin, PartnerNaam, Persoon, Weigering, Zicht,
        houdbaarheid::{amsterdam_date, begin_of, unreadable_from},
    },
    exchange::{Call, Exchange, unavailable},
    logboek::Logregel,
    sleutels::pagina::Pagina,
    store::{
        Pool, StoreError,
        ledger::regels::{index_at, regels_at},
        reading::{documenten::hashes_of, namen::Namen},
        zoeken::{Eis, Merk, Vraag, Waarop, Zoekbestand},
    },
};

/// Regels of one life, at most.
const MOST_LEVEN: usize = 1000;
/// Pages of regels that a search takes up first, at most: so that who asks finds what just happened.
const MOST_TAKEN_UP: usize = 4;

/// No last day lies beyond these.
const FIRST_DAY: Date = date(1, 1, 1);
const LAST_DAY: Date = date(9999, 12, 31);

/// What is searched for. What is empty asks nothing.
#[derive(Clone, Debug, Default)]
pub struct Zoekfilter {
    /// From this day on.
    pub van: Option<Date>,
    /// Until and with this day.
    pub tot_en_met: Option<Date>,
    /// Partners that took part.
    pub partner: Vec<PartnerNaam>,
    /// Names of convenanten.
    pub convenant: Vec<String>,
    /// Values that must stand in a regel, one of each field.
    pub velden: Vec<(Zoekveld, Vec<String>)>,
    /// The last day of the content lies from this day on.
    pub houdbaar_van: Option<Date>,
    /// The last day of the content lies until and with this day.
    pub houdbaar_tot_en_met: Option<Date>,
    /// Only what happened outside office hours.
    pub buiten_kantooruren: bool,
    /// An employee that acted.
    pub medewerker: Option<String>,
    /// Whom it is about.
    pub betrokkene: Option<Persoon>,
}

/// A field of a regel by which is searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zoekveld {
    /// The partner that sent.
    Afzender,
    /// The partner that was sent to.
    Ontvanger,
    /// `partner/loket`, of either.
    Loket,
    /// What happened.
    Soort,
    /// The kind of bericht.
    Berichtsoort,
    /// The grondslag.
    Grondslag,
    /// The rule.
    Regel,
    /// The weigering.
    Weigering,
    /// What came of it.
    Uitkomst,
    /// The bericht.
    Bericht,
    /// Its gesprek.
    Gesprek,
    /// The role of who acted.
    Rol,
}

impl Zoekveld {
    fn waarop(self) -> Waarop {
        match self {
            Self::Afzender => Waarop::Afzender,
            Self::Ontvanger => Waarop::Ontvanger,
            Self::Loket => Waarop::Loket,
            Self::Soort => Waarop::Soort,
            Self::Berichtsoort => Waarop::Berichtsoort,
            Self::Grondslag => Waarop::Grondslag,
            Self::Regel => Waarop::Regel,
            Self::Weigering => Waarop::Weigering,
            Self::Uitkomst => Waarop::Uitkomst,
            Self::Bericht => Waarop::Bericht,
            Self::Gesprek => Waarop::Gesprek,
            Self::Rol => Waarop::Rol,
        }
    }
}

/// Which page of which search.
#[derive(Clone, Debug)]
pub struct Zoekopdracht {
    /// What is searched for.
    pub filter: Zoekfilter,
    /// The same as it was sent: a page belongs to it, and opens for nothing else.
    pub gevraagd: Vec<u8>,
    /// Regels in a page.
    pub grootte: usize,
    /// The page before said that it goes on here.
    pub pagina: Option<String>,
    /// The newest first.
    pub nieuwste_eerst: bool,
}

/// A page of what was found.
pub struct Gevonden {
    /// The regels.
    pub regels: Vec<Getoond>,
    /// The next page, if there is one.
    pub volgende: Option<String>,
    /// Regels before this index were searched.
    pub bijgewerkt_tot: u64,
    /// How many were found in all.
    pub aantal: u64,
}

impl Exchange {
    /// Takes up regels for searching, a page at a time. Gives whether there may be more.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn take_up(&self) -> Result<bool, StoreError> {
        let Some(zoeken) = self.zoeken.clone() else { return Ok(false) };
        let (read, versie, poort) = (self.store.read.clone(), self.van_kracht().versie(), self.poort.oin.clone());
        // It is finished also when who searches goes away.
        let taking_up = async move { zoeken.take_up(&read, versie, &poort).await };
        let taken_up = self.tasks.finish("taking up regels for searching", taking_up).await;
        taken_up.map_err(|error| StoreError::Broken(error.to_string()))?
    }

    /// The projection, with what happened until now.
    pub(super) async fn zoeken(&self) -> Result<&Zoekbestand, Weigering> {
        for _ in 0..MOST_TAKEN_UP {
            if !self.take_up().await.map_err(unavailable)? {
                break;
            }
        }
        self.zoeken.as_deref().ok_or_else(|| unavailable("no port for toezicht, so nothing to search in"))
    }

    /// A page of the regels that the caller may see and that have all that is asked.
    ///
    /// # Errors
    /// [`Weigering::PartnerOnbekend`] or [`Weigering::PaginaOngeldig`], not yet logged.
    pub async fn search(&self, call: &Call, inzage: &Inzage, opdracht: &Zoekopdracht) -> Result<Gevonden, Weigering> {
        let (read, namen) = self.overseeing(call).await?;
        let zoeken = self.zoeken().await?;
        let context = self.context(call, opdracht);
        let page = match &opdracht.pagina {
            Some(text) => Some(self.keys.open_pagina(text, &context).ok_or(Weigering::PaginaOngeldig)?),
            None => None,
        };
        let reached = zoeken.bijgewerkt_tot().await.map_err(unavailable)?;
        // Later pages search no further than the first one did, however much was written since.
        let searched = page.map_or(reached, |page| page.tot);
        if reached < searched {
            return Err(unavailable("the file for searching is being built anew"));
        }
        let vraag = self.vraag(call.identiteit(), read, &namen, &opdracht.filter, searched).await?;
        let found = zoeken.find(&vraag).await.map_err(unavailable)?;
        let indexes = found.page(page.map(|page| page.na), opdracht.grootte + 1, opdracht.nieuwste_eerst);
        let shown = &indexes[..indexes.len().min(opdracht.grootte)];
        let volgende = shown
            .last()
            .filter(|_| indexes.len() > shown.len())
            .map(|last| self.keys.seal_pagina(Pagina { tot: searched, na: *last }, &context));
        let regels = shown_at(read, &namen, call.identiteit(), shown).await?;
        let betrokkene = opdracht.filter.betrokkene.as_ref().map(|persoon| self.gezocht(persoon));
        let mut traces = vraag;
        if betrokkene.is_some() {
            // That somebody looked for this person before is no trace of the person.
            traces.eisen.push(Eis::Niet(Merk::new(Waarop::Kijker, "")));
        }
        let is_found = zoeken.find(&traces).await.map_err(unavailable)?.count() > 0;
        let uitkomst = Some(if is_found { "gevonden" } else { "niet_gevonden" });
        self.log_look(call, inzage, Gezien { betrokkene, uitkomst, bericht: None }).await?;
        Ok(Gevonden { regels, volgende, bijgewerkt_tot: searched, aantal: found.count() })
    }

    /// The regels of a bericht and of its gesprek that the caller may see, in order; and whether there are more than it gives.
    ///
    /// # Errors
    /// [`Weigering::BerichtOnbekend`], for what the caller may not see too; not yet logged.
    pub async fn leven(
        &self,
        call: &Call,
        inzage: &Inzage,
        bericht: BerichtId,
    ) -> Result<(Vec<Getoond>, bool), Weigering> {
        let (read, namen) = self.overseeing(call).await?;
        let zoeken = self.zoeken().await?;
        let tot = zoeken.bijgewerkt_tot().await.map_err(unavailable)?;
        let find = async |rights: Option<Eis>, merk: Merk| {
            let eisen = rights.into_iter().chain([Eis::EenVan(vec![merk])]).collect();
            zoeken.find(&Vraag { van: 0, tot, eisen }).await.map_err(unavailable)
        };
        // That others looked at a bericht does not make it one that the caller sees.
        let ziet = &call.identiteit().ziet;
        let of_bericht = || Merk::new(Waarop::Bericht, bericht.to_string());
        let own = find(rights(ziet, Sight::Own), of_bericht()).await?;
        let first = own.page(None, 1, false);
        let first = regels_at(read, &first).await.map_err(unavailable)?;
        let (_, leaf) = first.into_iter().next().ok_or(Weigering::BerichtOnbekend)?;
        // Of this bericht also who looked; of the others in its gesprek what the caller sees of them.
        let mut indexes = find(rights(ziet, Sight::AndNobodys), of_bericht()).await?.page(None, usize::MAX, false);
        if let Some(gesprek) = super::read_regel(&leaf)?.gesprek {
            let found = find(rights(ziet, Sight::Own), Merk::new(Waarop::Gesprek, gesprek)).await?;
            indexes.extend(found.page(None, usize::MAX, false));
        }
        indexes.sort_unstable();
        indexes.dedup();
        let shown = &indexes[..indexes.len().min(MOST_LEVEN)];
        let regels = shown_at(read, &namen, call.identiteit(), shown).await?;
        self.log_look(call, inzage, Gezien { bericht: Some(bericht), ..Gezien::default() }).await?;
        Ok((regels, indexes.len() > shown.len()))
    }

    /// To what a page belongs: this search, this asker, this day.
    fn context(&self, call: &Call, opdracht: &Zoekopdracht) -> Vec<u8> {
        let Identiteit { partner, oin, rol, .. } = call.identiteit();
        let day = amsterdam_date(self.klok.now());
        let order = if opdracht.nieuwste_eerst { "nieuwste" } else { "oudste" };
        let who = format!("{partner}\n{oin}\n{rol}\n{day}\n{order}\n");
        [who.as_bytes(), &opdracht.gevraagd].concat()
    }

    /// What is asked of each regel before an index.
    pub(super) async fn vraag(
        &self,
        identiteit: &Identiteit,
        read: &Pool,
        namen: &Namen,
        filter: &Zoekfilter,
        searched: u64,
    ) -> Result<Vraag, Weigering> {
        let van = match filter.van {
            Some(day) => index_at(read, begin_of(day)).await.map_err(unavailable)?,
            None => 0,
        };
        let tot = match filter.tot_en_met {
            Some(day) => index_at(read, unreadable_from(day)).await.map_err(unavailable)?.min(searched),
            None => searched,
        };
        // Who searches for a person or a gesprek must not learn from the looks of others whom these were about.
        let of_people = filter.betrokkene.is_some() || filter.velden.iter().any(|(veld, _)| *veld == Zoekveld::Gesprek);
        let sight = if of_people { Sight::Own } else { Sight::AndNobodys };
        let mut eisen: Vec<Eis> = rights(&identiteit.ziet, sight).into_iter().collect();
        let mut one_of = |marks: Vec<Merk>| eisen.push(Eis::EenVan(marks));
        if !filter.partner.is_empty() {
            if filter.partner.iter().any(|naam| namen.oins(naam).is_empty()) {
                return Err(Weigering::PartnerOnbekend);
            }
            one_of(filter.partner.iter().map(|naam| Merk::new(Waarop::Partij, naam.as_str())).collect());
        }
        for (veld, values) in &filter.velden {
            one_of(values.iter().map(|value| Merk::new(veld.waarop(), value)).collect());
        }
        if !filter.convenant.is_empty() {
            let mut hashes = Vec::new();
            for naam in &filter.convenant {
                hashes.extend(hashes_of(read, naam).await.map_err(unavailable)?);
            }
            one_of(hashes.into_iter().map(|hash| Merk::new(Waarop::Convenant, hash)).collect());
        }
        if filter.buiten_kantooruren {
            one_of(vec![Merk::new(Waarop::BuitenKantooruren, "")]);
        }
        if let Some(medewerker) = &filter.medewerker {
            one_of(self.employee(identiteit, namen, medewerker));
        }
        if let Some(persoon) = &filter.betrokkene {
            let marks = self.keyed(persoon.kenmerken());
            one_of(marks.iter().map(|(_, of)| Merk::pseudoniem(Waarop::Betrokkene, of)).collect());
        }
        if filter.houdbaar_van.is_some() || filter.houdbaar_tot_en_met.is_some() {
            let day = |day: Option<Date>, open: Date| day.unwrap_or(open).to_string();
            let (from, to) = (day(filter.houdbaar_van, FIRST_DAY), day(filter.houdbaar_tot_en_met, LAST_DAY));
            eisen.push(Eis::Tussen(Waarop::Houdbaar, from, to));
        }
        Ok(Vraag { van, tot, eisen })
    }

    /// An employee of any of the organisations that are seen: a reference means somebody else at each.
    fn employee(&self, identiteit: &Identiteit, namen: &Namen, medewerker: &str) -> Vec<Merk> {
        let ziet = &identiteit.ziet;
        let mut oins: BTreeSet<Oin> = ziet.partners().iter().flat_map(|naam| namen.oins(naam)).collect();
        if ziet.is_alles() {
            oins.extend(namen.all_oins().cloned());
            // Auditors and beheer are no partner.
            let van_kracht = self.van_kracht();
            oins.extend(van_kracht.deelnemers().toegangen.iter().map(|toegang| toegang.identiteit.oin.clone()));
        }
        let mark = |oin: &Oin| Merk::pseudoniem(Waarop::Medewerker, &self.keys.medewerker(oin, medewerker));
        oins.iter().map(mark).collect()
    }
}

/// How far the sight of somebody reaches.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sight {
    /// What the partners that it sees took part in, and what their own FGs looked at.
    Own,
    /// That, and what no partner took part in.
    AndNobodys,
}

/// What a regel must have to be seen; nothing for who sees everything.
fn rights(ziet: &Zicht, sight: Sight) -> Option<Eis> {
    if ziet.is_alles() {
        return None;
    }
    let of = |waarop: Waarop| ziet.partners().iter().map(move |naam| Merk::new(waarop, naam.as_str()));
    let nobodys = (sight == Sight::AndNobodys).then(|| Merk::new(Waarop::Algemeen, ""));
    Some(Eis::EenVan(of(Waarop::Partij).chain(of(Waarop::Kijker)).chain(nobodys).collect()))
}

/// The regels at these indexes, as they are shown. What may be seen is asked of each once more, of the regel itself.
pub(super) async fn shown_at(
    read: &Pool,
    namen: &Namen,
    identiteit: &Identiteit,
    indexes: &[u64],
) -> Result<Vec<Getoond>, Weigering> {
    let leaves = regels_at(read, indexes).await.map_err(unavailable)?;
    let shown = |(log_index, leaf): (u64, Vec<u8>)| {
        let regel: Logregel = super::read_regel(&leaf)?;
        if !identiteit.ziet.covers(&namen.partijen(log_index, &regel)) {
            return Err(unavailable("the file for searching shows a regel that may not be seen: remove it"));
        }
        Ok(Getoond::new(log_index, leaf, &regel, namen))
    };
    leaves.into_iter().map(shown).collect()
}
