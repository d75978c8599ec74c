//! Files that the gateway makes: whole, closed to others, and never through a link.
//!
//! Whoever can write in a directory can put a link there in the place of a file that the gateway is going to make, and have it
//! write into a file of somebody else. So what is new is created exclusively, and what is locked is opened without following a
//! link. Reading is another matter: there a link is followed, as secrets of Kubernetes are links, and what need not end is refused.

use std::{
    fs::{self, File, OpenOptions, Permissions},
    io::{self, Read, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::Path,
};

/// For this user alone.
const CLOSED: u32 = 0o600;

/// The bytes of a file, of at most so many. A link is followed; what is no ordinary file, such as a pipe or a device, need not end,
/// and is refused.
///
/// # Errors
/// What the system says, or that it is too large or no file.
pub fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("dit is geen gewoon bestand"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(io::Error::other(format!("het bestand is groter dan {most} bytes")));
    }
    Ok(bytes)
}

/// Makes a new file with this text, for this user alone.
///
/// # Errors
/// Also when something is there already, a link that leads nowhere included.
pub fn create(path: &Path, text: &[u8]) -> io::Result<File> {
    let mut file = create_empty(path)?;
    file.write_all(text)?;
    Ok(file)
}

/// Makes a new empty file, for this user alone.
///
/// # Errors
/// Also when something is there already, a link that leads nowhere included.
pub fn create_empty(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create_new(true).mode(CLOSED).open(path)
}

/// Puts a file in the place of another, so that after a power loss it is either the old one or the new one, whole. A link in
/// its place is replaced, not followed.
///
/// # Errors
/// What the system says; then the old one is still there.
pub fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    let new = path.with_extension("nieuw");
    // Left by a power loss, or put there by somebody: removing a link leaves what it leads to.
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    create(&new, text)?.sync_all()?;
    fs::rename(&new, path)?;
    File::open(path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new(".")))?.sync_all()
}

/// Opens a file that is only there to be locked, making it if need be. It is closed to others: who can open it can hold it.
///
/// # Errors
/// Also when a link is in its place.
pub fn lock_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(CLOSED).custom_flags(libc::O_NOFOLLOW);
    let file = options.open(path)?;
    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        file.set_permissions(Permissions::from_mode(CLOSED))?;
    }
    Ok(file)
}

/// Whether something has this name, a link that leads nowhere included.
#[must_use]
pub fn is_there(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn mode(path: &Path) -> u32 {
        path.metadata().unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_planted_link_is_never_written_through() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::write(at("ander"), "van een ander").unwrap();
        for target in ["ander", "bestaat-niet"] {
            for name in ["wortel-1.nieuw", "nieuw.txt", "x.slot", "wortel-1.key"] {
                symlink(at(target), at(name)).unwrap();
            }
            assert!(create(&at("nieuw.txt"), b"x").is_err());
            assert!(lock_file(&at("x.slot")).is_err());
            replace(&at("wortel-1.key"), b"geheim").unwrap();
            assert_eq!(fs::read(at("wortel-1.key")).unwrap(), b"geheim");
            assert!(!at("wortel-1.key").is_symlink() && mode(&at("wortel-1.key")) == 0o600);
            for name in ["nieuw.txt", "x.slot", "wortel-1.key"] {
                fs::remove_file(at(name)).unwrap();
            }
        }
        assert_eq!(fs::read(at("ander")).unwrap(), b"van een ander");
        assert!(!is_there(&at("bestaat-niet")) && !is_there(&at("wortel-1.nieuw")));
    }

    #[test]
    fn what_need_not_end_is_not_read() {
        let dir = tempfile::tempdir().unwrap();
        let pipe = dir.path().join("pijp");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let device = dir.path().join("nul");
        symlink("/dev/zero", &device).unwrap();
        for path in [&pipe, &device, &dir.path().to_owned()] {
            assert!(read(path, 10).is_err(), "{}", path.display());
        }
        let file = dir.path().join("bestand");
        fs::write(&file, "0123456789").unwrap();
        symlink(&file, dir.path().join("link")).unwrap();
        assert_eq!(read(&dir.path().join("link"), 10).unwrap(), b"0123456789");
        assert!(read(&file, 9).is_err());
    }

    #[test]
    fn a_lock_that_others_could_hold_is_closed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.slot");
        fs::write(&path, "").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o666)).unwrap();
        lock_file(&path).unwrap();
        assert_eq!(mode(&path), 0o600);
    }
}
