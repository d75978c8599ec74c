//! The certificates and revocation lists that a configuration names: which have ended, or end soon.

use std::{collections::BTreeMap, fs, path::Path};

use jiff::{Timestamp, ToSpan, civil::Date};
use x509_parser::{
    pem::Pem,
    prelude::{CertificateRevocationList, FromDer},
};

use super::bevindingen::{Bevinding, Onderwerp, Waarschuwing};
use crate::{
    config::Config,
    domain::{einde::horizon, houdbaarheid::amsterdam_date},
};

/// Revocation lists live for days: sixty would announce each of them always.
const CRL_DAYS: i64 = 7;

/// The findings of all files.
#[must_use]
pub fn bevindingen(config: &Config, day: Date) -> Vec<Bevinding> {
    let mut found = Vec::new();
    look(&config.certificaat, "de poort", day, &mut found);
    for ca in &config.cas {
        let naam = format!("CA {}", ca.naam);
        for file in std::iter::once(&ca.bestand).chain(&ca.crl) {
            look(file, &naam, day, &mut found);
        }
    }
    found
}

fn look(file: &Path, naam: &str, day: Date, found: &mut Vec<Bevinding>) {
    let mut note = |waarschuwing| found.push((Onderwerp::Bestand(file.to_owned()), waarschuwing));
    match ends(file) {
        Err(reden) => note(Waarschuwing::CertificaatOnleesbaar { naam: naam.to_owned(), reden }),
        Ok(ends) => {
            for (soort, last) in ends {
                let (naam, laatste_dag) = (naam.to_owned(), last.to_string());
                match soort {
                    Soort::Certificaat if last < day => note(Waarschuwing::CertificaatVerlopen { naam, laatste_dag }),
                    Soort::Certificaat if last < horizon(day) => {
                        note(Waarschuwing::CertificaatLooptAf { naam, laatste_dag });
                    }
                    Soort::Crl if last < day => note(Waarschuwing::CrlVerlopen { naam, laatste_dag }),
                    Soort::Crl if last < day.saturating_add(CRL_DAYS.days()) => {
                        note(Waarschuwing::CrlLooptAf { naam, laatste_dag });
                    }
                    Soort::Certificaat | Soort::Crl => {}
                }
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Soort {
    Certificaat,
    Crl,
}

/// The last day of a PEM file: of a chain that of the certificate that ends first.
fn ends(file: &Path) -> Result<BTreeMap<Soort, Date>, String> {
    let bytes = fs::read(file).map_err(|error| error.to_string())?;
    let mut ends = BTreeMap::new();
    for pem in Pem::iter_from_buffer(&bytes) {
        let pem = pem.map_err(|error| format!("geen leesbare PEM: {error}"))?;
        let (soort, end) = if pem.label == "X509 CRL" {
            let (_, list) = CertificateRevocationList::from_der(&pem.contents).map_err(|error| error.to_string())?;
            let Some(next) = list.next_update() else { continue };
            (Soort::Crl, next.timestamp())
        } else {
            let certificate = pem.parse_x509().map_err(|error| error.to_string())?;
            (Soort::Certificaat, certificate.validity().not_after.timestamp())
        };
        let day = amsterdam_date(Timestamp::from_second(end).unwrap_or(Timestamp::MAX));
        ends.entry(soort).and_modify(|first: &mut Date| *first = day.min(*first)).or_insert(day);
    }
    if ends.is_empty() { Err("er staat geen certificaat of lijst in (PEM)".to_owned()) } else { Ok(ends) }
}
