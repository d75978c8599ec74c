//! Two gateways on one database, as far as what is in force goes: each has its own idea of it, and the writer decides.
//!
//! They share the writer here, because SQLite has room for one; what each knows, judges and reads again is its own. Gateways that
//! share nothing but PostgreSQL are in `tests/poorten`.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use ketenpoort::{
    documenten::Bron,
    domain::{LoketNaam, Weigering},
    exchange::{Exchange, Opdracht},
    grpc::convert,
};

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
    let before = there.van_kracht().versie();
    here.change(&call(&here, "beheer.ketenpoort.test"), &withdraw).await.unwrap();
    let after = here.van_kracht().versie();
    assert_eq!((after, there.van_kracht().versie()), (before + 1, before));
    // The other one still believes in the convenant, and may not act on it.
    let mut request = check();
    request.ontvangers[0].partner = "zvh-zeeland".to_owned();
    let zsm = call(&there, "zsm.ketenpoort.test");
    let refused = there.send(&zsm, &convert::bericht(&request).unwrap(), None).await;
    assert_eq!(refused.err(), Some(Weigering::GeenRegel));
    assert_eq!(there.van_kracht().versie(), after);

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
    there.send(&zsm, &convert::bericht(&request).unwrap(), None).await.map(drop).unwrap();
    drop((here, there));
    inside.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_cannot_read_a_text_serves_on_says_that_it_is_in_trouble_and_overrules_nobody() {
    let inside = Inside::open().await;
    let (here, there) = (inside.exchange_that_knows("tweede").await, inside.exchange().await);
    let deelnemers = std::fs::read_to_string(inside.dir.path().join("deelnemers.toml")).unwrap();
    let more = "\n[[identiteit]]\nca = \"tweede\"\noin = \"00000099000000101000\"\nsan = \"om-2.ketenpoort.test\"\n\
                partner = \"om\"\nrol = \"partner\"\n";
    let bron = |tekst: String| Bron { herkomst: "deelnemers".into(), tekst };
    let change = Opdracht {
        laden: vec![bron(format!("{deelnemers}{more}"))],
        intrekken: vec!["zvh-zeeland".to_owned()],
        reden: "een test".to_owned(),
        medewerker: "beheer-7".to_owned(),
        proef: false,
    };
    let beheer = call(&here, "beheer.ketenpoort.test");
    let zsm = call(&there, "zsm.ketenpoort.test");
    let mut to_zeeland = check();
    to_zeeland.ontvangers[0].partner = "zvh-zeeland".to_owned();
    there.send(&zsm, &convert::bericht(&to_zeeland).unwrap(), None).await.map(drop).unwrap();
    let before = there.van_kracht().versie();
    here.change(&beheer, &change).await.unwrap();
    assert!(there.refresh().await.unwrap());
    assert!(!there.refresh().await.unwrap(), "it looks no more often than there is something new");
    let regel = format!("wat van kracht werd met logregel {} ", here.van_kracht().versie() - 1);
    assert!(matches!(there.redenen().as_slice(), [reden] if reden.starts_with(&regel)), "{:?}", there.redenen());
    assert_eq!((here.redenen(), there.van_kracht().gelezen_versie()), (Vec::new(), before));
    there.send(&zsm, &convert::bericht(&check()).unwrap(), None).await.map(drop).unwrap();
    // That a convenant is gone is known without reading any text.
    to_zeeland.request_id = request_id();
    let refused = there.send(&zsm, &convert::bericht(&to_zeeland).unwrap(), None).await;
    assert_eq!(refused.err(), Some(Weigering::GeenRegel));
    let taken = async |exchange: &Arc<Exchange>| {
        let zeeland = call(exchange, "zvh-zeeland.ketenpoort.test");
        let postvak = exchange.open_postvak(&zeeland, &LoketNaam::default(), "zz-1").unwrap();
        postvak.take(1).await.unwrap().len()
    };
    assert_eq!(taken(&here).await, 0, "who can read the newer text judges by it");
    assert_eq!(taken(&there).await, 0, "and who cannot does not judge again after it");
    // A version that both can read.
    let convenant = std::fs::read_to_string(inside.dir.path().join("convenanten/zvh-zeeland.toml")).unwrap();
    let convenant = Bron { herkomst: "terug".into(), tekst: convenant };
    let back = Opdracht { laden: vec![bron(deelnemers), convenant], intrekken: Vec::new(), ..change };
    here.change(&beheer, &back).await.unwrap();
    assert!(there.refresh().await.unwrap());
    assert_eq!((there.redenen(), there.van_kracht().gelezen_versie()), (Vec::new(), here.van_kracht().versie()));
    assert_eq!(taken(&there).await, 1);
    drop((here, there));
    inside.end().await;
}

/// Rows of a convenant that is gone, more than one lease judges, keep nothing else from their ontvanger: also where this gateway may not
/// refuse them, because it cannot read what is in force.
#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_cannot_read_a_text_hands_out_what_lies_behind_what_it_may_not_refuse() {
    const NOT_ALLOWED: usize = 700;
    let inside = Inside::open().await;
    let (here, there) = (inside.exchange_that_knows("tweede").await, inside.exchange().await);
    let send = async |van: &str| {
        let mut scenario = request(template("scenario"));
        scenario.request_id = request_id();
        let afzender = call(&there, van);
        there.send(&afzender, &convert::bericht(&scenario).unwrap(), None).await.map(drop).unwrap();
    };
    join_all((0..NOT_ALLOWED).map(|_| send("zvh-zeeland.ketenpoort.test"))).await;
    send("zvh-baronie-breda.ketenpoort.test").await;
    let deelnemers = std::fs::read_to_string(inside.dir.path().join("deelnemers.toml")).unwrap();
    let more = "\n[[identiteit]]\nca = \"tweede\"\noin = \"00000099000000101000\"\nsan = \"om-2.ketenpoort.test\"\n\
                partner = \"om\"\nrol = \"partner\"\n";
    let change = Opdracht {
        laden: vec![Bron { herkomst: "deelnemers".into(), tekst: format!("{deelnemers}{more}") }],
        intrekken: vec!["zvh-zeeland".to_owned()],
        reden: "een test".to_owned(),
        medewerker: "beheer-7".to_owned(),
        proef: false,
    };
    here.change(&call(&here, "beheer.ketenpoort.test"), &change).await.unwrap();
    assert!(there.refresh().await.unwrap());
    let zsm = call(&there, "zsm.ketenpoort.test");
    let postvak = there.open_postvak(&zsm, &"volwassenen".parse().unwrap(), "zsm-1").unwrap();
    let taken = postvak.take(1).await.unwrap();
    let [handed] = taken.as_slice() else { panic!("{} were handed out", taken.len()) };
    assert_eq!(handed.bericht.afzender.partner.as_str(), "zvh-baronie-breda");
    drop((postvak, here, there));
    inside.end().await;
}
