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
