//! A process that is stopped between its transaction and its answer, and goes on on another day.

use std::sync::Arc;

use jiff::SignedDuration;
use ketenpoort::{
    clock::SystemClock,
    domain::{Clock, Weigering, houdbaarheid::amsterdam_date},
    grpc::convert,
};

use crate::{
    harness::*,
    inside::{Inside, call},
};

#[tokio::test(flavor = "multi_thread")]
async fn what_was_taken_on_its_last_day_does_not_leave_on_the_next() {
    let inside = Inside::open().await;
    let clock = Arc::new(TestClock::default());
    let exchange = inside.exchange_at(clock.clone()).await;
    let (zsm, zvh) = (call(&exchange, "zsm.ketenpoort.test"), call(&exchange, "zvh-baronie-breda.ketenpoort.test"));
    let mut today = template("bekendheidscheck");
    today["houdbaar_tot_en_met"] = amsterdam_date(SystemClock.now()).to_string().into();
    let today = convert::bericht(&request(today)).unwrap();
    let bericht = exchange.send(&zsm, &today, None).await.unwrap().bericht;
    let algemeen = convert::loket("algemeen").unwrap();
    let postvak = exchange.open_postvak(&zvh, &algemeen, "lezer-1").unwrap();
    let handed = postvak.take(1).await.unwrap().pop().unwrap();
    assert!(postvak.may_leave(&handed));
    clock.advance(SignedDuration::from_hours(24));
    assert!(!postvak.may_leave(&handed));
    // For the writer it is still today.
    let fetched = exchange.fetch(&zvh, &algemeen, bericht, "lezer-1").await;
    assert_eq!(fetched.err(), Some(Weigering::Vervallen));
    drop((handed, postvak, exchange));
    inside.end().await;
}
