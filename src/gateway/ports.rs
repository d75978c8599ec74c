//! The ports: where each listens, for which role, and which service answers.

use std::{convert::Infallible, net::SocketAddr, sync::Arc};

use futures_util::{FutureExt, future::BoxFuture};
use http::{Request, Response};
use hyper::body::Incoming;
use tokio::{net::TcpListener, sync::watch};
use tonic::{body::Body, service::Routes};
use tower::Service;

use super::{Aanloop, GatewayError};
use crate::{
    config::{self, Config},
    domain::Ingang,
    exchange::Exchange,
    grpc::{
        beheer_service::BeheerApi,
        boundary::{
            Boundary, MOST_BEHEER_MESSAGE_BYTES, MOST_DOSSIER_ANSWER_BYTES, MOST_MESSAGE_BYTES,
            MOST_TOEZICHT_ANSWER_BYTES, PageRefusal,
        },
        exchange_service::ExchangeApi,
        inzage_service::InzageApi,
        naast::Naast,
        toezicht_service::ToezichtApi,
    },
    proto::{
        beheer_service_server::BeheerServiceServer, exchange_service_server::ExchangeServiceServer,
        inzage_service_server::InzageServiceServer, toezicht_service_server::ToezichtServiceServer,
    },
    tls::accept::{self, Entrance, Listener, Spoken},
    web,
};

/// Calls of one operator that are being answered.
const BEHEER_IN_FLIGHT: usize = 4;
/// Calls of one identity of toezicht that are being answered.
const TOEZICHT_IN_FLIGHT: usize = 16;

/// A port of the gateway.
struct Port {
    /// Its name, as an operator reads it.
    naam: &'static str,
    /// Who may connect, and so which service answers.
    ingang: Ingang,
    /// Where it listens, and which balancers say for whom they connect.
    config: config::Port,
    /// Calls of one identity that are being answered.
    in_flight: usize,
}

/// Opens all ports of this configuration; nobody is answered before they are served.
pub(super) async fn open_all(config: &Config, aanloop: &Aanloop) -> Result<Vec<Open>, GatewayError> {
    let mut open = Vec::new();
    for port in ports(config) {
        open.push(port.open(aanloop).await?);
    }
    Ok(open)
}

/// All ports that this configuration opens.
fn ports(config: &Config) -> Vec<Port> {
    let port =
        |naam, ingang, in_flight| move |config: &config::Port| Port { naam, ingang, config: config.clone(), in_flight };
    let partners = port("de poort voor partners", Ingang::Partners, config.bounds.in_flight_partner)(&config.grpc);
    let toezicht = config.toezicht.as_ref().map(port("de poort voor toezicht", Ingang::Toezicht, TOEZICHT_IN_FLIGHT));
    let beheer = config.beheer.as_ref().map(port("de poort voor beheer", Ingang::Beheer, BEHEER_IN_FLIGHT));
    [Some(partners), toezicht, beheer].into_iter().flatten().collect()
}

/// A port that is open.
pub(super) struct Open {
    port: Port,
    socket: TcpListener,
    /// The address on which it listens. Where the configuration asks for any free port, this is the one that it got.
    bound: SocketAddr,
}

/// Where this way in listens, if it is open.
pub(super) fn bound(open: &[Open], ingang: Ingang) -> Option<SocketAddr> {
    open.iter().find(|open| open.port.ingang == ingang).map(|open| open.bound)
}

impl Port {
    async fn open(self, aanloop: &Aanloop) -> Result<Open, GatewayError> {
        let section = match self.ingang {
            Ingang::Partners => "grpc",
            Ingang::Toezicht => "toezicht",
            Ingang::Beheer => "beheer",
        };
        let (socket, bound) = aanloop.listen(section, self.config.adres).await?;
        Ok(Open { port: self, socket, bound })
    }
}

impl Open {
    /// What it has beside its own services.
    pub(super) fn naast(&self) -> Naast {
        let names: &[&str] = match self.port.ingang {
            Ingang::Partners => &["ketenpoort.v1.ExchangeService"],
            Ingang::Toezicht => &["ketenpoort.v1.ToezichtService", "ketenpoort.v1.InzageService"],
            Ingang::Beheer => &["ketenpoort.v1.BeheerService"],
        };
        Naast::new(names, self.port.config.reflectie)
    }

    /// Answers until told to stop, then finishes what is under way. Gives the name of the port.
    pub(super) fn serve(
        self,
        naast: &Naast,
        listener: Arc<Listener>,
        exchange: &Arc<Exchange>,
        stopped: watch::Receiver<bool>,
    ) -> BoxFuture<'static, &'static str> {
        match self.port.ingang {
            Ingang::Partners => {
                let api = ExchangeApi::new(Arc::clone(exchange), stopped.clone());
                let service = ExchangeServiceServer::new(api).max_decoding_message_size(MOST_MESSAGE_BYTES);
                self.serve_by((naast.beside(service), None), listener, exchange, stopped)
            }
            Ingang::Toezicht => {
                let toezicht = ToezichtServiceServer::new(ToezichtApi::new(Arc::clone(exchange), stopped.clone()))
                    .max_decoding_message_size(MOST_MESSAGE_BYTES)
                    .max_encoding_message_size(MOST_TOEZICHT_ANSWER_BYTES);
                let inzage = InzageServiceServer::new(InzageApi::new(Arc::clone(exchange)))
                    .max_decoding_message_size(MOST_MESSAGE_BYTES)
                    .max_encoding_message_size(MOST_DOSSIER_ANSWER_BYTES);
                let service = web::beside(
                    naast.beside(Routes::new(toezicht).add_service(inzage).prepare()),
                    web::site(exchange, stopped.clone()),
                );
                self.serve_by((service, Some(web::refusal)), listener, exchange, stopped)
            }
            Ingang::Beheer => {
                let service = BeheerServiceServer::new(BeheerApi::new(Arc::clone(exchange)))
                    .max_decoding_message_size(MOST_BEHEER_MESSAGE_BYTES)
                    .max_encoding_message_size(MOST_BEHEER_MESSAGE_BYTES);
                self.serve_by((naast.beside(service), None), listener, exchange, stopped)
            }
        }
    }

    /// Answers by this service; browsers too, where it is said how they hear a refusal.
    fn serve_by<S>(
        self,
        (service, page): (S, Option<PageRefusal>),
        listener: Arc<Listener>,
        exchange: &Arc<Exchange>,
        stopped: watch::Receiver<bool>,
    ) -> BoxFuture<'static, &'static str>
    where
        S: Service<Request<Incoming>, Response = Response<Body>, Error = Infallible> + Clone + Send + Sync + 'static,
        S::Future: Send,
    {
        let Self { port: Port { naam, ingang, config, in_flight }, socket, .. } = self;
        let mut boundary = Boundary::new(Arc::clone(exchange), service, ingang, in_flight);
        let mut spoken = Spoken::Http2;
        if let Some(refusal) = page {
            boundary = boundary.with_page(refusal);
            spoken = Spoken::Http1And2;
        }
        let entrance = Entrance { socket, proxies: config.proxy_van, spoken };
        let answer = move |aangemeld, request| boundary.clone().answer(aangemeld, request);
        accept::serve(listener, entrance, stopped, answer).map(move |()| naam).boxed()
    }
}
