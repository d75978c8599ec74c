//! What a browser does: connects with a certificate, asks, posts.

use std::sync::Arc;

use http::{Method, Request, Response, StatusCode, header};
use hyper::{body::Bytes, client::conn::http1};
use hyper_util::rt::TokioIo;
use ketenpoort::tls::settings;
use rustls::pki_types::ServerName;
use tokio::{net::TcpStream, task::JoinHandle};
use tokio_rustls::TlsConnector;
use tonic::body::Body;

use crate::harness::TestGateway;

/// What a browser got.
pub struct Page {
    pub status: StatusCode,
    pub headers: http::HeaderMap,
    pub text: String,
}

/// A connection as the owner of a profile, over HTTP/1.1 as a browser can.
pub async fn connect(gateway: &TestGateway, who: &str) -> (http1::SendRequest<Body>, JoinHandle<hyper::Result<()>>) {
    let dir = gateway.profile_dir(who);
    let mut tls = settings::client(&dir.join("cert.pem"), &dir.join("key.pem"), &dir.join("ca.pem")).unwrap();
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    let stream = TcpStream::connect(gateway.toezicht_adres()).await.unwrap();
    let stream =
        TlsConnector::from(Arc::new(tls)).connect(ServerName::try_from("127.0.0.1").unwrap(), stream).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(b"http/1.1".as_slice()));
    let (client, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    (client, tokio::spawn(connection))
}

/// Asks for a page on a connection that stands.
pub async fn on(client: &mut http1::SendRequest<Body>, asked: Request<Body>) -> Page {
    let (parts, bytes) = answer(client, asked).await;
    Page { status: parts.status, headers: parts.headers, text: String::from_utf8(bytes.to_vec()).unwrap() }
}

async fn answer(client: &mut http1::SendRequest<Body>, asked: Request<Body>) -> (http::response::Parts, Bytes) {
    let response: Response<hyper::body::Incoming> = client.send_request(asked).await.unwrap();
    let (parts, body) = response.into_parts();
    (parts, http_body_util::BodyExt::collect(body).await.unwrap().to_bytes())
}

/// Fetches something that is no text.
pub async fn bytes(gateway: &TestGateway, who: &str, path: &str) -> Bytes {
    let (mut client, talking) = connect(gateway, who).await;
    let (parts, bytes) = answer(&mut client, for_page(path)).await;
    assert_eq!(parts.status, StatusCode::OK, "{path}");
    drop(client);
    talking.await.unwrap().unwrap();
    bytes
}

/// Asks for a page as the owner of a profile.
pub async fn ask(gateway: &TestGateway, who: &str, asked: Request<Body>) -> Page {
    let (mut client, talking) = connect(gateway, who).await;
    let page = on(&mut client, asked).await;
    drop(client);
    talking.await.unwrap().unwrap();
    page
}

/// The request of a browser for a page.
pub fn for_page(path: &str) -> Request<Body> {
    Request::builder().uri(path).header(header::HOST, "127.0.0.1").body(Body::empty()).unwrap()
}

/// Something that is handed in to be checked, as a form of parts between `--x`.
pub fn handed_in(body: Body) -> Request<Body> {
    Request::builder()
        .method(Method::POST)
        .uri("/controleren")
        .header(header::HOST, "127.0.0.1")
        .header("sec-fetch-site", "same-origin")
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=x")
        .body(body)
        .unwrap()
}

pub async fn get(gateway: &TestGateway, who: &str, path: &str) -> Page {
    ask(gateway, who, for_page(path)).await
}

/// Posts fields, from a page of this origin or another one.
pub async fn post(gateway: &TestGateway, who: &str, path: &str, (site, fields): (&str, &[(&str, &str)])) -> Page {
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let asked = Request::builder()
        .method(Method::POST)
        .uri(path)
        .header(header::HOST, "127.0.0.1")
        .header("sec-fetch-site", site)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::new(http_body_util::Full::new(Bytes::from(body))))
        .unwrap();
    ask(gateway, who, asked).await
}
