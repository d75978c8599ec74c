//! gRPC: the wire. Services are thin: parse, call the verb, answer.
//!
//! [`convert`], [`content`] (in), [`answers`] and [`loketten`] (out) are the only code that sees both proto and domain; [`status`]
//! the only table of errors; [`boundary`] the one place around every call: role, bounds, span, and a typed answer for what tonic
//! itself refuses.

pub mod answers;
pub mod beheer_service;
pub mod boundary;
pub mod codec;
pub mod content;
pub mod convert;
pub mod exchange_service;
pub mod loketten;
mod receive;
pub mod status;
