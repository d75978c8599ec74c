//! What waits in a postvak, what is due to end, and what was left open.

use jiff::{Timestamp, civil::Date};
use sqlx::Row;

use crate::{
    domain::{Adres, houdbaarheid::amsterdam_date},
    store::{
        DbRow, Pool, StoreError,
        postvak::rij::{
            PostvakRij,
            read::{self, ReadRow, read_each},
            sql::{current, held, rows_and_indexes, select_rows},
        },
        values::{int, micros, moment, uint},
    },
};

/// Rows that are looked through for a day that can be read.
const LOOKED_THROUGH: i64 = 100;

/// The last day of the newest bericht that still has a wrapped key: the key of that day must exist. A damaged row is passed over,
/// and the one before it is asked.
///
/// # Errors
/// [`StoreError`] when it cannot be read.
pub async fn newest_day(read: &Pool) -> Result<Option<Date>, StoreError> {
    let newest = sqlx::query(
        "SELECT houdbaar_tot_en_met FROM postvak WHERE sleutel IS NOT NULL ORDER BY log_index DESC LIMIT $1",
    )
    .bind(LOOKED_THROUGH)
    .fetch_all(read)
    .await?;
    Ok(newest.iter().find_map(|row| row.try_get::<&str, _>("houdbaar_tot_en_met").ok()?.parse().ok()))
}

/// How a postvak stands.
pub struct Stapel {
    /// Whose.
    pub adres: (String, String),
    /// Berichten that nobody took.
    pub wacht: u64,
    /// Berichten that somebody holds and did not confirm.
    pub uitgereikt: u64,
    /// When the oldest that nobody took was accepted.
    pub oudste: Option<Timestamp>,
}

/// How each postvak stands in which something waits or is held.
///
/// # Errors
/// [`StoreError`] when it cannot be read.
pub async fn stapels(read: &Pool) -> Result<Vec<Stapel>, StoreError> {
    let rows = sqlx::query(concat!(
        "SELECT s.partner, s.loket, s.wacht, s.uitgereikt, \
         (SELECT b.tijd FROM postvak p JOIN berichten b ON b.id = p.bericht WHERE p.log_index = s.oudste) AS tijd \
         FROM (SELECT partner, loket, CAST(sum(wacht) AS BIGINT) AS wacht, CAST(sum(uitgereikt) AS BIGINT) AS uitgereikt, min(oudste) AS oudste \
         FROM (SELECT partner, loket, count(*) AS wacht, 0 AS uitgereikt, min(log_index) AS oudste FROM postvak \
         WHERE toestand = 'wacht' GROUP BY partner, loket \
         UNION ALL SELECT partner, loket, 0, count(*), NULL FROM postvak WHERE toestand IN ",
        held!(),
        " GROUP BY partner, loket) o GROUP BY partner, loket) s"
    ))
    .fetch_all(read)
    .await?;
    let stapel = |row: &DbRow| {
        let count = |naam: &str| -> Result<u64, StoreError> { Ok(uint(row.try_get(naam)?)) };
        Ok(Stapel {
            adres: (row.try_get("partner")?, row.try_get("loket")?),
            wacht: count("wacht")?,
            uitgereikt: count("uitgereikt")?,
            oudste: row.try_get::<Option<i64>, _>("tijd")?.map(moment),
        })
    };
    rows.iter().map(stapel).collect()
}

/// Whether anything in a postvak can be handed out now, or judged anew by the texts of version `gelezen_versie`. It does not wait for the
/// writer.
///
/// # Errors
/// [`StoreError::Database`].
pub async fn has_leasable(read: &Pool, adres: &Adres, gelezen_versie: u64, now: Timestamp) -> Result<bool, StoreError> {
    let found: Option<i64> = sqlx::query_scalar(concat!(
        "SELECT 1 FROM postvak WHERE partner = $1 AND loket = $2 AND (toestand = 'wacht' \
         OR (toestand IN ",
        held!(),
        " AND lease_tot <= $3) \
         OR (toestand = 'geweigerd' AND (beoordeeld_versie < $5 OR (beoordeeld_versie = $5 AND beoordeeld_dag < $4)))) \
         AND houdbaar_tot_en_met >= $4 LIMIT 1"
    ))
    .bind(adres.partner.as_str())
    .bind(adres.loket.as_str())
    .bind(micros(now))
    .bind(amsterdam_date(now).to_string())
    .bind(int(gelezen_versie))
    .fetch_optional(read)
    .await?;
    Ok(found.is_some())
}

/// Rows that were looked at.
pub struct Looked {
    /// What they hold.
    pub rijen: Vec<PostvakRij>,
    /// What is wrong with those that cannot be read.
    pub unreadable: Vec<StoreError>,
    /// Whether there may be more.
    pub full: bool,
}

impl Looked {
    /// One damaged row must not keep others from ending: it stands apart.
    fn of(rows: Vec<read::EachRow<PostvakRij>>, most: u32) -> Self {
        let full = rows.len() == most as usize;
        let (mut rijen, mut unreadable) = (Vec::new(), Vec::new());
        for (_, row) in rows {
            match row {
                Ok(rij) => rijen.push(rij),
                Err(error) => unreadable.push(error),
            }
        }
        Self { rijen, unreadable, full }
    }
}

/// What has passed its houdbaarheid and was not ended yet, the oldest day first; without the first `passed` rows.
///
/// # Errors
/// [`StoreError`] when it cannot be read.
pub async fn due(read: &Pool, today: Date, most: u32, passed: u32) -> Result<Looked, StoreError> {
    let (rows, indexes) = rows_and_indexes!(
        "WHERE p.toestand IN ",
        current!(),
        " AND p.houdbaar_tot_en_met < $1 ORDER BY p.houdbaar_tot_en_met, p.log_index LIMIT $2 OFFSET $3"
    );
    let bound =
        |sql: &'static str| sqlx::query(sql).bind(today.to_string()).bind(i64::from(most)).bind(i64::from(passed));
    let mut connection = read.acquire().await?;
    Ok(Looked::of(read_each(&mut connection, bound(rows), bound(indexes)).await?, most))
}

/// Of each scenario that lapses from `today` to `until` and whose afzender was not warned yet, the row that lapses first; without
/// the first `passed` scenario's.
///
/// # Errors
/// [`StoreError`] when it cannot be read.
pub async fn to_warn(read: &Pool, today: Date, until: Date, most: u32, passed: u32) -> Result<Looked, StoreError> {
    let (rows, indexes) = rows_and_indexes!(
        "WHERE b.berichtsoort = 'scenario' AND b.gewaarschuwd = 0 AND p.log_index = \
         (SELECT q.log_index FROM postvak q WHERE q.bericht = b.id AND q.toestand IN ",
        current!(),
        " ORDER BY q.houdbaar_tot_en_met, q.log_index LIMIT 1) \
         AND p.houdbaar_tot_en_met BETWEEN $1 AND $2 ORDER BY b.id LIMIT $3 OFFSET $4"
    );
    let bound = |sql: &'static str| {
        let query = sqlx::query(sql).bind(today.to_string()).bind(until.to_string());
        query.bind(i64::from(most)).bind(i64::from(passed))
    };
    let mut connection = read.acquire().await?;
    Ok(Looked::of(read_each(&mut connection, bound(rows), bound(indexes)).await?, most))
}

/// Consulted scenario's of an afzender that wait for a terugkoppeling since `before` or longer, the longest first.
///
/// # Errors
/// [`StoreError`] when they cannot be read.
pub async fn open_terugkoppelingen(
    read: &Pool,
    afzender: &Adres,
    before: Timestamp,
    most: u32,
) -> Result<Vec<PostvakRij>, StoreError> {
    let rows = select_rows!(
        "WHERE p.terugkoppeling_open IS NOT NULL AND p.terugkoppeling_open <= $1 AND b.afzender_partner = $2 \
         AND b.afzender_loket = $3 AND p.toestand <> 'ingetrokken' ORDER BY p.terugkoppeling_open LIMIT $4"
    )
    .bind(micros(before))
    .bind(afzender.partner.as_str())
    .bind(afzender.loket.as_str())
    .bind(i64::from(most))
    .fetch_all(read)
    .await?;
    rows.iter().map(PostvakRij::read).collect()
}
