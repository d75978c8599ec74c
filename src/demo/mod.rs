//! `demo`: a week in De Baronie, with a real gateway, real certificates and real clients over mutual TLS.
//!
//! The story is data (`deploy/voorbeeld/week.json`); `play` plays it with the clients that partners use and checks every
//! expectation, `report` tells it to a person or as JSON.

mod jaar;
mod play;
mod report;
mod story;

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context;
use serde_json::{Value, json};

use self::{
    jaar::{Draaiboek, JaarKlok},
    play::Player,
    report::Report,
    story::Story,
};
use crate::{
    cli::{
        Failure, Ports, create_data_dir,
        logboek::{proof::verify_proof, toezicht::search, verify::verify_all, vkey},
        serve::Signals,
    },
    clock::{SystemClock, SystemRng},
    config::Config,
    domain::{Clock, houdbaarheid::amsterdam_date},
    gateway::Gateway,
    pki::PASSWORD,
    proceslog, proto,
};

/// The FG whose view the demo shows.
const FG_OF: &str = "zvh-baronie-breda";

/// What the demo is asked.
#[derive(clap::Args)]
pub struct Arguments {
    /// Bewaar alles in deze map, die nog niet bestaat of leeg is; anders een tijdelijke map
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Een JSON-object per regel in plaats van het verhaal
    #[arg(long)]
    json: bool,
    /// Laat de poort daarna open, tot Ctrl-C
    #[arg(long)]
    keep_running: bool,
    /// Speel in plaats van de week een jaar van vier ZVH's dat vandaag eindigt, en laat de pagina voor de FG daarna open tot Ctrl-C
    #[arg(long)]
    jaar: bool,
}

/// Plays the demo.
///
/// # Errors
/// [`Failure`] naming the first expectation of the story that was not met.
pub async fn run(arguments: Arguments) -> Result<(), Failure> {
    // What the year does on purpose, such as a data leak, is in the logboek and no news in between.
    proceslog::begin(if arguments.jaar { "error" } else { "warn" }, false)?;
    let temporary = tempfile::tempdir().context("geen tijdelijke map")?;
    let dir = arguments.data_dir.unwrap_or_else(|| temporary.path().to_owned());
    let verhaal =
        if arguments.jaar { Verhaal::Jaar(Arc::new(JaarKlok::begin())) } else { Verhaal::Week(Story::read()) };
    let report = Report::new(arguments.json, verhaal.steps());
    report.say(&format!("{}\n", verhaal.titel()));
    report.say("Certificaten maken en de poort openen ...");
    let [partners, toezicht, beheer, waarneming] = [free_port()?, free_port()?, free_port()?, free_port()?];
    let ports = Ports { partners, toezicht, beheer, waarneming };
    let begin = verhaal.clock().now();
    let config_file = create_data_dir(&dir, ports, begin)?;
    if arguments.jaar {
        jaar::prepare(&dir, amsterdam_date(begin))?;
    }
    let config = Config::load(&config_file)?;
    let mut gateway = Gateway::start(&config, false, verhaal.clock(), Arc::new(SystemRng)).await?;

    let outcome = match verhaal.play(&dir, &gateway, &report).await {
        Ok(played) => conclude(&dir, &config, &report, &played).await,
        Err(failure) => Err(failure),
    };
    report.finish();
    if let Err(failure) = outcome.and_then(|()| report.told()) {
        gateway.stop();
        // What failed first is what counts.
        drop(gateway.ended().await);
        // A reader that went away ends the command quietly.
        return if report.reader_is_gone() { Ok(()) } else { Err(failure) };
    }
    if arguments.keep_running || arguments.jaar {
        let mut signals = Signals::listen()?;
        keep_running(&report, &gateway, &dir, &config_file);
        tokio::select! {
            ended = gateway.ended() => return Ok(ended?),
            () = signals.stop() => {}
        }
    }
    gateway.stop();
    Ok(gateway.ended().await?)
}

/// What is played.
enum Verhaal {
    /// A week, while it is told.
    Week(Story),
    /// A year that ends today, on a clock of its own.
    Jaar(Arc<JaarKlok>),
}

/// What was played.
struct Gespeeld {
    /// Number of berichten, those of the gateway included.
    berichten: usize,
    /// Every proof that was received.
    bewijzen: Vec<String>,
}

impl Verhaal {
    fn titel(&self) -> String {
        match self {
            Self::Week(story) => story.titel.clone(),
            Self::Jaar(_) => Draaiboek::read().titel,
        }
    }

    fn steps(&self) -> usize {
        match self {
            Self::Week(story) => story.steps(),
            Self::Jaar(klok) => klok.days().count(),
        }
    }

    fn clock(&self) -> Arc<dyn Clock> {
        match self {
            Self::Week(_) => Arc::new(SystemClock),
            Self::Jaar(klok) => Arc::<JaarKlok>::clone(klok),
        }
    }

    async fn play(&self, dir: &Path, gateway: &Gateway, report: &Report) -> Result<Gespeeld, Failure> {
        match self {
            Self::Week(story) => {
                let mut player = Player::new(dir, report);
                player.play(story).await?;
                Ok(Gespeeld { berichten: player.berichten(), bewijzen: player.proofs().to_vec() })
            }
            Self::Jaar(klok) => jaar::play(dir, klok, gateway, report).await,
        }
    }
}

/// A port that nobody uses at this moment.
fn free_port() -> Result<u16, Failure> {
    let socket = TcpListener::bind(("127.0.0.1", 0)).context("geen vrije poort op 127.0.0.1")?;
    Ok(socket.local_addr().context("geen vrije poort op 127.0.0.1")?.port())
}

/// The logboek as an FG sees it, verified, and every receipt verified offline.
async fn conclude(dir: &Path, config: &Config, report: &Report, played: &Gespeeld) -> Result<(), Failure> {
    let mut seen = Vec::new();
    let filter = proto::Zoekfilter { partner: vec![FG_OF.to_owned()], ..proto::Zoekfilter::default() };
    let fg = dir.join("profielen").join(format!("fg-{FG_OF}"));
    search(&fg, (None, None), filter, |regel| {
        seen.push(short(regel));
        Ok(())
    })
    .await?;
    report.heading(&format!("De FG van {FG_OF} ziet {} logregels, zonder inhoud. De laatste:", seen.len()));
    for regel in &seen[seen.len().saturating_sub(12)..] {
        report.say(regel);
    }
    report.line(&json!({"stap": "fg", "logregels": seen.len()}));
    let vkey = vkey(config).await?;
    for bewijs in &played.bewijzen {
        verify_proof(bewijs, &vkey)?;
    }
    report.say(&format!("{} ontvangstbewijzen kloppen, gecontroleerd zonder de poort.", played.bewijzen.len()));
    report.line(&json!({"stap": "bewijzen", "aantal": played.bewijzen.len()}));
    let (sound, _) = verify_all(config).await?;
    let (berichten, logregels) = (played.berichten, sound.regels());
    report.say(&format!("Het logboek klopt: {logregels} regels over {berichten} berichten."));
    report.line(&json!({"stap": "klaar", "berichten": berichten, "logregels": logregels, "logboek": "ok"}));
    Ok(())
}

/// A regel as an FG sees it, short enough to read.
fn short(found: &proto::GevondenLogregel) -> String {
    let regel: Value = serde_json::from_str(&found.logregel).unwrap_or_default();
    let text = |key: &str| regel[key].as_str().unwrap_or("-").to_owned();
    let naam = |naam: &Option<String>| naam.clone().unwrap_or_else(|| "-".to_owned());
    format!(
        "  {:>4} {} {:<12} {:<24} {} -> {}",
        found.log_index,
        found.tijd_lokaal,
        text("soort"),
        text("berichtsoort"),
        naam(&found.afzender),
        naam(&found.ontvanger)
    )
}

fn keep_running(report: &Report, gateway: &Gateway, dir: &Path, config: &Path) {
    let grpc = format!("https://{}", gateway.adres);
    let pagina = gateway.toezicht.map(|adres| format!("https://{adres}"));
    let profielen = dir.join("profielen");
    let zsm = profielen.join("zsm");
    report.say(&format!(
        "\nDe poort is open op {grpc}. Probeer in een ander venster:\n\
         \x20 ketenpoort send --template bekendheidscheck > bericht.json\n\
         \x20 ketenpoort send --profile {zsm} bericht.json > bewijs.json\n\
         \x20 ketenpoort receive --profile {zvh}\n\
         \x20 ketenpoort logboek proof --verify bewijs.json --vkey \"$(ketenpoort logboek vkey --config {config})\"\n\
         De pagina voor de FG staat op {pagina}. Laad daarvoor {p12} in uw browser (wachtwoord: {PASSWORD}), bij zijn \
         instellingen onder certificaten, en aanvaard dat het certificaat van de poort van een CA voor ontwikkeling is. \
         De auditor ziet alles: {auditor}.\n\
         Ctrl-C stopt.",
        zsm = zsm.display(),
        zvh = profielen.join(FG_OF).display(),
        pagina = pagina.as_deref().unwrap_or("-"),
        p12 = profielen.join(format!("fg-{FG_OF}")).join("fg.p12").display(),
        auditor = profielen.join("auditor").join("auditor.p12").display(),
        config = config.display(),
    ));
    report.line(&json!({
        "stap": "open", "grpc": grpc, "toezicht": pagina, "config": config.display().to_string(), "profielen": profielen.display().to_string(),
    }));
}
