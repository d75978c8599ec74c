//! From an accepted socket to an identity: whose connection it is, its `ClientHello`, its handshake.
//!
//! Whoever does not get that far costs little, is counted, and is one line of the process log with address and reason.

use std::{
    io::ErrorKind,
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use ipnet::IpNet;
use rustls::server::Acceptor;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::oneshot,
    time::timeout,
};
use tokio_rustls::{LazyConfigAcceptor, server::TlsStream};

use super::{
    accept::{Listener, Spoken, certificates, unix_time},
    loaded::Loaded,
    proxy::{self, ProxyError, Said},
    refused::reason,
    waiting::{Place, Waiting, counted_as},
};
use crate::domain::Aangemeld;

/// How long a balancer may take to say whose connection it hands on, and then the client to begin.
const HEADER_DEADLINE: Duration = Duration::from_secs(1);
const HELLO_DEADLINE: Duration = Duration::from_secs(1);
/// How long the rest of the handshake may take.
const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(4);
const LINGER: Duration = Duration::from_secs(1);

/// Why a connection ended before it was anybody's.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(super) enum Lost {
    #[error("made room for another: nobody of its address had been silent, or at its handshake, for longer")]
    MadeRoom,
    #[error("no PROXY header within a second")]
    NoHeader,
    #[error(transparent)]
    Header(#[from] ProxyError),
    #[error("no ClientHello within a second")]
    Silent,
    #[error("the handshake took longer than its deadline")]
    Slow,
}

impl Lost {
    /// In a word, for the logboek.
    fn oorzaak(&self) -> &'static str {
        match self {
            Self::MadeRoom => "verdrongen",
            Self::NoHeader | Self::Header(_) => "balancer_zegt_niet_voor_wie",
            Self::Silent => "stil",
            Self::Slow => "te_traag",
        }
    }

    /// Its place among the counts.
    fn number(&self) -> usize {
        match self {
            Self::MadeRoom => 0,
            Self::NoHeader => 1,
            Self::Header(_) => 2,
            Self::Silent => 3,
            Self::Slow => 4,
        }
    }
}

/// One port: who waits at it, who may speak for others, and how many were lost.
pub(super) struct Door {
    waiting: Arc<Waiting>,
    proxies: Vec<IpNet>,
    spoken: Spoken,
    lost: [AtomicU64; 5],
}

/// A client with a certificate that is somebody's.
pub(super) struct Guest {
    pub stream: TlsStream<TcpStream>,
    pub aangemeld: Aangemeld,
    /// By what it was judged.
    pub loaded: Arc<Loaded>,
}

/// A socket with a place at the door.
pub(super) struct Visitor {
    stream: TcpStream,
    address: IpAddr,
    /// Whether a balancer stands there, that must first say whose connection it is.
    by_proxy: bool,
    place: Place,
    goes: oneshot::Receiver<()>,
}

/// How a handshake ended without a guest.
enum Ended {
    Lost(IpAddr, Lost),
    /// Refused by TLS, and said so: the client must be able to read why.
    Refused(TcpStream),
    /// Nobody was there.
    Quiet,
}

impl Door {
    /// A port where only `proxies` may say whose connection they hand on, and must.
    pub(super) fn new(proxies: Vec<IpNet>, spoken: Spoken) -> Self {
        Self { waiting: Arc::default(), proxies, spoken, lost: Default::default() }
    }

    /// Takes a socket in; where there is no room for it another one goes.
    pub(super) fn admit(&self, stream: TcpStream, peer: IpAddr) -> Visitor {
        let address = peer.to_canonical();
        let by_proxy = self.proxies.iter().any(|network| network.contains(&address));
        let (place, goes) = self.waiting.enter((!by_proxy).then(|| counted_as(address)));
        Visitor { stream, address, by_proxy, place, goes }
    }

    /// Gets a guest out of a visitor.
    pub(super) async fn receive(&self, listener: &Arc<Listener>, visitor: Visitor) -> Option<Guest> {
        let Visitor { stream, address, by_proxy, place, goes } = visitor;
        // A bericht must not wait for Nagle's algorithm; where it cannot be switched off nothing is lost.
        drop(stream.set_nodelay(true));
        let ended = tokio::select! {
            shaken = shake((listener, self.spoken), stream, (address, by_proxy), &place) => match shaken {
                Ok(guest) => return Some(guest),
                Err(ended) => ended,
            },
            _ = goes => Ended::Lost(address, Lost::MadeRoom),
        };
        drop(place);
        match ended {
            Ended::Lost(address, lost) => {
                listener.refuse(address, lost.oorzaak());
                self.note(address, &lost);
            }
            Ended::Refused(stream) => linger(stream).await,
            Ended::Quiet => {}
        }
        None
    }

    fn note(&self, address: IpAddr, reason: &Lost) {
        let count = self.lost[reason.number()].fetch_add(1, Ordering::Relaxed) + 1;
        tracing::warn!(%address, %reason, count, "a connection was dropped before its handshake was done");
    }
}

async fn shake(
    (listener, spoken): (&Arc<Listener>, Spoken),
    mut stream: TcpStream,
    (peer, by_proxy): (IpAddr, bool),
    place: &Place,
) -> Result<Guest, Ended> {
    let address = if by_proxy { client(&mut stream, peer, place).await? } else { peer };
    let hello = LazyConfigAcceptor::new(Acceptor::default(), stream);
    tokio::pin!(hello);
    let begun = match timeout(HELLO_DEADLINE, hello.as_mut()).await {
        Ok(Ok(begun)) => begun,
        // Who goes without a word was only looking whether somebody listens, as balancers do.
        Ok(Err(error)) if matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset) => {
            tracing::debug!(%address, %error, "somebody looked whether the gateway is there");
            return Err(Ended::Quiet);
        }
        Ok(Err(error)) => {
            tracing::info!(%address, %error, "a handshake was refused");
            listener.refuse(address, reason(&error));
            return Err(hello.take_io().map_or(Ended::Quiet, Ended::Refused));
        }
        Err(_) => return Err(Ended::Lost(address, Lost::Silent)),
    };
    place.spoke();
    let (on_its_thread, loaded) = (Arc::clone(listener), listener.loaded());
    let work = async move {
        let accepted = begun.into_stream(loaded.offered(spoken)).into_fallible().await;
        accepted.map(|stream| {
            let (leaf, chain) = certificates(&stream);
            let known = loaded.identifier.identify(&leaf, &chain, unix_time(&on_its_thread));
            known.ok().map(|aangemeld| Guest { stream, aangemeld, loaded })
        })
    };
    match timeout(HANDSHAKE_DEADLINE, listener.handshakes.run(work)).await {
        Ok(Some(Ok(Some(guest)))) => Ok(guest),
        Ok(Some(Err((error, stream)))) => {
            tracing::info!(%address, %error, "a handshake was refused");
            listener.refuse(address, reason(&error));
            Err(Ended::Refused(stream))
        }
        // It stopped being somebody between the handshake and now, or the gateway ends.
        Ok(Some(Ok(None)) | None) => Err(Ended::Quiet),
        Err(_) => Err(Ended::Lost(address, Lost::Slow)),
    }
}

/// Whose connection a balancer hands on.
async fn client(stream: &mut TcpStream, balancer: IpAddr, place: &Place) -> Result<IpAddr, Ended> {
    let lost = |lost| Ended::Lost(balancer, lost);
    let said = timeout(HEADER_DEADLINE, proxy::read(stream)).await.map_err(|_| lost(Lost::NoHeader))?;
    match said.map_err(|error| lost(error.into()))? {
        Said::Itself => {
            tracing::debug!(%balancer, "a balancer looked whether the gateway is there");
            Err(Ended::Quiet)
        }
        Said::Client(address) => {
            place.belongs_to(counted_as(address));
            Ok(address)
        }
    }
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
