//! Uitvoer (export): sends what is measured to a collector, over OTLP.
//!
//! Who measures never waits for it: spans and lines of the process log wait in bounded queues, and what finds no room there, or is not taken
//! by the collector, is lost and counted. A thread of each kind sends what waits.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use opentelemetry::{Context, InstrumentationScope, logs::Severity};
use opentelemetry_otlp::{
    LogExporter, MetricExporter, RetryPolicy, SpanExporter, WithExportConfig, WithHttpConfig, WithTonicConfig,
};
use opentelemetry_sdk::{
    Resource,
    error::{OTelSdkError, OTelSdkResult},
    logs::{self, BatchLogProcessor, LogBatch, LogProcessor, SdkLogRecord},
    metrics::{Temporality, data::ResourceMetrics, exporter::PushMetricExporter},
    trace::{self, BatchSpanProcessor, Span, SpanData, SpanProcessor},
};
use tokio::{runtime::Handle, time::timeout};

use crate::uitgaand::{Doel, Grens, Uitgaand};

/// How long one sending may take, with what is tried again.
const DEADLINE: Duration = Duration::from_secs(10);
/// An answer of a collector, at most.
const MOST_ANSWER_BYTES: usize = 64 << 10;
/// What waits to be sent, at most: spans, and as many lines.
const MOST_WAITING: usize = 8192;
/// What is sent at once, at most.
const MOST_AT_ONCE: usize = 512;
/// How long what waits is gathered.
const GATHER: Duration = Duration::from_secs(2);

/// How a collector is spoken to (OTLP 1.x).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// gRPC.
    Grpc,
    /// Protobuf over HTTP/1.1, at `/v1/traces`, `/v1/metrics` and `/v1/logs` below the address.
    Http,
}

/// Where telemetry goes.
#[derive(Clone, Debug)]
pub struct Collector {
    /// Its address.
    pub doel: Doel,
    /// How it is spoken to.
    pub protocol: Protocol,
    /// How many of a hundred calls are traced.
    pub percent: u8,
}

/// What was lost on the way to the collector.
#[derive(Debug, Default)]
pub struct Verloren {
    spans: Wachtend,
    lines: Wachtend,
    metrics: Wachtend,
}

impl Verloren {
    /// Of each kind, by the name that OpenTelemetry gives it: spans, lines of the log, and times that the metrics were not taken.
    #[must_use]
    pub fn counts(&self) -> [(&'static str, u64); 3] {
        [("traces", &self.spans), ("logs", &self.lines), ("metrics", &self.metrics)]
            .map(|(naam, wachtend)| (naam, wachtend.lost.load(Ordering::Relaxed)))
    }
}

/// What waits, and what was lost.
#[derive(Debug, Default)]
struct Wachtend {
    waiting: AtomicUsize,
    lost: AtomicU64,
    /// Whether the last sending failed: said once.
    fails: AtomicBool,
}

impl Wachtend {
    /// Whether there is room for one more.
    fn enter(&self) -> bool {
        let entered = self.waiting.fetch_add(1, Ordering::Relaxed) < MOST_WAITING;
        if !entered {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
        entered
    }

    /// So many were sent, or not.
    fn sent(&self, signal: &'static str, count: usize, waited: bool, outcome: OTelSdkResult) -> OTelSdkResult {
        if waited {
            self.waiting.fetch_sub(count, Ordering::Relaxed);
        }
        let failed = outcome.is_err();
        if failed {
            self.lost.fetch_add(u64::try_from(count).unwrap_or(u64::MAX), Ordering::Relaxed);
        }
        let before = self.fails.swap(failed, Ordering::Relaxed);
        match &outcome {
            Err(error) if !before => {
                tracing::warn!(signal, %error, "the collector does not take telemetry; it is lost and counted until it does");
            }
            Ok(()) if before => tracing::warn!(signal, "the collector takes telemetry again"),
            _ => {}
        }
        outcome
    }
}

/// Sends by one way; it waits on the thread that the SDK has for it.
struct Zender<E> {
    exporter: E,
    runtime: Handle,
    verloren: Arc<Verloren>,
}

impl<E> fmt::Debug for Zender<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Zender")
    }
}

impl<E> Zender<E> {
    fn wait(&self, sending: impl Future<Output = OTelSdkResult>) -> OTelSdkResult {
        let bounded = async { timeout(DEADLINE, sending).await };
        self.runtime.block_on(bounded).unwrap_or(Err(OTelSdkError::Timeout(DEADLINE)))
    }
}

impl trace::SpanExporter for Zender<SpanExporter> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let count = batch.len();
        let outcome = self.wait(self.exporter.export(batch));
        self.verloren.spans.sent("traces", count, true, outcome)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

impl logs::LogExporter for Zender<LogExporter> {
    async fn export(&self, batch: LogBatch<'_>) -> OTelSdkResult {
        let count = batch.iter().count();
        let outcome = self.wait(self.exporter.export(batch));
        self.verloren.lines.sent("logs", count, true, outcome)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

impl PushMetricExporter for Zender<MetricExporter> {
    async fn export(&self, metrics: &ResourceMetrics) -> OTelSdkResult {
        let outcome = self.wait(self.exporter.export(metrics));
        self.verloren.metrics.sent("metrics", 1, false, outcome)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn shutdown_with_timeout(&self, within: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(within)
    }

    fn temporality(&self) -> Temporality {
        self.exporter.temporality()
    }
}

/// Lets in what there is room for.
#[derive(Debug)]
struct Ingang<P> {
    next: P,
    verloren: Arc<Verloren>,
}

impl SpanProcessor for Ingang<BatchSpanProcessor> {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.next.on_start(span, context);
    }

    fn on_end(&self, span: SpanData) {
        if span.span_context.is_sampled() && self.verloren.spans.enter() {
            self.next.on_end(span);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.next.force_flush()
    }

    fn shutdown_with_timeout(&self, within: Duration) -> OTelSdkResult {
        self.next.shutdown_with_timeout(within)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.next.set_resource(resource);
    }
}

impl LogProcessor for Ingang<BatchLogProcessor> {
    fn emit(&self, record: &mut SdkLogRecord, scope: &InstrumentationScope) {
        if self.verloren.lines.enter() {
            self.next.emit(record, scope);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.next.force_flush()
    }

    fn shutdown_with_timeout(&self, within: Duration) -> OTelSdkResult {
        self.next.shutdown_with_timeout(within)
    }

    fn event_enabled(&self, level: Severity, target: &str, naam: Option<&str>) -> bool {
        self.next.event_enabled(level, target, naam)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.next.set_resource(resource);
    }
}

/// An exporter of one kind. Each kind has a builder of its own, with the same words.
macro_rules! exporter {
    ($uitvoer:expr, $kind:ident, $path:literal) => {{
        let Uitvoer { collector, client, .. } = $uitvoer;
        let built = match collector.protocol {
            Protocol::Grpc => $kind::builder()
                .with_tonic()
                .with_channel(client.channel(&collector.doel, DEADLINE))
                .with_retry_policy(RetryPolicy::recommended())
                .with_timeout(DEADLINE)
                .build(),
            Protocol::Http => $kind::builder()
                .with_http()
                .with_http_client(Client(client.clone()))
                .with_protocol(opentelemetry_otlp::Protocol::HttpBinary)
                .with_endpoint(format!("{}{}", collector.doel.to_string().trim_end_matches('/'), $path))
                .with_timeout(DEADLINE)
                .build(),
        };
        built.expect("client and address are given")
    }};
}

/// The ways to one collector.
pub(super) struct Uitvoer<'c> {
    pub(super) collector: &'c Collector,
    pub(super) client: Uitgaand,
    pub(super) verloren: Arc<Verloren>,
}

impl Uitvoer<'_> {
    pub(super) fn spans(&self) -> impl SpanProcessor + use<> {
        let sender = self.sender(exporter!(self, SpanExporter, "/v1/traces"));
        let config = trace::BatchConfigBuilder::default()
            .with_max_queue_size(2 * MOST_WAITING)
            .with_max_export_batch_size(MOST_AT_ONCE)
            .with_scheduled_delay(GATHER);
        let next = BatchSpanProcessor::builder(sender).with_batch_config(config.build()).build();
        Ingang { next, verloren: Arc::clone(&self.verloren) }
    }

    pub(super) fn lines(&self) -> impl LogProcessor + use<> {
        let sender = self.sender(exporter!(self, LogExporter, "/v1/logs"));
        let config = logs::BatchConfigBuilder::default()
            .with_max_queue_size(2 * MOST_WAITING)
            .with_max_export_batch_size(MOST_AT_ONCE)
            .with_scheduled_delay(GATHER);
        let next = BatchLogProcessor::builder(sender).with_batch_config(config.build()).build();
        Ingang { next, verloren: Arc::clone(&self.verloren) }
    }

    pub(super) fn metrics(&self) -> impl PushMetricExporter + use<> {
        self.sender(exporter!(self, MetricExporter, "/v1/metrics"))
    }

    fn sender<E>(&self, exporter: E) -> Zender<E> {
        Zender { exporter, runtime: Handle::current(), verloren: Arc::clone(&self.verloren) }
    }
}

/// The outbound client, as the exporters know one.
#[derive(Debug)]
struct Client(Uitgaand);

#[async_trait::async_trait]
impl opentelemetry_http::HttpClient for Client {
    async fn send_bytes(
        &self,
        request: http::Request<opentelemetry_http::Bytes>,
    ) -> Result<http::Response<opentelemetry_http::Bytes>, opentelemetry_http::HttpError> {
        let grens = Grens { deadline: DEADLINE, most_bytes: MOST_ANSWER_BYTES };
        Ok(self.0.send(request, grens).await?)
    }
}
