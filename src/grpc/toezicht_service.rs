//! `ToezichtService`: parse, call the verb, answer. A refusal is logged before it is answered.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use super::{content::Checker, exchange_service::call, status::status};
use crate::{
    domain::Weigering,
    exchange::{
        About, Call, Exchange,
        toezicht::{
            Inzage,
            bewijs::{Gegroeid, Stand},
        },
    },
    proto::{self, toezicht_service_server::ToezichtService},
};

/// The service of one exchange.
#[derive(Clone)]
pub struct ToezichtApi {
    exchange: Arc<Exchange>,
}

impl ToezichtApi {
    /// For one exchange.
    #[must_use]
    pub fn new(exchange: Arc<Exchange>) -> Self {
        Self { exchange }
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
    async fn get_checkpoint(
        &self,
        request: Request<proto::GetCheckpointRequest>,
    ) -> Result<Response<proto::GetCheckpointResponse>, Status> {
        let (call, proto::GetCheckpointRequest { inzage }) = (call(&request), request.into_inner());
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
        let (call, proto::GetProofRequest { inzage, log_index }) = (call(&request), request.into_inner());
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
        let (call, proto::GetConsistencyProofRequest { inzage, checkpoint }) = (call(&request), request.into_inner());
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
}

/// Who looks, and why.
fn parse_inzage(inzage: Option<&proto::Inzage>) -> Result<Inzage, Weigering> {
    let mut checker = Checker::default();
    let proto::Inzage { medewerker, reden } = inzage.cloned().unwrap_or_default();
    checker.text("inzage.medewerker", &medewerker, 1..=64);
    if !reden.is_empty() {
        checker.text("inzage.reden", &reden, 1..=500);
    }
    if !checker.0.is_empty() {
        return Err(Weigering::OngeldigVeld(checker.0));
    }
    Ok(Inzage { medewerker, reden: Some(reden).filter(|reden| !reden.is_empty()) })
}
