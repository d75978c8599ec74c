//! The gateway: everything wired once, run until it is told to stop.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    net::TcpListener,
    sync::watch,
    task::{JoinHandle, JoinSet},
    time::{MissedTickBehavior, interval},
};

use crate::{
    config::{Config, ConfigError, Opslag, documents::Parsed},
    domain::{Clock, Document, Identiteit, Rng, Rol},
    exchange::{self, Exchange, InForce, LoadError, Weigeringen, announce::Announcer, beheer::first_change},
    grpc::{
        answers,
        beheer_service::BeheerApi,
        boundary::{BEHEER_MESSAGE_LIMIT, Boundary, MESSAGE_LIMIT},
        exchange_service::ExchangeApi,
    },
    logboek::{self, Logregel, NoteError, Signer, Soort},
    proto::{beheer_service_server::BeheerServiceServer, exchange_service_server::ExchangeServiceServer},
    sleutels::{DayKeyFile, DayKeyPlace, KeyError, KeyMap, KeyStore},
    store::{
        Change, Database, Event, Pool, SharedDayKeys, Store, StoreError, append::logboek_naam, documenten,
        open::OpenError, postvak::newest_day, proofs,
    },
    tls::{
        TlsError,
        accept::{self, Listener},
        identity::Identifier,
        settings,
    },
};

/// Calls of one operator that are being answered.
const BEHEER_IN_FLIGHT: usize = 4;
/// How often this process looks whether another one changed what is in force, and what has to be logged or announced.
const TICK: Duration = Duration::from_millis(500);

/// Why a gateway does not start, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// The database.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The keys.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// Certificates.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The name of the logboek.
    #[error("logboek heeft geen bruikbare naam: {0}")]
    Naam(#[from] NoteError),
    /// The port.
    #[error(
        "poort {adres} is niet te openen: {source}. Is er al een poort actief, of mag deze gebruiker dit adres niet gebruiken?"
    )]
    Listen {
        /// Where.
        adres: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The files that come in force at the first start.
    #[error(transparent)]
    Documents(#[from] ConfigError),
    /// What is in force.
    #[error(transparent)]
    InForce(#[from] LoadError),
    /// The writer stopped.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A running gateway.
pub struct Gateway {
    /// Where partners connect.
    pub adres: SocketAddr,
    /// Where beheer connects, if anywhere.
    pub beheer: Option<SocketAddr>,
    stop: watch::Sender<bool>,
    ended: JoinHandle<Result<(), GatewayError>>,
}

/// Reads the signer of the logboek.
///
/// # Errors
/// [`GatewayError`] when there is no key or the name is unusable.
pub fn signer(config: &Config, seed: &[u8; 32]) -> Result<Signer, GatewayError> {
    Ok(Signer::from_seed(&config.logboek, seed)?)
}

impl Gateway {
    /// Starts: keys, database, `gestart` in the logboek, what is in force, then the ports. In `productie` development
    /// certificates and unconfirmed grondslagen do not count.
    ///
    /// # Errors
    /// [`GatewayError`], each with what to do.
    pub async fn start(
        config: &Config,
        productie: bool,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
    ) -> Result<Self, GatewayError> {
        let in_force = InForce::new(config.omgeving(productie));
        let listener = Arc::new(listener(config, &in_force, Arc::clone(&clock))?);
        // Files that cannot come in force leave no database behind.
        let files = config.documents(productie);
        let first = matches!(&config.opslag, Opslag::Sqlite { bestand, .. } if !bestand.exists());
        let files = if first { Ok(files?) } else { files };
        // The database first: who may not have it may not touch the keys either.
        let database = Database::open(&config.opslag).await?;
        // Asked first: another gateway may just be beginning, and it remembers so when its logboek is there.
        let keys_have_begun = KeyMap::has_begun(&config.sleutels);
        let begun = logboek_naam(&database.read).await?;
        let map = KeyMap::open(&config.sleutels, begun.is_none(), rng.as_ref())?;
        match begun {
            // Without the logboek that was begun with these keys another one would be signed with them.
            None if keys_have_begun => return Err(OpenError::LogboekGone.into()),
            Some(found) if found != config.logboek => {
                return Err(OpenError::OtherLogboek { found, wanted: config.logboek.clone() }.into());
            }
            _ => {}
        }
        let signer = signer(config, map.logboek_seed())?;
        // Other keys would fork the logboek: not a single regel may be signed with them.
        let newest = proofs::newest_checkpoint(&database.read).await?;
        if newest.is_some_and(|(_, nota)| logboek::open(&nota, &signer.vkey()).is_err()) {
            return Err(OpenError::OtherKeys.into());
        }
        let first = first_documents(files, &database.read).await?;
        let (grpc, adres) = listen(config.grpc).await?;
        let (beheer, beheer_adres) = match config.beheer {
            Some(adres) => listen(adres).await.map(|(socket, adres)| (Some(socket), Some(adres)))?,
            None => (None, None),
        };
        let (store, writer) = database.start(&config.logboek, &map.kenmerk(), signer, Arc::clone(&clock)).await?;
        let read = store.read.clone();
        let exchange = match begin(config, store, map, in_force, first, clock, rng).await {
            Ok(exchange) => Arc::new(exchange),
            Err(error) => {
                // Closed in order, so that the next start finds nothing open.
                read.close().await;
                drop(writer.await);
                return Err(error);
            }
        };
        let (stop, stopped) = watch::channel(false);
        let mut accepting = JoinSet::new();
        let in_flight = config.grenzen.in_flight_partner;
        accepting.spawn(serve_partners(Arc::clone(&listener), &exchange, in_flight, grpc, stopped.clone()));
        if let Some(beheer) = beheer {
            accepting.spawn(serve_beheer(listener, &exchange, beheer, stopped.clone()));
        }
        accepting.spawn(end_what_lapsed(Arc::clone(&exchange), stopped.clone()));
        let ended = tokio::spawn(run(exchange, accepting, writer, stopped));
        Ok(Self { adres, beheer: beheer_adres, stop, ended })
    }

    /// Tells the gateway to stop: no new connections, calls under way are finished.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Waits until it has stopped.
    ///
    /// # Errors
    /// Why it stopped by itself.
    pub async fn ended(&mut self) -> Result<(), GatewayError> {
        (&mut self.ended).await.unwrap_or_else(|error| Err(StoreError::Fatal(error.to_string()).into()))
    }
}

/// Certificates, and who is who by what is in force.
fn listener(config: &Config, in_force: &InForce, clock: Arc<dyn Clock>) -> Result<Listener, GatewayError> {
    let cas = config.cas.iter().map(|ca| settings::trusted_ca(&ca.naam, &ca.bestand, &ca.crl));
    let identifier = Arc::new(Identifier::new(cas.collect::<Result<_, _>>()?, in_force.subscribe()));
    let tls = Arc::new(settings::server(&config.certificaat, &config.sleutel, Arc::clone(&identifier))?);
    let bounds = accept::Bounds {
        connections: config.grenzen.connections,
        connections_partner: config.grenzen.connections_partner,
        connection_age_seconds: config.grenzen.connection_age_seconds,
    };
    Ok(Listener { tls, identifier, bounds, clock })
}

/// What the verbs need, with the first regels of this run written, and at the very first start what the files put in force.
async fn begin(
    config: &Config,
    store: Store,
    map: KeyMap,
    in_force: InForce,
    first: Option<Change>,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
) -> Result<Exchange, GatewayError> {
    let place: Box<dyn DayKeyPlace> = match &config.opslag {
        Opslag::Sqlite { .. } => Box::new(DayKeyFile::take(&config.sleutels)?),
        Opslag::Postgres(_) => Box::new(SharedDayKeys::new(store.clone())),
    };
    map.remember_begun(&config.logboek)?;
    let keys = Arc::new(KeyStore::new(map, place, Arc::clone(&rng)));
    // Lost day keys would go unnoticed until somebody asks for what they open.
    if let Some(day) = newest_day(&store.read).await? {
        keys.existing(day).await?;
    }
    let exchange = Exchange {
        store,
        keys,
        in_force,
        clock,
        rng,
        bounds: exchange::Bounds {
            lease_seconds: config.grenzen.lease_seconds,
            postvak: config.grenzen.postvak,
            vervalwaarschuwing_dagen: config.grenzen.vervalwaarschuwing_dagen,
        },
        poort: Identiteit::of_gateway(settings::own_oin(&config.certificaat)?),
        encode: answers::van_de_poort,
        weigeringen: Weigeringen::default(),
    };
    let writer = &exchange.store.writer;
    let started = Logregel::new(String::new(), Soort::Gestart);
    writer.write(|reply| Event::Log(Box::new(started), None, reply)).await?;
    if let Some(first) = first {
        let (changed, _) = writer.write(|reply| Event::Change(Box::new(first), reply)).await?;
        if changed.is_err() {
            tracing::info!("another gateway put its files in force first; those count");
        }
    }
    exchange.refresh().await?;
    Ok(exchange)
}

fn serve_partners(
    listener: Arc<Listener>,
    exchange: &Arc<Exchange>,
    in_flight_partner: usize,
    socket: TcpListener,
    stopped: watch::Receiver<bool>,
) -> impl Future<Output = ()> + Send + 'static {
    let api = ExchangeApi::new(Arc::clone(exchange), stopped.clone());
    let service = ExchangeServiceServer::new(api).max_decoding_message_size(MESSAGE_LIMIT);
    let boundary = Boundary::new(Arc::clone(exchange), service, Rol::Partner, in_flight_partner);
    let answer = move |aangemeld, request| boundary.clone().answer(aangemeld, request);
    accept::serve(listener, socket, stopped, answer)
}

fn serve_beheer(
    listener: Arc<Listener>,
    exchange: &Arc<Exchange>,
    socket: TcpListener,
    stopped: watch::Receiver<bool>,
) -> impl Future<Output = ()> + Send + 'static {
    let api = BeheerApi::new(Arc::clone(exchange));
    let service = BeheerServiceServer::new(api)
        .max_decoding_message_size(BEHEER_MESSAGE_LIMIT)
        .max_encoding_message_size(BEHEER_MESSAGE_LIMIT);
    let boundary = Boundary::new(Arc::clone(exchange), service, Rol::Beheer, BEHEER_IN_FLIGHT);
    let answer = move |aangemeld, request| boundary.clone().answer(aangemeld, request);
    accept::serve(listener, socket, stopped, answer)
}

async fn listen(adres: SocketAddr) -> Result<(TcpListener, SocketAddr), GatewayError> {
    let error = |source| GatewayError::Listen { adres, source };
    let socket = TcpListener::bind(adres).await.map_err(error)?;
    let bound = socket.local_addr().map_err(error)?;
    Ok((socket, bound))
}

/// What the files put in force at the very first start. Later the database decides, and files that say something else are
/// only mentioned.
async fn first_documents(files: Result<Parsed, ConfigError>, read: &Pool) -> Result<Option<Change>, GatewayError> {
    let (_, in_force) = documenten::in_force(read).await?;
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

/// Ends when the gateway is told to stop.
async fn told(stopped: &mut watch::Receiver<bool>) {
    // An error means that whoever could tell is gone, which is the same.
    drop(stopped.wait_for(|stop| *stop).await);
}

/// Ends what has lapsed, until told to stop. Beside the rest: at midnight there can be much of it.
async fn end_what_lapsed(exchange: Arc<Exchange>, mut stopped: watch::Receiver<bool>) {
    let mut failing = false;
    let mut tick = interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            () = told(&mut stopped) => return,
        }
        let expired = exchange.expire().await;
        // Said once; until it is mended content stays unreadable, because every verb asks for the day.
        if let (Err(error), false) = (&expired, failing) {
            tracing::error!(%error, "what has lapsed could not be ended yet");
        }
        failing = expired.is_err();
        if expired.is_ok_and(|more| more) {
            tick.reset_immediately();
        }
    }
}

/// Runs until stopped, or until the writer gives up: then nothing may be handed out any more.
async fn run(
    exchange: Arc<Exchange>,
    mut accepting: JoinSet<()>,
    mut writer: JoinHandle<Result<(), StoreError>>,
    mut stopped: watch::Receiver<bool>,
) -> Result<(), GatewayError> {
    let (mut announcer, mut unreadable) = (Announcer::default(), false);
    let mut tick = interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            ended = &mut writer => {
                accepting.abort_all();
                return Ok(ended.unwrap_or_else(|error| Err(StoreError::Fatal(error.to_string())))?);
            }
            _ = tick.tick() => {
                let refreshed = exchange.refresh().await;
                // Said once, not twice a second until it is mended.
                if let (Err(error), false) = (&refreshed, unreadable) {
                    tracing::error!(%error, "what is in force could not be read; nothing is accepted by the older version");
                }
                unreadable = refreshed.is_err();
                announcer.announce(&exchange);
                if let Err(error) = exchange.flush_weigeringen(false).await {
                    tracing::error!(%error, "counted refusals could not be logged yet");
                }
            }
            () = told(&mut stopped) => break,
            Some(ended) = accepting.join_next() => {
                // A port that closed or a sweep that ended by itself would be noticed by nobody.
                if !*stopped.borrow() {
                    accepting.abort_all();
                    let why = ended.err().map(|error| error.to_string());
                    let why = why.unwrap_or_else(|| "een onderdeel van de poort eindigde vanzelf".to_owned());
                    return Err(StoreError::Fatal(why).into());
                }
            }
        }
    }
    // The accept loops drain their connections themselves; a panic in one has been reported already.
    while accepting.join_next().await.is_some() {}
    if let Err(error) = exchange.flush_weigeringen(true).await {
        tracing::error!(%error, "counted refusals of the last minute are not in the logboek");
    }
    // The readers first, so that the writer is the last to close the database and folds the WAL into it.
    exchange.store.read.close().await;
    // When the last user of the store is gone the writer ends.
    drop(exchange);
    Ok(writer.await.unwrap_or_else(|error| Err(StoreError::Fatal(error.to_string())))?)
}
