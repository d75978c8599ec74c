//! `backup` and `restore`: a copy of the database, and back, also into another kind of store.

use std::path::PathBuf;

use serde_json::json;

use super::{Failure, inhoud::damage, logboek::verify::verify_all, print_line, progress::Bar};
use crate::{
    clock::SystemRng,
    config::Config,
    gateway::GatewayError,
    proceslog,
    sleutels::{KeyDirectory, KeyError},
    store::{
        Database,
        copy::{self, CopyError},
        verify::{Sound, inhoud::Content},
    },
};

/// Maak een kopie van de database, ook terwijl de poort draait; de sleutels staan er niet in
#[derive(clap::Args)]
pub struct Backup {
    /// De configuratie, ketenpoort.toml
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// De reservekopie, een bestand dat nog niet bestaat
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Uitkomst als JSON
    #[arg(long)]
    json: bool,
}

/// Zet een reservekopie terug in een lege database, SQLite of PostgreSQL; het logboek blijft zoals het was
#[derive(clap::Args)]
pub struct Restore {
    /// De configuratie, ketenpoort.toml, met de database waarin het terugkomt
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// De reservekopie die backup maakte
    #[arg(long, value_name = "FILE")]
    from: PathBuf,
    /// Uitkomst als JSON
    #[arg(long)]
    json: bool,
}

impl Backup {
    pub async fn run(self) -> Result<(), Failure> {
        let config = Config::load(&self.config)?;
        let map = KeyDirectory::open(&config.sleutels, false, &SystemRng).map_err(GatewayError::from)?;
        let read = Database::read_only(&config.opslag).await.map_err(GatewayError::from)?;
        let bar = Bar::of("gekopieerd");
        copy::backup(&read, &config.sleutels, &self.out, &|done, all| bar.at(done, all)).await?;
        drop(bar);
        read.close().await;
        let made = copy::unpack(&self.out, Some(&map.mark())).await?;
        let copy = Config { opslag: made.opslag.clone(), ..config };
        let (sound, content) = verify_all(&copy).await?;
        warn_of_damage(content);
        report("backup", "Reservekopie gemaakt", &sound, self.json)
    }
}

impl Restore {
    pub async fn run(self) -> Result<(), Failure> {
        let config = Config::load(&self.config)?;
        let map = KeyDirectory::open(&config.sleutels, false, &SystemRng).map_err(GatewayError::from)?;
        let kept = copy::unpack(&self.from, Some(&map.mark())).await?;
        // What does not hold together is not put back: then a choice must be made by people.
        drop(verify_all(&Config { opslag: kept.opslag.clone(), ..config.clone() }).await?);
        let bar = Bar::of("teruggezet");
        copy::restore(&kept, &config.sleutels, &config.opslag, &|done, all| bar.at(done, all)).await?;
        drop(bar);
        let (sound, content) = verify_all(&config).await?;
        warn_of_damage(content);
        report("restore", "Teruggezet", &sound, self.json)
    }
}

/// Damaged content is no reason to have no backup, or not to put one back: the rest is worth as much. It is said all the same.
fn warn_of_damage(content: Result<Content, KeyError>) {
    match content {
        Ok(content) => {
            if let Some(damage) = damage(&content) {
                proceslog::say(format_args!("waarschuwing: {damage}"));
            }
        }
        Err(error) => proceslog::say(format_args!("waarschuwing: de inhoud is niet gecontroleerd: {error}")),
    }
}

fn report(stap: &str, what: &str, sound: &Sound, as_json: bool) -> Result<(), Failure> {
    if as_json {
        let outcome =
            json!({"stap": stap, "logboek": "ok", "logregels": sound.regels(), "checkpoints": sound.checkpoints()});
        return print_line(&outcome.to_string());
    }
    print_line(&format!("{what}: het logboek klopt, {} regels, {} checkpoints.", sound.regels(), sound.checkpoints()))
}

impl From<CopyError> for Failure {
    fn from(error: CopyError) -> Self {
        match error {
            CopyError::Store(_) => Self::Refused(error.to_string()),
            _ => Self::Usage(error.to_string()),
        }
    }
}
