//! `logboek`: verify, prove, list and close what was written down.

mod beside;
mod export;
mod gegroeid;
mod geheel;
mod herstel;
mod onthoud;
pub(crate) mod proof;
mod rapport;
mod search;
mod sluit;
pub(crate) mod toezicht;
pub(crate) mod verify;

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, Subcommand};

use super::{Failure, print_line};
use crate::{
    config::{Config, Opslag},
    files,
    gateway::GatewayError,
    logboek::{MOST_NOTE_BYTES, VerifyKey},
    sleutels::KeyDirectory,
    store::{Database, Pool, ledger::regels::logboek_naam},
};

#[derive(Subcommand)]
pub enum Command {
    /// Reken na: elke regel, de boom en elk checkpoint, en wat er in de tabellen naast staat
    Verify(verify::Verify),
    /// Geef het bewijs van een regel, of controleer een bewijs zonder configuratie
    Proof(proof::Proof),
    /// Toon logregels, zonder inhoud: als FG of auditor van een poort die draait, of als beheerder uit haar database
    Search(Box<search::Search>),
    /// Vertel wat er in een periode gebeurde: uitgewisseld, geweigerd, blijven liggen, gelekt, gewijzigd, bekeken
    Rapport(rapport::Rapport),
    /// Toon wat er is voorgesteld en nog niet geldt, in zinnen: als FG of auditor van een poort die draait
    Voorstellen(toezicht::Voorstellen),
    /// Schrijf het logboek als bestanden die een vreemde narekent (C2SP tlog-tiles)
    Export(export::Export),
    /// Bewaar het nieuwste checkpoint, en bewijs dat het verdergaat op het vorige
    Onthoud(onthoud::Onthoud),
    /// Sluit een beschadigd logboek zoals het is, en begin het volgende; de poort draait niet
    Herstel(herstel::Herstel),
    /// Sluit het logboek van een poort die draait, en begin het volgende
    Sluit(sluit::Sluit),
    /// Toon de sleutel waarmee iedereen checkpoints en bewijzen controleert
    Vkey {
        #[command(flatten)]
        which: Which,
    },
}

#[derive(Args)]
pub struct Which {
    /// De configuratie, ketenpoort.toml
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

pub async fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Verify(verify) => verify.run().await,
        Command::Proof(proof) => proof.run().await,
        Command::Search(search) => search.run().await,
        Command::Rapport(rapport) => rapport.run().await,
        Command::Voorstellen(voorstellen) => voorstellen.run().await,
        Command::Export(export) => export.run().await,
        Command::Onthoud(onthoud) => onthoud.run().await,
        Command::Herstel(herstel) => herstel.run().await,
        Command::Sluit(sluit) => sluit.run().await,
        Command::Vkey { which } => {
            let config = Config::load(&which.config)?;
            print_line(&vkey(&config).await?.to_string())
        }
    }
}

/// The key that verifies the logboek that is written now. No secret is read.
///
/// # Errors
/// When it is not there.
pub(crate) async fn vkey(config: &Config) -> Result<VerifyKey, Failure> {
    let text = KeyDirectory::read_vkey(&config.sleutels).map_err(GatewayError::from)?;
    let key: VerifyKey = text.parse().map_err(|error| Failure::Usage(format!("logboek.vkey: {error}")))?;
    // Where the database cannot be read it is called as at the last start.
    let naam = match open(config).await {
        Ok(read) => logboek_naam(&read).await.ok().flatten(),
        Err(_) => None,
    };
    match naam {
        Some(naam) => Ok(key.named(&naam).map_err(GatewayError::from)?),
        None => Ok(key),
    }
}

pub(super) async fn open(config: &Config) -> Result<Pool, Failure> {
    open_store(&config.opslag).await
}

async fn open_store(opslag: &Opslag) -> Result<Pool, Failure> {
    Ok(Database::read_only(opslag).await.map_err(GatewayError::from)?)
}

/// A checkpoint in a file.
fn read_checkpoint(file: &Path) -> Result<String, Failure> {
    let read = files::read(file, MOST_NOTE_BYTES as u64);
    let bytes = read.map_err(anyhow::Error::from).with_context(|| format!("{} is niet te lezen", file.display()))?;
    Ok(String::from_utf8(bytes).with_context(|| format!("{} is geen tekst", file.display()))?)
}
