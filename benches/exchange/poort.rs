//! The gateway and its data directory.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use anyhow::{Context, bail, ensure};
use ketenpoort::{
    client::Profile,
    clock::{SystemClock, SystemRng},
    config::{Config, Opslag},
    gateway::Gateway,
};
use tempfile::TempDir;
use tonic::transport::Channel;

use crate::{
    measure::{Plan, Samples, repeat},
    partners::{Client, ONTVANGER, SENDER, Sender, Waiting, receive},
    postgres::Cluster,
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
}

impl DataDir {
    /// On the disk that holds `target`, where the system's directory for temporary files may be memory.
    pub fn create(postgres: bool) -> anyhow::Result<Self> {
        let dir = tempfile::Builder::new().prefix("bench-").tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
        let data = dir.path().join("data");
        let init = Command::new(env!("CARGO_BIN_EXE_ketenpoort")).arg("init").arg("--data-dir").arg(&data).output()?;
        ensure!(init.status.success(), "init: {}", String::from_utf8_lossy(&init.stderr));
        let mut config = Config::load(&data.join("ketenpoort.toml"))?;
        config.grpc = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        config.beheer = None;
        config.bounds.postvak = POSTVAK;
        let cluster = postgres.then(|| Cluster::start(&[]));
        Ok(Self { dir, config, cluster })
    }

    /// An empty store, that of a file in this directory where there is no cluster.
    fn opslag(&self, state: &Path) -> anyhow::Result<Opslag> {
        let Some(cluster) = &self.cluster else {
            return Ok(Opslag::Sqlite { bestand: state.join("ketenpoort.db"), grootste_mebibytes: None });
        };
        let data = self.dir.path().join("data");
        let text = fs::read_to_string(data.join("ketenpoort.toml"))?;
        let file = data.join("postgres.toml");
        fs::write(&file, text.replace("sqlite:ketenpoort.db", &cluster.url(&cluster.database())))?;
        Ok(Config::load(&file)?.opslag)
    }

    fn profile(&self, partner: &str, adres: SocketAddr) -> anyhow::Result<Profile> {
        let dir = self.dir.path().join("data/profielen").join(partner);
        let text = format!("adres = \"https://{adres}\"\nloket = \"algemeen\"\nmedewerker = \"{partner}-001\"\n");
        fs::write(dir.join("profiel.toml"), text)?;
        Ok(Profile::load(&dir)?)
    }

    /// A new connection of a partner.
    pub async fn channel(&self, partner: &str, adres: SocketAddr) -> anyhow::Result<Channel> {
        Ok(self.profile(partner, adres)?.channel().await?)
    }

    async fn client(&self, partner: &str, adres: SocketAddr) -> anyhow::Result<Client> {
        Ok(self.profile(partner, adres)?.connect().await?)
    }
}

/// A running gateway with an empty database.
pub struct Poort {
    gateway: Gateway,
    /// Database and keys.
    state: PathBuf,
}

impl Poort {
    pub async fn start(data: &DataDir) -> anyhow::Result<Self> {
        let state = tempfile::Builder::new().prefix("poort-").tempdir_in(data.dir.path())?.keep();
        let mut config = data.config.clone();
        config.opslag = data.opslag(&state)?;
        config.sleutels = state.join("sleutels");
        let gateway = Gateway::start(&config, false, Arc::new(SystemClock), Arc::new(SystemRng)).await?;
        Ok(Self { gateway, state })
    }

    /// Stops, and makes room on the disk.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        self.gateway.stop();
        self.gateway.ended().await?;
        Ok(fs::remove_dir_all(&self.state)?)
    }

    /// Send up to the receipt.
    pub async fn send(&self, data: &DataDir, in_flight: usize, plan: Plan) -> anyhow::Result<Samples> {
        let sender = Sender::new(data.client(SENDER.0, self.gateway.adres).await?)?;
        let send = move || {
            let sender = sender.clone();
            async move { sender.send(sender.request(sender.zaaknummer())).await }
        };
        repeat(in_flight, plan, send).await
    }

    /// Send up to the confirmation, durable, of who received it.
    pub async fn exchange(&self, data: &DataDir, in_flight: usize, plan: Plan) -> anyhow::Result<Samples> {
        let sender = Sender::new(data.client(SENDER.0, self.gateway.adres).await?)?;
        let receiver = data.client(ONTVANGER.0, self.gateway.adres).await?;
        let waiting = Waiting::default();
        let mut receiving = tokio::spawn(receive(receiver, waiting.clone()));
        let exchange = move || {
            let (sender, waiting) = (sender.clone(), waiting.clone());
            async move {
                let zaaknummer = sender.zaaknummer();
                // Before it is sent: delivery may overtake the receipt.
                let confirmed = waiting.wait_for(zaaknummer.clone());
                sender.send(sender.request(zaaknummer)).await?;
                confirmed.await.context("the receiver left")
            }
        };
        let samples = tokio::select! {
            samples = repeat(in_flight, plan, exchange) => samples,
            ended = &mut receiving => {
                ended??;
                bail!("the gateway closed the postvak");
            }
        };
        receiving.abort();
        samples
    }
}
