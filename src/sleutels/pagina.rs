//! Pagina (page): where a search goes on, sealed so that its asker can only hand it back.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use super::keystore::KeyStore;

const LABEL: &[u8] = b"ketenpoort/v1 pagina";

/// Where a search goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pagina {
    /// Regels before this index are searched, however far the logboek is by now.
    pub tot: u64,
    /// The last one that was shown.
    pub na: u64,
}

impl KeyStore {
    /// Seals a page for whoever asks in this context, and for nobody else. It opens at every gateway with the same keys.
    #[must_use]
    pub fn seal_pagina(&self, pagina: Pagina, context: &[u8]) -> String {
        let plain = [pagina.tot.to_be_bytes(), pagina.na.to_be_bytes()].concat();
        let key = self.sealing().pseudoniem.derive(LABEL, b"");
        URL_SAFE_NO_PAD.encode(key.seal(Zeroizing::new(plain), context, self.rng()))
    }

    /// Opens what [`KeyStore::seal_pagina`] made for the same context.
    #[must_use]
    pub fn open_pagina(&self, text: &str, context: &[u8]) -> Option<Pagina> {
        let sealed = URL_SAFE_NO_PAD.decode(text).ok()?;
        let plain = self.sealing().pseudoniem.derive(LABEL, b"").open(&sealed, context).ok()?;
        let (tot, na) = plain.split_first_chunk::<8>()?;
        Some(Pagina { tot: u64::from_be_bytes(*tot), na: u64::from_be_bytes(na.try_into().ok()?) })
    }
}
