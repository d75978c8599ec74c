use ketenpoort::proto;
use prost::Message;
use serde_json::json;

use crate::harness::*;

fn to_all_zvhs() -> proto::SendRequest {
    let mut json = template("bekendheidscheck");
    json["ontvangers"] = json!([
        {"partner": "zvh-baronie-breda"}, {"partner": "zvh-de-markiezaten"},
        {"partner": "zvh-midden-brabant"}, {"partner": "zvh-zeeland"}]);
    request(json)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bericht_to_four_is_stamped_and_proven_for_each() {
    let gateway = TestGateway::start().await;
    let receipt = send(&mut gateway.client("zsm").await, to_all_zvhs()).await.unwrap();
    assert_eq!(receipt.aanvaardingen.len(), 4);
    for (at, aanvaarding) in receipt.aanvaardingen.iter().enumerate() {
        let regel = gateway.verify_proof(&aanvaarding.bewijs);
        // After the regel gestart, one for the deelnemers and seven for the convenanten.
        assert_eq!(aanvaarding.log_index, 9 + at as u64);
        let stempel = aanvaarding.stempel.as_ref().unwrap();
        assert_eq!(regel.bericht.as_ref(), Some(&receipt.bericht));
        assert_eq!(regel.tijd, receipt.tijd);
        assert_eq!(regel.grondslag.as_ref(), Some(&stempel.grondslag));
        assert_eq!(regel.houdbaar_tot_en_met.as_ref(), Some(&stempel.houdbaar_tot_en_met));
        assert_eq!(regel.afzender.as_deref(), Some("00000099000000105000/volwassenen"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_receipt_opens_the_commitment_to_the_content() {
    let gateway = TestGateway::start().await;
    let request = check();
    let content = request.inhoud.as_ref().unwrap().encode_to_vec();
    let receipt = send(&mut gateway.client("zsm").await, request).await.unwrap();
    let regel = gateway.verify_proof(&receipt.aanvaardingen[0].bewijs);
    let zout: [u8; 32] = receipt.inhoud_zout.try_into().unwrap();
    assert_eq!(regel.inhoud, Some(ketenpoort::logboek::commitment(&zout, &content)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_request_gets_the_original_receipt_and_is_accepted_once() {
    let gateway = TestGateway::start().await;
    let mut zsm = gateway.client("zsm").await;
    let request = to_all_zvhs();
    let first = send(&mut zsm, request.clone()).await.unwrap();
    // What comes in between must not change the proof.
    for _ in 0..3 {
        send(&mut zsm, check()).await.unwrap();
    }
    let again = send(&mut zsm, request).await.unwrap();
    assert_eq!(first.encode_to_vec(), again.encode_to_vec());
    let accepted = gateway.soorten().await.iter().filter(|soort| *soort == "aanvaard").count();
    assert_eq!(accepted, 4 + 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_request_gets_its_receipt_after_a_restart_and_after_its_convenant_lapsed() {
    let mut gateway = TestGateway::start().await;
    let request = check();
    let first = send(&mut gateway.client("zsm").await, request.clone()).await.unwrap();
    gateway.lapse().await;
    gateway.restart_with(|_| {}).await;
    let mut zsm = gateway.client("zsm").await;
    assert_eq!(send(&mut zsm, request).await.unwrap(), first);
    assert_eq!(weigering(send(&mut zsm, check()).await), "convenant_niet_van_kracht");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_id_with_other_content_is_refused_and_logged() {
    let gateway = TestGateway::start().await;
    let mut zsm = gateway.client("zsm").await;
    let mut request = check();
    let first = send(&mut zsm, request.clone()).await.unwrap();
    request.inhoud.as_mut().unwrap().betrokkenen[0].naam = "Iemand Anders".to_owned();
    assert_eq!(weigering(send(&mut zsm, request.clone()).await), "request_id_hergebruikt");
    assert_eq!(gateway.soorten().await, ["gestart", "aanvaard", "geweigerd:request_id_hergebruikt"]);
    // Another partner may have chosen the same request_id.
    let mut other = request_of_dji();
    other.request_id = request.request_id;
    assert_ne!(send(&mut gateway.client("dji").await, other).await.unwrap().bericht, first.bericht);
}

fn request_of_dji() -> proto::SendRequest {
    request(template("bij_melding"))
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_are_each_accepted_once() {
    let gateway = TestGateway::start().await;
    let zsm = gateway.client("zsm").await;
    let base = check();
    let mut sending = tokio::task::JoinSet::new();
    for _ in 0..300 {
        let mut request = base.clone();
        request.request_id = request_id();
        // Each twice at the same time: the same request must not become two berichten.
        for _ in 0..2 {
            let (mut zsm, request) = (zsm.clone(), request.clone());
            sending.spawn(async move { zsm.send(request).await.unwrap().into_inner().ontvangstbewijs.unwrap() });
        }
    }
    let receipts = sending.join_all().await;
    let ids: std::collections::BTreeSet<_> = receipts.iter().map(|receipt| &receipt.bericht).collect();
    assert_eq!((receipts.len(), ids.len()), (600, 300));
    for receipt in &receipts {
        gateway.verify_proof(&receipt.aanvaardingen[0].bewijs);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_may_shorten_and_not_lengthen() {
    let gateway = TestGateway::start().await;
    let mut zsm = gateway.client("zsm").await;
    let today = today();
    let shorter = today.saturating_add(jiff::Span::new().days(7));
    let mut request = check();
    request.houdbaar_tot_en_met = Some(shorter.to_string());
    let receipt = send(&mut zsm, request).await.unwrap();
    assert_eq!(receipt.aanvaardingen[0].stempel.as_ref().unwrap().houdbaar_tot_en_met, shorter.to_string());
    let mut request = check();
    request.houdbaar_tot_en_met = Some(today.saturating_add(jiff::Span::new().days(200)).to_string());
    assert_eq!(weigering(send(&mut zsm, request).await), "houdbaarheid_te_lang");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_convenant_allows_is_refused_for_all_ontvangers_and_logged() {
    let gateway = TestGateway::start().await;
    let mut json = template("bekendheidscheck");
    json["loket"] = json!("algemeen");
    let mut politie = gateway.client("politie").await;
    assert_eq!(weigering(send(&mut politie, request(json.clone())).await), "geen_regel");
    json["loket"] = json!("volwassenen");
    json["ontvangers"] = json!([{"partner": "zvh-zeeland"}, {"partner": "om"}]);
    assert_eq!(weigering(send(&mut gateway.client("zsm").await, request(json)).await), "geen_regel");
    assert_eq!(gateway.soorten().await, ["gestart", "geweigerd:geen_regel", "geweigerd:geen_regel"]);
    let mut zvh = gateway.client("zvh-zeeland").await;
    Receiver::open(&mut zvh, "", 1).await.unwrap().empty().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_postvak_refuses_until_something_is_confirmed() {
    let gateway = TestGateway::start_with(|config| config.bounds.postvak = 2).await;
    let mut zsm = gateway.client("zsm").await;
    for _ in 0..2 {
        send(&mut zsm, check()).await.unwrap();
    }
    let third = check();
    assert_eq!(weigering(send(&mut zsm, third.clone()).await), "postvak_vol");
    let mut zvh = gateway.client("zvh-baronie-breda").await;
    let mut receiver = Receiver::open(&mut zvh, "", 1).await.unwrap();
    let first = receiver.bericht().await;
    receiver.confirm(&first.bericht).await;
    send(&mut zsm, third).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn no_name_stands_in_the_database() {
    let gateway = TestGateway::start().await;
    let receipt = send(&mut gateway.client("zsm").await, check()).await.unwrap();
    gateway.stop().await;
    let files = std::fs::read_dir(gateway.path()).unwrap().map(|entry| entry.unwrap().path());
    let files = files.filter(|path| path.is_file()).map(|path| (path.clone(), std::fs::read(path).unwrap()));
    let mut looked = 0;
    for (path, bytes) in files.chain([("the database".into(), gateway.stored().await)]) {
        let holds = |needle: &str| bytes.windows(needle.len()).any(|window| window == needle.as_bytes());
        for secret in ["Voorbeeld, Jan", "1987-05-12", "CASUS-0001", "medewerker-001", "ZSM-2026-000123"] {
            assert!(!holds(secret), "{} holds {secret}", path.display());
        }
        looked += usize::from(holds(&receipt.bericht));
    }
    assert!(looked > 0, "the search looked at the database");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_spelled_otherwise_is_the_same_request() {
    let gateway = TestGateway::start().await;
    let mut zsm = gateway.client("zsm").await;
    let request = check();
    let first = send(&mut zsm, request.clone()).await.unwrap();
    let mut spelled = request.clone();
    spelled.request_id = request.request_id.to_uppercase();
    spelled.ontvangers[0].loket.clear();
    assert_eq!(send(&mut zsm, spelled).await.unwrap(), first);
    let mut other = request;
    other.ontvangers[0].partner = "zvh-zeeland".to_owned();
    assert_eq!(weigering(send(&mut zsm, other).await), "request_id_hergebruikt");
}
