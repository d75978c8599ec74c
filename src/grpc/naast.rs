//! Naast (beside): what gRPC has for any service, behind the same certificates and roles: `grpc.health.v1`, for clients and balancers that ask
//! whether this gateway serves, and reflection, where the configuration allows that.

use std::convert::Infallible;

use futures_util::FutureExt;
use hyper::body::Incoming;
use tonic::{body::Body, service::Routes};
use tonic_health::{
    ServingStatus,
    pb::health_server::HealthServer,
    server::{HealthReporter, HealthService},
};
use tower::{Service, ServiceExt};

/// All protobuf files of the gateway, as a `FileDescriptorSet`.
const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/ketenpoort.bin"));
/// Where these services are.
const BEFORE: &str = "/grpc.";
/// Where the one is that tells how it stands.
const HEALTH: &str = "/grpc.health.v1.Health/";
/// All that is beside the services of the gateway.
pub(super) const METHODS: [&str; 3] = [
    "/grpc.health.v1.Health/Check",
    "/grpc.health.v1.Health/Watch",
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
];

/// What is beside the services of one port.
#[derive(Clone)]
pub struct Naast {
    reporter: HealthReporter,
    names: &'static [&'static str],
    routes: Routes,
}

impl Naast {
    /// Beside services of these names. It says that they do not serve until [`Naast::tell`].
    ///
    /// # Panics
    /// Never: the files are those that the services were made of, and nobody else has what was made here.
    #[must_use]
    pub fn new(names: &'static [&'static str], reflection: bool) -> Self {
        let reporter = HealthReporter::new();
        let health = HealthServer::new(HealthService::from_health_reporter(reporter.clone()));
        let mut routes = Routes::new(health);
        if reflection {
            let known =
                tonic_reflection::server::Builder::configure().register_encoded_file_descriptor_set(DESCRIPTORS);
            let known = names.iter().fold(known, |known, name| known.with_service_name(*name));
            routes = routes.add_service(known.build_v1().expect("the services were made of these files"));
        }
        let naast = Self { reporter, names, routes: routes.prepare() };
        // The library begins with saying that they do. Nobody else has the reporter yet, so this does not wait.
        naast.tell(false).now_or_never().expect("nobody else has the reporter");
        naast
    }

    /// Whether the services serve.
    pub async fn tell(&self, serves: bool) {
        let status = if serves { ServingStatus::Serving } else { ServingStatus::NotServing };
        for name in std::iter::once(&"").chain(self.names) {
            self.reporter.set_service_status(name, status).await;
        }
    }

    /// A service with this beside it.
    pub fn beside<S>(
        &self,
        own: S,
    ) -> impl Service<
        http::Request<Incoming>,
        Response = http::Response<Body>,
        Error = Infallible,
        Future: Future<Output = Result<http::Response<Body>, Infallible>> + Send,
    > + Clone
    + Send
    + Sync
    + 'static
    where
        S: Service<http::Request<Incoming>, Response = http::Response<Body>, Error = Infallible>
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send,
    {
        let routes = self.routes.clone();
        tower::service_fn(move |request: http::Request<Incoming>| {
            let (own, routes) = (own.clone(), routes.clone());
            async move {
                if is_beside(request.uri().path()) { routes.oneshot(request).await } else { own.oneshot(request).await }
            }
        })
    }
}

/// Whether a call is for what is beside the services of the gateway.
pub(super) fn is_beside(path: &str) -> bool {
    path.starts_with(BEFORE)
}

/// Whether a call asks how the gateway stands: it is answered whatever that is.
pub(super) fn asks_health(path: &str) -> bool {
    path.starts_with(HEALTH)
}
