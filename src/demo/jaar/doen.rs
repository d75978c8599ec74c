//! What partners do in the year, with the clients that they use: sending, emptying a postvak, consulting, taking back. What happens beside
//! that is in `toezien`.

use std::{collections::HashMap, path::Path, time::Duration};

use jiff::civil::Date;
use tokio::{sync::mpsc, time::timeout};
use tokio_stream::wrappers::ReceiverStream;

use super::{
    draaiboek::Wijziging,
    personen::Persoon,
    toezien::Toezicht,
    verzoek::{Ontwerp, parts},
};
use crate::{
    cli::Failure,
    client::{ClientError, Profile},
    demo::play::{Client, unmet},
    grpc::codec::from_json,
    pki::dev_identities,
    proto::{self, RedenIntrekking, receive_request::Verzoek, receive_response::Antwoord},
};

/// A postvak that says nothing for so long will not say anything.
const PATIENCE: Duration = Duration::from_secs(30);
/// So many berichten at once from a postvak.
const CREDIT: u32 = 100;

/// Something that a partner does.
pub enum Daad {
    Stuur(Box<Ontwerp>, Box<proto::SendRequest>),
    Haal { postvak: String },
    Zoek { door: String, medewerker: String, persoon: Persoon },
    TrekIn { bericht: String, van: String, reden: String, toelichting: String },
    Rapport { door: String, today: Date },
    StelVoor(Wijziging),
    Inzage { door: String, today: Date, persoon: Persoon, besluiten: bool },
}

/// What came of it.
pub enum Gevolg {
    Gestuurd(Box<Ontwerp>, proto::Ontvangstbewijs),
    Geweigerd,
    Gehaald(String, Vec<proto::Aflevering>),
    /// These scenario's were found and read, at this loket.
    Geraadpleegd(String, Vec<String>),
    Ingetrokken(Vec<proto::Adres>),
    /// Nothing that anything follows from.
    Niets,
}

/// Everybody who does something; every partner has a connection.
pub struct Partners {
    partners: HashMap<String, (Profile, Client)>,
    toezicht: Toezicht,
}

impl Partners {
    /// Connects all.
    pub async fn connect(dir: &Path) -> Result<Self, Failure> {
        let mut partners = HashMap::new();
        for identity in dev_identities().into_iter().filter(|identity| identity.role == "partner") {
            let profile = Profile::load(&dir.join("profielen").join(&identity.profile))?;
            let client = profile.connect().await?;
            partners.insert(identity.profile, (profile, client));
        }
        Ok(Self { partners, toezicht: Toezicht::new(dir) })
    }

    fn of(&self, adres: &str) -> Result<(Profile, Client), Failure> {
        let partner = parts(adres).0;
        self.partners.get(partner).cloned().ok_or_else(|| unmet(format!("er is geen profiel van {partner}")))
    }

    pub async fn perform(&self, daad: Daad) -> Result<Gevolg, Failure> {
        match daad {
            Daad::Stuur(ontwerp, request) => self.send(ontwerp, *request).await,
            Daad::Haal { postvak } => self.empty(postvak).await,
            Daad::Zoek { door, medewerker, persoon } => self.consult(door, medewerker, &persoon).await,
            Daad::TrekIn { bericht, van, reden, toelichting } => {
                self.withdraw(bericht, &van, (&reden, toelichting)).await
            }
            Daad::Rapport { door, today } => self.toezicht.rapport(&door, today).await.map(|()| Gevolg::Niets),
            Daad::StelVoor(wijziging) => self.toezicht.stel_voor(&wijziging).await.map(|()| Gevolg::Niets),
            Daad::Inzage { door, today, persoon, besluiten } => {
                self.toezicht.inzage(&door, today, &persoon, besluiten).await.map(|()| Gevolg::Niets)
            }
        }
    }

    async fn withdraw(
        &self,
        bericht: String,
        van: &str,
        (reden, toelichting): (&str, String),
    ) -> Result<Gevolg, Failure> {
        let (profile, mut client) = self.of(van)?;
        let name = format!("REDEN_INTREKKING_{reden}");
        let reden = RedenIntrekking::from_str_name(&name).ok_or_else(|| unmet(format!("geen {name}")))?;
        let message = proto::WithdrawRequest {
            bericht,
            loket: parts(van).1.to_owned(),
            reden: reden.into(),
            toelichting: Some(toelichting),
            medewerker: profile.medewerker().to_owned(),
        };
        let withdrawn = client.withdraw(message).await.map_err(|status| profile.failure(&status))?.into_inner();
        Ok(Gevolg::Ingetrokken(withdrawn.intrekkingen.into_iter().filter_map(|of| of.ontvanger).collect()))
    }

    async fn send(&self, ontwerp: Box<Ontwerp>, request: proto::SendRequest) -> Result<Gevolg, Failure> {
        let (profile, mut client) = self.of(&ontwerp.van)?;
        match client.send(request).await {
            Ok(sent) if ontwerp.weigering.is_none() => {
                Ok(Gevolg::Gestuurd(ontwerp, sent.into_inner().ontvangstbewijs.unwrap_or_default()))
            }
            Ok(_) => Err(unmet(format!("een {} van {} had geweigerd moeten worden", ontwerp.soort, ontwerp.van))),
            Err(status) => match profile.failure(&status) {
                ClientError::Refused(geweigerd) if ontwerp.weigering.as_ref() == Some(&geweigerd.weigering) => {
                    Ok(Gevolg::Geweigerd)
                }
                other => {
                    Err(unmet(format!("een {} van {} naar {:?}: {other}", ontwerp.soort, ontwerp.van, ontwerp.aan)))
                }
            },
        }
    }

    /// Receives and confirms all that waits.
    async fn empty(&self, postvak: String) -> Result<Gevolg, Failure> {
        let (profile, mut client) = self.of(&postvak)?;
        let (requests, outbound) = mpsc::channel(CREDIT as usize + 1);
        let say = async |verzoek| drop(requests.send(proto::ReceiveRequest { verzoek: Some(verzoek) }).await);
        let medewerker = profile.medewerker().to_owned();
        say(Verzoek::Open(proto::ReceiveOpen { loket: parts(&postvak).1.to_owned(), krediet: CREDIT, medewerker }))
            .await;
        let opened = client.receive(ReceiverStream::new(outbound)).await.map_err(|status| profile.failure(&status))?;
        let mut inbound = opened.into_inner();
        let (mut got, mut confirmed, mut is_empty) = (Vec::new(), 0, false);
        while !is_empty || confirmed < got.len() {
            let message = timeout(PATIENCE, inbound.message()).await.map_err(|_| unmet(format!("{postvak} zwijgt")))?;
            match message.map_err(|status| profile.failure(&status))?.and_then(|message| message.antwoord) {
                Some(Antwoord::Aflevering(aflevering)) => {
                    say(Verzoek::Bevestig(aflevering.bericht.clone())).await;
                    say(Verzoek::Krediet(1)).await;
                    got.push(aflevering);
                }
                Some(Antwoord::Bevestigd(_)) => confirmed += 1,
                Some(Antwoord::PostvakLeeg(_)) => is_empty = true,
                Some(Antwoord::BevestigingGeweigerd(geweigerd)) => return Err(unmet(geweigerd.uitleg)),
                None => return Err(unmet(format!("de poort sloot {postvak}"))),
            }
        }
        Ok(Gevolg::Gehaald(postvak, got))
    }

    /// Looks for the scenario's of somebody, and reads those that are found.
    async fn consult(&self, door: String, medewerker: String, persoon: &Persoon) -> Result<Gevolg, Failure> {
        let (profile, mut client) = self.of(&door)?;
        let loket = parts(&door).1.to_owned();
        let message = proto::FindScenarioRequest {
            persoon: Some(from_json(persoon.gezocht()).map_err(Failure::Usage)?),
            zaaknummer: "ZSM-2026-000123".to_owned(),
            loket: loket.clone(),
            medewerker: medewerker.clone(),
        };
        let found = client.find_scenario(message).await.map_err(|status| profile.failure(&status))?.into_inner();
        let mut read = Vec::new();
        for scenario in found.scenarios {
            let message = proto::FetchRequest {
                bericht: scenario.bericht.clone(),
                loket: loket.clone(),
                medewerker: medewerker.clone(),
            };
            client.fetch(message).await.map_err(|status| profile.failure(&status))?;
            read.push(scenario.bericht);
        }
        Ok(Gevolg::Geraadpleegd(door, read))
    }
}
