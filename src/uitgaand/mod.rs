//! Uitgaand (outbound): the one way in which the gateway asks something of others.
//!
//! It goes to an address from the configuration, and nowhere else: a redirect is an answer like any other, there is no proxy, and no
//! variable of the environment changes where it goes. Every request has a deadline and every answer a bound.

use std::{fmt, net::IpAddr, time::Duration};

use http::{Request, Response, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use rustls::ClientConfig;
use tokio::time::timeout;
use tonic::transport::{Channel, Endpoint};

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long a connection that nobody uses stays.
const IDLE: Duration = Duration::from_mins(1);

/// How far one request may go.
#[derive(Clone, Copy, Debug)]
pub struct Grens {
    /// How long it may take, with its whole answer.
    pub deadline: Duration,
    /// How many bytes its answer may have.
    pub most_bytes: usize,
}

/// Why there is no answer. No text of the other side is in it.
#[derive(Debug, thiserror::Error)]
pub enum UitgaandError {
    /// Nobody answers there, or not as the certificates say.
    #[error("niet bereikbaar: {0}")]
    Unreachable(String),
    /// It took too long.
    #[error("geen antwoord binnen {} seconden", .0.as_secs())]
    TooSlow(Duration),
    /// The answer is too large, or ended halfway.
    #[error("het antwoord is groter dan {0} bytes, of brak af")]
    Body(usize),
}

/// Where something is fetched that is signed, and so may come over plain HTTP from anywhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Haaladres(Uri);

impl Haaladres {
    /// The address.
    #[must_use]
    pub fn uri(&self) -> &Uri {
        &self.0
    }

    /// Whether it goes over TLS.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.0.scheme_str() == Some("https")
    }
}

impl std::str::FromStr for Haaladres {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let uri: Uri = text.parse().map_err(|_| ())?;
        // Whoever put a password in an address would find it in logs.
        let names_user = uri.authority().is_some_and(|authority| authority.as_str().contains('@'));
        match uri.scheme_str() {
            Some("http" | "https") if uri.host().is_some() && !names_user => Ok(Self(uri)),
            _ => Err(()),
        }
    }
}

/// Where something may be sent or asked that is not signed: an address with `https`, or with `http` on this machine itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doel(Haaladres);

impl Doel {
    /// The address.
    #[must_use]
    pub fn uri(&self) -> &Uri {
        self.0.uri()
    }

    /// Whether it goes over TLS.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.0.is_secure()
    }
}

impl std::str::FromStr for Doel {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let adres: Haaladres = text.parse()?;
        let host = adres.uri().host().unwrap_or_default();
        let is_here = host == "localhost"
            || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        if adres.is_secure() || is_here { Ok(Self(adres)) } else { Err(()) }
    }
}

impl fmt::Display for Haaladres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Doel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Asks others something.
#[derive(Clone, Debug)]
pub struct Uitgaand {
    connector: HttpsConnector<HttpConnector>,
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

impl Uitgaand {
    /// Trusts what `tls` trusts; without it only this machine itself is asked.
    #[must_use]
    pub fn new(tls: ClientConfig) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT));
        let of = |tls| HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http();
        let (http, grpc) = (of(tls.clone()).enable_http1(), of(tls).enable_http2());
        let connector = grpc.wrap_connector(tcp.clone());
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(IDLE)
            .pool_timer(TokioTimer::new())
            .build(http.wrap_connector(tcp));
        Self { connector, client }
    }

    /// Asks one thing.
    ///
    /// # Errors
    /// [`UitgaandError`]. An answer that says no is an answer.
    pub async fn send(&self, request: Request<Bytes>, grens: Grens) -> Result<Response<Bytes>, UitgaandError> {
        let answered = async {
            let answer = self.client.request(request.map(Full::new)).await;
            let (head, body) = answer.map_err(|error| UitgaandError::Unreachable(why(&error)))?.into_parts();
            let body = Limited::new(body, grens.most_bytes).collect().await;
            Ok(Response::from_parts(head, body.map_err(|_| UitgaandError::Body(grens.most_bytes))?.to_bytes()))
        };
        timeout(grens.deadline, answered).await.unwrap_or(Err(UitgaandError::TooSlow(grens.deadline)))
    }

    /// For calls over gRPC to one place. It connects when somebody calls, and again after a connection is lost.
    #[must_use]
    pub fn channel(&self, doel: &Doel, deadline: Duration) -> Channel {
        let (connector, to) = (self.connector.clone(), doel.uri().clone());
        let connect = tower::service_fn(move |_: Uri| {
            let (mut connector, to) = (connector.clone(), to.clone());
            async move { tower::Service::call(&mut connector, to).await }
        });
        // TLS is the connector's; to tonic the connection is plain HTTP/2.
        Endpoint::from(doel.uri().clone()).timeout(deadline).connect_with_connector_lazy(connect)
    }
}

/// An error with its causes.
fn why(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |error| error.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_over_tls_or_stays_on_this_machine() {
        for good in
            ["https://collector.example:4317", "http://127.0.0.1:4318", "http://[::1]:4318", "http://localhost/x"]
        {
            assert!(good.parse::<Doel>().is_ok(), "{good}");
        }
        for bad in [
            "http://collector.example",
            "collector:4317",
            "ftp://127.0.0.1",
            "https://user:secret@collector",
            "https://",
            "",
        ] {
            assert!(bad.parse::<Doel>().is_err(), "{bad}");
        }
    }
}
