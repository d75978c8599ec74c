//! Getoond (shown): a dossier as far as somebody may see it.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    super::{Call, Exchange, toezicht::oog::Oog},
    overzicht::Overzicht,
    rijen::{Rij, RijSoort},
    staat::{Dossier, Kijker, Vrager},
};
use crate::{
    domain::{
        Identiteit, Kenmerk, PartnerNaam, Rol, Weigering,
        inzage::{Besluit, Grond, Oordeel, Termijnen, Verzoek, is_released},
    },
    logboek::tijd,
};

/// A dossier, as far as the caller may see it.
pub struct Getoond {
    /// Its number.
    pub nummer: u64,
    /// As what the caller looks at it.
    pub kijker: Kijker,
    /// The partner whose contactpunt opened it.
    pub contactpunt: String,
    /// When, as `tijd`.
    pub geopend: String,
    /// By when it is to be answered and decided.
    pub termijnen: Termijnen,
    /// Whether the term was extended.
    pub verlengd: bool,
    /// When it was closed, as `tijd`.
    pub gesloten: Option<String>,
    /// Whether it is or was not answered in time.
    pub te_laat: bool,
    /// Who asks.
    pub verzoek: Option<Verzoek>,
    /// Whether no partner is asked at all, because nothing was found of any.
    pub niemand_gevraagd: bool,
    /// How many of the partners that are asked did not decide, of those of which the caller may know.
    pub nog_te_besluiten: u32,
    /// Partners that took part and are deelnemers no more: nobody decides for them.
    pub vertrokken: Vec<String>,
    /// The partners that are asked.
    pub gevraagd: Vec<Gevraagd>,
    /// What is known of the person.
    pub rijen: Vec<GetoondeRij>,
    /// What the person gets.
    pub overzicht: Option<Overzicht>,
}

/// A partner that is asked for its decision.
pub struct Gevraagd {
    /// The partner.
    pub partner: String,
    /// When it decided, as `tijd`.
    pub besloten: Option<String>,
    /// Whether it did not and its term has passed.
    pub te_laat: bool,
    /// How many rows it withholds, by ground and whether that is kept silent.
    pub achtergehouden: BTreeMap<(Grond, bool), u32>,
}

/// A row of a dossier.
pub struct GetoondeRij {
    /// The index of its regel.
    pub log_index: u64,
    /// What it is.
    pub soort: RijSoort,
    /// What happened, in words.
    pub zinnen: Vec<String>,
    /// Who decides about it.
    pub partners: Vec<String>,
    /// By what the person was recognised.
    pub herkend_op: Kenmerk,
    /// What they decided.
    pub oordelen: Vec<(String, Oordeel)>,
}

impl Exchange {
    /// The rows of a dossier: as they are now, and of one that is closed as they were handed over.
    pub(super) async fn rijen_of(&self, oog: &Oog<'_>, dossier: &Dossier) -> Result<Vec<Rij>, Weigering> {
        match oog.vrager(dossier).await? {
            Some(Vrager { verzoek, kenmerken }) => {
                let leven_tot = dossier.gesloten.map_or(u64::MAX, |(_, index)| index);
                let sporen = oog.sporen(&kenmerken).await?;
                oog.rijen(&sporen, (&kenmerken, verzoek.op_nummer), (dossier.tot, leven_tot)).await
            }
            None => Ok(Vec::new()),
        }
    }

    /// A dossier as it is now, with its rows.
    pub(super) async fn shown_anew(&self, call: &Call, nummer: u64) -> Result<Getoond, Weigering> {
        let oog = self.oog_on_all(call).await?;
        let (dossier, kijker) = self.dossier_of(&oog, call, nummer).await?;
        let rijen = self.rijen_of(&oog, &dossier).await?;
        let besluiten = oog.besluiten(&dossier).await?;
        let mut getoond = self.shown(&oog, call, (&dossier, kijker)).await?;
        let took_part: BTreeSet<&PartnerNaam> = rijen.iter().flat_map(|rij| &rij.partners).collect();
        let gone = took_part.into_iter().filter(|naam| !dossier.gevraagd.contains_key(naam));
        let vertrokken: Vec<String> = gone.map(ToString::to_string).collect();
        if let (Kijker::Contactpunt, Some(verzoek)) = (kijker, &getoond.verzoek) {
            let is_whole = vertrokken.is_empty() && dossier.undecided().next().is_none();
            getoond.overzicht = Some(self.overzicht(&oog, (&dossier, is_whole), verzoek, (&rijen, &besluiten)));
        }
        if kijker.counts_all() {
            getoond.vertrokken = vertrokken;
        }
        getoond.rijen = rijen
            .into_iter()
            .filter(|rij| sees_row(call, kijker, rij, &besluiten))
            .map(|rij| shown_row(call, rij, &besluiten))
            .collect();
        Ok(getoond)
    }

    /// A dossier without its rows.
    pub(super) async fn shown(
        &self,
        oog: &Oog<'_>,
        call: &Call,
        (dossier, kijker): (&Dossier, Kijker),
    ) -> Result<Getoond, Weigering> {
        let now = self.klok.now();
        let who = call.identiteit();
        let sees = |naam: &PartnerNaam| sees_partner(who, naam);
        let verzoek = match who.rol {
            Rol::Contact => oog.vrager(dossier).await?.map(|of| of.verzoek),
            _ => None,
        };
        let besluiten = oog.besluiten(dossier).await?;
        let mut gevraagd = Vec::new();
        for (naam, decided) in &dossier.gevraagd {
            let te_laat = decided.is_none() && dossier.is_decided_late(now);
            let mut achtergehouden: BTreeMap<(Grond, bool), u32> = BTreeMap::new();
            for oordeel in besluiten.get(naam).into_iter().flat_map(Besluit::values) {
                // What is not to be told is for that partner, and for who oversees it.
                if let Oordeel::Achtergehouden { grond, verzwegen, .. } = oordeel
                    && (sees(naam) || !verzwegen)
                {
                    *achtergehouden.entry((*grond, *verzwegen)).or_default() += 1;
                }
            }
            let is_shown = match kijker {
                Kijker::Toezicht => true,
                // That a partner has something is its own secret, until it says so or lets its term pass.
                Kijker::Contactpunt => sees(naam) || te_laat || !achtergehouden.is_empty(),
                Kijker::Gevraagd | Kijker::ToezichtOpGevraagd => sees(naam),
            };
            if is_shown {
                let besloten = decided.as_ref().map(|of| tijd(of.tijd));
                gevraagd.push(Gevraagd { partner: naam.to_string(), besloten, te_laat, achtergehouden });
            }
        }
        let undecided = dossier.undecided().filter(|naam| kijker.counts_all() || sees(naam)).count();
        Ok(Getoond {
            nummer: dossier.nummer,
            kijker,
            niemand_gevraagd: dossier.gevraagd.is_empty(),
            contactpunt: dossier.contactpunt.to_string(),
            geopend: dossier.geopend.clone(),
            termijnen: dossier.termijnen,
            verlengd: dossier.verlengd,
            gesloten: dossier.gesloten.map(|(moment, _)| tijd(moment)),
            te_laat: dossier.is_late(now),
            verzoek,
            nog_te_besluiten: u32::try_from(undecided).unwrap_or(u32::MAX),
            vertrokken: Vec::new(),
            gevraagd,
            rijen: Vec::new(),
            overzicht: None,
        })
    }
}

/// Whether somebody sees what a partner decides: its contactpunt, and who oversees it.
fn sees_partner(who: &Identiteit, naam: &PartnerNaam) -> bool {
    match who.rol {
        Rol::Contact => *naam == who.partner,
        _ => who.ziet.covers(&[naam.clone()].into()),
    }
}

/// Whether the caller sees a row: of its own partner, or released by all, or overseen.
fn sees_row(call: &Call, kijker: Kijker, rij: &Rij, besluiten: &BTreeMap<PartnerNaam, Besluit>) -> bool {
    let who = call.identiteit();
    match kijker {
        Kijker::Contactpunt => {
            rij.partners.contains(&who.partner) || is_released(rij.log_index, &rij.partners, besluiten)
        }
        Kijker::Gevraagd => rij.partners.contains(&who.partner),
        Kijker::Toezicht | Kijker::ToezichtOpGevraagd => who.ziet.covers(&rij.partners),
    }
}

fn shown_row(call: &Call, rij: Rij, besluiten: &BTreeMap<PartnerNaam, Besluit>) -> GetoondeRij {
    let Rij { log_index, soort, partners, herkend_op, zinnen } = rij;
    let decided = |naam: &PartnerNaam| Some((naam.to_string(), besluiten.get(naam)?.get(&log_index)?.clone()));
    let oordelen = partners.iter().filter(|naam| sees_partner(call.identiteit(), naam)).filter_map(decided).collect();
    let partners = partners.iter().map(ToString::to_string).collect();
    GetoondeRij { log_index, soort, zinnen, partners, herkend_op, oordelen }
}
