//! `BeheerService`: parse, call the verb, answer. A refusal is logged before it is answered.

use std::{collections::BTreeMap, sync::Arc};

use tonic::{Request, Response, Status};

use super::{
    content::Checker,
    convert,
    exchange_service::call,
    status::status,
    voorstel::{self, handtekeningen},
};
use crate::{
    documenten::Bron,
    domain::{Convenant, Document, Rol, Weigering},
    exchange::{
        About, Call, Exchange, Gevolg, Gewijzigd, Opdracht, logboek::Gesloten, toezicht::Inzage, voorstel::Voorgelegd,
        wis::Gewist,
    },
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

    /// The call of an operator. Who signs for a party comes in by the same port, and may do only what a method says.
    async fn operator<T>(&self, request: &Request<T>) -> Result<Call, Status> {
        let call = call(request);
        if call.identiteit().rol == Rol::Beheer {
            return Ok(call);
        }
        Err(status(&self.exchange.refuse(&call, About::default(), Weigering::VerkeerdeRol).await))
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
        let call = self.operator(&request).await?;
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
        let call = self.operator(&request).await?;
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
        let call = self.operator(&request).await?;
        let proto::GetDocumentRequest { naam, hash, medewerker } = request.into_inner();
        let outcome = match hash {
            None => self.exchange.document(&call, &naam).await,
            Some(hash) => match convert::medewerker(&medewerker) {
                Ok(medewerker) => self.exchange.former_text(&call, &inzage(medewerker), &naam, &hash).await,
                Err(weigering) => Err(weigering),
            },
        };
        let outcome = outcome.map(|document| proto::GetDocumentResponse {
            document: Some(self.in_force(&document)),
            tekst: document.tekst,
        });
        self.answer(&call, outcome).await
    }

    async fn get_toestand(
        &self,
        request: Request<proto::GetToestandRequest>,
    ) -> Result<Response<proto::GetToestandResponse>, Status> {
        self.operator(&request).await?;
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
        let call = self.operator(&request).await?;
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
        let call = self.operator(&request).await?;
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

    async fn propose_documents(
        &self,
        request: Request<proto::ProposeDocumentsRequest>,
    ) -> Result<Response<proto::ProposeDocumentsResponse>, Status> {
        let call = self.operator(&request).await?;
        let proto::ProposeDocumentsRequest { laden, intrekken, reden, medewerker } = request.into_inner();
        let asked = proto::ChangeDocumentsRequest { laden, intrekken, reden, medewerker, proef: false };
        let outcome = match opdracht(asked) {
            Ok(opdracht) => self.exchange.propose(&call, &opdracht).await,
            Err(weigering) => Err(weigering),
        };
        let outcome = outcome
            .map(|of| proto::ProposeDocumentsResponse { voorstel: Some(voorstel::voorstel(of, call.identiteit())) });
        self.answer(&call, outcome).await
    }

    async fn list_voorstellen(
        &self,
        request: Request<proto::ListVoorstellenRequest>,
    ) -> Result<Response<proto::ListVoorstellenResponse>, Status> {
        let call = call(&request);
        let outcome = match convert::medewerker(&request.into_inner().medewerker) {
            Ok(medewerker) => self.exchange.voorstellen(&call, &inzage(medewerker)).await,
            Err(weigering) => Err(weigering),
        };
        let outcome = outcome.map(|open| proto::ListVoorstellenResponse {
            voorstellen: open.into_iter().map(|of| voorstel::voorstel(of, call.identiteit())).collect(),
        });
        self.answer(&call, outcome).await
    }

    async fn ratify_voorstel(
        &self,
        request: Request<proto::RatifyVoorstelRequest>,
    ) -> Result<Response<proto::RatifyVoorstelResponse>, Status> {
        let call = call(&request);
        let outcome = self.ratified(&call, request.into_inner()).await;
        let outcome = outcome
            .map(|of| proto::RatifyVoorstelResponse { voorstel: Some(voorstel::voorstel(of, call.identiteit())) });
        self.answer(&call, outcome).await
    }

    async fn withdraw_voorstel(
        &self,
        request: Request<proto::WithdrawVoorstelRequest>,
    ) -> Result<Response<proto::WithdrawVoorstelResponse>, Status> {
        let call = self.operator(&request).await?;
        let proto::WithdrawVoorstelRequest { voorstel, reden, medewerker } = request.into_inner();
        let outcome = match word(&reden, &medewerker) {
            Ok(medewerker) => self.exchange.take_back(&call, voorstel, &reden, &medewerker).await,
            Err(weigering) => Err(weigering),
        };
        self.answer(&call, outcome.map(|()| proto::WithdrawVoorstelResponse {})).await
    }

    async fn list_historie(
        &self,
        request: Request<proto::ListHistorieRequest>,
    ) -> Result<Response<proto::ListHistorieResponse>, Status> {
        let call = self.operator(&request).await?;
        let proto::ListHistorieRequest { naam, medewerker } = request.into_inner();
        let naam = Some(naam).filter(|naam| !naam.is_empty());
        let outcome = match convert::medewerker(&medewerker) {
            Ok(medewerker) => self.exchange.historie(&call, &inzage(medewerker), naam.as_deref()).await,
            Err(weigering) => Err(weigering),
        };
        let outcome = outcome.map(|changes| proto::ListHistorieResponse {
            historie: changes.into_iter().map(voorstel::historie).collect(),
        });
        self.answer(&call, outcome).await
    }

    async fn erase_openingen(
        &self,
        request: Request<proto::EraseOpeningenRequest>,
    ) -> Result<Response<proto::EraseOpeningenResponse>, Status> {
        let call = self.operator(&request).await?;
        let proto::EraseOpeningenRequest { persoon, reden, medewerker } = request.into_inner();
        let mut checker = Checker::default();
        let persoon = convert::zoekpersoon(&persoon.unwrap_or_default(), &mut checker);
        let asked =
            if checker.0.is_empty() { word(&reden, &medewerker) } else { Err(Weigering::OngeldigVeld(checker.0)) };
        let outcome = match asked {
            Ok(medewerker) => self.exchange.erase(&call, &persoon, &reden, &medewerker).await,
            Err(weigering) => Err(weigering),
        };
        let outcome = outcome.map(|Gewist { openingen, berichten, regels }| proto::EraseOpeningenResponse {
            openingen,
            berichten,
            logregels: regels,
        });
        self.answer(&call, outcome).await
    }
}

impl BeheerApi {
    /// Agrees with a proposal, with signatures that hold where a party signs.
    async fn ratified(&self, call: &Call, request: proto::RatifyVoorstelRequest) -> Result<Voorgelegd, Weigering> {
        let proto::RatifyVoorstelRequest { voorstel, medewerker, handtekeningen: sent } = request;
        let medewerker = convert::medewerker(&medewerker)?;
        let signed = match call.identiteit().rol {
            Rol::Tekent => {
                let texts = self.exchange.te_tekenen(call, voorstel).await?;
                handtekeningen(sent, &texts, &call.aangemeld.certificaat.der)?
            }
            _ => BTreeMap::new(),
        };
        self.exchange.ratify(call, voorstel, &medewerker, signed).await
    }
}

/// Who looks at what was proposed or in force.
fn inzage(medewerker: String) -> Inzage {
    Inzage { medewerker, reden: None }
}

/// The fields of an operator's word. Gives the medewerker.
fn word(reden: &str, medewerker: &str) -> Result<String, Weigering> {
    let mut checker = Checker::default();
    checker.visible("reden", reden, 1..=500);
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
        checker.visible("reden", &reden, 1..=500);
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
