//! A gateway that runs, and its end.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::watch,
    task::{JoinHandle, JoinSet},
    time::timeout,
};

use super::{GatewayError, aanloop::Einde, jobs::log_handshakes};
use crate::{exchange::Exchange, store::StoreError, tls::Refused};

/// How long a stop waits for what goes on when a caller has gone: leases that are given back, streams that close.
const TASKS_END: Duration = Duration::from_secs(10);
/// How long a stop waits for the writer, which has nothing left to write but what was handed in.
const WRITER_ENDS: Duration = Duration::from_secs(30);

/// Runs until stopped, or until the writer gives up: then nothing may be handed out any more. `running` are the ports and the jobs, each
/// of which gives its name when it ends.
pub(super) async fn run(
    exchange: Arc<Exchange>,
    mut running: JoinSet<&'static str>,
    mut writer: JoinHandle<Result<(), StoreError>>,
    refused: &Refused,
    (mut stopped, mut told): (watch::Receiver<bool>, watch::Receiver<Einde>),
) -> Result<(), GatewayError> {
    let is_told = stopped.clone();
    tokio::select! {
        // An error means that whoever could tell is gone, which is the same.
        _ = stopped.wait_for(|stop| *stop) => {}
        ended = &mut writer => {
            running.abort_all();
            return Ok(outcome(ended)?);
        }
        // A port that closed or a job that ended by itself would be noticed by nobody.
        Some(ended) = running.join_next() => if !*is_told.borrow() {
            running.abort_all();
            let why = ended.map_or_else(|error| error.to_string(), |name| format!("{name} hield vanzelf op"));
            return Err(StoreError::Fatal(why).into());
        }
    }
    // The ports finish the calls under way themselves, and a job what it is at; a panic in one has been reported already.
    let is_hurried = tokio::select! {
        () = async { while running.join_next().await.is_some() {} } => false,
        hurried = told.wait_for(|how| *how == Einde::Haast) => hurried.is_ok(),
    };
    if is_hurried {
        tracing::warn!("told to hurry: calls under way are broken off");
    }
    running.shutdown().await;
    let within = if is_hurried { Duration::from_secs(1) } else { TASKS_END };
    for (name, count) in exchange.tasks.ended(within).await {
        tracing::warn!(name, count, "did not end in time, and is left");
    }
    if let Err(error) = exchange.flush_weigeringen(true).await {
        tracing::error!(%error, "counted refusals of the last minute are not in the logboek");
    }
    if let Err(error) = log_handshakes(&exchange, refused, i64::MAX).await {
        tracing::error!(%error, "refused handshakes of the last minute are not in the logboek");
    }
    if let Err(error) = exchange.log_stop().await {
        tracing::error!(%error, "that this gateway stops is not in the logboek");
    }
    if let Some(zoeken) = &exchange.zoeken {
        zoeken.close().await;
    }
    // The readers first, so that the writer is the last to close the database and folds the WAL into it.
    exchange.store.read.close().await;
    // When the last user of the store is gone the writer ends.
    drop(exchange);
    match timeout(WRITER_ENDS, writer).await {
        Ok(ended) => Ok(outcome(ended)?),
        Err(_) => Err(StoreError::Unanswered { seconds: WRITER_ENDS.as_secs() }.into()),
    }
}

fn outcome(ended: Result<Result<(), StoreError>, tokio::task::JoinError>) -> Result<(), StoreError> {
    ended.unwrap_or_else(|error| Err(StoreError::Fatal(error.to_string())))
}
