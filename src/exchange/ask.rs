//! Ask: send a verzoek and wait for its answers.
//!
//! The answer of each ontvanger is reserved for the call as long as that waits. An answer that comes later, or that the call did
//! not take, is offered in the postvak like anything else. When the call goes away before it is answered, what it took is given
//! back.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use tokio::{
    sync::watch,
    time::{Instant, timeout_at},
};
use tracing::Instrument;

use super::{
    Call, Exchange, Receipt,
    deliver::{Held, MOST_AT_ONCE},
    unavailable,
    views::Handed,
};
use crate::{
    domain::{Adres, Bericht, BerichtId, Weigering},
    store::{Bell, Event, reading::berichten::answered_by},
};

const POLL: Duration = Duration::from_millis(500);
/// Of the time until the caller's own deadline, this part is kept for the last look and for the way back.
const MARGIN_PART: u32 = 10;
/// The least and the most of that margin. On a busy machine a look at the database takes hundreds of milliseconds.
const MARGIN: [Duration; 2] = [Duration::from_millis(200), Duration::from_secs(1)];

/// What came in time.
pub struct Asked {
    /// The receipt of the verzoek.
    pub receipt: Receipt,
    /// The answers.
    pub antwoorden: Vec<Handed>,
    /// Who has not answered.
    pub zonder_antwoord: Vec<Adres>,
}

impl Exchange {
    /// Sends a verzoek and waits until every ontvanger answered, the time is up, or `stop` turns true.
    ///
    /// # Errors
    /// [`Weigering::GeenVerzoek`] or what `send` refuses, not yet logged.
    pub async fn ask(
        self: &Arc<Self>,
        call: &Call,
        bericht: Arc<Bericht>,
        wait: Duration,
        mut stop: watch::Receiver<bool>,
    ) -> Result<Asked, Weigering> {
        if !bericht.feiten.soort.is_verzoek() {
            return Err(Weigering::GeenVerzoek);
        }
        let adres = call.identiteit().adres(&bericht.loket)?;
        let actor = self.actor(call, Some(&bericht.medewerker));
        let now = Instant::now();
        let until = (now + wait).min(call.deadline.map_or(now + wait, |deadline| last_look(now, deadline)));
        let wait = SignedDuration::try_from(until.saturating_duration_since(now)).unwrap_or(SignedDuration::MAX);
        let asked_until = self.klok.now().saturating_add(wait).unwrap_or(Timestamp::MAX);
        let (receipt, _waiting) = self.send_and_wait(call, bericht, adres.clone(), asked_until).await?;

        let verzoek = receipt.bericht;
        let held = Held::new(self, adres.clone());
        let (mut antwoorden, mut stops) = (Vec::new(), false);
        let bell = self.store.wakers.of(Bell::Verzoek(verzoek));
        loop {
            let bell = Arc::clone(&bell);
            let rung = bell.notified();
            // Who has answered is asked before the lease, so that an answer that comes in between is leased in any case. A repeated
            // Ask may find that an answer was handed out before.
            let answered = answered_by(&self.store.read, verzoek).await.map_err(unavailable)?;
            antwoorden.extend(Box::pin(self.lease(call, &held, Some(verzoek), MOST_AT_ONCE, &actor)).await?);
            let ontvangers = receipt.aanvaardingen.iter().map(|aanvaarding| &aanvaarding.ontvanger);
            let zonder_antwoord: Vec<Adres> =
                ontvangers.filter(|ontvanger| !answered.contains(*ontvanger)).cloned().collect();
            if zonder_antwoord.is_empty() || stops || Instant::now() >= until {
                // The caller has them, and confirms them in its own time.
                held.let_go();
                return Ok(Asked { receipt, antwoorden, zonder_antwoord });
            }
            // Elapsed, rung or stopped: look again either way.
            tokio::select! {
                _ = timeout_at(until.min(Instant::now() + POLL), rung) => {}
                // An error means that whoever could tell is gone, which is the same.
                _ = stop.wait_for(|stop| *stop) => stops = true,
            }
        }
    }
}

impl Exchange {
    /// Sends a verzoek, also when its caller goes away meanwhile. When the [`Waiting`] that this gives is dropped, nothing is
    /// reserved any more.
    async fn send_and_wait(
        self: &Arc<Self>,
        call: &Call,
        verzoek: Arc<Bericht>,
        adres: Adres,
        asked_until: Timestamp,
    ) -> Result<(Receipt, Waiting), Weigering> {
        let (exchange, call) = (Arc::clone(self), call.clone());
        let sending = async move {
            let receipt = exchange.send(&call, &verzoek, Some(asked_until)).await?;
            let waiting = Waiting { verzoek: receipt.bericht, adres, exchange };
            Ok((receipt, waiting))
        };
        let sending = Box::pin(sending.in_current_span());
        self.tasks.finish("a verzoek that is asked", sending).await.map_err(unavailable)?
    }
}

/// When an Ask looks for the last time, so that its caller hears before the deadline.
fn last_look(now: Instant, deadline: Instant) -> Instant {
    let margin = (deadline.saturating_duration_since(now) / MARGIN_PART).clamp(MARGIN[0], MARGIN[1]);
    deadline.checked_sub(margin).unwrap_or(deadline)
}

/// An Ask that waits. When this is dropped, also because its caller went away, its answers are for any reader.
struct Waiting {
    exchange: Arc<Exchange>,
    verzoek: BerichtId,
    adres: Adres,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let (writer, verzoek, adres) = (self.exchange.store.writer.clone(), self.verzoek, self.adres.clone());
        self.exchange.tasks.spawn("the end of an ask", async move {
            // If this does not get through, the reservation ends at its time.
            drop(writer.write(|reply| Event::EndAsk(verzoek, adres, reply)).await);
        });
    }
}
