//! What the events of a transaction ask, and what was looked up of it.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::{
    eerder::Earlier,
    new::Request,
    post::{Leasable, Post},
    rij::PostvakRij,
};
use crate::domain::{Adres, BerichtId};

/// What the events of a transaction ask.
#[derive(Default)]
pub(in crate::store) struct Wanted<'e> {
    /// Whether these requests made a bericht before.
    pub(in crate::store) requests: Vec<Request>,
    /// How full these postvakken are.
    pub(in crate::store) postvakken: BTreeSet<Adres>,
    /// Rows, by their address.
    pub(in crate::store) at: Vec<(BerichtId, &'e Adres)>,
    /// Rows, by their index.
    pub(in crate::store) indexes: Vec<u64>,
    /// The rows that are kept for Asks, by their verzoek.
    pub(in crate::store) reserved: Vec<BerichtId>,
    /// Earlier berichten, by which new ones are judged.
    pub(in crate::store) earlier: BTreeSet<BerichtId>,
    /// What can be handed out, and at most how much of it.
    pub(in crate::store) posts: HashMap<&'e Post, usize>,
}

/// What was looked up.
#[derive(Default)]
pub(in crate::store) struct Known {
    pub(super) requests: HashMap<Request, Option<BerichtId>>,
    pub(super) rows: HashMap<u64, PostvakRij>,
    pub(super) at: HashMap<(BerichtId, Adres), u64>,
    /// By verzoek, the indexes of what is kept for its Ask.
    pub(super) reserved: HashMap<BerichtId, Vec<u64>>,
    pub(super) earlier: HashMap<BerichtId, Earlier>,
    pub(super) leasable: HashMap<Post, Leasable>,
    /// Sealed content that was read to be handed out, bytes.
    pub(super) content_read: u64,
    /// Rows that this transaction changed.
    changed: HashSet<u64>,
}

impl Known {
    /// Forgets what was known of this row, and of its bericht: it is no longer so.
    pub(super) fn row_changed(&mut self, rij: &PostvakRij) {
        self.changed.insert(rij.log_index);
        self.rows.remove(&rij.log_index);
        self.earlier.remove(&rij.bericht);
        rij.in_antwoord_op.into_iter().for_each(|answered| self.forget_earlier(answered));
    }

    /// Takes out a row. What is kept for an Ask is then no longer all known.
    pub(super) fn take(&mut self, log_index: u64) -> Option<PostvakRij> {
        let rij = self.rows.remove(&log_index)?;
        rij.in_antwoord_op.into_iter().for_each(|verzoek| drop(self.reserved.remove(&verzoek)));
        Some(rij)
    }

    /// Takes out the rows that are kept for the Ask of this verzoek, if all of them are known.
    pub(super) fn take_reserved(&mut self, verzoek: BerichtId) -> Option<Vec<PostvakRij>> {
        let indexes = self.reserved.remove(&verzoek)?;
        indexes.iter().map(|log_index| self.rows.remove(log_index)).collect()
    }

    /// Notes the bericht that a request made, and that it came after these earlier ones.
    pub(super) fn accepted(&mut self, request: Request, bericht: BerichtId, after: impl Iterator<Item = BerichtId>) {
        self.requests.insert(request, Some(bericht));
        after.for_each(|earlier| self.forget_earlier(earlier));
    }

    /// Forgets what is known of an earlier bericht and of the answers kept for its Ask, because something of that changed.
    pub(super) fn forget_earlier(&mut self, earlier: BerichtId) {
        self.earlier.remove(&earlier);
        self.reserved.remove(&earlier);
    }

    /// Whether this transaction changed this row.
    pub(super) fn has_changed(&self, log_index: u64) -> bool {
        self.changed.contains(&log_index)
    }
}
