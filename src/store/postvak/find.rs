//! Finding the scenario's of a person, by keyed pseudonyms alone.

use std::{collections::BTreeSet, slice, sync::Arc};

use super::{
    actor::Actor,
    pseudoniemen::recognised,
    rij::{PostvakRij, read::find_at},
    work::Work,
};
use crate::{
    domain::{Adres, BerichtId, Berichtsoort, Kenmerk, Toestand, VanKracht},
    logboek::{Logregel, Soort},
    sleutels::Veld,
    store::{NotDone, StoreError, ledger::append::Committed, values::bericht_id},
};

/// Looks for the current scenario's of a person.
pub struct Find {
    /// At these loketten.
    pub adressen: Vec<Adres>,
    /// By these marks of the person.
    pub kenmerken: Vec<(Kenmerk, [u8; 32])>,
    /// The person.
    pub betrokkene: Committed,
    /// The address where it is looked, as the logboek writes it; none where that is several.
    pub ontvanger: Option<String>,
    /// Who looks, and for which case.
    pub actor: Actor,
    /// What allows it now.
    pub van_kracht: Arc<VanKracht>,
}

/// A scenario that was found.
#[derive(Clone, Debug)]
pub struct Found {
    /// The bericht for the ontvanger where it lies.
    pub rij: PostvakRij,
    /// By what the person was recognised.
    pub kenmerk: Kenmerk,
    /// Whether the scenario is about this person first.
    pub hoofdpersoon: bool,
}

/// Scenario's in one answer, at most: the newest.
const MOST_FOUND: usize = 100;
/// Scenario's of one person at one loket that are looked at, the newest first, so that a search holds the writer for a bounded time: twice
/// as many as are given, because some may not be current or of somebody else.
const MOST_LOOKED_AT: i64 = 200;

/// Finds scenario's, and logs a regel for each; or one regel where none was found.
pub(in crate::store) async fn find(work: &mut Work<'_>, find: &Find) -> Result<Vec<Found>, NotDone> {
    // Everything is read before anything is logged.
    let found = current(work, find).await?;
    let betrokkene = vec![find.betrokkene.commitment.clone()];
    for Found { rij, .. } in &found {
        let regel = Logregel {
            betrokkene: betrokkene.clone(),
            uitkomst: Some("gevonden".to_owned()),
            ..rij.regel(Soort::Geraadpleegd, &find.actor)
        };
        log(work, find, Some(rij.bericht), regel)?;
    }
    if found.is_empty() {
        let regel = Logregel {
            ontvanger: find.ontvanger.clone(),
            berichtsoort: Some(Berichtsoort::Scenario.to_string()),
            betrokkene,
            aantal: Some(0),
            uitkomst: Some("niet_gevonden".to_owned()),
            ..find.actor.regel(Soort::Geraadpleegd)
        };
        log(work, find, None, regel)?;
    }
    Ok(found)
}

/// Appends a regel of a search, with what opens its commitments.
fn log(work: &mut Work<'_>, find: &Find, bericht: Option<BerichtId>, regel: Logregel) -> Result<(), StoreError> {
    find.actor.log(&mut work.log, bericht, regel)?;
    work.log.keep_openings([(Veld::Betrokkene, slice::from_ref(&find.betrokkene))]);
    Ok(())
}

/// The scenario's of a person that can be read now at these loketten, or could be if they were not damaged; the newest first.
async fn current(work: &mut Work<'_>, find: &Find) -> Result<Vec<Found>, StoreError> {
    let (now, today) = (work.now(), work.today());
    let tx = work.database().await?;
    let mut places = BTreeSet::new();
    for adres in &find.adressen {
        for (_, pseudoniem) in &find.kenmerken {
            let ids: Vec<Vec<u8>> = sqlx::query_scalar(
                "SELECT bericht FROM vindbaar WHERE partner = $1 AND loket = $2 AND pseudoniem = $3 \
                 ORDER BY bericht DESC LIMIT $4",
            )
            .bind(adres.partner.as_str())
            .bind(adres.loket.as_str())
            .bind(pseudoniem.as_slice())
            .bind(MOST_LOOKED_AT)
            .fetch_all(&mut *tx)
            .await?;
            for id in ids {
                places.insert((bericht_id(&id, "vindbaar")?, adres));
            }
        }
    }
    let berichten: BTreeSet<BerichtId> = places.iter().map(|(bericht, _)| *bericht).collect();
    let berichten: Vec<BerichtId> = berichten.into_iter().collect();
    let recognised = recognised(tx, &berichten, &find.kenmerken).await?;
    let mut found = Vec::new();
    for (bericht, adres) in places.into_iter().rev() {
        let Some((kenmerk, hoofdpersoon)) = recognised.get(&bericht).copied() else { continue };
        // A row that is gone or cannot be read is an error: somebody who searches at night must never hear "none" instead.
        let gone = || StoreError::inconsistent("vindbaar", "bericht", bericht);
        let rij = find_at::<PostvakRij>(tx, bericht, adres).await?.ok_or_else(gone)?;
        let current = rij.toestand.is_found()
            && (rij.ended_by.is_none() || rij.toestand == Toestand::Beschadigd)
            && rij.last_day() >= today
            && rij.may_be_handed(&find.van_kracht, now).is_ok();
        if current && found.len() < MOST_FOUND {
            found.push(Found { rij, kenmerk, hoofdpersoon });
        }
    }
    Ok(found)
}
