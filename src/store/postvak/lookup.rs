//! What many events of one transaction ask, looked up at once before any of them is carried out.
//!
//! What was looked up holds as long as this transaction changes nothing of it: a row that changed is taken out ([`Known::row_changed`]),
//! and whoever asks for it again reads it anew. What could not be read together is asked for by itself.

use std::collections::{BTreeSet, HashMap, HashSet};

use sqlx::Row;
use uuid::Uuid;

use super::{
    eerder::{self, Earlier},
    leasable::{self, Leasable, Post},
    rij::{PostvakRij, read::ReadRow, sql::rows_sql},
    work::Work,
};
use crate::{
    domain::{Adres, BerichtId, PartnerNaam},
    store::{
        DbRow, StoreError,
        database::{
            dialect::Dialect,
            rows::{Column, Rows, fetch_all},
        },
        values::{bericht_id, int},
    },
};

/// Which request: whose, and its `request_id`.
pub(in crate::store) type Request = (PartnerNaam, Uuid);

/// What the events of a transaction ask.
#[derive(Default)]
pub(in crate::store) struct Asked<'e> {
    /// Whether these requests made a bericht before.
    pub(in crate::store) requests: Vec<Request>,
    /// How full these postvakken are.
    pub(in crate::store) postvakken: BTreeSet<Adres>,
    /// Rows, by their address.
    pub(in crate::store) at: Vec<(BerichtId, &'e Adres)>,
    /// Rows, by their index.
    pub(in crate::store) indexes: Vec<u64>,
    /// The rows that are kept for Asks, by their verzoek.
    pub(in crate::store) reserved: Vec<BerichtId>,
    /// Earlier berichten, by which new ones are judged.
    pub(in crate::store) earlier: BTreeSet<BerichtId>,
    /// What can be handed out, and at most how much of it.
    pub(in crate::store) posts: HashMap<&'e Post, usize>,
}

/// What was looked up.
#[derive(Default)]
pub(in crate::store) struct Known {
    requests: HashMap<Request, Option<BerichtId>>,
    rows: HashMap<u64, PostvakRij>,
    at: HashMap<(BerichtId, Adres), u64>,
    /// By verzoek, the indexes of what is kept for its Ask.
    reserved: HashMap<BerichtId, Vec<u64>>,
    earlier: HashMap<BerichtId, Earlier>,
    pub(super) leasable: HashMap<Post, Leasable>,
    /// Rows that this transaction changed.
    changed: HashSet<u64>,
}

impl Known {
    /// What was known of this row, and of its bericht, is so no longer.
    pub(super) fn row_changed(&mut self, rij: &PostvakRij) {
        self.changed.insert(rij.log_index);
        self.rows.remove(&rij.log_index);
        self.earlier.remove(&rij.bericht);
        if let Some(answered) = rij.in_antwoord_op {
            self.earlier.remove(&answered);
        }
    }

    /// A bericht was accepted that this request made, and came after those.
    pub(super) fn accepted(&mut self, request: Request, bericht: BerichtId, after: impl Iterator<Item = BerichtId>) {
        self.requests.insert(request, Some(bericht));
        after.for_each(|earlier| self.came_after(earlier));
    }

    /// Something came after a bericht: what was known to have come after it is no longer all.
    pub(super) fn came_after(&mut self, earlier: BerichtId) {
        self.earlier.remove(&earlier);
    }

    /// Whether this transaction changed this row.
    pub(super) fn has_changed(&self, log_index: u64) -> bool {
        self.changed.contains(&log_index)
    }
}

impl Work<'_> {
    /// Looks it up.
    pub(in crate::store) async fn look_up(&mut self, asked: Asked<'_>) -> Result<(), StoreError> {
        let Asked { requests, postvakken, at, indexes, reserved, earlier, posts } = asked;
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

    /// Looks up requests and postvakken; each is then known to [`Work::made_by`] and [`Work::open`].
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
        let by_adres =
            rows_sql!("", "JOIN {v} ON v.bericht = p.bericht AND v.partner = p.partner AND v.loket = p.loket");
        let by_verzoek = rows_sql!("", "JOIN {v} ON v.verzoek = p.in_antwoord_op WHERE p.toestand = 'gereserveerd'");
        let dialect = Dialect::of(self.tx);
        let asked = [(by_adres, at), (PostvakRij::MANY, indexes), (by_verzoek, asks)];
        let found = match fetch_all(self.tx, asked).await {
            // Text that is none, in a row of one of them. With PostgreSQL there is none, and an error ends the transaction.
            Err(StoreError::Database(error)) if dialect == Dialect::Sqlite && !dialect.is_in_trouble(&error) => {
                return Ok(());
            }
            found => found?,
        };
        for verzoek in reserved {
            self.known.reserved.entry(verzoek).or_default();
        }
        for rij in found.iter().filter_map(|row| PostvakRij::read(row).ok()) {
            let of_ask = rij.in_antwoord_op.and_then(|verzoek| self.known.reserved.get_mut(&verzoek));
            if let Some(of_ask) = of_ask {
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
        match log_index.and_then(|log_index| self.known.rows.remove(&log_index)) {
            Some(rij) => Ok(Some(rij)),
            None => super::rij::read::find_at(self.database().await?, bericht, adres).await,
        }
    }

    /// The row with this index.
    pub(in crate::store) async fn row(&mut self, log_index: u64) -> Result<Option<PostvakRij>, StoreError> {
        if let Some(rij) = self.known.rows.remove(&log_index) {
            return Ok(Some(rij));
        }
        let row = sqlx::query(PostvakRij::ONE).bind(int(log_index)).fetch_optional(self.database().await?).await?;
        row.as_ref().map(PostvakRij::read).transpose()
    }

    /// The rows that are kept for the Ask of this verzoek.
    pub(in crate::store) async fn reserved_for(&mut self, verzoek: BerichtId) -> Result<Vec<PostvakRij>, StoreError> {
        if !self.known.reserved.contains_key(&verzoek) {
            self.database().await?;
            self.look_up_rows(Vec::new(), Vec::new(), vec![verzoek]).await?;
        }
        let indexes = self.known.reserved.remove(&verzoek).unwrap_or_default();
        // What changed since is not in here any more.
        Ok(indexes.into_iter().filter_map(|log_index| self.known.rows.remove(&log_index)).collect())
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
