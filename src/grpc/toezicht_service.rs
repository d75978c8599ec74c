//! `ToezichtService`: parse, call the verb, answer. A refusal is logged before it is answered.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};
use tracing::{Instrument, Span};

use super::{
    convert::bericht_id,
    exchange_service::call,
    rapport,
    status::status,
    voorstel::voorstel,
    zoekfilter::{followed, opdracht, parse_inzage},
};
use crate::{
    domain::{Rol, Weigering},
    exchange::{
        About, Call, Exchange,
        toezicht::{
            Getoond,
            bewijs::{Gegroeid, Stand},
            volg::Volger,
            zoek::Gevonden,
        },
    },
    proto::{self, toezicht_service_server::ToezichtService},
};

/// The service of one exchange.
#[derive(Clone)]
pub struct ToezichtApi {
    exchange: Arc<Exchange>,
    stop: watch::Receiver<bool>,
}

impl ToezichtApi {
    /// Ends its streams when `stop` turns true.
    #[must_use]
    pub fn new(exchange: Arc<Exchange>, stop: watch::Receiver<bool>) -> Self {
        Self { exchange, stop }
    }

    /// The call of an FG or auditor. A contactpunt comes in by the same port, and has a service of its own.
    async fn watcher<T>(&self, request: &Request<T>) -> Result<Call, Status> {
        let call = call(request);
        if matches!(call.identiteit().rol, Rol::Fg | Rol::Auditor) {
            return Ok(call);
        }
        Err(status(&self.exchange.refuse(&call, About::default(), Weigering::VerkeerdeRol).await))
    }

    async fn answer<T>(
        &self,
        call: &Call,
        inzage: Option<&proto::Inzage>,
        outcome: Result<T, Weigering>,
    ) -> Result<Response<T>, Status> {
        match outcome {
            Ok(answer) => Ok(Response::new(answer)),
            Err(weigering) => {
                let medewerker = inzage.and_then(|inzage| parse_inzage(Some(inzage)).ok()).map(|of| of.medewerker);
                let about = About { medewerker, ..About::default() };
                Err(status(&self.exchange.refuse(call, about, weigering).await))
            }
        }
    }
}

#[tonic::async_trait]
impl ToezichtService for ToezichtApi {
    type FollowLogregelsStream = ReceiverStream<Result<proto::FollowLogregelsResponse, Status>>;

    async fn get_checkpoint(
        &self,
        request: Request<proto::GetCheckpointRequest>,
    ) -> Result<Response<proto::GetCheckpointResponse>, Status> {
        let (call, proto::GetCheckpointRequest { inzage }) = (self.watcher(&request).await?, request.into_inner());
        let outcome = match parse_inzage(inzage.as_ref()) {
            Ok(of) => self.exchange.newest_checkpoint(&call, &of).await,
            Err(weigering) => Err(weigering),
        };
        let outcome = outcome.map(|Stand { checkpoint, vkey, eerste }| proto::GetCheckpointResponse {
            checkpoint,
            vkey,
            logboek_eerste: eerste,
        });
        self.answer(&call, inzage.as_ref(), outcome).await
    }

    async fn get_proof(
        &self,
        request: Request<proto::GetProofRequest>,
    ) -> Result<Response<proto::GetProofResponse>, Status> {
        let (call, proto::GetProofRequest { inzage, log_index }) =
            (self.watcher(&request).await?, request.into_inner());
        let outcome = match parse_inzage(inzage.as_ref()) {
            Ok(of) => self.exchange.prove_regel(&call, &of, log_index).await,
            Err(weigering) => Err(weigering),
        };
        let outcome = outcome.map(|bewijs| proto::GetProofResponse { bewijs: bewijs.to_string() });
        self.answer(&call, inzage.as_ref(), outcome).await
    }

    async fn get_consistency_proof(
        &self,
        request: Request<proto::GetConsistencyProofRequest>,
    ) -> Result<Response<proto::GetConsistencyProofResponse>, Status> {
        let (call, proto::GetConsistencyProofRequest { inzage, checkpoint }) =
            (self.watcher(&request).await?, request.into_inner());
        let outcome = match parse_inzage(inzage.as_ref()) {
            Ok(of) => self.exchange.prove_growth(&call, &of, &checkpoint).await,
            Err(weigering) => Err(weigering),
        };
        let outcome = outcome.map(|Gegroeid { checkpoint, hashes }| proto::GetConsistencyProofResponse {
            checkpoint,
            hashes: hashes.iter().map(|hash| hash.to_vec()).collect(),
        });
        self.answer(&call, inzage.as_ref(), outcome).await
    }

    async fn search_logregels(
        &self,
        request: Request<proto::SearchLogregelsRequest>,
    ) -> Result<Response<proto::SearchLogregelsResponse>, Status> {
        let (call, request) = (self.watcher(&request).await?, request.into_inner());
        let parsed = parse_inzage(request.inzage.as_ref()).and_then(|inzage| Ok((opdracht(&request)?, inzage)));
        let outcome = match parsed {
            Ok((opdracht, inzage)) => self.exchange.search(&call, &inzage, &opdracht).await,
            Err(weigering) => Err(weigering),
        };
        let outcome = outcome.map(|Gevonden { regels, volgende, bijgewerkt_tot, aantal }| {
            let logregels = regels.into_iter().map(getoond).collect();
            let volgende = volgende.unwrap_or_default();
            proto::SearchLogregelsResponse { logregels, volgende, bijgewerkt_tot, aantal }
        });
        self.answer(&call, request.inzage.as_ref(), outcome).await
    }

    async fn follow_logregels(
        &self,
        request: Request<proto::FollowLogregelsRequest>,
    ) -> Result<Response<Self::FollowLogregelsStream>, Status> {
        let (call, proto::FollowLogregelsRequest { inzage, filter, vanaf }) =
            (self.watcher(&request).await?, request.into_inner());
        let parsed = parse_inzage(inzage.as_ref()).and_then(|of| Ok((followed(filter, &of)?, of)));
        let outcome = match parsed {
            Ok((filter, of)) => self.exchange.follow(call.clone(), &of, filter, vanaf).await,
            Err(weigering) => Err(weigering),
        };
        let (out, answers) = mpsc::channel(4);
        let outcome = outcome.map(|volger| {
            let push = push(Arc::clone(&self.exchange), volger, out, self.stop.clone());
            self.exchange.tasks.spawn("a stream that follows the logboek", push.instrument(Span::current()));
            ReceiverStream::new(answers)
        });
        self.answer(&call, inzage.as_ref(), outcome).await
    }

    async fn get_leven(
        &self,
        request: Request<proto::GetLevenRequest>,
    ) -> Result<Response<proto::GetLevenResponse>, Status> {
        let (call, proto::GetLevenRequest { inzage, bericht }) = (self.watcher(&request).await?, request.into_inner());
        let parsed = parse_inzage(inzage.as_ref()).and_then(|of| Ok((bericht_id(&bericht)?, of)));
        let outcome = match parsed {
            Ok((bericht, of)) => self.exchange.leven(&call, &of, bericht).await,
            Err(weigering) => Err(weigering),
        };
        let outcome = outcome.map(|(regels, afgekapt)| proto::GetLevenResponse {
            logregels: regels.into_iter().map(getoond).collect(),
            afgekapt,
        });
        self.answer(&call, inzage.as_ref(), outcome).await
    }

    async fn get_rapport(
        &self,
        request: Request<proto::GetRapportRequest>,
    ) -> Result<Response<proto::GetRapportResponse>, Status> {
        let (call, proto::GetRapportRequest { inzage, van, tot_en_met }) =
            (self.watcher(&request).await?, request.into_inner());
        let parsed = parse_inzage(inzage.as_ref()).and_then(|of| Ok((rapport::periode(&van, &tot_en_met)?, of)));
        let outcome = match parsed {
            Ok((periode, of)) => self.exchange.rapport(&call, &of, periode).await,
            Err(weigering) => Err(weigering),
        };
        let outcome = outcome.and_then(|made| Ok(rapport::response(made, self.exchange.newest_vkey()?)));
        self.answer(&call, inzage.as_ref(), outcome).await
    }

    async fn get_voorstellen(
        &self,
        request: Request<proto::GetVoorstellenRequest>,
    ) -> Result<Response<proto::GetVoorstellenResponse>, Status> {
        let (call, proto::GetVoorstellenRequest { inzage }) = (self.watcher(&request).await?, request.into_inner());
        let outcome = match parse_inzage(inzage.as_ref()) {
            Ok(of) => self.exchange.voorstellen(&call, &of).await,
            Err(weigering) => Err(weigering),
        };
        let outcome = outcome.map(|open| proto::GetVoorstellenResponse {
            voorstellen: open.into_iter().map(|of| voorstel(of, call.identiteit())).collect(),
        });
        self.answer(&call, inzage.as_ref(), outcome).await
    }
}

/// A regel as it is shown.
#[must_use]
pub fn getoond(of: Getoond) -> proto::GevondenLogregel {
    let Getoond { log_index, leaf, tijd_lokaal, afzender, ontvanger, actor } = of;
    let logregel = String::from_utf8_lossy(&leaf).into_owned();
    proto::GevondenLogregel { log_index, logregel, tijd_lokaal, afzender, ontvanger, actor }
}

/// Hands over what is written, until the follower leaves or the gateway stops.
async fn push(
    exchange: Arc<Exchange>,
    mut volger: Volger,
    out: mpsc::Sender<Result<proto::FollowLogregelsResponse, Status>>,
    mut stop: watch::Receiver<bool>,
) {
    loop {
        let found = tokio::select! {
            found = exchange.next_regels(&mut volger) => found,
            () = out.closed() => return,
            _ = stop.wait_for(|stop| *stop) => return,
        };
        let ends = found.is_err();
        let answer = found.map_err(|weigering| status(&weigering)).map(|(regels, bijgewerkt_tot)| {
            let logregels = regels.into_iter().map(getoond).collect();
            proto::FollowLogregelsResponse { logregels, bijgewerkt_tot }
        });
        if out.send(answer).await.is_err() || ends {
            return;
        }
    }
}
