//! The partners: zsm sends, zvh-baronie-breda receives and confirms.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use anyhow::{Context, bail};
use jiff::{Timestamp, ToSpan};
use ketenpoort::{
    clock::{SystemClock, SystemRng},
    domain::{Clock, Rng},
    proto::{self, client::ExchangeServiceClient, inhoud::Soort, receive_request::Verzoek, receive_response::Antwoord},
};
use prost::Message;
use tokio::sync::{mpsc, oneshot};
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;

use crate::SIZE;

pub type Client = ExchangeServiceClient<Channel>;

/// Profile and loket.
pub const SENDER: (&str, &str) = ("zsm", "volwassenen");
/// Profile and loket.
pub const ONTVANGER: (&str, &str) = ("zvh-baronie-breda", "algemeen");
/// Most that a receiver may have outstanding.
const CREDIT: u32 = 1000;
/// The longest that a zaaknummer may be, so that the size does not change with its number.
const ZAAKNUMMER: usize = 64;

/// Who sends.
#[derive(Clone)]
pub struct Sender {
    client: Client,
    example: proto::SendRequest,
    sent: Arc<AtomicU64>,
}

impl Sender {
    pub fn new(client: Client) -> anyhow::Result<Self> {
        Ok(Self { client, example: example()?, sent: Arc::default() })
    }

    /// A number that no other bericht of this sender has.
    pub fn zaaknummer(&self) -> String {
        format!("{:0>ZAAKNUMMER$}", self.sent.fetch_add(1, Ordering::Relaxed))
    }

    /// A new bericht.
    pub fn request(&self, zaaknummer: String) -> proto::SendRequest {
        let mut request = self.example.clone();
        request.request_id = request_id();
        if let Some(Soort::Bekendheidscheck(check)) = request.inhoud.as_mut().and_then(|inhoud| inhoud.soort.as_mut()) {
            check.zaaknummer = zaaknummer;
        }
        request
    }

    /// Sends up to the receipt.
    pub async fn send(&self, request: proto::SendRequest) -> anyhow::Result<()> {
        let sent = self.client.clone().send(request).await?;
        sent.into_inner().ontvangstbewijs.map(drop).context("no receipt")
    }
}

fn request_id() -> String {
    let mut random = [0; 16];
    SystemRng.fill(&mut random);
    uuid::Builder::from_random_bytes(random).into_uuid().to_string()
}

/// A bekendheidscheck about a person and two of the household, with fields as long as it takes to make it [`SIZE`].
fn example() -> anyhow::Result<proto::SendRequest> {
    let tomorrow = SystemClock.now().saturating_add(24.hours())?.as_second();
    let check = proto::Bekendheidscheck {
        zaaknummer: text(ZAAKNUMMER),
        antwoord_nodig_voor: Timestamp::from_second(tomorrow)?.to_string(),
    };
    let betrokkene = |rol: proto::BetrokkeneRol, naam| proto::Betrokkene {
        rol: rol.into(),
        naam: text(naam),
        geboortedatum: "1987-05-12".to_owned(),
        ..proto::Betrokkene::default()
    };
    let with_last_naam = |length| proto::SendRequest {
        request_id: request_id(),
        loket: SENDER.1.to_owned(),
        ontvangers: vec![proto::Adres { partner: ONTVANGER.0.to_owned(), loket: ONTVANGER.1.to_owned() }],
        inhoud: Some(proto::Inhoud {
            betrokkenen: vec![
                betrokkene(proto::BetrokkeneRol::Hoofdpersoon, 200),
                betrokkene(proto::BetrokkeneRol::Gezinslid, 200),
                betrokkene(proto::BetrokkeneRol::Gezinslid, length),
            ],
            casusnummer_afzender: text(64),
            contact: Some(proto::Contact { functie: text(100), telefoon: "076 000 0000".to_owned() }),
            medewerker: "medewerker-001".to_owned(),
            verder_verstrekken: proto::VerderVerstrekken::Verboden.into(),
            soort: Some(Soort::Bekendheidscheck(check.clone())),
            ..proto::Inhoud::default()
        }),
        ..proto::SendRequest::default()
    };
    (1..=200)
        .map(with_last_naam)
        .find(|request| request.encoded_len() == SIZE)
        .context("no bekendheidscheck has this size")
}

fn text(length: usize) -> String {
    "Voorbeeld ".chars().cycle().take(length).collect()
}

/// Who waits for a confirmation, by zaaknummer.
#[derive(Clone, Default)]
pub struct Waiting(Arc<Mutex<HashMap<String, oneshot::Sender<()>>>>);

impl Waiting {
    /// Ready when the bericht with this number is confirmed.
    pub fn wait_for(&self, zaaknummer: String) -> oneshot::Receiver<()> {
        let (confirmed, wait) = oneshot::channel();
        self.lock().insert(zaaknummer, confirmed);
        wait
    }

    fn take(&self, zaaknummer: &str) -> Option<oneshot::Sender<()>> {
        self.lock().remove(zaaknummer)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, oneshot::Sender<()>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Receives and confirms everything; tells who waits when a confirmation is durable.
pub async fn receive(mut client: Client, waiting: Waiting) -> anyhow::Result<()> {
    // More than can be under way, so that saying something never waits for what is said back.
    let (requests, outbound) = mpsc::channel(256);
    let say = async |verzoek| requests.send(proto::ReceiveRequest { verzoek: Some(verzoek) }).await;
    let loket = ONTVANGER.1.to_owned();
    say(Verzoek::Open(proto::ReceiveOpen { loket, krediet: CREDIT, medewerker: "medewerker-002".to_owned() })).await?;
    let mut inbound = client.receive(ReceiverStream::new(outbound)).await?.into_inner();
    let mut delivered = HashMap::new();
    let mut used = 0;
    while let Some(response) = inbound.message().await? {
        match response.antwoord {
            Some(Antwoord::Aflevering(aflevering)) => {
                let Some(Soort::Bekendheidscheck(check)) = aflevering.inhoud.and_then(|inhoud| inhoud.soort) else {
                    bail!("something else than a bekendheidscheck was delivered");
                };
                say(Verzoek::Bevestig(aflevering.bericht.clone())).await?;
                delivered.insert(aflevering.bericht, check.zaaknummer);
                used += 1;
                if used == CREDIT / 2 {
                    say(Verzoek::Krediet(used)).await?;
                    used = 0;
                }
            }
            Some(Antwoord::Bevestigd(bericht)) => {
                let zaaknummer = delivered.remove(&bericht).context("a confirmation of nothing")?;
                let confirmed = waiting.take(&zaaknummer).context("nobody waits for a confirmation")?;
                // When its caller has given up there is nobody to tell, and the figure fails by that.
                confirmed.send(()).ok();
            }
            Some(Antwoord::BevestigingGeweigerd(geweigerd)) => bail!("{}: {}", geweigerd.weigering, geweigerd.uitleg),
            Some(Antwoord::PostvakLeeg(_)) | None => {}
        }
    }
    Ok(())
}
