//! Dossier: how partners answer somebody who asks what was exchanged about them (inzage, AVG art. 15).
//!
//! All that is known of a dossier are regels. `inzage_gevraagd` opens it, asks each partner that took part in anything, and extends its
//! term; `inzage_besloten` is what a partner decided; `inzage_verstrekt` closes it. Who asks and what was decided are commitments, whose
//! openings can be erased. The rows are found anew each time somebody looks: what is about the person and stands before the index that
//! the first regel names (`rijen`, with `leven`: what became of each). `staat` reads a dossier, `tekst` is what is sealed of it,
//! `getoond` is what of it somebody may see, and `overzicht` is what the person gets, in `zinnen` of `woorden` that most people read.

mod getoond;
mod leven;
mod overzicht;
mod rijen;
mod staat;
mod tekst;
mod woorden;
mod zinnen;

use std::collections::BTreeSet;

use jiff::{
    ToSpan,
    civil::{Date, date},
};

pub use self::leven::eigen_kopie;
use self::staat::Dossier;
pub(super) use self::staat::Stand;
pub use self::{
    getoond::{Getoond, GetoondeRij, Gevraagd},
    overzicht::{Blok, Overzicht},
    rijen::RijSoort,
    staat::Kijker,
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
    logboek::{Soort, tijd},
    sleutels::Veld,
    store::{Alone, Event, InDossier, NotDone, OpenDossier},
};

/// Dossiers in one list, at most.
const MOST_LISTED: usize = 500;
/// Days since a request came in, at most.
const MOST_DAYS: i64 = 366;
/// How often an act in a dossier is judged anew: as often as one partner can be calling at once, and once more.
const MOST_JUDGEMENTS: usize = 17;
/// Nobody who asks was born before.
const FIRST_BIRTHDAY: Date = date(1900, 1, 1);

/// What is done in a dossier.
pub enum Daad {
    /// The partner of the caller releases or withholds its rows: those that are named, and all others. [`Weigering::OngeldigVeld`] for a row
    /// that is not of the partner, or one without a decision.
    Besluit(Besluit, Option<Oordeel>),
    /// Two months more; [`Weigering::TermijnVast`] where that was given before, or the term has passed.
    Verlenging,
    /// The person gets the overview; [`Weigering::BesluitOntbreekt`] as long as partners have to decide and still have time.
    Sluiting,
}

impl Daad {
    /// What the logboek calls it. An extension asks the same once more, with a later term.
    fn soort(&self) -> Soort {
        match self {
            Self::Besluit(..) => Soort::InzageBesloten,
            Self::Verlenging => Soort::InzageGevraagd,
            Self::Sluiting => Soort::InzageVerstrekt,
        }
    }
}

impl Exchange {
    /// Opens a dossier, and asks each partner concerned. Only a contactpunt does. It says whether it wants one beside an open one about the
    /// same person and kenmerk.
    ///
    /// # Errors
    /// [`Weigering::VerkeerdeRol`], [`Weigering::OngeldigVeld`] for a day that cannot be and for marks that several people have, or
    /// [`Weigering::DossierBestaat`]; not yet logged.
    pub async fn open_dossier(
        &self,
        call: &Call,
        inzage: &Inzage,
        (persoon, verzoek, beside): (&Persoon, Verzoek, bool),
    ) -> Result<Getoond, Weigering> {
        contactpunt(call)?;
        let now = self.klok.now();
        let today = amsterdam_date(now);
        let born: Option<Date> = verzoek.geboortedatum.parse().ok();
        if born.is_none_or(|day| day > today || day < FIRST_BIRTHDAY) {
            return Err(Weigering::veld("persoon.geboortedatum", "een dag van 1900-01-01 tot en met vandaag"));
        }
        let earliest = today.saturating_sub(MOST_DAYS.days());
        if verzoek.ontvangen_op > today || verzoek.ontvangen_op < earliest {
            return Err(Weigering::veld("ontvangen_op", "vandaag of eerder, en hoogstens een jaar geleden"));
        }
        let _alone = self.opens.lock().await;
        let oog = self.oog_on_all(call).await?;
        let tot = oog.zoeken.bijgewerkt_tot().await.map_err(unavailable)?;
        let (kenmerken, sporen) = oog.identified(self.keyed(persoon.kenmerken())).await?;
        if !beside && let Some(nummer) = oog.opened_before(call, &kenmerken, &verzoek.kenmerk).await? {
            return Err(Weigering::DossierBestaat(nummer));
        }
        let rijen = oog.rijen(&sporen, (&kenmerken, verzoek.op_nummer), (tot, u64::MAX)).await?;
        let asked: BTreeSet<PartnerNaam> = rijen.into_iter().flat_map(|rij| rij.partners).collect();
        let termijnen = Termijnen::new(verzoek.ontvangen_op, now);
        let open = OpenDossier {
            actor: self.actor_of(call, inzage),
            betrokkene: self.vrager(&tekst::of_verzoek(&verzoek), &kenmerken, true),
            antwoord_voor: termijnen.antwoord_voor,
            tot,
            gevraagd: asked.iter().filter_map(|naam| self.oin_of(naam)).collect(),
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
        let seen = self.dossiers_seen(call, ook_gesloten).await?;
        self.log_look(call, inzage, Gezien::default()).await?;
        Ok(seen)
    }

    /// The same, for who looks at more than these.
    pub(super) async fn dossiers_seen(
        &self,
        call: &Call,
        ook_gesloten: bool,
    ) -> Result<(Vec<Getoond>, bool), Weigering> {
        let oog = self.oog_on_all(call).await?;
        let (who, van_kracht) = (call.identiteit(), self.van_kracht());
        let ziet = if who.rol == Rol::Contact { Zicht::op([who.partner.clone()]) } else { who.ziet.clone() };
        let nummers = oog.dossiers_of(&ziet).await?;
        let mut dossiers = oog.dossiers(&nummers).await?;
        dossiers.retain(|dossier| ook_gesloten || dossier.gesloten.is_none());
        dossiers.sort_by_key(|dossier| (dossier.gesloten.is_some(), dossier.termijnen.antwoord_voor));
        let is_cut = dossiers.len() > MOST_LISTED;
        dossiers.truncate(MOST_LISTED);
        let mut shown = Vec::new();
        for dossier in &dossiers {
            let is_erased = dossier.gesloten.is_none() && oog.vrager(dossier).await?.is_none();
            if is_erased && !ook_gesloten {
                continue;
            }
            if let Some(kijker) = dossier.kijker(who, van_kracht.deelnemers()) {
                shown.push(self.shown(&oog, call, (dossier, kijker)).await?);
            }
        }
        Ok((shown, is_cut))
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

    /// Does something in a dossier, judged by how it stands. Where that changed before it was written, it is judged again.
    ///
    /// # Errors
    /// [`Weigering::DossierOnbekend`], [`Weigering::DossierGesloten`], [`Weigering::BesluitNietGevraagd`], and what the [`Daad`] says; not yet
    /// logged.
    pub async fn do_in_dossier(
        &self,
        call: &Call,
        inzage: &Inzage,
        (nummer, daad): (u64, &Daad),
    ) -> Result<Getoond, Weigering> {
        contactpunt(call)?;
        for _ in 0..MOST_JUDGEMENTS {
            let oog = self.oog_on_all(call).await?;
            let gezien_tot = oog.zoeken.bijgewerkt_tot().await.map_err(unavailable)?;
            let (dossier, kijker) = self.dossier_of(&oog, call, nummer).await?;
            if dossier.gesloten.is_some() {
                return Err(Weigering::DossierGesloten);
            }
            if !matches!(daad, Daad::Besluit(..)) && kijker != Kijker::Contactpunt {
                return Err(Weigering::BesluitNietGevraagd);
            }
            let mut alone = Alone::of(&self.actor_of(call, inzage), daad.soort());
            alone.regel.dossier = Some(nummer);
            match daad {
                Daad::Besluit(named, others) => {
                    let decided = self.decided(&oog, call, &dossier, (named, others.as_ref())).await?;
                    self.keep_decision(&mut alone, &dossier, &decided);
                }
                Daad::Verlenging => self.extend(&mut alone, &oog, &dossier).await?,
                Daad::Sluiting => self.close(&mut alone, &oog, &dossier).await?,
            }
            self.trust_clock()?;
            let done = InDossier { nummer, gezien_tot, alone };
            match self.store.writer.write(|reply| Event::InDossier(Box::new(done), reply)).await {
                Err(NotDone::Outdated) => {}
                Err(error) => return Err(self.said(error)),
                Ok(_) => return self.shown_anew(call, nummer).await,
            }
        }
        Err(self.said(NotDone::Outdated))
    }

    /// What the partner of the caller decides about each of its rows.
    async fn decided(
        &self,
        oog: &Oog<'_>,
        call: &Call,
        dossier: &Dossier,
        (named, others): (&Besluit, Option<&Oordeel>),
    ) -> Result<Besluit, Weigering> {
        let partner = &call.identiteit().partner;
        if !dossier.gevraagd.contains_key(partner) {
            return Err(Weigering::BesluitNietGevraagd);
        }
        let rijen = self.rijen_of(oog, dossier).await?;
        let mine = rijen.iter().filter(|rij| rij.partners.contains(partner));
        let mine: BTreeSet<u64> = mine.map(|rij| rij.log_index).collect();
        if let Some(other) = named.keys().find(|row| !mine.contains(row)) {
            return Err(Weigering::veld("besluiten", format!("rijen van uw partner; {other} is er geen")));
        }
        let of_row = |row: u64| Some((row, named.get(&row).or(others)?.clone()));
        let decided: Option<Besluit> = mine.into_iter().map(of_row).collect();
        decided.ok_or_else(|| Weigering::veld("overige", "een oordeel over uw rijen die niet apart zijn genoemd"))
    }

    fn keep_decision(&self, alone: &mut Alone, dossier: &Dossier, decided: &Besluit) {
        let besluit = self.besluit(&tekst::of_besluit(decided));
        // It is an answer to the contactpunt.
        alone.regel.ontvanger = self.oin_of(&dossier.contactpunt).map(|oin| format!("{oin}/"));
        alone.regel.besluit = Some(besluit.commitment.clone());
        alone.openings.push((Veld::Besluit, vec![besluit]));
    }

    async fn extend(&self, alone: &mut Alone, oog: &Oog<'_>, dossier: &Dossier) -> Result<(), Weigering> {
        let now = self.klok.now();
        if dossier.verlengd || dossier.is_late(now) {
            return Err(Weigering::TermijnVast);
        }
        let vrager = oog.vrager(dossier).await?.ok_or(Weigering::TermijnVast)?;
        let Termijnen { antwoord_voor, .. } = Termijnen::extended(vrager.verzoek.ontvangen_op, now);
        alone.regel.antwoord_voor = Some(tijd(antwoord_voor));
        Ok(())
    }

    async fn close(&self, alone: &mut Alone, oog: &Oog<'_>, dossier: &Dossier) -> Result<(), Weigering> {
        if self.klok.now() < dossier.termijnen.besluiten_voor && dossier.undecided().next().is_some() {
            return Err(Weigering::BesluitOntbreekt);
        }
        // It is found by the person too, so that whoever erases knows that nobody waits any more.
        if let Some(vrager) = oog.vrager(dossier).await? {
            let vrager = self.vrager(&tekst::of_verzoek(&vrager.verzoek), &vrager.kenmerken, false);
            alone.regel.betrokkene = vec![vrager.commitment.clone()];
            alone.openings.push((Veld::Betrokkene, vec![vrager]));
        }
        Ok(())
    }

    /// The OIN under which a partner is addressed now. Who is no deelnemer any more has none: it may be another's by now.
    fn oin_of(&self, naam: &PartnerNaam) -> Option<Oin> {
        self.van_kracht().partners().get(naam).map(|partner| partner.oin().clone())
    }

    /// A dossier in which the caller has a part.
    async fn dossier_of(&self, oog: &Oog<'_>, call: &Call, nummer: u64) -> Result<(Dossier, Kijker), Weigering> {
        let found = oog.dossiers(&[nummer].into()).await?.into_iter().find(|dossier| dossier.nummer == nummer);
        let dossier = found.ok_or(Weigering::DossierOnbekend)?;
        let kijker = dossier.kijker(call.identiteit(), self.van_kracht().deelnemers());
        Ok((dossier, kijker.ok_or(Weigering::DossierOnbekend)?))
    }
}

/// Refuses whoever is no contactpunt: FGs and auditors look on, and decide nothing.
fn contactpunt(call: &Call) -> Result<(), Weigering> {
    if call.identiteit().rol == Rol::Contact { Ok(()) } else { Err(Weigering::VerkeerdeRol) }
}
