//! Voorstellen (proposals): changes of what is in force that were proposed, and what was decided about them.
//!
//! A row says nothing by itself: it counts with the regel of its index, which carries its hash.

use sqlx::Row;

use super::documenten::unproven;
use crate::{
    logboek::{Logregel, Soort, sha256_hex},
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

/// Every document that was proposed by regels from this index on, each held to its regel.
///
/// # Errors
/// [`StoreError::Unproven`] where a row has no such regel.
pub async fn voorgesteld(read: &Pool, from: u64) -> Result<Vec<Voorgesteld>, StoreError> {
    let rows = sqlx::query(
        "SELECT v.log_index, v.tekst, r.regel FROM voorstellen v LEFT JOIN logregels r ON r.log_index = v.log_index \
         WHERE v.log_index >= $1 ORDER BY v.log_index",
    );
    let of = |row: &DbRow| {
        let (log_index, regel) = with_regel(row)?;
        let tekst: Option<String> = row.try_get("tekst")?;
        if regel.soort != Soort::Voorgesteld
            || tekst.as_deref().map(|tekst| sha256_hex(tekst.as_bytes())) != regel.convenant
        {
            return Err(unproven(log_index, "de voorgestelde tekst is een andere dan die van de regel"));
        }
        Ok(Voorgesteld { log_index, regel, tekst })
    };
    rows.bind(int(from)).fetch_all(read).await?.iter().map(of).collect()
}

/// The regels by which was decided about proposals, from this index on.
///
/// # Errors
/// [`StoreError::Unproven`] where a row has no such regel.
pub async fn besluiten(read: &Pool, from: u64) -> Result<Vec<(u64, Logregel)>, StoreError> {
    let rows = sqlx::query(
        "SELECT b.log_index, r.regel FROM besluiten b LEFT JOIN logregels r ON r.log_index = b.log_index \
         WHERE b.log_index >= $1 ORDER BY b.log_index",
    );
    rows.bind(int(from)).fetch_all(read).await?.iter().map(with_regel).collect()
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
