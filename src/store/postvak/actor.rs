//! Who does something, as the logboek writes it.

use crate::{
    domain::{BerichtId, Identiteit},
    logboek::{Logregel, Soort},
    store::{StoreError, ledger::append::Appender},
};

/// Who does something and why, as the logboek writes it.
#[derive(Clone, Debug)]
pub struct Actor {
    /// The verified identity.
    pub identiteit: Identiteit,
    /// W3C trace id, 32 hexadecimal digits.
    pub trace: Option<String>,
    /// Commitment to the employee, and its salt.
    pub medewerker: Option<(String, [u8; 32])>,
    /// Commitment to the reason, and its salt.
    pub reden: Option<(String, [u8; 32])>,
}

impl Actor {
    /// A regel of something that this actor does.
    pub(in crate::store) fn regel(&self, soort: Soort) -> Logregel {
        Logregel {
            rol: Some(self.identiteit.rol.to_string()),
            actor: Some(self.identiteit.oin.to_string()),
            trace: self.trace.clone(),
            medewerker: self.medewerker.as_ref().map(|(commitment, _)| commitment.clone()),
            reden: self.reden.as_ref().map(|(commitment, _)| commitment.clone()),
            ..Logregel::new(String::new(), soort)
        }
    }

    /// Appends a regel with the salts of its commitments. Gives its index and its bytes.
    pub(in crate::store) fn log(
        &self,
        log: &mut Appender,
        bericht: Option<BerichtId>,
        regel: Logregel,
    ) -> Result<(u64, Vec<u8>), StoreError> {
        let (log_index, leaf) = log.append(bericht, regel)?;
        let zouten: Vec<u8> = self.medewerker.iter().chain(&self.reden).flat_map(|(_, zout)| *zout).collect();
        if !zouten.is_empty() {
            log.keep_salts(log_index, zouten);
        }
        Ok((log_index, leaf))
    }
}
