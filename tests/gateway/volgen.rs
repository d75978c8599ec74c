//! The life of a bericht, and the logboek as it is written.

use ketenpoort::{
    logboek::{Logregel, Soort},
    proto,
};
use tonic::Status;

use crate::{
    harness::{Receiver, TestGateway, check, known, request, request_id, send, template, weigering},
    zoeken::{ZVH, asked},
};

#[tokio::test(flavor = "multi_thread")]
async fn who_follows_sees_what_is_written_and_only_what_may_be_seen_until_it_may_not_any_more() {
    let gateway = TestGateway::start().await;
    let first = send(&mut gateway.client("zsm").await, check()).await.unwrap().bericht;
    let follow = async |who: &str, vanaf: Option<u64>, filter: proto::Zoekfilter| {
        let inzage = asked(proto::Zoekfilter::default()).inzage;
        let request = proto::FollowLogregelsRequest { inzage, filter: Some(filter), vanaf };
        Ok::<_, Status>(gateway.toezicht(who).await.follow_logregels(request).await?.into_inner())
    };
    let accepted = || proto::Zoekfilter { soort: vec!["aanvaard".to_owned()], ..Default::default() };
    let mut from_now = follow("fg-zsm", None, accepted()).await.unwrap();
    let mut from_begin = follow("auditor", Some(0), accepted()).await.unwrap();
    let mut elsewhere = follow("fg-dji", Some(0), proto::Zoekfilter::default()).await.unwrap();
    let second = send(&mut gateway.client("zsm").await, check()).await.unwrap().bericht;
    let bericht = |of: &proto::GevondenLogregel| Logregel::from_leaf(of.logregel.as_bytes()).unwrap().bericht;
    let (mut now, mut all, mut tot) = (Vec::new(), Vec::new(), 0);
    while now.is_empty() {
        now.extend(from_now.message().await.unwrap().unwrap().logregels.iter().map(bericht));
    }
    while all.len() < 2 {
        let page = from_begin.message().await.unwrap().unwrap();
        tot = page.bijgewerkt_tot;
        all.extend(page.logregels.iter().map(bericht));
    }
    assert_eq!((now, all), (vec![Some(second.clone())], vec![Some(first), Some(second)]));
    assert!(tot <= gateway.regels().await.len() as u64);
    // Who sees only what is nobody's sees that others follow.
    let mut looks = 0;
    while looks < 3 {
        let seen = elsewhere.message().await.unwrap().unwrap().logregels;
        let soort = |of: &proto::GevondenLogregel| Logregel::from_leaf(of.logregel.as_bytes()).unwrap().soort;
        assert!(seen.iter().all(|of| soort(of) != Soort::Aanvaard));
        looks += seen.iter().filter(|of| soort(of) == Soort::Ingezien).count();
    }
    let period = proto::Zoekfilter { van: "2026-01-01".to_owned(), ..Default::default() };
    assert_eq!(weigering(follow("auditor", None, period).await), "ongeldig_veld");
    // Who is taken out is told nothing any more.
    let identity = "[[identiteit]]\nca = \"ontwikkel\"\noin = \"00000099000000105000\"\n\
                    san = \"fg.zsm.ketenpoort.test\"\npartner = \"zsm\"\nrol = \"fg\"\n";
    gateway.load(vec![gateway.edited("deelnemers.toml", identity, "")]).await.unwrap();
    send(&mut gateway.client("zsm").await, check()).await.unwrap();
    while let Ok(Some(page)) = from_now.message().await {
        assert!(page.logregels.is_empty(), "it goes on: {page:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_life_of_a_bericht_is_all_that_became_of_it_and_of_its_gesprek_and_what_may_be_seen() {
    let gateway = TestGateway::start().await;
    let (mut zvh, mut zsm) = (gateway.client(ZVH).await, gateway.client("zsm").await);
    let asked = send(&mut zsm, check()).await.unwrap().bericht;
    let mut receiver = Receiver::open(&mut zvh, "algemeen", 10).await.unwrap();
    receiver.bericht().await;
    let answer = send(&mut zvh, known(&asked)).await.unwrap().bericht;
    receiver.confirm(&asked).await;
    drop(receiver);
    let mut other = template("bekendheidscheck");
    other["request_id"] = request_id().into();
    send(&mut zsm, request(other)).await.unwrap();
    let leven = async |who: &str, bericht: &str| {
        let inzage = Some(proto::Inzage { medewerker: "fg-007".to_owned(), reden: String::new() });
        let request = proto::GetLevenRequest { inzage, bericht: bericht.to_owned() };
        Ok::<_, Status>(gateway.toezicht(who).await.get_leven(request).await?.into_inner())
    };
    for (who, bericht) in [("fg-zsm", &asked), ("fg-zvh-baronie-breda", &answer), ("auditor", &asked)] {
        let life = leven(who, bericht).await.unwrap();
        assert!(!life.afgekapt);
        let told: Vec<(String, Option<String>)> = life
            .logregels
            .iter()
            .map(|of| {
                let regel = Logregel::from_leaf(of.logregel.as_bytes()).unwrap();
                assert!(of.tijd_lokaal.ends_with("+01:00") || of.tijd_lokaal.ends_with("+02:00"));
                (regel.soort.as_str().to_owned(), of.afzender.clone())
            })
            .filter(|(soort, _)| soort != "ingezien")
            .collect();
        let from = |soort: &str, who: &str| (soort.to_owned(), Some(who.to_owned()));
        let expected = [
            from("aanvaard", "zsm/volwassenen"),
            from("afgeleverd", "zsm/volwassenen"),
            from("aanvaard", "zvh-baronie-breda/algemeen"),
            from("bevestigd", "zsm/volwassenen"),
        ];
        assert_eq!(told, expected, "{who}");
    }
    assert_eq!(weigering(leven("fg-dji", &asked).await), "bericht_onbekend");
    assert_eq!(weigering(leven("auditor", "0190a5c1-0000-7000-8000-000000000000").await), "bericht_onbekend");
    assert_eq!(weigering(leven("auditor", "x").await), "bericht_onbekend");
}
