//! What a new bericht asks of earlier ones, and what it changes of them.

use std::collections::BTreeSet;

use super::{
    DbConnection, StoreError,
    accept::{Accept, Pseudoniem},
    int,
    rij::{PostvakRij, ReadRow, select_rows},
    verval,
    work::Work,
    zoek::pseudoniemen_of,
};
use crate::{
    domain::{
        BerichtId, Berichtsoort, Kenmerk, Vernietiging, Weigering,
        persoon::{contradict, may_be_same},
    },
    logboek::{Logregel, Soort},
};

/// So often one loket can follow a bericht with one berichtsoort.
const MOST_FOLLOWING: i64 = 20;

/// What an accepted bericht does to earlier ones.
#[derive(Default)]
pub(super) struct Effect {
    /// Until when it is reserved for a waiting Ask, microseconds; 0 when it is not.
    pub(super) reserved_until: i64,
    /// What it replaces.
    pub(super) replaced: Vec<PostvakRij>,
    /// The withdrawn bericht of which it says what became of a copy.
    pub(super) destroyed: Option<PostvakRij>,
}

/// What it does; or why it cannot come after what was before.
pub(super) async fn judge(
    work: &mut Work<'_>,
    accept: &Accept,
    now: i64,
) -> Result<Result<Effect, Weigering>, StoreError> {
    let bericht = accept.toegelaten.bericht();
    if bericht.vervangt.or(bericht.in_antwoord_op).is_none() {
        return Ok(Ok(Effect::default()));
    }
    let tx = work.database().await?;
    let reserved_until = match check_answered(tx, accept, now).await? {
        Ok(until) => until,
        Err(weigering) => return Ok(Err(weigering)),
    };
    let replaced = match replaced(tx, accept).await? {
        Ok(rijen) => rijen,
        Err(weigering) => return Ok(Err(weigering)),
    };
    if let Err(weigering) = check_followed(tx, accept).await? {
        return Ok(Err(weigering));
    }
    let destroyed = destroyed(tx, accept).await?;
    Ok(Ok(Effect { reserved_until, replaced, destroyed }))
}

/// Until when an answer is reserved for a waiting Ask; or why it comes too late.
async fn check_answered(
    tx: &mut DbConnection,
    accept: &Accept,
    now: i64,
) -> Result<Result<i64, Weigering>, StoreError> {
    let Some(verzoek) = accept.toegelaten.bericht().in_antwoord_op.filter(|_| accept.soort().answers_once()) else {
        return Ok(Ok(0));
    };
    let afzender = accept.toegelaten.afzender();
    let id = verzoek.0.as_bytes().to_vec();
    let withdrawn: Option<i64> =
        sqlx::query_scalar("SELECT 1 FROM postvak WHERE bericht = $1 AND partner = $2 AND loket = $3 AND toestand = 5")
            .bind(&id)
            .bind(afzender.partner.as_str())
            .bind(afzender.loket.as_str())
            .fetch_optional(&mut *tx)
            .await?;
    if withdrawn.is_some() {
        return Ok(Err(Weigering::VerzoekIngetrokken));
    }
    // One that was withdrawn, lapsed or was damaged before it arrived does not count: another may come in its place. One that was
    // refused at delivery does: it can still arrive.
    let earlier: Option<i64> = sqlx::query_scalar(
        "SELECT 1 FROM postvak p JOIN berichten b ON b.id = p.bericht WHERE p.in_antwoord_op = $1 \
         AND b.afzender_partner = $2 AND b.afzender_loket = $3 AND b.berichtsoort = $4 AND p.toestand <> 5 \
         AND (p.toestand NOT IN (4, 7) OR p.poging > 0 OR p.gelezen = 1) LIMIT 1",
    )
    .bind(&id)
    .bind(afzender.partner.as_str())
    .bind(afzender.loket.as_str())
    .bind(accept.soort().as_str())
    .fetch_optional(&mut *tx)
    .await?;
    if earlier.is_some() {
        return Ok(Err(Weigering::AlBeantwoord));
    }
    let until: Option<i64> =
        sqlx::query_scalar("SELECT wacht_tot FROM berichten WHERE id = $1").bind(&id).fetch_optional(tx).await?;
    Ok(Ok(until.filter(|until| *until > now).unwrap_or(0)))
}

/// What a renewal replaces; or why it cannot any more.
async fn replaced(tx: &mut DbConnection, accept: &Accept) -> Result<Result<Vec<PostvakRij>, Weigering>, StoreError> {
    let bericht = accept.toegelaten.bericht();
    // A warning is of use only as long as there is something to renew.
    let Some(old) =
        bericht.vervangt.or(bericht.in_antwoord_op.filter(|_| accept.soort() == Berichtsoort::Vervalwaarschuwing))
    else {
        return Ok(Ok(Vec::new()));
    };
    let id = old.0.as_bytes().to_vec();
    let later: Option<i64> =
        sqlx::query_scalar("SELECT 1 FROM berichten WHERE vervangt = $1").bind(&id).fetch_optional(&mut *tx).await?;
    if later.is_some() {
        return Ok(Err(Weigering::AlVervangen));
    }
    if bericht.vervangt.is_none() {
        // Another gateway may have warned meanwhile.
        let warned: Option<i64> = sqlx::query_scalar("SELECT gewaarschuwd FROM berichten WHERE id = $1")
            .bind(&id)
            .fetch_optional(&mut *tx)
            .await?;
        if warned == Some(1) {
            return Ok(Err(Weigering::NietTeVerlengen));
        }
    }
    let rows = select_rows!("WHERE p.bericht = $1 ORDER BY p.log_index").bind(&id).fetch_all(tx).await?;
    let rijen = rows.iter().map(PostvakRij::read).collect::<Result<Vec<_>, _>>()?;
    let current: Vec<PostvakRij> = rijen.into_iter().filter(|rij| rij.toestand.is_current()).collect();
    if current.is_empty() {
        return Ok(Err(Weigering::NietTeVerlengen));
    }
    Ok(Ok(if bericht.vervangt.is_some() { current } else { Vec::new() }))
}

/// What an accepted bericht changes of the one that it answers or follows.
pub(super) async fn follow_up(
    work: &mut Work<'_>,
    accept: &Accept,
    destroyed: Option<PostvakRij>,
) -> Result<(), StoreError> {
    let Some(earlier) = accept.toegelaten.bericht().in_antwoord_op else { return Ok(()) };
    let afzender = accept.toegelaten.afzender();
    match accept.soort() {
        Berichtsoort::Terugkoppeling => {
            sqlx::query(
                "UPDATE postvak SET terugkoppeling_open = NULL WHERE bericht = $1 AND partner = $2 AND loket = $3",
            )
            .bind(earlier.0.as_bytes().to_vec())
            .bind(afzender.partner.as_str())
            .bind(afzender.loket.as_str())
            .execute(work.database().await?)
            .await?;
        }
        Berichtsoort::Vervalwaarschuwing => verval::warned(work.database().await?, earlier).await?,
        _ => {}
    }
    if let Some(rij) = destroyed {
        confirm_destruction(work, accept, &rij).await?;
    }
    Ok(())
}

/// The withdrawn bericht of which an ontvanger says what became of its copy.
async fn destroyed(tx: &mut DbConnection, accept: &Accept) -> Result<Option<PostvakRij>, StoreError> {
    let Some(verzoek) = accept.toegelaten.bericht().in_antwoord_op else { return Ok(None) };
    if accept.soort() != Berichtsoort::Vernietigingsbevestiging {
        return Ok(None);
    }
    let afzender = accept.toegelaten.afzender();
    let row = select_rows!(
        "WHERE p.bericht = (SELECT in_antwoord_op FROM berichten WHERE id = $1) AND p.partner = $2 AND p.loket = $3"
    )
    .bind(verzoek.0.as_bytes().to_vec())
    .bind(afzender.partner.as_str())
    .bind(afzender.loket.as_str())
    .fetch_optional(tx)
    .await?;
    row.as_ref().map(PostvakRij::read).transpose()
}

/// Notes there what became of it. The regel has the outcome as `weigering` where the copy was kept: then destruction is what was
/// refused.
async fn confirm_destruction(work: &mut Work<'_>, accept: &Accept, rij: &PostvakRij) -> Result<(), StoreError> {
    let Some(uitkomst) = accept.toegelaten.bericht().feiten.vernietiging else { return Ok(()) };
    let kept = (uitkomst != Vernietiging::Vernietigd).then(|| uitkomst.as_str().to_owned());
    let regel = Logregel { weigering: kept, ..rij.regel(Soort::VernietigingBevestigd, &accept.actor) };
    accept.actor.log(&mut work.log, Some(rij.bericht), regel)?;
    sqlx::query("UPDATE postvak SET vernietiging = $1 WHERE log_index = $2")
        .bind(uitkomst.as_str())
        .bind(int(rij.log_index))
        .execute(work.database().await?)
        .await?;
    Ok(())
}

/// Whether a bericht may go with an earlier one: about nobody else; and what needs no rule not for ever, so that it becomes no way
/// around those.
async fn check_followed(tx: &mut DbConnection, accept: &Accept) -> Result<Result<(), Weigering>, StoreError> {
    let bericht = accept.toegelaten.bericht();
    let Some(earlier) = bericht.vervangt.or(bericht.in_antwoord_op) else { return Ok(Ok(())) };
    let by_partner = accept.soort().follows() && !accept.soort().from_gateway();
    if by_partner && times_followed(tx, accept, earlier).await? >= MOST_FOLLOWING {
        return Ok(Err(Weigering::TeVaakGevolgd));
    }
    let named = people(&accept.pseudoniemen);
    if named.is_empty() {
        return Ok(Ok(()));
    }
    let known: Vec<Pseudoniem> = pseudoniemen_of(tx, &[earlier]).await?.into_iter().map(|(_, mark)| mark).collect();
    let known = people(&known);
    let main = || known.iter().filter(|(hoofdpersoon, _)| *hoofdpersoon).map(|(_, marks)| marks);
    let renews = bericht.vervangt.is_some();
    let agree = known.is_empty()
        || named.iter().all(|(hoofdpersoon, marks)| match (accept.soort().follows(), *hoofdpersoon) {
            (true, _) => known.iter().any(|(_, known)| may_be_same(marks, known)),
            (false, true) if renews => main().any(|known| may_be_same(marks, known)),
            // An answer may write a name differently.
            (false, true) => !main().any(|known| contradict(marks, known)),
            // A systeem can grow.
            (false, false) => true,
        });
    Ok(if agree { Ok(()) } else { Err(Weigering::BetrokkeneAnders) })
}

/// How often this loket followed a bericht with this berichtsoort.
async fn times_followed(tx: &mut DbConnection, accept: &Accept, earlier: BerichtId) -> Result<i64, StoreError> {
    let afzender = accept.toegelaten.afzender();
    let times = sqlx::query_scalar(
        "SELECT count(*) FROM berichten WHERE in_antwoord_op = $1 AND berichtsoort = $2 AND afzender_partner = $3 \
         AND afzender_loket = $4",
    )
    .bind(earlier.0.as_bytes().to_vec())
    .bind(accept.soort().as_str())
    .bind(afzender.partner.as_str())
    .bind(afzender.loket.as_str())
    .fetch_one(tx)
    .await?;
    Ok(times)
}

type Marks = Vec<(Kenmerk, [u8; 32])>;

/// Each betrokkene of a bericht: whether it is about this one first, and its marks.
fn people(pseudoniemen: &[Pseudoniem]) -> Vec<(bool, Marks)> {
    let numbers: BTreeSet<usize> = pseudoniemen.iter().map(|mark| mark.volgnummer).collect();
    let of = |number| pseudoniemen.iter().filter(move |mark| mark.volgnummer == number);
    let marks = |number| of(number).map(|mark| (mark.kenmerk, mark.pseudoniem)).collect();
    numbers.into_iter().map(|number| (of(number).any(|mark| mark.hoofdpersoon), marks(number))).collect()
}
