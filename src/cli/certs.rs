//! `certs dev`: a development CA and certificates.

use std::path::PathBuf;

use anyhow::Context;
use clap::Subcommand;

use super::Failure;
use crate::{clock::SystemClock, domain::Clock, pki, proceslog};

#[derive(Subcommand)]
pub enum Command {
    /// Maak een ontwikkel-CA en certificaten voor de poort en alle partners; nooit voor echte gegevens
    Dev {
        /// De map, die nog geen ca.pem bevat
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
}

pub fn run(command: &Command) -> Result<(), Failure> {
    let Command::Dev { out } = command;
    let now = SystemClock.now();
    pki::write_dev(out, now, now).context("certificaten niet gemaakt")?;
    proceslog::say(format_args!("Ontwikkelcertificaten staan in {}: ca.pem, gateway/ en profielen/.", out.display()));
    Ok(())
}
