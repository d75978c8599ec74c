//! `ExchangeService`: parse, call the verb, answer. A refusal is logged before it is answered.

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};
use tracing::Span;

use super::{answers, content, convert, loketten, status::status};
use crate::{
    domain::{Bericht, BerichtId, Berichtsoort, LoketNaam, Weigering},
    exchange::{
        About, Call, Exchange,
        status::{Lookup, Vanaf},
        views::Handed,
    },
    logboek::tijd,
    proto::{self, exchange_service_server::ExchangeService, get_status_request::Zoek},
};

/// The service of one exchange.
#[derive(Clone)]
pub struct ExchangeApi {
    pub(super) exchange: Arc<Exchange>,
    pub(super) stop: watch::Receiver<bool>,
}

impl ExchangeApi {
    /// Ends its streams when `stop` turns true.
    #[must_use]
    pub fn new(exchange: Arc<Exchange>, stop: watch::Receiver<bool>) -> Self {
        Self { exchange, stop }
    }

    /// Logs a refusal, then makes it an answer.
    pub(super) async fn refused(&self, call: &Call, about: About, weigering: Weigering) -> Status {
        status(&self.exchange.refuse(call, about, weigering).await)
    }

    /// Parses a bericht; what can be known of one that is wrong stands in its refusal.
    async fn parse(&self, call: &Call, request: &proto::SendRequest) -> Result<Bericht, Status> {
        match convert::bericht(request) {
            Ok(bericht) => Ok(bericht),
            Err(weigering) => {
                let soort = request.inhoud.as_ref().and_then(|inhoud| inhoud.soort.as_ref());
                let loket = convert::loket(&request.loket).ok();
                let medewerker =
                    request.inhoud.as_ref().and_then(|inhoud| convert::medewerker(&inhoud.medewerker).ok());
                let soort = soort.map(content::berichtsoort);
                let about = About { loket, soort, medewerker, ..About::default() };
                Err(self.refused(call, about, weigering).await)
            }
        }
    }

    /// A bericht of a loket, as named in a request.
    async fn named(&self, call: &Call, bericht: &str, loket: &str) -> Result<(BerichtId, LoketNaam), Status> {
        match convert::loket(loket).and_then(|loket| Ok((convert::bericht_id(bericht)?, loket))) {
            Ok(named) => Ok(named),
            Err(weigering) => Err(self.refused(call, About::default(), weigering).await),
        }
    }
}

/// The verified call of a request.
pub(super) fn call<T>(request: &Request<T>) -> Call {
    request.extensions().get::<Call>().expect("the boundary adds the call to every request").clone()
}

fn record(bericht: BerichtId) {
    Span::current().record("bericht", tracing::field::display(bericht));
}

pub(super) fn aflevering(handed: &Handed) -> Result<proto::Aflevering, Status> {
    answers::aflevering(handed).map_err(|weigering| status(&weigering))
}

#[tonic::async_trait]
impl ExchangeService for ExchangeApi {
    async fn send(&self, request: Request<proto::SendRequest>) -> Result<Response<proto::SendResponse>, Status> {
        let call = call(&request);
        let bericht = self.parse(&call, request.get_ref()).await?;
        match self.exchange.send(&call, &bericht, None).await {
            Ok(receipt) => {
                record(receipt.bericht);
                let ontvangstbewijs = Some(answers::ontvangstbewijs(receipt));
                Ok(Response::new(proto::SendResponse { ontvangstbewijs }))
            }
            Err(weigering) => Err(self.refused(&call, self.exchange.known_of(&bericht), weigering).await),
        }
    }

    async fn ask(&self, request: Request<proto::AskRequest>) -> Result<Response<proto::AskResponse>, Status> {
        let call = call(&request);
        let proto::AskRequest { verzoek, wacht_seconden } = request.into_inner();
        let bericht = Arc::new(self.parse(&call, &verzoek.unwrap_or_default()).await?);
        if !(1..=300).contains(&wacht_seconden) {
            let weigering = Weigering::veld("wacht_seconden", "1 tot en met 300");
            return Err(self.refused(&call, self.exchange.known_of(&bericht), weigering).await);
        }
        let wait = Duration::from_secs(u64::from(wacht_seconden));
        match self.exchange.ask(&call, Arc::clone(&bericht), wait, self.stop.clone()).await {
            Ok(asked) => {
                record(asked.receipt.bericht);
                let antwoorden = asked.antwoorden.iter().map(aflevering).collect::<Result<_, _>>()?;
                Ok(Response::new(proto::AskResponse {
                    ontvangstbewijs: Some(answers::ontvangstbewijs(asked.receipt)),
                    antwoorden,
                    zonder_antwoord: asked.zonder_antwoord.iter().map(answers::adres).collect(),
                }))
            }
            Err(weigering) => Err(self.refused(&call, self.exchange.known_of(&bericht), weigering).await),
        }
    }

    async fn fetch(&self, request: Request<proto::FetchRequest>) -> Result<Response<proto::FetchResponse>, Status> {
        let call = call(&request);
        let proto::FetchRequest { bericht, loket, medewerker } = request.into_inner();
        let (bericht, loket) = self.named(&call, &bericht, &loket).await?;
        record(bericht);
        let about = About {
            bericht: Some(bericht),
            loket: Some(loket.clone()),
            medewerker: convert::medewerker(&medewerker).ok(),
            ..About::default()
        };
        let fetched = match convert::medewerker(&medewerker) {
            Ok(medewerker) => self.exchange.fetch(&call, &loket, bericht, &medewerker).await,
            Err(weigering) => Err(weigering),
        };
        match fetched {
            Ok(handed) => Ok(Response::new(proto::FetchResponse { aflevering: Some(aflevering(&handed)?) })),
            Err(weigering) => Err(self.refused(&call, about.hiding_unknown(&weigering), weigering).await),
        }
    }

    async fn acknowledge(
        &self,
        request: Request<proto::AcknowledgeRequest>,
    ) -> Result<Response<proto::AcknowledgeResponse>, Status> {
        let call = call(&request);
        let proto::AcknowledgeRequest { bericht, loket, medewerker } = request.into_inner();
        let (bericht, loket) = self.named(&call, &bericht, &loket).await?;
        record(bericht);
        let medewerker = Some(medewerker).filter(|medewerker| !medewerker.is_empty());
        let medewerker = medewerker.map(|medewerker| convert::medewerker(&medewerker)).transpose();
        let about = About {
            bericht: Some(bericht),
            loket: Some(loket.clone()),
            medewerker: medewerker.clone().ok().flatten(),
            ..About::default()
        };
        let acknowledged = match &medewerker {
            Ok(medewerker) => self.exchange.acknowledge(&call, &loket, bericht, medewerker.as_deref()).await,
            Err(weigering) => Err(weigering.clone()),
        };
        match acknowledged {
            Ok(at) => Ok(Response::new(proto::AcknowledgeResponse { tijd: tijd(at) })),
            Err(weigering) => Err(self.refused(&call, about.hiding_unknown(&weigering), weigering).await),
        }
    }

    async fn get_status(
        &self,
        request: Request<proto::GetStatusRequest>,
    ) -> Result<Response<proto::GetStatusResponse>, Status> {
        let call = call(&request);
        let request = request.into_inner();
        let from = Vanaf::new(request.tijdlijn_vanaf, request.gesprek_voor);
        let lookup = match request.zoek {
            Some(Zoek::Bericht(id)) => convert::bericht_id(&id).map(Lookup::Bericht),
            Some(Zoek::RequestId(id)) => convert::request_id(&id).map(Lookup::Request),
            None => Err(Weigering::veld("zoek", "bericht of request_id, een van de twee")),
        };
        let view = match lookup {
            Ok(lookup) => self.exchange.status(&call, lookup, from).await,
            Err(weigering) => Err(weigering),
        };
        match view {
            Ok(view) => {
                record(view.bericht);
                Ok(Response::new(answers::status(view)))
            }
            Err(weigering) => Err(self.refused(&call, About::default(), weigering).await),
        }
    }

    async fn withdraw(
        &self,
        request: Request<proto::WithdrawRequest>,
    ) -> Result<Response<proto::WithdrawResponse>, Status> {
        let call = call(&request);
        let request = request.into_inner();
        let (bericht, loket) = (convert::bericht_id(&request.bericht).ok(), convert::loket(&request.loket).ok());
        bericht.into_iter().for_each(record);
        let withdrawn = match convert::intrekking(&request) {
            Ok(intrekking) => self.exchange.withdraw(&call, &intrekking).await,
            Err(weigering) => Err(weigering),
        };
        match withdrawn {
            Ok(withdrawn) => Ok(Response::new(answers::withdrawn(withdrawn))),
            Err(weigering) => {
                let medewerker = convert::medewerker(&request.medewerker).ok();
                let about = About { bericht, loket, medewerker, ..About::default() };
                Err(self.refused(&call, about.hiding_unknown(&weigering), weigering).await)
            }
        }
    }

    async fn find_scenario(
        &self,
        request: Request<proto::FindScenarioRequest>,
    ) -> Result<Response<proto::FindScenarioResponse>, Status> {
        let call = call(&request);
        let request = request.into_inner();
        let vraag = convert::zoekvraag(&request);
        let gevonden = match &vraag {
            Ok(vraag) => self.exchange.find_scenario(&call, vraag).await,
            Err(weigering) => Err(weigering.clone()),
        };
        match gevonden {
            Ok(gevonden) => Ok(Response::new(answers::gevonden(gevonden))),
            Err(weigering) => {
                let medewerker = convert::medewerker(&request.medewerker).ok();
                let betrokkenen = vraag.iter().map(|vraag| self.exchange.gezocht(&vraag.persoon)).collect();
                let soort = Some(Berichtsoort::Scenario);
                let about = About { soort, medewerker, betrokkenen, ..About::default() };
                Err(self.refused(&call, about, weigering).await)
            }
        }
    }

    async fn list_open_terugkoppelingen(
        &self,
        request: Request<proto::ListOpenTerugkoppelingenRequest>,
    ) -> Result<Response<proto::ListOpenTerugkoppelingenResponse>, Status> {
        let call = call(&request);
        let proto::ListOpenTerugkoppelingenRequest { loket, langer_dan_dagen } = request.into_inner();
        let dagen = u16::try_from(langer_dan_dagen).ok().filter(|dagen| *dagen <= 366);
        let asked = convert::loket(&loket).and_then(|loket| {
            Ok((loket, dagen.ok_or_else(|| Weigering::veld("langer_dan_dagen", "0 tot en met 366"))?))
        });
        let open = match asked {
            Ok((loket, dagen)) => self.exchange.open_terugkoppelingen(&call, &loket, dagen).await,
            Err(weigering) => Err(weigering),
        };
        match open {
            Ok(rijen) => {
                let open = rijen.iter().map(answers::open_terugkoppeling).collect();
                Ok(Response::new(proto::ListOpenTerugkoppelingenResponse { open }))
            }
            Err(weigering) => Err(self.refused(&call, About::default(), weigering).await),
        }
    }

    async fn list_loketten(
        &self,
        request: Request<proto::ListLokettenRequest>,
    ) -> Result<Response<proto::ListLokettenResponse>, Status> {
        let call = call(&request);
        let partner = loketten::partner(&request.get_ref().partner);
        match partner.and_then(|partner| self.exchange.loketten(&call, partner.as_ref())) {
            Ok(found) => Ok(Response::new(loketten::response(found))),
            Err(weigering) => Err(self.refused(&call, About::default(), weigering).await),
        }
    }

    type ReceiveStream = ReceiverStream<Result<proto::ReceiveResponse, Status>>;

    async fn receive(
        &self,
        request: Request<Streaming<proto::ReceiveRequest>>,
    ) -> Result<Response<Self::ReceiveStream>, Status> {
        let call = call(&request);
        self.open_stream(call, request.into_inner()).await
    }
}
