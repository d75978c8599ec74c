//! The ports: what listens on each, for which role, and which service answers.

use std::{net::SocketAddr, sync::Arc};

use tokio::{net::TcpListener, sync::watch};

use super::GatewayError;
use crate::{
    config::Config,
    domain::Rol,
    exchange::Exchange,
    grpc::{
        beheer_service::BeheerApi,
        boundary::{BEHEER_MESSAGE_LIMIT, Boundary, MESSAGE_LIMIT},
        exchange_service::ExchangeApi,
    },
    proto::{beheer_service_server::BeheerServiceServer, exchange_service_server::ExchangeServiceServer},
    tls::accept::{self, Listener},
};

/// Calls of one operator that are being answered.
const BEHEER_IN_FLIGHT: usize = 4;

pub(super) fn serve_partners(
    listener: Arc<Listener>,
    exchange: &Arc<Exchange>,
    config: &Config,
    socket: TcpListener,
    stopped: watch::Receiver<bool>,
) -> impl Future<Output = ()> + Send + 'static {
    let (in_flight, proxies) = (config.grenzen.in_flight_partner, config.grpc_proxy_van.clone());
    let api = ExchangeApi::new(Arc::clone(exchange), stopped.clone());
    let service = ExchangeServiceServer::new(api).max_decoding_message_size(MESSAGE_LIMIT);
    let boundary = Boundary::new(Arc::clone(exchange), service, Rol::Partner, in_flight);
    let answer = move |aangemeld, request| boundary.clone().answer(aangemeld, request);
    accept::serve(listener, socket, proxies, stopped, answer)
}

pub(super) fn serve_beheer(
    listener: Arc<Listener>,
    exchange: &Arc<Exchange>,
    config: &Config,
    socket: TcpListener,
    stopped: watch::Receiver<bool>,
) -> impl Future<Output = ()> + Send + 'static {
    let api = BeheerApi::new(Arc::clone(exchange));
    let service = BeheerServiceServer::new(api)
        .max_decoding_message_size(BEHEER_MESSAGE_LIMIT)
        .max_encoding_message_size(BEHEER_MESSAGE_LIMIT);
    let boundary = Boundary::new(Arc::clone(exchange), service, Rol::Beheer, BEHEER_IN_FLIGHT);
    let answer = move |aangemeld, request| boundary.clone().answer(aangemeld, request);
    accept::serve(listener, socket, config.beheer_proxy_van.clone(), stopped, answer)
}

/// Opens a port.
pub(super) async fn listen(adres: SocketAddr) -> Result<(TcpListener, SocketAddr), GatewayError> {
    let error = |source| GatewayError::Listen { adres, source };
    let socket = TcpListener::bind(adres).await.map_err(error)?;
    let bound = socket.local_addr().map_err(error)?;
    Ok((socket, bound))
}
