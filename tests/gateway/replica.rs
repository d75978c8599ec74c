//! Two gateways on one database, as far as what is in force goes: each has its own idea of it, and the writer decides.
//!
//! They share the writer here, because SQLite has room for one; what each knows, judges and reads again is its own. Gateways that
//! share nothing but PostgreSQL are in `tests/poorten`.

use std::time::Duration;

use ketenpoort::{config::documents::Bron, domain::Weigering, exchange::Opdracht, grpc::convert};

use crate::{
    harness::*,
    inside::{Inside, call},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_change_at_one_gateway_binds_another_at_once_and_is_known_to_it_by_looking() {
    let inside = Inside::open().await;
    let (here, there) = (inside.exchange().await, inside.exchange().await);
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
    let convenant = inside.dir.path().join("convenanten/zvh-zeeland.toml");
    let back = Opdracht {
        intrekken: Vec::new(),
        laden: vec![Bron { herkomst: "terug".into(), tekst: std::fs::read_to_string(convenant).unwrap() }],
        ..withdraw
    };
    let mut changed = there.in_force.subscribe();
    changed.mark_unchanged();
    here.change(&call(&here, "beheer.ketenpoort.test"), &back).await.unwrap();
    assert!(there.refresh().await.unwrap());
    tokio::time::timeout(Duration::from_secs(1), changed.changed()).await.unwrap().unwrap();
    there.send(&zsm, convert::bericht(&request).unwrap(), 0).await.map(drop).unwrap();
    drop((here, there));
    inside.end().await;
}
