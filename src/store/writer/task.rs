//! The task of the writer: it gathers what waits into one transaction, then answers all.
//!
//! Callers hand in an [`Event`] and await its reply. A reply exists only once the transaction is durable. When the transaction
//! failed, the caller gets [`StoreError::Unknown`], and repeating is safe. A call that is cancelled drops its waiting, never the
//! transaction. An event that cannot be carried out costs nobody but its own caller (`batch`). A database server that is gone is
//! looked for until it is back.

use std::{
    collections::BTreeSet,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use sqlx::Connection;
use tokio::{
    sync::{
        mpsc::{self, error::TryRecvError},
        watch,
    },
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};

use super::{
    Handed, Reconnects, Store, Writer,
    batch::{Failure, apply_all, caught},
    carry_out::Answer,
    event::Event,
    listen::listen,
    wake::Wakers,
};
use crate::{
    domain::Klok,
    logboek::{Head, Logregel, Signer, Soort},
    sleutels::OpeningKeys,
    store::{
        DbConnection, Pool, StoreError,
        database::{
            dialect::{Dialect, snapshot},
            open::{Database, OpenError},
            source::Source,
        },
        ledger::{
            append::Commit,
            follow::{self, Newest},
        },
        postvak::{
            bell::Bell,
            work::{Basis, Finished, Work},
        },
    },
    telemetry::Metingen,
};

/// Events in one transaction at most.
const BATCH_EVENTS: usize = 256;
/// No more events are taken up once their sealed content is as much, bytes.
const BATCH_BYTES: usize = 8 << 20;
/// How long a database server may take to begin.
const BEGIN: Duration = Duration::from_secs(5);
/// How long a transaction may take, with its wait for the writers of other gateways.
const CARRY_OUT: Duration = Duration::from_secs(20);
/// How long a commit may take, with its wait for a standby. After that nobody knows what became of it.
const COMMIT: Duration = Duration::from_secs(5);
/// After so long without anything to write, it is looked what other gateways wrote.
const IDLE: Duration = Duration::from_secs(1);
/// How long that may take.
const FOLLOW: Duration = Duration::from_secs(20);
/// Between attempts to reach a database that is gone.
const AGAIN: Duration = Duration::from_millis(250);

struct WriterTask {
    /// The mark of the keys that the logboek was begun with.
    sleutels: String,
    /// The head that this gateway signed or saw last. It moves only by what is durable.
    known: watch::Sender<Arc<Head>>,
    connection: DbConnection,
    read: Pool,
    events: mpsc::Receiver<Handed>,
    signer: Signer,
    openingen: OpeningKeys,
    klok: Arc<Klok>,
    /// Whether `gestart` stands in the logboek: it is the first regel of every run.
    started: bool,
    wakers: Wakers,
    reconnects: Reconnects,
    metingen: Arc<Metingen>,
    /// Last, so that the lock on a SQLite file goes after its connections.
    source: Source,
}

impl Database {
    /// Starts the writer, after the head that was `kept` of an earlier run. Its task ends when every [`Store`] is gone, or with the
    /// error after which nothing may be written.
    ///
    /// # Errors
    /// [`OpenError`] when the logboek in the database is another one, does not follow what was kept, or is damaged. Nothing was
    /// written then.
    pub async fn start(
        self,
        naam: &str,
        sleutels: &str,
        signer: Signer,
        openingen: OpeningKeys,
        klok: Arc<Klok>,
        kept: Option<Head>,
    ) -> Result<(Store, JoinHandle<Result<(), StoreError>>), OpenError> {
        let Self { source, mut writer, read, metingen } = self;
        // All of it is read as it was at one moment: other gateways go on writing meanwhile.
        let mut tx = snapshot(&mut writer).await.map_err(StoreError::from)?;
        let known = Arc::new(follow::open(&mut tx, naam, kept, &signer.vkey()).await?);
        tx.rollback().await.map_err(StoreError::from)?;
        if source.bounded(COMMIT, follow::start(&mut writer, naam, sleutels)).await? != sleutels {
            return Err(OpenError::OtherKeys);
        }
        let (sender, events) = mpsc::channel(BATCH_EVENTS * 4);
        let (known, head) = watch::channel(known);
        let wakers = Wakers::default();
        let reconnects = Reconnects::default();
        let store = Store {
            read: read.clone(),
            writer: Writer { to: sender, sporen: metingen.sporen.clone() },
            wakers: wakers.clone(),
            head,
            reconnects: Arc::clone(&reconnects),
            most_apart: source.most_apart(),
        };
        let task = WriterTask {
            source,
            sleutels: sleutels.to_owned(),
            known,
            connection: writer,
            read,
            events,
            signer,
            openingen,
            klok,
            started: false,
            wakers,
            reconnects,
            metingen,
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
        let (mut batch, mut gangen) = (Vec::with_capacity(BATCH_EVENTS), Vec::new());
        while let Some(Handed { event, gang }) = self.next().await? {
            let mut bytes = event.bytes();
            batch.push(event);
            gangen.extend(gang);
            while batch.len() < BATCH_EVENTS && bytes < BATCH_BYTES {
                let Ok(Handed { event, gang }) = self.events.try_recv() else { break };
                bytes += event.bytes();
                batch.push(event);
                gangen.extend(gang);
            }
            let _transaction = self.metingen.sporen.transaction(&gangen, batch.len());
            gangen.clear();
            self.carry_out(std::mem::take(&mut batch)).await?;
        }
        Ok(())
    }

    /// Carries out a batch, and answers. An event that cannot be carried out is left out, and the others are carried out in
    /// transactions of their own. Each failure takes one event away, or halves the part in which it was found, so that this ends.
    ///
    /// Fails when nothing may be written any more.
    async fn carry_out(&mut self, batch: Vec<Event>) -> Result<(), StoreError> {
        let left_out = |event: &Event, error: &StoreError| {
            tracing::error!(event = event.kind(), %error, "could not be written; its caller was told, the others go on");
        };
        let mut parts = vec![batch];
        while let Some(mut part) = parts.pop() {
            if part.is_empty() {
                continue;
            }
            if let Some(at) = part.iter().position(Event::is_alone).filter(|_| part.len() > 1) {
                let mut alone = part.split_off(at);
                let rest = alone.split_off(1);
                parts.extend([rest, alone, part]);
                continue;
            }
            match self.write(&part).await {
                Ok(Written { commit, answers, rung }) => {
                    for answer in answers {
                        answer(commit.as_ref());
                    }
                    for bell in &rung {
                        self.wakers.ring(bell);
                    }
                }
                Err(Failure::Event(at, error)) => {
                    let rest = part.split_off(at + 1);
                    if let Some(event) = part.pop() {
                        left_out(&event, &error);
                    }
                    // The last part is carried out next, so that events keep the order in which they came.
                    parts.extend([rest, part]);
                }
                Err(Failure::Unclear(error)) if part.len() == 1 => left_out(&part[0], &error),
                Err(Failure::Unclear(_)) => {
                    let rest = part.split_off(part.len() / 2);
                    parts.extend([rest, part]);
                }
                Err(Failure::Database(fatal @ (StoreError::Fatal(_) | StoreError::Fork(_)))) => return Err(fatal),
                // The database is as it was, and the watch on the clock says what is wrong.
                Err(Failure::Database(StoreError::Clock(_))) => return Ok(()),
                Err(Failure::Database(error)) => {
                    tracing::error!(%error, "a transaction failed; its callers were told to repeat");
                    // This tells their callers, before a database is looked for, which can take long.
                    drop((part, parts));
                    return self.connect_anew().await;
                }
            }
        }
        Ok(())
    }

    /// Reads what other gateways wrote since, outside a transaction.
    async fn follow_far(&mut self) -> Result<(), StoreError> {
        let known = Arc::clone(&self.known.borrow());
        let newest = Newest::load(&mut self.connection).await?;
        let newest = newest.ok_or_else(|| StoreError::inconsistent("logboek", "id", 1))?;
        let head = newest.follow_far(&mut self.connection, &known, &self.signer.vkey(), &|_, _| ()).await?;
        if head != *known {
            self.known.send_replace(Arc::new(head));
        }
        Ok(())
    }

    /// Waits for something to write. Meanwhile it follows what other gateways write, and notices a lost connection to a server before
    /// a caller needs it.
    async fn next(&mut self) -> Result<Option<Handed>, StoreError> {
        loop {
            match timeout(IDLE, self.events.recv()).await {
                Ok(event) => return Ok(event),
                Err(_) if matches!(self.source, Source::Sqlite(_)) => {}
                Err(_) => match timeout(FOLLOW, self.follow_far()).await {
                    Ok(Ok(())) => {}
                    Ok(Err(fatal @ (StoreError::Fatal(_) | StoreError::Fork(_)))) => return Err(fatal),
                    Ok(Err(_)) | Err(_) => self.connect_anew().await?,
                },
            }
        }
    }

    /// Carries out a batch in one transaction, and commits it.
    async fn write(&mut self, batch: &[Event]) -> Result<Written, Failure> {
        loop {
            let begun = Instant::now();
            if let Some(written) = self.transact(batch).await? {
                self.metingen.committed(batch.len(), begun.elapsed());
                return Ok(written);
            }
            self.follow_far().await.map_err(Failure::Database)?;
        }
    }

    /// The same; it gives nothing where the head must be followed first, because other gateways wrote so much since.
    async fn transact(&mut self, batch: &[Event]) -> Result<Option<Written>, Failure> {
        let Self { source, sleutels, known, connection, signer, openingen, klok, started, .. } = self;
        klok.trust().map_err(|twijfel| Failure::Database(StoreError::Clock(twijfel)))?;
        let dialect = Dialect::of(connection);
        let taking = source.bounded(BEGIN, async { Ok(connection.begin_with(dialect.begin()).await?) });
        let mut tx = taking.await.map_err(Failure::Database)?;
        let before = Arc::clone(&known.borrow());
        let basis = Basis { known: &before, sleutels, signer, openingen, klok, most_apart: source.most_apart() };
        let carry_out = Box::pin(async {
            let begun = caught(Box::pin(Work::begin(&mut tx, &basis))).await.map_err(Failure::Database)?;
            let Some(mut work) = begun else { return Ok(None) };
            if !*started && !batch.iter().any(Event::is_alone) {
                let gestart = Logregel::new(String::new(), Soort::Gestart);
                work.log.append(None, gestart).map_err(Failure::Database)?;
            }
            let answers = apply_all(&mut work, dialect, batch).await?;
            let finished = caught(work.finish(&basis)).await;
            Ok(Some((finished.map_err(|error| Failure::of(dialect, None, error))?, answers)))
        });
        let carried = source.bounded(CARRY_OUT, async { Ok(carry_out.await) }).await.map_err(Failure::Database)?;
        let carried = match carried {
            Err(failure @ Failure::Database(_)) => return Err(failure),
            carried => carried,
        };
        let Ok(Some((Finished { commit, head, rung }, answers))) = carried else {
            let undo = source.bounded(BEGIN, async { Ok(tx.rollback().await?) });
            undo.await.map_err(Failure::Database)?;
            return carried.map(|_| None);
        };
        let commit_it = async { tx.commit().await.map_err(|error| dialect.commit_failed(error)) };
        source.bounded(COMMIT, commit_it).await.map_err(Failure::Database)?;
        *started |= !batch.iter().any(Event::is_alone);
        // Before anybody is answered: whoever looks after that what is in force finds it proven.
        known.send_replace(head);
        Ok(Some(Written { commit: commit.map(Arc::new), answers, rung }))
    }

    /// Connects anew after a failure. What the old connection left open is rolled back by the server, and what it committed is seen
    /// by the next transaction. Waits until there is a connection; callers that come meanwhile are told after each
    /// attempt to repeat.
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
                    self.reconnects.fetch_add(1, Ordering::SeqCst);
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
    rung: BTreeSet<Bell>,
}
