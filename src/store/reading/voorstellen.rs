//! Voorstellen (proposals): changes of what is in force that were proposed, and what was decided about them.
//!
//! A row says nothing by itself: it counts with the regel of its index, which carries its hash.

use sqlx::Row;

use super::documenten::unproven;
use crate::{
    logboek::{Hash, Logregel, Soort, chained, leaf_hash, sha256_hex},
    store::{
        DbRow, Pool, StoreError,
        values::{int, uint},
    },
};

/// A document of a proposal.
#[derive(Clone, Debug)]
pub struct Voorgesteld {
    /// The index of its regel.
    pub log_index: u64,
    /// The regel.
    pub regel: Logregel,
    /// The text; nothing where it is to be withdrawn.
    pub tekst: Option<String>,
}

/// What was proposed and decided from an index on, by the rows.
#[derive(Debug, Default)]
pub struct Sindsdien {
    /// The documents that were proposed.
    pub voorgesteld: Vec<Voorgesteld>,
    /// What was decided.
    pub besluiten: Vec<(u64, Logregel)>,
    /// All these regels, chained. The rows count only where the head of the logboek says the same.
    pub keten: Hash,
}

/// What was proposed and decided from this index on, each held to its regel.
///
/// # Errors
/// [`StoreError::Unproven`] where a row has no such regel.
pub async fn sindsdien(read: &Pool, from: u64) -> Result<Sindsdien, StoreError> {
    // One statement, so that all of it is of one moment.
    let rows = sqlx::query(
        "SELECT v.log_index, v.tekst, r.regel, CAST(1 AS BIGINT) AS eigen FROM voorstellen v \
         LEFT JOIN logregels r ON r.log_index = v.log_index WHERE v.log_index >= $1 UNION ALL \
         SELECT b.log_index, CAST(NULL AS TEXT) AS tekst, r.regel, CAST(0 AS BIGINT) AS eigen FROM besluiten b \
         LEFT JOIN logregels r ON r.log_index = b.log_index WHERE b.log_index >= $1 ORDER BY 1",
    );
    let mut found = Sindsdien::default();
    for row in rows.bind(int(from)).fetch_all(read).await? {
        let (log_index, regel) = with_regel(&row)?;
        found.keten = chained(&found.keten, &leaf_hash(row.try_get("regel")?));
        if row.try_get::<i64, _>("eigen")? == 0 {
            found.besluiten.push((log_index, regel));
            continue;
        }
        let tekst: Option<String> = row.try_get("tekst")?;
        if regel.soort != Soort::Voorgesteld || tekst.as_deref().map(|of| sha256_hex(of.as_bytes())) != regel.convenant
        {
            return Err(unproven(log_index, "de voorgestelde tekst is een andere dan die van de regel"));
        }
        found.voorgesteld.push(Voorgesteld { log_index, regel, tekst });
    }
    Ok(found)
}

/// What was decided about a proposal, with the signature where there is one.
pub struct Ondertekend {
    /// The index of its regel.
    pub log_index: u64,
    /// The regel.
    pub regel: Logregel,
    /// The signature.
    pub handtekening: Option<Vec<u8>>,
    /// The certificate by which it is verified, DER.
    pub certificaat: Option<Vec<u8>>,
}

/// What was decided about a proposal before the regel that carried it out.
///
/// # Errors
/// [`StoreError::Unproven`] where a row has no such regel.
pub async fn ondertekend(read: &Pool, voorstel: u64, before: u64) -> Result<Vec<Ondertekend>, StoreError> {
    let rows = sqlx::query(
        "SELECT b.log_index, b.handtekening, b.certificaat, r.regel FROM besluiten b \
         LEFT JOIN logregels r ON r.log_index = b.log_index WHERE b.log_index > $1 AND b.log_index < $2 ORDER BY b.log_index",
    );
    let of = |row: &DbRow| {
        let (log_index, regel) = with_regel(row)?;
        let (handtekening, certificaat) = (row.try_get("handtekening")?, row.try_get("certificaat")?);
        Ok(Ondertekend { log_index, regel, handtekening, certificaat })
    };
    let rows = rows.bind(int(voorstel)).bind(int(before)).fetch_all(read).await?;
    let mut signed = rows.iter().map(of).collect::<Result<Vec<_>, StoreError>>()?;
    signed.retain(|of| of.regel.voorstel == Some(voorstel));
    Ok(signed)
}

fn with_regel(row: &DbRow) -> Result<(u64, Logregel), StoreError> {
    let log_index = uint(row.try_get("log_index")?);
    let leaf: Option<&[u8]> = row.try_get("regel")?;
    let regel = leaf.and_then(|leaf| Logregel::from_leaf(leaf).ok());
    Ok((log_index, regel.ok_or_else(|| unproven(log_index, "er is geen regel die dit vastlegde"))?))
}
