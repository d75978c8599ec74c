//! Who else can reach the keys: the modes of key files, and of the directories in which they lie.
//!
//! A file with a key is for the gateway's user alone (`mode & 0o077` is empty). In a directory nobody else may write
//! (`mode & 0o022` is empty), or others could put a key of their own in its place; a sticky directory such as `/tmp` lets
//! nobody replace what is of another. Links are followed: what counts is what they lead to. Not here: owners, and access
//! lists beyond the mode.

use std::{
    collections::BTreeSet,
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use super::bevindingen::{Bevinding, Onderwerp, Waarschuwing};
use crate::config::{Config, Opslag};

const OTHERS: u32 = 0o077;
const OTHERS_WRITE: u32 = 0o022;
const STICKY: u32 = 0o1000;

/// The keys that others can reach, and the database. What is not there yet is made closed by the gateway.
pub(super) fn bevindingen(config: &Config, found: &mut Vec<Bevinding>) {
    let mut keys = vec![config.sleutel.clone()];
    let entries = fs::read_dir(&config.sleutels).into_iter().flatten().flatten();
    let mut own: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| is_key(path)).collect();
    own.sort();
    keys.extend(own);
    if let Opslag::Postgres(postgres) = &config.opslag {
        keys.extend(postgres.servers.iter().filter_map(|server| server.file("sslkey")));
    }
    for key in &keys {
        note(key, ("het sleutelbestand", "the key file"), OTHERS, "0600", found);
    }
    if let Opslag::Sqlite { bestand, .. } = &config.opslag {
        note(bestand, ("de database", "the database"), OTHERS, "0600", found);
    }
    // Of a link both count: who can replace the link, and who can replace what it leads to.
    let led_to = keys.iter().filter_map(|key| fs::canonicalize(key).ok());
    let mut directories = vec![config.sleutels.clone(), beside(&config.sleutel)];
    directories.extend(led_to.map(|key| beside(&key)));
    let mut seen = BTreeSet::new();
    directories.retain(|directory| seen.insert(fs::canonicalize(directory).unwrap_or_else(|_| directory.clone())));
    for directory in &directories {
        note(directory, ("de map met sleutels", "the directory with keys"), OTHERS_WRITE, "0700", found);
    }
}

/// The directory of a file.
fn beside(file: &Path) -> PathBuf {
    file.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned()
}

/// `wortel-1.key` and its like, and day keys.
fn is_key(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "key") || path.ends_with("dagsleutels.json")
}

fn note(path: &Path, in_both_languages: (&str, &str), mask: u32, gewenst: &str, found: &mut Vec<Bevinding>) {
    let Ok(mode) = fs::metadata(path).map(|metadata| Permissions::mode(&metadata.permissions())) else { return };
    let sticky = mask == OTHERS_WRITE && mode & STICKY != 0;
    if mode & mask != 0 && !sticky {
        let (dutch, english) = in_both_languages;
        let waarschuwing = Waarschuwing::SleutelOpen {
            wat: dutch.to_owned(),
            what: english.to_owned(),
            rechten: format!("{:04o}", mode & 0o7777),
            gewenst: gewenst.to_owned(),
        };
        found.push((Onderwerp::Bestand(path.to_owned()), waarschuwing));
    }
}
