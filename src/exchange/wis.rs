//! Wis (erase): what opens the commitments to a person is erased, with the pseudonyms by which that person is found. The logboek stays as it
//! is, and says what of it opens no more.

use std::sync::Arc;

use super::{Call, Exchange, unavailable};
use crate::{
    domain::{Persoon, Weigering},
    store::{Actor, Erase, Event, reading::personen::voorkomens},
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
        let read = self.reading(call)?;
        let keys = self.keys.sealing().openingen(Arc::clone(&self.rng));
        let found = voorkomens(read, &keys, &self.keyed(persoon.kenmerken())).await.map_err(unavailable)?;
        if found.openingen.is_empty() {
            return Err(Weigering::NiemandGevonden);
        }
        if !found.open_dossiers.is_empty() {
            return Err(Weigering::DossierOpen);
        }
        let (openingen, berichten) = (found.openingen.len() as u64, found.berichten.len() as u64);
        let erase = Erase {
            actor: Actor { reden: Some(self.reden(reden)), ..self.actor(call, Some(medewerker)) },
            openingen: found.openingen,
            berichten: found.berichten,
        };
        let (regels, _) = self.write(|reply| Event::Erase(Box::new(erase), reply)).await?;
        Ok(Gewist { openingen, berichten, regels: regels.into_iter().map(|(index, _)| index).collect() })
    }
}
