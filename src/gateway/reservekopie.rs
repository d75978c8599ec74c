//! Reservekopie (backup): when the last good one was made, as `backup` remembers it beside the guard file for the gateway that runs.

use std::{fs, io, path::Path};

use jiff::Timestamp;

use crate::files;

/// Remembers that a good backup was made at this moment. Also where another user remembered the one before: the directory counts.
///
/// # Errors
/// What the system said.
pub fn remember(file: &Path, now: Timestamp) -> io::Result<()> {
    files::replace(file, format!("{now}\n").as_bytes())
}

/// When the last good one was made, where that is known.
pub(super) fn last(file: &Path) -> Option<Timestamp> {
    fs::read_to_string(file).ok()?.trim().parse().ok()
}
