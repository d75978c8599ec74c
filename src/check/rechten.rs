//! Who else can reach the keys: the modes of key files, and of the directories in which they lie.
//!
//! A file with a key is for the gateway's user alone (`mode & 0o077` is empty). In a directory nobody else may write
//! (`mode & 0o022` is empty), or others could put a key of their own in its place; a sticky directory such as `/tmp` lets
//! nobody replace what is of another. Links are followed: what counts is what they lead to. Not here: owners, and access
//! lists beyond the mode.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use super::bevindingen::{Bevinding, Onderwerp, Waarschuwing};
use crate::config::Config;

const OTHERS: u32 = 0o077;
const OTHERS_WRITE: u32 = 0o022;
const STICKY: u32 = 0o1000;

/// The keys that others can reach. What is not there yet is made closed by the gateway.
pub(super) fn bevindingen(config: &Config, found: &mut Vec<Bevinding>) {
    let mut files = vec![config.sleutel.clone()];
    let entries = fs::read_dir(&config.sleutels).into_iter().flatten().flatten();
    let mut keys: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| is_key(path)).collect();
    keys.sort();
    files.extend(keys);
    for file in &files {
        note(file, "het sleutelbestand", OTHERS, "0600", found);
    }
    let beside = config.sleutel.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut directories = vec![config.sleutels.as_path(), beside];
    directories.dedup();
    for directory in directories {
        note(directory, "de map met sleutels", OTHERS_WRITE, "0700", found);
    }
}

/// `wortel-1.key` and its like, and day keys.
fn is_key(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "key") || path.ends_with("dagsleutels.json")
}

fn note(path: &Path, wat: &str, mask: u32, gewenst: &str, found: &mut Vec<Bevinding>) {
    let Ok(mode) = fs::metadata(path).map(|metadata| Permissions::mode(&metadata.permissions())) else { return };
    let sticky = mask == OTHERS_WRITE && mode & STICKY != 0;
    if mode & mask != 0 && !sticky {
        let (wat, rechten, gewenst) = (wat.to_owned(), format!("{:04o}", mode & 0o7777), gewenst.to_owned());
        let waarschuwing = Waarschuwing::SleutelOpen { wat, rechten, gewenst };
        found.push((Onderwerp::Bestand(path.to_owned()), waarschuwing));
    }
}
