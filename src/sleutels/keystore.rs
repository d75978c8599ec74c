//! The keys of a gateway: what stays, and the day keys that it shares with the other gateways on its database.

use std::{
    collections::BTreeMap,
    io,
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock},
};

use jiff::civil::Date;
use tokio::sync::Mutex;

use super::{
    dagsleutels::{Days, KeyDocument, parse, print},
    map::KeyMap,
    seal::{DayKeyRef, Secret},
};
use crate::domain::{Kenmerk, Rng};

/// Keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// A file cannot be read or written.
    #[error("sleutelbestand {path}: {source}. Controleer of de map bestaat en van deze gebruiker is.")]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file does not hold what it should.
    #[error(
        "sleutelbestand {path} is beschadigd of hoort bij een andere wortel. Zet de kopie terug die bij deze database hoort; maak nooit een nieuwe."
    )]
    Damaged {
        /// Which file.
        path: PathBuf,
    },
    /// There are no keys, and there is a logboek.
    #[error(
        "in {0} staan geen sleutels, en deze database heeft al een logboek. Kopieer wortel-1.key, logboek.key en pseudoniem.key \
         van een andere poort op deze database, of uit de reservekopie; maak nooit nieuwe."
    )]
    Absent(PathBuf),
    /// Another gateway has the day keys in this directory to itself.
    #[error(
        "de dagsleutels in {0} zijn in gebruik door een andere poort. Dagsleutels in een map zijn van een poort; meer poorten delen \
         ze in PostgreSQL."
    )]
    InUse(PathBuf),
    /// The document of day keys does not hold what it should.
    #[error(
        "het document met dagsleutels is beschadigd of hoort bij een andere wortel. Zet de kopie terug die bij deze database hoort."
    )]
    DamagedDocument,
    /// The shared document cannot be read or written now.
    #[error("de gedeelde dagsleutels zijn niet te lezen of te schrijven: {0}")]
    Unreachable(String),
    /// Content asks for a day key that no longer exists.
    #[error("de dagsleutel van {0} bestaat niet (meer)")]
    Gone(Date),
}

/// The key of one day: opens all content that is houdbaar until that day.
pub struct DayKey {
    pub(super) day: Date,
    pub(super) epoch: u32,
    pub(super) key: Secret,
}

impl DayKey {
    /// For use in [`super::seal`].
    #[must_use]
    pub fn in_use(&self) -> DayKeyRef<'_> {
        DayKeyRef { day: self.day, epoch: self.epoch, key: &self.key }
    }
}

/// The keys of one gateway.
pub struct KeyStore {
    map: KeyMap,
    document: Box<dyn KeyDocument>,
    known: RwLock<Known>,
    making: Mutex<()>,
    rng: Arc<dyn Rng>,
}

/// The day keys as they were read.
#[derive(Default)]
struct Known {
    days: Days,
    generation: u64,
}

impl KeyStore {
    /// Reads the day keys. A document that one gateway kept as a file enters a place that is still empty.
    ///
    /// # Errors
    /// [`KeyError`] when they cannot be read, or are those of another root.
    pub async fn open(map: KeyMap, document: Box<dyn KeyDocument>, rng: Arc<dyn Rng>) -> Result<Self, KeyError> {
        if document.read().await?.is_none()
            && let Some(text) = map.document()?
        {
            parse(&text, &map.root).ok_or(KeyError::DamagedDocument)?;
            // Another gateway that was first had the same one.
            document.replace(None, text).await?;
        }
        let store = Self { map, document, known: RwLock::default(), making: Mutex::default(), rng };
        store.look().await?;
        Ok(store)
    }

    /// The pseudonym of a mark of a person.
    #[must_use]
    pub fn pseudoniem(&self, kenmerk: Kenmerk, text: &str) -> [u8; 32] {
        self.map.pseudoniem(kenmerk, text)
    }

    /// The key of a day, made and durable if there was none.
    ///
    /// # Errors
    /// [`KeyError`] when it cannot be written; then it is not used.
    pub async fn day_key(&self, day: Date) -> Result<Arc<DayKey>, KeyError> {
        if let Some(found) = self.known(day) {
            return Ok(found);
        }
        let _one_at_a_time = self.making.lock().await;
        loop {
            let basis = self.look().await?;
            if let Some(found) = self.known(day) {
                return Ok(found);
            }
            let made = Arc::new(DayKey { day, epoch: super::map::EPOCH, key: Secret::random(self.rng.as_ref()) });
            let mut next = self.known.read().unwrap_or_else(PoisonError::into_inner).days.clone();
            next.insert(day, made);
            // Where another gateway was first, its key counts. What was written is read back, so that there is one way to know it.
            self.document.replace(basis, print(&next, &self.map.root, self.rng.as_ref())).await?;
        }
    }

    /// The key of a day that was used before.
    ///
    /// # Errors
    /// [`KeyError::Gone`] when there is none.
    pub async fn existing(&self, day: Date) -> Result<Arc<DayKey>, KeyError> {
        if let Some(found) = self.known(day) {
            return Ok(found);
        }
        self.look().await?;
        self.known(day).ok_or(KeyError::Gone(day))
    }

    fn known(&self, day: Date) -> Option<Arc<DayKey>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.days.get(&day).filter(|_| known.generation == self.document.generation()).cloned()
    }

    /// Reads the document. Gives its version.
    async fn look(&self) -> Result<Option<u64>, KeyError> {
        let generation = self.document.generation();
        let read = self.document.read().await?;
        let (basis, days) = match &read {
            Some((version, text)) => (Some(*version), parse(text, &self.map.root).ok_or(KeyError::DamagedDocument)?),
            None => (None, BTreeMap::new()),
        };
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        // It only grows. One that lost a day was damaged, and must not be written on.
        if known.generation == generation && known.days.keys().any(|day| !days.contains_key(day)) {
            return Err(KeyError::DamagedDocument);
        }
        *known = Known { days, generation };
        Ok(basis)
    }
}
