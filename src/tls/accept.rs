//! The accept loop: handshake with a deadline, identity, HTTP/2 with bounds, draining.

use std::{
    collections::HashMap,
    convert::Infallible,
    future::Future,
    hash::Hash,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use hyper::{body::Incoming, server::conn::http2, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, UnixTime},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use super::{identity::Identifier, settings};
use crate::domain::{Aangemeld, Klok, PartnerNaam};

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

const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(5);
const LINGER: Duration = Duration::from_secs(1);
const HANDSHAKES_WAITING: usize = 512;
/// Of these from one address, so that a stranger cannot shut everyone out.
const HANDSHAKES_ADDRESS: usize = 64;
/// How long a drained connection may finish its calls.
const DRAIN: Duration = Duration::from_secs(10);

/// What listens: certificates, identities and bounds.
pub struct Listener {
    /// The TLS settings.
    pub tls: Arc<ServerConfig>,
    /// Knows who holds a certificate.
    pub identifier: Arc<Identifier>,
    /// Bounds.
    pub bounds: Bounds,
    /// The time, for certificates.
    pub klok: Arc<Klok>,
}

/// Accepts connections until `stop` turns true, then drains them. `answer` answers one request of one identity.
pub async fn serve<A, F, B>(listener: Arc<Listener>, socket: TcpListener, mut stop: watch::Receiver<bool>, answer: A)
where
    A: Fn(Aangemeld, http::Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = http::Response<B>> + Send + 'static,
    B: http_body::Body<Data: Send, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'static,
{
    let handshakes = Arc::new(Semaphore::new(HANDSHAKES_WAITING));
    let connections = Arc::new(Semaphore::new(listener.bounds.connections));
    let partners = Arc::new(Slots::<PartnerNaam>::default());
    let addresses = Arc::new(Slots::<IpAddr>::default());
    let mut tasks = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = socket.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => break,
            Some(_) = tasks.join_next() => continue,
        };
        let (stream, address) = match accepted {
            Ok((stream, peer)) => (stream, peer.ip()),
            Err(error) => {
                // Out of file descriptors, or a client that left at once: neither ends the gateway.
                tracing::warn!(%error, "a connection could not be accepted");
                sleep(Duration::from_millis(20)).await;
                continue;
            }
        };
        // Full: the connection is dropped at once, which costs least.
        let Ok(handshake) = Arc::clone(&handshakes).try_acquire_owned() else { continue };
        let Some(address) = addresses.enter(address, HANDSHAKES_ADDRESS) else { continue };
        let Ok(connection) = Arc::clone(&connections).try_acquire_owned() else { continue };
        let (listener, partners, stop, answer) =
            (Arc::clone(&listener), Arc::clone(&partners), stop.clone(), answer.clone());
        tasks.spawn(async move {
            let Some((stream, aangemeld)) = handshaken(&listener, stream, handshake).await else { return };
            drop(address);
            let Some(_slot) = partners.enter(aangemeld.toegang.identiteit.partner.clone(), listener.bounds.connections_partner) else {
                tracing::warn!(partner = %aangemeld.toegang.identiteit.partner, "too many connections of one partner");
                return;
            };
            let (leaf, chain) = certificates(&stream);
            let known = aangemeld.clone();
            tokio::select! {
                () = converse(stream, aangemeld, listener.bounds, stop, answer) => {}
                // Dropped at once, with its calls: who is out must not get another answer.
                () = listener.identifier.no_longer((&leaf, &chain), &known, || unix_time(&listener)) => {
                    tracing::warn!(partner = %known.toegang.identiteit.partner, "a connection was closed: its certificate is no longer this identity");
                }
            }
            drop(connection);
        });
    }
    drop(socket);
    let drained = timeout(DRAIN, async { while tasks.join_next().await.is_some() {} }).await;
    if drained.is_err() {
        tracing::warn!("connections that did not finish in time were closed");
    }
}

async fn handshaken(
    listener: &Listener,
    stream: TcpStream,
    permit: OwnedSemaphorePermit,
) -> Option<(TlsStream<TcpStream>, Aangemeld)> {
    // A bericht must not wait for Nagle's algorithm; where it cannot be switched off nothing is lost.
    drop(stream.set_nodelay(true));
    let accepting = TlsAcceptor::from(Arc::clone(&listener.tls)).accept(stream).into_fallible();
    let stream = match timeout(HANDSHAKE_DEADLINE, accepting).await {
        Ok(Ok(stream)) => stream,
        Ok(Err((error, stream))) => {
            tracing::info!(%error, "a handshake was refused");
            drop(permit);
            linger(stream).await;
            return None;
        }
        Err(_) => {
            tracing::info!("a handshake took longer than its deadline");
            return None;
        }
    };
    let (leaf, chain) = certificates(&stream);
    let aangemeld = listener.identifier.identify(&leaf, &chain, unix_time(listener)).ok()?;
    Some((stream, aangemeld))
}

fn unix_time(listener: &Listener) -> UnixTime {
    settings::unix_time(&listener.klok)
}

/// The client's certificate, and those above it that it sent.
fn certificates(stream: &TlsStream<TcpStream>) -> (CertificateDer<'static>, Vec<CertificateDer<'static>>) {
    let sent = stream.get_ref().1.peer_certificates().unwrap_or_default();
    let (leaf, chain) = sent.split_first().expect("the handshake asks for a certificate");
    (leaf.clone(), chain.to_vec())
}

/// Lets the client read the alert that says why it was refused: closing with bytes unread would reset the connection and
/// throw the alert away (RFC 8446 6.1 asks for a clean close).
async fn linger(mut stream: TcpStream) {
    let drain = async {
        stream.shutdown().await?;
        let mut most = (&mut stream).take(64 << 10);
        tokio::io::copy(&mut most, &mut tokio::io::sink()).await
    };
    // Whatever happens here, the connection is over.
    drop(timeout(LINGER, drain).await);
}

async fn converse<A, F, B>(
    stream: TlsStream<TcpStream>,
    aangemeld: Aangemeld,
    bounds: Bounds,
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
    let connection = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .max_concurrent_streams(64)
        .max_header_list_size(16 << 10)
        // Rapid reset: hyper's own bounds, which tonic would switch off.
        .max_pending_accept_reset_streams(20)
        .max_local_error_reset_streams(1024)
        .initial_stream_window_size(1 << 20)
        .initial_connection_window_size(4 << 20)
        .keep_alive_interval(Duration::from_secs(30))
        .keep_alive_timeout(Duration::from_secs(20))
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    tokio::select! {
        ended = connection.as_mut() => return note_end(ended),
        () = sleep(Duration::from_secs(bounds.connection_age_seconds)) => {}
        _ = stop.wait_for(|stop| *stop) => {}
    }
    connection.as_mut().graceful_shutdown();
    if let Ok(ended) = timeout(DRAIN, connection).await {
        note_end(ended);
    } else {
        tracing::debug!("a drained connection was closed with calls under way");
    }
}

fn note_end(ended: Result<(), hyper::Error>) {
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended");
    }
}

/// How many of something each owner has: connections of a partner, handshakes of an address.
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
