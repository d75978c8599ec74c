//! Find: the current scenario's of a person, and those that were consulted and wait for a terugkoppeling.

use std::collections::HashMap;

use jiff::ToSpan;

use super::{Call, Exchange, unavailable};
use crate::{
    domain::{Adres, BerichtId, LoketNaam, Persoon, Weigering},
    store::{Actor, Correctie, Event, Find, Found, PostvakRij, berichten::correcties, zoek::open_terugkoppelingen},
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

/// What was found.
pub struct Gevonden {
    /// Each scenario.
    pub scenarios: Vec<Found>,
    /// What its afzender corrected since.
    pub correcties: HashMap<BerichtId, Vec<Correctie>>,
}

impl Exchange {
    /// Finds the current scenario's of a person at the caller's own loketten.
    ///
    /// # Errors
    /// [`Weigering::LoketNietVanU`], not yet logged.
    pub async fn find_scenario(&self, call: &Call, vraag: &Zoekvraag) -> Result<Gevonden, Weigering> {
        let identiteit = call.identiteit();
        let adressen: Vec<Adres> = match &vraag.loket {
            Some(loket) => vec![identiteit.adres(loket)?],
            None => identiteit.loketten.iter().map(|loket| identiteit.adres(loket)).collect::<Result<_, _>>()?,
        };
        let marks = vraag.persoon.kenmerken();
        let named: Vec<String> = marks.iter().map(|(_, text)| text.clone()).collect();
        let kenmerken = self.keyed(marks);
        let betrokkene = self.committed(named.join("\n").as_bytes());
        let reden = Some(self.committed(vraag.zaaknummer.as_bytes()));
        let actor = Actor { reden, ..self.actor(call, Some(&vraag.medewerker)) };
        let event = |van_kracht, reply| {
            let (adressen, kenmerken) = (adressen.clone(), kenmerken.clone());
            let (betrokkene, actor) = (betrokkene.clone(), actor.clone());
            Event::Find(Box::new(Find { adressen, kenmerken, betrokkene, actor, van_kracht }), reply)
        };
        let (scenarios, _) = self.write_judged(call, event).await?;
        let berichten = scenarios.iter().map(|found| found.rij.bericht);
        let correcties = correcties(&self.store.read, berichten).await.map_err(unavailable)?;
        Ok(Gevonden { scenarios, correcties })
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
    ) -> Result<Vec<PostvakRij>, Weigering> {
        let adres = call.identiteit().adres(loket)?;
        self.van_kracht().deelnemers().still(&call.aangemeld)?;
        let before = self.klok.now().saturating_sub((24 * i64::from(langer_dan_dagen)).hours());
        let before = before.map_or(i64::MIN, jiff::Timestamp::as_microsecond);
        open_terugkoppelingen(&self.store.read, &adres, before, MOST_OPEN).await.map_err(unavailable)
    }
}
