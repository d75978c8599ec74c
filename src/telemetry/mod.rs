//! Telemetry: what an operator measures of a gateway.
//!
//! Everything is measured once, by the API of OpenTelemetry ([`Metingen`], with its [`Sporen`]), and read as text for Prometheus
//! ([`Telemetry::text`]), or sent to a [`Collector`] together with the traces and the process log. No value and no label names a person or a
//! bericht, and none is chosen by a partner: labels are names of what is in force, of methods and of weigeringen, so that there are never
//! more of them than an operator put there.

mod metingen;
pub mod sporen;
mod uitvoer;

use std::{sync::Arc, time::Duration};

use opentelemetry::{
    KeyValue,
    metrics::{AsyncInstrument, Meter, MeterProvider},
    trace::TracerProvider,
};
use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_sdk::{
    Resource,
    logs::SdkLoggerProvider,
    metrics::{PeriodicReader, SdkMeterProvider},
    trace::{Sampler, SdkTracerProvider},
};
use prometheus::{Registry, TextEncoder};
use tracing::Subscriber;
use tracing_subscriber::{Layer, layer::Context, registry::LookupSpan};

use self::uitvoer::{Uitvoer, Verloren};
pub use self::{
    metingen::{Aanroep, Metingen, Teller},
    sporen::{Sporen, Stap},
    uitvoer::{Collector, Protocol},
};
use crate::uitgaand::Uitgaand;

/// How often the metrics are sent to a collector.
const METRICS: Duration = Duration::from_secs(15);
/// Calls that one transaction can write for (`store::writer`), each a link of its span.
const MOST_LINKS: u32 = 256;
/// How long the end waits for what was not sent yet.
const END: Duration = Duration::from_secs(5);

/// The media type of [`Telemetry::text`].
pub const TEXT: &str = prometheus::TEXT_FORMAT;

/// A value that is looked up when somebody reads it, with its labels.
pub type Stand = (f64, Vec<(&'static str, String)>);

/// What a value means: its name, its unit by UCUM (`s`, `By`, or nothing) and a sentence.
#[derive(Clone, Copy, Debug)]
pub struct Maat {
    /// Without the unit, which is put behind it: `ketenpoort_postvak_waiting`.
    pub naam: &'static str,
    /// By UCUM.
    pub eenheid: &'static str,
    /// What it says.
    pub uitleg: &'static str,
}

/// All that one gateway measures.
pub struct Telemetry {
    /// Counts what happens.
    pub metingen: Arc<Metingen>,
    meter: Meter,
    metrics: SdkMeterProvider,
    registry: Registry,
    sent: Option<Sent>,
}

/// What goes to a collector beside the metrics.
struct Sent {
    spans: SdkTracerProvider,
    lines: SdkLoggerProvider,
    /// On its way to the provider.
    verloren: Arc<Verloren>,
}

impl Telemetry {
    /// Of a gateway of this version and this name among gateways, which goes to a collector where there is one. To be called inside the
    /// runtime that answers calls.
    ///
    /// # Panics
    /// Never: a new registry takes the exporter.
    #[must_use]
    pub fn new(versie: &'static str, instantie: String, collector: Option<(&Collector, Uitgaand)>) -> Self {
        let registry = Registry::new();
        let exporter = opentelemetry_prometheus::exporter().with_registry(registry.clone()).scope_info_enabled(false);
        let exporter = exporter.build().expect("a new registry takes the exporter");
        let resource = Resource::builder_empty()
            .with_service_name("ketenpoort")
            .with_attribute(KeyValue::new("service.version", versie))
            .with_attribute(KeyValue::new("service.instance.id", instantie))
            .build();
        let mut metrics = SdkMeterProvider::builder().with_resource(resource.clone()).with_reader(exporter);
        let sent = collector.map(|(collector, client)| {
            let verloren = Arc::new(Verloren::default());
            let uitvoer = Uitvoer { collector, client, verloren: Arc::clone(&verloren) };
            let sampler = Sampler::TraceIdRatioBased(f64::from(collector.percent) / 100.0);
            let spans = SdkTracerProvider::builder().with_resource(resource.clone()).with_sampler(sampler);
            let spans = spans.with_max_links_per_span(MOST_LINKS);
            let lines = SdkLoggerProvider::builder().with_resource(resource);
            let sent = Sent {
                spans: spans.with_span_processor(uitvoer.spans()).build(),
                lines: lines.with_log_processor(uitvoer.lines()).build(),
                verloren,
            };
            (sent, PeriodicReader::builder(uitvoer.metrics()).with_interval(METRICS).build())
        });
        let sent = sent.map(|(sent, reader)| {
            metrics = std::mem::take(&mut metrics).with_reader(reader);
            sent
        });
        let metrics = metrics.build();
        let meter = metrics.meter("ketenpoort");
        if let Some(verloren) = sent.as_ref().map(|sent| Arc::clone(&sent.verloren)) {
            let lost = meter.u64_observable_counter("ketenpoort_telemetry_lost");
            let lost = lost.with_description(
                "Spans, lines of the process log and sendings of metrics that the collector did not get",
            );
            let look = move |observer: &dyn AsyncInstrument<u64>| {
                for (signal, lost) in verloren.counts() {
                    observer.observe(lost, &[KeyValue::new("signal", signal)]);
                }
            };
            lost.with_callback(look).build();
        }
        let sporen = sent.as_ref().map(|sent| Sporen::of(sent.spans.tracer("ketenpoort"))).unwrap_or_default();
        Self { metingen: Arc::new(Metingen::of(&meter, sporen)), meter, metrics, registry, sent }
    }

    /// Sends lines of the process log too, where there is a collector: those of the gateway itself, because what a library says may hold
    /// anything.
    #[must_use]
    pub fn lines<S: Subscriber + for<'s> LookupSpan<'s>>(&self) -> Option<Box<dyn Layer<S> + Send + Sync>> {
        let sent = self.sent.as_ref()?;
        Some(Box::new(OwnLines(OpenTelemetryTracingBridge::new(&sent.lines))))
    }

    /// Sends what was not sent yet, and nothing after that. It waits: not for a thread that answers.
    pub fn end(&self) {
        if let Some(Sent { spans, lines, .. }) = &self.sent {
            // What could not be sent is lost, and was counted.
            drop(spans.shutdown_with_timeout(END));
            drop(lines.shutdown_with_timeout(END));
        }
        // Lets go of what the values are looked up in.
        drop(self.metrics.shutdown_with_timeout(END));
    }

    /// A value that is looked up when somebody reads it. `look` must not wait.
    pub fn gauge(&self, maat: Maat, look: impl Fn() -> Vec<Stand> + Send + Sync + 'static) {
        let observe = move |observer: &dyn AsyncInstrument<f64>| {
            for (value, labels) in look() {
                let labels: Vec<KeyValue> = labels.into_iter().map(|(key, value)| KeyValue::new(key, value)).collect();
                observer.observe(value, &labels);
            }
        };
        let gauge = self.meter.f64_observable_gauge(maat.naam).with_unit(maat.eenheid).with_description(maat.uitleg);
        gauge.with_callback(observe).build();
    }

    /// The same of something that only grows, counted elsewhere.
    pub fn total(&self, maat: Maat, look: impl Fn() -> u64 + Send + Sync + 'static) {
        let counter = self.meter.u64_observable_counter(maat.naam).with_description(maat.uitleg);
        counter.with_callback(move |observer| observer.observe(look(), &[])).build();
    }

    /// All values, in the text format of Prometheus.
    ///
    /// # Errors
    /// Where they cannot be written, with why.
    pub fn text(&self) -> Result<String, String> {
        TextEncoder::new().encode_to_string(&self.registry.gather()).map_err(|error| error.to_string())
    }
}

/// Lines that the gateway itself writes.
struct OwnLines<L>(L);

impl<S: Subscriber, L: Layer<S>> Layer<S> for OwnLines<L> {
    fn on_event(&self, event: &tracing::Event<'_>, context: Context<'_, S>) {
        if event.metadata().target().starts_with(env!("CARGO_CRATE_NAME")) {
            self.0.on_event(event, context);
        }
    }
}
