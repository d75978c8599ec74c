//! A transaction under way.
//!
//! It begins by reading the head of the logboek under a lock that keeps every other writer out, of this process and of any other,
//! until the end: what it then reads stays true. Nothing that a writer remembers from before counts.
//!
//! What many events ask is looked up together, before any of them is carried out. What is newly accepted, and where rows of the
//! postvak move to, is written together at the end. Whoever reads in between gets it written first: [`Work::database`] is the only
//! way to the database.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    mem::take,
};

use sqlx::Row;
use uuid::Uuid;

use super::{
    DbConnection, StoreError,
    append::{Appender, Commit, Head},
    berichten::bericht_id,
    counters::Counters,
    dialect::Dialect,
    insert::{NewBericht, insert},
    micros,
    postvak::{self, moment},
    rij::{PostvakRij, ReadRow, rows_sql},
    rows::{Column, Rows, Script, fetch_all},
    toestand::{Moved, write_moved},
};
use crate::{
    domain::{Adres, BerichtId, Klok, PartnerNaam},
    logboek::Signer,
};

/// Which request: whose, and its `request_id`.
pub(super) type Request = (PartnerNaam, Uuid);

/// A transaction under way: the regels it appends, and what it is about to write.
pub(super) struct Work<'t> {
    tx: &'t mut DbConnection,
    pub(super) log: Appender,
    counters: Counters,
    new: Vec<NewBericht>,
    moved: BTreeMap<u64, Moved>,
    /// Rows that are about to be confirmed.
    confirming: HashMap<(BerichtId, Adres), PostvakRij>,
    /// Rows of several events were being written together and that was not finished: what failed then is not the fault of the
    /// event that happened to ask for it.
    pub(super) flushing: bool,
    requests: HashMap<Request, Option<BerichtId>>,
    rung: BTreeSet<Adres>,
}

/// Which logboek a writer writes: by its name, and the mark of the keys that it was begun with.
pub(super) struct Logboek {
    pub(super) naam: String,
    pub(super) sleutels: String,
}

/// What became of a transaction that is ready to commit.
pub(super) struct Finished {
    /// What it appended, if anything.
    pub(super) commit: Option<Commit>,
    /// At which postvakken something arrived.
    pub(super) rung: BTreeSet<Adres>,
}

impl<'t> Work<'t> {
    /// Takes the place of the one writer.
    pub(super) async fn begin(
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
        klok.heard_logboek(moment(head.tijd));
        if let Some(theirs) = row.try_get::<Option<i64>, _>("nu")? {
            klok.heard_database(moment(theirs), most_apart);
        }
        klok.trust().map_err(StoreError::Clock)?;
        Ok(Self {
            tx,
            log: Appender::new(&head, micros(klok.now())),
            counters: Counters::default(),
            new: Vec::new(),
            moved: BTreeMap::new(),
            confirming: HashMap::new(),
            flushing: false,
            requests: HashMap::new(),
            rung: BTreeSet::new(),
        })
    }

    /// The version of what is in force.
    pub(super) fn versie(&self) -> u64 {
        self.log.versie()
    }

    /// The database, with all that was accepted and moved so far.
    pub(super) async fn database(&mut self) -> Result<&mut DbConnection, StoreError> {
        if !self.new.is_empty() || !self.moved.is_empty() {
            self.flushing = true;
            let mut script = Script::new(Dialect::of(self.tx));
            insert(&mut script, &take(&mut self.new));
            write_moved(&mut script, take(&mut self.moved));
            script.execute(self.tx).await?;
            self.flushing = false;
        }
        Ok(self.tx)
    }

    /// A row of the postvak was moved on. It is not one that this transaction accepted: whoever moves a row has read it.
    pub(super) fn moved(&mut self, log_index: u64, moved: Moved) {
        self.moved.insert(log_index, moved);
    }

    /// Looks up many rows that are to be confirmed at once. What is not found here, or cannot be read, is asked for by itself.
    pub(super) async fn look_up_rows_to_confirm(&mut self, asked: Vec<(BerichtId, &Adres)>) -> Result<(), StoreError> {
        const COLUMNS: [Column<'_>; 3] = [Column::Bytes("bericht"), Column::Text("partner"), Column::Text("loket")];
        let asked = Rows::of(&COLUMNS, asked, |(bericht, adres)| {
            [bericht.0.as_bytes().as_slice().into(), adres.partner.as_str().into(), adres.loket.as_str().into()]
        });
        let sql = rows_sql!("", "JOIN {v} ON v.bericht = p.bericht AND v.partner = p.partner AND v.loket = p.loket");
        let dialect = Dialect::of(self.tx);
        let found = match fetch_all(self.tx, [(sql, asked)]).await {
            // Text that is none, in a row of one of them. With PostgreSQL there is none, and an error ends the transaction.
            Err(StoreError::Database(error)) if dialect == Dialect::Sqlite && !dialect.is_in_trouble(&error) => {
                return Ok(());
            }
            found => found?,
        };
        for rij in found.iter().filter_map(|row| PostvakRij::read(row).ok()) {
            self.confirming.insert((rij.bericht, rij.ontvanger.clone()), rij);
        }
        Ok(())
    }

    /// A row that is to be confirmed, looked up before or now.
    pub(super) async fn row_to_confirm(
        &mut self,
        bericht: BerichtId,
        adres: &Adres,
    ) -> Result<Option<PostvakRij>, StoreError> {
        match self.confirming.remove(&(bericht, adres.clone())) {
            Some(rij) => Ok(Some(rij)),
            None => postvak::find(self.database().await?, bericht, adres).await,
        }
    }

    /// Looks up many requests and postvakken at once; each is then known to [`Work::made_by`] and [`Work::open`].
    pub(super) async fn look_up(
        &mut self,
        requests: Vec<Request>,
        postvakken: BTreeSet<Adres>,
    ) -> Result<(), StoreError> {
        const REQUESTS: [Column<'_>; 2] = [Column::Text("partner"), Column::Bytes("request")];
        const POSTVAKKEN: [Column<'_>; 2] = [Column::Text("partner"), Column::Text("loket")];
        let asked = Rows::of(&REQUESTS, &requests, |(partner, request)| {
            [partner.as_str().into(), request.as_bytes().as_slice().into()]
        });
        let counted =
            Rows::of(&POSTVAKKEN, &postvakken, |adres| [adres.partner.as_str().into(), adres.loket.as_str().into()]);
        let made = "SELECT b.id, b.afzender_partner AS partner, b.request_id, NULL AS loket, CAST(0 AS BIGINT) AS open FROM {v} \
                    JOIN berichten b ON b.afzender_partner = v.partner AND b.request_id = v.request";
        let open = "SELECT NULL AS id, p.partner, NULL AS request_id, p.loket, p.open FROM {v} \
                    JOIN postvakken p ON p.partner = v.partner AND p.loket = v.loket";
        for row in fetch_all(self.tx, [(made, asked), (open, counted)]).await? {
            let partner: &str = row.try_get("partner")?;
            if let Some(loket) = row.try_get::<Option<&str>, _>("loket")? {
                let wrong = || StoreError::inconsistent("postvakken", "partner", format!("{partner}/{loket}"));
                let adres = format!("{partner}/{loket}").parse().map_err(|_| wrong())?;
                self.counters.found(adres, row.try_get("open")?);
                continue;
            }
            let id = bericht_id(row.try_get("id")?, "berichten")?;
            let wrong = |column| StoreError::inconsistent("berichten", column, id);
            let request = Uuid::from_slice(row.try_get("request_id")?);
            let request =
                (partner.parse().map_err(|_| wrong("afzender_partner"))?, request.map_err(|_| wrong("request_id"))?);
            self.requests.insert(request, Some(id));
        }
        // What was not found is not there.
        for request in requests {
            self.requests.entry(request).or_insert(None);
        }
        for adres in postvakken {
            self.counters.found(adres, 0);
        }
        Ok(())
    }

    /// The bericht that this request made before.
    pub(super) async fn made_by(&mut self, request: Request) -> Result<Option<BerichtId>, StoreError> {
        if !self.requests.contains_key(&request) {
            self.look_up(vec![request.clone()], BTreeSet::new()).await?;
        }
        Ok(self.requests[&request])
    }

    /// Accepts a bericht: its regels are in the log already.
    pub(super) fn accepted(&mut self, new: NewBericht) {
        self.requests.insert(new.accept.request(), Some(new.accept.id));
        self.rung.extend(new.accept.toegelaten.stempels().iter().map(|(adres, _)| adres.clone()));
        self.new.push(new);
    }

    /// Something can be had at a postvak.
    pub(super) fn ring(&mut self, adres: Adres) {
        self.rung.insert(adres);
    }

    /// How many open berichten a postvak has.
    pub(super) async fn open(&mut self, adres: &Adres) -> Result<u64, StoreError> {
        self.counters.open(self.tx, adres).await
    }

    /// Counts open berichten of a postvak.
    pub(super) async fn count_open(&mut self, adres: &Adres, by: i64) -> Result<(), StoreError> {
        self.counters.change(self.tx, adres, by).await
    }

    /// Writes what is left, the head last. What it gives is of use once the transaction is durable.
    pub(super) async fn finish(self, signer: &Signer) -> Result<Finished, StoreError> {
        let Self { tx, log, counters, new, moved, rung, .. } = self;
        let mut script = Script::new(Dialect::of(tx));
        insert(&mut script, &new);
        write_moved(&mut script, moved);
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
