//! The accept loop: HTTP/2 with bounds for who got through the door, and draining.

use std::{
    collections::HashMap,
    convert::Infallible,
    future::Future,
    hash::Hash,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use ipnet::IpNet;
use rustls::pki_types::{CertificateDer, UnixTime};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_io_timeout::TimeoutStream;
use tokio_rustls::server::TlsStream;

use super::{
    door::{Door, Guest},
    handshake::Handshakes,
    loaded::Loaded,
    refused::{self, Refusal, Refused},
    settings,
};
use crate::{
    domain::{Aangemeld, Klok, PartnerNaam},
    telemetry::Metingen,
};

/// Bounds on connections; times in seconds.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// All connections together.
    pub connections: usize,
    /// Connections of one partner.
    pub connections_partner: usize,
    /// After so long a connection is drained, so that certificates are looked at again.
    pub connection_age_seconds: u64,
}

/// How long a drained connection may finish its calls.
const DRAIN: Duration = Duration::from_secs(10);
/// How long a head of HTTP/1.1 may take, and so how long a connection may say nothing between two requests.
const HEAD_DEADLINE: Duration = Duration::from_secs(30);
/// Who speaks HTTP/2 and says nothing for so long, not even in answer to a ping, is gone. HTTP/1.1 has no pings; there the deadline of the
/// head counts.
const SILENT: Duration = Duration::from_mins(1);
/// Bytes of a head of a request, at most.
const MOST_HEAD_BYTES: u32 = 16 << 10;
/// Lines of a head of HTTP/1.1, at most.
const MOST_HEAD_LINES: usize = 64;

/// What is spoken at a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spoken {
    /// HTTP/2 alone: gRPC.
    Http2,
    /// HTTP/2 and HTTP/1.1: browsers too.
    Http1And2,
}

/// A port: where it listens, and to what.
pub struct Entrance {
    /// Where it listens.
    pub socket: TcpListener,
    /// Who connects from here is a balancer, and says by the PROXY protocol for whom.
    pub proxies: Vec<IpNet>,
    /// What is spoken.
    pub spoken: Spoken,
}

/// What listens: certificates, identities and bounds.
pub struct Listener {
    /// Certificates and who they are of, as they were read last.
    pub loaded: watch::Receiver<Arc<Loaded>>,
    /// Bounds.
    pub bounds: Bounds,
    /// Where handshakes are done.
    pub handshakes: Handshakes,
    /// The time, for certificates.
    pub klok: Arc<Klok>,
    /// What was refused, for the logboek.
    pub refused: Arc<Refused>,
    /// Counts connections, for operators.
    pub metingen: Arc<Metingen>,
}

impl Listener {
    /// Counts a connection that was refused.
    pub(super) fn refuse(&self, address: IpAddr, oorzaak: &'static str) {
        let minute = self.klok.now().as_second().div_euclid(60);
        let adres = refused::class(address);
        self.metingen.handshake_refused(oorzaak, adres);
        self.refused.add(Refusal { minute, oorzaak, adres }, 1);
    }

    /// What counts for a handshake that begins now.
    pub(super) fn loaded(&self) -> Arc<Loaded> {
        Arc::clone(&self.loaded.borrow())
    }

    /// Ends when this certificate no longer opens this: by a change of what is in force, or because its chain does not hold by what was read
    /// since its handshake.
    async fn no_longer(&self, certificates: Certificates, known: &Aangemeld, mut by: Arc<Loaded>) {
        let mut changes = self.loaded.clone();
        loop {
            let now = Arc::clone(&changes.borrow_and_update());
            if !Arc::ptr_eq(&now, &by) && !self.still(&now, certificates.clone(), known).await {
                return;
            }
            by = now;
            tokio::select! {
                () = by.identifier.no_longer(&certificates.0, known) => return,
                // An error means that nothing is read any more: the gateway stops, and drains its connections itself.
                read = changes.changed() => if read.is_err() {
                    return std::future::pending().await;
                },
            }
        }
    }

    /// Whether this certificate still opens this, judged off the threads that answer calls.
    async fn still(&self, by: &Arc<Loaded>, (leaf, chain): Certificates, known: &Aangemeld) -> bool {
        let (identifier, time) = (Arc::clone(&by.identifier), unix_time(self));
        let work = async move { identifier.identify(&leaf, &chain, time).ok() };
        self.handshakes.run(work).await.flatten().is_some_and(|found| found == *known)
    }
}

/// The certificate of a client, and those above it that it sent.
pub(super) type Certificates = (CertificateDer<'static>, Vec<CertificateDer<'static>>);

/// Accepts connections until `stop` turns true, then drains them. `answer` answers one request of one identity.
pub async fn serve<A, F, B>(
    listener: Arc<Listener>,
    Entrance { socket, proxies, spoken }: Entrance,
    mut stop: watch::Receiver<bool>,
    answer: A,
) where
    A: Fn(Aangemeld, http::Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = http::Response<B>> + Send + 'static,
    B: http_body::Body<Data: Send, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'static,
{
    let door = Arc::new(Door::new(proxies, spoken));
    let room = Arc::new(Room { connections: Semaphore::new(listener.bounds.connections), partners: Arc::default() });
    let mut tasks = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = socket.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => break,
            Some(_) = tasks.join_next() => continue,
        };
        let visitor = match accepted {
            Ok((stream, peer)) => door.admit(stream, peer.ip()),
            Err(error) => {
                // Out of file descriptors, or a client that left at once: neither ends the gateway.
                tracing::warn!(%error, "a connection could not be accepted");
                sleep(Duration::from_millis(20)).await;
                continue;
            }
        };
        let (listener, door, room, stop, answer) =
            (Arc::clone(&listener), Arc::clone(&door), Arc::clone(&room), stop.clone(), answer.clone());
        tasks.spawn(async move {
            if let Some(guest) = door.receive(&listener, visitor).await {
                host(&listener, &room, (guest, spoken), stop, answer).await;
            }
        });
    }
    drop(socket);
    let drained = timeout(DRAIN, async { while tasks.join_next().await.is_some() {} }).await;
    if drained.is_err() {
        tracing::warn!("connections that did not finish in time were closed");
    }
}

/// How many connections there may be, and how many there are of each partner.
struct Room {
    connections: Semaphore,
    partners: Arc<Slots<PartnerNaam>>,
}

/// Answers one connection to its end, as long as there is room and its certificate is who it was.
async fn host<A, F, B>(
    listener: &Listener,
    room: &Room,
    (guest, spoken): (Guest, Spoken),
    stop: watch::Receiver<bool>,
    answer: A,
) where
    A: Fn(Aangemeld, http::Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = http::Response<B>> + Send + 'static,
    B: http_body::Body<Data: Send, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'static,
{
    let Guest { stream, aangemeld, loaded } = guest;
    let partner = &aangemeld.toegang.identiteit.partner;
    // After the handshake: who says nothing takes no connection of those who do.
    let Ok(_connection) = room.connections.try_acquire() else {
        tracing::warn!(%partner, "too many connections");
        return;
    };
    let Some(_slot) = room.partners.enter(partner.clone(), listener.bounds.connections_partner) else {
        tracing::warn!(%partner, "too many connections of one partner");
        return;
    };
    let _counted = listener.metingen.connection(partner.as_str());
    let certificates = certificates(&stream);
    let known = aangemeld.clone();
    // No longer than its certificate.
    let left = aangemeld.certificaat.tot.duration_since(listener.klok.now());
    let age = Duration::from_secs(listener.bounds.connection_age_seconds);
    let age = age.min(Duration::try_from(left).unwrap_or_default());
    tokio::select! {
        () = converse((stream, spoken), aangemeld, age, stop, answer) => {}
        // Dropped at once, with its calls: who is out must not get another answer.
        () = listener.no_longer(certificates, &known, loaded) => {
            tracing::warn!(partner = %known.toegang.identiteit.partner, "a connection was closed: its certificate is no longer this identity");
        }
    }
}

pub(super) fn unix_time(listener: &Listener) -> UnixTime {
    settings::unix_time(&listener.klok)
}

pub(super) fn certificates(stream: &TlsStream<TcpStream>) -> Certificates {
    let sent = stream.get_ref().1.peer_certificates().unwrap_or_default();
    let (leaf, chain) = sent.split_first().expect("the handshake asks for a certificate");
    (leaf.clone(), chain.to_vec())
}

async fn converse<A, F, B>(
    (stream, spoken): (TlsStream<TcpStream>, Spoken),
    aangemeld: Aangemeld,
    age: Duration,
    mut stop: watch::Receiver<bool>,
    answer: A,
) where
    A: Fn(Aangemeld, http::Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = http::Response<B>> + Send + 'static,
    B: http_body::Body<Data: Send, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'static,
{
    let service = service_fn(move |request| {
        let answered = answer(aangemeld.clone(), request);
        async move { Ok::<_, Infallible>(answered.await) }
    });
    let http = http(spoken, stream.get_ref().1.alpn_protocol());
    let mut stream = TimeoutStream::new(stream);
    if http.is_http2_available() {
        stream.set_read_timeout(Some(SILENT));
    }
    let connection = http.serve_connection(TokioIo::new(Box::pin(stream)), service);
    tokio::pin!(connection);
    tokio::select! {
        ended = connection.as_mut() => return note_end(ended),
        () = sleep(age) => {}
        _ = stop.wait_for(|stop| *stop) => {}
    }
    connection.as_mut().graceful_shutdown();
    if let Ok(ended) = timeout(DRAIN, connection).await {
        note_end(ended);
    } else {
        tracing::debug!("a drained connection was closed with calls under way");
    }
}

/// HTTP as it is spoken at a port and was agreed on (ALPN), with its bounds. Where nothing was agreed on, a port that leaves a choice speaks
/// HTTP/1.1, as RFC 9113, section 3.3, has it.
fn http(spoken: Spoken, agreed: Option<&[u8]>) -> auto::Builder<TokioExecutor> {
    let mut http = auto::Builder::new(TokioExecutor::new());
    http.http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_DEADLINE)
        .max_buf_size(MOST_HEAD_BYTES as usize)
        .max_headers(MOST_HEAD_LINES);
    http.http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(64)
        .max_header_list_size(MOST_HEAD_BYTES)
        // Rapid reset: hyper's own bounds, which tonic would switch off.
        .max_pending_accept_reset_streams(20)
        .max_local_error_reset_streams(1024)
        .initial_stream_window_size(1 << 20)
        .initial_connection_window_size(4 << 20)
        .keep_alive_interval(Duration::from_secs(30))
        .keep_alive_timeout(Duration::from_secs(20));
    match (spoken, agreed) {
        (Spoken::Http2, _) | (_, Some(b"h2")) => http.http2_only(),
        (Spoken::Http1And2, _) => http.http1_only(),
    }
}

fn note_end(ended: Result<(), Box<dyn std::error::Error + Send + Sync>>) {
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended");
    }
}

/// How many of something each owner has: connections of a partner.
struct Slots<K>(Mutex<HashMap<K, usize>>);

impl<K> Default for Slots<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Clone + Eq + Hash> Slots<K> {
    fn enter(self: &Arc<Self>, owner: K, most: usize) -> Option<Slot<K>> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(owner.clone()).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(Slot { slots: Arc::clone(self), owner })
    }
}

/// One of an owner's, counted as long as it lives.
struct Slot<K: Clone + Eq + Hash> {
    slots: Arc<Slots<K>>,
    owner: K,
}

impl<K: Clone + Eq + Hash> Drop for Slot<K> {
    fn drop(&mut self) {
        let mut counts = self.slots.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.owner) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.owner);
            }
        }
    }
}
