//! What a convenant allows: its file, the admission by it, and what `check` says about it. Without a gateway.

mod admission;
mod bouw;
mod check;
mod command;
mod files;
mod fouten;
mod loketten;
mod properties;
mod random;
mod verschil;
mod voorrang;
