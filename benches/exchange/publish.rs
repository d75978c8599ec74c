//! Messages that a peer confirms: persistent, in a durable quorum queue.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError},
};

use amqprs::{
    Ack, BasicProperties, Cancel, CloseChannel, DELIVERY_MODE_PERSISTENT, FieldTable, FieldValue, Nack, Return,
    callbacks::ChannelCallback,
    channel::{BasicPublishArguments, Channel, ConfirmSelectArguments, QueueDeclareArguments},
    connection::{Connection, OpenConnectionArguments},
    error::Error,
    tls::TlsAdaptor,
};
use anyhow::{Context, ensure};
use async_trait::async_trait;
use ketenpoort::tls::settings;
use tokio::sync::{Mutex, oneshot};
use tokio_rustls::TlsConnector;

use crate::{
    SIZE,
    data::DataDir,
    measure::{Plan, Samples, repeat},
    partners::SENDER,
    rabbitmq::Node,
};

const QUEUE: &str = "bench";

/// Publish up to the confirmation, with so many under way on one channel.
pub async fn publish(data: &DataDir, in_flight: usize, plan: Plan) -> anyhow::Result<Samples> {
    let node = Node::start(data).await?;
    publish_to(&node, data, in_flight, plan).await.with_context(|| node.log())
}

async fn publish_to(node: &Node, data: &DataDir, in_flight: usize, plan: Plan) -> anyhow::Result<Samples> {
    let connection = connect(data, node).await?;
    let channel = connection.open_channel(None).await?;
    let mut declare = QueueDeclareArguments::durable_client_named(QUEUE);
    let mut quorum = FieldTable::new();
    quorum.insert("x-queue-type".try_into().context("a short word")?, FieldValue::from("quorum".to_owned()));
    channel.queue_declare(declare.arguments(quorum).finish()).await?;
    let confirms = Confirms::default();
    channel.register_callback(confirms.clone()).await?;
    channel.confirm_select(ConfirmSelectArguments::default()).await?;
    let publisher = Publisher { channel: channel.clone(), next: Arc::default(), confirms };
    let samples = repeat(in_flight, plan, move || {
        let publisher = publisher.clone();
        async move { publisher.publish().await }
    });
    let samples = samples.await?;
    // A channel that goes closes itself, which must not happen while its connection closes too.
    connection.close().await?;
    drop(channel);
    Ok(samples)
}

/// Over mutual TLS 1.3, as a partner connects to the gateway.
async fn connect(data: &DataDir, node: &Node) -> anyhow::Result<Connection> {
    let profile = data.path().join("profielen").join(SENDER.0);
    let file = |name| profile.join(name);
    let mut tls = settings::client(&file("cert.pem"), &file("key.pem"), &file("ca.pem"))?;
    tls.alpn_protocols.clear();
    let adaptor = TlsAdaptor::new(TlsConnector::from(Arc::new(tls)), "localhost".to_owned());
    let mut arguments = OpenConnectionArguments::new("localhost", node.port, "guest", "guest");
    Ok(Connection::open(arguments.tls_adaptor(adaptor)).await?)
}

#[derive(Clone)]
struct Publisher {
    channel: Channel,
    /// The number of the last message: the node counts along, so that nothing may come in between.
    next: Arc<Mutex<u64>>,
    confirms: Confirms,
}

impl Publisher {
    async fn publish(&self) -> anyhow::Result<()> {
        let confirmed = {
            let mut next = self.next.lock().await;
            *next += 1;
            let (confirm, confirmed) = oneshot::channel();
            self.confirms.lock().insert(*next, confirm);
            let properties = BasicProperties::default().with_delivery_mode(DELIVERY_MODE_PERSISTENT).finish();
            self.channel.basic_publish(properties, vec![b'p'; SIZE], BasicPublishArguments::new("", QUEUE)).await?;
            confirmed
        };
        ensure!(confirmed.await.context("the node left")?, "the node did not take a message");
        Ok(())
    }
}

/// Who waits for a confirmation, by the number of the message: whether it was taken.
#[derive(Clone, Default)]
struct Confirms(Arc<std::sync::Mutex<BTreeMap<u64, oneshot::Sender<bool>>>>);

impl Confirms {
    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<u64, oneshot::Sender<bool>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, number: u64, and_all_before: bool, taken: bool) {
        let mut waiting = self.lock();
        let later = waiting.split_off(&(number + 1));
        let mut told = std::mem::replace(&mut *waiting, later);
        if !and_all_before {
            let one = told.split_off(&number);
            waiting.append(&mut told);
            told = one;
        }
        for confirm in told.into_values() {
            // When its caller has given up there is nobody to tell, and the figure fails by that.
            confirm.send(taken).ok();
        }
    }
}

#[async_trait]
impl ChannelCallback for Confirms {
    async fn close(&mut self, _: &Channel, _: CloseChannel) -> Result<(), Error> {
        // Who waits hears that nobody will answer.
        self.lock().clear();
        Ok(())
    }

    async fn cancel(&mut self, _: &Channel, _: Cancel) -> Result<(), Error> {
        Ok(())
    }

    async fn flow(&mut self, _: &Channel, active: bool) -> Result<bool, Error> {
        Ok(active)
    }

    async fn publish_ack(&mut self, _: &Channel, ack: Ack) {
        self.tell(ack.delivery_tag(), ack.mutiple(), true);
    }

    async fn publish_nack(&mut self, _: &Channel, nack: Nack) {
        self.tell(nack.delivery_tag(), nack.multiple(), false);
    }

    async fn publish_return(&mut self, _: &Channel, _: Return, _: BasicProperties, _: Vec<u8>) {}
}
