//! Opening the database: one connection that writes, a pool that reads, the schema.

use std::sync::Arc;

use sqlx::{Connection, migrate::MigrateError};

pub use super::open_error::OpenError;
use super::{
    dialect::Dialect,
    postgres::{self, Primary},
    source::Source,
    sqlite::{self, SqliteFile},
};
use crate::{
    config::Opslag,
    store::{DbConnection, Pool},
    telemetry::Metingen,
};

/// A database, opened for writing.
pub struct Database {
    pub(in crate::store) writer: DbConnection,
    /// For reading.
    pub read: Pool,
    /// Where the writer counts what it does; nowhere unless somebody says so.
    pub(in crate::store) metingen: Arc<Metingen>,
    /// The last field, because the lock on a SQLite file must go after its connections.
    pub(in crate::store) source: Source,
}

impl Database {
    /// The same, counted here.
    #[must_use]
    pub fn measured(self, metingen: Arc<Metingen>) -> Self {
        Self { metingen, ..self }
    }

    /// Opens it for a gateway, making the file and bringing the schema up to date if needed.
    ///
    /// # Errors
    /// [`OpenError`], each with what to do.
    pub async fn open(opslag: &Opslag) -> Result<Self, OpenError> {
        match opslag {
            Opslag::Sqlite { bestand, grootste_mebibytes } => {
                let file = SqliteFile::take(bestand, *grootste_mebibytes)?;
                let waar = file.to_string();
                let failed = |source| OpenError::Database { waar: waar.clone(), source };
                let mut writer = file.connect().await.map_err(failed)?;
                migrate(&mut writer, &waar).await?;
                SqliteFile::fold(&mut writer).await.map_err(failed)?;
                let read = file.pool().await.map_err(failed)?;
                Ok(Self { source: Source::Sqlite(file), writer, read, metingen: Arc::default() })
            }
            Opslag::Postgres(postgres) => {
                let primary = postgres::connect(postgres).await?;
                let waar = primary.server.to_string();
                primary.warn();
                if primary.can_lose() && !postgres.asynchroon_aanvaard {
                    return Err(OpenError::Asynchronous { waar });
                }
                let Primary { connection: mut writer, reading, .. } = primary;
                migrate(&mut writer, &waar).await?;
                let read = postgres::pool(reading).await.map_err(|source| OpenError::Database { waar, source })?;
                Ok(Self { source: Source::Postgres(postgres.clone()), writer, read, metingen: Arc::default() })
            }
        }
    }

    /// Opens an existing database for reading only, beside running gateways or without one.
    ///
    /// # Errors
    /// [`OpenError`], each with what to do.
    pub async fn read_only(opslag: &Opslag) -> Result<Pool, OpenError> {
        match opslag {
            Opslag::Sqlite { bestand, .. } => {
                let read = sqlite::read_only(bestand).await?;
                Self::check_schema(&read, bestand.display().to_string()).await?;
                Ok(read)
            }
            Opslag::Postgres(postgres) => {
                let Primary { server, reading, .. } = postgres::connect(postgres).await?;
                let waar = server.to_string();
                let failed = |source| OpenError::Database { waar: waar.clone(), source };
                let read = postgres::pool(reading).await.map_err(failed)?;
                Self::check_schema(&read, waar).await?;
                Ok(read)
            }
        }
    }

    /// Whether a pool sees the schema of this version.
    async fn check_schema(read: &Pool, waar: String) -> Result<(), OpenError> {
        let mut connection =
            read.acquire().await.map_err(|source| OpenError::Database { waar: waar.clone(), source })?;
        let newest = Dialect::of(&connection).schema().iter().map(|migration| migration.version).max();
        match newest_migration(&mut connection).await {
            Ok(versie) if Some(versie) > newest => Err(OpenError::NewerSchema { waar, versie }),
            Ok(versie) if Some(versie) < newest => Err(OpenError::OlderSchema { waar }),
            Ok(_) => Ok(()),
            Err(error) if error.as_database_error().is_some() => Err(OpenError::NoSchema { waar }),
            Err(source) => Err(OpenError::Database { waar, source }),
        }
    }

    /// Closes it.
    pub async fn close(self) {
        self.read.close().await;
        // Closing the last connection folds the WAL into the file; a failure leaves it for the next start.
        drop(self.writer.close().await);
    }
}

/// An empty database with the schema of this version, in memory: to compare others with.
pub(in crate::store) async fn plain_schema() -> Result<DbConnection, OpenError> {
    sqlx::any::install_default_drivers();
    let waar = || "in het geheugen".to_owned();
    let connected = DbConnection::connect("sqlite::memory:").await;
    let mut plain = connected.map_err(|source| OpenError::Database { waar: waar(), source })?;
    migrate(&mut plain, &waar()).await?;
    Ok(plain)
}

/// The newest migration that was carried out.
async fn newest_migration(connection: &mut DbConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("SELECT coalesce(max(version), 0) FROM _sqlx_migrations").fetch_one(connection).await
}

/// Brings the schema up to date. A migration that fails changes nothing. Where there is nothing to do, a role that may only read
/// and write rows is enough.
async fn migrate(connection: &mut DbConnection, waar: &str) -> Result<(), OpenError> {
    let schema = Dialect::of(connection).schema();
    let newest = schema.iter().map(|migration| migration.version).max();
    if newest_migration(connection).await.ok() == newest {
        return Ok(());
    }
    schema.run(connection).await.map_err(|source| match source {
        MigrateError::VersionMissing(versie) => OpenError::NewerSchema { waar: waar.to_owned(), versie },
        source => OpenError::Migrate { waar: waar.to_owned(), source },
    })
}
