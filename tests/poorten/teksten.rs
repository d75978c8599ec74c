//! A text in force that one gateway cannot read: it serves on by what it knew, says so, and heals.

use std::fs;

use crate::{
    poorten::Poorten,
    postgres::Cluster,
    served::{expect, ketenpoort},
    traffic::{request, request_id, template},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_cannot_read_what_is_in_force_serves_on_by_what_it_knew_and_heals() {
    let cluster = Cluster::start(&[]);
    let url = cluster.url(&cluster.database());
    let mut poorten = Poorten::prepare(&[url.clone(), url]);
    // The first gateway knows one CA more than the second.
    poorten.configure(
        0,
        "[[ca]]\nnaam = \"ontwikkel\"",
        "[[ca]]\nnaam = \"tweede\"\nbestand = \"tweede/ca.pem\"\n\n[[ca]]\nnaam = \"ontwikkel\"",
    );
    let tweede = poorten.path().join("tweede");
    expect(&ketenpoort().args(["certs", "dev", "--out"]).arg(&tweede).output().unwrap(), 0);
    poorten.serve(0);
    poorten.serve(1);
    let deelnemers = poorten.path().join("deelnemers.toml");
    let original = fs::read_to_string(&deelnemers).unwrap();
    let beheer = |poorten: &Poorten, arguments: &[&str]| {
        let mut command = ketenpoort();
        command.args(["beheer", "load", "--profile"]).arg(poorten.profile_dir(0, "beheer"));
        expect(&command.args(["--reden", "een test"]).args(arguments).arg(&deelnemers).output().unwrap(), 0)
    };
    let more = format!(
        "{original}\n[[identiteit]]\nca = \"tweede\"\noin = \"00000099000000101000\"\nsan = \"om-tweede.ketenpoort.test\"\n\
         partner = \"om\"\nrol = \"partner\"\n"
    );
    fs::write(&deelnemers, more).unwrap();
    beheer(&poorten, &[]);
    poorten.says(1, "serving on by the version before");
    let send = async |at: usize, number: u64| {
        let mut check = request(template("bekendheidscheck"));
        check.request_id = request_id(number);
        poorten.client(at, "zsm").await.send(check).await.unwrap();
    };
    send(1, 1).await;
    send(0, 2).await;
    send(1, 3).await;
    fs::write(&deelnemers, original).unwrap();
    beheer(&poorten, &[]);
    poorten.says(1, "can be read again");
    send(1, 4).await;
    let said = poorten.log(1).matches("cannot be read here").count();
    assert_eq!(said, 1, "{}", poorten.log(1));
}
