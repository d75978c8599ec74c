//! Withdrawing a bericht: what was not delivered never is, and who got it is asked to destroy its copy.

use super::{
    Outdated, StoreError,
    accept::{Accept, Accepted, accept},
    rij::{Actor, PostvakRij, select_rows},
    toestand::{Toestand, Work},
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
    pub verzoek: Option<Accept>,
    /// The version of what was in force when it was judged.
    pub versie: u64,
}

/// A bericht that was withdrawn.
#[derive(Debug)]
pub struct Withdrawn {
    /// Each ontvanger, in the order sent.
    pub rijen: Vec<PostvakRij>,
    /// The vernietigingsverzoek that was sent now, and who got it.
    pub vernietigingsverzoek: Option<(BerichtId, Vec<Adres>)>,
}

/// Whether a withdrawal has something to end for this ontvanger.
#[must_use]
pub fn can_end(rij: &PostvakRij) -> bool {
    rij.toestand.is_open() || (rij.kreeg() && rij.toestand != Toestand::Ingetrokken)
}

/// Withdraws, unless somebody got it since it was judged who did.
pub(super) async fn withdraw(
    work: &mut Work<'_>,
    versie: u64,
    withdraw: Withdraw,
) -> Result<Result<Result<Withdrawn, Weigering>, Outdated>, StoreError> {
    let Withdraw { bericht, afzender, actor, datalek, kregen, verzoek, versie: judged_by } = withdraw;
    let rows = select_rows!("WHERE p.bericht = $1 ORDER BY p.log_index")
        .bind(bericht.0.as_bytes().to_vec())
        .fetch_all(&mut *work.tx)
        .await?;
    let mut rijen = rows.iter().map(PostvakRij::read).collect::<Result<Vec<_>, _>>()?;
    if !rijen.iter().any(|rij| rij.afzender == afzender) {
        return Ok(Ok(Err(Weigering::BerichtOnbekend)));
    }
    let got = rijen.iter().filter(|rij| can_end(rij) && rij.kreeg()).map(|rij| &rij.ontvanger);
    let outdated = verzoek.as_ref().is_some_and(|verzoek| verzoek.is_outdated(work.log.micros(), versie));
    if outdated || judged_by != versie || !got.eq(&kregen) {
        return Ok(Err(Outdated));
    }
    if !rijen.iter().any(|rij| can_end(rij) || rij.toestand == Toestand::Ingetrokken) {
        return Ok(Ok(Err(Weigering::AlBeeindigd)));
    }
    for rij in rijen.iter_mut().filter(|rij| can_end(rij)) {
        let soort = if rij.kreeg() { Soort::VernietigingGevraagd } else { Soort::Ingetrokken };
        let regel = Logregel { weigering: datalek.map(str::to_owned), ..rij.regel(soort, &actor) };
        work.step(rij, Toestand::Ingetrokken, 0, &actor, regel).await?;
    }
    let vernietigingsverzoek = match verzoek {
        Some(verzoek) => {
            let asked = verzoek.toegelaten.stempels().iter().map(|(adres, _)| adres.clone()).collect();
            let id = verzoek.id;
            match accept(work, versie, verzoek).await? {
                Ok(Accepted::New { .. }) => Some((id, asked)),
                _ => unreachable!("a new request of the gateway's own is neither outdated, repeated nor refused"),
            }
        }
        None => None,
    };
    Ok(Ok(Ok(Withdrawn { rijen, vernietigingsverzoek })))
}
