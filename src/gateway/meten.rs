//! Meten (measuring): how the gateway stands, looked up when somebody reads the metrics. What happens is counted where it happens.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use tokio::{task::spawn_blocking, time::timeout};
use uuid::Builder;

use super::{GatewayError, ends::Einde, reload::Reloader, reservekopie};
use crate::{
    config::Config,
    domain::{Rng, einde, houdbaarheid::unreadable_from},
    exchange::Exchange,
    jobs::{Job, Next, Trouble},
    proceslog,
    store::{
        StoreError,
        reading::postvakken::{self, Stapel},
    },
    telemetry::{Maat, Stand, Telemetry},
    tls::{TlsError, settings},
    uitgaand::Uitgaand,
};

/// How the postvakken stood when they were last looked through, and whether that could be done.
pub(super) type Stapels = Arc<Mutex<Gezien>>;

/// What was seen in the database.
#[derive(Default)]
pub(super) struct Gezien {
    stapels: Vec<Stapel>,
    /// Nothing before the first look.
    is_there: Option<bool>,
}

/// How long the database may take to answer.
const DATABASE: Duration = Duration::from_secs(8);

/// A moment as Prometheus has it: Unix seconds.
fn seconds(moment: Timestamp) -> f64 {
    moment.as_duration().as_secs_f64()
}

#[expect(clippy::cast_precision_loss, reason = "a metric is a float, and no count here comes near 2^52")]
fn number(of: u64) -> f64 {
    of as f64
}

/// What this configuration asks to be measured: nothing where nobody could read it.
pub(super) fn telemetry(config: &Config, rng: &dyn Rng) -> Result<Option<Arc<Telemetry>>, GatewayError> {
    if config.waarneming.is_none() && config.telemetrie.is_none() {
        return Ok(None);
    }
    let collector = config.telemetrie.as_ref().map(|of| {
        let bekend_als = of.bekend_als.as_ref().map(|(certificaat, sleutel)| (&**certificaat, &**sleutel));
        let tls = settings::outbound(of.ca.as_deref(), bekend_als)?;
        Ok::<_, TlsError>((&of.collector, Uitgaand::new(tls)))
    });
    let mut instance = [0; 16];
    rng.fill(&mut instance);
    let instance = Builder::from_random_bytes(instance).into_uuid().to_string();
    let telemetry = Telemetry::new(env!("CARGO_PKG_VERSION"), instance, collector.transpose()?);
    Ok(Some(Arc::new(telemetry)))
}

/// Measures from now on. Gives where a job puts how the postvakken stand.
pub(super) fn begin(
    telemetry: &Telemetry,
    exchange: &Arc<Exchange>,
    reloader: &Arc<Reloader>,
    config: &Config,
) -> Stapels {
    let stapels = Stapels::default();
    let file = config.reservekopie();
    let backup = Maat {
        naam: "ketenpoort_backup_timestamp",
        eenheid: "s",
        uitleg: "When the last good backup was made on this machine, Unix time",
    };
    telemetry
        .gauge(backup, move || reservekopie::last(&file).map(|of| (seconds(of), Vec::new())).into_iter().collect());
    register(telemetry, exchange, reloader, &stapels);
    proceslog::send_also(telemetry.lines());
    stapels
}

/// Measures nothing any more; what was not sent yet is sent, as far as that goes in a moment.
pub(super) async fn end(telemetry: Arc<Telemetry>) {
    // It fails when the runtime ends, and then nothing can be sent.
    drop(spawn_blocking(move || telemetry.end()).await);
    proceslog::send_also(None);
}

/// Registers all of them. When the gateway has ended there is nothing to look up.
fn register(telemetry: &Telemetry, exchange: &Arc<Exchange>, reloader: &Arc<Reloader>, stapels: &Stapels) {
    let register = |maat: Maat, look: fn(&Exchange) -> Vec<Stand>| {
        let exchange = Arc::downgrade(exchange);
        telemetry.gauge(maat, move || exchange.upgrade().map(|exchange| look(&exchange)).unwrap_or_default());
    };
    for (naam, eenheid, uitleg, look) in STANDEN {
        register(Maat { naam, eenheid, uitleg }, look);
    }
    of_postvakken(telemetry, stapels);
    of_files(telemetry, reloader);
    let ends = reloader.ends();
    let maat = Maat {
        naam: "ketenpoort_certificate_end_timestamp",
        eenheid: "s",
        uitleg: "When a certificate or revocation list that the gateway read ends, Unix time",
    };
    telemetry.gauge(maat, move || {
        let stand = |Einde { wat, naam, seconds }: &Einde| {
            let end = Timestamp::from_second(*seconds).map_or(f64::MAX, self::seconds);
            (end, vec![("wat", wat.as_str().to_owned()), ("naam", naam.clone())])
        };
        ends.all().iter().map(stand).collect()
    });
    let lost = Maat {
        naam: "ketenpoort_log_lines_lost",
        eenheid: "",
        uitleg: "Lines of the process log that found no room before stderr",
    };
    telemetry.total(lost, proceslog::lost);
}

/// Name, unit, meaning, and where it is looked up.
type Rij = (&'static str, &'static str, &'static str, fn(&Exchange) -> Vec<Stand>);

const STANDEN: [Rij; 9] = [
    ("ketenpoort_clock_doubted", "", "1 while the clock is not believed and partners are refused", |exchange| {
        one(f64::from(u8::from(exchange.klok.trust().is_err())))
    }),
    ("ketenpoort_not_ready_reasons", "", "For how many reasons this gateway does not serve as it should", |exchange| {
        one(number(exchange.redenen().len() as u64))
    }),
    ("ketenpoort_writer_waiting", "", "Events that wait for the writer", |exchange| {
        one(number(exchange.store.writer.waiting() as u64))
    }),
    ("ketenpoort_logboek_regels", "", "Regels of all logboeken", |exchange| {
        one(number(exchange.store.head().next_index()))
    }),
    ("ketenpoort_checkpoint_timestamp", "s", "When the newest checkpoint was signed, Unix time", |exchange| {
        one(seconds(exchange.store.head().tijd))
    }),
    ("ketenpoort_in_force_version", "", "The version of what is in force that this gateway judges by", |exchange| {
        one(number(exchange.van_kracht().versie()))
    }),
    (
        "ketenpoort_in_force_end_timestamp",
        "s",
        "When a convenant, mandaat or grondslag stops being in force, Unix time",
        |exchange| {
            let end = |of: einde::Einde| {
                let labels = vec![("wat", of.wat.to_owned()), ("naam", of.naam)];
                (seconds(unreadable_from(of.laatste_dag)), labels)
            };
            einde::ends(&exchange.van_kracht()).map(end).collect()
        },
    ),
    ("ketenpoort_recomputed_timestamp", "s", "When the whole logboek was last recomputed, Unix time", |exchange| {
        exchange.nagerekend.newest().map(|of| (seconds(of.wanneer), Vec::new())).into_iter().collect()
    }),
    (
        "ketenpoort_logboek_holds",
        "",
        "1 where that recomputation found the logboek whole, 0 where it did not",
        |exchange| {
            let holds = exchange.nagerekend.newest().map(|of| f64::from(u8::from(of.uitkomst.is_ok())));
            holds.map(|holds| (holds, Vec::new())).into_iter().collect()
        },
    ),
];

fn of_files(telemetry: &Telemetry, reloader: &Arc<Reloader>) {
    let of = Arc::clone(reloader);
    let when = Maat {
        naam: "ketenpoort_certificates_loaded_timestamp",
        eenheid: "s",
        uitleg: "When the certificate, key, CA's and revocation lists that count were read, Unix time",
    };
    telemetry.gauge(when, move || one(seconds(of.stand().when)));
    let of = Arc::clone(reloader);
    let refused = Maat {
        naam: "ketenpoort_certificates_refused",
        eenheid: "",
        uitleg: "1 while their files hold something that cannot be used, and what was read before counts on",
    };
    telemetry.gauge(refused, move || one(f64::from(u8::from(of.stand().is_refused))));
}

fn one(value: f64) -> Vec<Stand> {
    vec![(value, Vec::new())]
}

fn of_postvakken(telemetry: &Telemetry, stapels: &Stapels) {
    let seen = Arc::clone(stapels);
    let up = Maat {
        naam: "ketenpoort_database_up",
        eenheid: "",
        uitleg: "1 where the database answered when it was last looked at, 0 where it did not",
    };
    telemetry.gauge(up, move || {
        let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.is_there.map(|is_there| (f64::from(u8::from(is_there)), Vec::new())).into_iter().collect()
    });
    let register = |naam, eenheid, uitleg, value: fn(&Stapel) -> Option<f64>| {
        let stapels = Arc::clone(stapels);
        telemetry.gauge(Maat { naam, eenheid, uitleg }, move || {
            let stapels = stapels.lock().unwrap_or_else(PoisonError::into_inner);
            let stand = |of: &Stapel| {
                let (partner, loket) = of.adres.clone();
                Some((value(of)?, vec![("partner", partner), ("loket", loket)]))
            };
            stapels.stapels.iter().filter_map(stand).collect()
        });
    };
    register("ketenpoort_postvak_waiting", "", "Berichten in a postvak that nobody took", |of| Some(number(of.wacht)));
    register("ketenpoort_postvak_held", "", "Berichten that somebody holds and did not confirm", |of| {
        Some(number(of.uitgereikt))
    });
    register(
        "ketenpoort_postvak_oldest_timestamp",
        "s",
        "When the oldest bericht that nobody took was accepted, Unix time",
        |of| of.oudste.map(seconds),
    );
}

/// Looks through the postvakken anew.
async fn look_through(exchange: &Exchange, stapels: &Stapels) -> Result<(), StoreError> {
    let looked = timeout(DATABASE, postvakken::stapels(&exchange.store.read)).await;
    let looked = looked.unwrap_or(Err(StoreError::Unanswered { seconds: DATABASE.as_secs() }));
    let mut seen = stapels.lock().unwrap_or_else(PoisonError::into_inner);
    seen.is_there = Some(looked.is_ok());
    // What was seen last counts until something else is.
    seen.stapels = looked?;
    Ok(())
}

/// Counts what waits in the postvakken, for who measures.
pub(super) struct LookThrough {
    pub(super) exchange: Arc<Exchange>,
    pub(super) stapels: Stapels,
}

impl Job for LookThrough {
    const NAME: &'static str = "wat in de postvakken wacht";
    const TROUBLE: &'static str = "what waits in the postvakken could not be counted; the metrics are of before";
    const EVERY: Duration = Duration::from_secs(10);

    async fn run(&mut self) -> Result<Next, Trouble> {
        look_through(&self.exchange, &self.stapels).await?;
        Ok(Next::InTime)
    }
}
