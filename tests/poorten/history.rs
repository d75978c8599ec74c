//! Load on several gateways, and what its clients saw: recorded while everything around them fails, and compared with the
//! logboek when it is over.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use ketenpoort::{
    client::{ClientError, Profile},
    clock::SystemClock,
    domain::Clock,
    logboek::{TlogProof, VerifyKey},
    proto::{self, receive_request::Verzoek, receive_response::Antwoord},
};
use serde_json::Value;
use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::{
    poorten::Poorten,
    served::PATIENCE,
    traffic::{Client, Postvak, request, request_id, status, template},
};

pub const ZVH: &str = "zvh-baronie-breda";
/// A call that takes longer is given up and repeated, as a partner would.
const CALL: Duration = Duration::from_secs(4);
/// Makes what is sent of a number.
pub type Make = Arc<dyn Fn(u64) -> proto::SendRequest + Send + Sync>;
/// Between attempts at a gateway that does not answer.
const AGAIN: Duration = Duration::from_millis(20);

/// A bericht that was acknowledged.
pub struct Acknowledged {
    pub request: proto::SendRequest,
    pub bewijs: proto::Ontvangstbewijs,
    /// When it was first sent, and when its receipt was had.
    started: Instant,
    ended: Instant,
}

/// A bericht as it was handed out.
struct Handed {
    bericht: String,
    houdbaar_tot_en_met: String,
    at: Timestamp,
}

/// What the clients saw.
#[derive(Default)]
pub struct History {
    pub acknowledged: Vec<Acknowledged>,
    /// The weigering of each.
    pub refused: Vec<String>,
    handed: Vec<Handed>,
    confirmed: BTreeSet<String>,
}

/// Clients at work.
pub struct Load {
    pub history: Arc<Mutex<History>>,
    profiles: Arc<Vec<(Profile, Profile)>>,
    next: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    senders: JoinSet<()>,
    receivers: JoinSet<()>,
}

impl Load {
    /// So many senders, each at one gateway after the other, and a receiver at each gateway. Senders ask for what `make` makes of a
    /// number. The clocks of the gateways are `ahead` of that of this test.
    #[expect(clippy::needless_pass_by_value, reason = "each sender gets a share of its own")]
    pub fn start(poorten: &Poorten, senders: usize, ahead: SignedDuration, make: Make) -> Self {
        let profiles = (0..poorten.count()).map(|at| (poorten.profile(at, "zsm"), poorten.profile(at, ZVH)));
        let mut load = Self {
            history: Arc::default(),
            profiles: Arc::new(profiles.collect()),
            next: Arc::default(),
            stop: Arc::default(),
            senders: JoinSet::new(),
            receivers: JoinSet::new(),
        };
        for sender in 0..senders {
            let (history, profiles) = (Arc::clone(&load.history), Arc::clone(&load.profiles));
            let (next, stop) = (Arc::clone(&load.next), Arc::clone(&load.stop));
            load.senders.spawn(keep_sending(sender, history, profiles, next, stop, Arc::clone(&make)));
        }
        for at in 0..poorten.count() {
            let (history, profile) = (Arc::clone(&load.history), load.profiles[at].1.clone());
            load.receivers.spawn(keep_receiving(history, profile, ahead));
        }
        load
    }

    /// How many are acknowledged by now.
    pub fn acknowledged(&self) -> usize {
        self.history.lock().unwrap().acknowledged.len()
    }

    /// Waits until so many more are acknowledged.
    pub async fn more(&self, more: usize) {
        let wanted = self.acknowledged() + more;
        let counted = async {
            while self.acknowledged() < wanted {
                sleep(Duration::from_millis(2)).await;
            }
        };
        timeout(PATIENCE, counted).await.expect("nothing is acknowledged any more");
    }

    /// Sends nothing new; what is not known yet is repeated until it is. Then waits until all of it is confirmed, but for what has
    /// expired on the way.
    pub async fn finish(mut self, expired: impl Fn(&proto::Ontvangstbewijs) -> bool) -> History {
        self.stop.store(true, Ordering::SeqCst);
        timeout(PATIENCE, async {
            while let Some(ended) = self.senders.join_next().await {
                ended.unwrap();
            }
        })
        .await
        .expect("what is not known stays unknown");
        let left = || -> Vec<String> {
            let history = self.history.lock().unwrap();
            let missing =
                |sent: &&Acknowledged| !history.confirmed.contains(&sent.bewijs.bericht) && !expired(&sent.bewijs);
            history.acknowledged.iter().filter(missing).map(|sent| sent.bewijs.bericht.clone()).collect()
        };
        let arrive = async {
            while !left().is_empty() {
                sleep(Duration::from_millis(200)).await;
                // Of a confirmation that was not answered only the gateway knows.
                // One that was just started may not listen yet.
                let Ok(mut zvh) = self.profiles[0].1.connect().await else { continue };
                for bericht in left() {
                    if status(&mut zvh, &bericht).await.ontvangers[0].toestand() == proto::Toestand::Bevestigd {
                        self.history.lock().unwrap().confirmed.insert(bericht);
                    }
                }
            }
        };
        let arrived = timeout(PATIENCE, arrive).await;
        assert!(arrived.is_ok(), "{} of what was acknowledged never arrive", left().len());
        self.receivers.shutdown().await;
        std::mem::take(&mut *self.history.lock().unwrap())
    }
}

/// Sends one after the other; each until it is known what became of it, at whichever gateway answers.
async fn keep_sending(
    sender: usize,
    history: Arc<Mutex<History>>,
    profiles: Arc<Vec<(Profile, Profile)>>,
    next: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    make: Make,
) {
    let mut at = sender % profiles.len();
    let mut client = None;
    while !stop.load(Ordering::SeqCst) {
        let number = next.fetch_add(1, Ordering::SeqCst);
        let request = make(number);
        let started = Instant::now();
        loop {
            let attempt = async {
                if client.is_none() {
                    client = Some(profiles[at].0.connect().await?);
                }
                let client: &mut Client = client.as_mut().expect("it was just made");
                client.send(request.clone()).await.map_err(|status| profiles[at].0.failure(&status))
            };
            match timeout(CALL, attempt).await {
                Ok(Ok(sent)) => {
                    let bewijs = sent.into_inner().ontvangstbewijs.unwrap();
                    let acknowledged = Acknowledged { request, bewijs, started, ended: Instant::now() };
                    history.lock().unwrap().acknowledged.push(acknowledged);
                    break;
                }
                Ok(Err(ClientError::Refused(refused))) if refused.weigering != "niet_beschikbaar" => {
                    history.lock().unwrap().refused.push(refused.weigering);
                    break;
                }
                // Unreachable, unavailable or silent: the next one may know.
                Ok(Err(_)) | Err(_) => {
                    client = None;
                    at = (at + 1) % profiles.len();
                    sleep(AGAIN).await;
                }
            }
        }
    }
}

/// Receives and confirms at one gateway, again whenever that comes back.
async fn keep_receiving(history: Arc<Mutex<History>>, profile: Profile, ahead: SignedDuration) {
    loop {
        if let Ok(Ok(mut client)) = timeout(CALL, profile.connect()).await {
            receive(&history, &mut client, ahead).await;
        }
        sleep(AGAIN).await;
    }
}

async fn receive(history: &Mutex<History>, client: &mut Client, ahead: SignedDuration) -> Option<()> {
    let mut postvak = timeout(CALL, Postvak::try_open(client, "algemeen", 16)).await.ok()??;
    let mut last = None;
    loop {
        // Silence can be an empty postvak, or a gateway that is cut off: whoever waits looks anew now and then.
        match timeout(CALL, postvak.try_hear()).await.ok()?? {
            Antwoord::Aflevering(aflevering) => {
                if aflevering.poging == 1 {
                    assert!(last < Some(aflevering.log_index), "out of order");
                    last = Some(aflevering.log_index);
                }
                history.lock().unwrap().handed.push(Handed {
                    bericht: aflevering.bericht.clone(),
                    houdbaar_tot_en_met: aflevering.stempel.unwrap_or_default().houdbaar_tot_en_met,
                    at: SystemClock.now().saturating_add(ahead).unwrap(),
                });
                postvak.try_say(Verzoek::Bevestig(aflevering.bericht)).await?;
                postvak.try_say(Verzoek::Krediet(1)).await?;
            }
            Antwoord::Bevestigd(bericht) => {
                history.lock().unwrap().confirmed.insert(bericht);
            }
            // What is refused was confirmed through another gateway meanwhile, or has expired.
            Antwoord::PostvakLeeg(_) | Antwoord::BevestigingGeweigerd(_) => {}
        }
    }
}

/// Compares what the clients saw with the logboek, which is whole.
pub fn check(history: &History, regels: &[Value], vkey: &VerifyKey) {
    present_once_and_in_order(history, regels, vkey);
    refused_is_absent(history, regels);
    delivered_in_time(history, regels);
}

/// Acknowledged means present, logged once, at the index of its receipt; who got a receipt before another sent comes before it.
fn present_once_and_in_order(history: &History, regels: &[Value], vkey: &VerifyKey) {
    let mut accepted: HashMap<&str, usize> = HashMap::new();
    for regel in regels.iter().filter(|regel| regel["soort"] == "aanvaard" && regel["rol"] == "partner") {
        *accepted.entry(regel["bericht"].as_str().unwrap()).or_default() += 1;
    }
    assert_eq!(accepted.len(), history.acknowledged.len(), "as many berichten in the logboek as were acknowledged");
    let mut by_index: BTreeMap<u64, &Acknowledged> = BTreeMap::new();
    for sent in &history.acknowledged {
        let bericht = sent.bewijs.bericht.as_str();
        assert_eq!(accepted.get(bericht), Some(&sent.bewijs.aanvaardingen.len()), "{bericht} is not logged once");
        for aanvaarding in &sent.bewijs.aanvaardingen {
            let proof: TlogProof = aanvaarding.bewijs.parse().unwrap();
            // One key signs every logboek, each under its own name.
            let naam = proof.checkpoint.lines().next().unwrap();
            let proven = proof.verify(&vkey.named(naam).unwrap()).unwrap();
            let regel: Value = serde_json::from_slice(&proven.leaf).unwrap();
            assert_eq!(
                regel,
                regels[usize::try_from(aanvaarding.log_index).unwrap()],
                "the receipt proves another regel"
            );
            assert_eq!(regel["bericht"], bericht);
            assert!(by_index.insert(aanvaarding.log_index, sent).is_none(), "an index was given twice");
        }
    }
    let requests: BTreeSet<&str> = history.acknowledged.iter().map(|sent| sent.request.request_id.as_str()).collect();
    assert_eq!(requests.len(), history.acknowledged.len(), "a request was acknowledged twice");
    let mut earliest_end: Option<Instant> = None;
    for sent in by_index.values().rev() {
        assert!(
            earliest_end.is_none_or(|end| end >= sent.started),
            "a bericht was put before one that was acknowledged"
        );
        earliest_end = Some(earliest_end.map_or(sent.ended, |end| end.min(sent.ended)));
    }
}

fn refused_is_absent(history: &History, regels: &[Value]) {
    assert!(!history.refused.is_empty(), "nothing was refused, so this shows nothing");
    let count = |weigering: &str| regels.iter().filter(|regel| regel["weigering"] == weigering).count();
    for weigering in history.refused.iter().collect::<BTreeSet<_>>() {
        let told = history.refused.iter().filter(|other| *other == weigering).count();
        // One that was logged and not heard was repeated, and logged again.
        assert!(count(weigering) >= told, "{told} were refused with {weigering}, {} are logged", count(weigering));
    }
}

/// Delivered after it was logged, not after its confirmation, and not after its last day.
fn delivered_in_time(history: &History, regels: &[Value]) {
    let mut confirmed: BTreeSet<&str> = BTreeSet::new();
    let mut delivered: HashMap<&str, u64> = HashMap::new();
    for regel in regels {
        let Some(bericht) = regel["bericht"].as_str() else { continue };
        match regel["soort"].as_str().unwrap() {
            "afgeleverd" => {
                assert!(!confirmed.contains(bericht), "{bericht} was delivered after its confirmation");
                let poging = regel["poging"].as_u64().unwrap();
                let before = delivered.insert(bericht, poging).unwrap_or_default();
                assert_eq!(poging, before + 1, "a delivery of {bericht} is missing from the logboek");
                let on = day(regel["tijd"].as_str().unwrap().parse().unwrap());
                assert!(
                    on.as_str() <= regel["houdbaar_tot_en_met"].as_str().unwrap(),
                    "{bericht} was handed out on {on}"
                );
            }
            "bevestigd" => assert!(confirmed.insert(bericht), "{bericht} was confirmed twice"),
            _ => {}
        }
    }
    for handed in &history.handed {
        assert!(delivered.contains_key(handed.bericht.as_str()), "{} was handed out unlogged", handed.bericht);
        // What was under way at midnight may arrive just after it.
        let on = day(handed.at.saturating_sub(SignedDuration::from_secs(2)).unwrap());
        assert!(on <= handed.houdbaar_tot_en_met, "{} arrived at {}", handed.bericht, handed.at);
    }
    for bericht in &history.confirmed {
        assert!(confirmed.contains(bericht.as_str()), "the confirmation of {bericht} is not in the logboek");
    }
}

/// The day in Amsterdam.
pub fn day(moment: Timestamp) -> String {
    moment.to_zoned(TimeZone::get("Europe/Amsterdam").unwrap()).date().to_string()
}

/// One in ten is refused: no convenant allows it.
pub fn mostly_allowed(number: u64) -> proto::SendRequest {
    of_number(template_once("bekendheidscheck"), number)
}

/// The same, of this template.
pub fn of_number(template: Value, number: u64) -> proto::SendRequest {
    let mut check = request(template);
    check.request_id = request_id(number);
    check.inhoud.as_mut().unwrap().casusnummer_afzender = format!("CASUS-{number}");
    if number % 10 == 9 {
        check.ontvangers[0].partner = "dji".to_owned();
        check.ontvangers[0].loket.clear();
    }
    check
}

/// A template, asked for once.
pub fn template_once(soort: &'static str) -> Value {
    static KNOWN: Mutex<BTreeMap<&str, Value>> = Mutex::new(BTreeMap::new());
    KNOWN.lock().unwrap().entry(soort).or_insert_with(|| template(soort)).clone()
}
