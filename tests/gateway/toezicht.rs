//! What FGs and auditors see, what they do not, and that each look is in the logboek.

use std::collections::BTreeSet;

use ketenpoort::{
    logboek::{self, Checkpoint, Logregel, Soort, TlogProof, verify_consistency},
    proto,
};
use tonic::Status;

use crate::{
    harness::{TestGateway, check, send, weigering},
    zoeken::found,
};

fn inzage() -> proto::Inzage {
    proto::Inzage { medewerker: "fg-007".to_owned(), reden: String::new() }
}

async fn proof(gateway: &TestGateway, who: &str, log_index: u64) -> Result<TlogProof, Status> {
    let request = proto::GetProofRequest { inzage: Some(inzage()), log_index };
    let proven = gateway.toezicht(who).await.get_proof(request).await?.into_inner();
    Ok(proven.bewijs.parse().unwrap())
}

async fn checkpoint(gateway: &TestGateway, who: &str) -> proto::GetCheckpointResponse {
    let request = proto::GetCheckpointRequest { inzage: Some(inzage()) };
    gateway.toezicht(who).await.get_checkpoint(request).await.unwrap().into_inner()
}

async fn growth(gateway: &TestGateway, checkpoint: &str) -> Result<proto::GetConsistencyProofResponse, Status> {
    let request = proto::GetConsistencyProofRequest { inzage: Some(inzage()), checkpoint: checkpoint.to_owned() };
    Ok(gateway.toezicht("fg-zsm").await.get_consistency_proof(request).await?.into_inner())
}

/// How often somebody looked, by the logboek.
async fn looks(gateway: &TestGateway) -> usize {
    gateway.soorten().await.iter().filter(|soort| *soort == "ingezien").count()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_of_toezicht_sees_what_its_partners_took_part_in_and_each_look_is_a_regel() {
    let gateway = TestGateway::start().await;
    let sent = send(&mut gateway.client("zsm").await, check()).await.unwrap();
    let index = sent.aanvaardingen[0].log_index;
    for (number, who) in ["fg-zsm", "fg-zvh-baronie-breda", "auditor"].into_iter().enumerate() {
        let proven = proof(&gateway, who, index).await.unwrap().verify(&gateway.vkey()).unwrap();
        let regel = Logregel::from_leaf(&proven.leaf).unwrap();
        assert_eq!((regel.soort, regel.bericht.as_deref()), (Soort::Aanvaard, Some(&*sent.bericht)));
        assert_eq!(looks(&gateway).await, number + 1);
    }
    // Others hear the same as of a regel that is not there, and their look is a refusal.
    assert_eq!(weigering(proof(&gateway, "fg-dji", index).await), "logregel_onbekend");
    assert_eq!(weigering(proof(&gateway, "auditor", 1_000_000).await), "logregel_onbekend");
    assert_eq!(weigering(proof(&gateway, "auditor", u64::MAX).await), "logregel_onbekend");
    assert_eq!(looks(&gateway).await, 3);
    // What no partner took part in is for all of them: the start, and the looks of the others.
    let regels = gateway.regels().await;
    let look = regels.iter().position(|regel| regel.soort == Soort::Ingezien).unwrap();
    let Logregel { rol, actor, medewerker, bericht, bekeken, .. } = &regels[look];
    // At what was looked is for who sees that too.
    assert_eq!((rol.as_deref(), bericht.as_deref()), (Some("fg"), None));
    assert!(actor.is_some() && medewerker.is_some() && bekeken.is_some());
    let of_bericht = || proto::Zoekfilter { bericht: vec![sent.bericht.clone()], ..Default::default() };
    assert_eq!(found(&gateway, "fg-dji", of_bericht()).await, Vec::<u64>::new());
    assert!(found(&gateway, "auditor", of_bericht()).await.contains(&(look as u64)));
    let life = proto::GetLevenRequest { inzage: Some(inzage()), bericht: sent.bericht.clone() };
    let life = gateway.toezicht("fg-zsm").await.get_leven(life).await.unwrap().into_inner();
    assert!(life.logregels.iter().any(|of| of.log_index == look as u64), "who looked is of the life of a bericht");
    for index in [0, look as u64] {
        proof(&gateway, "fg-dji", index).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ziet_in_the_document_grants_more_and_takes_it_away_at_once() {
    let gateway = TestGateway::start().await;
    let sent = send(&mut gateway.client("zsm").await, check()).await.unwrap();
    let index = sent.aanvaardingen[0].log_index;
    let fg = "san = \"fg.dji.ketenpoort.test\"\npartner = \"dji\"\nrol = \"fg\"\n";
    let mut dji = gateway.toezicht("fg-dji").await;
    let request = proto::GetProofRequest { inzage: Some(inzage()), log_index: index };
    assert_eq!(weigering(dji.get_proof(request.clone()).await), "logregel_onbekend");
    let granted = gateway.edited("deelnemers.toml", fg, &format!("{fg}ziet = [\"zsm\"]\n"));
    let changed = gateway.load(vec![granted]).await.unwrap();
    let told = changed.gevolgen.join("\n");
    assert!(told.contains("als dji met rol fg, ziet dji en zsm (was dji met rol fg, ziet dji)"), "{told}");
    proof(&gateway, "fg-dji", index).await.unwrap();
    gateway.load(vec![gateway.edited("deelnemers.toml", fg, fg)]).await.unwrap();
    assert_eq!(weigering(proof(&gateway, "fg-dji", index).await), "logregel_onbekend");
    // Who may see more, or is not of toezicht, is a mistake that is told.
    for (from, to, told) in [
        (fg.to_owned(), format!("{fg}ziet = [\"dij\"]\n"), "dij is geen partner van deze poort"),
        ("ziet = [\"*\"]\n".to_owned(), String::new(), "een auditor ziet alleen wat ziet noemt"),
        (
            "rol = \"beheer\"\n".to_owned(),
            "rol = \"beheer\"\nziet = [\"*\"]\n".to_owned(),
            "ziet is voor rol fg en auditor, en dit is beheer",
        ),
    ] {
        let refused = gateway.load(vec![gateway.edited("deelnemers.toml", &from, &to)]).await.unwrap_err();
        assert!(format!("{refused:?}").contains(told), "{told}: {refused:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_checkpoint_is_proven_to_have_grown_also_when_its_logboek_was_closed() {
    let gateway = TestGateway::start().await;
    let stand = checkpoint(&gateway, "fg-zsm").await;
    let key = gateway.vkey();
    assert_eq!((stand.logboek_eerste, stand.vkey), (0, key.to_string()));
    let kept = logboek::open(&stand.checkpoint, &key).unwrap();
    // The look itself is in what it gives.
    let regels = gateway.regels().await;
    assert_eq!((regels.len() as u64, regels.last().unwrap().soort), (kept.size, Soort::Ingezien));
    for _ in 0..5 {
        send(&mut gateway.client("zsm").await, check()).await.unwrap();
    }
    let grown = async |kept: &Checkpoint| {
        let proto::GetConsistencyProofResponse { checkpoint, hashes } =
            growth(&gateway, &stand.checkpoint).await.unwrap();
        let new = logboek::open(&checkpoint, &key).unwrap();
        let hashes: Vec<[u8; 32]> = hashes.iter().map(|hash| hash.as_slice().try_into().unwrap()).collect();
        verify_consistency(kept.size, &kept.root, new.size, &new.root, &hashes).unwrap();
        new.size
    };
    let before = grown(&kept).await;
    assert!(before > kept.size);
    let close = proto::CloseLogboekRequest { reden: "een test".into(), medewerker: "beheer-7".into() };
    let closed = gateway.beheer().await.close_logboek(close).await.unwrap().into_inner();
    assert_eq!(grown(&kept).await, logboek::open(&closed.checkpoint, &key).unwrap().size);
    let next = checkpoint(&gateway, "fg-zsm").await;
    assert_eq!(next.checkpoint.lines().next(), Some(&*closed.volgende));
    assert!(next.logboek_eerste > before && next.vkey.starts_with(&closed.volgende), "{}", next.vkey);
    for wrong in ["", "x", &stand.checkpoint.replacen("ketenpoort", "kettenpoort", 1), &stand.checkpoint[..60]] {
        assert_eq!(weigering(growth(&gateway, wrong).await), "checkpoint_onbekend", "{wrong}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_toezicht_comes_in_by_its_port_says_who_looks_and_comes_in_nowhere_else() {
    let gateway = TestGateway::start().await;
    let mut anonymous = gateway.toezicht("fg-zsm").await;
    for inzage in [None, Some(proto::Inzage::default())] {
        let refused = anonymous.get_checkpoint(proto::GetCheckpointRequest { inzage }).await;
        assert_eq!(weigering(refused), "ongeldig_veld");
    }
    let adres = gateway.profile("fg-zsm").adres().strip_prefix("https://").unwrap().parse().unwrap();
    for naam in ["zsm", "beheer"] {
        gateway.point(naam, adres);
        let refused =
            gateway.toezicht(naam).await.get_checkpoint(proto::GetCheckpointRequest { inzage: Some(inzage()) }).await;
        assert_eq!(weigering(refused), "verkeerde_rol", "{naam}");
    }
    assert_eq!(looks(&gateway).await, 0);
    let roles: BTreeSet<Option<String>> = gateway.regels().await.into_iter().map(|regel| regel.rol).collect();
    assert!(roles.contains(&Some("fg".to_owned())), "a refusal of toezicht is logged: {roles:?}");
}
