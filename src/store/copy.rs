//! A copy of a whole database: out of either store into one SQLite file, and out of such a file into either store.
//!
//! Rows are copied as they are, the logboek byte for byte. Not here: whether what was copied holds together (`verify`).

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use jiff::civil::Date;
use sqlx::{AssertSqlSafe, Connection, Row};
use tokio_stream::StreamExt;

use super::{
    DbConnection, DbRow, Pool, StoreError,
    dialect::Dialect,
    many::{Many, in_sizes, insert_all},
    open::{Database, OpenError},
};
use crate::{
    config::Opslag,
    sleutels::{DayKeyFile, DayKeyPlace, KeyError, dagsleutels::Wrapped},
};

/// Every table, in an order in which rows refer to earlier ones.
const TABLES: [&str; 12] = [
    "logboek",
    "logregels",
    "tegels",
    "checkpoints",
    "openingen",
    "documenten",
    "berichten",
    "pseudoniemen",
    "vindbaar",
    "postvak",
    "postvakken",
    "dagsleutels",
];

/// Rows that are held at once.
const PAGE: usize = 256;

/// A database cannot be copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// One of both cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Reading or writing failed; what was half written is gone.
    #[error(transparent)]
    Store(#[from] StoreError),
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
    /// There is something in the database already.
    #[error(
        "in de database van [opslag] staat al een logboek; terugzetten overschrijft niets. Zet die database opzij of wijs een lege aan."
    )]
    NotEmpty,
}

impl From<sqlx::Error> for CopyError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// The store of a backup file.
#[must_use]
pub fn of_file(file: &Path) -> Opslag {
    Opslag::Sqlite { bestand: file.to_owned(), grootste_mebibytes: None }
}

/// Copies a database, as it is at one moment, to a new file that only this user can read. A gateway can go on beside it. Day keys
/// that lie in a key directory come with it.
///
/// # Errors
/// [`CopyError`]; then there is no file.
pub async fn backup(read: &Pool, key_dir: &Path, out: &Path) -> Result<(), CopyError> {
    if out.exists() {
        return Err(CopyError::Exists(out.to_owned()));
    }
    let dir = out.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let io_error = |source| CopyError::Io { path: out.to_owned(), source };
    let making = tempfile::Builder::new().prefix(".reservekopie-").tempdir_in(dir).map_err(io_error)?;
    let file = making.path().join("kopie.db");
    let mut target = Database::open(&of_file(&file)).await?;
    let mut source = read.acquire().await?;
    let dialect = Dialect::of(&source);
    let mut snapshot = source.begin_with(dialect.begin_snapshot()).await?;
    if let Some(unhurried) = dialect.unhurried() {
        sqlx::query(unhurried).execute(&mut *snapshot).await?;
    }
    copy(&mut snapshot, &mut target.writer, Side::Target).await?;
    // After the rows: a key too many does no harm.
    if dialect == Dialect::Sqlite {
        let keys: Vec<(Date, Wrapped)> = DayKeyFile::read(key_dir)?.into_iter().collect();
        insert_all(&mut target.writer, "INSERT INTO dagsleutels (dag, sleutel) ", &keys, |row, (day, wrapped)| {
            row.bind(day.to_string()).bind(wrapped.as_str());
        })
        .await?;
    }
    target.close().await;
    let whole = File::open(&file).and_then(|file| file.sync_all()).and_then(|()| fs::rename(&file, out));
    whole.and_then(|()| File::open(dir)?.sync_all()).map_err(io_error)
}

/// Copies a file that [`backup`] made into an empty store: all of it or nothing. An older schema is brought up to date on the way.
/// Day keys go where a gateway on that store looks for them. `kenmerk` is that of the keys that it will have.
///
/// # Errors
/// [`CopyError`]; then the store is as it was.
pub async fn restore(from: &Path, kenmerk: &str, key_dir: &Path, into: &Opslag) -> Result<(), CopyError> {
    let io_error = |source| CopyError::Io { path: from.to_owned(), source };
    let mut target = Database::open(into).await?;
    let begun: i64 = sqlx::query_scalar("SELECT count(*) FROM logboek").fetch_one(&mut target.writer).await?;
    if begun > 0 {
        target.close().await;
        return Err(CopyError::NotEmpty);
    }
    // A copy, because it may need a newer schema, and what somebody kept stays as it is.
    let aside = tempfile::tempdir().map_err(io_error)?;
    let file = aside.path().join("kopie.db");
    fs::copy(from, &file).map_err(io_error)?;
    let mut source = Database::open(&of_file(&file)).await?;
    let put_back = async {
        let keys: Option<String> =
            sqlx::query_scalar("SELECT sleutels FROM logboek").fetch_one(&mut source.writer).await?;
        if keys.is_some_and(|keys| keys != kenmerk) {
            return Err(OpenError::OtherKeys.into());
        }
        // The keys first: nothing can be read without them, and they do no harm without what they open.
        if let Opslag::Sqlite { .. } = into {
            let keys: Vec<(String, Wrapped)> =
                sqlx::query_as("SELECT dag, sleutel FROM dagsleutels").fetch_all(&mut source.writer).await?;
            let place = DayKeyFile::take(key_dir)?;
            for (day, wrapped) in keys {
                let day = day.parse().map_err(|_| StoreError::inconsistent("dagsleutels", "dag", day))?;
                place.add(day, wrapped).await?;
            }
        }
        copy(&mut source.writer, &mut target.writer, Side::Source).await
    };
    let done = put_back.await;
    source.close().await;
    target.close().await;
    done
}

/// Which of both is the SQLite file, whose schema says what a column holds.
#[derive(Clone, Copy)]
enum Side {
    Source,
    Target,
}

async fn copy(source: &mut DbConnection, target: &mut DbConnection, sqlite: Side) -> Result<(), CopyError> {
    let begin = Dialect::of(target).begin();
    let mut tx = target.begin_with(begin).await?;
    for table in TABLES {
        let columns = match sqlite {
            Side::Source => columns(source, table).await?,
            Side::Target => columns(&mut tx, table).await?,
        };
        copy_table(source, &mut tx, table, &columns).await?;
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
) -> Result<(), CopyError> {
    let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
    let names = names.join(", ");
    let into = format!("INSERT INTO {table} ({names}) ");
    let mut rows = sqlx::query(AssertSqlSafe(format!("SELECT {names} FROM {table}"))).fetch(source);
    let mut page: Vec<DbRow> = Vec::with_capacity(PAGE);
    loop {
        let row = rows.next().await.transpose()?;
        let last = row.is_none();
        page.extend(row);
        if page.len() == PAGE || last {
            for some in in_sizes(&page) {
                insert(target, &into, columns, some).await?;
            }
            page.clear();
        }
        if last {
            return Ok(());
        }
    }
}

async fn insert(
    target: &mut DbConnection,
    into: &str,
    columns: &[(String, String)],
    rows: &[DbRow],
) -> Result<(), StoreError> {
    let mut wrong = None;
    let insert = Many::new(Dialect::of(target), into).values(rows, |bound, row| {
        for (at, (_, declared)) in columns.iter().enumerate() {
            // A NULL too has the type of its column: PostgreSQL asks for it.
            let value = match declared.as_str() {
                "BIGINT" => row.try_get::<Option<i64>, _>(at).map(|value| bound.bind(value)),
                "BLOB" => row.try_get::<Option<Vec<u8>>, _>(at).map(|value| bound.bind(value)),
                _ => row.try_get::<Option<String>, _>(at).map(|value| bound.bind(value)),
            };
            wrong = wrong.take().or(value.err());
        }
    });
    match wrong {
        Some(error) => Err(StoreError::Database(error)),
        None => Ok(insert.build().execute(target).await.map(drop)?),
    }
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
