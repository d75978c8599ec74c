//! What is in force, as this process knows it: read from the database, and read again when that changed.
//!
//! The database decides: the writer refuses an event that was judged by an older version, and the verb judges again. A
//! replica that did not make a change itself sees it within a second.

use std::{
    collections::{BTreeMap, BTreeSet},
    panic::resume_unwind,
    sync::Arc,
};

use tokio::{sync::watch, task::spawn_blocking};

use super::{Call, Exchange, send::MOST_TURNS, unavailable};
use crate::{
    config::{
        ConfigError,
        documents::{Bron, Omgeving, Parsed, parse, partners},
    },
    domain::{Document, Oin, PartnerNaam, VanKracht, Weigering},
    store::{Event, Outdated, Pool, Reply, StoreError, documenten, writer::Durable},
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

/// Reads what is in force from the database.
///
/// # Errors
/// [`LoadError`].
async fn load(read: &Pool, omgeving: &Omgeving) -> Result<VanKracht, LoadError> {
    let (versie, documenten) = documenten::in_force(read).await?;
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
}

impl InForce {
    /// Nothing is in force until it is read.
    #[must_use]
    pub fn new(omgeving: Omgeving) -> Self {
        Self { omgeving, newest: watch::Sender::default() }
    }

    /// For who must know of each change.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<Arc<VanKracht>> {
        self.newest.subscribe()
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
    /// # Errors
    /// [`LoadError`]; then the older version stays, and the writer accepts nothing that was judged by it.
    pub async fn refresh(&self) -> Result<bool, LoadError> {
        let newest = documenten::newest_versie(&self.store.read).await?;
        if newest == self.van_kracht().versie() {
            return Ok(false);
        }
        let read = load(&self.store.read, &self.in_force.omgeving).await?;
        Ok(self.in_force.newest.send_if_modified(|known| {
            let newer = read.versie() > known.versie();
            if newer {
                *known = Arc::new(read);
            }
            newer
        }))
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
            let written = self.write(|reply| event(van_kracht, reply)).await?;
            match written {
                (Ok(value), commit) => return Ok((value, commit)),
                (Err(Outdated), _) => drop(self.refresh().await.map_err(unavailable)?),
            }
        }
        Err(unavailable("what is in force changes faster than it can be judged by"))
    }
}
