//! Hearing from other gateways that something arrived: a hint, so that nobody need wait for the next look.

use std::time::Duration;

use sqlx::postgres::PgListener;
use tokio::time::sleep;

use super::wake::Wakers;
use crate::store::{Pool, database::postgres::url_of};

/// Between attempts to listen again.
const AGAIN: Duration = Duration::from_millis(500);

/// Listens at whichever server the pool reads from, for as long as it is polled.
pub(in crate::store) async fn listen(read: Pool, wakers: Wakers) {
    loop {
        if let Err(error) = hear(&read, &wakers).await {
            tracing::debug!(%error, "not listening for other gateways; looking goes on");
        }
        sleep(AGAIN).await;
    }
}

async fn hear(read: &Pool, wakers: &Wakers) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect(url_of(read).as_str()).await?;
    listener.listen("ketenpoort").await?;
    // What came while nobody listened.
    wakers.ring_all();
    // Nothing when the connection was lost: perhaps another server takes writes now.
    while let Some(heard) = listener.try_recv().await? {
        if heard.payload().is_empty() {
            wakers.ring_all();
        }
        heard.payload().split(' ').filter_map(|bell| bell.parse().ok()).for_each(|bell| wakers.ring(&bell));
    }
    Ok(())
}
