//! Many gateways on one PostgreSQL: real processes, a real server, real certificates. They are killed, paused, cut off from the
//! database and brought back; the database is failed over and sabotaged.

#![allow(clippy::assigning_clones, reason = "what a test fills in is to be read, and need not be fast")]
#![allow(
    clippy::print_stdout,
    reason = "the test harness catches it, and shows it where a test fails or somebody asks"
)]

#[allow(dead_code, reason = "shared with other tests")]
#[path = "../support/faketime.rs"]
mod faketime;
#[allow(dead_code, reason = "shared with other tests")]
#[path = "../support/postgres.rs"]
mod postgres;
#[allow(dead_code, reason = "shared with other tests")]
#[path = "../process/served.rs"]
mod served;
#[allow(dead_code, reason = "shared with other tests")]
#[path = "../process/traffic.rs"]
mod traffic;

mod chaos;
mod connection;
mod failover;
mod history;
mod link;
mod moving;
mod poorten;
mod sabotage;
mod teksten;
mod together;
mod upgrade;
