//! Post: from where something is to be handed out, and what was looked up for it.

use std::collections::{BTreeSet, VecDeque};

use jiff::civil::Date;

use super::rij::read::{EachRow, Verzegeld};
use crate::domain::{Adres, BerichtId};

/// From where something is to be handed out: a postvak, or the answers to one verzoek in it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Post {
    /// The postvak.
    pub adres: Adres,
    /// Only answers to this verzoek, kept for its Ask or waiting; otherwise whatever waits.
    pub verzoek: Option<BerichtId>,
    /// Days whose key cannot be had now: what is sealed under those waits.
    pub without: BTreeSet<Date>,
    /// The version whose texts it is judged by. What those texts refused today is not judged again today.
    pub gelezen_versie: u64,
    /// To go on where an earlier lease stopped; the default is from the first row on.
    pub after: Place,
}

/// The last row that was looked at, of each tier.
pub type Place = [Option<u64>; TIERS];

/// How many tiers there are, in the order in which they are handed out. First what was held and is not any more, then what was
/// refused and not judged by this version or on this day yet, then what waits. The answers to a verzoek are one tier.
pub(super) const TIERS: usize = 3;

/// Rows of one post that can be handed out, in that order.
#[derive(Default)]
pub(in crate::store) struct Leasable {
    pub(super) rows: VecDeque<EachRow<Verzegeld>>,
    /// The last row that was looked up, of each tier.
    pub(super) after: Place,
    /// Whether there may be more rows after those.
    pub(super) more: bool,
    /// Whether a look-up stopped because the transaction had read as much content as it may.
    pub(super) is_cut: bool,
}
