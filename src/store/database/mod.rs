//! The database: opened, and copied. SQLite is one file of one gateway, PostgreSQL a server that several share; what differs between the
//! two is in [`dialect`] alone, and how rows are handed to a statement in [`rows`].
//!
//! Not here: what stands in it.

pub mod copy;
pub(in crate::store) mod dialect;
pub mod open;
mod open_error;
pub(in crate::store) mod postgres;
pub(in crate::store) mod rows;
pub(in crate::store) mod source;
mod sqlite;
