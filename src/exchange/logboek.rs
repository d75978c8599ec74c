//! Logboek: closing it, and beginning the next one: on the word of beheer, and when its year is over.

use super::{Call, Exchange};
use crate::{
    domain::{Weigering, houdbaarheid::amsterdam_date},
    logboek::TlogProof,
    store::{Actor, Closed, Event, NextLogboek, NotDone, StoreError},
};

/// A logboek that was closed.
pub struct Gesloten {
    /// Its last checkpoint, a signed note: worth keeping.
    pub checkpoint: String,
    /// How the next one is called.
    pub volgende: String,
    /// The proof of the first regel of that one.
    pub bewijs: TlogProof,
}

impl Exchange {
    /// Closes the logboek, on the word of beheer.
    ///
    /// # Errors
    /// [`Weigering::ToegangVervallen`], or where nothing can be written now.
    pub async fn close_logboek(&self, call: &Call, reden: &str, medewerker: &str) -> Result<Gesloten, Weigering> {
        self.van_kracht().deelnemers().still(&call.aangemeld)?;
        self.trust_clock()?;
        let actor = Actor { reden: Some(self.reden(reden)), ..self.actor(call, Some(medewerker)) };
        self.begin_next(self.store.head().nummer, actor).await.map_err(|error| self.said(error))
    }

    /// Closes the logboek of a year that is over, where each year has its own.
    ///
    /// # Errors
    /// [`NotDone`]; it is tried again.
    pub async fn close_year(&self) -> Result<(), NotDone> {
        let head = self.store.head();
        let year = amsterdam_date(self.klok.now()).year();
        let is_over = self.logboek.is_of_years() && head.grootte() > 0 && !self.logboek.is_of_year(&head.naam, year);
        if !is_over || self.klok.trust().is_err() {
            return Ok(());
        }
        let actor = Actor { identiteit: self.poort.clone(), trace: None, medewerker: None, reden: None };
        match self.begin_next(head.nummer, actor).await {
            Ok(Gesloten { volgende, .. }) => {
                tracing::info!(gesloten = head.naam, volgende, "the year is over: the next logboek");
            }
            // Another gateway was first.
            Err(NotDone::Outdated) => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    async fn begin_next(&self, nummer: u32, actor: Actor) -> Result<Gesloten, NotDone> {
        let next = NextLogboek { nummer, naam: self.logboek.clone(), actor };
        let next = |reply| Event::NextLogboek(Box::new(next), reply);
        let (Closed { nota, next, regel: (index, regel) }, commit) = self.store.writer.write(next).await?;
        let commit = commit.ok_or_else(|| StoreError::Broken("een volgend logboek zonder commit".to_owned()))?;
        Ok(Gesloten { checkpoint: nota, volgende: next, bewijs: commit.proof(index, regel) })
    }
}
