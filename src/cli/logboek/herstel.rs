//! `logboek herstel`: beheer closes a logboek that cannot go on as it is found, and begins the next one.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::Args;
use rustls::pki_types::UnixTime;
use tokio::sync::watch;

use super::read_checkpoint;
use crate::{
    cli::{Failure, print_line},
    client::Profile,
    clock::{SystemClock, SystemRng},
    config::Config,
    documenten::{Bron, parse},
    domain::{Clock, Identiteit, Kenmerk, Rng, Rol},
    gateway::{GatewayError, signer},
    logboek::{self, LogboekNaam, Signer},
    sleutels::{CommitmentOpening, KeyDirectory, Onthouden, Wacht, wacht},
    store::{
        Actor, Committed, Database, Pool,
        ledger::regels::logboek_naam,
        reading::documenten,
        writer::restore::{Herstel as Restore, HerstelError, Hersteld, herstel},
    },
    tls::{identity::Identifier, settings},
};

#[derive(Args)]
pub struct Herstel {
    /// De configuratie, ketenpoort.toml, van een poort die niet draait
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// De map met cert.pem, key.pem en profiel.toml van de beheerder die dit besluit
    #[arg(long, value_name = "DIR")]
    profile: PathBuf,
    /// Het nieuwste checkpoint dat een FG van dit logboek bewaarde
    #[arg(long, value_name = "FILE")]
    checkpoint: PathBuf,
    /// Waarom; het logboek legt een afdruk ervan vast
    #[arg(long, value_name = "TEKST")]
    reden: String,
    /// Wie dit doet (personeelsreferentie); anders die van het profiel
    #[arg(long)]
    medewerker: Option<String>,
}

impl Herstel {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let config = Config::load(&self.config)?;
        let nota = read_checkpoint(&self.checkpoint)?;
        let profile = Profile::load(&self.profile)?;
        let medewerker = self.medewerker.clone().unwrap_or_else(|| profile.medewerker().to_owned());
        if self.reden.trim().is_empty() || medewerker.trim().is_empty() {
            return Err(Failure::Usage("geef met --reden waarom, en met --medewerker wie dit doet".to_owned()));
        }
        let keys = KeyDirectory::open(&config.sleutels, false, &SystemRng).map_err(GatewayError::from)?;
        // Held to the end: a gateway that runs has it.
        let wacht = Wacht::take(&config.guard_file()).map_err(GatewayError::from)?;
        let mut database = Database::open(&config.opslag).await.map_err(GatewayError::from)?;
        let done = self.restore(&config, &keys, &mut database, &nota, &medewerker).await;
        database.close().await;
        let hersteld = done?;
        // What was believed of a clock that may have run ahead is forgotten. Where this cannot be written, a start finds out by itself.
        drop(wacht.write(&Onthouden { klok: None, logboek: Some(hersteld.head.kept()) }));
        tell(&hersteld)
    }

    async fn restore(
        &self,
        config: &Config,
        keys: &KeyDirectory,
        database: &mut Database,
        nota: &str,
        medewerker: &str,
    ) -> Result<Hersteld, Failure> {
        let signer = signer_of(&database.read, keys).await?;
        let naam = nota.lines().next().unwrap_or_default();
        let key = signer.named(naam).map(|signer| signer.vkey());
        let bewaard = key.and_then(|key| logboek::open(nota, &key));
        let bewaard = bewaard.map_err(|error| {
            Failure::Usage(format!("{} is geen checkpoint van dit logboek: {error}", self.checkpoint.display()))
        })?;
        let guard = config.guard_file();
        let kept = wacht::read(&guard)
            .map_err(|error| Failure::Usage(format!("wachtbestand {}: {error}", guard.display())))?;
        let known = kept.logboek.map(|kept| kept.head(&signer.vkey())).transpose();
        let known = known.map_err(|error| Failure::Usage(format!("wachtbestand {}: {error}", guard.display())))?;
        let identiteit = decider(config, &self.profile, &database.read).await?;
        let pseudoniem = keys.medewerker(&identiteit.oin, medewerker);
        let actor = Actor {
            identiteit,
            trace: None,
            medewerker: Some(committed(medewerker, vec![(None, pseudoniem)])),
            reden: Some(committed(&self.reden, Vec::new())),
        };
        let naam = LogboekNaam::new(&config.logboek);
        let restore = Restore {
            known,
            bewaard: &bewaard,
            naam: &naam,
            actor: &actor,
            signer: &signer,
            openingen: &keys.openingen(Arc::new(SystemRng)),
            now: SystemClock.now(),
        };
        herstel(database, &restore).await.map_err(|error| match error {
            HerstelError::Store(error) => GatewayError::from(error).into(),
            refused => Failure::Refused(refused.to_string()),
        })
    }
}

async fn signer_of(read: &Pool, keys: &KeyDirectory) -> Result<Signer, Failure> {
    let naam = logboek_naam(read).await.map_err(GatewayError::from)?;
    let naam = naam.ok_or_else(|| Failure::Refused("in deze database is geen logboek begonnen".to_owned()))?;
    Ok(signer(&naam, keys.logboek_seed())?)
}

fn committed(value: &str, pseudoniemen: Vec<(Option<Kenmerk>, [u8; 32])>) -> Committed {
    let mut zout = [0; 32];
    SystemRng.fill(&mut zout);
    Committed::to(
        value.as_bytes(),
        CommitmentOpening { zout, hoofdpersoon: false, pseudoniemen, tekst: Some(value.to_owned()) },
    )
}

/// Who decides it: the holder of a certificate that is beheer by what is in force, or by the files where nothing in the database is
/// proven.
async fn decider(config: &Config, profile: &Path, read: &Pool) -> Result<Identiteit, Failure> {
    let now = SystemClock.now();
    let omgeving = config.omgeving(false);
    let texts = documenten::texts(read).await.map(|texts| texts.in_force).unwrap_or_default();
    let bronnen: Vec<Bron> =
        texts.into_iter().map(|text| Bron { herkomst: text.naam.into(), tekst: text.tekst }).collect();
    let parsed = if bronnen.is_empty() { config.documents(false, now) } else { parse(&bronnen, &omgeving) };
    let (_, van_kracht) = watch::channel(Arc::new(parsed?.van_kracht(0, &omgeving)));
    let cas = config.cas.iter().map(|ca| settings::trusted_ca(&ca.naam, &ca.bestand, ca.lists().as_deref()));
    let cas = cas.collect::<Result<Vec<_>, _>>().map_err(GatewayError::from)?;
    // Whoever has the key is who the certificate names.
    let certified = settings::certified_key(&profile.join("cert.pem"), &profile.join("key.pem"));
    let certified = certified.map_err(GatewayError::from)?;
    let (leaf, above) = certified.cert.split_first().ok_or_else(|| Failure::Usage("geen certificaat".to_owned()))?;
    let seconds = u64::try_from(now.as_second()).unwrap_or_default();
    let at = UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds));
    let who = Identifier::new(cas, van_kracht).identify(leaf, above, at);
    let identiteit = who.map(|aangemeld| aangemeld.toegang.identiteit);
    let not_beheer = || Failure::Refused(format!("{} is geen beheer van deze poort", profile.display()));
    identiteit.ok().filter(|identiteit| identiteit.rol == Rol::Beheer).ok_or_else(not_beheer)
}

fn tell(hersteld: &Hersteld) -> Result<(), Failure> {
    let regel = &hersteld.regel;
    let said = |head: &Option<String>| head.clone().unwrap_or_else(|| "niets".to_owned());
    print_line(&format!(
        "Het beschadigde logboek is gesloten zoals het was. Het volgende heet {}.",
        hersteld.volgende
    ))?;
    print_line(&format!("  In de database stond:          {}", said(&regel.gesloten)))?;
    print_line(&format!("  Een checkpoint staat in voor:  {}", said(&regel.ondertekend)))?;
    print_line(&format!("  De poort onthield:             {}", said(&regel.onthouden)))?;
    print_line(&format!("  De FG bewaarde:                {}", said(&regel.bewaard)))?;
    for naam in &hersteld.vervallen {
        print_line(&format!(
            "  Niet meer van kracht, want geen checkpoint staat ervoor in: {naam}. Laad het opnieuw met beheer load."
        ))?;
    }
    print_line("Start de poort. Geef elke FG en toezichthouder dit eerste checkpoint:")?;
    print_line(hersteld.head.nota.trim_end())
}
