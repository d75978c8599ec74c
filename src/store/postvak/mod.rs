//! The postvak: what happens to berichten, each in a transaction under way ([`work`]).
//!
//! One file a happening: [`accept`], [`lease`], [`release`], [`confirm`], [`consult`], [`find`], [`withdraw`], [`expire`], [`damage`].
//! Each reads rows ([`rij`]) as values, changes these, and hands them back; what all of them change is written together ([`changes`]).
//! What many of them ask is looked up together before ([`lookup`], with [`eerder`] and [`leasable`]).
//!
//! Invariants: a row moves by an arrow of the drawing in [`Toestand`](crate::domain::Toestand), in `Work::step` alone, with exactly one
//! regel. Whatever can refuse comes before the first thing that is written.

pub mod accept;
pub mod actor;
mod changes;
pub mod confirm;
pub mod consult;
mod counters;
pub mod damage;
mod eerder;
pub mod expire;
pub mod find;
pub(in crate::store) mod known;
mod leasable;
pub mod lease;
mod lookup;
pub mod new;
mod post;
pub(in crate::store) mod pseudoniemen;
pub(in crate::store) mod release;
pub mod rij;
pub mod withdraw;
pub(in crate::store) mod work;
