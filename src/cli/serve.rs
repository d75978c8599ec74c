//! `serve`: run the gateway until a signal.

use std::{path::PathBuf, sync::Arc};

use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use super::Failure;
use crate::{
    clock::{SystemClock, SystemRng},
    config::Config,
    gateway::{Gateway, refuse_development},
};

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
    } else {
        refuse_development(&config)?;
    }
    let mut gateway = Gateway::start(&config, Arc::new(SystemClock), Arc::new(SystemRng)).await?;
    tracing::info!(adres = %gateway.adres, logboek = config.logboek, "the gateway is open");
    tokio::select! {
        ended = gateway.ended() => return Ok(ended?),
        () = stop_signal() => {}
    }
    tracing::info!("stopping: calls under way are finished first");
    gateway.stop();
    Ok(gateway.ended().await?)
}

/// Ends at SIGTERM or SIGINT.
pub(crate) async fn stop_signal() {
    let (Ok(mut term), Ok(mut int)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) else {
        // Without signals only kill ends the process, which loses nothing.
        return std::future::pending().await;
    };
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
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
