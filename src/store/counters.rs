//! How full each postvak is: what bounds the damage of an ontvanger who does not collect.

use std::collections::BTreeMap;

use super::{DbConnection, StoreError, uint};
use crate::domain::Adres;

/// How many open berichten each postvak has, read and written once a transaction.
#[derive(Default)]
pub struct Counters(BTreeMap<Adres, (i64, bool)>);

impl Counters {
    async fn entry(&mut self, tx: &mut DbConnection, adres: &Adres) -> Result<&mut (i64, bool), StoreError> {
        if !self.0.contains_key(adres) {
            let open = sqlx::query_scalar("SELECT open FROM postvakken WHERE partner = $1 AND loket = $2")
                .bind(adres.partner.as_str())
                .bind(adres.loket.as_str())
                .fetch_optional(tx)
                .await?;
            self.0.insert(adres.clone(), (open.unwrap_or(0), false));
        }
        Ok(self.0.get_mut(adres).expect("inserted above"))
    }

    pub(super) async fn open(&mut self, tx: &mut DbConnection, adres: &Adres) -> Result<u64, StoreError> {
        Ok(uint(self.entry(tx, adres).await?.0))
    }

    pub(super) async fn change(&mut self, tx: &mut DbConnection, adres: &Adres, by: i64) -> Result<(), StoreError> {
        let (open, changed) = self.entry(tx, adres).await?;
        *open += by;
        *changed = true;
        Ok(())
    }

    /// Writes what changed, in the order of addresses, so that two writers never wait for each other.
    pub(super) async fn write(self, tx: &mut DbConnection) -> Result<(), StoreError> {
        for (adres, (open, _)) in self.0.iter().filter(|(_, (_, changed))| *changed) {
            sqlx::query(
                "INSERT INTO postvakken (partner, loket, open) VALUES ($1, $2, $3) \
                 ON CONFLICT (partner, loket) DO UPDATE SET open = excluded.open",
            )
            .bind(adres.partner.as_str())
            .bind(adres.loket.as_str())
            .bind(open)
            .execute(&mut *tx)
            .await?;
        }
        Ok(())
    }
}
