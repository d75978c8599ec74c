//! What is in force, as this process knows it: read from the database, and read again when that changed.
//!
//! The database decides: the writer refuses an event that was judged by an older version, and the verb judges again. A gateway that
//! did not make a change itself sees it within a second.

use std::{
    collections::BTreeSet,
    future::pending,
    panic::resume_unwind,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::spawn_blocking,
};
use tracing::Span;

use super::{Exchange, leesbaar::Leesbaar, verleden::Verleden};
use crate::{
    documenten::{Bron, Omgeving, parse},
    domain::{Document, VanKracht},
    lezen::Fouten,
    logboek::Teksten,
    store::{
        Event, Pool, StoreError,
        reading::documenten::{self, Texts},
    },
};

/// What is in force cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What stands in it does not hold together here.
    #[error(
        "wat in de database van kracht is past niet bij deze poort of haar configuratie (een CA heet anders, of \
         ontwikkelcertificaten zonder --dev):\n{0}"
    )]
    Document(#[from] Fouten),
}

/// Parses the texts of a version, and also their past where that decides which convenant stamps.
async fn parse_texts(
    read: &Pool,
    Texts { teksten: Teksten { versie, .. }, in_force: documenten, history }: Texts,
    omgeving: &Omgeving,
    turn: OwnedSemaphorePermit,
) -> Result<(Result<VanKracht, Fouten>, OwnedSemaphorePermit), LoadError> {
    if documenten.is_empty() {
        return Ok((Ok(VanKracht::default()), turn));
    }
    let own = omgeving.clone();
    let read_now = move || {
        let bronnen: Vec<Bron> = documenten.into_iter().map(bron).collect();
        let van_kracht = parse(&bronnen, &own)?.van_kracht(versie, &own);
        let meeting = van_kracht.meeting();
        Ok((van_kracht, meeting))
    };
    let (van_kracht, turn) = aside(turn, read_now).await;
    let (van_kracht, meeting) = match van_kracht {
        Ok(readable) => readable,
        Err(error) => return Ok((Err(error), turn)),
    };
    let verleden = Verleden::read(read, history, &meeting).await?;
    let with_past = move || {
        let historie = verleden.of(&van_kracht);
        Ok(van_kracht.with_history(historie).trimmed())
    };
    Ok(aside(turn, with_past).await)
}

/// Does work on a thread aside: large documents take seconds, and the calls of partners must not wait for them. Gives the turn back
/// with what the work gave. When nobody waits for that any more, the turn ends when the work does.
pub(super) async fn aside<T: Send + 'static>(
    turn: OwnedSemaphorePermit,
    work: impl FnOnce() -> T + Send + 'static,
) -> (T, OwnedSemaphorePermit) {
    let span = Span::current();
    let done = spawn_blocking(move || (span.in_scope(work), turn));
    match done.await.map_err(tokio::task::JoinError::try_into_panic) {
        Ok(done) => done,
        Err(Ok(panicked)) => resume_unwind(panicked),
        // The process ends, and whoever waits here with it.
        Err(Err(_)) => pending().await,
    }
}

/// A document in force as a text to parse; mistakes in it are told under its name.
pub(super) fn bron(document: Document) -> Bron {
    Bron { herkomst: document.naam.into(), tekst: document.tekst }
}

/// What is in force, for who judges by it and for who waits for a change.
pub struct InForce {
    pub(super) omgeving: Omgeving,
    newest: watch::Sender<Arc<VanKracht>>,
    /// The last version whose texts could be read here.
    last_read: Mutex<Arc<VanKracht>>,
    pub(super) leesbaar: Leesbaar,
    /// One reads at a time: many calls that hear of a newer version at once need it read once.
    reading: Arc<Semaphore>,
    /// One change is judged at a time. It has a turn of its own, so that nobody who waits for what is in force waits for it.
    judging: Arc<Semaphore>,
}

impl InForce {
    /// Nothing is in force until it is read.
    #[must_use]
    pub fn new(omgeving: Omgeving) -> Self {
        let one = || Arc::new(Semaphore::new(1));
        Self {
            omgeving,
            newest: watch::Sender::default(),
            last_read: Mutex::default(),
            leesbaar: Leesbaar::default(),
            reading: one(),
            judging: one(),
        }
    }

    /// Waits for its turn to judge a change.
    pub(super) async fn turn_to_judge(&self) -> OwnedSemaphorePermit {
        turn(&self.judging).await
    }

    fn last_read(&self) -> MutexGuard<'_, Arc<VanKracht>> {
        self.last_read.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// For who must know of each change.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<Arc<VanKracht>> {
        self.newest.subscribe()
    }
}

async fn turn(of: &Arc<Semaphore>) -> OwnedSemaphorePermit {
    Arc::clone(of).acquire_owned().await.expect("nobody closes it")
}

impl Exchange {
    /// What is in force, as far as this process knows.
    #[must_use]
    pub fn van_kracht(&self) -> Arc<VanKracht> {
        Arc::clone(&self.in_force.newest.borrow())
    }

    /// Whether there is another version than this process knows, by the logboek or by the rows.
    async fn is_outdated(&self) -> Result<bool, StoreError> {
        let known = self.van_kracht().versie();
        Ok(self.store.head().teksten.versie != known || documenten::newest_versie(&self.store.read).await? != known)
    }

    /// The texts in force: each with its regel, and no others than the logboek knows.
    ///
    /// # Errors
    /// [`StoreError::Unproven`] where the rows say something else.
    pub(super) async fn texts(&self) -> Result<Texts, StoreError> {
        let mut attempts = 3;
        loop {
            let texts = documenten::texts(&self.store.read).await?;
            if texts.teksten == self.store.head().teksten {
                return Ok(texts);
            }
            attempts -= 1;
            if attempts == 0 {
                let why = "een rij die het logboek niet kent, of er ontbreekt er een";
                return Err(StoreError::Unproven {
                    log_index: texts.teksten.versie.saturating_sub(1),
                    why: why.to_owned(),
                });
            }
            // Another gateway may have changed them: the head is followed first. Where that cannot be done now, the head is old, and
            // what was read is not believed.
            drop(self.store.writer.write(Event::Follow).await);
        }
    }

    /// Reads what is in force again, if it changed. Gives whether it did.
    ///
    /// A row that no regel put in force does not count: this gateway serves on by what is proven, says so, and is not ready.
    /// Where the texts of a newer version cannot be read here (another gateway knows a CA that this one does not), this one serves on
    /// by those that it knew and that are still in force. It says so, and is not ready, until it can read a version.
    ///
    /// # Errors
    /// [`LoadError`]; then the older version stays, and the writer accepts nothing that was judged by it.
    pub async fn refresh(&self) -> Result<bool, LoadError> {
        if !self.is_outdated().await? {
            // Texts do not become readable by looking again; only a newer version can.
            self.in_force.leesbaar.proven();
            self.in_force.leesbaar.say_again();
            return Ok(false);
        }
        let turn = turn(&self.in_force.reading).await;
        // Who had the turn before may have read it.
        if !self.is_outdated().await? {
            return Ok(false);
        }
        let texts = match self.texts().await {
            Err(error @ StoreError::Unproven { .. }) if self.van_kracht().versie() > 0 => {
                self.in_force.leesbaar.not_proven(&error);
                return Ok(false);
            }
            texts => texts?,
        };
        let versie = texts.teksten.versie;
        let in_force: BTreeSet<String> = texts.in_force.iter().map(|document| document.hash.clone()).collect();
        // The turn is kept to the end, so that nobody who read something newer is overtaken.
        let (read, _turn) = parse_texts(&self.store.read, texts, &self.in_force.omgeving, turn).await?;
        let mut read = match read {
            Ok(read) => {
                let read = Arc::new(read);
                self.in_force.leesbaar.can_read();
                *self.in_force.last_read() = Arc::clone(&read);
                read
            }
            // With nothing read yet nobody can be served.
            Err(error) if self.in_force.last_read().versie() > 0 => {
                self.in_force.leesbaar.cannot_read(versie, LoadError::from(error).to_string());
                Arc::new(self.in_force.last_read().taken_for(versie, &in_force))
            }
            Err(error) => return Err(error.into()),
        };
        // An older version too: a database that was put back to an earlier moment decides like any other.
        let changed = self.in_force.newest.send_if_modified(|known| {
            let changed = read.versie() != known.versie();
            if changed {
                std::mem::swap(known, &mut read);
            }
            changed
        });
        // What is no longer in force can be large, and takes a moment to clear away.
        drop(spawn_blocking(move || drop(read)));
        if changed {
            // What was refused may be allowed since.
            self.store.wakers.ring_all();
        }
        Ok(changed)
    }
}
