//! The tamper-evident log (logboek), as pure functions over bytes.
//!
//! What it does:
//! - [`regel`]: one line of the log (logregel) to and from its exact bytes, and the salted
//!   commitments it carries instead of personal data (with `soort`, and `check` for auditors);
//! - [`tree`]: the Merkle tree of RFC 6962 over those bytes: appending, proving, verifying (with
//!   `verify`), and where a hash lies in the tiles of C2SP tlog-tiles (with `tile`);
//! - [`checkpoint`]: the signed tree head of C2SP tlog-checkpoint, and witness cosignatures (with
//!   `note`);
//! - [`head`]: all that the next regel must follow, and the fork guard: what may follow a head that was signed
//!   (with `naam`, how one logboek after the other is called);
//! - [`statisch`]: the files of C2SP tlog-tiles;
//! - [`proof`]: C2SP tlog-proof, the one file that shows offline that a logregel is in the log.
//!
//! What it deliberately does not do: it stores nothing, reads no clock, draws no random bytes and knows no database, network or
//! permission. Hashes come in through a closure, times and salts as arguments. [`Signer::sign`] does not ask whether a checkpoint may
//! be signed: whoever signs does so through a [`Head`].
//!
//! Invariants:
//! - The bytes of a logregel are made once, by [`Logregel::to_leaf`]. Verification hashes what it
//!   was given and never encodes again, so a newer writer does not break an older reader.
//! - Complete subtrees never change: a stored [`Node`] is written once. Incomplete ones are never
//!   stored, only folded from complete nodes at the moment of asking.
//! - Whatever is parsed here comes from someone else and is bounded in size before it is decoded.
//!   Nothing in this module panics on input from outside.

mod check;
pub mod checkpoint;
#[cfg(test)]
mod fuzz;
pub mod head;
mod naam;
mod note;
pub mod proof;
pub mod regel;
mod soort;
pub mod statisch;
mod tile;
pub mod tree;
mod verify;

pub use checkpoint::{
    Checkpoint, MOST_NOTE_BYTES, NoteError, NoteKey, Signer, VerifyKey, WitnessKey, cosignature_time, open,
};
pub use head::{Fork, Head, Kept, Teksten, chained};
pub use naam::LogboekNaam;
pub use proof::{ProofError, TlogProof, Verified};
pub use regel::{Logregel, MOST_LEAF_BYTES, Oorzaak, RegelError, Soort, check_leaf, commitment, sha256_hex, tijd};
pub use tree::{
    Frontier, Hash, Node, TILE_WIDTH, consistency_proof, empty_root, fold, inclusion_proof, leaf_hash,
    needed_for_consistency, needed_for_inclusion, node_hash, tile_of, verify_consistency, verify_inclusion,
};
