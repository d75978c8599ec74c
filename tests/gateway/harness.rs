//! A real gateway on port 0 with real certificates; the end of each test verifies the whole logboek.

mod calls;
mod clock;

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use ketenpoort::{
    client::Profile,
    config::{Config, Opslag, Port},
    domain::Clock,
    gateway::{Gateway, GatewayError},
    logboek::{Logregel, Soort, TlogProof, VerifyKey},
    proto::{
        self,
        client::{BeheerServiceClient, ExchangeServiceClient, InzageServiceClient, ToezichtServiceClient},
    },
    sleutels::KeyDirectory,
    store::{Database, Pool, ledger::regels::regels, verify},
};
use sqlx::{AnyConnection, AssertSqlSafe, Connection, any::install_default_drivers};
use tokio::{runtime::Handle, task::block_in_place};
use tonic::{Status, transport::Channel};

use self::clock::SeededRng;
pub use self::{calls::*, clock::TestClock};
use crate::postgres::Cluster;

/// The cluster that the tests share, where they run on PostgreSQL.
pub fn cluster() -> Option<&'static Cluster> {
    static CLUSTER: LazyLock<Option<Cluster>> =
        LazyLock::new(|| match std::env::var("KETENPOORT_TEST_STORE").as_deref() {
            Ok("postgres") => Some(Cluster::start(&["max_connections=500"])),
            Ok(other) => panic!("KETENPOORT_TEST_STORE is postgres or absent, not {other}"),
            Err(_) => None,
        });
    CLUSTER.as_ref()
}

pub type Client = ExchangeServiceClient<Channel>;

/// Longer than anything takes on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(20);

pub struct TestGateway {
    dir: tempfile::TempDir,
    pub clock: Arc<TestClock>,
    pub config: Config,
    running: Mutex<Option<Gateway>>,
    starts: AtomicU64,
}

impl TestGateway {
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let (dir, mut config) = data_dir();
        if let Opslag::Postgres(postgres) = &mut config.opslag {
            // Tests move the clock of the gateway, not that of the database.
            postgres.klokverschil_seconds = u64::MAX;
        }
        config.grpc.adres.set_port(0);
        config.beheer = Some(Port::at("127.0.0.1:0".parse().unwrap()));
        config.toezicht = Some(Port::at("127.0.0.1:0".parse().unwrap()));
        config.waarneming = Some("127.0.0.1:0".parse().unwrap());
        change(&mut config);
        let clock = Arc::new(TestClock::default());
        let gateway = Self { dir, clock, config, running: Mutex::new(None), starts: AtomicU64::new(1) };
        gateway.open().await;
        gateway
    }

    async fn launch(&self) -> Result<Gateway, GatewayError> {
        let clock: Arc<dyn Clock> = self.clock.clone();
        let rng = Arc::new(SeededRng(AtomicU64::new(self.starts.fetch_add(1, Ordering::SeqCst) << 32)));
        Gateway::start(&self.config, false, clock, rng).await
    }

    /// Starts a gateway that must refuse to. Gives why.
    #[track_caller]
    pub fn refuses(&self) -> impl Future<Output = String> {
        let caller = std::panic::Location::caller();
        async move { self.launch().await.err().unwrap_or_else(|| panic!("it started, at {caller}")).to_string() }
    }

    /// Waits until it ends by itself. Gives why.
    pub async fn ends(&self) -> String {
        let mut gateway = self.running.lock().unwrap().take().unwrap();
        gateway.ended().await.expect_err("it ended in order").to_string()
    }

    async fn open(&self) {
        let gateway = self.launch().await.unwrap();
        let (partners, beheer, toezicht) = (gateway.adres, gateway.beheer.unwrap(), gateway.toezicht);
        *self.running.lock().unwrap() = Some(gateway);
        for entry in std::fs::read_dir(self.dir.path().join("profielen")).unwrap() {
            let dir = entry.unwrap().path();
            let naam = dir.file_name().unwrap().to_str().unwrap();
            self.point(
                naam,
                match naam {
                    _ if naam.starts_with("beheer") || naam.starts_with("tekent-") => beheer,
                    _ if naam.starts_with("fg-") || naam.starts_with("contact-") || naam == "auditor" => {
                        toezicht.unwrap_or(partners)
                    }
                    _ => partners,
                },
            );
        }
    }

    /// Lets a profile connect to this port.
    pub fn point(&self, name: &str, adres: std::net::SocketAddr) {
        let file = self.profile_dir(name).join("profiel.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        let lines = text.lines().map(|line| match line.strip_prefix("adres = ") {
            Some(_) => format!("adres = \"https://{adres}\"\n"),
            None => format!("{line}\n"),
        });
        std::fs::write(&file, lines.collect::<String>()).unwrap();
    }

    pub async fn stop(&self) {
        let running = self.running.lock().unwrap().take();
        if let Some(mut gateway) = running {
            gateway.stop();
            gateway.ended().await.unwrap();
        }
    }

    /// Stops, changes the configuration, starts again on the same database.
    pub async fn restart_with(&mut self, change: impl FnOnce(&mut Config)) {
        self.stop().await;
        change(&mut self.config);
        self.open().await;
    }

    /// Reads certificates and revocation lists again, as SIGHUP does.
    pub async fn reload(&self) -> Result<(), GatewayError> {
        let reload = self.running.lock().unwrap().as_ref().unwrap().reload();
        reload.await
    }

    /// Where partners connect.
    pub fn adres(&self) -> std::net::SocketAddr {
        self.running.lock().unwrap().as_ref().unwrap().adres
    }

    /// Where it tells how it stands.
    pub fn waarneming(&self) -> std::net::SocketAddr {
        self.running.lock().unwrap().as_ref().unwrap().waarneming.unwrap()
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// For reading what the gateway wrote.
    pub async fn read(&self) -> Pool {
        Database::read_only(&self.config.opslag).await.unwrap()
    }

    /// For whoever comes beside the gateway, and may do anything.
    pub async fn sql(&self) -> AnyConnection {
        install_default_drivers();
        let url = match &self.config.opslag {
            Opslag::Sqlite { bestand, .. } => format!("sqlite://{}", bestand.display()),
            Opslag::Postgres(postgres) => postgres.servers[0].url().to_string(),
        };
        AnyConnection::connect(&url).await.unwrap()
    }

    /// Everything that the database keeps, as bytes.
    pub async fn stored(&self) -> Vec<u8> {
        if let Opslag::Sqlite { bestand, .. } = &self.config.opslag {
            return std::fs::read(bestand).unwrap();
        }
        let mut sql = self.sql().await;
        let tables = "SELECT CAST(tablename AS TEXT) FROM pg_tables WHERE schemaname = 'public'";
        let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&mut sql).await.unwrap();
        let mut stored = Vec::new();
        for table in tables {
            let rows = AssertSqlSafe(format!("SELECT CAST(t AS TEXT) FROM {table} t"));
            let rows: Vec<String> = sqlx::query_scalar(rows).fetch_all(&mut sql).await.unwrap();
            for row in rows {
                // Bytes stand in it as \\x and hexadecimal digits.
                for part in row.split("\\\\x") {
                    let digits = part.find(|digit: char| !digit.is_ascii_hexdigit()).unwrap_or(part.len());
                    stored.extend(hex::decode(&part[..digits]).unwrap_or_default());
                    stored.extend(part.as_bytes());
                }
            }
        }
        stored
    }

    pub fn profile_dir(&self, name: &str) -> PathBuf {
        self.dir.path().join("profielen").join(name)
    }

    pub fn profile(&self, name: &str) -> Profile {
        Profile::load(&self.profile_dir(name)).unwrap()
    }

    /// A client of the service for partners, with this profile.
    pub async fn client(&self, name: &str) -> Client {
        self.profile(name).connect().await.unwrap()
    }

    /// A client of beheer.
    pub async fn beheer(&self) -> BeheerServiceClient<Channel> {
        self.beheer_as("beheer").await
    }

    /// A client of beheer, for another operator or somebody who signs.
    pub async fn beheer_as(&self, name: &str) -> BeheerServiceClient<Channel> {
        BeheerServiceClient::new(self.profile(name).channel().await.unwrap())
    }

    /// A client of toezicht, with the profile of an FG or auditor.
    pub async fn toezicht(&self, name: &str) -> ToezichtServiceClient<Channel> {
        ToezichtServiceClient::new(self.profile(name).channel().await.unwrap())
    }

    /// The address of the port for toezicht, as its profiles have it.
    pub fn toezicht_adres(&self) -> String {
        let text = std::fs::read_to_string(self.profile_dir("auditor").join("profiel.toml")).unwrap();
        text.split_once("https://").unwrap().1.split('"').next().unwrap().to_owned()
    }

    /// A client for dossiers, with the profile of a contactpunt, FG or auditor.
    pub async fn inzage(&self, name: &str) -> InzageServiceClient<Channel> {
        InzageServiceClient::new(self.profile(name).channel().await.unwrap())
    }

    /// The document that is in force, with other words in it.
    pub fn edited(&self, file: &str, from: &str, to: &str) -> proto::NieuwDocument {
        let tekst = std::fs::read_to_string(self.dir.path().join(file)).unwrap();
        assert!(tekst.contains(from), "{from} is not in {file}");
        proto::NieuwDocument { herkomst: file.to_owned(), tekst: tekst.replace(from, to) }
    }

    /// Changes what is in force, as beheer.
    pub async fn load(&self, laden: Vec<proto::NieuwDocument>) -> Result<proto::ChangeDocumentsResponse, Status> {
        let request = proto::ChangeDocumentsRequest {
            laden,
            intrekken: Vec::new(),
            reden: "een test".to_owned(),
            medewerker: "beheer-7".to_owned(),
            proef: false,
        };
        Ok(self.beheer().await.change_documents(request).await?.into_inner())
    }

    /// Ends the term of the convenant under `check` in the past.
    pub async fn lapse(&self) {
        let ended = self.edited(
            "convenanten/zvh-baronie-breda.toml",
            "geldig_tot_en_met = 2035-12-31",
            "geldig_tot_en_met = 2026-01-02",
        );
        self.load(vec![ended]).await.unwrap();
    }

    pub fn vkey(&self) -> VerifyKey {
        KeyDirectory::read_vkey(&self.config.sleutels).unwrap().parse().unwrap()
    }

    pub async fn regels(&self) -> Vec<Logregel> {
        let read = self.read().await;
        let regels = regels(&read, 0, 100_000).await.unwrap();
        regels.iter().map(|(_, leaf)| Logregel::from_leaf(leaf).unwrap()).collect()
    }

    /// Regels as "soort" or "geweigerd:code", without those of the documents that the first start put in force.
    pub async fn soorten(&self) -> Vec<String> {
        let name = |regel: Logregel| match regel.weigering {
            Some(code) => format!("{}:{code}", regel.soort.as_str()),
            None => regel.soort.as_str().to_owned(),
        };
        let by_files = |regel: &Logregel| {
            regel.actor.is_none() && matches!(regel.soort, Soort::PartnerGewijzigd | Soort::ConvenantGewijzigd)
        };
        self.regels().await.into_iter().filter(|regel| !by_files(regel)).map(name).collect()
    }

    pub fn verify_proof(&self, proof: &str) -> Logregel {
        let proof: TlogProof = proof.parse().unwrap();
        Logregel::from_leaf(&proof.verify(&self.vkey()).unwrap().leaf).unwrap()
    }
}

impl Drop for TestGateway {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        block_in_place(|| {
            Handle::current().block_on(async {
                self.stop().await;
                let read = self.read().await;
                let sound = verify::verify(&read, &self.vkey(), &[], None, &|_, _| {}).await.unwrap();
                assert!(sound.regels() > 0);
            });
        });
    }
}

/// What `init` makes, on the store of these tests.
pub fn data_dir() -> (tempfile::TempDir, Config) {
    let dir = tempfile::tempdir().unwrap();
    let mut init = Command::new(env!("CARGO_BIN_EXE_ketenpoort"));
    assert!(init.args(["init", "--data-dir"]).arg(dir.path()).output().unwrap().status.success());
    let file = dir.path().join("ketenpoort.toml");
    if let Some(cluster) = cluster() {
        edit(&file, "sqlite:ketenpoort.db", &cluster.url(&cluster.database()));
    }
    let config = Config::load(&file).unwrap();
    (dir, config)
}

/// Changes a file before the gateway starts.
pub fn edit(file: &Path, from: &str, to: &str) {
    let text = std::fs::read_to_string(file).unwrap();
    assert!(text.contains(from), "{from} is not in {}", file.display());
    std::fs::write(file, text.replace(from, to)).unwrap();
}
