//! No private key is in the repository.

use std::{fs, io};

use crate::{
    report,
    source::{repository_files, root},
};

#[test]
fn no_private_key_is_in_the_repository() {
    let files = repository_files();
    assert!(files.iter().any(|file| file.ends_with("Cargo.toml")), "the list of repository files is not complete");
    let found = files.iter().filter_map(|file| match fs::read(root().join(file)) {
        Ok(content) => private_key_line(&content).map(|line| {
            format!("{}:{line}: holds a private key; keys are made at run time and never kept here", file.display())
        }),
        // Listed by git and removed since, or a link to a directory: nothing to read.
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::IsADirectory) => None,
        Err(error) => Some(format!("{}:1: cannot be read: {error}", file.display())),
    });
    report(found);
}

/// The line of the first private key in PEM form. The needle is put together here, so that this file holds none.
fn private_key_line(content: &[u8]) -> Option<usize> {
    let (begin, end) = (["-----", "BEGIN "].concat(), ["PRIVATE ", "KEY-----"].concat());
    let text = String::from_utf8_lossy(content);
    let at = text.lines().position(|line| line.find(&begin).is_some_and(|at| line[at..].contains(&end)))?;
    Some(at + 1)
}

#[test]
fn a_private_key_is_caught() {
    let key = |kind: &str| format!("text\n-----{}{kind}{}-----\nMIIE", "BEGIN ", "PRIVATE KEY");
    for kind in ["", "EC ", "RSA ", "ENCRYPTED ", "OPENSSH "] {
        assert_eq!(private_key_line(key(kind).as_bytes()), Some(2), "{kind}");
    }
    assert_eq!(private_key_line(b"-----BEGIN CERTIFICATE-----\nMIIE"), None);
}
