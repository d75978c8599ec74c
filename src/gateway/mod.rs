//! The gateway: everything wired once, run until it is told to stop.

mod aanloop;
mod ends;
mod health;
mod jobs;
mod lijsten;
mod look;
mod meten;
mod naast;
mod open;
mod ports;
mod reload;
pub mod reservekopie;
mod run;

use std::{
    net::SocketAddr,
    sync::{Arc, Weak},
    time::Duration,
};

use tokio::{
    sync::{Mutex, watch},
    task::{JoinHandle, JoinSet, spawn_blocking},
    time::sleep,
};

pub use self::aanloop::{Aanloop, SOCKETS};
use self::{
    aanloop::Einde,
    health::Watching,
    jobs::Outside,
    lijsten::Lijsten,
    open::{FromFiles, Known, Opened},
    ports::{Open, bound, open_all},
    reload::Reloader,
    run::run,
};
use crate::{
    config::Config,
    domain::{Clock, Ingang, Klok, Rng, houdbaarheid::amsterdam_date},
    exchange::{Exchange, InForce, LoadError, klok::ClockWatch, wacht::Keeper},
    jobs::Trouble,
    lezen::Fouten,
    logboek::{LogboekNaam, NoteError, Signer},
    sleutels::{KeyError, Onthouden, Wacht, blik::Blikken},
    store::{NotDone, OpenError, StoreError, ledger::regels::last_moment},
    telemetry::Telemetry,
    tls::{TlsError, accept::Listener},
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
    /// What `check` tells too, and what is not accepted or cannot be.
    #[error(
        "de poort start zo niet:\n  {}\nHerstel dit. Wat een code heeft die te aanvaarden is, kan ook bij naam worden \
         aanvaard: aanvaard = [\"code\"] bovenaan ketenpoort.toml (docs/operations.md).",
        .0.join("\n  ")
    )]
    Bevindingen(Vec<String>),
    /// What `check` would tell of what its files hold now.
    #[error("wat er nu in de bestanden staat telt niet:\n  {}\nHerstel dit; tot dan telt wat de poort eerder las.", .0.join("\n  "))]
    NietHerlezen(Vec<String>),
    /// The system gives no threads.
    #[error("er zijn geen threads te krijgen voor handshakes: {0}. Verhoog de grens van deze gebruiker.")]
    Threads(std::io::Error),
    /// The name of the logboek.
    #[error("logboek heeft geen bruikbare naam: {0}")]
    Naam(#[from] NoteError),
    /// The port.
    #[error(
        "adres {adres} is niet te openen: {source}. Luistert daar al een ander programma, of mag deze gebruiker dit adres niet gebruiken?"
    )]
    Listen {
        /// Where.
        adres: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The files that come in force at the first start.
    #[error(transparent)]
    Documents(#[from] Fouten),
    /// What is in force.
    #[error(transparent)]
    InForce(#[from] LoadError),
    /// The store could not be read at the start, or something that the gateway cannot do without ended by itself.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The first regels could not be written.
    #[error(transparent)]
    NotDone(#[from] NotDone),
}

/// A running gateway.
pub struct Gateway {
    /// Where partners connect.
    pub adres: SocketAddr,
    /// Where beheer connects, if anywhere.
    pub beheer: Option<SocketAddr>,
    /// Where toezicht connects, if anywhere.
    pub toezicht: Option<SocketAddr>,
    /// Where it tells how it stands, if anywhere.
    pub waarneming: Option<SocketAddr>,
    /// Gone when it has stopped.
    exchange: Weak<Exchange>,
    reloader: Arc<Reloader>,
    einde: watch::Sender<Einde>,
    ended: JoinHandle<Result<(), GatewayError>>,
}

/// The signer of a logboek, from its seed.
///
/// # Errors
/// [`GatewayError`] when the name of the logboek is unusable.
pub fn signer(naam: &str, seed: &[u8; 32]) -> Result<Signer, GatewayError> {
    Ok(Signer::from_seed(naam, seed)?)
}

impl Gateway {
    /// Starts, in this order: what `check` asks, certificates, database, keys, binding the ports, `gestart` in the logboek, what is
    /// in force. Only then the ports answer. In `productie` development certificates do not count, nor grondslagen that nobody
    /// confirmed or accepted.
    ///
    /// # Errors
    /// [`GatewayError`], each with what to do.
    pub async fn start(
        config: &Config,
        productie: bool,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
    ) -> Result<Self, GatewayError> {
        Self::start_by(&Aanloop::hasty(), config, productie, clock, rng).await
    }

    /// The same, by a run-up that says whether it waits for its database.
    ///
    /// # Errors
    /// [`GatewayError`], each with what to do.
    pub async fn start_by(
        aanloop: &Aanloop,
        config: &Config,
        productie: bool,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
    ) -> Result<Self, GatewayError> {
        let in_force = InForce::new(config.omgeving(productie));
        let FromFiles { now, lijsten, documents, certificates } =
            FromFiles::read((config, productie), &clock, &in_force).await?;
        let telemetry = meten::telemetry(config, rng.as_ref())?;
        // That its address is taken is said only when nothing is wrong with the database: a second gateway on one has both.
        let watching = Watching::begin(config.waarneming, telemetry.as_ref(), aanloop).await;
        let naam = LogboekNaam::new(&config.logboek).of_year(amsterdam_date(now).year());
        let opened = Opened::open(config, documents, &naam, rng.as_ref(), aanloop).await?;
        let (Opened { database, keys, signer, first }, watching) = (opened, watching?);
        let wacht = Wacht::take(&config.guard_file())?;
        // Read again: only now nobody else writes in it.
        let remembered = open::remembered(&config.guard_file());
        let kept = open::kept_head(config, &signer, remembered.logboek.clone())?;
        let klok = Arc::new(Klok::start(clock, remembered.klok.clone(), last_moment(&database.read).await?));
        let metingen = telemetry.as_ref().map(|telemetry| Arc::clone(&telemetry.metingen)).unwrap_or_default();
        let of = (config, productie);
        let (reloader, loaded) = Reloader::new(of, in_force.subscribe(), Arc::clone(&klok), certificates)?;
        let listener = open::listener(config, loaded, Arc::clone(&klok), Arc::clone(&metingen))?;
        let open = open_all(config, aanloop).await?;
        let vkey = signer.vkey();
        let (store, writer) = database
            .measured(Arc::clone(&metingen))
            .start(&naam, &keys.mark(), signer, keys.openingen(Arc::clone(&rng)), Arc::clone(&klok), kept)
            .await?;
        let read = store.read.clone();
        let mut watch = ClockWatch::default();
        let known = Known { keys, in_force, first, klok, rng, vkey, metingen };
        let exchange = match known.begin(config, store, &mut watch).await {
            Ok(exchange) => Arc::new(exchange),
            Err(error) => {
                // Closed in order, so that the next start finds nothing open.
                read.close().await;
                drop(writer.await);
                return Err(error);
            }
        };
        let reloader = Arc::new(reloader);
        let begun = Begun {
            exchange,
            writer,
            watch,
            listener,
            reloader,
            lijsten,
            open,
            telemetry,
            watching,
            wacht,
            remembered,
        };
        Ok(begun.open_ports(config, aanloop))
    }

    /// Does now what time brings, until nothing is left of it. The jobs do the same, each at its own ticks; this is for who puts the clock
    /// forward, and goes on only when everything of that day is done.
    ///
    /// # Errors
    /// What could not be done.
    pub(crate) async fn let_time_pass(&self) -> Result<(), Trouble> {
        let exchange = self.exchange.upgrade().ok_or("the gateway has stopped")?;
        jobs::let_time_pass(&exchange).await
    }

    /// Recomputes the logboek now, which a job else does at its hour.
    ///
    /// # Errors
    /// What could not be read.
    pub(crate) async fn recompute(&self) -> Result<(), Trouble> {
        let exchange = self.exchange.upgrade().ok_or("the gateway has stopped")?;
        Ok(exchange.recompute().await?)
    }

    /// Reads certificate, key, CA's and revocation lists again. A job does so by itself when their files changed.
    ///
    /// # Errors
    /// [`GatewayError`], each with what to do; then what counted counts on.
    pub fn reload(&self) -> impl Future<Output = Result<(), GatewayError>> + Send + use<> {
        let reloader = Arc::clone(&self.reloader);
        async move {
            let read = spawn_blocking(move || reloader.reload()).await;
            read.unwrap_or_else(|error| Err(StoreError::Fatal(error.to_string()).into()))
        }
    }

    /// Tells the gateway to stop: it says that it is not ready, takes new connections for as long as the configuration says, and then finishes
    /// the calls under way.
    pub fn stop(&self) {
        self.tell(Einde::Gevraagd);
    }

    /// Tells the gateway to stop at once: calls under way are broken off. What was acknowledged is kept, and callers repeat the rest.
    pub fn hurry(&self) {
        self.tell(Einde::Haast);
    }

    fn tell(&self, how: Einde) {
        self.einde.send_if_modified(|told| {
            let goes_on = *told < how;
            *told = how.max(*told);
            goes_on
        });
    }

    /// Waits until it has stopped.
    ///
    /// # Errors
    /// Why it stopped by itself.
    pub async fn ended(&mut self) -> Result<(), GatewayError> {
        (&mut self.ended).await.unwrap_or_else(|error| Err(StoreError::Fatal(error.to_string()).into()))
    }
}

/// A gateway whose run has begun in the logboek, and that nobody can reach yet.
struct Begun {
    exchange: Arc<Exchange>,
    writer: JoinHandle<Result<(), StoreError>>,
    watch: ClockWatch,
    listener: Arc<Listener>,
    reloader: Arc<Reloader>,
    lijsten: Lijsten,
    open: Vec<Open>,
    telemetry: Option<Arc<Telemetry>>,
    watching: Option<Watching>,
    wacht: Wacht,
    remembered: Onthouden,
}

impl Begun {
    /// Answers at its ports from now on, and does by itself what time brings.
    fn open_ports(self, config: &Config, aanloop: &Aanloop) -> Gateway {
        let Self { exchange, writer, watch, listener, reloader, lijsten, open, telemetry, watching, wacht, remembered } =
            self;
        let [partners, toezicht, beheer] = Ingang::ALL.map(|ingang| bound(&open, ingang));
        let (adres, of) = (partners.unwrap_or(config.grpc.adres), Arc::downgrade(&exchange));
        let ((einde, told), mut running) = (watch::channel(Einde::Niet), JoinSet::new());
        let stopped = drained(told.clone(), Duration::from_secs(config.bounds.drain_seconds));
        let mut naast = Vec::new();
        for open in open {
            let of_port = open.naast();
            running.spawn(open.serve(&of_port, Arc::clone(&listener), &exchange, stopped.clone()));
            naast.push(of_port);
        }
        let heads = exchange.store.heads();
        let keeper = Arc::new(Mutex::new(Keeper::new(wacht, remembered, Arc::clone(&exchange.klok), heads)));
        let refused = Arc::clone(&listener.refused);
        let waarneming = watching.as_ref().map(|watching| watching.adres);
        let stapels = telemetry.as_ref().map(|telemetry| meten::begin(telemetry, &exchange, &reloader, config));
        aanloop.runs(&exchange, reloader.ends(), told.clone());
        let blikken = Blikken::of_guard(&config.guard_file());
        let outside = Outside {
            refused: Arc::clone(&refused),
            reloader: Arc::clone(&reloader),
            blikken,
            stapels,
            naast,
            einde: told.clone(),
            lijsten,
        };
        jobs::start(&mut running, &exchange, watch, &keeper, outside, &stopped);
        let ended = tokio::spawn(async move {
            let ended = run(exchange, running, writer, &refused, (stopped, told)).await;
            keeper.lock().await.write().await;
            if let Some(watching) = watching {
                watching.end().await;
            }
            if let Some(telemetry) = telemetry {
                meten::end(telemetry).await;
            }
            ended
        });
        Gateway { adres, beheer, toezicht, waarneming, exchange: of, reloader, einde, ended }
    }
}

/// Turns true when the ports close: so long after the gateway was told to end, or at once where it must hurry.
fn drained(mut told: watch::Receiver<Einde>, after: Duration) -> watch::Receiver<bool> {
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(async move {
        // An error means that whoever could tell is gone: then there is nothing to wait for.
        if told.wait_for(|how| *how != Einde::Niet).await.is_ok() {
            tokio::select! {
                () = sleep(after) => {}
                _ = told.wait_for(|how| *how == Einde::Haast) => {}
            }
        }
        stop.send_replace(true);
    });
    stopped
}
