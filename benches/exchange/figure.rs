//! What was measured, as a line of a table or as JSON.

use anyhow::Context;
use clap::ValueEnum;
use serde::Serialize;

use crate::{Name, SIZE, measure::Samples};

/// One line. What a figure has no number for is absent.
#[derive(Serialize)]
pub struct Figure {
    name: String,
    /// Where it was stored.
    store: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    in_flight: Option<usize>,
    /// Operations a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    rate: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    p50_us: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    p99_us: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ratio_to_echo: Option<f64>,
    /// Processor time of this process for one operation.
    #[serde(skip_serializing_if = "Option::is_none")]
    cpu_us: Option<f64>,
    /// Rate of the second of a pair divided by that of the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    ratio_to_one: Option<f64>,
    /// Regels of the logboek that was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    regels: Option<u64>,
    /// Resident memory, mebibytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    mib: Option<f64>,
}

impl Figure {
    fn empty(name: Name, store: &'static str) -> Self {
        Self {
            name: name.text(),
            store,
            size: None,
            in_flight: None,
            rate: None,
            p50_us: None,
            p99_us: None,
            ratio_to_echo: None,
            cpu_us: None,
            ratio_to_one: None,
            regels: None,
            mib: None,
        }
    }

    /// Of operations of which so many were in flight, beside the rate of the echo.
    pub fn of_operations(name: Name, store: &'static str, in_flight: usize, samples: &Samples, echo: f64) -> Self {
        Self {
            size: Some(SIZE),
            in_flight: Some(in_flight),
            rate: Some(rounded(samples.rate(), 10.0)),
            p50_us: Some(samples.percentile(50)),
            p99_us: Some(samples.percentile(99)),
            ratio_to_echo: Some(rounded(samples.rate() / echo, 10_000.0)),
            cpu_us: Some(rounded(samples.cpu_us(), 10.0)),
            ..Self::empty(name, store)
        }
    }

    /// The same, beside what one receiver or gateway reaches.
    pub fn beside_one(self, ratio: f64) -> Self {
        Self { ratio_to_one: Some(rounded(ratio, 1000.0)), ..self }
    }

    /// Of regels that are gone through one after the other.
    pub fn of_regels(name: Name, store: &'static str, regels: u64, rate: f64, cpu_us: f64) -> Self {
        Self {
            rate: Some(rounded(rate, 10.0)),
            cpu_us: Some(rounded(cpu_us, 10.0)),
            regels: Some(regels),
            ..Self::empty(name, store)
        }
    }

    /// Of memory.
    pub fn of_memory(name: Name, store: &'static str, mib: f64) -> Self {
        Self { mib: Some(rounded(mib, 10.0)), ..Self::empty(name, store) }
    }

    /// The line above all others.
    pub fn print_head() {
        println!(
            "figure               store     size in_flight     rate/s   p50_us   p99_us ratio_to_echo   cpu_us  also"
        );
    }

    pub fn print(&self, json: bool) -> anyhow::Result<()> {
        if json {
            println!("{}", serde_json::to_string(self)?);
            return Ok(());
        }
        let (size, in_flight) = (shown(self.size), shown(self.in_flight));
        let (p50, p99) = (shown(self.p50_us), shown(self.p99_us));
        let [rate, cpu] = [self.rate, self.cpu_us].map(|number| shown(number.map(|number| format!("{number:.1}"))));
        let ratio = shown(self.ratio_to_echo.map(|ratio| format!("{ratio:.4}")));
        let also = [
            self.ratio_to_one.map(|ratio| format!("{ratio:.3} of one")),
            self.regels.map(|regels| format!("{regels} regels")),
            self.mib.map(|mib| format!("{mib:.1} MiB")),
        ];
        let also = also.into_iter().flatten().collect::<Vec<_>>().join(", ");
        let Self { name, store, .. } = self;
        let line = format!(
            "{name:<20} {store:<8} {size:>5} {in_flight:>9} {rate:>10} {p50:>8} {p99:>8} {ratio:>13} {cpu:>8}  {also}"
        );
        println!("{}", line.trim_end());
        Ok(())
    }
}

impl Name {
    /// As on the command line.
    pub fn text(self) -> String {
        let value = self.to_possible_value().context("no figure is hidden").expect("each figure can be asked for");
        value.get_name().to_owned()
    }
}

fn shown(number: Option<impl ToString>) -> String {
    number.map_or_else(|| "-".to_owned(), |number| number.to_string())
}

fn rounded(number: f64, parts: f64) -> f64 {
    (number * parts).round() / parts
}
