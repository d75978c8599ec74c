//! Why a logboek does not hold together.

use crate::store::StoreError;

/// Why the logboek does not hold together.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// A regel is missing, altered or out of place.
    #[error("logregel {index}: {what}")]
    Regel {
        /// The index at which it shows.
        index: u64,
        /// What is wrong with it.
        what: String,
    },
    /// A tile, checkpoint or the head contradicts the regels before it.
    #[error("bij grootte {size}: {what}")]
    Tree {
        /// The tree size at which it shows.
        size: u64,
        /// What is wrong.
        what: String,
    },
    /// A table beside the logboek says something else than its regels.
    #[error("tabel {table}: {what}")]
    Table {
        /// Which table.
        table: &'static str,
        /// What is wrong.
        what: String,
    },
    /// The schema is not that of this version.
    #[error("het schema van de database: {what}")]
    Schema {
        /// What differs.
        what: String,
    },
    /// A checkpoint that somebody kept is of another logboek.
    #[error(
        "het bewaarde checkpoint is van logboek {kept}; in deze database is het nieuwste {found}, en {kept} staat er niet"
    )]
    OtherLogboek {
        /// Of which.
        kept: String,
        /// Which is the newest here.
        found: String,
    },
    /// A checkpoint that somebody kept was signed for other regels: the logboek was forked or rewritten.
    #[error(
        "het logboek is een ander dan waarvoor is ingestaan. Bewaard: {kept}. In de database, van evenveel regels: {found}. Bewaar het \
         bestand met het bewaarde checkpoint: het is het bewijs"
    )]
    Forked {
        /// What was kept: origin, size and root.
        kept: String,
        /// What the regels give.
        found: String,
    },
    /// A checkpoint that somebody kept is of more regels than there are.
    #[error(
        "logregel {index}: ontbreekt; het logboek is afgesneden of teruggezet. Bewaard: {kept}. In de database staat tot en met: {found}. Bewaar het bestand met het \
         bewaarde checkpoint: het is het bewijs"
    )]
    Cut {
        /// Index of the first regel that is not there, in its own logboek.
        index: u64,
        /// What was kept: origin, size and root.
        kept: String,
        /// The whole of what stands there.
        found: String,
    },
    /// The database cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for VerifyError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// A mistake that shows at this size of the tree.
pub(super) fn tree(size: u64, what: impl Into<String>) -> VerifyError {
    VerifyError::Tree { size, what: what.into() }
}
