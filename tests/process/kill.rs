//! Promise 2: what was acknowledged survives kill -9, and nothing arrives twice.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    sync::{Arc, Mutex},
};

use ketenpoort::{
    client::{ClientError, Profile},
    proto::{self, receive_request::Verzoek, receive_response::Antwoord},
};
use prost::Message;
use tokio::{sync::mpsc, task::JoinSet};

use crate::{
    served::{Served, expect},
    traffic::{Client, Postvak, request, request_id, send, status, template},
};

const CONNECTIONS: usize = 3;
const SENDERS_A_CONNECTION: usize = 3;

/// What was sent, and what is known of it.
#[derive(Default)]
struct Load {
    started: u64,
    /// Sent, but nobody knows what became of it.
    unknown: Vec<proto::SendRequest>,
    /// By `request_id`.
    acknowledged: BTreeMap<String, (proto::SendRequest, proto::Ontvangstbewijs)>,
}

impl Load {
    /// What became uncertain first, then something new.
    fn next(&mut self, base: &proto::SendRequest) -> proto::SendRequest {
        self.unknown.pop().unwrap_or_else(|| {
            self.started += 1;
            let mut request = base.clone();
            request.request_id = request_id(self.started);
            request.inhoud.as_mut().unwrap().casusnummer_afzender = format!("CASUS-{}", self.started);
            request
        })
    }

    fn acknowledge(&mut self, request: proto::SendRequest, bewijs: proto::Ontvangstbewijs) {
        let before = self.acknowledged.insert(request.request_id.clone(), (request, bewijs));
        assert!(before.is_none(), "acknowledged twice without being repeated");
    }

    fn receipts(&self) -> impl Iterator<Item = &proto::Ontvangstbewijs> {
        self.acknowledged.values().map(|(_, bewijs)| bewijs)
    }
}

/// Sends one after the other until the gateway is gone.
async fn send_until_cut_off(
    load: Arc<Mutex<Load>>,
    base: proto::SendRequest,
    profile: Profile,
    mut client: Client,
    acknowledged: mpsc::UnboundedSender<()>,
) {
    loop {
        let request = load.lock().unwrap().next(&base);
        match client.send(request.clone()).await {
            Ok(sent) => {
                load.lock().unwrap().acknowledge(request, sent.into_inner().ontvangstbewijs.unwrap());
                // The count is over once the gateway is about to be killed.
                acknowledged.send(()).ok();
            }
            Err(status) => {
                let failure = profile.failure(&status);
                assert!(matches!(failure, ClientError::Unreachable { .. }), "refused under load: {failure}");
                load.lock().unwrap().unknown.push(request);
                return;
            }
        }
    }
}

/// Sends from all sides and kills the gateway as soon as this many more are acknowledged.
async fn send_and_kill(served: &mut Served, load: &Arc<Mutex<Load>>, base: &proto::SendRequest, after: usize) {
    let (acknowledged, mut count) = mpsc::unbounded_channel();
    let mut senders = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let client = served.client("zsm").await;
        for _ in 0..SENDERS_A_CONNECTION {
            let (load, profile) = (Arc::clone(load), served.profile("zsm"));
            senders.spawn(send_until_cut_off(load, base.clone(), profile, client.clone(), acknowledged.clone()));
        }
    }
    for _ in 0..after {
        count.recv().await.unwrap();
    }
    served.kill();
    while let Some(ended) = senders.join_next().await {
        ended.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_acknowledged_bericht_survives_kill_nine() {
    let cycles = if env::var_os("KETENPOORT_LANG").is_some() { 200 } else { 20 };
    let mut served = Served::prepare();
    served.configure("# [grenzen]\n# lease_seconds = 60", "[grenzen]\nlease_seconds = 5");
    let base = request(template("bekendheidscheck"));
    let load = Arc::new(Mutex::new(Load::default()));
    let mut uncertain = 0;
    for cycle in 0..cycles {
        served.serve();
        send_and_kill(&mut served, &load, &base, 1 + cycle * 7 % 23).await;
        uncertain += load.lock().unwrap().unknown.len();
    }
    assert!(uncertain > 0, "no send was ever cut off, so this shows nothing");

    served.serve();
    let mut load = std::mem::take(&mut *load.lock().unwrap());
    let mut zsm = served.client("zsm").await;
    for request in std::mem::take(&mut load.unknown) {
        let bewijs = send(&served, "zsm", &mut zsm, &request).await.unwrap();
        load.acknowledge(request, bewijs);
    }
    everything_acknowledged_is_there(&mut zsm, &load).await;
    a_repeat_gets_the_original_receipt(&served, &mut zsm, &load).await;
    everything_arrives_once(&mut served, &load).await;

    let found = expect(&served.logboek("search", &["--soort", "aanvaard"]), 0);
    assert_eq!(found.lines().count(), load.acknowledged.len());
    assert_eq!(u64::try_from(load.acknowledged.len()).unwrap(), load.started);
}

async fn everything_acknowledged_is_there(zsm: &mut Client, load: &Load) {
    let distinct: BTreeSet<&str> = load.receipts().map(|bewijs| bewijs.bericht.as_str()).collect();
    assert_eq!(distinct.len(), load.acknowledged.len(), "two sends share a bericht");
    for bewijs in load.receipts() {
        let status = status(zsm, &bewijs.bericht).await;
        assert_eq!(status.bericht, bewijs.bericht);
        assert_eq!(status.ontvangers[0].log_index, bewijs.aanvaardingen[0].log_index);
    }
}

async fn a_repeat_gets_the_original_receipt(served: &Served, zsm: &mut Client, load: &Load) {
    for (request, bewijs) in load.acknowledged.values().step_by(5) {
        let again = send(served, "zsm", zsm, request).await.unwrap();
        assert_eq!(again.encode_to_vec(), bewijs.encode_to_vec());
    }
}

/// Half of it is received, then the gateway is killed again; the rest and what was not confirmed follows.
async fn everything_arrives_once(served: &mut Served, load: &Load) {
    let index_of: BTreeMap<String, u64> =
        load.receipts().map(|bewijs| (bewijs.bericht.clone(), bewijs.aanvaardingen[0].log_index)).collect();
    let mut received = Received { index_of, ..Received::default() };
    let mut zvh = served.client("zvh-baronie-breda").await;
    received.take(&mut zvh, load.acknowledged.len() / 2).await;
    served.kill();
    served.serve();
    let mut zvh = served.client("zvh-baronie-breda").await;
    // The confirmation of these was cut off: only the gateway knows.
    for bericht in received.delivered.difference(&received.confirmed.clone()) {
        let toestand = status(&mut zvh, bericht).await.ontvangers[0].toestand();
        if toestand == proto::Toestand::Bevestigd {
            received.confirmed.insert(bericht.clone());
        }
    }
    received.take(&mut zvh, load.acknowledged.len()).await;
    assert!(received.delivered.iter().eq(received.index_of.keys()));
}

#[derive(Default)]
struct Received {
    index_of: BTreeMap<String, u64>,
    delivered: BTreeSet<String>,
    confirmed: BTreeSet<String>,
}

impl Received {
    /// Receives and confirms until this many are confirmed.
    async fn take(&mut self, client: &mut Client, wanted: usize) {
        let mut postvak = Postvak::open(client, "algemeen", 16).await;
        let mut last = None;
        while self.confirmed.len() < wanted {
            match postvak.hear().await {
                Antwoord::Aflevering(aflevering) => {
                    let bericht = aflevering.bericht;
                    assert_eq!(self.index_of.get(&bericht), Some(&aflevering.log_index));
                    assert!(!self.confirmed.contains(&bericht), "delivered again after its confirmation");
                    // What was handed out before the kill comes again when its lease lapses, between the others.
                    if aflevering.poging == 1 {
                        assert!(last < Some(aflevering.log_index), "out of order");
                        last = Some(aflevering.log_index);
                    }
                    self.delivered.insert(bericht.clone());
                    postvak.say(Verzoek::Bevestig(bericht)).await;
                    postvak.say(Verzoek::Krediet(1)).await;
                }
                Antwoord::Bevestigd(bericht) => {
                    assert!(self.confirmed.insert(bericht), "confirmed twice");
                }
                Antwoord::PostvakLeeg(_) => {}
                Antwoord::BevestigingGeweigerd(geweigerd) => panic!("{geweigerd:?}"),
            }
        }
    }
}
