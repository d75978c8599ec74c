//! Vraag (question): which regels have all that is asked.

use std::collections::BTreeMap;

use roaring::RoaringBitmap;
use sqlx::Row;

use super::merk::{Merk, Waarop};
use crate::store::{
    DbConnection, DbRow, StoreError,
    database::rows::{Column, Rows, fetch},
    values::{int, uint},
};

/// Regels of one bitmap.
pub(super) const DEEL: u64 = 1 << 16;

/// Something that a regel must have.
#[derive(Clone, Debug)]
pub enum Eis {
    /// One of these marks.
    EenVan(Vec<Merk>),
    /// A mark of this kind whose value lies between these, both included, in the order of texts.
    Tussen(Waarop, String, String),
    /// Not this mark.
    Niet(Merk),
}

/// What is asked of regels.
#[derive(Clone, Debug, Default)]
pub struct Vraag {
    /// From this index on.
    pub van: u64,
    /// Before this index.
    pub tot: u64,
    /// All of these hold for a regel.
    pub eisen: Vec<Eis>,
}

/// The regels that have it: indexes, in order.
#[derive(Debug)]
pub struct Treffers(BTreeMap<u64, RoaringBitmap>);

impl Treffers {
    /// How many there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.values().map(RoaringBitmap::len).sum()
    }

    /// How many of these are among others.
    #[must_use]
    pub fn shared_with(&self, other: &Self) -> u64 {
        let both = self.0.iter().filter_map(|(deel, bitmap)| Some((bitmap, other.0.get(deel)?)));
        both.map(|(one, other)| one.intersection_len(other)).sum()
    }

    /// The next ones after an index, at most so many; the lowest first, or the highest.
    #[must_use]
    pub fn page(&self, after: Option<u64>, most: usize, highest_first: bool) -> Vec<u64> {
        let within = |deel: u64| move |place: u32| deel * DEEL + u64::from(place);
        let all = self.0.iter().map(|(deel, bitmap)| (*deel, bitmap));
        if highest_first {
            let places = all.rev().flat_map(|(deel, bitmap)| bitmap.iter().rev().map(within(deel)));
            places.filter(|index| after.is_none_or(|after| *index < after)).take(most).collect()
        } else {
            let places = all.flat_map(|(deel, bitmap)| bitmap.iter().map(within(deel)));
            places.filter(|index| after.is_none_or(|after| *index > after)).take(most).collect()
        }
    }
}

/// Finds the regels that have what is asked.
pub(super) async fn find(connection: &mut DbConnection, vraag: &Vraag) -> Result<Treffers, StoreError> {
    let Vraag { van, tot, eisen } = vraag;
    let mut found = whole(*van, *tot);
    for eis in eisen {
        let (Some(first), Some(last)) = (found.keys().next().copied(), found.keys().next_back().copied()) else {
            break;
        };
        let delen = (int(first), int(last));
        let having = match eis {
            Eis::EenVan(marks) => having(connection, marks, delen).await?,
            Eis::Niet(merk) => having(connection, std::slice::from_ref(merk), delen).await?,
            Eis::Tussen(waarop, from, to) => between(connection, (*waarop, from, to), delen).await?,
        };
        let without = matches!(eis, Eis::Niet(_));
        for (deel, bitmap) in &mut found {
            match having.get(deel) {
                Some(having) if without => *bitmap -= having,
                Some(having) => *bitmap &= having,
                None if without => {}
                None => bitmap.clear(),
            }
        }
        found.retain(|_, bitmap| !bitmap.is_empty());
    }
    Ok(Treffers(found))
}

/// All regels from one index on, before another.
fn whole(van: u64, tot: u64) -> BTreeMap<u64, RoaringBitmap> {
    let mut whole = BTreeMap::new();
    for deel in van / DEEL..tot.div_ceil(DEEL) {
        let begin = deel * DEEL;
        let place = |index: u64| u32::try_from(index.clamp(begin, begin + DEEL) - begin).expect("at most 65,536");
        let (from, to) = (place(van), place(tot));
        let mut bitmap = RoaringBitmap::new();
        bitmap.insert_range(from..to);
        if !bitmap.is_empty() {
            whole.insert(deel, bitmap);
        }
    }
    whole
}

/// Which regels of these parts have one of these marks.
async fn having(
    connection: &mut DbConnection,
    marks: &[Merk],
    (first, last): (i64, i64),
) -> Result<BTreeMap<u64, RoaringBitmap>, StoreError> {
    let columns = [Column::Int("waarop"), Column::Text("waarde"), Column::Int("van"), Column::Int("tot_en_met")];
    let rows = Rows::of(&columns, marks, |merk| {
        [(merk.waarop as i64).into(), merk.waarde.as_str().into(), first.into(), last.into()]
    });
    let sql = "SELECT p.deel, p.treffers FROM {v} JOIN posten p ON p.waarop = v.waarop AND p.waarde = v.waarde \
               AND p.deel >= v.van AND p.deel <= v.tot_en_met";
    joined(&fetch(connection, sql, rows).await?)
}

/// Which regels of these parts have a mark of this kind between these values.
async fn between(
    connection: &mut DbConnection,
    (waarop, from, to): (Waarop, &str, &str),
    (first, last): (i64, i64),
) -> Result<BTreeMap<u64, RoaringBitmap>, StoreError> {
    let sql = "SELECT deel, treffers FROM posten WHERE waarop = $1 AND waarde >= $2 AND waarde <= $3 \
               AND deel >= $4 AND deel <= $5";
    let rows = sqlx::query(sql).bind(waarop as i64).bind(from).bind(to).bind(first).bind(last);
    joined(&rows.fetch_all(connection).await?)
}

/// Bitmaps of one part together.
fn joined(rows: &[DbRow]) -> Result<BTreeMap<u64, RoaringBitmap>, StoreError> {
    let mut joined: BTreeMap<u64, RoaringBitmap> = BTreeMap::new();
    for row in rows {
        *joined.entry(uint(row.try_get("deel")?)).or_default() |= read_bitmap(row.try_get("treffers")?)?;
    }
    Ok(joined)
}

/// A bitmap out of the file.
pub(super) fn read_bitmap(bytes: &[u8]) -> Result<RoaringBitmap, StoreError> {
    let damaged =
        |_| StoreError::Broken("het zoekbestand is beschadigd: stop de poort, verwijder het, en start".to_owned());
    RoaringBitmap::deserialize_from(bytes).map_err(damaged)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_of_regels_is_whole_at_its_edges_and_pages_run_both_ways() {
        for (van, tot) in [(0, 0), (0, 1), (5, 5), (DEEL - 1, DEEL + 1), (DEEL, 2 * DEEL), (3, 3 * DEEL + 7)] {
            let found = Treffers(whole(van, tot));
            assert_eq!(found.count(), tot - van, "{van} {tot}");
            let forth: Vec<u64> = (van..tot).take(3).collect();
            let back: Vec<u64> = (van..tot).rev().take(3).collect();
            assert_eq!((found.page(None, 3, false), found.page(None, 3, true)), (forth, back), "{van} {tot}");
        }
        let found = Treffers(whole(DEEL - 2, DEEL + 2));
        assert_eq!(found.page(Some(DEEL - 1), 2, false), [DEEL, DEEL + 1]);
        assert_eq!(found.page(Some(DEEL), 9, true), [DEEL - 1, DEEL - 2]);
    }
}
