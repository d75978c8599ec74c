//! Telemetry: what an operator measures of a gateway.
//!
//! Everything is measured once, by the API of OpenTelemetry ([`Metingen`]), and read as text for Prometheus ([`Telemetry::text`]). No value
//! and no label names a person or a bericht, and none is chosen by a partner: labels are names of what is in force, of methods and of
//! weigeringen, so that there are never more of them than an operator put there.

mod metingen;

use std::sync::Arc;

use opentelemetry::{
    KeyValue,
    metrics::{AsyncInstrument, Meter, MeterProvider},
};
use opentelemetry_sdk::{Resource, metrics::SdkMeterProvider};
use prometheus::{Registry, TextEncoder};

pub use self::metingen::{Aanroep, Metingen, Teller};

/// The media type of [`Telemetry::text`].
pub const TEXT: &str = prometheus::TEXT_FORMAT;

/// A value that is looked up when somebody reads it, with its labels.
pub type Stand = (f64, Vec<(&'static str, String)>);

/// What a value means: its name, its unit by UCUM (`s`, `By`, or nothing) and a sentence.
#[derive(Clone, Copy, Debug)]
pub struct Maat {
    /// Without the unit, which is put behind it: `ketenpoort_postvak_open`.
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
    provider: SdkMeterProvider,
    registry: Registry,
}

impl Telemetry {
    /// Of a gateway of this version.
    ///
    /// # Panics
    /// Never: a new registry takes the exporter.
    #[must_use]
    pub fn new(versie: &'static str) -> Self {
        let registry = Registry::new();
        let exporter = opentelemetry_prometheus::exporter().with_registry(registry.clone()).scope_info_enabled(false);
        let exporter = exporter.build().expect("a new registry takes the exporter");
        let resource = Resource::builder_empty()
            .with_service_name("ketenpoort")
            .with_attribute(KeyValue::new("service.version", versie))
            .build();
        let provider = SdkMeterProvider::builder().with_resource(resource).with_reader(exporter).build();
        let meter = provider.meter("ketenpoort");
        Self { metingen: Arc::new(Metingen::of(&meter)), meter, provider, registry }
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

impl Drop for Telemetry {
    /// Lets go of what the values are looked up in.
    fn drop(&mut self) {
        drop(self.provider.shutdown());
    }
}
