//! `logboek export`: the static form of a logboek, which a stranger verifies without the gateway.

use std::{
    fs,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use clap::Args;

use super::{
    beside::{tell, who},
    geheel, open, vkey,
};
use crate::{
    cli::{Failure, print_line},
    config::Config,
    logboek::Soort,
};

#[derive(Args)]
pub struct Export {
    /// De configuratie, ketenpoort.toml
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// De map waarin de export komt; zij bestaat nog niet of is leeg
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Welk logboek, zoals logboek verify ze noemt; anders het nieuwste
    #[arg(long, value_name = "NAAM")]
    logboek: Option<String>,
    /// Waarom; het logboek legt een afdruk ervan vast, als de poort draait
    #[arg(long, value_name = "TEKST")]
    reden: Option<String>,
    /// Wie exporteert (personeelsreferentie)
    #[arg(long)]
    medewerker: Option<String>,
}

impl Export {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let config = Config::load(&self.config)?;
        let blik = who(Soort::Geexporteerd, self.medewerker, self.reden)?;
        let key = vkey(&config).await?;
        let read = open(&config).await?;
        make_empty(&self.out)?;
        let mut write = |name: &str, bytes: &[u8]| write(&self.out, name, bytes);
        let geheel = geheel::of_database(&read, &key, &[], self.logboek.as_deref(), &mut write).await?;
        read.close().await;
        for (name, bytes) in geheel.tree.rest() {
            write(&name, &bytes)?;
        }
        tell(&config, &blik).await?;
        let key = key.named(&geheel.checkpoint.origin).map_err(|error| Failure::Refused(error.to_string()))?;
        write("vkey", format!("{key}\n").as_bytes())?;
        // Last: without it there is no export.
        write("checkpoint", geheel.nota.as_bytes())?;
        let (regels, naam, out) = (geheel.checkpoint.size, &geheel.checkpoint.origin, self.out.display());
        print_line(&format!("Geexporteerd: {regels} regels van {naam} in {out}."))?;
        print_line(&format!(
            "Wie dit krijgt rekent het na met: ketenpoort logboek verify --export {out} --vkey '{key}'"
        ))
    }
}

/// A directory with nothing in it, for this user alone.
pub(super) fn make_empty(dir: &Path) -> Result<(), Failure> {
    let usage = |error: std::io::Error| Failure::Usage(format!("{}: {error}", dir.display()));
    match fs::read_dir(dir) {
        Ok(mut entries) => match entries.next() {
            None => Ok(()),
            Some(_) => Err(Failure::Usage(format!(
                "{} is niet leeg; een export komt in een lege of nieuwe map, anders blijft er van een oudere iets over",
                dir.display()
            ))),
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(usage)
        }
        Err(error) => Err(usage(error)),
    }
}

fn write(dir: &Path, name: &str, bytes: &[u8]) -> Result<(), Failure> {
    let file = dir.join(name);
    let parent = file.parent().unwrap_or(dir);
    let written = fs::create_dir_all(parent).and_then(|()| fs::write(&file, bytes));
    written.map_err(|error| Failure::Usage(format!("{}: {error}", file.display())))
}
