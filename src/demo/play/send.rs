//! Sending and asking.

use anyhow::Context;
use serde_json::json;
use tokio::task::JoinSet;

use super::{Client, Player, adres, afzender, berichtsoort, filled, receive::take, unmet};
use crate::{
    cli::{Failure, casus::Casussen},
    client::{ClientError, Geweigerd, Profile},
    clock::SystemClock,
    demo::story::{Verzending, Vraag},
    domain::Clock,
    proto,
};

/// What one who was asked did.
struct Antwoord {
    naam: String,
    van: String,
    received: proto::Aflevering,
    sent: proto::SendRequest,
    bewijs: Option<proto::Ontvangstbewijs>,
}

impl Player<'_> {
    pub(super) async fn send(&mut self, stap: &str, verzending: &Verzending) -> Result<(), Failure> {
        let van = self.van(&verzending.bericht)?;
        let (profile, mut client) = self.client(&van).await?;
        let request = self.request(&verzending.bericht)?;
        let afzender = afzender(&van, &request);
        match client.send(request.clone()).await {
            Ok(sent) if verzending.weigering.is_none() => {
                let bewijs = sent.into_inner().ontvangstbewijs;
                self.accepted(stap, &afzender, &verzending.bericht, &request, bewijs)
            }
            Ok(_) => Err(unmet(format!("{stap} had geweigerd moeten worden"))),
            Err(status) => {
                let failure = profile.failure(&status);
                let ClientError::Refused(geweigerd) = &failure else { return Err(failure.into()) };
                if verzending.weigering.as_ref() != Some(&geweigerd.weigering) {
                    return Err(unmet(format!("{stap}: {failure}")));
                }
                self.refused(stap, &afzender, &request, geweigerd);
                Ok(())
            }
        }
    }

    fn refused(&self, stap: &str, afzender: &str, request: &proto::SendRequest, geweigerd: &Geweigerd) {
        self.report.say(&format!("    geweigerd ({}): {}", geweigerd.weigering, geweigerd.uitleg));
        for (veld, uitleg) in &geweigerd.velden {
            self.report.say(&format!("      {veld}: {uitleg}"));
        }
        self.report.line(&json!({
            "stap": stap, "soort": "geweigerd", "afzender": afzender,
            "ontvanger": adres(request.ontvangers.first()), "berichtsoort": berichtsoort(request),
            "weigering": geweigerd.weigering,
        }));
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

    pub(super) async fn ask(&mut self, stap: &str, vraag: &Vraag) -> Result<(), Failure> {
        let van = self.van(&vraag.bericht)?;
        let (profile, mut client) = self.client(&van).await?;
        let request = self.request(&vraag.bericht)?;
        let mut answering = JoinSet::new();
        for antwoord in &vraag.antwoorden {
            let van = self.van(antwoord)?;
            let (answerer, answerer_client) = self.client(&van).await?;
            answering.spawn(answer(answerer, answerer_client, van, antwoord.clone(), vraag.bericht.clone()));
        }
        let message = proto::AskRequest { verzoek: Some(request.clone()), wacht_seconden: vraag.wacht_seconden };
        let asked = client.ask(message).await.map_err(|status| profile.failure(&status))?.into_inner();
        self.accepted(stap, &afzender(&van, &request), &vraag.bericht, &request, asked.ontvangstbewijs)?;
        while let Some(answered) = answering.join_next().await {
            let Antwoord { naam, van, received, sent, bewijs } = answered.context("een antwoord brak af")??;
            self.delivered(stap, &received);
            self.accepted(stap, &afzender(&van, &sent), &naam, &sent, bewijs)?;
        }
        let (came, all) = (asked.antwoorden.len(), vraag.antwoorden.len());
        if came != all || !asked.zonder_antwoord.is_empty() {
            return Err(unmet(format!("{stap}: {came} van {all} antwoorden op tijd")));
        }
        for antwoord in &asked.antwoorden {
            let message = proto::AcknowledgeRequest {
                bericht: antwoord.bericht.clone(),
                loket: request.loket.clone(),
                medewerker: profile.medewerker().to_owned(),
            };
            client.acknowledge(message).await.map_err(|status| profile.failure(&status))?;
            self.delivered(stap, antwoord);
        }
        Ok(())
    }
}

/// Receives and confirms the verzoek named `verzoek`, and sends the answer named `naam`.
async fn answer(
    profile: Profile,
    mut client: Client,
    van: String,
    naam: String,
    verzoek: String,
) -> Result<Antwoord, Failure> {
    let (loket, medewerker) = (profile.loket().to_owned(), profile.medewerker().to_owned());
    let mut got = take(client.clone(), profile.clone(), loket, medewerker, 1).await?;
    let received = got.pop().ok_or_else(|| unmet(format!("{van} kreeg geen verzoek")))?;
    let id = |asked: &str| (asked == verzoek).then(|| received.bericht.clone());
    let sent = filled(Casussen::read().verzoek(&naam, SystemClock.now(), &id)?)?;
    let receipt = client.send(sent.clone()).await.map_err(|status| profile.failure(&status))?;
    let bewijs = receipt.into_inner().ontvangstbewijs;
    Ok(Antwoord { naam, van, received, sent, bewijs })
}
