//! Bundle: certificate and key in one file, as browsers take them (PKCS #12, RFC 7292).

use p12_keystore::{Certificate, KeyStore, KeyStoreEntry, PrivateKey, PrivateKeyChain};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, pem::PemObject};

use super::{Issued, PkiError};

/// What opens it. It keeps nothing secret: the key lies beside it as it is.
pub const PASSWORD: &str = "ketenpoort";
/// Rounds of the derivation of its keys. More would protect nothing, since the password is known.
const ROUNDS: u32 = 2048;

/// A key with its certificate and those above it.
///
/// # Errors
/// [`PkiError::Bundle`].
pub(super) fn pkcs12(naam: &str, issued: &Issued, root_pem: &str) -> Result<Vec<u8>, PkiError> {
    let failed = |what: String| PkiError::Bundle { what };
    let chain = format!("{}{root_pem}", issued.chain_pem);
    let mut certificates = Vec::new();
    for certificate in CertificateDer::pem_slice_iter(chain.as_bytes()) {
        let der = certificate.map_err(|error| failed(error.to_string()))?;
        certificates.push(Certificate::from_der(&der).map_err(|error| failed(error.to_string()))?);
    }
    let key =
        PrivatePkcs8KeyDer::from_pem_slice(issued.key_pem.as_bytes()).map_err(|error| failed(error.to_string()))?;
    let key = PrivateKey::from_der(key.secret_pkcs8_der()).map_err(|error| failed(error.to_string()))?;
    let mut store = KeyStore::new();
    let chain = PrivateKeyChain::new(naam.as_bytes(), key, certificates);
    store.add_entry(naam, KeyStoreEntry::PrivateKeyChain(chain));
    let writer = store.writer(PASSWORD).encryption_iterations(ROUNDS).mac_iterations(ROUNDS);
    writer.write().map_err(|error| failed(error.to_string()))
}
