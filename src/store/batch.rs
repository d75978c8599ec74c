//! What becomes of a batch that is not carried out: whose fault it is, and what is therefore left out.
//!
//! One event that cannot be carried out must cost its own caller something and nobody else. So an error, or a panic, is blamed on
//! the event that was being carried out; where it shows only when the rows of several are written together, on the batch, which
//! is then halved. A database that is in trouble is nobody's fault.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;

use super::{
    StoreError,
    accept::Accept,
    dialect::Dialect,
    event::{Answer, Event, apply},
    work::Work,
};

/// Why a transaction was not carried out.
pub(super) enum Failure {
    /// The event at this place in the batch cannot be carried out.
    Event(usize, StoreError),
    /// One of its events cannot be carried out, and nobody knows which.
    Unclear(StoreError),
    /// None of its events can be carried out now.
    Database(StoreError),
}

impl Failure {
    /// Of an error while the event `at` was carried out, or all of them together.
    pub(super) fn of(dialect: Dialect, at: Option<usize>, error: StoreError) -> Self {
        let databases = match &error {
            StoreError::Database(error) => dialect.is_in_trouble(error),
            StoreError::Inconsistent { .. } | StoreError::Regel(_) | StoreError::Broken(_) => false,
            StoreError::Clock(_) | StoreError::Unanswered { .. } | StoreError::NotWritten | StoreError::Fatal(_) => {
                true
            }
        };
        match at {
            _ if databases => Self::Database(error),
            Some(at) => Self::Event(at, error),
            None => Self::Unclear(error),
        }
    }
}

/// Carries out every event, the confirmations first and the others in order; gives the answers in the order of the batch. What many of
/// them ask is looked up at once.
pub(super) async fn apply_all(work: &mut Work<'_>, dialect: Dialect, batch: &[Event]) -> Result<Vec<Answer>, Failure> {
    caught(look_up(work, batch)).await.map_err(|error| Failure::of(dialect, None, error))?;
    // Between the looking up of a row and its confirmation nothing else may move it.
    let (first, others): (Vec<_>, Vec<_>) = batch.iter().enumerate().partition(|(_, event)| event.confirms().is_some());
    let mut answers = Vec::with_capacity(batch.len());
    for (at, event) in first.into_iter().chain(others) {
        match caught(apply(work, event)).await {
            Ok(answer) => answers.push((at, answer)),
            Err(error) => return Err(Failure::of(dialect, Some(at).filter(|_| !work.flushing), error)),
        }
    }
    answers.sort_unstable_by_key(|(at, _)| *at);
    Ok(answers.into_iter().map(|(_, answer)| answer).collect())
}

async fn look_up(work: &mut Work<'_>, batch: &[Event]) -> Result<(), StoreError> {
    let accepts = || batch.iter().filter_map(Event::accept);
    let confirms = || batch.iter().filter_map(Event::confirms);
    let requests = accepts().map(Accept::request).collect();
    let counted = accepts().flat_map(Accept::counted).chain(confirms().map(|(_, adres)| adres));
    work.look_up(requests, counted.cloned().collect()).await?;
    work.look_up_rows_to_confirm(confirms().collect()).await
}

/// A panic is an error like any other: what it left half done is rolled back, and the process goes on. What it said goes where every
/// panic says it, and not into an error that could be shown.
pub(super) async fn caught<T>(work: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    match AssertUnwindSafe(work).catch_unwind().await {
        Ok(done) => done,
        Err(_) => Err(StoreError::Broken("een panic tijdens het vastleggen".to_owned())),
    }
}
