//! Accepting a bericht: everything that it changes, in one transaction.

use std::sync::Arc;

use super::{
    StoreError, earlier,
    insert::NewBericht,
    postvak::moment,
    rij::Actor,
    toestand::Toestand,
    work::{Request, Work},
};
use crate::{
    domain::{Adres, BerichtId, Berichtsoort, Kenmerk, Oin, Toegelaten, Weigering, houdbaarheid::amsterdam_date},
    logboek::{Logregel, Soort},
};

/// An admitted bericht, sealed and ready to be written.
pub struct Accept {
    /// Its new id.
    pub id: BerichtId,
    /// The thread it belongs to.
    pub gesprek: BerichtId,
    /// The admission.
    pub toegelaten: Toegelaten,
    /// Who sends it, for what it changes of earlier berichten.
    pub actor: Actor,
    /// By what its betrokkenen can be found.
    pub pseudoniemen: Vec<Pseudoniem>,
    /// One regel an ontvanger, in order.
    pub regels: Vec<Logregel>,
    /// Salts of the commitments in those regels.
    pub zouten: Vec<u8>,
    /// Fingerprint of the request under the key in `herhaling`.
    pub vingerafdruk: Vec<u8>,
    /// What a repeated request needs, sealed under the key of the last day of all stamps.
    pub herhaling: Vec<u8>,
    /// The sealed content.
    pub inhoud: Vec<u8>,
    /// One OIN and one wrapped key an ontvanger, in order.
    pub sleutels: Vec<(Oin, Vec<u8>)>,
    /// Until when an `Ask` waits for answers, microseconds; 0 when nobody waits.
    pub wacht_tot: i64,
    /// How many open berichten a postvak holds. What follows another bericht is let in all the same.
    pub postvak_limit: u64,
}

/// A keyed pseudonym of one betrokkene.
#[derive(Clone, Debug)]
pub struct Pseudoniem {
    /// Place among the betrokkenen of the bericht, from 0.
    pub volgnummer: usize,
    /// Whether the bericht is about this one first.
    pub hoofdpersoon: bool,
    /// Of which mark.
    pub kenmerk: Kenmerk,
    /// HMAC-SHA-256 of the mark.
    pub pseudoniem: [u8; 32],
}

impl Accept {
    /// Whether the date or what is in force is no longer that of its admission.
    pub(super) fn is_outdated(&self, micros: i64, versie: u64) -> bool {
        amsterdam_date(moment(micros)) != self.toegelaten.dag() || versie != self.toegelaten.versie()
    }

    pub(super) fn soort(&self) -> Berichtsoort {
        self.toegelaten.bericht().feiten.soort
    }

    /// Which request it makes a bericht of: whose, and its `request_id`.
    pub(super) fn request(&self) -> Request {
        (self.toegelaten.afzender().partner.clone(), self.toegelaten.bericht().request_id)
    }

    /// The postvakken in which it counts as open. What follows another bericht is let in all the same.
    pub(super) fn counted(&self) -> impl Iterator<Item = &Adres> {
        let counts = !self.soort().follows();
        self.toegelaten.stempels().iter().filter(move |_| counts).map(|(adres, _)| adres)
    }
}

/// What became of an accept.
pub enum Accepted {
    /// Written: the moment, and index and bytes of each regel.
    New {
        /// `tijd`, microseconds.
        micros: i64,
        /// One an ontvanger.
        regels: Vec<(u64, Vec<u8>)>,
    },
    /// The `request_id` was used before, for this bericht.
    Repeat(BerichtId),
    /// Since the admission the date in Amsterdam turned, or what is in force changed: admit again.
    Outdated,
}

/// Accepts an admitted bericht, or says why not.
pub(super) async fn accept(
    work: &mut Work<'_>,
    accept: &Arc<Accept>,
) -> Result<Result<Accepted, Weigering>, StoreError> {
    let now = work.log.micros();
    if accept.is_outdated(now, work.versie()) {
        return Ok(Ok(Accepted::Outdated));
    }
    if let Some(known) = work.made_by(accept.request()).await? {
        return Ok(Ok(Accepted::Repeat(known)));
    }
    for adres in accept.counted() {
        if work.open(adres).await? >= accept.postvak_limit {
            return Ok(Err(Weigering::PostvakVol));
        }
    }
    // Whatever can refuse comes before the first write.
    let mut effect = match earlier::judge(work, accept, now).await? {
        Ok(effect) => effect,
        Err(weigering) => return Ok(Err(weigering)),
    };
    let mut regels = Vec::with_capacity(accept.regels.len());
    for regel in &accept.regels {
        regels.push(work.log.append(Some(accept.id), regel.clone())?);
    }
    for adres in accept.counted() {
        work.count_open(adres, 1).await?;
    }
    let log_indexes: Vec<u64> = regels.iter().map(|(log_index, _)| *log_index).collect();
    if let Some(first) = log_indexes.first() {
        work.log.keep_salts(*first, accept.zouten.clone());
    }
    for rij in &mut effect.replaced {
        let regel = rij.regel(Soort::Vernietigd, &accept.actor);
        work.step(rij, Toestand::Vervangen, 0, &accept.actor, regel).await?;
    }
    earlier::follow_up(work, accept, effect.destroyed).await?;
    work.accepted(NewBericht {
        accept: Arc::clone(accept),
        micros: now,
        log_indexes,
        reserved_until: effect.reserved_until,
    });
    Ok(Ok(Accepted::New { micros: now, regels }))
}
