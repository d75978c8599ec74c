//! A real gateway, real certificates, real clients; a module a verb.
//!
//! On SQLite; with `KETENPOORT_TEST_STORE=postgres` the same tests run on PostgreSQL, each in a database of its own.

#![allow(clippy::assigning_clones, reason = "what a test fills in is to be read, and need not be fast")]
#![allow(
    clippy::print_stdout,
    reason = "the test harness catches it, and shows it where a test fails or somebody asks"
)]

mod ask;
mod bad_input;
mod batch;
mod beheer;
mod bewezen;
mod blokkade;
mod cancel;
mod deliver;
mod door;
mod dossier;
mod fork;
mod geknoei;
mod gestolen;
mod groot;
mod harness;
mod health;
mod inside;
mod jaar;
mod keys;
mod klok;
mod lijsten;
mod loketten;
mod midnight;
mod naast;
mod openstaand;
mod p99;
mod pages;
#[allow(dead_code, reason = "shared with other tests")]
#[path = "../support/postgres.rs"]
mod postgres;
mod rapport;
mod regel;
mod reload;
mod replica;
mod revocation;
mod scenario;
mod schade;
mod send;
mod taking_back;
mod tls;
mod toestanden;
mod toezicht;
mod together;
mod veel;
mod volgen;
mod voorrang;
mod voorstel;
mod wachtend;
mod web;
mod wis;
mod zoekbestand;
mod zoeken;
