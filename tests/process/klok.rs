//! A clock that is set under a real process, by libfaketime: while it serves, and before it starts.

use std::{fs, path::PathBuf, time::Duration};

use ketenpoort::client::ClientError;
use serde_json::json;
use tokio::time::sleep;

use crate::{
    faketime,
    served::{Served, expect, ketenpoort, stderr},
    traffic::{Client, Postvak, request, request_id, send, template},
};

/// A gateway whose clock differs from that of the machine by what stands in a file.
struct Set {
    served: Served,
    file: PathBuf,
}

impl Set {
    fn start() -> Self {
        let mut served = Served::prepare();
        let file = served.path().join("klok.txt");
        fs::write(&file, "+0").unwrap();
        served.environment = faketime::set_in(&file);
        served.serve();
        Self { served, file }
    }

    fn to(&self, difference: &str) {
        // In one step: a file that is being written would be another time.
        let new = self.file.with_extension("nieuw");
        fs::write(&new, difference).unwrap();
        fs::rename(new, &self.file).unwrap();
    }

    async fn send(&self, client: &mut Client, number: u64) -> Result<String, String> {
        let mut request = request(template("bekendheidscheck"));
        request.request_id = request_id(number);
        match send(&self.served, "zsm", client, &request).await {
            Ok(bewijs) => Ok(bewijs.bericht),
            Err(ClientError::Refused(refused)) => Err(format!("{refused:?}")),
            Err(other) => panic!("the gateway did not answer: {other}"),
        }
    }

    fn beheer(&self, arguments: &[&str], code: i32) -> String {
        let mut command = ketenpoort();
        command.arg("beheer").args(arguments).arg("--profile").arg(self.served.profile_dir("beheer"));
        expect(&command.output().unwrap(), code)
    }

    fn logged(&self, soort: &str) -> usize {
        let found = self.served.logboek("search", &["--soort", soort]);
        expect(&found, 0).lines().count()
    }
}

/// What was seen with a clock that jumped for some seconds: everything that "lapsed" was gone, and nothing was accepted until the
/// false date.
#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_jumps_under_load_and_comes_back_loses_nothing() {
    for difference in ["+3", "+26h", "+95d", "+1y", "-26h"] {
        let set = Set::start();
        let mut zsm = set.served.client("zsm").await;
        let mut acknowledged = Vec::new();
        let mut refused = 0;
        for number in 0..60 {
            match number {
                20 => set.to(difference),
                40 => {
                    // As long as it was seen to take, with the sweep of what lapsed twice a second.
                    sleep(Duration::from_millis(1500)).await;
                    set.to("+0");
                }
                _ => {}
            }
            match set.send(&mut zsm, number).await {
                Ok(bericht) => acknowledged.push(bericht),
                Err(refusal) => {
                    assert!(refusal.contains("klok_onzeker"), "{refusal}");
                    refused += 1;
                }
            }
        }
        assert_eq!(refused, if difference == "+3" { 0 } else { 20 }, "{difference}");
        let mut postvak = Postvak::open(&mut set.served.client("zvh-baronie-breda").await, "algemeen", 100).await;
        for bericht in &acknowledged {
            let heard = postvak.hear().await;
            assert_eq!(json!(format!("{heard:?}").contains(bericht)), json!(true), "{bericht} is lost: {heard:?}");
        }
        assert_eq!(set.logged("vervallen"), 0, "{difference}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_at_a_false_date_is_no_answer_and_ends_nothing() {
    let set = Set::start();
    let scenario = set.served.path().join("scenario.json");
    fs::write(&scenario, template("scenario").to_string()).unwrap();
    expect(&set.served.partner("send", "zvh-baronie-breda", &[scenario.to_str().unwrap()]), 0);
    let persoon = set.served.path().join("persoon.json");
    fs::write(&persoon, json!({"naam": "Jan Voorbeeld", "geboortedatum": "1987-05-12"}).to_string()).unwrap();
    let find = || set.served.partner("find", "zsm", &["--zaaknummer", "ZSM-1", persoon.to_str().unwrap()]);
    set.to("+95d");
    let asked = find();
    assert_eq!(expect(&asked, 1), "");
    assert!(stderr(&asked).contains("klok_onzeker"), "{}", stderr(&asked));
    set.to("+0");
    assert_eq!(expect(&find(), 0).lines().count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_at_a_false_date_waits_says_so_and_goes_on_when_it_is_put_right() {
    let mut set = Set::start();
    let mut zsm = set.served.client("zsm").await;
    set.send(&mut zsm, 1).await.unwrap();
    for (number, difference) in ["+26h", "+95d", "+1y", "-30h"].into_iter().enumerate() {
        set.served.stop();
        set.to(difference);
        set.served.serve();
        let mut zsm = set.served.client("zsm").await;
        let number = 2 + u64::try_from(number).unwrap();
        let refusal = set.send(&mut zsm, number).await.unwrap_err();
        assert!(refusal.contains("klok_onzeker"), "{refusal}");
        assert!(set.beheer(&["toestand"], 1).contains("Geen dienst"));
        assert_eq!(set.logged("gestart"), usize::try_from(number).unwrap() - 1, "{difference}");
        set.served.says("the clock is not believed");
        set.to("+0");
        set.send(&mut zsm, number).await.unwrap();
        assert!(set.beheer(&["toestand"], 0).contains("Doet dienst"));
        assert_eq!(set.logged("gestart"), usize::try_from(number).unwrap(), "{difference}");
    }
    assert_eq!(set.logged("vervallen"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_ends_a_doubt_at_the_command_line_and_only_where_a_word_can_help() {
    let mut set = Set::start();
    let mut zsm = set.served.client("zsm").await;
    set.send(&mut zsm, 1).await.unwrap();
    let word = ["klok", "--geloof", "--reden", "vergeleken met de klok van de kerk", "--medewerker", "b-1"];
    assert!(set.beheer(&word, 0).contains("niet in twijfel"));
    set.to("+26h");
    set.send(&mut zsm, 2).await.unwrap_err();
    let said = set.beheer(&word, 0);
    assert!(said.contains("De twijfel is voorbij") && said.contains("Vanaf nu geldt"), "{said}");
    assert_eq!(set.logged("beheerd"), 1);
    // It is remembered over a stop, with the hour that lapsing waits.
    set.served.stop();
    set.served.serve();
    let told = set.beheer(&["toestand"], 0);
    assert!(told.contains("nog niet beeindigd"), "{told}");
    assert_eq!(set.logged("gestart"), 2);
    set.to("+0");
    set.beheer(&word, 1);
    set.to("+26h");
}
