//! A clock that somebody sets while the gateway runs or stands still, on a running gateway.

use jiff::SignedDuration;
use ketenpoort::{
    config::{Config, Opslag},
    logboek::Soort,
    proto::{self, receive_response::Antwoord},
};

use crate::{
    harness::*,
    scenario::{scenario, search, sent},
};

fn hours(hours: i64) -> SignedDuration {
    SignedDuration::from_hours(hours)
}

/// As in production: a database of its own that is far from the clock is a doubt, and ends none.
pub fn strict(config: &mut Config) {
    if let Opslag::Postgres(postgres) = &mut config.opslag {
        postgres.klokverschil_seconds = 60;
    }
}

async fn start() -> TestGateway {
    TestGateway::start_with(strict).await
}

/// The id of the bericht, or why not.
async fn try_send(gateway: &TestGateway) -> Result<String, String> {
    let sent = send(&mut gateway.client("zsm").await, check()).await;
    sent.map(|bewijs| bewijs.bericht).map_err(|status| weigering::<()>(Err(status)))
}

fn in_doubt<T>() -> Result<T, String> {
    Err("klok_onzeker".to_owned())
}

async fn gereed(gateway: &TestGateway) -> proto::GetToestandResponse {
    gateway.beheer().await.get_toestand(proto::GetToestandRequest {}).await.unwrap().into_inner()
}

async fn word(gateway: &TestGateway) -> Result<proto::BelieveClockResponse, String> {
    let request = proto::BelieveClockRequest { reden: "vergeleken met een horloge".into(), medewerker: "b-1".into() };
    let believed = gateway.beheer().await.believe_clock(request).await;
    believed.map(tonic::Response::into_inner).map_err(|status| weigering::<()>(Err(status)))
}

/// Everything that waits at the ZVH.
async fn received(gateway: &TestGateway) -> Vec<String> {
    let mut receiver = Receiver::open(&mut gateway.client("zvh-baronie-breda").await, "algemeen", 100).await.unwrap();
    let mut found = Vec::new();
    loop {
        match receiver.next().await.unwrap() {
            Antwoord::Aflevering(aflevering) => found.push(aflevering.bericht),
            Antwoord::PostvakLeeg(_) => return found,
            other => panic!("expected a bericht, got {other:?}"),
        }
    }
}

async fn lapsed(gateway: &TestGateway) -> usize {
    gateway.regels().await.into_iter().filter(|regel| regel.soort == Soort::Vervallen).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_jumps_and_comes_back_costs_nothing() {
    for seconds in [26 * 3600, 95 * 86_400, 365 * 86_400, -95 * 86_400] {
        let gateway = start().await;
        let step = SignedDuration::from_secs(seconds);
        let before = try_send(&gateway).await.unwrap();
        let regels = gateway.regels().await.len();

        gateway.clock.step(step);
        assert_eq!(try_send(&gateway).await, in_doubt());
        let told = gereed(&gateway).await;
        assert!(!told.gereed && !told.vervalt);
        assert!(told.redenen[0].contains("klok"), "{:?}", told.redenen);
        assert_eq!(gateway.regels().await.len(), regels, "a regel was written in doubt");

        gateway.clock.step(-step);
        let after = try_send(&gateway).await.unwrap();
        assert!(gereed(&gateway).await.gereed);
        assert_eq!(received(&gateway).await, [before, after], "{seconds}");
        gateway.stop().await;
        assert_eq!(lapsed(&gateway).await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_stream_hands_out_nothing_in_doubt_and_says_why() {
    let gateway = start().await;
    let mut receiver = Receiver::open(&mut gateway.client("zvh-baronie-breda").await, "algemeen", 1).await.unwrap();
    receiver.empty().await;
    gateway.clock.step(hours(26));
    assert_eq!(weigering(receiver.next().await), "klok_onzeker");
    gateway.clock.step(hours(-26));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_in_doubt_is_an_error_and_never_none() {
    let gateway = start().await;
    sent(&mut gateway.client("zvh-baronie-breda").await, scenario()).await;
    let mut zsm = gateway.client("zsm").await;
    gateway.clock.step(hours(24 * 95));
    assert_eq!(weigering(zsm.find_scenario(search(|_| {})).await), "klok_onzeker");
    gateway.clock.step(hours(-24 * 95));
    assert_eq!(zsm.find_scenario(search(|_| {})).await.unwrap().into_inner().scenarios.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_lasts_ends_by_the_word_of_an_operator_which_is_a_regel() {
    let gateway = start().await;
    let last_day = proto::SendRequest { houdbaar_tot_en_met: Some(today().to_string()), ..check() };
    let bericht = send(&mut gateway.client("zsm").await, last_day).await.unwrap().bericht;
    assert_eq!(word(&gateway).await.unwrap().twijfel, None);

    gateway.clock.step(hours(30));
    assert_eq!(try_send(&gateway).await, in_doubt());
    if cluster().is_some() {
        // The database has a clock of its own and says something else: no word helps against that.
        assert_eq!(word(&gateway).await, Err("klok_weersproken".to_owned()));
        assert_eq!(try_send(&gateway).await, in_doubt());
        gateway.clock.step(hours(-30));
        return;
    }
    // Both are shown: who compares the clock must see what it says, and not what is reckoned meanwhile.
    let told = gereed(&gateway).await;
    let [klok, tijd] = [&told.klok, &told.tijd].map(|moment| moment.parse::<jiff::Timestamp>().unwrap());
    assert!(klok.duration_since(tijd).abs() > hours(29), "{told:?}");
    let believed = word(&gateway).await.unwrap();
    assert!(believed.twijfel.is_some());
    assert!(believed.tijd.parse::<jiff::Timestamp>().unwrap() >= klok, "{believed:?}");
    assert_eq!(gateway.verify_proof(&believed.bewijs.unwrap()).soort, Soort::Beheerd);
    // What had its last day is not given any more, and is not ended before the hour is over.
    assert_eq!(received(&gateway).await, Vec::<String>::new());
    let told = gereed(&gateway).await;
    assert!(told.gereed && !told.vervalt, "{told:?}");
    assert_eq!(lapsed(&gateway).await, 0);
    gateway.clock.advance(hours(1));
    until(&mut gateway.client("zsm").await, &bericht, proto::Toestand::Vervallen).await;

    // Back again: the logboek itself is now later, and no word helps against that.
    gateway.clock.step(hours(-30));
    assert_eq!(try_send(&gateway).await, in_doubt());
    assert_eq!(word(&gateway).await, Err("klok_weersproken".to_owned()));
    gateway.clock.step(hours(30));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_lasts_ends_by_the_clock_of_the_database() {
    if cluster().is_none() {
        // SQLite has no clock of its own: the word of an operator is tested above.
        return;
    }
    // A database that agrees, whatever the clock says.
    let gateway = TestGateway::start().await;
    gateway.clock.step(hours(24 * 30));
    let deadline = std::time::Instant::now() + PATIENCE;
    while !gereed(&gateway).await.gereed {
        assert!(std::time::Instant::now() < deadline, "the database was not asked");
    }
    sent(&mut gateway.client("zvh-baronie-breda").await, scenario()).await;
    assert!(!gereed(&gateway).await.vervalt);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_with_a_clock_that_was_set_waits_with_gestart_and_answers_why() {
    for (ahead, reboot) in [(hours(26), false), (hours(24 * 8), true), (hours(-30), true), (hours(-30), false)] {
        let mut gateway = start().await;
        let bericht = try_send(&gateway).await.unwrap();
        let clock = gateway.clock.clone();
        gateway.stop().await;
        let before = gateway.regels().await.len();
        clock.step(ahead);
        if reboot {
            clock.reboot();
        }
        gateway.restart_with(|_| {}).await;
        assert_eq!(try_send(&gateway).await, in_doubt(), "{ahead} {reboot}");
        assert_eq!(gateway.regels().await.len(), before);
        clock.step(-ahead);
        let after = try_send(&gateway).await.unwrap();
        let soorten = gateway.soorten().await;
        assert_eq!(soorten.iter().filter(|soort| *soort == "gestart").count(), 2);
        let gestart = soorten.iter().rposition(|soort| soort == "gestart").unwrap();
        assert_eq!(soorten[gestart + 1..].iter().filter(|soort| *soort == "aanvaard").count(), 1, "{soorten:?}");
        assert_eq!(received(&gateway).await, [bericht, after]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guard_file_that_is_cut_or_of_elsewhere_only_makes_careful() {
    let mut gateway = start().await;
    let bericht = try_send(&gateway).await.unwrap();
    let file = gateway.config.sleutels.join("wacht.json");
    for text in ["", "{", "{\"versie\":1}", "[]", "\u{feff}{}"] {
        gateway.stop().await;
        assert!(file.exists(), "the gateway remembered nothing");
        std::fs::write(&file, text).unwrap();
        gateway.restart_with(|_| {}).await;
        let told = gereed(&gateway).await;
        assert!(told.gereed && !told.vervalt, "{text}: {told:?}");
    }
    gateway.stop().await;
    let whole = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, whole.replace("start-0", "van een andere machine")).unwrap();
    gateway.restart_with(|_| {}).await;
    assert!(gereed(&gateway).await.gereed);
    assert_eq!(received(&gateway).await, [bericht]);
}
