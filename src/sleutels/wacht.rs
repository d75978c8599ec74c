//! The guard file (wacht): what a gateway remembers beside its keys of what it believed, so that a start is no blank page.
//!
//! Today that is its clock. The file is of one gateway and one machine. One that is gone, cut off or of elsewhere only means
//! that nothing is remembered, and the gateway is then more careful (`domain::klok`).

use std::{
    io,
    path::{Path, PathBuf},
};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{domain::Herinnering, files};

/// More bytes than this no gateway writes.
const LARGEST: u64 = 64 << 10;

/// The guard file of a key directory.
#[derive(Clone)]
pub struct Wacht(PathBuf);

/// Durations in microseconds; `moment` is UTC.
#[derive(Serialize, Deserialize)]
struct Document {
    versie: u8,
    boot: String,
    sinds_boot_us: i64,
    moment: Timestamp,
    verval_vanaf_us: i64,
}

impl Wacht {
    /// In this key directory.
    #[must_use]
    pub fn at(dir: &Path) -> Self {
        Self(dir.join("wacht.json"))
    }

    /// What it remembers; nothing where there is none yet.
    ///
    /// # Errors
    /// When it cannot be read or does not hold what it should.
    pub fn read(&self) -> io::Result<Option<Herinnering>> {
        let text = match files::read(&self.0, LARGEST) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let document: Document = serde_json::from_slice(&text)?;
        if document.versie != 1 || document.sinds_boot_us < 0 || document.verval_vanaf_us < 0 {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "values that no gateway writes"));
        }
        Ok(Some(Herinnering {
            boot: document.boot,
            since_boot: SignedDuration::from_micros(document.sinds_boot_us),
            moment: document.moment,
            lapse_from: SignedDuration::from_micros(document.verval_vanaf_us),
        }))
    }

    /// Remembers, in place of what was there; durable when it returns.
    ///
    /// # Errors
    /// When it cannot be written; what was there stays.
    pub fn write(&self, herinnering: &Herinnering) -> io::Result<()> {
        let micros = |duration: SignedDuration| i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        let document = Document {
            versie: 1,
            boot: herinnering.boot.clone(),
            sinds_boot_us: micros(herinnering.since_boot),
            moment: herinnering.moment,
            verval_vanaf_us: micros(herinnering.lapse_from),
        };
        files::replace(&self.0, &serde_json::to_vec(&document)?)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_is_written_is_remembered_and_what_is_cut_off_is_not_taken() {
        let dir = tempfile::tempdir().unwrap();
        let wacht = Wacht::at(dir.path());
        assert_eq!(wacht.read().unwrap(), None);
        let herinnering = Herinnering {
            boot: "b".to_owned(),
            since_boot: SignedDuration::from_secs(5),
            moment: "2026-11-25T12:00:00.5Z".parse().unwrap(),
            lapse_from: SignedDuration::from_hours(1),
        };
        wacht.write(&herinnering).unwrap();
        assert_eq!(wacht.read().unwrap(), Some(herinnering));
        let file = dir.path().join("wacht.json");
        let whole = fs::read(&file).unwrap();
        for length in 0..whole.len() {
            fs::write(&file, &whole[..length]).unwrap();
            assert!(wacht.read().is_err(), "{length} bytes of it were taken");
        }
        fs::write(&file, String::from_utf8(whole).unwrap().replace("5000000", "-1")).unwrap();
        assert!(wacht.read().is_err());
    }
}
