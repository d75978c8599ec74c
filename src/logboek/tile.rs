//! Where the nodes of the tree lie in the tiles of C2SP tlog-tiles. Only arithmetic: paths, partial
//! tiles and files are the store's.

use std::ops::Range;

use super::tree::{Hash, Node, node_hash};

/// Hashes in one full tile. Source: C2SP tlog-tiles, "Merkle Tree" (tiles of height 8).
pub const TILE_WIDTH: u64 = 256;
const TILE_HEIGHT: u8 = 8;

/// Tile level, tile number, and the hashes in that tile of which the node is the [`fold`]. Source:
/// C2SP tlog-tiles: tile level L holds the nodes of tree level 8 L, 256 a tile.
#[must_use]
pub fn tile_of(node: Node) -> (u8, u64, Range<usize>) {
    let above = node.level % TILE_HEIGHT;
    let first = node.index << above;
    let start = (first % TILE_WIDTH) as usize;
    (node.level / TILE_HEIGHT, first / TILE_WIDTH, start..start + (1 << above))
}

/// Root of the complete subtree over these hashes.
///
/// # Panics
/// If their number is not a power of two: then they are no complete subtree.
#[must_use]
pub fn fold(hashes: &[Hash]) -> Hash {
    assert!(hashes.len().is_power_of_two(), "only a complete subtree folds");
    if let [hash] = hashes {
        return *hash;
    }
    let (left, right) = hashes.split_at(hashes.len() / 2);
    node_hash(&fold(left), &fold(right))
}

#[cfg(test)]
mod tests {
    use super::super::tree::{Frontier, leaf_hash};
    use super::*;

    #[test]
    fn every_node_is_the_fold_of_its_place_in_a_tile() {
        let (mut frontier, mut made) = (Frontier::default(), Vec::new());
        for number in 0..1024_u64 {
            frontier.push(leaf_hash(&number.to_be_bytes()), &mut |node, hash| {
                made.push((node, hash));
            });
        }
        let stored: std::collections::HashMap<_, _> = made.iter().copied().collect();
        for (node, hash) in made {
            let (tile_level, tile, within) = tile_of(node);
            let hashes: Vec<_> = within
                .map(|place| tile * TILE_WIDTH + place as u64)
                .map(|index| stored[&Node { level: tile_level * TILE_HEIGHT, index }])
                .collect();
            assert_eq!(fold(&hashes), hash, "{node:?}");
        }
        assert_eq!(tile_of(Node { level: 10, index: 65 }), (1, 1, 4..8));
    }
}
