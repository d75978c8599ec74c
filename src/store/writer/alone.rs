//! Alone: a regel that changes nothing else, with what opens its commitments.

use crate::{
    domain::BerichtId,
    logboek::{Logregel, Soort},
    sleutels::Veld,
    store::{
        StoreError,
        ledger::append::{Appender, Committed},
        postvak::actor::Actor,
    },
};

/// A regel that changes nothing else: of a refusal, of what was counted, of a look, of an act of beheer that changes no document.
pub struct Alone {
    /// The regel.
    pub regel: Logregel,
    /// The bericht that it is about.
    pub bericht: Option<BerichtId>,
    /// What opens the commitments in it.
    pub openings: Vec<(Veld, Vec<Committed>)>,
}

impl Alone {
    /// A regel of nobody in particular.
    #[must_use]
    pub fn new(regel: Logregel) -> Self {
        Self { regel, bericht: None, openings: Vec::new() }
    }

    /// Appends it. Gives its index and its bytes.
    pub(super) fn append(&self, log: &mut Appender) -> Result<(u64, Vec<u8>), StoreError> {
        let appended = log.append(self.bericht, self.regel.clone())?;
        log.keep_openings(self.openings.iter().map(|(veld, of)| (*veld, of.as_slice())));
        Ok(appended)
    }

    /// A regel of something that this actor does.
    #[must_use]
    pub fn of(actor: &Actor, soort: Soort) -> Self {
        let openings = actor.openings().map(|(veld, of)| (veld, of.to_vec())).collect();
        Self { openings, ..Self::new(actor.regel(soort)) }
    }
}
