//! Configuration: `ketenpoort.toml` and the convenant files it names, parsed once into domain values.
//!
//! Every mistake is reported at once, with file and line. Paths in a file are relative to that file. Not here: keys and certificates are
//! opened by who uses them.

pub mod convenant;
pub mod section;

use std::{
    cell::RefCell,
    collections::BTreeSet,
    env, fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    rc::Rc,
};

use self::section::{Mistake, Mistakes, Section, read_file};
use crate::domain::{Identiteit, LoketNaam, Oin, Partner, PartnerNaam, Rol, VanKracht};

/// Environment variable that overrides `[opslag] url`.
pub const DATABASE_URL: &str = "KETENPOORT_DATABASE_URL";

/// Everything that is wrong with a configuration.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct ConfigError(pub Vec<Mistake>);

/// A parsed configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// Origin of the checkpoints; carries the year.
    pub logboek: String,
    /// `sqlite:` URL of the store.
    pub database: String,
    /// Largest size of the store in MiB, if bounded.
    pub grootste_mebibytes: Option<u64>,
    /// The key directory.
    pub sleutels: PathBuf,
    /// Where partners connect.
    pub grpc: SocketAddr,
    /// Certificate chain of the gateway, PEM.
    pub certificaat: PathBuf,
    /// Its private key, PEM.
    pub sleutel: PathBuf,
    /// The CAs whose certificates may connect.
    pub cas: Vec<Ca>,
    /// Who is who.
    pub identiteiten: Vec<IdentiteitRegel>,
    /// Partners and convenanten.
    pub van_kracht: VanKracht,
    /// Limits.
    pub grenzen: Grenzen,
}

/// A certificate authority.
#[derive(Clone, Debug)]
pub struct Ca {
    /// Its name in identities.
    pub naam: String,
    /// Its certificate, PEM.
    pub bestand: PathBuf,
    /// Its revocation lists, PEM; none means that revocation is not checked.
    pub crl: Vec<PathBuf>,
}

/// Which certificate is which identity.
#[derive(Clone, Debug)]
pub struct IdentiteitRegel {
    /// The CA that must have issued it.
    pub ca: String,
    /// A DNS name that must be in it, where an OIN has several identities.
    pub san: Option<String>,
    /// Who it then is.
    pub identiteit: Identiteit,
}

/// Limits, with the defaults of the design.
#[derive(Clone, Debug)]
pub struct Grenzen {
    /// Seconds a delivered bericht waits for its acknowledgement before it is offered again.
    pub lease_seconds: u64,
    /// Undelivered berichten a postvak holds.
    pub postvak: u64,
    /// Connections of all partners together.
    pub connections: usize,
    /// Connections of one partner.
    pub connections_partner: usize,
    /// Calls of one partner that are being answered.
    pub in_flight_partner: usize,
    /// Seconds after which a connection is drained.
    pub connection_age_seconds: u64,
}

impl Config {
    /// Reads `ketenpoort.toml` and what it names.
    ///
    /// # Errors
    /// [`ConfigError`] with every mistake.
    pub fn load(file: &Path) -> Result<Self, ConfigError> {
        let mistakes: Mistakes = Rc::new(RefCell::new(Vec::new()));
        let config = read(file, &mistakes)
            .and_then(|text| read_file(file, &text, &mistakes, |root| config(root, file, &mistakes)));
        let mut found = mistakes.take();
        found.sort();
        match config {
            Some(config) if found.is_empty() => Ok(config),
            _ => Err(ConfigError(found)),
        }
    }
}

fn read(file: &Path, mistakes: &Mistakes) -> Option<String> {
    let note = |message: String| {
        mistakes.borrow_mut().push(Mistake { file: file.to_owned(), line: 0, message });
        None
    };
    match fs::metadata(file) {
        Ok(metadata) if metadata.len() > 4 << 20 => note("het bestand is groter dan 4 MiB".to_owned()),
        Ok(_) => fs::read_to_string(file).map_or_else(|error| note(format!("niet te lezen: {error}")), Some),
        Err(error) => note(format!("niet te openen: {error}")),
    }
}

fn config(root: Section<'_>, file: &Path, mistakes: &Mistakes) -> Option<Config> {
    let base = file.parent().unwrap_or(Path::new(".")).to_owned();
    let logboek = root.text("logboek");
    let opslag = root.section("opslag");
    let url = opslag.as_ref().and_then(|section| database(section, &base));
    let grootste = opslag.as_ref().and_then(|section| section.optional_number("grootste_mebibytes", 1..=1 << 20));
    let sleutels = root.section("sleutels").and_then(|section| {
        let map = section.text("map").map(|map| base.join(map.value));
        section.finish();
        map
    });
    let grpc = root.section("grpc").and_then(|section| {
        let adres = section.parsed::<SocketAddr>("adres", "een IP-adres met poort, zoals 127.0.0.1:7443");
        section.finish();
        adres
    });
    let tls = root.section("tls").and_then(|section| {
        let certificaat = section.text("certificaat");
        let sleutel = section.text("sleutel");
        section.finish();
        Some((base.join(certificaat?.value), base.join(sleutel?.value)))
    });
    let cas: Vec<Ca> = root.sections("ca").into_iter().filter_map(|section| ca(section, &base)).collect();
    let mut van_kracht = VanKracht::default();
    for section in root.sections("partner") {
        let line = section.line();
        if let Some(partner) = partner(section)
            && van_kracht.partners.insert(partner.naam.clone(), partner).is_some()
        {
            root.mistake(line, "deze partner staat er twee keer in");
        }
    }
    let identiteiten =
        root.sections("identiteit").into_iter().filter_map(|section| identiteit(section, &cas, &van_kracht)).collect();
    for path in root.list::<String>("convenanten", "bestanden", false) {
        let path = base.join(path.value);
        let parsed = read(&path, mistakes).and_then(|text| convenant::parse(&path, &text, &van_kracht, mistakes));
        van_kracht.convenanten.extend(parsed);
    }
    let grenzen = grenzen(root.optional_section("grenzen"));
    if let Some(section) = opslag {
        section.finish();
    }
    root.finish();
    let (certificaat, sleutel) = tls?;
    Some(Config {
        logboek: logboek?.value,
        database: url?,
        grootste_mebibytes: grootste.map(|number| number.value),
        sleutels: sleutels?,
        grpc: grpc?.value,
        certificaat,
        sleutel,
        cas,
        identiteiten,
        van_kracht,
        grenzen,
    })
}

/// The store's URL: from the environment, or from the file with its path relative to the file.
fn database(section: &Section<'_>, base: &Path) -> Option<String> {
    let configured = section.text("url");
    let (url, line, base) = match env::var(DATABASE_URL) {
        Ok(url) => (url, section.line(), Path::new(".")),
        Err(_) => (configured.as_ref()?.value.clone(), configured.as_ref()?.line, base),
    };
    let path = url.strip_prefix("sqlite:").map(|path| path.strip_prefix("//").unwrap_or(path));
    match path {
        Some(path) if !path.is_empty() && !path.contains('?') && !path.starts_with(':') => {
            Some(base.join(path).to_string_lossy().into_owned())
        }
        Some(_) => {
            section.mistake(line, "url moet sqlite: en een bestand zijn, zonder opties, zoals sqlite:ketenpoort.db");
            None
        }
        None => {
            section.mistake(line, "url moet met sqlite: beginnen; deze versie kent nog geen andere database");
            None
        }
    }
}

fn ca(section: Section<'_>, base: &Path) -> Option<Ca> {
    let naam = section.text("naam");
    let bestand = section.text("bestand");
    let crl = section.list::<String>("crl", "bestanden", true).into_iter().map(|path| base.join(path.value)).collect();
    section.finish();
    Some(Ca { naam: naam?.value, bestand: base.join(bestand?.value), crl })
}

fn partner(section: Section<'_>) -> Option<Partner> {
    let naam = section.parsed::<PartnerNaam>("naam", "een naam van kleine letters, cijfers en streepjes");
    let oins = section.list::<Oin>("oin", "OIN's van 20 posities", false);
    let loketten = section.list::<LoketNaam>("loketten", "namen van loketten", true);
    section.finish();
    let mut loketten: BTreeSet<LoketNaam> = loketten.into_iter().map(|loket| loket.value).collect();
    if loketten.is_empty() {
        loketten.insert(LoketNaam::default());
    }
    let oins: Vec<Oin> = oins.into_iter().map(|oin| oin.value).collect();
    (!oins.is_empty()).then_some(())?;
    Some(Partner { naam: naam?.value, oins, loketten })
}

fn identiteit(section: Section<'_>, cas: &[Ca], known: &VanKracht) -> Option<IdentiteitRegel> {
    let ca = section.text("ca");
    if let Some(ca) = &ca
        && !cas.iter().any(|known| known.naam == ca.value)
    {
        section.mistake(ca.line, format!("er is geen [[ca]] met naam {}", ca.value));
    }
    let oin = section.parsed::<Oin>("oin", "een OIN van 20 posities");
    let san = section.optional_text("san");
    let partner = section.parsed::<PartnerNaam>("partner", "de naam van een partner");
    let rol = section.parsed::<Rol>("rol", "partner, fg, auditor of beheer");
    let loketten = section.list::<LoketNaam>("loketten", "namen van loketten", true);
    let line = section.line();
    let partner = partner?;
    let rol = rol?;
    let found = known.partners.get(&partner.value);
    // Auditor and operator belong to no partner of the exchange.
    if found.is_none() && matches!(rol.value, Rol::Partner | Rol::Fg) {
        section.mistake(partner.line, format!("er is geen [[partner]] met naam {}", partner.value));
    }
    if let (Some(found), Some(oin)) = (found, &oin)
        && !found.oins.contains(&oin.value)
    {
        section.mistake(oin.line, format!("deze OIN hoort niet bij partner {}", partner.value));
    }
    let all = found.map(|found| found.loketten.clone()).unwrap_or_default();
    let loketten: BTreeSet<LoketNaam> = if loketten.is_empty() && rol.value == Rol::Partner {
        all.clone()
    } else {
        loketten.into_iter().map(|loket| loket.value).collect()
    };
    if let Some(strange) = loketten.iter().find(|loket| !all.contains(*loket)) {
        section.mistake(line, format!("partner {} heeft geen loket {strange}", partner.value));
    }
    section.finish();
    let identiteit = Identiteit { partner: partner.value, oin: oin?.value, rol: rol.value, loketten };
    Some(IdentiteitRegel { ca: ca?.value, san: san.map(|san| san.value), identiteit })
}

fn grenzen(section: Option<Section<'_>>) -> Grenzen {
    let number = |key: &'static str, range, default: u64| {
        section.as_ref().and_then(|section| section.optional_number(key, range)).map_or(default, |number| number.value)
    };
    let count = |key, range, default| usize::try_from(number(key, range, default)).expect("the range fits a usize");
    let grenzen = Grenzen {
        lease_seconds: number("lease_seconds", 1..=3600, 60),
        postvak: number("postvak", 1..=10_000_000, 10_000),
        connections: count("connections", 1..=65_536, 4096),
        connections_partner: count("connections_partner", 1..=65_536, 64),
        in_flight_partner: count("in_flight_partner", 1..=65_536, 256),
        connection_age_seconds: number("connection_age_seconds", 1..=86_400, 3600),
    };
    if let Some(section) = section {
        section.finish();
    }
    grenzen
}
