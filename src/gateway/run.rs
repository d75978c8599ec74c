//! A gateway that runs: what it does by itself, and its end.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::watch,
    task::{JoinHandle, JoinSet},
    time::{MissedTickBehavior, interval},
};

use super::{GatewayError, ends::Ends};
use crate::{
    exchange::{Exchange, announce::Announcer, klok::ClockWatch},
    store::StoreError,
};

/// How often this process looks whether another one changed what is in force, whether the clock is right, and what has to be logged or
/// announced.
const TICK: Duration = Duration::from_millis(500);

/// Ends when the gateway is told to stop.
async fn told(stopped: &mut watch::Receiver<bool>) {
    // An error means that whoever could tell is gone, which is the same.
    drop(stopped.wait_for(|stop| *stop).await);
}

/// Ends what has lapsed, until told to stop. Beside the rest: at midnight there can be much of it.
pub(super) async fn end_what_lapsed(exchange: Arc<Exchange>, mut stopped: watch::Receiver<bool>) {
    let mut failing = false;
    let mut tick = interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            () = told(&mut stopped) => return,
        }
        let expired = exchange.expire().await;
        // Said once; until it is mended content stays unreadable, because every verb asks for the day.
        if let (Err(error), false) = (&expired, failing) {
            tracing::error!(%error, "what has lapsed could not be ended yet");
        }
        failing = expired.is_err();
        if expired.is_ok_and(|more| more) {
            tick.reset_immediately();
        }
    }
}

/// Runs until stopped, or until the writer gives up: then nothing may be handed out any more.
pub(super) async fn run(
    exchange: Arc<Exchange>,
    (mut watch, mut ends): (ClockWatch, Ends),
    mut accepting: JoinSet<()>,
    mut writer: JoinHandle<Result<(), StoreError>>,
    mut stopped: watch::Receiver<bool>,
) -> Result<(), GatewayError> {
    let (mut announcer, mut unreadable) = (Announcer::default(), false);
    let mut tick = interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            ended = &mut writer => {
                accepting.abort_all();
                return Ok(ended.unwrap_or_else(|error| Err(StoreError::Fatal(error.to_string())))?);
            }
            _ = tick.tick() => {
                watch.look(&exchange).await;
                ends.look(exchange.klok.now());
                let refreshed = exchange.refresh().await;
                // Said once, not twice a second until it is mended.
                if let (Err(error), false) = (&refreshed, unreadable) {
                    tracing::error!(%error, "what is in force could not be read; nothing is accepted by the older version");
                }
                unreadable = refreshed.is_err();
                announcer.announce(&exchange);
                if let Err(error) = exchange.flush_weigeringen(false).await {
                    tracing::error!(%error, "counted refusals could not be logged yet");
                }
            }
            () = told(&mut stopped) => break,
            Some(ended) = accepting.join_next() => {
                // A port that closed or a sweep that ended by itself would be noticed by nobody.
                if !*stopped.borrow() {
                    accepting.abort_all();
                    let why = ended.err().map(|error| error.to_string());
                    let why = why.unwrap_or_else(|| "een onderdeel van de poort eindigde vanzelf".to_owned());
                    return Err(StoreError::Fatal(why).into());
                }
            }
        }
    }
    // The accept loops drain their connections themselves; a panic in one has been reported already.
    while accepting.join_next().await.is_some() {}
    if let Err(error) = exchange.flush_weigeringen(true).await {
        tracing::error!(%error, "counted refusals of the last minute are not in the logboek");
    }
    watch.stop(&exchange).await;
    // The readers first, so that the writer is the last to close the database and folds the WAL into it.
    exchange.store.read.close().await;
    // When the last user of the store is gone the writer ends.
    drop(exchange);
    Ok(writer.await.unwrap_or_else(|error| Err(StoreError::Fatal(error.to_string())))?)
}
