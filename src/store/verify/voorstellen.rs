//! Proposals: each text and each signature against its regel.

use sqlx::Row;

use super::{error::VerifyError, onverantwoord::Onverantwoord};
use crate::{
    logboek::{Logregel, Soort, sha256_hex},
    store::{
        DbConnection,
        values::{int, uint},
    },
};

/// How many rows of each table the regels know, as the walk along them has come to know it.
#[derive(Default)]
pub(super) struct Voorstellen {
    proposed: u64,
    decided: u64,
}

impl Voorstellen {
    /// Compares a regel with its row.
    pub(super) async fn regel(
        &mut self,
        tx: &mut DbConnection,
        index: u64,
        regel: &Logregel,
    ) -> Result<(), VerifyError> {
        match regel.soort {
            Soort::Voorgesteld if regel.uitkomst.is_none() => {
                self.proposed += 1;
                let row = sqlx::query("SELECT tekst FROM voorstellen WHERE log_index = $1").bind(int(index));
                let row = row.fetch_optional(tx).await?;
                let tekst = row.map(|row| row.try_get::<Option<String>, _>("tekst")).transpose()?;
                let same =
                    tekst.is_some_and(|tekst| tekst.map(|tekst| sha256_hex(tekst.as_bytes())) == regel.convenant);
                held(same, index, "de voorgestelde tekst ontbreekt, of is een andere dan die van de regel")
            }
            // Agreed, or taken back.
            Soort::Bekrachtigd | Soort::Voorgesteld => {
                self.decided += 1;
                let row = sqlx::query("SELECT handtekening FROM besluiten WHERE log_index = $1").bind(int(index));
                let row = row.fetch_optional(tx).await?;
                let signed = row.map(|row| row.try_get::<Option<Vec<u8>>, _>("handtekening")).transpose()?;
                let same = signed.is_some_and(|signed| signed.as_deref().map(sha256_hex) == regel.handtekening);
                held(same, index, "het besluit ontbreekt, of zijn handtekening is een andere dan die van de regel")
            }
            _ => Ok(()),
        }
    }

    /// Whether there are rows that no regel knows of.
    pub(super) async fn finish(&self, tx: &mut DbConnection, onverantwoord: &Onverantwoord) -> Result<(), VerifyError> {
        let tables = [
            ("voorstellen", "SELECT log_index FROM voorstellen", self.proposed),
            ("besluiten", "SELECT log_index FROM besluiten", self.decided),
        ];
        for (table, sql, known) in tables {
            let rows: Vec<i64> = sqlx::query_scalar(sql).fetch_all(&mut *tx).await?;
            let vouched = rows.into_iter().filter(|index| !onverantwoord.covers(uint(*index))).count();
            if vouched as u64 != known {
                return Err(VerifyError::Table { table, what: "er zijn rijen zonder logregel".to_owned() });
            }
        }
        Ok(())
    }
}

fn held(same: bool, index: u64, what: &str) -> Result<(), VerifyError> {
    if same { Ok(()) } else { Err(VerifyError::Regel { index, what: what.to_owned() }) }
}
