//! `InzageService`: parse, call the verb, answer. A refusal is logged before it is answered.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use super::{
    exchange_service::call,
    inzage::{besluit, dossier, verzoek},
    status::status,
    zoekfilter::parse_inzage,
};
use crate::{
    domain::Weigering,
    exchange::{About, Call, Exchange, dossier::Getoond, toezicht::Inzage},
    proto::{self, inzage_service_server::InzageService},
};

/// The service of one exchange.
#[derive(Clone)]
pub struct InzageApi {
    exchange: Arc<Exchange>,
}

impl InzageApi {
    /// For one exchange.
    #[must_use]
    pub fn new(exchange: Arc<Exchange>) -> Self {
        Self { exchange }
    }

    /// Answers with what was asked, if that is allowed and whoever asks says who that is.
    async fn answer<T, R>(
        &self,
        call: &Call,
        inzage: Option<&proto::Inzage>,
        asked: impl AsyncFnOnce(Inzage) -> Result<T, Weigering>,
        response: impl FnOnce(T) -> R,
    ) -> Result<Response<R>, Status> {
        let who = parse_inzage(inzage);
        let medewerker = who.as_ref().ok().map(|who| who.medewerker.clone());
        let outcome = match who {
            Ok(who) => asked(who).await,
            Err(weigering) => Err(weigering),
        };
        match outcome {
            Ok(answer) => Ok(Response::new(response(answer))),
            Err(weigering) => {
                let about = About { medewerker, ..About::default() };
                Err(status(&self.exchange.refuse(call, about, weigering).await))
            }
        }
    }
}

fn shown(of: Getoond) -> Option<proto::Dossier> {
    Some(dossier(of))
}

#[tonic::async_trait]
impl InzageService for InzageApi {
    async fn open_dossier(
        &self,
        request: Request<proto::OpenDossierRequest>,
    ) -> Result<Response<proto::OpenDossierResponse>, Status> {
        let (call, request) = (call(&request), request.into_inner());
        let asked = async |who: Inzage| {
            let (persoon, asked) = verzoek(&request)?;
            self.exchange.open_dossier(&call, &who, (&persoon, asked)).await
        };
        let response = |of| proto::OpenDossierResponse { dossier: shown(of) };
        self.answer(&call, request.inzage.as_ref(), asked, response).await
    }

    async fn list_dossiers(
        &self,
        request: Request<proto::ListDossiersRequest>,
    ) -> Result<Response<proto::ListDossiersResponse>, Status> {
        let (call, request) = (call(&request), request.into_inner());
        let asked = async |who: Inzage| self.exchange.list_dossiers(&call, &who, request.ook_gesloten).await;
        let response = |(found, afgekapt): (Vec<Getoond>, bool)| proto::ListDossiersResponse {
            dossiers: found.into_iter().map(dossier).collect(),
            afgekapt,
        };
        self.answer(&call, request.inzage.as_ref(), asked, response).await
    }

    async fn get_dossier(
        &self,
        request: Request<proto::GetDossierRequest>,
    ) -> Result<Response<proto::GetDossierResponse>, Status> {
        let (call, request) = (call(&request), request.into_inner());
        let asked = async |who: Inzage| self.exchange.dossier(&call, &who, request.dossier).await;
        let response = |of| proto::GetDossierResponse { dossier: shown(of) };
        self.answer(&call, request.inzage.as_ref(), asked, response).await
    }

    async fn decide_dossier(
        &self,
        request: Request<proto::DecideDossierRequest>,
    ) -> Result<Response<proto::DecideDossierResponse>, Status> {
        let (call, request) = (call(&request), request.into_inner());
        let asked = async |who: Inzage| {
            let decided = besluit(&request)?;
            self.exchange.decide_dossier(&call, &who, request.dossier, decided).await
        };
        let response = |of| proto::DecideDossierResponse { dossier: shown(of) };
        self.answer(&call, request.inzage.as_ref(), asked, response).await
    }

    async fn extend_dossier(
        &self,
        request: Request<proto::ExtendDossierRequest>,
    ) -> Result<Response<proto::ExtendDossierResponse>, Status> {
        let (call, request) = (call(&request), request.into_inner());
        let asked = async |who: Inzage| {
            if who.reden.is_none() {
                return Err(Weigering::veld(
                    "inzage.reden",
                    "waarom het antwoord langer duurt; zeg dat ook de betrokkene",
                ));
            }
            self.exchange.extend_dossier(&call, &who, request.dossier).await
        };
        let response = |of| proto::ExtendDossierResponse { dossier: shown(of) };
        self.answer(&call, request.inzage.as_ref(), asked, response).await
    }

    async fn close_dossier(
        &self,
        request: Request<proto::CloseDossierRequest>,
    ) -> Result<Response<proto::CloseDossierResponse>, Status> {
        let (call, request) = (call(&request), request.into_inner());
        let asked = async |who: Inzage| self.exchange.close_dossier(&call, &who, request.dossier).await;
        let response = |of| proto::CloseDossierResponse { dossier: shown(of) };
        self.answer(&call, request.inzage.as_ref(), asked, response).await
    }
}
