//! A copy of a whole database: out of either store into one SQLite file, and out of such a file into either store.
//!
//! Rows are copied as they are, the logboek byte for byte. Not here: whether what was copied holds together (`verify`).

use std::{
    env,
    fs::{self, File, Permissions},
    io::{self, Read, Seek},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use futures_util::StreamExt;
use jiff::civil::Date;
use sqlx::{AssertSqlSafe, Connection, Executor, Row};
use tempfile::TempDir;

use super::{
    dialect::{Dialect, snapshot},
    open::{Database, OpenError},
    rows::{Cell, Column, Rows, Script},
};
use crate::{
    config::Opslag,
    sleutels::{DayKeyFile, DayKeyPlace, KeyError, dagsleutels::Wrapped},
    store::{DbConnection, DbRow, Pool, Progress, StoreError, values::uint},
};

/// Every table, in an order in which a row refers only to rows of earlier tables. The day keys come last.
const TABLES: [&str; 16] = [
    "logboek",
    "logboeken",
    "logregels",
    "tegels",
    "checkpoints",
    "openingen",
    "documenten",
    "voorstellen",
    "besluiten",
    "gewist",
    "berichten",
    "pseudoniemen",
    "vindbaar",
    "postvak",
    "postvakken",
    DAY_KEYS,
];
const DAY_KEYS: &str = "dagsleutels";

/// Rows that are held at once: the text of one document can be half a mebibyte.
const PAGE: usize = 64;

/// A database cannot be copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// One of both cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Reading or writing failed; what was half written is gone.
    #[error(transparent)]
    Store(StoreError),
    /// Day keys cannot be read or written.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// The file cannot be used.
    #[error("{path}: {source}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A copy never replaces anything.
    #[error("{0} bestaat al; een reservekopie overschrijft niets. Kies een andere naam of zet het bestand opzij.")]
    Exists(PathBuf),
    /// Only what `backup` made can be put back.
    #[error(
        "{0} is geen reservekopie van ketenpoort backup. De database van een poort, of een kopie daarvan, wordt niet teruggezet: maak \
         er een reservekopie van."
    )]
    NoBackup(PathBuf),
    /// Content in it cannot be opened.
    #[error(
        "de dagsleutel van {0} ontbreekt, en er is inhoud die daarmee opent. Zet dagsleutels.json terug in [sleutels] map, of neem een \
         reservekopie waar hij in staat."
    )]
    NoDayKey(String),
    /// The key directory has another key of this day.
    #[error(
        "in [sleutels] map staat een andere dagsleutel van {0} dan in de reservekopie. Zet dagsleutels.json opzij en zet dan terug."
    )]
    OtherDayKey(Date),
    /// There is something in the database already.
    #[error(
        "in de database van [opslag] staat al een logboek; terugzetten overschrijft niets. Zet die database opzij of wijs een lege aan."
    )]
    NotEmpty,
}

impl From<StoreError> for CopyError {
    fn from(error: StoreError) -> Self {
        match error {
            // The head of the logboek is the first row that is copied: somebody else was first.
            StoreError::Database(sqlx::Error::Database(refused)) if refused.is_unique_violation() => Self::NotEmpty,
            error => Self::Store(error),
        }
    }
}

impl From<sqlx::Error> for CopyError {
    fn from(error: sqlx::Error) -> Self {
        StoreError::from(error).into()
    }
}

/// In the header of a file that [`backup`] made (`PRAGMA application_id`): what a gateway still writes to is no backup.
const MARK: i32 = 0x4b50_424b;

/// Copies a database, as it is at one moment, to a new file that only this user can read. A gateway can go on meanwhile. Day keys
/// that lie in the key directory go into the file too.
///
/// # Errors
/// [`CopyError`]; then there is no file.
pub async fn backup(read: &Pool, key_dir: &Path, out: &Path, progress: Progress<'_>) -> Result<(), CopyError> {
    let io_error = |source| CopyError::Io { path: out.to_owned(), source };
    if out.to_str().is_none() {
        return Err(io_error(io::Error::other("kies een naam in gewone tekens (UTF-8)")));
    }
    if out.symlink_metadata().is_ok() {
        return Err(CopyError::Exists(out.to_owned()));
    }
    let dir = out.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let making = private_dir(tempfile::Builder::new().prefix(".reservekopie-"), dir).map_err(io_error)?;
    let file = making.path().join("kopie.db");
    let mut target = Database::open(&of_file(&file)).await?;
    let mut source = read.acquire().await?;
    let dialect = Dialect::of(&source);
    let mut moment = snapshot(&mut source).await?;
    copy(&mut moment, &mut target.writer, Side::Target, &tables(dialect), progress).await?;
    // The keys after the rows: a key that no row needs does no harm.
    if dialect == Dialect::Sqlite {
        let keys: Vec<(Date, Wrapped)> = DayKeyFile::read(key_dir)?.into_iter().collect();
        let key = |(day, wrapped): (Date, Wrapped)| [day.to_string().into(), wrapped.as_str().into()];
        let mut script = Script::new(Dialect::Sqlite);
        script.insert("dagsleutels", Rows::of(&[Column::Text("dag"), Column::Text("sleutel")], keys, key), "");
        script.execute(&mut target.writer).await?;
    }
    every_day_key_is_there(&mut target.writer).await?;
    // One file, without a log beside it: it can be read where nothing can be written.
    let finish =
        format!("PRAGMA application_id = {MARK}; PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = DELETE");
    target.writer.execute(AssertSqlSafe(finish)).await?;
    target.close().await;
    // A link never takes the place of another file.
    let whole = File::open(&file).and_then(|file| file.sync_all()).and_then(|()| fs::hard_link(&file, out));
    match whole.and_then(|()| File::open(dir)?.sync_all()) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(CopyError::Exists(out.to_owned())),
        done => done.map_err(io_error),
    }
}

/// A backup that was copied out of its file and brought to the schema of this version. The copy is removed when this is dropped.
pub struct Unpacked {
    _dir: TempDir,
    /// Where the copy is, as a store.
    pub opslag: Opslag,
}

/// Takes a backup out of its file, which stays as it is. `sleutels` is the mark of the keys with which its content is to be read.
///
/// # Errors
/// [`CopyError::NoBackup`] for any other file, or whatever is wrong with it.
pub async fn unpack(from: &Path, sleutels: Option<&str>) -> Result<Unpacked, CopyError> {
    let io_error = |source| CopyError::Io { path: from.to_owned(), source };
    let mut kept = File::open(from).map_err(io_error)?;
    let mut header = [0; 72];
    let read = kept.read_exact(&mut header);
    if read.is_err() || !header.starts_with(b"SQLite format 3\0") || header[68..] != MARK.to_be_bytes() {
        return Err(CopyError::NoBackup(from.to_owned()));
    }
    kept.rewind().map_err(io_error)?;
    let dir = private_dir(tempfile::Builder::new().prefix("ketenpoort-"), &env::temp_dir()).map_err(io_error)?;
    let file = dir.path().join("kopie.db");
    File::create_new(&file).and_then(|mut file| io::copy(&mut kept, &mut file)).map_err(io_error)?;
    let opslag = of_file(&file);
    let mut database = Database::open(&opslag).await?;
    let usable = async {
        let keys: Option<Option<String>> =
            sqlx::query_scalar("SELECT sleutels FROM logboek").fetch_optional(&mut database.writer).await?;
        if keys.flatten().zip(sleutels).is_some_and(|(keys, sleutels)| keys != sleutels) {
            return Err(OpenError::OtherKeys.into());
        }
        every_day_key_is_there(&mut database.writer).await
    };
    let usable = usable.await;
    database.close().await;
    usable.map(|()| Unpacked { _dir: dir, opslag })
}

/// Copies a backup into an empty store: all of it or nothing. Day keys go where a gateway on that store looks for them.
///
/// # Errors
/// [`CopyError`]; then the store is as it was. Day keys may have been put back already, which does no harm.
pub async fn restore(from: &Unpacked, key_dir: &Path, into: &Opslag, progress: Progress<'_>) -> Result<(), CopyError> {
    let mut source = Database::open(&from.opslag).await?;
    let mut target = Database::open(into).await?;
    let put_back = async {
        let begun: i64 = sqlx::query_scalar("SELECT count(*) FROM logboek").fetch_one(&mut target.writer).await?;
        if begun > 0 {
            return Err(CopyError::NotEmpty);
        }
        // The keys first: nothing can be read without them, and they do no harm without what they open.
        if let Opslag::Sqlite { .. } = into {
            put_day_keys_back(&mut source.writer, key_dir).await?;
        }
        let tables = tables(Dialect::of(&target.writer));
        copy(&mut source.writer, &mut target.writer, Side::Source, &tables, progress).await
    };
    let done = put_back.await;
    source.close().await;
    target.close().await;
    done
}

async fn put_day_keys_back(source: &mut DbConnection, key_dir: &Path) -> Result<(), CopyError> {
    let place = DayKeyFile::take(key_dir)?;
    let keys: Vec<(String, Wrapped)> = sqlx::query_as("SELECT dag, sleutel FROM dagsleutels").fetch_all(source).await?;
    let day = |(day, wrapped): (String, Wrapped)| match day.parse::<Date>() {
        Ok(day) => Ok((day, wrapped)),
        Err(_) => Err(StoreError::inconsistent("dagsleutels", "dag", day)),
    };
    let keys = keys.into_iter().map(day).collect::<Result<Vec<_>, _>>()?;
    let there = DayKeyFile::read(key_dir)?;
    // Of two keys of one day only one opens what is in this backup.
    if let Some((day, _)) = keys.iter().find(|(day, wrapped)| there.get(day).is_some_and(|other| other != wrapped)) {
        return Err(CopyError::OtherDayKey(*day));
    }
    for (day, wrapped) in keys {
        place.add(day, wrapped).await?;
    }
    Ok(())
}

/// Fails where something in the copy can be opened and the key of its day is not there.
async fn every_day_key_is_there(copy: &mut DbConnection) -> Result<(), CopyError> {
    let missing: Option<String> = sqlx::query_scalar(
        "SELECT min(houdbaar_tot_en_met) FROM postvak WHERE sleutel IS NOT NULL \
         AND houdbaar_tot_en_met NOT IN (SELECT dag FROM dagsleutels)",
    )
    .fetch_one(copy)
    .await?;
    missing.map_or(Ok(()), |day| Err(CopyError::NoDayKey(day)))
}

/// The tables that are copied with such a store. Day keys are rows with PostgreSQL and in a backup; with SQLite they lie in the key
/// directory.
fn tables(store: Dialect) -> Vec<&'static str> {
    TABLES.into_iter().filter(|table| store == Dialect::Postgres || *table != DAY_KEYS).collect()
}

/// The store of a backup file.
fn of_file(file: &Path) -> Opslag {
    Opslag::Sqlite { bestand: file.to_owned(), grootste_mebibytes: None }
}

fn private_dir(builder: &mut tempfile::Builder<'_, '_>, within: &Path) -> io::Result<TempDir> {
    builder.permissions(Permissions::from_mode(0o700)).tempdir_in(within)
}

/// Which of both databases is the SQLite file: its schema says what each column holds.
#[derive(Clone, Copy)]
enum Side {
    Source,
    Target,
}

async fn copy(
    source: &mut DbConnection,
    target: &mut DbConnection,
    sqlite: Side,
    tables: &[&str],
    progress: Progress<'_>,
) -> Result<(), CopyError> {
    let (mut copied, mut all) = (0, 0);
    for table in tables {
        let rows: i64 =
            sqlx::query_scalar(AssertSqlSafe(format!("SELECT count(*) FROM {table}"))).fetch_one(&mut *source).await?;
        all += uint(rows);
    }
    let begin = Dialect::of(target).begin();
    let mut tx = target.begin_with(begin).await?;
    for table in tables {
        let columns = match sqlite {
            Side::Source => columns(source, table).await?,
            Side::Target => columns(&mut tx, table).await?,
        };
        copy_table(source, &mut tx, table, &columns, &mut |rows| {
            copied += rows;
            progress(copied, all);
        })
        .await?;
    }
    Ok(tx.commit().await?)
}

/// Name and declared type of each column of a table of a SQLite file.
async fn columns(sqlite: &mut DbConnection, table: &str) -> Result<Vec<(String, String)>, sqlx::Error> {
    sqlx::query_as("SELECT name, type FROM pragma_table_info($1)").bind(table).fetch_all(sqlite).await
}

async fn copy_table(
    source: &mut DbConnection,
    target: &mut DbConnection,
    table: &str,
    columns: &[(String, String)],
    copied: &mut (dyn FnMut(u64) + Send),
) -> Result<(), CopyError> {
    let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
    let columns: Vec<Column<'_>> = columns.iter().map(column).collect();
    let mut rows =
        sqlx::query(AssertSqlSafe(format!("SELECT {} FROM {table}", names.join(", ")))).fetch(source).chunks(PAGE);
    while let Some(page) = rows.next().await {
        let copied_now = page.len() as u64;
        let mut cells = Vec::with_capacity(page.len() * columns.len());
        for row in page {
            let row = row?;
            for (at, column) in columns.iter().enumerate() {
                cells.push(cell(&row, at, *column)?);
            }
        }
        let mut script = Script::new(Dialect::of(target));
        script.insert(table, Rows::of_cells(&columns, cells), "");
        script.execute(target).await?;
        copied(copied_now);
    }
    Ok(())
}

fn column((name, declared): &(String, String)) -> Column<'_> {
    match declared.as_str() {
        "BIGINT" | "INTEGER" => Column::Int(name),
        "BLOB" => Column::Bytes(name),
        _ => Column::Text(name),
    }
}

fn cell(row: &DbRow, at: usize, column: Column<'_>) -> Result<Cell, sqlx::Error> {
    Ok(match column {
        Column::Int(_) => row.try_get::<Option<i64>, _>(at)?.into(),
        Column::Text(_) => row.try_get::<Option<String>, _>(at)?.into(),
        Column::Bytes(_) => row.try_get::<Option<Vec<u8>>, _>(at)?.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_table_of_the_schema_is_copied() {
        let dir = tempfile::tempdir().unwrap();
        let mut database = Database::open(&of_file(&dir.path().join("x.db"))).await.unwrap();
        let tables =
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\' ORDER BY name";
        let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&mut database.writer).await.unwrap();
        let mut copied = TABLES.map(str::to_owned);
        copied.sort();
        assert_eq!(tables, copied);
        database.close().await;
    }
}
