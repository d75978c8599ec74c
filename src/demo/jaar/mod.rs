//! A year of the four ZVH's that ends today: thousands of berichten, played with real clients on a clock that only this demo has.
//!
//! The script (`draaiboek`) says what begins by itself and what follows from what. `verloop` throws the dice, with a fixed seed, and keeps
//! the `agenda`. What lies close together is done at once, with the clients that partners use (`doen`, `toezien`); what came of it goes
//! back to `verloop`. At midnight the gateway does what time brings: lapsing, warning, carrying out what was proposed.

mod agenda;
mod doen;
mod draaiboek;
mod klok;
mod personen;
mod toezien;
mod verloop;
mod verzoek;

use std::{fs, path::Path};

use anyhow::Context;
use futures_util::future::try_join_all;
use jiff::{ToSpan, civil::Date};
use serde_json::json;

use self::{
    doen::{Gevolg, Partners},
    verloop::{Stap, Verloop},
};
pub use self::{draaiboek::Draaiboek, klok::JaarKlok};
use super::{Gespeeld, play::unmet, report::Report};
use crate::{cli::Failure, clock::SystemClock, domain::Clock, gateway::Gateway};

/// Whoever proposes waits so many days, and every party signs.
const WIJZIGEN: &str = "\n[wijzigen]\nbekrachtigt = \"partijen\"\nna_dagen = 14\n";
/// From when the example documents hold, and when somebody accepted what nobody confirmed.
const GELDIG_VAN: &str = "2026-01-01";
const AANVAARD: &str = "2025-12-15";

/// Lets the documents of a new data directory hold from this day on, and asks every party to agree with a change.
///
/// # Errors
/// When a file cannot be written.
pub fn prepare(dir: &Path, first: Date) -> Result<(), Failure> {
    let rewrite = |path: &Path, more: &str| -> anyhow::Result<()> {
        let text = fs::read_to_string(path)?;
        let text = text.replace(GELDIG_VAN, &first.min(earliest(GELDIG_VAN)).to_string());
        let accepted = first.saturating_sub(14.days()).min(earliest(AANVAARD));
        Ok(fs::write(path, text.replace(AANVAARD, &accepted.to_string()) + more)?)
    };
    let all = || {
        for file in fs::read_dir(dir.join("convenanten"))? {
            rewrite(&file?.path(), "")?;
        }
        rewrite(&dir.join("deelnemers.toml"), WIJZIGEN)
    };
    Ok(all().context("de documenten van het jaar zijn niet te schrijven")?)
}

fn earliest(text: &str) -> Date {
    text.parse().expect("a day of the example documents")
}

/// Plays it all, until the present.
///
/// # Errors
/// The first thing that went otherwise than the script says.
pub async fn play(dir: &Path, klok: &JaarKlok, gateway: &Gateway, report: &Report) -> Result<Gespeeld, Failure> {
    let partners = Partners::connect(dir).await?;
    let mut verloop = Verloop::new(klok);
    while let Some((moment, stappen)) = verloop.next() {
        if moment > SystemClock.now() {
            break;
        }
        klok.forward_to(moment);
        if let [Stap::Dag(day)] = stappen.as_slice() {
            gateway.let_time_pass().await.map_err(unmet)?;
            verloop.begin_day(*day);
            report.step()?;
            continue;
        }
        let mut deeds = Vec::new();
        for stap in stappen {
            deeds.extend(verloop.take(stap)?);
        }
        let outcomes = try_join_all(deeds.into_iter().map(|deed| partners.perform(deed))).await?;
        // What was sent first: somebody may have received it in the same moment.
        let (sent, others): (Vec<_>, Vec<_>) =
            outcomes.into_iter().partition(|outcome| matches!(outcome, Gevolg::Gestuurd(..)));
        for outcome in sent.into_iter().chain(others) {
            verloop.follow(outcome);
        }
    }
    klok.catch_up();
    gateway.let_time_pass().await.map_err(unmet)?;
    // So that the first page that somebody opens says something of today.
    gateway.recompute().await.map_err(unmet)?;
    let telling = verloop.telling();
    report.heading(&format!(
        "In een jaar: {} berichten van partners, {} van de poort, {} weigeringen, en {} keer werd naar scenario's gezocht.",
        telling.berichten, telling.van_de_poort, telling.weigeringen, telling.zoekingen
    ));
    report.line(&json!({
        "stap": "jaar", "berichten": telling.berichten, "van_de_poort": telling.van_de_poort,
        "weigeringen": telling.weigeringen, "zoekingen": telling.zoekingen,
    }));
    let berichten = telling.berichten + telling.van_de_poort;
    Ok(Gespeeld { berichten, bewijzen: telling.bewijzen })
}
