//! Configuration: `ketenpoort.toml`, which is of this machine, and the documents in the files that it names.
//!
//! Not here: keys and certificates, which are opened by who uses them; and what stands in a document, which
//! [`documenten`](crate::documenten) reads.
//!
//! - Every mistake is reported at once, those of the documents with those of the configuration.
//! - Paths in a file are relative to that file.
//! - What is in force stands in the database; files only enter it.

pub mod aanvaard;
mod ca;
mod opslag;
mod port;
mod telemetrie;

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use toml::de::DeTable;

use self::{aanvaard::Aanvaardbaar, ca::cas, opslag::opslag, port::port, telemetrie::telemetrie};
pub use self::{
    ca::{Ca, Opgehaald},
    opslag::{DATABASE_URL, Opslag, Postgres, Server},
    port::Port,
    telemetrie::Telemetrie,
};
use crate::{
    documenten::{Bron, Omgeving, Parsed, hash, parse_noting, samen::undecided},
    domain::{VanKracht, houdbaarheid::amsterdam_date},
    lezen::{
        Fouten, Mistake, Mistakes,
        bestand::read,
        fout::Fout,
        namen::short,
        section::{Section, Vorm, read_toml},
    },
};

/// A parsed configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// Origin of the checkpoints; carries the year.
    pub logboek: String,
    /// The store.
    pub opslag: Opslag,
    /// The key directory.
    pub sleutels: PathBuf,
    /// The guard file of this gateway, where it has a place of its own.
    pub wacht: Option<PathBuf>,
    /// Where partners connect.
    pub grpc: Port,
    /// Where beheer connects; nowhere when absent.
    pub beheer: Option<Port>,
    /// Where toezicht connects; nowhere when absent.
    pub toezicht: Option<Port>,
    /// Where it tells how it stands, without TLS; nowhere when absent.
    pub waarneming: Option<SocketAddr>,
    /// Where telemetry goes; nowhere when absent.
    pub telemetrie: Option<Telemetrie>,
    /// Where it searches, where that has a place of its own.
    pub zoekbestand: Option<PathBuf>,
    /// Certificate chain of the gateway, PEM.
    pub certificaat: PathBuf,
    /// Its private key, PEM.
    pub sleutel: PathBuf,
    /// The CAs whose certificates may connect.
    pub cas: Vec<Ca>,
    /// Findings that keep no gateway from starting, because somebody accepted them by name.
    pub aanvaard: BTreeSet<Aanvaardbaar>,
    /// The file with deelnemers.
    pub deelnemers: PathBuf,
    /// The files with convenanten.
    pub convenanten: Vec<PathBuf>,
    /// Limits.
    pub bounds: Bounds,
}

/// Limits (`[grenzen]`), with their defaults.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// Seconds a delivered bericht waits for its acknowledgement before it is offered again.
    pub lease_seconds: u64,
    /// Open berichten that a postvak holds: not confirmed, not refused and not ended.
    pub postvak: u64,
    /// Connections of all partners together.
    pub connections: usize,
    /// Connections of one partner.
    pub connections_partner: usize,
    /// Calls of one partner that are being answered.
    pub in_flight_partner: usize,
    /// Seconds after which a connection is drained.
    pub connection_age_seconds: u64,
    /// Days before a scenario lapses that its afzender is warned.
    pub vervalwaarschuwing_dagen: u16,
    /// Seconds for which a gateway that is told to stop says that it is not ready, and serves on, before it closes its ports.
    pub drain_seconds: u64,
}

impl Config {
    /// Reads `ketenpoort.toml`, not the documents it names.
    ///
    /// # Errors
    /// [`Fouten`] with every mistake.
    pub fn load(file: &Path) -> Result<Self, Fouten> {
        let mistakes = Mistakes::default();
        let (_, config) = load_noting(file, &mistakes);
        mistakes.outcome()?;
        Ok(config.expect("a file without mistakes gives a configuration"))
    }

    /// Reads `ketenpoort.toml` and the documents it names, and reports the mistakes of all of them at once. They are judged as
    /// coming in force `now`, together.
    ///
    /// # Errors
    /// [`Fouten`] with every mistake.
    pub fn load_with_documents(file: &Path, productie: bool, now: Timestamp) -> Result<(Self, Parsed), Fouten> {
        Self::load_judged(file, productie, together(now))
    }

    /// The same, of documents that came in force one after the other: only what is new or changed since `oud` is judged as coming in
    /// force `now`. Without `oud` all of them are in force already.
    ///
    /// # Errors
    /// [`Fouten`] with every mistake.
    pub fn load_after(file: &Path, oud: Option<&VanKracht>, now: Timestamp) -> Result<(Self, Parsed), Fouten> {
        Self::load_judged(file, false, |van_kracht, bronnen| {
            let Some(oud) = oud else { return Vec::new() };
            let is_known = |bron: &Bron| oud.convenanten().iter().any(|known| known.hash == hash(&bron.tekst));
            let new: Vec<Bron> = bronnen.iter().filter(|bron| !is_known(bron)).cloned().collect();
            undecided(&van_kracht.loaded_after(oud, now), &new, amsterdam_date(now))
        })
    }

    fn load_judged(
        file: &Path,
        productie: bool,
        undecided: impl FnOnce(VanKracht, &[Bron]) -> Vec<Mistake>,
    ) -> Result<(Self, Parsed), Fouten> {
        let mistakes = Mistakes::default();
        let (named, config) = load_noting(file, &mistakes);
        let parsed = named.parse(productie, &mistakes, undecided);
        mistakes.outcome()?;
        Ok(config.zip(parsed).expect("files without mistakes give a configuration"))
    }

    /// Where toezicht searches; nowhere without a port for it. Beside the SQLite database, or else beside the guard file, which is of this
    /// gateway alone.
    #[must_use]
    pub fn zoekbestand(&self) -> Option<PathBuf> {
        self.toezicht.as_ref()?;
        let beside = match &self.opslag {
            Opslag::Sqlite { bestand, .. } => bestand.clone(),
            Opslag::Postgres(_) => self.guard_file(),
        };
        Some(self.zoekbestand.clone().unwrap_or_else(|| beside.with_extension("zoeken.db")))
    }

    /// Reads and parses the documents that the configuration names, as coming in force `now`, together.
    ///
    /// # Errors
    /// [`Fouten`] with every mistake.
    pub fn documents(&self, productie: bool, now: Timestamp) -> Result<Parsed, Fouten> {
        let mistakes = Mistakes::default();
        let Omgeving { cas, .. } = self.omgeving(productie);
        let named = Named { cas, deelnemers: Some(self.deelnemers.clone()), convenanten: self.convenanten.clone() };
        let parsed = named.parse(productie, &mistakes, together(now));
        mistakes.outcome()?;
        Ok(parsed.expect("files without mistakes give documents"))
    }

    /// The guard file of this gateway.
    #[must_use]
    pub fn guard_file(&self) -> PathBuf {
        self.wacht.clone().unwrap_or_else(|| self.sleutels.join("wacht.json"))
    }

    /// Where it is remembered when the last good backup was made: beside the guard file.
    #[must_use]
    pub fn reservekopie(&self) -> PathBuf {
        self.guard_file().with_file_name("reservekopie.txt")
    }

    /// What documents are judged against here.
    #[must_use]
    pub fn omgeving(&self, productie: bool) -> Omgeving {
        Omgeving { cas: self.cas.iter().map(|ca| ca.naam.clone()).collect(), productie }
    }
}

/// Whether a file is a configuration: it names convenanten, which a convenant does not.
#[must_use]
pub fn is_configuration(file: &Path) -> bool {
    let tekst = read(file, &Mistakes::default()).unwrap_or_default();
    DeTable::parse_recoverable(&tekst).0.get_ref().contains_key("convenanten")
}

/// What nothing decides between documents that come in force at one moment.
fn together(now: Timestamp) -> impl FnOnce(VanKracht, &[Bron]) -> Vec<Mistake> {
    move |van_kracht, bronnen| undecided(&van_kracht.loaded_at(now), bronnen, amsterdam_date(now))
}

/// What a configuration says about documents: they are read although something else in it is wrong, so that every mistake
/// is told at once.
#[derive(Default)]
struct Named {
    cas: Vec<String>,
    deelnemers: Option<PathBuf>,
    convenanten: Vec<PathBuf>,
}

impl Named {
    /// `None` without deelnemers: what convenanten say of partners cannot be judged then.
    /// `undecided` judges what has no mistakes by itself.
    fn parse(
        &self,
        productie: bool,
        mistakes: &Mistakes,
        undecided: impl FnOnce(VanKracht, &[Bron]) -> Vec<Mistake>,
    ) -> Option<Parsed> {
        let bron = |file: &PathBuf| Some(Bron { herkomst: file.clone(), tekst: read(file, mistakes)? });
        let deelnemers = bron(self.deelnemers.as_ref()?);
        let convenanten: Vec<Bron> = self.convenanten.iter().filter_map(bron).collect();
        let bronnen: Vec<Bron> = std::iter::once(deelnemers?).chain(convenanten).collect();
        let omgeving = Omgeving { cas: self.cas.clone(), productie };
        let parsed = parse_noting(&bronnen, &omgeving, mistakes);
        if mistakes.is_empty() {
            let van_kracht = parsed.clone().van_kracht(0, &omgeving);
            mistakes.extend(undecided(van_kracht, &bronnen));
        }
        Some(parsed)
    }
}

fn load_noting(file: &Path, mistakes: &Mistakes) -> (Named, Option<Config>) {
    let Some(text) = read(file, mistakes) else { return (Named::default(), None) };
    read_toml(file, &text, mistakes, |root| Some(config(root, file))).unwrap_or_default()
}

fn config(root: Section<'_>, file: &Path) -> (Named, Option<Config>) {
    let base = file.parent().unwrap_or(Path::new(".")).to_owned();
    let logboek = root.text("logboek");
    let opslag = root.section("opslag").and_then(|section| opslag(section, &base));
    let sleutels = root.section("sleutels").and_then(|section| sleutels(section, &base));
    let grpc = root.section("grpc").and_then(port);
    let beheer = root.optional_section("beheer").and_then(port);
    let (zoekbestand, toezicht) = toezicht(root.optional_section("toezicht"), &base);
    let waarneming = root.optional_section("waarneming").and_then(port::waarneming);
    let telemetrie = root.optional_section("telemetrie").and_then(|section| telemetrie(section, &base));
    let aanvaard = aanvaard(&root);
    let tls = root.section("tls").and_then(|section| {
        let certificaat = section.text("certificaat");
        let sleutel = section.text("sleutel");
        section.finish();
        Some((base.join(certificaat?.value), base.join(sleutel?.value)))
    });
    let beside =
        sleutels.as_ref().and_then(|(wacht, map)| wacht.as_deref().and_then(Path::parent).or(Some(map.as_path())));
    let cas = cas(&root, &base, &beside.unwrap_or(&base).join("crl"));
    let named = Named {
        cas: cas.iter().map(|ca| ca.naam.clone()).collect(),
        deelnemers: root.text("deelnemers").map(|file| base.join(file.value)),
        convenanten: {
            let files = root.list::<String>("convenanten", &FILES, false);
            files.into_iter().map(|file| base.join(file.value)).collect()
        },
    };
    let bounds = bounds(root.optional_section("grenzen"));
    root.finish();
    let whole = || {
        let (certificaat, sleutel) = tls?;
        let (wacht, sleutels) = sleutels?;
        Some(Config {
            logboek: logboek?.value,
            opslag: opslag?,
            sleutels,
            wacht,
            grpc: grpc?,
            beheer,
            toezicht,
            waarneming,
            telemetrie,
            zoekbestand,
            certificaat,
            sleutel,
            cas,
            aanvaard,
            deelnemers: named.deelnemers.clone()?,
            convenanten: named.convenanten.clone(),
            bounds,
        })
    };
    let config = whole();
    (named, config)
}

/// Where the guard file is, where that is said, and where the keys are.
fn sleutels(section: Section<'_>, base: &Path) -> Option<(Option<PathBuf>, PathBuf)> {
    let map = section.text("map").map(|map| base.join(map.value));
    let wacht = section.optional_text("wacht").map(|file| base.join(file.value));
    section.finish();
    map.map(|map| (wacht, map))
}

/// Where toezicht searches, where that is said, and where it connects.
fn toezicht(section: Option<Section<'_>>, base: &Path) -> (Option<PathBuf>, Option<Port>) {
    let Some(section) = section else { return (None, None) };
    let zoekbestand = section.optional_text("zoekbestand").map(|file| base.join(file.value));
    (zoekbestand, port(section))
}

const FILES: Vorm = Vorm::fixed("bestanden", "files");

/// What is accepted by name, each once.
fn aanvaard(root: &Section<'_>) -> BTreeSet<Aanvaardbaar> {
    let names = Vorm::fixed("codes van bevindingen", "codes of findings");
    let mut accepted = BTreeSet::new();
    for code in root.list::<String>("aanvaard", &names, true) {
        if let Ok(known) = code.value.parse() {
            accepted.insert(known);
        } else {
            let fout = Fout::NietAanvaardbaar { code: short(&code.value), kan: Aanvaardbaar::names() };
            root.mistake(code.line, fout);
        }
    }
    accepted
}

fn bounds(section: Option<Section<'_>>) -> Bounds {
    let number = |key: &'static str, range, default: u64| {
        section.as_ref().and_then(|section| section.optional_number(key, range)).map_or(default, |number| number.value)
    };
    let count = |key, range, default| usize::try_from(number(key, range, default)).expect("the range fits a usize");
    let bounds = Bounds {
        lease_seconds: number("lease_seconds", 1..=3600, 60),
        postvak: number("postvak", 1..=10_000_000, 10_000),
        connections: count("connections", 1..=65_536, 4096),
        connections_partner: count("connections_partner", 1..=65_536, 64),
        in_flight_partner: count("in_flight_partner", 1..=65_536, 256),
        connection_age_seconds: number("connection_age_seconds", 1..=86_400, 3600),
        vervalwaarschuwing_dagen: u16::try_from(number("vervalwaarschuwing_dagen", 1..=366, 14)).expect("at most 366"),
        drain_seconds: number("drain_seconds", 0..=300, 0),
    };
    if let Some(section) = section {
        section.finish();
    }
    bounds
}
