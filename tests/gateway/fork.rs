//! Nothing is signed that does not extend what was signed, whatever the database says by then.

use ketenpoort::{
    config::Opslag,
    grpc::status::weigering_in,
    logboek::{self, Head, LogboekNaam, Logregel, Signer, Soort, TlogProof},
    sleutels::{Onthouden, Wacht},
};
use sqlx::{AnyConnection, AssertSqlSafe, Row};
use tonic::{Code, Status};

use crate::harness::{TestGateway, check, send};

/// All that a gateway writes; rows refer only to rows of earlier tables.
pub const TABLES: [&str; 15] = [
    "logboek",
    "logboeken",
    "logregels",
    "tegels",
    "checkpoints",
    "openingen",
    "documenten",
    "voorstellen",
    "besluiten",
    "gewist",
    "berichten",
    "pseudoniemen",
    "vindbaar",
    "postvak",
    "postvakken",
];

/// The gateway answers that it is not available, or is gone before it could: it hands out nothing more.
fn is_not_served<T>(result: Result<T, Status>) {
    let Err(status) = result else { panic!("this should have been refused") };
    match weigering_in(&status) {
        Some(weigering) => assert_eq!(weigering, "niet_beschikbaar"),
        None => assert!(matches!(status.code(), Code::Unknown | Code::Unavailable), "{status:?}"),
    }
}

/// Somebody who can write in the database, and keeps what once stood there.
struct Intruder(AnyConnection);

impl Intruder {
    async fn at(gateway: &TestGateway) -> Self {
        Self(gateway.sql().await)
    }

    /// Keeps everything under a name, as it is now.
    async fn keep(&mut self, name: &str) {
        for table in TABLES {
            self.sql(&format!("CREATE TABLE {name}_{table} AS SELECT * FROM {table}")).await;
        }
    }

    /// Puts everything back to what was kept.
    async fn put_back(&mut self, name: &str) {
        let gone = TABLES.iter().rev().map(|table| format!("DELETE FROM {table}; "));
        let back = TABLES.iter().map(|table| format!("INSERT INTO {table} SELECT * FROM {name}_{table}; "));
        let all: String = gone.chain(back).collect();
        self.sql(&format!("BEGIN; {all} COMMIT")).await;
    }

    async fn forget(&mut self, name: &str) {
        for table in TABLES {
            self.sql(&format!("DROP TABLE {name}_{table}")).await;
        }
    }

    async fn sql(&mut self, text: &str) {
        sqlx::raw_sql(AssertSqlSafe(text.to_owned())).execute(&mut self.0).await.unwrap();
    }

    async fn regels(&mut self) -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM logregels").fetch_one(&mut self.0).await.unwrap()
    }

    /// Every checkpoint that stands there.
    async fn checkpoints(&mut self) -> Vec<String> {
        let rows = sqlx::query("SELECT nota FROM checkpoints ORDER BY logboek, grootte").fetch_all(&mut self.0).await;
        rows.unwrap().iter().map(|row| row.get(0)).collect()
    }
}

/// Whether a text names a head by its number of regels and its last index.
fn names(text: &str, regels: i64) -> bool {
    text.contains(&format!("{regels} regels, de laatste met index {}", regels - 1))
}

async fn send_some(gateway: &TestGateway, some: usize) {
    let mut zsm = gateway.client("zsm").await;
    for _ in 0..some {
        send(&mut zsm, check()).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tail_that_is_cut_stops_a_running_gateway_and_every_start_until_it_is_back() {
    let mut gateway = TestGateway::start().await;
    let mut intruder = Intruder::at(&gateway).await;
    send_some(&gateway, 2).await;
    let before = intruder.regels().await;
    intruder.keep("oud").await;
    send_some(&gateway, 3).await;
    let after = intruder.regels().await;
    intruder.keep("nieuw").await;
    let mut zsm = gateway.client("zsm").await;
    intruder.put_back("oud").await;
    is_not_served(send(&mut zsm, check()).await);
    let why = gateway.ends().await;
    assert!(names(&why, before) && names(&why, after), "{why}");
    for _ in 0..2 {
        let why = gateway.refuses().await;
        assert!(names(&why, before) && names(&why, after) && why.contains("logboek herstel"), "{why}");
        assert_eq!(intruder.regels().await, before, "a start that was refused wrote something");
    }
    intruder.put_back("nieuw").await;
    gateway.restart_with(|_| ()).await;
    send_some(&gateway, 1).await;
    intruder.forget("oud").await;
    intruder.forget("nieuw").await;
}

/// What stands in the database was signed with our key and is as long or longer, and is another past.
#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_went_on_elsewhere_is_not_gone_on_with() {
    let mut gateway = TestGateway::start().await;
    let mut intruder = Intruder::at(&gateway).await;
    send_some(&gateway, 2).await;
    gateway.stop().await;
    intruder.keep("gedeeld").await;
    gateway.restart_with(|_| ()).await;
    send_some(&gateway, 3).await;
    gateway.stop().await;
    intruder.keep("hier").await;
    let here = intruder.regels().await;
    for (elsewhere, extra) in [("even_ver", 3), ("verder", 6)] {
        // As a copy with the keys, and without what this gateway remembers.
        intruder.put_back("gedeeld").await;
        let aside = gateway.path().join(format!("{elsewhere}.json"));
        gateway.restart_with(|config| config.wacht = Some(aside)).await;
        send_some(&gateway, extra).await;
        gateway.stop().await;
        let there = intruder.regels().await;
        gateway.config.wacht = None;
        let why = gateway.refuses().await;
        assert!(names(&why, here) && names(&why, there), "{why}");
        assert_eq!(intruder.regels().await, there);
    }
    intruder.put_back("hier").await;
    gateway.restart_with(|_| ()).await;
    for name in ["gedeeld", "hier"] {
        intruder.forget(name).await;
    }
}

/// All that is derived from the regels is made anew by who changed one: hashes, tiles, later checkpoints. The gateway signs what it
/// knew, and never that.
#[tokio::test(flavor = "multi_thread")]
async fn a_regel_that_is_changed_in_the_database_is_never_signed() {
    let gateway = TestGateway::start().await;
    let mut intruder = Intruder::at(&gateway).await;
    send_some(&gateway, 2).await;
    intruder.keep("goed").await;
    let known = intruder.checkpoints().await.pop().unwrap();
    let other: String = "00".repeat(32);
    let hash = match gateway.config.opslag {
        Opslag::Sqlite { .. } => format!("x'{other}'"),
        Opslag::Postgres(_) => format!("decode('{other}', 'hex')"),
    };
    intruder.sql(&format!("UPDATE logregels SET hash = {hash} WHERE log_index = 3")).await;
    let receipt = send(&mut gateway.client("zsm").await, check()).await.unwrap();
    let proof: TlogProof = receipt.aanvaardingen[0].bewijs.parse().unwrap();
    proof.verify(&gateway.vkey()).unwrap();
    let newest = logboek::open(&proof.checkpoint, &gateway.vkey()).unwrap();
    let known = logboek::open(&known, &gateway.vkey()).unwrap();
    assert!(newest.size > known.size);
    let right =
        "UPDATE logregels SET hash = (SELECT hash FROM goed_logregels g WHERE g.log_index = 3) WHERE log_index = 3";
    intruder.sql(right).await;
    intruder.forget("goed").await;
    // The end of this test recomputes all of it: what was signed is the past as it was.
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guard_file_of_another_logboek_or_with_another_past_refuses_and_without_one_all_is_read() {
    let mut gateway = TestGateway::start().await;
    send_some(&gateway, 2).await;
    gateway.stop().await;
    let guard = gateway.config.sleutels.join("wacht.json");
    let own = std::fs::read(&guard).unwrap();
    let naam = LogboekNaam::new(&gateway.config.logboek).of_year(2026);
    let mut other = Head::new(&naam, 1, 0);
    other.read_next(&Logregel::new("2026-01-01T00:00:00.000000Z", Soort::Gestart).to_leaf().unwrap()).unwrap();
    other.sign(&Signer::from_seed(&naam, &[9; 32]).unwrap()).unwrap();
    let remembered = Onthouden { klok: None, logboek: Some(other.kept()) };
    Wacht::take(&guard).unwrap().write(&remembered).unwrap();
    let why = gateway.refuses().await;
    assert!(why.contains("wacht.json") && why.contains("ander logboek of andere sleutels"), "{why}");
    // Of the same logboek, with a frontier that is not that of its checkpoint.
    let text = String::from_utf8(own.clone()).unwrap();
    let at = text.find("\"frontier\":\"").unwrap() + "\"frontier\":\"".len();
    let flipped = if &text[at..=at] == "0" { "1" } else { "0" };
    std::fs::write(&guard, format!("{}{flipped}{}", &text[..at], &text[at + 1..])).unwrap();
    let why = gateway.refuses().await;
    assert!(why.contains("wacht.json"), "{why}");
    std::fs::remove_file(&guard).unwrap();
    gateway.restart_with(|_| ()).await;
    send_some(&gateway, 1).await;
}

/// What a database says of itself must hold together too, where nothing is remembered.
#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_remembers_nothing_still_finds_a_logboek_that_does_not_hold_together() {
    let mut gateway = TestGateway::start().await;
    let mut intruder = Intruder::at(&gateway).await;
    send_some(&gateway, 2).await;
    gateway.stop().await;
    intruder.keep("goed").await;
    let newest = "SELECT max(grootte) FROM checkpoints";
    for tampered in [
        "DELETE FROM logregels WHERE log_index = (SELECT max(log_index) FROM logregels)".to_owned(),
        format!("DELETE FROM logregels WHERE log_index = ({newest}) - 2"),
        format!(
            "UPDATE logregels SET regel = (SELECT regel FROM goed_logregels WHERE log_index = 2) WHERE log_index = ({newest}) - 2"
        ),
        format!("DELETE FROM checkpoints WHERE grootte = ({newest})"),
        "UPDATE logboek SET nota = ''".to_owned(),
        format!(
            "UPDATE logboek SET nota = (SELECT nota FROM checkpoints WHERE grootte < ({newest}) ORDER BY grootte DESC LIMIT 1)"
        ),
        "UPDATE logboek SET nota = replace(nota, 'ketenpoort', 'kettenpoort')".to_owned(),
    ] {
        std::fs::remove_file(gateway.config.sleutels.join("wacht.json")).ok();
        intruder.sql(&tampered).await;
        let before = intruder.regels().await;
        let why = gateway.refuses().await;
        assert!(why.contains("het logboek in de database gaat niet verder"), "{tampered}: {why}");
        assert_eq!(intruder.regels().await, before, "{tampered}");
        intruder.put_back("goed").await;
    }
    gateway.restart_with(|_| ()).await;
    intruder.forget("goed").await;
}

/// The next logboek needs the signature of the gateway like every regel of this one.
#[tokio::test(flavor = "multi_thread")]
async fn a_next_logboek_that_nobody_signed_is_not_gone_on_with() {
    let mut gateway = TestGateway::start().await;
    let mut intruder = Intruder::at(&gateway).await;
    send_some(&gateway, 2).await;
    gateway.stop().await;
    intruder.keep("goed").await;
    let guard = gateway.config.sleutels.join("wacht.json");
    let remembered = std::fs::read(&guard).unwrap();
    let stopped = forgeries(&gateway, &intruder.checkpoints().await);
    for (which, forged) in stopped.iter().enumerate() {
        for known in [Some(&remembered), None] {
            match known {
                Some(known) => std::fs::write(&guard, known).unwrap(),
                None => drop(std::fs::remove_file(&guard)),
            }
            intruder.sql(forged).await;
            let before = intruder.regels().await;
            let why = gateway.refuses().await;
            assert!(why.contains("het logboek in de database gaat niet verder"), "{forged}: {why}");
            assert_eq!(intruder.regels().await, before, "{forged}");
            intruder.put_back("goed").await;
        }
        std::fs::write(&guard, &remembered).unwrap();
        gateway.restart_with(|_| ()).await;
        let mut zsm = gateway.client("zsm").await;
        let forged = &forgeries(&gateway, &intruder.checkpoints().await)[which];
        intruder.sql(forged).await;
        if forged.contains("UPDATE logboek ") {
            is_not_served(send(&mut zsm, check()).await);
            gateway.ends().await;
        } else {
            gateway.stop().await;
        }
        intruder.put_back("goed").await;
        std::fs::write(&guard, &remembered).unwrap();
    }
    gateway.restart_with(|_| ()).await;
    intruder.forget("goed").await;
}

/// Databases in which this logboek was closed by somebody who has no key.
fn forgeries(gateway: &TestGateway, checkpoints: &[String]) -> Vec<String> {
    let head = logboek::open(checkpoints.last().unwrap(), &gateway.vkey()).unwrap();
    let blob = |bytes: &[u8]| match gateway.config.opslag {
        Opslag::Sqlite { .. } => format!("x'{}'", hex::encode(bytes)),
        Opslag::Postgres(_) => format!("decode('{}', 'hex')", hex::encode(bytes)),
    };
    let (old, end, line) = (&head.origin, head.size, head.line());
    let next = |eerste: u64, naam: &str| {
        format!(
            "INSERT INTO logboeken (nummer, naam, eerste) VALUES (2, '{naam}', {eerste}); \
             UPDATE logboek SET nummer = 2, naam = '{naam}', eerste = {eerste}, nota = ''; "
        )
    };
    let first = |keys: &str| format!(r#"{{"v":1,"tijd":"2026-11-29T19:17:20.437140Z",{keys}}}"#).into_bytes();
    let closed = blob(&first(&format!(r#""soort":"beheerd","gesloten":"{line}""#)));
    let restored = blob(&first(&format!(r#""soort":"log_hersteld","gesloten":"{line}","ondertekend":"{line}""#)));
    let add = |leaf: &str| format!("INSERT INTO logregels (log_index, regel, hash) VALUES ({end}, {leaf}, {leaf}); ");
    let other = format!("{old}-2");
    vec![
        format!("{}{}", add(&closed), next(end, &other)),
        format!("{}{}", add(&restored), next(end, &other)),
        // The next one begins behind all regels, and its first regel stands in place of the very first.
        format!(
            "UPDATE logregels SET regel = {closed} WHERE log_index = 0; UPDATE logboeken SET naam = 'oud/log'; {} \
             UPDATE logboek SET eerste = {end}",
            next(0, old)
        ),
        format!("UPDATE logregels SET regel = {restored} WHERE log_index = 0; {}", next(0, &other)),
        format!("INSERT INTO logboeken (nummer, naam, eerste) VALUES (2, '{other}', {end})"),
    ]
}
