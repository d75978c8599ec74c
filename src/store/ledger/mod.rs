//! The ledger: the logboek in the database. [`append`] writes it inside a transaction, [`regels`] reads it, and [`proofs`] proves any
//! regel to whoever asks.
//!
//! Not here: whether it holds together (`verify`).

pub mod append;
pub mod proofs;
pub mod regels;
