//! A throw-away PostgreSQL cluster of the system's own version, run by an ordinary user.

use std::{
    fs,
    io::Write,
    net::TcpListener,
    os::unix::fs::{PermissionsExt, chown},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);
/// Who owns every database; no superuser.
pub const USER: &str = "ketenpoort";

/// A server and its data. Both are gone when this is, and also when the process of the test ends in another way.
pub struct Cluster {
    dir: Arc<TempDir>,
    port: u16,
    /// Of the server.
    environment: Vec<(String, String)>,
    /// Ends the server when its standard input gets a line or closes; closed without a line, it removes the data too: nobody else is left to.
    guard: Option<Child>,
}

impl Cluster {
    /// A running server with nothing in it.
    pub fn start(settings: &[&str]) -> Self {
        Self::start_in(settings, Vec::new())
    }

    /// The same, with these variables in the environment of the server.
    pub fn start_in(settings: &[&str], environment: Vec<(String, String)>) -> Self {
        let mut cluster = Self::empty();
        cluster.environment = environment;
        let (data, user) = (cluster.data(), "--username=beheer");
        run(as_postgres(&program("initdb"))
            .args([user, "--auth=trust", "--no-sync", "--encoding=UTF8", "-D"])
            .arg(data));
        let mut cluster = cluster.serve(settings);
        cluster.wait();
        run(cluster.psql("postgres").args(["-c", &format!("CREATE ROLE {USER} LOGIN CREATEDB")]));
        cluster.guard.as_ref().expect("it runs");
        cluster
    }

    /// A place for a server.
    pub fn empty() -> Self {
        // The path of a socket is short, and an ordinary user must reach it.
        let dir = tempfile::Builder::new().prefix("kp-pg-").tempdir_in("/tmp").unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        give(dir.path());
        let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        Self { dir: Arc::new(dir), port, environment: Vec::new(), guard: None }
    }

    /// Starts the server on the data that is there.
    pub fn serve(mut self, settings: &[&str]) -> Self {
        self.run(settings);
        self
    }

    fn run(&mut self, settings: &[&str]) {
        let mut server = as_postgres(Path::new("/usr/bin/env"));
        server.args(self.environment.iter().map(|(name, value)| format!("{name}={value}"))).arg(program("postgres"));
        server.arg("-D").arg(self.data()).arg("-k").arg(self.dir.path()).args(["-p", &self.port.to_string()]);
        for setting in ["listen_addresses=", "max_connections=200", "shared_buffers=64MB"].iter().chain(settings) {
            server.args(["-c", setting]);
        }
        let words: Vec<String> = std::iter::once(server.get_program())
            .chain(server.get_args())
            .map(|word| format!("'{}'", word.to_str().unwrap()))
            .collect();
        let log = self.dir.path().join("log.txt");
        let (server, dir) = (words.join(" "), self.dir.path().display());
        let script = format!(
            "{server} >>'{}' 2>&1 & read -r _; alone=$?; kill -QUIT $! 2>/dev/null; wait; [ $alone = 0 ] || rm -rf '{dir}'",
            log.display()
        );
        let guard = Command::new("sh").arg("-c").arg(script).stdin(Stdio::piped()).spawn().unwrap();
        self.guard = Some(guard);
    }

    /// A standby of this server, running.
    pub fn standby(&self, settings: &[&str]) -> Self {
        self.standby_at(Self::empty().place(), settings)
    }

    /// Where a server is.
    pub fn place(&self) -> (Arc<TempDir>, u16) {
        (Arc::clone(&self.dir), self.port)
    }

    /// A standby of this server, in the place of one that is gone.
    pub fn standby_at(&self, (dir, port): (Arc<TempDir>, u16), settings: &[&str]) -> Self {
        let standby = Self { dir, port, environment: Vec::new(), guard: None };
        if standby.data().exists() {
            fs::remove_dir_all(standby.data()).unwrap();
        }
        let mut copy = as_postgres(&program("pg_basebackup"));
        copy.args(["-X", "stream", "-R", "-c", "fast", "-U", "beheer", "-h"]).arg(self.dir.path());
        run(copy.args(["-p", &self.port.to_string(), "-D"]).arg(standby.data()));
        let mut standby = standby.serve(settings);
        standby.wait();
        standby
    }

    /// Waits until a standby has everything, and from here on waits for it at each commit.
    pub fn wait_for_standby(&self) {
        self.set("synchronous_standby_names", "*");
        let deadline = Instant::now() + PATIENCE;
        while self.sql("postgres", "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'") != "1" {
            assert!(Instant::now() < deadline, "the standby does not follow:\n{}", self.log());
            thread::park_timeout(Duration::from_millis(20));
        }
    }

    /// Changes a setting of the running server.
    pub fn set(&self, name: &str, value: &str) {
        self.sql("postgres", &format!("ALTER SYSTEM SET {name} = '{value}'"));
        self.sql("postgres", "SELECT pg_reload_conf()");
        let deadline = Instant::now() + PATIENCE;
        while self.sql("postgres", &format!("SHOW {name}")) != value {
            assert!(Instant::now() < deadline, "{name} is not taken over:\n{}", self.log());
            thread::park_timeout(Duration::from_millis(10));
        }
    }

    /// A standby becomes the server that takes writes.
    pub fn promote(&self) {
        self.sql("postgres", "SELECT pg_promote()");
    }

    /// Lets no file of the server grow beyond so many bytes: a disk that is full.
    pub fn limit_files(&self, most: Option<u64>) {
        let most = most.map_or("unlimited".to_owned(), |most| most.to_string());
        for process in self.processes() {
            let mut limit = as_postgres(Path::new("/usr/bin/prlimit"));
            limit.args(["--pid", &process, &format!("--fsize={most}:")]).stderr(Stdio::null());
            // A session may have ended meanwhile.
            limit.status().unwrap();
        }
    }

    /// The server and everything that it started.
    fn processes(&self) -> Vec<String> {
        let first = fs::read_to_string(self.data().join("postmaster.pid")).unwrap();
        let server = first.lines().next().unwrap().to_owned();
        let children = Command::new("pgrep").args(["-P", &server]).output().unwrap();
        let children = String::from_utf8(children.stdout).unwrap();
        std::iter::once(server).chain(children.split_whitespace().map(str::to_owned)).collect()
    }

    /// SIGKILL, for the server and everything that it started: as when its machine loses power.
    pub fn kill(&self) {
        let mut kill = Command::new("kill");
        // One that ended between is as dead.
        kill.arg("-KILL").args(self.processes()).stderr(Stdio::null()).status().unwrap();
    }

    /// Waits until it answers.
    pub fn wait(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        while !self.psql("postgres").args(["-c", "SELECT 1"]).output().unwrap().status.success() {
            assert!(Instant::now() < deadline, "PostgreSQL does not start:\n{}", self.log());
            thread::park_timeout(Duration::from_millis(20));
        }
    }

    /// `psql` as superuser.
    pub fn psql(&self, database: &str) -> Command {
        let mut psql = as_postgres(&program("psql"));
        psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-U", "beheer", "-h"]).arg(self.dir.path());
        psql.args(["-p", &self.port.to_string(), "-d", database]);
        psql
    }

    /// What a statement of the superuser gives.
    pub fn sql(&self, database: &str, statement: &str) -> String {
        run(self.psql(database).args(["-c", statement]))
    }

    /// A new database, of the ordinary user.
    pub fn database(&self) -> String {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("poort_{}", NEXT.fetch_add(1, Ordering::SeqCst));
        self.sql("postgres", &format!("CREATE DATABASE {name} OWNER {USER}"));
        name
    }

    /// The URL of a database, through the socket.
    pub fn url(&self, database: &str) -> String {
        self.url_through(self.dir.path(), database)
    }

    /// The URL of a database, over TCP with verified TLS.
    pub fn url_over_tcp(&self, host: &str, database: &str) -> String {
        format!("postgres://{USER}@{host}:{}/{database}", self.port)
    }

    /// The same, through a socket of the same name in another directory.
    pub fn url_through(&self, directory: &Path, database: &str) -> String {
        format!("postgres:///{database}?host={}&port={}&user={USER}", directory.display(), self.port)
    }

    /// The URL of a database on either of two servers.
    pub fn url_of_two(&self, other: &Self, database: &str) -> String {
        let (here, there) = (self.dir.path().display(), other.dir.path().display());
        format!("postgres:///{database}?host={here},{there}&port={},{}&user={USER}", self.port, other.port)
    }

    /// The socket of the server.
    pub fn socket(&self) -> PathBuf {
        self.dir.path().join(format!(".s.PGSQL.{}", self.port))
    }

    pub fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log.txt")).unwrap_or_default()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some(mut guard) = self.guard.take() {
            drop(guard.stdin.take().map(|mut stdin| stdin.write_all(b"\n")));
            drop(guard.wait());
        }
    }
}

/// What a statement gives at the database of a gateway: as that gateway, at the server that it writes in.
pub fn sql_at(url: &str, statement: &str) -> String {
    let mut psql = Command::new(program("psql"));
    psql.env("PGTARGETSESSIONATTRS", "read-write").args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", url]);
    run(psql.args(["-c", statement]))
}

/// A program of PostgreSQL: Debian keeps those of each version apart.
fn program(name: &str) -> PathBuf {
    let mut versions: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .expect("PostgreSQL is not installed: apt-get install postgresql (tests/run does)")
        .map(|version| version.unwrap().path().join("bin").join(name))
        .filter(|program| program.exists())
        .collect();
    versions.sort();
    versions.pop().unwrap_or_else(|| panic!("{name} of PostgreSQL is not installed"))
}

/// PostgreSQL refuses to run as root: then its own user does it.
fn as_postgres(program: &Path) -> Command {
    let mut command = match postgres_user() {
        Some((uid, gid)) => {
            let mut command = Command::new("setpriv");
            command
                .args([format!("--reuid={uid}"), format!("--regid={gid}"), "--clear-groups".to_owned()])
                .arg(program);
            command
        }
        None => Command::new(program),
    };
    command.current_dir("/").stdin(Stdio::null()).env_remove("PGOPTIONS");
    command
}

/// Gives a file to the user that runs the server.
pub fn give(path: &Path) {
    if let Some((uid, gid)) = postgres_user() {
        chown(path, Some(uid), Some(gid)).unwrap();
    }
}

/// User and group that run the server, where this process is root.
fn postgres_user() -> Option<(u32, u32)> {
    use std::os::unix::fs::MetadataExt;
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").unwrap();
    let line = users.lines().find(|line| line.starts_with("postgres:")).expect("the package made the user postgres");
    let mut fields = line.split(':').skip(2).map(|number| number.parse().unwrap());
    Some((fields.next().unwrap(), fields.next().unwrap()))
}

/// Runs to its end; gives what it said.
fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
