//! Pagina (page): how a page leaves: its head, its template, and what a browser may do with it.

use std::time::Duration;

use askama::Template;
use axum::{
    body::Body,
    extract::{Path, Request},
    http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, Version, header},
    middleware::Next,
    response::IntoResponse,
};
use percent_encoding::percent_decode_str;
use tokio::time::timeout;

use crate::{
    domain::{Identiteit, Rol, Weigering, weigering::Aard},
    grpc::boundary::Refused,
};

/// What is posted must be there, and answered, within this.
const POSTED_WITHIN: Duration = Duration::from_secs(30);

/// What stands above each page.
#[derive(Clone, Debug)]
pub(super) struct Kop {
    pub(super) titel: String,
    /// Who looks, as the page greets.
    pub(super) wie: String,
    /// The pages, each with whether it is this one.
    pub(super) menu: Vec<(&'static str, &'static str, bool)>,
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

/// Fields by the words that stand beside them.
const LABELS: [(&str, &str); 10] = [
    ("van", "Van"),
    ("tot_en_met", "Tot en met"),
    ("bewaard", "Een bestand dat u bewaarde, of de tekst ervan"),
    ("persoon", "Naam met geboortedatum, SKN of BSN"),
    ("reden", "Waarom u zoekt"),
    ("medewerker", "Personeelsreferentie"),
    ("op", "Wat mocht aan het eind van deze dag"),
    ("pagina", "De bladzijde in het adres"),
    ("toon", "De weergave in het adres"),
    ("buiten_kantooruren", "Alleen buiten kantooruren"),
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
        Self { titel: titel.to_owned(), wie, menu }
    }
}

/// A field that was wrong.
struct FoutVeld<'a> {
    naam: &'a str,
    /// The words beside it on the page.
    label: &'a str,
    uitleg: &'a str,
}

#[derive(Template)]
#[template(path = "fout.html")]
struct Fout<'a> {
    kop: Kop,
    uitleg: &'a str,
    velden: Vec<FoutVeld<'a>>,
    code: &'a str,
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

/// What was refused, in words.
pub(super) fn fout(kop: &Kop, status: StatusCode, weigering: &Weigering) -> Response<Body> {
    // On the wire a field stands in a message; on a page it stands by itself.
    let velden = weigering.overtredingen().iter().map(|of| {
        let known = ["filter.", "inzage.", "persoon."].iter().find_map(|before| of.veld.strip_prefix(before));
        let naam = known.unwrap_or(&of.veld);
        let label = LABELS.iter().find(|(known, _)| *known == naam).map_or(naam, |(_, label)| label);
        FoutVeld { naam, label, uitleg: &of.uitleg }
    });
    let fout = Fout { kop: kop.clone(), uitleg: weigering.uitleg(), velden: velden.collect(), code: weigering.code() };
    marked(page(status, &fout), weigering)
}

/// A page that shows again what was refused.
pub(super) fn again(weigering: &Weigering, shown: &impl Template) -> Response<Body> {
    marked(page(status(weigering.aard()), shown), weigering)
}

/// An answer that is counted as a refusal.
fn marked(mut response: Response<Body>, weigering: &Weigering) -> Response<Body> {
    response.extensions_mut().insert(Refused(weigering.code()));
    response
}

/// What the boundary refuses, before it is known which page was asked for.
#[must_use]
pub fn refusal(weigering: &Weigering) -> Response<tonic::body::Body> {
    let kop = Kop { titel: "Dat kan niet".to_owned(), wie: String::new(), menu: Vec::new() };
    let mut response = fout(&kop, status(weigering.aard()), weigering);
    harden(response.headers_mut());
    response.map(tonic::body::Body::new)
}

/// Something to keep.
pub(super) fn download(naam: &str, soort: &'static str, body: Body) -> Response<Body> {
    let disposition = format!("attachment; filename=\"{naam}\"");
    ([(header::CONTENT_TYPE, soort.to_owned()), (header::CONTENT_DISPOSITION, disposition)], body).into_response()
}

/// The status of HTTP for a kind of refusal (RFC 9110).
pub(super) fn status(aard: Aard) -> StatusCode {
    match aard {
        Aard::Ongeldig => StatusCode::BAD_REQUEST,
        Aard::Verboden => StatusCode::FORBIDDEN,
        Aard::Onbekend | Aard::GeenMethode => StatusCode::NOT_FOUND,
        Aard::Toestand | Aard::Bestaat => StatusCode::CONFLICT,
        Aard::Teveel => StatusCode::TOO_MANY_REQUESTS,
        Aard::Onbeschikbaar => StatusCode::SERVICE_UNAVAILABLE,
        Aard::TeLaat => StatusCode::GATEWAY_TIMEOUT,
    }
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

/// Around each page: what another site makes a browser post is refused, and no answer is kept or shown elsewhere.
pub(super) async fn guarded(request: Request, next: Next) -> Response<Body> {
    let refused = |weigering: &Weigering| refusal(weigering).map(Body::new);
    // RFC 9112, section 3.2: exactly one in HTTP/1.1.
    if request.version() == Version::HTTP_11 && request.headers().get_all(header::HOST).iter().count() != 1 {
        return refused(&Weigering::Onleesbaar);
    }
    if percent_decode_str(request.uri().path()).decode_utf8().is_err() {
        return refused(&Weigering::PaginaNietGevonden);
    }
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    if !is_read && !is_of_this_site(request.headers()) {
        return refused(&Weigering::AndereHerkomst);
    }
    let answer = next.run(request);
    let mut response = if is_read {
        answer.await
    } else {
        // Who posts a byte now and then must not keep a place.
        match timeout(POSTED_WITHIN, answer).await {
            Ok(response) => response,
            Err(_) => return refused(&Weigering::DeadlineVerstreken),
        }
    };
    harden(response.headers_mut());
    response
}

/// Whether a page of this gateway made the browser ask: what every browser says itself (W3C Fetch Metadata), and no page can make it say. A
/// certificate goes along with whatever a browser asks, so a post must not come from another site.
fn is_of_this_site(headers: &HeaderMap) -> bool {
    let said: Vec<&HeaderValue> = headers.get_all("sec-fetch-site").iter().collect();
    said == ["same-origin"]
}

/// What a browser may do with an answer: show it, here, once.
fn harden(headers: &mut HeaderMap) {
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
