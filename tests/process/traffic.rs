//! Berichten and how partners send and receive them.

use ketenpoort::{
    client::ClientError,
    grpc::codec::from_json,
    proto::{
        self, client::ExchangeServiceClient, get_status_request::Zoek, inhoud::Soort, receive_request::Verzoek,
        receive_response::Antwoord,
    },
};
use serde_json::Value;
use tokio::{sync::mpsc, time::timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Streaming, transport::Channel};

use crate::served::{PATIENCE, Served, expect, ketenpoort};

pub type Client = ExchangeServiceClient<Channel>;

/// What `send --template` prints.
pub fn template(soort: &str) -> Value {
    let text = expect(&ketenpoort().args(["send", "--template", soort]).output().unwrap(), 0);
    serde_json::from_str(&text).unwrap()
}

/// A template as a request, still without `request_id`.
pub fn request(template: Value) -> proto::SendRequest {
    from_json(template).unwrap()
}

/// The `request_id` of this number: a UUID that differs from that of every other number.
pub fn request_id(number: u64) -> String {
    uuid::Builder::from_random_bytes(u128::from(number).to_be_bytes()).into_uuid().to_string()
}

/// A scenario with the longest texts that are allowed, some 45 KiB.
pub fn long_scenario(number: u64) -> proto::SendRequest {
    let text = |characters: usize| "\u{1d538}".repeat(characters);
    let mut request = request(template("scenario"));
    request.request_id = request_id(number);
    let Some(Soort::Scenario(scenario)) = &mut request.inhoud.as_mut().unwrap().soort else { unreachable!() };
    scenario.als = text(1000);
    scenario.dan = text(2000);
    scenario.niet_doen = Some(text(1000));
    scenario.buiten_kantoortijd = Some(text(1000));
    scenario.afgestemd_met = (0..32).map(|at| format!("{at:03}{}", text(197))).collect();
    request
}

/// Sends; the refusal or the failure as the client sees it.
pub async fn send(
    served: &Served,
    profile: &str,
    client: &mut Client,
    request: &proto::SendRequest,
) -> Result<proto::Ontvangstbewijs, ClientError> {
    match client.send(request.clone()).await {
        Ok(sent) => Ok(sent.into_inner().ontvangstbewijs.unwrap()),
        Err(status) => Err(served.profile(profile).failure(&status)),
    }
}

/// The id and index under which a bericht is known.
pub async fn status(client: &mut Client, bericht: &str) -> proto::GetStatusResponse {
    let zoek = Some(Zoek::Bericht(bericht.to_owned()));
    client
        .get_status(proto::GetStatusRequest { zoek, ..proto::GetStatusRequest::default() })
        .await
        .unwrap()
        .into_inner()
}

/// An open postvak.
pub struct Postvak {
    requests: mpsc::Sender<proto::ReceiveRequest>,
    inbound: Streaming<proto::ReceiveResponse>,
}

impl Postvak {
    pub async fn open(client: &mut Client, loket: &str, krediet: u32) -> Self {
        Self::try_open(client, loket, krediet).await.expect("the postvak opens")
    }

    /// `None` when the gateway is gone.
    pub async fn try_open(client: &mut Client, loket: &str, krediet: u32) -> Option<Self> {
        let (requests, outbound) = mpsc::channel(1024);
        let (loket, medewerker) = (loket.to_owned(), "lezer-001".to_owned());
        let open = Verzoek::Open(proto::ReceiveOpen { loket, krediet, medewerker });
        requests.send(proto::ReceiveRequest { verzoek: Some(open) }).await.ok()?;
        let inbound = client.receive(ReceiverStream::new(outbound)).await.ok()?.into_inner();
        Some(Self { requests, inbound })
    }

    pub async fn say(&self, verzoek: Verzoek) {
        self.try_say(verzoek).await.expect("the stream is open");
    }

    pub async fn try_say(&self, verzoek: Verzoek) -> Option<()> {
        self.requests.send(proto::ReceiveRequest { verzoek: Some(verzoek) }).await.ok()
    }

    pub async fn hear(&mut self) -> Antwoord {
        timeout(PATIENCE, self.try_hear()).await.expect("nothing arrived on the stream").expect("the stream ended")
    }

    pub async fn try_hear(&mut self) -> Option<Antwoord> {
        self.inbound.message().await.ok()??.antwoord
    }

    /// Waits until the gateway ends the stream.
    pub async fn closed(&mut self) {
        let ended = async { while self.try_hear().await.is_some() {} };
        timeout(PATIENCE, ended).await.expect("the stream goes on");
    }
}
