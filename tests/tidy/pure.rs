//! What is pure, and who reads the clock.

use crate::{
    assert_one, report,
    source::{Source, rust_sources},
    text::{is_word, words},
};

/// Modules that must stay pure, and the names that would make them impure.
const PURE: &[(&str, &[&str])] =
    &[("domain", &["tokio", "sqlx", "tonic", "async", "serde"]), ("logboek", &["tokio", "sqlx", "tonic", "async"])];

/// Calls that read the machine's clock, which is for `clock.rs` alone.
const CLOCK_READS: &[&str] = &["Timestamp::now", "Zoned::now", "SystemTime::now", "Uuid::now_v7"];

#[test]
fn domain_and_logboek_are_pure() {
    report(rust_sources().iter().flat_map(impure_names));
}

#[test]
fn only_the_clock_reads_the_time() {
    report(rust_sources().iter().flat_map(clock_reads));
}

fn impure_names(source: &Source) -> Vec<String> {
    let Some((module, banned)) = PURE.iter().find(|(name, _)| *name == source.module()) else { return Vec::new() };
    words(&source.code)
        .filter(|(_, word)| banned.iter().any(|name| word == name || (*name == "serde" && *word == "serde_json")))
        .map(|(at, word)| source.breach(at, &format!("`{module}` is pure and may not use `{word}`")))
        .collect()
}

fn clock_reads(source: &Source) -> Vec<String> {
    if source.path == "src/clock.rs" {
        return Vec::new();
    }
    CLOCK_READS
        .iter()
        .flat_map(|call| source.code.match_indices(call))
        .filter(|(at, call)| !source.code[at + call.len()..].starts_with(is_word))
        .map(|(at, call)| source.breach(at, &format!("`{call}` is for src/clock.rs alone; take a `domain::Clock`")))
        .collect()
}

#[test]
fn an_impure_name_is_caught() {
    for (path, code) in [
        ("src/domain/a.rs", "async fn f() {}"),
        ("src/domain/a.rs", "use serde::Serialize;"),
        ("src/domain/a.rs", "fn f() { serde_json::json!(1); }"),
        ("src/logboek/a.rs", "fn f(x: tokio::sync::Mutex<()>) {}"),
        ("src/logboek/a.rs", "use sqlx::Row;"),
        ("src/logboek/a.rs", "use tonic::Status;"),
    ] {
        let breaches = impure_names(&Source::new(path, code));
        assert_one(&breaches, &format!("{path}:1"), "is pure");
    }
    for (path, code) in [("src/domain/a.rs", "// no tokio"), ("src/store/a.rs", "async fn f() {}")] {
        assert_eq!(impure_names(&Source::new(path, code)), Vec::<String>::new());
    }
}

#[test]
fn a_reading_of_the_clock_is_caught() {
    for code in ["Timestamp::now()", "std::time::SystemTime::now()", "Uuid::now_v7()", "map(jiff::Zoned::now)"] {
        assert_one(&clock_reads(&Source::new("src/a.rs", &format!("\n{code}"))), "src/a.rs:2", "clock.rs alone");
        assert_eq!(clock_reads(&Source::new("src/clock.rs", code)), Vec::<String>::new());
    }
    assert_eq!(clock_reads(&Source::new("src/a.rs", "clock.now(); // Timestamp::now()")), Vec::<String>::new());
}
