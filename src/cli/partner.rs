//! `send`, `ask`, `receive`, `fetch`, `status`: a partner at the command line, content as JSON with the proto field names.

use std::{
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context;
use clap::Args;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, transport::Channel};
use uuid::Uuid;

use super::{Failure, print_line, template};
use crate::{
    client::Profile,
    clock::SystemRng,
    domain::{Adres, Rng},
    grpc::codec::{from_json, to_json},
    proceslog,
    proto::{
        self, client::ExchangeServiceClient, get_status_request::Zoek, receive_request::Verzoek,
        receive_response::Antwoord,
    },
};

/// A call that is not answered within this is unreachable; repeating is safe.
pub(super) const CALL_DEADLINE: Duration = Duration::from_secs(30);

pub(super) type Client = ExchangeServiceClient<Channel>;

/// The bericht to send: a file with a `SendRequest` as JSON.
#[derive(Args)]
struct Input {
    /// Het bericht als JSON met de veldnamen van het proto-bestand; - leest van stdin
    #[arg(value_name = "FILE", default_value = "-")]
    file: PathBuf,
    /// Ontvanger als partner/loket, in plaats van ontvangers in het bestand; mag vaker
    #[arg(long = "to", value_name = "ADRES")]
    to: Vec<Adres>,
    /// Het eigen loket, in plaats van loket in het bestand; anders dat van het profiel
    #[arg(long)]
    loket: Option<String>,
    /// Het bericht dat dit beantwoordt, in plaats van `in_antwoord_op` in het bestand
    #[arg(long, value_name = "ID")]
    in_antwoord_op: Option<String>,
    /// Het scenario dat dit vervangt (verlenging), in plaats van `vervangt` in het bestand
    #[arg(long, value_name = "ID")]
    vervangt: Option<String>,
    /// Herhaal veilig met hetzelfde `request_id`; anders een nieuw
    #[arg(long, value_name = "UUID")]
    request_id: Option<String>,
}

impl Input {
    fn read(self, profile: &Profile) -> Result<proto::SendRequest, Failure> {
        let (name, json) = read_json(&self.file)?;
        let mut request: proto::SendRequest = from_json(json)
            .map_err(|error| Failure::Usage(format!("{name} is geen bericht: {error}. Zie send --template SOORT.")))?;
        if !self.to.is_empty() {
            request.ontvangers = self.to.iter().map(crate::grpc::answers::adres).collect();
        }
        if self.in_antwoord_op.is_some() {
            request.in_antwoord_op = self.in_antwoord_op;
        }
        if self.vervangt.is_some() {
            request.vervangt = self.vervangt;
        }
        if let Some(id) = self.request_id {
            request.request_id = id;
        }
        if request.request_id.is_empty() {
            request.request_id = new_request_id();
            // Shown so that a repeat after a lost answer is safe.
            proceslog::say(format_args!("request_id {}", request.request_id));
        }
        if let Some(loket) = self.loket {
            request.loket = loket;
        }
        if request.loket.is_empty() {
            profile.loket().clone_into(&mut request.loket);
        }
        if let Some(inhoud) = request.inhoud.as_mut().filter(|inhoud| inhoud.medewerker.is_empty()) {
            profile.medewerker().clone_into(&mut inhoud.medewerker);
        }
        Ok(request)
    }
}

/// A file with JSON, or stdin as `-`. Gives its name for messages too.
pub(super) fn read_json(file: &Path) -> Result<(String, serde_json::Value), Failure> {
    let from_stdin = file.as_os_str() == "-";
    let name = if from_stdin { "stdin".to_owned() } else { file.display().to_string() };
    let mut text = String::new();
    if from_stdin {
        io::stdin().read_to_string(&mut text).context("stdin is niet te lezen")?;
    } else {
        text = fs::read_to_string(file).with_context(|| format!("{name} is niet te lezen"))?;
    }
    let json = serde_json::from_str(&text).with_context(|| format!("{name} is geen JSON"))?;
    Ok((name, json))
}

/// A fresh `request_id` (`UUIDv4`).
pub(crate) fn new_request_id() -> String {
    let mut random = [0; 16];
    SystemRng.fill(&mut random);
    uuid::Builder::from_random_bytes(random).into_uuid().to_string()
}

/// A call that ends in time.
pub(super) fn with_deadline<T>(message: T, deadline: Duration) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(deadline);
    request
}

/// The partner that calls.
#[derive(Args)]
pub(super) struct Who {
    /// De map met cert.pem, key.pem, ca.pem en profiel.toml
    #[arg(long, value_name = "DIR")]
    profile: PathBuf,
}

impl Who {
    pub(super) async fn connect(&self) -> Result<(Profile, Client), Failure> {
        let profile = Profile::load(&self.profile)?;
        let client = profile.connect().await?;
        Ok((profile, client))
    }
}

#[derive(Args)]
pub struct Send {
    /// De map met cert.pem, key.pem, ca.pem en profiel.toml
    #[arg(long, value_name = "DIR", required_unless_present = "template")]
    profile: Option<PathBuf>,
    /// Druk een voorbeeld van deze berichtsoort af, klaar om in te vullen, of een bericht van een verzonnen casus, zoals
    /// bram/scenario
    #[arg(long, value_name = "SOORT|CASUS/BERICHT", exclusive = true)]
    template: Option<String>,
    #[command(flatten)]
    input: Input,
}

impl Send {
    pub async fn run(self) -> Result<(), Failure> {
        if let Some(naam) = &self.template {
            return template::print(naam);
        }
        let who = Who { profile: self.profile.unwrap_or_default() };
        let profile = Profile::load(&who.profile)?;
        let message = self.input.read(&profile)?;
        let (profile, mut client) = who.connect().await?;
        let sent =
            client.send(with_deadline(message, CALL_DEADLINE)).await.map_err(|status| profile.failure(&status))?;
        let bewijs = sent.into_inner().ontvangstbewijs.unwrap_or_default();
        print_line(&to_json(&bewijs).to_string())
    }
}

#[derive(Args)]
pub struct Ask {
    #[command(flatten)]
    who: Who,
    #[command(flatten)]
    input: Input,
    /// Hoelang op antwoord wachten, 1 tot 300 seconden
    #[arg(long, value_name = "SECONDEN", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=300))]
    wait: u32,
}

impl Ask {
    pub async fn run(self) -> Result<(), Failure> {
        let profile = Profile::load(&self.who.profile)?;
        let verzoek = self.input.read(&profile)?;
        let loket = verzoek.loket.clone();
        let (profile, mut client) = self.who.connect().await?;
        let message = proto::AskRequest { verzoek: Some(verzoek), wacht_seconden: self.wait };
        let deadline = Duration::from_secs(u64::from(self.wait)) + CALL_DEADLINE;
        let asked = client.ask(with_deadline(message, deadline)).await.map_err(|status| profile.failure(&status))?;
        let asked = asked.into_inner();
        print_line(&to_json(&asked).to_string())?;
        for antwoord in asked.antwoorden {
            let message = proto::AcknowledgeRequest {
                bericht: antwoord.bericht,
                loket: loket.clone(),
                medewerker: profile.medewerker().to_owned(),
            };
            let confirmed = client.acknowledge(with_deadline(message, CALL_DEADLINE)).await;
            confirmed.map_err(|status| profile.failure(&status))?;
        }
        Ok(())
    }
}

#[derive(Args)]
pub struct Receive {
    #[command(flatten)]
    who: Who,
    /// Het loket; anders dat van het profiel
    #[arg(long)]
    loket: Option<String>,
    /// Wie leest (personeelsreferentie); anders die van het profiel
    #[arg(long)]
    medewerker: Option<String>,
    /// Stop na zoveel berichten
    #[arg(long, value_name = "AANTAL", value_parser = clap::value_parser!(u64).range(1..))]
    most: Option<u64>,
    /// Blijf wachten als het postvak leeg is
    #[arg(long)]
    follow: bool,
    /// Bevestig niet: de berichten worden later opnieuw aangeboden
    #[arg(long)]
    no_ack: bool,
}

impl Receive {
    pub async fn run(self) -> Result<(), Failure> {
        let (profile, mut client) = self.who.connect().await?;
        let (requests, outbound) = mpsc::channel(16);
        let most = self.most.unwrap_or(u64::MAX);
        let open = proto::ReceiveOpen {
            loket: self.loket.clone().unwrap_or_else(|| profile.loket().to_owned()),
            krediet: u32::try_from(most.min(16)).expect("at most 16"),
            medewerker: self.medewerker.clone().unwrap_or_else(|| profile.medewerker().to_owned()),
        };
        let say = async |verzoek| {
            // A stream that has ended says why in its answer.
            drop(requests.send(proto::ReceiveRequest { verzoek: Some(verzoek) }).await);
        };
        say(Verzoek::Open(open)).await;
        let opened = client.receive(ReceiverStream::new(outbound)).await.map_err(|status| profile.failure(&status))?;
        let mut inbound = opened.into_inner();
        let (mut got, mut unconfirmed, mut empty) = (0, 0, false);
        loop {
            let message = inbound.message().await.map_err(|status| profile.failure(&status))?;
            match message.and_then(|message| message.antwoord) {
                Some(Antwoord::Aflevering(aflevering)) => {
                    let id = aflevering.bericht.clone();
                    // Printed before it is confirmed: what was not taken over is offered again.
                    print_line(&to_json(&aflevering).to_string())?;
                    got += 1;
                    if !self.no_ack {
                        unconfirmed += 1;
                        say(Verzoek::Bevestig(id)).await;
                    }
                    empty = false;
                    if got + 15 < most {
                        say(Verzoek::Krediet(1)).await;
                    }
                }
                Some(Antwoord::Bevestigd(_)) => unconfirmed -= 1,
                Some(Antwoord::BevestigingGeweigerd(geweigerd)) => {
                    return Err(Failure::Refused(format!("{}: {}", geweigerd.bericht, geweigerd.uitleg)));
                }
                Some(Antwoord::PostvakLeeg(_)) => empty = true,
                None if unconfirmed == 0 => return Ok(()),
                None => {
                    let adres = profile.adres();
                    return Err(Failure::Unreachable(format!(
                        "{adres} sloot de verbinding voordat alles bevestigd was"
                    )));
                }
            }
            let enough = got >= most || (empty && !self.follow);
            if unconfirmed == 0 && enough {
                return Ok(());
            }
        }
    }
}

#[derive(Args)]
pub struct Fetch {
    #[command(flatten)]
    who: Who,
    /// Het id van het bericht
    bericht: String,
    /// Het loket dat het kreeg; anders dat van het profiel
    #[arg(long)]
    loket: Option<String>,
    /// Wie leest (personeelsreferentie); anders die van het profiel
    #[arg(long)]
    medewerker: Option<String>,
}

impl Fetch {
    pub async fn run(self) -> Result<(), Failure> {
        let (profile, mut client) = self.who.connect().await?;
        let message = proto::FetchRequest {
            bericht: self.bericht,
            loket: self.loket.unwrap_or_else(|| profile.loket().to_owned()),
            medewerker: self.medewerker.unwrap_or_else(|| profile.medewerker().to_owned()),
        };
        let fetched = client.fetch(with_deadline(message, CALL_DEADLINE)).await;
        let fetched = fetched.map_err(|status| profile.failure(&status))?.into_inner();
        print_line(&to_json(&fetched.aflevering.unwrap_or_default()).to_string())
    }
}

#[derive(Args)]
pub struct Status {
    #[command(flatten)]
    who: Who,
    /// Het id van het bericht
    #[arg(required_unless_present_any = ["request_id", "open_terugkoppeling"])]
    bericht: Option<String>,
    /// Zoek een eigen bericht op het `request_id` waarmee het is gestuurd
    #[arg(long, value_name = "UUID", conflicts_with = "bericht")]
    request_id: Option<Uuid>,
    /// Toon eigen scenario's die met fetch zijn gelezen en langer dan zoveel dagen op terugkoppeling wachten
    #[arg(long, value_name = "DAGEN", conflicts_with_all = ["bericht", "request_id"])]
    open_terugkoppeling: Option<u32>,
    /// Het loket dat ze stuurde; anders dat van het profiel
    #[arg(long, requires = "open_terugkoppeling")]
    loket: Option<String>,
}

impl Status {
    pub async fn run(self) -> Result<(), Failure> {
        let (profile, mut client) = self.who.connect().await?;
        if let Some(langer_dan_dagen) = self.open_terugkoppeling {
            let loket = self.loket.unwrap_or_else(|| profile.loket().to_owned());
            let message = proto::ListOpenTerugkoppelingenRequest { loket, langer_dan_dagen };
            let open = client.list_open_terugkoppelingen(with_deadline(message, CALL_DEADLINE)).await;
            let open = open.map_err(|status| profile.failure(&status))?.into_inner();
            if open.open.is_empty() {
                proceslog::say("geen scenario wacht zo lang op terugkoppeling");
            }
            return open.open.iter().try_for_each(|open| print_line(&to_json(open).to_string()));
        }
        let zoek = match (self.request_id, self.bericht) {
            (Some(id), _) => Zoek::RequestId(id.to_string()),
            (None, bericht) => Zoek::Bericht(bericht.unwrap_or_default()),
        };
        let mut message = proto::GetStatusRequest { zoek: Some(zoek), ..proto::GetStatusRequest::default() };
        let mut whole: Option<proto::GetStatusResponse> = None;
        loop {
            let page = client.get_status(with_deadline(message.clone(), CALL_DEADLINE)).await;
            let page = page.map_err(|status| profile.failure(&status))?.into_inner();
            let (tijdlijn, gesprek) = (page.tijdlijn_verder, page.gesprek_verder);
            whole = Some(match whole {
                None => page,
                Some(so_far) => joined(so_far, page),
            });
            if tijdlijn.is_none() && gesprek.is_none() {
                break;
            }
            // What is complete is asked from its end on, where there is nothing.
            message.tijdlijn_vanaf = tijdlijn.unwrap_or(i64::MAX.unsigned_abs());
            message.gesprek_voor = Some(gesprek.unwrap_or(0));
        }
        print_line(&to_json(&whole.unwrap_or_default()).to_string())
    }
}

/// A status with one page more of its tijdlijn and its gesprek.
fn joined(so_far: proto::GetStatusResponse, page: proto::GetStatusResponse) -> proto::GetStatusResponse {
    proto::GetStatusResponse {
        tijdlijn: [so_far.tijdlijn, page.tijdlijn].concat(),
        // The newest come first, and each page in the order in which they were accepted.
        gesprek_berichten: [page.gesprek_berichten, so_far.gesprek_berichten].concat(),
        tijdlijn_verder: None,
        gesprek_verder: None,
        ..so_far
    }
}
