//! Whatever the order in which things happen to berichten, they reach only the states of the drawing, by its arrows, and each
//! change has exactly one regel.

use std::collections::HashMap;

use jiff::{SignedDuration, ToSpan};
use ketenpoort::{
    domain::{Clock, Toestand, houdbaarheid::amsterdam_date},
    logboek::Soort,
    proto::{self, RedenIntrekking, receive_request::Verzoek},
    store::reading::berichten::find,
};
use proptest::{
    collection::vec,
    prelude::{Strategy, any, prop_oneof},
    test_runner::{Config, TestRunner},
};
use serde_json::{Value, json};
use tonic::Status;

use crate::harness::*;

const ZVH: &str = "zvh-baronie-breda";
const BREDA: &str = "convenanten/zvh-baronie-breda.toml";

/// What can happen; a number chooses among the scenario's that were sent.
#[derive(Clone, Debug)]
enum Stap {
    /// To two loketten, houdbaar for so many more days.
    Send {
        dagen: i8,
    },
    /// Takes what waits at one of them, and confirms it or not.
    Receive {
        loket: bool,
        bevestig: bool,
    },
    Acknowledge {
        welk: u8,
        loket: bool,
    },
    Fetch {
        welk: u8,
        loket: bool,
    },
    Withdraw {
        welk: u8,
    },
    Replace {
        welk: u8,
    },
    Rectify {
        welk: u8,
    },
    /// A day passes.
    Day,
    /// The convenant lapses, or comes back.
    Convenant {
        van_kracht: bool,
    },
    /// The key of one of them for one ontvanger is damaged.
    Damage {
        welk: u8,
        loket: bool,
    },
    Restart,
}

fn a_stap() -> impl Strategy<Value = Stap> {
    let welk = any::<u8>;
    prop_oneof![
        4 => (0_i8..3).prop_map(|dagen| Stap::Send { dagen }),
        4 => (any::<bool>(), any::<bool>()).prop_map(|(loket, bevestig)| Stap::Receive { loket, bevestig }),
        2 => (welk(), any::<bool>()).prop_map(|(welk, loket)| Stap::Acknowledge { welk, loket }),
        2 => (welk(), any::<bool>()).prop_map(|(welk, loket)| Stap::Fetch { welk, loket }),
        2 => welk().prop_map(|welk| Stap::Withdraw { welk }),
        2 => welk().prop_map(|welk| Stap::Replace { welk }),
        1 => welk().prop_map(|welk| Stap::Rectify { welk }),
        2 => proptest::strategy::Just(Stap::Day),
        2 => any::<bool>().prop_map(|van_kracht| Stap::Convenant { van_kracht }),
        1 => (welk(), any::<bool>()).prop_map(|(welk, loket)| Stap::Damage { welk, loket }),
        1 => proptest::strategy::Just(Stap::Restart),
    ]
}

fn loket(second: bool) -> String {
    if second { "zware-zaken" } else { "volwassenen" }.to_owned()
}

struct World {
    gateway: TestGateway,
    original: proto::NieuwDocument,
    sent: Vec<String>,
}

impl World {
    async fn start() -> Self {
        let gateway = TestGateway::start().await;
        let original = gateway.edited(BREDA, "geldig_tot_en_met = 2035-12-31", "geldig_tot_en_met = 2035-12-31");
        Self { gateway, original, sent: Vec::new() }
    }

    fn scenario(&self, dagen: i8) -> Value {
        let mut json = template("scenario");
        json["ontvangers"] =
            json!([{"partner": "zsm", "loket": "volwassenen"}, {"partner": "zsm", "loket": "zware-zaken"}]);
        let last_day = amsterdam_date(self.gateway.clock.now()).checked_add(i64::from(dagen).days()).unwrap();
        json["houdbaar_tot_en_met"] = json!(last_day.to_string());
        json
    }

    fn replacing(&self, bericht: &str) -> Value {
        let mut json = self.scenario(1);
        json["vervangt"] = json!(bericht);
        let today = amsterdam_date(self.gateway.clock.now());
        json["inhoud"]["scenario"]["actualiteit_getoetst_op"] = json!(today.to_string());
        json
    }

    fn chosen(&self, welk: u8) -> String {
        // One that never was, as long as nothing was sent.
        self.sent.get(usize::from(welk) % self.sent.len().max(1)).cloned().unwrap_or_else(request_id)
    }

    async fn happen(&mut self, stap: &Stap) -> Result<(), Status> {
        let mut zvh = self.gateway.client(ZVH).await;
        let mut zsm = self.gateway.client("zsm").await;
        match stap {
            Stap::Send { dagen } => {
                let json = self.scenario(*dagen);
                self.sent.push(send(&mut zvh, request(json)).await?.bericht);
            }
            Stap::Receive { loket: second, bevestig } => {
                let mut receiver = Receiver::open(&mut zsm, &loket(*second), 1).await?;
                let proto::receive_response::Antwoord::Aflevering(got) = receiver.next().await? else { return Ok(()) };
                if *bevestig {
                    receiver.say(Verzoek::Bevestig(got.bericht)).await;
                    receiver.next().await?;
                }
            }
            Stap::Acknowledge { welk, loket: second } => {
                let (bericht, loket) = (self.chosen(*welk), loket(*second));
                zsm.acknowledge(proto::AcknowledgeRequest { bericht, loket, ..Default::default() }).await?;
            }
            Stap::Fetch { welk, loket: second } => {
                let (bericht, loket) = (self.chosen(*welk), loket(*second));
                zsm.fetch(proto::FetchRequest { bericht, loket, medewerker: "lezer-1".to_owned() }).await?;
            }
            Stap::Withdraw { welk } => {
                let withdraw = proto::WithdrawRequest {
                    bericht: self.chosen(*welk),
                    reden: RedenIntrekking::CasusGesloten.into(),
                    medewerker: "bb-regie-03".to_owned(),
                    ..proto::WithdrawRequest::default()
                };
                zvh.withdraw(withdraw).await?;
            }
            Stap::Replace { welk } => {
                let json = self.replacing(&self.chosen(*welk));
                self.sent.push(send(&mut zvh, request(json)).await?.bericht);
            }
            Stap::Rectify { welk } => {
                let mut json = template("rectificatie");
                json["in_antwoord_op"] = json!(self.chosen(*welk));
                send(&mut zvh, request(json)).await?;
            }
            Stap::Day => self.gateway.clock.advance(SignedDuration::from_hours(24)),
            Stap::Convenant { van_kracht: true } => drop(self.gateway.load(vec![self.original.clone()]).await?),
            Stap::Convenant { van_kracht: false } => self.gateway.lapse().await,
            Stap::Damage { welk, loket: second } => {
                let id = uuid::Uuid::parse_str(&self.chosen(*welk)).unwrap().as_bytes().to_vec();
                let spoil = "UPDATE postvak SET sleutel = $3 WHERE bericht = $1 AND loket = $2 AND sleutel IS NOT NULL";
                let spoil = sqlx::query(spoil).bind(id).bind(loket(*second)).bind(vec![7_u8; 92]);
                spoil.execute(&mut self.gateway.sql().await).await.unwrap();
            }
            Stap::Restart => {
                drop((zvh, zsm));
                self.gateway.restart_with(|_| {}).await;
            }
        }
        Ok(())
    }

    /// Replays the regels of the scenario's, and compares where they lead with where the rows stand.
    async fn compare(&self) -> HashMap<(String, String), Toestand> {
        let read = self.gateway.read().await;
        let mut tx = read.begin().await.unwrap();
        if tx.backend_name() == "PostgreSQL" {
            // Rows and regels of one moment: the gateway goes on.
            sqlx::query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ").execute(&mut *tx).await.unwrap();
        }
        let leaves: Vec<Vec<u8>> =
            sqlx::query_scalar("SELECT regel FROM logregels ORDER BY log_index").fetch_all(&mut *tx).await.unwrap();
        let rows: Vec<(Vec<u8>, String, String)> =
            sqlx::query_as("SELECT bericht, oin || '/' || loket, toestand FROM postvak")
                .fetch_all(&mut *tx)
                .await
                .unwrap();
        let mut replayed: HashMap<(String, String), Toestand> = HashMap::new();
        for leaf in leaves {
            let regel = ketenpoort::logboek::Logregel::from_leaf(&leaf).unwrap();
            let (Some(bericht), Some(ontvanger)) = (regel.bericht, regel.ontvanger) else { continue };
            let next = match regel.soort {
                Soort::Aanvaard => Toestand::Wacht,
                Soort::Afgeleverd => Toestand::Afgeleverd,
                Soort::Bevestigd => Toestand::Bevestigd,
                Soort::Geweigerd => Toestand::Geweigerd,
                Soort::Vervallen => Toestand::Vervallen,
                Soort::Ingetrokken | Soort::VernietigingGevraagd => Toestand::Ingetrokken,
                Soort::Vernietigd => Toestand::Vervangen,
                Soort::Beschadigd => Toestand::Beschadigd,
                _ => continue,
            };
            let key = (bericht, ontvanger);
            let Some(before) = replayed.get(&key).copied() else {
                assert_eq!(regel.soort, Soort::Aanvaard, "the first regel of {key:?}");
                replayed.insert(key, next);
                continue;
            };
            // A confirmation that comes after the end is logged and changes nothing.
            if next == Toestand::Bevestigd && !before.may_become(next) {
                continue;
            }
            assert!(before.may_become(next), "{key:?} went from {before:?} to {next:?}");
            replayed.insert(key, next);
        }
        let rows: HashMap<(String, String), Toestand> = rows
            .into_iter()
            .map(|(bericht, ontvanger, toestand)| {
                let bericht = uuid::Uuid::from_slice(&bericht).unwrap().to_string();
                ((bericht, ontvanger), toestand.parse().unwrap())
            })
            .collect();
        assert_eq!(rows, replayed, "where the rows stand, and where their regels lead");
        rows
    }

    /// Only what is current can be read, and of what is not nothing is kept.
    async fn only_current_is_readable(&self) {
        let read = self.gateway.read().await;
        let mut sql = self.gateway.sql().await;
        for bericht in &self.sent {
            let stored = find(&read, bericht.parse().unwrap()).await.unwrap().unwrap();
            for rij in &stored.rijen {
                let kept = "SELECT count(*) FROM postvak p JOIN berichten b ON b.id = p.bericht \
                            WHERE p.log_index = $1 AND p.sleutel IS NOT NULL AND b.inhoud IS NOT NULL";
                let kept: i64 = sqlx::query_scalar(kept)
                    .bind(i64::try_from(rij.log_index).unwrap())
                    .fetch_one(&mut sql)
                    .await
                    .unwrap();
                assert_eq!(kept == 1, rij.toestand.is_current(), "{bericht} is {:?}", rij.toestand);
            }
        }
    }
}

#[test]
fn only_drawn_states_are_reached_and_each_change_has_one_regel() {
    let cases = if std::env::var_os("KETENPOORT_LANG").is_some() { 200 } else { 12 };
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let outcome = runner.run(&vec(a_stap(), 6..24), |stappen| {
        runtime.block_on(async {
            let mut world = World::start().await;
            for stap in &stappen {
                if let Err(status) = world.happen(stap).await {
                    // A typed refusal is an answer; that the gateway cannot is none.
                    let code = ketenpoort::grpc::status::weigering_in(&status);
                    assert!(code.as_ref().is_some_and(|code| code != "niet_beschikbaar"), "{stap:?}: {status:?}");
                }
                world.compare().await;
            }
            // Everything lapses in the end.
            world.gateway.clock.advance(SignedDuration::from_hours(24 * 4));
            let mut zvh = world.gateway.client(ZVH).await;
            for bericht in &world.sent {
                let deadline = std::time::Instant::now() + PATIENCE;
                while status(&mut zvh, bericht).await.unwrap().ontvangers.iter().any(|ontvanger| {
                    use proto::Toestand::{Beschadigd, Ingetrokken, Vervallen, Vervangen};
                    !matches!(ontvanger.toestand(), Beschadigd | Ingetrokken | Vervallen | Vervangen)
                }) {
                    assert!(std::time::Instant::now() < deadline, "{bericht} never ended");
                }
            }
            world.compare().await;
            world.only_current_is_readable().await;
        });
        Ok(())
    });
    outcome.unwrap();
}
