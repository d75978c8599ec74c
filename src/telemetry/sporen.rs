//! Sporen (traces): the way of a call through the gateway, as spans.
//!
//! One trace goes from the call of the afzender (its own trace, where it names one by W3C Trace Context) over judging, sealing and waiting
//! for the writer to the handing out, which may be days later and at another gateway. A transaction serves many calls, and so is a trace of
//! its own: its span links to those that it serves, and theirs to it. Names and attributes are the gateway's own words; what a partner
//! writes, `tracestate` too, is in none of them.

use std::{
    future::Future,
    sync::{Arc, Mutex, PoisonError},
};

use opentelemetry::{
    Context, KeyValue,
    context::FutureExt,
    trace::{
        Link, Span as _, SpanBuilder, SpanContext, SpanId, SpanKind, Status, TraceContextExt, TraceFlags, TraceId,
        TraceState,
    },
};
use opentelemetry_sdk::trace::{SdkTracer, Span};

/// Where spans are made; nowhere by default.
#[derive(Clone, Default)]
pub struct Sporen(Option<SdkTracer>);

/// What is called, for its span.
pub struct Gevraagd<'c> {
    /// Package, service and method: `ketenpoort.v1.ExchangeService/Send`; `_OTHER` for what there is not, and nothing for a page.
    pub rpc: Option<&'static str>,
    /// Who calls.
    pub partner: &'c str,
    /// `traceparent` as the caller sent it.
    pub traceparent: Option<&'c str>,
}

/// The way of one call.
pub struct Spoor {
    /// With its span; none where nothing is traced.
    of: Option<Context>,
    /// Of the caller.
    given: Option<SpanContext>,
    is_rpc: bool,
}

/// A step on the way, until this is dropped.
pub struct Stap(#[allow(dead_code, reason = "it ends when it is dropped")] Option<Span>);

/// How something that was handed to the writer goes on: it waits, and then it is written.
pub struct Gang {
    /// The call.
    of: Context,
    /// What is under way.
    step: Mutex<Option<Span>>,
}

impl Sporen {
    pub(super) fn of(tracer: SdkTracer) -> Self {
        Self(Some(tracer))
    }

    /// A call came in.
    #[must_use]
    pub fn call(&self, gevraagd: &Gevraagd<'_>) -> Spoor {
        let given = gevraagd.traceparent.and_then(parse);
        let of = self.0.as_ref().map(|tracer| {
            let parent =
                given.clone().map_or_else(Context::new, |given| Context::new().with_remote_span_context(given));
            let rpc =
                gevraagd.rpc.map(|rpc| [KeyValue::new("rpc.system.name", "grpc"), KeyValue::new("rpc.method", rpc)]);
            let partner = KeyValue::new("ketenpoort.partner", gevraagd.partner.to_owned());
            let span = SpanBuilder::from_name(gevraagd.rpc.unwrap_or("pagina"))
                .with_kind(SpanKind::Server)
                .with_attributes(rpc.into_iter().flatten().chain([partner]));
            Context::new().with_span(span.start_with_context(tracer, &parent))
        });
        Spoor { of, given, is_rpc: gevraagd.rpc.is_some() }
    }

    /// A step of the call under way.
    #[must_use]
    pub fn step(&self, naam: &'static str) -> Stap {
        let under = |tracer: &SdkTracer| {
            let current = Context::current();
            current.span().is_recording().then(|| SpanBuilder::from_name(naam).start_with_context(tracer, &current))
        };
        Stap(self.0.as_ref().and_then(under))
    }

    /// A bericht is handed out, in the trace in which it was accepted, for the call under way.
    #[must_use]
    pub fn delivery(&self, accepted: Option<&str>, poging: u32) -> Stap {
        let Some((tracer, accepted)) = self.0.as_ref().zip(accepted.and_then(parse)) else { return Stap(None) };
        let current = Context::current();
        let receiver = current.span().span_context().clone();
        let links = if receiver.is_valid() { vec![Link::with_context(receiver)] } else { Vec::new() };
        let span = SpanBuilder::from_name("afleveren")
            .with_kind(SpanKind::Producer)
            .with_attributes([KeyValue::new("ketenpoort.poging", i64::from(poging))])
            .with_links(links);
        Stap(Some(span.start_with_context(tracer, &Context::new().with_remote_span_context(accepted))))
    }

    /// Something of the call under way is handed to the writer.
    #[must_use]
    pub fn hand_in(&self) -> Option<Arc<Gang>> {
        let tracer = self.0.as_ref()?;
        let of = Context::current();
        if !of.span().span_context().is_sampled() {
            return None;
        }
        let wait = SpanBuilder::from_name("wachten op de schrijver").start_with_context(tracer, &of);
        Some(Arc::new(Gang { of, step: Mutex::new(Some(wait)) }))
    }

    /// The writer begins a transaction for these.
    #[must_use]
    pub fn transaction(&self, gangen: &[Arc<Gang>], events: usize) -> Stap {
        let Some(tracer) = self.0.as_ref().filter(|_| !gangen.is_empty()) else { return Stap(None) };
        let links = gangen.iter().map(|gang| Link::with_context(gang.of.span().span_context().clone())).collect();
        let events = i64::try_from(events).unwrap_or(i64::MAX);
        let span = SpanBuilder::from_name("transactie")
            .with_attributes([KeyValue::new("ketenpoort.events", events)])
            .with_links(links)
            .start_with_context(tracer, &Context::new());
        for gang in gangen {
            let link = Link::with_context(span.span_context().clone());
            let write = SpanBuilder::from_name("vastleggen").with_links(vec![link]);
            gang.goes_to(Some(write.start_with_context(tracer, &gang.of)));
        }
        Stap(Some(span))
    }
}

impl Gang {
    /// It came to its end.
    pub fn end(&self) {
        self.goes_to(None);
    }

    /// The step that was under way ends here.
    fn goes_to(&self, step: Option<Span>) {
        drop(std::mem::replace(&mut *self.step.lock().unwrap_or_else(PoisonError::into_inner), step));
    }
}

impl Spoor {
    /// The trace id, 32 hexadecimal digits: the caller's, or that of the span; none where there is neither.
    #[must_use]
    pub fn trace(&self) -> Option<String> {
        self.context().map(|context| context.trace_id().to_string())
    }

    /// What is passed on: `traceparent` of the span, or what the caller gave.
    #[must_use]
    pub fn traceparent(&self) -> Option<String> {
        self.context().map(|context| {
            let (trace, span, flags) = (context.trace_id(), context.span_id(), context.trace_flags().to_u8());
            format!("00-{trace}-{span}-{flags:02x}")
        })
    }

    /// What is done in this is under its span.
    pub async fn around<F: Future>(&self, future: F) -> F::Output {
        match &self.of {
            Some(context) => future.with_context(context.clone()).await,
            None => future.await,
        }
    }

    /// It was answered with this status of gRPC, and this outcome.
    pub fn answered(&self, code: tonic::Code, uitkomst: &str) {
        let Some(context) = &self.of else { return };
        let span = context.span();
        let naam = name(code);
        if self.is_rpc {
            span.set_attribute(KeyValue::new("rpc.response.status_code", naam));
        }
        span.set_attribute(KeyValue::new("ketenpoort.uitkomst", uitkomst.to_owned()));
        if is_of_the_server(code) {
            span.set_attribute(KeyValue::new("error.type", naam));
            span.set_status(Status::error(naam));
        }
        span.end();
    }

    fn context(&self) -> Option<SpanContext> {
        let own = self.of.as_ref().map(|context| context.span().span_context().clone());
        own.filter(SpanContext::is_valid).or_else(|| self.given.clone())
    }
}

/// What goes on after its call goes on under the span of that call.
pub fn go_on<F: Future>(future: F) -> impl Future<Output = F::Output> {
    future.with_current_context()
}

/// `traceparent` of the call under way, to keep.
#[must_use]
pub fn under_way() -> Option<String> {
    Spoor { of: Some(Context::current()), given: None, is_rpc: false }.traceparent()
}

/// W3C Trace Context, `traceparent`: version, trace id, parent id, flags. A later version may have more behind them.
fn parse(text: &str) -> Option<SpanContext> {
    let mut parts = text.split('-');
    let [version, trace, span, flags] = [parts.next()?, parts.next()?, parts.next()?, parts.next()?];
    let is_hex = |text: &str, length| {
        text.len() == length && text.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
    };
    let is_whole = is_hex(version, 2) && is_hex(trace, 32) && is_hex(span, 16) && is_hex(flags, 2);
    if !is_whole || version == "ff" || (version == "00" && parts.next().is_some()) {
        return None;
    }
    let flags = TraceFlags::new(u8::from_str_radix(flags, 16).ok()?) & TraceFlags::SAMPLED;
    let (trace, span) = (TraceId::from_hex(trace).ok()?, SpanId::from_hex(span).ok()?);
    Some(SpanContext::new(trace, span, flags, true, TraceState::default())).filter(SpanContext::is_valid)
}

/// The names of gRPC (`grpc/doc/statuscodes.md`).
fn name(code: tonic::Code) -> &'static str {
    use tonic::Code;
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

/// Which of them are a fault of the server, by the conventions for spans of gRPC.
fn is_of_the_server(code: tonic::Code) -> bool {
    use tonic::Code::{DataLoss, DeadlineExceeded, Internal, Unavailable, Unimplemented, Unknown};
    matches!(code, Unknown | DeadlineExceeded | Unimplemented | Internal | Unavailable | DataLoss)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_traceparent_is_read_as_the_norm_says() {
        let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let read = parse(good).expect("it is whole");
        assert_eq!(
            (read.trace_id().to_string().as_str(), read.is_sampled()),
            ("0af7651916cd43dd8448eb211c80319c", true)
        );
        // A later version may say more.
        assert!(parse("01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more").is_some());
        for bad in [
            "",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-+af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ] {
            assert!(parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn what_was_given_is_passed_on_where_nothing_is_traced() {
        let given = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let spoor = Sporen::default().call(&Gevraagd { rpc: Some("x/Y"), partner: "om", traceparent: Some(given) });
        assert_eq!(spoor.traceparent().as_deref(), Some(given));
        let none = Sporen::default().call(&Gevraagd { rpc: Some("x/Y"), partner: "om", traceparent: None });
        assert_eq!((none.trace(), none.traceparent()), (None, None));
    }
}
