//! Who does something, as the logboek writes it.

use crate::{
    domain::{BerichtId, Identiteit},
    logboek::{Logregel, Soort},
    sleutels::Veld,
    store::{
        StoreError,
        ledger::append::{Appender, Committed},
    },
};

/// Who does something and why, as the logboek writes it.
#[derive(Clone, Debug)]
pub struct Actor {
    /// The verified identity.
    pub identiteit: Identiteit,
    /// W3C trace id, 32 hexadecimal digits.
    pub trace: Option<String>,
    /// The employee.
    pub medewerker: Option<Committed>,
    /// The reason.
    pub reden: Option<Committed>,
}

impl Actor {
    /// A regel of something that this actor does.
    pub(in crate::store) fn regel(&self, soort: Soort) -> Logregel {
        Logregel {
            rol: Some(self.identiteit.rol.to_string()),
            actor: Some(self.identiteit.oin.to_string()),
            trace: self.trace.clone(),
            medewerker: self.medewerker.as_ref().map(|of| of.commitment.clone()),
            reden: self.reden.as_ref().map(|of| of.commitment.clone()),
            ..Logregel::new(String::new(), soort)
        }
    }

    /// What opens the commitments in a regel of something that this actor does.
    pub(in crate::store) fn openings(&self) -> impl Iterator<Item = (Veld, &[Committed])> {
        [(Veld::Medewerker, self.medewerker.as_slice()), (Veld::Reden, self.reden.as_slice())].into_iter()
    }

    /// Appends a regel with what opens its commitments. Gives its index and its bytes.
    pub(in crate::store) fn log(
        &self,
        log: &mut Appender,
        bericht: Option<BerichtId>,
        regel: Logregel,
    ) -> Result<(u64, Vec<u8>), StoreError> {
        let appended = log.append(bericht, regel)?;
        log.keep_openings(self.openings());
        Ok(appended)
    }
}
