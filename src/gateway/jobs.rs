//! The jobs: what a gateway does by itself.

use std::{mem, sync::Arc, time::Duration};

use jiff::civil::Date;
use tokio::{
    sync::{Mutex, watch},
    task::{JoinSet, spawn_blocking},
    time::Instant,
};

use super::{
    aanloop::Einde,
    ends::{Ends, Said},
    lijsten::{FetchLists, Lijsten},
    meten::{LookThrough, Stapels},
    naast::TellHealth,
    reload::Reloader,
};
use crate::{
    domain::houdbaarheid::amsterdam_date,
    exchange::{Exchange, announce::Announcer, klok::ClockWatch, voorstel::Afwachting, wacht::Keeper},
    grpc::naast::Naast,
    jobs::{Job, Next, Trouble, apart, run},
    sleutels::blik::Blikken,
    store::NotDone,
    tls::Refused,
};

/// How often each job looks whether there is something to do.
const TICK: Duration = Duration::from_millis(500);

/// What lies outside the exchange, and is looked at by jobs.
pub(super) struct Outside {
    /// Handshakes that were refused.
    pub(super) refused: Arc<Refused>,
    /// Certificates and revocation lists, which end, and which change.
    pub(super) reloader: Arc<Reloader>,
    /// Where operators tell what they looked at.
    pub(super) blikken: Blikken,
    /// How the postvakken stand, for who measures; nothing where nobody does.
    pub(super) stapels: Option<Stapels>,
    /// What tells callers over gRPC whether this gateway serves, at each port.
    pub(super) naast: Vec<Naast>,
    /// How the gateway was told to end.
    pub(super) einde: watch::Receiver<Einde>,
    /// Revocation lists that are fetched.
    pub(super) lijsten: Lijsten,
}

/// Starts all of them.
pub(super) fn start(
    running: &mut JoinSet<&'static str>,
    exchange: &Arc<Exchange>,
    watch: ClockWatch,
    keeper: &Arc<Mutex<Keeper>>,
    outside: Outside,
    stopped: &watch::Receiver<bool>,
) {
    let Outside { refused, reloader, blikken, stapels, naast, einde, lijsten } = outside;
    let ends = reloader.ends();
    let of = || Arc::clone(exchange);
    running.spawn(run(WatchClock { watch, exchange: of() }, stopped.clone()));
    running.spawn(run(KeepGuard(Arc::clone(keeper)), stopped.clone()));
    running.spawn(run(SayWhatEnded { ends, said: None, exchange: of() }, stopped.clone()));
    let now = Arc::clone(&reloader.fetch);
    running.spawn(run(ReadAgain(reloader), stopped.clone()));
    running.spawn(run(FetchLists { lijsten, now, klok: Arc::clone(&exchange.klok) }, stopped.clone()));
    if let Some(stapels) = stapels {
        running.spawn(run(LookThrough { exchange: of(), stapels }, stopped.clone()));
    }
    running.spawn(run(TellHealth { exchange: of(), naast, einde }, stopped.clone()));
    running.spawn(run(Refresh(of()), stopped.clone()));
    running.spawn(run(Announce { announcer: Announcer::default(), exchange: of() }, stopped.clone()));
    running.spawn(run(LogRefusals { exchange: of(), refused }, stopped.clone()));
    running.spawn(run(LogBlikken { exchange: of(), blikken }, stopped.clone()));
    running.spawn(run(CarryOut { exchange: of(), afwachting: Afwachting::default() }, stopped.clone()));
    running.spawn(run(EndLapsed(of()), stopped.clone()));
    running.spawn(run(CloseYear(of()), stopped.clone()));
    running.spawn(run(TakeUp::new(of()), stopped.clone()));
    running.spawn(run(Recompute { exchange: of(), stopped: stopped.clone() }, stopped.clone()));
    running.spawn(run(WarnOfLapsing { exchange: of(), done: None }, stopped.clone()));
}

/// Does what time brings, until nothing is left of it.
pub(super) async fn let_time_pass(exchange: &Exchange) -> Result<(), Trouble> {
    exchange.flush_weigeringen(false).await?;
    while exchange.carry_out_voorstel(&mut Afwachting::default()).await? {
        exchange.refresh().await?;
    }
    while exchange.end_lapsed().await? == Next::AtOnce {}
    while exchange.warn_of_lapsing().await? == Next::AtOnce {}
    exchange.close_year().await?;
    Ok(())
}

/// Says what is wrong with the clock.
struct WatchClock {
    watch: ClockWatch,
    exchange: Arc<Exchange>,
}

impl Job for WatchClock {
    const NAME: &'static str = "de klok";
    const TROUBLE: &'static str = "the clock could not be watched";
    const EVERY: Duration = TICK;

    async fn run(&mut self) -> Result<Next, Trouble> {
        self.watch.look(&self.exchange).await;
        Ok(Next::InTime)
    }
}

/// Keeps what this gateway remembers in its guard file. The last of it is written when the writer has ended (`run`).
struct KeepGuard(Arc<Mutex<Keeper>>);

impl Job for KeepGuard {
    const NAME: &'static str = "het wachtbestand";
    const TROUBLE: &'static str = "the guard file could not be kept";
    const EVERY: Duration = TICK;

    async fn run(&mut self) -> Result<Next, Trouble> {
        self.0.lock().await.keep().await;
        Ok(Next::InTime)
    }
}

/// Says which certificates and lists have ended.
struct SayWhatEnded {
    ends: Ends,
    said: Said,
    exchange: Arc<Exchange>,
}

impl Job for SayWhatEnded {
    const NAME: &'static str = "wat eindigde van certificaten en lijsten";
    const TROUBLE: &'static str = "nobody looked which certificates have ended";
    const EVERY: Duration = TICK;

    async fn run(&mut self) -> Result<Next, Trouble> {
        self.ends.say(self.exchange.klok.now(), &mut self.said);
        Ok(Next::InTime)
    }
}

/// Reads certificates and revocation lists again when their files changed.
struct ReadAgain(Arc<Reloader>);

impl Job for ReadAgain {
    const NAME: &'static str = "certificaten en lijsten in hun bestanden";
    const TROUBLE: &'static str =
        "what the files of certificates and lists hold now cannot be used; what was read before counts on";
    const EVERY: Duration = Duration::from_secs(1);

    async fn run(&mut self) -> Result<Next, Trouble> {
        let reloader = Arc::clone(&self.0);
        spawn_blocking(move || reloader.reload_if_changed()).await??;
        Ok(Next::InTime)
    }
}

/// Keeps this process at what is in force.
struct Refresh(Arc<Exchange>);

impl Job for Refresh {
    const NAME: &'static str = "wat van kracht is";
    const TROUBLE: &'static str = "what is in force could not be read; nothing is accepted by the older version";
    const EVERY: Duration = TICK;

    async fn run(&mut self) -> Result<Next, Trouble> {
        self.0.refresh().await?;
        Ok(Next::InTime)
    }
}

/// Says what ends soon of what is in force.
struct Announce {
    announcer: Announcer,
    exchange: Arc<Exchange>,
}

impl Job for Announce {
    const NAME: &'static str = "wat binnenkort eindigt";
    const TROUBLE: &'static str = "nobody looked what ends soon";
    const EVERY: Duration = TICK;

    async fn run(&mut self) -> Result<Next, Trouble> {
        self.announcer.announce(&self.exchange);
        Ok(Next::InTime)
    }
}

/// Logs the refusals that were counted.
struct LogRefusals {
    exchange: Arc<Exchange>,
    refused: Arc<Refused>,
}

impl Job for LogRefusals {
    const NAME: &'static str = "getelde weigeringen";
    const TROUBLE: &'static str = "counted refusals could not be logged yet";
    const EVERY: Duration = TICK;

    async fn run(&mut self) -> Result<Next, Trouble> {
        self.exchange.flush_weigeringen(false).await?;
        log_handshakes(&self.exchange, &self.refused, self.exchange.minute()).await?;
        Ok(Next::InTime)
    }
}

/// Logs what operators looked at beside the gateway.
struct LogBlikken {
    exchange: Arc<Exchange>,
    blikken: Blikken,
}

impl Job for LogBlikken {
    const NAME: &'static str = "blikken van beheer";
    const TROUBLE: &'static str = "what an operator looked at beside the gateway could not be logged yet";
    const EVERY: Duration = TICK;

    async fn run(&mut self) -> Result<Next, Trouble> {
        self.blikken.open()?;
        self.exchange.log_blikken(&self.blikken).await?;
        Ok(Next::InTime)
    }

    async fn end(self) {
        self.blikken.close();
    }
}

/// Carries out what was proposed, once its days are over and everybody agreed.
struct CarryOut {
    exchange: Arc<Exchange>,
    afwachting: Afwachting,
}

impl Job for CarryOut {
    const NAME: &'static str = "voorstellen";
    const TROUBLE: &'static str = "a proposal that everybody agreed with could not be carried out yet";
    const EVERY: Duration = TICK;

    async fn run(&mut self) -> Result<Next, Trouble> {
        if self.exchange.carry_out_voorstel(&mut self.afwachting).await? {
            self.exchange.refresh().await?;
            return Ok(Next::AtOnce);
        }
        Ok(Next::InTime)
    }
}

/// Closes the logboek of a year that is over.
struct CloseYear(Arc<Exchange>);

impl Job for CloseYear {
    const NAME: &'static str = "het logboek van het jaar";
    const TROUBLE: &'static str = "the logboek of the year that is over could not be closed yet";
    const EVERY: Duration = TICK;

    async fn run(&mut self) -> Result<Next, Trouble> {
        self.0.close_year().await?;
        Ok(Next::InTime)
    }
}

/// Takes up regels, so that toezicht finds them. While much is written it waits: who sends and receives does not pay for who may search
/// later. A search takes up what is missing first.
struct TakeUp {
    exchange: Arc<Exchange>,
    /// The last look: when, and how many regels there were.
    looked: (Instant, u64),
    /// Since when it waits.
    waits_since: Option<Instant>,
}

/// As many regels a second mean that much is written.
const BUSY_A_SECOND: f64 = 200.0;
/// So long it waits at most. Then it takes up a page at each look.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

impl TakeUp {
    fn new(exchange: Arc<Exchange>) -> Self {
        let looked = (Instant::now(), exchange.store.head().next_index());
        Self { exchange, looked, waits_since: None }
    }

    /// Whether much was written since the last look.
    fn is_busy(&mut self) -> bool {
        let (now, end) = (Instant::now(), self.exchange.store.head().next_index());
        let (then, before) = mem::replace(&mut self.looked, (now, end));
        let written = u32::try_from(end.saturating_sub(before)).unwrap_or(u32::MAX);
        f64::from(written) >= BUSY_A_SECOND * now.duration_since(then).as_secs_f64()
    }
}

impl Job for TakeUp {
    const NAME: &'static str = "het zoekbestand";
    const TROUBLE: &'static str = "regels could not be taken up for searching; toezicht does not find them yet";
    const EVERY: Duration = TICK;

    async fn run(&mut self) -> Result<Next, Trouble> {
        let is_busy = self.is_busy();
        if is_busy && self.waits_since.get_or_insert_with(Instant::now).elapsed() < LONGEST_WAIT {
            return Ok(Next::InTime);
        }
        let more = self.exchange.take_up().await?;
        if !more {
            self.waits_since = None;
        }
        Ok(if more && !is_busy { Next::AtOnce } else { Next::InTime })
    }
}

/// Recomputes the logboek, at the start and once a day. A stop does not wait for it: what it found is kept nowhere.
struct Recompute {
    exchange: Arc<Exchange>,
    stopped: watch::Receiver<bool>,
}

impl Job for Recompute {
    const NAME: &'static str = "het logboek narekenen";
    const TROUBLE: &'static str = "the logboek could not be recomputed";
    const EVERY: Duration = TICK;

    async fn run(&mut self) -> Result<Next, Trouble> {
        if !self.exchange.is_recomputing_due() {
            return Ok(Next::InTime);
        }
        let (exchange, mut stopped) = (Arc::clone(&self.exchange), self.stopped.clone());
        let work = async move {
            tokio::select! {
                recomputed = exchange.recompute() => recomputed,
                _ = stopped.wait_for(|stopped| *stopped) => Ok(()),
            }
        };
        apart(Self::NAME, work).await??;
        Ok(Next::InTime)
    }
}

/// Logs the handshakes that were refused before this minute.
pub(super) async fn log_handshakes(exchange: &Exchange, refused: &Refused, minute: i64) -> Result<(), NotDone> {
    while let Some((refusal, aantal)) = refused.take_before(minute) {
        if let Err(error) = exchange.log_handshakes(refusal.oorzaak, refusal.adres, aantal).await {
            refused.add(refusal, aantal);
            return Err(error);
        }
    }
    Ok(())
}

/// Ends what has lapsed. Content that it has not ended yet is unreadable all the same, because every verb asks for the day.
struct EndLapsed(Arc<Exchange>);

impl Job for EndLapsed {
    const NAME: &'static str = "wat vervalt";
    const TROUBLE: &'static str = "what has lapsed could not be ended yet";
    const EVERY: Duration = TICK;

    async fn run(&mut self) -> Result<Next, Trouble> {
        Ok(self.0.end_lapsed().await?)
    }
}

/// Warns those whose scenario's lapse soon.
struct WarnOfLapsing {
    exchange: Arc<Exchange>,
    /// When nothing was left to warn of, and on which day.
    done: Option<(Date, Instant)>,
}

/// Where nothing was left to warn of, it is looked again after so long, or on the next day: looking goes through every scenario of which
/// nobody was warned yet.
const LOOK_AGAIN: Duration = Duration::from_secs(10);

impl Job for WarnOfLapsing {
    const NAME: &'static str = "waarschuwingen voor verval";
    const TROUBLE: &'static str = "whose scenario lapses soon could not be warned yet";
    const EVERY: Duration = TICK;

    async fn run(&mut self) -> Result<Next, Trouble> {
        let today = amsterdam_date(self.exchange.klok.now());
        if self.done.is_some_and(|(day, since)| day == today && since.elapsed() < LOOK_AGAIN) {
            return Ok(Next::InTime);
        }
        let next = self.exchange.warn_of_lapsing().await?;
        self.done = (next == Next::InTime).then(|| (today, Instant::now()));
        Ok(next)
    }
}
