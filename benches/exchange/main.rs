//! What the gateway costs on top of bare gRPC: `cargo bench --bench exchange -- [--json] [--seconds N] [--only NAME] [--postgres]`.
//!
//! | figure | one operation | what it is not |
//! |---|---|---|
//! | `echo_unary` | one unary call of bare tonic, 1,024 bytes there and back | no admission, no sealing, no store, no role |
//! | `echo_stream` | one message there and back on one open bidirectional stream | as `echo_unary`; no call is opened |
//! | `send_unary` | `Send` of a bekendheidscheck to its receipt: admitted, sealed, logged, durable, proven | nobody receives it |
//! | `exchange_unary` | `Send`, delivered over an open `Receive` stream, `bevestig`, up to `bevestigd` | not one call but four messages and three durable commits |
//!
//! All over mutual TLS 1.3 on loopback, with the accept loop, certificates, identities and client of the gateway itself.
//! The echo is the floor: what TLS, HTTP/2 and tonic cost before anyone thinks about a bericht. `ratio_to_echo` is a rate
//! divided by that of `echo_unary` with as many in flight in the same run.
//!
//! How it is measured:
//! - closed loop: `in_flight` callers on one connection, each of which starts an operation when its last one ended, so
//!   latency under a given load is not what this shows. `exchange_unary` has one receiver, on a connection of its own;
//! - wall clock around each operation, the making of the request included; a second of warm-up is not counted;
//! - client and gateway share one process, one runtime and the cores of this machine;
//! - each figure of the gateway starts with an empty SQLite database under `target/tmp`: WAL, synchronous FULL, so a commit
//!   waits for the disk of this machine, and the rate says as much about that disk as about the gateway. With `--postgres` it is an
//!   empty database of a PostgreSQL cluster of its own below `/tmp`, on the same cores, through a local socket, without a standby;
//! - no process log: a gateway that serves writes one line for each call.
//!
//! `size` is that of the encoded request; the answer of `Send` is larger, that of the echo as large. `store` is that of the
//! run; the echo uses none.

#![allow(clippy::print_stdout, reason = "a benchmark prints what it measured")]

mod echo;
mod measure;
mod partners;
mod poort;
#[allow(dead_code, reason = "shared with tests")]
#[path = "../../tests/support/postgres.rs"]
mod postgres;

use std::time::Duration;

use anyhow::Context;
use clap::{Parser, ValueEnum};
use serde::Serialize;
use tokio::time::timeout;

use crate::{
    echo::Echo,
    measure::{Plan, Samples},
    poort::{DataDir, Poort},
};

/// Bytes of an encoded request.
const SIZE: usize = 1024;
const IN_FLIGHT: [usize; 3] = [1, 16, 64];
const WARM_UP: Duration = Duration::from_secs(1);
/// A figure that takes so much longer than it was given hangs.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the gateway costs on top of bare gRPC.
#[derive(Parser)]
#[command(name = "exchange")]
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
    /// Passed by cargo; means nothing here
    #[arg(long, hide = true)]
    bench: bool,
}

/// The figures. The echo first, for the ratio of the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
enum Name {
    EchoUnary,
    EchoStream,
    SendUnary,
    ExchangeUnary,
}

#[derive(Serialize)]
struct Figure {
    name: Name,
    store: &'static str,
    size: usize,
    in_flight: usize,
    /// Operations a second.
    rate: f64,
    p50_us: u64,
    p99_us: u64,
    ratio_to_echo: f64,
}

impl Figure {
    fn print(&self, json: bool) -> anyhow::Result<()> {
        if json {
            println!("{}", serde_json::to_string(self)?);
            return Ok(());
        }
        let Self { name, store, size, in_flight, rate, p50_us, p99_us, ratio_to_echo } = self;
        let name = name.to_possible_value().context("no figure is hidden")?;
        println!(
            "{:<15} {store:<8} {size:>5} {in_flight:>9} {rate:>10.1} {p50_us:>8} {p99_us:>8} {ratio_to_echo:>13.4}",
            name.get_name()
        );
        Ok(())
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Arguments { json, seconds, only, postgres, bench: _ } = Arguments::parse();
    let store = if postgres { "postgres" } else { "sqlite" };
    let plan = Plan { warm_up: WARM_UP, measured: Duration::from_secs(seconds) };
    let data = DataDir::create(postgres)?;
    let echo = Echo::start(&data).await?;
    if !json {
        println!("figure          store     size in_flight     rate/s   p50_us   p99_us ratio_to_echo");
    }
    for in_flight in IN_FLIGHT {
        let mut echo_rate = None;
        for name in Name::value_variants() {
            let shown = only.is_none_or(|only| only == *name);
            if !shown && *name != Name::EchoUnary {
                continue;
            }
            let samples = timeout(plan.warm_up + plan.measured + PATIENCE, run(*name, in_flight, plan, &data, &echo));
            let samples = samples.await.with_context(|| format!("{name:?} with {in_flight} in flight hangs"))?;
            let samples = samples.with_context(|| format!("{name:?} with {in_flight} in flight"))?;
            let rate = samples.rate();
            let ratio = rate / *echo_rate.get_or_insert(rate);
            let figure = Figure {
                name: *name,
                store,
                size: SIZE,
                in_flight,
                rate: rounded(rate, 10.0),
                p50_us: samples.percentile(50),
                p99_us: samples.percentile(99),
                ratio_to_echo: rounded(ratio, 10_000.0),
            };
            if shown {
                figure.print(json)?;
            }
        }
    }
    echo.stop().await
}

fn rounded(number: f64, parts: f64) -> f64 {
    (number * parts).round() / parts
}

/// Measures one figure on a connection, and for the gateway a database, of its own.
async fn run(name: Name, in_flight: usize, plan: Plan, data: &DataDir, echo: &Echo) -> anyhow::Result<Samples> {
    match name {
        Name::EchoUnary => echo::unary(data.channel("zsm", echo.adres).await?, in_flight, plan).await,
        Name::EchoStream => echo::stream(data.channel("zsm", echo.adres).await?, in_flight, plan).await,
        Name::SendUnary => {
            let poort = Poort::start(data).await?;
            let samples = poort.send(data, in_flight, plan).await?;
            poort.stop().await?;
            Ok(samples)
        }
        Name::ExchangeUnary => {
            let poort = Poort::start(data).await?;
            let samples = poort.exchange(data, in_flight, plan).await?;
            poort.stop().await?;
            Ok(samples)
        }
    }
}
