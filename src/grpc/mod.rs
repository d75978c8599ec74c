//! gRPC: the wire. Services are thin: parse, call the verb, answer.
//!
//! [`convert`] and [`content`] turn what is asked into values of the domain, [`answers`] turns what is answered into messages, and
//! [`loketten`] does both for loketten. The services do so only for messages that no other one has. [`status`] is the only table
//! from a weigering to a gRPC status. [`boundary`] is the one place around every call: role, clock, bounds, deadline, span, and a
//! typed answer for what tonic itself refuses. [`codec`] refuses unknown fields, and `receive` is the stream of `Receive`.

pub mod answers;
pub mod beheer_service;
pub mod boundary;
pub mod codec;
pub mod content;
pub mod convert;
pub mod exchange_service;
pub mod inzage;
pub mod inzage_service;
pub mod loketten;
mod looking;
pub mod naast;
pub mod rapport;
mod receive;
pub mod status;
pub mod toezicht_service;
mod voorstel;
pub mod zoekfilter;
