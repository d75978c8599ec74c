//! Expire: end what has lapsed, tell who got it, and warn who sent a scenario in time.
//!
//! Runs by itself, some at a time until nothing is due. What it did not get to is still unreadable: every verb asks for the day
//! too.

use jiff::ToSpan;

use super::{Exchange, LoadError, VanDePoort};
use crate::{
    domain::{Adres, Berichtsoort, houdbaarheid::amsterdam_date, weigering::Aard},
    store::{
        Accept, Accepted, Actor, Event, Expire, PostvakRij, StoreError,
        berichten::find,
        verval::{due, to_warn},
    },
};

/// So many at once.
const CHUNK: u32 = 64;

impl Exchange {
    /// Ends and warns what is due now. Gives whether there is more to do at once. Nothing is ended as long as the clock is in
    /// doubt, nor for an hour after that: what ends by a wrong day does not come back.
    ///
    /// # Errors
    /// When the database cannot be read or written; what is due stays due.
    pub async fn expire(&self) -> Result<bool, LoadError> {
        let today = amsterdam_date(self.klok.now());
        if self.klok.trust().is_err() {
            return Ok(false);
        }
        let lapsed = if self.klok.may_lapse() { due(&self.store.read, today, CHUNK).await? } else { Vec::new() };
        let until = today.saturating_add(i64::from(self.bounds.vervalwaarschuwing_dagen).days());
        let soon = to_warn(&self.store.read, today, until, CHUNK).await?;
        let full = lapsed.len().max(soon.len()) == CHUNK as usize;
        let mut progress = false;
        for rij in &lapsed {
            progress |= self.lapse(rij).await?;
        }
        for rij in &soon {
            progress |= self.warn(rij).await?;
        }
        Ok(full && progress)
    }

    /// Gives whether it is done.
    async fn lapse(&self, rij: &PostvakRij) -> Result<bool, LoadError> {
        // What follows another bericht causes no further one.
        let tell = rij.kreeg() && !rij.soort.follows();
        let melding =
            if tell { self.about(rij, Berichtsoort::Vervalmelding, rij.ontvanger.clone()).await? } else { None };
        let identiteit = self.poort.clone();
        let actor = Actor { identiteit, trace: Some(self.new_trace()), medewerker: None, reden: None };
        let expire = Expire { log_index: rij.log_index, kreeg: rij.kreeg(), actor, melding };
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
        let (accepted, _) = self.store.writer.write(|reply| Event::Accept(Box::new(accept), reply)).await?;
        // Renewed or ended meanwhile, or outdated: then there is nothing to warn of, or it is still due the next time.
        Ok(matches!(accepted, Ok(Accepted::New { .. })))
    }

    /// A bericht of the gateway about a row; none where its ontvanger is no deelnemer any more.
    async fn about(&self, rij: &PostvakRij, soort: Berichtsoort, naar: Adres) -> Result<Option<Accept>, StoreError> {
        let original = match find(&self.store.read, rij.bericht).await {
            Ok(original) => original,
            // Another row of it is damaged, which must not keep this one from ending.
            Err(StoreError::Inconsistent { .. }) => None,
            Err(error) => return Err(error),
        };
        let Some(original) = original else { return Ok(None) };
        let says = VanDePoort {
            soort,
            bericht: rij.bericht,
            over: rij.soort,
            houdbaar_tot_en_met: rij.stempel.houdbaar_tot_en_met,
            reden: None,
        };
        let loket = Adres::gateway().loket;
        let trace = Some(self.new_trace());
        match self.of_gateway(&says, (&self.poort, &loket, ""), vec![naar], original.into_eerder(), trace).await {
            Ok(accept) => Ok(Some(accept)),
            Err(weigering) if weigering.aard() == Aard::Onbeschikbaar => Err(StoreError::NotWritten),
            Err(_) => Ok(None),
        }
    }
}
