//! A stolen database, without any key: nothing of few possibilities can be tried out on it.

use std::{collections::BTreeSet, sync::Arc};

use aws_lc_rs::digest::{SHA256, digest};
use ketenpoort::{
    clock::SystemRng,
    logboek::leaf_hash,
    proto,
    sleutels::{SealingKeys, Veld, openingen::Place},
    store::ledger::regels::regels,
};
use sqlx::Row;

use crate::{
    harness::{Receiver, TestGateway, check, request, send, template, weigering},
    scenario::{scenario, sent},
};

const ZVH: &str = "zvh-baronie-breda";

/// Every run of 32 bytes that could be a salt: in all that is kept beside sealed content and leaves, and in what seals commitments.
async fn salts(gateway: &TestGateway) -> BTreeSet<[u8; 32]> {
    let mut sql = gateway.sql().await;
    let mut blobs: Vec<Vec<u8>> = Vec::new();
    for (table, column) in [
        ("openingen", "verzegeld"),
        ("pseudoniemen", "pseudoniem"),
        ("vindbaar", "pseudoniem"),
        ("berichten", "vingerafdruk"),
        ("berichten", "herhaling"),
        ("postvak", "sleutel"),
        ("logregels", "hash"),
    ] {
        let select = sqlx::AssertSqlSafe(format!("SELECT {column} FROM {table} WHERE {column} IS NOT NULL"));
        let rows = sqlx::query(select).fetch_all(&mut sql).await.unwrap();
        blobs.extend(rows.iter().map(|row| row.get::<Vec<u8>, _>(0)));
    }
    blobs.iter().flat_map(|blob| blob.windows(32)).map(|window| window.try_into().unwrap()).collect()
}

/// What an intruder finds by trying every value with every salt.
fn found(salts: &BTreeSet<[u8; 32]>, commitments: &BTreeSet<String>, values: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let commitments: BTreeSet<Vec<u8>> = commitments.iter().map(|text| hex::decode(text).unwrap()).collect();
    let mut input = Vec::new();
    let mut is_found = |salt: &[u8; 32], value: &[u8]| {
        input.clear();
        input.extend_from_slice(salt);
        input.extend_from_slice(value);
        commitments.contains(digest(&SHA256, &input).as_ref())
    };
    values.iter().filter(|value| salts.iter().any(|salt| is_found(salt, value))).cloned().collect()
}

/// What somebody would try: numbers of a range, case numbers of a year, the staff of an office.
fn values() -> Vec<Vec<u8>> {
    let skn = (7_310_400..7_310_600_u32).flat_map(|skn| [skn.to_string(), format!("{skn:08}")]);
    let zaken = (4_650..4_750).map(|zaak| format!("ZSM-2026-{zaak:06}"));
    let staff = ["zsm-nacht", "zsm-dag", "medewerker", "bb-regie"];
    let staff = staff.iter().flat_map(|office| (0..20).map(move |number| format!("{office}-{number:02}")));
    let medewerkers = (0..20).map(|number| format!("medewerker-{number:03}"));
    skn.chain(zaken).chain(staff).chain(medewerkers).map(String::into_bytes).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_can_be_tried_out_on_a_stolen_database() {
    let gateway = TestGateway::start().await;
    let (mut zvh, mut zsm) = (gateway.client(ZVH).await, gateway.client("zsm").await);
    sent(&mut zvh, scenario()).await;
    send(&mut zsm, check()).await.unwrap();
    for skn in ["7310482", "7310483"] {
        let persoon = Some(proto::Zoekpersoon { skn: Some(skn.to_owned()), ..proto::Zoekpersoon::default() });
        let zaaknummer = "ZSM-2026-004711".to_owned();
        let search =
            proto::FindScenarioRequest { persoon, zaaknummer, loket: String::new(), medewerker: "zsm-nacht-02".into() };
        zsm.find_scenario(search).await.unwrap();
    }
    let mut refused = template("bekendheidscheck");
    refused["ontvangers"][0]["partner"] = "om".into();
    weigering(send(&mut zsm, request(refused)).await);
    let mut receiver = Receiver::open(&mut zvh, "algemeen", 5).await.unwrap();
    let bericht = receiver.bericht().await.bericht;
    receiver.confirm(&bericht).await;
    drop(receiver);
    gateway.stop().await;

    let commitments: BTreeSet<String> = gateway
        .regels()
        .await
        .into_iter()
        .flat_map(|regel| regel.betrokkene.into_iter().chain(regel.medewerker).chain(regel.reden))
        .collect();
    assert!(commitments.len() > 8, "{}", commitments.len());
    let mut salts = salts(&gateway).await;
    assert!(salts.len() > 1000, "{}", salts.len());
    let values = values();
    assert_eq!(found(&salts, &commitments, &values), Vec::<Vec<u8>>::new());

    // With the salts the same intruder finds all of it: that is what lies sealed.
    let keys = SealingKeys::read(&gateway.config.sleutels).unwrap().openingen(Arc::new(SystemRng));
    let leaves = regels(&gateway.read().await, 0, 1000).await.unwrap();
    let mut sql = gateway.sql().await;
    let rows = sqlx::query("SELECT log_index, veld, volgnummer, verzegeld FROM openingen").fetch_all(&mut sql).await;
    for row in rows.unwrap() {
        let (_, leaf) = &leaves[usize::try_from(row.get::<i64, _>(0)).unwrap()];
        let regel = ketenpoort::logboek::Logregel::from_leaf(leaf).unwrap();
        let veld = Veld::ALL.into_iter().find(|veld| veld.as_str() == row.get::<&str, _>(1)).unwrap();
        let volgnummer = u16::try_from(row.get::<i64, _>(2)).unwrap();
        let place = Place { leaf: &leaf_hash(leaf), veld, volgnummer };
        let opening = keys.of(regel.tijd.parse().unwrap()).open(&place, row.get(3)).unwrap();
        salts.insert(opening.zout);
    }
    let names: BTreeSet<String> =
        found(&salts, &commitments, &values).into_iter().map(|value| String::from_utf8(value).unwrap()).collect();
    for name in ["07310482", "07310483", "ZSM-2026-004711", "zsm-nacht-02"] {
        assert!(names.contains(name), "{name} is not among {names:?}: the intruder of this test finds too little");
    }
}
