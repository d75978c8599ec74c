//! Of which berichten something is to be handed out, and what was looked up of it.

use std::collections::{BTreeSet, VecDeque};

use jiff::civil::Date;

use super::rij::read::{Looked, Verzegeld};
use crate::domain::{Adres, BerichtId};

/// Of which berichten something is to be handed out.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Post {
    /// The postvak.
    pub adres: Adres,
    /// Only answers to this verzoek, kept for its Ask or waiting; otherwise whatever waits.
    pub verzoek: Option<BerichtId>,
    /// Days whose key cannot be had now: what is sealed under those waits.
    pub without: BTreeSet<Date>,
    /// The version whose texts it is judged by: what those refused already is not judged again today.
    pub gelezen: u64,
}

/// In which order berichten are handed out: whose lease lapsed, then what was refused and not judged by this version and on this day
/// yet, then what waits. The answers to a verzoek come all together.
pub(super) const TIERS: usize = 3;

/// Rows of one post that can be handed out, in that order.
#[derive(Default)]
pub(in crate::store) struct Leasable {
    pub(super) rows: VecDeque<Looked<Verzegeld>>,
    /// The last row that was looked up, of each tier.
    pub(super) after: [Option<u64>; TIERS],
    /// Whether there may be more rows after those.
    pub(super) more: bool,
    /// Whether this transaction has read as much content as it may.
    pub(super) is_cut: bool,
}
