//! Expire: end what has lapsed and tell who got it; warn in time who sent a scenario.
//!
//! Runs by itself, some at a time until nothing is due. What has lapsed and has not been ended yet is unreadable all the same:
//! every verb asks for the day too.

use std::sync::Arc;

use futures_util::future::join_all;
use jiff::{ToSpan, civil::Date};

use super::Exchange;
use crate::{
    domain::{Berichtsoort, LoketNaam, VanKracht, Weigering, houdbaarheid::amsterdam_date},
    jobs::Next,
    logboek::{Logregel, Soort},
    store::{Event, Expire, NobodyToWarn, NotDone, PostvakRij, StoreError, reading::postvakken},
};

/// Rows of one look, at most.
const CHUNK: u32 = 64;
/// Where no row of a look could be ended, the cause is hardly each of them: no more than so many are then left alone for a while.
const MOST_FAILED: usize = 4;

/// What the sweep is after.
#[derive(Clone, Copy)]
enum Due {
    /// What has lapsed.
    Lapsed,
    /// Scenario's that lapse on this day or before.
    Soon(Date),
}

impl Exchange {
    /// Ends some of what has lapsed. Nothing is ended as long as the clock is in doubt, nor for an hour after that: what ends by a wrong
    /// day does not come back.
    ///
    /// # Errors
    /// When the database cannot be read or written; what is due stays due.
    pub async fn end_lapsed(&self) -> Result<Next, NotDone> {
        if self.klok.trust().is_err() || !self.klok.may_lapse() {
            return Ok(Next::InTime);
        }
        self.sweep(Due::Lapsed).await
    }

    /// Warns some of those whose scenario's lapse soon. Nobody is warned as long as the clock is in doubt.
    ///
    /// # Errors
    /// When the database cannot be read or written; what is due stays due.
    pub async fn warn_of_lapsing(&self) -> Result<Next, NotDone> {
        if self.klok.trust().is_err() {
            return Ok(Next::InTime);
        }
        let days = i64::from(self.bounds.vervalwaarschuwing_dagen).days();
        self.sweep(Due::Soon(amsterdam_date(self.klok.now()).saturating_add(days))).await
    }

    /// Does some of what is due. It is handed to the writer all at once, so that few transactions do it. A row that cannot be read
    /// or ended is passed over, so that it keeps no other one from ending.
    async fn sweep(&self, due: Due) -> Result<Next, NotDone> {
        let today = amsterdam_date(self.klok.now());
        let mut passed = 0;
        loop {
            let looked = match due {
                Due::Lapsed => postvakken::due(&self.store.read, today, CHUNK, passed).await?,
                Due::Soon(until) => postvakken::to_warn(&self.store.read, today, until, CHUNK, passed).await?,
            };
            self.passed.say(&looked.unreadable);
            let (left_alone, rijen): (Vec<_>, Vec<_>) =
                looked.rijen.iter().partition(|rij| self.passed.is_left_alone(rij.log_index));
            let done = join_all(rijen.iter().map(|rij| self.end_or_warn(due, rij))).await;
            let progress = done.iter().any(|done| matches!(done, Ok(true)));
            // Where nothing at all could be done it is hardly the fault of each of them.
            let most_failed = if progress { rijen.len() } else { MOST_FAILED };
            let failed = rijen.iter().zip(&done).filter(|(_, done)| done.is_err());
            failed.take(most_failed).for_each(|(rij, _)| self.passed.failed(rij.log_index));
            match done.into_iter().find_map(Result::err) {
                Some(error) if !progress => return Err(error.into()),
                // Of many that fail together it is enough to hear of one.
                Some(error) => tracing::error!(%error, "some of what is due could not be done yet"),
                None => {}
            }
            if progress || !looked.full {
                return Ok(if looked.full { Next::AtOnce } else { Next::InTime });
            }
            // What changed meanwhile is read anew the next time.
            let skipped = left_alone.len() + looked.unreadable.len() + rijen.len();
            passed += u32::try_from(skipped).unwrap_or(CHUNK);
        }
    }

    /// Gives whether it is done. What changed since it was looked at is still due, and looked at anew the next time.
    async fn end_or_warn(&self, due: Due, rij: &PostvakRij) -> Result<bool, StoreError> {
        let done = match due {
            Due::Lapsed => self.lapse(rij).await,
            Due::Soon(_) => self.warn(rij).await,
        };
        match done {
            Ok(()) => Ok(true),
            Err(NotDone::Outdated | NotDone::Refused(_)) => Ok(false),
            Err(NotDone::Failed(error)) => Err(error),
        }
    }

    async fn lapse(&self, rij: &PostvakRij) -> Result<(), NotDone> {
        // A bericht that follows another one causes no further one.
        let tell = rij.was_received() && !rij.soort.follows();
        let judge = |_: Arc<VanKracht>| async {
            let melding = if tell {
                self.about(rij, Berichtsoort::Vervalmelding, rij.ontvanger.adres.clone()).await?
            } else {
                None
            };
            let (log_index, was_received, actor) = (rij.log_index, rij.was_received(), self.gateway_itself());
            Ok(Box::new(Expire { log_index, was_received, actor, melding }))
        };
        self.write_anew(judge, Event::Expire).await.map(drop)
    }

    async fn warn(&self, rij: &PostvakRij) -> Result<(), NotDone> {
        let warning = self.about(rij, Berichtsoort::Vervalwaarschuwing, rij.afzender.clone()).await?;
        let Some(accept) = warning else {
            let regel = Logregel {
                rol: Some(self.poort.rol.to_string()),
                actor: Some(self.poort.oin.to_string()),
                afzender: Some(format!("{}/{}", self.poort.oin, LoketNaam::default())),
                ontvanger: Some(rij.afzender_in_logboek.clone()),
                berichtsoort: Some(Berichtsoort::Vervalwaarschuwing.to_string()),
                in_antwoord_op: Some(rij.bericht.to_string()),
                weigering: Some(Weigering::PartnerOnbekend.code().to_owned()),
                ..Logregel::new(String::new(), Soort::Geweigerd)
            };
            let nobody = NobodyToWarn { bericht: rij.bericht, regel };
            return self.store.writer.write(|reply| Event::NobodyToWarn(Box::new(nobody), reply)).await.map(drop);
        };
        // Refused where it was renewed or ended meanwhile: then there is nothing to warn of.
        self.store.writer.write(|reply| Event::Accept(accept, reply)).await.map(drop)
    }
}
