//! Withdraw: take back a bericht of one's own.

use std::sync::Arc;

use super::{Call, Exchange, RedenIntrekking, VanDePoort, send::MOST_TURNS, unavailable};
use crate::{
    domain::{Adres, BerichtId, Berichtsoort, LoketNaam, VanKracht, Weigering},
    logboek::Soort,
    store::{Accept, Actor, Event, PostvakRij, StoredBericht, Withdraw, Withdrawn, berichten::find, withdraw::can_end},
};

/// What is asked.
#[derive(Clone, Debug)]
pub struct Intrekking {
    /// The bericht.
    pub bericht: BerichtId,
    /// The loket that sent it.
    pub loket: LoketNaam,
    /// Why.
    pub reden: RedenIntrekking,
    /// Why, in words; the logboek commits to it.
    pub toelichting: Option<String>,
    /// Staff reference of the acting employee.
    pub medewerker: String,
}

/// What a withdrawal did for one ontvanger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Uitkomst {
    /// It was not delivered, and never will be.
    Ingetrokken,
    /// It was delivered: its ontvanger is asked to destroy its copy.
    VernietigingGevraagd,
    /// It was delivered, and its ontvanger is no deelnemer any more: nobody asked.
    NietBereikbaar,
    /// It was refused or lapsed before it was delivered.
    WasBeeindigd,
}

impl Uitkomst {
    /// Of a row, and the soort of the regel by which it was withdrawn.
    #[must_use]
    pub fn of(rij: &PostvakRij, by: Option<Soort>) -> Self {
        match by {
            None => Self::WasBeeindigd,
            Some(Soort::VernietigingGevraagd) => Self::VernietigingGevraagd,
            Some(_) if rij.kreeg() => Self::NietBereikbaar,
            Some(_) => Self::Ingetrokken,
        }
    }
}

impl Exchange {
    /// Withdraws a bericht; a second time is harmless.
    ///
    /// # Errors
    /// [`Weigering::BerichtOnbekend`] or [`Weigering::AlBeeindigd`], not yet logged.
    pub async fn withdraw(&self, call: &Call, intrekking: &Intrekking) -> Result<Withdrawn, Weigering> {
        let afzender = call.identiteit().adres(&intrekking.loket)?;
        let words = intrekking.toelichting.as_deref().unwrap_or(intrekking.reden.as_str());
        let actor =
            Actor { reden: Some(self.committed(words.as_bytes())), ..self.actor(call, Some(&intrekking.medewerker)) };
        for _ in 0..MOST_TURNS {
            let van_kracht = self.van_kracht();
            van_kracht.deelnemers().still(&call.aangemeld)?;
            let stored = find(&self.store.read, intrekking.bericht).await.map_err(unavailable)?;
            let stored = stored.filter(|stored| stored.afzender == afzender).ok_or(Weigering::BerichtOnbekend)?;
            // What follows another bericht is itself a correction: it is corrected by the next one.
            if stored.soort.follows() {
                return Err(Weigering::NietInTeTrekken);
            }
            let got = stored.rijen.iter().filter(|rij| can_end(rij) && rij.kreeg());
            let kregen: Vec<Adres> = got.map(|rij| rij.ontvanger.clone()).collect();
            let verzoek = self.vernietigingsverzoek(call, intrekking, stored, &kregen, &van_kracht).await?;
            let withdraw = Withdraw {
                bericht: intrekking.bericht,
                afzender: afzender.clone(),
                actor: actor.clone(),
                datalek: (intrekking.reden == RedenIntrekking::VerkeerdGeadresseerd)
                    .then_some(RedenIntrekking::VerkeerdGeadresseerd.as_str()),
                kregen,
                verzoek,
                versie: van_kracht.versie(),
            };
            let event = |reply| Event::Withdraw(Box::new(withdraw), reply);
            let (written, _) = self.write(event).await?;
            let Ok(withdrawn) = written else {
                self.refresh().await.map_err(unavailable)?;
                continue;
            };
            let withdrawn = withdrawn?;
            if intrekking.reden == RedenIntrekking::VerkeerdGeadresseerd {
                tracing::warn!(bericht = %intrekking.bericht, "withdrawn as wrongly addressed: a data leak, for the FGs");
            }
            return Ok(withdrawn);
        }
        Err(unavailable("a bericht is delivered faster than it can be withdrawn"))
    }

    /// What goes to those who got it and are still deelnemers.
    async fn vernietigingsverzoek(
        &self,
        call: &Call,
        intrekking: &Intrekking,
        stored: StoredBericht,
        kregen: &[Adres],
        van_kracht: &VanKracht,
    ) -> Result<Option<Arc<Accept>>, Weigering> {
        let there = kregen.iter().filter(|adres| van_kracht.partner_at(adres).is_ok());
        let ontvangers: Vec<Adres> = there.cloned().collect();
        let Some(last_day) = stored.rijen.iter().map(|rij| rij.stempel.houdbaar_tot_en_met).max() else {
            return Ok(None);
        };
        if ontvangers.is_empty() {
            return Ok(None);
        }
        let says = VanDePoort {
            soort: Berichtsoort::Vernietigingsverzoek,
            bericht: stored.id,
            over: stored.soort,
            houdbaar_tot_en_met: last_day,
            ontvanger: None,
            reden: Some(intrekking.reden),
        };
        let namens = (call.identiteit(), &intrekking.loket, intrekking.medewerker.as_str());
        let trace = Some(call.trace.clone());
        self.of_gateway(&says, namens, ontvangers, stored.into_eerder(), trace).await.map(Some)
    }
}
