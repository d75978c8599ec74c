//! Beside: an operator looks in the database of a gateway, with its keys. That somebody looked is told to the gateway, which logs it.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep};

use super::open;
use crate::{
    cli::{Failure, progress::Bar},
    clock::SystemRng,
    config::Config,
    domain::{Oin, Zicht},
    exchange::toezicht::{blik::Blik, oog::Oog},
    gateway::GatewayError,
    grpc::{content::Checker, zoekfilter::checked_inzage},
    logboek::Soort,
    proceslog,
    sleutels::{SealingKeys, blik::Blikken},
    store::{Pool, ledger::regels::regel_count, reading::namen::Namen, zoeken::Zoekbestand},
    tls::settings::own_oin,
};

/// A gateway that runs logs a look within this.
const LOGGED_WITHIN: Duration = Duration::from_secs(3);
const POLL: Duration = Duration::from_millis(50);

/// The database of a gateway, for who looks beside it.
pub(super) struct Beside {
    read: Pool,
    keys: SealingKeys,
    zoeken: Zoekbestand,
    poort: Oin,
}

impl Beside {
    /// Opens it, and takes up all regels for searching.
    pub(super) async fn open(config: &Config) -> Result<Self, Failure> {
        let read = open(config).await?;
        let keys = SealingKeys::read(&config.sleutels).map_err(GatewayError::from)?;
        let poort = own_oin(&config.certificaat).map_err(GatewayError::from)?;
        let openingen = keys.openingen(Arc::new(SystemRng));
        let zoeken = Zoekbestand::in_memory(openingen).await.map_err(GatewayError::from)?;
        let bar = Bar::of("gelezen");
        let all = regel_count(&read).await.map_err(GatewayError::from)?;
        while zoeken.take_up(&read, 0, &poort).await.map_err(GatewayError::from)? {
            bar.at(zoeken.bijgewerkt_tot().await.map_err(GatewayError::from)?, all);
        }
        drop(bar);
        Ok(Self { read, keys, zoeken, poort })
    }

    /// With what an operator looks: at everything.
    pub(super) async fn oog(&self) -> Result<Oog<'_>, Failure> {
        let namen = Namen::read(&self.read, Some(self.poort.clone())).await.map_err(GatewayError::from)?;
        let openingen = self.keys.openingen(Arc::new(SystemRng));
        let (read, zoeken, sleutels) = (&self.read, &self.zoeken, &self.keys);
        Ok(Oog { read, zoeken, sleutels, openingen, namen, ziet: Zicht::alles() })
    }
}

/// Who looks and why, checked as the gateway checks it.
pub(super) fn who(soort: Soort, medewerker: Option<String>, reden: Option<String>) -> Result<Blik, Failure> {
    let mut checker = Checker::default();
    if medewerker.is_some() || reden.is_some() {
        let said = medewerker.clone().unwrap_or_else(|| "-".to_owned());
        checked_inzage(&mut checker, &said, reden.as_ref());
    }
    match checker.0.first() {
        None => Ok(Blik::new(soort, medewerker, reden)),
        Some(wrong) => Err(Failure::Usage(format!("{}: {}", wrong.veld.replace("inzage.", "--"), wrong.uitleg))),
    }
}

/// Tells the gateway what was looked at, and waits until it is in the logboek. Says so where it is not.
pub(super) async fn tell(config: &Config, blik: &Blik) -> Result<(), Failure> {
    told_to(config, blik, true).await
}

async fn told_to(config: &Config, blik: &Blik, first: bool) -> Result<(), Failure> {
    let blikken = Blikken::of_guard(&config.guard_file());
    let told = serde_json::to_vec(blik).map_err(anyhow::Error::from)?;
    let told = SealingKeys::read(&config.sleutels)
        .map_err(anyhow::Error::from)
        .and_then(|keys| Ok(blikken.tell(&keys, &SystemRng, told)?));
    let file = match told {
        Ok(Some(file)) => file,
        // A gateway that runs makes the directory anew within half a second.
        Ok(None) if first => {
            sleep(Duration::from_secs(1)).await;
            return Box::pin(told_to(config, blik, false)).await;
        }
        Ok(None) => {
            proceslog::say(
                "Op deze machine draait geen poort met deze configuratie: deze blik staat niet in het logboek.",
            );
            return Ok(());
        }
        Err(error) => {
            proceslog::say(format!("De poort weet niet van deze blik, dus die staat niet in het logboek: {error}"));
            return Ok(());
        }
    };
    let until = Instant::now() + LOGGED_WITHIN;
    while file.exists() {
        // What cannot be taken back any more was logged meanwhile.
        if Instant::now() >= until && std::fs::remove_file(&file).is_ok() {
            proceslog::say(
                "De poort legde deze blik niet binnen 3 seconden vast: zij draait niet of kan niet schrijven. De blik staat niet in het logboek.",
            );
            return Ok(());
        }
        sleep(POLL).await;
    }
    Ok(())
}
