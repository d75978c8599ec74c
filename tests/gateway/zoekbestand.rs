//! The file in which toezicht searches: whatever becomes of it, the same is found.

use ketenpoort::{logboek::Soort, proto};
use sqlx::{AnyConnection, Connection, Executor};

use crate::{
    harness::{TestGateway, check, send},
    zoeken::{asked, busy, found, naive, page},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_search_that_is_given_up_at_whatever_moment_harms_no_other() {
    let gateway = busy().await;
    for millis in (0..120).map(|number| number % 12) {
        send(&mut gateway.client("zsm").await, check()).await.unwrap();
        let mut client = gateway.toezicht("auditor").await;
        let searching = client.search_logregels(asked(proto::Zoekfilter::default()));
        drop(tokio::time::timeout(std::time::Duration::from_millis(millis), searching).await);
    }
    let all = page(&gateway, "auditor", asked(proto::Zoekfilter::default())).await.unwrap();
    assert_eq!(all.bijgewerkt_tot + 1, gateway.regels().await.len() as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_built_anew_finds_what_was_found_before_wherever_its_pages_end() {
    let mut gateway = TestGateway::start().await;
    let mut zsm = gateway.client("zsm").await;
    let to_many = || {
        let mut to_many = check();
        for zvh in ["zvh-de-markiezaten", "zvh-midden-brabant", "zvh-zeeland"] {
            let mut another = to_many.ontvangers[0].clone();
            another.partner = zvh.to_owned();
            to_many.ontvangers.push(another);
        }
        to_many
    };
    // A page of the builder is 2,048 regels, and one of these stands across its end.
    while gateway.regels().await.len() % 4 != 3 {
        send(&mut zsm, check()).await.unwrap();
    }
    for _ in 0..520 {
        send(&mut zsm, to_many()).await.unwrap();
    }
    let employee = proto::Zoekfilter { medewerker: "medewerker-001".to_owned(), ..Default::default() };
    let accepted = naive(&gateway, |of| of.soort == Soort::Aanvaard).await;
    assert!(accepted.len() > 2048);
    for rebuilt in [false, true] {
        let mut request = proto::SearchLogregelsRequest { pagina_grootte: 500, ..asked(employee.clone()) };
        let mut seen = Vec::new();
        loop {
            let page = page(&gateway, "auditor", request.clone()).await.unwrap();
            seen.extend(page.logregels.iter().map(|of| of.log_index));
            request.pagina = page.volgende;
            if request.pagina.is_empty() {
                break;
            }
        }
        assert_eq!(seen, accepted, "rebuilt: {rebuilt}");
        gateway.stop().await;
        std::fs::remove_file(gateway.config.zoekbestand().unwrap()).unwrap();
        gateway.restart_with(|_| ()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_something_else_is_lost_in_no_case() {
    let mut gateway = TestGateway::start().await;
    let (other, text) = (gateway.path().join("ander.db"), gateway.path().join("tekst.txt"));
    let url = format!("sqlite://{}?mode=rwc", other.display());
    let mut sql = AnyConnection::connect(&url).await.unwrap();
    sql.execute("CREATE TABLE berichten (inhoud TEXT); CREATE TABLE iets (a TEXT)").await.unwrap();
    sql.close().await.unwrap();
    std::fs::write(&text, "onvervangbaar").unwrap();
    // Partners are served all the same; toezicht finds nothing.
    gateway.restart_with(|config| config.zoekbestand = Some(other.clone())).await;
    send(&mut gateway.client("zsm").await, check()).await.unwrap();
    let refused = page(&gateway, "auditor", asked(proto::Zoekfilter::default())).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::Unavailable);
    gateway.restart_with(|config| config.zoekbestand = Some(text.clone())).await;
    page(&gateway, "auditor", asked(proto::Zoekfilter::default())).await.unwrap();
    assert_eq!(std::fs::read_to_string(gateway.path().join("tekst.txt.onleesbaar")).unwrap(), "onvervangbaar");
    let mut sql = AnyConnection::connect(&format!("sqlite://{}", other.display())).await.unwrap();
    let tables: Vec<String> = sqlx::query_scalar("SELECT CAST(name AS TEXT) FROM sqlite_schema ORDER BY name")
        .fetch_all(&mut sql)
        .await
        .unwrap();
    assert_eq!(tables, ["berichten", "iets"]);
    sql.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_file_is_built_anew_when_it_is_gone_damaged_or_of_another_logboek() {
    let mut gateway = busy().await;
    let filter = proto::Zoekfilter { partner: vec!["zsm".to_owned()], ..Default::default() };
    let expected = found(&gateway, "auditor", filter.clone()).await;
    let file = gateway.config.zoekbestand().unwrap();
    assert!(file.exists());
    let damages: [fn(&std::path::Path); 4] = [
        // The first page is whole.
        |file| {
            let mut bytes = std::fs::read(file).unwrap();
            bytes[4096..].fill(7);
            std::fs::write(file, bytes).unwrap();
        },
        |file| std::fs::remove_file(file).unwrap(),
        |file| std::fs::write(file, "geen database").unwrap(),
        |file| std::fs::write(file, vec![0; 100_000]).unwrap(),
    ];
    for damage in damages {
        gateway.stop().await;
        damage(&file);
        gateway.restart_with(|_| ()).await;
        let again = found(&gateway, "auditor", filter.clone()).await;
        assert_eq!(again[..expected.len()], expected);
    }
    // What was taken up of a logboek that is not this one.
    gateway.stop().await;
    let url = format!("sqlite://{}", file.display());
    sqlx::any::install_default_drivers();
    let mut sql = AnyConnection::connect(&url).await.unwrap();
    sql.execute("UPDATE stand SET hash = x'00'; DELETE FROM posten").await.unwrap();
    sql.close().await.unwrap();
    gateway.restart_with(|_| ()).await;
    assert_eq!(found(&gateway, "auditor", filter).await[..expected.len()], expected);
}
