//! Health: `/live`, `/ready` and `/metrics`, over HTTP/1.1 without TLS, for who runs the gateway.
//!
//! It names no person, no bericht and no content. Whoever reaches it can neither ask for more nor change anything.

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use http::{Method, Request, Response, StatusCode, header};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::json;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Mutex, Semaphore, watch},
    task::{JoinHandle, JoinSet},
    time::{Instant, sleep, timeout},
};
use tonic::body::Body;

use super::{
    GatewayError,
    aanloop::{Aanloop, Einde, Fase},
};
use crate::{
    domain::houdbaarheid::amsterdam_date,
    telemetry::{self, Telemetry},
};

/// Connections at once. A scraper and a balancer need two.
const MOST_CONNECTIONS: usize = 32;
/// How long a head may take, and so how long a connection may say nothing.
const HEAD_DEADLINE: Duration = Duration::from_secs(10);
/// Bytes of a head, at most.
const MOST_HEAD_BYTES: usize = 8 << 10;
/// How long the database may take to answer.
const DATABASE: Duration = Duration::from_secs(2);
/// An answer of `/ready` counts so long: who asks all the time must not keep the database busy.
const COUNTS: Duration = Duration::from_secs(1);

/// What this gateway tells of itself.
struct Health {
    fase: watch::Receiver<Fase>,
    telemetry: Arc<Telemetry>,
    asked: Mutex<Option<(Instant, Gereed)>>,
}

/// Whether each thing is as it must be, with why not.
type Gereed = Vec<(&'static str, Result<(), String>)>;

/// Answers until it is ended.
pub(super) struct Watching {
    /// Where it listens. Where the configuration asks for any free port, this is the one that it got.
    pub(super) adres: SocketAddr,
    answering: JoinHandle<()>,
}

impl Watching {
    /// Answers from now on, also while a start waits for its database, and while a stop finishes what is under way: so that who watches sees
    /// why. Nothing where nobody may watch.
    pub(super) async fn begin(
        adres: Option<SocketAddr>,
        telemetry: Option<&Arc<Telemetry>>,
        aanloop: &Aanloop,
    ) -> Result<Option<Self>, GatewayError> {
        let Some((adres, telemetry)) = adres.zip(telemetry) else { return Ok(None) };
        let (socket, adres) = aanloop.listen("waarneming", adres).await?;
        let health = Health { fase: aanloop.fase(), telemetry: Arc::clone(telemetry), asked: Mutex::default() };
        Ok(Some(Self { adres, answering: tokio::spawn(accept(socket, Arc::new(health))) }))
    }

    pub(super) async fn end(mut self) {
        self.answering.abort();
        // It ends by being aborted.
        drop((&mut self.answering).await);
    }
}

impl Drop for Watching {
    /// A start that failed leaves nobody behind who answers.
    fn drop(&mut self) {
        self.answering.abort();
    }
}

async fn accept(socket: TcpListener, health: Arc<Health>) {
    let (room, mut tasks) = (Arc::new(Semaphore::new(MOST_CONNECTIONS)), JoinSet::new());
    loop {
        let accepted = tokio::select! {
            accepted = socket.accept() => accepted,
            Some(_) = tasks.join_next() => continue,
        };
        let Ok((stream, _)) = accepted else {
            // Out of file descriptors.
            sleep(Duration::from_millis(20)).await;
            continue;
        };
        // Who comes when it is full is dropped.
        let Ok(place) = Arc::clone(&room).try_acquire_owned() else { continue };
        let health = Arc::clone(&health);
        tasks.spawn(async move {
            converse(stream, health).await;
            drop(place);
        });
    }
}

async fn converse(stream: TcpStream, health: Arc<Health>) {
    let answer = service_fn(move |request: Request<Incoming>| {
        let health = Arc::clone(&health);
        async move { Ok::<_, Infallible>(health.answer(&request).await) }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_DEADLINE).max_buf_size(MOST_HEAD_BYTES);
    if let Err(error) = http.serve_connection(TokioIo::new(stream), answer).await {
        tracing::debug!(%error, "a connection for health ended");
    }
}

impl Health {
    async fn answer(&self, request: &Request<Incoming>) -> Response<Body> {
        if request.method() != Method::GET {
            return text(StatusCode::METHOD_NOT_ALLOWED, "Alleen GET.\n".to_owned());
        }
        match request.uri().path() {
            "/live" => text(StatusCode::OK, "leeft\n".to_owned()),
            "/ready" => told(&self.ready().await),
            "/metrics" => match self.telemetry.text() {
                Ok(metrics) => of_type(StatusCode::OK, telemetry::TEXT, metrics),
                Err(error) => {
                    tracing::error!(error, "the metrics could not be written");
                    text(StatusCode::INTERNAL_SERVER_ERROR, "De metingen zijn niet te schrijven.\n".to_owned())
                }
            },
            _ => text(StatusCode::NOT_FOUND, "Hier zijn /live, /ready en /metrics.\n".to_owned()),
        }
    }

    /// Whether this gateway serves as it should. Asked again and again it is looked up once a second.
    async fn ready(&self) -> Gereed {
        let mut asked = self.asked.lock().await;
        if let Some((when, known)) = asked.as_ref()
            && when.elapsed() < COUNTS
            && matches!(&*self.fase.borrow(), Fase::Loopt { einde, .. } if *einde.borrow() == Einde::Niet)
        {
            return known.clone();
        }
        let ready = self.look().await;
        *asked = Some((Instant::now(), ready.clone()));
        ready
    }

    async fn look(&self) -> Gereed {
        let fase = self.fase.borrow().clone();
        let (exchange, ends, einde) = match fase {
            Fase::Begint => return vec![("dienst", Err("de poort begint".to_owned()))],
            Fase::Wacht(reden) => {
                let waits = "de poort wacht tot de database er is".to_owned();
                return vec![("dienst", Err(waits)), ("database", Err(reden))];
            }
            Fase::Loopt { exchange, ends, einde } => (exchange.upgrade(), ends, einde),
        };
        let stops = "de poort stopt: wat onderweg is wordt afgemaakt";
        let Some(exchange) = exchange else { return vec![("dienst", Err(stops.to_owned()))] };
        let is_told = *einde.borrow() != Einde::Niet;
        let now = exchange.klok.now();
        let database = match timeout(DATABASE, exchange.store.is_reachable()).await {
            Ok(reached) => reached.map_err(|error| format!("de database antwoordt niet: {error}")),
            Err(_) => Err(format!("de database antwoordt niet binnen {} seconden", DATABASE.as_secs())),
        };
        let keys = match timeout(DATABASE, exchange.keys.can_be_read(amsterdam_date(now))).await {
            Ok(read) => read.map_err(|error| error.to_string()),
            Err(_) => Err("de dagsleutels zijn niet te lezen: de database antwoordt niet".to_owned()),
        };
        let ended: Vec<String> = ends.ended(now).iter().map(ToString::to_string).collect();
        let unless = |reden: Option<String>| reden.map_or(Ok(()), Err);
        vec![
            ("dienst", unless(is_told.then(|| stops.to_owned()))),
            ("database", database),
            ("klok", unless(exchange.klok.trust().err().map(|twijfel| twijfel.uitleg()))),
            ("teksten", unless(exchange.onleesbaar())),
            ("certificaten", unless((!ended.is_empty()).then(|| ended.join("; ")))),
            ("sleutels", keys),
        ]
    }
}

/// The answer of `/ready`: 200 where everything is as it must be, else 503, with each thing by name.
fn told(ready: &Gereed) -> Response<Body> {
    let holds = ready.iter().all(|(_, outcome)| outcome.is_ok());
    let each = ready.iter().map(|(naam, outcome)| {
        let value = match outcome {
            Ok(()) => json!({"goed": true}),
            Err(reden) => json!({"goed": false, "reden": reden}),
        };
        ((*naam).to_owned(), value)
    });
    let body = json!({"gereed": holds, "onderdelen": each.collect::<serde_json::Map<_, _>>()});
    let status = if holds { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    of_type(status, "application/json", format!("{body}\n"))
}

fn text(status: StatusCode, body: String) -> Response<Body> {
    of_type(status, "text/plain; charset=utf-8", body)
}

fn of_type(status: StatusCode, media: &'static str, body: String) -> Response<Body> {
    let mut response = Response::new(Body::new(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static(media));
    headers.insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    response
}
