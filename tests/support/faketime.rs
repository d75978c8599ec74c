//! A clock that a test sets, for a real process: Debian's libfaketime.

use std::{fs, path::Path};

/// The environment of a process whose wall clock differs by `difference`, such as `+26h`, from that of the machine. The clock that
/// counts from the start of the machine stays what it is, as when somebody sets the time.
pub fn set_by(difference: &str) -> Vec<(String, String)> {
    with("FAKETIME", difference)
}

/// The same, by what stands in a file, which is read each time: so the clock is set while the process runs.
pub fn set_in(file: &Path) -> Vec<(String, String)> {
    let mut environment = with("FAKETIME_TIMESTAMP_FILE", file.to_str().unwrap());
    environment.push(("FAKETIME_NO_CACHE".to_owned(), "1".to_owned()));
    environment
}

fn with(name: &str, value: &str) -> Vec<(String, String)> {
    let libraries = fs::read_dir("/usr/lib").unwrap().map(|entry| entry.unwrap().path());
    let found = libraries.map(|dir| dir.join("faketime/libfaketime.so.1")).find(|library| library.exists());
    let found = found.expect("libfaketime is not installed: apt-get install faketime (tests/run does)");
    let pairs = [("LD_PRELOAD", found.to_str().unwrap()), (name, value), ("FAKETIME_DONT_FAKE_MONOTONIC", "1")];
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
}
