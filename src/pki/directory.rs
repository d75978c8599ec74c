//! The development set as files.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use jiff::Timestamp;

use super::identities::{gateway_leaf, not_before};
use super::{DevCa, Issued, LeafSpec, PkiError, bundle, dev_identities};

/// Makes a new CA and everyone's certificate under `out`, valid from an hour before `since` until ninety days after `now`:
///
/// ```text
/// out/ca.pem                                     root
/// out/gateway/{cert.pem,key.pem}                 server
/// out/profielen/<profile>/{cert.pem,key.pem,ca.pem}
/// out/profielen/<profile>/{fg,auditor,contact}.p12   for a browser, of who looks at the page
/// ```
///
/// `cert.pem` is the leaf followed by the issuing CA. The keys of both CAs are not written.
///
/// # Errors
/// [`PkiError::AlreadyThere`] when `out` holds a set already; otherwise the path that could not
/// be written, in which case the set is incomplete.
pub fn write_dev(out: &Path, since: Timestamp, now: Timestamp) -> Result<(), PkiError> {
    let ca = DevCa::create("Ketenpoort ontwikkeling", since)?;
    let not_before = not_before(since)?;
    create_out(out)?;
    // First of all files, because it claims the directory: of two runs at the same moment one
    // stops here, and neither can mix leaves of two CAs.
    write_new(&out.join("ca.pem"), ca.root_pem(), CERTIFICATE_MODE)?;

    let gateway = out.join("gateway");
    create_new_directory(&gateway)?;
    write_issued(&gateway, &ca.issue(&LeafSpec { not_before, ..gateway_leaf(now)? })?)?;

    let profielen = out.join("profielen");
    create_new_directory(&profielen)?;
    for identity in dev_identities() {
        let profiel = profielen.join(&identity.profile);
        create_new_directory(&profiel)?;
        let issued = ca.issue(&LeafSpec { not_before, ..identity.leaf(now)? })?;
        write_issued(&profiel, &issued)?;
        if BROWSERS.contains(&identity.role) {
            let bundle = bundle::pkcs12(&identity.profile, &issued, &ca.root_pem())?;
            write_new(&profiel.join(format!("{}.p12", identity.role)), &bundle, KEY_MODE)?;
        }
        // A copy for each profile, so that one directory is all a partner needs.
        write_new(&profiel.join("ca.pem"), ca.root_pem(), CERTIFICATE_MODE)?;
    }
    Ok(())
}

/// Who looks at the page with a browser.
const BROWSERS: [&str; 3] = ["fg", "auditor", "contact"];

const DIRECTORY_MODE: u32 = 0o700;
const KEY_MODE: u32 = 0o600;
const CERTIFICATE_MODE: u32 = 0o644;

fn write_issued(directory: &Path, issued: &Issued) -> Result<(), PkiError> {
    write_new(&directory.join("cert.pem"), &issued.chain_pem, CERTIFICATE_MODE)?;
    write_new(&directory.join("key.pem"), &issued.key_pem, KEY_MODE)
}

/// `out` itself may exist: then its mode is its owner's choice, and the directories below it,
/// which hold the keys, are closed whatever it is.
fn create_out(out: &Path) -> Result<(), PkiError> {
    DirBuilder::new().recursive(true).mode(DIRECTORY_MODE).create(out).map_err(|source| create_error(out, source))
}

/// Not recursive: a directory that somebody else made may be open to others, or be a link.
fn create_new_directory(path: &Path) -> Result<(), PkiError> {
    DirBuilder::new().mode(DIRECTORY_MODE).create(path).map_err(|source| create_error(path, source))
}

fn create_error(path: &Path, source: io::Error) -> PkiError {
    let path = path.to_owned();
    match source.kind() {
        io::ErrorKind::AlreadyExists => PkiError::AlreadyThere { path },
        _ => PkiError::CreateDirectory { path, source },
    }
}

/// `create_new` fails on an existing file and does not follow a link, and the mode is there from
/// the first moment: a key is never readable by others, not even briefly.
fn write_new(path: &Path, bytes: impl AsRef<[u8]>, mode: u32) -> Result<(), PkiError> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)
        .and_then(|mut file| file.write_all(bytes.as_ref()))
        .map_err(|source| {
            let path = path.to_owned();
            match source.kind() {
                io::ErrorKind::AlreadyExists => PkiError::AlreadyThere { path },
                _ => PkiError::Write { path, source },
            }
        })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::super::tests::{now, serial_numbers, verify_server};
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn written_set_verifies_and_its_keys_are_closed() {
        let parent = tempfile::tempdir().unwrap();
        let out = parent.path().join("new/set");
        write_dev(&out, now(), now()).unwrap();

        let read = |path: &str| fs::read_to_string(out.join(path)).unwrap();
        let root = read("ca.pem");
        verify_server(&root, &read("gateway/cert.pem"), "localhost").unwrap();
        for identity in dev_identities() {
            let profiel = format!("profielen/{}", &identity.profile);
            assert_eq!(read(&format!("{profiel}/ca.pem")), root);
            let chain = read(&format!("{profiel}/cert.pem"));
            assert_eq!(serial_numbers(&chain), [identity.oin]);
            assert_eq!(mode(&out.join(format!("{profiel}/key.pem"))), 0o600);
            assert_eq!(mode(&out.join(&profiel)), 0o700);
        }
        assert_eq!(mode(&out.join("gateway/key.pem")), 0o600);
        for directory in ["", "gateway", "profielen"] {
            assert_eq!(mode(&out.join(directory)), 0o700);
        }
    }

    #[test]
    fn second_write_is_refused_and_changes_nothing() {
        let out = tempfile::tempdir().unwrap();
        write_dev(out.path(), now(), now()).unwrap();
        let key = out.path().join("gateway/key.pem");
        let before = fs::read(&key).unwrap();

        let error = write_dev(out.path(), now(), now()).unwrap_err();

        let root = out.path().join("ca.pem");
        assert!(matches!(&error, PkiError::AlreadyThere { path } if *path == root));
        assert!(error.to_string().contains(root.to_str().unwrap()));
        assert!(error.to_string().contains("choose another directory"));
        assert_eq!(fs::read(&key).unwrap(), before);
    }

    #[test]
    fn link_in_the_place_of_a_key_directory_is_refused() {
        let parent = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        let gateway = parent.path().join("gateway");
        std::os::unix::fs::symlink(elsewhere.path(), &gateway).unwrap();

        let error = write_dev(parent.path(), now(), now()).unwrap_err();

        assert!(matches!(&error, PkiError::AlreadyThere { path } if *path == gateway));
        assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0);
    }

    #[test]
    fn directory_that_cannot_be_made_is_named() {
        let parent = tempfile::tempdir().unwrap();
        let file = parent.path().join("file");
        fs::write(&file, "").unwrap();
        let out = file.join("set");
        let error = write_dev(&out, now(), now()).unwrap_err();
        assert!(matches!(&error, PkiError::CreateDirectory { path, .. } if *path == out));
    }
}
