//! A transaction under way.
//!
//! It begins by reading the head of the logboek under a lock that keeps every other writer out until the end, of this process and
//! of any other. So what it reads stays true. What a writer remembers from an earlier transaction is that head alone: what the
//! database holds now must follow it (`ledger::follow`).
//!
//! What many events ask is looked up together, before any of them is carried out (`lookup`). What they change is written together
//! at the end (`changes`). Whoever must read berichten or rows in between goes through [`Work::database`], which first writes what
//! was changed so far.

use std::{
    collections::{BTreeSet, HashMap},
    mem::take,
    sync::Arc,
};

use jiff::{Timestamp, civil::Date};
use sqlx::Row;

use super::{
    actor::Actor,
    bell::Bell,
    changes::{Changes, OfBericht},
    counters::Counters,
    known::Known,
    new::NewBericht,
    rij::PostvakRij,
};
use crate::{
    domain::{Adres, BerichtId, Berichtsoort, Klok, Toestand, houdbaarheid::amsterdam_date},
    logboek::{Head, Logregel, Signer},
    sleutels::OpeningKeys,
    store::{
        DbConnection, StoreError,
        database::{dialect::Dialect, rows::Script},
        ledger::{
            append::{Appender, Commit},
            follow::{Followed, Newest},
        },
        values::{int, moment},
    },
};

/// A transaction under way: the regels it appends, and what it is about to write.
pub(in crate::store) struct Work<'t> {
    pub(super) tx: &'t mut DbConnection,
    pub(in crate::store) log: Appender,
    /// The head as it was at the beginning.
    head: Arc<Head>,
    pub(super) counters: Counters,
    pub(super) changes: Changes,
    pub(super) known: Known,
    /// Of each bericht whose content ended for somebody: how many ontvangers can still read it.
    readers: HashMap<BerichtId, u64>,
    /// Whether rows of several events are being written together. What fails then is not the fault of the event that happened to
    /// ask for it.
    pub(in crate::store) flushing: bool,
    /// The postvakken at which something can be had.
    rung: BTreeSet<Bell>,
}

/// What a transaction is begun by.
pub(in crate::store) struct Basis<'a> {
    /// The head that this gateway signed or saw last.
    pub(in crate::store) known: &'a Arc<Head>,
    /// The mark of the keys that the logboek was begun with.
    pub(in crate::store) sleutels: &'a str,
    pub(in crate::store) signer: &'a Signer,
    pub(in crate::store) openingen: &'a OpeningKeys,
    pub(in crate::store) klok: &'a Klok,
    /// How far the clock of this gateway may be from that of the database, seconds.
    pub(in crate::store) most_apart: u64,
}

/// What became of a transaction that is ready to commit.
pub(in crate::store) struct Finished {
    /// What it appended, if anything.
    pub(in crate::store) commit: Option<Commit>,
    /// The newest head, once this is durable.
    pub(in crate::store) head: Arc<Head>,
    /// At which postvakken something arrived.
    pub(in crate::store) rung: BTreeSet<Bell>,
}

impl<'t> Work<'t> {
    /// Takes the place of the one writer: reads the head under its lock, holds it to the one that is known, and tells the clock what
    /// the head and the database say of the time. Gives nothing where the head is to be followed outside a transaction first.
    ///
    /// It fails where the clock is in doubt, and where the head does not follow the one that is known.
    pub(in crate::store) async fn begin(
        tx: &'t mut DbConnection,
        basis: &Basis<'_>,
    ) -> Result<Option<Self>, StoreError> {
        let Basis { known, sleutels, signer, klok, most_apart, .. } = basis;
        let dialect = Dialect::of(tx);
        let row = sqlx::query(dialect.lock_head()).fetch_one(&mut *tx).await?;
        // After a new connection this can be another database: one that was made anew, or of a second server that has its own.
        if row.try_get::<Option<&str>, _>("sleutels")? != Some(*sleutels) {
            return Err(StoreError::Fatal("de database is een andere geworden, met andere sleutels".to_owned()));
        }
        let head = match Newest::read(&row)?.follow(tx, known, &signer.vkey()).await? {
            Followed::Newest => Arc::clone(known),
            Followed::Later(head) => Arc::new(*head),
            Followed::FarBehind => return Ok(None),
        };
        klok.heard_logboek(head.tijd);
        if let Some(theirs) = row.try_get::<Option<i64>, _>("nu")? {
            klok.heard_database(moment(theirs), *most_apart);
        }
        klok.trust().map_err(StoreError::Clock)?;
        Ok(Some(Self {
            tx,
            log: Appender::new(&head, klok.now()),
            head,
            counters: Counters::default(),
            changes: Changes::default(),
            known: Known::default(),
            readers: HashMap::new(),
            flushing: false,
            rung: BTreeSet::new(),
        }))
    }

    /// The version of what is in force.
    pub(in crate::store) fn versie(&self) -> u64 {
        self.log.versie()
    }

    /// The head as it was at the beginning.
    pub(in crate::store) fn head(&self) -> Arc<Head> {
        Arc::clone(&self.head)
    }

    /// The moment of everything in this transaction.
    pub(in crate::store) fn now(&self) -> Timestamp {
        self.log.tijd()
    }

    /// The day of everything in this transaction.
    pub(in crate::store) fn today(&self) -> Date {
        amsterdam_date(self.now())
    }

    /// The database, with all that was accepted and changed so far.
    pub(in crate::store) async fn database(&mut self) -> Result<&mut DbConnection, StoreError> {
        if !self.changes.is_empty() {
            self.flushing = true;
            let mut script = Script::new(Dialect::of(self.tx));
            take(&mut self.changes).write(&mut script);
            script.execute(self.tx).await?;
            self.flushing = false;
        }
        Ok(self.tx)
    }

    /// The regels from an index on, those of this transaction too.
    pub(in crate::store) async fn regels_since(&mut self, from: u64) -> Result<Vec<Logregel>, StoreError> {
        let sql = "SELECT regel FROM logregels WHERE log_index >= $1 ORDER BY log_index";
        let written: Vec<Vec<u8>> = sqlx::query_scalar(sql).bind(int(from)).fetch_all(&mut *self.tx).await?;
        let leaves = written.iter().map(Vec::as_slice).chain(self.log.appended());
        Ok(leaves.filter_map(|leaf| Logregel::from_leaf(leaf).ok()).collect())
    }

    /// Takes up an accepted bericht, to be written. Its regels are in the log already.
    pub(in crate::store) fn accepted(&mut self, new: NewBericht) {
        let bericht = new.accept.toegelaten.bericht();
        let after = bericht.vervangt.into_iter().chain(bericht.in_antwoord_op);
        self.known.accepted(new.accept.request(), new.accept.id, after);
        // An answer that is kept for its Ask is for no other reader.
        if new.reserved_until.is_none() {
            self.rung.extend(new.accept.adressen().cloned().map(Bell::Postvak));
        }
        self.rung.extend(bericht.in_antwoord_op.map(Bell::Verzoek));
        self.changes.new.push(new);
    }

    /// Notes that something can be had at a postvak: who waits there is woken after the commit.
    pub(in crate::store) fn ring(&mut self, adres: &Adres) {
        self.rung.insert(Bell::Postvak(adres.clone()));
    }

    /// How many open berichten a postvak has.
    pub(in crate::store) async fn open_count(&mut self, adres: &Adres) -> Result<u64, StoreError> {
        self.counters.open(self.tx, adres).await
    }

    /// Changes how many open berichten a postvak has.
    pub(in crate::store) async fn count_open(&mut self, adres: &Adres, by: i64) -> Result<(), StoreError> {
        self.counters.change(self.tx, adres, by).await
    }

    /// Notes that a row was changed. It is never one that this transaction accepted and has not written yet: whoever changes a row
    /// has read it.
    pub(in crate::store) fn put(&mut self, rij: &PostvakRij) {
        self.known.row_changed(rij);
        self.changes.row(rij);
    }

    /// Whether this transaction changed this row.
    pub(in crate::store) fn has_changed(&self, log_index: u64) -> bool {
        self.known.has_changed(log_index)
    }

    /// Notes that no Ask waits for the answers to this verzoek any more.
    pub(in crate::store) fn no_longer_asked(&mut self, verzoek: BerichtId) {
        self.changes.bericht(verzoek).ask_ended = true;
        self.known.forget_earlier(verzoek);
        let answers = |new: &&mut NewBericht| new.accept.toegelaten.bericht().in_antwoord_op == Some(verzoek);
        self.changes.new.iter_mut().filter(answers).for_each(|new| new.reserved_until = None);
    }

    /// What changes of a bericht, to be filled in.
    pub(in crate::store) fn of_bericht(&mut self, bericht: BerichtId) -> &mut OfBericht {
        self.changes.bericht(bericht)
    }

    /// Moves a row to its next toestand, and logs the regel that says so. Gives the index of that regel. A regel that cannot be
    /// written fails before anything is changed.
    pub(in crate::store) async fn step(
        &mut self,
        rij: &mut PostvakRij,
        next: Toestand,
        actor: &Actor,
        regel: Logregel,
    ) -> Result<u64, StoreError> {
        if !rij.toestand.may_become(next) {
            return Err(StoreError::Broken(format!("er loopt geen pijl van {:?} naar {next:?}", rij.toestand)));
        }
        let (moved_by, _) = actor.log(&mut self.log, Some(rij.bericht), regel)?;
        // A bericht that follows another one never counts as open.
        let counts = i64::from(next.is_open()) - i64::from(rij.toestand.is_open());
        if counts != 0 && !rij.soort.follows() {
            self.count_open(&rij.ontvanger.adres, counts).await?;
        }
        rij.toestand = next;
        rij.moved_by = moved_by;
        if next != Toestand::Afgeleverd {
            rij.held_until = Timestamp::UNIX_EPOCH;
        }
        if !next.is_current() {
            self.end_content(rij, moved_by);
        }
        if !next.is_found() {
            self.forget(rij);
        }
        self.put(rij);
        Ok(moved_by)
    }

    /// Ends the content for one ontvanger, by this regel: its row loses the wrapped key. When no ontvanger can read it any more,
    /// the bericht loses its sealed bytes. Older copies of the database still hold both, and the key of the day opens them. The row
    /// must still be handed to [`put`](Self::put).
    pub(in crate::store) fn end_content(&mut self, rij: &mut PostvakRij, regel: u64) {
        if rij.ended_by.is_some() {
            return;
        }
        rij.ended_by = Some(regel);
        let readers = self.readers.entry(rij.bericht).or_insert(rij.readers_left);
        *readers = readers.saturating_sub(1);
        if *readers == 0 {
            self.changes.bericht(rij.bericht).is_unreadable = true;
        }
    }

    /// Lets a search no longer find a scenario at this postvak.
    pub(in crate::store) fn forget(&mut self, rij: &PostvakRij) {
        if rij.soort == Berichtsoort::Scenario {
            self.changes.forget(rij.bericht, rij.ontvanger.adres.clone());
        }
    }

    /// Writes what is left, the head last. What it gives may be used only once the transaction is durable.
    pub(in crate::store) async fn finish(self, basis: &Basis<'_>) -> Result<Finished, StoreError> {
        let Self { tx, log, head, counters, changes, rung, .. } = self;
        let mut script = Script::new(Dialect::of(tx));
        changes.write(&mut script);
        counters.write(&mut script);
        let commit =
            if log.is_empty() { None } else { Some(log.finish(tx, &mut script, basis.signer, basis.openingen).await?) };
        if !rung.is_empty() {
            let bells: Vec<String> = rung.iter().map(ToString::to_string).collect();
            // Too long for one notification: then the text is empty, and everybody looks.
            script.ring(Some(bells.join(" ")).filter(|bells| bells.len() < 8000).unwrap_or_default());
        }
        script.execute(tx).await?;
        let head = commit.as_ref().map_or(head, |commit| Arc::clone(&commit.head));
        Ok(Finished { commit, head, rung })
    }
}
