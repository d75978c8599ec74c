//! The key directory: what every gateway on one database has the same, and what never stands in that database.
//!
//! `wortel-<epoch>.key` is the root, `logboek.key` the Ed25519 seed that signs checkpoints, `pseudoniem.key` the key by which
//! people can be found, `openingen.key` the one under which openings of commitments are sealed. `logboek.vkey` is no secret: the public key that verifies the logboek. Each is durable (file and directory synced) before its first use. Day keys lie here too where one
//! gateway has them to itself ([`DayKeyFile`]).

use std::{
    collections::BTreeMap,
    fs::{self, File, TryLockError},
    io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use aws_lc_rs::{
    digest::{SHA256, digest},
    signature::{Ed25519KeyPair, KeyPair},
};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{
    dagsleutels::{DayKeyPlace, Pending, Wrapped},
    keystore::KeyError,
    openingen::OpeningKeys,
    seal::Secret,
};
use crate::{
    domain::{Kenmerk, Oin, Rng},
    files,
};

const DOCUMENT: &str = "dagsleutels.json";
const LOGBOEK_KEY: &str = "logboek.key";
const PSEUDONIEM_KEY: &str = "pseudoniem.key";
const OPENINGEN_KEY: &str = "openingen.key";
const BEGUN: &str = "begonnen.txt";
const VKEY: &str = "logboek.vkey";
/// Which root is in use.
pub(super) const EPOCH: u32 = 1;

/// The keys that stay.
pub struct KeyDirectory {
    dir: PathBuf,
    sealing: SealingKeys,
    logboek_seed: Secret,
}

/// Those by which content is sealed and people are found. They sign nothing.
pub struct SealingKeys {
    pub(super) root: Secret,
    pub(super) pseudoniem: Secret,
    openingen: Secret,
}

impl SealingKeys {
    /// The keys in a directory, without making or holding anything: for who only looks.
    ///
    /// # Errors
    /// [`KeyError`] when one is not there or damaged.
    pub fn read(dir: &Path) -> Result<Self, KeyError> {
        Ok(Self {
            root: read_secret(&dir.join(format!("wortel-{EPOCH}.key")))?,
            pseudoniem: read_secret(&dir.join(PSEUDONIEM_KEY))?,
            openingen: read_secret(&dir.join(OPENINGEN_KEY))?,
        })
    }

    /// By what gateways know that they have the same keys, these and the one whose public key is this.
    #[must_use]
    pub fn mark(&self, public: &[u8]) -> String {
        let tags: Vec<u8> =
            [&self.root, &self.pseudoniem, &self.openingen].into_iter().flat_map(Secret::mark).collect();
        hex::encode(digest(&SHA256, &[&tags, public].concat()))
    }

    /// Those of the openings of commitments.
    #[must_use]
    pub fn openingen(&self, rng: Arc<dyn Rng>) -> OpeningKeys {
        OpeningKeys::new(self.openingen.copy(), rng)
    }

    /// The pseudonym of a mark of a person.
    #[must_use]
    pub fn pseudoniem(&self, kenmerk: Kenmerk, text: &str) -> [u8; 32] {
        self.pseudoniem.pseudoniem(kenmerk, text)
    }

    /// The pseudonym of an employee of the organisation with this OIN.
    #[must_use]
    pub fn medewerker(&self, oin: &Oin, medewerker: &str) -> [u8; 32] {
        self.pseudoniem.medewerker(oin, medewerker)
    }
}

impl KeyDirectory {
    /// Opens the directory. Where there is nothing yet it is made, if the logboek is `new`.
    ///
    /// # Errors
    /// [`KeyError`] when a file cannot be read or written, or is missing beside others or beside a logboek.
    pub fn open(dir: &Path, new: bool, rng: &dyn Rng) -> Result<Self, KeyError> {
        let paths = [format!("wortel-{EPOCH}.key").as_str(), LOGBOEK_KEY, PSEUDONIEM_KEY, OPENINGEN_KEY]
            .map(|name| dir.join(name));
        if !new && !paths.iter().any(|path| files::is_there(path)) {
            return Err(KeyError::Absent(dir.to_owned()));
        }
        // A directory in which nothing is to be made may be one in which nothing can be written.
        let is_whole = paths.iter().all(|path| files::is_there(path));
        // Two gateways that start at once do not each make keys of their own.
        let _one_at_a_time = if is_whole { None } else { Some(made(dir)?) };
        // A key that went missing beside others is lost, not new: a fresh one would open nothing and fork the logboek.
        if let Some(missing) = paths.iter().find(|path| !files::is_there(path))
            && paths.iter().chain([&dir.join(DOCUMENT)]).any(|path| files::is_there(path))
        {
            return Err(KeyError::Missing { path: missing.clone() });
        }
        let [root, logboek_seed, pseudoniem, openingen] = paths;
        Ok(Self {
            dir: dir.to_owned(),
            logboek_seed: secret_file(&logboek_seed, rng)?,
            sealing: SealingKeys {
                root: secret_file(&root, rng)?,
                pseudoniem: secret_file(&pseudoniem, rng)?,
                openingen: secret_file(&openingen, rng)?,
            },
        })
    }

    /// Those by which content is sealed and people are found.
    #[must_use]
    pub fn sealing(self) -> SealingKeys {
        self.sealing
    }

    /// Those of the openings of commitments.
    #[must_use]
    pub fn openingen(&self, rng: Arc<dyn Rng>) -> OpeningKeys {
        self.sealing.openingen(rng)
    }

    /// The pseudonym of an employee of the organisation with this OIN.
    #[must_use]
    pub fn medewerker(&self, oin: &Oin, medewerker: &str) -> [u8; 32] {
        self.sealing.medewerker(oin, medewerker)
    }

    /// The Ed25519 seed that signs checkpoints.
    #[must_use]
    pub fn logboek_seed(&self) -> &[u8; 32] {
        self.logboek_seed.bytes()
    }

    /// By what gateways know that they have the same keys: 64 hexadecimal digits that tell nothing of them.
    ///
    /// # Panics
    /// Never: each 32 bytes are the seed of a key.
    #[must_use]
    pub fn mark(&self) -> String {
        let pair = Ed25519KeyPair::from_seed_unchecked(self.logboek_seed.bytes()).expect("32 bytes are a seed");
        self.sealing.mark(pair.public_key().as_ref())
    }

    /// Whether a logboek was begun with the keys in this directory: then it must be somewhere.
    #[must_use]
    pub fn has_begun(dir: &Path) -> bool {
        dir.join(BEGUN).exists()
    }

    /// Remembers that a logboek of this name was begun with these keys, and with which public key anybody verifies it.
    ///
    /// # Errors
    /// [`KeyError::Io`].
    pub fn remember_begun(&self, naam: &str, vkey: &str) -> Result<(), KeyError> {
        let path = self.dir.join(VKEY);
        let is_known = || read_line(&path).is_ok_and(|known| known == vkey);
        if Self::has_begun(&self.dir) && is_known() {
            return Ok(());
        }
        let _one_at_a_time = one_at_a_time(&self.dir)?;
        if !Self::has_begun(&self.dir) {
            write_line(&self.dir.join(BEGUN), naam)?;
        }
        if is_known() { Ok(()) } else { write_line(&path, vkey) }
    }

    /// The public key that verifies the logboek, as a vkey: for who only verifies. It needs no secret.
    ///
    /// # Errors
    /// [`KeyError`] when it is not there.
    pub fn read_vkey(dir: &Path) -> Result<String, KeyError> {
        read_line(&dir.join(VKEY))
    }
}

/// The day keys in a file of one gateway, which keeps every other one from it.
///
/// Reading and writing block; a day key is made once a day, so that this is felt by nobody.
pub struct DayKeyFile {
    path: PathBuf,
    /// What was seen in it: a file that lost a key is not written on.
    seen: Mutex<BTreeMap<Date, Wrapped>>,
    _lock: File,
}

#[derive(Serialize, Deserialize)]
struct Document {
    versie: u8,
    epoch: u32,
    dagsleutels: BTreeMap<Date, Wrapped>,
}

impl DayKeyFile {
    /// Takes the day keys of a key directory.
    ///
    /// # Errors
    /// [`KeyError::InUse`] when another gateway has them.
    pub fn take(dir: &Path) -> Result<Self, KeyError> {
        let lock = lock_file(dir, "dagsleutels.slot")?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: dir.join(DOCUMENT), seen: Mutex::default(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(KeyError::InUse(dir.to_owned())),
            Err(TryLockError::Error(source)) => Err(io_error(dir, source)),
        }
    }

    /// Every day key in it, wrapped.
    fn all(&self) -> Result<BTreeMap<Date, Wrapped>, KeyError> {
        let days = read_document(&self.path)?;
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.iter().any(|(day, wrapped)| days.get(day) != Some(wrapped)) {
            let path = self.path.clone();
            return Err(if self.path.exists() { KeyError::Damaged { path } } else { KeyError::Vanished { path } });
        }
        seen.clone_from(&days);
        Ok(days)
    }

    /// Every day key in a key directory, wrapped, also beside the gateway that has it.
    ///
    /// # Errors
    /// [`KeyError`] when it cannot be read.
    pub fn read(dir: &Path) -> Result<BTreeMap<Date, Wrapped>, KeyError> {
        read_document(&dir.join(DOCUMENT))
    }
}

impl DayKeyPlace for DayKeyFile {
    fn find(&self, day: Date) -> Pending<'_, Option<Wrapped>> {
        Box::pin(async move { Ok(self.all()?.remove(&day)) })
    }

    fn add(&self, day: Date, wrapped: Wrapped) -> Pending<'_, ()> {
        Box::pin(async move {
            let mut dagsleutels = self.all()?;
            dagsleutels.entry(day).or_insert(wrapped);
            let document = Document { versie: 1, epoch: EPOCH, dagsleutels };
            let text = serde_json::to_vec_pretty(&document).expect("dates and hexadecimal text always become JSON");
            files::replace(&self.path, &text).map_err(|source| io_error(&self.path, source))
        })
    }

    fn reconnects(&self) -> u64 {
        0
    }
}

/// A file of keys in bytes, at most: some hundred years of day keys.
const LARGEST: u64 = 16 << 20;

fn read_document(path: &Path) -> Result<BTreeMap<Date, Wrapped>, KeyError> {
    let text = match files::read(path, LARGEST) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(source) => return Err(io_error(path, source)),
    };
    let document = serde_json::from_slice(&text).ok();
    let document = document.filter(|document: &Document| document.versie == 1 && document.epoch == EPOCH);
    document.map(|document| document.dagsleutels).ok_or_else(|| KeyError::Damaged { path: path.to_owned() })
}

fn write_line(path: &Path, line: &str) -> Result<(), KeyError> {
    files::replace(path, format!("{line}\n").as_bytes()).map_err(|source| io_error(path, source))
}

fn read_line(path: &Path) -> Result<String, KeyError> {
    let text = files::read(path, LARGEST).map_err(|source| io_error(path, source))?;
    let line = String::from_utf8(text).map_err(|_| KeyError::Damaged { path: path.to_owned() })?;
    Ok(line.trim_end().to_owned())
}

fn read_secret(path: &Path) -> Result<Secret, KeyError> {
    let text = Zeroizing::new(files::read(path, LARGEST).map_err(|source| io_error(path, source))?);
    let bytes = Zeroizing::new(hex::decode(text.trim_ascii()).unwrap_or_default());
    Secret::from_bytes(&bytes).ok_or_else(|| KeyError::Damaged { path: path.to_owned() })
}

fn secret_file(path: &Path, rng: &dyn Rng) -> Result<Secret, KeyError> {
    // A link that leads nowhere is a key that is lost, not one that is to be made.
    if files::is_there(path) {
        return read_secret(path);
    }
    let secret = Secret::random(rng);
    let text = Zeroizing::new(format!("{}\n", hex::encode(secret.bytes())));
    files::replace(path, text.as_bytes()).map_err(|source| io_error(path, source))?;
    Ok(secret)
}

/// Makes the directory where there is none, and keeps other gateways from writing in it.
fn made(dir: &Path) -> Result<File, KeyError> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(|source| io_error(dir, source))?;
    one_at_a_time(dir)
}

/// Keeps other gateways from writing in this directory, as long as it is held.
fn one_at_a_time(dir: &Path) -> Result<File, KeyError> {
    let lock = lock_file(dir, "openen.slot")?;
    lock.lock().map_err(|source| io_error(dir, source))?;
    Ok(lock)
}

/// The file in a directory that whoever writes there holds.
fn lock_file(dir: &Path, naam: &str) -> Result<File, KeyError> {
    let path = dir.join(naam);
    files::lock_file(&path).map_err(|source| match source.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => KeyError::ReadOnly(dir.to_owned()),
        _ => io_error(&path, source),
    })
}

fn io_error(path: &Path, source: io::Error) -> KeyError {
    KeyError::Io { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn nothing_is_written_where_all_keys_are() {
        let dir = tempfile::tempdir().unwrap();
        let rng = crate::clock::SystemRng;
        let made = KeyDirectory::open(dir.path(), true, &rng).unwrap();
        made.remember_begun("logboek", "vkey").unwrap();
        // Who wanted to write would lock this first, and cannot.
        let lock = dir.path().join("openen.slot");
        fs::remove_file(&lock).unwrap();
        fs::create_dir(&lock).unwrap();
        let again = KeyDirectory::open(dir.path(), false, &rng).unwrap();
        assert_eq!(again.mark(), made.mark());
        again.remember_begun("logboek", "vkey").unwrap();
        assert!(again.remember_begun("logboek", "another vkey").is_err());
    }

    #[tokio::test]
    async fn a_file_that_is_gone_is_not_said_to_be_damaged() {
        let dir = tempfile::tempdir().unwrap();
        let (keys, away) = (dir.path().join("sleutels"), dir.path().join("weg"));
        fs::create_dir(&keys).unwrap();
        let file = DayKeyFile::take(&keys).unwrap();
        let (first, second) = (date(2027, 1, 1), date(2027, 1, 2));
        file.add(first, "00".to_owned()).await.unwrap();
        assert!(file.find(first).await.unwrap().is_some());
        fs::rename(&keys, &away).unwrap();
        let gone = file.add(second, "01".to_owned()).await;
        assert!(matches!(gone, Err(KeyError::Vanished { .. })), "{gone:?}");
        fs::rename(&away, &keys).unwrap();
        file.add(second, "01".to_owned()).await.unwrap();
        fs::write(keys.join(DOCUMENT), r#"{"versie": 1, "epoch": 1, "dagsleutels": {}}"#).unwrap();
        let damaged = file.find(first).await;
        assert!(matches!(damaged, Err(KeyError::Damaged { .. })), "{damaged:?}");
    }
}
