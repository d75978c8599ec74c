//! The partners: who sends, and who receives and confirms.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use anyhow::{Context, bail, ensure};
use ketenpoort::proto::{self, client::ExchangeServiceClient, receive_request::Verzoek, receive_response::Antwoord};
use prost::Message;
use tokio::sync::{mpsc, oneshot};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Streaming, transport::Channel};

use crate::{
    SIZE,
    berichten::{Plaats, again, bekendheidscheck, bericht, casusnummer},
};

pub type Client = ExchangeServiceClient<Channel>;

pub const SENDER: Plaats = ("zsm", "volwassenen");
pub const ONTVANGER: Plaats = ("zvh-baronie-breda", "algemeen");
/// Most that a receiver may have outstanding.
const CREDIT: u32 = 1000;

/// Who sends bekendheidschecks.
#[derive(Clone)]
pub struct Sender {
    pub client: Client,
    example: proto::SendRequest,
}

impl Sender {
    pub fn new(client: Client) -> anyhow::Result<Self> {
        let example = bericht(SENDER, ONTVANGER, &bekendheidscheck());
        ensure!(example.encoded_len() == SIZE, "no bekendheidscheck has this size");
        Ok(Self { client, example })
    }

    /// A new bericht.
    pub fn request(&self, casusnummer: String) -> proto::SendRequest {
        again(&self.example, casusnummer)
    }

    /// Sends one up to the receipt.
    pub async fn send(&self, waiting: Option<&Waiting>) -> anyhow::Result<()> {
        let casusnummer = casusnummer();
        // Before it is sent: delivery may overtake the receipt.
        let confirmed = waiting.map(|waiting| waiting.wait_for(casusnummer.clone()));
        send(&mut self.client.clone(), self.request(casusnummer)).await?;
        match confirmed {
            Some(confirmed) => confirmed.await.context("the receiver left"),
            None => Ok(()),
        }
    }
}

/// Sends up to the receipt.
pub async fn send(client: &mut Client, request: proto::SendRequest) -> anyhow::Result<proto::Ontvangstbewijs> {
    client.send(request).await?.into_inner().ontvangstbewijs.context("no receipt")
}

/// Who waits for a confirmation, by casusnummer.
#[derive(Clone, Default)]
pub struct Waiting(Arc<Mutex<HashMap<String, oneshot::Sender<()>>>>);

impl Waiting {
    /// Ready when the bericht with this number is confirmed.
    pub fn wait_for(&self, casusnummer: String) -> oneshot::Receiver<()> {
        let (confirmed, wait) = oneshot::channel();
        self.lock().insert(casusnummer, confirmed);
        wait
    }

    fn take(&self, casusnummer: &str) -> Option<oneshot::Sender<()>> {
        self.lock().remove(casusnummer)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, oneshot::Sender<()>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An open postvak. All that is delivered is confirmed.
pub struct Postvak {
    requests: mpsc::Sender<proto::ReceiveRequest>,
    inbound: Streaming<proto::ReceiveResponse>,
    used: u32,
}

impl Postvak {
    pub async fn open(client: &mut Client, loket: &str) -> anyhow::Result<Self> {
        // More than can be under way, so that saying something never waits for what is said back.
        let (requests, outbound) = mpsc::channel(2 * CREDIT as usize);
        let open =
            proto::ReceiveOpen { loket: loket.to_owned(), krediet: CREDIT, medewerker: "medewerker-002".to_owned() };
        requests.try_send(proto::ReceiveRequest { verzoek: Some(Verzoek::Open(open)) })?;
        let inbound = client.receive(ReceiverStream::new(outbound)).await?.into_inner();
        Ok(Self { requests, inbound, used: 0 })
    }

    /// What the gateway says next; nothing when it closed the postvak. Can be given up and asked again.
    pub async fn next(&mut self) -> anyhow::Result<Option<Antwoord>> {
        loop {
            let Some(response) = self.inbound.message().await? else { return Ok(None) };
            match response.antwoord {
                Some(Antwoord::BevestigingGeweigerd(geweigerd)) => {
                    bail!("{}: {}", geweigerd.weigering, geweigerd.uitleg)
                }
                Some(antwoord) => {
                    if let Antwoord::Aflevering(aflevering) = &antwoord {
                        self.confirm(aflevering.bericht.clone())?;
                    }
                    return Ok(Some(antwoord));
                }
                None => {}
            }
        }
    }

    /// Waits until there is nothing to deliver.
    pub async fn empty(&mut self) -> anyhow::Result<()> {
        while let Some(antwoord) = self.next().await? {
            if matches!(antwoord, Antwoord::PostvakLeeg(_)) {
                return Ok(());
            }
        }
        bail!("the gateway closed the postvak")
    }

    fn confirm(&mut self, bericht: String) -> anyhow::Result<()> {
        self.say(Verzoek::Bevestig(bericht))?;
        self.used += 1;
        if self.used == CREDIT / 2 {
            self.say(Verzoek::Krediet(self.used))?;
            self.used = 0;
        }
        Ok(())
    }

    fn say(&self, verzoek: Verzoek) -> anyhow::Result<()> {
        Ok(self.requests.try_send(proto::ReceiveRequest { verzoek: Some(verzoek) })?)
    }
}

/// Receives everything; tells who waits when a confirmation is durable.
pub async fn receive(mut postvak: Postvak, waiting: Waiting) -> anyhow::Result<()> {
    let mut delivered = HashMap::new();
    while let Some(antwoord) = postvak.next().await? {
        match antwoord {
            Antwoord::Aflevering(aflevering) => {
                let inhoud = aflevering.inhoud.context("a delivery without content")?;
                delivered.insert(aflevering.bericht, inhoud.casusnummer_afzender);
            }
            Antwoord::Bevestigd(bericht) => {
                let casusnummer = delivered.remove(&bericht).context("a confirmation of nothing")?;
                let confirmed = waiting.take(&casusnummer).context("nobody waits for a confirmation")?;
                // When its caller has given up there is nobody to tell, and the figure fails by that.
                confirmed.send(()).ok();
            }
            _ => {}
        }
    }
    bail!("the gateway closed the postvak")
}
