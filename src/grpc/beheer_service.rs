//! `BeheerService`: parse, call the verb, answer. A refusal is logged before it is answered.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use super::{content::Checker, convert, exchange_service::call, status::status};
use crate::{
    documenten::Bron,
    domain::{Convenant, Document, Weigering},
    exchange::{About, Call, Exchange, Gevolg, Gewijzigd, Opdracht, logboek::Gesloten},
    proto::{self, beheer_service_server::BeheerService},
};

/// Documents in one change, at most.
const MOST_DOCUMENTS: usize = 64;

/// The service of one exchange.
#[derive(Clone)]
pub struct BeheerApi {
    exchange: Arc<Exchange>,
}

impl BeheerApi {
    /// For one exchange.
    #[must_use]
    pub fn new(exchange: Arc<Exchange>) -> Self {
        Self { exchange }
    }

    async fn answer<T>(&self, call: &Call, outcome: Result<T, Weigering>) -> Result<Response<T>, Status> {
        match outcome {
            Ok(answer) => Ok(Response::new(answer)),
            Err(weigering) => Err(status(&self.exchange.refuse(call, About::default(), weigering).await)),
        }
    }

    fn in_force(&self, document: &Document) -> proto::DocumentVanKracht {
        let van_kracht = self.exchange.van_kracht();
        let convenant = van_kracht.convenanten().iter().find(|convenant| convenant.hash == document.hash);
        proto::DocumentVanKracht {
            soort: document.soort.as_str().to_owned(),
            naam: document.naam.clone(),
            hash: document.hash.clone(),
            versie: convenant.map(|convenant: &Convenant| convenant.versie.clone()),
            geldig_tot_en_met: convenant.map(|convenant| convenant.geldig_tot_en_met.to_string()),
        }
    }
}

#[tonic::async_trait]
impl BeheerService for BeheerApi {
    async fn change_documents(
        &self,
        request: Request<proto::ChangeDocumentsRequest>,
    ) -> Result<Response<proto::ChangeDocumentsResponse>, Status> {
        let call = call(&request);
        let outcome = match opdracht(request.into_inner()) {
            Ok(opdracht) => self.exchange.change(&call, &opdracht).await.map(changed),
            Err(weigering) => Err(weigering),
        };
        self.answer(&call, outcome).await
    }

    async fn list_documents(
        &self,
        request: Request<proto::ListDocumentsRequest>,
    ) -> Result<Response<proto::ListDocumentsResponse>, Status> {
        let call = call(&request);
        let outcome = self.exchange.documents(&call).await.map(|(versie, documenten)| proto::ListDocumentsResponse {
            versie,
            documenten: documenten.iter().map(|document| self.in_force(document)).collect(),
        });
        self.answer(&call, outcome).await
    }

    async fn get_document(
        &self,
        request: Request<proto::GetDocumentRequest>,
    ) -> Result<Response<proto::GetDocumentResponse>, Status> {
        let call = call(&request);
        let outcome = self.exchange.document(&call, &request.into_inner().naam).await;
        let outcome = outcome.map(|document| proto::GetDocumentResponse {
            document: Some(self.in_force(&document)),
            tekst: document.tekst,
        });
        self.answer(&call, outcome).await
    }

    async fn get_toestand(
        &self,
        _: Request<proto::GetToestandRequest>,
    ) -> Result<Response<proto::GetToestandResponse>, Status> {
        let redenen = self.exchange.redenen();
        Ok(Response::new(proto::GetToestandResponse {
            gereed: redenen.is_empty(),
            redenen,
            tijd: self.exchange.klok.now().to_string(),
            vervalt: self.exchange.klok.may_lapse(),
            klok: self.exchange.klok.wall().to_string(),
        }))
    }

    async fn believe_clock(
        &self,
        request: Request<proto::BelieveClockRequest>,
    ) -> Result<Response<proto::BelieveClockResponse>, Status> {
        let call = call(&request);
        let proto::BelieveClockRequest { reden, medewerker } = request.into_inner();
        let outcome = match word(&reden, &medewerker) {
            Ok(medewerker) => self.exchange.believe_clock(&call, &reden, &medewerker).await,
            Err(weigering) => Err(weigering),
        };
        let outcome = outcome.map(|ended| {
            let (twijfel, bewijs) = ended.map(|(twijfel, bewijs)| (twijfel.uitleg(), bewijs.to_string())).unzip();
            proto::BelieveClockResponse { twijfel, bewijs, tijd: self.exchange.klok.now().to_string() }
        });
        self.answer(&call, outcome).await
    }

    async fn close_logboek(
        &self,
        request: Request<proto::CloseLogboekRequest>,
    ) -> Result<Response<proto::CloseLogboekResponse>, Status> {
        let call = call(&request);
        let proto::CloseLogboekRequest { reden, medewerker } = request.into_inner();
        let outcome = match word(&reden, &medewerker) {
            Ok(medewerker) => self.exchange.close_logboek(&call, &reden, &medewerker).await,
            Err(weigering) => Err(weigering),
        };
        let outcome = outcome.map(|Gesloten { checkpoint, volgende, bewijs }| proto::CloseLogboekResponse {
            checkpoint,
            volgende,
            bewijs: bewijs.to_string(),
        });
        self.answer(&call, outcome).await
    }
}

/// The fields of an operator's word. Gives the medewerker.
fn word(reden: &str, medewerker: &str) -> Result<String, Weigering> {
    let mut checker = Checker::default();
    checker.text("reden", reden, 1..=500);
    if !checker.0.is_empty() {
        return Err(Weigering::OngeldigVeld(checker.0));
    }
    convert::medewerker(medewerker)
}

fn opdracht(request: proto::ChangeDocumentsRequest) -> Result<Opdracht, Weigering> {
    let proto::ChangeDocumentsRequest { laden, intrekken, reden, medewerker, proef } = request;
    let mut checker = Checker::default();
    checker.count("laden", laden.len(), 0..=MOST_DOCUMENTS);
    checker.count("intrekken", intrekken.len(), 0..=MOST_DOCUMENTS);
    if laden.is_empty() && intrekken.is_empty() {
        checker.wrong("laden", "ten minste een document om te laden of in te trekken");
    }
    for (at, document) in laden.iter().enumerate() {
        checker.text(&format!("laden[{at}].herkomst"), &document.herkomst, 1..=200);
    }
    if !proef {
        checker.text("reden", &reden, 1..=500);
    }
    if !checker.0.is_empty() {
        return Err(Weigering::OngeldigVeld(checker.0));
    }
    let medewerker = convert::medewerker(&medewerker)?;
    let bron = |document: proto::NieuwDocument| Bron { herkomst: document.herkomst.into(), tekst: document.tekst };
    Ok(Opdracht { laden: laden.into_iter().map(bron).collect(), intrekken, reden, medewerker, proef })
}

fn changed(gevolg: Gevolg) -> proto::ChangeDocumentsResponse {
    let wijziging = |Gewijzigd { wijziging, bewijs }: Gewijzigd| proto::Wijziging {
        soort: wijziging.soort.as_str().to_owned(),
        naam: wijziging.naam,
        hash: wijziging.nieuw.map(|(hash, _)| hash),
        hash_oud: wijziging.oud,
        bewijs: bewijs.map(|bewijs| bewijs.to_string()),
    };
    proto::ChangeDocumentsResponse {
        versie: gevolg.versie,
        wijzigingen: gevolg.wijzigingen.into_iter().map(wijziging).collect(),
        gevolgen: gevolg.zinnen,
        waarschuwingen: gevolg.waarschuwingen,
    }
}
