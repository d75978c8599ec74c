//! The data directory, and the places below it where a gateway keeps what it must not lose.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
};

use anyhow::{Context, ensure};
use ketenpoort::{
    client::Profile,
    config::{Config, Opslag, Port},
};
use tempfile::TempDir;
use tonic::transport::Channel;

use crate::{
    partners::Client,
    postgres::{Cluster, USER},
};

/// As much as `[grenzen] postvak` allows: nobody receives what `send_unary` sends.
const POSTVAK: u64 = 10_000_000;

/// What `init` makes: certificates, convenant, configuration, profiles. Gone when dropped.
pub struct DataDir {
    dir: TempDir,
    /// As loaded, but on a free port and with a larger postvak.
    pub config: Config,
    /// Where databases are made, instead of files.
    cluster: Option<Cluster>,
    /// What each gateway begins with a copy of.
    pub filled: Option<Place>,
}

/// A directory with keys, and a store: a file in it, or a database of the cluster.
pub struct Place {
    pub state: PathBuf,
    database: Option<String>,
    pub url: String,
}

impl DataDir {
    /// On the disk that holds `target`, where the system's directory for temporary files may be memory. With a port for toezicht each gateway
    /// takes up what it writes for searching.
    pub fn create(postgres: bool, toezicht: bool) -> anyhow::Result<Self> {
        let dir = tempfile::Builder::new().prefix("bench-").tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
        let data = dir.path().join("data");
        let init = Command::new(env!("CARGO_BIN_EXE_ketenpoort")).arg("init").arg("--data-dir").arg(&data).output()?;
        ensure!(init.status.success(), "init: {}", String::from_utf8_lossy(&init.stderr));
        let mut config = Config::load(&data.join("ketenpoort.toml"))?;
        let free_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        config.grpc.adres = free_port;
        config.beheer = None;
        config.toezicht = toezicht.then_some(Port::at(free_port));
        // What measuring costs is seen beside a run without.
        config.waarneming = std::env::var_os("KETENPOORT_BENCH_GEMETEN").map(|_| free_port);
        config.bounds.postvak = POSTVAK;
        let cluster = postgres.then(|| Cluster::start(&[]));
        Ok(Self { dir, config, cluster, filled: None })
    }

    /// What `init` made.
    pub fn path(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// A directory of its own on the same disk.
    pub fn directory(&self, prefix: &str) -> anyhow::Result<PathBuf> {
        Ok(tempfile::Builder::new().prefix(prefix).tempdir_in(self.dir.path())?.keep())
    }

    /// A place with nothing in it.
    pub fn empty(&self) -> anyhow::Result<Place> {
        let database = self.cluster.as_ref().map(Cluster::database);
        self.at(self.directory("poort-")?, database)
    }

    /// A place to begin with: a copy of what was filled, or nothing.
    pub fn begin(&self) -> anyhow::Result<Place> {
        let Some(filled) = &self.filled else { return self.empty() };
        let state = self.directory("poort-")?;
        let copy = Command::new("cp").arg("-a").arg(filled.state.join(".")).arg(&state).status()?;
        ensure!(copy.success(), "what was filled cannot be copied");
        let database = self.cluster.as_ref().zip(filled.database.as_ref());
        let database = database.map(|(cluster, template)| {
            static NEXT: AtomicU32 = AtomicU32::new(0);
            let name = format!("copy_{}", NEXT.fetch_add(1, Ordering::SeqCst));
            let create = format!("CREATE DATABASE {name} OWNER {USER} TEMPLATE {template} STRATEGY file_copy");
            cluster.sql("postgres", &create);
            name
        });
        self.at(state, database)
    }

    fn at(&self, state: PathBuf, database: Option<String>) -> anyhow::Result<Place> {
        let file = state.join("ketenpoort.db");
        let url = match self.cluster.as_ref().zip(database.as_ref()) {
            Some((cluster, database)) => cluster.url(database),
            None => format!("sqlite:{}", file.to_str().context("the directory has no name in UTF-8")?),
        };
        Ok(Place { state, database, url })
    }

    /// What a database looks like some time after it was filled.
    pub fn settle(&self, place: &Place) {
        if let Some((cluster, database)) = self.cluster.as_ref().zip(place.database.as_ref()) {
            cluster.sql(database, "VACUUM (ANALYZE)");
        }
    }

    /// Makes room on the disk.
    pub fn remove(&self, place: Place) -> anyhow::Result<()> {
        if let Some((cluster, database)) = self.cluster.as_ref().zip(place.database) {
            cluster.sql("postgres", &format!("DROP DATABASE {database} WITH (FORCE)"));
        }
        Ok(fs::remove_dir_all(place.state)?)
    }

    /// `ketenpoort.toml` with these words in the place of others, in a file beside it.
    pub fn configuration(&self, name: &str, changes: &[(&str, &str)]) -> anyhow::Result<PathBuf> {
        let mut text = fs::read_to_string(self.path().join("ketenpoort.toml"))?;
        for (from, to) in changes {
            ensure!(text.contains(from), "init writes no {from} any more");
            text = text.replace(from, to);
        }
        let file = self.path().join(name);
        fs::write(&file, text)?;
        Ok(file)
    }

    /// The configuration of a gateway in this place.
    pub fn config_of(&self, place: &Place) -> anyhow::Result<Config> {
        let mut config = self.config.clone();
        config.opslag = self.opslag(place)?;
        config.sleutels = place.sleutels();
        Ok(config)
    }

    fn opslag(&self, place: &Place) -> anyhow::Result<Opslag> {
        let file = self.configuration("opslag.toml", &[("sqlite:ketenpoort.db", &place.url)])?;
        Ok(Config::load(&file)?.opslag)
    }

    fn profile(&self, partner: &str, adres: SocketAddr) -> anyhow::Result<Profile> {
        let dir = self.path().join("profielen").join(partner);
        let text = format!("adres = \"https://{adres}\"\nloket = \"algemeen\"\nmedewerker = \"{partner}-001\"\n");
        fs::write(dir.join("profiel.toml"), text)?;
        Ok(Profile::load(&dir)?)
    }

    /// A new connection of a partner.
    pub async fn channel(&self, partner: &str, adres: SocketAddr) -> anyhow::Result<Channel> {
        Ok(self.profile(partner, adres)?.channel().await?)
    }

    pub async fn client(&self, partner: &str, adres: SocketAddr) -> anyhow::Result<Client> {
        Ok(self.profile(partner, adres)?.connect().await?)
    }
}

impl Place {
    pub fn sleutels(&self) -> PathBuf {
        self.state.join("sleutels")
    }
}
