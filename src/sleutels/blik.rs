//! Blik (look): what an operator looked at beside the gateway, on its way to the gateway, which logs it.
//!
//! Each lies in a directory of its own until it is logged. It is sealed: only who has the keys of the gateway can tell it of a look, and
//! a look at a person lies open in no file.

use std::{
    fs, io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use uuid::Uuid;
use zeroize::Zeroizing;

use super::directory::SealingKeys;
use crate::{domain::Rng, files};

const LABEL: &[u8] = b"ketenpoort/v1 blik";
const ENDING: &str = "blik";
/// Of one look, sealed.
const MOST_BYTES: u64 = 16 * 1024;
/// Looks that are read at once.
const MOST_AT_ONCE: usize = 64;

/// Where looks lie until they are logged.
#[derive(Clone, Debug)]
pub struct Blikken(PathBuf);

/// A look that lies there.
pub struct Wachtend {
    /// Its file, to be removed once it is logged.
    pub bestand: PathBuf,
    /// What was told; nothing where it does not open with these keys.
    pub blik: Option<Zeroizing<Vec<u8>>>,
}

impl Blikken {
    /// Beside the guard file of a gateway.
    #[must_use]
    pub fn of_guard(guard: &Path) -> Self {
        Self(guard.with_extension("blikken"))
    }

    /// From now on looks are logged.
    ///
    /// # Errors
    /// What the system says.
    pub fn open(&self) -> io::Result<()> {
        if self.0.is_symlink() {
            return Err(io::Error::other("een link staat in de plaats van deze map: haal haar weg"));
        }
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.0)
    }

    /// From now on nobody logs them.
    pub fn close(&self) {
        // What still lies there is logged by the next run.
        drop(fs::remove_dir(&self.0));
    }

    /// Lays a look there. Gives its file, which is gone once the look is logged; nothing where nobody logs it.
    ///
    /// # Errors
    /// What the system says.
    pub fn tell(&self, keys: &SealingKeys, rng: &dyn Rng, blik: Vec<u8>) -> io::Result<Option<PathBuf>> {
        if !self.0.is_dir() || self.0.is_symlink() {
            return Ok(None);
        }
        let sealed = keys.pseudoniem.derive(LABEL, b"").seal(Zeroizing::new(blik), LABEL, rng);
        let mut random = [0; 16];
        rng.fill(&mut random);
        let file = self.0.join(Uuid::from_bytes(random).simple().to_string()).with_extension(ENDING);
        files::replace(&file, &sealed)?;
        Ok(Some(file))
    }

    /// Some of the looks that lie there.
    ///
    /// # Errors
    /// What the system says.
    pub fn waiting(&self, keys: &SealingKeys) -> io::Result<Vec<Wachtend>> {
        let entries = match fs::read_dir(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let key = keys.pseudoniem.derive(LABEL, b"");
        // Whatever else lies there is passed over.
        let told = entries.flatten().map(|entry| entry.path());
        let told = told.filter(|bestand| bestand.extension().is_some_and(|ending| ending == ENDING));
        let read = |bestand: PathBuf| {
            let sealed = files::read(&bestand, MOST_BYTES).unwrap_or_default();
            Wachtend { blik: key.open(&sealed, LABEL).ok(), bestand }
        };
        Ok(told.take(MOST_AT_ONCE).map(read).collect())
    }
}
