//! What a convenant allows: its file, and the admission by it. Pure, without a gateway.

mod admission;
mod files;
