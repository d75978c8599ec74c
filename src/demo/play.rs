//! Playing the story with real clients; every expectation is checked.

mod receive;
mod scenario;
mod send;
mod vreemd;

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use serde_json::Value;
use tonic::transport::Channel;

use super::{
    report::Report,
    story::{Doe, Stap, Story},
};
use crate::{
    cli::{
        Failure,
        casus::{Casussen, known},
        partner::new_request_id,
    },
    client::Profile,
    clock::SystemClock,
    domain::Clock,
    grpc::codec::from_json,
    proto::{self, client::ExchangeServiceClient},
};

pub(super) type Client = ExchangeServiceClient<Channel>;

/// Plays the partners.
pub struct Player<'a> {
    dir: PathBuf,
    report: &'a Report,
    casussen: Casussen,
    clients: HashMap<String, (Profile, Client)>,
    /// Ids of berichten by their name, as `casus/bericht`.
    namen: HashMap<String, String>,
    proofs: Vec<String>,
}

pub(super) fn unmet(what: impl std::fmt::Display) -> Failure {
    Failure::Refused(format!("het verhaal liep anders: {what}"))
}

fn adres(adres: Option<&proto::Adres>) -> String {
    adres.map(|adres| format!("{}/{}", adres.partner, adres.loket)).unwrap_or_default()
}

impl<'a> Player<'a> {
    pub fn new(dir: &Path, report: &'a Report) -> Self {
        Self {
            dir: dir.to_owned(),
            report,
            casussen: Casussen::read(),
            clients: HashMap::new(),
            namen: HashMap::new(),
            proofs: Vec::new(),
        }
    }

    /// Number of berichten, those of the gateway included.
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
                self.report.step()?;
            }
        }
        Ok(())
    }

    async fn step(&mut self, stap: &Stap) -> Result<(), Failure> {
        let naam = stap.naam.as_str();
        match &stap.doe {
            Doe::Ask(vraag) => self.ask(naam, vraag).await,
            Doe::Send(verzending) => self.send(naam, verzending).await,
            Doe::Receive(ontvangst) => self.receive(naam, ontvangst).await,
            Doe::Fetch(lezing) => self.fetch(naam, lezing).await,
            Doe::Status(stand) => self.status(naam, stand).await,
            Doe::Withdraw(intrekking) => self.withdraw(naam, intrekking).await,
            Doe::Find(zoeken) => self.find(naam, zoeken).await,
            Doe::OpenTerugkoppeling(openstaand) => self.open_terugkoppeling(naam, openstaand).await,
            Doe::Vreemd {} => self.vreemd(naam).await,
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

    /// The profile that sends the bericht of this name.
    fn van(&self, naam: &str) -> Result<String, Failure> {
        Ok(self.casussen.bericht(naam)?.van.clone())
    }

    /// The bericht of this name as it is sent now.
    fn request(&self, naam: &str) -> Result<proto::SendRequest, Failure> {
        filled(self.casussen.verzoek(naam, SystemClock.now(), &known(&self.namen))?)
    }

    /// The id of a bericht that was played before.
    fn id(&self, naam: &str) -> Result<String, Failure> {
        self.namen.get(naam).cloned().ok_or_else(|| unmet(format!("{naam} is nog niet gestuurd")))
    }

    fn ids(&self, namen: &[String]) -> Result<Vec<String>, Failure> {
        namen.iter().map(|naam| self.id(naam)).collect()
    }
}

pub(super) fn filled(json: Value) -> Result<proto::SendRequest, Failure> {
    let mut request: proto::SendRequest = from_json(json).map_err(Failure::Usage)?;
    request.request_id = new_request_id();
    Ok(request)
}

/// Where a bericht comes from: the partner of a profile and the loket that it names.
fn afzender(van: &str, request: &proto::SendRequest) -> String {
    let partner = if van.starts_with("3ro") { "3ro" } else { van };
    let loket = if request.loket.is_empty() { "algemeen" } else { &request.loket };
    format!("{partner}/{loket}")
}

fn berichtsoort(request: &proto::SendRequest) -> &'static str {
    let soort = request.inhoud.as_ref().and_then(|inhoud| inhoud.soort.as_ref());
    soort.map_or("", |soort| crate::grpc::content::berichtsoort(soort).as_str())
}
