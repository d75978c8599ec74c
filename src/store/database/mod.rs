//! The database: opened, and copied. SQLite is one file of one gateway (`sqlite`), PostgreSQL a server that several share
//! (`postgres`); [`open`] and `source` choose between them. `dialect` holds what differs in their words, `rows` hands rows
//! to a statement, and [`copy`] makes backups and puts them back.
//!
//! Not here: what stands in it.

pub mod copy;
pub(in crate::store) mod dialect;
pub mod open;
pub(in crate::store) mod open_error;
pub(in crate::store) mod postgres;
pub(in crate::store) mod rows;
pub(in crate::store) mod source;
pub(in crate::store) mod sqlite;
