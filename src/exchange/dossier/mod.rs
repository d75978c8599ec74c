//! Dossier: how partners answer somebody who asks what was exchanged about them (inzage, AVG art. 15).
//!
//! All that is known of a dossier are regels. `inzage_gevraagd` opens it, asks each partner that took part in anything, and extends its
//! term; `inzage_besloten` is what a partner decided; `inzage_verstrekt` closes it. Who asks and what was decided are commitments, whose
//! openings can be erased. The rows are found anew each time somebody looks: what is about the person and stands before the index that
//! the first regel names (`rijen`, with `leven`: what became of each). `staat` reads a dossier, `tekst` is what is sealed of it,
//! `getoond` is what of it somebody may see, and `overzicht` is what the person gets, in `woorden` that most people read.

mod getoond;
mod leven;
mod overzicht;
mod rijen;
mod staat;
mod tekst;
mod woorden;

use std::collections::BTreeSet;

use jiff::ToSpan;

pub(super) use self::staat::Stand;
use self::staat::{Dossier, Kijker};
pub use self::{
    getoond::{Getoond, GetoondeRij, Gevraagd},
    rijen::RijSoort,
};
use super::{
    Call, Exchange,
    toezicht::{Gezien, Inzage, oog::Oog},
    unavailable,
};
use crate::{
    domain::{
        Oin, PartnerNaam, Persoon, Rol, Weigering, Zicht,
        houdbaarheid::amsterdam_date,
        inzage::{Besluit, Oordeel, Termijnen, Verzoek},
    },
    logboek::{Logregel, Soort, tijd},
    sleutels::Veld,
    store::{Actor, Alone, Committed, Event, OpenDossier},
};

/// Dossiers in one list, at most.
const MOST_LISTED: usize = 500;
/// Days since a request came in, at most.
const MOST_DAYS: i64 = 366;

impl Exchange {
    /// Opens a dossier, and asks each partner concerned. Only a contactpunt does.
    ///
    /// # Errors
    /// [`Weigering::VerkeerdeRol`], or [`Weigering::OngeldigVeld`] for a day that cannot be and for marks that several people have; not yet
    /// logged.
    pub async fn open_dossier(
        &self,
        call: &Call,
        inzage: &Inzage,
        (persoon, verzoek): (&Persoon, Verzoek),
    ) -> Result<Getoond, Weigering> {
        contactpunt(call)?;
        let now = self.klok.now();
        let today = amsterdam_date(now);
        let earliest = today.saturating_sub(MOST_DAYS.days());
        if verzoek.ontvangen_op > today || verzoek.ontvangen_op < earliest {
            return Err(Weigering::veld("ontvangen_op", "vandaag of eerder, en hoogstens een jaar geleden"));
        }
        let oog = self.oog_on_all(call).await?;
        let tot = oog.zoeken.bijgewerkt_tot().await.map_err(unavailable)?;
        let kenmerken = self.keyed(persoon.kenmerken());
        if oog.is_ambiguous(&kenmerken).await? {
            let asked = "ook een skn of bsn: met deze naam en geboortedatum zijn er meer mensen";
            return Err(Weigering::veld("persoon", asked));
        }
        let rijen = oog.rijen(&kenmerken, tot, &call.identiteit().partner).await?;
        let asked: BTreeSet<PartnerNaam> = rijen.into_iter().flat_map(|rij| rij.partners).collect();
        let termijnen = Termijnen::new(verzoek.ontvangen_op, now);
        let open = OpenDossier {
            actor: self.actor_of(call, inzage),
            betrokkene: self.vrager(&tekst::of_verzoek(&verzoek), &kenmerken, true),
            antwoord_voor: termijnen.antwoord_voor,
            tot,
            gevraagd: asked.iter().filter_map(|naam| self.oin_of(naam, &oog)).collect(),
        };
        let (regels, _) = self.write(|reply| Event::OpenDossier(Box::new(open), reply)).await?;
        let nummer = regels.first().map(|(index, _)| *index).ok_or_else(|| unavailable("a dossier without a regel"))?;
        self.shown_anew(call, nummer).await
    }

    /// The dossiers in which the caller has a part, what must be answered first before the others; and whether there are more.
    ///
    /// # Errors
    /// [`Weigering::ToegangVervallen`], not yet logged.
    pub async fn list_dossiers(
        &self,
        call: &Call,
        inzage: &Inzage,
        ook_gesloten: bool,
    ) -> Result<(Vec<Getoond>, bool), Weigering> {
        let oog = self.oog_on_all(call).await?;
        let who = call.identiteit();
        let ziet = if who.rol == Rol::Contact { Zicht::op([who.partner.clone()]) } else { who.ziet.clone() };
        let nummers = oog.dossiers_of(&ziet).await?;
        let mut dossiers = oog.dossiers(&nummers).await?;
        dossiers.retain(|dossier| ook_gesloten || dossier.gesloten.is_none());
        // The newest of them, where there are too many.
        let more = dossiers.len().saturating_sub(MOST_LISTED);
        let mut dossiers = dossiers.split_off(more);
        dossiers.sort_by_key(|dossier| (dossier.gesloten.is_some(), dossier.termijnen.antwoord_voor));
        let mut shown = Vec::new();
        for dossier in &dossiers {
            if let Some(kijker) = dossier.kijker(who) {
                shown.push(self.shown(&oog, call, (dossier, kijker)).await?);
            }
        }
        self.log_look(call, inzage, Gezien::default()).await?;
        Ok((shown, more > 0))
    }

    /// A dossier with its rows.
    ///
    /// # Errors
    /// [`Weigering::DossierOnbekend`], of one that is not the caller's to see too; not yet logged.
    pub async fn dossier(&self, call: &Call, inzage: &Inzage, nummer: u64) -> Result<Getoond, Weigering> {
        let getoond = self.shown_anew(call, nummer).await?;
        self.log_look(call, inzage, Gezien { dossier: Some(nummer), ..Gezien::default() }).await?;
        Ok(getoond)
    }

    /// Releases or withholds rows of the caller's partner: those that are named, and all others.
    ///
    /// # Errors
    /// [`Weigering::DossierOnbekend`], [`Weigering::DossierGesloten`], [`Weigering::BesluitNietGevraagd`], or
    /// [`Weigering::OngeldigVeld`] for a row that is not of the partner or gets no decision; not yet logged.
    pub async fn decide_dossier(
        &self,
        call: &Call,
        inzage: &Inzage,
        nummer: u64,
        (named, others): (Besluit, Option<Oordeel>),
    ) -> Result<Getoond, Weigering> {
        contactpunt(call)?;
        let oog = self.oog_on_all(call).await?;
        let (dossier, _) = open_dossier(&oog, call, nummer).await?;
        let partner = &call.identiteit().partner;
        if !dossier.gevraagd.contains_key(partner) {
            return Err(Weigering::BesluitNietGevraagd);
        }
        let rijen = self.rijen_of(&oog, &dossier).await?;
        let mine = rijen.iter().filter(|rij| rij.partners.contains(partner));
        let mine: BTreeSet<u64> = mine.map(|rij| rij.log_index).collect();
        if let Some(other) = named.keys().find(|row| !mine.contains(row)) {
            return Err(Weigering::veld("besluiten", format!("rijen van uw partner; {other} is er geen")));
        }
        let decided = mine.into_iter().map(|row| Some((row, named.get(&row).cloned().or_else(|| others.clone())?)));
        let decided: Option<Besluit> = decided.collect();
        let decided = decided
            .ok_or_else(|| Weigering::veld("overige", "een oordeel over uw rijen die niet apart zijn genoemd"))?;
        let besluit = self.besluit(&tekst::of_besluit(&decided));
        let contactpunt = self.oin_of(&dossier.contactpunt, &oog);
        let regel = |regel: Logregel| Logregel {
            ontvanger: contactpunt.map(|oin| format!("{oin}/")),
            besluit: Some(besluit.commitment.clone()),
            ..regel
        };
        let opening = (Veld::Besluit, vec![besluit.clone()]);
        self.write_regel(call, inzage, (nummer, Soort::InzageBesloten), regel, Some(opening)).await?;
        self.shown_anew(call, nummer).await
    }

    /// Gives two months more.
    ///
    /// # Errors
    /// [`Weigering::DossierOnbekend`], [`Weigering::DossierGesloten`], [`Weigering::BesluitNietGevraagd`] for another than who opened it,
    /// or [`Weigering::TermijnVast`]; not yet logged.
    pub async fn extend_dossier(&self, call: &Call, inzage: &Inzage, nummer: u64) -> Result<Getoond, Weigering> {
        let oog = self.oog_on_all(call).await?;
        let dossier = own_dossier(&oog, call, nummer).await?;
        let now = self.klok.now();
        if dossier.verlengd || dossier.is_late(now) {
            return Err(Weigering::TermijnVast);
        }
        let vrager = oog.vrager(&dossier).await?.ok_or(Weigering::TermijnVast)?;
        let Termijnen { antwoord_voor, .. } = Termijnen::extended(vrager.verzoek.ontvangen_op, now);
        let regel = |regel: Logregel| Logregel { antwoord_voor: Some(tijd(antwoord_voor)), ..regel };
        self.write_regel(call, inzage, (nummer, Soort::InzageGevraagd), regel, None).await?;
        self.shown_anew(call, nummer).await
    }

    /// Closes a dossier: the person gets the overview.
    ///
    /// # Errors
    /// [`Weigering::DossierOnbekend`], [`Weigering::DossierGesloten`], [`Weigering::BesluitNietGevraagd`] for another than who opened it,
    /// or [`Weigering::BesluitOntbreekt`]; not yet logged.
    pub async fn close_dossier(&self, call: &Call, inzage: &Inzage, nummer: u64) -> Result<Getoond, Weigering> {
        let oog = self.oog_on_all(call).await?;
        let dossier = own_dossier(&oog, call, nummer).await?;
        if self.klok.now() < dossier.termijnen.besluiten_voor && dossier.undecided().next().is_some() {
            return Err(Weigering::BesluitOntbreekt);
        }
        // It is found by the person too, so that whoever erases knows that nobody waits any more.
        let vrager = oog.vrager(&dossier).await?;
        let vrager = vrager.map(|of| self.vrager(&tekst::of_verzoek(&of.verzoek), &of.kenmerken, false));
        let regel =
            |regel: Logregel| Logregel { betrokkene: vrager.iter().map(|of| of.commitment.clone()).collect(), ..regel };
        let opening = vrager.clone().map(|of| (Veld::Betrokkene, vec![of]));
        self.write_regel(call, inzage, (nummer, Soort::InzageVerstrekt), regel, opening).await?;
        self.shown_anew(call, nummer).await
    }

    async fn write_regel(
        &self,
        call: &Call,
        inzage: &Inzage,
        (nummer, soort): (u64, Soort),
        with: impl FnOnce(Logregel) -> Logregel,
        opening: Option<(Veld, Vec<Committed>)>,
    ) -> Result<(), Weigering> {
        let mut alone = Alone::of(&self.actor_of(call, inzage), soort);
        alone.regel = with(Logregel { dossier: Some(nummer), ..alone.regel });
        alone.openings.extend(opening);
        self.write(|reply| Event::Log(Box::new(alone), reply)).await.map(drop)
    }

    fn actor_of(&self, call: &Call, Inzage { medewerker, reden }: &Inzage) -> Actor {
        let reden = reden.as_deref().map(|reden| self.reden(reden));
        Actor { reden, ..self.actor(call, Some(medewerker)) }
    }

    /// The OIN under which a partner is addressed; the first that it had, where it is none any more.
    fn oin_of(&self, naam: &PartnerNaam, oog: &Oog<'_>) -> Option<Oin> {
        let partner = self.van_kracht().partners().get(naam).map(|partner| partner.oin().clone());
        partner.or_else(|| oog.namen.oins(naam).into_iter().next())
    }
}

/// Refuses whoever is no contactpunt: FGs and auditors look on, and decide nothing.
fn contactpunt(call: &Call) -> Result<(), Weigering> {
    if call.identiteit().rol == Rol::Contact { Ok(()) } else { Err(Weigering::VerkeerdeRol) }
}

/// A dossier in which the caller has a part.
async fn dossier(oog: &Oog<'_>, call: &Call, nummer: u64) -> Result<(Dossier, Kijker), Weigering> {
    let found = oog.dossiers(&[nummer].into()).await?.into_iter().find(|dossier| dossier.nummer == nummer);
    let dossier = found.ok_or(Weigering::DossierOnbekend)?;
    let kijker = dossier.kijker(call.identiteit()).ok_or(Weigering::DossierOnbekend)?;
    Ok((dossier, kijker))
}

/// The same, not closed yet.
async fn open_dossier(oog: &Oog<'_>, call: &Call, nummer: u64) -> Result<(Dossier, Kijker), Weigering> {
    let (dossier, kijker) = dossier(oog, call, nummer).await?;
    if dossier.gesloten.is_some() { Err(Weigering::DossierGesloten) } else { Ok((dossier, kijker)) }
}

/// One that the caller opened itself, not closed yet.
async fn own_dossier(oog: &Oog<'_>, call: &Call, nummer: u64) -> Result<Dossier, Weigering> {
    contactpunt(call)?;
    let (dossier, kijker) = open_dossier(oog, call, nummer).await?;
    if kijker == Kijker::Contactpunt { Ok(dossier) } else { Err(Weigering::BesluitNietGevraagd) }
}
