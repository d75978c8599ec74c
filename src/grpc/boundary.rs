//! Around every call: role, bounds, deadline, span, and a typed answer for what tonic itself refuses.

use std::{
    collections::{BTreeMap, HashMap},
    convert::Infallible,
    sync::{Arc, LazyLock, Mutex, PoisonError},
    time::Duration,
};

use hyper::body::Incoming;
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout_at},
};
use tonic::{Code, Status, body::Body};
use tower::{Service, ServiceExt};
use tracing::{Instrument, Span, field::Empty};

use super::{
    codec::POOL,
    naast,
    status::{of_tonic, status, weigering_in},
};
use crate::{
    domain::{Aangemeld, Ingang, PartnerNaam, Weigering},
    exchange::{Call, Exchange},
    telemetry::{
        Aanroep,
        sporen::{Gevraagd, Spoor},
    },
};

/// W3C Trace Context.
const TRACEPARENT: http::HeaderName = http::HeaderName::from_static("traceparent");
/// A message of a partner in bytes, at most.
pub const MOST_MESSAGE_BYTES: usize = 1 << 20;
/// A message of beheer in bytes, at most: several documents. It is what clients of gRPC take when they are told nothing.
pub const MOST_BEHEER_MESSAGE_BYTES: usize = 4 << 20;
/// A call without a deadline of its own ends after this.
const LONGEST_CALL: Duration = Duration::from_secs(310);

/// A message of toezicht in bytes, at most: what is asked is small, a page of logregels is not.
pub const MOST_TOEZICHT_ANSWER_BYTES: usize = 4 << 20;

/// A message about dossiers in bytes, at most: one with all of its rows and the overview is a whole.
pub const MOST_DOSSIER_ANSWER_BYTES: usize = 64 << 20;

/// Answers the calls on one port, which is one way in.
#[derive(Clone)]
pub struct Boundary<S> {
    exchange: Arc<Exchange>,
    service: S,
    ingang: Ingang,
    in_flight: Arc<Mutex<HashMap<PartnerNaam, Arc<Semaphore>>>>,
    in_flight_partner: usize,
    page: Option<PageRefusal>,
}

/// How a browser hears what the boundary refuses.
pub type PageRefusal = fn(&Weigering) -> http::Response<Body>;

/// What came of a request of a browser, for the process log: the code of its weigering.
#[derive(Clone)]
pub struct Refused(pub &'static str);

/// Whether a request is a call over gRPC, and no browser's.
#[must_use]
pub fn is_grpc<B>(request: &http::Request<B>) -> bool {
    let of = request.headers().get(http::header::CONTENT_TYPE);
    let rest = of.and_then(|of| of.as_bytes().strip_prefix(b"application/grpc"));
    rest.is_some_and(|rest| matches!(rest.first(), None | Some(b'+' | b';' | b' ')))
}

impl<S> Boundary<S>
where
    S: Service<http::Request<Incoming>, Response = http::Response<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    /// Around a service of one exchange, for who may come in this way.
    #[must_use]
    pub fn new(exchange: Arc<Exchange>, service: S, ingang: Ingang, in_flight_partner: usize) -> Self {
        Self { exchange, service, ingang, in_flight: Arc::default(), in_flight_partner, page: None }
    }

    /// The same, where browsers come too.
    #[must_use]
    pub fn with_page(self, refusal: PageRefusal) -> Self {
        Self { page: Some(refusal), ..self }
    }

    /// Answers one request of a verified identity.
    pub async fn answer(self, aangemeld: Aangemeld, request: http::Request<Incoming>) -> http::Response<Body> {
        let methode = Methode::of(&request);
        let spoor = self.spoor(methode, &aangemeld, &request);
        let trace = spoor.trace().unwrap_or_else(|| self.exchange.new_trace());
        let call = Call { trace, deadline: deadline(&request), aangemeld };
        let span = tracing::info_span!(
            "call",
            method = methode.naam,
            partner = %call.identiteit().partner,
            rol = %call.identiteit().rol,
            trace = %call.trace,
            bericht = Empty,
        );
        let traceparent = spoor.traceparent().and_then(|parent| parent.parse().ok());
        let mut response = spoor.around(self.answer_in(call, methode, &spoor, request)).instrument(span).await;
        if let Some(traceparent) = traceparent {
            response.headers_mut().insert(TRACEPARENT, traceparent);
        }
        response
    }

    async fn answer_in(
        self,
        call: Call,
        Methode { service, naam: methode, .. }: Methode,
        spoor: &Spoor,
        request: http::Request<Incoming>,
    ) -> http::Response<Body> {
        let started = Instant::now();
        let page = self.page.filter(|_| !is_grpc(&request));
        let response = match self.respond(&call, request).await {
            Ok(response) => response,
            Err(weigering) => {
                self.exchange.count_weigering(call.identiteit(), &weigering);
                match page {
                    Some(refusal) => refusal(&weigering),
                    None => status(&weigering).into_http(),
                }
            }
        };
        let outcome = match (response.extensions().get::<Status>(), response.extensions().get::<Refused>()) {
            (Some(status), _) => weigering_in(status).unwrap_or_else(|| "geweigerd".to_owned()),
            (None, Some(Refused(code))) => (*code).to_owned(),
            (None, None) => "ok".to_owned(),
        };
        let took = started.elapsed();
        let aanroep = Aanroep { service, methode, partner: call.identiteit().partner.as_str(), uitkomst: &outcome };
        self.exchange.metingen.answered(&aanroep, took);
        spoor.answered(response.extensions().get::<Status>().map_or(Code::Ok, Status::code), &outcome);
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        tracing::info!(parent: &Span::current(), outcome, duration_us = micros, "answered");
        response
    }

    /// The service's answer, or the weigering of a call that never became a bericht.
    async fn respond(
        &self,
        call: &Call,
        mut request: http::Request<Incoming>,
    ) -> Result<http::Response<Body>, Weigering> {
        if call.identiteit().rol.ingang() != Some(self.ingang) {
            return Err(Weigering::VerkeerdeRol);
        }
        // A connection can outlive the certificate with which it was opened.
        if call.aangemeld.certificaat.tot < self.exchange.klok.now() {
            return Err(Weigering::ToegangVervallen);
        }
        // Whoever runs the gateway must be able to say that the clock is right, and whoever asks how it stands to hear that it is not.
        if self.ingang != Ingang::Beheer && !naast::asks_health(request.uri().path()) {
            self.exchange.trust_clock()?;
        }
        let in_flight = self.in_flight(&call.identiteit().partner);
        // What these say by their own norm is theirs.
        let is_beside = naast::is_beside(request.uri().path());
        let _permit = in_flight.try_acquire().map_err(|_| Weigering::TeDruk)?;
        request.extensions_mut().insert(call.clone());
        let until = call.deadline.unwrap_or_else(|| Instant::now() + LONGEST_CALL);
        let Ok(answered) = timeout_at(until, self.service.clone().oneshot(request)).await else {
            return Err(Weigering::DeadlineVerstreken);
        };
        let response = answered.unwrap_or_else(|never| match never {});
        let unknown_method = (Code::Unimplemented as i32).to_string();
        match response.extensions().get::<Status>().cloned() {
            Some(status) if !is_beside && weigering_in(&status).is_none() => {
                of_tonic(&status).map_or(Ok(response), Err)
            }
            None if response.headers().get(Status::GRPC_STATUS).is_some_and(|code| *code == *unknown_method) => {
                Err(Weigering::MethodeOnbekend)
            }
            _ => Ok(response),
        }
    }

    fn in_flight(&self, partner: &PartnerNaam) -> Arc<Semaphore> {
        let mut partners = self.in_flight.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = || Arc::new(Semaphore::new(self.in_flight_partner));
        Arc::clone(partners.entry(partner.clone()).or_insert_with(fresh))
    }

    /// The way of a call, in the trace of its caller where that names one.
    fn spoor(&self, Methode { rpc, .. }: Methode, aangemeld: &Aangemeld, request: &http::Request<Incoming>) -> Spoor {
        let traceparent = request.headers().get(TRACEPARENT).and_then(|value| value.to_str().ok());
        let partner = aangemeld.toegang.identiteit.partner.as_str();
        self.exchange.metingen.sporen.call(&Gevraagd { rpc, partner, traceparent })
    }
}

/// What is called, by the names that the gateway has; what it does not have has one name, because a caller chooses it.
#[derive(Clone, Copy)]
struct Methode {
    service: &'static str,
    naam: &'static str,
    /// Both with their package, as conventions for telemetry write it.
    rpc: Option<&'static str>,
}

impl Methode {
    fn of(request: &http::Request<Incoming>) -> Self {
        static ALL: LazyLock<BTreeMap<String, Methode>> = LazyLock::new(|| {
            let methods = POOL.services().flat_map(|service| {
                let short: &'static str = service.name().to_owned().leak();
                let path = format!("/{}/", service.full_name());
                let methods: Vec<String> = service.methods().map(|method| method.name().to_owned()).collect();
                methods.into_iter().map(move |naam| {
                    let path = format!("{path}{naam}");
                    let rpc: &'static str = path[1..].to_owned().leak();
                    (path, Methode { service: short, naam: naam.leak(), rpc: Some(rpc) })
                })
            });
            let beside = naast::METHODS.into_iter().map(|path| {
                let naam = path.rsplit_once('/').map_or(path, |(_, naam)| naam);
                (path.to_owned(), Methode { service: "grpc", naam, rpc: Some(&path[1..]) })
            });
            methods.chain(beside).collect()
        });
        if !is_grpc(request) {
            return Self { service: "pagina", naam: "pagina", rpc: None };
        }
        ALL.get(request.uri().path()).copied().unwrap_or(Self {
            service: "onbekend",
            naam: "onbekend",
            rpc: Some("_OTHER"),
        })
    }
}

/// When the caller stops waiting, from `grpc-timeout`.
fn deadline(request: &http::Request<Incoming>) -> Option<Instant> {
    let text = request.headers().get("grpc-timeout")?.to_str().ok()?;
    Instant::now().checked_add(grpc_timeout(text)?)
}

/// At most eight digits and a unit (gRPC over HTTP/2, Requests).
fn grpc_timeout(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.len() > 8 || !digits.bytes().all(|c| c.is_ascii_digit()) {
        return None;
    }
    let number: u64 = digits.parse().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(number * 3600),
        "M" => Duration::from_secs(number * 60),
        "S" => Duration::from_secs(number),
        "m" => Duration::from_millis(number),
        "u" => Duration::from_micros(number),
        "n" => Duration::from_nanos(number),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grpc_timeout_is_digits_and_a_unit() {
        for (text, duration) in [
            ("1n", Duration::from_nanos(1)),
            ("250m", Duration::from_millis(250)),
            ("99999999S", Duration::from_secs(99_999_999)),
            ("2H", Duration::from_hours(2)),
        ] {
            assert_eq!(grpc_timeout(text), Some(duration), "{text}");
        }
        for bad in ["", "S", "+1S", "999999999S", "1s", "1", "-1S", "1\u{e9}"] {
            assert_eq!(grpc_timeout(bad), None, "{bad}");
        }
    }
}
