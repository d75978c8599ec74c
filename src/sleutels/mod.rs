//! Sleutels (keys): content is sealed once, and its key wrapped for each ontvanger under the day key of the day
//! until which it is houdbaar.
//!
//! [`seal`] holds the cryptography, [`keystore`] the day keys on disk. Destroying a day key makes all
//! content of that day unreadable, in every copy and backup; that comes with the verb `expire`.
//! Not here: who may read what (`domain`), where the sealed bytes lie (`store`).

pub mod keystore;
pub mod seal;

pub use keystore::{DayKey, KeyStore};
pub use seal::{DataKey, Herhaling, SealError, WrapContext};
