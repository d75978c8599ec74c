//! What the clients of a test send and receive.

use std::process::Command;

use ketenpoort::{
    client::ClientError,
    clock::{SystemClock, SystemRng},
    domain::{Clock, Rng, houdbaarheid::amsterdam_date},
    grpc::codec::from_json,
    proto::{self, receive_request::Verzoek, receive_response::Antwoord},
};
use serde_json::{Value, json};
use tokio::{sync::mpsc, time::timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};

use super::{Client, PATIENCE};

pub fn request_id() -> String {
    let mut random = [0; 16];
    SystemRng.fill(&mut random);
    uuid::Builder::from_random_bytes(random).into_uuid().to_string()
}

/// The template of a berichtsoort, as a partner gets it.
pub fn template(soort: &str) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_ketenpoort")).args(["send", "--template", soort]).output().unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A request from JSON, with a new `request_id`.
pub fn request(json: Value) -> proto::SendRequest {
    let mut request: proto::SendRequest = from_json(json).unwrap();
    if request.request_id.is_empty() {
        request.request_id = request_id();
    }
    request
}

/// Is this person known? From zsm/volwassenen to zvh-baronie-breda.
pub fn check() -> proto::SendRequest {
    request(template("bekendheidscheck"))
}

/// The answer of zvh-baronie-breda.
pub fn known(verzoek: &str) -> proto::SendRequest {
    let mut json = template("bekendheidsantwoord");
    json["in_antwoord_op"] = json!(verzoek);
    request(json)
}

pub async fn send(client: &mut Client, request: proto::SendRequest) -> Result<proto::Ontvangstbewijs, Status> {
    Ok(client.send(request).await?.into_inner().ontvangstbewijs.unwrap())
}

/// The weigering of a failed call, `lower_snake`.
pub fn weigering<T>(result: Result<T, Status>) -> String {
    let Err(status) = result else { panic!("this should have been refused") };
    ketenpoort::grpc::status::weigering_in(&status).unwrap_or_else(|| panic!("not a refusal of ours: {status:?}"))
}

pub fn unreachable(error: &ClientError) -> &str {
    let ClientError::Unreachable { what, .. } = error else { panic!("got in: {error:?}") };
    what
}

/// A receiving client.
pub struct Receiver {
    say: mpsc::Sender<proto::ReceiveRequest>,
    inbound: Streaming<proto::ReceiveResponse>,
}

impl Receiver {
    pub async fn open(client: &mut Client, loket: &str, krediet: u32) -> Result<Self, Status> {
        let (say, outbound) = mpsc::channel(64);
        let open = proto::ReceiveOpen { loket: loket.to_owned(), krediet, medewerker: "lezer-1".to_owned() };
        say.send(proto::ReceiveRequest { verzoek: Some(Verzoek::Open(open)) }).await.unwrap();
        let inbound = client.receive(ReceiverStream::new(outbound)).await?.into_inner();
        Ok(Self { say, inbound })
    }

    pub async fn next(&mut self) -> Result<Antwoord, Status> {
        let message = timeout(PATIENCE, self.inbound.message()).await.expect("the gateway said nothing")?;
        Ok(message.expect("the stream ended").antwoord.unwrap())
    }

    /// The next bericht; says nothing of an empty postvak.
    pub async fn bericht(&mut self) -> proto::Aflevering {
        loop {
            match self.next().await.unwrap() {
                Antwoord::Aflevering(aflevering) => return aflevering,
                Antwoord::PostvakLeeg(_) => {}
                other => panic!("expected a bericht, got {other:?}"),
            }
        }
    }

    pub async fn empty(&mut self) {
        assert!(matches!(self.next().await.unwrap(), Antwoord::PostvakLeeg(_)), "the postvak is not empty");
    }

    pub async fn say(&self, verzoek: Verzoek) {
        self.say.send(proto::ReceiveRequest { verzoek: Some(verzoek) }).await.unwrap();
    }

    pub async fn confirm(&mut self, bericht: &str) {
        self.say(Verzoek::Bevestig(bericht.to_owned())).await;
        loop {
            match self.next().await.unwrap() {
                Antwoord::Bevestigd(id) => return assert_eq!(id, bericht),
                Antwoord::PostvakLeeg(_) => {}
                other => panic!("expected a confirmation, got {other:?}"),
            }
        }
    }
}

/// Where a bericht stands for its first ontvanger.
pub async fn toestand(client: &mut Client, bericht: &str) -> proto::Toestand {
    status(client, bericht).await.unwrap().ontvangers[0].toestand()
}

pub async fn status(client: &mut Client, bericht: &str) -> Result<proto::GetStatusResponse, Status> {
    let zoek = Some(proto::get_status_request::Zoek::Bericht(bericht.to_owned()));
    Ok(client.get_status(proto::GetStatusRequest { zoek, ..proto::GetStatusRequest::default() }).await?.into_inner())
}

/// Asks again until the bericht stands there for its first ontvanger: what the gateway does by itself takes a moment.
pub async fn until(client: &mut Client, bericht: &str, wanted: proto::Toestand) {
    let deadline = std::time::Instant::now() + PATIENCE;
    while toestand(client, bericht).await != wanted {
        assert!(std::time::Instant::now() < deadline, "{bericht} never became {wanted:?}");
        tokio::task::yield_now().await;
    }
}

/// The date in Amsterdam.
pub fn today() -> jiff::civil::Date {
    amsterdam_date(SystemClock.now())
}
