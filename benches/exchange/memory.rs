//! What memory a gateway has, as a process of its own.

use std::{
    fs::{self, File},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use tokio::time::sleep;

use crate::{
    data::{DataDir, Place},
    fill::loketten,
    partners::Postvak,
};

/// Streams of all partners together.
const STREAMS: usize = 1000;
/// As many as the gateway lets one connection have.
const STREAMS_A_CONNECTION: usize = 64;
/// A start on a busy machine takes less.
const PATIENCE: Duration = Duration::from_mins(1);
/// Memory that changed no more than a hundredth for so long is what the gateway has.
const QUIET: Duration = Duration::from_secs(10);
/// No longer than this is waited for that.
const LONGEST: Duration = Duration::from_mins(1);

/// `ketenpoort serve`, which ends with this.
pub struct Serving<'a> {
    data: &'a DataDir,
    place: Option<Place>,
    child: Child,
    adres: SocketAddr,
}

impl<'a> Serving<'a> {
    /// Starts one on an empty store, or on a copy of the filled one.
    pub async fn start(data: &'a DataDir) -> anyhow::Result<Self> {
        let place = data.begin()?;
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let adres = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let sleutels = place.sleutels();
        let changes = [
            ("sqlite:ketenpoort.db", place.url.as_str()),
            ("map = \"sleutels\"", &format!("map = \"{}\"", sleutels.display())),
            ("127.0.0.1:7443", &adres.to_string()),
            ("127.0.0.1:7444", "127.0.0.1:0"),
            ("127.0.0.1:7446", "127.0.0.1:0"),
            ("[beheer]", "# [beheer]"),
            ("adres = \"127.0.0.1:7445\"", ""),
        ];
        let config = data.configuration("serve.toml", &changes)?;
        let log = File::create(place.state.join("proceslog.txt"))?;
        let mut serve = Command::new(env!("CARGO_BIN_EXE_ketenpoort"));
        serve.env_remove("KETENPOORT_DATABASE_URL").env_remove("KETENPOORT_LOG");
        serve.args(["serve", "--dev", "--config"]).arg(config).stdin(Stdio::null()).stderr(log);
        let mut serving = Self { data, place: Some(place), child: serve.spawn()?, adres };
        let began = Instant::now();
        while TcpStream::connect(adres).is_err() {
            ensure!(serving.child.try_wait()?.is_none() && began.elapsed() < PATIENCE, "serve does not start");
            sleep(Duration::from_millis(20)).await;
        }
        Ok(serving)
    }

    /// With nobody connected.
    pub async fn idle(&self) -> anyhow::Result<f64> {
        self.settled().await
    }

    /// With a thousand postvakken open, in which nothing waits.
    pub async fn with_streams(&self) -> anyhow::Result<f64> {
        let plaatsen: Vec<_> = loketten().collect();
        let mut open = Vec::new();
        for connection in 0..STREAMS.div_ceil(STREAMS_A_CONNECTION) {
            let (partner, loket) = plaatsen[connection % plaatsen.len()];
            let mut client = self.data.client(partner, self.adres).await?;
            for _ in 0..STREAMS_A_CONNECTION.min(STREAMS - open.len()) {
                let mut postvak = Postvak::open(&mut client, loket).await?;
                postvak.empty().await?;
                open.push(postvak);
            }
        }
        self.settled().await
    }

    pub fn stop(mut self) -> anyhow::Result<()> {
        self.end();
        self.place.take().map_or(Ok(()), |place| self.data.remove(place))
    }

    fn end(&mut self) {
        // One that ended before has nothing to be told.
        drop(self.child.kill());
        drop(self.child.wait());
    }

    /// Resident memory once it hardly changes, mebibytes.
    async fn settled(&self) -> anyhow::Result<f64> {
        let began = Instant::now();
        let (mut reference, mut since) = (self.resident()?, Instant::now());
        while since.elapsed() < QUIET && began.elapsed() < LONGEST {
            sleep(Duration::from_millis(500)).await;
            let now = self.resident()?;
            if (now - reference).abs() > reference / 100.0 {
                (reference, since) = (now, Instant::now());
            }
        }
        self.resident()
    }

    fn resident(&self) -> anyhow::Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("serve has ended")?;
        let kibibytes: f64 = line.trim().trim_end_matches(" kB").parse()?;
        Ok(kibibytes / 1024.0)
    }
}

impl Drop for Serving<'_> {
    fn drop(&mut self) {
        self.end();
    }
}
