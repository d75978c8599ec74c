//! A store with berichten in it that were accepted, delivered and confirmed: what a gateway holds after some time.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::Context;
use ketenpoort::proto;
use tokio::task::JoinSet;

use crate::{
    berichten::{Plaats, again, bekendheidscheck, bericht, casusnummer, naam, scenario, verrijkingsverzoek},
    data::{DataDir, Place},
    partners::{Client, Postvak, Waiting, receive, send},
    poort::Poort,
};

/// Berichten that are on their way at once: as many as a transaction takes.
const ON_THEIR_WAY: usize = 256;

const ZVHS: [Plaats; 4] = [
    ("zvh-baronie-breda", "algemeen"),
    ("zvh-de-markiezaten", "algemeen"),
    ("zvh-midden-brabant", "algemeen"),
    ("zvh-zeeland", "algemeen"),
];
const ZSM: [Plaats; 3] = [("zsm", "volwassenen"), ("zsm", "jeugd"), ("zsm", "zware-zaken")];
/// Who asks a ZVH whether somebody is known, and is asked by it too.
const VRAGERS: [Plaats; 2] = [("vt", "algemeen"), ("rvdk", "algemeen")];
const VERRIJKERS: [Plaats; 4] = [("om", "algemeen"), ("politie", "algemeen"), ("3ro", "algemeen"), ("dji", "algemeen")];

/// Each loket that receives something.
pub fn loketten() -> impl Iterator<Item = Plaats> {
    ZVHS.into_iter().chain(ZSM).chain(VRAGERS).chain(VERRIJKERS)
}

/// What was filled, and how long that took.
pub struct Filled {
    pub place: Place,
    pub took: Duration,
}

/// Fills an empty place with so many berichten.
pub async fn fill(data: &DataDir, berichten: usize) -> anyhow::Result<Filled> {
    let poort = Poort::start_at(data, data.empty()?).await?;
    let begun = Instant::now();
    let waiting = Waiting::default();
    let mut receiving = JoinSet::new();
    for (partner, loket) in loketten() {
        let postvak = Postvak::open(&mut poort.client(partner).await?, loket).await?;
        receiving.spawn(receive(postvak, waiting.clone()));
    }
    let mut clients = HashMap::new();
    for (partner, _) in loketten() {
        clients.insert(partner, poort.client(partner).await?);
    }
    let stock = Arc::new(Stock { clients, routes: routes(), waiting, next: AtomicUsize::new(0), berichten });
    let mut sending = JoinSet::new();
    for _ in 0..ON_THEIR_WAY.min(berichten) {
        sending.spawn(Arc::clone(&stock).send());
    }
    while let Some(sent) = tokio::select! {
        sent = sending.join_next() => sent,
        Some(left) = receiving.join_next() => Some(left),
    } {
        sent??;
    }
    drop(receiving);
    let took = begun.elapsed();
    drop(stock);
    let place = poort.keep().await?;
    data.settle(&place);
    Ok(Filled { place, took })
}

/// What one bericht after the other goes along, in turn.
struct Route {
    van: Plaats,
    naar: Plaats,
    /// Of a scenario there is none: each is about somebody else.
    example: Option<proto::SendRequest>,
}

fn routes() -> Vec<Route> {
    let mut routes = Vec::new();
    for zvh in ZVHS {
        for van in ZSM.into_iter().chain(VRAGERS) {
            routes.push(Route { van, naar: zvh, example: Some(bericht(van, zvh, &bekendheidscheck())) });
        }
        for naar in ZSM {
            routes.push(Route { van: zvh, naar, example: None });
        }
        for naar in VERRIJKERS.into_iter().chain(VRAGERS) {
            routes.push(Route { van: zvh, naar, example: Some(bericht(zvh, naar, &verrijkingsverzoek())) });
        }
    }
    routes
}

struct Stock {
    clients: HashMap<&'static str, Client>,
    routes: Vec<Route>,
    waiting: Waiting,
    next: AtomicUsize,
    berichten: usize,
}

impl Stock {
    /// Sends one after the other, each until it is confirmed, until all are sent.
    async fn send(self: Arc<Self>) -> anyhow::Result<()> {
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            if number >= self.berichten {
                return Ok(());
            }
            let Route { van, naar, example } = &self.routes[number % self.routes.len()];
            let example = example.clone().unwrap_or_else(|| scenario(*van, *naar, &naam("Gevuld", number)));
            let casusnummer = casusnummer();
            let confirmed = self.waiting.wait_for(casusnummer.clone());
            let mut client = self.clients.get(van.0).context("who sends has no connection")?.clone();
            send(&mut client, again(&example, casusnummer)).await?;
            confirmed.await.context("the receiver left")?;
        }
    }
}
