//! The content that is kept: whether it opens, and is what its regel committed to.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use jiff::civil::Date;

use super::sealed::Keys;
use crate::{
    domain::Rng,
    logboek::{Logregel, VerifyKey, commitment},
    sleutels::{
        DayKeyFile, DayKeyPlace, KeyError, KeyStore, Opening, SealingKeys,
        dagsleutels::{Pending, Wrapped},
    },
    store::{
        Pool, StoreError,
        ledger::regels::regels,
        postvak::rij::{
            read::{Verzegeld, read_each},
            sql::sealed_and_indexes,
        },
        values::int,
    },
};

/// Rows that are held at once, with their content.
const PAGE: usize = 64;

/// What was found of all content that is kept.
#[derive(Debug, Default)]
pub struct Content {
    /// How much opened, and is what its regel committed to.
    pub sound: u64,
    /// What is damaged: which row, which bericht, and what is wrong with it.
    pub damaged: Vec<String>,
    /// How much could not be looked at, by the day whose key is not there.
    pub without_key: BTreeMap<Date, u64>,
}

/// Day keys that are only looked at.
struct Read(BTreeMap<Date, Wrapped>);

impl DayKeyPlace for Read {
    fn find(&self, day: Date) -> Pending<'_, Option<Wrapped>> {
        Box::pin(async move { Ok(self.0.get(&day).cloned()) })
    }

    fn add(&self, day: Date, _: Wrapped) -> Pending<'_, ()> {
        Box::pin(async move { Err(KeyError::Gone(day)) })
    }

    fn reconnects(&self) -> u64 {
        0
    }
}

/// The keys of a database, for who only looks: those in its key directory, and the day keys in the database or a backup of it.
///
/// # Errors
/// [`KeyError`] when they cannot be read.
pub async fn keys(read: &Pool, dir: &Path, key: &VerifyKey, rng: Arc<dyn Rng>) -> Result<Keys, KeyError> {
    let keys = SealingKeys::read(dir)?;
    let (merk, openingen) = (keys.mark(key.public()), keys.openingen(Arc::clone(&rng)));
    let rows = sqlx::query_as("SELECT dag, sleutel FROM dagsleutels").fetch_all(read).await;
    let rows: Vec<(String, Wrapped)> = rows.map_err(|error| KeyError::Unreachable(error.to_string()))?;
    // Those in the database, or that a backup brings along, are its own.
    let mut days = DayKeyFile::read(dir)?;
    days.extend(rows.into_iter().filter_map(|(day, wrapped)| Some((day.parse::<Date>().ok()?, wrapped))));
    Ok(Keys { store: KeyStore::new(keys, Box::new(Read(days)), rng), openingen, merk })
}

/// Opens everything that is kept.
///
/// # Errors
/// [`StoreError`] when the database cannot be read.
pub async fn content(read: &Pool, keys: &KeyStore) -> Result<Content, StoreError> {
    let mut content = Content::default();
    let mut after: i64 = -1;
    loop {
        let (rows, indexes) =
            sealed_and_indexes!("WHERE p.beeindigd_door IS NULL AND p.log_index > $1 ORDER BY p.log_index LIMIT $2");
        let bound = |sql: &'static str| sqlx::query(sql).bind(after).bind(int(PAGE as u64));
        let (rows, indexes) = (bound(rows), bound(indexes));
        let rows = read_each(&mut *read.acquire().await?, rows, indexes).await?;
        let full = rows.len() == PAGE;
        for (log_index, row) in rows {
            after = int(log_index);
            match row {
                Ok(verzegeld) => look_at(read, keys, &verzegeld, &mut content).await?,
                Err(error) => content.damaged.push(error.to_string()),
            }
        }
        if !full {
            return Ok(content);
        }
    }
}

async fn look_at(read: &Pool, keys: &KeyStore, verzegeld: &Verzegeld, content: &mut Content) -> Result<(), StoreError> {
    let rij = &verzegeld.rij;
    let day = rij.last_day();
    if keys.existing(day).await.is_err() {
        *content.without_key.entry(day).or_default() += 1;
        return Ok(());
    }
    let wrong = match verzegeld.open(keys) {
        Opening::Opened(opened) => {
            let said = regels(read, rij.log_index, 1).await?;
            let said = said.first().and_then(|(_, leaf)| Logregel::from_leaf(leaf).ok()).and_then(|regel| regel.inhoud);
            let is = commitment(&opened.zout, &opened.inhoud);
            if said == Some(is) { None } else { Some("is een andere dan die waarvoor haar logregel instaat") }
        }
        Opening::Damaged => Some("is beschadigd en niet te openen"),
        Opening::NoKey => Some("heeft geen dagsleutel meer"),
    };
    match wrong {
        None => content.sound += 1,
        Some(wrong) => {
            let (log_index, bericht, ontvanger) = (rij.log_index, rij.bericht, &rij.ontvanger.adres);
            content
                .damaged
                .push(format!("de inhoud van bericht {bericht} voor {ontvanger} (regel {log_index}) {wrong}"));
        }
    }
    Ok(())
}
