//! Verifying: in two phases. The logboek is recomputed by itself ([`log`]), which anybody can do with the public key. Then what stands
//! beside it is held to its regels (`tables`).
//!
//! Both read in one read transaction, beside running gateways. Content is opened apart ([`inhoud`]).

mod documenten;
mod error;
pub mod inhoud;
pub mod log;
mod onverantwoord;
mod rows;
mod schema;
mod sealed;
pub mod tables;
mod verloop;
mod voorstellen;

pub use self::{error::VerifyError, log::SoundLog, sealed::Keys, tables::Checked};
use crate::{
    logboek::VerifyKey,
    store::{Pool, Progress, database::dialect::snapshot},
};

/// Everything holds together.
#[derive(Clone, Debug)]
pub struct Sound {
    /// Each logboek, the oldest first; there is at least one.
    pub logboeken: Vec<SoundLog>,
    /// What could be looked at beside them.
    pub checked: Checked,
}

impl Sound {
    /// Number of regels of all logboeken.
    #[must_use]
    pub fn regels(&self) -> u64 {
        self.logboeken.iter().map(|log| log.regels).sum()
    }

    /// Number of checkpoints of all logboeken.
    #[must_use]
    pub fn checkpoints(&self) -> u64 {
        self.logboeken.iter().map(|log| log.checkpoints).sum()
    }

    /// The newest checkpoint, a signed note.
    #[must_use]
    pub fn nota(&self) -> &str {
        self.logboeken.last().map_or("", |log| &log.nota)
    }
}

/// Verifies the logboeken by themselves, the oldest first: with the public key alone.
///
/// # Errors
/// [`VerifyError`] naming the first bad index.
pub async fn logboeken(
    read: &Pool,
    key: &VerifyKey,
    kept: &[log::Kept],
    progress: Progress<'_>,
) -> Result<Vec<SoundLog>, VerifyError> {
    let mut connection = read.acquire().await?;
    let mut tx = snapshot(&mut connection).await?;
    log::verify(&mut tx, key, kept, progress).await
}

/// Verifies all of it. `kept` are checkpoints that somebody kept. With `keys` also what is sealed beside content is opened. `progress`
/// hears of regels.
///
/// # Errors
/// [`VerifyError`] naming the first bad index.
pub async fn verify(
    read: &Pool,
    key: &VerifyKey,
    kept: &[log::Kept],
    keys: Option<&Keys>,
    progress: Progress<'_>,
) -> Result<Sound, VerifyError> {
    let mut connection = read.acquire().await?;
    let mut tx = snapshot(&mut connection).await?;
    let logboeken = log::verify(&mut tx, key, kept, progress).await?;
    let checked = tables::verify(&mut tx, &logboeken, keys).await?;
    Ok(Sound { logboeken, checked })
}
