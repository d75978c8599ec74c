//! Toezicht: what FGs and auditors see. Each sees the logregels of the partners in its [`Zicht`](crate::domain::Zicht), never content;
//! and each look is itself a logregel, durable before what was seen leaves.

pub mod bewijs;

use super::{Call, Exchange, unavailable};
use crate::{
    domain::{BerichtId, Weigering},
    logboek::{Logregel, Soort},
    store::{Actor, Alone, Event, Pool, reading::namen::Namen},
};

/// Who looks, and why.
#[derive(Clone, Debug)]
pub struct Inzage {
    /// Staff reference of who looks.
    pub medewerker: String,
    /// Why, where that was said.
    pub reden: Option<String>,
}

/// What a look was at.
#[derive(Default)]
struct Gezien {
    bericht: Option<BerichtId>,
}

impl Exchange {
    /// The reading side for somebody of toezicht, with the names of all times.
    async fn overseeing(&self, call: &Call) -> Result<(&Pool, Namen), Weigering> {
        let read = self.reading(call)?;
        let namen = Namen::read(read, Some(self.poort.oin.clone())).await.map_err(unavailable)?;
        Ok((read, namen))
    }

    /// Logs a look.
    async fn log_look(&self, call: &Call, inzage: &Inzage, gezien: Gezien) -> Result<(), Weigering> {
        let reden = inzage.reden.as_deref().map(|reden| self.reden(reden));
        let actor = Actor { reden, ..self.actor(call, Some(&inzage.medewerker)) };
        let alone = Alone { bericht: gezien.bericht, ..Alone::of(&actor, Soort::Ingezien) };
        self.write(|reply| Event::Log(Box::new(alone), reply)).await.map(drop)
    }
}

/// A regel of the logboek, to look at.
fn read_regel(leaf: &[u8]) -> Result<Logregel, Weigering> {
    Logregel::from_leaf(leaf).map_err(unavailable)
}
