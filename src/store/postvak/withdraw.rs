//! Withdrawing a bericht: what was not delivered never is, and who got it is asked to destroy its copy.

use std::sync::Arc;

use super::{
    accept::{Accepted, accept},
    actor::Actor,
    new::Accept,
    rij::{PostvakRij, read::rows_of},
    work::Work,
};
use crate::{
    domain::{Adres, BerichtId, Toestand, Weigering},
    logboek::{Logregel, Oorzaak, Soort},
    store::{DbConnection, NotDone, StoreError, ledger::regels::timeline},
};

/// Takes back a bericht.
pub struct Withdraw {
    /// The bericht.
    pub bericht: BerichtId,
    /// Who must have sent it.
    pub afzender: Adres,
    /// Who does it, and why.
    pub actor: Actor,
    /// Set where the withdrawal marks a data leak: stands in each regel as `weigering`.
    pub datalek: Option<&'static str>,
    /// Who had received it, when it was judged.
    pub received_by: Vec<Adres>,
    /// The vernietigingsverzoek to those in `received_by` who are still deelnemers; absent where there are none.
    pub verzoek: Option<Arc<Accept>>,
    /// The version of what was in force when it was judged.
    pub versie: u64,
}

/// A bericht that was withdrawn.
#[derive(Debug)]
pub struct Withdrawn {
    /// Each ontvanger in the order sent.
    pub ontvangers: Vec<WithdrawnAt>,
    /// The vernietigingsverzoek that was sent now.
    pub vernietigingsverzoek: Option<BerichtId>,
}

/// A bericht that was withdrawn, for one ontvanger.
#[derive(Debug)]
pub struct WithdrawnAt {
    /// The row.
    pub rij: PostvakRij,
    /// The regel by which it was withdrawn, now or before: index and soort. None where it had ended otherwise.
    pub by: Option<(u64, Soort)>,
}

/// Withdraws a bericht. Where somebody received it since the withdrawal was judged, it must be judged again.
pub(in crate::store) async fn withdraw(work: &mut Work<'_>, withdraw: &Withdraw) -> Result<Withdrawn, NotDone> {
    let rijen = rows_of(work.database().await?, withdraw.bericht).await?;
    if !rijen.iter().any(|rij| rij.afzender == withdraw.afzender) {
        return Err(Weigering::BerichtOnbekend.into());
    }
    let received = rijen.iter().filter(|rij| rij.can_be_withdrawn() && rij.was_received());
    if !received.map(|rij| &rij.ontvanger.adres).eq(&withdraw.received_by) {
        return Err(NotDone::Outdated);
    }
    if !rijen.iter().any(|rij| rij.can_be_withdrawn() || rij.toestand == Toestand::Ingetrokken) {
        return Err(Weigering::AlBeeindigd.into());
    }
    let earlier = if rijen.iter().any(|rij| rij.toestand == Toestand::Ingetrokken) {
        withdrawn_before(work.database().await?, withdraw.bericht).await?
    } else {
        Vec::new()
    };
    let mut ontvangers = Vec::with_capacity(rijen.len());
    for mut rij in rijen {
        let by = withdraw_at(work, withdraw, &mut rij, &earlier).await?;
        ontvangers.push(WithdrawnAt { rij, by });
    }
    let vernietigingsverzoek = match &withdraw.verzoek {
        Some(verzoek) => Some(ask_to_destroy(work, verzoek).await?),
        None => None,
    };
    Ok(Withdrawn { ontvangers, vernietigingsverzoek })
}

/// Withdraws at one ontvanger, where there is something to end. Gives the regel by which it was withdrawn.
async fn withdraw_at(
    work: &mut Work<'_>,
    withdraw: &Withdraw,
    rij: &mut PostvakRij,
    earlier: &[(u64, Logregel)],
) -> Result<Option<(u64, Soort)>, StoreError> {
    let Withdraw { bericht, actor, datalek, verzoek, .. } = withdraw;
    // Who is no deelnemer any more cannot be asked, and the regel must not say that this was done.
    let is_asked = verzoek.iter().flat_map(|verzoek| verzoek.adressen()).any(|adres| *adres == rij.ontvanger.adres);
    let soort = if is_asked { Soort::VernietigingGevraagd } else { Soort::Ingetrokken };
    let regel = Logregel { weigering: datalek.map(str::to_owned), ..rij.end(soort, Oorzaak::Ingetrokken, actor) };
    if rij.can_be_withdrawn() {
        return Ok(Some((work.step(rij, Toestand::Ingetrokken, actor, regel).await?, soort)));
    }
    let in_logboek = rij.ontvanger.in_logboek();
    let before: Vec<_> = earlier.iter().filter(|(_, regel)| regel.ontvanger.as_ref() == Some(&in_logboek)).collect();
    // A regel of this very transaction is not in its table yet; the row knows of it.
    let asked_then = if rij.was_received() { Soort::VernietigingGevraagd } else { Soort::Ingetrokken };
    let by_row = (rij.toestand == Toestand::Ingetrokken).then_some((rij.moved_by, asked_then));
    let by = before.first().map(|(index, regel)| (*index, regel.soort)).or(by_row);
    if let (Some((_, first)), Some(code)) = (by, datalek)
        && !before.iter().any(|(_, regel)| regel.weigering.as_deref() == Some(code))
    {
        // That it was a data leak may come to light later, and must stand in the logboek all the same.
        actor.log(&mut work.log, Some(*bericht), Logregel { soort: first, ..regel })?;
    }
    Ok(by)
}

/// Sends the vernietigingsverzoek. It is a new request of the gateway's own, and so neither repeated nor refused.
async fn ask_to_destroy(work: &mut Work<'_>, verzoek: &Arc<Accept>) -> Result<BerichtId, NotDone> {
    match accept(work, verzoek).await {
        Ok(Accepted::New { .. }) => Ok(verzoek.id),
        Err(error @ NotDone::Failed(_)) => Err(error),
        Ok(Accepted::Repeat(_)) | Err(NotDone::Refused(_) | NotDone::Outdated) => {
            Err(StoreError::Broken("het vernietigingsverzoek werd niet aanvaard".to_owned()).into())
        }
    }
}

/// The regels by which a bericht was withdrawn before.
async fn withdrawn_before(tx: &mut DbConnection, bericht: BerichtId) -> Result<Vec<(u64, Logregel)>, StoreError> {
    let mut found = Vec::new();
    for (index, leaf) in timeline(tx, bericht, 0, u32::MAX).await? {
        let regel = Logregel::from_leaf(&leaf).map_err(|_| StoreError::inconsistent("logregels", "regel", index))?;
        if matches!(regel.soort, Soort::Ingetrokken | Soort::VernietigingGevraagd) {
            found.push((index, regel));
        }
    }
    Ok(found)
}
