use jiff::SignedDuration;
use ketenpoort::{
    logboek::Soort,
    proto::{self, Toestand, receive_request::Verzoek, receive_response::Antwoord},
};
use sqlx::AssertSqlSafe;

use crate::harness::*;

fn fetch_request(bericht: &str) -> proto::FetchRequest {
    proto::FetchRequest { bericht: bericht.to_owned(), loket: String::new(), medewerker: "lezer-1".to_owned() }
}

fn acknowledge_request(bericht: &str) -> proto::AcknowledgeRequest {
    proto::AcknowledgeRequest { bericht: bericht.to_owned(), ..proto::AcknowledgeRequest::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bericht_arrives_as_it_was_sent_and_is_logged_before() {
    let gateway = TestGateway::start().await;
    let sent = check();
    let receipt = send(&mut gateway.client("zsm").await, sent.clone()).await.unwrap();
    let mut zvh = gateway.client("zvh-baronie-breda").await;
    let mut receiver = Receiver::open(&mut zvh, "", 1).await.unwrap();
    let got = receiver.bericht().await;
    assert_eq!(gateway.soorten().await, ["gestart", "aanvaard", "afgeleverd"]);
    assert_eq!(got.inhoud, sent.inhoud);
    assert_eq!(got.inhoud_zout, receipt.inhoud_zout);
    assert_eq!(got.stempel, receipt.aanvaardingen[0].stempel);
    assert_eq!((got.bericht.as_str(), got.poging), (receipt.bericht.as_str(), 1));
    receiver.confirm(&got.bericht).await;
    assert_eq!(gateway.soorten().await, ["gestart", "aanvaard", "afgeleverd", "bevestigd"]);
    assert_eq!(toestand(&mut gateway.client("zsm").await, &receipt.bericht).await, Toestand::Bevestigd);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_arrives_later_is_pushed_in_order_and_never_beyond_credit() {
    let gateway = TestGateway::start().await;
    let (mut zsm, mut zvh) = (gateway.client("zsm").await, gateway.client("zvh-baronie-breda").await);
    let mut receiver = Receiver::open(&mut zvh, "", 2).await.unwrap();
    receiver.empty().await;
    let mut sent = Vec::new();
    for _ in 0..5 {
        sent.push(send(&mut zsm, check()).await.unwrap().bericht);
    }
    let mut got = vec![receiver.bericht().await.bericht, receiver.bericht().await.bericht];
    let handed = gateway.soorten().await.iter().filter(|soort| *soort == "afgeleverd").count();
    assert_eq!(handed, 2, "no more than credit was given for");
    receiver.say(Verzoek::Krediet(3)).await;
    for _ in 0..3 {
        got.push(receiver.bericht().await.bericht);
    }
    assert_eq!(got, sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_lost_connection_it_is_offered_again() {
    let gateway = TestGateway::start().await;
    send(&mut gateway.client("zsm").await, check()).await.unwrap();
    let mut lost = gateway.client("zvh-baronie-breda").await;
    let mut receiver = Receiver::open(&mut lost, "", 1).await.unwrap();
    let first = receiver.bericht().await;
    drop((receiver, lost));
    let mut again = gateway.client("zvh-baronie-breda").await;
    let mut receiver = Receiver::open(&mut again, "", 1).await.unwrap();
    let second = receiver.bericht().await;
    assert_eq!((second.bericht.as_str(), second.poging), (first.bericht.as_str(), 2));
    receiver.confirm(&second.bericht).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lapsed_lease_is_offered_again_before_what_is_new_and_a_late_confirmation_counts() {
    let gateway = TestGateway::start().await;
    let (mut zsm, mut zvh) = (gateway.client("zsm").await, gateway.client("zvh-baronie-breda").await);
    let old = send(&mut zsm, check()).await.unwrap().bericht;
    let mut slow = Receiver::open(&mut zvh, "", 1).await.unwrap();
    assert_eq!(slow.bericht().await.bericht, old);
    let new = send(&mut zsm, check()).await.unwrap().bericht;
    gateway.clock.advance(SignedDuration::from_secs(61));
    let mut other = gateway.client("zvh-baronie-breda").await;
    let mut receiver = Receiver::open(&mut other, "", 2).await.unwrap();
    assert_eq!([receiver.bericht().await.bericht, receiver.bericht().await.bericht], [old.clone(), new]);
    slow.confirm(&old).await;
    assert_eq!(toestand(&mut zsm, &old).await, Toestand::Bevestigd);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_confirmation_is_harmless() {
    let gateway = TestGateway::start().await;
    let bericht = send(&mut gateway.client("zsm").await, check()).await.unwrap().bericht;
    let mut zvh = gateway.client("zvh-baronie-breda").await;
    let early = zvh.acknowledge(acknowledge_request(&bericht)).await;
    assert_eq!(weigering(early), "niet_afgeleverd");
    Receiver::open(&mut zvh, "", 1).await.unwrap().bericht().await;
    let first = zvh.acknowledge(acknowledge_request(&bericht)).await.unwrap().into_inner();
    let second = zvh.acknowledge(acknowledge_request(&bericht)).await.unwrap().into_inner();
    assert_eq!(first, second);
    let confirmed = gateway.soorten().await.iter().filter(|soort| *soort == "bevestigd").count();
    assert_eq!(confirmed, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_again_is_logged_each_time() {
    let gateway = TestGateway::start().await;
    let sent = check();
    let bericht = send(&mut gateway.client("zsm").await, sent.clone()).await.unwrap().bericht;
    let mut zvh = gateway.client("zvh-baronie-breda").await;
    for _ in 0..2 {
        let got = zvh.fetch(fetch_request(&bericht)).await.unwrap().into_inner().aflevering.unwrap();
        assert_eq!(got.inhoud, sent.inhoud);
    }
    let mut nobody = fetch_request(&bericht);
    nobody.medewerker.clear();
    assert_eq!(weigering(zvh.fetch(nobody).await), "ongeldig_veld");
    let soorten = gateway.soorten().await;
    assert_eq!(soorten[2..], ["geraadpleegd", "geraadpleegd", "geweigerd:ongeldig_veld"]);
    assert!(
        gateway
            .regels()
            .await
            .iter()
            .filter(|regel| regel.soort == Soort::Geraadpleegd)
            .all(|regel| regel.medewerker.is_some())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partner_sees_only_its_own() {
    let gateway = TestGateway::start().await;
    let bericht = send(&mut gateway.client("zsm").await, check()).await.unwrap().bericht;
    let mut zeeland = gateway.client("zvh-zeeland").await;
    assert_eq!(weigering(zeeland.fetch(fetch_request(&bericht)).await), "bericht_onbekend");
    assert_eq!(weigering(zeeland.acknowledge(acknowledge_request(&bericht)).await), "bericht_onbekend");
    assert_eq!(weigering(status(&mut zeeland, &bericht).await), "bericht_onbekend");
    let strange = request_id();
    assert_eq!(weigering(zeeland.fetch(fetch_request(&strange)).await), "bericht_onbekend");
    let nobody = proto::FetchRequest { medewerker: String::new(), ..fetch_request(&bericht) };
    assert_eq!(weigering(zeeland.fetch(nobody).await), "ongeldig_veld");
    assert!(gateway.regels().await.iter().all(|regel| regel.soort != Soort::Geweigerd || regel.bericht.is_none()));
    // A refusal to a stranger must not show up in the timeline of the bericht.
    let timeline = status(&mut gateway.client("zsm").await, &bericht).await.unwrap().tijdlijn;
    assert_eq!(timeline.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ontvanger_sees_only_its_own_address_and_a_certificate_only_its_loketten() {
    let gateway = TestGateway::start_with(|config| {
        // The certificate of ZSM opens only the loket for adults.
        edit(
            &config.deelnemers,
            "san = \"zsm.ketenpoort.test\"\n",
            "san = \"zsm.ketenpoort.test\"\nloketten = [\"volwassenen\"]\n",
        );
    })
    .await;
    let mut json = template("bekendheidscheck");
    json["ontvangers"] = serde_json::json!([{"partner": "zvh-baronie-breda"}, {"partner": "zvh-zeeland"}]);
    let mut zsm = gateway.client("zsm").await;
    let bericht = send(&mut zsm, request(json.clone())).await.unwrap().bericht;
    assert_eq!(status(&mut zsm, &bericht).await.unwrap().ontvangers.len(), 2);
    let seen = status(&mut gateway.client("zvh-zeeland").await, &bericht).await.unwrap();
    assert_eq!((seen.ontvangers.len(), seen.tijdlijn.len()), (1, 1));
    assert_eq!(seen.ontvangers[0].ontvanger.as_ref().unwrap().partner, "zvh-zeeland");
    json["loket"] = serde_json::json!("jeugd");
    assert_eq!(weigering(send(&mut zsm, request(json)).await), "loket_niet_van_u");
    assert_eq!(weigering(Receiver::open(&mut zsm, "jeugd", 1).await.map(drop)), "loket_niet_van_u");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_expired_is_handed_to_nobody() {
    let gateway = TestGateway::start().await;
    let (mut zsm, mut zvh) = (gateway.client("zsm").await, gateway.client("zvh-baronie-breda").await);
    let mut shortened = check();
    let today = today();
    shortened.houdbaar_tot_en_met = Some(today.to_string());
    let bericht = send(&mut zsm, shortened).await.unwrap().bericht;
    zvh.fetch(fetch_request(&bericht)).await.unwrap();
    gateway.clock.advance(SignedDuration::from_hours(24));
    assert_eq!(weigering(zvh.fetch(fetch_request(&bericht)).await), "vervallen");
    until(&mut zsm, &bericht, Toestand::Vervallen).await;
    assert!(gateway.soorten().await.contains(&"vervallen".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_longer_allowed_at_delivery_is_refused_and_the_sender_sees_why() {
    let gateway = TestGateway::start().await;
    let bericht = send(&mut gateway.client("zsm").await, check()).await.unwrap().bericht;
    gateway.lapse().await;
    let mut zvh = gateway.client("zvh-baronie-breda").await;
    Receiver::open(&mut zvh, "", 1).await.unwrap().empty().await;
    let seen = status(&mut gateway.client("zsm").await, &bericht).await.unwrap();
    assert_eq!(seen.ontvangers[0].toestand(), Toestand::Geweigerd);
    assert_eq!(seen.tijdlijn.last().unwrap().weigering.as_deref(), Some("convenant_niet_van_kracht"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_confirmation_does_not_end_the_stream() {
    let gateway = TestGateway::start().await;
    let mut zvh = gateway.client("zvh-baronie-breda").await;
    let mut receiver = Receiver::open(&mut zvh, "", 1).await.unwrap();
    receiver.empty().await;
    receiver.say(Verzoek::Bevestig(request_id())).await;
    let Antwoord::BevestigingGeweigerd(refused) = receiver.next().await.unwrap() else { panic!("should be refused") };
    assert_eq!(refused.weigering, "BERICHT_ONBEKEND");
    let bericht = send(&mut gateway.client("zsm").await, check()).await.unwrap().bericht;
    assert_eq!(receiver.bericht().await.bericht, bericht);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_does_not_give_back_a_lease_that_is_another_s_by_now() {
    let gateway = TestGateway::start().await;
    send(&mut gateway.client("zsm").await, check()).await.unwrap();
    let mut a = gateway.client("zvh-baronie-breda").await;
    let mut first = Receiver::open(&mut a, "", 1).await.unwrap();
    first.bericht().await;
    gateway.clock.advance(SignedDuration::from_secs(61));
    let mut b = gateway.client("zvh-baronie-breda").await;
    let mut second = Receiver::open(&mut b, "", 1).await.unwrap();
    let held = second.bericht().await;
    assert_eq!(held.poging, 2);
    drop((first, a));
    let mut c = gateway.client("zvh-baronie-breda").await;
    Receiver::open(&mut c, "", 1).await.unwrap().empty().await;
    second.confirm(&held.bericht).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_row_keeps_nothing_else_from_its_ontvanger() {
    let gateway = TestGateway::start().await;
    let mut zsm = gateway.client("zsm").await;
    let mut sent = Vec::new();
    for _ in 0..4 {
        sent.push(send(&mut zsm, check()).await.unwrap());
    }
    let mut database = gateway.sql().await;
    let index = |at: usize| i64::try_from(sent[at].aanvaardingen[0].log_index).unwrap();
    let damage = sqlx::query("UPDATE postvak SET houdbaar_tot_en_met = 'x' WHERE log_index = $1").bind(index(0));
    damage.execute(&mut database).await.unwrap();
    let other_key =
        sqlx::query("UPDATE postvak SET sleutel = $2 WHERE log_index = $1").bind(index(1)).bind(vec![7_u8; 64]);
    other_key.execute(&mut database).await.unwrap();
    let mut zvh = gateway.client("zvh-baronie-breda").await;
    let mut receiver = Receiver::open(&mut zvh, "", 10).await.unwrap();
    let got = [receiver.bericht().await.bericht, receiver.bericht().await.bericht];
    assert_eq!(got, [sent[2].bericht.clone(), sent[3].bericht.clone()]);
    // The damage is found; put back so that the end of this test can verify the rest.
    let day = &sent[0].aanvaardingen[0].stempel.as_ref().unwrap().houdbaar_tot_en_met;
    let mend = sqlx::query("UPDATE postvak SET houdbaar_tot_en_met = $1 WHERE log_index = $2").bind(day).bind(index(0));
    mend.execute(&mut database).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_does_not_wait_for_those_who_listen() {
    let gateway = TestGateway::start().await;
    let mut zvh = gateway.client("zvh-baronie-breda").await;
    let mut receiver = Receiver::open(&mut zvh, "", 1).await.unwrap();
    receiver.empty().await;
    let started = std::time::Instant::now();
    gateway.stop().await;
    assert!(started.elapsed() < std::time::Duration::from_secs(5), "took {:?}", started.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn looking_for_berichten_never_reads_the_whole_postvak() {
    let gateway = TestGateway::start().await;
    let mut database = gateway.sql().await;
    for (rest, index) in [
        ("p.toestand = 'wacht' ORDER BY p.log_index LIMIT 5", "postvak_wacht"),
        // Only what has lapsed is found, and put in order after that.
        ("p.toestand IN ('gereserveerd', 'afgeleverd') AND p.lease_tot <= 7 LIMIT 5", "postvak_uitgereikt"),
        (
            "p.toestand = 'geweigerd' AND p.beoordeeld_versie < 7 AND p.log_index > 3 ORDER BY p.log_index LIMIT 5",
            "postvak_geweigerd",
        ),
    ] {
        let select = format!(
            "SELECT p.log_index FROM postvak p JOIN berichten b ON b.id = p.bericht WHERE p.partner = 'a' AND p.loket = 'b' AND {rest}"
        );
        let plan: Vec<String> = if database.backend_name() == "SQLite" {
            let plan = sqlx::query_as(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {select}")));
            let plan: Vec<(i64, i64, i64, String)> = plan.fetch_all(&mut database).await.unwrap();
            plan.into_iter().map(|(.., detail)| detail).collect()
        } else {
            // A few rows are read at once whatever the indexes; with many it would look for them.
            sqlx::query("SET enable_seqscan = off").execute(&mut database).await.unwrap();
            sqlx::query_scalar(AssertSqlSafe(format!("EXPLAIN {select}"))).fetch_all(&mut database).await.unwrap()
        };
        let plan = plan.join("\n");
        assert!(plan.contains(index), "{plan}");
        assert!(!["SCAN", "TEMP B-TREE", "Seq Scan", "Sort"].iter().any(|slow| plan.contains(slow)), "{plan}");
    }
}
