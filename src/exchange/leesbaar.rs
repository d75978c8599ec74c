//! Leesbaar (readable): what is in force cannot be read here or is not proven, said loudly for as long as that lasts.

use std::{
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::store::StoreError;

/// How often it is said.
const SAY: Duration = Duration::from_mins(1);

/// Why this gateway goes on by what it knew.
#[derive(PartialEq)]
enum Why {
    /// The texts of a version cannot be read here.
    Unreadable { versie: u64, why: String },
    /// The rows say something else than the logboek.
    NotProven(String),
}

impl Why {
    fn tell(&self, still: &str) {
        match self {
            Self::Unreadable { versie, why } => tracing::error!(
                versie, error = %why,
                "{still}what is in force cannot be read here; serving on by the version before, not ready"
            ),
            Self::NotProven(why) => tracing::error!(
                error = %why,
                "{still}a text in the database is not what the logboek put in force; serving on by what it did, not ready"
            ),
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { versie, why } => write!(
                f,
                "wat van kracht werd met logregel {} is op deze poort niet te lezen; zij gaat door met wat zij daarvoor kende, zonder wat is \
                 ingetrokken of vervangen. Herstel haar configuratie, of laad een versie die ook hier klopt: {why}",
                versie.saturating_sub(1)
            ),
            Self::NotProven(why) => write!(f, "{why}. Deze poort gaat door met wat het logboek bewijst"),
        }
    }
}

/// Whether this gateway can read what is in force, and when it was last said that it cannot.
#[derive(Default)]
pub(super) struct Leesbaar(Mutex<Option<(Why, Instant)>>);

impl Leesbaar {
    pub(super) fn cannot_read(&self, versie: u64, why: String) {
        self.say(Why::Unreadable { versie, why });
    }

    /// A row counts for nothing, because no regel put it in force.
    pub(super) fn not_proven(&self, error: &StoreError) {
        self.say(Why::NotProven(error.to_string()));
    }

    fn say(&self, why: Why) {
        let mut known = self.lock();
        let said = known.as_ref().is_some_and(|(known, said)| *known == why && said.elapsed() < SAY);
        if !said {
            why.tell("");
            *known = Some((why, Instant::now()));
        }
    }

    /// Says it again, once a minute, as long as it cannot be read.
    pub(super) fn say_again(&self) {
        if let Some((why, said)) = self.lock().as_mut()
            && said.elapsed() >= SAY
        {
            why.tell("still: ");
            *said = Instant::now();
        }
    }

    /// The rows say what the logboek says.
    pub(super) fn proven(&self) {
        if self.lock().take_if(|(why, _)| matches!(why, Why::NotProven(_))).is_some() {
            tracing::info!("what stands in the database is what the logboek put in force again");
        }
    }

    pub(super) fn can_read(&self) {
        if self.lock().take().is_some() {
            tracing::info!("what is in force can be read again");
        }
    }

    /// What is wrong and what to do, in Dutch; nothing when it can be read.
    pub(super) fn reden(&self) -> Option<String> {
        self.lock().as_ref().map(|(why, _)| why.to_string())
    }

    fn lock(&self) -> MutexGuard<'_, Option<(Why, Instant)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
