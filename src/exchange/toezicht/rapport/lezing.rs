//! Lezing (reading): goes through the regels of a period once, and hands each to every section.

use std::collections::HashMap;

use jiff::Timestamp;

use super::{
    super::{Getoond, oog::Oog, read_regel},
    Stuk,
    blikken::Blikken,
    einde::Einde,
    integriteit::Integriteit,
    lekken::Lekken,
    mensen::Mensen,
    omvang::Omvang,
    openstaand::Openstaand,
    opvallend::Opvallend,
    weigeringen::Weigeringen,
    wijzigingen::Wijzigingen,
};
use crate::{
    documenten::hash,
    domain::{BerichtId, Weigering},
    exchange::unavailable,
    logboek::{Logregel, Soort},
    sleutels::{CommitmentOpening, Veld},
    store::{
        ledger::regels::regels_at,
        reading::{
            openingen::opened,
            rapport::{beantwoord, marks, openstaand},
        },
        zoeken::{Eis, Merk, Waarop},
    },
};

/// Berichten that are looked for at once.
const AT_ONCE: usize = 500;
/// Regels that are read at once.
const PAGE: usize = 2048;

/// A regel, with what it takes to tell of it.
pub(super) struct Gebeurtenis {
    pub(super) getoond: Getoond,
    pub(super) regel: Logregel,
    pub(super) tijd: Timestamp,
    /// The code of the employee, where it was opened.
    pub(super) medewerker: Option<String>,
    /// The reason, where it was opened.
    pub(super) reden: Option<String>,
}

impl Gebeurtenis {
    /// The partner that sent, by name.
    pub(super) fn afzender(&self) -> Option<&str> {
        self.getoond.afzender.as_deref().map(partner)
    }

    /// The partner that was sent to, by name.
    pub(super) fn ontvanger(&self) -> Option<&str> {
        self.getoond.ontvanger.as_deref().map(partner)
    }

    pub(super) fn bericht(&self) -> Option<BerichtId> {
        self.regel.bericht.as_deref()?.parse().ok()
    }

    /// The bericht for this one ontvanger.
    pub(super) fn at(&self) -> Option<(BerichtId, String)> {
        Some((self.bericht()?, self.getoond.ontvanger.clone()?))
    }

    /// Whether a bericht was refused when it was to be handed out: nobody asked for anything that is not allowed.
    pub(super) fn is_refused_at_delivery(&self) -> bool {
        let receives = self.ontvanger().is_some() && self.ontvanger() == self.getoond.actor.as_deref();
        self.regel.soort == Soort::Geweigerd && self.regel.bericht.is_some() && receives
    }

    /// Whether a partner did it, not somebody of toezicht or beheer.
    pub(super) fn is_of_partner(&self) -> bool {
        self.regel.rol.as_deref() == Some("partner")
    }

    /// For how many calls it stands.
    pub(super) fn aantal(&self) -> u64 {
        self.regel.aantal.unwrap_or(1)
    }
}

/// The partner of an address.
pub(super) fn partner(adres: &str) -> &str {
    adres.split('/').next().unwrap_or_default()
}

/// What each section keeps of the regels.
#[derive(Default)]
pub(super) struct Gelezen {
    pub(super) omvang: Omvang,
    pub(super) mensen: Mensen,
    pub(super) weigeringen: Weigeringen,
    pub(super) openstaand: Openstaand,
    pub(super) einde: Einde,
    pub(super) lekken: Lekken,
    pub(super) wijzigingen: Wijzigingen,
    pub(super) blikken: Blikken,
    pub(super) opvallend: Opvallend,
    pub(super) integriteit: Integriteit,
}

impl Gelezen {
    fn take(&mut self, regel: &Gebeurtenis) {
        self.omvang.take(regel);
        self.weigeringen.take(regel);
        self.openstaand.take(regel);
        self.einde.take(regel);
        self.lekken.take(regel);
        self.wijzigingen.take(regel);
        self.blikken.take(regel);
        self.opvallend.take(regel);
        self.integriteit.take(regel);
    }
}

/// Whether a section asks who did it, or why.
fn is_asked_who(regel: &Logregel) -> bool {
    let searched = regel.soort == Soort::Geraadpleegd && regel.uitkomst.is_some();
    searched
        || matches!(
            regel.soort,
            Soort::Geweigerd
                | Soort::Ingezien
                | Soort::Geexporteerd
                | Soort::Beheerd
                | Soort::ConvenantGewijzigd
                | Soort::PartnerGewijzigd
                | Soort::Voorgesteld
                | Soort::Bekrachtigd
        )
}

/// A short name for an employee, the same in each report, that tells nobody who it is.
fn code(opening: &CommitmentOpening) -> Option<String> {
    let (_, pseudoniem) = opening.pseudoniemen.first()?;
    Some(hash(&format!("medewerker {}", hex::encode(pseudoniem)))[..8].to_owned())
}

impl Oog<'_> {
    /// Reads the regels of a stretch of the logboek that are seen.
    pub(super) async fn lezing(&self, stuk: Stuk) -> Result<Gelezen, Weigering> {
        let found = self.zoeken.find(&self.seen(stuk.van, stuk.tot)).await.map_err(unavailable)?;
        let mut gelezen = Gelezen::default();
        for indexes in self.still_open(stuk).await?.chunks(PAGE) {
            for (index, leaf) in regels_at(self.read, indexes).await.map_err(unavailable)? {
                let regel = read_regel(&leaf)?;
                gelezen.openstaand.take(&self.told(index, leaf, regel, &mut HashMap::new())?);
            }
        }
        for (verzoek, door) in beantwoord(self.read, stuk.van, stuk.periode.eve()).await.map_err(unavailable)? {
            gelezen.openstaand.answered(verzoek, door);
        }
        for indexes in found.page(None, usize::MAX, false).chunks(PAGE) {
            let leaves = regels_at(self.read, indexes).await.map_err(unavailable)?;
            let parsed = leaves.into_iter().map(|(index, leaf)| {
                let regel = read_regel(&leaf)?;
                Ok((index, leaf, regel))
            });
            let parsed: Vec<(u64, Vec<u8>, Logregel)> = parsed.collect::<Result<_, Weigering>>()?;
            let asked = parsed.iter().filter(|(.., regel)| is_asked_who(regel));
            let asked: Vec<(u64, &[u8], &Logregel)> =
                asked.map(|(index, leaf, regel)| (*index, leaf.as_slice(), regel)).collect();
            let mut opened = opened(self.read, &self.openingen, &asked).await.map_err(unavailable)?;
            let accepted = parsed.iter().filter(|(.., regel)| regel.soort == Soort::Aanvaard);
            let mut berichten: Vec<BerichtId> =
                accepted.filter_map(|(.., regel)| regel.bericht.as_deref()?.parse().ok()).collect();
            berichten.dedup();
            gelezen.mensen.take(&marks(self.read, &berichten).await.map_err(unavailable)?);
            for (index, leaf, regel) in parsed {
                gelezen.take(&self.told(index, leaf, regel, &mut opened)?);
            }
        }
        Ok(gelezen)
    }

    /// The regels before a stretch of what was open there: not collected, not confirmed or not answered.
    async fn still_open(&self, Stuk { periode, van, .. }: Stuk) -> Result<Vec<u64>, Weigering> {
        let since = match regels_at(self.read, &[van]).await.map_err(unavailable)?.pop() {
            Some((_, first)) => read_regel(&first)?.tijd.parse().map_err(unavailable)?,
            // Nothing was written since: what is confirmed was confirmed before.
            None => Timestamp::MAX,
        };
        let mut found = Vec::new();
        for berichten in openstaand(self.read, van, (since, periode.eve())).await.map_err(unavailable)?.chunks(AT_ONCE)
        {
            let mut vraag = self.seen(0, van);
            let marks = berichten.iter().map(|bericht| Merk::new(Waarop::Bericht, bericht.to_string())).collect();
            vraag.eisen.push(Eis::EenVan(marks));
            found.extend(self.zoeken.find(&vraag).await.map_err(unavailable)?.page(None, usize::MAX, false));
        }
        // In order, as they were written.
        found.sort_unstable();
        Ok(found)
    }

    pub(super) fn told(
        &self,
        index: u64,
        leaf: Vec<u8>,
        regel: Logregel,
        opened: &mut HashMap<u64, Vec<(Veld, CommitmentOpening)>>,
    ) -> Result<Gebeurtenis, Weigering> {
        let opened = opened.remove(&index).unwrap_or_default();
        let of = |wanted: Veld| opened.iter().find(|(veld, _)| *veld == wanted).map(|(_, opening)| opening);
        Ok(Gebeurtenis {
            tijd: regel.tijd.parse().map_err(unavailable)?,
            medewerker: of(Veld::Medewerker).and_then(code),
            reden: of(Veld::Reden).and_then(|opening| opening.tekst.clone()),
            getoond: Getoond::new(index, leaf, &regel, &self.namen),
            regel,
        })
    }
}
