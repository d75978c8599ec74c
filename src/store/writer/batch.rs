//! What becomes of a batch that is not carried out: whose fault it is, and what is therefore left out.
//!
//! An event that cannot be carried out must cost its own caller something, and nobody else. So an error or a panic is blamed on the
//! event that was being carried out. Where it shows only when the rows of several events are written together, the batch is blamed,
//! and halved. A database that is in trouble is nobody's fault.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;

use super::{
    carry_out::{Answer, carry_out, wanted},
    event::Event,
};
use crate::store::{StoreError, database::dialect::Dialect, postvak::work::Work};

/// Why a transaction was not carried out.
pub(in crate::store) enum Failure {
    /// The event at this place in the batch cannot be carried out.
    Event(usize, StoreError),
    /// One of its events cannot be carried out, and nobody knows which.
    Unclear(StoreError),
    /// None of its events can be carried out now.
    Database(StoreError),
}

impl Failure {
    /// What an error means that came while the event `at` was carried out; without `at`, while something was done for all of them.
    pub(in crate::store) fn of(dialect: Dialect, at: Option<usize>, error: StoreError) -> Self {
        let databases = match &error {
            StoreError::Database(error) => dialect.is_in_trouble(error),
            StoreError::Inconsistent { .. }
            | StoreError::Unproven { .. }
            | StoreError::Regel(_)
            | StoreError::Broken(_) => false,
            StoreError::Clock(_)
            | StoreError::Unanswered { .. }
            | StoreError::Unknown
            | StoreError::Fork(_)
            | StoreError::Fatal(_) => true,
        };
        match at {
            _ if databases => Self::Database(error),
            Some(at) => Self::Event(at, error),
            None => Self::Unclear(error),
        }
    }
}

/// Carries out every event in order; gives the answers in that order. What many of them ask is looked up at once.
pub(super) async fn apply_all(work: &mut Work<'_>, dialect: Dialect, batch: &[Event]) -> Result<Vec<Answer>, Failure> {
    caught(work.look_up(wanted(batch))).await.map_err(|error| Failure::of(dialect, None, error))?;
    let mut answers = Vec::with_capacity(batch.len());
    for (at, event) in batch.iter().enumerate() {
        match caught(Box::pin(carry_out(work, event))).await {
            Ok(answer) => answers.push(answer),
            Err(error) => return Err(Failure::of(dialect, Some(at).filter(|_| !work.flushing), error)),
        }
    }
    Ok(answers)
}

/// Makes an error of a panic: what was left half done is rolled back, and the process goes on. What the panic said goes to the
/// process log, and not into an error that could be shown.
pub(in crate::store) async fn caught<T>(work: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    match AssertUnwindSafe(work).catch_unwind().await {
        Ok(done) => done,
        Err(_) => Err(StoreError::Broken("een panic tijdens het vastleggen".to_owned())),
    }
}
