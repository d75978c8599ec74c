//! Staat (state): a dossier as the logboek has it. Nothing else is kept of it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{
    super::{
        Call,
        toezicht::{
            oog::{Oog, Sight, rights},
            read_regel,
        },
        unavailable,
    },
    rijen::Kenmerken,
    tekst,
};
use crate::{
    domain::{
        Deelnemers, Identiteit, Kenmerk, PartnerNaam, Rol, Weigering, Zicht,
        inzage::{Besluit, Termijnen, Verzoek},
        persoon::agreeing,
    },
    logboek::{Logregel, Soort},
    sleutels::{CommitmentOpening, Veld},
    store::{
        ledger::regels::regels_at,
        reading::openingen::opened,
        zoeken::{Eis, Merk, Vraag, Waarop},
    },
};

/// Regels that are read at once.
const PAGE: usize = 2048;

/// A dossier.
pub(super) struct Dossier {
    /// The index of its first regel.
    pub(super) nummer: u64,
    /// Whose contactpunt opened it.
    pub(super) contactpunt: PartnerNaam,
    /// When, as `tijd`.
    pub(super) geopend: String,
    /// It is about regels before this index.
    pub(super) tot: u64,
    pub(super) termijnen: Termijnen,
    pub(super) verlengd: bool,
    /// When the overview was handed over, and the index of the regel that says so.
    pub(super) gesloten: Option<(Timestamp, u64)>,
    /// The partners that are asked, each with the newest decision that counts.
    pub(super) gevraagd: BTreeMap<PartnerNaam, Option<Besloten>>,
    /// Its first regel, with its bytes.
    first: (Vec<u8>, Logregel),
}

/// A decision of a partner.
pub(super) struct Besloten {
    index: u64,
    /// When.
    pub(super) tijd: Timestamp,
    leaf: Vec<u8>,
    regel: Logregel,
}

/// As what somebody looks at a dossier.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kijker {
    /// The contactpunt that opened it.
    Contactpunt,
    /// A partner that is asked.
    Gevraagd,
    /// Who oversees the partner that opened it.
    Toezicht,
    /// Who oversees a partner that is asked.
    ToezichtOpGevraagd,
}

impl Kijker {
    /// Whether this one knows of all partners that are asked how many did not decide. The others know it of their own alone.
    #[must_use]
    pub fn counts_all(self) -> bool {
        matches!(self, Self::Contactpunt | Self::Toezicht)
    }
}

impl Dossier {
    /// From its regels, in order; nothing where the first one is not among them.
    fn read(nummer: u64, regels: Vec<(u64, Vec<u8>, Logregel)>, oog: &Oog<'_>) -> Option<Self> {
        let mut regels = regels.into_iter();
        let (_, leaf, first) = regels.find(|(index, ..)| *index == nummer)?;
        let partner = |index: u64, oin: &str| oog.namen.naam(index, oin).cloned();
        let antwoord_voor: Timestamp = first.antwoord_voor.as_deref()?.parse().ok()?;
        let mut dossier = Self {
            nummer,
            contactpunt: partner(nummer, first.actor.as_deref()?)?,
            geopend: first.tijd.clone(),
            tot: first.tot?,
            termijnen: Termijnen::of(antwoord_voor, first.tijd.parse().ok()?),
            verlengd: false,
            gesloten: None,
            gevraagd: BTreeMap::new(),
            first: (leaf, first),
        };
        for (index, leaf, regel) in regels {
            let Ok(tijd) = regel.tijd.parse::<Timestamp>() else { continue };
            match (regel.soort, &regel.ontvanger) {
                (Soort::InzageGevraagd, Some(adres)) => {
                    let asked = partner(index, adres.split('/').next().unwrap_or_default());
                    dossier.gevraagd.extend(asked.map(|naam| (naam, None)));
                }
                (Soort::InzageGevraagd, None) => {
                    let until = regel.antwoord_voor.as_deref().and_then(|until| until.parse().ok());
                    dossier.verlengd = true;
                    dossier.termijnen = until.map_or(dossier.termijnen, |until| Termijnen::of(until, tijd));
                }
                // What is decided after the overview was handed over changes nothing of it.
                (Soort::InzageBesloten, _) if dossier.gesloten.is_none() => {
                    let by = regel.actor.as_deref().and_then(|oin| partner(index, oin));
                    let asked = by.and_then(|naam| dossier.gevraagd.get_mut(&naam));
                    if let Some(decided) = asked {
                        *decided = Some(Besloten { index, tijd, leaf, regel });
                    }
                }
                (Soort::InzageVerstrekt, _) => dossier.gesloten = dossier.gesloten.or(Some((tijd, index))),
                _ => {}
            }
        }
        Some(dossier)
    }

    /// As what somebody looks at it; nothing where it is not theirs to see. Where the partner that opened it has no contactpunt any more, each
    /// that is asked can go on with it.
    pub(super) fn kijker(&self, who: &Identiteit, deelnemers: &Deelnemers) -> Option<Kijker> {
        let opened = BTreeSet::from([self.contactpunt.clone()]);
        let asked: BTreeSet<PartnerNaam> = self.gevraagd.keys().cloned().collect();
        match who.rol {
            Rol::Contact if who.partner == self.contactpunt => Some(Kijker::Contactpunt),
            Rol::Contact if !asked.contains(&who.partner) => None,
            Rol::Contact if deelnemers.has_contactpunt(&self.contactpunt) => Some(Kijker::Gevraagd),
            Rol::Contact => Some(Kijker::Contactpunt),
            Rol::Fg | Rol::Auditor if who.ziet.covers(&opened) => Some(Kijker::Toezicht),
            Rol::Fg | Rol::Auditor if !asked.is_empty() && who.ziet.covers(&asked) => Some(Kijker::ToezichtOpGevraagd),
            _ => None,
        }
    }

    /// The partners that are asked and did not decide.
    pub(super) fn undecided(&self) -> impl Iterator<Item = &PartnerNaam> {
        self.gevraagd.iter().filter(|(_, decided)| decided.is_none()).map(|(naam, _)| naam)
    }

    /// Whether partners that did not decide are late.
    pub(super) fn is_decided_late(&self, now: Timestamp) -> bool {
        self.gesloten.is_none() && now >= self.termijnen.besluiten_voor
    }

    /// Whether it was not answered in time.
    pub(super) fn is_late(&self, now: Timestamp) -> bool {
        self.gesloten.map_or(now, |(tijd, _)| tijd) >= self.termijnen.antwoord_voor
    }
}

/// How a dossier stands, for who oversees it.
pub(in crate::exchange) struct Stand {
    pub(in crate::exchange) nummer: u64,
    pub(in crate::exchange) contactpunt: String,
    pub(in crate::exchange) geopend: Timestamp,
    pub(in crate::exchange) antwoord_voor: Timestamp,
    pub(in crate::exchange) gesloten: Option<Timestamp>,
    /// The index of the regel that says so.
    pub(in crate::exchange) gesloten_door: Option<u64>,
    pub(in crate::exchange) te_laat: bool,
    /// Partners that did not decide, of those that are seen.
    pub(in crate::exchange) zonder_besluit: Vec<String>,
    /// Of these, the ones whose term has passed while it is open.
    pub(in crate::exchange) te_laat_met_besluit: Vec<String>,
}

impl Stand {
    fn new(dossier: &Dossier, ziet: &Zicht, now: Timestamp) -> Self {
        let opened = BTreeSet::from([dossier.contactpunt.clone()]);
        let sees = |naam: &PartnerNaam| ziet.covers(&opened) || ziet.covers(&[naam.clone()].into());
        let undecided: Vec<String> = dossier.undecided().filter(|naam| sees(naam)).map(ToString::to_string).collect();
        Self {
            nummer: dossier.nummer,
            contactpunt: dossier.contactpunt.to_string(),
            geopend: dossier.geopend.parse().unwrap_or_default(),
            antwoord_voor: dossier.termijnen.antwoord_voor,
            gesloten: dossier.gesloten.map(|(tijd, _)| tijd),
            gesloten_door: dossier.gesloten.map(|(_, index)| index),
            te_laat: dossier.is_late(now),
            te_laat_met_besluit: if dossier.is_decided_late(now) { undecided.clone() } else { Vec::new() },
            zonder_besluit: undecided,
        }
    }
}

/// Who asks in a dossier.
pub(super) struct Vrager {
    /// What was asked.
    pub(super) verzoek: Verzoek,
    /// By what the person is found.
    pub(super) kenmerken: Vec<(Kenmerk, [u8; 32])>,
}

impl Oog<'_> {
    /// How the dossiers stand in which a partner has a part that is seen.
    pub(in crate::exchange) async fn standen(&self, now: Timestamp) -> Result<Vec<Stand>, Weigering> {
        let nummers = self.dossiers_of(&self.ziet).await?;
        let dossiers = self.dossiers(&nummers).await?;
        Ok(dossiers.iter().map(|dossier| Stand::new(dossier, &self.ziet, now)).collect())
    }

    /// The dossiers with these numbers, as far as there are any.
    pub(super) async fn dossiers(&self, nummers: &BTreeSet<u64>) -> Result<Vec<Dossier>, Weigering> {
        let marks = nummers.iter().map(|nummer| Merk::new(Waarop::Dossier, nummer.to_string())).collect();
        let mut by_number: BTreeMap<u64, Vec<(u64, Vec<u8>, Logregel)>> = BTreeMap::new();
        for (index, leaf) in self.found(vec![Eis::EenVan(marks)]).await? {
            let regel = read_regel(&leaf)?;
            by_number.entry(regel.dossier.unwrap_or(index)).or_default().push((index, leaf, regel));
        }
        Ok(by_number.into_iter().filter_map(|(nummer, regels)| Dossier::read(nummer, regels, self)).collect())
    }

    /// The numbers of the dossiers in which a partner has a part that is seen.
    pub(super) async fn dossiers_of(&self, ziet: &Zicht) -> Result<BTreeSet<u64>, Weigering> {
        let asked = Eis::EenVan(vec![Merk::new(Waarop::Soort, Soort::InzageGevraagd.as_str())]);
        let eisen = rights(ziet, Sight::Own).into_iter().chain([asked]).collect();
        let found = self.found(eisen).await?;
        let nummer = |(index, leaf): (u64, Vec<u8>)| Ok(read_regel(&leaf)?.dossier.unwrap_or(index));
        found.into_iter().map(nummer).collect()
    }

    /// The open dossier of the caller about somebody with these marks under this kenmerk, if there is one.
    pub(super) async fn opened_before(
        &self,
        call: &Call,
        kenmerken: &Kenmerken,
        kenmerk: &str,
    ) -> Result<Option<u64>, Weigering> {
        let partner = &call.identiteit().partner;
        let nummers = self.dossiers_of(&Zicht::op([partner.clone()])).await?;
        let dossiers = self.dossiers(&nummers).await?;
        for dossier in dossiers.iter().filter(|of| of.gesloten.is_none() && of.contactpunt == *partner) {
            let vrager = self.vrager(dossier).await?;
            let same = |of: &Vrager| of.verzoek.kenmerk == kenmerk && agreeing(kenmerken, &of.kenmerken).is_some();
            if vrager.as_ref().is_some_and(same) {
                return Ok(Some(dossier.nummer));
            }
        }
        Ok(None)
    }

    /// All regels that have this, in order.
    pub(super) async fn found(&self, eisen: Vec<Eis>) -> Result<Vec<(u64, Vec<u8>)>, Weigering> {
        let tot = self.zoeken.bijgewerkt_tot().await.map_err(unavailable)?;
        let found = self.zoeken.find(&Vraag { van: 0, tot, eisen }).await.map_err(unavailable)?;
        let mut regels = Vec::new();
        for indexes in found.page(None, usize::MAX, false).chunks(PAGE) {
            regels.extend(regels_at(self.read, indexes).await.map_err(unavailable)?);
        }
        Ok(regels)
    }

    /// Who asks; nothing once that was erased.
    pub(super) async fn vrager(&self, dossier: &Dossier) -> Result<Option<Vrager>, Weigering> {
        let (leaf, regel) = &dossier.first;
        let opened = self.opening((dossier.nummer, leaf, regel), Veld::Betrokkene).await?;
        let of = |CommitmentOpening { pseudoniemen, tekst, .. }: CommitmentOpening| {
            let kenmerken = pseudoniemen.into_iter().filter_map(|(kenmerk, of)| Some((kenmerk?, of))).collect();
            Some(Vrager { verzoek: tekst::verzoek(&tekst?)?, kenmerken })
        };
        Ok(opened.and_then(of))
    }

    /// What the partners decided, each for all of its rows.
    pub(super) async fn besluiten(&self, dossier: &Dossier) -> Result<BTreeMap<PartnerNaam, Besluit>, Weigering> {
        let mut besluiten = BTreeMap::new();
        for (naam, decided) in &dossier.gevraagd {
            let Some(Besloten { index, leaf, regel, .. }) = decided else { continue };
            let opening = self.opening((*index, leaf, regel), Veld::Besluit).await?;
            let besluit = opening.and_then(|opening| tekst::besluit(&opening.tekst?));
            besluiten.extend(besluit.map(|of| (naam.clone(), of)));
        }
        Ok(besluiten)
    }

    async fn opening(
        &self,
        regel: (u64, &Vec<u8>, &Logregel),
        wanted: Veld,
    ) -> Result<Option<CommitmentOpening>, Weigering> {
        let (index, leaf, regel) = regel;
        let asked = [(index, leaf.as_slice(), regel)];
        let opened = opened(self.read, &self.openingen, &asked).await.map_err(unavailable)?.remove(&index);
        Ok(opened.unwrap_or_default().into_iter().find(|(veld, _)| *veld == wanted).map(|(_, opening)| opening))
    }
}
