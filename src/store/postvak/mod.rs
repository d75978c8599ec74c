//! The postvak: what happens to berichten, each in a transaction under way (`work`).
//!
//! One file for each thing that can happen: [`accept`], [`lease`], `release`, [`confirm`], [`consult`], [`find`], [`withdraw`],
//! [`expire`], [`damage`]. Each reads rows as values ([`rij`]), changes the values, and hands them back. What the events of a
//! transaction change is written together (`changes`). What many of them ask is looked up together, before any of them is carried
//! out (`lookup`, with `known`, `eerder` and `leasable`).
//!
//! [`new`] is a bericht that is about to be accepted, [`actor`] who does something, `counters` how full each postvak is, `post`
//! from where something is to be handed out, and `pseudoniemen` all that is known of people.
//!
//! Invariants: a row moves by an arrow of the drawing in [`Toestand`](crate::domain::Toestand), in `Work::step` alone, with exactly one
//! regel. Whatever can refuse comes before the first thing that is written.

pub mod accept;
pub mod actor;
pub mod bell;
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
