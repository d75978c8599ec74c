//! Many gateways on one PostgreSQL: real processes, a real server, real certificates. They are killed, paused, cut off from the
//! database and brought back; the database is failed over and sabotaged.

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
