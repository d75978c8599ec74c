//! What the gateway costs on top of bare gRPC:
//! `cargo bench --bench exchange -- [--json] [--seconds N] [--only NAME] [--postgres] [--toezicht] [--gevuld N] [--naast rabbitmq]`.
//!
//! | figure | one operation | what it is not |
//! |---|---|---|
//! | `echo_unary` | one unary call of bare tonic, 1,024 bytes there and back | no admission, no sealing, no store, no role |
//! | `echo_stream` | one message there and back on one open bidirectional stream | as `echo_unary`; no call is opened |
//! | `send_unary` | `Send` of a bekendheidscheck to its receipt: admitted, sealed, logged, durable, proven | nobody receives it |
//! | `exchange_unary` | `Send`, delivered over an open `Receive` stream, `bevestig`, up to `bevestigd` | not one call but four messages and three durable commits |
//! | `ask_roundtrip` | `Ask` of a bekendheidscheck, delivered over an open `Receive` stream and confirmed, answered with `Send`, up to the response of `Ask` with the answer in it | who asked does not confirm the answer |
//! | `find_scenario` | `FindScenario` of one of 256 people, of each of whom there is one scenario, then `Fetch` of what was found | nobody confirms or answers it |
//! | `pagina` | with `--toezicht --gevuld N`: the list of exchanges of this quarter with one filter, fifty rows, as an auditor gets it over HTTP/2 up to its last byte | no browser draws it; what is written is taken up for searching before |
//! | `receivers_1`, `receivers_20` | as `exchange_unary`, with so many receivers of one loket, each on a connection of its own; the two take turns (1, 20, 20, 1) | a bericht goes to one of the receivers, not to each |
//! | `poorten_1`, `poorten_2` | with `--postgres`: as `send_unary`, with so many gateways on one database, which callers take in turn; the two take turns (1, 2, 2, 1) | the gateways share a process and its cores |
//! | `rabbitmq_confirm` | with `--naast rabbitmq`: a persistent message of 1,024 bytes to a durable quorum queue of one node, up to its confirmation | no admission, no sealing, no logboek, no receiver |
//! | `verify` | one regel of a logboek, in `store::verify::verify` | content is not opened |
//! | `restore` | one regel of a logboek, with all that stands beside it: backup to a file, unpacked, restored into an empty store of the same kind | nothing is verified, unlike the commands `backup` and `restore` |
//! | `idle_rss_mib` | none: resident memory of `ketenpoort serve` as a process of its own, nobody connected | no PostgreSQL |
//! | `rss_1000_streams_mib` | none: the same with 1,000 open `Receive` streams of all partners, at most 64 a connection, in which nothing waits | as `idle_rss_mib` |
//!
//! All over mutual TLS 1.3 on loopback, with the accept loop, certificates, identities and client of the gateway itself.
//! The echo is the floor: what TLS, HTTP/2 and tonic cost before anyone thinks about a bericht. `ratio_to_echo` is a rate
//! divided by that of `echo_unary` with as many in flight in the same run. `cpu_us` is the processor time of this process for one
//! operation: user and system, all threads, client and gateway together. What other programs do meanwhile changes it less
//! than a rate. The processor time of PostgreSQL and RabbitMQ is not in it.
//!
//! How it is measured:
//! - closed loop: `in_flight` callers on one connection, each of which starts an operation when its last one ended, so
//!   latency under a given load is not what this shows. Receivers have connections of their own;
//! - wall clock around each operation, the making of the request included; a second of warm-up is not counted;
//! - client and gateway share one process, one runtime and the cores of this machine;
//! - each figure of the gateway starts with an empty SQLite database under `target/tmp`: WAL, synchronous FULL, so a commit
//!   waits for the disk of this machine, and the rate says as much about that disk as about the gateway. With `--postgres` it is an
//!   empty database of a PostgreSQL cluster of its own below `/tmp`, on the same cores, through a local socket, without a standby;
//! - without `--toezicht` nothing is taken up for searching; with it that is done beside the writing, on the same cores;
//! - with `--gevuld N` it starts with a copy of one in which N berichten were accepted, delivered and confirmed, at thirteen loketten of
//!   eleven partners; a fifth of them are scenario's, each about somebody else. `verify` and `restore` read that one, and without
//!   `--gevuld` one of 5,000;
//! - memory is read once it changed by no more than a hundredth in ten seconds, after a minute at the latest;
//! - RabbitMQ is Debian's, a node of its own on the disk of the databases, which runs only while it is measured; one channel, on one
//!   connection over mutual TLS 1.3 with the same certificates;
//! - no process log, unless memory is measured: a gateway that serves writes one line for each call.
//!
//! `size` is that of the encoded request, of `find_scenario` that with which the scenario was sent; the answer of `Send` is larger, that
//! of the echo as large. `store` is that of the run; the echo and RabbitMQ use none.

#![allow(clippy::print_stdout, reason = "a benchmark prints what it measured")]

mod berichten;
mod data;
mod echo;
mod figure;
mod fill;
mod logboek;
mod measure;
mod memory;
mod pagina;
mod partners;
mod poort;
#[allow(dead_code, reason = "shared with tests")]
#[path = "../../tests/support/postgres.rs"]
mod postgres;
mod publish;
mod rabbitmq;
mod vragen;

use std::time::Duration;

use anyhow::{Context, ensure};
use clap::{Parser, ValueEnum};
use tokio::time::timeout;

use crate::{
    data::DataDir,
    echo::Echo,
    figure::Figure,
    fill::{Filled, fill},
    logboek::{restore, verify},
    measure::{Plan, Samples},
    memory::Serving,
    poort::Poort,
    publish::publish,
};

/// Bytes of an encoded request.
const SIZE: usize = 1024;
const IN_FLIGHT: [usize; 3] = [1, 16, 64];
const MANY_RECEIVERS: usize = 20;
const WARM_UP: Duration = Duration::from_secs(1);
/// A figure that takes so much longer than it was given hangs.
const PATIENCE: Duration = Duration::from_mins(1);
/// What is filled for `verify` and `restore` when nothing else is asked.
const BERICHTEN: usize = 5000;

/// What the gateway costs on top of bare gRPC.
#[derive(Parser)]
#[command(name = "exchange")]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
struct Arguments {
    /// One JSON object a line instead of a table
    #[arg(long)]
    json: bool,
    /// Seconds for which each figure is measured
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// Show this figure only; `echo_unary` is then measured too, for the ratio
    #[arg(long, value_name = "NAME")]
    only: Option<Name>,
    /// On PostgreSQL instead of SQLite
    #[arg(long)]
    postgres: bool,
    /// With a port for toezicht: what is written is taken up for searching meanwhile
    #[arg(long)]
    toezicht: bool,
    /// Start each figure with a store in which so many berichten were accepted and confirmed
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    gevuld: Option<u32>,
    /// Measure a peer too
    #[arg(long, value_name = "PEER")]
    naast: Option<Naast>,
    /// Passed by cargo; means nothing here
    #[arg(long, hide = true)]
    bench: bool,
}

/// A peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Naast {
    Rabbitmq,
}

/// The figures. The echo first, for the ratio of the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Name {
    EchoUnary,
    EchoStream,
    SendUnary,
    ExchangeUnary,
    AskRoundtrip,
    FindScenario,
    Pagina,
    #[value(name = "receivers_1")]
    Receivers1,
    #[value(name = "receivers_20")]
    Receivers20,
    #[value(name = "poorten_1")]
    Poorten1,
    #[value(name = "poorten_2")]
    Poorten2,
    RabbitmqConfirm,
    Verify,
    Restore,
    IdleRssMib,
    #[value(name = "rss_1000_streams_mib")]
    Rss1000StreamsMib,
}

/// More pages at once the gateway refuses to one certificate.
const MOST_READERS: usize = 16;
/// Those of which some operations are in flight. One that is the first of a pair is measured with the second.
const OPERATIONS: [Name; 10] = [
    Name::EchoUnary,
    Name::EchoStream,
    Name::SendUnary,
    Name::ExchangeUnary,
    Name::AskRoundtrip,
    Name::FindScenario,
    Name::Pagina,
    Name::Receivers20,
    Name::Poorten2,
    Name::RabbitmqConfirm,
];

impl Name {
    /// How long getting ready for it may take.
    fn patience(self) -> Duration {
        if self == Self::Pagina { pagina::PATIENCE } else { PATIENCE }
    }

    /// That with which it takes turns, and which it is compared with.
    fn one(self) -> Option<Self> {
        match self {
            Self::Receivers20 => Some(Self::Receivers1),
            Self::Poorten2 => Some(Self::Poorten1),
            _ => None,
        }
    }
}

/// One run of the bench.
struct Run {
    arguments: Arguments,
    plan: Plan,
    store: &'static str,
    data: DataDir,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let store = if arguments.postgres { "postgres" } else { "sqlite" };
    let plan = Plan { warm_up: WARM_UP, measured: Duration::from_secs(arguments.seconds) };
    let peer = arguments.only != Some(Name::RabbitmqConfirm) || arguments.naast == Some(Naast::Rabbitmq);
    ensure!(peer, "rabbitmq_confirm needs --naast rabbitmq");
    let replicas = arguments.postgres || !matches!(arguments.only, Some(Name::Poorten1 | Name::Poorten2));
    ensure!(replicas, "more than one gateway needs --postgres");
    let page = arguments.only != Some(Name::Pagina) || (arguments.toezicht && arguments.gevuld.is_some());
    ensure!(page, "pagina needs --toezicht and --gevuld");
    let data = DataDir::create(arguments.postgres, arguments.toezicht)?;
    let mut run = Run { arguments, plan, store, data };
    run.fill().await?;
    if !run.arguments.json {
        Figure::print_head();
    }
    let echo = Echo::start(&run.data).await?;
    for in_flight in IN_FLIGHT {
        run.operations(in_flight, &echo).await?;
    }
    echo.stop().await?;
    run.logboek().await?;
    run.memory().await
}

impl Run {
    /// Whether a figure is asked for.
    fn shows(&self, name: Name) -> bool {
        let possible = match name {
            Name::RabbitmqConfirm => self.arguments.naast == Some(Naast::Rabbitmq),
            Name::Poorten1 | Name::Poorten2 => self.arguments.postgres,
            Name::Pagina => self.arguments.toezicht && self.arguments.gevuld.is_some(),
            _ => true,
        };
        possible && self.arguments.only.is_none_or(|only| only == name)
    }

    fn show(&self, figure: &Figure) -> anyhow::Result<()> {
        figure.print(self.arguments.json)
    }

    /// Fills the store that each figure begins with a copy of.
    async fn fill(&mut self) -> anyhow::Result<()> {
        let Some(berichten) = self.arguments.gevuld else { return Ok(()) };
        let Filled { place, took } = fill(&self.data, berichten as usize).await?;
        self.data.filled = Some(place);
        let (seconds, rate) = (took.as_secs_f64(), f64::from(berichten) / took.as_secs_f64());
        if self.arguments.json {
            let gevuld = serde_json::json!({"gevuld": berichten, "seconds": seconds, "rate": rate});
            println!("{gevuld}");
        } else {
            println!("filled with {berichten} berichten in {seconds:.1} s, {rate:.0}/s");
        }
        Ok(())
    }

    /// The figures of operations with so many in flight.
    async fn operations(&self, in_flight: usize, echo: &Echo) -> anyhow::Result<()> {
        let mut echo_rate = None;
        let shown = |name: Name| self.shows(name) || name.one().is_some_and(|one| self.shows(one));
        let shown = |name: Name| shown(name) && (name != Name::Pagina || in_flight <= MOST_READERS);
        let any = OPERATIONS.into_iter().any(shown);
        for name in OPERATIONS.into_iter().filter(|name| any && (shown(*name) || *name == Name::EchoUnary)) {
            let measured = timeout(
                4 * (self.plan.warm_up + self.plan.measured) + name.patience(),
                self.measure(name, in_flight, echo),
            );
            let measured = measured.await.with_context(|| format!("{name:?} with {in_flight} in flight hangs"))?;
            let measured = measured.with_context(|| format!("{name:?} with {in_flight} in flight"))?;
            let one = measured.first().context("nothing was measured")?.1.rate();
            for (name, samples) in measured {
                let echo_rate = *echo_rate.get_or_insert(samples.rate());
                let figure = Figure::of_operations(name, self.store, in_flight, &samples, echo_rate);
                let figure = if name.one().is_some() { figure.beside_one(samples.rate() / one) } else { figure };
                if self.shows(name) {
                    self.show(&figure)?;
                }
            }
        }
        Ok(())
    }

    /// Measures one figure, or two that take turns, on a connection, and for the gateway a database, of its own.
    async fn measure(&self, name: Name, in_flight: usize, echo: &Echo) -> anyhow::Result<Vec<(Name, Samples)>> {
        let (data, plan) = (&self.data, self.plan);
        match name {
            Name::EchoUnary => {
                let channel = data.channel("zsm", echo.adres).await?;
                return Ok(vec![(name, echo::unary(channel, in_flight, plan).await?)]);
            }
            Name::EchoStream => {
                let channel = data.channel("zsm", echo.adres).await?;
                return Ok(vec![(name, echo::stream(channel, in_flight, plan).await?)]);
            }
            Name::RabbitmqConfirm => return Ok(vec![(name, publish(data, in_flight, plan).await?)]),
            _ => {}
        }
        let poort = Poort::start(data).await?;
        let measured = match name {
            Name::SendUnary => vec![(name, poort.send(in_flight, plan).await?)],
            Name::ExchangeUnary => vec![(name, poort.exchange(1, in_flight, plan).await?)],
            Name::AskRoundtrip => vec![(name, poort.ask(in_flight, plan).await?)],
            Name::FindScenario => vec![(name, poort.find(in_flight, plan).await?)],
            Name::Pagina => vec![(name, poort.pagina(in_flight, plan).await?)],
            Name::Poorten2 => {
                let [one, two] = poort.with_another(in_flight, plan).await?;
                vec![(Name::Poorten1, one), (Name::Poorten2, two)]
            }
            _ => {
                let [one, many] = poort.receivers(MANY_RECEIVERS, in_flight, plan).await?;
                vec![(Name::Receivers1, one), (Name::Receivers20, many)]
            }
        };
        poort.stop().await?;
        Ok(measured)
    }

    /// The figures of a whole logboek.
    async fn logboek(&mut self) -> anyhow::Result<()> {
        if !self.shows(Name::Verify) && !self.shows(Name::Restore) {
            return Ok(());
        }
        let place = match self.data.filled.take() {
            Some(place) => place,
            None => fill(&self.data, BERICHTEN).await?.place,
        };
        let verified = verify(&self.data, &place, self.plan).await?;
        let figure =
            |name, gone: &logboek::Gone| Figure::of_regels(name, self.store, gone.regels, gone.rate(), gone.cpu_us());
        if self.shows(Name::Verify) {
            self.show(&figure(Name::Verify, &verified))?;
        }
        if self.shows(Name::Restore) {
            let restored = restore(&self.data, &place, verified.regels, self.plan).await?;
            self.show(&figure(Name::Restore, &restored))?;
        }
        if self.arguments.gevuld.is_some() {
            self.data.filled = Some(place);
        }
        Ok(())
    }

    /// The figures of memory.
    async fn memory(&self) -> anyhow::Result<()> {
        if !self.shows(Name::IdleRssMib) && !self.shows(Name::Rss1000StreamsMib) {
            return Ok(());
        }
        let serving = Serving::start(&self.data).await?;
        let figure = |name, mib| Figure::of_memory(name, self.store, mib);
        if self.shows(Name::IdleRssMib) {
            self.show(&figure(Name::IdleRssMib, serving.idle().await?))?;
        }
        if self.shows(Name::Rss1000StreamsMib) {
            self.show(&figure(Name::Rss1000StreamsMib, serving.with_streams().await?))?;
        }
        serving.stop()
    }
}
