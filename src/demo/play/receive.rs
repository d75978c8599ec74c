//! Receiving, reading again, and looking where a bericht stands.

use std::time::Duration;

use serde_json::json;
use tokio::{sync::mpsc, time::timeout};
use tokio_stream::wrappers::ReceiverStream;

use super::{Client, Player, adres, unmet};
use crate::{
    cli::Failure,
    client::Profile,
    demo::story::{Lezing, Ontvangst, Stand},
    domain::Berichtsoort,
    proto::{self, receive_request::Verzoek, receive_response::Antwoord as Received},
};

/// What has not come after this never comes. A vervalwaarschuwing takes about a second, the rest less.
const PATIENCE: Duration = Duration::from_secs(30);

impl Player<'_> {
    pub(super) fn delivered(&self, stap: &str, aflevering: &proto::Aflevering) {
        let stempel = aflevering.stempel.clone().unwrap_or_default();
        for soort in ["afgeleverd", "bevestigd"] {
            self.report.line(&json!({
                "stap": stap, "soort": soort, "bericht": aflevering.bericht, "afzender": adres(aflevering.afzender.as_ref()),
                "ontvanger": adres(aflevering.ontvanger.as_ref()), "berichtsoort": aflevering.berichtsoort,
                "grondslag": stempel.grondslag, "houdbaar_tot_en_met": stempel.houdbaar_tot_en_met,
            }));
        }
    }

    pub(super) async fn receive(&mut self, stap: &str, ontvangst: &Ontvangst) -> Result<(), Failure> {
        let Ontvangst { als, loket, berichten, medewerker } = ontvangst;
        let (profile, client) = self.client(als).await?;
        let got = take(client, profile, loket.clone(), medewerker.clone(), berichten.len()).await?;
        for (aflevering, naam) in got.iter().zip(berichten) {
            self.recognise(naam, aflevering).ok_or_else(|| {
                unmet(format!("{stap}: {als} kreeg een {} in plaats van {naam}", aflevering.berichtsoort))
            })?;
            self.delivered(stap, aflevering);
        }
        let soorten: Vec<&str> = got.iter().map(|aflevering| aflevering.berichtsoort.as_str()).collect();
        self.report.say(&format!("    {als}/{loket} kreeg en bevestigde: {}", soorten.join(", ")));
        Ok(())
    }

    /// Whether this is the bericht of that name. What the gateway made had no name yet: it is called after its berichtsoort,
    /// and is about a bericht of the same casus.
    fn recognise(&mut self, naam: &str, aflevering: &proto::Aflevering) -> Option<()> {
        if let Some(known) = self.namen.get(naam) {
            return (*known == aflevering.bericht).then_some(());
        }
        let (casus, soort) = naam.split_once('/')?;
        let from_gateway = soort.parse().is_ok_and(Berichtsoort::from_gateway) && soort == aflevering.berichtsoort;
        let about = |(naam, id): (&String, &String)| {
            aflevering.in_antwoord_op.as_ref() == Some(id) && naam.split('/').next() == Some(casus)
        };
        let ours = from_gateway && self.namen.iter().any(about);
        ours.then(|| drop(self.namen.insert(naam.to_owned(), aflevering.bericht.clone())))
    }

    pub(super) async fn fetch(&mut self, stap: &str, lezing: &Lezing) -> Result<(), Failure> {
        let (profile, mut client) = self.client(&lezing.als).await?;
        let message = proto::FetchRequest {
            bericht: self.id(&lezing.bericht)?,
            loket: lezing.loket.clone(),
            medewerker: lezing.medewerker.clone(),
        };
        let fetched = client.fetch(message).await.map_err(|status| profile.failure(&status))?.into_inner();
        let aflevering = fetched.aflevering.filter(|aflevering| aflevering.inhoud.is_some());
        let aflevering = aflevering.ok_or_else(|| unmet(format!("{stap}: geen inhoud")))?;
        let correcties: Vec<&str> = aflevering.correcties.iter().map(|correctie| correctie.bericht.as_str()).collect();
        if correcties != self.ids(&lezing.correcties)? {
            return Err(unmet(format!("{stap}: {} correcties", correcties.len())));
        }
        for correctie in &aflevering.correcties {
            let what = if correctie.betwist { "betwist" } else { "gecorrigeerd" };
            self.report.say(&format!("    {what} op {}, zie bericht {}", correctie.tijd, correctie.bericht));
        }
        self.report.line(&json!({
            "stap": stap, "soort": "geraadpleegd", "bericht": aflevering.bericht,
            "afzender": adres(aflevering.afzender.as_ref()), "ontvanger": adres(aflevering.ontvanger.as_ref()),
            "berichtsoort": aflevering.berichtsoort,
        }));
        Ok(())
    }

    pub(super) async fn status(&mut self, stap: &str, stand: &Stand) -> Result<(), Failure> {
        let (profile, mut client) = self.client(&stand.als).await?;
        let bericht = self.id(&stand.bericht)?;
        let zoek = Some(proto::get_status_request::Zoek::Bericht(bericht.clone()));
        let status = client.get_status(proto::GetStatusRequest { zoek, ..proto::GetStatusRequest::default() }).await;
        let status = status.map_err(|status| profile.failure(&status))?.into_inner();
        for ontvanger in &status.ontvangers {
            let toestand = ontvanger.toestand().as_str_name();
            let vernietiging = ontvanger.vernietiging().as_str_name();
            if toestand != stand.toestand || stand.vernietiging.as_ref().is_some_and(|said| said != vernietiging) {
                let adres = adres(ontvanger.ontvanger.as_ref());
                return Err(unmet(format!("{stap}: {adres} is {toestand}, {vernietiging}")));
            }
        }
        let seen: Vec<&str> = status.tijdlijn.iter().map(|gebeurtenis| gebeurtenis.soort.as_str()).collect();
        self.report.say(&format!("    tijdlijn: {}", seen.join(", ")));
        self.report.line(&json!({"stap": stap, "bericht": bericht, "berichtsoort": status.berichtsoort}));
        Ok(())
    }
}

/// Receives and confirms exactly so many, on one stream.
pub(super) async fn take(
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
        let message = timeout(PATIENCE, inbound.message()).await;
        let message = message.map_err(|_| unmet(format!("{} van {count} berichten kwamen aan", got.len())))?;
        let message = message.map_err(|status| profile.failure(&status))?;
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
