//! A transaction under way.
//!
//! It begins by reading the head of the logboek under a lock that keeps every other writer out until the end, of this process and
//! of any other. So what it reads stays true. Nothing that a writer remembers from an earlier transaction counts.
//!
//! What many events ask is looked up together, before any of them is carried out (`lookup`). What they change is written together
//! at the end (`changes`). Whoever must read berichten or rows in between goes through [`Work::database`], which first writes what
//! was changed so far.

use std::{
    collections::{BTreeSet, HashMap},
    mem::take,
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
    /// Of each bericht whose content ended for somebody: how many ontvangers can still read it.
    readers: HashMap<BerichtId, u64>,
    /// Whether rows of several events are being written together. What fails then is not the fault of the event that happened to
    /// ask for it.
    pub(in crate::store) flushing: bool,
    /// The postvakken at which something can be had.
    rung: BTreeSet<Bell>,
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
    pub(in crate::store) rung: BTreeSet<Bell>,
}

impl<'t> Work<'t> {
    /// Takes the place of the one writer: reads the head under its lock, and tells the clock what the head and the database say of
    /// the time. It fails where the clock is then in doubt.
    pub(in crate::store) async fn begin(
        tx: &'t mut DbConnection,
        logboek: &Logboek,
        klok: &Klok,
        most_apart: u64,
    ) -> Result<Self, StoreError> {
        let dialect = Dialect::of(tx);
        let row = sqlx::query(dialect.lock_head()).fetch_one(&mut *tx).await?;
        let head = Head::read(&row)?;
        // After a new connection this can be another logboek: of a database that was made anew, or of a second server that has its
        // own.
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
    pub(in crate::store) async fn finish(self, signer: &Signer) -> Result<Finished, StoreError> {
        let Self { tx, log, counters, changes, rung, .. } = self;
        let mut script = Script::new(Dialect::of(tx));
        changes.write(&mut script);
        counters.write(&mut script);
        let commit = if log.is_empty() { None } else { Some(log.finish(tx, &mut script, signer).await?) };
        if !rung.is_empty() {
            let bells: Vec<String> = rung.iter().map(ToString::to_string).collect();
            // Too long for one notification: then the text is empty, and everybody looks.
            script.ring(Some(bells.join(" ")).filter(|bells| bells.len() < 8000).unwrap_or_default());
        }
        script.execute(tx).await?;
        Ok(Finished { commit, rung })
    }
}
