//! Values as the database keeps them.

use jiff::Timestamp;
use uuid::Uuid;

use super::StoreError;
use crate::domain::BerichtId;

/// Microseconds since 1970, as the database keeps moments.
pub(in crate::store) fn micros(moment: Timestamp) -> i64 {
    moment.as_microsecond()
}

/// A moment that the database keeps. A number that is beyond the calendar becomes the last or the first moment that there is.
pub(in crate::store) fn moment(micros: i64) -> Timestamp {
    let beyond = if micros > 0 { Timestamp::MAX } else { Timestamp::MIN };
    Timestamp::from_microsecond(micros).unwrap_or(beyond)
}

/// An index or size as the database keeps it.
pub(in crate::store) fn int(number: u64) -> i64 {
    i64::try_from(number).expect("a logboek stays far below 2^63 regels")
}

/// An index or size from the database.
pub(in crate::store) fn uint(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// An index that somebody may have written who is no gateway: those that a gateway never gets to are not counted on with.
pub(in crate::store) fn index(number: i64, table: &'static str, column: &'static str) -> Result<u64, StoreError> {
    let index = u64::try_from(number).ok().filter(|_| number <= i64::MAX / 2);
    index.ok_or_else(|| StoreError::inconsistent(table, column, number))
}

/// The id of a bericht in the database: the 16 bytes of a UUID.
pub(in crate::store) fn bericht_id(bytes: &[u8], table: &'static str) -> Result<BerichtId, StoreError> {
    Uuid::from_slice(bytes).map(BerichtId).map_err(|_| StoreError::inconsistent(table, "id", hex::encode(bytes)))
}
