//! Ketenpoort: a secure message gateway between the partners of Dutch Zorg- en Veiligheidshuizen.
//!
//! The map, in reading order: what is allowed ([`domain`]), what is written down ([`logboek`]), how content is sealed
//! ([`sleutels`]), where it lies ([`store`]), what a gateway does by itself ([`jobs`]), what a partner can do ([`exchange`]), how a
//! call arrives ([`tls`], [`grpc`]), what a browser is shown ([`web`]), how texts are read ([`lezen`]), what the texts say that can be in force ([`documenten`]), how
//! the gateway is set up ([`config`], [`gateway`]), what a configuration allows ([`check`]), and who uses the gateway ([`client`],
//! [`cli`], [`demo`]).
//!
//! Small tools of these: [`files`] makes and reads files, [`clock`] reads the time and randomness of the machine, [`proto`] is the
//! generated code of the wire, [`pki`] makes development certificates, and [`proceslog`] is how all of them tell their operator
//! something.

pub mod domain;
pub mod logboek;
pub mod sleutels;
pub mod store;

pub mod exchange;

pub mod grpc;
pub mod tls;
pub mod web;

pub mod documenten;
pub mod lezen;

pub mod check;
pub mod config;
pub mod gateway;

pub mod cli;
pub mod client;
pub mod clock;
pub mod demo;
pub mod files;
pub mod jobs;
pub mod pki;
pub mod proceslog;
pub mod proto;
pub mod telemetry;
pub mod uitgaand;
