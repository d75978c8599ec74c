//! From where a browser asks, and by which method: no other site makes anybody look.

use http::{Method, Request, StatusCode, header};
use hyper::body::Bytes;
use tonic::body::Body;

use super::{
    browser::{Page, ask},
    looks,
};
use crate::harness::{TestGateway, check, send};

/// Asks by a method, with what the browser says of itself.
async fn asked(gateway: &TestGateway, who: &str, (method, path): (Method, &str), said: &[(&str, &str)]) -> Page {
    let mut request = Request::builder().method(method).uri(path).header(header::HOST, "127.0.0.1");
    for (naam, value) in said {
        request = request.header(*naam, *value);
    }
    ask(gateway, who, request.body(Body::empty()).unwrap()).await
}

fn said<'a>(site: &'a str, mode: &'a str, dest: &'a str) -> [(&'a str, &'a str); 3] {
    [("sec-fetch-site", site), ("sec-fetch-mode", mode), ("sec-fetch-dest", dest)]
}

#[tokio::test(flavor = "multi_thread")]
async fn no_other_site_makes_anybody_look() {
    let gateway = TestGateway::start().await;
    let sent = send(&mut gateway.client("zsm").await, check()).await.unwrap();
    let before = gateway.soorten().await;
    for site in ["cross-site", "same-site", "none, cross-site"] {
        for (mode, dest) in [("no-cors", "image"), ("navigate", "iframe"), ("cors", "empty"), ("no-cors", "document")] {
            for path in ["/", "/rapport?van=2026-01-01", "/uitwisselingen", "/wie-keek", "/nergens"] {
                let page = asked(&gateway, "auditor", (Method::GET, path), &said(site, mode, dest)).await;
                assert_eq!(page.status, StatusCode::FORBIDDEN, "{site} {mode} {dest} {path}");
                assert!(page.text.contains("andere_herkomst"), "{}", page.text);
            }
        }
    }
    // What is said twice is not believed.
    let twice = [&said("same-origin", "navigate", "image")[..], &[("sec-fetch-site", "cross-site")]].concat();
    assert_eq!(asked(&gateway, "auditor", (Method::GET, "/"), &twice).await.status, StatusCode::FORBIDDEN);
    // What a browser fetches in advance nobody looks at.
    let ahead = [&said("none", "navigate", "document")[..], &[("sec-purpose", "prefetch;prerender")]].concat();
    assert_eq!(asked(&gateway, "auditor", (Method::GET, "/"), &ahead).await.status, StatusCode::FORBIDDEN);
    // A link on another site opens a page, and downloads nothing.
    let opened = said("cross-site", "navigate", "document");
    let bewijs = format!("/bewijs/{}", sent.aanvaardingen[0].log_index);
    for path in [
        "/export.tar",
        "/checkpoint",
        "/rapport.csv",
        "/rapport.json",
        "/factsheets.csv",
        "/stromenschema.svg",
        "/volg",
        bewijs.as_str(),
    ] {
        let page = asked(&gateway, "auditor", (Method::GET, path), &opened).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{path}");
    }
    assert_eq!(gateway.soorten().await, before, "what is refused is no regel");
    assert_eq!(asked(&gateway, "auditor", (Method::GET, "/rapport"), &opened).await.status, StatusCode::OK);
    for (site, path) in [("same-origin", "/rapport.csv"), ("none", "/checkpoint")] {
        let page = asked(&gateway, "auditor", (Method::GET, path), &said(site, "navigate", "document")).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
    }
    assert_eq!(looks(&gateway).await, 3);
    // A style shows nothing.
    let linked = said("cross-site", "no-cors", "style");
    let style = asked(&gateway, "auditor", (Method::GET, "/stijl/thema.css"), &linked).await;
    assert_eq!(style.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_says_what_it_does_and_head_is_no_look_and_no_export() {
    let gateway = TestGateway::start().await;
    let before = gateway.soorten().await;
    let (get, both) = ("GET", "GET, POST");
    for (path, allowed) in [
        ("/", get),
        ("/rapport", both),
        ("/uitwisselingen", both),
        ("/export.tar", get),
        ("/rapport.csv", get),
        ("/volg", get),
        ("/wie-keek", get),
    ] {
        for method in [Method::HEAD, Method::PUT, Method::DELETE, Method::OPTIONS, Method::PATCH] {
            let said = if method == Method::PUT { &[("sec-fetch-site", "same-origin")][..] } else { &[] };
            let page = asked(&gateway, "auditor", (method.clone(), path), said).await;
            assert_eq!(page.status, StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
            assert_eq!(page.headers[header::ALLOW], allowed, "{method} {path}");
            let named = page.text.contains("Deze pagina kan dit niet");
            assert_eq!(named, method != Method::HEAD, "{method} {path}: {}", page.text);
        }
    }
    let posted = asked(&gateway, "auditor", (Method::POST, "/"), &[("sec-fetch-site", "same-origin")]).await;
    assert_eq!(
        (posted.status, &posted.headers[header::ALLOW]),
        (StatusCode::METHOD_NOT_ALLOWED, &"GET".parse().unwrap())
    );
    let nowhere = asked(&gateway, "auditor", (Method::HEAD, "/nergens"), &[]).await;
    assert_eq!(nowhere.status, StatusCode::NOT_FOUND);
    assert_eq!(asked(&gateway, "auditor", (Method::HEAD, "/stijl/thema.css"), &[]).await.status, StatusCode::OK);
    assert_eq!(gateway.soorten().await, before, "none of it is a regel");
}

#[tokio::test(flavor = "multi_thread")]
async fn that_it_is_logged_is_said_only_of_what_is_a_look() {
    let gateway = TestGateway::start().await;
    let logged = "Dat u dit bekijkt, staat in het logboek.";
    let of = async |path: &str| asked(&gateway, "fg-zsm", (Method::GET, path), &[]).await.text;
    for path in ["/", "/uitwisselingen", "/rapport"] {
        assert!(of(path).await.contains(logged), "{path}");
    }
    for path in ["/betrokkene", "/nergens", "/rapport?van=gisteren"] {
        let text = of(path).await;
        assert!(text.contains("U ziet nooit inhoud.</p>") && !text.contains(logged), "{path}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_is_none_is_said_to_be_that() {
    let gateway = TestGateway::start().await;
    let posted = async |path: &str, sort: Option<&str>, body: String| {
        let mut request = Request::builder().method(Method::POST).uri(path).header(header::HOST, "127.0.0.1");
        request = request.header("sec-fetch-site", "same-origin");
        if let Some(sort) = sort {
            request = request.header(header::CONTENT_TYPE, sort);
        }
        let body = Body::new(http_body_util::Full::new(Bytes::from(body)));
        ask(&gateway, "fg-zsm", request.body(body).unwrap()).await
    };
    for path in ["/controleren", "/betrokkene", "/uitwisselingen"] {
        for sort in [None, Some("application/json"), Some("multipart/form-data")] {
            let page = posted(path, sort, String::new()).await;
            assert_eq!(page.status, StatusCode::BAD_REQUEST, "{path} {sort:?}");
            assert!(page.text.contains("geen ingevuld formulier van deze pagina"), "{path} {sort:?}: {}", page.text);
        }
    }
    let part = |naam: &str, text: &str| {
        format!("--x\r\nContent-Disposition: form-data; name=\"{naam}\"\r\n\r\n{text}\r\n--x--\r\n")
    };
    let form = Some("multipart/form-data; boundary=x");
    let other = posted("/controleren", form, part("onzin", "a")).await;
    assert!(
        other.text.contains("<strong data-veld=\"onzin\">onzin</strong>: geen veld van deze pagina"),
        "{}",
        other.text
    );
    let long = posted("/controleren", form, part("tekst", &"a".repeat((1 << 20) + 10))).await;
    assert!(long.text.contains("groter dan 1 MiB"), "{}", long.text);
    // Of very many fields some are named.
    let many = (0..2000).map(|at| format!("veld{at}=1")).collect::<Vec<_>>().join("&");
    let many = posted("/betrokkene", Some("application/x-www-form-urlencoded"), many).await;
    assert!(many.text.len() < 10_000 && many.text.contains("nog 1990 onjuiste velden"), "{}", many.text.len());
    let tomorrow = "naam=x&geboortedatum=2999-01-01&reden=x".to_owned();
    let tomorrow = posted("/betrokkene", Some("application/x-www-form-urlencoded"), tomorrow).await;
    let asked = "<strong data-veld=\"geboortedatum\">Geboortedatum</strong>: vandaag of eerder";
    assert!(tomorrow.text.contains(asked), "{}", tomorrow.text);
    assert_eq!(looks(&gateway).await, 0);
}
