//! Health: `/live`, `/ready` and `/metrics`, over HTTP/1.1 without TLS, for who runs the gateway.
//!
//! It names no person, no bericht and no content. Whoever reaches it can neither ask for more nor change anything.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, Weak},
    time::Duration,
};

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

use super::{GatewayError, ends::Ends};
use crate::{
    domain::houdbaarheid::amsterdam_date,
    exchange::Exchange,
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
    /// Gone when it has stopped.
    exchange: Weak<Exchange>,
    telemetry: Arc<Telemetry>,
    ends: Ends,
    stopped: watch::Receiver<bool>,
    asked: Mutex<Option<(Instant, Gereed)>>,
}

/// Whether each thing is as it must be, with why not.
type Gereed = Vec<(&'static str, Result<(), String>)>;

/// A gateway that is watched: where it tells how it stands.
pub(super) struct Watched {
    socket: TcpListener,
    /// Where it listens. Where the configuration asks for any free port, this is the one that it got.
    pub(super) adres: SocketAddr,
}

/// Answers until it is ended.
pub(super) struct Watching(JoinHandle<()>);

impl Watching {
    pub(super) async fn end(self) {
        self.0.abort();
        // It ends by being aborted.
        drop(self.0.await);
    }
}

impl Watched {
    /// Opens the socket, where there is one; nobody is answered before it is served.
    pub(super) async fn open(adres: Option<SocketAddr>) -> Result<Option<Self>, GatewayError> {
        let Some(adres) = adres else { return Ok(None) };
        let error = |source| GatewayError::Listen { adres, source };
        let socket = TcpListener::bind(adres).await.map_err(error)?;
        let adres = socket.local_addr().map_err(error)?;
        Ok(Some(Self { socket, adres }))
    }

    /// Answers from now on, also while a stop finishes what is under way, so that who watches sees why.
    pub(super) fn serve(
        self,
        exchange: &Arc<Exchange>,
        telemetry: Arc<Telemetry>,
        ends: Ends,
        stopped: watch::Receiver<bool>,
    ) -> Watching {
        let health = Health { exchange: Arc::downgrade(exchange), telemetry, ends, stopped, asked: Mutex::default() };
        Watching(tokio::spawn(accept(self.socket, Arc::new(health))))
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
            && !*self.stopped.borrow()
        {
            return known.clone();
        }
        let ready = self.look().await;
        *asked = Some((Instant::now(), ready.clone()));
        ready
    }

    async fn look(&self) -> Gereed {
        let stops = "de poort stopt: wat onderweg is wordt afgemaakt";
        let Some(exchange) = self.exchange.upgrade() else { return vec![("dienst", Err(stops.to_owned()))] };
        let now = exchange.klok.now();
        let database = match timeout(DATABASE, exchange.store.is_reachable()).await {
            Ok(reached) => reached.map_err(|error| format!("de database antwoordt niet: {error}")),
            Err(_) => Err(format!("de database antwoordt niet binnen {} seconden", DATABASE.as_secs())),
        };
        let keys = match timeout(DATABASE, exchange.keys.can_be_read(amsterdam_date(now))).await {
            Ok(read) => read.map_err(|error| error.to_string()),
            Err(_) => Err("de dagsleutels zijn niet te lezen: de database antwoordt niet".to_owned()),
        };
        let ended: Vec<String> = self.ends.ended(now).iter().map(ToString::to_string).collect();
        let unless = |reden: Option<String>| reden.map_or(Ok(()), Err);
        vec![
            ("dienst", unless(self.stopped.borrow().then(|| stops.to_owned()))),
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
