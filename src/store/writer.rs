//! The writer: one task that gathers what waits into one transaction, then answers all.
//!
//! Callers hand in an [`Event`] and await its reply. A reply exists only once the transaction is durable; when it failed
//! every caller of it gets [`StoreError::NotWritten`], and repeating is safe. A call that is cancelled drops its waiting, never
//! the transaction. A database server that is gone is looked for until it is back.

use std::{
    collections::BTreeSet,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use jiff::civil::Date;
use sqlx::Connection;
use tokio::{
    sync::{
        mpsc::{self, error::TryRecvError},
        oneshot,
    },
    task::JoinHandle,
    time::{sleep, timeout},
};

use super::{
    Database, DbConnection, Pool, Store, StoreError,
    accept::{self, Accept, Accepted},
    append::{Commit, Head},
    dagsleutels::{self, Connections},
    dialect::Dialect,
    documenten::{self, Change, Changed},
    listen::listen,
    open::OpenError,
    postvak::{self, Lease},
    rij::{Actor, PostvakRij},
    source::Source,
    verval::{self, Expire},
    wake::Wakers,
    withdraw::{self, Withdraw, Withdrawn},
    work::{Finished, Logboek, Work},
    zoek::{self, Find, Found},
};
use crate::{
    domain::{Adres, BerichtId, Klok, VanKracht, Weigering},
    logboek::{Logregel, Signer, Soort},
    sleutels::dagsleutels::Wrapped,
};

/// Events in one transaction at most.
const BATCH_EVENTS: usize = 256;
/// Sealed content in one transaction at most, bytes.
const BATCH_BYTES: usize = 8 << 20;
/// How long a database server may take to begin.
const BEGIN: Duration = Duration::from_secs(5);
/// How long a transaction may take, with its wait for the writers of other gateways.
const CARRY_OUT: Duration = Duration::from_secs(20);
/// How long a commit may take, with its wait for a standby. After that nobody knows what became of it.
const COMMIT: Duration = Duration::from_secs(5);
/// After so long without anything to write the connection is looked at.
const IDLE: Duration = Duration::from_secs(1);
/// Between attempts to reach a database that is gone.
const AGAIN: Duration = Duration::from_millis(250);

/// A reply, and the commit that made it durable (none where nothing was logged).
pub type Durable<T> = (T, Option<Arc<Commit>>);
/// Where a reply goes.
pub type Reply<T> = oneshot::Sender<Durable<T>>;

/// What is in force changed since it was read: read it again, then judge again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outdated;

/// Something to write.
pub enum Event {
    /// An admitted bericht.
    Accept(Box<Accept>, Reply<Result<Accepted, Weigering>>),
    /// An act of beheer that changes no document: a regel `beheerd`. Gives its index and its bytes.
    Act(Box<Actor>, Reply<(u64, Vec<u8>)>),
    /// Nothing but `gestart`, which the first transaction of a run begins with.
    Start(Reply<()>),
    /// A regel that stands alone: `geweigerd`.
    Log(Box<Logregel>, Option<BerichtId>, Reply<()>),
    /// Hand out.
    Lease(Box<Lease>, Reply<Result<Vec<PostvakRij>, Outdated>>),
    /// Confirm; judged by this version of what is in force.
    Acknowledge(BerichtId, Adres, Box<Actor>, u64, Reply<Result<Result<i64, Weigering>, Outdated>>),
    /// Read again.
    Consult(BerichtId, Adres, Box<Actor>, Arc<VanKracht>, Reply<Result<Result<PostvakRij, Weigering>, Outdated>>),
    /// Take back.
    Withdraw(Box<Withdraw>, Reply<Result<Result<Withdrawn, Weigering>, Outdated>>),
    /// Look for scenario's.
    Find(Box<Find>, Reply<Result<Vec<Found>, Outdated>>),
    /// End what has lapsed.
    Expire(Box<Expire>, Reply<Result<(), Outdated>>),
    /// A scenario lapses soon, and its afzender is no deelnemer any more.
    NobodyToWarn(BerichtId, Reply<()>),
    /// An Ask at this address waits no longer: its reserved answers are for any reader.
    EndAsk(BerichtId, Adres, Reply<()>),
    /// Give leases of a postvak back: index of the regel `aanvaard`, and which `poging`.
    Release(Adres, Vec<(u64, u32)>, Reply<()>),
    /// Add a wrapped day key that gateways share, unless there is one.
    DayKey(Date, Wrapped, Reply<()>),
    /// Put in force, and withdraw.
    Change(Box<Change>, Reply<Result<Changed, Outdated>>),
}

impl Event {
    fn bytes(&self) -> usize {
        if let Self::Accept(accept, _) = self { accept.inhoud.len() } else { 0 }
    }
}

/// The way to the writer.
#[derive(Clone)]
pub struct Writer(mpsc::Sender<Event>);

impl Writer {
    /// Hands in an event and waits until it is durable.
    ///
    /// # Errors
    /// [`StoreError::NotWritten`] when it was not.
    pub async fn write<T>(&self, event: impl FnOnce(Reply<T>) -> Event) -> Result<Durable<T>, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.0.send(event(reply)).await.map_err(|_| StoreError::NotWritten)?;
        answer.await.map_err(|_| StoreError::NotWritten)
    }
}

/// What is sent once a transaction is durable.
type Answer = Box<dyn FnOnce(Option<&Arc<Commit>>) + Send>;

fn answer<T: Send + 'static>(reply: Reply<T>, value: T) -> Answer {
    // A caller that has gone away is no fault: what was written stays written.
    Box::new(move |commit| drop(reply.send((value, commit.cloned()))))
}

struct WriterTask {
    logboek: Logboek,
    connection: DbConnection,
    read: Pool,
    events: mpsc::Receiver<Event>,
    signer: Signer,
    klok: Arc<Klok>,
    /// Whether `gestart` stands in the logboek: it is the first regel of every run.
    started: bool,
    wakers: Wakers,
    connections: Connections,
    /// Last, so that the lock on a SQLite file goes after its connections.
    source: Source,
}

impl Database {
    /// Starts the writer. Ends when every [`Store`] is gone, or with the error after which nothing may be written.
    ///
    /// # Errors
    /// [`OpenError`] when the logboek in the database is another one or damaged.
    pub async fn start(
        self,
        naam: &str,
        sleutels: &str,
        signer: Signer,
        klok: Arc<Klok>,
    ) -> Result<(Store, JoinHandle<Result<(), StoreError>>), OpenError> {
        let Self { source, mut writer, read } = self;
        let (found, known) = source.bounded(COMMIT, Head::start(&mut writer, naam, sleutels)).await?;
        if found != naam {
            return Err(OpenError::OtherLogboek { found, wanted: naam.to_owned() });
        }
        if known != sleutels {
            return Err(OpenError::OtherKeys);
        }
        let logboek = Logboek { naam: found, sleutels: known };
        let (sender, events) = mpsc::channel(BATCH_EVENTS * 4);
        let wakers = Wakers::default();
        let connections = Connections::default();
        let store = Store {
            read: read.clone(),
            writer: Writer(sender),
            wakers: wakers.clone(),
            connections: Arc::clone(&connections),
            most_apart: source.most_apart(),
        };
        let task = WriterTask {
            source,
            logboek,
            connection: writer,
            read,
            events,
            signer,
            klok,
            started: false,
            wakers,
            connections,
        };
        Ok((store, tokio::spawn(task.run())))
    }
}

impl WriterTask {
    async fn run(mut self) -> Result<(), StoreError> {
        let listening = match &self.source {
            Source::Sqlite(_) => None,
            Source::Postgres(_) => Some(tokio::spawn(listen(self.read.clone(), self.wakers.clone()))),
        };
        let written = self.write_all().await;
        if let Some(listening) = listening {
            listening.abort();
        }
        if written.is_ok() {
            // Closing folds the WAL of SQLite into the file; a failure leaves that to the next start.
            let Self { source, connection, .. } = self;
            drop(source.bounded(BEGIN, async { Ok(connection.close().await?) }).await);
        }
        written
    }

    async fn write_all(&mut self) -> Result<(), StoreError> {
        let mut batch = Vec::with_capacity(BATCH_EVENTS);
        while let Some(first) = self.next().await? {
            let mut bytes = first.bytes();
            batch.push(first);
            while batch.len() < BATCH_EVENTS && bytes < BATCH_BYTES {
                let Ok(next) = self.events.try_recv() else { break };
                bytes += next.bytes();
                batch.push(next);
            }
            match self.write(std::mem::take(&mut batch)).await {
                Ok(Written { commit, answers, rung }) => {
                    for answer in answers {
                        answer(commit.as_ref());
                    }
                    for adres in &rung {
                        self.wakers.ring(adres);
                    }
                }
                Err(fatal @ StoreError::Fatal(_)) => return Err(fatal),
                // The database is as it was, and whoever watches the clock says so.
                Err(StoreError::Clock(_)) => {}
                Err(error) => {
                    tracing::error!(%error, "a transaction was not carried out; its callers were told");
                    self.connect_anew().await?;
                }
            }
        }
        Ok(())
    }

    /// Waits for something to write. Meanwhile a lost connection to a server is noticed, before somebody is told of it.
    async fn next(&mut self) -> Result<Option<Event>, StoreError> {
        loop {
            match timeout(IDLE, self.events.recv()).await {
                Ok(event) => return Ok(event),
                Err(_) if matches!(self.source, Source::Sqlite(_)) => {}
                Err(_) => {
                    let Self { source, connection, .. } = self;
                    if source.bounded(BEGIN, async { Ok(connection.ping().await?) }).await.is_err() {
                        self.connect_anew().await?;
                    }
                }
            }
        }
    }

    async fn write(&mut self, batch: Vec<Event>) -> Result<Written, StoreError> {
        let Self { source, logboek, connection, signer, klok, started, .. } = self;
        klok.trust().map_err(StoreError::Clock)?;
        let dialect = Dialect::of(connection);
        let mut tx = source.bounded(BEGIN, async { Ok(connection.begin_with(dialect.begin()).await?) }).await?;
        let carry_out = Box::pin(async {
            let mut work = Work::begin(&mut tx, logboek, klok, source.most_apart()).await?;
            if !*started {
                work.log.append(None, Logregel::new(String::new(), Soort::Gestart));
            }
            let answers = apply_all(&mut work, batch).await?;
            Ok((work.finish(signer).await?, answers))
        });
        let (Finished { commit, rung }, answers) = source.bounded(CARRY_OUT, carry_out).await?;
        source.bounded(COMMIT, async { tx.commit().await.map_err(|error| dialect.commit_failed(error)) }).await?;
        *started = true;
        Ok(Written { commit: commit.map(Arc::new), answers, rung })
    }

    /// After a failure, on a new connection: what the old one still held is rolled back by the server, and of what it committed the
    /// next transaction knows. Waits until there is one; who comes meanwhile is told at once.
    async fn connect_anew(&mut self) -> Result<(), StoreError> {
        let mut said = false;
        loop {
            // What was judged or sealed by what the lost server knew is not for the next one.
            loop {
                match self.events.try_recv() {
                    Ok(event) => drop(event),
                    Err(TryRecvError::Empty) => break,
                    // The gateway stops: nobody is left to be answered.
                    Err(TryRecvError::Disconnected) => return Ok(()),
                }
            }
            match self.source.connect(&self.read).await {
                Ok(fresh) => {
                    self.connections.fetch_add(1, Ordering::SeqCst);
                    // Not closed in words: that would wait for a server that may be gone.
                    drop(std::mem::replace(&mut self.connection, fresh));
                    return Ok(());
                }
                Err(error) if matches!(self.source, Source::Sqlite(_)) => {
                    return Err(StoreError::Fatal(error.to_string()));
                }
                Err(error) if !said => tracing::error!(%error, "the database is gone; looking for it"),
                Err(_) => {}
            }
            said = true;
            sleep(AGAIN).await;
        }
    }
}

/// A durable transaction.
struct Written {
    commit: Option<Arc<Commit>>,
    answers: Vec<Answer>,
    rung: BTreeSet<Adres>,
}

async fn apply_all(work: &mut Work<'_>, batch: Vec<Event>) -> Result<Vec<Answer>, StoreError> {
    let request = |event: &Event| match event {
        Event::Accept(accept, _) => {
            let toegelaten = &accept.toegelaten;
            Some((toegelaten.afzender().partner.clone(), toegelaten.bericht().request_id))
        }
        _ => None,
    };
    work.look_up(batch.iter().filter_map(request).collect()).await?;
    let mut answers = Vec::with_capacity(batch.len());
    for event in batch {
        let before = work.log.len();
        match apply(work, event).await {
            Ok(answer) => answers.push(answer),
            // Found before anything was written for this event: its caller is told, the others go on. Found later, everything
            // is undone.
            Err(error @ StoreError::Inconsistent { .. }) if work.log.len() == before => {
                tracing::error!(%error, "a damaged row was met");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(answers)
}

async fn apply(work: &mut Work<'_>, event: Event) -> Result<Answer, StoreError> {
    let versie = work.versie;
    Ok(match event {
        Event::Accept(accept, reply) => answer(reply, accept::accept(work, *accept).await?),
        Event::Start(reply) => answer(reply, ()),
        Event::Act(actor, reply) => {
            let regel = actor.regel(Soort::Beheerd);
            answer(reply, actor.log(&mut work.log, None, regel))
        }
        Event::Log(regel, bericht, reply) => {
            work.log.append(bericht, *regel);
            answer(reply, ())
        }
        Event::Lease(lease, reply) if lease.van_kracht.versie() != versie => answer(reply, Err(Outdated)),
        Event::Lease(lease, reply) => answer(reply, Ok(postvak::lease(work, &lease).await?)),
        Event::Acknowledge(_, _, _, judged_by, reply) if judged_by != versie => answer(reply, Err(Outdated)),
        Event::Acknowledge(bericht, adres, actor, _, reply) => {
            answer(reply, Ok(postvak::acknowledge(work, bericht, &adres, &actor).await?))
        }
        Event::Consult(_, _, _, van_kracht, reply) if van_kracht.versie() != versie => answer(reply, Err(Outdated)),
        Event::Consult(bericht, adres, actor, van_kracht, reply) => {
            answer(reply, Ok(postvak::consult(work, bericht, &adres, &actor, &van_kracht).await?))
        }
        Event::Withdraw(withdraw, reply) => answer(reply, withdraw::withdraw(work, *withdraw).await?),
        Event::Find(find, reply) => answer(reply, zoek::find(work, &find).await?),
        Event::Expire(expire, reply) => answer(reply, verval::expire(work, *expire).await?),
        Event::Change(change, reply) => answer(reply, documenten::change(work, *change).await?),
        Event::DayKey(day, wrapped, reply) => answer(reply, dagsleutels::add(work, day, wrapped).await?),
        Event::NobodyToWarn(bericht, reply) => {
            verval::warned(work.database().await?, bericht).await?;
            answer(reply, ())
        }
        Event::EndAsk(verzoek, adres, reply) => {
            postvak::end_ask(work, verzoek, adres).await?;
            answer(reply, ())
        }
        Event::Release(adres, leases, reply) => {
            postvak::release(work, adres, &leases).await?;
            answer(reply, ())
        }
    })
}
