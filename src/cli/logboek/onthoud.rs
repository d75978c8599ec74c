//! `logboek onthoud`: keeps the newest checkpoint, and proves each next one to extend the last. Fit for a timer at an FG.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use clap::Args;

use super::{
    geheel::{self, Geheel, vkey_of_export},
    open, read_checkpoint, vkey,
};
use crate::{
    cli::{Failure, print_line},
    config::Config,
    files,
    logboek::{Checkpoint, Soort, VerifyKey, consistency_proof},
    store::verify::log::Kept,
};

#[derive(Args)]
pub struct Onthoud {
    /// De configuratie, ketenpoort.toml: de database van een poort
    #[arg(long, value_name = "FILE", required_unless_present = "export")]
    config: Option<PathBuf>,
    /// Een export van het logboek
    #[arg(long, value_name = "DIR", conflicts_with = "config")]
    export: Option<PathBuf>,
    /// Waar het nieuwste checkpoint wordt bewaard; de eerdere komen ernaast, met de sleutel
    #[arg(long, value_name = "FILE")]
    checkpoint: PathBuf,
    /// De publieke sleutel van het logboek; anders die van de eerste keer
    #[arg(long, value_name = "VKEY")]
    vkey: Option<VerifyKey>,
}

impl Onthoud {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let config = self.config.as_deref().map(Config::load).transpose()?;
        let (key, is_new) = self.key(config.as_ref()).await?;
        let before = if files::is_there(&self.checkpoint) { Some(read_checkpoint(&self.checkpoint)?) } else { None };
        let kept = before.as_ref().map(|nota| Kept::read(nota, &key)).transpose();
        let kept = kept.map_err(|error| {
            Failure::Usage(format!("{} is geen checkpoint van dit logboek: {error}", self.checkpoint.display()))
        })?;
        let geheel = self.read(config.as_ref(), &key).await?;
        if let (Some(before), Some(kept)) = (&before, &kept) {
            self.extends(&geheel, before, kept.checkpoint(), &key).await?;
        }
        if before.as_ref() == Some(&geheel.nota) {
            return print_line(&format!("Ongewijzigd: {}.", geheel.checkpoint.line()));
        }
        if let Some(before) = &before {
            self.append(before)?;
        }
        replace(&self.checkpoint, &geheel.nota)?;
        if is_new {
            replace(&beside(&self.checkpoint, ".vkey"), &format!("{key}\n"))?;
            print_line(&format!(
                "Voor het eerst bewaard, met deze sleutel; vergelijk haar eenmaal langs een andere weg: {key}"
            ))?;
        }
        let from = kept.map(|kept| format!(", verder op {}", kept.checkpoint().line())).unwrap_or_default();
        print_line(&format!("Bewaard: {}{from}.", geheel.checkpoint.line()))
    }

    /// The key: as given, as kept, or for the first time that of the source. Whether it is not kept yet comes with it.
    async fn key(&self, config: Option<&Config>) -> Result<(VerifyKey, bool), Failure> {
        let file = beside(&self.checkpoint, ".vkey");
        let kept =
            if files::is_there(&file) { Some(read_checkpoint(&file)?.trim().parse::<VerifyKey>()) } else { None };
        let kept = kept.transpose().map_err(|error| Failure::Usage(format!("{}: {error}", file.display())))?;
        match (&self.vkey, kept) {
            (Some(given), Some(kept)) if given.public() != kept.public() => Err(Failure::Refused(format!(
                "--vkey is een andere sleutel dan in {}: dit is niet hetzelfde logboek, of iemand verwisselde een sleutel",
                file.display()
            ))),
            (_, Some(kept)) => Ok((kept, false)),
            (Some(given), None) => Ok((given.clone(), true)),
            (None, None) => match (config, &self.export) {
                (Some(config), _) => Ok((vkey(config).await?, true)),
                (None, Some(dir)) => Ok((vkey_of_export(dir)?, true)),
                (None, None) => Err(Failure::Usage("geef --config of --export".to_owned())),
            },
        }
    }

    async fn read(&self, config: Option<&Config>, key: &VerifyKey) -> Result<Geheel, Failure> {
        match (config, &self.export) {
            (Some(config), _) => {
                let read = open(config).await?;
                let geheel = geheel::of_database(&read, key, &[], None, &mut |_, _| Ok(())).await;
                read.close().await;
                geheel
            }
            (None, Some(dir)) => geheel::of_export(dir, key, &[]),
            (None, None) => Err(Failure::Usage("geef --config of --export".to_owned())),
        }
    }

    /// Proves that a logboek goes on from what was kept, or says loudly that it does not.
    async fn extends(&self, geheel: &Geheel, before: &str, kept: &Checkpoint, key: &VerifyKey) -> Result<(), Failure> {
        if kept.origin == geheel.checkpoint.origin {
            return match geheel::compare(&geheel.tree, &geheel.checkpoint, kept) {
                Ok(()) => Ok(()),
                Err(error) => Err(self.forked(&error.to_string(), geheel, (before, kept), key)),
            };
        }
        let head = Some(kept.line());
        if geheel.first.gesloten == head {
            return Ok(());
        }
        if geheel.first.soort == Soort::LogHersteld && geheel.first.bewaard == head {
            print_line("Het logboek was beschadigd; beheer begon met uw checkpoint het volgende. Vraag na waarom.")?;
            return Ok(());
        }
        // The one before it was closed at a later head: its own regels say whether that goes on.
        let Some(config) = &self.config else {
            return Err(Failure::Usage(format!(
                "dit is het logboek na {}, en dat ging na uw checkpoint nog verder. Bewaar eerst het laatste daarvan: vraag een export met \
                 --logboek {}",
                kept.origin, kept.origin
            )));
        };
        let read = open(&Config::load(config)?).await?;
        let closed = geheel::of_database(&read, key, &[], Some(&kept.origin), &mut |_, _| Ok(())).await;
        read.close().await;
        let closed = closed?;
        match geheel::compare(&closed.tree, &closed.checkpoint, kept) {
            Ok(()) => Ok(()),
            Err(error) => Err(self.forked(&error.to_string(), &closed, (before, kept), key)),
        }
    }

    /// Writes what a stranger needs to see it too.
    fn forked(&self, why: &str, geheel: &Geheel, (before, kept): (&str, &Checkpoint), key: &VerifyKey) -> Failure {
        let (old, new) = (kept.size, geheel.checkpoint.size);
        let proof = geheel.tree.root_at(old).map(|root| {
            let hashes = consistency_proof(old, new, |node| geheel.tree.node(node).ok_or(()));
            let hashes = hashes.unwrap_or_default().iter().map(hex::encode).collect::<Vec<_>>().join("\n");
            let root = hex::encode(root);
            format!(
                "De eerste {old} regels van het tweede hebben wortel (hex):\n{root}\nBewijs (RFC 6962, 2.1.2) dat het tweede daarmee \
                 begint:\n{hashes}\n"
            )
        });
        let proof = proof.unwrap_or_else(|| {
            format!("Het tweede heeft minder regels ({new}) dan waarvoor het eerste instond ({old}).\n")
        });
        let text = format!(
            "Twee checkpoints, beide ondertekend met de sleutel\n{key}\nwaarvan het tweede niet verdergaat op het eerste.\n{why}\n\nBewaard:\n\
             {before}\nNu:\n{}\n{proof}",
            geheel.nota
        );
        let file = beside(&self.checkpoint, ".splitsing");
        match files::replace(&file, text.as_bytes()) {
            Ok(()) => {
                Failure::Refused(format!("{why}\nBeide staan in {}: geef dat aan de toezichthouder", file.display()))
            }
            Err(error) => Failure::Refused(format!("{why}\n{} is niet te schrijven: {error}", file.display())),
        }
    }

    fn append(&self, before: &str) -> Result<(), Failure> {
        let file = beside(&self.checkpoint, ".eerder");
        let so_far = fs::read_to_string(&file).unwrap_or_default();
        replace(&file, &format!("{so_far}{before}\n"))
    }
}

fn replace(file: &Path, text: &str) -> Result<(), Failure> {
    files::replace(file, text.as_bytes()).map_err(|error| Failure::Usage(format!("{}: {error}", file.display())))
}

/// A file beside another one.
fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(file);
    name.push(ending);
    name.into()
}
