//! Wacht (guard): what a gateway keeps in its guard file, at most a second behind what it knows.

use std::{sync::Arc, time::Duration};

use tokio::{sync::watch, task::spawn_blocking, time::Instant};

use crate::{
    domain::{Herinnering, Klok},
    logboek::Head,
    sleutels::{Onthouden, Wacht},
};

/// What is remembered of the clock is written so often, and whenever lapsing has to wait longer.
const REMEMBER: Duration = Duration::from_mins(1);

/// Keeps the guard file of a gateway.
pub struct Keeper {
    wacht: Wacht,
    klok: Arc<Klok>,
    head: watch::Receiver<Arc<Head>>,
    /// What stands in the file.
    written: Onthouden,
    /// When it was written, and whether that went well.
    last: Option<(Instant, bool)>,
}

impl Keeper {
    /// Of this file, in which `written` stands.
    #[must_use]
    pub fn new(wacht: Wacht, written: Onthouden, klok: Arc<Klok>, head: watch::Receiver<Arc<Head>>) -> Self {
        Self { wacht, klok, head, written, last: None }
    }

    /// Writes what is new; to be called about twice a second.
    pub async fn keep(&mut self) {
        let klok = self.klok.remember();
        let waits = |klok: &Option<Herinnering>| klok.as_ref().map(|klok| klok.lapse_from);
        let news = self.head.has_changed().unwrap_or(false) || waits(&klok) != waits(&self.written.klok);
        if news || self.last.is_none_or(|(at, done)| !done || at.elapsed() >= REMEMBER) {
            self.write().await;
        }
    }

    /// Writes what is known now. To be called once more at the end, after the last that was signed.
    pub async fn write(&mut self) {
        let head = Arc::clone(&self.head.borrow_and_update());
        // What was believed of the clock stays, as long as nothing is believed now.
        let klok = self.klok.remember().or_else(|| self.written.klok.clone());
        let logboek = if head.nota.is_empty() { self.written.logboek.clone() } else { Some(head.kept()) };
        let onthouden = Onthouden { klok, logboek };
        let (wacht, to_write) = (self.wacht.clone(), onthouden.clone());
        let written = spawn_blocking(move || wacht.write(&to_write)).await;
        let written = written.map_err(std::io::Error::other).and_then(|written| written);
        if let (Err(error), true) = (&written, self.last.is_none_or(|(_, done)| done)) {
            tracing::error!(%error, "the guard file cannot be written: the next start knows less of the clock, and not how far the logboek is");
        }
        if written.is_ok() {
            self.written = onthouden;
        }
        self.last = Some((Instant::now(), written.is_ok()));
    }
}
