//! The binary as its users have it: a process, with real certificates and real clients, that is killed, filled up,
//! tampered with and mistyped at. What one call does is tested in `tests/gateway`.

#![allow(clippy::assigning_clones, reason = "what a test fills in is to be read, and need not be fast")]
#![allow(
    clippy::print_stdout,
    reason = "the test harness catches it, and shows it where a test fails or somebody asks"
)]

mod balancer;
mod beheer;
mod bewaren;
mod command_line;
mod demo;
mod dienst;
mod doctor;
#[allow(dead_code, reason = "shared with other tests")]
#[path = "../support/faketime.rs"]
mod faketime;
mod full;
mod geschiedenis;
mod health;
mod herstel;
mod inzage;
mod kill;
mod klok;
mod memory;
#[allow(dead_code, reason = "shared with other tests")]
#[path = "../support/postgres.rs"]
mod postgres;
mod proceslog;
mod production;
mod proof;
mod scenario;
mod secrecy;
mod served;
mod start;
mod statements;
mod strict;
mod tamper;
mod terminal;
mod toezicht;
#[allow(dead_code, reason = "shared with other tests")]
mod traffic;
mod voorstel;
