//! Pagina (page): how a page leaves: its head, its template, and what a browser may do with it.

use askama::Template;
use axum::{
    body::Body,
    extract::Path,
    http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header},
    response::IntoResponse,
};

use crate::domain::{Identiteit, Rol};

/// What stands above each page.
#[derive(Clone, Debug)]
pub(super) struct Kop {
    pub(super) titel: String,
    /// Who looks, as the page greets.
    pub(super) wie: String,
    /// The pages, each with whether it is this one.
    pub(super) menu: Vec<(&'static str, &'static str, bool)>,
    /// Whether showing it is a look, which stands in the logboek.
    pub(super) is_blik: bool,
}

/// The pages of who watches: address and name.
const PAGES: [(&str, &str); 10] = [
    ("/", "Overzicht"),
    ("/uitwisselingen", "Uitwisselingen"),
    ("/controleren", "Controleren"),
    ("/betrokkene", "Betrokkene"),
    ("/convenanten", "Convenanten"),
    ("/rapport", "Rapport"),
    ("/inzage", "Inzage"),
    ("/wie-keek", "Wie keek er"),
    ("/datalekken", "Datalekken"),
    ("/factsheets", "Factsheets"),
];

/// The pages of a contactpunt.
const PAGES_OF_CONTACT: [(&str, &str); 1] = [("/inzage", "Inzage")];

impl Kop {
    pub(super) fn new(who: &Identiteit, titel: &str, pad: &str) -> Self {
        let (wie, pages) = match who.rol {
            Rol::Fg => (format!("FG van {}", who.partner), &PAGES[..]),
            Rol::Auditor => ("Auditor".to_owned(), &PAGES[..]),
            _ => (format!("Contactpunt van {}", who.partner), &PAGES_OF_CONTACT[..]),
        };
        let menu = pages.iter().map(|(address, naam)| (*address, *naam, *address == pad)).collect();
        Self { titel: titel.to_owned(), wie, menu, is_blik: true }
    }

    /// The same above something that shows nothing of the logboek.
    pub(super) fn zonder_blik(self) -> Self {
        Self { is_blik: false, ..self }
    }
}

/// A page.
pub(super) fn page(status: StatusCode, page: &impl Template) -> Response<Body> {
    match page.render() {
        Ok(html) => (status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Something to keep.
pub(super) fn download(naam: &str, soort: &'static str, body: Body) -> Response<Body> {
    let disposition = format!("attachment; filename=\"{naam}\"");
    ([(header::CONTENT_TYPE, soort.to_owned()), (header::CONTENT_DISPOSITION, disposition)], body).into_response()
}

/// Styles and script, which are the same for everybody.
pub(super) async fn stijl(Path(bestand): Path<String>) -> Response<Body> {
    let (soort, text) = match bestand.as_str() {
        "utrecht.css" => ("text/css; charset=utf-8", include_str!("assets/utrecht.css")),
        "thema.css" => ("text/css; charset=utf-8", include_str!("assets/thema.css")),
        "volg.js" => ("text/javascript; charset=utf-8", include_str!("assets/volg.js")),
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    ([(header::CONTENT_TYPE, soort), (header::CACHE_CONTROL, "private, max-age=3600")], text).into_response()
}

/// What a browser may do with an answer: show it, here, once.
pub(super) fn harden(headers: &mut HeaderMap) {
    for (naam, value) in [
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; connect-src 'self'; form-action 'self'; \
             base-uri 'none'; frame-ancestors 'none'",
        ),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
    ] {
        headers.insert(naam, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}
