//! The ledger: the logboek in the database. [`append`] writes it inside a transaction, after `follow` found that nothing
//! was signed elsewhere that it would contradict. [`regels`] reads it, and [`proofs`] proves any regel to whoever asks.
//!
//! Not here: whether it holds together (`verify`).

pub mod append;
pub(in crate::store) mod follow;
pub mod proofs;
pub mod regels;
pub mod statisch;
