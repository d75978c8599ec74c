//! Where day keys lie: each wrapped under the root, so that what lies there opens nothing by itself.

use std::pin::Pin;

use jiff::civil::Date;
use zeroize::Zeroizing;

use super::{
    directory::EPOCH,
    keystore::{DayKey, KeyError},
    seal::Secret,
};
use crate::domain::Rng;

/// An answer of the place.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = Result<T, KeyError>> + Send + 'a>>;

/// A wrapped day key: hexadecimal.
pub type Wrapped = String;

/// Where day keys lie: a file of one gateway, or a place that several share. A key that lies there is never replaced by another.
pub trait DayKeyPlace: Send + Sync {
    /// The key of this day, if there is one.
    fn find(&self, day: Date) -> Pending<'_, Option<Wrapped>>;

    /// Adds the key of a day, durable before it answers; unless there is one already, which then stays.
    fn add(&self, day: Date, wrapped: Wrapped) -> Pending<'_, ()>;

    /// Changes whenever what was found before may no longer lie there.
    fn reconnects(&self) -> u64;
}

pub(super) fn wrap(key: &DayKey, root: &Secret, rng: &dyn Rng) -> Wrapped {
    let plain = Zeroizing::new(key.key.bytes().to_vec());
    hex::encode(root.seal(plain, &aad(key.day, key.epoch), rng))
}

/// `None` when it is damaged or of another root.
pub(super) fn unwrap(day: Date, wrapped: &str, root: &Secret) -> Option<DayKey> {
    let wrapped = hex::decode(wrapped).ok()?;
    let key = Secret::from_bytes(&root.open(&wrapped, &aad(day, EPOCH)).ok()?)?;
    Some(DayKey { day, epoch: EPOCH, key })
}

fn aad(day: Date, epoch: u32) -> Vec<u8> {
    format!("dagsleutel\n{day}\n{epoch}").into_bytes()
}
