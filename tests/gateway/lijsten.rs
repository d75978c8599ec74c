//! Revocation lists that are fetched: the last good one counts, whatever the address answers.

use std::{
    fs,
    sync::{Arc, Mutex},
};

use ketenpoort::config::{Config, Opgehaald};
use rcgen::CrlScope;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    time::{Duration, sleep},
};

use crate::{
    harness::TestGateway,
    health::until,
    revocation::{Issuer, admit, ca, gets_in, is_kept_out, leaf, list},
    tls::{try_call, write_profile},
};

/// Publishes whatever it is told, at one address.
struct Publisher {
    address: String,
    /// What it answers, from the first line on; nothing: it says nothing.
    answer: Arc<Mutex<Vec<u8>>>,
    asked: Arc<Mutex<usize>>,
}

impl Publisher {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/ca.crl", listener.local_addr().unwrap());
        let publisher = Self { address, answer: Arc::default(), asked: Arc::default() };
        let (answer, asked) = (Arc::clone(&publisher.answer), Arc::clone(&publisher.asked));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (answer, asked) = (Arc::clone(&answer), Arc::clone(&asked));
                tokio::spawn(async move {
                    let mut request = [0; 4096];
                    while stream.read(&mut request).await.is_ok_and(|read| read > 0) {
                        let answer = answer.lock().unwrap().clone();
                        *asked.lock().unwrap() += 1;
                        if answer.is_empty() {
                            return sleep(Duration::from_mins(2)).await;
                        }
                        if stream.write_all(&answer).await.is_err() {
                            return;
                        }
                    }
                });
            }
        });
        publisher
    }

    fn publishes(&self, list: &[u8]) {
        self.answers("200 OK", &format!("content-length: {}\r\n", list.len()), list);
    }

    fn answers(&self, status: &str, headers: &str, body: &[u8]) {
        let head = format!("HTTP/1.1 {status}\r\nconnection: close\r\n{headers}\r\n");
        *self.answer.lock().unwrap() = [head.as_bytes(), body].concat();
    }

    /// Has it fetched anew, and waits until it was asked.
    async fn is_asked_again(&self, gateway: &TestGateway) {
        let before = *self.asked.lock().unwrap();
        gateway.reload().await.unwrap();
        until("the address is asked again", async || *self.asked.lock().unwrap() > before).await;
    }

    fn admit(&self, config: &mut Config, issuer: &Issuer) {
        admit(config, &issuer.pem(), &[] as &[&[u8]]);
        let bestand = config.certificaat.with_file_name("crl").join("test.crl");
        config.cas.last_mut().unwrap().opgehaald.push(Opgehaald { adres: self.address.parse().unwrap(), bestand });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_is_published_is_fetched_and_the_next_one_counts_within_seconds() {
    let issuer = ca("CA", None);
    let (good, bad) = (leaf(&issuer, &[], None), leaf(&issuer, &[], None));
    let publisher = Publisher::start().await;
    publisher.publishes(list(&issuer, &[], (-2, 48)).make().der());
    let gateway = TestGateway::start_with(|config| publisher.admit(config, &issuer)).await;
    gets_in(&gateway, &bad).await;
    publisher.publishes(list(&issuer, &[&bad.serial], (-1, 48)).make().der());
    publisher.is_asked_again(&gateway).await;
    let profile = write_profile(&gateway, &bad.chain, &bad.key);
    until("who is revoked is kept out", async || try_call(&profile).await.is_err()).await;
    is_kept_out(&gateway, &bad, "CertificateRevoked").await;
    gets_in(&gateway, &good).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_else_is_there_the_last_good_one_counts() {
    let (issuer, stranger) = (ca("CA", None), ca("CA", None));
    let (good, bad) = (leaf(&issuer, &[], None), leaf(&issuer, &[], None));
    let publisher = Publisher::start().await;
    let der = list(&issuer, &[&bad.serial], (-2, 48)).make();
    publisher.publishes(der.der());
    let mut gateway = TestGateway::start_with(|config| publisher.admit(config, &issuer)).await;
    let kept = gateway.config.cas.last().unwrap().opgehaald[0].bestand.clone();
    let elsewhere = Publisher::start().await;
    elsewhere.publishes(list(&issuer, &[], (-1, 48)).make().der());
    let large = vec![b'x'; 21 << 20];
    let forged = list(&stranger, &[], (-1, 48)).make();
    let (older, ended) = (list(&issuer, &[], (-9, 48)).make(), list(&issuer, &[], (-9, -1)).make());
    let early = list(&issuer, &[], (1, 48)).make();
    let mut part = list(&issuer, &[], (-1, 48));
    part.scope = Some(("http://elders.test/ca.crl", CrlScope::UserCertsOnly));
    let part = part.make();
    let answers: [(&str, String, &[u8]); 9] = [
        ("200 OK", "content-type: text/html\r\ncontent-length: 13\r\n".to_owned(), b"<html></html>"),
        ("302 Found", format!("location: {}\r\ncontent-length: 0\r\n", elsewhere.address), b""),
        ("404 Not Found", "content-length: 0\r\n".to_owned(), b""),
        ("200 OK", format!("content-length: {}\r\n", large.len()), &large),
        ("200 OK", format!("content-length: {}\r\n", forged.der().len()), forged.der()),
        ("200 OK", format!("content-length: {}\r\n", older.der().len()), older.der()),
        ("200 OK", format!("content-length: {}\r\n", ended.der().len()), ended.der()),
        ("200 OK", format!("content-length: {}\r\n", early.der().len()), early.der()),
        ("200 OK", format!("content-length: {}\r\n", part.der().len()), part.der()),
    ];
    for (status, headers, body) in answers {
        publisher.answers(status, &headers, body);
        publisher.is_asked_again(&gateway).await;
        // Long enough for what came to be taken, if it were.
        sleep(Duration::from_millis(300)).await;
        assert_eq!(fs::read(&kept).unwrap(), der.der().to_vec(), "{status} {headers}");
    }
    assert_eq!(*elsewhere.asked.lock().unwrap(), 0, "a redirect was followed");
    is_kept_out(&gateway, &bad, "CertificateRevoked").await;
    gets_in(&gateway, &good).await;
    // An address that says nothing holds up no start: what was kept counts.
    publisher.answer.lock().unwrap().clear();
    gateway.restart_with(|_| ()).await;
    is_kept_out(&gateway, &bad, "CertificateRevoked").await;
    gets_in(&gateway, &good).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_of_a_ca_is_let_in_before_its_list_was_fetched_once() {
    let issuer = ca("CA", None);
    let someone = leaf(&issuer, &[], None);
    let publisher = Publisher::start().await;
    publisher.answers("404 Not Found", "content-length: 0\r\n", b"");
    let gateway = TestGateway::start_with(|config| publisher.admit(config, &issuer)).await;
    is_kept_out(&gateway, &someone, "UnknownCA").await;
    publisher.publishes(list(&issuer, &[], (-1, 48)).make().der());
    publisher.is_asked_again(&gateway).await;
    let profile = write_profile(&gateway, &someone.chain, &someone.key);
    until("its list counts", async || try_call(&profile).await.is_ok()).await;
}
