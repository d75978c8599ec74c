//! Herkomst (origin): from where a browser asks, and by which method. A certificate goes along with whatever a browser asks, and each page that
//! is shown is a look that somebody answers for: no other site may make somebody do anything, or look unnoticed.

use std::time::Duration;

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Version, header},
    middleware::Next,
};
use percent_encoding::percent_decode_str;
use tokio::time::timeout;

use super::{fout::refusal, pagina::harden};
use crate::domain::Weigering;

/// What is posted must be there, and answered, within this.
const POSTED_WITHIN: Duration = Duration::from_secs(30);

/// Around each page: what another site makes a browser ask or post is refused, and no answer is kept or shown elsewhere.
pub(super) async fn guarded(mut request: Request, next: Next) -> Response<Body> {
    if let Some(weigering) = refused(&request) {
        return refusal(&weigering).map(Body::new);
    }
    // Nobody sees what is left out of an answer to HEAD, so it is no look, and no page has it: as it has no TRACE.
    if *request.method() == Method::HEAD && !is_style(&request) {
        *request.method_mut() = Method::TRACE;
    }
    let is_posted = *request.method() == Method::POST;
    let answer = next.run(request);
    let mut response = if is_posted {
        // Who posts a byte now and then must not keep a place.
        match timeout(POSTED_WITHIN, answer).await {
            Ok(response) => response,
            Err(_) => return refusal(&Weigering::DeadlineVerstreken).map(Body::new),
        }
    } else {
        answer.await
    };
    if response.status() == StatusCode::METHOD_NOT_ALLOWED {
        without_head(response.headers_mut());
    }
    harden(response.headers_mut());
    response
}

/// Around what is downloaded: also a link on another site must not make somebody fetch it.
pub(super) async fn from_here(request: Request, next: Next) -> Response<Body> {
    if is_from_elsewhere(request.headers()) {
        return refusal(&Weigering::AndereHerkomst).map(Body::new);
    }
    next.run(request).await
}

/// Why nothing is done with a request, whatever it asks.
fn refused(request: &Request) -> Option<Weigering> {
    let headers = request.headers();
    // RFC 9112, section 3.2: exactly one in HTTP/1.1.
    if request.version() == Version::HTTP_11 && headers.get_all(header::HOST).iter().count() != 1 {
        return Some(Weigering::Onleesbaar);
    }
    if percent_decode_str(request.uri().path()).decode_utf8().is_err() {
        return Some(Weigering::PaginaNietGevonden);
    }
    if *request.method() == Method::POST {
        return (!is(headers, "sec-fetch-site", "same-origin")).then_some(Weigering::AndereHerkomst);
    }
    if is_style(request) {
        return None;
    }
    // What a browser fetches in advance, nobody looks at yet. It asks again when somebody does.
    if headers.contains_key("sec-purpose") {
        return Some(Weigering::AndereHerkomst);
    }
    let is_opened = is(headers, "sec-fetch-mode", "navigate") && is(headers, "sec-fetch-dest", "document");
    (is_from_elsewhere(headers) && !is_opened).then_some(Weigering::AndereHerkomst)
}

/// Whether a page of another site made the browser ask: what every browser says itself (W3C Fetch Metadata), and no page can make it say.
/// What is no browser does not say it, and does nothing for another site.
fn is_from_elsewhere(headers: &HeaderMap) -> bool {
    headers.contains_key("sec-fetch-site")
        && !is(headers, "sec-fetch-site", "same-origin")
        && !is(headers, "sec-fetch-site", "none")
}

/// Whether a header says this, and nothing else.
fn is(headers: &HeaderMap, naam: &str, value: &str) -> bool {
    let said: Vec<&HeaderValue> = headers.get_all(naam).iter().collect();
    said == [value]
}

/// Styles and script are the same for everybody, and show nothing.
fn is_style(request: &Request) -> bool {
    request.uri().path().starts_with("/stijl/")
}

/// The router says HEAD of whatever has GET.
fn without_head(headers: &mut HeaderMap) {
    let allowed = headers.get(header::ALLOW).and_then(|allowed| allowed.to_str().ok()).unwrap_or_default();
    let kept: Vec<&str> = allowed.split(',').map(str::trim).filter(|methode| *methode != "HEAD").collect();
    if let Ok(kept) = HeaderValue::from_str(&kept.join(", ")) {
        headers.insert(header::ALLOW, kept);
    }
}
