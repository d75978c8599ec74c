//! The key directory: what every gateway on one database has the same, and what never stands in that database.
//!
//! `wortel-<epoch>.key` is the root, `logboek.key` the Ed25519 seed that signs checkpoints, `pseudoniem.key` the key by which
//! people can be found. Each is durable (file and directory synced) before its first use. The document of day keys lies here too
//! where one gateway has it to itself ([`DocumentFile`]).

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use aws_lc_rs::digest::{SHA256, digest};
use zeroize::Zeroizing;

use super::{
    dagsleutels::{KeyDocument, Pending},
    keystore::KeyError,
    seal::Secret,
};
use crate::domain::{Kenmerk, Rng};

const DOCUMENT: &str = "dagsleutels.json";
const LOGBOEK_KEY: &str = "logboek.key";
const PSEUDONIEM_KEY: &str = "pseudoniem.key";
/// Which root is in use.
pub(super) const EPOCH: u32 = 1;

/// The keys that stay.
pub struct KeyMap {
    dir: PathBuf,
    pub(super) root: Secret,
    logboek_seed: Secret,
    pseudoniem: Secret,
}

impl KeyMap {
    /// Opens the directory. Where there is nothing yet it is made, if the logboek is `new`.
    ///
    /// # Errors
    /// [`KeyError`] when a file cannot be read or written, or is missing beside others or beside a logboek.
    pub fn open(dir: &Path, new: bool, rng: &dyn Rng) -> Result<Self, KeyError> {
        let paths = [format!("wortel-{EPOCH}.key").as_str(), LOGBOEK_KEY, PSEUDONIEM_KEY].map(|name| dir.join(name));
        if !new && paths.iter().all(|path| !path.exists()) {
            return Err(KeyError::Absent(dir.to_owned()));
        }
        fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(|source| io_error(dir, source))?;
        // Two gateways that start at once do not each make keys of their own.
        let opening = lock_file(&dir.join("openen.slot"))?;
        opening.lock().map_err(|source| io_error(dir, source))?;
        // A key that went missing beside others is lost, not new: a fresh one would open nothing and fork the logboek.
        if let Some(missing) = paths.iter().find(|path| !path.exists())
            && paths.iter().chain([&dir.join(DOCUMENT)]).any(|path| path.exists())
        {
            return Err(KeyError::Damaged { path: missing.clone() });
        }
        let [root, logboek_seed, pseudoniem] = paths;
        Ok(Self {
            dir: dir.to_owned(),
            root: secret_file(&root, rng)?,
            logboek_seed: secret_file(&logboek_seed, rng)?,
            pseudoniem: secret_file(&pseudoniem, rng)?,
        })
    }

    /// The Ed25519 seed that signs checkpoints.
    #[must_use]
    pub fn logboek_seed(&self) -> &[u8; 32] {
        self.logboek_seed.bytes()
    }

    /// The pseudonym of a mark of a person.
    #[must_use]
    pub fn pseudoniem(&self, kenmerk: Kenmerk, text: &str) -> [u8; 32] {
        self.pseudoniem.pseudoniem(kenmerk, text)
    }

    /// By what gateways know that they have the same keys: 64 hexadecimal digits that tell nothing of them.
    #[must_use]
    pub fn kenmerk(&self) -> String {
        let tags: Vec<u8> =
            [&self.root, &self.logboek_seed, &self.pseudoniem].into_iter().flat_map(Secret::kenmerk).collect();
        hex::encode(digest(&SHA256, &tags))
    }

    /// The text of the document of day keys in this directory, where one gateway kept it.
    ///
    /// # Errors
    /// [`KeyError::Io`].
    pub fn document(&self) -> Result<Option<String>, KeyError> {
        let path = self.dir.join(DOCUMENT);
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(io_error(&path, source)),
        }
    }

    /// The Ed25519 seed in a key directory, without making anything: for who only verifies.
    ///
    /// # Errors
    /// [`KeyError`] when it is not there or damaged.
    pub fn read_logboek_seed(dir: &Path) -> Result<Secret, KeyError> {
        read_secret(&dir.join(LOGBOEK_KEY))
    }

    /// The key by which people can be found, without making anything: for who only looks.
    ///
    /// # Errors
    /// [`KeyError`] when it is not there or damaged.
    pub fn read_pseudoniem_key(dir: &Path) -> Result<Secret, KeyError> {
        read_secret(&dir.join(PSEUDONIEM_KEY))
    }
}

/// The document of day keys as a file of one gateway, which keeps every other one from it.
pub struct DocumentFile {
    path: PathBuf,
    _lock: File,
}

impl DocumentFile {
    /// Takes the document of a key directory.
    ///
    /// # Errors
    /// [`KeyError::InUse`] when another gateway has it.
    pub fn take(dir: &Path) -> Result<Self, KeyError> {
        let lock = lock_file(&dir.join("dagsleutels.slot"))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: dir.join(DOCUMENT), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(KeyError::InUse(dir.to_owned())),
            Err(TryLockError::Error(source)) => Err(io_error(dir, source)),
        }
    }
}

/// Nobody else changes the file, so that versions say nothing here. Reading and writing block; a day key is made once a day, so
/// that this is felt by nobody.
impl KeyDocument for DocumentFile {
    fn read(&self) -> Pending<'_, Option<(u64, String)>> {
        Box::pin(async {
            match fs::read_to_string(&self.path) {
                Ok(text) => Ok(Some((0, text))),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                Err(source) => Err(io_error(&self.path, source)),
            }
        })
    }

    fn replace(&self, _basis: Option<u64>, text: String) -> Pending<'_, bool> {
        Box::pin(async move {
            replace(&self.path, text.as_bytes()).map_err(|source| io_error(&self.path, source))?;
            Ok(true)
        })
    }

    fn generation(&self) -> u64 {
        0
    }
}

fn read_secret(path: &Path) -> Result<Secret, KeyError> {
    let text = Zeroizing::new(fs::read_to_string(path).map_err(|source| io_error(path, source))?);
    let bytes = Zeroizing::new(hex::decode(text.trim()).unwrap_or_default());
    Secret::from_bytes(&bytes).ok_or_else(|| KeyError::Damaged { path: path.to_owned() })
}

fn secret_file(path: &Path, rng: &dyn Rng) -> Result<Secret, KeyError> {
    if path.exists() {
        return read_secret(path);
    }
    let secret = Secret::random(rng);
    let text = Zeroizing::new(format!("{}\n", hex::encode(secret.bytes())));
    replace(path, text.as_bytes()).map_err(|source| io_error(path, source))?;
    Ok(secret)
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

fn lock_file(path: &Path) -> Result<File, KeyError> {
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path);
    file.map_err(|source| io_error(path, source))
}

fn io_error(path: &Path, source: io::Error) -> KeyError {
    KeyError::Io { path: path.to_owned(), source }
}
