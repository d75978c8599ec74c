//! Verifying proofs of the tree of RFC 6962, by the step lists of RFC 9162 instead of the recursion
//! [`super::tree`] makes them with. Nothing here trusts the proof: its length is checked exactly.

use super::proof::ProofError;
use super::tree::{Hash, empty_root, node_hash};

/// Checks that `leaf` (a leaf hash) is number `index` under `root`. Source: RFC 9162 section
/// 2.1.3.2, which spells out the steps for the trees of RFC 6962.
///
/// # Errors
/// [`ProofError`] saying in what way the proof does not fit.
pub fn verify_inclusion(leaf: &Hash, index: u64, size: u64, proof: &[Hash], root: &Hash) -> Result<(), ProofError> {
    if index >= size {
        return Err(ProofError::IndexBeyondSize { index, size });
    }
    let (mut place, mut last, mut hash) = (index, size - 1, *leaf);
    for sibling in proof {
        if last == 0 {
            return Err(ProofError::Length);
        }
        if place & 1 == 1 || place == last {
            hash = node_hash(sibling, &hash);
            // A node without right sibling is carried up unchanged to where it has a left one.
            skip_while(&mut place, &mut last, |place| place & 1 == 0 && place != 0);
        } else {
            hash = node_hash(&hash, sibling);
        }
        (place, last) = (place >> 1, last >> 1);
    }
    if last != 0 {
        return Err(ProofError::Length);
    }
    if hash == *root { Ok(()) } else { Err(ProofError::Root) }
}

/// Checks that the tree `new_root` begins with the tree `old_root`. Source: RFC 9162 section
/// 2.1.4.2; with `old` 0 or equal to `new` the proof is empty (C2SP tlog-witness).
///
/// # Errors
/// [`ProofError`] saying in what way the proof does not fit.
pub fn verify_consistency(
    old: u64,
    old_root: &Hash,
    new: u64,
    new_root: &Hash,
    proof: &[Hash],
) -> Result<(), ProofError> {
    if old > new {
        return Err(ProofError::OldBeyondNew { old, new });
    }
    if old == 0 || old == new {
        let expected = if old == 0 { empty_root() } else { *new_root };
        return match (proof.is_empty(), *old_root == expected) {
            (false, _) => Err(ProofError::Length),
            (true, false) => Err(ProofError::OldRoot),
            // An empty tree at both ends is known without any proof: the new root is fixed too.
            (true, true) if new == 0 && *new_root != expected => Err(ProofError::Root),
            (true, true) => Ok(()),
        };
    }
    // An old tree that is one complete subtree is its own first node; the proof leaves it out.
    let (first, rest) = match proof.split_first() {
        None => return Err(ProofError::Length),
        Some(_) if old.is_power_of_two() => (old_root, proof),
        Some(split) => split,
    };
    let (mut place, mut last) = (old - 1, new - 1);
    skip_while(&mut place, &mut last, |place| place & 1 == 1);
    let (mut old_hash, mut new_hash) = (*first, *first);
    for sibling in rest {
        if last == 0 {
            return Err(ProofError::Length);
        }
        if place & 1 == 1 || place == last {
            old_hash = node_hash(sibling, &old_hash);
            new_hash = node_hash(sibling, &new_hash);
            skip_while(&mut place, &mut last, |place| place & 1 == 0 && place != 0);
        } else {
            new_hash = node_hash(&new_hash, sibling);
        }
        (place, last) = (place >> 1, last >> 1);
    }
    match (last == 0, old_hash == *old_root, new_hash == *new_root) {
        (false, ..) => Err(ProofError::Length),
        (true, false, _) => Err(ProofError::OldRoot),
        (true, true, false) => Err(ProofError::Root),
        (true, true, true) => Ok(()),
    }
}

/// Goes up one level at a time while `carried` holds of the place on that level.
fn skip_while(place: &mut u64, last: &mut u64, carried: impl Fn(u64) -> bool) {
    while carried(*place) {
        (*place, *last) = (*place >> 1, *last >> 1);
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, collections::HashMap, convert::Infallible};

    use ct_merkle::digest::{self, FixedOutput, HashMarker, Output, OutputSizeUser, Update};
    use ct_merkle::mem_backed_tree::MemoryBackedTree;

    use super::super::tree::{
        Frontier, Node, consistency_proof, inclusion_proof, leaf_hash, needed_for_consistency, needed_for_inclusion,
    };
    use super::*;

    /// Lends SHA-256 to the oracle `ct-merkle`, so that the tests follow its version of `digest`
    /// without a second hash crate; the tree, which is what it judges, stays its own.
    #[derive(Default)]
    struct Sha256(Vec<u8>);
    impl Update for Sha256 {
        fn update(&mut self, data: &[u8]) {
            self.0.extend_from_slice(data);
        }
    }
    impl OutputSizeUser for Sha256 {
        type OutputSize = digest::consts::U32;
    }
    impl FixedOutput for Sha256 {
        fn finalize_into(self, out: &mut Output<Self>) {
            out.copy_from_slice(&super::super::tree::sha256(&[&self.0]));
        }
    }
    impl HashMarker for Sha256 {}

    fn leaf(number: u64) -> Vec<u8> {
        format!("regel {number}").into_bytes()
    }

    /// A tree of ours with every node and root kept, and the oracle's trees of every size.
    struct Both {
        nodes: HashMap<Node, Hash>,
        roots: Vec<Hash>,
    }

    impl Both {
        fn grow(size: u64, mut each: impl FnMut(&Self, &MemoryBackedTree<Sha256, Vec<u8>>)) -> Self {
            let mut both = Self { nodes: HashMap::new(), roots: vec![empty_root()] };
            let (mut frontier, mut oracle) = (Frontier::default(), MemoryBackedTree::new());
            for number in 0..size {
                frontier.push(leaf_hash(&leaf(number)), &mut |node, hash| {
                    assert_eq!(both.nodes.insert(node, hash), None, "{node:?} is made once");
                });
                both.roots.push(frontier.root());
                oracle.push(leaf(number));
                each(&both, &oracle);
            }
            both
        }

        /// Makes a proof and checks that it read exactly what was announced.
        fn prove(
            &self,
            needed: &[Node],
            prove: impl Fn(&dyn Fn(Node) -> Result<Hash, Infallible>) -> Result<Vec<Hash>, Infallible>,
        ) -> Vec<Hash> {
            let asked = RefCell::new(Vec::new());
            let Ok(proof) = prove(&|node| {
                asked.borrow_mut().push(node);
                Ok(self.nodes[&node])
            });
            assert_eq!(asked.into_inner(), needed);
            proof
        }

        fn inclusion(&self, index: u64, size: u64) -> Vec<Hash> {
            let needed = needed_for_inclusion(index, size);
            self.prove(&needed, |read| inclusion_proof(index, size, read))
        }

        fn consistency(&self, old: u64, new: u64) -> Vec<Hash> {
            let needed = needed_for_consistency(old, new);
            self.prove(&needed, |read| consistency_proof(old, new, read))
        }

        fn root(&self, size: u64) -> &Hash {
            &self.roots[usize::try_from(size).unwrap()]
        }
    }

    /// Every proof one step away: a bit turned, a hash too few, too many, or out of place.
    fn tampered(proof: &[Hash]) -> Vec<Vec<Hash>> {
        let mut all: Vec<Vec<Hash>> = (0..proof.len() * 256)
            .map(|bit| {
                let mut changed = proof.to_vec();
                changed[bit / 256][bit % 256 / 8] ^= 1 << (bit % 8);
                changed
            })
            .collect();
        all.push([proof, &[[0; 32]]].concat());
        if let Some((_, rest)) = proof.split_first() {
            all.push(rest.to_vec());
            all.push(proof[..proof.len() - 1].to_vec());
        }
        if proof.len() > 1 {
            all.push(proof.iter().rev().copied().collect());
        }
        all
    }

    #[test]
    fn all_trees_up_to_seventy_leaves_agree_with_an_independent_implementation() {
        Both::grow(70, |both, oracle| {
            let size = oracle.len();
            let root = both.root(size);
            assert_eq!(root[..], oracle.root().as_bytes()[..]);
            for index in 0..size {
                let proof = both.inclusion(index, size);
                let theirs = oracle.prove_inclusion(usize::try_from(index).unwrap());
                assert_eq!(proof.concat(), theirs.as_bytes());
                let hash = leaf_hash(&leaf(index));
                verify_inclusion(&hash, index, size, &proof, root).unwrap();
                // The same proof fits no other place and no other leaf.
                for other in (0..size + 2).filter(|other| *other != index) {
                    verify_inclusion(&hash, other, size, &proof, root).unwrap_err();
                }
                verify_inclusion(&leaf_hash(b"ander"), index, size, &proof, root).unwrap_err();
            }
            for old in 1..=size {
                let proof = both.consistency(old, size);
                let theirs = oracle.prove_consistency(usize::try_from(size - old).unwrap());
                assert_eq!(proof.concat(), theirs.as_bytes());
                verify_consistency(old, both.root(old), size, root, &proof).unwrap();
                let wrong = both.root(old - 1);
                verify_consistency(old, wrong, size, root, &proof).unwrap_err();
                verify_consistency(old, both.root(old), size, wrong, &proof).unwrap_err();
            }
        });
    }

    #[test]
    fn a_proof_with_one_bit_turned_or_a_hash_misplaced_is_refused() {
        let both = Both::grow(70, |_, _| {});
        for (first, size) in [(0, 1), (0, 2), (6, 7), (7, 8), (3, 13), (31, 64), (64, 70), (69, 70)] {
            let (hash, root) = (leaf_hash(&leaf(first)), both.root(size));
            for changed in tampered(&both.inclusion(first, size)) {
                verify_inclusion(&hash, first, size, &changed, root).unwrap_err();
            }
            let old = first + 1;
            for changed in tampered(&both.consistency(old, size)) {
                verify_consistency(old, both.root(old), size, root, &changed).unwrap_err();
            }
        }
    }

    #[test]
    fn the_edges_of_the_number_line_are_answered_without_panic() {
        let root = leaf_hash(b"x");
        assert!(needed_for_inclusion(5, 5).is_empty());
        assert!(needed_for_consistency(6, 5).is_empty());
        verify_inclusion(&root, 1, 1, &[], &root).unwrap_err();
        verify_consistency(6, &root, 5, &root, &[]).unwrap_err();
        verify_consistency(0, &empty_root(), 5, &root, &[]).unwrap();
        verify_consistency(0, &root, 5, &root, &[]).unwrap_err();
        verify_consistency(0, &empty_root(), 0, &root, &[]).unwrap_err();
        for size in [u64::MAX, 1 << 63, (1 << 63) - 1] {
            for index in [0, 1, size / 2, size - 1] {
                let proof = inclusion_proof(index, size, |_| Ok::<_, Infallible>([7; 32])).unwrap();
                let error = verify_inclusion(&root, index, size, &proof, &root).unwrap_err();
                assert!(matches!(error, ProofError::Root), "the length is right: {error}");
                let proof = vec![[7; 32]; 64];
                verify_consistency(index, &root, size, &root, &proof).unwrap_err();
            }
        }
    }
}
