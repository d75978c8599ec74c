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
    dagsleutels::{DayKeyPlace, unwrap, wrap},
    directory::{EPOCH, SealingKeys},
    seal::{DataKey, DayKeyRef, Opener, Opening, Secret, WrapContext},
};
use crate::{domain::Rng, logboek::NoteError};

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
    /// Nothing can be written in the directory, and something must be.
    #[error(
        "in {0} is niets te schrijven, en er hoort nog iets in. Laat een poort een keer met deze sleutels beginnen op een map waarin zij mag \
         schrijven, en neem daarna alle bestanden van die map over. Met SQLite moet de map altijd beschrijfbaar zijn: daar liggen de \
         dagsleutels in; met PostgreSQL mag zij alleen te lezen zijn."
    )]
    ReadOnly(PathBuf),
    /// A file does not hold what it should.
    #[error(
        "sleutelbestand {path} is beschadigd of hoort bij een andere wortel. Zet de kopie terug die bij deze database hoort; maak nooit een nieuwe."
    )]
    Damaged {
        /// Which file.
        path: PathBuf,
    },
    /// A file was there, and is no longer.
    #[error(
        "sleutelbestand {path} is weg, terwijl de poort draait. Hang de map weer aan zoals zij was: de poort gaat dan vanzelf verder. Maak \
         er niets nieuws in, en zet een kopie alleen terug als het bestand verloren is: de nieuwste."
    )]
    Vanished {
        /// Which file.
        path: PathBuf,
    },
    /// A file is not there, and others are.
    #[error(
        "sleutelbestand {path} ontbreekt naast de andere. Zet de kopie terug die bij deze database hoort; maak nooit een nieuwe."
    )]
    Missing {
        /// Which file.
        path: PathBuf,
    },
    /// There are no keys, and there is a logboek.
    #[error(
        "in {0} staan geen sleutels, en deze database heeft al een logboek. Kopieer wortel-1.key, logboek.key, pseudoniem.key en openingen.key \
         van een andere poort op deze database, of uit de kopie die u apart bewaart (een reservekopie van backup bevat ze niet); maak \
         nooit nieuwe."
    )]
    Absent(PathBuf),
    /// Another gateway has the day keys in this directory to itself.
    #[error(
        "de dagsleutels in {0} zijn in gebruik door een andere poort. Dagsleutels in een map zijn van een poort; meer poorten delen \
         ze in PostgreSQL."
    )]
    InUse(PathBuf),
    /// The guard file cannot be written.
    #[error(
        "wachtbestand {path}: {source}. Daarin onthoudt deze poort hoever het logboek is. Wijs met [sleutels] wacht een plaats aan waar zij \
         mag schrijven."
    )]
    Guard {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another gateway has this guard file.
    #[error(
        "wachtbestand {0} is van een andere poort, die nu draait. Elke poort heeft een eigen: wijs met [sleutels] wacht een andere plaats aan."
    )]
    GuardInUse(PathBuf),
    /// The guard file is of another logboek or of other keys.
    #[error(
        "wachtbestand {path} hoort bij een ander logboek of andere sleutels, of is veranderd ({source}). Zet dat van deze poort terug. Is het \
         er niet meer, zet dit dan opzij: de poort leest dan het hele logboek, en kan niet weten of dat is teruggezet."
    )]
    OtherGuard {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        source: NoteError,
    },
    /// A day key does not open.
    #[error(
        "de dagsleutel van {0} is beschadigd of hoort bij een andere wortel. Zet de kopie terug die bij deze database hoort."
    )]
    DamagedDay(Date),
    /// Shared day keys cannot be read or written now.
    #[error("de gedeelde dagsleutels zijn niet te lezen of te schrijven: {0}")]
    Unreachable(String),
    /// Content asks for a day key that no longer exists.
    #[error(
        "de dagsleutel van {0} bestaat niet (meer). Zet de dagsleutels terug uit de reservekopie die bij deze database hoort."
    )]
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
    keys: SealingKeys,
    place: Box<dyn DayKeyPlace>,
    known: RwLock<Known>,
    making: Mutex<()>,
    rng: Arc<dyn Rng>,
}

/// The day keys that were found, as long as the place is the same.
#[derive(Default)]
struct Known {
    days: BTreeMap<Date, Arc<DayKey>>,
    reconnects: u64,
}

impl KeyStore {
    /// With the day keys that lie in this place.
    #[must_use]
    pub fn new(keys: SealingKeys, place: Box<dyn DayKeyPlace>, rng: Arc<dyn Rng>) -> Self {
        Self { keys, place, known: RwLock::default(), making: Mutex::default(), rng }
    }

    /// Those that stay.
    #[must_use]
    pub fn sealing(&self) -> &SealingKeys {
        &self.keys
    }

    pub(super) fn rng(&self) -> &dyn Rng {
        self.rng.as_ref()
    }

    /// The key of a day, made and durable if there was none.
    ///
    /// # Errors
    /// [`KeyError`] when it cannot be read or written; then it is not used.
    pub async fn day_key(&self, day: Date) -> Result<Arc<DayKey>, KeyError> {
        if let Some(found) = self.known(day) {
            return Ok(found);
        }
        let _one_at_a_time = self.making.lock().await;
        if let Some(found) = self.look(day).await? {
            return Ok(found);
        }
        let made = DayKey { day, epoch: EPOCH, key: Secret::random(self.rng.as_ref()) };
        self.place.add(day, wrap(&made, &self.keys.root, self.rng.as_ref())).await?;
        // Another gateway may have been first, and then its key counts: only what lies there is ever used.
        self.look(day).await?.ok_or(KeyError::Gone(day))
    }

    /// The key of a day that was used before.
    ///
    /// # Errors
    /// [`KeyError::Gone`] when there is none.
    pub async fn existing(&self, day: Date) -> Result<Arc<DayKey>, KeyError> {
        if let Some(found) = self.known(day) {
            return Ok(found);
        }
        self.look(day).await?.ok_or(KeyError::Gone(day))
    }

    /// Whether the day keys can be read where they lie; one for this day need not be there.
    ///
    /// # Errors
    /// [`KeyError`] when they cannot.
    pub async fn can_be_read(&self, day: Date) -> Result<(), KeyError> {
        self.place.find(day).await.map(drop)
    }

    fn known(&self, day: Date) -> Option<Arc<DayKey>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.days.get(&day).filter(|_| known.reconnects == self.place.reconnects()).cloned()
    }

    /// Finds the key of a day in its place, and remembers it.
    async fn look(&self, day: Date) -> Result<Option<Arc<DayKey>>, KeyError> {
        let reconnects = self.place.reconnects();
        let Some(wrapped) = self.place.find(day).await? else { return Ok(None) };
        let found = unwrap(day, &wrapped, &self.keys.root).map(Arc::new).ok_or(KeyError::DamagedDay(day))?;
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.reconnects != reconnects {
            *known = Known { days: BTreeMap::new(), reconnects };
        }
        known.days.insert(day, Arc::clone(&found));
        Ok(Some(found))
    }
}

impl Opener for KeyStore {
    fn open(&self, context: &WrapContext<'_>, wrapped: &[u8], sealed: &[u8]) -> Opening {
        let Some(day_key) = self.known(context.stempel.houdbaar_tot_en_met) else { return Opening::NoKey };
        let opened = DataKey::unwrap(&day_key.in_use(), context, wrapped)
            .and_then(|key| key.open(context.bericht, context.afzender, sealed));
        opened.map_or(Opening::Damaged, Opening::Opened)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    };

    use super::{
        super::{
            dagsleutels::{Pending, Wrapped},
            directory::KeyDirectory,
        },
        *,
    };
    use crate::clock::SystemRng;

    /// A place that is another one each time somebody looks: as while a gateway loses its database again and again.
    #[derive(Clone, Default)]
    struct Restless {
        days: Arc<Mutex<BTreeMap<Date, Wrapped>>>,
        looked: Arc<AtomicU64>,
    }

    impl DayKeyPlace for Restless {
        fn find(&self, day: Date) -> Pending<'_, Option<Wrapped>> {
            Box::pin(async move { Ok(self.days.lock().unwrap().get(&day).cloned()) })
        }

        fn add(&self, day: Date, wrapped: Wrapped) -> Pending<'_, ()> {
            Box::pin(async move {
                tokio::task::yield_now().await;
                self.days.lock().unwrap().entry(day).or_insert(wrapped);
                Ok(())
            })
        }

        fn reconnects(&self) -> u64 {
            self.looked.fetch_add(1, Ordering::SeqCst)
        }
    }

    #[tokio::test]
    async fn the_key_of_a_day_is_made_once_whoever_asks_and_whatever_happens_meanwhile() {
        let (dir, place) = (tempfile::tempdir().unwrap(), Restless::default());
        let store = || {
            let map = KeyDirectory::open(dir.path(), true, &SystemRng).unwrap();
            Arc::new(KeyStore::new(map.sealing(), Box::new(place.clone()), Arc::new(SystemRng)))
        };
        let day = jiff::civil::date(2027, 2, 25);
        let mut asking = tokio::task::JoinSet::new();
        for store in [store(), store(), store()] {
            for _ in 0..20 {
                let store = Arc::clone(&store);
                asking.spawn(async move { store.day_key(day).await.unwrap().key.mark() });
            }
        }
        let keys = asking.join_all().await;
        assert!(keys.iter().all(|key| *key == keys[0]));
    }
}
