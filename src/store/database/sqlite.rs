//! SQLite: one file, one gateway.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    str::FromStr,
};

use sqlx::{
    AssertSqlSafe, ConnectOptions, Executor,
    any::{AnyConnectOptions, AnyPoolOptions, install_default_drivers},
};
use url::Url;

use super::open_error::OpenError;
use crate::{
    files,
    store::{DbConnection, Pool},
};

/// A file that this process alone writes to.
pub(in crate::store) struct SqliteFile {
    bestand: PathBuf,
    grootste_mebibytes: Option<u64>,
    /// The file itself, locked (flock) as long as this process writes. A lock on a file beside it would not stop who reaches the
    /// database by a link. SQLite locks the same file by other means (fcntl), and the system drops those locks for the whole
    /// process when any descriptor of the file is closed. So this one is opened before SQLite opens the file, and closed last.
    _lock: File,
}

impl SqliteFile {
    /// Takes the file, making it if there is none.
    pub(in crate::store) fn take(bestand: &Path, grootste_mebibytes: Option<u64>) -> Result<Self, OpenError> {
        let io_error = |path: &Path| {
            let path = path.to_owned();
            move |source| OpenError::Io { path, source }
        };
        let directory = bestand.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::create_dir_all(directory).map_err(io_error(directory))?;
        let file = if files::is_there(bestand) {
            // A link is followed to what is there, and nothing is made where it leads nowhere.
            File::options().read(true).write(true).open(bestand)
        } else {
            // Only for this user; SQLite gives the files beside it the same rights.
            files::create_empty(bestand)
        };
        let lock = file.map_err(io_error(bestand))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { bestand: bestand.to_owned(), grootste_mebibytes, _lock: lock }),
            Err(TryLockError::WouldBlock) => {
                // Never closed: the other gateway may be in this process (as in tests), and would lose its locks.
                std::mem::forget(lock);
                Err(OpenError::InUse(bestand.to_owned()))
            }
            Err(TryLockError::Error(source)) => Err(io_error(bestand)(source)),
        }
    }

    /// A connection that writes.
    pub(in crate::store) async fn connect(&self) -> Result<DbConnection, sqlx::Error> {
        let mut connection = options(&self.bestand)?.connect().await?;
        // WAL with synchronous NORMAL loses acknowledged commits on power loss. What is deleted is overwritten, not
        // only unlinked.
        let durable = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; \
                       PRAGMA secure_delete = ON; PRAGMA busy_timeout = 5000;";
        // Sixteen mebibytes of pages are kept at hand, and the log is folded when it has sixteen mebibytes: a page that many
        // transactions write is then folded once. What it takes to undo a statement stays in memory.
        let fast = "PRAGMA cache_size = -16384; PRAGMA wal_autocheckpoint = 4096; PRAGMA temp_store = MEMORY;";
        connection.execute(fast).await?;
        connection.execute(durable).await?;
        if let Some(mebibytes) = self.grootste_mebibytes {
            // Pages of 4096 bytes. Full is then SQLITE_FULL, as on a full disk, and leaves room to recover.
            let pages = mebibytes * 256;
            connection.execute(AssertSqlSafe(format!("PRAGMA max_page_count = {pages}"))).await?;
        }
        Ok(connection)
    }

    /// Folds the WAL into the file.
    pub(in crate::store) async fn fold(connection: &mut DbConnection) -> Result<(), sqlx::Error> {
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").await.map(drop)
    }

    pub(in crate::store) async fn pool(&self) -> Result<Pool, sqlx::Error> {
        pool(&self.bestand).await
    }
}

/// The name for messages.
impl std::fmt::Display for SqliteFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.bestand.display().fmt(f)
    }
}

/// A database that lies nowhere, and is gone with this connection.
pub(in crate::store) async fn in_memory() -> Result<DbConnection, sqlx::Error> {
    install_default_drivers();
    AnyConnectOptions::from_str("sqlite::memory:")?.connect().await
}

/// Reads an existing file, beside a running gateway or without one.
pub(in crate::store) async fn read_only(bestand: &Path) -> Result<Pool, OpenError> {
    if !bestand.exists() {
        let source = io::Error::other("de database bestaat niet; de poort heeft hier nog niet gedraaid");
        return Err(OpenError::Io { path: bestand.to_owned(), source });
    }
    pool(bestand).await.map_err(|source| OpenError::Database { waar: bestand.display().to_string(), source })
}

async fn pool(bestand: &Path) -> Result<Pool, sqlx::Error> {
    let prepare = "PRAGMA query_only = ON; PRAGMA busy_timeout = 5000;";
    AnyPoolOptions::new()
        .max_connections(4)
        .after_connect(move |connection, _| Box::pin(async move { connection.execute(prepare).await.map(drop) }))
        .connect_with(options(bestand)?)
        .await
}

fn options(bestand: &Path) -> Result<AnyConnectOptions, sqlx::Error> {
    install_default_drivers();
    let absolute = std::path::absolute(bestand)?;
    let file = Url::from_file_path(&absolute)
        .map_err(|()| sqlx::Error::Configuration(format!("{} is geen pad", bestand.display()).into()))?;
    format!("sqlite://{}", file.path()).parse()
}
