//! `ToezichtService`: parse, call the verb, answer.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};
use tracing::{Instrument, Span};

use super::{
    convert::bericht_id,
    exchange_service::call,
    looking::answer,
    rapport,
    status::status,
    voorstel::voorstel,
    zoekfilter::{followed, opdracht},
};
use crate::{
    domain::{Rol, Weigering},
    exchange::{
        About, Call, Exchange,
        toezicht::{
            Getoond, Inzage,
            bewijs::{Gegroeid, Stand},
            volg::Volger,
            zoek::{Gevonden, Leven},
        },
        voorstel::Voorgelegd,
    },
    logboek::TlogProof,
    proto::{self, toezicht_service_server::ToezichtService},
    telemetry::sporen::go_on,
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
}

#[tonic::async_trait]
impl ToezichtService for ToezichtApi {
    type FollowLogregelsStream = ReceiverStream<Result<proto::FollowLogregelsResponse, Status>>;

    async fn get_checkpoint(
        &self,
        request: Request<proto::GetCheckpointRequest>,
    ) -> Result<Response<proto::GetCheckpointResponse>, Status> {
        let (call, request) = (self.watcher(&request).await?, request.into_inner());
        let asked = async |who: Inzage| self.exchange.newest_checkpoint(&call, &who).await;
        let response = |Stand { checkpoint, vkey, eerste }| proto::GetCheckpointResponse {
            checkpoint,
            vkey,
            logboek_eerste: eerste,
        };
        answer(&self.exchange, &call, request.inzage.as_ref(), asked, response).await
    }

    async fn get_proof(
        &self,
        request: Request<proto::GetProofRequest>,
    ) -> Result<Response<proto::GetProofResponse>, Status> {
        let (call, request) = (self.watcher(&request).await?, request.into_inner());
        let asked = async |who: Inzage| self.exchange.prove_regel(&call, &who, request.log_index).await;
        let response = |bewijs: TlogProof| proto::GetProofResponse { bewijs: bewijs.to_string() };
        answer(&self.exchange, &call, request.inzage.as_ref(), asked, response).await
    }

    async fn get_consistency_proof(
        &self,
        request: Request<proto::GetConsistencyProofRequest>,
    ) -> Result<Response<proto::GetConsistencyProofResponse>, Status> {
        let (call, request) = (self.watcher(&request).await?, request.into_inner());
        let asked = async |who: Inzage| self.exchange.prove_growth(&call, &who, &request.checkpoint).await;
        let response = |Gegroeid { checkpoint, hashes, .. }| proto::GetConsistencyProofResponse {
            checkpoint,
            hashes: hashes.iter().map(|hash| hash.to_vec()).collect(),
        };
        answer(&self.exchange, &call, request.inzage.as_ref(), asked, response).await
    }

    async fn search_logregels(
        &self,
        request: Request<proto::SearchLogregelsRequest>,
    ) -> Result<Response<proto::SearchLogregelsResponse>, Status> {
        let (call, request) = (self.watcher(&request).await?, request.into_inner());
        let asked = async |who: Inzage| self.exchange.search(&call, &who, &opdracht(&request)?).await;
        let response = |Gevonden { regels, volgende, bijgewerkt_tot, aantal }| proto::SearchLogregelsResponse {
            logregels: regels.into_iter().map(getoond).collect(),
            volgende: volgende.unwrap_or_default(),
            bijgewerkt_tot,
            aantal,
        };
        answer(&self.exchange, &call, request.inzage.as_ref(), asked, response).await
    }

    async fn follow_logregels(
        &self,
        request: Request<proto::FollowLogregelsRequest>,
    ) -> Result<Response<Self::FollowLogregelsStream>, Status> {
        let call = self.watcher(&request).await?;
        let proto::FollowLogregelsRequest { inzage, filter, vanaf } = request.into_inner();
        let asked = async |who: Inzage| {
            let filter = followed(filter, &who)?;
            self.exchange.follow(call.clone(), &who, filter, vanaf).await
        };
        let response = |volger| {
            let (out, answers) = mpsc::channel(4);
            let push = push(Arc::clone(&self.exchange), volger, out, self.stop.clone());
            self.exchange.tasks.spawn("a stream that follows the logboek", go_on(push.instrument(Span::current())));
            ReceiverStream::new(answers)
        };
        answer(&self.exchange, &call, inzage.as_ref(), asked, response).await
    }

    async fn get_leven(
        &self,
        request: Request<proto::GetLevenRequest>,
    ) -> Result<Response<proto::GetLevenResponse>, Status> {
        let (call, request) = (self.watcher(&request).await?, request.into_inner());
        let asked = async |who: Inzage| self.exchange.leven(&call, &who, bericht_id(&request.bericht)?).await;
        let response = |Leven { regels, afgekapt, .. }| proto::GetLevenResponse {
            logregels: regels.into_iter().map(getoond).collect(),
            afgekapt,
        };
        answer(&self.exchange, &call, request.inzage.as_ref(), asked, response).await
    }

    async fn get_rapport(
        &self,
        request: Request<proto::GetRapportRequest>,
    ) -> Result<Response<proto::GetRapportResponse>, Status> {
        let (call, request) = (self.watcher(&request).await?, request.into_inner());
        let asked = async |who: Inzage| {
            let periode = rapport::periode(&request.van, &request.tot_en_met)?;
            let made = self.exchange.rapport(&call, &who, periode).await?;
            Ok(rapport::response(made, self.exchange.newest_vkey()?))
        };
        answer(&self.exchange, &call, request.inzage.as_ref(), asked, |made| made).await
    }

    async fn get_voorstellen(
        &self,
        request: Request<proto::GetVoorstellenRequest>,
    ) -> Result<Response<proto::GetVoorstellenResponse>, Status> {
        let (call, request) = (self.watcher(&request).await?, request.into_inner());
        let asked = async |who: Inzage| self.exchange.voorstellen(&call, &who).await;
        let response = |open: Vec<Voorgelegd>| proto::GetVoorstellenResponse {
            voorstellen: open.into_iter().map(|of| voorstel(of, call.identiteit())).collect(),
        };
        answer(&self.exchange, &call, request.inzage.as_ref(), asked, response).await
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
