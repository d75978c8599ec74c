//! Metingen (measurements): what is counted when it happens.

use std::time::Duration;

use opentelemetry::{
    KeyValue,
    metrics::{Counter, Histogram, Meter, MeterProvider, UpDownCounter, noop::NoopMeterProvider},
};

use super::sporen::Sporen;

/// Bounds of what takes time, in seconds: a call over loopback takes a millisecond, and an Ask minutes.
const SECONDS: [f64; 14] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0, 310.0];
/// Bounds of how many events are written together.
const EVENTS: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];

/// What happens, counted.
pub struct Metingen {
    /// The ways of calls.
    pub sporen: Sporen,
    calls: Counter<u64>,
    call_seconds: Histogram<f64>,
    streams: UpDownCounter<i64>,
    connections: UpDownCounter<i64>,
    handshakes_refused: Counter<u64>,
    deliveries: Counter<u64>,
    commit_seconds: Histogram<f64>,
    commit_events: Histogram<f64>,
}

/// A call that was answered.
pub struct Aanroep<'c> {
    /// The service, such as `ExchangeService`; `pagina` for a browser.
    pub service: &'c str,
    /// The method, one that the gateway has.
    pub methode: &'c str,
    /// Who called.
    pub partner: &'c str,
    /// `ok`, or the code of the weigering.
    pub uitkomst: &'c str,
}

impl Default for Metingen {
    /// Counts nothing.
    fn default() -> Self {
        Self::of(&NoopMeterProvider::new().meter("ketenpoort"), Sporen::default())
    }
}

impl Metingen {
    pub(super) fn of(meter: &Meter, sporen: Sporen) -> Self {
        let counter =
            |naam: &'static str, uitleg: &'static str| meter.u64_counter(naam).with_description(uitleg).build();
        let now =
            |naam: &'static str, uitleg: &'static str| meter.i64_up_down_counter(naam).with_description(uitleg).build();
        let seconds = |naam: &'static str, uitleg: &'static str| {
            let histogram = meter.f64_histogram(naam).with_unit("s").with_description(uitleg);
            histogram.with_boundaries(SECONDS.to_vec()).build()
        };
        Self {
            sporen,
            calls: counter("ketenpoort_calls", "Calls that were answered"),
            call_seconds: seconds(
                "ketenpoort_call_duration",
                "How long a call took; a stream until it ended or was opened",
            ),
            streams: now("ketenpoort_streams", "Open streams that receive berichten"),
            connections: now("ketenpoort_connections", "Open connections"),
            handshakes_refused: counter("ketenpoort_handshakes_refused", "Handshakes that were refused or lost"),
            deliveries: counter("ketenpoort_deliveries", "Berichten handed out, by attempt"),
            commit_seconds: seconds(
                "ketenpoort_commit_duration",
                "How long a transaction of the writer took, with its commit",
            ),
            commit_events: meter
                .f64_histogram("ketenpoort_commit_events")
                .with_description("Events in a transaction of the writer")
                .with_boundaries(EVENTS.to_vec())
                .build(),
        }
    }

    /// A call was answered.
    pub fn answered(&self, aanroep: &Aanroep<'_>, took: Duration) {
        let Aanroep { service, methode, partner, uitkomst } = aanroep;
        let of_method = [label("rpc_service", service), label("rpc_method", methode)];
        self.call_seconds.record(took.as_secs_f64(), &of_method);
        let [service, methode] = of_method;
        self.calls.add(1, &[service, methode, label("partner", partner), label("uitkomst", uitkomst)]);
    }

    /// A stream of a partner is open as long as what this gives lives.
    #[must_use]
    pub fn stream(&self, partner: &str) -> Teller {
        Teller::new(&self.streams, partner)
    }

    /// A connection of a partner is open as long as what this gives lives.
    #[must_use]
    pub fn connection(&self, partner: &str) -> Teller {
        Teller::new(&self.connections, partner)
    }

    /// A handshake was refused.
    pub fn handshake_refused(&self, oorzaak: &'static str, adres: &'static str) {
        self.handshakes_refused.add(1, &[KeyValue::new("oorzaak", oorzaak), KeyValue::new("adres", adres)]);
    }

    /// A bericht was handed out, for the first, second or a later time.
    pub fn delivered(&self, poging: u32) {
        let poging = match poging {
            0 | 1 => "1",
            2 => "2",
            _ => "meer",
        };
        self.deliveries.add(1, &[KeyValue::new("poging", poging)]);
    }

    /// The writer committed so many events.
    pub fn committed(&self, events: usize, took: Duration) {
        self.commit_seconds.record(took.as_secs_f64(), &[]);
        self.commit_events.record(u32::try_from(events).map_or(f64::MAX, f64::from), &[]);
    }
}

fn label(key: &'static str, value: &str) -> KeyValue {
    KeyValue::new(key, value.to_owned())
}

/// One of something that is open, counted as long as it lives.
pub struct Teller {
    of: UpDownCounter<i64>,
    labels: [KeyValue; 1],
}

impl Teller {
    fn new(of: &UpDownCounter<i64>, partner: &str) -> Self {
        let labels = [label("partner", partner)];
        of.add(1, &labels);
        Self { of: of.clone(), labels }
    }
}

impl Drop for Teller {
    fn drop(&mut self) {
        self.of.add(-1, &self.labels);
    }
}
