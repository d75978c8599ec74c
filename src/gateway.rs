//! The gateway: everything wired once, run until it is told to stop.

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use sqlx::SqlitePool;
use tokio::{
    net::TcpListener,
    sync::watch,
    task::JoinHandle,
    time::{MissedTickBehavior, interval},
};

use crate::{
    config::Config,
    domain::{Clock, Rng},
    exchange::{self, Exchange, Weigeringen, wake::Wakers},
    grpc::{boundary::Boundary, exchange_service::ExchangeApi},
    logboek::{self, Logregel, NoteError, Signer, Soort, VerifyKey},
    sleutels::{KeyStore, keystore::KeyError},
    store::{Database, Event, StoreError, open::OpenError, postvak::newest_day, proofs},
    tls::{
        TlsError,
        accept::{self, Listener},
        identity::{Identifier, Known},
        settings,
    },
};

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
    /// The keys belong to another logboek.
    #[error(
        "de sleutels in [sleutels] map zijn niet die waarmee dit logboek is ondertekend. Zet de kopie terug die bij deze \
         database hoort; de poort schrijft niets."
    )]
    OtherKeys,
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
    /// Development certificates without `--dev`.
    #[error(
        "de configuratie gebruikt ontwikkelcertificaten (OIN {0}). Gebruik ze alleen met serve --dev, nooit met echte gegevens."
    )]
    Development(String),
    /// The writer stopped.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A running gateway.
pub struct Gateway {
    /// Where partners connect.
    pub adres: SocketAddr,
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

/// Refuses development certificates: those with an OIN that exists for tests only.
///
/// # Errors
/// [`GatewayError::Development`].
pub fn refuse_development(config: &Config) -> Result<(), GatewayError> {
    let test = config.identiteiten.iter().find(|known| known.identiteit.oin.is_test());
    test.map_or(Ok(()), |known| Err(GatewayError::Development(known.identiteit.oin.to_string())))
}

impl Gateway {
    /// Starts: keys, database, `gestart` in the logboek, then the port.
    ///
    /// # Errors
    /// [`GatewayError`], each with what to do.
    pub async fn start(config: &Config, clock: Arc<dyn Clock>, rng: Arc<dyn Rng>) -> Result<Self, GatewayError> {
        let identifier = Arc::new(identifier(config)?);
        let tls = Arc::new(settings::server(&config.certificaat, &config.sleutel, Arc::clone(&identifier))?);
        // The database first: its lock keeps a second gateway away from the keys too.
        let database = Database::open(Path::new(&config.database), config.grootste_mebibytes).await?;
        let keys = KeyStore::open(&config.sleutels, Arc::clone(&rng))?;
        let signer = signer(config, keys.logboek_seed())?;
        check_keys(&database.read, &keys, &signer.vkey()).await?;
        let socket = TcpListener::bind(config.grpc)
            .await
            .map_err(|source| GatewayError::Listen { adres: config.grpc, source })?;
        let adres = socket.local_addr().map_err(|source| GatewayError::Listen { adres: config.grpc, source })?;
        let (store, writer) = database.start(&config.logboek, signer, Arc::clone(&clock)).await?;
        let started = Logregel::new(String::new(), Soort::Gestart);
        store.writer.write(|reply| Event::Log(Box::new(started), None, reply)).await?;

        let exchange = Arc::new(Exchange {
            store,
            keys,
            van_kracht: Arc::new(config.van_kracht.clone()),
            clock: Arc::clone(&clock),
            rng,
            bounds: exchange::Bounds { lease_seconds: config.grenzen.lease_seconds, postvak: config.grenzen.postvak },
            wakers: Wakers::default(),
            weigeringen: Weigeringen::default(),
        });
        let (stop, stopped) = watch::channel(false);
        let api = ExchangeApi::new(Arc::clone(&exchange), stopped.clone());
        let boundary = Boundary::new(Arc::clone(&exchange), api, config.grenzen.in_flight_partner);
        let bounds = accept::Bounds {
            connections: config.grenzen.connections,
            connections_partner: config.grenzen.connections_partner,
            connection_age_seconds: config.grenzen.connection_age_seconds,
        };
        let listener = Listener { tls, identifier, bounds, clock };
        let answer = move |identiteit, request| boundary.clone().answer(identiteit, request);
        let accepting = accept::serve(listener, socket, stopped.clone(), answer);
        let ended = tokio::spawn(run(exchange, accepting, writer, stopped));
        Ok(Self { adres, stop, ended })
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

fn identifier(config: &Config) -> Result<Identifier, GatewayError> {
    let cas =
        config.cas.iter().map(|ca| settings::trusted_ca(&ca.naam, &ca.bestand, &ca.crl)).collect::<Result<_, _>>()?;
    let known = config
        .identiteiten
        .iter()
        .map(|known| Known { ca: known.ca.clone(), san: known.san.clone(), identiteit: known.identiteit.clone() })
        .collect();
    Ok(Identifier::new(cas, known))
}

/// Keys of another logboek would fork this one, and lost day keys would go unnoticed: neither may write a single regel.
async fn check_keys(read: &SqlitePool, keys: &KeyStore, vkey: &VerifyKey) -> Result<(), GatewayError> {
    if let Some((_, nota)) = proofs::newest_checkpoint(read).await?
        && logboek::open(&nota, vkey).is_err()
    {
        return Err(GatewayError::OtherKeys);
    }
    if let Some(day) = newest_day(read).await? {
        keys.existing(day)?;
    }
    Ok(())
}

/// Ends when the gateway is told to stop.
async fn told(stopped: &mut watch::Receiver<bool>) {
    // An error means that whoever could tell is gone, which is the same.
    drop(stopped.wait_for(|stop| *stop).await);
}

/// Runs until stopped, or until the writer gives up: then nothing may be handed out any more.
async fn run(
    exchange: Arc<Exchange>,
    accepting: impl Future<Output = ()> + Send + 'static,
    mut writer: JoinHandle<Result<(), StoreError>>,
    mut stopped: watch::Receiver<bool>,
) -> Result<(), GatewayError> {
    let mut accepting = tokio::spawn(accepting);
    let mut tick = interval(Duration::from_secs(1));
    tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            ended = &mut writer => {
                accepting.abort();
                return Ok(ended.unwrap_or_else(|error| Err(StoreError::Fatal(error.to_string())))?);
            }
            _ = tick.tick() => {
                if let Err(error) = exchange.flush_weigeringen(false).await {
                    tracing::error!(%error, "counted refusals could not be logged yet");
                }
            }
            () = told(&mut stopped) => break,
        }
    }
    // The accept loop drains its connections itself; a panic in it has been reported already.
    drop((&mut accepting).await);
    if let Err(error) = exchange.flush_weigeringen(true).await {
        tracing::error!(%error, "counted refusals of the last minute are not in the logboek");
    }
    // When the last user of the store is gone the writer ends and closes the database.
    drop(exchange);
    Ok(writer.await.unwrap_or_else(|error| Err(StoreError::Fatal(error.to_string())))?)
}
