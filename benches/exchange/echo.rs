//! The floor: bare tonic behind the accept loop of the gateway, that gives back what it gets.

use std::{collections::VecDeque, net::SocketAddr, sync::Arc, time::Instant};

use anyhow::Context;
use http::uri::PathAndQuery;
use hyper::body::Incoming;
use ketenpoort::{
    clock::SystemClock,
    config::Config,
    domain::{Aangemeld, Klok},
    tls::{
        Handshakes,
        accept::{self, Bounds, Entrance, Listener, Spoken},
        identity::Identifier,
        loaded::Loaded,
        settings,
    },
};
use prost::Message;
use tokio::{
    net::TcpListener,
    sync::{mpsc, watch},
    task::JoinHandle,
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming, body::Body, transport::Channel};
use tonic_prost::ProstCodec;

use crate::{
    SIZE,
    data::DataDir,
    measure::{Meter, Plan, Samples, repeat},
};

const UNARY: &str = "/bench.Echo/Unary";
const STREAM: &str = "/bench.Echo/Stream";

/// Bytes, on the wire a `google.protobuf.BytesValue`.
type Codec = ProstCodec<Vec<u8>, Vec<u8>>;

/// A running echo.
pub struct Echo {
    pub adres: SocketAddr,
    stop: watch::Sender<bool>,
    accepting: JoinHandle<()>,
}

impl Echo {
    /// Starts with the certificates, identities and bounds of the gateway.
    pub async fn start(data: &DataDir) -> anyhow::Result<Self> {
        let config = &data.config;
        let identifier = Arc::new(identifier(config)?);
        let tls = settings::server(&config.certificaat, &config.sleutel, Arc::clone(&identifier))?;
        let (_reading, loaded) = watch::channel(Arc::new(Loaded::new(tls, identifier)));
        let bounds = Bounds {
            connections: config.bounds.connections,
            connections_partner: config.bounds.connections_partner,
            connection_age_seconds: config.bounds.connection_age_seconds,
        };
        let socket = TcpListener::bind(config.grpc.adres).await?;
        let adres = socket.local_addr()?;
        let entrance = Entrance { socket, proxies: Vec::new(), spoken: Spoken::Http2 };
        let (stop, stopped) = watch::channel(false);
        let listener = Arc::new(Listener {
            loaded,
            bounds,
            handshakes: Handshakes::start()?,
            klok: Arc::new(Klok::start(Arc::new(SystemClock), None, None)),
            refused: Arc::default(),
            metingen: Arc::default(),
        });
        let accepting = tokio::spawn(accept::serve(listener, entrance, stopped, answer));
        Ok(Self { adres, stop, accepting })
    }

    /// Stops, and waits until it has.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.stop.send_replace(true);
        self.accepting.await.context("the echo panicked")
    }
}

fn identifier(config: &Config) -> anyhow::Result<Identifier> {
    let cas = config.cas.iter().map(|ca| settings::trusted_ca(&ca.naam, &ca.bestand, ca.lists().as_deref()));
    let van_kracht = config.documents(false, jiff::Timestamp::UNIX_EPOCH)?.van_kracht(1, &config.omgeving(false));
    let (_, in_force) = watch::channel(Arc::new(van_kracht));
    Ok(Identifier::new(cas.collect::<Result<_, _>>()?, in_force))
}

async fn answer(_: Aangemeld, request: http::Request<Incoming>) -> http::Response<Body> {
    let mut grpc = tonic::server::Grpc::new(Codec::default());
    match request.uri().path() {
        UNARY => {
            let same = |request: Request<Vec<u8>>| async { Ok::<_, Status>(Response::new(request.into_inner())) };
            grpc.unary(tower::service_fn(same), request).await
        }
        STREAM => {
            let same =
                |request: Request<Streaming<Vec<u8>>>| async { Ok::<_, Status>(Response::new(request.into_inner())) };
            grpc.streaming(tower::service_fn(same), request).await
        }
        _ => Status::unimplemented("an echo has two methods").into_http(),
    }
}

/// A message that is as large on the wire as a bericht.
fn payload() -> Vec<u8> {
    // The tag and a length of two bytes.
    let payload = vec![b'e'; SIZE - 3];
    assert_eq!(payload.encoded_len(), SIZE, "the echo must be as large as what it is compared with");
    payload
}

/// Unary calls.
pub async fn unary(channel: Channel, in_flight: usize, plan: Plan) -> anyhow::Result<Samples> {
    let payload = payload();
    let call = move || {
        let mut grpc = tonic::client::Grpc::new(channel.clone());
        let payload = payload.clone();
        async move {
            grpc.ready().await?;
            grpc.unary(Request::new(payload), PathAndQuery::from_static(UNARY), Codec::default()).await?;
            Ok(())
        }
    };
    repeat(in_flight, plan, call).await
}

/// Messages on one stream, of which `in_flight` are under way.
pub async fn stream(channel: Channel, in_flight: usize, plan: Plan) -> anyhow::Result<Samples> {
    let payload = payload();
    let (requests, outbound) = mpsc::channel(in_flight);
    let meter = Meter::after_warm_up(plan, 1);
    let window = meter.window;
    let mut under_way = VecDeque::with_capacity(in_flight);
    for _ in 0..in_flight {
        under_way.push_back(Instant::now());
        requests.send(payload.clone()).await?;
    }
    let mut grpc = tonic::client::Grpc::new(channel);
    grpc.ready().await?;
    let request = Request::new(ReceiverStream::new(outbound));
    let answered = grpc.streaming(request, PathAndQuery::from_static(STREAM), Codec::default()).await?;
    let mut inbound = answered.into_inner();
    let mut samples = Vec::new();
    // A stream keeps its order: what comes back is what went first.
    while let Some(started) = under_way.pop_front() {
        inbound.message().await?.context("the echo ended its stream")?;
        window.note(started, &mut samples);
        if window.is_open(samples.len()) {
            under_way.push_back(Instant::now());
            requests.send(payload.clone()).await?;
        }
    }
    meter.close(samples).await
}
