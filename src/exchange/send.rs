//! Send: admit, write, and give the receipt.

use std::sync::Arc;

use jiff::Timestamp;

use super::{Call, Exchange, unavailable};
use crate::{
    domain::{
        Adres, Bericht, BerichtId, Eerder, Eerdere, Stempel, Toegelaten, VanKracht, Weigering, admit, weigering::Aard,
    },
    logboek::TlogProof,
    sleutels::{Herhaling, HerhalingContext},
    store::{
        Accept, Accepted, Commit, Event, StoredBericht,
        ledger::proofs::{self, Under},
        reading::berichten::{find, find_by_request},
    },
};

/// The receipt of an accepted bericht.
pub struct Receipt {
    /// The bericht.
    pub bericht: BerichtId,
    /// Its thread.
    pub gesprek: BerichtId,
    /// When it was accepted.
    pub tijd: Timestamp,
    /// One an ontvanger, in the order sent.
    pub aanvaardingen: Vec<Aanvaarding>,
    /// The salt of the commitment to the content.
    pub inhoud_zout: [u8; 32],
}

/// Acceptance for one ontvanger.
pub struct Aanvaarding {
    /// Who gets it.
    pub ontvanger: Adres,
    /// The stamp.
    pub stempel: Stempel,
    /// Index of its regel.
    pub log_index: u64,
    /// The proof that it is in the logboek.
    pub bewijs: TlogProof,
}

impl Exchange {
    /// Accepts one bericht, or says why not. Its answers are kept for an Ask that waits, until `asked_until`.
    ///
    /// # Errors
    /// The [`Weigering`], not yet logged.
    pub async fn send(
        &self,
        call: &Call,
        bericht: &Bericht,
        asked_until: Option<Timestamp>,
    ) -> Result<Receipt, Weigering> {
        let judge = |van_kracht: Arc<VanKracht>| async move {
            let toegelaten = self.admit(call, bericht.clone(), &van_kracht).await?;
            self.seal(toegelaten, Some(call.trace.clone()), asked_until).await
        };
        match self.write_judged(call, judge, Event::Accept).await {
            Ok((Accepted::New { accept, tijd, regels }, commit)) => {
                let commit = commit.ok_or_else(|| unavailable("an acceptance without a commit"))?;
                Ok(receipt(&accept, tijd, regels, &commit))
            }
            Ok((Accepted::Repeat(id), _)) => {
                let stored = find(&self.store.read, id).await.map_err(unavailable)?;
                let stored = stored.ok_or_else(|| unavailable("a repeated bericht is gone"))?;
                self.repeat(stored, bericht).await
            }
            Err(weigering) => self.repeat_or_refuse(call, bericht, weigering).await,
        }
    }

    /// A repeated request gets the receipt it got before, whatever the convenanten and the calendar say today.
    async fn repeat_or_refuse(
        &self,
        call: &Call,
        bericht: &Bericht,
        weigering: Weigering,
    ) -> Result<Receipt, Weigering> {
        if weigering == Weigering::ToegangVervallen || weigering.aard() == Aard::Onbeschikbaar {
            return Err(weigering);
        }
        let stored = find_by_request(&self.store.read, &call.identiteit().partner, bericht.request_id).await;
        match stored.map_err(unavailable)? {
            Some(stored) => self.repeat(stored, bericht).await,
            None => Err(weigering),
        }
    }

    async fn admit(&self, call: &Call, bericht: Bericht, van_kracht: &VanKracht) -> Result<Toegelaten, Weigering> {
        let _step = self.metingen.sporen.step("toelaten");
        let eerdere = Eerdere {
            verzoek: self.earlier(bericht.in_antwoord_op).await?,
            vervangt: self.earlier(bericht.vervangt).await?,
        };
        admit(bericht, call.identiteit(), eerdere, van_kracht, self.klok.now())
    }

    async fn earlier(&self, id: Option<BerichtId>) -> Result<Option<Eerder>, Weigering> {
        let Some(id) = id else { return Ok(None) };
        let stored = find(&self.store.read, id).await.map_err(unavailable)?;
        Ok(stored.as_ref().map(StoredBericht::as_earlier))
    }

    /// The original receipt, if the content is the same.
    async fn repeat(&self, stored: StoredBericht, bericht: &Bericht) -> Result<Receipt, Weigering> {
        let last_day = stored.last_day().map_err(unavailable)?;
        let day_key = self.keys.existing(last_day).await.map_err(unavailable)?;
        let context = HerhalingContext {
            bericht: stored.id,
            afzender: &stored.afzender,
            request_id: bericht.request_id,
            betwist: stored.betwist,
            vingerafdruk: &stored.vingerafdruk,
        };
        let herhaling = Herhaling::open(&day_key.in_use(), &context, &stored.herhaling);
        let herhaling = herhaling.map_err(unavailable)?;
        if herhaling.fingerprint(&bericht.vingerafdruk) != stored.vingerafdruk {
            return Err(Weigering::RequestIdHergebruikt);
        }
        let mut aanvaardingen = Vec::with_capacity(stored.rijen.len());
        for rij in stored.rijen {
            let log_index = rij.log_index;
            let bewijs = proofs::prove(&self.store.read, log_index, Under::Original).await.map_err(unavailable)?;
            let bewijs = bewijs.ok_or_else(|| unavailable("a regel that no checkpoint covers"))?;
            let (ontvanger, stempel) = (rij.ontvanger.adres, rij.ontvanger.stempel);
            aanvaardingen.push(Aanvaarding { ontvanger, stempel, log_index, bewijs });
        }
        let StoredBericht { id, gesprek, tijd, .. } = stored;
        Ok(Receipt { bericht: id, gesprek, tijd, aanvaardingen, inhoud_zout: herhaling.inhoud_zout })
    }
}

/// The receipt of what was accepted now.
fn receipt(accept: &Accept, tijd: Timestamp, regels: Vec<(u64, Vec<u8>)>, commit: &Commit) -> Receipt {
    let accepted = accept.ontvangers.iter().zip(regels);
    let aanvaardingen = accepted.map(|(of, (index, regel))| Aanvaarding {
        ontvanger: of.ontvanger.adres.clone(),
        stempel: of.ontvanger.stempel.clone(),
        log_index: index,
        bewijs: commit.proof(index, regel),
    });
    Receipt {
        bericht: accept.id,
        gesprek: accept.gesprek,
        tijd,
        aanvaardingen: aanvaardingen.collect(),
        inhoud_zout: accept.inhoud_zout,
    }
}
