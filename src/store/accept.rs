//! Accepting a bericht: everything that it changes, in one transaction.

use sqlx::SqliteConnection;

use super::{
    StoreError,
    berichten::bericht_id,
    earlier::{check_answered, check_followed, destroyed, follow_up, replaced},
    insert::{insert_bericht, insert_ontvanger},
    postvak::moment,
    rij::Actor,
    toestand::{Toestand, Work},
};
use crate::{
    domain::{BerichtId, Berichtsoort, Kenmerk, Oin, Toegelaten, Weigering, houdbaarheid::amsterdam_date},
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

/// Writes an accepted bericht, or says why not.
pub(super) async fn accept(
    work: &mut Work<'_>,
    versie: u64,
    mut accept: Accept,
) -> Result<Result<Accepted, Weigering>, StoreError> {
    let now = work.log.micros();
    if accept.is_outdated(now, versie) {
        return Ok(Ok(Accepted::Outdated));
    }
    if let Some(known) = repeated(work.tx, &accept).await? {
        return Ok(Ok(Accepted::Repeat(known)));
    }
    if !accept.soort().follows() {
        for (adres, _) in accept.toegelaten.stempels() {
            if work.counters.open(work.tx, adres).await? >= accept.postvak_limit {
                return Ok(Err(Weigering::PostvakVol));
            }
        }
    }
    // Whatever can refuse comes before the first write.
    let reserved_until = match check_answered(work.tx, &accept, now).await? {
        Ok(until) => until,
        Err(weigering) => return Ok(Err(weigering)),
    };
    let mut replaced = match replaced(work.tx, &accept).await? {
        Ok(rijen) => rijen,
        Err(weigering) => return Ok(Err(weigering)),
    };
    if let Err(weigering) = check_followed(work.tx, &accept).await? {
        return Ok(Err(weigering));
    }
    let destroyed = destroyed(work.tx, &accept).await?;
    insert_bericht(work.tx, &accept, now).await?;
    let mut written = Vec::with_capacity(accept.regels.len());
    for (at, regel) in std::mem::take(&mut accept.regels).into_iter().enumerate() {
        let (log_index, leaf) = work.log.append(Some(accept.id), regel);
        // An answer to a waiting Ask is reserved for it: as if leased, never handed out.
        let toestand = if reserved_until > now { Toestand::Afgeleverd } else { Toestand::Wacht };
        insert_ontvanger(work.tx, &accept, at, log_index, toestand, reserved_until).await?;
        if !accept.soort().follows() {
            work.counters.change(work.tx, &accept.toegelaten.stempels()[at].0, 1).await?;
        }
        written.push((log_index, leaf));
    }
    if let Some((first, _)) = written.first() {
        work.log.keep_salts(*first, std::mem::take(&mut accept.zouten));
    }
    for rij in &mut replaced {
        let regel = rij.regel(Soort::Vernietigd, &accept.actor);
        work.step(rij, Toestand::Vervangen, 0, &accept.actor, regel).await?;
    }
    follow_up(work, &accept, destroyed).await?;
    Ok(Ok(Accepted::New { micros: now, regels: written }))
}

/// The bericht that this `request_id` made before.
async fn repeated(tx: &mut SqliteConnection, accept: &Accept) -> Result<Option<BerichtId>, StoreError> {
    let known: Option<Vec<u8>> =
        sqlx::query_scalar("SELECT id FROM berichten WHERE afzender_partner = $1 AND request_id = $2")
            .bind(accept.toegelaten.afzender().partner.as_str())
            .bind(accept.toegelaten.bericht().request_id.as_bytes().as_slice())
            .fetch_optional(tx)
            .await?;
    known.map(|known| bericht_id(&known, "berichten")).transpose()
}
