//! What was read at the start and ends while the gateway runs: its own certificate, and revocation lists. Said when it has ended, and
//! again each hour.

use std::time::Duration;

use jiff::Timestamp;
use rustls::pki_types::CertificateDer;
use tokio::time::Instant;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::tls::ca::TrustedCa;

const SAY_AGAIN: Duration = Duration::from_hours(1);

/// When each of them ends, and what that means.
pub(super) struct Ends {
    all: Vec<(i64, String)>,
    /// How many had ended when it was said last.
    said: Option<(usize, Instant)>,
}

impl Ends {
    pub(super) fn of(own: &[CertificateDer<'_>], cas: &[TrustedCa]) -> Self {
        let not_after = |certificate: &CertificateDer<'_>| {
            X509Certificate::from_der(certificate).ok().map(|(_, parsed)| parsed.validity().not_after.timestamp())
        };
        let own = own.iter().filter_map(not_after).min();
        let mut all: Vec<(i64, String)> =
            own.map(|end| (end, "the certificate of the gateway: nobody can connect".to_owned())).into_iter().collect();
        for ca in cas {
            let lists = ca.ends_of_lists().into_iter();
            all.extend(lists.map(|end| {
                (end, format!("a revocation list of CA {}: nobody whom its issuer signed is admitted", ca.naam()))
            }));
        }
        Self { all, said: None }
    }

    /// Says what has ended.
    pub(super) fn look(&mut self, now: Timestamp) {
        let ended: Vec<_> = self.all.iter().filter(|(end, _)| *end <= now.as_second()).collect();
        let is_news = self.said.is_none_or(|(known, since)| known != ended.len() || since.elapsed() >= SAY_AGAIN);
        if ended.is_empty() || !is_news {
            return;
        }
        for (end, what) in &ended {
            let ended = Timestamp::from_second(*end).unwrap_or(Timestamp::MAX);
            tracing::error!(%ended, "has ended: {what}; put a fresh one in its file and start the gateway anew");
        }
        self.said = Some((ended.len(), Instant::now()));
    }
}
