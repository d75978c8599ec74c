//! `init`, and the data directory of the demo: configuration, convenant, certificates, profiles.

use std::{
    collections::BTreeMap,
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context;

use super::{Failure, print_line};
use crate::{
    clock::SystemClock,
    domain::Clock,
    pki::{self, DevIdentity, dev_identities},
};

const CONVENANT: &str = include_str!("../../deploy/voorbeeld/convenant.toml");
/// Port of the partners (design: 7443).
const PARTNER_PORT: u16 = 7443;

/// The loketten of a development partner; its profile uses the first one.
fn loketten(partner: &str) -> &'static [&'static str] {
    match partner {
        "zsm" => &["volwassenen", "jeugd", "algemeen"],
        "dji" => &["bureau-18b", "algemeen"],
        _ => &["algemeen"],
    }
}

pub fn init(dir: &Path) -> Result<(), Failure> {
    let config = create(dir, PARTNER_PORT)?;
    eprintln!("Gemaakt: {}", dir.display());
    eprintln!("  1. Lees {} en {}.", config.display(), dir.join("convenanten/voorbeeld.toml").display());
    eprintln!("  2. Start de poort: ketenpoort serve --dev --config {}", config.display());
    eprintln!("  3. Stuur een bericht: ketenpoort send --template bekendheidscheck > bericht.json");
    eprintln!("     ketenpoort send --profile {} bericht.json", dir.join("profielen/zsm").display());
    print_line(&config.display().to_string())
}

/// Makes a data directory for a gateway on this port of 127.0.0.1. Gives the path of its configuration.
pub(crate) fn create(dir: &Path, port: u16) -> Result<PathBuf, Failure> {
    if fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some()) {
        let text =
            format!("map {} is niet leeg; kies een nieuwe of lege map, zodat niets wordt overschreven", dir.display());
        return Err(Failure::Usage(text));
    }
    fs::create_dir_all(dir).with_context(|| {
        format!("map {} is niet te maken; kies een map waarin deze gebruiker mag schrijven", dir.display())
    })?;
    pki::write_dev(dir, SystemClock.now()).context("certificaten niet gemaakt")?;
    let convenanten = dir.join("convenanten");
    fs::create_dir_all(&convenanten).with_context(|| format!("map {} is niet te maken", convenanten.display()))?;
    write(&convenanten.join("voorbeeld.toml"), CONVENANT)?;
    let identities = dev_identities();
    for identity in &identities {
        let loket = loketten(identity.partner).first().copied().unwrap_or("algemeen");
        let text = format!(
            "# Waar de poort is, en wat send en receive gebruiken als u niets anders zegt.\n\
             adres = \"https://127.0.0.1:{port}\"\nloket = \"{loket}\"\nmedewerker = \"{}-001\"\n",
            identity.profile
        );
        write(&dir.join("profielen").join(identity.profile).join("profiel.toml"), &text)?;
    }
    let config = dir.join("ketenpoort.toml");
    write(&config, &configuration(&identities, port))?;
    Ok(config)
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    Ok(fs::write(path, text).with_context(|| format!("{} is niet te schrijven", path.display()))?)
}

fn configuration(identities: &[DevIdentity], port: u16) -> String {
    let mut text = format!(
        r#"# Ketenpoort. Paden zijn ten opzichte van dit bestand.
# Deze configuratie gebruikt ontwikkelcertificaten: start met `serve --dev`, nooit met echte gegevens.

# Naam van het logboek (origin van de checkpoints). Draagt het jaar: een logboek kan per jaar worden gesloten.
logboek = "ketenpoort.test/voorbeeld/2026"

# De convenanten waaraan elk bericht wordt getoetst.
convenanten = ["convenanten/voorbeeld.toml"]

[opslag]
# KETENPOORT_DATABASE_URL gaat voor.
url = "sqlite:ketenpoort.db"
# grootste_mebibytes = 10240

[sleutels]
# Bewaar een kopie gescheiden van de database: zonder deze map is geen inhoud leesbaar.
map = "sleutels"

[grpc]
# Hier verbinden partners, met wederzijdse TLS.
adres = "127.0.0.1:{port}"

[tls]
certificaat = "gateway/cert.pem"
sleutel = "gateway/key.pem"

# De uitgevers wier certificaten mogen verbinden. Met crl = ["..."] wordt intrekking gecontroleerd.
[[ca]]
naam = "ontwikkel"
bestand = "ca.pem"

# [grenzen]
# lease_seconds = 60
# postvak = 10000
# connections_partner = 64

"#
    );
    let mut oins: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for identity in identities.iter().filter(|identity| identity.role == "partner") {
        oins.entry(identity.partner).or_default().push(&identity.oin);
    }
    for (partner, oins) in oins {
        writeln!(text, "[[partner]]\nnaam = \"{partner}\"\noin = {oins:?}\nloketten = {:?}\n", loketten(partner))
            .expect("writing to a String does not fail");
    }
    for DevIdentity { partner, role, oin, san, .. } in identities {
        writeln!(
            text,
            "[[identiteit]]\nca = \"ontwikkel\"\noin = \"{oin}\"\nsan = \"{san}\"\npartner = \"{partner}\"\nrol = \"{role}\"\n"
        )
        .expect("writing to a String does not fail");
    }
    text
}
