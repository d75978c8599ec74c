//! What operators deploy says what is there: alerts and the dashboard ask for metrics that a gateway has and that are documented, and lead to what to do.

use std::{collections::BTreeSet, fs};

use crate::report;

const RULES: &str = "deploy/prometheus/ketenpoort.rules.yml";
const DASHBOARD: &str = "deploy/grafana/ketenpoort.json";
const RUNBOOK: &str = "docs/runbook.md";

fn read(file: &str) -> String {
    fs::read_to_string(file).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// The names of metrics in a text, without what Prometheus puts behind those of a histogram.
fn metrics(text: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_lowercase() || c == '_';
    let names = text.split(|c| !is_part(c)).filter(|word| word.starts_with("ketenpoort_"));
    let plain = |name: &str| {
        ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name).to_owned()
    };
    names.map(plain).collect()
}

/// The names that the code gives them, as Prometheus writes them: with the unit and the kind behind them.
fn of_code() -> String {
    ["src/gateway/meten.rs", "src/telemetry/metingen.rs", "src/telemetry/mod.rs"].map(read).concat()
}

#[test]
fn alerts_ask_for_metrics_that_are_there_and_documented() {
    let documented = metrics(&read("docs/operations.md"));
    for file in [RULES, DASHBOARD] {
        let asked = metrics(&read(file));
        assert!(asked.len() > 15, "{asked:?}");
        let missing = asked.difference(&documented);
        report(missing.map(|name| format!("{file} asks for {name}, which docs/operations.md does not have")));
    }
    // What nobody would see is measured for nothing.
    let seen = metrics(&read(DASHBOARD));
    let of_files = |name: &str| name.starts_with("ketenpoort_certificates_");
    let hidden = documented.iter().filter(|name| !seen.contains(*name) && !of_files(name));
    report(hidden.map(|name| format!("{DASHBOARD} does not show {name}")));
    let code = of_code();
    let made = |name: &str| {
        let plain = ["_total", "_seconds"].iter().fold(name, |name, end| name.strip_suffix(end).unwrap_or(name));
        code.contains(&format!("\"{plain}\""))
    };
    report(
        documented
            .iter()
            .filter(|name| !made(name))
            .map(|name| format!("docs/operations.md has {name}, which no gateway has")),
    );
    let told = metrics(&code);
    let is_documented =
        |name: &&String| ["", "_total", "_seconds"].iter().any(|end| documented.contains(&format!("{name}{end}")));
    report(told.iter().filter(|name| !is_documented(name)).map(|name| format!("{name} is not in docs/operations.md")));
}

#[test]
fn each_alert_has_its_section_in_the_runbook_and_no_section_is_of_none() {
    let rules = read(RULES);
    let after = |start: &str| -> BTreeSet<String> {
        rules.lines().filter_map(|line| Some(line.trim().strip_prefix(start)?.trim().to_lowercase())).collect()
    };
    let sections: BTreeSet<String> =
        read(RUNBOOK).lines().filter_map(|line| Some(line.strip_prefix("## ")?.to_lowercase())).collect();
    let linked: BTreeSet<String> = after("runbook: docs/runbook.md#");
    let alerts = after("- alert:");
    assert!(alerts.len() > 15, "{alerts:?}");
    report(linked.symmetric_difference(&sections).map(|name| format!("{name} is not both an alert and a section")));
    let own = |alert: &str| linked.iter().any(|section| alert.starts_with(section));
    report(alerts.iter().filter(|alert| !own(alert)).map(|alert| format!("{alert} leads to no section of its own")));
}

#[test]
fn each_dependency_says_what_it_is_for() {
    let cargo = read("Cargo.toml");
    let (_, rest) = cargo.split_once("[dependencies]\n").unwrap();
    let (section, _) = rest.split_once("\n[").unwrap();
    let named: BTreeSet<&str> = section.lines().filter_map(|line| Some(line.split_once(" = ")?.0)).collect();
    assert!(named.len() > 40, "{named:?}");
    let table = read("docs/dependencies.md");
    let rows = table.lines().filter(|line| line.starts_with("| `")).filter_map(|line| line.split('|').nth(1));
    let told: BTreeSet<&str> = rows.flat_map(|names| names.split('`').skip(1).step_by(2)).collect();
    report(
        named
            .symmetric_difference(&told)
            .map(|name| format!("{name} is not both in Cargo.toml and in docs/dependencies.md")),
    );
}

#[test]
fn the_unit_shows_by_which_start_of_the_machine_the_clock_is_held() {
    // Without /proc/sys/kernel/random/boot_id nothing that was remembered of the clock counts after a restart, and nobody is told.
    let unit = read("deploy/systemd/ketenpoort.service");
    report(unit.lines().filter(|line| line.starts_with("ProcSubset=")).map(str::to_owned));
}
