//! Send: admit, write, and give the receipt.

use std::sync::Arc;

use super::{Call, Exchange, seal::Sealed, unavailable};
use crate::{
    domain::{Adres, Bericht, BerichtId, Eerder, Eerdere, Stempel, Toegelaten, Weigering, admit},
    logboek::TlogProof,
    sleutels::Herhaling,
    store::{
        Accepted, Event, StoredBericht,
        append::Commit,
        berichten::{find, find_by_request},
        proofs,
    },
};

/// A date turns once, and what is in force changes rarely: more often means that something is wrong.
pub(super) const MOST_TURNS: usize = 4;

/// The receipt of an accepted bericht.
pub struct Receipt {
    /// The bericht.
    pub bericht: BerichtId,
    /// Its thread.
    pub gesprek: BerichtId,
    /// When it was accepted, microseconds.
    pub micros: i64,
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
    /// The proof that it is in the logboek.
    pub bewijs: TlogProof,
}

impl Exchange {
    /// Accepts one bericht, or says why not. `wacht_tot` (microseconds) reserves its answers for a waiting Ask; 0 does not.
    ///
    /// # Errors
    /// The [`Weigering`], not yet logged.
    pub async fn send(&self, call: &Call, bericht: Bericht, wacht_tot: i64) -> Result<Receipt, Weigering> {
        for _ in 0..MOST_TURNS {
            let toegelaten = match self.admit(call, bericht.clone()).await {
                Ok(toegelaten) => toegelaten,
                Err(Weigering::ToegangVervallen) => return Err(Weigering::ToegangVervallen),
                Err(weigering) => return self.repeat_or_refuse(call, &bericht, weigering).await,
            };
            let trace = Some(call.trace.clone());
            let Sealed { accept, inhoud_zout } = self.seal(toegelaten, trace, wacht_tot).await?;
            let (id, gesprek, stempels) = (accept.id, accept.gesprek, accept.toegelaten.stempels().to_vec());
            let (accepted, commit) = self.write(|reply| Event::Accept(accept, reply)).await?;
            match accepted? {
                Accepted::New { micros, regels } => {
                    let commit = commit.ok_or_else(|| unavailable("an acceptance without a commit"))?;
                    let aanvaardingen = aanvaardingen(&commit, stempels, regels);
                    return Ok(Receipt { bericht: id, gesprek, micros, aanvaardingen, inhoud_zout });
                }
                Accepted::Repeat(id) => {
                    let stored = find(&self.store.read, id).await.map_err(unavailable)?;
                    let stored = stored.ok_or_else(|| unavailable("a repeated bericht is gone"))?;
                    return self.repeat(stored, &bericht).await;
                }
                // Midnight passed, or what is in force changed, between the admission and the transaction.
                Accepted::Outdated => drop(self.refresh().await.map_err(unavailable)?),
            }
        }
        Err(unavailable(
            "judged again and again: is the clock behind the last regel of the logboek, on an earlier day?",
        ))
    }

    /// A repeated request gets the receipt it got before, whatever the convenanten and the calendar say today.
    async fn repeat_or_refuse(
        &self,
        call: &Call,
        bericht: &Bericht,
        weigering: Weigering,
    ) -> Result<Receipt, Weigering> {
        let stored = find_by_request(&self.store.read, &call.identiteit().partner, bericht.request_id).await;
        match stored.map_err(unavailable)? {
            Some(stored) => self.repeat(stored, bericht).await,
            None => Err(weigering),
        }
    }

    async fn admit(&self, call: &Call, bericht: Bericht) -> Result<Toegelaten, Weigering> {
        let eerdere = Eerdere {
            verzoek: self.earlier(bericht.in_antwoord_op).await?,
            vervangt: self.earlier(bericht.vervangt).await?,
        };
        let van_kracht = self.van_kracht();
        van_kracht.deelnemers().still(&call.aangemeld)?;
        admit(bericht, call.identiteit(), eerdere, &van_kracht, self.klok.now())
    }

    async fn earlier(&self, id: Option<BerichtId>) -> Result<Option<Eerder>, Weigering> {
        let Some(id) = id else { return Ok(None) };
        Ok(find(&self.store.read, id).await.map_err(unavailable)?.map(StoredBericht::into_eerder))
    }

    /// The original receipt, if the content is the same.
    async fn repeat(&self, stored: StoredBericht, bericht: &Bericht) -> Result<Receipt, Weigering> {
        let last_day = stored.rijen.iter().map(|rij| rij.stempel.houdbaar_tot_en_met).max();
        let last_day = last_day.ok_or_else(|| unavailable("a bericht without ontvanger"))?;
        let day_key = self.keys.existing(last_day).await.map_err(unavailable)?;
        let herhaling = Herhaling::open(&day_key.in_use(), stored.id, &stored.afzender, &stored.herhaling);
        let herhaling = herhaling.map_err(unavailable)?;
        if herhaling.fingerprint(&bericht.vingerafdruk) != stored.vingerafdruk {
            return Err(Weigering::RequestIdHergebruikt);
        }
        let mut aanvaardingen = Vec::with_capacity(stored.rijen.len());
        for rij in &stored.rijen {
            let read = &self.store.read;
            let checkpoint = proofs::original_checkpoint(read, rij.log_index).await.map_err(unavailable)?;
            let checkpoint = checkpoint.ok_or_else(|| unavailable("a regel that no checkpoint covers"))?;
            let bewijs = proofs::prove(read, rij.log_index, checkpoint).await.map_err(unavailable)?;
            let bewijs = bewijs.ok_or_else(|| unavailable("a regel that is gone"))?;
            aanvaardingen.push(Aanvaarding { ontvanger: rij.ontvanger.clone(), stempel: rij.stempel.clone(), bewijs });
        }
        let StoredBericht { id, gesprek, micros, .. } = stored;
        Ok(Receipt { bericht: id, gesprek, micros, aanvaardingen, inhoud_zout: herhaling.inhoud_zout })
    }
}

fn aanvaardingen(
    commit: &Arc<Commit>,
    stempels: Vec<(Adres, Stempel)>,
    regels: Vec<(u64, Vec<u8>)>,
) -> Vec<Aanvaarding> {
    stempels
        .into_iter()
        .zip(regels)
        .map(|((ontvanger, stempel), (index, regel))| Aanvaarding {
            ontvanger,
            stempel,
            bewijs: commit.proof(index, regel),
        })
        .collect()
}
