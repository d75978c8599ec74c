//! `logboek verify`: recomputes the logboek with the public key, and holds what stands beside it to its regels.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};

use super::{
    geheel::{Geheel, of_export, vkey_of_export},
    open_store, read_checkpoint, vkey,
};
use crate::{
    cli::{
        Failure,
        inhoud::{self, look_at, sealing_keys},
        print_line,
        progress::Bar,
    },
    config::{Config, Opslag},
    logboek::VerifyKey,
    sleutels::{KeyError, wacht},
    store::{
        copy,
        verify::{self, Keys, Sound, SoundLog, inhoud::Content, log::Kept, tables::NO_EVIDENCE},
    },
};

#[derive(Args)]
pub struct Verify {
    /// De configuratie, ketenpoort.toml: de database van een poort
    #[arg(long, value_name = "FILE", required_unless_present_any = ["backup", "export"])]
    config: Option<PathBuf>,
    /// Een map die logboek export schreef; vraagt niets anders
    #[arg(long, value_name = "DIR", conflicts_with_all = ["config", "backup"])]
    export: Option<PathBuf>,
    /// Een reservekopie die backup maakte; vraagt --vkey, of --config voor de sleutels
    #[arg(long, value_name = "FILE")]
    backup: Option<PathBuf>,
    /// De publieke sleutel van het logboek (zie logboek vkey); anders die in de sleutelmap van de configuratie
    #[arg(long, value_name = "VKEY", required_unless_present_any = ["config", "export"])]
    vkey: Option<VerifyKey>,
    /// Een checkpoint dat iemand bewaarde: het logboek moet daarop verdergaan; mag vaker
    #[arg(long, value_name = "CHECKPOINT")]
    tegen: Vec<PathBuf>,
    /// Uitkomst als JSON
    #[arg(long)]
    json: bool,
}

impl Verify {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let as_json = self.json;
        match self.look().await {
            Err(failure @ Failure::Refused(_)) if as_json => {
                print_line(&json!({"logboek": "fout", "uitleg": failure.text()}).to_string())?;
                Err(failure)
            }
            done => done,
        }
    }

    async fn look(self) -> Result<(), Failure> {
        if let Some(dir) = &self.export {
            return self.look_at_export(dir);
        }
        let mut config = self.config.as_deref().map(Config::load).transpose()?;
        let unpacked = match &self.backup {
            Some(file) => Some(copy::unpack(file, None).await?),
            None => None,
        };
        if let (Some(unpacked), Some(config)) = (&unpacked, &mut config) {
            config.opslag = unpacked.opslag.clone();
        }
        let key = match (&self.vkey, &config) {
            (Some(key), _) => key.clone(),
            (None, Some(config)) => vkey(config).await?,
            (None, None) => return Err(Failure::Usage("geef --vkey, of --config".to_owned())),
        };
        let mut kept = self.kept(&key)?;
        // A backup is older than what the gateway remembers.
        let remembered = config.as_ref().filter(|_| unpacked.is_none()).and_then(|config| remembered(config, &key));
        let is_remembered = remembered.is_some();
        kept.extend(remembered);
        let opslag =
            unpacked.as_ref().map(|unpacked| &unpacked.opslag).or(config.as_ref().map(|config| &config.opslag));
        let opslag = opslag.ok_or_else(|| Failure::Usage("geef --config, of --backup".to_owned()))?;
        let keys = match &config {
            Some(config) => Some(sealing_keys(config, &key).await?),
            None => None,
        };
        let usable = keys.as_ref().and_then(|keys| keys.as_ref().ok());
        let sound = recompute(opslag, &key, &kept, usable).await?;
        let content = match (&config, keys) {
            (Some(config), Some(Ok(keys))) => Some(Ok(look_at(config, &keys).await?)),
            (_, Some(Err(error))) => Some(Err(error)),
            _ => None,
        };
        let compared = Compared { kept: self.tegen.len(), is_remembered };
        let content = content.as_ref();
        if self.json {
            let mut told = as_json(&sound, &compared);
            told["inhoud"] = content.map_or_else(|| json!({"niet_gecontroleerd": "zonder sleutels"}), inhoud::as_json);
            print_line(&told.to_string())?;
        } else {
            print(&sound, &compared)?;
            match content {
                Some(content) => inhoud::print(content)?,
                None => print_line("De bewaarde inhoud is NIET gecontroleerd: dat vraagt de sleutels van de poort.")?,
            }
        }
        let damage = content.and_then(|content| content.as_ref().ok()).and_then(inhoud::damage);
        damage.map_or(Ok(()), |damage| Err(Failure::Refused(damage)))
    }
}

impl Verify {
    /// The checkpoints that somebody kept.
    fn kept(&self, key: &VerifyKey) -> Result<Vec<Kept>, Failure> {
        let one = |file: &PathBuf| {
            let told =
                |error| Failure::Usage(format!("{} is geen checkpoint van dit logboek: {error}", file.display()));
            Kept::read(&read_checkpoint(file)?, key).map_err(told)
        };
        self.tegen.iter().map(one).collect()
    }

    fn look_at_export(&self, dir: &Path) -> Result<(), Failure> {
        let key = match &self.vkey {
            Some(key) => key.clone(),
            None => vkey_of_export(dir)?,
        };
        let Geheel { checkpoint, nota, .. } = of_export(dir, &key, &self.kept(&key)?)?;
        if self.json {
            let told = json!({
                "logboek": "ok", "naam": checkpoint.origin, "logregels": checkpoint.size, "checkpoint": nota,
                "vergeleken": {"bewaard": self.tegen.len()}, "sleutel_uit_export": self.vkey.is_none(),
            });
            return print_line(&told.to_string());
        }
        print_line(&format!("De export klopt: {} regels van {}.", checkpoint.size, checkpoint.origin))?;
        print_line(nota.trim_end())?;
        if self.vkey.is_none() {
            print_line(
                "Nagerekend met de sleutel die erbij ligt; vergelijk die langs een andere weg, of geef --vkey.",
            )?;
        }
        match self.tegen.len() {
            0 => print_line("Met geen bewaard checkpoint vergeleken (--tegen)."),
            kept => print_line(&format!("Gaat verder op elk van de {kept} bewaarde checkpoints.")),
        }
    }
}

/// With what the logboek was compared.
struct Compared {
    kept: usize,
    is_remembered: bool,
}

/// The head that the gateway of a configuration remembers, if it does.
fn remembered(config: &Config, key: &VerifyKey) -> Option<Kept> {
    let head = wacht::read(&config.guard_file()).ok()?.logboek?.head(key).ok()?;
    Kept::read(&head.nota, key).ok()
}

/// Recomputes everything in a store.
async fn recompute(opslag: &Opslag, key: &VerifyKey, kept: &[Kept], keys: Option<&Keys>) -> Result<Sound, Failure> {
    let read = open_store(opslag).await?;
    let bar = Bar::of("nagerekend");
    let sound = verify::verify(&read, key, kept, keys, &|done, all| bar.at(done, all)).await?;
    read.close().await;
    Ok(sound)
}

/// Recomputes everything in the database of a gateway, with its keys where they can be read, and opens the content.
///
/// # Errors
/// [`Failure::Refused`] naming the first bad index.
pub(crate) async fn verify_all(config: &Config) -> Result<(Sound, Result<Content, KeyError>), Failure> {
    let key = vkey(config).await?;
    let keys = sealing_keys(config, &key).await?;
    let sound = recompute(&config.opslag, &key, &[], keys.as_ref().ok()).await?;
    let content = match keys {
        Ok(keys) => Ok(look_at(config, &keys).await?),
        Err(error) => Err(error),
    };
    Ok((sound, content))
}

fn as_json(sound: &Sound, compared: &Compared) -> Value {
    let log = |log: &SoundLog| {
        json!({
            "naam": log.naam, "eerste": log.eerste, "logregels": log.regels, "checkpoints": log.checkpoints,
            "checkpoint": log.nota, "ingestaan_voor": log.vouched,
        })
    };
    json!({
        "logboek": "ok", "logregels": sound.regels(), "checkpoints": sound.checkpoints(),
        "logboeken": sound.logboeken.iter().map(log).collect::<Vec<_>>(),
        "niet_nagegaan_berichten": sound.checked.onverantwoord, "met_sleutels": sound.checked.with_keys, "zonder_dagsleutel": sound.checked.without_key(),
        "geen_bewijs": NO_EVIDENCE.iter().map(|(table, column, _)| format!("{table}.{column}")).collect::<Vec<_>>(),
        "vergeleken": {"bewaard": compared.kept, "wachtbestand": compared.is_remembered},
    })
}

fn print(sound: &Sound, compared: &Compared) -> Result<(), Failure> {
    let (regels, checkpoints) = (sound.regels(), sound.checkpoints());
    print_line(&format!("Het logboek klopt: {regels} regels, {checkpoints} checkpoints."))?;
    if sound.logboeken.len() > 1 {
        for SoundLog { naam, eerste, regels, vouched, .. } in &sound.logboeken {
            print_line(&format!("  {naam}: {regels} regels vanaf index {eerste}"))?;
            if let Some(vouched) = vouched {
                let (from, after) = (eerste + vouched, regels - vouched);
                print_line(&format!(
                    "    beschadigd gesloten: voor de {after} regels vanaf index {from} staat geen checkpoint in, alleen dat ze sindsdien niet veranderden"
                ))?;
            }
        }
    }
    print_line(sound.nota().trim_end())?;
    if sound.checked.onverantwoord > 0 {
        let aantal = sound.checked.onverantwoord;
        print_line(&format!(
            "Niet nagegaan: wat de tabellen zeggen van {aantal} berichten, want voor een regel erover staat geen checkpoint in."
        ))?;
    }
    if !sound.checked.with_keys {
        print_line(
            "NIET gecontroleerd, want dat vraagt de sleutels van de poort: openingen, pseudoniemen, request_id, betwist en vingerafdruk.",
        )?;
    } else if sound.checked.without_key() > 0 {
        let aantal = sound.checked.without_key();
        print_line(&format!(
            "Niet gecontroleerd: request_id van {aantal} berichten, want hun dagsleutel is hier niet."
        ))?;
    }
    for (table, column, why) in NO_EVIDENCE {
        print_line(&format!("Geen bewijs: {table}.{column} ({why})."))?;
    }
    match (compared.kept, compared.is_remembered) {
        (0, false) => print_line(
            "Met geen bewaard checkpoint vergeleken: of het logboek is teruggezet of afgesneden blijkt alleen daaruit (--tegen).",
        ),
        (0, true) => print_line(
            "Gaat verder op wat de poort zelf het laatst ondertekende. Met geen ander bewaard checkpoint vergeleken (--tegen).",
        ),
        (kept, _) => print_line(&format!("Gaat verder op elk van de {kept} bewaarde checkpoints.")),
    }
}
