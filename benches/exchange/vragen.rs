//! What is asked and answered: a verzoek and its answer, and a person and the scenario about them.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use anyhow::{bail, ensure};
use futures_util::{StreamExt, TryStreamExt, stream};
use ketenpoort::proto::{self, receive_response::Antwoord};
use tokio::task::JoinSet;

use crate::{
    berichten::{GEBOORTEDATUM, again, bekendheidsantwoord, bericht, casusnummer, naam, scenario},
    measure::{Plan, Samples, repeat},
    partners::{Client, ONTVANGER, Postvak, SENDER, Sender, send},
    poort::{Poort, beside},
};

/// People of whom there is a scenario.
const PEOPLE: usize = 256;
/// Scenario's that are sent at once.
const SENDING: usize = 64;
/// Longer than an answer takes.
const WAIT_SECONDS: u32 = 60;

impl Poort<'_> {
    /// Ask up to the answer, which the receiver of the verzoek sends.
    pub async fn ask(&self, in_flight: usize, plan: Plan) -> anyhow::Result<Samples> {
        let sender = Sender::new(self.client(SENDER.0).await?)?;
        let mut answerer = self.client(ONTVANGER.0).await?;
        let mut postvak = Postvak::open(&mut answerer, ONTVANGER.1).await?;
        postvak.empty().await?;
        let mut answering = JoinSet::new();
        answering.spawn(answer(postvak, answerer));
        let ask = move || {
            let mut sender = sender.clone();
            async move {
                let verzoek = Some(sender.request(casusnummer()));
                let ask = proto::AskRequest { verzoek, wacht_seconden: WAIT_SECONDS };
                let asked = sender.client.ask(ask).await?.into_inner();
                ensure!(asked.antwoorden.len() == 1, "asked once, and answered {} times", asked.antwoorden.len());
                Ok(())
            }
        };
        beside(&mut answering, repeat(in_flight, plan, ask)).await
    }

    /// The scenario of a person, found and read.
    pub async fn find(&self, in_flight: usize, plan: Plan) -> anyhow::Result<Samples> {
        let afzender = self.client(ONTVANGER.0).await?;
        let sending = stream::iter(0..PEOPLE).map(|person| {
            let mut client = afzender.clone();
            async move { send(&mut client, scenario(ONTVANGER, SENDER, &gezocht(person))).await }
        });
        sending.buffer_unordered(SENDING).try_collect::<Vec<_>>().await?;
        let client = self.client(SENDER.0).await?;
        let next = Arc::new(AtomicUsize::new(0));
        let find = move || {
            let (client, next) = (client.clone(), Arc::clone(&next));
            async move { find_and_read(client, &gezocht(next.fetch_add(1, Ordering::Relaxed) % PEOPLE)).await }
        };
        repeat(in_flight, plan, find).await
    }
}

/// Answers each bekendheidscheck, many at once.
async fn answer(mut postvak: Postvak, client: Client) -> anyhow::Result<()> {
    let example = bericht(ONTVANGER, SENDER, &bekendheidsantwoord());
    let mut answers = JoinSet::new();
    loop {
        tokio::select! {
            said = postvak.next() => match said? {
                Some(Antwoord::Aflevering(verzoek)) => {
                    let mut antwoord = again(&example, casusnummer());
                    antwoord.in_antwoord_op = Some(verzoek.bericht);
                    let mut client = client.clone();
                    answers.spawn(async move { send(&mut client, antwoord).await });
                }
                Some(_) => {}
                None => bail!("the gateway closed the postvak"),
            },
            Some(sent) = answers.join_next() => drop(sent??),
        }
    }
}

/// Somebody whom nobody else writes about.
fn gezocht(person: usize) -> String {
    naam("Gezocht", person)
}

async fn find_and_read(mut client: Client, naam: &str) -> anyhow::Result<()> {
    let persoon = proto::Zoekpersoon {
        naam: Some(naam.to_owned()),
        geboortedatum: Some(GEBOORTEDATUM.to_owned()),
        ..proto::Zoekpersoon::default()
    };
    let find = proto::FindScenarioRequest {
        persoon: Some(persoon),
        zaaknummer: "ZSM-2026-000123".to_owned(),
        loket: SENDER.1.to_owned(),
        medewerker: "medewerker-001".to_owned(),
    };
    let found = client.find_scenario(find).await?.into_inner().scenarios;
    let [scenario] = found.as_slice() else { bail!("{} scenario's of one person", found.len()) };
    let (bericht, loket) = (scenario.bericht.clone(), SENDER.1.to_owned());
    let fetch = proto::FetchRequest { bericht, loket, medewerker: "medewerker-001".to_owned() };
    ensure!(client.fetch(fetch).await?.into_inner().aflevering.is_some(), "nothing was read");
    Ok(())
}
