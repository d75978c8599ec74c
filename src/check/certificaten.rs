//! The certificates, revocation lists and keys that a configuration names: what keeps a gateway from starting, what lets
//! nobody in, and what ends soon.
//!
//! `check` tells it, and `serve` asks the same before it starts. Reads files, never a clock: the moment is the caller's.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use jiff::{Timestamp, ToSpan, civil::Date};
use rustls::pki_types::{CertificateDer, UnixTime};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::{
    bevindingen::{Bevinding, Onderwerp, Waarschuwing},
    rechten,
};
use crate::{
    config::{Config, Opslag},
    domain::{einde::horizon, houdbaarheid::amsterdam_date},
    tls::{
        TlsError,
        ca::{TrustedCa, Uitgever},
        crl::Crl,
        settings,
    },
};

/// Revocation lists live for days: sixty would announce each of them always.
const CRL_DAYS: i64 = 7;
/// How the gateway itself is called in a sentence.
const POORT: &str = "de poort";
/// And its connection to the database.
const DATABASE: &str = "de verbinding met de database";

/// The findings of all files, at a moment.
#[must_use]
pub fn bevindingen(config: &Config, now: Timestamp) -> Vec<Bevinding> {
    let mut look = Look { now, found: Vec::new() };
    let chain = look.certificates(&config.certificaat, POORT);
    if let Some(chain) = &chain {
        look.own_key(config);
        look.own_oin(config);
        look.terms(&config.certificaat, POORT, chain);
    }
    let cas: Vec<(usize, TrustedCa)> =
        config.cas.iter().enumerate().filter_map(|(at, ca)| Some((at, look.ca(ca)?))).collect();
    for (at, (_, ca)) in cas.iter().enumerate() {
        for (_, other) in &cas[at + 1..] {
            if ca.shares_an_anchor(other) {
                let (een, ander) = (ca.naam().to_owned(), other.naam().to_owned());
                look.note(&config.cas[cas[at].0].bestand, Waarschuwing::CaDubbel { een, ander });
            }
        }
    }
    let paths = chain.map(|chain| look.own_paths(config, &chain, &cas)).unwrap_or_default();
    for (at, ca) in &cas {
        let mut uitgevers = ca.uitgevers();
        uitgevers.extend(paths.iter().filter(|(naam, _)| naam == ca.naam()).map(|(_, uitgever)| uitgever.clone()));
        look.lists(&config.cas[*at].bestand, ca, &uitgevers);
    }
    look.database(config);
    rechten::bevindingen(config, &mut look.found);
    look.found
}

/// What is found, at a moment.
struct Look {
    now: Timestamp,
    found: Vec<Bevinding>,
}

impl Look {
    fn note(&mut self, file: &Path, waarschuwing: Waarschuwing) {
        let bevinding = (Onderwerp::Bestand(file.to_owned()), waarschuwing);
        if !self.found.contains(&bevinding) {
            self.found.push(bevinding);
        }
    }

    /// What was read, or a finding.
    fn read<T>(&mut self, file: &Path, naam: &str, read: Result<T, TlsError>) -> Option<T> {
        read.map_err(|error| {
            let (naam, reden) = (naam.to_owned(), error.reden());
            self.note(file, Waarschuwing::CertificaatOnleesbaar { naam, reden });
        })
        .ok()
    }

    fn certificates(&mut self, file: &Path, naam: &str) -> Option<Vec<CertificateDer<'static>>> {
        self.read(file, naam, settings::certificates(file))
    }

    /// The certificates by which the database is known, and this gateway to it: the driver passes over what it cannot read.
    fn database(&mut self, config: &Config) {
        let Opslag::Postgres(postgres) = &config.opslag else { return };
        for server in &postgres.servers {
            for file in ["sslrootcert", "sslcert"].into_iter().filter_map(|option| server.file(option)) {
                if let Some(certificates) = self.certificates(&file, DATABASE) {
                    self.terms(&file, DATABASE, &certificates);
                }
            }
            if let Some((certificate, key)) = server.file("sslcert").zip(server.file("sslkey"))
                && let Err(error) = settings::certified_key(&certificate, &key)
            {
                self.read::<()>(&key, DATABASE, Err(error));
            }
        }
    }

    fn own_key(&mut self, config: &Config) {
        if let Err(error) = settings::certified_key(&config.certificaat, &config.sleutel) {
            self.note(&config.sleutel, Waarschuwing::SleutelPastNiet { reden: error.reden() });
        }
    }

    fn own_oin(&mut self, config: &Config) {
        self.read(&config.certificaat, POORT, settings::own_oin(&config.certificaat));
    }

    fn ca(&mut self, ca: &crate::config::Ca) -> Option<TrustedCa> {
        let naam = format!("CA {}", ca.naam);
        let certificates = self.certificates(&ca.bestand, &naam);
        let files = ca.lists();
        let lists: Vec<Option<Vec<Crl>>> =
            files.iter().flatten().map(|file| self.read(file, &naam, settings::lists(file))).collect();
        let certificates = certificates?;
        self.terms(&ca.bestand, &naam, &certificates);
        let lists = lists.into_iter().collect::<Option<Vec<_>>>()?.into_iter().flatten().collect();
        let lists = files.map(|_| lists);
        self.read(&ca.bestand, &naam, TrustedCa::new(&ca.naam, &ca.bestand, &certificates, lists))
    }

    /// Whether each certificate of a file holds, and for how long.
    fn terms(&mut self, file: &Path, naam: &str, certificates: &[CertificateDer<'_>]) {
        let today = amsterdam_date(self.now);
        for certificate in certificates {
            let (_, parsed) = X509Certificate::from_der(certificate).expect("what was read as a certificate is one");
            let (from, until) = (parsed.validity().not_before.timestamp(), parsed.validity().not_after.timestamp());
            let (naam, laatste_dag) = (naam.to_owned(), day(until));
            if until < self.now.as_second() {
                let laatste_dag = laatste_dag.to_string();
                self.note(file, Waarschuwing::CertificaatVerlopen { naam, laatste_dag });
            } else if self.now.as_second() < from {
                let eerste_dag = day(from).to_string();
                self.note(file, Waarschuwing::CertificaatNogNietGeldig { naam, eerste_dag });
            } else if laatste_dag < horizon(today) {
                let laatste_dag = laatste_dag.to_string();
                self.note(file, Waarschuwing::CertificaatLooptAf { naam, laatste_dag });
            }
        }
    }

    /// The issuers between the gateway's own certificate and each CA that it leads to, by name of that CA.
    fn own_paths(
        &mut self,
        config: &Config,
        chain: &[CertificateDer<'_>],
        cas: &[(usize, TrustedCa)],
    ) -> Vec<(String, Uitgever)> {
        // Terms are told apart from this, so it is asked at a moment at which the leaf holds.
        let (_, leaf) = X509Certificate::from_der(&chain[0]).expect("what was read as a certificate is one");
        let (from, until) = (leaf.validity().not_before.timestamp(), leaf.validity().not_after.timestamp());
        let second = u64::try_from(self.now.as_second().min(until).max(from)).unwrap_or(0);
        let moment = UnixTime::since_unix_epoch(std::time::Duration::from_secs(second));
        let (mut paths, mut leads, mut reden) = (Vec::new(), false, None);
        for (_, ca) in cas {
            match ca.server_path(chain, moment) {
                Ok(uitgevers) => {
                    leads = true;
                    paths.extend(uitgevers.into_iter().map(|uitgever| (ca.naam().to_owned(), uitgever)));
                }
                Err(error) => reden = reden.or(Some(error.to_string())),
            }
        }
        // A CA that cannot be read is a finding of its own.
        if let (false, Some(reden)) = (leads || cas.len() < config.cas.len(), reden) {
            self.note(&config.certificaat, Waarschuwing::KetenZonderCa { reden });
        }
        paths
    }

    /// Whether each issuer has a list that holds, and for how long the newest of each holds.
    fn lists(&mut self, file: &Path, ca: &TrustedCa, uitgevers: &[Uitgever]) {
        let (naam, now) = (format!("CA {}", ca.naam()), self.now.as_second());
        for uitgever in uitgevers {
            let theirs: Vec<&Crl> = ca.lists().iter().filter(|list| ca.is_list_of(list, uitgever)).collect();
            let ended = theirs.iter().any(|list| list.next_update() <= now);
            // One that ended is told below; one that nobody has, or that begins later, is missing.
            if !theirs.iter().any(|list| list.holds(now)) && !ended {
                let (naam, uitgever) = (naam.clone(), uitgever.naam.clone());
                self.note(file, Waarschuwing::CrlOntbreekt { naam, uitgever });
            }
        }
        // As at a handshake: one that ended counts for nothing where another one holds.
        let rank = |list: &Crl| (list.holds(now), list.this_update());
        let mut newest: BTreeMap<_, &Crl> = BTreeMap::new();
        for list in ca.lists().iter().filter(|list| list.this_update() <= now) {
            let known = newest.entry(list.source()).or_insert(list);
            if rank(list) > rank(known) {
                *known = list;
            }
        }
        let ends: BTreeSet<i64> = newest.values().map(|list| list.next_update()).collect();
        for end in ends {
            let (naam, laatste_dag) = (naam.clone(), day(end).to_string());
            if end <= now {
                self.note(file, Waarschuwing::CrlVerlopen { naam, laatste_dag });
            } else if day(end) < amsterdam_date(self.now).saturating_add(CRL_DAYS.days()) {
                self.note(file, Waarschuwing::CrlLooptAf { naam, laatste_dag });
            }
        }
    }
}

/// The date of Unix seconds.
fn day(second: i64) -> Date {
    amsterdam_date(Timestamp::from_second(second).unwrap_or(Timestamp::MAX))
}
