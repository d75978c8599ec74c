//! `serve`: run the gateway until a signal.

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::Context;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    time::timeout,
};

use super::Failure;
use crate::{
    clock::{SystemClock, SystemRng},
    config::Config,
    gateway::Gateway,
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
    /// Schrijf het proceslog als JSON
    #[arg(long)]
    json: bool,
}

pub async fn run(arguments: Arguments) -> Result<(), Failure> {
    proceslog::begin("info", arguments.json);
    let config = Config::load(&arguments.config)?;
    if arguments.dev {
        tracing::warn!("LET OP: --dev staat ontwikkelcertificaten toe. Gebruik geen echte gegevens.");
    }
    let mut signals = Signals::listen()?;
    let mut starting = Box::pin(Gateway::start(&config, !arguments.dev, Arc::new(SystemClock), Arc::new(SystemRng)));
    let (mut gateway, told) = tokio::select! {
        started = &mut starting => (started?, false),
        // A start comes to its end first, unless it waits for a database that does not answer.
        () = signals.stop() => match timeout(START, starting).await {
            Ok(started) => (started?, true),
            Err(_) => return Ok(()),
        },
    };
    tracing::info!(adres = %gateway.adres, logboek = config.logboek, "the gateway is open");
    let mut told = if told { Told::Stop } else { Told::Reload };
    while told == Told::Reload {
        told = tokio::select! {
            ended = gateway.ended() => return Ok(ended?),
            told = signals.told() => told,
        };
        if told == Told::Reload
            && let Err(error) = gateway.reload().await
        {
            tracing::error!(%error, "nothing was read again; what was read before counts on");
        }
    }
    tracing::info!("stopping: calls under way are finished first");
    gateway.stop();
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
    /// SIGTERM or SIGINT.
    Stop,
    /// SIGHUP.
    Reload,
}
