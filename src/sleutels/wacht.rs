//! The guard file (wacht): what a gateway remembers beside its keys, so that a start is no blank page.
//!
//! It is what the gateway believed of its clock, and the head of the logboek that it signed or saw last. The file is of one gateway
//! on one machine. Where it is gone or cut off, nothing is remembered: the gateway is then more careful with its clock
//! (`domain::klok`), and reads the whole logboek before it writes.

use std::{
    fs::{File, TryLockError},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::keystore::KeyError;
use crate::{domain::Herinnering, files, logboek::Kept};

/// More bytes than this no gateway writes.
const LARGEST: u64 = 64 << 10;

/// So long a gateway that ended can still hold its file: until a process that was being started beside it has begun, which has all
/// files of its parent open until then.
const RELEASED: Duration = Duration::from_secs(1);

/// What a gateway remembers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Onthouden {
    /// What it believed of its clock.
    pub klok: Option<Herinnering>,
    /// The newest head of the logboek.
    pub logboek: Option<Kept>,
}

/// Durations in microseconds; `moment` is UTC.
#[derive(Serialize, Deserialize)]
struct OfClock {
    boot: String,
    sinds_boot_us: i64,
    moment: Timestamp,
    verval_vanaf_us: i64,
}

#[derive(Serialize, Deserialize)]
struct Document {
    versie: u8,
    klok: Option<OfClock>,
    logboek: Option<Kept>,
}

/// What a guard file remembers; nothing where there is none yet.
///
/// # Errors
/// When it cannot be read or does not hold what it should.
pub fn read(path: &Path) -> io::Result<Onthouden> {
    let text = match files::read(path, LARGEST) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Onthouden::default()),
        Err(error) => return Err(error),
    };
    let document: Document = serde_json::from_slice(&text)?;
    let sound = |klok: &OfClock| klok.sinds_boot_us >= 0 && klok.verval_vanaf_us >= 0;
    if document.versie != 1 || !document.klok.as_ref().is_none_or(sound) {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "values that no gateway writes"));
    }
    let klok = document.klok.map(|klok| Herinnering {
        boot: klok.boot,
        since_boot: SignedDuration::from_micros(klok.sinds_boot_us),
        moment: klok.moment,
        lapse_from: SignedDuration::from_micros(klok.verval_vanaf_us),
    });
    Ok(Onthouden { klok, logboek: document.logboek })
}

/// The guard file of a gateway that runs: no other one writes in it.
#[derive(Clone)]
pub struct Wacht {
    path: PathBuf,
    /// Held as long as the gateway runs; one thread writes at a time.
    lock: Arc<Mutex<File>>,
}

impl Wacht {
    /// Takes the guard file at this path.
    ///
    /// # Errors
    /// [`KeyError::GuardInUse`] when another gateway has it, [`KeyError::Io`] when nothing can be written there.
    pub fn take(path: &Path) -> Result<Self, KeyError> {
        let io_error = |source| KeyError::Guard { path: path.to_owned(), source };
        let lock = files::lock_file(&path.with_extension("slot")).map_err(io_error)?;
        let until = Instant::now() + RELEASED;
        loop {
            match lock.try_lock() {
                Ok(()) => return Ok(Self { path: path.to_owned(), lock: Arc::new(Mutex::new(lock)) }),
                Err(TryLockError::WouldBlock) if Instant::now() < until => thread::sleep(Duration::from_millis(20)),
                Err(TryLockError::WouldBlock) => return Err(KeyError::GuardInUse(path.to_owned())),
                Err(TryLockError::Error(source)) => return Err(io_error(source)),
            }
        }
    }

    /// Remembers, in place of what was there; durable when it returns.
    ///
    /// # Errors
    /// When it cannot be written; what was there stays.
    pub fn write(&self, onthouden: &Onthouden) -> io::Result<()> {
        let micros = |duration: SignedDuration| i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        let klok = onthouden.klok.as_ref().map(|klok| OfClock {
            boot: klok.boot.clone(),
            sinds_boot_us: micros(klok.since_boot),
            moment: klok.moment,
            verval_vanaf_us: micros(klok.lapse_from),
        });
        let document = Document { versie: 1, klok, logboek: onthouden.logboek.clone() };
        let _one_at_a_time = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        files::replace(&self.path, &serde_json::to_vec(&document)?)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::logboek::{Head, Signer};

    #[test]
    fn what_is_written_is_remembered_and_what_is_cut_off_is_not_taken() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("wacht.json");
        let wacht = Wacht::take(&file).unwrap();
        assert_eq!(read(&file).unwrap(), Onthouden::default());
        let klok = Herinnering {
            boot: "b".to_owned(),
            since_boot: SignedDuration::from_secs(5),
            moment: "2026-11-25T12:00:00.5Z".parse().unwrap(),
            lapse_from: SignedDuration::from_hours(1),
        };
        let mut head = Head::new("x", 1, 0);
        head.sign(&Signer::from_seed("x", &[1; 32]).unwrap()).unwrap();
        let onthouden = Onthouden { klok: Some(klok), logboek: Some(head.kept()) };
        wacht.write(&onthouden).unwrap();
        assert_eq!(read(&file).unwrap(), onthouden);
        let whole = fs::read(&file).unwrap();
        for length in 0..whole.len() {
            fs::write(&file, &whole[..length]).unwrap();
            assert!(read(&file).is_err(), "{length} bytes of it were taken");
        }
        fs::write(&file, String::from_utf8(whole).unwrap().replace("5000000", "-1")).unwrap();
        assert!(read(&file).is_err());
    }

    #[test]
    fn a_guard_file_is_of_one_gateway() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("wacht.json");
        let wacht = Wacht::take(&file).unwrap();
        assert!(matches!(Wacht::take(&file), Err(KeyError::GuardInUse(_))));
        Wacht::take(&dir.path().join("wacht-2.json")).unwrap();
        drop(wacht);
        Wacht::take(&file).unwrap();
        assert!(matches!(Wacht::take(&dir.path().join("nergens/wacht.json")), Err(KeyError::Guard { .. })));
    }
}
