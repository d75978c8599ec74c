//! The document of day keys, where several gateways share it: changed by who names the version that it read, and by nobody else.
//!
//! Each day key in it is wrapped under a root that is not in this database.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use super::{Event, Pool, Store, StoreError, int, uint, work::Work};
use crate::sleutels::{KeyDocument, KeyError, dagsleutels::Pending};

/// A new version of the document.
pub struct NewDocument {
    /// The version that was read; `None`: there was none.
    pub(super) basis: Option<u64>,
    /// The text.
    pub(super) text: String,
}

/// The document as a row of the database.
pub struct SharedDocument {
    store: Store,
}

impl SharedDocument {
    /// In this database.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self { store }
    }
}

impl KeyDocument for SharedDocument {
    fn read(&self) -> Pending<'_, Option<(u64, String)>> {
        Box::pin(async { read(&self.store.read).await.map_err(unreachable) })
    }

    fn replace(&self, basis: Option<u64>, text: String) -> Pending<'_, bool> {
        let document = NewDocument { basis, text };
        Box::pin(async {
            let written = self.store.writer.write(|reply| Event::KeyDocument(Box::new(document), reply)).await;
            written.map(|(first, _)| first).map_err(unreachable)
        })
    }

    fn generation(&self) -> u64 {
        self.store.connections.load(Ordering::SeqCst)
    }
}

/// How often the writer connected anew: what was read before may be of a server that is no more.
pub(super) type Connections = Arc<AtomicU64>;

fn unreachable(error: StoreError) -> KeyError {
    KeyError::Unreachable(error.to_string())
}

async fn read(read: &Pool) -> Result<Option<(u64, String)>, StoreError> {
    let row: Option<(i64, String)> =
        sqlx::query_as("SELECT versie, tekst FROM sleuteldocument WHERE id = 1").fetch_optional(read).await?;
    Ok(row.map(|(versie, tekst)| (uint(versie), tekst)))
}

/// Writes it, if nobody was first.
pub(super) async fn replace(work: &mut Work<'_>, document: NewDocument) -> Result<bool, StoreError> {
    let statement = match document.basis {
        None => sqlx::query(
            "INSERT INTO sleuteldocument (id, versie, tekst) VALUES (1, $1, $2) ON CONFLICT (id) DO NOTHING",
        )
        .bind(1_i64)
        .bind(document.text),
        Some(basis) => {
            sqlx::query("UPDATE sleuteldocument SET versie = $1 + 1, tekst = $2 WHERE id = 1 AND versie = $1")
                .bind(int(basis))
                .bind(document.text)
        }
    };
    Ok(statement.execute(work.database().await?).await?.rows_affected() == 1)
}
