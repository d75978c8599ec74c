use std::{fs, sync::Arc};

use ketenpoort::{
    clock::{SystemClock, SystemRng},
    gateway::Gateway,
};

use crate::harness::*;

/// Why a gateway on this test's database does not start.
async fn refusal_to_start(gateway: &TestGateway) -> String {
    match Gateway::start(&gateway.config, false, Arc::new(SystemClock), Arc::new(SystemRng)).await {
        Ok(_) => panic!("it started"),
        Err(error) => error.to_string(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_lost_or_strange_keys_the_gateway_does_not_start_and_writes_nothing() {
    let gateway = TestGateway::start().await;
    send(&mut gateway.client("zsm").await, check()).await.unwrap();
    gateway.stop().await;
    let regels = gateway.regels().await.len();
    let keys = gateway.config.sleutels.clone();
    let kept = gateway.path().join("bewaard");

    // All keys gone: new ones would sign another logboek.
    fs::rename(&keys, &kept).unwrap();
    let why = refusal_to_start(&gateway).await;
    assert!(why.contains("niet die waarmee dit logboek is ondertekend"), "{why}");
    fs::remove_dir_all(&keys).unwrap();
    fs::rename(&kept, &keys).unwrap();

    // One key gone beside others, each in turn.
    for (file, sign) in
        [("logboek.key", "beschadigd"), ("wortel-1.key", "beschadigd"), ("dagsleutels.json", "bestaat niet (meer)")]
    {
        let (path, aside) = (keys.join(file), gateway.path().join(file));
        fs::rename(&path, &aside).unwrap();
        let why = refusal_to_start(&gateway).await;
        assert!(why.contains(sign), "{file}: {why}");
        fs::rename(&aside, &path).unwrap();
    }

    // The document of another root.
    let document = keys.join("dagsleutels.json");
    let text = fs::read_to_string(&document).unwrap();
    fs::write(&document, text.replace("\"versie\": 1", "\"versie\": 2")).unwrap();
    assert!(refusal_to_start(&gateway).await.contains("beschadigd"));
    fs::write(&document, text).unwrap();
    assert_eq!(gateway.regels().await.len(), regels);
}
