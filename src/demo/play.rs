//! Playing the story with real clients; every expectation is checked.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context;
use serde_json::json;
use tokio::{sync::mpsc, task::JoinSet};
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;

use super::{
    report::Report,
    story::{Antwoord, Doe, Stap, Story},
};
use crate::{
    cli::{Failure, partner::new_request_id, template::fill},
    client::{ClientError, Profile},
    clock::SystemClock,
    domain::Clock,
    grpc::codec::from_json,
    pki::{DevCa, LeafSpec, dev_identities},
    proto::{self, client::ExchangeServiceClient, receive_request::Verzoek, receive_response::Antwoord as Received},
};

type Client = ExchangeServiceClient<Channel>;

/// Plays the partners.
pub struct Player<'a> {
    dir: PathBuf,
    report: &'a Report,
    clients: HashMap<String, (Profile, Client)>,
    /// Ids of berichten by their name in the story.
    namen: HashMap<String, String>,
    proofs: Vec<String>,
}

fn unmet(what: impl std::fmt::Display) -> Failure {
    Failure::Refused(format!("het verhaal liep anders: {what}"))
}

fn adres(adres: Option<&proto::Adres>) -> String {
    adres.map(|adres| format!("{}/{}", adres.partner, adres.loket)).unwrap_or_default()
}

impl<'a> Player<'a> {
    pub fn new(dir: &Path, report: &'a Report) -> Self {
        Self { dir: dir.to_owned(), report, clients: HashMap::new(), namen: HashMap::new(), proofs: Vec::new() }
    }

    /// Number of accepted berichten.
    pub fn berichten(&self) -> usize {
        self.namen.len()
    }

    /// Every proof that was received.
    pub fn proofs(&self) -> &[String] {
        &self.proofs
    }

    pub async fn play(&mut self, story: &Story) -> Result<(), Failure> {
        for dag in &story.dagen {
            self.report.heading(&format!("{}. {}", dag.naam, dag.verhaal));
            for stap in &dag.stappen {
                self.report.say(&format!("- {}", stap.tekst));
                self.step(stap).await?;
                self.report.step();
            }
        }
        Ok(())
    }

    async fn step(&mut self, stap: &Stap) -> Result<(), Failure> {
        match &stap.doe {
            Doe::Ask { als, naam, wacht_seconden, verzoek, antwoorden } => {
                self.ask(&stap.naam, als, naam, *wacht_seconden, verzoek, antwoorden).await
            }
            Doe::Send { als, naam, verzoek, weigering } => {
                self.send(&stap.naam, als, naam, verzoek, weigering.as_deref()).await
            }
            Doe::Receive { als, loket, namen, medewerker } => {
                self.receive(&stap.naam, als, loket, namen, medewerker).await
            }
            Doe::Fetch { als, loket, naam, medewerker } => self.fetch(&stap.naam, als, loket, naam, medewerker).await,
            Doe::Status { als, naam, toestand } => self.status(&stap.naam, als, naam, toestand).await,
            Doe::Vreemd {} => self.vreemd(&stap.naam).await,
        }
    }

    async fn client(&mut self, profile: &str) -> Result<(Profile, Client), Failure> {
        if let Some((profile, client)) = self.clients.get(profile) {
            return Ok((profile.clone(), client.clone()));
        }
        let loaded = Profile::load(&self.dir.join("profielen").join(profile))?;
        let client = loaded.connect().await?;
        self.clients.insert(profile.to_owned(), (loaded.clone(), client.clone()));
        Ok((loaded, client))
    }

    fn request(&self, verzoek: &serde_json::Value) -> Result<proto::SendRequest, Failure> {
        let filled = fill(verzoek, SystemClock.now(), &self.namen)?;
        let mut request: proto::SendRequest = from_json(filled).map_err(Failure::Usage)?;
        request.request_id = new_request_id();
        Ok(request)
    }

    async fn send(
        &mut self,
        stap: &str,
        als: &str,
        naam: &str,
        verzoek: &serde_json::Value,
        weigering: Option<&str>,
    ) -> Result<(), Failure> {
        let (profile, mut client) = self.client(als).await?;
        let request = self.request(verzoek)?;
        match client.send(request.clone()).await {
            Ok(sent) if weigering.is_none() => {
                self.accepted(stap, &profile_address(als, &request), naam, &request, sent.into_inner().ontvangstbewijs)
            }
            Ok(_) => Err(unmet(format!("{stap} had geweigerd moeten worden"))),
            Err(status) => {
                let failure = profile.failure(&status);
                let ClientError::Refused(geweigerd) = &failure else { return Err(failure.into()) };
                if weigering != Some(geweigerd.weigering.as_str()) {
                    return Err(unmet(format!("{stap}: {failure}")));
                }
                self.report.say(&format!("    geweigerd ({}): {}", geweigerd.weigering, geweigerd.uitleg));
                for (veld, uitleg) in &geweigerd.velden {
                    self.report.say(&format!("      {veld}: {uitleg}"));
                }
                self.report.line(&json!({
                    "stap": stap, "soort": "geweigerd", "afzender": profile_address(als, &request),
                    "ontvanger": adres(request.ontvangers.first()), "berichtsoort": berichtsoort(&request),
                    "weigering": geweigerd.weigering,
                }));
                Ok(())
            }
        }
    }

    /// Tells an acceptance and keeps its proofs.
    fn accepted(
        &mut self,
        stap: &str,
        afzender: &str,
        naam: &str,
        request: &proto::SendRequest,
        bewijs: Option<proto::Ontvangstbewijs>,
    ) -> Result<(), Failure> {
        let bewijs = bewijs.ok_or_else(|| unmet(format!("{stap}: geen ontvangstbewijs")))?;
        for aanvaarding in bewijs.aanvaardingen {
            let ontvanger = adres(aanvaarding.ontvanger.as_ref());
            let stempel = aanvaarding.stempel.unwrap_or_default();
            self.report.say(&format!(
                "    {afzender} -> {ontvanger}: {}, grondslag {}, houdbaar tot en met {}",
                berichtsoort(request),
                stempel.grondslag,
                stempel.houdbaar_tot_en_met
            ));
            self.report.line(&json!({
                "stap": stap, "soort": "aanvaard", "bericht": bewijs.bericht, "afzender": afzender, "ontvanger": ontvanger,
                "berichtsoort": berichtsoort(request), "grondslag": stempel.grondslag,
                "houdbaar_tot_en_met": stempel.houdbaar_tot_en_met, "log_index": aanvaarding.log_index,
            }));
            self.proofs.push(aanvaarding.bewijs);
        }
        self.namen.insert(naam.to_owned(), bewijs.bericht);
        Ok(())
    }

    fn delivered(&self, stap: &str, aflevering: &proto::Aflevering) {
        let stempel = aflevering.stempel.clone().unwrap_or_default();
        for soort in ["afgeleverd", "bevestigd"] {
            self.report.line(&json!({
                "stap": stap, "soort": soort, "bericht": aflevering.bericht, "afzender": adres(aflevering.afzender.as_ref()),
                "ontvanger": adres(aflevering.ontvanger.as_ref()), "berichtsoort": aflevering.berichtsoort,
                "grondslag": stempel.grondslag, "houdbaar_tot_en_met": stempel.houdbaar_tot_en_met,
            }));
        }
    }

    async fn receive(
        &mut self,
        stap: &str,
        als: &str,
        loket: &str,
        namen: &[String],
        medewerker: &str,
    ) -> Result<(), Failure> {
        let (profile, client) = self.client(als).await?;
        let got = receive(client, profile, loket.to_owned(), medewerker.to_owned(), namen.len()).await?;
        for (aflevering, naam) in got.iter().zip(namen) {
            if self.namen.get(naam) != Some(&aflevering.bericht) {
                return Err(unmet(format!("{stap}: {als} kreeg een ander bericht dan {naam}")));
            }
            self.delivered(stap, aflevering);
        }
        self.report.say(&format!("    {als}/{loket} kreeg en bevestigde {}", got.len()));
        Ok(())
    }

    async fn ask(
        &mut self,
        stap: &str,
        als: &str,
        naam: &str,
        wacht_seconden: u32,
        verzoek: &serde_json::Value,
        antwoorden: &[Antwoord],
    ) -> Result<(), Failure> {
        let (profile, mut client) = self.client(als).await?;
        let request = self.request(verzoek)?;
        let mut answering = JoinSet::new();
        for antwoord in antwoorden {
            let (answerer, answerer_client) = self.client(&antwoord.als).await?;
            let (antwoord, naam) = (antwoord.clone(), naam.to_owned());
            answering.spawn(answer(answerer, answerer_client, antwoord, naam));
        }
        let message = proto::AskRequest { verzoek: Some(request.clone()), wacht_seconden };
        let asked = client.ask(message).await.map_err(|status| profile.failure(&status))?.into_inner();
        let afzender = profile_address(als, &request);
        self.accepted(stap, &afzender, naam, &request, asked.ontvangstbewijs)?;
        while let Some(answered) = answering.join_next().await {
            let (antwoord, received, sent, bewijs) = answered.context("een antwoord brak af")??;
            self.delivered(stap, &received);
            self.accepted(stap, &profile_address(&antwoord.als, &sent), &antwoord.naam, &sent, bewijs)?;
        }
        if asked.antwoorden.len() != antwoorden.len() || !asked.zonder_antwoord.is_empty() {
            return Err(unmet(format!(
                "{stap}: {} van {} antwoorden op tijd",
                asked.antwoorden.len(),
                antwoorden.len()
            )));
        }
        for antwoord in &asked.antwoorden {
            let message = proto::AcknowledgeRequest { bericht: antwoord.bericht.clone(), loket: request.loket.clone() };
            client.acknowledge(message).await.map_err(|status| profile.failure(&status))?;
            self.delivered(stap, antwoord);
        }
        Ok(())
    }

    async fn fetch(&mut self, stap: &str, als: &str, loket: &str, naam: &str, medewerker: &str) -> Result<(), Failure> {
        let (profile, mut client) = self.client(als).await?;
        let bericht = self.namen.get(naam).cloned().unwrap_or_default();
        let message = proto::FetchRequest { bericht, loket: loket.to_owned(), medewerker: medewerker.to_owned() };
        let fetched = client.fetch(message).await.map_err(|status| profile.failure(&status))?.into_inner();
        let aflevering = fetched.aflevering.filter(|aflevering| aflevering.inhoud.is_some());
        let aflevering = aflevering.ok_or_else(|| unmet(format!("{stap}: geen inhoud")))?;
        self.report.line(&json!({
            "stap": stap, "soort": "geraadpleegd", "bericht": aflevering.bericht,
            "afzender": adres(aflevering.afzender.as_ref()), "ontvanger": adres(aflevering.ontvanger.as_ref()),
            "berichtsoort": aflevering.berichtsoort,
        }));
        Ok(())
    }

    async fn status(&mut self, stap: &str, als: &str, naam: &str, toestand: &str) -> Result<(), Failure> {
        let (profile, mut client) = self.client(als).await?;
        let bericht = self.namen.get(naam).cloned().unwrap_or_default();
        let zoek = Some(proto::get_status_request::Zoek::Bericht(bericht.clone()));
        let status = client.get_status(proto::GetStatusRequest { zoek }).await;
        let status = status.map_err(|status| profile.failure(&status))?.into_inner();
        for ontvanger in &status.ontvangers {
            if ontvanger.toestand().as_str_name() != toestand {
                return Err(unmet(format!(
                    "{stap}: {} is {}",
                    adres(ontvanger.ontvanger.as_ref()),
                    ontvanger.toestand().as_str_name()
                )));
            }
        }
        let seen: Vec<&str> = status.tijdlijn.iter().map(|gebeurtenis| gebeurtenis.soort.as_str()).collect();
        self.report.say(&format!("    tijdlijn: {}", seen.join(", ")));
        self.report.line(&json!({"stap": stap, "bericht": bericht, "berichtsoort": status.berichtsoort}));
        Ok(())
    }

    /// ZSM's names and OIN, from a CA that nobody knows.
    async fn vreemd(&mut self, stap: &str) -> Result<(), Failure> {
        let now = SystemClock.now();
        let zsm = dev_identities().into_iter().find(|identity| identity.profile == "zsm").expect("zsm is in the table");
        let leaf: LeafSpec = zsm.leaf(now).context("geen vreemd certificaat")?;
        let issued =
            DevCa::create("Onbekende CA", now).and_then(|ca| ca.issue(&leaf)).context("geen vreemd certificaat")?;
        let (from, to) = (self.dir.join("profielen/zsm"), self.dir.join("vreemd"));
        let put = || {
            fs::create_dir_all(&to)?;
            fs::copy(from.join("ca.pem"), to.join("ca.pem"))?;
            fs::copy(from.join("profiel.toml"), to.join("profiel.toml"))?;
            fs::write(to.join("cert.pem"), &issued.chain_pem)?;
            fs::write(to.join("key.pem"), &issued.key_pem)
        };
        put().context("geen profiel met een vreemd certificaat")?;
        let profile = Profile::load(&to)?;
        let zoek = Some(proto::get_status_request::Zoek::RequestId(new_request_id()));
        let tried = match profile.connect().await {
            Ok(mut client) => {
                let answered = client.get_status(proto::GetStatusRequest { zoek }).await;
                answered.map(drop).map_err(|status| profile.failure(&status))
            }
            Err(error) => Err(error),
        };
        match tried {
            Err(ClientError::Unreachable { what, .. }) => {
                self.report.say(&format!("    niet binnengelaten: {what}"));
                self.report.line(&json!({"stap": stap, "weigering": "certificaat_van_onbekende_ca"}));
                Ok(())
            }
            Err(other) => Err(unmet(format!("{stap}: {other}"))),
            Ok(()) => Err(unmet(format!("{stap}: een onbekende CA kwam binnen"))),
        }
    }
}

fn profile_address(als: &str, request: &proto::SendRequest) -> String {
    let partner = if als.starts_with("3ro") { "3ro" } else { als };
    let loket = if request.loket.is_empty() { "algemeen" } else { &request.loket };
    format!("{partner}/{loket}")
}

fn berichtsoort(request: &proto::SendRequest) -> &'static str {
    let soort = request.inhoud.as_ref().and_then(|inhoud| inhoud.soort.as_ref());
    soort.map_or("", |soort| crate::grpc::content::berichtsoort(soort).as_str())
}

/// Receives and confirms the verzoek named `naam`, and sends the answer.
async fn answer(
    profile: Profile,
    mut client: Client,
    antwoord: Antwoord,
    naam: String,
) -> Result<(Antwoord, proto::Aflevering, proto::SendRequest, Option<proto::Ontvangstbewijs>), Failure> {
    let loket = profile.loket().to_owned();
    let medewerker = profile.medewerker().to_owned();
    let mut got = receive(client.clone(), profile.clone(), loket, medewerker, 1).await?;
    let received = got.pop().ok_or_else(|| unmet(format!("{} kreeg geen verzoek", antwoord.als)))?;
    let namen = HashMap::from([(naam, received.bericht.clone())]);
    let filled = fill(&antwoord.verzoek, SystemClock.now(), &namen)?;
    let mut request: proto::SendRequest = from_json(filled).map_err(Failure::Usage)?;
    request.request_id = new_request_id();
    let sent = client.send(request.clone()).await.map_err(|status| profile.failure(&status))?;
    Ok((antwoord, received, request, sent.into_inner().ontvangstbewijs))
}

/// Receives and confirms exactly so many, on one stream.
async fn receive(
    mut client: Client,
    profile: Profile,
    loket: String,
    medewerker: String,
    count: usize,
) -> Result<Vec<proto::Aflevering>, Failure> {
    let (requests, outbound) = mpsc::channel(count + 1);
    let krediet = u32::try_from(count).unwrap_or(1000);
    let say = async |verzoek| drop(requests.send(proto::ReceiveRequest { verzoek: Some(verzoek) }).await);
    say(Verzoek::Open(proto::ReceiveOpen { loket, krediet, medewerker })).await;
    let opened = client.receive(ReceiverStream::new(outbound)).await.map_err(|status| profile.failure(&status))?;
    let mut inbound = opened.into_inner();
    let (mut got, mut confirmed) = (Vec::new(), 0);
    while confirmed < count {
        let message = inbound.message().await.map_err(|status| profile.failure(&status))?;
        match message.and_then(|message| message.antwoord) {
            Some(Received::Aflevering(aflevering)) => {
                say(Verzoek::Bevestig(aflevering.bericht.clone())).await;
                got.push(aflevering);
            }
            Some(Received::Bevestigd(_)) => confirmed += 1,
            Some(Received::PostvakLeeg(_)) => {}
            Some(Received::BevestigingGeweigerd(geweigerd)) => return Err(unmet(geweigerd.uitleg)),
            None => return Err(unmet("de poort sloot het postvak")),
        }
    }
    Ok(got)
}
