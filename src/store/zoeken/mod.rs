//! Zoeken (searching): a projection of the logboek, by which regels are found.
//!
//! It is built from leaves beside the writer, in a SQLite file of its own, so that it never waits for the writer nor the writer for it.
//! It holds nothing that does not follow from the logboek and its openings: whoever throws it away has it built anew. For each [`Merk`]
//! (what a regel can be found by) it keeps which regels have it, as compressed bitmaps of 65,536 regels each: what several marks have in
//! common is then found without looking at regels.

mod bouw;
mod merk;
mod vraag;

use std::{fs, io, path::Path};

use sqlx::{Connection, Executor};
use tokio::sync::Mutex;

use self::bouw::Builder;
pub use self::{
    merk::{Merk, Waarop, outside_office_hours},
    vraag::{Eis, Treffers, Vraag},
};
use super::{
    DbConnection, Pool, StoreError,
    database::{
        open_error::OpenError,
        sqlite::{SqliteFile, in_memory},
    },
};
use crate::{domain::Oin, sleutels::OpeningKeys};

/// Raised when what is kept changes: what another version built is thrown away.
const VERSIE: i64 = 5;

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS stand (id INTEGER PRIMARY KEY, tot INTEGER NOT NULL, hash BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS posten (
    waarop INTEGER NOT NULL,
    waarde TEXT NOT NULL,
    deel INTEGER NOT NULL,
    treffers BLOB NOT NULL,
    PRIMARY KEY (waarop, waarde, deel)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS berichten (
    bericht TEXT NOT NULL,
    waarop INTEGER NOT NULL,
    waarde TEXT NOT NULL,
    PRIMARY KEY (bericht, waarop, waarde)
) WITHOUT ROWID;
";

/// The tables in it; whatever has another one is something else.
const TABLES: [&str; 3] = ["stand", "posten", "berichten"];

/// The projection of one gateway.
pub struct Zoekbestand {
    /// Nothing once it is closed.
    builder: Mutex<Option<Builder>>,
    /// For who reads while regels are taken up; none in memory, where the builder reads too.
    read: Option<Pool>,
    /// Keeps others out, and is closed last; none in memory.
    file: Mutex<Option<SqliteFile>>,
}

impl Zoekbestand {
    /// Takes the file, making it if there is none. One that cannot be read, or is of another version, is put aside
    /// (`.onleesbaar`) and made anew. A database that is something else is not touched.
    ///
    /// # Errors
    /// [`OpenError`] when another gateway has it, it is something else, or it cannot be made.
    pub async fn take(bestand: &Path, openingen: OpeningKeys) -> Result<Self, OpenError> {
        let database = |source| OpenError::Database { waar: bestand.display().to_string(), source };
        let mut file = SqliteFile::take(bestand, None)?;
        let connection = match open(&file).await {
            Ok(connection) => connection,
            Err(Unusable::Other) => {
                let source =
                    io::Error::other("dit is een andere database; noem in [toezicht] zoekbestand een eigen bestand");
                return Err(OpenError::Io { path: bestand.to_owned(), source });
            }
            Err(Unusable::Damaged(error)) => {
                tracing::warn!(%error, bestand = %bestand.display(), "the file for searching is put aside and built anew");
                drop(file);
                put_aside(bestand).map_err(|source| OpenError::Io { path: bestand.to_owned(), source })?;
                file = SqliteFile::take(bestand, None)?;
                match open(&file).await {
                    Ok(connection) => connection,
                    Err(Unusable::Damaged(error)) => return Err(database(error)),
                    Err(Unusable::Other) => return Err(OpenError::InUse(bestand.to_owned())),
                }
            }
        };
        let read = file.pool().await.map_err(database)?;
        Ok(Self {
            builder: Mutex::new(Some(Builder::new(connection, openingen))),
            read: Some(read),
            file: Mutex::new(Some(file)),
        })
    }

    /// One that lies nowhere, for who looks once: it is gone when it is dropped.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn in_memory(openingen: OpeningKeys) -> Result<Self, StoreError> {
        let mut connection = in_memory().await?;
        connection.execute(SCHEMA).await?;
        let builder = Mutex::new(Some(Builder::new(connection, openingen)));
        Ok(Self { builder, read: None, file: Mutex::new(None) })
    }

    /// Takes up the next page of regels. `versie` is that of what is in force, and `poort` the OIN of this gateway. Gives whether there
    /// may be more.
    ///
    /// # Errors
    /// [`StoreError`]; what was taken up before stays.
    pub async fn take_up(&self, read: &Pool, versie: u64, poort: &Oin) -> Result<bool, StoreError> {
        match self.builder.lock().await.as_mut() {
            Some(builder) => builder.take_up(read, versie, poort).await,
            None => Ok(false),
        }
    }

    /// Finds the regels that have what is asked.
    ///
    /// # Errors
    /// [`StoreError`] when the file cannot be read.
    pub async fn find(&self, vraag: &Vraag) -> Result<Treffers, StoreError> {
        match &self.read {
            Some(read) => vraag::find(&mut *read.acquire().await?, vraag).await,
            None => vraag::find(open_builder(&mut *self.builder.lock().await)?.connection(), vraag).await,
        }
    }

    /// The regels before this index are in it.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn bijgewerkt_tot(&self) -> Result<u64, StoreError> {
        let stand = match &self.read {
            Some(read) => bouw::stand(&mut *read.acquire().await?).await?,
            None => bouw::stand(open_builder(&mut *self.builder.lock().await)?.connection()).await?,
        };
        Ok(stand.map_or(0, |(tot, _)| tot))
    }

    /// Closes it: another one can take the file now.
    pub async fn close(&self) {
        if let Some(read) = &self.read {
            read.close().await;
        }
        if let Some(builder) = self.builder.lock().await.take() {
            builder.close().await;
        }
        drop(self.file.lock().await.take());
    }
}

fn open_builder(builder: &mut Option<Builder>) -> Result<&mut Builder, StoreError> {
    builder.as_mut().ok_or_else(|| StoreError::Broken("the projection is closed".to_owned()))
}

/// Why a file cannot be searched in.
enum Unusable {
    /// It is a database of something else.
    Other,
    /// It cannot be read, or is of another version.
    Damaged(sqlx::Error),
}

impl From<sqlx::Error> for Unusable {
    fn from(error: sqlx::Error) -> Self {
        Self::Damaged(error)
    }
}

async fn open(file: &SqliteFile) -> Result<DbConnection, Unusable> {
    let mut connection = file.connect().await?;
    let tables: Vec<String> =
        sqlx::query_scalar("SELECT name FROM sqlite_schema WHERE type = 'table'").fetch_all(&mut connection).await?;
    if tables.iter().any(|table| !TABLES.contains(&table.as_str())) {
        connection.close().await?;
        return Err(Unusable::Other);
    }
    // What is lost when the power fails is built anew.
    connection.execute("PRAGMA synchronous = NORMAL").await?;
    let versie: i64 = sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut connection).await?;
    if versie != 0 && versie != VERSIE {
        connection.close().await?;
        return Err(sqlx::Error::Protocol(format!("it has version {versie}, not {VERSIE}")).into());
    }
    connection.execute(SCHEMA).await?;
    let sound: String = sqlx::query_scalar("PRAGMA quick_check(1)").fetch_one(&mut connection).await?;
    if sound != "ok" {
        connection.close().await?;
        return Err(sqlx::Error::Protocol(sound).into());
    }
    connection.execute(sqlx::AssertSqlSafe(format!("PRAGMA user_version = {VERSIE}"))).await?;
    Ok(connection)
}

/// Puts a file aside, for it may be something else than was meant. What SQLite keeps beside it belongs to that file alone.
fn put_aside(bestand: &Path) -> io::Result<()> {
    let beside = |suffix: &str| {
        let mut name = bestand.as_os_str().to_owned();
        name.push(suffix);
        name
    };
    fs::rename(bestand, beside(".onleesbaar"))?;
    for suffix in ["-wal", "-shm"] {
        match fs::remove_file(beside(suffix)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}
