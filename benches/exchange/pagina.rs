//! The page of who watches, as a browser asks for it.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use http_body_util::{BodyExt, Empty};
use hyper::{Request, body::Bytes, client::conn::http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use ketenpoort::tls::settings;
use rustls::pki_types::ServerName;
use tokio::{net::TcpStream, task::JoinSet};
use tokio_rustls::TlsConnector;

use crate::{
    data::DataDir,
    measure::{Plan, Samples, repeat},
    poort::{Poort, beside},
};

/// Of whom there is most to see.
const WHO: &str = "auditor";
/// The list of this quarter with one filter: fifty rows of it.
const PATH: &str = "/uitwisselingen?berichtsoort=bekendheidscheck";
const ROWS: usize = 50;

/// What was filled is taken up for searching within this time.
pub const PATIENCE: Duration = Duration::from_mins(10);

type Browser = http2::SendRequest<Empty<Bytes>>;

impl Poort<'_> {
    /// A page with fifty rows, up to its last byte.
    pub async fn pagina(&self, in_flight: usize, plan: Plan) -> anyhow::Result<Samples> {
        let adres = self.toezicht().context("the gateway has no port for toezicht")?;
        let mut talking = JoinSet::new();
        let browser = connect(self.data(), adres, &mut talking).await?;
        let first = caught_up(&browser, adres).await?;
        ensure!(first.matches("<tr").count() > ROWS, "the page has no {ROWS} rows; fill the store with --gevuld");
        let ask = move || {
            let browser = browser.clone();
            async move { ask(browser, adres).await.map(drop) }
        };
        beside(&mut talking, repeat(in_flight, plan, ask)).await
    }
}

async fn connect(
    data: &DataDir,
    adres: SocketAddr,
    talking: &mut JoinSet<anyhow::Result<()>>,
) -> anyhow::Result<Browser> {
    let dir = data.path().join("profielen").join(WHO);
    let mut tls = settings::client(&dir.join("cert.pem"), &dir.join("key.pem"), &dir.join("ca.pem"))?;
    tls.alpn_protocols = vec![b"h2".to_vec()];
    let stream = TcpStream::connect(adres).await?;
    stream.set_nodelay(true)?;
    let stream = TlsConnector::from(Arc::new(tls)).connect(ServerName::from(adres.ip()), stream).await?;
    let (browser, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
    talking.spawn(async move { Ok(connection.await?) });
    Ok(browser)
}

/// Asks until everything that was filled is found; each search takes up a part of what is missing, as a job does meanwhile. Gives the page.
async fn caught_up(browser: &Browser, adres: SocketAddr) -> anyhow::Result<String> {
    let begun = Instant::now();
    let mut known = None;
    loop {
        let page = ask(browser.clone(), adres).await?;
        let (_, rest) = page.split_once("Bijgewerkt tot logregel ").context("the page does not say up to where")?;
        let reached = rest.split(['<', ' ']).next().unwrap_or_default().trim_end_matches('.').to_owned();
        // A look adds a regel, and no more.
        let digits: String = reached.chars().filter(char::is_ascii_digit).collect();
        let reached: u64 = digits.parse()?;
        if known.is_some_and(|known| reached <= known + 2) {
            return Ok(page);
        }
        known = Some(reached);
        ensure!(begun.elapsed() < PATIENCE, "what was filled is not found after {} s", PATIENCE.as_secs());
    }
}

async fn ask(mut browser: Browser, adres: SocketAddr) -> anyhow::Result<String> {
    let asked = Request::get(format!("https://{adres}{PATH}")).body(Empty::new())?;
    let answered = browser.send_request(asked).await?;
    ensure!(answered.status().is_success(), "the page answered {}", answered.status());
    Ok(String::from_utf8(answered.into_body().collect().await?.to_bytes().to_vec())?)
}
