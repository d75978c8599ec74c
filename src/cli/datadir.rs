//! `init`, and the data directory of the demo: configuration, convenant, certificates, profiles.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context;
use jiff::Timestamp;

use super::{Failure, print_line};
use crate::{
    clock::SystemClock,
    domain::Clock,
    files,
    pki::{self, DevIdentity, dev_identities},
    proceslog,
};

/// The worked example: one arrondissement.
const CONFIGURATIE: &str = include_str!("../../deploy/voorbeeld/ketenpoort.toml");
const DEELNEMERS: &str = include_str!("../../deploy/voorbeeld/deelnemers.toml");
const CONVENANTEN: [(&str, &str); 7] = [
    ("zvh-baronie-breda.toml", include_str!("../../deploy/voorbeeld/convenanten/zvh-baronie-breda.toml")),
    ("zvh-de-markiezaten.toml", include_str!("../../deploy/voorbeeld/convenanten/zvh-de-markiezaten.toml")),
    ("zvh-midden-brabant.toml", include_str!("../../deploy/voorbeeld/convenanten/zvh-midden-brabant.toml")),
    ("zvh-zeeland.toml", include_str!("../../deploy/voorbeeld/convenanten/zvh-zeeland.toml")),
    ("melding-18b.toml", include_str!("../../deploy/voorbeeld/convenanten/melding-18b.toml")),
    ("bij.toml", include_str!("../../deploy/voorbeeld/convenanten/bij.toml")),
    ("reintegratie.toml", include_str!("../../deploy/voorbeeld/convenanten/reintegratie.toml")),
];

/// Where a gateway listens on 127.0.0.1.
#[derive(Clone, Copy)]
pub(crate) struct Ports {
    /// For partners.
    pub partners: u16,
    /// For toezicht.
    pub toezicht: u16,
    /// For beheer.
    pub beheer: u16,
    /// For who watches how it stands.
    pub waarneming: u16,
}

/// The ports that everybody knows.
const PORTS: Ports = Ports { partners: 7443, toezicht: 7444, beheer: 7445, waarneming: 7446 };

/// The loket that a profile uses when nothing else is said.
fn first_loket(partner: &str) -> &'static str {
    match partner {
        "zsm" => "volwassenen",
        "dji" => "bureau-18b",
        _ => "algemeen",
    }
}

pub fn init(dir: &Path) -> Result<(), Failure> {
    let config = create(dir, PORTS, SystemClock.now())?;
    proceslog::say(format_args!("Gemaakt: {}", dir.display()));
    proceslog::say(format_args!(
        "  1. Lees {}, deelnemers.toml en {}.",
        config.display(),
        dir.join("convenanten").display()
    ));
    proceslog::say(format_args!("     Wat zij toestaan: ketenpoort check --config {}", config.display()));
    proceslog::say(format_args!("  2. Start de poort: ketenpoort serve --dev --config {}", config.display()));
    proceslog::say("  3. Stuur een bericht: ketenpoort send --template bekendheidscheck > bericht.json");
    proceslog::say(format_args!("     ketenpoort send --profile {} bericht.json", dir.join("profielen/zsm").display()));
    print_line(&config.display().to_string())
}

/// Makes a data directory for a gateway on these ports of 127.0.0.1, with certificates that are valid from `since`. Gives the path of its
/// configuration.
pub(crate) fn create(dir: &Path, ports: Ports, since: Timestamp) -> Result<PathBuf, Failure> {
    if fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some()) {
        let text =
            format!("map {} is niet leeg; kies een nieuwe of lege map, zodat niets wordt overschreven", dir.display());
        return Err(Failure::Usage(text));
    }
    fs::create_dir_all(dir).with_context(|| {
        format!("map {} is niet te maken; kies een map waarin deze gebruiker mag schrijven", dir.display())
    })?;
    pki::write_dev(dir, since, SystemClock.now()).context("certificaten niet gemaakt")?;
    write(&dir.join("deelnemers.toml"), DEELNEMERS)?;
    let convenanten = dir.join("convenanten");
    fs::create_dir_all(&convenanten).with_context(|| format!("map {} is niet te maken", convenanten.display()))?;
    for (name, text) in CONVENANTEN {
        write(&convenanten.join(name), text)?;
    }
    for DevIdentity { profile, partner, role, .. } in dev_identities() {
        let port = match role {
            "beheer" | "tekent" => ports.beheer,
            "fg" | "auditor" | "contact" => ports.toezicht,
            _ => ports.partners,
        };
        let text = format!(
            "# Waar de poort is, en wat send en receive gebruiken als u niets anders zegt.\n\
             adres = \"https://127.0.0.1:{port}\"\nloket = \"{}\"\nmedewerker = \"{profile}-001\"\n",
            first_loket(partner)
        );
        write(&dir.join("profielen").join(profile).join("profiel.toml"), &text)?;
    }
    let config = dir.join("ketenpoort.toml");
    write(&config, &configuration(ports))?;
    Ok(config)
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    files::create(path, text.as_bytes()).with_context(|| format!("{} is niet te schrijven", path.display()))?;
    Ok(())
}

fn configuration(ports: Ports) -> String {
    let Ports { partners, toezicht, beheer, waarneming } = ports;
    let adres = |port: u16| format!("127.0.0.1:{port}");
    CONFIGURATIE
        .replace(&adres(PORTS.partners), &adres(partners))
        .replace(&adres(PORTS.toezicht), &adres(toezicht))
        .replace(&adres(PORTS.beheer), &adres(beheer))
        .replace(&adres(PORTS.waarneming), &adres(waarneming))
}
