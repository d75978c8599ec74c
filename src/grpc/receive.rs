//! The stream of `Receive`: hands out by credit on one side, listens for credit and confirmations on the other.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{Semaphore, mpsc, watch},
    time::timeout,
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Response, Status, Streaming};
use tracing::{Instrument, Span};

use super::{
    convert,
    exchange_service::{ExchangeApi, aflevering},
    status::{of_tonic, status},
};
use crate::{
    domain::{Weigering, weigering::Aard},
    exchange::{About, Call, Postvak, deliver::MOST_AT_ONCE},
    proto::{self, receive_request::Verzoek, receive_response::Antwoord},
    telemetry::sporen::go_on,
};

/// Credit that a receiver can have outstanding.
const MOST_CREDIT: u32 = 1000;
/// Confirmations of one stream that are being written.
const MOST_CONFIRMING: u32 = 64;
/// Polling is the truth, the bell only a hint.
const POLL: Duration = Duration::from_secs(1);

impl ExchangeApi {
    /// Opens a postvak by the first message of the client, and serves it until one of both leaves.
    pub(super) async fn open_stream(
        &self,
        call: Call,
        mut inbound: Streaming<proto::ReceiveRequest>,
    ) -> Result<Response<ReceiverStream<Result<proto::ReceiveResponse, Status>>>, Status> {
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
        self.exchange.tasks.spawn("a stream that hands out", go_on(push.instrument(Span::current())));
        let confirming = Arc::new(Semaphore::new(MOST_CONFIRMING as usize));
        let listen = Listen { api: self.clone(), call, postvak, credits, confirming, out };
        self.exchange.tasks.spawn("a stream that listens", go_on(listen.run(inbound).instrument(Span::current())));
        Ok(Response::new(ReceiverStream::new(responses)))
    }

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
                postvak.pass_on();
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
        // One is woken when something arrives, and there may be more than this one may take.
        if handed.len() >= most.min(MOST_AT_ONCE) {
            postvak.pass_on();
        }
        first.forget();
        credits.forget_permits(handed.len() - 1);
        for handed in &handed {
            if !postvak.may_leave(handed) {
                credits.add_permits(1);
                continue;
            }
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
                    return Err(self.api.refused(&self.call, self.about(), weigering).await);
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
                self.api.exchange.tasks.spawn("a confirmation", go_on(confirm.instrument(Span::current())));
                Ok(None)
            }
            Some(Verzoek::Open(_)) | None => {
                let weigering = Weigering::veld("verzoek", "krediet of bevestig; een stream wordt een keer geopend");
                Err(self.api.refused(&self.call, self.about(), weigering).await)
            }
        }
    }

    /// What is known of what this stream asks.
    fn about(&self) -> About {
        About { medewerker: self.postvak.medewerker(), ..About::default() }
    }

    async fn confirm(&self, text: String) -> Result<proto::ReceiveResponse, Status> {
        let confirmed = match convert::bericht_id(&text) {
            Ok(id) => self.postvak.acknowledge(id).await,
            Err(weigering) => Err(weigering),
        };
        let weigering = match confirmed {
            Ok(_) => return Ok(response(Antwoord::Bevestigd(text))),
            Err(weigering) => self.api.exchange.refuse(&self.call, self.about(), weigering).await,
        };
        if weigering.aard() == Aard::Onbeschikbaar {
            return Err(status(&weigering));
        }
        Ok(response(Antwoord::BevestigingGeweigerd(proto::BevestigingGeweigerd {
            bericht: text.chars().take(36).collect(),
            weigering: weigering.code().to_ascii_uppercase(),
            uitleg: weigering.uitleg().to_owned(),
        })))
    }
}
