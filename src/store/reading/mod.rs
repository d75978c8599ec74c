//! Reading: looking without changing anything, on connections that cannot.
//!
//! [`berichten`] says what was accepted and what came of it, [`documenten`] what is and was in force, [`postvakken`] what waits, is due or
//! was left open, [`wachtend`] counts what waits by who may have it, and [`namen`] tells whose an OIN was.

pub mod berichten;
pub mod documenten;
pub mod namen;
pub mod openingen;
pub mod personen;
pub mod postvakken;
pub mod rapport;
pub mod voorstellen;
pub mod wachtend;
