//! `logboek onthoud`: keeps the newest checkpoint, and proves each next one to extend the last. Fit for a timer at an FG.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use clap::Args;

use super::{
    gegroeid::{Nota, Poort, Vergeleken, opened},
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
    /// De map van een FG of auditor: vraagt het een poort die draait
    #[arg(long, value_name = "DIR", required_unless_present_any = ["config", "export"])]
    profile: Option<PathBuf>,
    /// De configuratie, ketenpoort.toml: de database van een poort
    #[arg(long, value_name = "FILE", conflicts_with = "profile")]
    config: Option<PathBuf>,
    /// Een export van het logboek
    #[arg(long, value_name = "DIR", conflicts_with_all = ["config", "profile"])]
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
        let mut poort = match &self.profile {
            Some(dir) => Some(Poort::of(dir).await?),
            None => None,
        };
        let (key, is_new) = self.key(config.as_ref(), poort.as_mut()).await?;
        let before = if files::is_there(&self.checkpoint) { Some(read_checkpoint(&self.checkpoint)?) } else { None };
        let kept = before.as_ref().map(|nota| Kept::read(nota, &key)).transpose();
        let kept = kept.map_err(|error| {
            Failure::Usage(format!("{} is geen checkpoint van dit logboek: {error}", self.checkpoint.display()))
        })?;
        let kept = before.clone().zip(kept).map(|(nota, kept)| Nota { nota, checkpoint: kept.checkpoint().clone() });
        let newest = match &mut poort {
            Some(poort) => self.grown(poort, kept.as_ref(), &key).await?,
            None => self.whole(config.as_ref(), kept.as_ref(), &key).await?,
        };
        if before.as_ref() == Some(&newest.nota) {
            return print_line(&format!("Ongewijzigd: {}.", newest.checkpoint.line()));
        }
        if let Some(before) = &before {
            self.append(before)?;
        }
        replace(&self.checkpoint, &newest.nota)?;
        if is_new {
            replace(&beside(&self.checkpoint, ".vkey"), &format!("{key}\n"))?;
            print_line(&format!(
                "Voor het eerst bewaard, met deze sleutel; vergelijk haar eenmaal langs een andere weg: {key}"
            ))?;
        }
        let from = kept.map(|kept| format!(", verder op {}", kept.checkpoint.line())).unwrap_or_default();
        print_line(&format!("Bewaard: {}{from}.", newest.checkpoint.line()))
    }

    /// The newest checkpoint of a running gateway, proven to go on from what was kept.
    async fn grown(&self, poort: &mut Poort, kept: Option<&Nota>, key: &VerifyKey) -> Result<Nota, Failure> {
        let Some(kept) = kept else {
            let (newest, _) = poort.newest().await?;
            return opened(&newest.checkpoint, key);
        };
        match poort.compare(kept, key).await? {
            Vergeleken::Verder { nieuw, hersteld } => {
                if hersteld {
                    print_line(DAMAGED)?;
                }
                Ok(nieuw)
            }
            Vergeleken::Gesplitst { waarom, nieuw } => Err(self.split(&waarom, &kept.nota, &nieuw.nota, key, "")),
        }
    }

    /// The newest checkpoint of a logboek that was read whole, proven to go on from what was kept.
    async fn whole(&self, config: Option<&Config>, kept: Option<&Nota>, key: &VerifyKey) -> Result<Nota, Failure> {
        let geheel = self.read(config, key).await?;
        if let Some(Nota { nota, checkpoint }) = kept {
            self.extends(&geheel, nota, checkpoint, key).await?;
        }
        Ok(Nota { nota: geheel.nota, checkpoint: geheel.checkpoint })
    }

    /// The key: as given, as kept, or for the first time that of the source. Whether it is not kept yet comes with it.
    async fn key(&self, config: Option<&Config>, poort: Option<&mut Poort>) -> Result<(VerifyKey, bool), Failure> {
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
            (None, None) => match (poort, config, &self.export) {
                (Some(poort), ..) => Ok((poort.newest().await?.1, true)),
                (None, Some(config), _) => Ok((vkey(config).await?, true)),
                (None, None, Some(dir)) => Ok((vkey_of_export(dir)?, true)),
                (None, None, None) => Err(nowhere()),
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
            (None, None) => Err(nowhere()),
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
            print_line(DAMAGED)?;
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
        self.split(why, before, &geheel.nota, key, &proof)
    }

    /// Writes two checkpoints that do not belong together, for a stranger to see.
    fn split(&self, why: &str, before: &str, now: &str, key: &VerifyKey, proof: &str) -> Failure {
        let text = format!(
            "Twee checkpoints, beide ondertekend met de sleutel\n{key}\nwaarvan het tweede niet verdergaat op het eerste.\n{why}\n\nBewaard:\n\
             {before}\nNu:\n{now}\n{proof}"
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

/// What is said where the logboek was damaged since.
const DAMAGED: &str = "Het logboek was beschadigd; beheer begon met uw checkpoint het volgende. Vraag na waarom.";

fn nowhere() -> Failure {
    Failure::Usage("geef --profile, --config of --export".to_owned())
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
