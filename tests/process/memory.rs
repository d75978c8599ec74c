//! No call makes the gateway take much memory, whatever is asked and however slowly the answer is read.

use std::{fs, time::Duration};

use ketenpoort::proto::{self, client::BeheerServiceClient, receive_response::Antwoord};
use tokio::{task::JoinSet, time::timeout};
use tonic::Code;

use crate::{
    served::Served,
    traffic::{Client, Postvak, long_scenario, status},
};

const ZVH: &str = "zvh-baronie-breda";
/// What a call may add, kibibytes.
const MOST: u64 = 64 << 10;
/// Scenario's of some 45 KiB that wait at one loket: together more than a call may add.
const WAITING: u64 = 2000;

/// Memory of a process by its name in `/proc/PID/status`, kibibytes.
fn memory(served: &Served, name: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", served.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim_start_matches(':').trim().trim_end_matches(" kB").parse().unwrap()
}

/// Does this, and fails where the gateway needed more meanwhile than a call may.
async fn bounded<T>(served: &Served, what: &str, call: impl Future<Output = T>) -> T {
    // From now on the highest counts anew; proc_pid_clear_refs(5).
    fs::write(format!("/proc/{}/clear_refs", served.id()), "5").unwrap();
    let before = memory(served, "VmRSS");
    let done = call.await;
    let more = memory(served, "VmHWM").saturating_sub(before);
    println!("{what}: {more} KiB more");
    assert!(more < MOST, "{what} took {more} KiB more");
    done
}

async fn lay_ready(zvh: &Client) -> String {
    let mut sending = JoinSet::new();
    for sender in 0..8 {
        let mut zvh = zvh.clone();
        sending.spawn(async move {
            let mut last = String::new();
            for number in 0..WAITING / 8 {
                let sent = zvh.send(long_scenario(1 + sender * WAITING + number)).await.unwrap().into_inner();
                last = sent.ontvangstbewijs.unwrap().bericht;
            }
            last
        });
    }
    sending.join_all().await.pop().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_call_takes_much_memory() {
    let served = Served::start();
    let (mut zvh, mut zsm) = (served.client(ZVH).await, served.client("zsm").await);
    let bericht = bounded(&served, "many large berichten", lay_ready(&zvh)).await;
    let loket = "volwassenen".to_owned();

    bounded(&served, "receivers, of which one reads nothing, and none confirms", async {
        let mut silent = served.client("zsm").await;
        let _unread = Postvak::open(&mut silent, &loket, 1000).await;
        let mut postvak = Postvak::open(&mut zsm, &loket, 1000).await;
        let mut taken = 0;
        while let Ok(Antwoord::Aflevering(_)) = timeout(Duration::from_secs(2), postvak.hear()).await {
            taken += 1;
        }
        assert!(taken > 500, "{taken}");
    })
    .await;
    bounded(&served, "a search that finds everything", async {
        let persoon = proto::Zoekpersoon {
            naam: Some("Jan Voorbeeld".to_owned()),
            geboortedatum: Some("1987-05-12".to_owned()),
            ..proto::Zoekpersoon::default()
        };
        let find = proto::FindScenarioRequest {
            persoon: Some(persoon),
            zaaknummer: "ZSM-1".to_owned(),
            medewerker: "lezer-1".to_owned(),
            loket: String::new(),
        };
        let found = zsm.find_scenario(find).await.unwrap().into_inner();
        assert!(found.scenarios.len() > 50, "{}", found.scenarios.len());
    })
    .await;
    bounded(&served, "the status of a bericht", status(&mut zvh, &bericht)).await;

    let full = |begin: &str, again: &str| begin.to_owned() + &again.repeat(((512 << 10) - begin.len()) / again.len());
    let keys = (0..32_000).fold(String::new(), |text, number| text + "a" + &number.to_string() + "=1\n");
    let dotted = (0..450).fold(String::new(), |text, number| format!("{text}a{number}{} = 1\n", ".b".repeat(70)));
    let brackets = full("a = ", "[");
    let rules = "naam = \"groot\"\n".to_owned()
        + &"[[regel]]\nid = \"r\"\nvan = [\"zsm\"]\nnaar = [\"zsm\"]\nberichtsoort = \"scenario\"\n".repeat(3600);
    for (what, tekst) in
        [("documents of many keys", keys), ("of deep keys", dotted), ("of brackets", brackets), ("of rules", rules)]
    {
        bounded(&served, what, async {
            let mut beheer = BeheerServiceClient::new(served.profile("beheer").channel().await.unwrap());
            let document = |naam: &str| proto::NieuwDocument { herkomst: naam.to_owned(), tekst: tekst.clone() };
            let request = proto::ChangeDocumentsRequest {
                laden: ["een", "twee", "drie", "vier", "vijf", "zes", "zeven"].map(document).to_vec(),
                proef: true,
                medewerker: "beheer-1".to_owned(),
                ..proto::ChangeDocumentsRequest::default()
            };
            assert_eq!(beheer.change_documents(request).await.unwrap_err().code(), Code::InvalidArgument);
        })
        .await;
    }
}
