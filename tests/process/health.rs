//! `healthcheck`, as a container or a service manager calls it.

use std::fs;

use serde_json::Value;

use crate::served::{Served, expect, ketenpoort, stderr, until};

#[test]
fn it_ends_with_what_the_gateway_says_of_itself() {
    let mut served = Served::start();
    let check = |served: &Served, more: &[&str]| {
        let mut command = ketenpoort();
        command.arg("healthcheck").arg("--config").arg(served.config()).args(more);
        command.output().unwrap()
    };
    let ready = until("it is ready", || Some(check(&served, &[])).filter(|told| told.status.success()));
    let told: Value = serde_json::from_str(&expect(&ready, 0)).unwrap();
    assert_eq!(told["gereed"], true, "{told}");
    assert_eq!(expect(&check(&served, &["--live"]), 0), "leeft\n");
    served.stop();
    let gone = check(&served, &[]);
    assert_eq!(gone.status.code(), Some(3));
    assert!(stderr(&gone).contains("de poort antwoordt niet op 127.0.0.1:"), "{gone:?}");
    let text = fs::read_to_string(served.config()).unwrap();
    let (before, rest) = text.split_once("[waarneming]").unwrap();
    let (_, after) = rest.split_once("[tls]").unwrap();
    fs::write(served.config(), format!("{before}[tls]{after}")).unwrap();
    let closed = check(&served, &[]);
    assert_eq!(closed.status.code(), Some(2));
    assert!(stderr(&closed).contains("in de configuratie staat geen [waarneming]"), "{closed:?}");
}
