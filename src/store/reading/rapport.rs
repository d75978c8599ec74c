//! What the report of a period asks of the tables, beside the logboek.

use jiff::civil::Date;
use sqlx::{AssertSqlSafe, Row};

use crate::{
    domain::{BerichtId, Berichtsoort, Kenmerk, partner::GATEWAY},
    store::{
        DbRow, Pool, StoreError,
        database::rows::{Column, Rows, fetch},
        values::{bericht_id, int, moment, uint},
    },
};

/// A mark of a betrokkene: of which one of its bericht, what kind, and the keyed pseudonym.
pub struct Mark {
    /// The bericht.
    pub bericht: BerichtId,
    /// Which betrokkene of it, from 0.
    pub volgnummer: u64,
    /// Whether the bericht is about this one first.
    pub hoofdpersoon: bool,
    /// The kind.
    pub kenmerk: Kenmerk,
    /// The pseudonym.
    pub pseudoniem: Vec<u8>,
}

/// The marks of the people that these berichten are about, as far as they are still kept; those of one person follow each other.
///
/// # Errors
/// [`StoreError`] when they cannot be read.
pub async fn marks(read: &Pool, berichten: &[BerichtId]) -> Result<Vec<Mark>, StoreError> {
    let rows = by_bericht(berichten);
    let sql = "SELECT m.bericht, m.volgnummer, m.kenmerk, m.hoofdpersoon, m.pseudoniem FROM {v} JOIN pseudoniemen m ON m.bericht = v.bericht \
               ORDER BY m.bericht, m.volgnummer";
    let mark = |row: &DbRow| {
        let bericht = bericht_id(row.try_get("bericht")?, "pseudoniemen")?;
        let kenmerk = row.try_get::<&str, _>("kenmerk")?.parse();
        Ok(Mark {
            bericht,
            volgnummer: uint(row.try_get("volgnummer")?),
            hoofdpersoon: row.try_get::<i64, _>("hoofdpersoon")? != 0,
            kenmerk: kenmerk.map_err(|()| StoreError::inconsistent("pseudoniemen", "kenmerk", bericht))?,
            pseudoniem: row.try_get("pseudoniem")?,
        })
    };
    fetch(&mut *read.acquire().await?, sql, rows).await?.iter().map(mark).collect()
}

/// How many of these berichten say that the betrokkene disputes what they correct.
///
/// # Errors
/// [`StoreError::Database`].
pub async fn betwist(read: &Pool, berichten: &[BerichtId]) -> Result<u64, StoreError> {
    let sql = "SELECT b.id FROM {v} JOIN berichten b ON b.id = v.bericht WHERE b.betwist = 1";
    Ok(fetch(&mut *read.acquire().await?, sql, by_bericht(berichten)).await?.len() as u64)
}

fn by_bericht(berichten: &[BerichtId]) -> Rows<'static> {
    Rows::of(&[Column::Bytes("bericht")], berichten, |id| [id.0.as_bytes().as_slice().into()])
}

/// A consulted scenario that waits for a terugkoppeling.
pub struct ZonderTerugkoppeling {
    /// The scenario.
    pub bericht: BerichtId,
    /// The partner that laid it ready.
    pub afzender: String,
    /// Who consulted it: partner and loket.
    pub ontvanger: (String, String),
    /// Since when it waits.
    pub sinds: jiff::Timestamp,
}

/// The consulted scenario's that wait for a terugkoppeling now, the longest first; at most so many.
///
/// # Errors
/// [`StoreError`] when they cannot be read.
pub async fn zonder_terugkoppeling(read: &Pool, most: u32) -> Result<Vec<ZonderTerugkoppeling>, StoreError> {
    let rows = sqlx::query(
        "SELECT p.bericht, b.afzender_partner, p.partner, p.loket, p.terugkoppeling_open FROM postvak p \
         JOIN berichten b ON b.id = p.bericht WHERE p.terugkoppeling_open IS NOT NULL AND p.toestand <> 'ingetrokken' \
         ORDER BY p.terugkoppeling_open LIMIT $1",
    )
    .bind(i64::from(most))
    .fetch_all(read)
    .await?;
    let open = |row: &DbRow| {
        Ok(ZonderTerugkoppeling {
            bericht: bericht_id(row.try_get("bericht")?, "postvak")?,
            afzender: row.try_get("afzender_partner")?,
            ontvanger: (row.try_get("partner")?, row.try_get("loket")?),
            sinds: moment(row.try_get("terugkoppeling_open")?),
        })
    };
    rows.iter().map(open).collect()
}

/// What lapsed in a stretch of the logboek before anybody had it: kind, afzender, and partner and loket of the ontvanger, with how often.
pub type Ongelezen = ((String, String, (String, String)), u64);

/// What lapsed by a regel from one index on and before another, and was never handed out nor read. What the gateway sent is left out.
///
/// # Errors
/// [`StoreError::Database`].
pub async fn ongelezen_vervallen(read: &Pool, van: u64, tot: u64) -> Result<Vec<Ongelezen>, StoreError> {
    let rows = sqlx::query(
        "SELECT b.berichtsoort, b.afzender_partner, b.afzender_loket, p.partner, p.loket, count(*) AS aantal \
         FROM postvak p JOIN berichten b ON b.id = p.bericht \
         WHERE p.toestand = 'vervallen' AND p.poging = 0 AND p.gelezen = 0 AND p.weigering IS NULL \
         AND p.beeindigd_door >= $1 AND p.beeindigd_door < $2 AND b.afzender_partner <> $3 \
         GROUP BY b.berichtsoort, b.afzender_partner, b.afzender_loket, p.partner, p.loket \
         ORDER BY aantal DESC, b.berichtsoort, b.afzender_partner, p.partner, p.loket",
    )
    .bind(int(van))
    .bind(int(tot))
    .bind(GATEWAY)
    .fetch_all(read)
    .await?;
    let lapsed = |row: &DbRow| {
        let from =
            format!("{}/{}", row.try_get::<&str, _>("afzender_partner")?, row.try_get::<&str, _>("afzender_loket")?);
        let to = (row.try_get("partner")?, row.try_get("loket")?);
        Ok(((row.try_get("berichtsoort")?, from, to), uint(row.try_get("aantal")?)))
    };
    rows.iter().map(lapsed).collect()
}

/// What was sent before an index of the logboek and was open there, at a moment of this day: not ended and not confirmed; or, where it awaits
/// an answer, not taken back and not answered by its ontvanger, while it could still be.
///
/// # Errors
/// [`StoreError`] when they cannot be read.
pub async fn openstaand(
    read: &Pool,
    van: u64,
    (sinds, dag): (jiff::Timestamp, Date),
) -> Result<Vec<BerichtId>, StoreError> {
    let awaiting = Berichtsoort::ALL.into_iter().filter(|soort| soort.awaits_answer());
    let awaiting = awaiting.map(|soort| format!("'{soort}'")).collect::<Vec<_>>().join(", ");
    let sql = format!(
        "SELECT p.bericht FROM postvak p WHERE p.log_index < $1 AND (p.beeindigd_door IS NULL OR p.beeindigd_door >= $1) \
         AND (p.bevestigd IS NULL OR p.bevestigd >= $2) \
         UNION SELECT p.bericht FROM postvak p JOIN berichten b ON b.id = p.bericht \
         WHERE b.berichtsoort IN ({awaiting}) AND p.log_index < $1 AND p.houdbaar_tot_en_met >= $3 \
         AND NOT (p.toestand = 'ingetrokken' AND p.verplaatst_door < $1) \
         AND NOT EXISTS (SELECT 1 FROM postvak a JOIN berichten ab ON ab.id = a.bericht \
         WHERE a.in_antwoord_op = p.bericht AND ab.afzender_partner = p.partner AND ab.afzender_loket = p.loket AND a.log_index < $1)"
    );
    let rows = sqlx::query(AssertSqlSafe(sql)).bind(int(van)).bind(sinds.as_microsecond()).bind(dag.to_string());
    let rows = rows.fetch_all(read).await?;
    rows.iter().map(|row| bericht_id(row.try_get("bericht")?, "postvak")).collect()
}

/// Who answered before an index of the logboek what could still be answered on this day: the verzoek, and partner and loket that answered.
///
/// # Errors
/// [`StoreError`] when they cannot be read.
pub async fn beantwoord(read: &Pool, van: u64, dag: Date) -> Result<Vec<(BerichtId, String)>, StoreError> {
    let rows = sqlx::query(
        "SELECT DISTINCT a.in_antwoord_op, ab.afzender_partner, ab.afzender_loket FROM postvak p \
         JOIN postvak a ON a.in_antwoord_op = p.bericht JOIN berichten ab ON ab.id = a.bericht \
         WHERE p.log_index < $1 AND p.houdbaar_tot_en_met >= $2 AND a.log_index < $1",
    )
    .bind(int(van))
    .bind(dag.to_string())
    .fetch_all(read)
    .await?;
    let answered = |row: &DbRow| {
        let (partner, loket): (&str, &str) = (row.try_get("afzender_partner")?, row.try_get("afzender_loket")?);
        Ok((bericht_id(row.try_get("in_antwoord_op")?, "postvak")?, format!("{partner}/{loket}")))
    };
    rows.iter().map(answered).collect()
}

/// Of what was asked to be destroyed and not answered yet: the bericht, its afzender, and partner and loket that had it; at most so many.
///
/// # Errors
/// [`StoreError`] when they cannot be read.
pub async fn zonder_vernietiging(
    read: &Pool,
    most: u32,
) -> Result<Vec<(BerichtId, String, (String, String))>, StoreError> {
    let rows = sqlx::query(
        "SELECT p.bericht, b.afzender_partner, p.partner, p.loket FROM postvak p JOIN berichten b ON b.id = p.bericht \
         WHERE p.toestand = 'ingetrokken' AND (p.poging > 0 OR p.gelezen > 0) AND p.vernietiging IS NULL \
         ORDER BY p.log_index LIMIT $1",
    )
    .bind(i64::from(most))
    .fetch_all(read)
    .await?;
    let open = |row: &DbRow| {
        let bericht = bericht_id(row.try_get("bericht")?, "postvak")?;
        Ok((bericht, row.try_get("afzender_partner")?, (row.try_get("partner")?, row.try_get("loket")?)))
    };
    rows.iter().map(open).collect()
}

/// Content of partners that ends soon: of one berichtsoort, from one partner at one loket.
pub struct Vervalt {
    /// Its berichtsoort.
    pub berichtsoort: String,
    /// The first and the last of the days on which some of it can be read for the last time, Europe/Amsterdam.
    pub dagen: (String, String),
    /// The partner that sent it.
    pub afzender: String,
    /// The loket that can read it: partner and loket.
    pub ontvanger: (String, String),
    /// How many times.
    pub aantal: u64,
}

/// What ends from one day until and with another, what ends first in front. What the gateway itself sent is left out: nobody waits for it.
///
/// # Errors
/// [`StoreError::Database`].
pub async fn vervalt(read: &Pool, van: Date, tot_en_met: Date) -> Result<Vec<Vervalt>, StoreError> {
    let rows = sqlx::query(
        "SELECT b.berichtsoort, b.afzender_partner, p.partner, p.loket, count(*) AS aantal, \
         min(p.houdbaar_tot_en_met) AS eerste, max(p.houdbaar_tot_en_met) AS laatste \
         FROM postvak p JOIN berichten b ON b.id = p.bericht \
         WHERE p.sleutel IS NOT NULL AND p.houdbaar_tot_en_met >= $1 AND p.houdbaar_tot_en_met <= $2 AND b.afzender_partner <> $3 \
         GROUP BY b.berichtsoort, b.afzender_partner, p.partner, p.loket \
         ORDER BY eerste, b.berichtsoort, b.afzender_partner, p.partner, p.loket",
    )
    .bind(van.to_string())
    .bind(tot_en_met.to_string())
    .bind(GATEWAY)
    .fetch_all(read)
    .await?;
    let ends = |row: &DbRow| {
        Ok(Vervalt {
            berichtsoort: row.try_get("berichtsoort")?,
            dagen: (row.try_get("eerste")?, row.try_get("laatste")?),
            afzender: row.try_get("afzender_partner")?,
            ontvanger: (row.try_get("partner")?, row.try_get("loket")?),
            aantal: uint(row.try_get("aantal")?),
        })
    };
    rows.iter().map(ends).collect()
}

/// Content that is kept for a loket.
pub struct Bewaard {
    /// The partner that sent it.
    pub afzender: String,
    /// The loket that can read it: partner and loket.
    pub ontvanger: (String, String),
    /// How many times content is kept.
    pub aantal: u64,
    /// The last day on which any of it can be read, Europe/Amsterdam.
    pub laatste_dag: String,
}

/// Where content is kept now, and until when.
///
/// # Errors
/// [`StoreError::Database`].
pub async fn bewaard(read: &Pool) -> Result<Vec<Bewaard>, StoreError> {
    let rows = sqlx::query(
        "SELECT b.afzender_partner, p.partner, p.loket, count(*) AS aantal, max(p.houdbaar_tot_en_met) AS laatste_dag \
         FROM postvak p JOIN berichten b ON b.id = p.bericht WHERE p.sleutel IS NOT NULL \
         GROUP BY b.afzender_partner, p.partner, p.loket ORDER BY b.afzender_partner, p.partner, p.loket",
    )
    .fetch_all(read)
    .await?;
    let kept = |row: &DbRow| {
        Ok(Bewaard {
            afzender: row.try_get("afzender_partner")?,
            ontvanger: (row.try_get("partner")?, row.try_get("loket")?),
            aantal: uint(row.try_get("aantal")?),
            laatste_dag: row.try_get("laatste_dag")?,
        })
    };
    rows.iter().map(kept).collect()
}
