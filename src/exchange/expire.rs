//! Expire: end what has lapsed, tell who got it, and warn who sent a scenario in time.
//!
//! Runs by itself, some at a time until nothing is due. What it did not get to is still unreadable: every verb asks for the day
//! too.

use jiff::{ToSpan, civil::Date};

use super::{Exchange, LoadError};
use crate::{
    domain::{Berichtsoort, houdbaarheid::amsterdam_date},
    store::{Accepted, Event, Expire, PostvakRij, verval},
};

/// So many at once.
const CHUNK: u32 = 64;
/// After so many that could not be ended the rest waits for the next time: then something else is wrong.
const MOST_FAILED: u32 = 4;

/// What the sweep is after.
#[derive(Clone, Copy)]
enum Due {
    /// What has lapsed.
    Lapsed,
    /// Scenario's that lapse on this day or before.
    Soon(Date),
}

impl Exchange {
    /// Ends and warns what is due now. Gives whether there is more to do at once. Nothing is ended as long as the clock is in
    /// doubt, nor for an hour after that: what ends by a wrong day does not come back.
    ///
    /// # Errors
    /// When the database cannot be read or written; what is due stays due.
    pub async fn expire(&self) -> Result<bool, LoadError> {
        if self.klok.trust().is_err() {
            return Ok(false);
        }
        let today = amsterdam_date(self.klok.now());
        let until = today.saturating_add(i64::from(self.bounds.vervalwaarschuwing_dagen).days());
        let lapsed = if self.klok.may_lapse() { self.sweep(Due::Lapsed, today).await } else { Ok(false) };
        let warned = self.sweep(Due::Soon(until), today).await;
        Ok(lapsed? | warned?)
    }

    /// Does some of what is due. What cannot be read or done is passed over, so that it keeps nothing else from ending.
    async fn sweep(&self, due: Due, today: Date) -> Result<bool, LoadError> {
        let passed_over = &self.store.passed;
        let (mut passed, mut failures, mut failed, mut progress) = (0, 0, None, false);
        loop {
            let looked = match due {
                Due::Lapsed => verval::due(&self.store.read, today, CHUNK, passed).await?,
                Due::Soon(until) => verval::to_warn(&self.store.read, today, until, CHUNK, passed).await?,
            };
            passed_over.say(&looked.unreadable);
            passed += u32::try_from(looked.unreadable.len()).unwrap_or(CHUNK);
            for rij in &looked.rijen {
                if passed_over.is_left_alone(rij.log_index) {
                    passed += 1;
                    continue;
                }
                let done = match due {
                    Due::Lapsed => self.lapse(rij).await,
                    Due::Soon(_) => self.warn(rij).await,
                };
                passed += u32::from(!matches!(done, Ok(true)));
                progress |= matches!(done, Ok(true));
                if let Err(error) = done {
                    passed_over.failed(rij.log_index);
                    failed = Some(error);
                    failures += 1;
                    if failures == MOST_FAILED {
                        break;
                    }
                }
            }
            if progress || !looked.full || failures == MOST_FAILED {
                return failed.map_or(Ok(looked.full && progress), Err);
            }
        }
    }

    /// Gives whether it is done.
    async fn lapse(&self, rij: &PostvakRij) -> Result<bool, LoadError> {
        // What follows another bericht causes no further one.
        let tell = rij.kreeg() && !rij.soort.follows();
        let melding =
            if tell { self.about(rij, Berichtsoort::Vervalmelding, rij.ontvanger.clone()).await? } else { None };
        let expire = Expire { log_index: rij.log_index, kreeg: rij.kreeg(), actor: self.gateway_itself(), melding };
        let (done, _) = self.store.writer.write(|reply| Event::Expire(Box::new(expire), reply)).await?;
        if done.is_err() {
            // Midnight, or a change: it is still due the next time.
            self.refresh().await?;
            return Ok(false);
        }
        Ok(true)
    }

    /// Gives whether it is done.
    async fn warn(&self, rij: &PostvakRij) -> Result<bool, LoadError> {
        let Some(accept) = self.about(rij, Berichtsoort::Vervalwaarschuwing, rij.afzender.clone()).await? else {
            self.store.writer.write(|reply| Event::NobodyToWarn(rij.bericht, reply)).await?;
            return Ok(true);
        };
        let (accepted, _) = self.store.writer.write(|reply| Event::Accept(accept, reply)).await?;
        // Renewed or ended meanwhile, or outdated: then there is nothing to warn of, or it is still due the next time.
        Ok(matches!(accepted, Ok(Accepted::New { .. })))
    }
}
