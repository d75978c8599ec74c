//! What many events of one transaction ask, looked up at once before any of them is carried out.
//!
//! What was looked up holds as long as this transaction changes nothing of it: a row that changed is taken out (`known`),
//! and whoever asks for it again reads it anew. What could not be read together is asked for by itself.

use std::collections::BTreeSet;

use sqlx::Row;
use uuid::Uuid;

use super::{
    eerder::{self, Earlier},
    known::Wanted,
    leasable,
    new::Request,
    rij::{
        PostvakRij,
        read::{ReadRow, find_at, read_many},
        sql::rows_for,
    },
    work::Work,
};
use crate::{
    domain::{Adres, BerichtId, Toestand},
    store::{
        DbRow, StoreError,
        database::{
            dialect::Dialect,
            rows::{Column, Rows, fetch_all},
        },
        values::{bericht_id, int, uint},
    },
};

impl Work<'_> {
    /// Looks up what the events of a transaction ask.
    pub(in crate::store) async fn look_up(&mut self, wanted: Wanted<'_>) -> Result<(), StoreError> {
        let Wanted { requests, postvakken, at, indexes, reserved, earlier, posts } = wanted;
        self.look_up_requests(requests, postvakken).await?;
        self.look_up_rows(at, indexes, reserved).await?;
        if !earlier.is_empty() {
            let found = eerder::load(self.tx, earlier).await?;
            self.known.earlier.extend(found);
        }
        if !posts.is_empty() {
            let posts = posts.into_iter().map(|(post, most)| (post.clone(), most)).collect();
            leasable::look_up(self, posts).await?;
        }
        Ok(())
    }

    /// Looks up requests and postvakken; each is then known to [`Work::made_by`] and [`Work::open_count`].
    async fn look_up_requests(
        &mut self,
        requests: Vec<Request>,
        postvakken: BTreeSet<Adres>,
    ) -> Result<(), StoreError> {
        const REQUESTS: [Column<'_>; 2] = [Column::Text("partner"), Column::Bytes("request")];
        const POSTVAKKEN: [Column<'_>; 2] = [Column::Text("partner"), Column::Text("loket")];
        let asked = Rows::of(&REQUESTS, &requests, |(partner, request)| {
            [partner.as_str().into(), request.as_bytes().as_slice().into()]
        });
        let counted =
            Rows::of(&POSTVAKKEN, &postvakken, |adres| [adres.partner.as_str().into(), adres.loket.as_str().into()]);
        let made = "SELECT b.id, b.afzender_partner AS partner, b.request_id, NULL AS loket, CAST(0 AS BIGINT) AS open FROM {v} \
                    JOIN berichten b ON b.afzender_partner = v.partner AND b.request_id = v.request";
        let open = "SELECT NULL AS id, p.partner, NULL AS request_id, p.loket, p.open FROM {v} \
                    JOIN postvakken p ON p.partner = v.partner AND p.loket = v.loket";
        for row in fetch_all(self.tx, [(made, asked), (open, counted)]).await? {
            if let Some(loket) = row.try_get::<Option<&str>, _>("loket")? {
                let (adres, open) = counted_at(&row, loket)?;
                self.counters.found(adres, open);
            } else {
                let (request, bericht) = made_before(&row)?;
                self.known.requests.insert(request, Some(bericht));
            }
        }
        // What was not found is not there.
        for request in requests {
            self.known.requests.entry(request).or_insert(None);
        }
        for adres in postvakken {
            self.counters.found(adres, 0);
        }
        Ok(())
    }

    async fn look_up_rows(
        &mut self,
        at: Vec<(BerichtId, &Adres)>,
        indexes: Vec<u64>,
        reserved: Vec<BerichtId>,
    ) -> Result<(), StoreError> {
        const AT: [Column<'_>; 3] = [Column::Bytes("bericht"), Column::Text("partner"), Column::Text("loket")];
        let at = Rows::of(&AT, at, |(bericht, adres)| {
            [bericht.0.as_bytes().as_slice().into(), adres.partner.as_str().into(), adres.loket.as_str().into()]
        });
        let indexes = Rows::of(&[Column::Int("log_index")], indexes, |log_index| [int(log_index).into()]);
        let asks = Rows::of(&[Column::Bytes("verzoek")], &reserved, |id| [id.0.as_bytes().as_slice().into()]);
        let by_adres = rows_for!("", "WHERE p.bericht = v.bericht AND p.partner = v.partner AND p.loket = v.loket");
        let by_verzoek = rows_for!("", "WHERE p.in_antwoord_op = v.verzoek AND p.toestand = 'gereserveerd'");
        let dialect = Dialect::of(self.tx);
        let asked = [(by_adres, at), (PostvakRij::MANY, indexes), (by_verzoek, asks)];
        let found = match fetch_all(self.tx, asked).await {
            // A row of one of them holds bytes that are no valid text: then each is asked for by itself. With PostgreSQL text is
            // always valid, and an error ends the transaction.
            Err(StoreError::Database(error)) if dialect == Dialect::Sqlite && !dialect.is_in_trouble(&error) => {
                return Ok(());
            }
            found => found?,
        };
        for verzoek in reserved {
            self.known.reserved.entry(verzoek).or_default();
        }
        for rij in found.iter().filter_map(|row| PostvakRij::read(row).ok()) {
            let verzoek = rij.in_antwoord_op.filter(|_| rij.toestand == Toestand::Gereserveerd);
            if let Some(of_ask) = verzoek.and_then(|verzoek| self.known.reserved.get_mut(&verzoek)) {
                of_ask.push(rij.log_index);
            }
            self.known.at.insert((rij.bericht, rij.ontvanger.adres.clone()), rij.log_index);
            self.known.rows.insert(rij.log_index, rij);
        }
        Ok(())
    }

    /// The bericht that this request made before.
    pub(in crate::store) async fn made_by(&mut self, request: Request) -> Result<Option<BerichtId>, StoreError> {
        if !self.known.requests.contains_key(&request) {
            self.look_up_requests(vec![request.clone()], BTreeSet::new()).await?;
        }
        Ok(self.known.requests[&request])
    }

    /// The row of a bericht at an address.
    pub(in crate::store) async fn row_at(
        &mut self,
        bericht: BerichtId,
        adres: &Adres,
    ) -> Result<Option<PostvakRij>, StoreError> {
        let log_index = self.known.at.remove(&(bericht, adres.clone()));
        match log_index.and_then(|log_index| self.known.take(log_index)) {
            Some(rij) => Ok(Some(rij)),
            None => find_at(self.database().await?, bericht, adres).await,
        }
    }

    /// The row with this index.
    pub(in crate::store) async fn row(&mut self, log_index: u64) -> Result<Option<PostvakRij>, StoreError> {
        if let Some(rij) = self.known.take(log_index) {
            return Ok(Some(rij));
        }
        let row = sqlx::query(PostvakRij::ONE).bind(int(log_index)).fetch_optional(self.database().await?).await?;
        row.as_ref().map(PostvakRij::read).transpose()
    }

    /// The rows that are kept for the Ask of this verzoek; without those that cannot be read.
    pub(in crate::store) async fn reserved_for(&mut self, verzoek: BerichtId) -> Result<Vec<PostvakRij>, StoreError> {
        if let Some(rijen) = self.known.take_reserved(verzoek) {
            return Ok(rijen);
        }
        let tx = self.database().await?;
        let indexes = "SELECT log_index FROM postvak WHERE in_antwoord_op = $1 AND toestand = 'gereserveerd'";
        let indexes: Vec<i64> =
            sqlx::query_scalar(indexes).bind(verzoek.0.as_bytes().to_vec()).fetch_all(&mut *tx).await?;
        let indexes: Vec<u64> = indexes.into_iter().map(uint).collect();
        Ok(read_many(tx, &indexes).await?.into_values().filter_map(Result::ok).collect())
    }

    /// An earlier bericht, if there is one, and what came of it.
    pub(in crate::store) async fn earlier(&mut self, bericht: BerichtId) -> Result<Option<Earlier>, StoreError> {
        match self.known.earlier.remove(&bericht) {
            Some(earlier) => Ok(Some(earlier)),
            None => Ok(eerder::load(self.database().await?, BTreeSet::from([bericht])).await?.remove(&bericht)),
        }
    }
}

/// How full a postvak is, from a row.
fn counted_at(row: &DbRow, loket: &str) -> Result<(Adres, i64), StoreError> {
    let partner: &str = row.try_get("partner")?;
    let wrong = || StoreError::inconsistent("postvakken", "partner", format!("{partner}/{loket}"));
    Ok((format!("{partner}/{loket}").parse().map_err(|_| wrong())?, row.try_get("open")?))
}

/// Which bericht a request made, from a row.
fn made_before(row: &DbRow) -> Result<(Request, BerichtId), StoreError> {
    let bericht = bericht_id(row.try_get("id")?, "berichten")?;
    let wrong = |column| StoreError::inconsistent("berichten", column, bericht);
    let partner = row.try_get::<&str, _>("partner")?.parse().map_err(|_| wrong("afzender_partner"))?;
    let request = Uuid::from_slice(row.try_get("request_id")?).map_err(|_| wrong("request_id"))?;
    Ok(((partner, request), bericht))
}
