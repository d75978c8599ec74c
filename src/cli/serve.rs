//! `serve`: run the gateway until a signal.

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::Context;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    time::timeout,
};
use tracing_subscriber::EnvFilter;

use super::Failure;
use crate::{
    clock::{SystemClock, SystemRng},
    config::Config,
    gateway::Gateway,
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
    log_to_stderr("info", arguments.json);
    let config = Config::load(&arguments.config)?;
    if arguments.dev {
        eprintln!("LET OP: --dev staat ontwikkelcertificaten toe. Gebruik geen echte gegevens.");
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
    if !told {
        tokio::select! {
            ended = gateway.ended() => return Ok(ended?),
            () = signals.stop() => {}
        }
    }
    tracing::info!("stopping: calls under way are finished first");
    gateway.stop();
    Ok(gateway.ended().await?)
}

/// SIGTERM and SIGINT, heard from the moment this exists.
pub(crate) struct Signals {
    term: Signal,
    int: Signal,
}

impl Signals {
    /// Starts to listen; until then a signal ends the process at once.
    ///
    /// # Errors
    /// When the system has no signals to give.
    pub(crate) fn listen() -> Result<Self, Failure> {
        let listen = |kind| signal(kind).context("signalen zijn niet te ontvangen");
        Ok(Self { term: listen(SignalKind::terminate())?, int: listen(SignalKind::interrupt())? })
    }

    /// Ends when the process is told to stop.
    pub(crate) async fn stop(&mut self) {
        tokio::select! {
            _ = self.term.recv() => {}
            _ = self.int.recv() => {}
        }
    }
}

/// Process log to stderr; `KETENPOORT_LOG` sets another filter, such as `debug`.
pub(crate) fn log_to_stderr(default: &str, json: bool) {
    let filter = EnvFilter::try_from_env("KETENPOORT_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let set = if json { builder.json().try_init() } else { builder.with_ansi(false).try_init() };
    // A second gateway in one process (tests) shares the log of the first.
    drop(set);
}
