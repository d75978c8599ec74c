//! `Poorten`: several gateways on one database, each a process. Their end verifies the whole logboek.

use std::{
    fs::{self, File},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use ketenpoort::{client::Profile, logboek::VerifyKey};
use tempfile::TempDir;

use crate::{
    postgres::sql_at,
    served::{PATIENCE, expect, free_port, ketenpoort, logboek, stderr, terminate, until, until_said},
    traffic::Client,
};

pub struct Poorten {
    dir: TempDir,
    each: Vec<Poort>,
    verify: bool,
}

struct Poort {
    port: u16,
    url: String,
    environment: Vec<(String, String)>,
    child: Option<Child>,
}

impl Poorten {
    /// One data directory with a configuration for each of these database URLs; nothing runs yet.
    pub fn prepare(urls: &[String]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        expect(&ketenpoort().arg("init").arg("--data-dir").arg(dir.path()).output().unwrap(), 0);
        let mut poorten = Self { dir, each: Vec::new(), verify: true };
        for url in urls {
            poorten.add(url);
        }
        poorten
    }

    /// One more gateway.
    pub fn add(&mut self, url: &str) -> usize {
        let (at, port) = (self.each.len(), free_port());
        let ports = [("7443", port), ("7444", free_port()), ("7445", free_port()), ("7446", free_port())];
        let on_ports = |text: String| {
            ports
                .iter()
                .fold(text, |text, (from, to)| text.replace(&format!("127.0.0.1:{from}"), &format!("127.0.0.1:{to}")))
        };
        let config = fs::read_to_string(self.path().join("ketenpoort.toml")).unwrap();
        let config = on_ports(config)
            .replace("sqlite:ketenpoort.db", url)
            .replace("# wacht = \"sleutels/wacht.json\"", &format!("wacht = \"wacht-{at}.json\""));
        fs::write(self.config(at), config).unwrap();
        copy(&self.path().join("profielen"), &self.path().join(format!("profielen-{at}")));
        for profile in fs::read_dir(self.path().join(format!("profielen-{at}"))).unwrap() {
            let file = profile.unwrap().path().join("profiel.toml");
            fs::write(&file, on_ports(fs::read_to_string(&file).unwrap())).unwrap();
        }
        self.each.push(Poort { port, url: url.to_owned(), environment: Vec::new(), child: None });
        at
    }

    /// Changes the configuration of one gateway.
    pub fn configure(&self, at: usize, from: &str, to: &str) {
        let text = fs::read_to_string(self.config(at)).unwrap();
        assert!(text.contains(from), "{from} is not in {text}");
        fs::write(self.config(at), text.replace(from, to)).unwrap();
    }

    /// No gateway ever ran.
    pub fn nothing_to_verify(&mut self) {
        self.verify = false;
    }

    /// Sets variables in the environment of one gateway; the last value of each counts.
    pub fn environment(&mut self, at: usize, variables: &[(String, String)]) {
        self.each[at].environment.extend_from_slice(variables);
    }

    /// `ketenpoort serve`, for one gateway.
    pub fn command(&self, at: usize) -> Command {
        let mut serve = ketenpoort();
        serve.args(["serve", "--dev", "--config"]).arg(self.config(at));
        serve.envs(self.each[at].environment.iter().map(|(name, value)| (name, value)));
        serve
    }

    /// Starts one gateway that must refuse to: gives what it said.
    #[track_caller]
    pub fn refuses(&self, at: usize) -> String {
        let mut child = self.command(at).stderr(Stdio::piped()).spawn().unwrap();
        let deadline = Instant::now() + PATIENCE;
        while child.try_wait().unwrap().is_none() {
            if Instant::now() > deadline {
                drop(child.kill());
                panic!("it started: {}", stderr(&child.wait_with_output().unwrap()));
            }
            thread::park_timeout(Duration::from_millis(5));
        }
        let output = child.wait_with_output().unwrap();
        expect(&output, 2);
        stderr(&output)
    }

    /// Starts one gateway; it need not answer yet.
    pub fn launch(&mut self, at: usize) {
        let stderr = File::options().create(true).append(true).open(self.log_file(at)).unwrap();
        self.each[at].child = Some(self.command(at).stdout(Stdio::null()).stderr(stderr).spawn().unwrap());
    }

    /// Starts one gateway and waits until its port answers.
    pub fn serve(&mut self, at: usize) {
        self.launch(at);
        self.answers(at);
    }

    /// Waits until its port answers.
    pub fn answers(&mut self, at: usize) {
        let log = self.log_file(at);
        let poort = &mut self.each[at];
        let child = poort.child.as_mut().unwrap();
        until("the gateway opens its port", || {
            let ended = child.try_wait().unwrap();
            assert!(ended.is_none(), "the gateway ended: {ended:?}\n{}", fs::read_to_string(&log).unwrap());
            TcpStream::connect(("127.0.0.1", poort.port)).ok()
        });
    }

    /// SIGKILL.
    pub fn kill(&mut self, at: usize) {
        let mut child = self.each[at].child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// SIGTERM.
    pub fn stop(&mut self, at: usize) {
        let status = terminate(self.each[at].child.as_mut().unwrap());
        self.each[at].child = None;
        assert_eq!(status.code(), Some(0), "{}", self.log(at));
    }

    /// Waits until it ends by itself, which it does because something is wrong.
    pub fn ends(&mut self, at: usize) {
        let mut child = self.each[at].child.take().unwrap();
        let status = until("the gateway ends by itself", || child.try_wait().unwrap());
        assert_ne!(status.code(), Some(0), "{}", self.log(at));
    }

    /// SIGSTOP or SIGCONT.
    pub fn signal(&self, at: usize, signal: &str) {
        let id = self.each[at].child.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }

    pub fn count(&self) -> usize {
        self.each.len()
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    pub fn config(&self, at: usize) -> PathBuf {
        self.path().join(format!("ketenpoort-{at}.toml"))
    }

    pub fn profile_dir(&self, at: usize, name: &str) -> PathBuf {
        self.path().join(format!("profielen-{at}")).join(name)
    }

    pub fn profile(&self, at: usize, name: &str) -> Profile {
        Profile::load(&self.profile_dir(at, name)).unwrap()
    }

    pub async fn client(&self, at: usize, name: &str) -> Client {
        let deadline = Instant::now() + PATIENCE;
        loop {
            // The port is open before the gateway is.
            match self.profile(at, name).connect().await {
                Ok(client) => return client,
                Err(error) if Instant::now() > deadline => panic!("{error}\n{}", self.log(at)),
                Err(_) => {}
            }
        }
    }

    fn log_file(&self, at: usize) -> PathBuf {
        self.path().join(format!("stderr-{at}.txt"))
    }

    /// The key that verifies the logboek.
    pub fn vkey(&self) -> VerifyKey {
        expect(&logboek(&self.config(0), "vkey", &[]), 0).trim().parse().unwrap()
    }

    /// Everything that one gateway wrote to stderr.
    pub fn log(&self, at: usize) -> String {
        fs::read_to_string(self.log_file(at)).unwrap_or_default()
    }

    /// Waits until the process log of one gateway says this.
    pub fn says(&self, at: usize, words: &str) {
        until_said(words, || self.log(at));
    }

    /// Every logregel, in order; none is missing. Read from the tables: a search would be a regel itself.
    pub fn regels(&self, at: usize) -> Vec<serde_json::Value> {
        let rows = "SELECT log_index, encode(regel, 'hex') FROM logregels ORDER BY log_index";
        let found = sql_at(&self.each[at].url, rows);
        let regel = |(place, line): (usize, &str)| {
            let (index, leaf) = line.split_once('|').unwrap();
            assert_eq!(index.parse(), Ok(place));
            serde_json::from_slice(&hex::decode(leaf).unwrap()).unwrap()
        };
        found.lines().enumerate().map(regel).collect()
    }
}

impl Drop for Poorten {
    fn drop(&mut self) {
        for poort in &mut self.each {
            if let Some(mut child) = poort.child.take() {
                // It may have ended by itself.
                drop(child.kill());
                drop(child.wait());
            }
        }
        if !thread::panicking() && self.verify {
            let last = self.each.len() - 1;
            assert!(self.each[last].url.starts_with("postgres:"));
            expect(&logboek(&self.config(last), "verify", &[]), 0);
        }
    }
}

pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
