//! Leesbaar (readable): a version of what is in force whose texts cannot be read here, said loudly for as long as that lasts.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// How often it is said that a version cannot be read.
const SAY: Duration = Duration::from_mins(1);

/// A version whose texts cannot be read here.
struct Unreadable {
    versie: u64,
    why: String,
    said: Instant,
}

/// Whether this gateway can read what is in force.
#[derive(Default)]
pub(super) struct Leesbaar(Mutex<Option<Unreadable>>);

impl Leesbaar {
    pub(super) fn cannot_read(&self, versie: u64, why: String) {
        tracing::error!(versie, error = %why, "what is in force cannot be read here; serving on by the version before, not ready");
        *self.lock() = Some(Unreadable { versie, why, said: Instant::now() });
    }

    /// Says it again, once a minute, as long as it cannot be read.
    pub(super) fn say_again(&self) {
        if let Some(Unreadable { versie, why, said }) = self.lock().as_mut()
            && said.elapsed() >= SAY
        {
            tracing::error!(versie, error = %why, "what is in force still cannot be read here; not ready");
            *said = Instant::now();
        }
    }

    pub(super) fn can_read(&self) {
        if let Some(Unreadable { versie, .. }) = self.lock().take() {
            tracing::info!(versie, "what is in force can be read again");
        }
    }

    /// What is wrong and what to do, in Dutch; nothing when it can be read.
    pub(super) fn reden(&self) -> Option<String> {
        self.lock().as_ref().map(|Unreadable { versie, why, .. }| {
            format!(
                "wijziging {versie} van wat van kracht is, is op deze poort niet te lezen; zij gaat door met wat zij daarvoor kende, zonder wat is ingetrokken of vervangen. Herstel haar configuratie, of laad een versie die ook hier klopt: {why}"
            )
        })
    }

    fn lock(&self) -> MutexGuard<'_, Option<Unreadable>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
