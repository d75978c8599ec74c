//! The page over HTTP: who may look, what a browser may do with it, and that each look is a regel. How it looks, and whether everybody can
//! use it, a real browser tells (`tests/pagina`).

mod bewaard;
pub mod browser;
mod herkomst;
mod inhoud;
mod inzage;
mod zoeken;

use std::sync::Arc;

use http::{Method, Request, StatusCode, header};
use hyper::body::Bytes;
use ketenpoort::{logboek::Soort, tls::settings};
use rustls::pki_types::ServerName;
use tokio::{io::AsyncReadExt, net::TcpStream, time::timeout};
use tokio_rustls::TlsConnector;
use tonic::body::Body;

use self::browser::{ask, connect, for_page, get, post};
use crate::harness::{PATIENCE, TestGateway, check, send, template, today};

async fn looks(gateway: &TestGateway) -> usize {
    gateway.soorten().await.iter().filter(|soort| *soort == "ingezien").count()
}

/// Every page that shows something of the logboek.
const PAGES: [&str; 14] = [
    "/",
    "/uitwisselingen",
    "/uitwisselingen?toon=wie-met-wie",
    "/controleren",
    "/convenanten",
    "/rapport",
    "/rapport.csv",
    "/rapport.json",
    "/inzage",
    "/wie-keek",
    "/datalekken",
    "/factsheets",
    "/factsheets.csv",
    "/checkpoint",
];

#[tokio::test(flavor = "multi_thread")]
async fn each_page_is_one_look_and_no_browser_keeps_it() {
    let gateway = TestGateway::start().await;
    send(&mut gateway.client("zsm").await, check()).await.unwrap();
    for (number, path) in PAGES.into_iter().enumerate() {
        let page = get(&gateway, "fg-zsm", path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.text);
        assert_eq!(looks(&gateway).await, number + 1, "{path}");
        let value =
            |naam: &str| page.headers.get(naam).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
        assert_eq!(
            (value("cache-control").as_str(), value("x-content-type-options").as_str()),
            ("no-store", "nosniff")
        );
        assert!(value("content-security-policy").contains("frame-ancestors 'none'"), "{path}");
        assert!(!value("content-security-policy").contains("unsafe"), "{path}");
        assert_eq!(page.headers.get(header::SET_COOKIE), None, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_watches_sees_pages_and_a_contactpunt_its_own() {
    let gateway = TestGateway::start().await;
    for path in PAGES.into_iter().chain(["/betrokkene", "/stromenschema.svg"]) {
        for who in ["zsm", "beheer"] {
            let page = get(&gateway, who, path).await;
            assert_eq!(page.status, StatusCode::FORBIDDEN, "{who} {path}");
            assert!(page.text.contains("verkeerde_rol"), "{who} {path}");
        }
        let page = get(&gateway, "contact-zsm", path).await;
        let expected = match path {
            "/inzage" => StatusCode::OK,
            "/" => StatusCode::SEE_OTHER,
            _ => StatusCode::FORBIDDEN,
        };
        assert_eq!(page.status, expected, "{path}");
    }
    assert_eq!(get(&gateway, "fg-zsm", "/nergens").await.status, StatusCode::NOT_FOUND);
    // What was refused to a contactpunt is a regel, what the boundary refuses is counted.
    assert!(
        gateway
            .regels()
            .await
            .iter()
            .any(|regel| regel.soort == Soort::Geweigerd && regel.rol.as_deref() == Some("contact"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_searches_for_a_person_says_why_and_nothing_of_it_is_in_an_address() {
    let gateway = TestGateway::start().await;
    send(&mut gateway.client("zsm").await, check()).await.unwrap();
    let persoon = &template("bekendheidscheck")["inhoud"]["betrokkenen"][0];
    let (naam, geboren) = (persoon["naam"].as_str().unwrap(), persoon["geboortedatum"].as_str().unwrap());
    let fields = [("naam", naam), ("geboortedatum", geboren)];
    let without = post(&gateway, "fg-zsm", "/betrokkene", ("same-origin", &fields)).await;
    assert_eq!(without.status, StatusCode::BAD_REQUEST);
    assert!(without.text.contains("<strong data-veld=\"reden\">Waarom u zoekt</strong>"), "{}", without.text);
    let with = [fields.as_slice(), &[("reden", "klacht 12")]].concat();
    let found = post(&gateway, "fg-zsm", "/betrokkene", ("same-origin", &with)).await;
    assert!(found.text.contains("1 logregel over deze persoon."), "{}", found.text);
    // On paper it says whom and why.
    assert!(found.text.contains(&format!(": {naam}, geboren {geboren}.")), "{}", found.text);
    assert!(found.text.contains("Waarom: klacht 12."), "{}", found.text);
    // What another site makes a browser post is not done, and no look.
    let before = looks(&gateway).await;
    for site in ["cross-site", "same-site", "none"] {
        assert_eq!(
            post(&gateway, "fg-zsm", "/betrokkene", (site, &with)).await.status,
            StatusCode::FORBIDDEN,
            "{site}"
        );
    }
    // Neither is what says nothing of itself, says two things, or comes in another form.
    for headers in [
        vec![],
        vec![("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")],
        vec![("origin", "https://127.0.0.1")],
        vec![("sec-fetch-site", "same-origin"), ("content-type", "text/plain")],
    ] {
        let mut asked = Request::builder().method(Method::POST).uri("/betrokkene").header(header::HOST, "127.0.0.1");
        if !headers.iter().any(|(naam, _)| *naam == "content-type") {
            asked = asked.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        for (naam, value) in &headers {
            asked = asked.header(*naam, *value);
        }
        let body = Body::new(http_body_util::Full::new(Bytes::from("skn=7310482&reden=x")));
        let refused = ask(&gateway, "fg-zsm", asked.body(body).unwrap()).await;
        assert!(refused.status.is_client_error(), "{headers:?}: {}", refused.status);
    }
    assert_eq!(looks(&gateway).await, before);
    // In an address it is no field at all.
    assert_eq!(get(&gateway, "fg-zsm", "/uitwisselingen?medewerker=x").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(get(&gateway, "fg-zsm", "/betrokkene?naam=x").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_go_on_by_tokens_of_this_search_and_this_asker() {
    let gateway = TestGateway::start().await;
    let mut client = gateway.client("zsm").await;
    for _ in 0..60 {
        send(&mut client, check()).await.unwrap();
    }
    let first = get(&gateway, "fg-zsm", "/uitwisselingen?soort=aanvaard").await.text;
    assert_eq!(first.matches("/bewijs/").count(), 50);
    let next =
        first.split("href=\"").find(|part| part.starts_with("/uitwisselingen?") && part.contains("pagina=")).unwrap();
    let next = next.split('"').next().unwrap().replace("&#38;", "&").replace("&amp;", "&");
    let second = get(&gateway, "fg-zsm", &next).await;
    assert_eq!(second.text.matches("/bewijs/").count(), 10, "{}", second.text);
    assert_eq!(get(&gateway, "auditor", &next).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(get(&gateway, "fg-zsm", &next.replace("aanvaard", "geweigerd")).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_fields_are_named_and_a_period_can_be_empty() {
    let gateway = TestGateway::start().await;
    let tomorrow = today().tomorrow().unwrap();
    for (path, named) in [
        ("/?van=gisteren".to_owned(), "van"),
        (format!("/?tot_en_met={tomorrow}"), "tot_en_met"),
        ("/rapport?van=2026-02-01&tot_en_met=2026-01-01".to_owned(), "tot_en_met"),
        ("/rapport?van=2020-01-01&tot_en_met=2026-01-01".to_owned(), "tot_en_met"),
        ("/wie-keek?x=1".to_owned(), "geen veld van deze pagina"),
        ("/factsheets?van=1&van=2".to_owned(), "hoogstens een keer"),
        ("/uitwisselingen?soort=%22%3E%3Cscript%3E".to_owned(), "soort"),
        ("/uitwisselingen/geen-id".to_owned(), "bericht"),
        ("/bewijs/x".to_owned(), "logregel"),
        ("/inzage/x".to_owned(), "dossier"),
        ("/bewijs/1?x=1".to_owned(), "geen veld van deze pagina"),
        ("/convenanten?op=gisteren".to_owned(), "op"),
        ("/convenanten?op=2020-01-01".to_owned(), "een dag waarop deze poort er al was"),
        ("/convenanten?op=2999-01-01".to_owned(), "vandaag of eerder"),
        ("/convenanten?voorstel=-1".to_owned(), "het nummer van een voorstel"),
        ("/convenanten?voorstel=7".to_owned(), "een voorstel dat openstaat"),
        (format!("/stromenschema.svg?op={}&voorstel=7", today()), "een dag of een voorstel, niet allebei"),
    ] {
        let page = get(&gateway, "fg-zsm", &path).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{path}");
        assert!(page.text.contains(named) && !page.text.contains("<script>"), "{path}: {}", page.text);
    }
    let odd = get(&gateway, "fg-zsm", "/uitwisselingen/%ff").await;
    assert!(odd.status == StatusCode::NOT_FOUND && odd.text.contains("pagina_niet_gevonden"), "{}", odd.text);
    let empty = get(&gateway, "fg-zsm", "/rapport?van=2020-01-01&tot_en_met=2020-03-31").await;
    assert!(empty.status == StatusCode::OK && empty.text.contains("Berichten aanvaard: 0"), "{}", empty.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_logboek_that_was_changed_outside_the_gateway_is_told_first() {
    let mut gateway = TestGateway::start().await;
    let sent = send(&mut gateway.client("zsm").await, check()).await.unwrap();
    let index = sent.aanvaardingen[0].log_index;
    let at_index = i64::try_from(index).unwrap();
    gateway.restart_with(|_| ()).await;
    let says = async |gateway: &TestGateway, wanted: &str| {
        for _ in 0..100 {
            let text = get(gateway, "fg-zsm", "/").await.text;
            if text.contains(wanted) {
                return text;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        panic!("never said: {wanted}");
    };
    says(&gateway, "Het logboek klopt</h2>").await;
    let whole: Vec<u8> = sqlx::query_scalar("SELECT regel FROM logregels WHERE log_index = $1")
        .bind(at_index)
        .fetch_one(&mut gateway.sql().await)
        .await
        .unwrap();
    let put = async |leaf: &[u8], gateway: &TestGateway| {
        let update =
            sqlx::query("UPDATE logregels SET regel = $1 WHERE log_index = $2").bind(leaf.to_vec()).bind(at_index);
        update.execute(&mut gateway.sql().await).await.unwrap();
    };
    let mut changed = whole.clone();
    let at = changed.len() - 3;
    changed[at] = if changed[at] == b'a' { b'b' } else { b'a' };
    put(&changed, &gateway).await;
    gateway.restart_with(|_| ()).await;
    let told = says(&gateway, "Het logboek klopt niet").await;
    assert!(told.contains("utrecht-alert--error") && told.contains(&format!("logregel {index}")), "{told}");
    put(&whole, &gateway).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contactpunt_works_in_dossiers_and_reloading_does_nothing_twice() {
    let gateway = TestGateway::start().await;
    send(&mut gateway.client("zsm").await, check()).await.unwrap();
    let persoon = &template("bekendheidscheck")["inhoud"]["betrokkenen"][0];
    let (naam, geboren) = (persoon["naam"].as_str().unwrap(), persoon["geboortedatum"].as_str().unwrap());
    let day = today().to_string();
    let fields = [
        ("naam", naam),
        ("geboortedatum", geboren),
        ("kenmerk", "2026-12"),
        ("ontvangen_op", day.as_str()),
        ("medewerker", "contact-1"),
    ];
    let opened = post(&gateway, "contact-zsm", "/inzage", ("same-origin", &fields)).await;
    assert_eq!(opened.status, StatusCode::SEE_OTHER, "{}", opened.text);
    let address = opened.headers[header::LOCATION].to_str().unwrap().to_owned();
    let shown = get(&gateway, "contact-zsm", &address).await.text;
    let row = shown.split("name=\"rij-").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let decide = [
        ("daad", "besluit"),
        ("medewerker", "contact-1"),
        (&*format!("rij-{row}"), "strafbare_feiten"),
        (&*format!("toelichting-{row}"), "het onderzoek loopt"),
    ]
    .map(|(naam, value): (&str, &str)| (naam.to_owned(), value.to_owned()));
    let decide: Vec<(&str, &str)> = decide.iter().map(|(naam, value)| (naam.as_str(), value.as_str())).collect();
    let decided = post(&gateway, "contact-zsm", &address, ("same-origin", &decide)).await;
    assert_eq!(decided.status, StatusCode::SEE_OTHER, "{}", decided.text);
    let shown = get(&gateway, "contact-zsm", &address).await.text;
    assert!(shown.contains("zsm houdt het achter") && shown.contains("het onderzoek loopt"), "{shown}");
    // What contradicts itself is not done: who releases says nothing more, and each field stands there once.
    for (fields, named) in [
        (vec![(format!("rij-{row}"), "vrijgeven"), (format!("stil-{row}"), "ja")], "bij vrijgeven"),
        (vec![(format!("rij-{row}"), "vrijgeven"), ("zzz".to_owned(), "1")], "geen veld van deze pagina"),
        (vec![(format!("rij-{row}"), "vrijgeven"), (format!("rij-{row}"), "strafbare_feiten")], "hoogstens een keer"),
        (vec![(format!("toelichting-{row}"), "x")], "alleen bij een rij"),
    ] {
        let fields: Vec<(&str, &str)> = [("daad", "besluit"), ("medewerker", "contact-1")]
            .into_iter()
            .chain(fields.iter().map(|(naam, value)| (naam.as_str(), *value)))
            .collect();
        let refused = post(&gateway, "contact-zsm", &address, ("same-origin", &fields)).await;
        assert!(refused.status == StatusCode::BAD_REQUEST && refused.text.contains(named), "{}", refused.text);
    }
    // An extension takes a reason; who watches does nothing in it.
    let extend =
        post(&gateway, "contact-zsm", &address, ("same-origin", &[("daad", "verleng"), ("medewerker", "contact-1")]))
            .await;
    assert!(extend.status == StatusCode::BAD_REQUEST && extend.text.contains("reden"), "{}", extend.text);
    let fg = post(&gateway, "fg-zsm", &address, ("same-origin", &decide)).await;
    assert_eq!(fg.status, StatusCode::FORBIDDEN);
    let asked = gateway.soorten().await.into_iter().filter(|soort| soort == "inzage_gevraagd").count();
    assert_eq!(asked, 3, "one opening, and each of the two partners is asked once");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_follows_hears_what_happens_by_one_look_until_the_gateway_stops() {
    let gateway = TestGateway::start().await;
    let (mut client, talking) = connect(&gateway, "fg-zsm").await;
    let asked = for_page("/volg");
    let mut body = client.send_request(asked).await.unwrap().into_body();
    let mut heard = String::new();
    let mut hear = async |wanted: &str| {
        while !heard.contains(wanted) {
            let frame = timeout(PATIENCE, http_body_util::BodyExt::frame(&mut body)).await.expect(wanted);
            heard.push_str(std::str::from_utf8(&frame.expect(wanted).unwrap().into_data().unwrap()).unwrap());
        }
    };
    hear(": open").await;
    send(&mut gateway.client("zsm").await, check()).await.unwrap();
    hear("stuurde een bekendheidscheck aan").await;
    // Of others it hears nothing, and neither does it hear who else looks.
    send(&mut gateway.client("zsm").await, check()).await.unwrap();
    assert_eq!(get(&gateway, "fg-dji", "/").await.status, StatusCode::OK);
    assert_eq!(get(&gateway, "contact-zsm", "/volg").await.status, StatusCode::FORBIDDEN);
    assert_eq!(looks(&gateway).await, 2);
    gateway.stop().await;
    while timeout(PATIENCE, http_body_util::BodyExt::frame(&mut body)).await.expect("the end").is_some() {}
    assert!(!heard.contains("keek in het logboek"), "{heard}");
    drop(client);
    drop(talking.await);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_connects_and_says_nothing_is_gone_after_a_while() {
    let gateway = TestGateway::start().await;
    let silent = async |alpn: &[&[u8]]| {
        let dir = gateway.profile_dir("fg-zsm");
        let mut tls = settings::client(&dir.join("cert.pem"), &dir.join("key.pem"), &dir.join("ca.pem")).unwrap();
        tls.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
        let stream = TcpStream::connect(gateway.toezicht_adres()).await.unwrap();
        let name = ServerName::try_from("127.0.0.1").unwrap();
        let mut stream = TlsConnector::from(Arc::new(tls)).connect(name, stream).await.unwrap();
        let mut sent = Vec::new();
        // Whether it is closed in order or not does not matter.
        drop(timeout(std::time::Duration::from_secs(90), stream.read_to_end(&mut sent)).await.expect("it is ended"));
    };
    let (one, two, three) = (silent(&[b"h2"]), silent(&[b"http/1.1"]), silent(&[]));
    tokio::join!(one, two, three);
}
