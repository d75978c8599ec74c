//! Check: what a configuration allows, and what in it deserves a second look, before it is in force.
//!
//! [`bevindingen`] are the warnings: nothing in them stops a gateway. [`rij`] makes one row a rule out of the exchange matrix,
//! and [`tabel`], [`mermaid`] and [`svg`] show those rows: for a terminal, for a document in text, and for a convenant's annex.
//!
//! Pure but for [`certificaten`] and `rechten`, which read the files that a configuration names. Not here: mistakes, which `config` and
//! `documenten` find.

pub mod bevindingen;
pub mod certificaten;
mod loketten;
pub mod mermaid;
mod rechten;
mod regels;
pub mod rij;
mod samenloop;
pub mod svg;
pub mod tabel;
