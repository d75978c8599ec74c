//! How full each postvak is. The limit on it bounds the damage of an ontvanger who does not collect.

use std::collections::BTreeMap;

use crate::{
    domain::Adres,
    store::{
        DbConnection, StoreError,
        database::rows::{Column, Rows, Script},
        values::uint,
    },
};

/// How many open berichten each postvak has, read and written once a transaction.
#[derive(Default)]
pub struct Counters(BTreeMap<Adres, (i64, bool)>);

impl Counters {
    /// Takes over how many the database has; what is known already stays.
    pub(in crate::store) fn found(&mut self, adres: Adres, open: i64) {
        self.0.entry(adres).or_insert((open, false));
    }

    async fn entry(&mut self, tx: &mut DbConnection, adres: &Adres) -> Result<&mut (i64, bool), StoreError> {
        if !self.0.contains_key(adres) {
            let open = sqlx::query_scalar("SELECT open FROM postvakken WHERE partner = $1 AND loket = $2")
                .bind(adres.partner.as_str())
                .bind(adres.loket.as_str())
                .fetch_optional(tx)
                .await?;
            self.found(adres.clone(), open.unwrap_or(0));
        }
        Ok(self.0.get_mut(adres).expect("found above"))
    }

    pub(in crate::store) async fn open(&mut self, tx: &mut DbConnection, adres: &Adres) -> Result<u64, StoreError> {
        Ok(uint(self.entry(tx, adres).await?.0))
    }

    pub(in crate::store) async fn change(
        &mut self,
        tx: &mut DbConnection,
        adres: &Adres,
        by: i64,
    ) -> Result<(), StoreError> {
        let (open, changed) = self.entry(tx, adres).await?;
        *open += by;
        *changed = true;
        Ok(())
    }

    /// Writes what changed.
    pub(in crate::store) fn write(self, script: &mut Script) {
        const COLUMNS: [Column<'_>; 3] = [Column::Text("partner"), Column::Text("loket"), Column::Int("open")];
        let changed = self.0.into_iter().filter(|(_, (_, changed))| *changed);
        let rows = Rows::of(&COLUMNS, changed, |(adres, (open, _))| {
            [adres.partner.as_str().into(), adres.loket.as_str().into(), open.into()]
        });
        script.insert("postvakken", rows, "ON CONFLICT (partner, loket) DO UPDATE SET open = excluded.open");
    }
}
