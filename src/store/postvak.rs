//! The postvak: what waits for a loket, what was handed out, what was confirmed.
//!
//! ```mermaid
//! stateDiagram-v2
//!     [*] --> Wacht: aanvaard
//!     [*] --> Afgeleverd: aanvaard, reserved for a waiting Ask
//!     Wacht --> Afgeleverd: lease, logged afgeleverd
//!     Afgeleverd --> Afgeleverd: lease lapsed, leased again
//!     Afgeleverd --> Bevestigd: acknowledged
//!     Bevestigd --> Bevestigd: bewaar_inhoud ends with it, logged vernietigd
//!     Wacht --> Geweigerd: no convenant allows it any more
//!     Afgeleverd --> Geweigerd: no convenant allows it any more
//!     Wacht --> Vervallen: houdbaarheid passed
//!     Afgeleverd --> Vervallen: houdbaarheid passed
//!     Geweigerd --> Bevestigd: late acknowledgement of an earlier delivery
//!     Vervallen --> Bevestigd: late acknowledgement of an earlier delivery
//! ```

use std::sync::Arc;

use jiff::{Timestamp, civil::Date};
use sqlx::SqliteConnection;

use super::{
    StoreError,
    append::Appender,
    counters::Counters,
    int,
    rij::{PostvakRij, Toestand, select_rows},
};
use crate::{
    domain::{Adres, BerichtId, Bewaar, Identiteit, VanKracht, Weigering, still_allowed},
    logboek::{Logregel, Soort},
};

impl PostvakRij {
    /// A regel about this bericht and ontvanger.
    fn regel(&self, soort: Soort, actor: &Actor) -> Logregel {
        Logregel {
            gesprek: Some(self.gesprek.to_string()),
            afzender: Some(self.afzender_adres.clone()),
            ontvanger: Some(self.ontvanger_adres.clone()),
            rol: Some(actor.identiteit.rol.to_string()),
            actor: Some(actor.identiteit.oin.to_string()),
            berichtsoort: Some(self.soort.to_string()),
            grondslag: Some(self.stempel.grondslag.clone()),
            regel: Some(self.stempel.regel.clone()),
            verwerkingsactiviteit: Some(self.stempel.verwerkingsactiviteit.clone()),
            convenant: Some(self.stempel.convenant.clone()),
            houdbaar_tot_en_met: Some(self.stempel.houdbaar_tot_en_met.to_string()),
            in_antwoord_op: self.in_antwoord_op.map(|id| id.to_string()),
            trace: actor.trace.clone(),
            medewerker: actor.medewerker.as_ref().map(|(commitment, _)| commitment.clone()),
            ..Logregel::new(String::new(), soort)
        }
    }
}

/// Who does something, as the logboek writes it.
#[derive(Clone, Debug)]
pub struct Actor {
    /// The verified identity.
    pub identiteit: Identiteit,
    /// W3C trace id, 32 hexadecimal digits.
    pub trace: Option<String>,
    /// Commitment to the employee, and its salt.
    pub medewerker: Option<(String, [u8; 32])>,
}

impl Actor {
    fn log(&self, log: &mut Appender, bericht: BerichtId, regel: Logregel) {
        let (log_index, _) = log.append(Some(bericht), regel);
        if let Some((_, zout)) = &self.medewerker {
            log.keep_salts(log_index, zout.to_vec());
        }
    }
}

/// Asks for berichten to hand out.
pub struct Lease {
    /// The postvak.
    pub adres: Adres,
    /// Only answers to this verzoek, reserved or waiting; otherwise whatever waits.
    pub verzoek: Option<BerichtId>,
    /// Whose answer the Ask has already.
    pub answered: Vec<Adres>,
    /// At most so many.
    pub most: u32,
    /// How long they are held, microseconds.
    pub lease_micros: i64,
    /// Who receives.
    pub actor: Actor,
    /// What allows it now.
    pub van_kracht: Arc<VanKracht>,
}

/// Hands out: lapsed leases first, then in the order of the logboek. What is no longer allowed is refused or lapses.
pub(super) async fn lease(
    tx: &mut SqliteConnection,
    log: &mut Appender,
    counters: &mut Counters,
    lease: &Lease,
) -> Result<Vec<PostvakRij>, StoreError> {
    let now = log.micros();
    let moment = Timestamp::from_microsecond(now).expect("the head holds a real moment");
    let mut leased = Vec::new();
    for mut rij in candidates(tx, lease, now).await? {
        match still_allowed(rij.soort, &rij.afzender, &rij.ontvanger, &rij.stempel, &lease.van_kracht, moment) {
            Ok(()) => {
                rij.poging += 1;
                rij.toestand = Toestand::Afgeleverd;
                let until = now.saturating_add(lease.lease_micros);
                set_state(tx, &rij, until).await?;
                let regel = Logregel { poging: Some(rij.poging), ..rij.regel(Soort::Afgeleverd, &lease.actor) };
                lease.actor.log(log, rij.bericht, regel);
                leased.push(rij);
            }
            Err(weigering) => {
                let (toestand, soort) = match weigering {
                    Weigering::Vervallen => (Toestand::Vervallen, Soort::Vervallen),
                    _ => (Toestand::Geweigerd, Soort::Geweigerd),
                };
                rij.toestand = toestand;
                set_state(tx, &rij, 0).await?;
                counters.change(tx, &rij.ontvanger, -1).await?;
                let weigering = (soort == Soort::Geweigerd).then(|| weigering.code().to_owned());
                let regel = Logregel { weigering, ..rij.regel(soort, &lease.actor) };
                lease.actor.log(log, rij.bericht, regel);
            }
        }
    }
    Ok(leased)
}

async fn candidates(tx: &mut SqliteConnection, lease: &Lease, now: i64) -> Result<Vec<PostvakRij>, StoreError> {
    let (partner, loket) = (lease.adres.partner.as_str(), lease.adres.loket.as_str());
    let mut rows = match lease.verzoek {
        Some(verzoek) => {
            select_rows!(
                "WHERE p.in_antwoord_op = $1 AND p.partner = $2 AND p.loket = $3 \
                 AND (p.toestand = 0 OR (p.toestand = 1 AND (p.poging = 0 OR p.lease_tot <= $4))) \
                 ORDER BY p.toestand DESC, p.log_index LIMIT 64"
            )
            .bind(verzoek.0.as_bytes().to_vec())
            .bind(partner)
            .bind(loket)
            .bind(now)
            .fetch_all(&mut *tx)
            .await?
        }
        None => {
            select_rows!(
                "WHERE p.partner = $1 AND p.loket = $2 AND p.toestand = 1 AND p.lease_tot <= $3 ORDER BY p.log_index LIMIT $4"
            )
            .bind(partner)
            .bind(loket)
            .bind(now)
            .bind(i64::from(lease.most))
            .fetch_all(&mut *tx)
            .await?
        }
    };
    if lease.verzoek.is_none() && rows.len() < lease.most as usize {
        let room = int(u64::from(lease.most)) - i64::try_from(rows.len()).expect("no more rows than asked for");
        rows.extend(
            select_rows!("WHERE p.partner = $1 AND p.loket = $2 AND p.toestand = 0 ORDER BY p.log_index LIMIT $3")
                .bind(partner)
                .bind(loket)
                .bind(room)
                .fetch_all(&mut *tx)
                .await?,
        );
    }
    // One damaged row must not keep the others from their ontvanger.
    let read =
        |row| PostvakRij::read(row).inspect_err(|error| tracing::error!(%error, "a damaged row was passed over"));
    let mut rijen: Vec<PostvakRij> = rows.iter().filter_map(|row| read(row).ok()).collect();
    if lease.verzoek.is_some() {
        // One answer of each ontvanger; what else it sends waits in the postvak.
        let mut answered = lease.answered.clone();
        rijen.retain(|rij| {
            let first = !answered.contains(&rij.afzender);
            answered.push(rij.afzender.clone());
            first
        });
    }
    Ok(rijen)
}

/// An Ask ended: nothing is reserved for it any more.
pub(super) async fn end_ask(tx: &mut SqliteConnection, verzoek: BerichtId) -> Result<(), StoreError> {
    let id = verzoek.0.as_bytes().to_vec();
    sqlx::query("UPDATE berichten SET wacht_tot = 0 WHERE id = $1").bind(&id).execute(&mut *tx).await?;
    sqlx::query("UPDATE postvak SET lease_tot = 0 WHERE in_antwoord_op = $1 AND toestand = 1 AND poging = 0")
        .bind(id)
        .execute(tx)
        .await?;
    Ok(())
}

async fn set_state(tx: &mut SqliteConnection, rij: &PostvakRij, lease_tot: i64) -> Result<(), StoreError> {
    sqlx::query("UPDATE postvak SET toestand = $1, poging = $2, lease_tot = $3, bevestigd = $4 WHERE log_index = $5")
        .bind(rij.toestand as i64)
        .bind(i64::from(rij.poging))
        .bind(lease_tot)
        .bind(rij.bevestigd)
        .bind(int(rij.log_index))
        .execute(tx)
        .await?;
    Ok(())
}

/// Gives leases back at once, so that a client that lost its connection need not wait for them to lapse.
///
/// A lease that lapsed and went to another receiver is another `poging`, and stays.
pub(super) async fn release(tx: &mut SqliteConnection, leases: &[(u64, u32)]) -> Result<(), StoreError> {
    for (log_index, poging) in leases {
        sqlx::query("UPDATE postvak SET lease_tot = 0 WHERE log_index = $1 AND poging = $2 AND toestand = 1")
            .bind(int(*log_index))
            .bind(i64::from(*poging))
            .execute(&mut *tx)
            .await?;
    }
    Ok(())
}

/// Confirms one bericht; a second time changes nothing. Gives the moment of the first confirmation.
pub(super) async fn acknowledge(
    tx: &mut SqliteConnection,
    log: &mut Appender,
    counters: &mut Counters,
    bericht: BerichtId,
    adres: &Adres,
    actor: &Actor,
) -> Result<Result<i64, Weigering>, StoreError> {
    let Some(mut rij) = find(tx, bericht, adres).await? else { return Ok(Err(Weigering::BerichtOnbekend)) };
    if let Some(at) = rij.bevestigd {
        return Ok(Ok(at));
    }
    if rij.poging == 0 {
        return Ok(Err(Weigering::NietAfgeleverd));
    }
    if rij.toestand.is_open() {
        counters.change(tx, adres, -1).await?;
    }
    rij.toestand = Toestand::Bevestigd;
    rij.bevestigd = Some(log.micros());
    set_state(tx, &rij, 0).await?;
    actor.log(log, bericht, rij.regel(Soort::Bevestigd, actor));
    if rij.stempel.bewaar_inhoud == Bewaar::Bevestiging && rij.sleutel.is_some() {
        end_content(tx, &rij).await?;
        actor.log(log, bericht, rij.regel(Soort::Vernietigd, actor));
    }
    Ok(Ok(log.micros()))
}

/// Ends the content for one ontvanger, and the sealed bytes with the last one. What older copies of the database hold ends
/// with the key of the day.
async fn end_content(tx: &mut SqliteConnection, rij: &PostvakRij) -> Result<(), StoreError> {
    sqlx::query("UPDATE postvak SET sleutel = NULL WHERE log_index = $1")
        .bind(int(rij.log_index))
        .execute(&mut *tx)
        .await?;
    sqlx::query(
        "UPDATE berichten SET inhoud = NULL WHERE id = $1 \
         AND NOT EXISTS (SELECT 1 FROM postvak p WHERE p.bericht = $1 AND p.sleutel IS NOT NULL)",
    )
    .bind(rij.bericht.0.as_bytes().to_vec())
    .execute(tx)
    .await?;
    Ok(())
}

/// Reads one bericht again.
pub(super) async fn consult(
    tx: &mut SqliteConnection,
    log: &mut Appender,
    bericht: BerichtId,
    adres: &Adres,
    actor: &Actor,
    van_kracht: &VanKracht,
) -> Result<Result<PostvakRij, Weigering>, StoreError> {
    let Some(rij) = find(tx, bericht, adres).await? else { return Ok(Err(Weigering::BerichtOnbekend)) };
    let moment = Timestamp::from_microsecond(log.micros()).expect("the head holds a real moment");
    if let Err(weigering) = still_allowed(rij.soort, &rij.afzender, &rij.ontvanger, &rij.stempel, van_kracht, moment) {
        return Ok(Err(weigering));
    }
    if rij.sleutel.is_none() && rij.bevestigd.is_some() && rij.stempel.bewaar_inhoud == Bewaar::Bevestiging {
        return Ok(Err(Weigering::InhoudNietBewaard));
    }
    actor.log(log, bericht, rij.regel(Soort::Geraadpleegd, actor));
    Ok(Ok(rij))
}

async fn find(tx: &mut SqliteConnection, bericht: BerichtId, adres: &Adres) -> Result<Option<PostvakRij>, StoreError> {
    let row = select_rows!("WHERE p.bericht = $1 AND p.partner = $2 AND p.loket = $3")
        .bind(bericht.0.as_bytes().to_vec())
        .bind(adres.partner.as_str())
        .bind(adres.loket.as_str())
        .fetch_optional(tx)
        .await?;
    row.as_ref().map(PostvakRij::read).transpose()
}

/// Until when the newest bericht with a key is houdbaar: a day whose key must exist.
///
/// # Errors
/// [`StoreError`] when it cannot be read.
pub async fn newest_day(read: &sqlx::SqlitePool) -> Result<Option<Date>, StoreError> {
    let newest: Option<(i64, String)> = sqlx::query_as(
        "SELECT log_index, houdbaar_tot_en_met FROM postvak WHERE sleutel IS NOT NULL ORDER BY log_index DESC LIMIT 1",
    )
    .fetch_optional(read)
    .await?;
    let parse = |(row, day): (i64, String)| {
        day.parse().map_err(|_| StoreError::inconsistent("postvak", "houdbaar_tot_en_met", row))
    };
    newest.map(parse).transpose()
}

/// Whether anything in a postvak can be handed out now; a look that does not wait for the writer.
///
/// # Errors
/// [`StoreError::Database`].
pub async fn has_open(read: &sqlx::SqlitePool, adres: &Adres, now: Timestamp) -> Result<bool, StoreError> {
    let found: Option<i64> = sqlx::query_scalar(
        "SELECT 1 FROM postvak WHERE partner = $1 AND loket = $2 AND (toestand = 0 OR (toestand = 1 AND lease_tot <= $3)) \
         LIMIT 1",
    )
    .bind(adres.partner.as_str())
    .bind(adres.loket.as_str())
    .bind(super::micros(now))
    .fetch_optional(read)
    .await?;
    Ok(found.is_some())
}
