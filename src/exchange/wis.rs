//! Wis (erase): what opens the commitments to a person is erased, with the pseudonyms by which that person is found. The logboek stays as it
//! is, and says what of it opens no more.

use std::sync::Arc;

use super::{Call, Exchange, MOST_JUDGEMENTS, unavailable};
use crate::{
    domain::{Persoon, Weigering},
    store::{
        Actor, Erase, Event, NotDone,
        ledger::regels::regel_count,
        reading::{namen::Namen, personen::voorkomens},
    },
};

/// What was erased.
pub struct Gewist {
    /// How many openings.
    pub openingen: u64,
    /// In how many berichten the person stood.
    pub berichten: u64,
    /// The indexes of the regels that say so.
    pub regels: Vec<u64>,
}

impl Exchange {
    /// Erases what opens the commitments to a person.
    ///
    /// # Errors
    /// [`Weigering::NiemandGevonden`], [`Weigering::DossierOpen`] as long as the person waits for an overview, or
    /// [`Weigering::InhoudActueel`] as long as anybody can read a bericht about the person; not yet logged.
    pub async fn erase(
        &self,
        call: &Call,
        persoon: &Persoon,
        reden: &str,
        medewerker: &str,
    ) -> Result<Gewist, Weigering> {
        let keys = self.keys.sealing().openingen(Arc::clone(&self.rng));
        let wanted = self.keyed(persoon.kenmerken());
        for _ in 0..MOST_JUDGEMENTS {
            let read = self.reading(call)?;
            let gezien_tot = regel_count(read).await.map_err(unavailable)?;
            let found = voorkomens(read, &keys, &wanted).await.map_err(unavailable)?;
            if found.openingen.is_empty() {
                return Err(Weigering::NiemandGevonden);
            }
            // One whose contactpunt is no more holds nothing up.
            let namen = Namen::read(read, None).await.map_err(unavailable)?;
            let van_kracht = self.van_kracht();
            let opened_by = found.open_dossiers.iter().filter_map(|(nummer, oin)| namen.naam(*nummer, oin));
            if opened_by.into_iter().any(|naam| van_kracht.deelnemers().has_contactpunt(naam)) {
                return Err(Weigering::DossierOpen);
            }
            let (openingen, berichten) = (found.openingen.len() as u64, found.berichten.len() as u64);
            let actor = Actor { reden: Some(self.reden(reden)), ..self.actor(call, Some(medewerker)) };
            let erase = Erase { gezien_tot, actor, openingen: found.openingen, berichten: found.berichten };
            self.trust_clock()?;
            match self.store.writer.write(|reply| Event::Erase(Box::new(erase), reply)).await {
                // Somebody asked for inzage meanwhile.
                Err(NotDone::Outdated) => {}
                Err(error) => return Err(self.said(error)),
                Ok((regels, _)) => {
                    let regels = regels.into_iter().map(|(index, _)| index).collect();
                    return Ok(Gewist { openingen, berichten, regels });
                }
            }
        }
        Err(self.said(NotDone::Outdated))
    }
}
