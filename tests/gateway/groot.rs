//! Documents that are as large as they may be: judging them costs whoever asked for it, and no partner anything.

use std::{
    fmt::Write,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use ketenpoort::proto;

use crate::harness::*;

/// What a call takes on a machine that does other things as well.
const FLOOR: Duration = Duration::from_millis(60);

/// Partners that take part beside those of the example, each with an identity and a mandaat.
fn deelnemers(gateway: &TestGateway, partners: usize) -> proto::NieuwDocument {
    let mut text = gateway.edited("deelnemers.toml", "naam = \"zsm\"", "naam = \"zsm\"");
    for number in 0..partners {
        write!(
            text.tekst,
            "\n[[partner]]\nnaam = \"groot-{number}\"\noin = [\"0000009988{number:010}\"]\n\
             \n[[identiteit]]\nca = \"ontwikkel\"\noin = \"0000009988{number:010}\"\npartner = \"groot-{number}\"\n\
             rol = \"partner\"\n\
             \n[[mandaat]]\nid = \"mandaat-{number}\"\ngever = \"burgemeester\"\nfunctie = \"regisseur\"\n\
             partner = \"groot-{number}\"\nberichtsoorten = [\"bekendheidscheck\"]\ngeldig_van = 2026-01-01\n\
             geldig_tot_en_met = 2035-12-31\nbron = \"een test\"\n",
        )
        .unwrap();
    }
    text
}

/// A convenant of its own partners: many rules on few pairs, and one rule on many pairs.
fn convenant(naam: &str, partners: usize, rules: usize) -> proto::NieuwDocument {
    let mut tekst = format!(
        "naam = \"{naam}\"\ntitel = \"Groot\"\nversie = \"1\"\ngeldig_van = 2026-01-01\ngeldig_tot_en_met = 2035-12-31\n\
         partijen = {}\n",
        list(0..partners)
    );
    for number in 0..20 {
        write!(
            tekst,
            "\n[[grondslag]]\nid = \"g{number}\"\ncitaat = \"c\"\nomschrijving = \"o\"\nbron = \"b\"\nstatus = \"bevestigd\"\n\
             verwerkingsactiviteit = \"https://register.voorbeeld.test/{number}\"\n",
        )
        .unwrap();
    }
    let mut rule = |id: &str, van: String, naar: String, grondslag: usize| {
        write!(
            tekst,
            "\n[[regel]]\nid = \"{id}\"\nberichtsoort = \"bekendheidscheck\"\nvan = {van}\nnaar = {naar}\n\
             grondslag = [\"g{grondslag}\"]\nhoudbaarheid_maanden = 3\ntelt_vanaf = \"aanvaarding\"\n",
        )
        .unwrap();
    };
    for number in 0..rules {
        let van = number / 10 % partners;
        rule(
            &format!("r{number}"),
            list(van..van + 1),
            list((van + 1) % partners..(van + 1) % partners + 1),
            number % 19,
        );
    }
    rule("breed", list(0..partners / 2), list(partners / 2..partners), 19);
    proto::NieuwDocument { herkomst: naam.to_owned(), tekst }
}

fn list(numbers: std::ops::Range<usize>) -> String {
    let names: Vec<String> = numbers.map(|number| format!("\"groot-{number}\"")).collect();
    format!("[{}]", names.join(", "))
}

/// The slowest but for one in a hundred.
fn p99(mut taken: Vec<Duration>) -> Duration {
    taken.sort();
    taken[taken.len() * 99 / 100]
}

/// Sends until told to stop, at least so often.
async fn send_until(gateway: &TestGateway, stop: impl Fn() -> bool) -> Vec<Duration> {
    let mut zsm = gateway.client("zsm").await;
    let mut taken = Vec::new();
    while taken.len() < 150 || !stop() {
        let from = Instant::now();
        send(&mut zsm, check()).await.unwrap();
        taken.push(from.elapsed());
    }
    taken
}

#[tokio::test(flavor = "multi_thread")]
async fn partners_do_not_notice_that_two_dry_runs_of_large_documents_are_judged() {
    let gateway = TestGateway::start().await;
    let quiet = p99(send_until(&gateway, || true).await);
    let mut laden = vec![deelnemers(&gateway, 1500)];
    laden.extend((0..4).map(|number| convenant(&format!("groot-{number}"), 300, 800)));
    let judged = Arc::new(AtomicBool::new(false));
    let mut dry_runs = tokio::task::JoinSet::new();
    for _ in 0..2 {
        let (laden, medewerker) = (laden.clone(), "beheer-7".to_owned());
        let request = proto::ChangeDocumentsRequest { laden, medewerker, proef: true, ..Default::default() };
        let mut beheer = gateway.beheer().await;
        dry_runs.spawn(async move { beheer.change_documents(request).await.unwrap().into_inner() });
    }
    let waited = Arc::clone(&judged);
    let waiting = tokio::spawn(async move {
        let answers = dry_runs.join_all().await;
        waited.store(true, Ordering::SeqCst);
        answers
    });
    let busy = p99(send_until(&gateway, || judged.load(Ordering::SeqCst)).await);
    let answers = waiting.await.unwrap();
    assert!(busy < (quiet * 3).max(FLOOR), "p99 {busy:?} while documents were judged, and {quiet:?} before");
    for answer in answers {
        assert_eq!(answer.wijzigingen.len(), 5);
        // An answer must arrive: of many thousands of sentences it says how many there are.
        assert!((100..=1001).contains(&answer.gevolgen.len()), "{}", answer.gevolgen.len());
        assert!(answer.gevolgen.last().unwrap().starts_with("En nog "), "{:?}", answer.gevolgen.last());
    }
}

/// More than anybody means is a mistake, and told as one: judging it would take the memory of the machine.
#[tokio::test(flavor = "multi_thread")]
async fn documents_that_allow_more_than_can_be_judged_are_refused_with_what_to_do() {
    let gateway = TestGateway::start().await;
    let deelnemers = deelnemers(&gateway, 1100);
    let told = async |convenant| {
        let status = gateway.load(vec![deelnemers.clone(), convenant]).await.unwrap_err();
        let details = tonic_types::StatusExt::get_details_bad_request(&status).unwrap();
        details.field_violations.into_iter().map(|violation| violation.description).collect::<Vec<_>>()
    };
    let wide = told(convenant("breed", 1100, 0)).await;
    assert!(wide.iter().any(|told| told.starts_with("te_veel_stromen: ")), "{wide:?}");
    let narrow = told(convenant("naast", 10, 1100)).await;
    assert!(narrow.iter().any(|told| told.starts_with("te_veel_regels_naast_elkaar: ")), "{narrow:?}");
}
