//! Answers stay small: a long tijdlijn and a long gesprek come in pages.

use ketenpoort::proto::{self, get_status_request::Zoek};
use prost::Message;
use serde_json::json;

use crate::harness::*;

const ZVH: &str = "zvh-baronie-breda";
/// What any client takes, and far less than gRPC allows by default (4 MiB).
const SMALL: usize = 64 << 10;

/// Every page of a status, from the first on.
async fn pages(client: &mut Client, bericht: &str) -> Vec<proto::GetStatusResponse> {
    let zoek = Some(Zoek::Bericht(bericht.to_owned()));
    let mut ask = proto::GetStatusRequest { zoek, ..proto::GetStatusRequest::default() };
    let mut pages = Vec::new();
    loop {
        let page = client.get_status(ask.clone()).await.unwrap().into_inner();
        assert!(page.encoded_len() < SMALL, "{} bytes", page.encoded_len());
        let (tijdlijn, gesprek) = (page.tijdlijn_verder, page.gesprek_verder);
        pages.push(page);
        if tijdlijn.is_none() && gesprek.is_none() {
            return pages;
        }
        ask.tijdlijn_vanaf = tijdlijn.unwrap_or(i64::MAX.unsigned_abs());
        ask.gesprek_voor = Some(gesprek.unwrap_or(0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_tijdlijn_and_a_long_gesprek_come_in_pages_that_together_have_everything_once() {
    const READ: usize = 300;
    const FEEDBACK: usize = 150;
    let gateway = TestGateway::start().await;
    let (mut zvh, mut zsm) = (gateway.client(ZVH).await, gateway.client("zsm").await);
    let mut scenario = template("scenario");
    scenario["ontvangers"] = json!([{"partner": "zsm", "loket": "volwassenen"}, {"partner": "zsm", "loket": "jeugd"}]);
    let bericht = send(&mut zvh, request(scenario)).await.unwrap().bericht;
    for number in 0..READ {
        let fetch = proto::FetchRequest {
            bericht: bericht.clone(),
            loket: ["volwassenen", "jeugd"][number % 2].to_owned(),
            medewerker: "lezer-1".to_owned(),
        };
        zsm.fetch(fetch).await.unwrap();
    }
    let mut sent = vec![bericht.clone()];
    for _ in 0..FEEDBACK {
        let mut terug = template("terugkoppeling");
        terug["in_antwoord_op"] = json!(bericht);
        terug["loket"] = json!("volwassenen");
        terug["ontvangers"] = json!([{"partner": ZVH}]);
        sent.push(send(&mut zsm, request(terug)).await.unwrap().bericht);
    }

    let all = pages(&mut zvh, &bericht).await;
    assert!(all.len() > 2, "{} pages", all.len());
    let tijdlijn: Vec<u64> = all.iter().flat_map(|page| &page.tijdlijn).map(|event| event.log_index).collect();
    assert_eq!(tijdlijn.len(), 2 + READ);
    assert!(tijdlijn.is_sorted_by(|one, next| one < next));
    // The newest come first, and each page in the order in which they were accepted.
    let of_page = |page: &proto::GetStatusResponse| {
        page.gesprek_berichten.iter().map(|of| of.bericht.clone()).collect::<Vec<_>>()
    };
    let gesprek: Vec<String> = all.iter().rev().flat_map(of_page).collect();
    assert_eq!(gesprek, sent);
    let first = all.iter().flat_map(|page| &page.gesprek_berichten).find(|of| of.bericht == bericht).unwrap();
    assert_eq!(first.ontvangers.len(), 2, "a bericht is not cut by a page");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_beyond_everything_is_empty() {
    let gateway = TestGateway::start().await;
    let mut zsm = gateway.client("zsm").await;
    let bericht = send(&mut zsm, check()).await.unwrap().bericht;
    for (tijdlijn_vanaf, gesprek_voor, berichten) in [(u64::MAX, Some(0), 0), (1 << 63, Some(u64::MAX), 1)] {
        let zoek = Some(Zoek::Bericht(bericht.clone()));
        let ask = proto::GetStatusRequest { zoek, tijdlijn_vanaf, gesprek_voor };
        let page = zsm.get_status(ask).await.unwrap().into_inner();
        assert_eq!((page.tijdlijn.len(), page.gesprek_berichten.len()), (0, berichten));
        assert_eq!((page.tijdlijn_verder, page.gesprek_verder), (None, None));
    }
}
