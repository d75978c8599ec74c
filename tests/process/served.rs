//! `Served`: a data directory and `ketenpoort serve` on it. Its end verifies the whole logboek.

use std::{
    fs::{self, File},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::atomic::{AtomicU16, Ordering},
    thread,
    time::{Duration, Instant},
};

use ketenpoort::client::Profile;
use tempfile::TempDir;

use crate::traffic::Client;

/// Longer than anything takes on a busy machine.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// The binary under test, with nothing of the environment that changes what it does.
pub fn ketenpoort() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ketenpoort"));
    command.env_remove("KETENPOORT_DATABASE_URL").env_remove("KETENPOORT_LOG").stdin(Stdio::null());
    command
}

/// Asks again until there is an answer.
pub fn until<T>(what: &str, answer: impl FnMut() -> Option<T>) -> T {
    wait_for(answer).unwrap_or_else(|| panic!("waited in vain: {what}"))
}

/// Waits until a process log says this: a line is written just after the answer to which it belongs.
pub fn until_said(words: &str, log: impl Fn() -> String) {
    let said = wait_for(|| log().contains(words).then_some(()));
    said.unwrap_or_else(|| panic!("the process log never says {words:?}:\n{}", log()));
}

/// The answer, or `None` when patience ends.
fn wait_for<T>(mut answer: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let found = answer();
        if found.is_some() || Instant::now() > deadline {
            return found;
        }
        thread::park_timeout(Duration::from_millis(5));
    }
}

/// Tells a process to stop, as an operator or systemd does, and waits for its end.
pub fn terminate(child: &mut Child) -> ExitStatus {
    let killed = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    until("the process ends after SIGTERM", || child.try_wait().unwrap())
}

/// Asserts the exit code; gives stdout.
#[track_caller]
pub fn expect(output: &Output, code: i32) -> String {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    assert_eq!(output.status.code(), Some(code), "stdout: {text}\nstderr: {}", stderr(output));
    text
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A port below those that the system gives to outgoing connections, so that it stays free while a gateway is down.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = u16::try_from(std::process::id() % 200).unwrap() * 100;
    loop {
        let port = 10_000 + (first + NEXT.fetch_add(1, Ordering::SeqCst)) % 20_000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

pub struct Served {
    dir: TempDir,
    port: u16,
    /// With development certificates.
    dev: bool,
    /// For the gateway alone.
    pub environment: Vec<(String, String)>,
    child: Option<Child>,
}

impl Served {
    /// A data directory on a port of its own; nothing runs yet.
    pub fn prepare() -> Self {
        let (dir, port) = (tempfile::tempdir().unwrap(), free_port());
        let served = Self { dir, port, dev: true, environment: Vec::new(), child: None };
        expect(&ketenpoort().arg("init").arg("--data-dir").arg(served.path()).output().unwrap(), 0);
        let ports = [("7443", port), ("7444", free_port()), ("7445", free_port()), ("7446", free_port())];
        let ports = ports.map(|(from, to)| (format!("127.0.0.1:{from}"), format!("127.0.0.1:{to}")));
        for (from, to) in &ports {
            served.configure(from, to);
        }
        for profile in fs::read_dir(served.path().join("profielen")).unwrap() {
            let profile = profile.unwrap().path();
            let file = profile.join("profiel.toml");
            let text = fs::read_to_string(&file).unwrap();
            let (from, to) = ports.iter().find(|(from, _)| text.contains(from)).unwrap();
            replace(&file, from, to);
        }
        served
    }

    /// A data directory that was made by hand, with its gateway on this port; it runs in production.
    pub fn in_production(dir: TempDir, port: u16) -> Self {
        let mut served = Self { dir, port, dev: false, environment: Vec::new(), child: None };
        served.serve();
        served
    }

    pub fn start() -> Self {
        let mut served = Self::prepare();
        served.serve();
        served
    }

    /// Changes the configuration.
    pub fn configure(&self, from: &str, to: &str) {
        replace(&self.config(), from, to);
    }

    /// Starts the gateway and waits until its port answers.
    pub fn serve(&mut self) {
        self.serve_with("info");
    }

    pub fn serve_with(&mut self, log: &str) {
        let stderr = File::options().create(true).append(true).open(self.log_file()).unwrap();
        let mut serve = self.serve_command(ketenpoort(), log);
        serve.stderr(stderr);
        self.run(serve);
    }

    /// The arguments and environment of `serve` on this data directory.
    pub fn serve_command(&self, mut serve: Command, log: &str) -> Command {
        serve.arg("serve").args(self.dev.then_some("--dev")).arg("--config").arg(self.config());
        serve.env("KETENPOORT_LOG", log).envs(self.environment.iter().cloned()).stdout(Stdio::null());
        serve
    }

    /// Starts this and waits until the port answers.
    pub fn run(&mut self, mut serve: Command) {
        let mut child = serve.spawn().unwrap();
        until("the gateway opens its port", || {
            let ended = child.try_wait().unwrap();
            assert!(ended.is_none(), "the gateway ended by itself: {ended:?}\n{}", self.log());
            TcpStream::connect(("127.0.0.1", self.port)).ok()
        });
        self.child = Some(child);
    }

    /// Sends a signal, such as `HUP`.
    pub fn signal(&self, signal: &str) {
        let child = self.child.as_ref().unwrap();
        let sent = Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    /// Where partners connect.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where it tells how it stands.
    pub fn waarneming(&self) -> String {
        let text = fs::read_to_string(self.config()).unwrap();
        let (_, section) = text.split_once("[waarneming]").unwrap();
        let (_, address) = section.split_once("adres = \"").unwrap();
        address.split_once('"').unwrap().0.to_owned()
    }

    /// SIGKILL: the process gets no chance to do anything.
    pub fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// SIGTERM.
    pub fn stop(&mut self) {
        let status = terminate(self.child.as_mut().unwrap());
        self.child = None;
        assert_eq!(status.code(), Some(0), "{status}\n{}", self.log());
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    pub fn config(&self) -> PathBuf {
        self.path().join("ketenpoort.toml")
    }

    pub fn database(&self) -> PathBuf {
        self.path().join("ketenpoort.db")
    }

    fn log_file(&self) -> PathBuf {
        self.path().join("stderr.txt")
    }

    /// Everything that the gateway wrote to stderr.
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    /// Waits until the process log says this.
    pub fn says(&self, words: &str) {
        until_said(words, || self.log());
    }

    pub fn profile_dir(&self, name: &str) -> PathBuf {
        self.path().join("profielen").join(name)
    }

    pub fn profile(&self, name: &str) -> Profile {
        Profile::load(&self.profile_dir(name)).unwrap()
    }

    pub async fn client(&self, name: &str) -> Client {
        self.profile(name).connect().await.unwrap()
    }

    /// A verb of a partner at the command line, such as `send`.
    pub fn partner(&self, verb: &str, profile: &str, arguments: &[&str]) -> Output {
        self.partner_command(verb, profile, arguments).output().unwrap()
    }

    pub fn partner_command(&self, verb: &str, profile: &str, arguments: &[&str]) -> Command {
        let mut command = ketenpoort();
        command.arg(verb).arg("--profile").arg(self.profile_dir(profile)).args(arguments);
        command
    }

    /// `ketenpoort logboek ...` on this logboek.
    pub fn logboek(&self, verb: &str, arguments: &[&str]) -> Output {
        logboek(&self.config(), verb, arguments)
    }
}

pub fn logboek(config: &Path, verb: &str, arguments: &[&str]) -> Output {
    ketenpoort().args(["logboek", verb, "--config"]).arg(config).args(arguments).output().unwrap()
}

fn replace(file: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(file).unwrap();
    assert!(text.contains(from), "{from} is not in {}", file.display());
    fs::write(file, text.replace(from, to)).unwrap();
}

impl Drop for Served {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have ended by itself.
            drop(child.kill());
            drop(child.wait());
        }
        if !thread::panicking() && self.database().exists() {
            expect(&self.logboek("verify", &[]), 0);
        }
    }
}
