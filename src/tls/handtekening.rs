//! Handtekening (signature): who signs for a party does so with the key of its own certificate, and anybody who has that certificate can see
//! that it holds.

use std::{path::Path, sync::Arc};

use rustls::{SignatureScheme, crypto::CryptoProvider, pki_types::CertificateDer, sign::SigningKey};
use webpki::EndEntityCert;

use super::{
    TlsError,
    settings::{content, private_key, provider},
};

/// The schemes with which is signed, the first that a key can.
const SCHEMES: [SignatureScheme; 6] = [
    SignatureScheme::ED25519,
    SignatureScheme::ECDSA_NISTP256_SHA256,
    SignatureScheme::ECDSA_NISTP384_SHA384,
    SignatureScheme::RSA_PSS_SHA256,
    SignatureScheme::RSA_PSS_SHA384,
    SignatureScheme::RSA_PSS_SHA512,
];

/// Signs a text with the key in a PEM file: two bytes that say how (`SignatureScheme` of TLS, RFC 8446 section 4.2.3), and the signature.
///
/// # Errors
/// [`TlsError`] naming the file.
pub fn sign(sleutel: &Path, text: &str) -> Result<Vec<u8>, TlsError> {
    let provider: Arc<CryptoProvider> = provider();
    let key: Arc<dyn SigningKey> = provider
        .key_provider
        .load_private_key(private_key(sleutel)?)
        .map_err(|error| content(sleutel, error.to_string()))?;
    let signer = key.choose_scheme(&SCHEMES).ok_or_else(|| content(sleutel, "met deze sleutel is niet te tekenen"))?;
    let signature = signer.sign(text.as_bytes()).map_err(|error| content(sleutel, error.to_string()))?;
    Ok([u16::from(signer.scheme()).to_be_bytes().as_slice(), &signature].concat())
}

/// Whether this is the signature of a text by the key of this certificate (DER).
#[must_use]
pub fn holds(certificaat: &[u8], text: &str, handtekening: &[u8]) -> bool {
    let Some((scheme, signature)) = handtekening.split_first_chunk::<2>() else { return false };
    let scheme = SignatureScheme::from(u16::from_be_bytes(*scheme));
    let der = CertificateDer::from(certificaat);
    let Ok(leaf) = EndEntityCert::try_from(&der) else { return false };
    let algorithms = provider().signature_verification_algorithms.mapping;
    let of_scheme = algorithms.iter().filter(|(of, _)| *of == scheme && SCHEMES.contains(of)).flat_map(|(_, all)| *all);
    of_scheme.into_iter().any(|algorithm| leaf.verify_signature(*algorithm, text.as_bytes(), signature).is_ok())
}
