//! `serve`: run the gateway until a signal.

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::Context;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    time::timeout,
};

use super::{Failure, dienst};
use crate::{
    clock::{SystemClock, SystemRng},
    config::{Bounds, Config},
    gateway::{Aanloop, Gateway},
    proceslog,
};

/// How long a start may still take after a signal.
const START: Duration = Duration::from_secs(10);

#[derive(clap::Args)]
pub struct Arguments {
    /// De configuratie, ketenpoort.toml
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Sta ontwikkelcertificaten toe; nooit met echte gegevens
    #[arg(long)]
    dev: bool,
    /// Wacht niet op een database die er niet is: eindig met exitcode 3
    #[arg(long)]
    niet_wachten: bool,
    /// Schrijf het proceslog als JSON
    #[arg(long)]
    json: bool,
}

pub async fn run(arguments: Arguments) -> Result<(), Failure> {
    proceslog::begin("info", arguments.json)?;
    let config = Config::load(&arguments.config)?;
    if arguments.dev {
        tracing::warn!("LET OP: --dev staat ontwikkelcertificaten toe. Gebruik geen echte gegevens.");
    }
    raise_open_files(&config.bounds);
    let mut signals = Signals::listen()?;
    let aanloop = if arguments.niet_wachten { Aanloop::hasty() } else { Aanloop::patient() };
    let aanloop = aanloop.with_sockets(dienst::sockets()?);
    let (clock, rng) = (Arc::new(SystemClock), Arc::new(SystemRng));
    let mut starting = Box::pin(Gateway::start_by(&aanloop, &config, !arguments.dev, clock, rng));
    let (gateway, told) = tokio::select! {
        started = &mut starting => (started?, false),
        never = dienst::tell_of(&aanloop) => match never {},
        () = signals.stop() => {
            // A start comes to its end first, unless it waits for a database.
            let within = if aanloop.waits() { Duration::ZERO } else { START };
            match timeout(within, starting).await {
                Ok(started) => (started?, true),
                Err(_) => return Ok(()),
            }
        }
    };
    tracing::info!(
        adres = %gateway.adres,
        logboek = config.logboek,
        versie = super::VERSION,
        "the gateway is open"
    );
    tokio::select! {
        ended = serve(gateway, &mut signals, told) => ended,
        never = dienst::watchdog() => match never {},
    }
}

/// Files that are open beside connections: the database, its readers, keys, ports, who waits for a handshake.
const OTHER_FILES: u64 = 1024;

/// Takes as many open files as the system allows, and says where those are fewer than the connections that the configuration lets in.
fn raise_open_files(bounds: &Bounds) {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    let most = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    };
    let wanted = bounds.connections as u64 + OTHER_FILES;
    if most.is_some_and(|most| most < wanted) {
        tracing::warn!(
            most,
            wanted,
            "too few files may be open for so many connections: raise the limit (LimitNOFILE), or lower [grenzen] connections"
        );
    }
}

/// Serves until the gateway ends by itself, or is told to.
async fn serve(mut gateway: Gateway, signals: &mut Signals, told_before: bool) -> Result<(), Failure> {
    let open = format!("open op {}", gateway.adres);
    dienst::ready(&open);
    let mut told = if told_before { Told::Stop } else { Told::Nothing };
    while told != Told::Stop {
        told = tokio::select! {
            ended = gateway.ended() => return Ok(ended?),
            told = signals.told() => told,
        };
        if told == Told::Reload {
            dienst::reloading();
            if let Err(error) = gateway.reload().await {
                tracing::error!(%error, "nothing was read again; what was read before counts on");
            }
            dienst::ready(&open);
        }
    }
    tracing::info!("stopping: calls under way are finished first");
    dienst::stopping();
    gateway.stop();
    tokio::select! {
        ended = gateway.ended() => return Ok(ended?),
        () = signals.stop() => gateway.hurry(),
    }
    Ok(gateway.ended().await?)
}

/// SIGTERM, SIGINT and SIGHUP, heard from the moment this exists.
pub(crate) struct Signals {
    term: Signal,
    int: Signal,
    hup: Signal,
}

impl Signals {
    /// Starts to listen; until then a signal ends the process at once.
    ///
    /// # Errors
    /// When the system has no signals to give.
    pub(crate) fn listen() -> Result<Self, Failure> {
        let listen = |kind| signal(kind).context("signalen zijn niet te ontvangen");
        let term = listen(SignalKind::terminate())?;
        Ok(Self { term, int: listen(SignalKind::interrupt())?, hup: listen(SignalKind::hangup())? })
    }

    /// Ends when the process is told to stop. SIGHUP stops nothing: a terminal that closes must not end the exchange.
    pub(crate) async fn stop(&mut self) {
        while self.told().await == Told::Reload {}
    }

    /// What the process is told next.
    async fn told(&mut self) -> Told {
        tokio::select! {
            _ = self.term.recv() => Told::Stop,
            _ = self.int.recv() => Told::Stop,
            _ = self.hup.recv() => Told::Reload,
        }
    }
}

/// What a signal says.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    /// None came yet.
    Nothing,
    /// SIGTERM or SIGINT.
    Stop,
    /// SIGHUP.
    Reload,
}
