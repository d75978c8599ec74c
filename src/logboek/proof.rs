//! The proof file: C2SP tlog-proof, one text that shows offline that a logregel is in the log.
//!
//! The format leaves the entry itself to the application. We carry it, byte for byte, in `extra`,
//! so that a receipt and the log's key are all one needs. It is believed only once its hash leads
//! to the signed root. It does not check what the logregel says: that is [`super::check_leaf`].

use std::fmt;
use std::str::FromStr;

use base64::{Engine, engine::general_purpose::STANDARD};

use super::checkpoint::{Checkpoint, MOST_NOTE_BYTES, NoteError, VerifyKey, decimal, decode_hash, open};
use super::regel::MOST_LEAF_BYTES;
use super::tree::{Hash, leaf_hash, verify_inclusion};

/// First line of every proof file. Source: C2SP tlog-proof, "Format".
const HEADER: &str = "c2sp.org/tlog-proof@v1";

/// Longest path there is in a tree of less than 2^63 leaves.
const MOST_HASHES: usize = 63;

/// Longest proof file that is looked at, in bytes: note, leaf in base64, hashes, and the two keywords.
const MOST_PROOF_BYTES: usize = MOST_NOTE_BYTES + MOST_LEAF_BYTES * 4 / 3 + MOST_HASHES * 45 + 256;

/// Why a proof shows nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// Not of the form of C2SP tlog-proof, or over a limit of ours; says what is wrong with it.
    #[error("dit is geen bestand met een bewijs: {0}")]
    Format(&'static str),
    /// There is no `extra` line, and so nothing to hash.
    #[error("het bewijs heeft geen logregel om na te rekenen")]
    NoLeaf,
    /// The leaf would stand after the end of the tree.
    #[error("regel {index} kan niet in een logboek van {size} regels staan")]
    IndexBeyondSize {
        /// Number of the leaf, from 0.
        index: u64,
        /// Number of leaves in the tree.
        size: u64,
    },
    /// A consistency proof runs from a smaller tree to a larger one, or to itself.
    #[error("een logboek van {new} regels kan niet met een van {old} beginnen")]
    OldBeyondNew {
        /// Number of leaves in the tree said to be the older.
        old: u64,
        /// Number of leaves in the tree said to be the newer.
        new: u64,
    },
    /// The number of hashes is not the one that index and size, or both sizes, ask for.
    #[error("het bewijs heeft te weinig of te veel hashes")]
    Length,
    /// The hashes lead to another root than that of the tree (for consistency: of the new tree).
    #[error("het bewijs komt niet uit op de ondertekende wortel")]
    Root,
    /// The hashes of a consistency proof lead to another root than that of the old tree.
    #[error("het bewijs komt niet uit op de oude wortel")]
    OldRoot,
    /// The signed note does not open, or is not of this log.
    #[error(transparent)]
    Checkpoint(#[from] NoteError),
}

/// An inclusion proof with the checkpoint it leads to, and the logregel it is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlogProof {
    /// The leaf, verbatim. Not to be believed before [`TlogProof::verify`].
    pub extra: Option<Vec<u8>>,
    /// Number of the leaf in the log, from 0.
    pub index: u64,
    /// From the leaf's sibling up to the root's child.
    pub hashes: Vec<Hash>,
    /// The signed note, verbatim, cosignatures included.
    pub checkpoint: String,
}

/// What a proof has shown: this leaf stands at this place under this signed tree head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The bytes of the logregel, verbatim.
    pub leaf: Vec<u8>,
    /// The tree head it stands under; its signature was verified.
    pub checkpoint: Checkpoint,
    /// Number of the leaf in the log, from 0.
    pub index: u64,
}

impl TlogProof {
    /// Verifies the leaf in `extra` up to a checkpoint signed with `key`. Witnesses are counted
    /// apart, with [`super::cosignature_time`] on the same checkpoint.
    ///
    /// # Errors
    /// [`ProofError`]: no leaf, over a limit, a checkpoint that does not open, or a wrong path.
    pub fn verify(&self, key: &VerifyKey) -> Result<Verified, ProofError> {
        self.check_limits()?;
        let leaf = self.extra.as_ref().ok_or(ProofError::NoLeaf)?;
        let checkpoint = open(&self.checkpoint, key)?;
        let hash = leaf_hash(leaf);
        verify_inclusion(&hash, self.index, checkpoint.size, &self.hashes, &checkpoint.root)?;
        Ok(Verified { leaf: leaf.clone(), checkpoint, index: self.index })
    }

    /// A proof made in memory is held to the same limits as one that was read.
    fn check_limits(&self) -> Result<(), ProofError> {
        if self.hashes.len() > MOST_HASHES {
            return Err(ProofError::Format("het heeft meer dan 63 hashes"));
        }
        if self.extra.as_ref().is_some_and(|leaf| leaf.len() > MOST_LEAF_BYTES) {
            return Err(ProofError::Format("zijn logregel is langer dan 4096 bytes"));
        }
        Ok(())
    }
}

impl fmt::Display for TlogProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADER}")?;
        if let Some(extra) = &self.extra {
            writeln!(f, "extra {}", STANDARD.encode(extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        for hash in &self.hashes {
            writeln!(f, "{}", STANDARD.encode(hash))?;
        }
        write!(f, "\n{}", self.checkpoint)
    }
}

impl FromStr for TlogProof {
    type Err = ProofError;

    fn from_str(text: &str) -> Result<Self, ProofError> {
        if text.len() > MOST_PROOF_BYTES {
            return Err(ProofError::Format("het is te lang"));
        }
        // The first empty line ends the path; the note after it has an empty line of its own.
        let (head, checkpoint) = text.split_once("\n\n").ok_or(ProofError::Format("het heeft geen checkpoint"))?;
        let mut lines = head.split('\n').peekable();
        if lines.next() != Some(HEADER) {
            return Err(ProofError::Format("de eerste regel is niet c2sp.org/tlog-proof@v1"));
        }
        let extra = lines
            .next_if(|line| line.starts_with("extra "))
            .map(|line| STANDARD.decode(&line["extra ".len()..]))
            .transpose()
            .map_err(|_| ProofError::Format("de regel extra is geen base64"))?;
        let index = lines
            .next()
            .and_then(|line| line.strip_prefix("index "))
            .and_then(decimal)
            .ok_or(ProofError::Format("het heeft geen regel met een gewoon getal als index"))?;
        let hashes = lines
            .map(decode_hash)
            .collect::<Option<Vec<_>>>()
            .ok_or(ProofError::Format("een regel van het pad is geen hash in base64"))?;
        let proof = Self { extra, index, hashes, checkpoint: checkpoint.to_owned() };
        proof.check_limits()?;
        Ok(proof)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::super::checkpoint::Signer;
    use super::super::tree::{Frontier, inclusion_proof};
    use super::*;

    const REGEL: &[u8] = br#"{"v":1,"soort":"aanvaard"}"#;

    /// A proof of leaf 4 of 7, with a real signature.
    fn example() -> (TlogProof, VerifyKey) {
        let (mut frontier, mut nodes) = (Frontier::default(), HashMap::new());
        for number in 0..7_u8 {
            let leaf = if number == 4 { REGEL } else { &[number] };
            frontier.push(leaf_hash(leaf), &mut |node, hash| {
                nodes.insert(node, hash);
            });
        }
        let origin = "logboek.voorbeeld.nl/2026".to_owned();
        let signer = Signer::from_seed(&origin, &[7; 32]).unwrap();
        let checkpoint = Checkpoint { origin, size: 7, root: frontier.root() };
        let proof = TlogProof {
            extra: Some(REGEL.to_vec()),
            index: 4,
            hashes: inclusion_proof(4, 7, |node| nodes.get(&node).copied().ok_or(())).unwrap(),
            checkpoint: signer.sign(&checkpoint),
        };
        (proof, signer.vkey())
    }

    #[test]
    fn a_proof_survives_its_text_and_verifies_by_itself() {
        let (proof, key) = example();
        let text = proof.to_string();
        assert!(text.starts_with("c2sp.org/tlog-proof@v1\nextra eyJ2Ijox"), "{text}");
        let read: TlogProof = text.parse().unwrap();
        assert_eq!(read, proof);
        let verified = read.verify(&key).unwrap();
        assert_eq!((verified.leaf.as_slice(), verified.index), (REGEL, 4));
        assert_eq!(verified.checkpoint.size, 7);
    }

    #[test]
    fn the_text_is_the_one_other_implementations_write() {
        // The shape that transparency-dev/formats asserts for a proof without extra or path.
        let proof = TlogProof { extra: None, index: 0, hashes: Vec::new(), checkpoint: "checkpoint\n".to_owned() };
        assert_eq!(proof.to_string(), "c2sp.org/tlog-proof@v1\nindex 0\n\ncheckpoint\n");
        assert_eq!(proof.to_string().parse(), Ok(proof.clone()));
        let (_, key) = example();
        assert_eq!(proof.verify(&key), Err(ProofError::NoLeaf));
    }

    #[test]
    fn no_changed_byte_of_the_text_still_verifies() {
        let (proof, key) = example();
        let text = proof.to_string();
        for place in 0..text.len() {
            for bit in [1, 2, 32] {
                let mut changed = text.clone().into_bytes();
                changed[place] ^= bit;
                let Ok(changed) = String::from_utf8(changed) else {
                    continue;
                };
                let outcome = changed.parse::<TlogProof>().and_then(|proof| proof.verify(&key));
                outcome.expect_err(&changed);
            }
        }
    }

    #[test]
    fn malformed_and_oversized_proofs_are_refused() {
        let (proof, key) = example();
        let text = proof.to_string();
        for wrong in [
            String::new(),
            text.replace("@v1", "@v2"),
            text.replace("index 4", "index 04"),
            text.replace("index 4\n", ""),
            text.replace("index 4\n", "index 4\nAAAA\n"),
            text.replace("extra ", "extra  "),
            text.replace('\n', "\r\n"),
            format!("{text}{}", "x".repeat(MOST_PROOF_BYTES)),
            TlogProof { hashes: vec![[0; 32]; 64], ..proof.clone() }.to_string(),
            TlogProof { extra: Some(vec![b'x'; 4097]), ..proof.clone() }.to_string(),
        ] {
            assert!(matches!(wrong.parse::<TlogProof>(), Err(ProofError::Format(_))), "{wrong}");
        }
        let long = TlogProof { extra: Some(vec![b'x'; 4097]), ..proof.clone() };
        assert!(matches!(long.verify(&key), Err(ProofError::Format(_))));
        let beyond = TlogProof { index: 7, ..proof };
        assert_eq!(beyond.verify(&key), Err(ProofError::IndexBeyondSize { index: 7, size: 7 }));
    }
}
