//! Openingen: what opens the commitments in a regel, for who has the keys.

use std::collections::HashMap;

use sqlx::Row;

use crate::{
    logboek::{Logregel, leaf_hash},
    sleutels::{
        CommitmentOpening, OpeningKeys, Veld,
        openingen::{MonthKey, Place},
    },
    store::{
        DbRow, Pool, StoreError,
        database::rows::{Column, Rows, fetch},
        values::{int, uint},
    },
};

/// Sealed openings by the index of their regel.
pub type Sealed = HashMap<u64, Vec<(Veld, u16, Vec<u8>)>>;

/// The openings of all regels from one index to another, both included.
///
/// # Errors
/// [`StoreError::Database`].
pub async fn between(read: &Pool, from: u64, last: u64) -> Result<Sealed, StoreError> {
    let rows = sqlx::query(
        "SELECT log_index, veld, volgnummer, verzegeld FROM openingen WHERE log_index >= $1 AND log_index <= $2",
    );
    sealed(&rows.bind(int(from)).bind(int(last)).fetch_all(read).await?)
}

/// What opens the commitments of these regels, each with its index and its leaf. What was erased is not there, nor what does not open.
///
/// # Errors
/// [`StoreError::Database`].
pub async fn opened(
    read: &Pool,
    keys: &OpeningKeys,
    regels: &[(u64, &[u8], &Logregel)],
) -> Result<HashMap<u64, Vec<(Veld, CommitmentOpening)>>, StoreError> {
    let rows = Rows::of(&[Column::Int("log_index")], regels, |(index, ..)| [int(*index).into()]);
    let sql =
        "SELECT o.log_index, o.veld, o.volgnummer, o.verzegeld FROM {v} JOIN openingen o ON o.log_index = v.log_index";
    let sealed = sealed(&fetch(&mut *read.acquire().await?, sql, rows).await?)?;
    let mut months = Months::new(keys);
    let open = |(index, leaf, regel): &(u64, &[u8], &Logregel)| {
        let opened = months.open(&leaf_hash(leaf), regel, sealed.get(index).map(Vec::as_slice).unwrap_or_default());
        (*index, opened)
    };
    Ok(regels.iter().map(open).collect())
}

/// Opens one regel after the other; the keys of each month are made once.
pub struct Months<'k> {
    keys: &'k OpeningKeys,
    /// By month, `2026-11`.
    known: HashMap<String, MonthKey<'k>>,
}

impl<'k> Months<'k> {
    /// With these keys.
    #[must_use]
    pub fn new(keys: &'k OpeningKeys) -> Self {
        Self { keys, known: HashMap::new() }
    }

    /// What opens the commitments of a regel, of those that open.
    pub fn open(
        &mut self,
        leaf: &[u8; 32],
        regel: &Logregel,
        sealed: &[(Veld, u16, Vec<u8>)],
    ) -> Vec<(Veld, CommitmentOpening)> {
        let (Ok(moment), Some(month), false) = (regel.tijd.parse(), regel.tijd.get(..7), sealed.is_empty()) else {
            return Vec::new();
        };
        if !self.known.contains_key(month) {
            self.known.insert(month.to_owned(), self.keys.of(moment));
        }
        let key = &self.known[month];
        let open = |(veld, volgnummer, sealed): &(Veld, u16, Vec<u8>)| {
            let place = Place { leaf, veld: *veld, volgnummer: *volgnummer };
            Some((*veld, key.open(&place, sealed).ok()?))
        };
        sealed.iter().filter_map(open).collect()
    }
}

fn sealed(rows: &[DbRow]) -> Result<Sealed, StoreError> {
    let mut sealed = Sealed::new();
    for row in rows {
        let veld = Veld::ALL.into_iter().find(|veld| row.try_get("veld").is_ok_and(|text: &str| text == veld.as_str()));
        let volgnummer = u16::try_from(row.try_get::<i64, _>("volgnummer")?).ok();
        // What is no opening of ours opens nothing; `logboek verify` tells of it.
        let Some((veld, volgnummer)) = veld.zip(volgnummer) else { continue };
        let of_regel = sealed.entry(uint(row.try_get("log_index")?)).or_default();
        of_regel.push((veld, volgnummer, row.try_get("verzegeld")?));
    }
    Ok(sealed)
}
