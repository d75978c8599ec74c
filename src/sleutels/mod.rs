//! Sleutels (keys): content is sealed once, and its key wrapped for each ontvanger under the day key of the day
//! until which it is houdbaar.
//!
//! [`seal`] holds the cryptography, [`directory`] the keys that stay, as files, [`dagsleutels`] says where day keys lie, and
//! [`keystore`] all of them in use. [`openingen`] seals what opens commitments. [`wacht`] is the guard file beside them. A day key opens all content of its day, in every copy
//! and backup of the database. Nothing destroys day keys yet. Not here: who may read what (`domain`), where the sealed bytes lie
//! (`store`).

pub mod blik;
pub mod dagsleutels;
pub mod directory;
pub mod keystore;
pub mod openingen;
pub mod pagina;
pub mod seal;
pub mod wacht;

pub use dagsleutels::DayKeyPlace;
pub use directory::{DayKeyFile, KeyDirectory, SealingKeys};
pub use keystore::{DayKey, KeyError, KeyStore};
pub use openingen::{CommitmentOpening, OpeningKeys, Veld};
pub use seal::{DataKey, Herhaling, HerhalingContext, Opened, Opener, Opening, SealError, WrapContext};
pub use wacht::{Onthouden, Wacht};
