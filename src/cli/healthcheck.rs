//! `healthcheck`: asks the gateway of this machine whether it serves, for who starts and stops it.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use http::{Request, StatusCode, header};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::{body::Bytes, client::conn::http1};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, time::timeout};

use super::{Failure, print_line};
use crate::config::Config;

/// How long all of it may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// Bytes of an answer, at most.
const MOST_BYTES: usize = 64 << 10;

#[derive(clap::Args)]
pub struct Healthcheck {
    /// De configuratie, ketenpoort.toml
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Vraag alleen of het proces leeft, niet of het dienst doet
    #[arg(long)]
    live: bool,
}

impl Healthcheck {
    /// Exit code 0 where it serves, 1 where it says why not, 3 where it does not answer.
    pub async fn run(self) -> Result<(), Failure> {
        let config = Config::load(&self.config)?;
        let Some(adres) = config.waarneming else {
            let text =
                "in de configuratie staat geen [waarneming]: zonder adres daarvan is er niets te vragen".to_owned();
            return Err(Failure::Usage(text));
        };
        let adres = here(adres);
        let unreachable = |why: String| Failure::Unreachable(format!("de poort antwoordt niet op {adres}: {why}"));
        let asked = timeout(PATIENCE, ask(adres, if self.live { "/live" } else { "/ready" })).await;
        let late = || format!("niet binnen {} seconden", PATIENCE.as_secs());
        let (status, body) = asked.map_err(|_| late()).flatten().map_err(unreachable)?;
        print_line(body.trim_end())?;
        if status == StatusCode::OK {
            return Ok(());
        }
        Err(Failure::Refused("deze poort doet geen dienst".to_owned()))
    }
}

/// Where it is reached from this machine.
fn here(adres: SocketAddr) -> SocketAddr {
    let ip = match adres.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, adres.port())
}

async fn ask(adres: SocketAddr, path: &str) -> Result<(StatusCode, String), String> {
    let said = |error: &dyn std::fmt::Display| error.to_string();
    let stream = TcpStream::connect(adres).await.map_err(|error| said(&error))?;
    let (mut client, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|error| said(&error))?;
    let talking = tokio::spawn(connection);
    let request = Request::builder().uri(path).header(header::HOST, adres.to_string()).body(Empty::<Bytes>::new());
    let response = client.send_request(request.map_err(|error| said(&error))?).await.map_err(|error| said(&error))?;
    let status = response.status();
    let body = Limited::new(response.into_body(), MOST_BYTES).collect().await.map_err(|error| said(&error))?;
    talking.abort();
    Ok((status, String::from_utf8_lossy(&body.to_bytes()).into_owned()))
}
