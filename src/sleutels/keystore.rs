//! The key directory: root key, day keys and the key that signs the logboek.
//!
//! `wortel-<epoch>.key` is the root, `dagsleutels.json` the small document of day keys wrapped under it,
//! `logboek.key` the Ed25519 seed, `pseudoniem.key` the key by which people can be found. Each is durable (file and directory synced) before its first use.
//! Reading and writing block; a day key is made once a day, so that this is felt by nobody.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::seal::{DayKeyRef, Secret};
use crate::domain::{Kenmerk, Rng};

const DOCUMENT: &str = "dagsleutels.json";
const LOGBOEK_KEY: &str = "logboek.key";
const PSEUDONIEM_KEY: &str = "pseudoniem.key";
const EPOCH: u32 = 1;

/// The key directory cannot be used.
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
    /// Content asks for a day key that no longer exists.
    #[error("de dagsleutel van {0} bestaat niet (meer)")]
    Gone(Date),
}

/// The key of one day: opens all content that is houdbaar until that day.
pub struct DayKey {
    day: Date,
    epoch: u32,
    key: Secret,
}

impl DayKey {
    /// For use in [`super::seal`].
    #[must_use]
    pub fn in_use(&self) -> DayKeyRef<'_> {
        DayKeyRef { day: self.day, epoch: self.epoch, key: &self.key }
    }
}

#[derive(Serialize, Deserialize)]
struct Document {
    versie: u8,
    epoch: u32,
    /// Day to hexadecimal wrapped key.
    dagsleutels: BTreeMap<Date, String>,
}

/// The keys of one gateway, in a directory.
pub struct KeyStore {
    dir: PathBuf,
    root: Secret,
    logboek_seed: Secret,
    pseudoniem: Secret,
    days: RwLock<BTreeMap<Date, Arc<DayKey>>>,
    making: Mutex<()>,
    rng: Arc<dyn Rng>,
}

impl KeyStore {
    /// Opens the directory, making it and its keys if there are none.
    ///
    /// # Errors
    /// [`KeyError`] when a file cannot be read, written or does not fit the others.
    pub fn open(dir: &Path, rng: Arc<dyn Rng>) -> Result<Self, KeyError> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(|source| io_error(dir, source))?;
        let root_path = dir.join(format!("wortel-{EPOCH}.key"));
        let document_path = dir.join(DOCUMENT);
        // A key that went missing beside others is lost, not new: a fresh one would open nothing and fork the logboek.
        let logboek_path = dir.join(LOGBOEK_KEY);
        let pseudoniem_path = dir.join(PSEUDONIEM_KEY);
        let keys = [&root_path, &logboek_path, &pseudoniem_path];
        if let Some(missing) = keys.into_iter().find(|path| !path.exists())
            && keys.into_iter().chain([&document_path]).any(|path| path.exists())
        {
            return Err(KeyError::Damaged { path: missing.clone() });
        }
        let root = secret_file(&root_path, rng.as_ref())?;
        let logboek_seed = secret_file(&logboek_path, rng.as_ref())?;
        let pseudoniem = secret_file(&pseudoniem_path, rng.as_ref())?;
        let days = read_days(&document_path, &root)?;
        let days = RwLock::new(days);
        Ok(Self { dir: dir.to_owned(), root, logboek_seed, pseudoniem, days, making: Mutex::new(()), rng })
    }

    /// The Ed25519 seed in a key directory, without making anything: for who only verifies.
    ///
    /// # Errors
    /// [`KeyError`] when it is not there or damaged.
    pub fn read_logboek_seed(dir: &Path) -> Result<Secret, KeyError> {
        let path = dir.join(LOGBOEK_KEY);
        let text = fs::read_to_string(&path).map_err(|source| io_error(&path, source))?;
        parse_secret(&path, &text)
    }

    /// The Ed25519 seed that signs checkpoints.
    #[must_use]
    pub fn logboek_seed(&self) -> &[u8; 32] {
        self.logboek_seed.bytes()
    }

    /// The key by which people can be found, without making anything: for who only looks.
    ///
    /// # Errors
    /// [`KeyError`] when it is not there or damaged.
    pub fn read_pseudoniem_key(dir: &Path) -> Result<Secret, KeyError> {
        let path = dir.join(PSEUDONIEM_KEY);
        let text = fs::read_to_string(&path).map_err(|source| io_error(&path, source))?;
        parse_secret(&path, &text)
    }

    /// The pseudonym of a mark of a person.
    #[must_use]
    pub fn pseudoniem(&self, kenmerk: Kenmerk, text: &str) -> [u8; 32] {
        self.pseudoniem.pseudoniem(kenmerk, text)
    }

    /// The key of a day, made and durable if there was none.
    ///
    /// # Errors
    /// [`KeyError::Io`] when it cannot be written; then it is not used.
    pub fn day_key(&self, day: Date) -> Result<Arc<DayKey>, KeyError> {
        if let Ok(found) = self.existing(day) {
            return Ok(found);
        }
        let _one_at_a_time = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        if let Ok(found) = self.existing(day) {
            return Ok(found);
        }
        let made = Arc::new(DayKey { day, epoch: EPOCH, key: Secret::random(self.rng.as_ref()) });
        let mut next = self.days.read().unwrap_or_else(PoisonError::into_inner).clone();
        next.insert(day, Arc::clone(&made));
        self.write(&next)?;
        *self.days.write().unwrap_or_else(PoisonError::into_inner) = next;
        Ok(made)
    }

    /// The key of a day that was used before.
    ///
    /// # Errors
    /// [`KeyError::Gone`] when there is none.
    pub fn existing(&self, day: Date) -> Result<Arc<DayKey>, KeyError> {
        self.days.read().unwrap_or_else(PoisonError::into_inner).get(&day).cloned().ok_or(KeyError::Gone(day))
    }

    fn write(&self, days: &BTreeMap<Date, Arc<DayKey>>) -> Result<(), KeyError> {
        let wrap = |key: &DayKey| {
            let plain = Zeroizing::new(key.key.bytes().to_vec());
            hex::encode(self.root.seal(plain, &document_aad(key.day, EPOCH), self.rng.as_ref()))
        };
        let dagsleutels = days.iter().map(|(day, key)| (*day, wrap(key))).collect();
        let document = Document { versie: 1, epoch: EPOCH, dagsleutels };
        let text = serde_json::to_vec_pretty(&document).expect("dates and hexadecimal text always become JSON");
        let path = self.dir.join(DOCUMENT);
        replace(&path, &text).map_err(|source| io_error(&path, source))
    }
}

fn document_aad(day: Date, epoch: u32) -> Vec<u8> {
    format!("dagsleutel\n{day}\n{epoch}").into_bytes()
}

fn read_days(path: &Path, root: &Secret) -> Result<BTreeMap<Date, Arc<DayKey>>, KeyError> {
    let damaged = || KeyError::Damaged { path: path.to_owned() };
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(source) => return Err(io_error(path, source)),
    };
    let document: Document = serde_json::from_slice(&text).map_err(|_| damaged())?;
    if document.versie != 1 || document.epoch != EPOCH {
        return Err(damaged());
    }
    let open = |(day, wrapped): (Date, String)| {
        let wrapped = hex::decode(wrapped).ok()?;
        let key = Secret::from_bytes(&root.open(&wrapped, &document_aad(day, EPOCH)).ok()?)?;
        Some((day, Arc::new(DayKey { day, epoch: EPOCH, key })))
    };
    document.dagsleutels.into_iter().map(|entry| open(entry).ok_or_else(damaged)).collect()
}

fn parse_secret(path: &Path, text: &str) -> Result<Secret, KeyError> {
    let bytes = Zeroizing::new(hex::decode(text.trim()).unwrap_or_default());
    Secret::from_bytes(&bytes).ok_or_else(|| KeyError::Damaged { path: path.to_owned() })
}

fn secret_file(path: &Path, rng: &dyn Rng) -> Result<Secret, KeyError> {
    match fs::read_to_string(path) {
        Ok(text) => parse_secret(path, &text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let secret = Secret::random(rng);
            let text = Zeroizing::new(format!("{}\n", hex::encode(secret.bytes())));
            replace(path, text.as_bytes()).map_err(|source| io_error(path, source))?;
            Ok(secret)
        }
        Err(source) => Err(io_error(path, source)),
    }
}

/// Writes a file so that after a power loss it is either the old one or the new one, whole.
fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    let new = path.with_extension("nieuw");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    file.write_all(text)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}

fn io_error(path: &Path, source: io::Error) -> KeyError {
    KeyError::Io { path: path.to_owned(), source }
}
