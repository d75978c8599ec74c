//! The static form of a tree: the files of C2SP tlog-tiles, by which anybody verifies a whole logboek without its gateway.

use std::collections::BTreeMap;

use super::{
    Frontier, Hash, Node, TILE_WIDTH,
    tree::{leaf_hash, node_hash},
};

/// The path of a file: a tile of hashes of a level, or a bundle of entries; whole, or with so many in it.
///
/// Source: C2SP tlog-tiles, "Merkle Tree" and "Log Entries".
#[must_use]
pub fn path(niveau: Option<u8>, nummer: u64, width: u64) -> String {
    let level = niveau.map_or_else(|| "entries".to_owned(), |niveau| niveau.to_string());
    let mut path = format!("{:03}", nummer % 1000);
    let mut above = nummer / 1000;
    while above > 0 {
        path = format!("x{:03}/{path}", above % 1000);
        above /= 1000;
    }
    let part = if width == TILE_WIDTH { String::new() } else { format!(".p/{width}") };
    format!("tile/{level}/{path}{part}")
}

/// Every file of a tree of this size but for its checkpoint: level (none for entries), number, and how many are in it.
pub fn files(size: u64) -> impl Iterator<Item = (Option<u8>, u64, u64)> {
    let entries = of_level(size).map(|(nummer, width)| (None, nummer, width));
    let levels = (0..8_u8).map(move |niveau| (niveau, size >> (8 * niveau))).take_while(|(_, nodes)| *nodes > 0);
    let tiles =
        levels.flat_map(|(niveau, nodes)| of_level(nodes).map(move |(nummer, width)| (Some(niveau), nummer, width)));
    entries.chain(tiles)
}

fn of_level(nodes: u64) -> impl Iterator<Item = (u64, u64)> {
    let whole = (0..nodes / TILE_WIDTH).map(|nummer| (nummer, TILE_WIDTH));
    whole.chain((!nodes.is_multiple_of(TILE_WIDTH)).then_some((nodes / TILE_WIDTH, nodes % TILE_WIDTH)))
}

/// Why the bytes of a bundle are no entries.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("de bundel met regels is afgesneden, of heeft iets na zijn regels")]
pub struct BundleError;

/// The entries in a bundle: each after its length, 16 bits big-endian.
///
/// # Errors
/// [`BundleError`] when it does not hold exactly so many.
pub fn entries(mut bundle: &[u8], many: u64) -> Result<Vec<&[u8]>, BundleError> {
    let mut found = Vec::new();
    for _ in 0..many {
        let (length, rest) = bundle.split_first_chunk::<2>().ok_or(BundleError)?;
        let (entry, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length))).ok_or(BundleError)?;
        found.push(entry);
        bundle = rest;
    }
    if bundle.is_empty() { Ok(found) } else { Err(BundleError) }
}

/// A tree whose leaves are all known: what its files hold, and proofs of consistency between any two of its sizes.
#[derive(Default)]
pub struct WholeTree {
    frontier: Frontier,
    leaves: Vec<Hash>,
    tiles: BTreeMap<(u8, u64), Vec<u8>>,
    bundle: Vec<u8>,
}

impl WholeTree {
    /// Number of leaves so far.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// Root hash of the tree as it stands.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.frontier.root()
    }

    /// Takes up the next leaf. Gives the bundle of entries that is whole with it.
    ///
    /// # Panics
    /// With a leaf of more than 65,535 bytes: a logregel has at most 4,096.
    pub fn push(&mut self, leaf: &[u8]) -> Option<(String, Vec<u8>)> {
        let length = u16::try_from(leaf.len()).expect("a logregel has at most 4,096 bytes");
        self.bundle.extend_from_slice(&length.to_be_bytes());
        self.bundle.extend_from_slice(leaf);
        let hash = leaf_hash(leaf);
        self.leaves.push(hash);
        let tiles = &mut self.tiles;
        self.frontier.push(hash, &mut |node: Node, hash: Hash| {
            if node.level.is_multiple_of(8) {
                let tile = (node.level / 8, node.index / TILE_WIDTH);
                tiles.entry(tile).or_default().extend_from_slice(&hash);
            }
        });
        let whole = self.size().is_multiple_of(TILE_WIDTH);
        whole.then(|| (path(None, self.size() / TILE_WIDTH - 1, TILE_WIDTH), std::mem::take(&mut self.bundle)))
    }

    /// A tile of hashes.
    #[must_use]
    pub fn tile(&self, niveau: u8, nummer: u64) -> Option<&[u8]> {
        self.tiles.get(&(niveau, nummer)).map(Vec::as_slice)
    }

    /// What is published besides the whole bundles of entries: the last bundle, where it is not whole, and all tiles of hashes.
    pub fn rest(&self) -> impl Iterator<Item = (String, Vec<u8>)> {
        let width = self.size() % TILE_WIDTH;
        let begun = (width > 0).then(|| (path(None, self.size() / TILE_WIDTH, width), self.bundle.clone()));
        let tiles = files(self.size()).filter_map(|(niveau, nummer, width)| {
            let tile = self.tile(niveau?, nummer)?.get(..usize::try_from(width).ok()? * 32)?;
            Some((path(niveau, nummer, width), tile.to_vec()))
        });
        begun.into_iter().chain(tiles)
    }

    /// The root of a complete subtree.
    #[must_use]
    pub fn node(&self, node: Node) -> Option<Hash> {
        let width = 1_usize.checked_shl(u32::from(node.level))?;
        let first = usize::try_from(node.index).ok()?.checked_mul(width)?;
        let mut level = self.leaves.get(first..first.checked_add(width)?)?.to_vec();
        while level.len() > 1 {
            level = level.chunks(2).map(|pair| node_hash(&pair[0], &pair[1])).collect();
        }
        level.first().copied()
    }

    /// The root of the tree of its first leaves.
    #[must_use]
    pub fn root_at(&self, size: u64) -> Option<Hash> {
        let mut frontier = Frontier::default();
        let first = self.leaves.get(..usize::try_from(size).ok()?)?;
        for hash in first {
            frontier.push(*hash, &mut |_, _| ());
        }
        Some(frontier.root())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{consistency_proof, verify_consistency};
    use super::*;

    #[test]
    fn paths_are_those_of_the_specification() {
        // The examples of C2SP tlog-tiles.
        assert_eq!(path(Some(0), 0, 256), "tile/0/000");
        assert_eq!(path(Some(1), 1_234_067, 256), "tile/1/x001/x234/067");
        assert_eq!(path(Some(0), 273, 112), "tile/0/273.p/112");
        assert_eq!(path(None, 1000, 256), "tile/entries/x001/000");
    }

    #[test]
    fn a_tree_has_the_files_of_its_size() {
        let named = |size| files(size).map(|(niveau, nummer, width)| path(niveau, nummer, width)).collect::<Vec<_>>();
        assert_eq!(named(0), Vec::<String>::new());
        assert_eq!(named(1), ["tile/entries/000.p/1", "tile/0/000.p/1"]);
        assert_eq!(named(256), ["tile/entries/000", "tile/0/000", "tile/1/000.p/1"]);
        // The example of the specification: 70,000 leaves.
        let of = named(70_000);
        for path in ["tile/0/000", "tile/0/272", "tile/0/273.p/112", "tile/1/000", "tile/1/001.p/17", "tile/2/000.p/1"]
        {
            assert!(of.iter().any(|one| one == path), "{path}");
        }
        assert_eq!(of.iter().filter(|path| path.contains("entries")).count(), 274);
    }

    #[test]
    fn a_whole_tree_proves_every_size_against_every_other() {
        let mut tree = WholeTree::default();
        let mut bundles = Vec::new();
        for number in 0..300_u32 {
            bundles.extend(tree.push(&number.to_be_bytes()));
        }
        for old in [1, 2, 7, 128, 255, 256, 257, 299, 300] {
            let read = |node| tree.node(node).ok_or(());
            let proof = consistency_proof(old, 300, read).unwrap();
            verify_consistency(old, &tree.root_at(old).unwrap(), 300, &tree.root(), &proof).unwrap();
        }
        assert_eq!((tree.root_at(301), tree.node(Node { level: 9, index: 0 })), (None, None));
        let [(name, bundle)] = &bundles[..] else { panic!("one bundle is whole") };
        assert_eq!((name.as_str(), entries(bundle, 256).unwrap().len()), ("tile/entries/000", 256));
        let rest: Vec<(String, Vec<u8>)> = tree.rest().collect();
        let names: Vec<&str> = rest.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["tile/entries/001.p/44", "tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1"]);
        let begun = rest[0].1.as_slice();
        assert_eq!(entries(begun, 44).unwrap()[43], &299_u32.to_be_bytes()[..]);
        for (bytes, many) in [(begun, 43), (begun, 45), (&begun[1..], 44), (&begun[..begun.len() - 1], 44)] {
            assert_eq!(entries(bytes, many), Err(BundleError));
        }
    }
}
