//! Ketenpoort: a secure message gateway between the partners of Dutch Zorg- en Veiligheidshuizen.
//!
//! The map, in reading order: what is allowed ([`domain`]), what is written down ([`logboek`]), how content is
//! sealed ([`sleutels`]), where it lies ([`store`]), what a partner can do ([`exchange`]), how it arrives ([`tls`],
//! [`grpc`]), how texts are read ([`lezen`]) and what those say that can be in force ([`documenten`]), how the gateway is set up
//! ([`config`], [`gateway`]), what all of that allows ([`check`]), and who uses it ([`client`], [`cli`], [`demo`]). What all of them
//! tell their operator goes through [`proceslog`].

pub mod domain;
pub mod logboek;
pub mod sleutels;
pub mod store;

pub mod exchange;

pub mod grpc;
pub mod tls;

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
