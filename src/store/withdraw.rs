//! Withdrawing a bericht: what was not delivered never is, and who got it is asked to destroy its copy.

use std::sync::Arc;

use super::{
    DbConnection, Outdated, StoreError,
    accept::{Accept, Accepted, accept},
    rij::{Actor, PostvakRij, ReadRow, select_rows},
    toestand::Toestand,
    uint,
    work::Work,
};
use crate::{
    domain::{Adres, BerichtId, Weigering},
    logboek::{Logregel, Soort},
};

/// Takes back a bericht.
pub struct Withdraw {
    /// The bericht.
    pub bericht: BerichtId,
    /// Who must have sent it.
    pub afzender: Adres,
    /// Who does it, and why.
    pub actor: Actor,
    /// Stands in each regel as `weigering`: a withdrawal that marks a data leak.
    pub datalek: Option<&'static str>,
    /// Who got it, when it was judged.
    pub kregen: Vec<Adres>,
    /// Goes to those of them who are still deelnemers; absent where nobody is.
    pub verzoek: Option<Arc<Accept>>,
    /// The version of what was in force when it was judged.
    pub versie: u64,
}

/// A bericht that was withdrawn.
#[derive(Debug)]
pub struct Withdrawn {
    /// Each ontvanger in the order sent, and the regel by which it was withdrawn: index and soort.
    pub rijen: Vec<(PostvakRij, Option<(u64, Soort)>)>,
    /// The vernietigingsverzoek that was sent now, and who got it.
    pub vernietigingsverzoek: Option<(BerichtId, Vec<Adres>)>,
}

/// Whether a withdrawal has something to end for this ontvanger.
#[must_use]
pub fn can_end(rij: &PostvakRij) -> bool {
    // What was refused could still be delivered, when a convenant allows it again.
    let waits = rij.toestand.is_open() || rij.toestand == Toestand::Geweigerd;
    waits || (rij.kreeg() && rij.toestand != Toestand::Ingetrokken)
}

/// Withdraws, unless somebody got it since it was judged who did.
pub(super) async fn withdraw(
    work: &mut Work<'_>,
    withdraw: &Withdraw,
) -> Result<Result<Result<Withdrawn, Weigering>, Outdated>, StoreError> {
    let Withdraw { bericht, afzender, actor, datalek, kregen, verzoek, versie: judged_by } = withdraw;
    let (bericht, datalek) = (*bericht, *datalek);
    let rows = select_rows!("WHERE p.bericht = $1 ORDER BY p.log_index")
        .bind(bericht.0.as_bytes().to_vec())
        .fetch_all(work.database().await?)
        .await?;
    let mut rijen = rows.iter().map(PostvakRij::read).collect::<Result<Vec<_>, _>>()?;
    if !rijen.iter().any(|rij| rij.afzender == *afzender) {
        return Ok(Ok(Err(Weigering::BerichtOnbekend)));
    }
    let got = rijen.iter().filter(|rij| can_end(rij) && rij.kreeg()).map(|rij| &rij.ontvanger);
    let outdated = verzoek.as_ref().is_some_and(|verzoek| verzoek.is_outdated(work.log.micros(), work.versie()));
    if outdated || *judged_by != work.versie() || !got.eq(kregen) {
        return Ok(Err(Outdated));
    }
    if !rijen.iter().any(|rij| can_end(rij) || rij.toestand == Toestand::Ingetrokken) {
        return Ok(Ok(Err(Weigering::AlBeeindigd)));
    }
    let asked: Vec<&Adres> =
        verzoek.iter().flat_map(|verzoek| verzoek.toegelaten.stempels()).map(|(adres, _)| adres).collect();
    let earlier = withdrawn_before(work.database().await?, bericht).await?;
    let mut regels = Vec::with_capacity(rijen.len());
    for rij in &mut rijen {
        let before = earlier.iter().filter(|(_, regel)| regel.ontvanger.as_ref() == Some(&rij.ontvanger_adres));
        // A regel of this very transaction is not in its table yet; the row knows of it.
        let asked_then = if rij.kreeg() { Soort::VernietigingGevraagd } else { Soort::Ingetrokken };
        let by_row = (rij.toestand == Toestand::Ingetrokken).then_some((rij.stand, asked_then));
        let mut by = before.clone().next().map(|(index, regel)| (*index, regel.soort)).or(by_row);
        // Who is no deelnemer any more cannot be asked, and the regel does not say that it was.
        let soort = if asked.contains(&&rij.ontvanger) { Soort::VernietigingGevraagd } else { Soort::Ingetrokken };
        let regel = Logregel { weigering: datalek.map(str::to_owned), ..rij.regel(soort, actor) };
        if can_end(rij) {
            by = Some((work.step(rij, Toestand::Ingetrokken, 0, actor, regel).await?, soort));
        } else if let (Some((_, first)), Some(code)) = (by, datalek)
            && !before.clone().any(|(_, regel)| regel.weigering.as_deref() == Some(code))
        {
            // That it was a data leak may come to light later, and must stand in the logboek all the same.
            actor.log(&mut work.log, Some(bericht), Logregel { soort: first, ..regel })?;
        }
        regels.push(by);
    }
    let vernietigingsverzoek = match verzoek {
        Some(verzoek) => {
            let asked = verzoek.toegelaten.stempels().iter().map(|(adres, _)| adres.clone()).collect();
            let id = verzoek.id;
            match accept(work, verzoek).await? {
                Ok(Accepted::New { .. }) => Some((id, asked)),
                // A new request of the gateway's own is neither outdated, repeated nor refused.
                _ => return Err(StoreError::Broken("het vernietigingsverzoek werd niet aanvaard".to_owned())),
            }
        }
        None => None,
    };
    let rijen = rijen.into_iter().zip(regels).collect();
    Ok(Ok(Ok(Withdrawn { rijen, vernietigingsverzoek })))
}

/// The regels by which a bericht was withdrawn before.
async fn withdrawn_before(tx: &mut DbConnection, bericht: BerichtId) -> Result<Vec<(u64, Logregel)>, StoreError> {
    let rows: Vec<(i64, Vec<u8>)> =
        sqlx::query_as("SELECT log_index, regel FROM logregels WHERE bericht = $1 ORDER BY log_index")
            .bind(bericht.0.as_bytes().to_vec())
            .fetch_all(tx)
            .await?;
    let mut found = Vec::new();
    for (index, leaf) in rows {
        let regel = Logregel::from_leaf(&leaf).map_err(|_| StoreError::inconsistent("logregels", "regel", index))?;
        if matches!(regel.soort, Soort::Ingetrokken | Soort::VernietigingGevraagd) {
            found.push((uint(index), regel));
        }
    }
    Ok(found)
}
