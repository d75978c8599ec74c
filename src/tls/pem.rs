//! PEM files, read whole or refused.
//!
//! The usual readers skip what they do not know: a certificate behind a byte order mark, a block whose label is
//! `TRUSTED CERTIFICATE`, a second block that begins on the line where the first one ends. Then a CA is not trusted, or a
//! list not asked, and nobody is told. Here every line belongs to a block or is blank, and every block is one of those that
//! were asked for; anything else is refused with file and line. Not here: what the bytes of a block mean.

use std::path::Path;

use base64::{Engine, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use super::TlsError;
use crate::files;

/// What a file is asked to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Soort {
    /// Certificates: of the gateway, of a CA, of a client.
    Certificaat,
    /// Revocation lists.
    Crl,
    /// One private key.
    Sleutel,
}

impl Soort {
    /// The labels of this kind (RFC 7468, and RFC 1421 style keys as OpenSSL writes them).
    fn labels(self) -> &'static [&'static str] {
        match self {
            Self::Certificaat => &["CERTIFICATE"],
            Self::Crl => &["X509 CRL"],
            Self::Sleutel => &["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"],
        }
    }
}

/// One block of a file.
pub(super) struct Block {
    /// Its label, one of those of the kind that was asked for.
    pub label: &'static str,
    /// The line on which it begins, from 1.
    pub line: usize,
    /// What stands in it, decoded. Overwritten when it goes, because it can be a key.
    pub bytes: Zeroizing<Vec<u8>>,
}

/// Why a text was refused: the line, from 1, and what is wrong and what to do.
pub(super) type Refused = (usize, String);

/// A file in bytes, at most: the largest revocation lists are some megabytes.
const LARGEST: u64 = 64 << 20;

/// The bytes of a file.
///
/// # Errors
/// [`TlsError::Io`].
pub(super) fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, TlsError> {
    files::read(path, LARGEST).map(Zeroizing::new).map_err(|source| TlsError::Io { path: path.to_owned(), source })
}

/// Every block of a PEM file, at least one.
///
/// # Errors
/// [`TlsError`] with file and line.
pub(super) fn read_blocks(path: &Path, soort: Soort) -> Result<Vec<Block>, TlsError> {
    blocks(&read(path)?, soort).map_err(|refused| at(path, refused))
}

/// The error of a file, by what is wrong in its text.
pub(super) fn at(path: &Path, (line, what): Refused) -> TlsError {
    TlsError::Line { path: path.to_owned(), line, what }
}

/// Whether this is one DER structure rather than text: an ASN.1 SEQUENCE with a length of more than one byte.
pub(super) fn is_der(bytes: &[u8]) -> bool {
    matches!(bytes, [0x30, length, ..] if *length > 0x7f)
}

/// Every block of a text, at least one.
pub(super) fn blocks(bytes: &[u8], soort: Soort) -> Result<Vec<Block>, Refused> {
    let text = text(bytes, soort)?;
    let mut found: Vec<Block> = Vec::new();
    let mut open: Option<(&'static str, usize, Zeroizing<String>)> = None;
    for (line, number) in text.lines().map(str::trim_end).zip(1..) {
        match open.take() {
            None if line.is_empty() => {}
            None => open = Some((begin(line, soort).map_err(|what| (number, what))?, number, Zeroizing::default())),
            Some((label, from, body)) if line.starts_with("-----") => {
                end(line, label, from).map_err(|what| (number, what))?;
                found.push(Block { label, line: from, bytes: decode(&body).ok_or_else(|| bad_base64(from))? });
            }
            Some((label, from, mut body)) => {
                content(line).map_err(|what| (number, what))?;
                body.push_str(line);
                open = Some((label, from, body));
            }
        }
    }
    if let Some((label, from, _)) = open {
        return Err((
            from,
            format!(
                "het blok {label} dat hier begint heeft geen -----END {label}-----. Het bestand is afgekapt: haal het opnieuw op."
            ),
        ));
    }
    if found.is_empty() {
        return Err((
            1,
            format!("er staat geen enkel blok -----BEGIN {}----- in. Controleer het pad.", soort.labels()[0]),
        ));
    }
    Ok(found)
}

/// The file as text, if it is that.
fn text(bytes: &[u8], soort: Soort) -> Result<&str, Refused> {
    const MARKS: [&[u8]; 3] = [b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff"];
    let refuse = |what: &str| Err((1, what.to_owned()));
    if MARKS.iter().any(|mark| bytes.starts_with(mark)) {
        return refuse(
            "het bestand begint met een byte order mark (BOM). Bewaar het opnieuw als gewone tekst (ASCII) zonder BOM.",
        );
    }
    if is_der(bytes) {
        return refuse(match soort {
            Soort::Certificaat => {
                "dit is DER; hier wordt PEM gevraagd. Zet het om: openssl x509 -inform der -in IN -out UIT."
            }
            Soort::Crl => "dit is DER, en geen intrekkingslijst. Controleer het pad.",
            Soort::Sleutel => {
                "dit is DER; hier wordt PEM gevraagd. Zet het om: openssl pkey -inform der -in IN -out UIT."
            }
        });
    }
    std::str::from_utf8(bytes).or_else(|_| refuse("dit is geen tekst, en dus geen PEM. Controleer het pad."))
}

/// The label that a line opens.
fn begin(line: &str, soort: Soort) -> Result<&'static str, String> {
    let Some(label) = line.strip_prefix("-----BEGIN ").and_then(|rest| rest.strip_suffix("-----")) else {
        return Err(if line.starts_with("-----BEGIN") {
            format!(
                "{line:.60} is geen goed begin van een blok. Het moet precies -----BEGIN {}----- zijn.",
                soort.labels()[0]
            )
        } else {
            "hier staat tekst buiten een blok. Laat alleen de blokken staan, elk van zijn BEGIN tot en met zijn END: wat \
             ertussen staat kan een beschadigd blok zijn."
                .to_owned()
        });
    };
    if let Some(known) = soort.labels().iter().find(|known| **known == label) {
        return Ok(known);
    }
    Err(match label {
        "ENCRYPTED PRIVATE KEY" => {
            "deze privesleutel is met een wachtwoord versleuteld, en de poort heeft dat niet. Ontsleutel \
             haar (openssl pkey -in IN -out UIT) en bescherm het bestand met zijn rechten (0600)."
                .to_owned()
        }
        "EC PARAMETERS" | "DSA PARAMETERS" => {
            format!(
                "blok {label} hoort niet in een sleutelbestand. Verwijder dat blok, of zet de sleutel om: openssl pkey -in IN -out UIT."
            )
        }
        "TRUSTED CERTIFICATE" | "X509 CERTIFICATE" => format!(
            "blok {label} is een afwijkende vorm. Maak er een gewoon CERTIFICATE van: openssl x509 -in IN -out UIT."
        ),
        _ => format!("een blok {label:.60} hoort niet in dit bestand; hier kan: {}.", soort.labels().join(", ")),
    })
}

/// Whether a line closes the block that is open.
fn end(line: &str, label: &str, from: usize) -> Result<(), String> {
    let closing = format!("-----END {label}-----");
    if line == closing {
        return Ok(());
    }
    Err(match line.strip_prefix(&closing) {
        Some(rest) if rest.starts_with("-----") => {
            "hier begint een blok op de regel waar een ander eindigt. Zet er een nieuwe regel tussen.".to_owned()
        }
        _ => format!(
            "het blok {label} van regel {from} eindigt niet met {closing}. Het is beschadigd of afgekapt: haal het opnieuw op."
        ),
    })
}

/// Whether a line can be part of a block.
fn content(line: &str) -> Result<(), String> {
    if line.contains(": ") {
        return Err("dit blok heeft een kop (zoals Proc-Type: 4,ENCRYPTED): de sleutel is versleuteld, en de poort heeft het \
             wachtwoord niet. Ontsleutel haar (openssl pkey -in IN -out UIT) en bescherm het bestand met zijn rechten (0600)."
            .to_owned());
    }
    if line.contains("-----") {
        return Err(
            "hier loopt een regel van het blok door in een BEGIN of END. Zet er een nieuwe regel tussen.".to_owned()
        );
    }
    if line.is_empty() || !line.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte)) {
        return Err("deze regel is geen base64. Het blok is beschadigd: haal het opnieuw op.".to_owned());
    }
    Ok(())
}

fn bad_base64(from: usize) -> Refused {
    (from, "de inhoud van het blok dat hier begint is geen geldige base64. Het is beschadigd of afgekapt: haal het opnieuw op.".to_owned())
}

fn decode(body: &str) -> Option<Zeroizing<Vec<u8>>> {
    STANDARD.decode(body).ok().filter(|bytes| !bytes.is_empty()).map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = "MAMCAQE=";

    fn block(label: &str) -> String {
        format!("-----BEGIN {label}-----\n{BODY}\n-----END {label}-----\n")
    }

    fn count(text: impl AsRef<[u8]>) -> Result<usize, Refused> {
        blocks(text.as_ref(), Soort::Certificaat).map(|found| found.len())
    }

    #[test]
    fn as_many_blocks_are_read_as_there_are() {
        let two = block("CERTIFICATE").repeat(2);
        for good in [
            two.clone(),
            two.trim_end().to_owned(),
            two.replace('\n', "\r\n"),
            format!("\n\n{}\n  \n{}", block("CERTIFICATE"), block("CERTIFICATE")),
            two.replace("-----\n", "-----  \n"),
        ] {
            assert_eq!(count(&good), Ok(2), "{good}");
        }
    }

    #[test]
    fn whatever_is_not_read_whole_is_refused_with_its_line() {
        let (one, other) = (block("CERTIFICATE"), block("CERTIFICATE"));
        for (text, line, sign) in [
            (format!("\u{feff}{one}"), 1, "BOM"),
            (format!("{one}{}", block("TRUSTED CERTIFICATE")), 4, "afwijkende vorm"),
            (format!("{one}{}", block("X509 CERTIFICATE")), 4, "afwijkende vorm"),
            (format!("{one}{}", block("certificate")), 4, "blok certificate hoort niet"),
            (format!("{one}{}", block("X509 CRL")), 4, "blok X509 CRL hoort niet"),
            (format!("{one}{}", block("PRIVATE KEY")), 4, "blok PRIVATE KEY hoort niet"),
            (format!("{one}{}", one.to_lowercase()), 4, "buiten een blok"),
            (format!("{}{other}", one.trim_end()), 3, "nieuwe regel tussen"),
            (one.replace("\n-----END", "-----END"), 2, "nieuwe regel tussen"),
            (one.trim_end().trim_end_matches('-').to_owned(), 3, "eindigt niet met"),
            (format!("{one}-----BEGIN CERTIFICATE-----\n{BODY}\n"), 4, "afgekapt"),
            (format!("-----BEGIN CERTIFICATE-----\n{BODY}\n{other}"), 3, "eindigt niet met"),
            (one.replace("MAMC", "MA!C"), 2, "geen base64"),
            (one.replace("MAMCAQE=", "MAMCAQE"), 1, "geldige base64"),
            (one.replace(&format!("{BODY}\n"), ""), 1, "geldige base64"),
            (one.replace(BODY, &format!("{BODY}\n\n{BODY}")), 3, "geen base64"),
            (format!("Bag Attributes\n{one}"), 1, "buiten een blok"),
            (format!("{one}# einde\n"), 4, "buiten een blok"),
            (one.replace("-----BEGIN CERTIFICATE-----", "----BEGIN CERTIFICATE-----"), 1, "buiten een blok"),
            (one.replace("-----BEGIN CERTIFICATE-----", "-----BEGIN CERTIFICATE----"), 1, "goed begin"),
            (String::new(), 1, "geen enkel blok"),
        ] {
            let (at, what) = count(&text).expect_err(&text);
            assert!(at == line && what.contains(sign), "{text}: {at}: {what}");
        }
        let (_, what) = count([0x30, 0x82, 0x01, 0x00]).unwrap_err();
        assert!(what.contains("-inform der"), "{what}");
        let (_, what) = count([0xff, 0xfe, b'-', 0]).unwrap_err();
        assert!(what.contains("BOM"), "{what}");
    }

    #[test]
    fn a_key_says_what_is_wrong_with_it() {
        let keys = |text: &str| blocks(text.as_bytes(), Soort::Sleutel).map(|found| found.len());
        for label in ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"] {
            assert_eq!(keys(&block(label)), Ok(1));
        }
        let header = format!("-----BEGIN RSA {}-----\nProc-Type: 4,ENCRYPTED\n\n{BODY}\n", "PRIVATE KEY");
        for (text, line, sign) in [
            (block("ENCRYPTED PRIVATE KEY"), 1, "wachtwoord"),
            (header, 2, "wachtwoord"),
            (block("EC PARAMETERS") + &block("EC PRIVATE KEY"), 1, "EC PARAMETERS hoort niet"),
            (block("CERTIFICATE"), 1, "CERTIFICATE hoort niet"),
        ] {
            let (at, what) = keys(&text).unwrap_err();
            assert!(at == line && what.contains(sign), "{text}: {at}: {what}");
        }
    }
}
