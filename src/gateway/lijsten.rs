//! Lijsten (lists): fetches revocation lists from where their CA publishes them, and keeps the last good one in a file, which is read like any
//! other (`reload`). So a start, or a CA that is away, does without the network as long as that list holds.

use std::{fs, io, path::PathBuf, sync::Arc, time::Duration};

use futures_util::future::join_all;
use http::{Request, StatusCode, header};
use hyper::body::Bytes;
use jiff::Timestamp;
use rustls::pki_types::CertificateDer;
use tokio::{
    sync::Notify,
    time::{Instant, timeout},
};

use crate::{
    config::{Ca, Config, Opgehaald},
    domain::Klok,
    files,
    jobs::{Job, Next, Trouble},
    tls::{
        TlsError,
        opgehaald::{self, Afgekeurd},
        settings,
    },
    uitgaand::{Grens, Uitgaand, UitgaandError},
};

/// A list is fetched again after so long, or after half of what it still holds.
const OFTEN: Duration = Duration::from_hours(4);
/// And never more often than this.
const SELDOM: Duration = Duration::from_mins(1);
/// After a failure it is tried again after so long, and twice as long each time, up to an hour.
const FIRST_AGAIN: Duration = Duration::from_secs(30);
const LAST_AGAIN: Duration = Duration::from_hours(1);
/// How far one fetch may go.
const GRENS: Grens = Grens { deadline: Duration::from_secs(30), most_bytes: opgehaald::MOST_BYTES };

/// Why a list was not fetched.
#[derive(Debug, thiserror::Error)]
enum NietOpgehaald {
    #[error(transparent)]
    Uitgaand(#[from] UitgaandError),
    #[error("daar is het antwoord {0}; een doorverwijzing wordt niet gevolgd")]
    Antwoord(StatusCode),
    #[error(transparent)]
    Afgekeurd(#[from] Afgekeurd),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("{path}: {source}")]
    Bestand { path: PathBuf, source: io::Error },
}

/// A list that is fetched.
struct Lijst {
    ca: Ca,
    of: Opgehaald,
    /// The chain of the gateway, in which issuers stand too.
    certificaat: PathBuf,
    due: Instant,
    failures: u32,
}

/// All lists that are fetched.
pub(super) struct Lijsten {
    each: Vec<Lijst>,
}

impl Lijsten {
    /// Those that the configuration gives an address of.
    pub(super) fn new(config: &Config) -> Self {
        let of_ca = |ca: &Ca| -> Vec<Lijst> {
            let list = |of: &Opgehaald| Lijst {
                ca: ca.clone(),
                of: of.clone(),
                certificaat: config.certificaat.clone(),
                due: Instant::now(),
                failures: 0,
            };
            ca.opgehaald.iter().map(list).collect()
        };
        Self { each: config.cas.iter().flat_map(of_ca).collect() }
    }

    /// Fetches what is not there, or has ended: without it a start would refuse, or admit nobody.
    pub(super) async fn fetch_missing(&mut self, now: Timestamp) {
        let now = now.as_second();
        let is_missing = |lijst: &Lijst| {
            fs::read(&lijst.of.bestand).ok().and_then(|bytes| opgehaald::end(&bytes)).is_none_or(|end| end <= now)
        };
        join_all(self.each.iter_mut().filter(|lijst| is_missing(lijst)).map(|lijst| lijst.renew(now))).await;
    }

    /// Fetches what is due, or all.
    async fn fetch_due(&mut self, all: bool, now: Timestamp) {
        let now = now.as_second();
        let due = self.each.iter_mut().filter(|lijst| all || lijst.due <= Instant::now());
        join_all(due.map(|lijst| lijst.renew(now))).await;
    }
}

impl Lijst {
    /// Fetches it, and says when to do so again.
    async fn renew(&mut self, now: i64) {
        let again = match self.fetch(now).await {
            Ok(end) => {
                if self.failures > 0 {
                    tracing::warn!(ca = self.ca.naam, adres = %self.of.adres, "the revocation list is fetched again");
                }
                self.failures = 0;
                let left = Duration::from_secs(u64::try_from(end - now).unwrap_or(0));
                (left / 2).clamp(SELDOM, OFTEN)
            }
            Err(error) => {
                if self.failures == 0 {
                    tracing::warn!(ca = self.ca.naam, adres = %self.of.adres, %error, "a revocation list cannot be fetched; the one before counts until it ends");
                }
                self.failures = self.failures.saturating_add(1);
                FIRST_AGAIN.saturating_mul(1 << (self.failures - 1).min(10)).min(LAST_AGAIN)
            }
        };
        // Not all gateways at the same moment.
        self.due = Instant::now() + again.mul_f64(0.9 + 0.2 * fastrand::f64());
    }

    /// Who can have signed it.
    fn issuers(&self) -> Result<Vec<CertificateDer<'static>>, TlsError> {
        let mut issuers = settings::certificates(&self.ca.bestand)?;
        issuers.extend(settings::certificates(&self.certificaat)?.into_iter().skip(1));
        if let Some(file) = &self.ca.tussenliggend {
            issuers.extend(settings::certificates(file)?);
        }
        Ok(issuers)
    }

    async fn fetch(&self, now: i64) -> Result<i64, NietOpgehaald> {
        let request = Request::get(self.of.adres.uri().clone())
            .header(header::ACCEPT, "application/pkix-crl")
            .body(Bytes::new())
            .expect("an address and a fixed header make a request");
        let client = Uitgaand::new(settings::outbound(self.ca.crl_ca.as_deref(), None)?);
        let answer = client.send(request, GRENS).await?;
        if answer.status() != StatusCode::OK {
            return Err(NietOpgehaald::Antwoord(answer.status()));
        }
        let before = fs::read(&self.of.bestand).ok();
        let end = opgehaald::judge(answer.body(), &self.issuers()?, before.as_deref(), now)?;
        if before.as_deref() != Some(answer.body()) {
            let kept = |source| NietOpgehaald::Bestand { path: self.of.bestand.clone(), source };
            if let Some(dir) = self.of.bestand.parent() {
                fs::create_dir_all(dir).map_err(kept)?;
            }
            files::replace(&self.of.bestand, answer.body()).map_err(kept)?;
        }
        Ok(end)
    }
}

/// Fetches lists again and again.
pub(super) struct FetchLists {
    pub(super) lijsten: Lijsten,
    /// Told when somebody asks for all of them now.
    pub(super) now: Arc<Notify>,
    pub(super) klok: Arc<Klok>,
}

impl Job for FetchLists {
    const NAME: &'static str = "het ophalen van intrekkingslijsten";
    const TROUBLE: &'static str = "revocation lists could not be fetched";
    const EVERY: Duration = Duration::from_secs(1);

    async fn run(&mut self) -> Result<Next, Trouble> {
        // What was asked before this looked is kept for it.
        let is_asked = timeout(Duration::ZERO, self.now.notified()).await.is_ok();
        self.lijsten.fetch_due(is_asked, self.klok.now()).await;
        Ok(Next::InTime)
    }
}
