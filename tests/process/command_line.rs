//! A partner at the command line: exit codes, templates, ask, receive.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Output, Stdio},
};

use ketenpoort::domain::Berichtsoort;
use serde_json::Value;

use crate::{
    served::{Served, expect, ketenpoort, stderr, until},
    traffic::template,
};

pub const ZVH: &str = "zvh-baronie-breda";

fn write_template(dir: &Path, soort: &str) -> PathBuf {
    let file = dir.join(format!("{}.json", soort.replace('/', "-")));
    fs::write(&file, template(soort).to_string()).unwrap();
    file
}

pub fn send(served: &Served, profile: &str, soort: &str, arguments: &[&str]) -> Output {
    let file = write_template(served.path(), soort);
    let mut all = vec![file.to_str().unwrap()];
    all.extend(arguments);
    served.partner("send", profile, &all)
}

pub fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// What a `receive` printed, one bericht a line.
pub fn received(output: &Output) -> Vec<Value> {
    expect(output, 0).lines().map(json).collect()
}

#[test]
fn exit_codes_say_who_has_to_act() {
    let mut served = Served::start();
    expect(&send(&served, "bestaat-niet", "bekendheidscheck", &[]), 2);
    expect(&served.partner("send", "zsm", &["bestaat-niet.json"]), 2);
    let broken = served.path().join("kapot.json");
    fs::write(&broken, "{\"inhoud\": {\"bestaat_niet\": 1}}").unwrap();
    let output = served.partner("send", "zsm", &[broken.to_str().unwrap()]);
    expect(&output, 2);
    assert!(stderr(&output).contains("bestaat_niet"), "{}", stderr(&output));
    expect(&ketenpoort().arg("bestaat-niet").output().unwrap(), 2);

    let refused = send(&served, "zsm", "bekendheidscheck", &["--to", "om/algemeen"]);
    assert_eq!(expect(&refused, 1), "", "a refusal is no data");
    assert!(stderr(&refused).contains("geweigerd (geen_regel): "), "{}", stderr(&refused));
    let wrong = send(&served, "zsm", "bekendheidscheck", &["--request-id", "geen-uuid"]);
    assert_eq!(expect(&wrong, 1), "");
    assert!(stderr(&wrong).contains("request_id_ontbreekt"), "{}", stderr(&wrong));
    expect(&served.partner("status", "zsm", &["01890a5d-ac96-774b-bcce-b302099a8057"]), 1);
    expect(&served.partner("receive", "zsm", &["--loket", "bestaat-niet"]), 1);

    served.stop();
    let gone = send(&served, "zsm", "bekendheidscheck", &[]);
    assert_eq!(expect(&gone, 3), "");
    assert!(stderr(&gone).contains("niet bereikbaar"), "{}", stderr(&gone));
    expect(&served.partner("receive", "zsm", &[]), 3);
}

#[test]
fn every_template_is_a_bericht() {
    for soort in Berichtsoort::ALL.into_iter().filter(|soort| !soort.from_gateway()) {
        let template = template(soort.as_str());
        assert!(template["inhoud"][soort.as_str()].is_object(), "{template}");
    }
    let output = ketenpoort().args(["send", "--template", "brief"]).output().unwrap();
    assert_eq!(expect(&output, 2), "");
    assert!(stderr(&output).contains("bekendheidscheck"), "does not say what there is: {}", stderr(&output));
}

#[test]
fn a_bericht_of_a_casus_is_printed_ready_to_send() {
    let served = Served::start();
    // Its afzender and its berichtsoort are said beside it.
    let printed = ketenpoort().args(["send", "--template", "bram/scenario"]).output().unwrap();
    assert!(stderr(&printed).contains("zvh-baronie-breda"), "{}", stderr(&printed));
    let scenario = json(&expect(&printed, 0));
    assert_eq!(scenario["inhoud"]["betrokkenen"][0]["naam"], "Bram van Verzonnenhove");
    let bewijs = json(&expect(&send(&served, ZVH, "bram/scenario", &[]), 0));
    // What names another bericht gets its id from who sends it.
    let id = bewijs["bericht"].as_str().unwrap();
    let renewal = template("bram/scenario-verlengd");
    assert_eq!(renewal["vervangt"], "00000000-0000-7000-8000-000000000000");
    expect(&send(&served, ZVH, "bram/scenario-verlengd", &["--vervangt", id]), 0);

    for (wrong, said) in [
        ("bram/roman", ["bram/scenario", "bram/terugkoppeling"]),
        ("bram", ["bram/scenario", "bram/terugkoppeling"]),
        ("truus/scenario", ["bram", "wim"]),
        ("roman", ["scenario", "bram/scenario"]),
    ] {
        let output = ketenpoort().args(["send", "--template", wrong]).output().unwrap();
        assert_eq!(expect(&output, 2), "");
        assert!(said.iter().all(|said| stderr(&output).contains(said)), "{}", stderr(&output));
    }
}

#[test]
fn every_template_is_accepted_as_it_stands() {
    let served = Served::start();
    let first = [
        ("zsm", "bekendheidscheck"),
        ("zsm", "contextinformatieverzoek"),
        (ZVH, "scenario"),
        ("dji", "melding_18b"),
        ("dji", "bij_melding"),
        (ZVH, "verrijkingsverzoek"),
        ("zsm", "buikpijnmelding"),
        ("zsm", "afdoeningsbericht"),
        ("dji", "reintegratiebericht"),
        ("3ro", "aanmelding"),
        ("vt", "opschaling"),
        (ZVH, "mondelinge_verstrekking"),
    ];
    let mut ids = Vec::new();
    for (profile, soort) in first {
        let receipt = json(&expect(&send(&served, profile, soort, &[]), 0));
        ids.push((soort, receipt["bericht"].as_str().unwrap().to_owned()));
    }
    // An answer needs the bericht that it answers.
    let answers = [
        (ZVH, "bekendheidsantwoord", "bekendheidscheck"),
        (ZVH, "contextinformatie", "contextinformatieverzoek"),
        ("zsm", "terugkoppeling", "scenario"),
        ("politie", "verrijking", "verrijkingsverzoek"),
        (ZVH, "buikpijnbesluit", "buikpijnmelding"),
        (ZVH, "triagebesluit", "aanmelding"),
        (ZVH, "afschaling", "opschaling"),
    ];
    for (profile, soort, answered) in answers {
        let (_, id) = ids.iter().find(|(soort, _)| *soort == answered).unwrap();
        expect(&send(&served, profile, soort, &["--in-antwoord-op", id]), 0);
    }
    // The scenario was wrong; who got it says so, and is asked to destroy it when it is withdrawn.
    let (_, scenario) = ids.iter().find(|(soort, _)| *soort == "scenario").unwrap();
    let got = received(&served.partner("receive", "zsm", &["--loket", "volwassenen"]));
    assert!(got.iter().any(|aflevering| aflevering["bericht"] == **scenario), "{got:?}");
    let rectificatie = json(&expect(&send(&served, ZVH, "rectificatie", &["--in-antwoord-op", scenario]), 0));
    let id = rectificatie["bericht"].as_str().unwrap();
    expect(&send(&served, "zsm", "rectificatiebevestiging", &["--in-antwoord-op", id]), 0);
    let arguments = [scenario, "--reden", "casus_gesloten"];
    let withdrawn = json(&expect(&served.partner("withdraw", ZVH, &arguments), 0));
    let id = withdrawn["vernietigingsverzoek"].as_str().unwrap();
    expect(&send(&served, "zsm", "vernietigingsbevestiging", &["--in-antwoord-op", id]), 0);
    let sent = Berichtsoort::ALL.into_iter().filter(|soort| !soort.from_gateway()).count();
    assert_eq!(first.len() + answers.len() + 3, sent);
}

#[test]
fn a_repeated_send_prints_the_same_receipt() {
    let served = Served::start();
    let file = write_template(served.path(), "bekendheidscheck");
    let id = "01890a5d-ac96-474b-bcce-b302099a8057";
    let arguments = [file.to_str().unwrap(), "--request-id", id];
    let receipt = expect(&served.partner("send", "zsm", &arguments), 0);
    assert_eq!(expect(&served.partner("send", "zsm", &arguments), 0), receipt);
    let status = json(&expect(&served.partner("status", "zsm", &["--request-id", id]), 0));
    assert_eq!(status["bericht"], json(&receipt)["bericht"]);
}

#[test]
fn ask_gets_an_answer_within_its_wait() {
    let served = Served::start();
    let verzoek = write_template(served.path(), "bekendheidscheck");
    let mut ask = served.partner_command("ask", "zsm", &[verzoek.to_str().unwrap(), "--wait", "60"]);
    let asking = ask.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let arrived = received(&served.partner("receive", ZVH, &["--most", "1", "--follow"]));
    let id = arrived[0]["bericht"].as_str().unwrap();
    expect(&send(&served, ZVH, "bekendheidsantwoord", &["--in-antwoord-op", id]), 0);
    let asked = json(&expect(&asking.wait_with_output().unwrap(), 0));
    assert_eq!(asked["ontvangstbewijs"]["bericht"], id);
    assert_eq!(asked["antwoorden"].as_array().unwrap().len(), 1, "{asked}");
    assert_eq!(asked["antwoorden"][0]["in_antwoord_op"], id);
    // The answer went to the waiting call, which confirmed it.
    assert!(received(&served.partner("receive", "zsm", &[])).is_empty());
}

#[test]
fn what_is_not_acknowledged_is_received_again() {
    let served = Served::prepare();
    served.configure("# [grenzen]\n# lease_seconds = 60", "[grenzen]\nlease_seconds = 5");
    let mut served = served;
    served.serve();
    expect(&send(&served, "zsm", "bekendheidscheck", &[]), 0);
    let first = received(&served.partner("receive", ZVH, &["--no-ack"]));
    assert_eq!(first.len(), 1);
    // Its lease is given back, or lapses, a moment after the client has gone.
    let again = until("the bericht is offered again", || {
        let again = received(&served.partner("receive", ZVH, &[]));
        (!again.is_empty()).then_some(again)
    });
    assert_eq!(again.len(), 1);
    assert_eq!(again[0]["bericht"], first[0]["bericht"]);
    assert_eq!(again[0]["inhoud"], first[0]["inhoud"]);
    assert_eq!((&first[0]["poging"], &again[0]["poging"]), (&Value::from(1), &Value::from(2)));
    let fetched = json(&expect(&served.partner("fetch", ZVH, &[first[0]["bericht"].as_str().unwrap()]), 0));
    assert_eq!(fetched["inhoud"], first[0]["inhoud"]);
    assert!(received(&served.partner("receive", ZVH, &[])).is_empty());
}

/// Ending a stream, politely or not, is nothing that was refused.
#[test]
fn a_receiver_that_leaves_is_not_logged_as_a_weigering() {
    let mut served = Served::start();
    expect(&send(&served, "zsm", "bekendheidscheck", &[]), 0);
    assert_eq!(received(&served.partner("receive", ZVH, &["--no-ack"])).len(), 1);
    let mut following = served.partner_command("receive", ZVH, &["--follow", "--most", "2"]);
    let mut following = following.stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(following.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    following.kill().unwrap();
    following.wait().unwrap();
    assert!(line.contains("bekendheidscheck"), "{line}");
    // Stopping writes down every refusal that was counted.
    served.stop();
    assert_eq!(expect(&served.logboek("search", &["--soort", "geweigerd"]), 0), "");
}

#[test]
fn loketten_are_a_table_for_people_and_one_object_a_line_for_programs() {
    let served = Served::start();
    let table = expect(&served.partner("loketten", "vt", &["dji"]), 0);
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 7, "{table}");
    assert!(lines[0].starts_with("LOKET ") && lines[0].ends_with("GESLOTEN"), "{table}");
    let closed = lines.iter().find(|line| line.starts_with("dji/directeur-roosendaal")).unwrap();
    assert!(closed.contains("076 000 00 32") && closed.contains("Directeur van de inrichting"), "{closed}");
    assert!(closed.ends_with("vanaf 2026-07-01; verwijst naar dji/directeur-breda"), "{closed}");
    assert_eq!(closed.find("vanaf"), lines[0].find("GESLOTEN"), "{table}");

    let all = expect(&served.partner("loketten", "vt", &["--json"]), 0);
    let zsm: Vec<Value> = all.lines().map(json).filter(|loket| loket["partner"] == "zsm").collect();
    let jeugd = zsm.iter().find(|loket| loket["loket"] == "jeugd").unwrap();
    assert_eq!(jeugd["functie"], "ZSM-coördinator jeugd");
    assert!(jeugd.get("gesloten_vanaf").is_none(), "{jeugd}");

    let unknown = served.partner("loketten", "vt", &["zvh-amsterdam"]);
    assert_eq!(expect(&unknown, 1), "");
    assert!(stderr(&unknown).contains("geweigerd (partner_onbekend)"), "{}", stderr(&unknown));
}
