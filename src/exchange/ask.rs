//! Ask: send a verzoek and wait for its answers.
//!
//! Answers are reserved for the waiting call (as if leased) until its deadline; what comes later, or is not taken, is
//! offered in the postvak like anything else.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, timeout_at};

use super::{Call, Exchange, Handed, Receipt};
use crate::domain::{Adres, Bericht, Weigering};

const POLL: Duration = Duration::from_millis(500);
/// Time to answer before the caller's own deadline.
const MARGIN: Duration = Duration::from_millis(200);

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
    /// Sends a verzoek and waits until every ontvanger answered or the time is up.
    ///
    /// # Errors
    /// [`Weigering::GeenVerzoek`] or what `send` refuses, not yet logged.
    pub async fn ask(&self, call: &Call, bericht: Bericht, wait: Duration) -> Result<Asked, Weigering> {
        if !bericht.soort.is_verzoek() {
            return Err(Weigering::GeenVerzoek);
        }
        let adres = call.identiteit.adres(&bericht.loket)?;
        let actor = self.actor(call, Some(&bericht.medewerker));
        let latest = call.deadline.map(|deadline| deadline.checked_sub(MARGIN).unwrap_or(deadline));
        let until = (Instant::now() + wait).min(latest.unwrap_or_else(|| Instant::now() + wait));
        let micros = i64::try_from(until.saturating_duration_since(Instant::now()).as_micros()).unwrap_or(i64::MAX);
        let wacht_tot = self.clock.now().as_microsecond().saturating_add(micros);
        let receipt = self.send(call, bericht, wacht_tot).await?;

        let mut zonder_antwoord: Vec<Adres> =
            receipt.aanvaardingen.iter().map(|aanvaarding| aanvaarding.ontvanger.clone()).collect();
        let mut antwoorden = Vec::new();
        let bell = self.wakers.of(&adres);
        loop {
            let bell = Arc::clone(&bell);
            let rung = bell.notified();
            for handed in self.lease(&adres, Some(receipt.bericht), 0, &actor).await? {
                zonder_antwoord.retain(|ontvanger| *ontvanger != handed.rij.afzender);
                antwoorden.push(handed);
            }
            if zonder_antwoord.is_empty() || Instant::now() >= until {
                return Ok(Asked { receipt, antwoorden, zonder_antwoord });
            }
            // Elapsed or rung: look again either way.
            drop(timeout_at(until.min(Instant::now() + POLL), rung).await);
        }
    }
}
