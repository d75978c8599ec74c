//! Opgehaald (fetched): whether a revocation list that came over the network may take the place of the one before.
//!
//! It comes over a way that nobody guards (RFC 5280, section 8: lists are signed, and fetched over plain HTTP), so it counts only when a known
//! issuer signed it, when it holds, and when it is of
//! the same source as what it replaces and not older.

use rustls::pki_types::CertificateDer;

use super::{
    ca::{Uitgever, is_list_of},
    crl::Crl,
    pem,
};

/// Bytes of a list, at most.
pub const MOST_BYTES: usize = 20 << 20;

/// Why a fetched list does not count.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Afgekeurd {
    /// It is no list.
    #[error("wat daar staat is geen intrekkingslijst ({0})")]
    Onleesbaar(String),
    /// It has ended.
    #[error("de lijst die daar staat is al verlopen: de uitgever is te laat")]
    Verlopen,
    /// It does not hold yet.
    #[error("de lijst die daar staat geldt nog niet: loopt de klok van deze machine achter?")]
    NogNiet,
    /// It says nothing of those whom the one before is about, and that one holds still.
    #[error("de lijst die daar staat gaat over andere certificaten dan die er al was, en die geldt nog")]
    AndereBron,
    /// It says less than what was fetched before.
    #[error("de lijst die daar staat is ouder dan die er al was")]
    Ouder,
    /// Nobody knows who signed it.
    #[error(
        "de lijst is niet ondertekend door een uitgever die hier bekend is. Zet het certificaat van haar uitgever bij tussenliggend in dit \
         [[ca]], of haal na of het adres klopt"
    )]
    Vreemd,
}

/// Judges a list that was fetched; `before` is what it would replace, and `now` Unix seconds. Gives when it ends, Unix seconds.
///
/// # Errors
/// [`Afgekeurd`].
pub fn judge(bytes: &[u8], issuers: &[CertificateDer<'_>], before: Option<&[u8]>, now: i64) -> Result<i64, Afgekeurd> {
    let list = one(bytes).map_err(Afgekeurd::Onleesbaar)?;
    if !issuers.iter().filter_map(Uitgever::of).any(|issuer| is_list_of(&list, &issuer)) {
        return Err(Afgekeurd::Vreemd);
    }
    if list.next_update() <= now {
        return Err(Afgekeurd::Verlopen);
    }
    if !list.holds(now) {
        return Err(Afgekeurd::NogNiet);
    }
    match before.and_then(|bytes| one(bytes).ok()) {
        Some(before) if before.source() == list.source() && before.this_update() > list.this_update() => {
            Err(Afgekeurd::Ouder)
        }
        Some(before) if before.source() != list.source() && before.holds(now) => Err(Afgekeurd::AndereBron),
        _ => Ok(list.next_update()),
    }
}

/// When a list that was fetched before ends, Unix seconds; nothing where it is none.
#[must_use]
pub fn end(bytes: &[u8]) -> Option<i64> {
    one(bytes).ok().map(|list| list.next_update())
}

/// One list, in DER or in PEM.
fn one(bytes: &[u8]) -> Result<Crl, String> {
    if pem::is_der(bytes) {
        return Crl::parse(bytes);
    }
    let blocks = pem::blocks(bytes, pem::Soort::Crl).map_err(|(_, what)| what)?;
    let [block] = blocks.as_slice() else { return Err(format!("{} lijsten in een bestand", blocks.len())) };
    Crl::parse(&block.bytes)
}
