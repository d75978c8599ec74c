//! The writer: one task that gathers what waits into one transaction, then answers all.
//!
//! Callers hand in an [`Event`] and await its reply. A reply exists only once the transaction is durable; when it failed
//! every caller of it gets [`StoreError::NotWritten`], and repeating is safe. A call that is cancelled drops its waiting, never
//! the transaction.

use std::sync::Arc;

use sqlx::{ConnectOptions, Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
};

use super::{
    Database, Store, StoreError,
    accept::{self, Accept, Accepted},
    append::{Appender, Commit, Head},
    counters::Counters,
    documenten::{self, Change, Changed},
    micros,
    open::OpenError,
    postvak::{self, Lease},
    rij::{Actor, PostvakRij},
    toestand::Work,
    verval::{self, Expire},
    withdraw::{self, Withdraw, Withdrawn},
    zoek::{self, Find, Found},
};
use crate::{
    domain::{Adres, BerichtId, Clock, VanKracht, Weigering},
    logboek::{Logregel, Signer},
};

/// Events in one transaction at most.
const BATCH_EVENTS: usize = 256;
/// Sealed content in one transaction at most, bytes.
const BATCH_BYTES: usize = 8 << 20;

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
    /// A regel that stands alone: `gestart`, `geweigerd`.
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
    /// An Ask waits no longer: its reserved answers are for any reader.
    EndAsk(BerichtId, Reply<()>),
    /// Give leases back: index of the regel `aanvaard`, and which `poging`.
    Release(Vec<(u64, u32)>, Reply<()>),
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
    /// To connect anew after a failure.
    options: SqliteConnectOptions,
    connection: SqliteConnection,
    events: mpsc::Receiver<Event>,
    head: Head,
    signer: Signer,
    clock: Arc<dyn Clock>,
    lock: std::fs::File,
}

impl Database {
    /// Starts the writer. Ends when every [`Store`] is gone, or with the error after which nothing may be written.
    ///
    /// # Errors
    /// [`OpenError`] when the logboek in the database is another one or damaged.
    pub async fn start(
        self,
        naam: &str,
        signer: Signer,
        clock: Arc<dyn Clock>,
    ) -> Result<(Store, JoinHandle<Result<(), StoreError>>), OpenError> {
        let Self { options, mut writer, read, lock } = self;
        let head = Head::load(&mut writer, naam).await?;
        if head.naam != naam {
            return Err(OpenError::OtherLogboek { found: head.naam, wanted: naam.to_owned() });
        }
        let (sender, events) = mpsc::channel(BATCH_EVENTS * 4);
        let task = WriterTask { options, connection: writer, events, head, signer, clock, lock };
        Ok((Store { read, writer: Writer(sender) }, tokio::spawn(task.run())))
    }
}

impl WriterTask {
    async fn run(mut self) -> Result<(), StoreError> {
        let mut batch = Vec::with_capacity(BATCH_EVENTS);
        while let Some(first) = self.events.recv().await {
            let mut bytes = first.bytes();
            batch.push(first);
            while batch.len() < BATCH_EVENTS && bytes < BATCH_BYTES {
                let Ok(next) = self.events.try_recv() else { break };
                bytes += next.bytes();
                batch.push(next);
            }
            match self.write(batch.drain(..)).await {
                Ok((commit, answers)) => answers.into_iter().for_each(|answer| answer(commit.as_ref())),
                Err(fatal @ StoreError::Fatal(_)) => return Err(fatal),
                Err(error) => {
                    tracing::error!(%error, "a transaction was not carried out; its callers were told");
                    self.recover().await?;
                }
            }
        }
        // Closing folds the WAL into the file; a failure leaves that to the next start.
        drop(self.connection.close().await);
        drop(self.lock);
        Ok(())
    }

    async fn write(
        &mut self,
        batch: impl Iterator<Item = Event>,
    ) -> Result<(Option<Arc<Commit>>, Vec<Answer>), StoreError> {
        // IMMEDIATE: a deferred transaction that upgrades later gets SQLITE_BUSY whatever the timeout.
        let mut tx = self.connection.begin_with("BEGIN IMMEDIATE").await?;
        let mut log = Appender::new(&self.head, micros(self.clock.now()));
        let mut counters = Counters::default();
        let mut versie = documenten::versie(&mut *tx).await?;
        let mut answers = Vec::with_capacity(BATCH_EVENTS);
        for event in batch {
            let before = log.len();
            let work = Work { tx: &mut tx, log: &mut log, counters: &mut counters };
            match apply(work, &mut versie, event).await {
                Ok(answer) => answers.push(answer),
                // Found before anything was written for this event: its caller is told, the others go on. Found later, everything
                // is undone.
                Err(error @ StoreError::Inconsistent { .. }) if log.len() == before => {
                    tracing::error!(%error, "a damaged row was met");
                }
                Err(error) => return Err(error),
            }
        }
        counters.write(&mut tx).await?;
        if log.is_empty() {
            tx.commit().await.map_err(commit_failed)?;
            return Ok((None, answers));
        }
        let (head, commit) = log.finish(&mut tx, &self.signer).await?;
        tx.commit().await.map_err(commit_failed)?;
        self.head = head;
        Ok((Some(Arc::new(commit)), answers))
    }

    /// After a failure the database says where the logboek stands, not what was in memory.
    ///
    /// On a new connection: SQLite ends some transactions by itself (a full disk), and the old one would wait for ever for
    /// a rollback that cannot succeed.
    async fn recover(&mut self) -> Result<(), StoreError> {
        let fatal = |error: &dyn std::fmt::Display| StoreError::Fatal(error.to_string());
        let fresh = self.options.connect().await.map_err(|error| fatal(&error))?;
        // Whatever the old connection still held is rolled back when it closes.
        drop(std::mem::replace(&mut self.connection, fresh).close_hard().await);
        self.head = Head::load(&mut self.connection, &self.head.naam).await.map_err(|error| fatal(&error))?;
        Ok(())
    }
}

async fn apply(mut work: Work<'_>, versie: &mut u64, event: Event) -> Result<Answer, StoreError> {
    let work = &mut work;
    Ok(match event {
        Event::Accept(accept, reply) => answer(reply, accept::accept(work, *versie, *accept).await?),
        Event::Log(regel, bericht, reply) => {
            work.log.append(bericht, *regel);
            answer(reply, ())
        }
        Event::Lease(lease, reply) if lease.van_kracht.versie() != *versie => answer(reply, Err(Outdated)),
        Event::Lease(lease, reply) => answer(reply, Ok(postvak::lease(work, &lease).await?)),
        Event::Acknowledge(_, _, _, judged_by, reply) if judged_by != *versie => answer(reply, Err(Outdated)),
        Event::Acknowledge(bericht, adres, actor, _, reply) => {
            answer(reply, Ok(postvak::acknowledge(work, bericht, &adres, &actor).await?))
        }
        Event::Consult(_, _, _, van_kracht, reply) if van_kracht.versie() != *versie => answer(reply, Err(Outdated)),
        Event::Consult(bericht, adres, actor, van_kracht, reply) => {
            answer(reply, Ok(postvak::consult(work, bericht, &adres, &actor, &van_kracht).await?))
        }
        Event::Withdraw(withdraw, reply) => answer(reply, withdraw::withdraw(work, *versie, *withdraw).await?),
        Event::Find(find, reply) => answer(reply, zoek::find(work, *versie, &find).await?),
        Event::Expire(expire, reply) => answer(reply, verval::expire(work, *versie, *expire).await?),
        Event::Change(change, reply) => answer(reply, documenten::change(work.tx, work.log, versie, *change).await?),
        Event::NobodyToWarn(bericht, reply) => {
            verval::warned(work.tx, bericht).await?;
            answer(reply, ())
        }
        Event::EndAsk(verzoek, reply) => {
            postvak::end_ask(work.tx, verzoek).await?;
            answer(reply, ())
        }
        Event::Release(leases, reply) => {
            postvak::release(work.tx, &leases).await?;
            answer(reply, ())
        }
    })
}

/// A full or busy database refuses a commit and keeps the old state; after an I/O error nobody knows what is on the disk.
fn commit_failed(error: sqlx::Error) -> StoreError {
    const SQLITE_BUSY: i32 = 5;
    const SQLITE_FULL: i32 = 13;
    let code =
        error.as_database_error().and_then(sqlx::error::DatabaseError::code).and_then(|code| code.parse::<i32>().ok());
    match code.map(|code| code & 0xff) {
        Some(SQLITE_BUSY | SQLITE_FULL) => StoreError::Database(error),
        _ => StoreError::Fatal(error.to_string()),
    }
}
