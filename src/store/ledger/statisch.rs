//! Statisch (static): a logboek in the database as the files of C2SP tlog-tiles.

use sqlx::Row;

use super::regels::regels;
use crate::{
    logboek::statisch::WholeTree,
    store::{
        Pool, StoreError,
        values::{int, uint},
    },
};

/// Regels that are read at once.
const PAGE: u32 = 1024;

/// A logboek that has regels.
pub struct Logboek {
    /// Its name.
    pub naam: String,
    /// The `log_index` of its first regel.
    pub eerste: u64,
    /// Its newest checkpoint: how many regels it has, and a signed note.
    pub checkpoint: (u64, String),
}

/// All logboeken that have regels, the oldest first.
///
/// # Errors
/// [`StoreError`] when they cannot be read.
pub async fn alle(read: &Pool) -> Result<Vec<Logboek>, StoreError> {
    let rows = sqlx::query(
        "SELECT l.naam, l.eerste, c.grootte, c.nota FROM logboeken l JOIN checkpoints c ON c.logboek = l.nummer \
         WHERE c.grootte = (SELECT max(n.grootte) FROM checkpoints n WHERE n.logboek = l.nummer) ORDER BY l.nummer",
    )
    .fetch_all(read)
    .await?;
    let logboek = |row: &crate::store::DbRow| {
        Ok(Logboek {
            naam: row.try_get("naam")?,
            eerste: uint(row.try_get("eerste")?),
            checkpoint: (uint(row.try_get("grootte")?), row.try_get("nota")?),
        })
    };
    rows.iter().map(logboek).collect()
}

/// The tree of the first regels of a logboek, on its way out of the database.
pub struct Boom {
    tree: WholeTree,
    eerste: u64,
    size: u64,
}

impl Boom {
    /// Of a logboek that begins at this index, so many regels.
    #[must_use]
    pub fn new(eerste: u64, size: u64) -> Self {
        Self { tree: WholeTree::default(), eerste, size }
    }

    /// Reads on, and gives the bundles of entries that are whole since: path and bytes. Nothing once all is read.
    ///
    /// # Errors
    /// [`StoreError`] when a regel cannot be read, or is not there.
    pub async fn read_on(&mut self, read: &Pool) -> Result<Option<Vec<(String, Vec<u8>)>>, StoreError> {
        let left = self.size - self.tree.size();
        if left == 0 {
            return Ok(None);
        }
        let next = self.eerste + self.tree.size();
        let page = regels(read, next, PAGE).await?;
        if page.is_empty() {
            return Err(StoreError::inconsistent("logregels", "log_index", int(next)));
        }
        let leaves = page.into_iter().take(usize::try_from(left).unwrap_or(usize::MAX));
        Ok(Some(leaves.filter_map(|(_, leaf)| self.tree.push(&leaf)).collect()))
    }

    /// What was read.
    #[must_use]
    pub fn tree(self) -> WholeTree {
        self.tree
    }
}
