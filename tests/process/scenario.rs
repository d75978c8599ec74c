//! At the command line: finding a scenario, its terugkoppeling, withdrawing it, and what the logboek says about a person.

use std::{
    io::Write,
    process::{Output, Stdio},
};

use ketenpoort::proto;
use serde_json::{Value, json};

use crate::{
    command_line::{ZVH, json as parsed, received, send},
    served::{Served, expect, stderr},
    traffic::{request, request_id, template},
};

/// A command that reads a person from stdin, where no process list shows it.
fn about(mut command: std::process::Command, persoon: &Value) -> Output {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    child.stdin.take().unwrap().write_all(persoon.to_string().as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn find(served: &Served, profile: &str, persoon: &Value) -> Output {
    about(served.partner_command("find", profile, &["--zaaknummer", "ZSM-2026-0815"]), persoon)
}

fn search(served: &Served, persoon: &Value) -> Vec<Value> {
    let mut command = crate::served::ketenpoort();
    command.args(["logboek", "search", "--persoon", "-", "--config"]).arg(served.config());
    expect(&about(command, persoon), 0).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_scenario_is_found_read_fed_back_and_withdrawn() {
    let served = Served::start();
    let bram = json!({"naam": "Jan Voorbeeld", "geboortedatum": "1987-05-12"});
    let nobody = find(&served, "zsm", &bram);
    assert_eq!(expect(&nobody, 0), "");
    assert!(stderr(&nobody).contains("geen scenario"), "{}", stderr(&nobody));
    let receipt = parsed(&expect(&send(&served, ZVH, "scenario", &[]), 0));
    let id = receipt["bericht"].as_str().unwrap();
    let found = parsed(&expect(&find(&served, "zsm", &bram), 0));
    assert_eq!((&found["bericht"], &found["kenmerk"]), (&json!(id), &json!("KENMERK_NAAM_GEBOORTEDATUM")));
    assert_eq!(expect(&find(&served, "om", &bram), 0), "");
    expect(&served.partner("fetch", "zsm", &[id, "--loket", "volwassenen"]), 0);
    let open = || expect(&served.partner("status", ZVH, &["--open-terugkoppeling", "0"]), 0);
    assert_eq!(parsed(&open())["bericht"], id);
    assert_eq!(expect(&served.partner("status", ZVH, &["--open-terugkoppeling", "7"]), 0), "");
    expect(&send(&served, "zsm", "terugkoppeling", &["--in-antwoord-op", id]), 0);
    assert_eq!(open(), "");

    let unsaid = served.partner("withdraw", ZVH, &[id, "--reden", "anders"]);
    expect(&unsaid, 1);
    assert!(stderr(&unsaid).contains("toelichting"), "{}", stderr(&unsaid));
    expect(&served.partner("withdraw", ZVH, &[id, "--reden", "zomaar"]), 2);
    let withdrawn = parsed(&expect(&served.partner("withdraw", ZVH, &[id, "--reden", "verkeerd_geadresseerd"]), 0));
    assert_eq!(withdrawn["intrekkingen"][0]["uitkomst"], "INTREKKING_UITKOMST_VERNIETIGING_GEVRAAGD");
    let gone = served.partner("fetch", "zsm", &[id, "--loket", "volwassenen"]);
    expect(&gone, 1);
    assert!(stderr(&gone).contains("ingetrokken"), "{}", stderr(&gone));
    assert_eq!(expect(&find(&served, "zsm", &bram), 0), "");
    let asked = received(&served.partner("receive", "zsm", &["--loket", "volwassenen"]));
    assert_eq!(asked[0]["inhoud"]["vernietigingsverzoek"]["reden"], "REDEN_INTREKKING_VERKEERD_GEADRESSEERD");
    let leaks = expect(&served.logboek("search", &["--weigering", "verkeerd_geadresseerd"]), 0);
    assert_eq!((leaks.lines().count(), &parsed(&leaks)["logregel"]["bericht"]), (1, &json!(id)));
    for typo in [["--soort", "gelezen"], ["--weigering", "verkeerd"], ["--bericht", "geen-id"]] {
        expect(&served.logboek("search", &typo), 2);
    }
    let with_bsn = find(&served, "zsm", &json!({"bsn": 123_456_782}));
    expect(&with_bsn, 2);
    assert!(!stderr(&with_bsn).contains("123456782"), "{}", stderr(&with_bsn));
    expect(&find(&served, "zsm", &json!({"naam": "?!", "geboortedatum": "1987-05-12"})), 1);
}

#[test]
fn the_logboek_tells_everything_about_a_person_and_nothing_about_another() {
    let served = Served::start();
    let jan = json!({"naam": "VOORBEELD, jan", "geboortedatum": "1987-05-12"});
    let receipt = parsed(&expect(&send(&served, ZVH, "scenario", &[]), 0));
    let id = receipt["bericht"].as_str().unwrap();
    expect(&served.partner("fetch", "zsm", &[id, "--loket", "volwassenen"]), 0);
    let rectificatie = parsed(&expect(&send(&served, ZVH, "rectificatie", &["--in-antwoord-op", id]), 0));
    let id = rectificatie["bericht"].as_str().unwrap();
    expect(&send(&served, "zsm", "rectificatiebevestiging", &["--in-antwoord-op", id]), 0);
    let soorten = |found: &[Value]| -> Vec<String> {
        let soort = |regel: &Value| {
            let text = |key: &str| regel["logregel"][key].as_str().unwrap_or_default();
            format!("{} {}", text("soort"), text("berichtsoort"))
        };
        found.iter().map(soort).collect()
    };
    // The rectificatie and its answer name nobody, and follow what does.
    let found = soorten(&search(&served, &jan));
    let expected =
        ["aanvaard scenario", "geraadpleegd scenario", "aanvaard rectificatie", "aanvaard rectificatiebevestiging"];
    assert_eq!(found, expected);
    assert_eq!(search(&served, &json!({"skn": "7310482"})), Vec::<Value>::new());
    let mut command = crate::served::ketenpoort();
    command.args(["logboek", "search", "--persoon", "-", "--config"]).arg(served.config());
    let partial = about(command, &json!({"naam": "Jan Voorbeeld", "geboortedatum": "1987"}));
    expect(&partial, 2);
    assert!(
        stderr(&partial).contains("geboortedatum") && !stderr(&partial).contains("Voorbeeld"),
        "{}",
        stderr(&partial)
    );
}

/// More than a page of each: a gesprek of 70 berichten, and a scenario that was read 130 times.
#[tokio::test(flavor = "multi_thread")]
async fn a_long_status_is_printed_whole() {
    let served = Served::start();
    let (mut zvh, mut zsm) = (served.client(ZVH).await, served.client("zsm").await);
    let scenario = request(template("scenario"));
    let bericht = zvh.send(proto::SendRequest { request_id: request_id(1), ..scenario }).await.unwrap().into_inner();
    let bericht = bericht.ontvangstbewijs.unwrap().bericht;
    let (loket, medewerker) = ("volwassenen".to_owned(), "lezer-1".to_owned());
    for _ in 0..130 {
        let fetch =
            proto::FetchRequest { bericht: bericht.clone(), loket: loket.clone(), medewerker: medewerker.clone() };
        zsm.fetch(fetch).await.unwrap();
    }
    let mut terug = request(template("terugkoppeling"));
    (terug.in_antwoord_op, terug.loket) = (Some(bericht.clone()), loket);
    let mut sent = vec![bericht.clone()];
    for number in 2..71 {
        terug.request_id = request_id(number);
        sent.push(zsm.send(terug.clone()).await.unwrap().into_inner().ontvangstbewijs.unwrap().bericht);
    }
    let printed = parsed(&expect(&served.partner("status", ZVH, &[&bericht]), 0));
    let of = |list: &str, field: &str| -> Vec<String> {
        printed[list].as_array().unwrap().iter().map(|one| one[field].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(of("gesprek_berichten", "bericht"), sent);
    assert_eq!(printed["tijdlijn"].as_array().unwrap().len(), 131);
    assert!(printed.get("tijdlijn_verder").is_none() && printed.get("gesprek_verder").is_none());
}
