//! Opening the database: one writer connection, a read-only pool, the schema.

use std::{
    fs::{self, File, TryLockError},
    io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use sqlx::{
    ConnectOptions, Connection, SqliteConnection, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::{StoreError, writer::Writer};

/// Why the database cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The directory or a file in it cannot be used.
    #[error("{path}: {source}. Controleer of de map bestaat, beschrijfbaar is en van deze gebruiker.")]
    Io {
        /// Which path.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another gateway uses this database.
    #[error(
        "{0} is al in gebruik door een andere poort. Stop die eerst: op een SQLite-database draait hoogstens een poort."
    )]
    InUse(PathBuf),
    /// The logboek in it has another name.
    #[error(
        "deze database hoort bij logboek {found}, de configuratie noemt {wanted}. Gebruik de database of de naam die bij elkaar horen."
    )]
    OtherLogboek {
        /// In the database.
        found: String,
        /// In the configuration.
        wanted: String,
    },
    /// The database itself.
    #[error("database {path}: {source}")]
    Database {
        /// Which file.
        path: PathBuf,
        /// What SQLite said.
        source: sqlx::Error,
    },
    /// The schema cannot be brought up to date.
    #[error("database {path}: het schema past niet bij deze versie: {source}")]
    Migrate {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        source: sqlx::migrate::MigrateError,
    },
    /// What stands in it is damaged.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A database, opened for writing by one gateway at most.
pub struct Database {
    pub(super) options: SqliteConnectOptions,
    pub(super) writer: SqliteConnection,
    /// For reading.
    pub read: SqlitePool,
    /// Held as long as this process writes.
    pub(super) lock: File,
}

/// The reading side, and the way to the writer.
#[derive(Clone)]
pub struct Store {
    /// For reading.
    pub read: SqlitePool,
    /// Takes everything that changes something.
    pub writer: Writer,
}

impl Database {
    /// Opens the file for one gateway, making it and its schema if needed.
    ///
    /// # Errors
    /// [`OpenError`], each with what to do.
    pub async fn open(path: &Path, grootste_mebibytes: Option<u64>) -> Result<Self, OpenError> {
        let io_error = |path: &Path| {
            let path = path.to_owned();
            move |source| OpenError::Io { path, source }
        };
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::create_dir_all(directory).map_err(io_error(directory))?;
        let lock_path = path.with_extension("slot");
        let lock =
            File::options().create(true).truncate(false).write(true).open(&lock_path).map_err(io_error(&lock_path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(OpenError::InUse(path.to_owned())),
            Err(TryLockError::Error(source)) => return Err(OpenError::Io { path: lock_path, source }),
        }
        // Only for this user; SQLite gives the files beside it the same rights.
        let private = File::options().create(true).append(true).mode(0o600).open(path);
        drop(private.map_err(io_error(path))?);
        let database = |source| OpenError::Database { path: path.to_owned(), source };
        let mut options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // WAL with NORMAL loses acknowledged commits on power loss (promise 2).
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            // What is deleted is overwritten, not only unlinked.
            .pragma("secure_delete", "ON")
            .busy_timeout(Duration::from_secs(5));
        if let Some(mebibytes) = grootste_mebibytes {
            // Pages of 4096 bytes. Full is then SQLITE_FULL, as on a full disk, and leaves room to recover.
            options = options.pragma("max_page_count", (mebibytes * 256).to_string());
        }
        let mut writer = options.connect().await.map_err(database)?;
        sqlx::migrate!("src/store/migrations")
            .run(&mut writer)
            .await
            .map_err(|source| OpenError::Migrate { path: path.to_owned(), source })?;
        sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut writer).await.map_err(database)?;
        let read = read_pool(path).await.map_err(database)?;
        Ok(Self { options, writer, read, lock })
    }

    /// Opens an existing database for reading only, beside a running gateway or without one.
    ///
    /// # Errors
    /// [`OpenError`], each with what to do.
    pub async fn read_only(path: &Path) -> Result<SqlitePool, OpenError> {
        if !path.exists() {
            let source = io::Error::other("de database bestaat niet; de poort heeft hier nog niet gedraaid");
            return Err(OpenError::Io { path: path.to_owned(), source });
        }
        read_pool(path).await.map_err(|source| OpenError::Database { path: path.to_owned(), source })
    }

    /// Closes the file without having written.
    pub async fn close(self) {
        self.read.close().await;
        // Closing the last connection folds the WAL into the file; a failure leaves it for the next start.
        drop(self.writer.close().await);
        drop(self.lock);
    }
}

async fn read_pool(path: &Path) -> Result<SqlitePool, sqlx::Error> {
    let options =
        SqliteConnectOptions::new().filename(path).pragma("query_only", "ON").busy_timeout(Duration::from_secs(5));
    SqlitePoolOptions::new().max_connections(4).connect_with(options).await
}
