//! What was read from files and ends while the gateway runs: its own certificate, those of CA's, and revocation lists. Said when it has ended, and
//! again each hour.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use rustls::pki_types::CertificateDer;
use tokio::time::Instant;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::{exchange::datum, tls::ca::TrustedCa};

const SAY_AGAIN: Duration = Duration::from_hours(1);

/// What can end.
#[derive(Clone, Copy)]
pub(super) enum Wat {
    /// The certificate of the gateway.
    Certificaat,
    /// A certificate of a CA.
    Ca,
    /// A revocation list.
    Crl,
}

impl Wat {
    /// Its name among the metrics.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Certificaat => "certificaat",
            Self::Ca => "ca",
            Self::Crl => "crl",
        }
    }

    /// What ended and what that means, for the process log.
    fn ended(self, naam: &str) -> String {
        match self {
            Self::Certificaat => "the certificate of the gateway: nobody can connect".to_owned(),
            Self::Ca => format!("a certificate of CA {naam}: nobody whom it signed is admitted"),
            Self::Crl => format!("a revocation list of CA {naam}: nobody whom its issuer signed is admitted"),
        }
    }
}

/// Something that ends.
#[derive(Clone)]
pub(super) struct Einde {
    pub(super) wat: Wat,
    /// `poort`, or the name of the CA; a second certificate or list of it has a number.
    pub(super) naam: String,
    /// When, Unix seconds.
    pub(super) seconds: i64,
}

impl Einde {
    /// All that ends of what was read.
    pub(super) fn all(
        own: &[CertificateDer<'_>],
        issuers: &[(String, Vec<CertificateDer<'_>>)],
        cas: &[TrustedCa],
    ) -> Arc<[Self]> {
        let not_after = |certificate: &CertificateDer<'_>| {
            X509Certificate::from_der(certificate).ok().map(|(_, parsed)| parsed.validity().not_after.timestamp())
        };
        let own = own.iter().filter_map(not_after).min();
        let own = own.map(|seconds| Einde { wat: Wat::Certificaat, naam: "poort".to_owned(), seconds });
        let numbered = |wat: Wat, naam: &str, ends: Vec<i64>| -> Vec<Self> {
            let name = |at: usize| if at == 0 { naam.to_owned() } else { format!("{naam}/{}", at + 1) };
            ends.into_iter().enumerate().map(|(at, seconds)| Einde { wat, naam: name(at), seconds }).collect()
        };
        let issuers = issuers.iter().flat_map(|(naam, certificates)| {
            numbered(Wat::Ca, naam, certificates.iter().filter_map(not_after).collect())
        });
        let lists = cas.iter().flat_map(|ca| numbered(Wat::Crl, ca.naam(), ca.ends_of_lists()));
        own.into_iter().chain(issuers).chain(lists).collect()
    }

    fn moment(&self) -> Timestamp {
        Timestamp::from_second(self.seconds).unwrap_or(Timestamp::MAX)
    }
}

impl fmt::Display for Einde {
    /// In Dutch, for who asks how the gateway stands.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (when, naam) = (datum::moment(self.moment()), &self.naam);
        match self.wat {
            Wat::Certificaat => write!(f, "het certificaat van de poort is verlopen op {when}: niemand kan verbinden"),
            Wat::Ca => {
                write!(f, "een certificaat van CA {naam} is verlopen op {when}: wie die ondertekende komt er niet in")
            }
            Wat::Crl => write!(
                f,
                "een intrekkingslijst van CA {naam} is verlopen op {when}: wie die ondertekende komt er niet in"
            ),
        }
    }
}

/// All of them, as they were read last.
#[derive(Clone)]
pub(super) struct Ends(Arc<Mutex<Arc<[Einde]>>>);

/// How many had ended when it was said last, and when that was.
pub(super) type Said = Option<(usize, Instant)>;

impl Ends {
    pub(super) fn new(all: Arc<[Einde]>) -> Self {
        Self(Arc::new(Mutex::new(all)))
    }

    /// Others count from now on.
    pub(super) fn replace(&self, all: Arc<[Einde]>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = all;
    }

    /// All of them, ended or not.
    pub(super) fn all(&self) -> Arc<[Einde]> {
        Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What has ended.
    pub(super) fn ended(&self, now: Timestamp) -> Vec<Einde> {
        self.all().iter().filter(|einde| einde.seconds <= now.as_second()).cloned().collect()
    }

    /// Says what has ended, when that is news.
    pub(super) fn say(&self, now: Timestamp, said: &mut Said) {
        let ended = self.ended(now);
        let is_news = said.is_none_or(|(known, since)| known != ended.len() || since.elapsed() >= SAY_AGAIN);
        if ended.is_empty() || !is_news {
            return;
        }
        for einde in &ended {
            let (ended, what) = (einde.moment(), einde.wat.ended(&einde.naam));
            tracing::error!(%ended, "has ended: {what}; put a fresh one in its file, which is read by itself");
        }
        *said = Some((ended.len(), Instant::now()));
    }
}
