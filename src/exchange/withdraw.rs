//! Withdraw: take back a bericht of one's own.

use std::sync::Arc;

use super::{
    Call, Exchange, RedenIntrekking, VanDePoort,
    poort::Namens,
    unavailable,
    views::{Ingetrokken, IngetrokkenAt, Uitkomst},
};
use crate::{
    domain::{Adres, BerichtId, Berichtsoort, LoketNaam, VanKracht, Weigering},
    logboek::Soort,
    store::{Accept, Actor, Event, StoredBericht, Withdraw, WithdrawnAt, reading::berichten::find},
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

impl From<WithdrawnAt> for IngetrokkenAt {
    fn from(WithdrawnAt { rij, by }: WithdrawnAt) -> Self {
        let uitkomst = match by {
            None => Uitkomst::WasBeeindigd,
            Some((_, Soort::VernietigingGevraagd)) => Uitkomst::VernietigingGevraagd,
            Some(_) if rij.was_received() => Uitkomst::NietBereikbaar,
            Some(_) => Uitkomst::Ingetrokken,
        };
        let log_index = by.map_or(rij.moved_by, |(log_index, _)| log_index);
        Self { ontvanger: rij.ontvanger.adres, uitkomst, log_index }
    }
}

impl Exchange {
    /// Withdraws a bericht; a second time is harmless.
    ///
    /// # Errors
    /// [`Weigering::BerichtOnbekend`] or [`Weigering::AlBeeindigd`], not yet logged.
    pub async fn withdraw(&self, call: &Call, intrekking: &Intrekking) -> Result<Ingetrokken, Weigering> {
        let Intrekking { bericht, loket, reden, toelichting, medewerker } = intrekking;
        let afzender = call.identiteit().adres(loket)?;
        let words = toelichting.as_deref().unwrap_or(reden.as_str());
        let actor = Actor { reden: Some(self.reden(words)), ..self.actor(call, Some(medewerker)) };
        let is_datalek = *reden == RedenIntrekking::VerkeerdGeadresseerd;
        let (afzender, actor) = (&afzender, &actor);
        let judge = |van_kracht: Arc<VanKracht>| async move {
            let stored = find(&self.store.read, *bericht).await.map_err(unavailable)?;
            let stored = stored.filter(|stored| stored.afzender == *afzender).ok_or(Weigering::BerichtOnbekend)?;
            // What follows another bericht is itself a correction: it is corrected by the next one.
            if stored.soort.follows() {
                return Err(Weigering::NietInTeTrekken);
            }
            let received = stored.rijen.iter().filter(|rij| rij.can_be_withdrawn() && rij.was_received());
            let received_by: Vec<Adres> = received.map(|rij| rij.ontvanger.adres.clone()).collect();
            let verzoek = self.vernietigingsverzoek(call, intrekking, &stored, &received_by, &van_kracht).await?;
            Ok(Box::new(Withdraw {
                bericht: *bericht,
                afzender: afzender.clone(),
                actor: actor.clone(),
                datalek: is_datalek.then_some(reden.as_str()),
                received_by,
                verzoek,
                versie: van_kracht.versie(),
            }))
        };
        let (withdrawn, _) = self.write_judged(call, judge, Event::Withdraw).await?;
        if is_datalek {
            tracing::warn!(%bericht, "withdrawn as wrongly addressed: a data leak, for the FGs");
        }
        Ok(Ingetrokken {
            ontvangers: withdrawn.ontvangers.into_iter().map(IngetrokkenAt::from).collect(),
            vernietigingsverzoek: withdrawn.vernietigingsverzoek,
        })
    }

    /// What goes to those who received it and are still deelnemers.
    async fn vernietigingsverzoek(
        &self,
        call: &Call,
        intrekking: &Intrekking,
        stored: &StoredBericht,
        received_by: &[Adres],
        van_kracht: &VanKracht,
    ) -> Result<Option<Arc<Accept>>, Weigering> {
        let there = received_by.iter().filter(|adres| van_kracht.partner_at(adres).is_ok());
        let ontvangers: Vec<Adres> = there.cloned().collect();
        if ontvangers.is_empty() {
            return Ok(None);
        }
        let says = VanDePoort {
            soort: Berichtsoort::Vernietigingsverzoek,
            bericht: stored.id,
            over: stored.soort,
            houdbaar_tot_en_met: stored.last_day().map_err(unavailable)?,
            ontvanger: None,
            reden: Some(intrekking.reden),
        };
        let namens = Namens {
            identiteit: call.identiteit(),
            loket: &intrekking.loket,
            medewerker: &intrekking.medewerker,
            trace: Some(call.trace.clone()),
        };
        self.of_gateway(&says, namens, ontvangers, stored.as_earlier()).await.map(Some)
    }
}
