//! Berichten: accepting one, and finding what was accepted.

use sqlx::{Row, SqliteConnection, SqlitePool, sqlite::SqliteRow};
use uuid::Uuid;

use super::{
    StoreError,
    append::Appender,
    counters::Counters,
    rij::{PostvakRij, Toestand, select_rows},
};
use crate::{
    domain::{
        Adres, BerichtId, Berichtsoort, Doelgroep, Oin, PartnerNaam, Toegelaten, Verzoek, Weigering,
        houdbaarheid::amsterdam_date,
    },
    logboek::Logregel,
};

/// An admitted bericht, sealed and ready to be written.
pub struct Accept {
    /// Its new id.
    pub id: BerichtId,
    /// The thread it belongs to.
    pub gesprek: BerichtId,
    /// The admission.
    pub toegelaten: Toegelaten,
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
    /// How many open berichten a postvak holds.
    pub postvak_limit: u64,
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

/// A bericht as it was accepted, without its content.
pub struct StoredBericht {
    /// Its id.
    pub id: BerichtId,
    /// Its thread.
    pub gesprek: BerichtId,
    /// Its kind.
    pub soort: Berichtsoort,
    /// Who sent it.
    pub afzender: Adres,
    /// What it answers.
    pub in_antwoord_op: Option<BerichtId>,
    /// Minor or adult, as judged.
    pub doelgroep: Option<Doelgroep>,
    /// When it was accepted, microseconds.
    pub micros: i64,
    /// Fingerprint of the request under the key in `herhaling`.
    pub vingerafdruk: Vec<u8>,
    /// What a repeated request needs, sealed.
    pub herhaling: Vec<u8>,
    /// One an ontvanger, in the order sent.
    pub rijen: Vec<PostvakRij>,
}

impl StoredBericht {
    /// As that what an answer refers to.
    #[must_use]
    pub fn into_verzoek(self) -> Verzoek {
        Verzoek {
            bericht: self.id,
            gesprek: self.gesprek,
            soort: self.soort,
            afzender: self.afzender,
            ontvangers: self.rijen.into_iter().map(|rij| rij.ontvanger).collect(),
            doelgroep: self.doelgroep,
        }
    }
}

/// Writes an accepted bericht, or says why not.
pub(super) async fn accept(
    tx: &mut SqliteConnection,
    log: &mut Appender,
    counters: &mut Counters,
    versie: u64,
    mut accept: Accept,
) -> Result<Result<Accepted, Weigering>, StoreError> {
    let now = jiff::Timestamp::from_microsecond(log.micros()).expect("the head holds a real moment");
    if amsterdam_date(now) != accept.toegelaten.dag() || versie != accept.toegelaten.versie() {
        return Ok(Ok(Accepted::Outdated));
    }
    let bericht = accept.toegelaten.bericht();
    let known: Option<Vec<u8>> =
        sqlx::query_scalar("SELECT id FROM berichten WHERE afzender_partner = $1 AND request_id = $2")
            .bind(accept.toegelaten.afzender().partner.as_str())
            .bind(bericht.request_id.as_bytes().as_slice())
            .fetch_optional(&mut *tx)
            .await?;
    if let Some(known) = known {
        return Ok(Ok(Accepted::Repeat(bericht_id(&known, "berichten")?)));
    }
    for (adres, _) in accept.toegelaten.stempels() {
        if counters.open(tx, adres).await? >= accept.postvak_limit {
            return Ok(Err(Weigering::PostvakVol));
        }
    }
    let reserved_until = reserved_until(tx, bericht.in_antwoord_op, accept.toegelaten.afzender(), log.micros()).await?;
    insert_bericht(tx, &accept, log.micros()).await?;
    let mut written = Vec::with_capacity(accept.regels.len());
    for (at, regel) in std::mem::take(&mut accept.regels).into_iter().enumerate() {
        let (log_index, leaf) = log.append(Some(accept.id), regel);
        // An answer to a waiting Ask is reserved for it: as if leased, never handed out.
        let toestand = if reserved_until > log.micros() { Toestand::Afgeleverd } else { Toestand::Wacht };
        insert_ontvanger(tx, &accept, at, log_index, toestand, reserved_until).await?;
        counters.change(tx, &accept.toegelaten.stempels()[at].0, 1).await?;
        written.push((log_index, leaf));
    }
    if let Some((first, _)) = written.first() {
        log.keep_salts(*first, accept.zouten);
    }
    Ok(Ok(Accepted::New { micros: log.micros(), regels: written }))
}

async fn insert_bericht(tx: &mut SqliteConnection, accept: &Accept, micros: i64) -> Result<(), StoreError> {
    let toegelaten = &accept.toegelaten;
    let bericht = toegelaten.bericht();
    sqlx::query(
        "INSERT INTO berichten (id, afzender_partner, afzender_loket, afzender_oin, request_id, berichtsoort, gesprek, \
         in_antwoord_op, doelgroep, tijd, wacht_tot, vingerafdruk, herhaling, inhoud) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
    )
    .bind(accept.id.0.as_bytes().as_slice())
    .bind(toegelaten.afzender().partner.as_str())
    .bind(toegelaten.afzender().loket.as_str())
    .bind(toegelaten.identiteit().oin.as_str())
    .bind(bericht.request_id.as_bytes().as_slice())
    .bind(bericht.soort.as_str())
    .bind(accept.gesprek.0.as_bytes().as_slice())
    .bind(bericht.in_antwoord_op.map(|id| id.0.as_bytes().to_vec()))
    .bind(toegelaten.doelgroep().map(Doelgroep::as_str))
    .bind(micros)
    .bind(accept.wacht_tot)
    .bind(&accept.vingerafdruk)
    .bind(&accept.herhaling)
    .bind(&accept.inhoud)
    .execute(tx)
    .await?;
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
         verwerkingsactiviteit, houdbaar_tot_en_met, bewaar_inhoud, sleutel, in_antwoord_op, toestand, poging, lease_tot) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, 0, $15)",
    )
    .bind(super::int(log_index))
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

/// Until when an answer is reserved for a waiting Ask: only the first one of each ontvanger is.
async fn reserved_until(
    tx: &mut SqliteConnection,
    verzoek: Option<BerichtId>,
    afzender: &Adres,
    now: i64,
) -> Result<i64, StoreError> {
    let Some(verzoek) = verzoek else { return Ok(0) };
    let id = verzoek.0.as_bytes().to_vec();
    let until: Option<i64> =
        sqlx::query_scalar("SELECT wacht_tot FROM berichten WHERE id = $1").bind(&id).fetch_optional(&mut *tx).await?;
    let Some(until) = until.filter(|until| *until > now) else { return Ok(0) };
    let earlier: Option<i64> = sqlx::query_scalar(
        "SELECT 1 FROM postvak p JOIN berichten b ON b.id = p.bericht \
         WHERE p.in_antwoord_op = $1 AND b.afzender_partner = $2 AND b.afzender_loket = $3 LIMIT 1",
    )
    .bind(id)
    .bind(afzender.partner.as_str())
    .bind(afzender.loket.as_str())
    .fetch_optional(tx)
    .await?;
    Ok(if earlier.is_some() { 0 } else { until })
}

/// Who has answered a verzoek.
///
/// # Errors
/// [`StoreError`] when it cannot be read.
pub async fn answered_by(read: &SqlitePool, verzoek: BerichtId) -> Result<Vec<Adres>, StoreError> {
    let rows: Vec<(String, String)> = sqlx::query_as(
        "SELECT DISTINCT b.afzender_partner, b.afzender_loket FROM postvak p JOIN berichten b ON b.id = p.bericht \
         WHERE p.in_antwoord_op = $1",
    )
    .bind(verzoek.0.as_bytes().to_vec())
    .fetch_all(read)
    .await?;
    let parse = |(partner, loket): (String, String)| {
        let wrong = || StoreError::inconsistent("berichten", "afzender", verzoek);
        Ok(Adres { partner: partner.parse().map_err(|_| wrong())?, loket: loket.parse().map_err(|_| wrong())? })
    };
    rows.into_iter().map(parse).collect()
}

/// Finds a bericht by its id.
///
/// # Errors
/// [`StoreError`] when it cannot be read.
pub async fn find(read: &SqlitePool, id: BerichtId) -> Result<Option<StoredBericht>, StoreError> {
    let row = sqlx::query("SELECT * FROM berichten WHERE id = $1")
        .bind(id.0.as_bytes().as_slice())
        .fetch_optional(read)
        .await?;
    stored(read, row).await
}

/// Finds a bericht by the `request_id` of its sender.
///
/// # Errors
/// [`StoreError`] when it cannot be read.
pub async fn find_by_request(
    read: &SqlitePool,
    afzender: &PartnerNaam,
    request_id: Uuid,
) -> Result<Option<StoredBericht>, StoreError> {
    let row = sqlx::query("SELECT * FROM berichten WHERE afzender_partner = $1 AND request_id = $2")
        .bind(afzender.as_str())
        .bind(request_id.as_bytes().as_slice())
        .fetch_optional(read)
        .await?;
    stored(read, row).await
}

async fn stored(read: &SqlitePool, row: Option<SqliteRow>) -> Result<Option<StoredBericht>, StoreError> {
    let Some(row) = row else { return Ok(None) };
    let id = bericht_id(row.get("id"), "berichten")?;
    let wrong = |column| StoreError::inconsistent("berichten", column, id);
    let mut connection = read.acquire().await?;
    let rijen = select_rows!("WHERE p.bericht = $1 ORDER BY p.log_index")
        .bind(id.0.as_bytes().as_slice())
        .fetch_all(&mut *connection)
        .await?;
    let optional =
        |column| row.get::<Option<Vec<u8>>, _>(column).map(|bytes| bericht_id(&bytes, "berichten")).transpose();
    Ok(Some(StoredBericht {
        id,
        gesprek: bericht_id(row.get("gesprek"), "berichten")?,
        soort: row.get::<&str, _>("berichtsoort").parse().map_err(|()| wrong("berichtsoort"))?,
        afzender: Adres {
            partner: row.get::<&str, _>("afzender_partner").parse().map_err(|_| wrong("afzender_partner"))?,
            loket: row.get::<&str, _>("afzender_loket").parse().map_err(|_| wrong("afzender_loket"))?,
        },
        in_antwoord_op: optional("in_antwoord_op")?,
        doelgroep: row
            .get::<Option<&str>, _>("doelgroep")
            .map(str::parse)
            .transpose()
            .map_err(|()| wrong("doelgroep"))?,
        micros: row.get("tijd"),
        vingerafdruk: row.get("vingerafdruk"),
        herhaling: row.get("herhaling"),
        rijen: rijen.iter().map(PostvakRij::read).collect::<Result<_, _>>()?,
    }))
}

pub(super) fn bericht_id(bytes: &[u8], table: &'static str) -> Result<BerichtId, StoreError> {
    Uuid::from_slice(bytes).map(BerichtId).map_err(|_| StoreError::inconsistent(table, "id", hex::encode(bytes)))
}
