//! A peer: Debian's RabbitMQ as a node of its own, with the certificates of the bench.

use std::{
    fs,
    io::Write,
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use tokio::time::sleep;

use crate::data::DataDir;

/// Where Debian puts it. What stands in /usr/sbin starts it as another user.
const PROGRAM: &str = "/usr/lib/rabbitmq/bin/rabbitmq-server";
/// Longer than a start takes on a busy machine.
const PATIENCE: Duration = Duration::from_mins(2);

/// A node without anything of another one on this machine: files, ports, and a port mapper of its own. Gone when this is, and also when
/// the process of the bench ends in another way.
pub struct Node {
    dir: PathBuf,
    /// Where clients connect, with mutual TLS.
    pub port: u16,
    /// Ends the node when its standard input closes.
    guard: Child,
}

impl Node {
    /// A running node with nothing in it, on the disk that holds the databases of the gateway.
    pub async fn start(data: &DataDir) -> anyhow::Result<Self> {
        ensure!(
            Path::new(PROGRAM).exists(),
            "RabbitMQ is not installed: apt-get install -y --no-install-recommends rabbitmq-server"
        );
        let dir = data.directory("rabbitmq-")?;
        let [port, distribution, mapper] = free_ports()?;
        fs::write(dir.join("rabbitmq.conf"), configuration(&data.path(), port))?;
        fs::write(dir.join("plugins"), "[].\n")?;
        // Both are children of this shell, and end by the numbers that it knows them by.
        let script = format!(
            "epmd -port {mapper} -address 127.0.0.1 & mapper=$!; {PROGRAM} >>out.txt 2>&1 & node=$!; \
             read -r _; kill -TERM $node; wait $node; kill -TERM $mapper; wait"
        );
        let guard = Command::new("sh")
            .args(["-c", &script])
            .current_dir(&dir)
            .stdin(Stdio::piped())
            .env("HOME", &dir)
            .env("RABBITMQ_NODENAME", "bench@localhost")
            .env("RABBITMQ_MNESIA_BASE", dir.join("data"))
            .env("RABBITMQ_LOG_BASE", dir.join("log"))
            .env("RABBITMQ_CONFIG_FILE", dir.join("rabbitmq.conf"))
            .env("RABBITMQ_CONF_ENV_FILE", "/dev/null")
            .env("RABBITMQ_ENABLED_PLUGINS_FILE", dir.join("plugins"))
            .env("RABBITMQ_DIST_PORT", distribution.to_string())
            .env("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "-kernel inet_dist_use_interface {127,0,0,1}")
            .env("ERL_EPMD_PORT", mapper.to_string())
            .env("ERL_EPMD_ADDRESS", "127.0.0.1")
            .spawn()
            .context("sh does not start")?;
        let node = Self { dir, port, guard };
        node.wait().await?;
        Ok(node)
    }

    async fn wait(&self) -> anyhow::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_err() {
            if Instant::now() > deadline {
                bail!("RabbitMQ does not start:\n{}", self.log());
            }
            sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }

    /// What it said.
    pub fn log(&self) -> String {
        let read = |name| fs::read_to_string(self.dir.join(name)).unwrap_or_default();
        read("out.txt") + &read("log/bench.log")
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        drop(self.guard.stdin.take().map(|mut stdin| stdin.flush()));
        drop(self.guard.wait());
    }
}

/// TLS 1.3 alone, and nobody without a certificate of the CA.
fn configuration(data: &Path, port: u16) -> String {
    format!(
        "listeners.tcp = none\n\
         listeners.ssl.1 = 127.0.0.1:{port}\n\
         ssl_options.cacertfile = {data}/ca.pem\n\
         ssl_options.certfile = {data}/gateway/cert.pem\n\
         ssl_options.keyfile = {data}/gateway/key.pem\n\
         ssl_options.verify = verify_peer\n\
         ssl_options.fail_if_no_peer_cert = true\n\
         ssl_options.versions.1 = tlsv1.3\n\
         log.console = false\n\
         log.file = bench.log\n",
        data = data.display()
    )
}

fn free_ports() -> anyhow::Result<[u16; 3]> {
    let listen = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let [one, two, three] = [listen()?, listen()?, listen()?];
    Ok([one.local_addr()?.port(), two.local_addr()?.port(), three.local_addr()?.port()])
}
