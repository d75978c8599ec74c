//! What must be there before a port answers: certificates, database and keys that belong together, what is remembered of the clock,
//! and the first regels of the run.

use std::{path::Path, sync::Arc};

use jiff::Timestamp;
use rustls::ServerConfig;
use tokio::sync::{Semaphore, watch};

use super::{GatewayError, aanloop::Aanloop, ends::Einde, lijsten::Lijsten, look::look};
use crate::{
    config::{Ca, Config, Opslag},
    documenten::Parsed,
    domain::{Clock, Document, Identiteit, Klok, Rng, VanKracht},
    exchange::{
        self, Exchange, InForce, PassedOver, Weigeringen, beheer::first_change, klok::ClockWatch,
        toezicht::nareken::Uitkomst,
    },
    grpc::answers,
    jobs::Tasks,
    lezen::Fouten,
    logboek::{Head, Kept, LogboekNaam, Signer, VerifyKey},
    sleutels::{DayKeyFile, DayKeyPlace, KeyDirectory, KeyError, KeyStore, Onthouden, OpeningKeys, wacht},
    store::{
        Change, Database, Event, NotDone, OpenError, Pool, SharedDayKeys, Store, StoreError,
        ledger::{proofs, regels::logboek_naam},
        reading::{
            documenten::{self, Texts},
            postvakken::newest_day,
        },
        verify,
        zoeken::Zoekbestand,
    },
    telemetry::Metingen,
    tls::{
        Handshakes, TlsError,
        accept::{self, Listener},
        identity::Identifier,
        loaded::Loaded,
        settings,
    },
};

/// What the ports need of the files of certificates.
pub(super) struct Certificates {
    tls: ServerConfig,
    identifier: Arc<Identifier>,
    ends: Arc<[Einde]>,
}

impl Certificates {
    /// Reads the files; who is who stands in what is in force.
    pub(super) fn read(config: &Config, in_force: watch::Receiver<Arc<VanKracht>>) -> Result<Self, GatewayError> {
        let cas = config.cas.iter().map(|ca| settings::trusted_ca(&ca.naam, &ca.bestand, ca.lists().as_deref()));
        let cas = cas.collect::<Result<Vec<_>, _>>()?;
        let of_ca = |ca: &Ca| Ok::<_, TlsError>((ca.naam.clone(), settings::certificates(&ca.bestand)?));
        let issuers = config.cas.iter().map(of_ca).collect::<Result<Vec<_>, _>>()?;
        let ends = Einde::all(&settings::certificates(&config.certificaat)?, &issuers, &cas);
        let identifier = Arc::new(Identifier::new(cas, in_force));
        let tls = settings::server(&config.certificaat, &config.sleutel, Arc::clone(&identifier))?;
        Ok(Self { tls, identifier, ends })
    }

    /// For handshakes, judged by this clock; and what ends.
    pub(super) fn into_loaded(self, klok: &Arc<Klok>) -> (Loaded, Arc<[Einde]>) {
        (Loaded::new(settings::by_clock(self.tls, Arc::clone(klok)), self.identifier), self.ends)
    }
}

/// What stands in files, read and judged before anything is opened.
pub(super) struct FromFiles {
    /// When that was, as far as the clock can be believed.
    pub(super) now: Timestamp,
    pub(super) lijsten: Lijsten,
    /// What comes in force at the very first start.
    pub(super) documents: Result<Parsed, Fouten>,
    pub(super) certificates: Certificates,
}

impl FromFiles {
    /// Reads them, after fetching the revocation lists that are not there yet.
    pub(super) async fn read(
        (config, productie): (&Config, bool),
        clock: &Arc<dyn Clock>,
        in_force: &InForce,
    ) -> Result<Self, GatewayError> {
        // Before the logboek is read only what is remembered tells whether the clock may be believed.
        let so_far = Klok::start(Arc::clone(clock), remembered(&config.guard_file()).klok, None);
        let now = so_far.now();
        let mut lijsten = Lijsten::new(config);
        lijsten.fetch_missing(now).await;
        let documents = config.documents(productie, now);
        look(config, productie, (now, so_far.trust().is_err()), documents.as_ref().err())?;
        let certificates = Certificates::read(config, in_force.subscribe())?;
        Ok(Self { now, lijsten, documents, certificates })
    }
}

/// What listens, by what was read last.
pub(super) fn listener(
    config: &Config,
    loaded: watch::Receiver<Arc<Loaded>>,
    klok: Arc<Klok>,
    metingen: Arc<Metingen>,
) -> Result<Arc<Listener>, GatewayError> {
    let bounds = accept::Bounds {
        connections: config.bounds.connections,
        connections_partner: config.bounds.connections_partner,
        connection_age_seconds: config.bounds.connection_age_seconds,
    };
    let handshakes = Handshakes::start().map_err(GatewayError::Threads)?;
    Ok(Arc::new(Listener { loaded, bounds, handshakes, klok, refused: Arc::default(), metingen }))
}

/// Database and keys that belong together, and what the files put in force at the very first start.
pub(super) struct Opened {
    pub(super) database: Database,
    pub(super) keys: KeyDirectory,
    pub(super) signer: Signer,
    pub(super) first: Option<Change>,
}

impl Opened {
    pub(super) async fn open(
        config: &Config,
        files: Result<Parsed, Fouten>,
        naam: &str,
        rng: &dyn Rng,
        aanloop: &Aanloop,
    ) -> Result<Self, GatewayError> {
        // Files that cannot come in force leave no database behind.
        let first = matches!(&config.opslag, Opslag::Sqlite { bestand, .. } if !bestand.exists());
        let files = if first { Ok(files?) } else { files };
        // The database first: who may not have it may not touch the keys either.
        let database = aanloop.database(&config.opslag).await?;
        // Asked before the database is: another gateway may just be beginning, and it notes in the key directory that it has begun
        // only when its logboek is there.
        let keys_have_begun = KeyDirectory::has_begun(&config.sleutels);
        let begun = logboek_naam(&database.read).await?;
        let keys = KeyDirectory::open(&config.sleutels, begun.is_none(), rng)?;
        match &begun {
            // Without the logboek that was begun with these keys another one would be signed with them.
            None if keys_have_begun => return Err(OpenError::LogboekGone.into()),
            Some(found) if !LogboekNaam::new(&config.logboek).is_of_these(found) => {
                return Err(OpenError::OtherLogboek { found: found.clone(), wanted: config.logboek.clone() }.into());
            }
            _ => {}
        }
        let signer = super::signer(begun.as_deref().unwrap_or(naam), keys.logboek_seed())?;
        // Other keys would fork the logboek: not a single regel may be signed with them.
        let newest = proofs::newest_checkpoint(&database.read).await?;
        if newest.is_some_and(|(_, nota)| verify::log::Kept::read(&nota, &signer.vkey()).is_err()) {
            return Err(OpenError::OtherKeys.into());
        }
        let first = first_documents(files, &database.read).await?;
        Ok(Self { database, keys, signer, first })
    }
}

/// What this gateway remembers in its guard file.
pub(super) fn remembered(wacht: &Path) -> Onthouden {
    wacht::read(wacht).unwrap_or_else(|error| {
        tracing::warn!(
            %error,
            "the guard file cannot be read: as after a start of the machine, the clock is held to the last regel, and lapsing waits an hour"
        );
        Onthouden::default()
    })
}

/// The head of the logboek that this gateway signed or saw last, if it remembers one.
pub(super) fn kept_head(config: &Config, signer: &Signer, kept: Option<Kept>) -> Result<Option<Head>, KeyError> {
    let key = signer.vkey();
    let other = |source| KeyError::OtherGuard { path: config.guard_file(), source };
    kept.map(|kept| kept.head(&key)).transpose().map_err(other)
}

/// What a start knows before it writes.
pub(super) struct Known {
    pub(super) keys: KeyDirectory,
    pub(super) in_force: InForce,
    pub(super) first: Option<Change>,
    pub(super) klok: Arc<Klok>,
    pub(super) rng: Arc<dyn Rng>,
    pub(super) vkey: VerifyKey,
    pub(super) metingen: Arc<Metingen>,
}

impl Known {
    /// Makes what the verbs need, and writes the first regels of this run. At the very first start it also puts in force what the
    /// files say.
    pub(super) async fn begin(
        self,
        config: &Config,
        store: Store,
        watch: &mut ClockWatch,
    ) -> Result<Exchange, GatewayError> {
        let Self { keys, in_force, first, klok, rng, vkey, metingen } = self;
        let place: Box<dyn DayKeyPlace> = match &config.opslag {
            Opslag::Sqlite { .. } => Box::new(DayKeyFile::take(&config.sleutels)?),
            Opslag::Postgres(_) => Box::new(SharedDayKeys::new(store.clone())),
        };
        keys.remember_begun(&store.head().naam, &vkey.to_string())?;
        let zoeken = zoekbestand(config, keys.openingen(Arc::clone(&rng))).await;
        let keys = Arc::new(KeyStore::new(keys.sealing(), place, Arc::clone(&rng)));
        // Lost day keys would go unnoticed until somebody asks for what they open.
        if let Some(day) = newest_day(&store.read).await? {
            keys.existing(day).await?;
        }
        let exchange = Exchange {
            store,
            keys,
            in_force,
            klok,
            rng,
            bounds: exchange::Bounds {
                lease_seconds: config.bounds.lease_seconds,
                postvak: config.bounds.postvak,
                vervalwaarschuwing_dagen: config.bounds.vervalwaarschuwing_dagen,
            },
            poort: Identiteit::of_gateway(settings::own_oin(&config.certificaat)?),
            logboek: LogboekNaam::new(&config.logboek),
            vkey,
            zoeken,
            nagerekend: Uitkomst::default(),
            encode: answers::van_de_poort,
            weigeringen: Weigeringen::default(),
            passed: PassedOver::default(),
            tasks: Tasks::default(),
            metingen,
            exports: Arc::new(Semaphore::new(1)),
            opens: tokio::sync::Mutex::default(),
        };
        exchange.store.tell_time(&exchange.klok).await?;
        match watch.begin(&exchange).await {
            // With something in force the ports can open, so that callers hear what is wrong, and an operator can confirm the clock.
            Err(NotDone::Failed(StoreError::Clock(twijfel))) if first.is_none() => {
                tracing::error!(%twijfel, "the clock is not believed: this run begins once it is");
            }
            begun => begun?,
        }
        if let Some(first) = first {
            match exchange.store.writer.write(|reply| Event::Change(Box::new(first), reply)).await {
                Err(NotDone::Outdated) => tracing::info!("another gateway put its files in force first; those count"),
                written => drop(written?),
            }
        }
        exchange.refresh().await?;
        Ok(exchange)
    }
}

/// In what toezicht searches. Without it partners are served all the same.
async fn zoekbestand(config: &Config, openingen: OpeningKeys) -> Option<Arc<Zoekbestand>> {
    match Zoekbestand::take(&config.zoekbestand()?, openingen).await {
        Ok(zoeken) => Some(Arc::new(zoeken)),
        Err(error) => {
            tracing::error!(%error, "there is no file for searching, so toezicht finds nothing until a start with one");
            None
        }
    }
}

/// What the files put in force at the very first start. Later the database decides, and files that say something else are
/// only mentioned.
async fn first_documents(files: Result<Parsed, Fouten>, read: &Pool) -> Result<Option<Change>, GatewayError> {
    let Texts { in_force, .. } = documenten::texts(read).await?;
    if in_force.is_empty() {
        return Ok(Some(first_change(&files?)));
    }
    match files {
        Err(error) => tracing::warn!(%error, "the files have mistakes; what is in force in the database counts"),
        Ok(files) => {
            let differs = |document: &&Document| !in_force.contains(document);
            let gone =
                in_force.iter().filter(|document| !files.documenten.iter().any(|file| file.naam == document.naam));
            let names: Vec<&str> =
                files.documenten.iter().filter(differs).chain(gone).map(|document| &*document.naam).collect();
            if !names.is_empty() {
                let documenten = names.join(", ");
                tracing::warn!(documenten, "files differ from what is in force in the database, which counts");
            }
        }
    }
    Ok(None)
}
