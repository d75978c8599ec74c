//! Two gateways on one database, as far as what is in force goes: each has its own idea of it, and the writer decides.
//!
//! They share the writer here, because SQLite has room for one; what each knows, judges and reads again is its own.

use std::{sync::Arc, time::Duration};

use ketenpoort::{
    clock::{SystemClock, SystemRng},
    config::Config,
    domain::{Aangemeld, Certificaat, Identiteit, Weigering},
    exchange::{Bounds, Call, Exchange, InForce, Opdracht, Weigeringen, beheer::first_change},
    grpc::{answers, convert},
    logboek::Signer,
    sleutels::{KeyMap, KeyStore},
    store::{Database, Event, SharedDocument, Store},
};

use crate::harness::*;

async fn exchange(config: &Config, store: &Store) -> Exchange {
    let map = KeyMap::open(&config.sleutels, true, &SystemRng).unwrap();
    let document = Box::new(SharedDocument::new(store.clone()));
    Exchange {
        store: store.clone(),
        keys: KeyStore::open(map, document, Arc::new(SystemRng)).await.unwrap(),
        in_force: InForce::new(config.omgeving(false)),
        clock: Arc::new(SystemClock),
        rng: Arc::new(SystemRng),
        bounds: Bounds { lease_seconds: 60, postvak: 100, vervalwaarschuwing_dagen: 14 },
        poort: Identiteit::of_gateway("00000099000000501000".parse().unwrap()),
        encode: answers::van_de_poort,
        weigeringen: Weigeringen::default(),
    }
}

/// A call of whoever has this name in its certificate.
fn call(exchange: &Exchange, san: &str) -> Call {
    let van_kracht = exchange.van_kracht();
    let of_san = |toegang: &&ketenpoort::domain::Toegang| toegang.san.as_deref() == Some(san);
    let toegang = van_kracht.deelnemers().toegangen.iter().find(of_san).unwrap().clone();
    let namen = vec![san.to_owned()];
    let certificaat = Certificaat { ca: toegang.ca.clone(), oin: toegang.identiteit.oin.clone(), namen };
    Call { aangemeld: Aangemeld { certificaat, toegang }, trace: exchange.new_trace(), deadline: None }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_at_one_gateway_binds_another_at_once_and_is_known_to_it_by_looking() {
    let dir = tempfile::tempdir().unwrap();
    let init = std::process::Command::new(env!("CARGO_BIN_EXE_ketenpoort"))
        .args(["init", "--data-dir"])
        .arg(dir.path())
        .output()
        .unwrap();
    assert!(init.status.success());
    let config = Config::load(&dir.path().join("ketenpoort.toml")).unwrap();
    let map = KeyMap::open(&config.sleutels, true, &SystemRng).unwrap();
    let signer = Signer::from_seed(&config.logboek, map.logboek_seed()).unwrap();
    let database = Database::open(&config.opslag).await.unwrap();
    let (store, writer) = database.start(&config.logboek, &map.kenmerk(), signer, Arc::new(SystemClock)).await.unwrap();
    let first = first_change(&config.documents(false).unwrap());
    store.writer.write(|reply| Event::Change(Box::new(first), reply)).await.unwrap().0.unwrap();
    let (here, there) = (exchange(&config, &store).await, exchange(&config, &store).await);
    assert!(here.refresh().await.unwrap() && there.refresh().await.unwrap());

    let withdraw = Opdracht {
        laden: Vec::new(),
        intrekken: vec!["zvh-zeeland".to_owned()],
        reden: "een test".to_owned(),
        medewerker: "beheer-7".to_owned(),
        proef: false,
    };
    here.change(&call(&here, "beheer.ketenpoort.test"), &withdraw).await.unwrap();
    assert_eq!((here.van_kracht().versie(), there.van_kracht().versie()), (2, 1));
    // The other one still believes in the convenant, and may not act on it.
    let mut request = check();
    request.ontvangers[0].partner = "zvh-zeeland".to_owned();
    let zsm = call(&there, "zsm.ketenpoort.test");
    let refused = there.send(&zsm, convert::bericht(&request).unwrap(), 0).await;
    assert_eq!(refused.err(), Some(Weigering::GeenRegel));
    assert_eq!(there.van_kracht().versie(), 2);

    // Without a call it finds out by looking, which a gateway does twice a second.
    let back = Opdracht {
        intrekken: Vec::new(),
        laden: vec![ketenpoort::config::documents::Bron {
            herkomst: "terug".into(),
            tekst: std::fs::read_to_string(dir.path().join("convenanten/zvh-zeeland.toml")).unwrap(),
        }],
        ..withdraw
    };
    let mut changed = there.in_force.subscribe();
    changed.mark_unchanged();
    here.change(&call(&here, "beheer.ketenpoort.test"), &back).await.unwrap();
    assert!(there.refresh().await.unwrap());
    tokio::time::timeout(Duration::from_secs(1), changed.changed()).await.unwrap().unwrap();
    there.send(&zsm, convert::bericht(&request).unwrap(), 0).await.map(drop).unwrap();
    drop((here, there, store));
    writer.await.unwrap().unwrap();
}
