//! A transaction under way.
//!
//! It begins by reading the head of the logboek under a lock that keeps every other writer out, of this process and of any other,
//! until the end: what it then reads stays true. Nothing that a writer remembers from before counts.
//!
//! What many events ask is looked up together, before any of them is carried out (`lookup`). What they change is written together at the
//! end (`changes`). Whoever reads in between gets it written first: [`Work::database`] is the only way to the database.

use std::{
    collections::{BTreeSet, HashMap},
    mem::take,
};

use jiff::{Timestamp, civil::Date};
use sqlx::Row;

use super::{
    actor::Actor,
    changes::{Changes, OfBericht},
    counters::Counters,
    known::Known,
    new::NewBericht,
    rij::PostvakRij,
};
use crate::{
    domain::{Adres, BerichtId, Berichtsoort, Klok, Toestand, houdbaarheid::amsterdam_date},
    logboek::{Logregel, Signer},
    store::{
        DbConnection, StoreError,
        database::{dialect::Dialect, rows::Script},
        ledger::append::{Appender, Commit, Head},
        values::moment,
    },
};

/// A transaction under way: the regels it appends, and what it is about to write.
pub(in crate::store) struct Work<'t> {
    pub(super) tx: &'t mut DbConnection,
    pub(in crate::store) log: Appender,
    pub(super) counters: Counters,
    pub(super) changes: Changes,
    pub(super) known: Known,
    /// Of berichten of which something ended: how many ontvangers can still read them.
    readers: HashMap<BerichtId, u64>,
    /// Rows of several events were being written together and that was not finished: what failed then is not the fault of the
    /// event that happened to ask for it.
    pub(in crate::store) flushing: bool,
    rung: BTreeSet<Adres>,
}

/// Which logboek a writer writes: by its name, and the mark of the keys that it was begun with.
pub(in crate::store) struct Logboek {
    pub(in crate::store) naam: String,
    pub(in crate::store) sleutels: String,
}

/// What became of a transaction that is ready to commit.
pub(in crate::store) struct Finished {
    /// What it appended, if anything.
    pub(in crate::store) commit: Option<Commit>,
    /// At which postvakken something arrived.
    pub(in crate::store) rung: BTreeSet<Adres>,
}

impl<'t> Work<'t> {
    /// Takes the place of the one writer.
    pub(in crate::store) async fn begin(
        tx: &'t mut DbConnection,
        logboek: &Logboek,
        klok: &Klok,
        most_apart: u64,
    ) -> Result<Self, StoreError> {
        let dialect = Dialect::of(tx);
        let row = sqlx::query(dialect.lock_head()).fetch_one(&mut *tx).await?;
        let head = Head::read(&row)?;
        // After a new connection it can be another one: a database made anew, or a second server with one of its own.
        if head.naam != logboek.naam || row.try_get::<Option<&str>, _>("sleutels")? != Some(logboek.sleutels.as_str()) {
            return Err(StoreError::Fatal(
                "de database is een andere geworden, met een ander logboek of andere sleutels".to_owned(),
            ));
        }
        klok.heard_logboek(head.tijd);
        if let Some(theirs) = row.try_get::<Option<i64>, _>("nu")? {
            klok.heard_database(moment(theirs), most_apart);
        }
        klok.trust().map_err(StoreError::Clock)?;
        Ok(Self {
            tx,
            log: Appender::new(&head, klok.now()),
            counters: Counters::default(),
            changes: Changes::default(),
            known: Known::default(),
            readers: HashMap::new(),
            flushing: false,
            rung: BTreeSet::new(),
        })
    }

    /// The version of what is in force.
    pub(in crate::store) fn versie(&self) -> u64 {
        self.log.versie()
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

    /// Accepts a bericht: its regels are in the log already.
    pub(in crate::store) fn accepted(&mut self, new: NewBericht) {
        let bericht = new.accept.toegelaten.bericht();
        let after = bericht.vervangt.into_iter().chain(bericht.in_antwoord_op);
        self.known.accepted(new.accept.request(), new.accept.id, after);
        self.rung.extend(new.accept.adressen().cloned());
        self.changes.new.push(new);
    }

    /// Something can be had at a postvak.
    pub(in crate::store) fn ring(&mut self, adres: &Adres) {
        if !self.rung.contains(adres) {
            self.rung.insert(adres.clone());
        }
    }

    /// How many open berichten a postvak has.
    pub(in crate::store) async fn open(&mut self, adres: &Adres) -> Result<u64, StoreError> {
        self.counters.open(self.tx, adres).await
    }

    /// Counts open berichten of a postvak.
    pub(in crate::store) async fn count_open(&mut self, adres: &Adres, by: i64) -> Result<(), StoreError> {
        self.counters.change(self.tx, adres, by).await
    }

    /// A row was changed. It is not one that this transaction accepted and has not written yet: whoever changes a row has read it.
    pub(in crate::store) fn put(&mut self, rij: &PostvakRij) {
        self.known.row_changed(rij);
        self.changes.row(rij);
    }

    /// Whether this transaction changed this row.
    pub(in crate::store) fn has_changed(&self, log_index: u64) -> bool {
        self.known.has_changed(log_index)
    }

    /// No Ask waits for the answers to this verzoek any more.
    pub(in crate::store) fn no_longer_asked(&mut self, verzoek: BerichtId) {
        self.changes.bericht(verzoek).ask_ended = true;
        self.known.came_after(verzoek);
        let answers = |new: &&mut NewBericht| new.accept.toegelaten.bericht().in_antwoord_op == Some(verzoek);
        self.changes.new.iter_mut().filter(answers).for_each(|new| new.reserved_until = None);
    }

    /// What changes of a bericht.
    pub(in crate::store) fn of_bericht(&mut self, bericht: BerichtId) -> &mut OfBericht {
        self.changes.bericht(bericht)
    }

    /// Moves a row on, with the regel that says so. Gives the index of the regel. A regel that cannot be written is found before
    /// anything is changed.
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
        // What follows another bericht never counted.
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

    /// Ends the content for one ontvanger by this regel, and the sealed bytes with the last one. What older copies of the
    /// database hold ends with the key of the day. The row is yet to be [`put`](Self::put).
    pub(in crate::store) fn end_content(&mut self, rij: &mut PostvakRij, regel: u64) {
        if rij.ended_by.is_some() {
            return;
        }
        rij.ended_by = Some(regel);
        let readers = self.readers.entry(rij.bericht).or_insert(rij.sleutels);
        *readers = readers.saturating_sub(1);
        if *readers == 0 {
            self.changes.bericht(rij.bericht).is_unreadable = true;
        }
    }

    /// It is not found any more.
    pub(in crate::store) fn forget(&mut self, rij: &PostvakRij) {
        if rij.soort == Berichtsoort::Scenario {
            self.changes.forget(rij.bericht, rij.ontvanger.adres.clone());
        }
    }

    /// Writes what is left, the head last. What it gives is of use once the transaction is durable.
    pub(in crate::store) async fn finish(self, signer: &Signer) -> Result<Finished, StoreError> {
        let Self { tx, log, counters, changes, rung, .. } = self;
        let mut script = Script::new(Dialect::of(tx));
        changes.write(&mut script);
        counters.write(&mut script);
        let commit = if log.is_empty() { None } else { Some(log.finish(tx, &mut script, signer).await?) };
        if !rung.is_empty() {
            let bells: Vec<String> = rung.iter().map(ToString::to_string).collect();
            // Longer than a notification can be: everybody looks.
            script.ring(Some(bells.join(" ")).filter(|bells| bells.len() < 8000).unwrap_or_default());
        }
        script.execute(tx).await?;
        Ok(Finished { commit, rung })
    }
}
