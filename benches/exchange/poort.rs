//! The gateway, and what is asked of it.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use anyhow::{Context, bail};
use ketenpoort::{
    clock::{SystemClock, SystemRng},
    gateway::Gateway,
};
use tokio::task::JoinSet;

use crate::{
    data::{DataDir, Place},
    measure::{Plan, Samples, repeat},
    partners::{Client, ONTVANGER, Postvak, SENDER, Sender, Waiting, receive},
};

/// A running gateway.
pub struct Poort<'a> {
    data: &'a DataDir,
    gateway: Gateway,
    place: Place,
}

impl<'a> Poort<'a> {
    /// Starts on an empty store, or on a copy of the filled one.
    pub async fn start(data: &'a DataDir) -> anyhow::Result<Self> {
        Self::start_at(data, data.begin()?).await
    }

    pub async fn start_at(data: &'a DataDir, place: Place) -> anyhow::Result<Self> {
        let gateway = start(data, &place).await?;
        Ok(Self { data, gateway, place })
    }

    /// Stops, and keeps what it wrote.
    pub async fn keep(mut self) -> anyhow::Result<Place> {
        self.gateway.stop();
        self.gateway.ended().await?;
        Ok(self.place)
    }

    /// Stops, and makes room on the disk.
    pub async fn stop(self) -> anyhow::Result<()> {
        let data = self.data;
        data.remove(self.keep().await?)
    }

    pub fn data(&self) -> &DataDir {
        self.data
    }

    /// Where who watches connects.
    pub fn toezicht(&self) -> Option<SocketAddr> {
        self.gateway.toezicht
    }

    /// A new connection of a partner.
    pub async fn client(&self, partner: &str) -> anyhow::Result<Client> {
        self.data.client(partner, self.gateway.adres).await
    }

    /// Send up to the receipt.
    pub async fn send(&self, in_flight: usize, plan: Plan) -> anyhow::Result<Samples> {
        send([Sender::new(self.client(SENDER.0).await?)?], in_flight, plan).await
    }

    /// Send through one gateway and through two on the same database, in turns.
    pub async fn with_another(&self, in_flight: usize, plan: Plan) -> anyhow::Result<[Samples; 2]> {
        let mut another = start(self.data, &self.place).await?;
        let first = Sender::new(self.client(SENDER.0).await?)?;
        let second = Sender::new(self.data.client(SENDER.0, another.adres).await?)?;
        let (half, both) = (plan.divided(2), [first.clone(), second]);
        let one = send([first.clone()], in_flight, half).await?;
        let two = send(both.clone(), in_flight, half).await?.and(send(both, in_flight, half).await?);
        let one = one.and(send([first], in_flight, half).await?);
        another.stop();
        another.ended().await?;
        Ok([one, two])
    }

    /// Send up to the confirmation, durable, of whichever of the receivers got it.
    pub async fn exchange(&self, receivers: usize, in_flight: usize, plan: Plan) -> anyhow::Result<Samples> {
        let sender = Sender::new(self.client(SENDER.0).await?)?;
        let waiting = Waiting::default();
        let mut receiving = JoinSet::new();
        for _ in 0..receivers {
            let mut postvak = Postvak::open(&mut self.client(ONTVANGER.0).await?, ONTVANGER.1).await?;
            postvak.empty().await?;
            receiving.spawn(receive(postvak, waiting.clone()));
        }
        let exchange = move || {
            let (sender, waiting) = (sender.clone(), waiting.clone());
            async move { sender.send(Some(&waiting)).await }
        };
        beside(&mut receiving, repeat(in_flight, plan, exchange)).await
    }

    /// The same with one receiver and with so many, in turns, so that what the machine does meanwhile is felt by both.
    pub async fn receivers(&self, many: usize, in_flight: usize, plan: Plan) -> anyhow::Result<[Samples; 2]> {
        let half = plan.divided(2);
        let one = self.exchange(1, in_flight, half).await?;
        let twice = self.exchange(many, in_flight, half).await?;
        let twice = twice.and(self.exchange(many, in_flight, half).await?);
        Ok([one.and(self.exchange(1, in_flight, half).await?), twice])
    }
}

/// A gateway in this place; several there have the same keys, and a guard file each.
async fn start(data: &DataDir, place: &Place) -> anyhow::Result<Gateway> {
    static STARTED: AtomicUsize = AtomicUsize::new(0);
    let mut config = data.config_of(place)?;
    let number = STARTED.fetch_add(1, Ordering::Relaxed);
    config.wacht = Some(config.sleutels.with_file_name(format!("wacht-{number}.json")));
    Ok(Gateway::start(&config, false, Arc::new(SystemClock), Arc::new(SystemRng)).await?)
}

/// Send up to the receipt, through each of these in turn.
async fn send<const N: usize>(senders: [Sender; N], in_flight: usize, plan: Plan) -> anyhow::Result<Samples> {
    let next = Arc::new(AtomicUsize::new(0));
    let send = move || {
        let sender = senders[next.fetch_add(1, Ordering::Relaxed) % N].clone();
        async move { sender.send(None).await }
    };
    repeat(in_flight, plan, send).await
}

/// What is measured, as long as those beside it do their work. They end with it.
pub async fn beside(
    working: &mut JoinSet<anyhow::Result<()>>,
    measured: impl Future<Output = anyhow::Result<Samples>>,
) -> anyhow::Result<Samples> {
    tokio::select! {
        samples = measured => samples,
        Some(ended) = working.join_next() => {
            ended.context("a receiver panicked")??;
            bail!("a receiver left");
        }
    }
}
