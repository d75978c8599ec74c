//! `InzageService`: parse, call the verb, answer.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use super::{
    exchange_service::call,
    inzage::{besluit, dossier, verzoek},
    looking::answer,
};
use crate::{
    domain::Weigering,
    exchange::{
        Exchange,
        dossier::{Daad, Getoond},
        toezicht::Inzage,
    },
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
            self.exchange.open_dossier(&call, &who, (&persoon, asked, true)).await
        };
        let response = |of| proto::OpenDossierResponse { dossier: Some(dossier(of)) };
        answer(&self.exchange, &call, request.inzage.as_ref(), asked, response).await
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
        answer(&self.exchange, &call, request.inzage.as_ref(), asked, response).await
    }

    async fn get_dossier(
        &self,
        request: Request<proto::GetDossierRequest>,
    ) -> Result<Response<proto::GetDossierResponse>, Status> {
        let (call, request) = (call(&request), request.into_inner());
        let asked = async |who: Inzage| self.exchange.dossier(&call, &who, request.dossier).await;
        let response = |of| proto::GetDossierResponse { dossier: Some(dossier(of)) };
        answer(&self.exchange, &call, request.inzage.as_ref(), asked, response).await
    }

    async fn decide_dossier(
        &self,
        request: Request<proto::DecideDossierRequest>,
    ) -> Result<Response<proto::DecideDossierResponse>, Status> {
        let (call, request) = (call(&request), request.into_inner());
        let asked = async |who: Inzage| {
            let (named, others) = besluit(&request)?;
            self.exchange.do_in_dossier(&call, &who, (request.dossier, &Daad::Besluit(named, others))).await
        };
        let response = |of| proto::DecideDossierResponse { dossier: Some(dossier(of)) };
        answer(&self.exchange, &call, request.inzage.as_ref(), asked, response).await
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
            self.exchange.do_in_dossier(&call, &who, (request.dossier, &Daad::Verlenging)).await
        };
        let response = |of| proto::ExtendDossierResponse { dossier: Some(dossier(of)) };
        answer(&self.exchange, &call, request.inzage.as_ref(), asked, response).await
    }

    async fn close_dossier(
        &self,
        request: Request<proto::CloseDossierRequest>,
    ) -> Result<Response<proto::CloseDossierResponse>, Status> {
        let (call, request) = (call(&request), request.into_inner());
        let asked =
            async |who: Inzage| self.exchange.do_in_dossier(&call, &who, (request.dossier, &Daad::Sluiting)).await;
        let response = |of| proto::CloseDossierResponse { dossier: Some(dossier(of)) };
        answer(&self.exchange, &call, request.inzage.as_ref(), asked, response).await
    }
}
