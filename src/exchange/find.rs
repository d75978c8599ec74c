//! Find: the current scenario's of a person, and those that were consulted and wait for a terugkoppeling.

use std::{future::ready, sync::Arc};

use jiff::{Timestamp, ToSpan};

use super::{
    Call, Exchange, unavailable,
    views::{BerichtView, GevondenScenario, OpenTerugkoppeling},
};
use crate::{
    domain::{Adres, LoketNaam, Persoon, Toestand, VanKracht, Weigering},
    store::{
        Actor, Event, Find, Found, PostvakRij,
        reading::{berichten::correcties, postvakken::open_terugkoppelingen},
    },
};

/// Rows in one answer, at most.
const MOST_OPEN: u32 = 1000;

/// What is asked.
#[derive(Clone, Debug)]
pub struct Zoekvraag {
    /// Whom it is about.
    pub persoon: Persoon,
    /// The caller's own case; the logboek commits to it.
    pub zaaknummer: String,
    /// Only at this loket; at all that the certificate opens when absent.
    pub loket: Option<LoketNaam>,
    /// Staff reference of the acting employee.
    pub medewerker: String,
}

impl Exchange {
    /// Finds the current scenario's of a person at the caller's own loketten, the newest first.
    ///
    /// # Errors
    /// [`Weigering::LoketNietVanU`], not yet logged.
    pub async fn find_scenario(&self, call: &Call, vraag: &Zoekvraag) -> Result<Vec<GevondenScenario>, Weigering> {
        let identiteit = call.identiteit();
        let adressen: Vec<Adres> = match &vraag.loket {
            Some(loket) => vec![identiteit.adres(loket)?],
            None => identiteit.loketten.iter().map(|loket| identiteit.adres(loket)).collect::<Result<_, _>>()?,
        };
        let ontvanger = match &adressen[..] {
            [only] => Some(format!("{}/{}", identiteit.oin, only.loket)),
            _ => None,
        };
        let kenmerken = self.keyed(vraag.persoon.kenmerken());
        let betrokkene = self.gezocht(&vraag.persoon);
        let reden = Some(self.reden(&vraag.zaaknummer));
        let actor = Actor { reden, ..self.actor(call, Some(&vraag.medewerker)) };
        let judge = |van_kracht: Arc<VanKracht>| {
            let (adressen, kenmerken) = (adressen.clone(), kenmerken.clone());
            let (betrokkene, ontvanger, actor) = (betrokkene.clone(), ontvanger.clone(), actor.clone());
            ready(Ok(Box::new(Find { adressen, kenmerken, betrokkene, ontvanger, actor, van_kracht })))
        };
        let (found, _) = self.write_judged(call, judge, Event::Find).await?;
        let berichten = found.iter().map(|found| found.rij.bericht);
        let correcties = correcties(&self.store.read, berichten).await.map_err(unavailable)?;
        let scenario = |Found { rij, kenmerk, hoofdpersoon }: Found| GevondenScenario {
            kenmerk,
            hoofdpersoon,
            beschadigd: rij.toestand == Toestand::Beschadigd,
            // One scenario can lie at several loketten of the caller.
            correcties: correcties.get(&rij.bericht).cloned().unwrap_or_default(),
            bericht: BerichtView::from(rij),
        };
        Ok(found.into_iter().map(scenario).collect())
    }

    /// The caller's consulted scenario's that wait for a terugkoppeling longer than so many days.
    ///
    /// # Errors
    /// [`Weigering::LoketNietVanU`], not yet logged.
    pub async fn open_terugkoppelingen(
        &self,
        call: &Call,
        loket: &LoketNaam,
        langer_dan_dagen: u16,
    ) -> Result<Vec<OpenTerugkoppeling>, Weigering> {
        let adres = call.identiteit().adres(loket)?;
        let before = self.klok.now().saturating_sub((24 * i64::from(langer_dan_dagen)).hours());
        let before = before.unwrap_or(Timestamp::MIN);
        let read = self.reading(call)?;
        let open = open_terugkoppelingen(read, &adres, before, MOST_OPEN).await.map_err(unavailable)?;
        let waits = |rij: PostvakRij| {
            let sinds = rij.terugkoppeling_open?;
            Some(OpenTerugkoppeling { bericht: rij.bericht, ontvanger: rij.ontvanger.adres, sinds })
        };
        Ok(open.into_iter().filter_map(waits).collect())
    }
}
