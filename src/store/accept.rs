//! Accepting a bericht: everything that it changes, in one transaction.

use sqlx::SqliteConnection;

use super::{
    StoreError,
    berichten::bericht_id,
    int,
    postvak::moment,
    rij::{Actor, PostvakRij, select_rows},
    toestand::{Toestand, Work},
    verval,
};
use crate::{
    domain::{
        BerichtId, Berichtsoort, Doelgroep, Kenmerk, Oin, Toegelaten, Vernietiging, Weigering,
        houdbaarheid::amsterdam_date,
    },
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

    fn soort(&self) -> Berichtsoort {
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
    insert_bericht(work.tx, &accept, now).await?;
    let mut written = Vec::with_capacity(accept.regels.len());
    for (at, regel) in std::mem::take(&mut accept.regels).into_iter().enumerate() {
        let (log_index, leaf) = work.log.append(Some(accept.id), regel);
        // An answer to a waiting Ask is reserved for it: as if leased, never handed out.
        let toestand = if reserved_until > now { Toestand::Afgeleverd } else { Toestand::Wacht };
        insert_ontvanger(work.tx, &accept, at, log_index, toestand, reserved_until).await?;
        work.counters.change(work.tx, &accept.toegelaten.stempels()[at].0, 1).await?;
        written.push((log_index, leaf));
    }
    if let Some((first, _)) = written.first() {
        work.log.keep_salts(*first, std::mem::take(&mut accept.zouten));
    }
    for rij in &mut replaced {
        let regel = rij.regel(Soort::Vernietigd, &accept.actor);
        work.step(rij, Toestand::Vervangen, 0, &accept.actor, regel).await?;
    }
    follow_up(work, &accept).await?;
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

/// Until when an answer is reserved for a waiting Ask; or why it comes too late.
async fn check_answered(
    tx: &mut SqliteConnection,
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
    // One that was withdrawn or refused at delivery does not count: another may come in its place.
    let earlier: Option<i64> = sqlx::query_scalar(
        "SELECT 1 FROM postvak p JOIN berichten b ON b.id = p.bericht WHERE p.in_antwoord_op = $1 \
         AND b.afzender_partner = $2 AND b.afzender_loket = $3 AND b.berichtsoort = $4 AND p.toestand NOT IN (3, 5) LIMIT 1",
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
async fn replaced(
    tx: &mut SqliteConnection,
    accept: &Accept,
) -> Result<Result<Vec<PostvakRij>, Weigering>, StoreError> {
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
    let rows = select_rows!("WHERE p.bericht = $1 ORDER BY p.log_index").bind(&id).fetch_all(tx).await?;
    let rijen = rows.iter().map(PostvakRij::read).collect::<Result<Vec<_>, _>>()?;
    let current: Vec<PostvakRij> = rijen.into_iter().filter(|rij| rij.toestand.is_current()).collect();
    if current.is_empty() {
        return Ok(Err(Weigering::NietTeVerlengen));
    }
    Ok(Ok(if bericht.vervangt.is_some() { current } else { Vec::new() }))
}

/// What an accepted bericht changes of the one that it answers or follows.
async fn follow_up(work: &mut Work<'_>, accept: &Accept) -> Result<(), StoreError> {
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
            .execute(&mut *work.tx)
            .await?;
        }
        Berichtsoort::Vervalwaarschuwing => verval::warned(work.tx, earlier).await?,
        Berichtsoort::Vernietigingsbevestiging => confirm_destruction(work, accept, earlier).await?,
        _ => {}
    }
    Ok(())
}

/// Notes at the bericht that was withdrawn what its ontvanger did with its copy. The regel has the outcome as `weigering` where
/// the copy was kept: then destruction is what was refused.
async fn confirm_destruction(work: &mut Work<'_>, accept: &Accept, verzoek: BerichtId) -> Result<(), StoreError> {
    let Some(uitkomst) = accept.toegelaten.bericht().feiten.vernietiging else { return Ok(()) };
    let afzender = accept.toegelaten.afzender();
    let row = select_rows!(
        "WHERE p.bericht = (SELECT in_antwoord_op FROM berichten WHERE id = $1) AND p.partner = $2 AND p.loket = $3"
    )
    .bind(verzoek.0.as_bytes().to_vec())
    .bind(afzender.partner.as_str())
    .bind(afzender.loket.as_str())
    .fetch_optional(&mut *work.tx)
    .await?;
    let Some(rij) = row.as_ref().map(PostvakRij::read).transpose()? else { return Ok(()) };
    let kept = (uitkomst != Vernietiging::Vernietigd).then(|| uitkomst.as_str().to_owned());
    let regel = Logregel { weigering: kept, ..rij.regel(Soort::VernietigingBevestigd, &accept.actor) };
    accept.actor.log(work.log, Some(rij.bericht), regel);
    sqlx::query("UPDATE postvak SET vernietiging = $1 WHERE log_index = $2")
        .bind(uitkomst.as_str())
        .bind(int(rij.log_index))
        .execute(&mut *work.tx)
        .await?;
    Ok(())
}

async fn insert_bericht(tx: &mut SqliteConnection, accept: &Accept, micros: i64) -> Result<(), StoreError> {
    let toegelaten = &accept.toegelaten;
    let bericht = toegelaten.bericht();
    sqlx::query(
        "INSERT INTO berichten (id, afzender_partner, afzender_loket, afzender_oin, request_id, berichtsoort, gesprek, \
         in_antwoord_op, vervangt, verlenging, betwist, gewaarschuwd, doelgroep, tijd, wacht_tot, vingerafdruk, herhaling, \
         inhoud) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0, $12, $13, $14, $15, $16, $17)",
    )
    .bind(accept.id.0.as_bytes().as_slice())
    .bind(toegelaten.afzender().partner.as_str())
    .bind(toegelaten.afzender().loket.as_str())
    .bind(toegelaten.identiteit().oin.as_str())
    .bind(bericht.request_id.as_bytes().as_slice())
    .bind(accept.soort().as_str())
    .bind(accept.gesprek.0.as_bytes().as_slice())
    .bind(bericht.in_antwoord_op.map(|id| id.0.as_bytes().to_vec()))
    .bind(bericht.vervangt.map(|id| id.0.as_bytes().to_vec()))
    .bind(i64::from(toegelaten.verlenging()))
    .bind(i64::from(bericht.feiten.betwist))
    .bind(toegelaten.doelgroep().map(Doelgroep::as_str))
    .bind(micros)
    .bind(accept.wacht_tot)
    .bind(&accept.vingerafdruk)
    .bind(&accept.herhaling)
    .bind(&accept.inhoud)
    .execute(&mut *tx)
    .await?;
    for Pseudoniem { volgnummer, hoofdpersoon, kenmerk, pseudoniem } in &accept.pseudoniemen {
        sqlx::query(
            "INSERT INTO pseudoniemen (bericht, volgnummer, kenmerk, hoofdpersoon, pseudoniem) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(accept.id.0.as_bytes().as_slice())
        .bind(i64::try_from(*volgnummer).expect("a bericht has at most 16 betrokkenen"))
        .bind(kenmerk.as_str())
        .bind(i64::from(*hoofdpersoon))
        .bind(pseudoniem.as_slice())
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}

async fn insert_ontvanger(
    tx: &mut SqliteConnection,
    accept: &Accept,
    at: usize,
    log_index: u64,
    toestand: Toestand,
    lease_tot: i64,
) -> Result<(), StoreError> {
    let (adres, stempel) = &accept.toegelaten.stempels()[at];
    let (oin, sleutel) = &accept.sleutels[at];
    sqlx::query(
        "INSERT INTO postvak (log_index, bericht, partner, loket, oin, grondslag, regel, convenant, \
         verwerkingsactiviteit, houdbaar_tot_en_met, bewaar_inhoud, sleutel, in_antwoord_op, toestand, stand, poging, gelezen, \
         lease_tot) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $1, 0, 0, $15)",
    )
    .bind(int(log_index))
    .bind(accept.id.0.as_bytes().as_slice())
    .bind(adres.partner.as_str())
    .bind(adres.loket.as_str())
    .bind(oin.as_str())
    .bind(&stempel.grondslag)
    .bind(&stempel.regel)
    .bind(&stempel.convenant)
    .bind(&stempel.verwerkingsactiviteit)
    .bind(stempel.houdbaar_tot_en_met.to_string())
    .bind(stempel.bewaar_inhoud.as_str())
    .bind(sleutel)
    .bind(accept.toegelaten.bericht().in_antwoord_op.map(|id| id.0.as_bytes().to_vec()))
    .bind(toestand as i64)
    .bind(lease_tot)
    .execute(tx)
    .await?;
    Ok(())
}
