//! `ExchangeService`: parse, call the verb, answer. A refusal is logged before it is answered.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{Semaphore, mpsc, watch},
    time::timeout,
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};
use tracing::{Instrument, Span};

use super::{
    convert, loketten,
    status::{of_tonic, status},
};
use crate::{
    domain::{Bericht, BerichtId, LoketNaam, Weigering},
    exchange::{About, Call, Exchange, Handed, Postvak, status::Lookup},
    proto::{
        self, exchange_service_server::ExchangeService, get_status_request::Zoek, receive_request::Verzoek,
        receive_response::Antwoord,
    },
    store::tijd,
};

/// Credit that a receiver can have outstanding.
const MOST_CREDIT: u32 = 1000;
/// Confirmations of one stream that are being written.
const MOST_CONFIRMING: u32 = 64;
/// Polling is the truth, the bell only a hint.
const POLL: Duration = Duration::from_secs(1);

/// The service of one exchange.
#[derive(Clone)]
pub struct ExchangeApi {
    exchange: Arc<Exchange>,
    stop: watch::Receiver<bool>,
}

impl ExchangeApi {
    /// Ends its streams when `stop` turns true.
    #[must_use]
    pub fn new(exchange: Arc<Exchange>, stop: watch::Receiver<bool>) -> Self {
        Self { exchange, stop }
    }

    /// Logs a refusal, then makes it an answer.
    async fn refused(&self, call: &Call, about: About, weigering: Weigering) -> Status {
        status(&self.exchange.refuse(call, about, weigering).await)
    }

    /// Parses a bericht; what is known of it stands in a refusal.
    async fn parse(&self, call: &Call, request: &proto::SendRequest) -> Result<(Bericht, About), Status> {
        match convert::bericht(request) {
            Ok(bericht) => {
                let about = About {
                    loket: Some(bericht.loket.clone()),
                    ontvanger: <[_; 1]>::try_from(bericht.ontvangers.clone()).ok().map(|[only]| only),
                    soort: Some(bericht.soort),
                    ..About::default()
                };
                Ok((bericht, about))
            }
            Err(weigering) => {
                let soort = request.inhoud.as_ref().and_then(|inhoud| inhoud.soort.as_ref());
                let loket = convert::loket(&request.loket).ok();
                let about = About { loket, soort: soort.map(super::content::berichtsoort), ..About::default() };
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

fn aflevering(handed: &Handed) -> Result<proto::Aflevering, Status> {
    convert::aflevering(handed).map_err(|weigering| status(&weigering))
}

#[tonic::async_trait]
impl ExchangeService for ExchangeApi {
    async fn send(&self, request: Request<proto::SendRequest>) -> Result<Response<proto::SendResponse>, Status> {
        let call = call(&request);
        let (bericht, about) = self.parse(&call, request.get_ref()).await?;
        match self.exchange.send(&call, bericht, 0).await {
            Ok(receipt) => {
                record(receipt.bericht);
                let ontvangstbewijs = Some(convert::ontvangstbewijs(receipt));
                Ok(Response::new(proto::SendResponse { ontvangstbewijs }))
            }
            Err(weigering) => Err(self.refused(&call, about, weigering).await),
        }
    }

    async fn ask(&self, request: Request<proto::AskRequest>) -> Result<Response<proto::AskResponse>, Status> {
        let call = call(&request);
        let proto::AskRequest { verzoek, wacht_seconden } = request.into_inner();
        let (bericht, about) = self.parse(&call, &verzoek.unwrap_or_default()).await?;
        if !(1..=300).contains(&wacht_seconden) {
            let weigering = Weigering::veld("wacht_seconden", "1 tot en met 300");
            return Err(self.refused(&call, about, weigering).await);
        }
        match self.exchange.ask(&call, bericht, Duration::from_secs(u64::from(wacht_seconden))).await {
            Ok(asked) => {
                record(asked.receipt.bericht);
                let antwoorden = asked.antwoorden.iter().map(aflevering).collect::<Result<_, _>>()?;
                Ok(Response::new(proto::AskResponse {
                    ontvangstbewijs: Some(convert::ontvangstbewijs(asked.receipt)),
                    antwoorden,
                    zonder_antwoord: asked.zonder_antwoord.iter().map(convert::adres).collect(),
                }))
            }
            Err(weigering) => Err(self.refused(&call, about, weigering).await),
        }
    }

    async fn fetch(&self, request: Request<proto::FetchRequest>) -> Result<Response<proto::FetchResponse>, Status> {
        let call = call(&request);
        let proto::FetchRequest { bericht, loket, medewerker } = request.into_inner();
        let (bericht, loket) = self.named(&call, &bericht, &loket).await?;
        record(bericht);
        let about = About { bericht: Some(bericht), loket: Some(loket.clone()), ..About::default() };
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
        let proto::AcknowledgeRequest { bericht, loket } = request.into_inner();
        let (bericht, loket) = self.named(&call, &bericht, &loket).await?;
        record(bericht);
        let about = About { bericht: Some(bericht), loket: Some(loket.clone()), ..About::default() };
        match self.exchange.acknowledge(&call, &loket, bericht).await {
            Ok(micros) => Ok(Response::new(proto::AcknowledgeResponse { tijd: tijd(micros) })),
            Err(weigering) => Err(self.refused(&call, about.hiding_unknown(&weigering), weigering).await),
        }
    }

    async fn get_status(
        &self,
        request: Request<proto::GetStatusRequest>,
    ) -> Result<Response<proto::GetStatusResponse>, Status> {
        let call = call(&request);
        let lookup = match request.into_inner().zoek {
            Some(Zoek::Bericht(id)) => convert::bericht_id(&id).map(Lookup::Bericht),
            Some(Zoek::RequestId(id)) => convert::request_id(&id).map(Lookup::Request),
            None => Err(Weigering::veld("zoek", "bericht of request_id, een van de twee")),
        };
        let view = match lookup {
            Ok(lookup) => self.exchange.status(&call, lookup).await,
            Err(weigering) => Err(weigering),
        };
        match view {
            Ok(view) => {
                record(view.bericht);
                Ok(Response::new(convert::status(view)))
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
        let mut inbound = request.into_inner();
        // What is not readable is counted by the boundary, like any call that never became one.
        let opened = inbound.message().await?.and_then(|request| request.verzoek);
        let opened = match opened {
            Some(Verzoek::Open(open)) => self.open(&call, &open),
            _ => Err(Weigering::veld("open", "het eerste bericht van de client opent een postvak")),
        };
        let (postvak, credit) = match opened {
            Ok(opened) => opened,
            Err(weigering) => return Err(self.refused(&call, About::default(), weigering).await),
        };
        let (out, responses) = mpsc::channel(16);
        let credits = Arc::new(Semaphore::new(credit));
        let push = push(Arc::clone(&postvak), Arc::clone(&credits), out.clone(), self.stop.clone());
        tokio::spawn(push.instrument(Span::current()));
        let confirming = Arc::new(Semaphore::new(MOST_CONFIRMING as usize));
        let listen = Listen { api: self.clone(), call, postvak, credits, confirming, out };
        tokio::spawn(listen.run(inbound).instrument(Span::current()));
        Ok(Response::new(ReceiverStream::new(responses)))
    }
}

impl ExchangeApi {
    fn open(&self, call: &Call, open: &proto::ReceiveOpen) -> Result<(Arc<Postvak>, usize), Weigering> {
        let loket = convert::loket(&open.loket)?;
        let medewerker = convert::medewerker(&open.medewerker)?;
        if open.krediet > MOST_CREDIT {
            return Err(Weigering::veld("krediet", "0 tot en met 1000"));
        }
        let postvak = self.exchange.open_postvak(call, &loket, &medewerker)?;
        Ok((Arc::new(postvak), open.krediet as usize))
    }
}

fn response(antwoord: Antwoord) -> proto::ReceiveResponse {
    proto::ReceiveResponse { antwoord: Some(antwoord) }
}

type Out = mpsc::Sender<Result<proto::ReceiveResponse, Status>>;

/// Hands out as fast as the receiver gives credit, until it leaves or the gateway stops.
async fn push(postvak: Arc<Postvak>, credits: Arc<Semaphore>, out: Out, mut stop: watch::Receiver<bool>) {
    let mut said_empty = false;
    loop {
        let first = tokio::select! {
            permit = credits.acquire() => permit,
            () = out.closed() => return,
            _ = stop.wait_for(|stop| *stop) => return,
        };
        let Ok(first) = first else { return };
        let most = 1 + credits.available_permits();
        let bell = postvak.bell();
        let rung = bell.notified();
        let handed = match postvak.take(u32::try_from(most).unwrap_or(MOST_CREDIT)).await {
            Ok(handed) => handed,
            Err(weigering) => {
                // The receiver is told; when it has gone there is nobody to tell.
                drop(out.send(Err(status(&weigering))).await);
                return;
            }
        };
        if handed.is_empty() {
            drop(first);
            if !said_empty {
                said_empty = true;
                if out.send(Ok(response(Antwoord::PostvakLeeg(proto::PostvakLeeg {})))).await.is_err() {
                    return;
                }
            }
            tokio::select! {
                _ = timeout(POLL, rung) => {}
                () = out.closed() => return,
                _ = stop.wait_for(|stop| *stop) => return,
            }
            continue;
        }
        said_empty = false;
        first.forget();
        credits.forget_permits(handed.len() - 1);
        for handed in &handed {
            let message = aflevering(handed).map(|aflevering| response(Antwoord::Aflevering(aflevering)));
            if out.send(message).await.is_err() {
                return;
            }
        }
    }
}

/// The side of a receiving stream that listens to the client.
#[derive(Clone)]
struct Listen {
    api: ExchangeApi,
    call: Call,
    postvak: Arc<Postvak>,
    credits: Arc<Semaphore>,
    confirming: Arc<Semaphore>,
    out: Out,
}

impl Listen {
    async fn run(self, mut inbound: Streaming<proto::ReceiveRequest>) {
        let mut stop = self.api.stop.clone();
        loop {
            let heard = tokio::select! {
                heard = inbound.message() => heard,
                _ = stop.wait_for(|stop| *stop) => break,
            };
            let said = match heard {
                Ok(Some(request)) => self.hear(request.verzoek).await,
                // The client is done talking: nobody can confirm any more.
                Ok(None) => break,
                Err(error) => {
                    // A connection that broke is no mistake of the client's.
                    let Some(weigering) = of_tonic(&error) else { break };
                    self.api.exchange.count_weigering(self.call.identiteit(), &weigering);
                    Err(status(&weigering))
                }
            };
            let ends = said.is_err();
            let Some(message) = said.transpose() else { continue };
            if self.out.send(message).await.is_err() || ends {
                break;
            }
        }
        // What the client confirmed before it left still counts, and is answered if it listens.
        drop(self.confirming.acquire_many(MOST_CONFIRMING).await);
        self.credits.close();
    }

    /// What to answer, if anything; an error ends the stream.
    async fn hear(&self, verzoek: Option<Verzoek>) -> Result<Option<proto::ReceiveResponse>, Status> {
        match verzoek {
            Some(Verzoek::Krediet(more)) => {
                let outstanding = self.credits.available_permits();
                if more == 0 || outstanding + more as usize > MOST_CREDIT as usize {
                    let weigering = Weigering::veld("krediet", "1 of meer, en samen hoogstens 1000");
                    return Err(self.api.refused(&self.call, About::default(), weigering).await);
                }
                self.credits.add_permits(more as usize);
                Ok(None)
            }
            Some(Verzoek::Bevestig(text)) => {
                // Many at a time, so that one transaction confirms them together.
                let Ok(permit) = Arc::clone(&self.confirming).acquire_owned().await else { return Ok(None) };
                let listen = self.clone();
                let confirm = async move {
                    // A client that has gone away needs no answer.
                    drop(listen.out.send(listen.confirm(text).await).await);
                    drop(permit);
                };
                tokio::spawn(confirm.instrument(Span::current()));
                Ok(None)
            }
            Some(Verzoek::Open(_)) | None => {
                let weigering = Weigering::veld("verzoek", "krediet of bevestig; een stream wordt een keer geopend");
                Err(self.api.refused(&self.call, About::default(), weigering).await)
            }
        }
    }

    async fn confirm(&self, text: String) -> Result<proto::ReceiveResponse, Status> {
        let confirmed = match convert::bericht_id(&text) {
            Ok(id) => self.postvak.acknowledge(id).await,
            Err(weigering) => Err(weigering),
        };
        let weigering = match confirmed {
            Ok(_) => return Ok(response(Antwoord::Bevestigd(text))),
            Err(weigering) => self.api.exchange.refuse(&self.call, About::default(), weigering).await,
        };
        if weigering == Weigering::NietBeschikbaar {
            return Err(status(&weigering));
        }
        Ok(response(Antwoord::BevestigingGeweigerd(proto::BevestigingGeweigerd {
            bericht: text.chars().take(36).collect(),
            weigering: weigering.code().to_ascii_uppercase(),
            uitleg: weigering.uitleg().to_owned(),
        })))
    }
}
