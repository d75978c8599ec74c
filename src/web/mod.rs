//! The page: what FGs, auditors and contactpunten see of the gateway in a browser.
//!
//! On the port for toezicht, beside gRPC and behind the same boundary: who may come in, how many calls at once, until when. Each page asks
//! the same verbs of `exchange` that the services ask, with the same rights, so each page that shows something is a regel of the logboek
//! before it leaves. Everything works without scripts, apart from following what is written. What is searched for stands in the address; whom, and why, is posted, so that no
//! name gets into a history or a process log.
//!
//! `herkomst` is from where is asked, `kijker` who looks, `velden` what was asked, `pagina` how a page leaves, `fout` what is said where it does not, `periode` which days it is about, `volg` what is written meanwhile, `woorden` what stands in
//! a regel in words. The other modules are one page each, with a template of the same name.

mod betrokkene;
mod controleren;
mod convenanten;
mod datalekken;
mod export;
mod factsheets;
mod fout;
mod gebeurtenis;
mod herkomst;
mod inzage;
mod kijker;
mod klopt;
mod overzicht;
mod pagina;
mod periode;
mod rapport;
mod stroom;
mod uitwisselingen;
mod velden;
mod volg;
mod wie;
mod woorden;

use std::{convert::Infallible, sync::Arc};

use axum::{
    Extension, Router,
    extract::{DefaultBodyLimit, State},
    http::{Request, Response, StatusCode},
    middleware,
    response::{IntoResponse, Redirect},
    routing::get,
};
use hyper::body::Incoming;
use tokio::sync::watch;
use tonic::body::Body;
use tower::{Service, ServiceExt};

pub use self::fout::refusal;
use self::kijker::Kijker;
use crate::{
    domain::{Rol, Weigering},
    exchange::Exchange,
    grpc::boundary::is_grpc,
};

/// Bytes of what is posted, at most: a proof, or a decision about many rows.
const MOST_POSTED_BYTES: usize = 1 << 20;

/// All pages. What follows the logboek ends when `stopped` turns true.
pub fn site(exchange: &Arc<Exchange>, stopped: watch::Receiver<bool>) -> Router {
    let pages = Router::new()
        .route("/", get(begin))
        .route("/uitwisselingen", get(uitwisselingen::show).post(uitwisselingen::search))
        .route("/uitwisselingen/{bericht}", get(uitwisselingen::leven::show))
        .route("/controleren", get(controleren::show).post(controleren::check))
        .route("/betrokkene", get(betrokkene::show).post(betrokkene::search))
        .route("/convenanten", get(convenanten::show))
        .route("/rapport", get(rapport::show).post(rapport::conclude))
        .route("/inzage", get(inzage::list).post(inzage::open))
        .route("/inzage/{nummer}", get(inzage::show).post(inzage::act))
        .route("/inzage/{nummer}/overzicht", get(inzage::brief::show))
        .route("/wie-keek", get(wie::show))
        .route("/datalekken", get(datalekken::show))
        .route("/factsheets", get(factsheets::show))
        .merge(downloads())
        .route("/stijl/{bestand}", get(pagina::stijl))
        .fallback(unknown)
        .method_not_allowed_fallback(not_so)
        .layer(Extension(stopped))
        .layer(DefaultBodyLimit::max(MOST_POSTED_BYTES))
        .with_state(Arc::clone(exchange));
    // A layer around routes comes after the choice between them, and this one is about that.
    Router::new().fallback_service(pages).layer(middleware::from_fn(herkomst::guarded))
}

/// What is fetched from a page, and opened from nowhere else.
fn downloads() -> Router<Arc<Exchange>> {
    Router::new()
        .route("/bewijs/{logregel}", get(controleren::bewijs))
        .route("/checkpoint", get(controleren::checkpoint))
        .route("/export.tar", get(export::show))
        .route("/stromenschema.svg", get(convenanten::stromenschema))
        .route("/rapport.csv", get(rapport::csv))
        .route("/rapport.json", get(rapport::json))
        .route("/factsheets.csv", get(factsheets::csv))
        .route("/factsheets/{figuur}", get(factsheets::svg))
        .route("/volg", get(volg::show))
        .route_layer(middleware::from_fn(herkomst::from_here))
}

/// Where somebody begins: a contactpunt at the requests it works in, who watches at the overview.
async fn begin(exchange: State<Arc<Exchange>>, kijker: Kijker, velden: velden::Velden) -> Response<axum::body::Body> {
    if kijker.call.identiteit().rol == Rol::Contact {
        return Redirect::to("/inzage").into_response();
    }
    overzicht::show(exchange, kijker, velden).await
}

/// A path that no page has. Nothing of the logboek is shown, so nothing is logged.
async fn unknown(kijker: Kijker) -> Response<axum::body::Body> {
    fout::fout(&kijker.kop("Deze pagina bestaat niet", ""), StatusCode::NOT_FOUND, &Weigering::PaginaNietGevonden)
}

/// A method that a page does not have. Which it has, the router says.
async fn not_so(kijker: Kijker) -> Response<axum::body::Body> {
    let kop = kijker.kop("Dat kan niet", "");
    fout::fout(&kop, StatusCode::METHOD_NOT_ALLOWED, &Weigering::PaginaKanDitNiet)
}

/// Calls over gRPC and requests of browsers, each by its own.
pub fn beside<S>(
    grpc: S,
    site: Router,
) -> impl Service<
    Request<Incoming>,
    Response = Response<Body>,
    Error = Infallible,
    Future: Future<Output = Result<Response<Body>, Infallible>> + Send,
> + Clone
+ Send
+ Sync
+ 'static
where
    S: Service<Request<Incoming>, Response = Response<Body>, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send,
{
    tower::service_fn(move |request: Request<Incoming>| {
        let (grpc, site) = (grpc.clone(), site.clone());
        async move {
            if is_grpc(&request) {
                grpc.oneshot(request).await
            } else {
                site.oneshot(request).await.map(|response| response.map(Body::new))
            }
        }
    })
}
