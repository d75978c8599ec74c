//! Zero, one or more `serialNumber` attributes in one subject.
//!
//! An OIN certificate has exactly one. Admission must refuse any other number, so tests need
//! certificates that have two, and rcgen keeps a subject as a map: one value for each attribute
//! type. So every serialNumber after the first goes in under a placeholder type of the same
//! length, and the placeholder becomes the real type just before signing and once more in what
//! rcgen returns, so that the signature covers what the certificate says. A subject with one
//! serialNumber has no placeholder and passes through untouched.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::string::PrintableString;
use rcgen::{DistinguishedName, DnType, DnValue, Error, KeyPair, PublicKeyData, SignatureAlgorithm, SigningKey};

use super::{LeafSpec, PkiError};

pub(super) const MOST_SERIAL_NUMBERS: usize = 4;

/// id-at-serialNumber is 2.5.4.5 (X.520). The placeholders end in arcs that X.520 has not given
/// out and that, as 5 does, take one octet.
const SERIAL_NUMBER: u8 = 5;
const PLACEHOLDERS: [u8; MOST_SERIAL_NUMBERS - 1] = [125, 126, 127];

/// Adds the serial numbers of `spec` to the subject of its leaf.
pub(super) fn push(name: &mut DistinguishedName, spec: &LeafSpec) -> Result<(), PkiError> {
    if spec.serial_numbers.len() > MOST_SERIAL_NUMBERS {
        return Err(PkiError::TooManySerialNumbers {
            subject: spec.organisation.clone(),
            count: spec.serial_numbers.len(),
        });
    }
    let arcs = [SERIAL_NUMBER].into_iter().chain(PLACEHOLDERS);
    for (serial_number, arc) in spec.serial_numbers.iter().zip(arcs) {
        // RFC 5280, appendix A.1: X520SerialNumber is a PrintableString and nothing else.
        let value = PrintableString::try_from(serial_number.as_str())
            .map_err(|source| PkiError::Certificate { subject: spec.organisation.clone(), source })?;
        let attribute = DnType::CustomDnType(vec![2, 5, 4, arc.into()]);
        name.push(attribute, DnValue::PrintableString(value));
    }
    Ok(())
}

/// The issuing CA's key, signing what the certificate will say instead of the placeholders.
pub(super) struct PlaceholderSigner<'a>(pub &'a KeyPair);

impl PublicKeyData for PlaceholderSigner<'_> {
    fn der_bytes(&self) -> &[u8] {
        self.0.der_bytes()
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        PublicKeyData::algorithm(self.0)
    }
}

impl SigningKey for PlaceholderSigner<'_> {
    fn sign(&self, to_be_signed: &[u8]) -> Result<Vec<u8>, Error> {
        self.0.sign(&without_placeholders(to_be_signed))
    }
}

/// The certificate as PEM with the same replacement. Written out here (RFC 7468, section 2:
/// base64 in lines of 64) because rcgen prints only certificates it made itself.
pub(super) fn final_pem(der: &[u8]) -> String {
    let body = STANDARD.encode(without_placeholders(der));
    let mut pem = String::from("-----BEGIN CERTIFICATE-----\n");
    for (position, character) in body.chars().enumerate() {
        if position > 0 && position % 64 == 0 {
            pem.push('\n');
        }
        pem.push(character);
    }
    pem + "\n-----END CERTIFICATE-----\n"
}

/// Replaces the attribute types by the DER of their whole OID (tag, length, 2.5.4.x). Only the
/// first of each: the subject stands before the extensions and the signature, and that five
/// octets match in a random serial or key before it is a chance of one in 2^40 per position.
fn without_placeholders(der: &[u8]) -> Vec<u8> {
    let mut der = der.to_vec();
    for arc in PLACEHOLDERS {
        let placeholder = [0x06, 0x03, 0x55, 0x04, arc];
        if let Some(start) = der.windows(5).position(|window| window == placeholder) {
            der[start + 4] = SERIAL_NUMBER;
        }
    }
    der
}
