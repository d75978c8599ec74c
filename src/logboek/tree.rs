//! The Merkle tree of RFC 6962 section 2.1, with SHA-256.
//!
//! The tree itself is nowhere in memory: appending needs only the [`Frontier`], proving reads
//! complete nodes through a closure. Verifying is in `verify` and shares no steps with proving, so
//! that a mistake in one does not excuse the other; `tile` says where a node lies on disk.

use aws_lc_rs::digest;

pub use super::tile::{TILE_WIDTH, fold, tile_of};
pub use super::verify::{verify_consistency, verify_inclusion};

/// A SHA-256 hash: of a leaf, or of two hashes below.
pub type Hash = [u8; 32];

/// SHA-256 over the parts one after another.
pub(super) fn sha256(parts: &[&[u8]]) -> Hash {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in parts {
        context.update(part);
    }
    let digest = context.finish();
    digest.as_ref().try_into().expect("SHA-256 gives 32 bytes")
}

/// Hash of a leaf's bytes. Source: RFC 6962 section 2.1; the 0x00 keeps a leaf from posing as a node.
#[must_use]
pub fn leaf_hash(leaf: &[u8]) -> Hash {
    sha256(&[&[0], leaf])
}

/// Hash of two subtrees. Source: RFC 6962 section 2.1.
#[must_use]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    sha256(&[&[1], left, right])
}

/// Root of the tree without leaves. Source: RFC 6962 section 2.1.
#[must_use]
pub fn empty_root() -> Hash {
    sha256(&[])
}

/// Root of the complete subtree over leaves `index << level` up to `(index + 1) << level`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct Node {
    /// Height above the leaves, which are at 0.
    pub level: u8,
    /// Number of the node at its level, from 0 at the left.
    pub index: u64,
}

/// All that appending needs: the roots of the largest complete subtrees, left (largest) to right.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    stack: Vec<Hash>,
}

impl Frontier {
    /// Number of leaves so far.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Root hash of the tree as it stands.
    #[must_use]
    pub fn root(&self) -> Hash {
        fold_right(self.stack.iter().copied()).unwrap_or_else(empty_root)
    }

    /// Appends one leaf hash and reports every complete node this makes, from the leaf upwards.
    pub fn push(&mut self, leaf: Hash, made: &mut impl FnMut(Node, Hash)) {
        let mut node = Node { level: 0, index: self.size };
        let mut hash = leaf;
        made(node, hash);
        while node.index & 1 == 1 {
            let left = self.stack.pop().expect("a right child's sibling waits on the frontier");
            hash = node_hash(&left, &hash);
            node = Node { level: node.level + 1, index: node.index >> 1 };
            made(node, hash);
        }
        self.stack.push(hash);
        self.size += 1;
    }

    /// The frontier's own nodes with their places, left to right.
    #[must_use]
    pub fn nodes(&self) -> Vec<(Node, Hash)> {
        cover(0, self.size).into_iter().zip(self.stack.iter().copied()).collect()
    }

    /// The hashes one after another; the size is kept beside them.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.stack.concat()
    }

    /// Takes back what [`Frontier::to_bytes`] gave; `None` if the length cannot belong to `size`.
    #[must_use]
    pub fn from_bytes(size: u64, bytes: &[u8]) -> Option<Self> {
        let (hashes, rest) = bytes.as_chunks::<32>();
        // One complete subtree for every bit set in the size.
        let fits = rest.is_empty() && hashes.len() == size.count_ones() as usize;
        fits.then(|| Self { size, stack: hashes.to_vec() })
    }
}

/// The largest complete subtrees that together are leaves `low` up to `high`, left to right.
/// Every caller's `low` is a multiple of the largest power of two that fits, as the splits of
/// RFC 6962 section 2.1 make it.
fn cover(mut low: u64, high: u64) -> Vec<Node> {
    let mut nodes = Vec::new();
    while low < high {
        let level = (high - low).ilog2();
        nodes.push(Node { level: u8::try_from(level).expect("a u64 has at most 64 bits"), index: low >> level });
        low += 1 << level;
    }
    nodes
}

/// Root over complete subtrees of falling size; `None` over nothing.
fn fold_right(hashes: impl DoubleEndedIterator<Item = Hash>) -> Option<Hash> {
    hashes.rev().reduce(|right, left| node_hash(&left, &right))
}

/// The k of RFC 6962 section 2.1: where the leaves `low` up to `high` (two or more) are split.
fn split(low: u64, high: u64) -> u64 {
    low + (1 << (high - low - 1).ilog2())
}

/// PATH of RFC 6962 section 2.1.1: per proof hash the complete nodes it is folded from.
fn inclusion_plan(index: u64, size: u64) -> Vec<Vec<Node>> {
    let mut plan = Vec::new();
    if index >= size {
        return plan;
    }
    let (mut low, mut high) = (0, size);
    while high - low > 1 {
        let middle = split(low, high);
        if index < middle {
            plan.push(cover(middle, high));
            high = middle;
        } else {
            plan.push(cover(low, middle));
            low = middle;
        }
    }
    // The RFC lists the path from the leaf upwards; the descent met it from the root.
    plan.reverse();
    plan
}

/// PROOF and SUBPROOF of RFC 6962 section 2.1.2, in the same shape.
fn consistency_plan(old: u64, new: u64) -> Vec<Vec<Node>> {
    let mut plan = Vec::new();
    if old == 0 || old >= new {
        return plan;
    }
    let (mut low, mut high) = (0, new);
    while old < high {
        let middle = split(low, high);
        if old <= middle {
            plan.push(cover(middle, high));
            high = middle;
        } else {
            plan.push(cover(low, middle));
            low = middle;
        }
    }
    // SUBPROOF's flag b: a subtree that starts at leaf 0 is the old tree, whose root is known.
    if low > 0 {
        plan.push(cover(low, high));
    }
    plan.reverse();
    plan
}

fn read_plan<E>(plan: Vec<Vec<Node>>, mut read: impl FnMut(Node) -> Result<Hash, E>) -> Result<Vec<Hash>, E> {
    plan.into_iter()
        .map(|nodes| {
            let hashes = nodes.into_iter().map(&mut read).collect::<Result<Vec<_>, E>>()?;
            Ok(fold_right(hashes.into_iter()).expect("a split leaves no side empty"))
        })
        .collect()
}

/// Every node [`inclusion_proof`] reads, in that order, so that a store can fetch them at once.
#[must_use]
pub fn needed_for_inclusion(index: u64, size: u64) -> Vec<Node> {
    inclusion_plan(index, size).concat()
}

/// Proof that leaf `index` is in the tree of `size` leaves, leaf to root (RFC 6962 section 2.1.1).
/// With `index >= size` it is empty, and verifies nowhere.
///
/// # Errors
/// Only what `read` returns.
pub fn inclusion_proof<E>(index: u64, size: u64, read: impl FnMut(Node) -> Result<Hash, E>) -> Result<Vec<Hash>, E> {
    read_plan(inclusion_plan(index, size), read)
}

/// Every node [`consistency_proof`] reads, in that order.
#[must_use]
pub fn needed_for_consistency(old: u64, new: u64) -> Vec<Node> {
    consistency_plan(old, new).concat()
}

/// Proof that the tree of `new` leaves begins with that of `old` (RFC 6962 section 2.1.2). Empty
/// when `old` is 0 or equals `new`; empty, and verifying nowhere, when `old > new`.
///
/// # Errors
/// Only what `read` returns.
pub fn consistency_proof<E>(old: u64, new: u64, read: impl FnMut(Node) -> Result<Hash, E>) -> Result<Vec<Hash>, E> {
    read_plan(consistency_plan(old, new), read)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Leaves and roots of transparency-dev/merkle (testonly), the reference of RFC 6962 trees.
    #[rustfmt::skip]
    const KNOWN: [(&str, &str); 8] = [
        ("", "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
        ("00", "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"),
        ("10", "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"),
        ("2021", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"),
        ("3031", "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"),
        ("40414243", "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"),
        ("5051525354555657", "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"),
        ("606162636465666768696a6b6c6d6e6f", "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"),
    ];

    #[test]
    fn the_known_roots_come_out() {
        assert_eq!(hex::encode(empty_root()), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        let mut frontier = Frontier::default();
        assert_eq!(frontier.root(), empty_root());
        for (leaf, root) in KNOWN {
            frontier.push(leaf_hash(&hex::decode(leaf).unwrap()), &mut |_, _| {});
            assert_eq!(hex::encode(frontier.root()), root);
        }
    }

    #[test]
    fn a_frontier_survives_its_bytes_and_knows_its_nodes() {
        let (mut frontier, mut made) = (Frontier::default(), Vec::new());
        for number in 0..300_u64 {
            let again = Frontier::from_bytes(number, &frontier.to_bytes());
            assert_eq!(again.as_ref(), Some(&frontier));
            assert!(frontier.nodes().iter().all(|node| made.contains(node)));
            assert_eq!(frontier.nodes().len(), frontier.stack.len());
            frontier.push(leaf_hash(&number.to_be_bytes()), &mut |node, hash| {
                made.push((node, hash));
            });
        }
        let bytes = frontier.to_bytes();
        assert_eq!(Frontier::from_bytes(299, &bytes), None);
        assert_eq!(Frontier::from_bytes(300, &bytes[1..]), None);
    }
}
