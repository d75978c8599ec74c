//! What is in force, as this process knows it: read from the database, and read again when that changed.
//!
//! The database decides: the writer refuses an event that was judged by an older version, and the verb judges again. A
//! replica that did not make a change itself sees it within a second.

use std::{
    collections::{BTreeMap, BTreeSet},
    panic::resume_unwind,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{sync::watch, task::spawn_blocking, time::Instant};

use super::{Call, Exchange, send::MOST_TURNS, unavailable};
use crate::{
    config::{
        ConfigError,
        documents::{Bron, Omgeving, Parsed, parse, partners},
    },
    domain::{Document, Oin, PartnerNaam, VanKracht, Weigering},
    store::{Durable, Event, Outdated, Pool, Reply, StoreError, documenten},
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
    Document(#[from] ConfigError),
}

/// Reads the texts of a version.
///
/// # Errors
/// [`LoadError`].
async fn read_texts(versie: u64, documenten: Vec<Document>, omgeving: &Omgeving) -> Result<VanKracht, LoadError> {
    if documenten.is_empty() {
        return Ok(VanKracht::default());
    }
    let bronnen: Vec<Bron> = documenten.into_iter().map(bron).collect();
    Ok(parse_aside(bronnen, omgeving).await?.van_kracht(versie, omgeving))
}

/// Parses on a thread of its own: large documents take seconds, and the calls of partners must not wait for them.
pub(super) async fn parse_aside(bronnen: Vec<Bron>, omgeving: &Omgeving) -> Result<Parsed, ConfigError> {
    let omgeving = omgeving.clone();
    let parsed = spawn_blocking(move || parse(&bronnen, &omgeving)).await;
    parsed.unwrap_or_else(|panicked| resume_unwind(panicked.into_panic()))
}

/// Every OIN that a partner has or had: the logboek names partners by the OIN of that moment.
///
/// # Errors
/// [`StoreError`] when it cannot be read.
pub async fn all_oins(read: &Pool) -> Result<BTreeMap<PartnerNaam, BTreeSet<Oin>>, StoreError> {
    let mut oins: BTreeMap<PartnerNaam, BTreeSet<Oin>> = BTreeMap::new();
    for text in documenten::all_deelnemers(read).await? {
        for (naam, partner) in partners(&text) {
            oins.entry(naam).or_default().extend(partner.oins);
        }
    }
    Ok(oins)
}

/// A document in force, as mistakes name it.
pub(super) fn bron(document: Document) -> Bron {
    Bron { herkomst: document.naam.into(), tekst: document.tekst }
}

/// What is in force, for who judges by it and for who waits for a change.
pub struct InForce {
    pub(super) omgeving: Omgeving,
    newest: watch::Sender<Arc<VanKracht>>,
    unreadable: Mutex<Option<Unreadable>>,
}

/// A version whose texts cannot be read here.
struct Unreadable {
    versie: u64,
    why: String,
    said: Instant,
}

/// Why a gateway that runs should not be counted on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The texts of this version cannot be read here: it serves on by an older one.
    Unreadable {
        /// The version.
        versie: u64,
        /// What is wrong with them, in Dutch.
        why: String,
    },
}

/// How often it is said that a version cannot be read.
const SAY: Duration = Duration::from_mins(1);

impl InForce {
    /// Nothing is in force until it is read.
    #[must_use]
    pub fn new(omgeving: Omgeving) -> Self {
        Self { omgeving, newest: watch::Sender::default(), unreadable: Mutex::default() }
    }

    /// For who must know of each change.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<Arc<VanKracht>> {
        self.newest.subscribe()
    }
}

impl InForce {
    fn cannot_read(&self, versie: u64, why: String) {
        tracing::error!(versie, error = %why, "what is in force cannot be read here; serving on by the version before, not ready");
        *self.unreadable.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(Unreadable { versie, why, said: Instant::now() });
    }

    /// Says it again, once a minute.
    fn say_unreadable(&self) {
        let mut unreadable = self.unreadable.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(Unreadable { versie, why, said }) = unreadable.as_mut()
            && said.elapsed() >= SAY
        {
            tracing::error!(versie, error = %why, "what is in force still cannot be read here; not ready");
            *said = Instant::now();
        }
    }

    fn can_read(&self) {
        let mut unreadable = self.unreadable.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(Unreadable { versie, .. }) = unreadable.take() {
            tracing::info!(versie, "what is in force can be read again");
        }
    }
}

impl Exchange {
    /// What is in force, as far as this process knows.
    #[must_use]
    pub fn van_kracht(&self) -> Arc<VanKracht> {
        Arc::clone(&self.in_force.newest.borrow())
    }

    /// Reads what is in force again, if it changed. Gives whether it did.
    ///
    /// Where the texts of a newer version cannot be read here (another gateway knows a CA that this one does not), this one serves on
    /// by those that it knew and that are still in force, says so, and is in [`Trouble`] until it can read a version.
    ///
    /// # Errors
    /// [`LoadError`]; then the older version stays, and the writer accepts nothing that was judged by it.
    pub async fn refresh(&self) -> Result<bool, LoadError> {
        let newest = documenten::newest_versie(&self.store.read).await?;
        let known = self.van_kracht();
        if newest == known.versie() && known.gelezen() == known.versie() {
            return Ok(false);
        }
        // Texts do not become readable by looking again; only a newer version can.
        if newest == known.versie() {
            self.in_force.say_unreadable();
            return Ok(false);
        }
        let (versie, documenten) = documenten::in_force(&self.store.read).await?;
        let in_force: BTreeSet<String> = documenten.iter().map(|document| document.hash.clone()).collect();
        let read = match read_texts(versie, documenten, &self.in_force.omgeving).await {
            Ok(read) => read,
            // Nothing is known yet: nobody can be served.
            Err(error @ LoadError::Document(_)) if known.versie() > 0 => {
                self.in_force.cannot_read(versie, error.to_string());
                known.taken_for(versie, &in_force)
            }
            Err(error) => return Err(error),
        };
        if read.gelezen() == read.versie() {
            self.in_force.can_read();
        }
        let changed = self.in_force.newest.send_if_modified(|known| {
            let newer = read.versie() > known.versie();
            if newer {
                *known = Arc::new(read);
            }
            newer
        });
        if changed {
            // What was refused may be allowed since.
            self.store.wakers.ring_all();
        }
        Ok(changed)
    }

    /// Why this gateway should not be counted on, if anything: it answers, but not as others do.
    #[must_use]
    pub fn trouble(&self) -> Vec<Trouble> {
        let unreadable = self.in_force.unreadable.lock().unwrap_or_else(PoisonError::into_inner);
        let of =
            |unreadable: &Unreadable| Trouble::Unreadable { versie: unreadable.versie, why: unreadable.why.clone() };
        unreadable.iter().map(of).collect()
    }

    /// Writes an event that rests on what is in force; again when that changed meanwhile.
    pub(super) async fn write_judged<T>(
        &self,
        call: &Call,
        event: impl Fn(Arc<VanKracht>, Reply<Result<T, Outdated>>) -> Event,
    ) -> Result<Durable<T>, Weigering> {
        for _ in 0..MOST_TURNS {
            let van_kracht = self.van_kracht();
            van_kracht.deelnemers().still(&call.aangemeld)?;
            let written = self.store.writer.write(|reply| event(van_kracht, reply)).await.map_err(unavailable)?;
            match written {
                (Ok(value), commit) => return Ok((value, commit)),
                (Err(Outdated), _) => drop(self.refresh().await.map_err(unavailable)?),
            }
        }
        Err(unavailable("what is in force changes faster than it can be judged by"))
    }
}
