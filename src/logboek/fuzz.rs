//! Everything that is parsed from others, under bytes that nobody would write: mutations of real ones, some tens of thousands each time.
//! Nothing panics; what is accepted is what was signed, and is written in one way only.

use super::{
    Checkpoint, Head, Logregel, Signer, Soort, TlogProof, VerifyKey, check_leaf, inclusion_proof, open,
    statisch::{WholeTree, entries},
};

/// Repeatable, so that what fails fails again.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % (most.max(1) as u64)).unwrap()
    }

    /// Some bytes changed, put in, taken out, doubled or swapped.
    fn mutate(&mut self, bytes: &[u8]) -> Vec<u8> {
        const ODD: &[u8] = b"\n\r \t+-=/0AZaz\x00\x7f\xff\xe2\x80\x94";
        let mut bytes = bytes.to_vec();
        for _ in 0..=self.below(3) {
            let (at, end) = (self.below(bytes.len() + 1), self.below(bytes.len() + 1));
            let odd = ODD[self.below(ODD.len())];
            match self.below(6) {
                0 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
                1 if at < bytes.len() => bytes[at] = odd,
                2 => bytes.insert(at, odd),
                3 if at < bytes.len() => drop(bytes.remove(at)),
                4 => bytes.truncate(at),
                _ => {
                    let part = bytes[at.min(end)..at.max(end)].to_vec();
                    bytes.splice(at..at, part);
                }
            }
        }
        bytes
    }
}

fn signed() -> (Signer, Checkpoint, String) {
    let signer = Signer::from_seed("poort.example/2026", &[5; 32]).unwrap();
    let checkpoint = Checkpoint { origin: "poort.example/2026".to_owned(), size: 281, root: [9; 32] };
    let note = signer.sign(&checkpoint);
    (signer, checkpoint, note)
}

#[test]
fn a_note_that_opens_says_what_was_signed() {
    let (signer, checkpoint, note) = signed();
    let witnessed = format!("{note}\u{2014} getuige.example AAAAAQIDBAUGBwgJ\n");
    let mut dice = Dice(1);
    let mut opened = 0;
    for round in 0..60_000 {
        let mutated = dice.mutate(if round % 2 == 0 { note.as_bytes() } else { witnessed.as_bytes() });
        let Ok(text) = String::from_utf8(mutated) else { continue };
        if let Ok(said) = open(&text, &signer.vkey()) {
            assert_eq!(said, checkpoint, "{text:?}");
            assert!(text.starts_with(&checkpoint.text()), "{text:?}");
            opened += 1;
        }
        if let Ok(parsed) = Checkpoint::parse(&text) {
            assert_eq!(parsed.text(), text);
        }
    }
    assert!(opened > 100, "only {opened} of the mutations left the signature whole: this tries too little");
}

#[test]
fn a_key_and_a_proof_are_written_in_one_way() {
    let (signer, ..) = signed();
    let mut tree = WholeTree::default();
    let mut head = Head::new("poort.example/2026", 1, 0);
    for number in 0..21 {
        let leaf = Logregel::new(format!("2026-01-01T00:00:00.{number:06}Z"), Soort::Gestart).to_leaf().unwrap();
        tree.push(&leaf);
        head.read_next(&leaf).unwrap();
    }
    head.sign(&signer).unwrap();
    let hashes = inclusion_proof(20, 21, |node| tree.node(node).ok_or(())).unwrap();
    let leaf = Logregel::new("2026-01-01T00:00:00.000020Z", Soort::Gestart).to_leaf().unwrap();
    let proof = TlogProof { extra: Some(leaf.clone()), index: 20, hashes, checkpoint: head.nota };
    proof.verify(&signer.vkey()).unwrap();
    let (key, proof) = (signer.vkey().to_string(), proof.to_string());
    let mut dice = Dice(2);
    for _ in 0..30_000 {
        if let Ok(text) = String::from_utf8(dice.mutate(key.as_bytes()))
            && let Ok(parsed) = text.parse::<VerifyKey>()
        {
            assert_eq!(parsed.to_string(), text);
        }
        if let Ok(text) = String::from_utf8(dice.mutate(proof.as_bytes()))
            && let Ok(parsed) = text.parse::<TlogProof>()
        {
            assert_eq!(parsed.to_string(), text);
            if let Ok(verified) = parsed.verify(&signer.vkey()) {
                assert_eq!((verified.index, &verified.leaf), (20, &leaf), "{text:?}");
            }
        }
        let _ = check_leaf(&dice.mutate(&leaf), Some("2026-01-01T00:00:00.000000Z"));
    }
    // The bundle that is not whole comes first.
    let (_, bundle) = &tree.rest().next().unwrap();
    for _ in 0..30_000 {
        let mutated = dice.mutate(bundle);
        if let Ok(found) = entries(&mutated, 21) {
            let whole: usize = found.iter().map(|entry| entry.len() + 2).sum();
            assert_eq!(whole, mutated.len());
        }
    }
}
