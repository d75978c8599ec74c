//! Berichten: finding what was accepted, and what came of it.

use std::collections::HashMap;

use jiff::{Timestamp, civil::Date};
use sqlx::Row;
use uuid::Uuid;

use crate::{
    domain::{Adres, BerichtId, Berichtsoort, Correctie, Doelgroep, Eerder, PartnerNaam, houdbaarheid::amsterdam_date},
    store::{
        DbRow, Pool, StoreError,
        database::rows::{Column, Rows, fetch},
        postvak::rij::{PostvakRij, read::ReadRow, sql::select_rows},
        values::{bericht_id, int, moment},
    },
};

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
    /// What it replaced.
    pub vervangt: Option<BerichtId>,
    /// How often it was renewed.
    pub verlenging: u8,
    /// Minor or adult, as judged.
    pub doelgroep: Option<Doelgroep>,
    /// When it was accepted.
    pub tijd: Timestamp,
    /// Whether it disputes an earlier bericht.
    pub betwist: bool,
    /// Fingerprint of the request under the key in `herhaling`.
    pub vingerafdruk: Vec<u8>,
    /// What a repeated request needs, sealed.
    pub herhaling: Vec<u8>,
    /// One row for each ontvanger, in the order sent.
    pub rijen: Vec<PostvakRij>,
}

impl StoredBericht {
    /// As what a later bericht can answer, replace or follow.
    #[must_use]
    pub fn as_earlier(&self) -> Eerder {
        Eerder {
            bericht: self.id,
            gesprek: self.gesprek,
            soort: self.soort,
            afzender: self.afzender.clone(),
            ontvangers: self.rijen.iter().map(PostvakRij::as_earlier).collect(),
            doelgroep: self.doelgroep,
            verlenging: self.verlenging,
            dag: amsterdam_date(self.tijd),
        }
    }

    /// The last day on which any ontvanger can read it.
    ///
    /// # Errors
    /// [`StoreError::Inconsistent`] when it has no ontvanger.
    pub fn last_day(&self) -> Result<Date, StoreError> {
        let last = self.rijen.iter().map(PostvakRij::last_day).max();
        last.ok_or_else(|| StoreError::inconsistent("postvak", "bericht", self.id))
    }
}

/// Who has answered a verzoek with something that arrived, or waits to.
///
/// # Errors
/// [`StoreError`] when it cannot be read.
pub async fn answered_by(read: &Pool, verzoek: BerichtId) -> Result<Vec<Adres>, StoreError> {
    let rows: Vec<(String, String)> = sqlx::query_as(
        "SELECT DISTINCT b.afzender_partner, b.afzender_loket FROM postvak p JOIN berichten b ON b.id = p.bericht \
         WHERE p.in_antwoord_op = $1 AND p.toestand <> 'ingetrokken' \
         AND (p.toestand NOT IN ('geweigerd', 'vervallen', 'beschadigd') OR p.poging > 0 OR p.gelezen = 1)",
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

/// What is kept of berichten, without their content; takes the rest of the statement as a literal.
macro_rules! select_berichten {
    ($rest:literal) => {
        sqlx::query(concat!(
            "SELECT id, gesprek, berichtsoort, afzender_partner, afzender_loket, in_antwoord_op, vervangt, verlenging, doelgroep, \
             tijd, betwist, vingerafdruk, herhaling FROM berichten ",
            $rest
        ))
    };
}

/// Finds a bericht by its id.
///
/// # Errors
/// [`StoreError`] when it cannot be read.
pub async fn find(read: &Pool, id: BerichtId) -> Result<Option<StoredBericht>, StoreError> {
    let row = select_berichten!("WHERE id = $1").bind(id.0.as_bytes().as_slice()).fetch_optional(read).await?;
    stored(read, row).await
}

/// Finds a bericht by the `request_id` of its sender.
///
/// # Errors
/// [`StoreError`] when it cannot be read.
pub async fn find_by_request(
    read: &Pool,
    afzender: &PartnerNaam,
    request_id: Uuid,
) -> Result<Option<StoredBericht>, StoreError> {
    let row = select_berichten!("WHERE afzender_partner = $1 AND request_id = $2")
        .bind(afzender.as_str())
        .bind(request_id.as_bytes().as_slice())
        .fetch_optional(read)
        .await?;
    stored(read, row).await
}

async fn stored(read: &Pool, row: Option<DbRow>) -> Result<Option<StoredBericht>, StoreError> {
    let Some(row) = row else { return Ok(None) };
    let id: Vec<u8> = row.try_get("id")?;
    let rows = select_rows!("WHERE p.bericht = $1 ORDER BY p.log_index").bind(id).fetch_all(read).await?;
    let rijen = rows.iter().map(PostvakRij::read).collect::<Result<_, _>>()?;
    decode(&row, rijen).map(Some).map_err(|error| match error {
        StoreError::Database(error) => StoreError::inconsistent("berichten", "een kolom", error),
        other => other,
    })
}

fn decode(row: &DbRow, rijen: Vec<PostvakRij>) -> Result<StoredBericht, StoreError> {
    let id = bericht_id(row.try_get("id")?, "berichten")?;
    let wrong = |column| StoreError::inconsistent("berichten", column, id);
    let optional = |column| {
        let bytes = row.try_get::<Option<Vec<u8>>, _>(column)?;
        bytes.map(|bytes| bericht_id(&bytes, "berichten")).transpose()
    };
    let doelgroep = row.try_get::<Option<&str>, _>("doelgroep")?.map(str::parse).transpose();
    Ok(StoredBericht {
        id,
        gesprek: bericht_id(row.try_get("gesprek")?, "berichten")?,
        soort: row.try_get::<&str, _>("berichtsoort")?.parse().map_err(|()| wrong("berichtsoort"))?,
        afzender: Adres {
            partner: row.try_get::<&str, _>("afzender_partner")?.parse().map_err(|_| wrong("afzender_partner"))?,
            loket: row.try_get::<&str, _>("afzender_loket")?.parse().map_err(|_| wrong("afzender_loket"))?,
        },
        in_antwoord_op: optional("in_antwoord_op")?,
        vervangt: optional("vervangt")?,
        verlenging: u8::try_from(row.try_get::<i64, _>("verlenging")?).map_err(|_| wrong("verlenging"))?,
        doelgroep: doelgroep.map_err(|()| wrong("doelgroep"))?,
        tijd: moment(row.try_get("tijd")?),
        vingerafdruk: row.try_get("vingerafdruk")?,
        betwist: row.try_get::<i64, _>("betwist")? != 0,
        herhaling: row.try_get("herhaling")?,
        rijen,
    })
}

/// The rectificaties of each of these berichten, oldest first.
///
/// # Errors
/// [`StoreError`] when they cannot be read.
pub async fn correcties(
    read: &Pool,
    berichten: impl Iterator<Item = BerichtId>,
) -> Result<HashMap<BerichtId, Vec<Correctie>>, StoreError> {
    let mut found: HashMap<BerichtId, Vec<Correctie>> = HashMap::new();
    let mut connection = read.acquire().await?;
    let berichten = Rows::of(&[Column::Bytes("bericht")], berichten, |id| [id.0.as_bytes().as_slice().into()]);
    let sql = "SELECT id, in_antwoord_op, tijd, betwist FROM berichten WHERE berichtsoort = 'rectificatie' \
               AND in_antwoord_op IN (SELECT v.bericht FROM {v}) ORDER BY id";
    for row in fetch(&mut connection, sql, berichten).await? {
        let original = bericht_id(row.try_get("in_antwoord_op")?, "berichten")?;
        found.entry(original).or_default().push(Correctie {
            bericht: bericht_id(row.try_get("id")?, "berichten")?,
            tijd: moment(row.try_get("tijd")?),
            betwist: row.try_get::<i64, _>("betwist")? != 0,
        });
    }
    Ok(found)
}

/// The bericht that replaced this one.
///
/// # Errors
/// [`StoreError`] when it cannot be read.
pub async fn replaced_by(read: &Pool, id: BerichtId) -> Result<Option<BerichtId>, StoreError> {
    let later: Option<Vec<u8>> = sqlx::query_scalar("SELECT id FROM berichten WHERE vervangt = $1")
        .bind(id.0.as_bytes().to_vec())
        .fetch_optional(read)
        .await?;
    later.map(|bytes| bericht_id(&bytes, "berichten")).transpose()
}

/// Rows of a thread that a partner sent or gets, accepted before the regel `before`: the newest ones, at most `most`, in the order
/// of the logboek. A bericht that does not fit whole is left to the next page, unless it is alone on this one. Also gives before
/// which regel there may be more.
///
/// # Errors
/// [`StoreError`] when they cannot be read.
pub async fn gesprek(
    read: &Pool,
    gesprek: BerichtId,
    partner: &PartnerNaam,
    before: u64,
    most: u32,
) -> Result<(Vec<PostvakRij>, Option<u64>), StoreError> {
    let rows = select_rows!(
        "WHERE b.gesprek = $1 AND (p.partner = $2 OR b.afzender_partner = $2) AND p.log_index < $3 \
         ORDER BY p.log_index DESC LIMIT $4"
    )
    .bind(gesprek.0.as_bytes().to_vec())
    .bind(partner.as_str())
    .bind(int(before))
    .bind(i64::from(most))
    .fetch_all(read)
    .await?;
    let mut rijen = rows.iter().rev().map(PostvakRij::read).collect::<Result<Vec<_>, _>>()?;
    if rows.len() < most as usize {
        return Ok((rijen, None));
    }
    // The oldest one may have been cut; it comes whole with the next page.
    let oldest = rijen.first().map(|rij| rij.bericht);
    if rijen.last().map(|rij| rij.bericht) != oldest {
        rijen.retain(|rij| Some(rij.bericht) != oldest);
    }
    let next = rijen.first().map(|rij| rij.log_index);
    Ok((rijen, next))
}
