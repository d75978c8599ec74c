//! Where a writer connects, and connects anew.

use std::time::Duration;

use tokio::time::timeout;

use super::{open_error::OpenError, postgres, sqlite::SqliteFile};
use crate::{
    config::Postgres,
    store::{DbConnection, Pool, StoreError},
};

/// A file of this process alone, or a server.
pub(in crate::store) enum Source {
    Sqlite(SqliteFile),
    Postgres(Postgres),
}

impl Source {
    /// A connection that writes; readers are led to the same server.
    pub(in crate::store) async fn connect(&self, read: &Pool) -> Result<DbConnection, OpenError> {
        match self {
            Self::Sqlite(file) => {
                file.connect().await.map_err(|source| OpenError::Database { waar: file.to_string(), source })
            }
            Self::Postgres(postgres) => {
                let primary = postgres::connect(postgres).await?;
                tracing::info!(server = %primary.server, "connected to the database anew");
                primary.warn();
                read.set_connect_options(primary.reading);
                Ok(primary.connection)
            }
        }
    }

    /// How far the clock may be from that of the database, seconds.
    pub(in crate::store) fn most_apart(&self) -> u64 {
        match self {
            Self::Sqlite(_) => u64::MAX,
            Self::Postgres(postgres) => postgres.klokverschil_seconds,
        }
    }

    /// Waits no longer than `most` for a server. For a file on this machine it waits as long as that takes.
    pub(in crate::store) async fn bounded<T>(
        &self,
        most: Duration,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        match self {
            Self::Sqlite(_) => work.await,
            Self::Postgres(_) => match timeout(most, work).await {
                Ok(done) => done,
                Err(_) => Err(StoreError::Unanswered { seconds: most.as_secs() }),
            },
        }
    }
}
