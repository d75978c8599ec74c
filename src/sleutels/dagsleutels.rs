//! The document of day keys: each wrapped under the root, so that the document alone opens nothing.

use std::{collections::BTreeMap, pin::Pin, sync::Arc};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{
    keystore::{DayKey, KeyError},
    map::EPOCH,
    seal::Secret,
};
use crate::domain::Rng;

/// An answer of where the document lies.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = Result<T, KeyError>> + Send + 'a>>;

/// Where the document lies: a file of one gateway, or a place that several share.
pub trait KeyDocument: Send + Sync {
    /// Its version and text, if there is one.
    fn read(&self) -> Pending<'_, Option<(u64, String)>>;

    /// Replaces the version that was read (`None`: there was none), durable before it answers. `false` when another gateway was
    /// first: then nothing changed.
    fn replace(&self, basis: Option<u64>, text: String) -> Pending<'_, bool>;

    /// Changes whenever what was read before may no longer be what lies there.
    fn generation(&self) -> u64;
}

#[derive(Serialize, Deserialize)]
struct Document {
    versie: u8,
    epoch: u32,
    /// Day to hexadecimal wrapped key.
    dagsleutels: BTreeMap<Date, String>,
}

pub(super) type Days = BTreeMap<Date, Arc<DayKey>>;

/// Opens each day key of a document; `None` when it is damaged or of another root.
pub(super) fn parse(text: &str, root: &Secret) -> Option<Days> {
    let document: Document = serde_json::from_str(text).ok()?;
    let open = |(day, wrapped): (Date, String)| {
        let wrapped = hex::decode(wrapped).ok()?;
        let key = Secret::from_bytes(&root.open(&wrapped, &aad(day, EPOCH)).ok()?)?;
        Some((day, Arc::new(DayKey { day, epoch: EPOCH, key })))
    };
    let known = document.versie == 1 && document.epoch == EPOCH;
    known.then(|| document.dagsleutels.into_iter().map(open).collect())?
}

/// The document of these day keys.
pub(super) fn print(days: &Days, root: &Secret, rng: &dyn Rng) -> String {
    let wrap = |key: &DayKey| {
        let plain = Zeroizing::new(key.key.bytes().to_vec());
        hex::encode(root.seal(plain, &aad(key.day, EPOCH), rng))
    };
    let dagsleutels = days.iter().map(|(day, key)| (*day, wrap(key))).collect();
    let document = Document { versie: 1, epoch: EPOCH, dagsleutels };
    serde_json::to_string_pretty(&document).expect("dates and hexadecimal text always become JSON")
}

fn aad(day: Date, epoch: u32) -> Vec<u8> {
    format!("dagsleutel\n{day}\n{epoch}").into_bytes()
}
