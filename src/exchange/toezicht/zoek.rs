//! Zoek (search): regels by what stands in them and whom they are about; and the life of one bericht.

use std::{cmp::Reverse, collections::BTreeSet, sync::Arc};

use jiff::civil::Date;

use super::{
    Getoond, Gezien, Inzage,
    oog::{Convenanten, Oog},
    read_regel,
};
use crate::{
    domain::{
        BerichtId, Identiteit, PartnerNaam, Persoon, Weigering, Zicht, houdbaarheid::amsterdam_date, partner::GATEWAY,
    },
    exchange::{Call, Exchange, unavailable},
    logboek::Soort,
    sleutels::pagina::Pagina,
    store::{
        StoreError,
        zoeken::{Eis, Merk, Treffers, Vraag, Waarop},
    },
};

/// Regels of one life, at most.
const MOST_LEVEN: usize = 1000;
/// Pages of regels that a search takes up first, at most: so that who asks finds what just happened.
const MOST_TAKEN_UP: usize = 4;
/// Of who must miss nothing.
const MOST_TAKEN_UP_FOR_ALL: usize = 64;

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
    pub(super) fn waarop(self) -> Waarop {
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

/// How often from whom to whom, both partners; the most first.
pub type Paren = Vec<((String, String), u64)>;

/// What was accepted, from whom to whom.
#[derive(Debug, Default)]
pub struct Stromen {
    /// From partners.
    pub paren: Paren,
    /// How often from the gateway itself.
    pub van_poort: u64,
}

/// The life of a bericht.
pub struct Leven {
    /// Its regels and those of its gesprek that may be seen, in order.
    pub regels: Vec<Getoond>,
    /// There are more.
    pub afgekapt: bool,
    /// The convenanten that allowed them, by the hash of their text, as far as they can be read today.
    pub convenanten: Convenanten,
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

impl Oog<'_> {
    /// From whom to whom went what is seen, is of this soort and has all that is asked.
    pub(in crate::exchange) async fn paren(&self, filter: &Zoekfilter, soort: Soort) -> Result<Paren, Weigering> {
        let vraag = self.vraag_of(filter, soort).await?;
        let with = async |waarop: Waarop, waarde: &str| self.with(&vraag, Merk::new(waarop, waarde)).await;
        let (mut sent, mut received) = (Vec::new(), Vec::new());
        for naam in self.namen.partners().into_iter().map(PartnerNaam::as_str) {
            sent.push((naam, with(Waarop::Afzender, naam).await?));
            received.push((naam, with(Waarop::Ontvanger, naam).await?));
        }
        let mut paren = Paren::new();
        for (van, sent) in sent.iter().filter(|(_, sent)| sent.count() > 0) {
            for (naar, received) in &received {
                let aantal = sent.shared_with(received);
                if aantal > 0 {
                    paren.push((((*van).to_owned(), (*naar).to_owned()), aantal));
                }
            }
        }
        paren.sort_by_key(|(_, aantal)| Reverse(*aantal));
        Ok(paren)
    }

    /// How often the gateway itself sent what is seen, is of this soort and has all that is asked.
    async fn van_poort(&self, filter: &Zoekfilter, soort: Soort) -> Result<u64, Weigering> {
        let vraag = self.vraag_of(filter, soort).await?;
        Ok(self.with(&vraag, Merk::new(Waarop::Afzender, GATEWAY)).await?.count())
    }

    async fn vraag_of(&self, filter: &Zoekfilter, soort: Soort) -> Result<Vraag, Weigering> {
        let searched = self.zoeken.bijgewerkt_tot().await.map_err(unavailable)?;
        let mut vraag = self.vraag(filter, searched).await?;
        vraag.eisen.push(Eis::EenVan(vec![Merk::new(Waarop::Soort, soort.as_str())]));
        Ok(vraag)
    }

    /// What has a mark besides what is asked.
    async fn with(&self, vraag: &Vraag, merk: Merk) -> Result<Treffers, Weigering> {
        let mut vraag = vraag.clone();
        vraag.eisen.push(Eis::EenVan(vec![merk]));
        self.zoeken.find(&vraag).await.map_err(unavailable)
    }
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

    /// With what a caller of toezicht looks, and finds what happened until now: nearly all of it, where very much was just written.
    pub(super) async fn oog(&self, call: &Call) -> Result<Oog<'_>, Weigering> {
        self.take_up_some(MOST_TAKEN_UP).await?;
        self.oog_on(call, call.identiteit().ziet.clone()).await
    }

    /// With what a contactpunt looks for somebody: at everything that happened until now. What of it is whose to see is asked afterwards.
    pub(in crate::exchange) async fn oog_on_all(&self, call: &Call) -> Result<Oog<'_>, Weigering> {
        if self.take_up_some(MOST_TAKEN_UP_FOR_ALL).await? {
            return Err(unavailable("the file for searching is being built anew"));
        }
        self.oog_on(call, Zicht::alles()).await
    }

    /// Takes up so many pages. Gives whether there may be more.
    async fn take_up_some(&self, pages: usize) -> Result<bool, Weigering> {
        for _ in 0..pages {
            if !self.take_up().await.map_err(unavailable)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn oog_on(&self, call: &Call, ziet: Zicht) -> Result<Oog<'_>, Weigering> {
        let (read, namen) = self.overseeing(call).await?;
        let zoeken = self.zoeken.as_deref();
        let zoeken = zoeken.ok_or_else(|| unavailable("no port for toezicht, so nothing to search in"))?;
        let sleutels = self.keys.sealing();
        let openingen = sleutels.openingen(Arc::clone(&self.rng));
        Ok(Oog { read, zoeken, sleutels, openingen, namen, ziet })
    }

    /// A page of the regels that the caller may see and that have all that is asked.
    ///
    /// # Errors
    /// [`Weigering::PartnerOnbekend`] or [`Weigering::PaginaOngeldig`], not yet logged.
    pub async fn search(&self, call: &Call, inzage: &Inzage, opdracht: &Zoekopdracht) -> Result<Gevonden, Weigering> {
        let oog = self.oog(call).await?;
        let context = self.context(call, opdracht);
        let page = match &opdracht.pagina {
            Some(text) => Some(self.keys.open_pagina(text, &context).ok_or(Weigering::PaginaOngeldig)?),
            None => None,
        };
        let reached = oog.zoeken.bijgewerkt_tot().await.map_err(unavailable)?;
        // Later pages search no further than the first one did, however much was written since.
        let searched = page.map_or(reached, |page| page.tot);
        if reached < searched {
            return Err(unavailable("the file for searching is being built anew"));
        }
        let vraag = oog.vraag(&opdracht.filter, searched).await?;
        let found = oog.zoeken.find(&vraag).await.map_err(unavailable)?;
        let indexes = found.page(page.map(|page| page.na), opdracht.grootte + 1, opdracht.nieuwste_eerst);
        let shown = &indexes[..indexes.len().min(opdracht.grootte)];
        let volgende = shown
            .last()
            .filter(|_| indexes.len() > shown.len())
            .map(|last| self.keys.seal_pagina(Pagina { tot: searched, na: *last }, &context));
        let regels = oog.shown(shown).await?;
        let betrokkene = opdracht.filter.betrokkene.as_ref().map(|persoon| self.gezocht(persoon));
        let uitkomst = Some(oog.uitkomst(&opdracht.filter, vraag).await?);
        self.log_look(call, inzage, Gezien { betrokkene, uitkomst, ..Gezien::default() }).await?;
        Ok(Gevonden { regels, volgende, bijgewerkt_tot: searched, aantal: found.count() })
    }

    /// From whom to whom went what the caller may see and has all that is asked, each ontvanger counted.
    ///
    /// # Errors
    /// [`Weigering::PartnerOnbekend`], not yet logged.
    pub async fn stromen(&self, call: &Call, inzage: &Inzage, opdracht: &Zoekopdracht) -> Result<Stromen, Weigering> {
        let oog = self.oog(call).await?;
        let stromen = Stromen {
            paren: oog.paren(&opdracht.filter, Soort::Aanvaard).await?,
            van_poort: oog.van_poort(&opdracht.filter, Soort::Aanvaard).await?,
        };
        self.log_look(call, inzage, Gezien::default()).await?;
        Ok(stromen)
    }

    /// The regels of a bericht and of its gesprek that the caller may see, with what they rest on.
    ///
    /// # Errors
    /// [`Weigering::BerichtOnbekend`], for what the caller may not see too; not yet logged.
    pub async fn leven(&self, call: &Call, inzage: &Inzage, bericht: BerichtId) -> Result<Leven, Weigering> {
        let oog = self.oog(call).await?;
        let indexes = oog.leven(bericht).await?;
        let shown = &indexes[..indexes.len().min(MOST_LEVEN)];
        let regels = oog.shown(shown).await?;
        let mut hashes = BTreeSet::new();
        for regel in &regels {
            hashes.extend(read_regel(&regel.leaf)?.convenant);
        }
        let convenanten = oog.convenanten(hashes.iter().map(String::as_str)).await?;
        self.log_look(call, inzage, Gezien { bericht: Some(bericht), ..Gezien::default() }).await?;
        Ok(Leven { regels, afgekapt: indexes.len() > shown.len(), convenanten })
    }

    /// To what a page belongs: this search, this asker, this day.
    fn context(&self, call: &Call, opdracht: &Zoekopdracht) -> Vec<u8> {
        let Identiteit { partner, oin, rol, .. } = call.identiteit();
        let day = amsterdam_date(self.klok.now());
        let order = if opdracht.nieuwste_eerst { "nieuwste" } else { "oudste" };
        let who = format!("{partner}\n{oin}\n{rol}\n{day}\n{order}\n");
        [who.as_bytes(), &opdracht.gevraagd].concat()
    }
}
