//! Random histories of a logboek, held to a naive reference: whatever happens to gateways and their database, all heads that were ever
//! signed form one chain, or the gateway has stopped.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use ketenpoort::{
    clock::{SystemClock, SystemRng},
    config::Opslag,
    domain::Klok,
    logboek::{self, Head, Logregel, Signer, Soort, VerifyKey, leaf_hash, node_hash},
    sleutels::KeyDirectory,
    store::{Alone, Database, Event, OpenError, Store, StoreError, ledger::regels::regels, verify},
};
use sqlx::{Connection, SqliteConnection};
use tempfile::TempDir;
use tokio::task::JoinHandle;

const NAAM: &str = "geschiedenis.test/2026";
const TABLES: [&str; 5] = ["logregels", "openingen", "tegels", "checkpoints", "logboek"];

/// Small and repeatable: a step of a linear congruence, of which the upper bits are taken.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// The root of RFC 6962, section 2.1, as it stands there.
fn naive_root(leaves: &[[u8; 32]]) -> [u8; 32] {
    match leaves {
        [] => logboek::empty_root(),
        [one] => *one,
        more => {
            let (left, right) = more.split_at(more.len().next_power_of_two() / 2);
            node_hash(&naive_root(left), &naive_root(right))
        }
    }
}

struct Running {
    store: Store,
    writer: JoinHandle<Result<(), StoreError>>,
}

/// A gateway as far as its logboek goes: what it remembers, and what runs of it.
#[derive(Default)]
struct Gateway {
    guard: Option<Head>,
    running: Option<Running>,
}

struct World {
    dir: TempDir,
    keys: KeyDirectory,
    key: VerifyKey,
    gateways: [Gateway; 2],
    /// Every checkpoint that anybody ever saw, with its size and root.
    signed: Vec<(u64, [u8; 32])>,
    copies: Vec<PathBuf>,
    number: u64,
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let keys = KeyDirectory::open(&dir.path().join("sleutels"), true, &SystemRng).unwrap();
        let key = Signer::from_seed(NAAM, keys.logboek_seed()).unwrap().vkey();
        Self { dir, keys, key, gateways: Default::default(), signed: Vec::new(), copies: Vec::new(), number: 0 }
    }

    fn file(&self) -> PathBuf {
        self.dir.path().join("ketenpoort.db")
    }

    async fn open(&self, kept: Option<Head>) -> Result<Running, OpenError> {
        let opslag = Opslag::Sqlite { bestand: self.file(), grootste_mebibytes: None };
        let database = opened(&opslag).await?;
        let signer = Signer::from_seed(NAAM, self.keys.logboek_seed()).unwrap();
        let klok = Arc::new(Klok::start(Arc::new(SystemClock), None, None));
        let openingen = self.keys.openingen(Arc::new(SystemRng));
        let read = database.read.clone();
        match database.start(NAAM, &self.keys.mark(), signer, openingen, klok, kept).await {
            Ok((store, writer)) => Ok(Running { store, writer }),
            Err(error) => {
                read.close().await;
                Err(error)
            }
        }
    }

    /// Starts a gateway, unless it runs; only one has the database at a time.
    async fn start(&mut self, at: usize) -> Result<(), OpenError> {
        self.stop(1 - at).await;
        if self.gateways[at].running.is_none() {
            let running = self.open(self.gateways[at].guard.clone()).await?;
            self.gateways[at].running = Some(running);
        }
        Ok(())
    }

    /// Stops a gateway in order: it remembers all that it signed or saw.
    async fn stop(&mut self, at: usize) {
        if let Some(Running { store, writer }) = self.gateways[at].running.take() {
            self.gateways[at].guard = Some(store.head().as_ref().clone()).filter(|head| head.grootte() > 0);
            store.read.close().await;
            drop(store);
            drop(writer.await);
        }
    }

    /// As kill -9: what it remembers is what its guard file had by then.
    async fn crash(&mut self, at: usize) {
        let guard = self.gateways[at].guard.clone();
        self.stop(at).await;
        self.gateways[at].guard = guard;
    }

    /// Writes one regel. Gives whether that succeeded.
    async fn append(&mut self, at: usize) -> bool {
        self.number += 1;
        let regel =
            Logregel { document: Some(self.number.to_string()), ..Logregel::new(String::new(), Soort::Beheerd) };
        let alone = Alone::new(regel);
        let store = &self.gateways[at].running.as_ref().unwrap().store;
        store.writer.write(|reply| Event::Log(Box::new(alone), reply)).await.is_ok()
    }

    async fn sql(&self, text: &'static str) {
        let url = format!("sqlite://{}", self.file().display());
        let mut sql = SqliteConnection::connect(&url).await.unwrap();
        sqlx::raw_sql(text).execute(&mut sql).await.unwrap();
        sql.close().await.unwrap();
    }

    /// Keeps the database as it is, with no gateway on it.
    async fn copy(&mut self) -> PathBuf {
        self.stop(0).await;
        self.stop(1).await;
        let copy = self.dir.path().join(format!("kopie-{}.db", self.copies.len()));
        fs::copy(self.file(), &copy).unwrap();
        self.copies.push(copy.clone());
        copy
    }

    fn put(&self, copy: &Path) {
        for beside in ["-wal", "-shm"] {
            drop(fs::remove_file(format!("{}{beside}", self.file().display())));
        }
        fs::copy(copy, self.file()).unwrap();
    }

    /// Holds every checkpoint in the database to its regels by the naive tree, and to all that was ever signed.
    async fn look(&mut self) {
        let Some(running) = self.gateways.iter().find_map(|gateway| gateway.running.as_ref()) else { return };
        let leaves: Vec<[u8; 32]> =
            regels(&running.store.read, 0, 10_000).await.unwrap().iter().map(|(_, leaf)| leaf_hash(leaf)).collect();
        let notes: Vec<String> = sqlx::query_scalar("SELECT nota FROM checkpoints ORDER BY grootte")
            .fetch_all(&running.store.read)
            .await
            .unwrap();
        for nota in notes {
            let checkpoint = logboek::open(&nota, &self.key).unwrap();
            let size = usize::try_from(checkpoint.size).unwrap();
            assert_eq!(checkpoint.root, naive_root(&leaves[..size]), "a checkpoint of {size} is not of its regels");
            match self.signed.iter().find(|(known, _)| *known == checkpoint.size) {
                Some((_, root)) => assert_eq!(*root, checkpoint.root, "two heads of {size} were signed"),
                None => self.signed.push((checkpoint.size, checkpoint.root)),
            }
        }
        for (size, root) in &self.signed {
            let of = leaves.get(..usize::try_from(*size).unwrap());
            assert_eq!(of.map(naive_root), Some(*root), "a head of {size} that was signed is no longer a prefix");
        }
    }
}

/// Other tests start processes beside this one, and each has the lock of its parent too until it begins.
async fn opened(opslag: &Opslag) -> Result<Database, OpenError> {
    let until = Instant::now() + Duration::from_secs(2);
    loop {
        match Database::open(opslag).await {
            Err(OpenError::InUse(_)) if Instant::now() < until => tokio::time::sleep(Duration::from_millis(20)).await,
            opened => return opened,
        }
    }
}

/// One thing that happens.
async fn step(world: &mut World, dice: &mut Dice) -> &'static str {
    let at = usize::try_from(dice.roll(2)).unwrap();
    match dice.roll(10) {
        0..=3 => {
            world.start(at).await.unwrap();
            for _ in 0..=dice.roll(3) {
                assert!(world.append(at).await);
            }
            "append"
        }
        4 => {
            world.start(at).await.unwrap();
            world.stop(at).await;
            world.start(at).await.unwrap();
            "restart"
        }
        5 => {
            // What was committed is not remembered: as after a commit whose outcome nobody heard.
            world.start(at).await.unwrap();
            assert!(world.append(at).await);
            world.crash(at).await;
            world.start(at).await.unwrap();
            "crash"
        }
        6 => {
            world.stop(at).await;
            world.gateways[at].guard = None;
            world.start(at).await.unwrap();
            "guard lost"
        }
        7 => {
            fail_a_write(world, dice, at).await;
            "write failed"
        }
        8 => {
            put_back(world, at, false).await;
            "put back"
        }
        _ => {
            put_back(world, at, true).await;
            "fork"
        }
    }
}

/// A statement of the append path fails, and nothing of its transaction stays.
async fn fail_a_write(world: &mut World, dice: &mut Dice, at: usize) {
    world.start(at).await.unwrap();
    // Enough for each table to be written: a tile is at each 256th regel only, which is tried by itself.
    let table = ["logregels", "checkpoints", "logboek"][usize::try_from(dice.roll(3)).unwrap()];
    let trigger: &'static str = match table {
        "logregels" => "CREATE TRIGGER stuk BEFORE INSERT ON logregels BEGIN SELECT RAISE(ABORT, 'stuk'); END",
        "checkpoints" => "CREATE TRIGGER stuk BEFORE INSERT ON checkpoints BEGIN SELECT RAISE(ABORT, 'stuk'); END",
        _ => "CREATE TRIGGER stuk BEFORE UPDATE ON logboek BEGIN SELECT RAISE(ABORT, 'stuk'); END",
    };
    world.sql(trigger).await;
    assert!(!world.append(at).await, "it was acknowledged without {table}");
    world.sql("DROP TRIGGER stuk").await;
    assert!(world.append(at).await);
}

/// An earlier state comes back, perhaps after it went on elsewhere: nobody who knows more goes on with it.
async fn put_back(world: &mut World, at: usize, goes_on: bool) {
    world.start(at).await.unwrap();
    assert!(world.append(at).await);
    let old = world.copy().await;
    world.start(at).await.unwrap();
    for _ in 0..2 {
        assert!(world.append(at).await);
    }
    let newest = world.copy().await;
    world.put(&old);
    if goes_on {
        // By a gateway that knows nothing of it, with the same keys; whatever it signs is not looked at here.
        let elsewhere = world.open(None).await.unwrap();
        world.gateways[1 - at].running = Some(elsewhere);
        for _ in 0..4 {
            assert!(world.append(1 - at).await);
        }
        let guard = world.gateways[1 - at].guard.clone();
        world.stop(1 - at).await;
        world.gateways[1 - at].guard = guard;
    }
    let before = fs::read(world.file()).unwrap();
    let refused = world.open(world.gateways[at].guard.clone()).await.err().expect("it went on after a fork");
    assert!(matches!(refused, OpenError::Store(StoreError::Fork(_))), "{refused}");
    assert_eq!(fs::read(world.file()).unwrap(), before, "a start that was refused wrote something");
    world.put(&newest);
    world.start(at).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_random_histories_sign_one_chain_or_stop() {
    for seed in 0..500 {
        let (mut world, mut dice) = (World::new(), Dice(seed));
        let mut told = Vec::new();
        for _ in 0..8 {
            told.push(step(&mut world, &mut dice).await);
            world.look().await;
        }
        world.stop(0).await;
        world.stop(1).await;
        let read =
            Database::read_only(&Opslag::Sqlite { bestand: world.file(), grootste_mebibytes: None }).await.unwrap();
        let sound = verify::logboeken(&read, &world.key, &[], &|_, _| {}).await;
        assert!(sound.is_ok(), "history {seed}: {told:?}: {sound:?}");
        read.close().await;
    }
}

/// Each write of the append path fails once, in a transaction that also fills a tile and seals an opening.
#[tokio::test(flavor = "multi_thread")]
async fn whichever_write_fails_nothing_of_its_transaction_stays() {
    let mut world = World::new();
    world.start(0).await.unwrap();
    let mut appended = 0;
    for table in TABLES {
        // Up to the regel that fills a tile.
        while (appended + 2) % 256 != 0 {
            assert!(world.append(0).await);
            appended += 1;
        }
        let triggers = match table {
            "logboek" => "CREATE TRIGGER stuk BEFORE UPDATE ON logboek BEGIN SELECT RAISE(ABORT, 'stuk'); END",
            "logregels" => "CREATE TRIGGER stuk BEFORE INSERT ON logregels BEGIN SELECT RAISE(ABORT, 'stuk'); END",
            "openingen" => "CREATE TRIGGER stuk BEFORE INSERT ON openingen BEGIN SELECT RAISE(ABORT, 'stuk'); END",
            "tegels" => "CREATE TRIGGER stuk BEFORE INSERT ON tegels BEGIN SELECT RAISE(ABORT, 'stuk'); END",
            _ => "CREATE TRIGGER stuk BEFORE INSERT ON checkpoints BEGIN SELECT RAISE(ABORT, 'stuk'); END",
        };
        world.sql(triggers).await;
        let before = world.gateways[0].running.as_ref().unwrap().store.head();
        let failed = with_an_opening(&world).await;
        assert!(!failed, "it was acknowledged without {table}");
        assert_eq!(world.gateways[0].running.as_ref().unwrap().store.head(), before, "{table}: the head moved");
        world.sql("DROP TRIGGER stuk").await;
        assert!(with_an_opening(&world).await, "{table}: it does not go on");
        appended += 1;
        world.look().await;
    }
    world.stop(0).await;
}

/// A regel with a commitment that has an opening. Gives whether it was written.
async fn with_an_opening(world: &World) -> bool {
    use ketenpoort::{
        sleutels::{CommitmentOpening, Veld},
        store::Committed,
    };
    let opening = CommitmentOpening {
        zout: [1; 32],
        hoofdpersoon: false,
        pseudoniemen: Vec::new(),
        tekst: Some("een".to_owned()),
    };
    let medewerker = Committed::to(b"een", opening);
    let regel =
        Logregel { medewerker: Some(medewerker.commitment.clone()), ..Logregel::new(String::new(), Soort::Beheerd) };
    let alone = Alone { openings: vec![(Veld::Medewerker, vec![medewerker])], ..Alone::new(regel) };
    let store = &world.gateways[0].running.as_ref().unwrap().store;
    store.writer.write(|reply| Event::Log(Box::new(alone), reply)).await.is_ok()
}
