//! The signed tree head (checkpoint): C2SP tlog-checkpoint and tlog-cosignature.
//!
//! It signs for a log and verifies for everyone. It does not make cosignatures: a witness runs its
//! own software, with a key of its own.

use std::{fmt, sync::Arc};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::{Engine, engine::general_purpose::STANDARD};

use super::note::Note;
pub use super::note::{MOST_NOTE_BYTES, NoteError, NoteKey, VerifyKey, WitnessKey};
use super::tree::Hash;

/// Largest tree, in leaves: sizes also live in the signed integers of databases.
const MOST_REGELS: u64 = i64::MAX.cast_unsigned();

/// A tree head: which log, how many leaves, which root. Source: C2SP tlog-checkpoint, "Note text".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Name of the log; it carries the year.
    pub origin: String,
    /// Number of leaves, at most 2^63 - 1.
    pub size: u64,
    /// Root hash of the tree over those leaves (RFC 6962 section 2.1).
    pub root: Hash,
}

impl Checkpoint {
    /// The three lines that are signed.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, STANDARD.encode(self.root))
    }

    /// In one line, as the first regel of a next logboek names it: origin, size and root, with spaces between.
    #[must_use]
    pub fn line(&self) -> String {
        self.text().trim_end().replace('\n', " ")
    }

    /// Reads back [`Checkpoint::text`]. Extension lines are refused: our logs write none, and so
    /// what is parsed is always all that was signed.
    ///
    /// # Errors
    /// [`NoteError::Checkpoint`] names the line that is wrong.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let lines: Vec<&str> = text.strip_suffix('\n').unwrap_or_default().splitn(4, '\n').collect();
        let [origin, size, root] = lines[..] else {
            return Err(NoteError::Checkpoint("het heeft drie regels, elk met een regeleinde"));
        };
        if origin.is_empty() {
            return Err(NoteError::Checkpoint("de naam van het logboek is leeg"));
        }
        let size = decimal(size).filter(|size| *size <= MOST_REGELS);
        Ok(Self {
            origin: origin.to_owned(),
            size: size.ok_or(NoteError::Checkpoint("het aantal regels is geen gewoon getal"))?,
            root: decode_hash(root).ok_or(NoteError::Checkpoint("de wortel is geen hash in base64"))?,
        })
    }
}

/// A decimal number without sign or leading zeros, as every C2SP format asks.
pub(super) fn decimal(text: &str) -> Option<u64> {
    text.parse().ok().filter(|number: &u64| number.to_string() == text)
}

/// A hash in padded base64.
pub(super) fn decode_hash(text: &str) -> Option<Hash> {
    STANDARD.decode(text).ok()?.try_into().ok()
}

/// Signs checkpoints for one log. Whether one may be signed is the caller's to know.
#[derive(Clone)]
pub struct Signer {
    key: VerifyKey,
    pair: Arc<Ed25519KeyPair>,
}

impl Signer {
    /// The signer of the log `name`, from its Ed25519 seed (RFC 8032 section 5.1.5).
    ///
    /// # Errors
    /// [`NoteError::Name`] when no reader would accept that name.
    pub fn from_seed(name: &str, seed: &[u8; 32]) -> Result<Self, NoteError> {
        let no_key = NoteError::Key("het zaad geeft geen sleutel");
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| no_key.clone())?;
        let public = pair.public_key().as_ref().try_into().map_err(|_| no_key)?;
        Ok(Self { key: VerifyKey::new(name, public)?, pair: Arc::new(pair) })
    }

    /// The signer of another log, with the same pair of keys.
    ///
    /// # Errors
    /// [`NoteError::Name`] when no reader would accept that name.
    pub fn named(&self, name: &str) -> Result<Self, NoteError> {
        Ok(Self { key: self.key.named(name)?, pair: Arc::clone(&self.pair) })
    }

    /// The key others verify with.
    #[must_use]
    pub fn vkey(&self) -> VerifyKey {
        self.key.clone()
    }

    /// The whole signed note. Give the checkpoint the signer's name as origin: [`open`] refuses
    /// any other, so a mistake here cannot speak for another log.
    #[must_use]
    pub fn sign(&self, checkpoint: &Checkpoint) -> String {
        let text = checkpoint.text();
        let signature = self.pair.sign(text.as_bytes());
        let signature = STANDARD.encode([self.key.id(), signature.as_ref()].concat());
        format!("{text}\n\u{2014} {} {signature}\n", self.key.name())
    }
}

impl fmt::Debug for Signer {
    /// Never the seed: a debug print must not be able to leak it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({})", self.key)
    }
}

/// Verifies a signed checkpoint of the log that `key` belongs to.
///
/// # Errors
/// [`NoteError`]: malformed, not signed by this key, a false signature of it, or another log.
pub fn open(note: &str, key: &VerifyKey) -> Result<Checkpoint, NoteError> {
    let note = Note::parse(note)?;
    for signature in note.of(key)? {
        key.verify(note.text(), signature)?;
    }
    let checkpoint = Checkpoint::parse(note.text())?;
    if checkpoint.origin == key.name() {
        Ok(checkpoint)
    } else {
        Err(NoteError::Origin { expected: key.name().to_owned(), found: checkpoint.origin })
    }
}

/// When the witness saw this tree head, in seconds since 1970. It vouches for the text as it stands;
/// of which log that is, only [`open`] on the same note says.
///
/// # Errors
/// [`NoteError`]: malformed, not signed by this witness, or a false signature of it.
pub fn cosignature_time(note: &str, key: &WitnessKey) -> Result<u64, NoteError> {
    let note = Note::parse(note)?;
    let mut latest = 0;
    for timestamped in note.of(key)? {
        // C2SP tlog-cosignature, "Format": a big-endian u64 below 2^63, then the signature.
        let (time, signature) = timestamped
            .split_first_chunk::<8>()
            .map(|(time, signature)| (u64::from_be_bytes(*time), signature))
            .filter(|(time, _)| *time <= i64::MAX.cast_unsigned())
            .ok_or_else(|| NoteError::BadSignature(key.name().to_owned()))?;
        key.verify(&format!("cosignature/v1\ntime {time}\n{}", note.text()), signature)?;
        latest = latest.max(time);
    }
    Ok(latest)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A real checkpoint with its log's signature and a cosignature among others, as it stands in
    /// the tests of tlog-scales; software of others made every byte.
    const REAL: &str = "\
arche2025h1.staging.ct.transparency.dev
1432088532
U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=

— arche2025h1.staging.ct.transparency.dev zTM8sQAAAZ5W0WdjBAMARjBEAiBjW5IQf9pvsYLfQFX6hoGREPMHbdQ3urbllzalApkptQIgIpwtEroeW2BXaHAI4kJXFbon5Ch9MNL5zRNZ55lvGt0=
— arche2025h1.staging.ct.transparency.dev ui8GwCF1+kWqZrxGdhj4aX3gcw7XUlXQQabg/27lefwhUkzbC3NygNI75MdhL1bfTW9g8Ei59RA23oHP7Ry1k3ZFWwQ=
— remora.n621.de 2net5wAAAABqEiEgPlfF3V06o0Y+fHM+J5J9s27wgxxcOVSpZ/2g/KSiXCg9DEZI+aVCIobWX9sXTynk5XeU/zZ0WBxtqB0DrAWfBw==
";
    const REAL_LOG: &str =
        "arche2025h1.staging.ct.transparency.dev+ba2f06c0+AU0vHmlGCS/PdN8b2OaGmKprLI8HKM+dJ472xgFYh15f";
    const REAL_WITNESS: &str = "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2";

    fn ours() -> (Signer, Checkpoint) {
        let origin = "logboek.voorbeeld.nl/2026".to_owned();
        let signer = Signer::from_seed(&origin, &[7; 32]).unwrap();
        (signer, Checkpoint { origin, size: 42, root: [9; 32] })
    }

    #[test]
    fn a_real_checkpoint_opens_with_the_key_of_its_log() {
        let checkpoint = open(REAL, &REAL_LOG.parse().unwrap()).unwrap();
        assert_eq!(checkpoint.size, 1_432_088_532);
        assert!(REAL.starts_with(&checkpoint.text()));
    }

    #[test]
    fn a_real_cosignature_tells_its_time() {
        let witness: WitnessKey = REAL_WITNESS.parse().unwrap();
        assert_eq!(cosignature_time(REAL, &witness), Ok(0x6a12_2120));
        let moved = REAL.replace("wAAAABqEiEg", "wAAAABqEiEh");
        let refused = Err(NoteError::BadSignature("remora.n621.de".to_owned()));
        assert_eq!(cosignature_time(&moved, &witness), refused);
        assert_eq!(cosignature_time(&REAL.replace("532\n", "533\n"), &witness), refused);
        let (signer, checkpoint) = ours();
        let unsigned = Err(NoteError::Unsigned("remora.n621.de".to_owned()));
        assert_eq!(cosignature_time(&signer.sign(&checkpoint), &witness), unsigned);
    }

    #[test]
    fn what_is_signed_opens_and_every_changed_byte_of_it_does_not() {
        let (signer, checkpoint) = ours();
        let note = signer.sign(&checkpoint);
        assert_eq!(open(&note, &signer.vkey()), Ok(checkpoint));
        for place in 0..note.len() {
            let mut changed = note.clone().into_bytes();
            changed[place] ^= 1;
            if let Ok(changed) = String::from_utf8(changed) {
                open(&changed, &signer.vkey()).unwrap_err();
            }
        }
    }

    #[test]
    fn unknown_signers_are_ignored_and_a_false_known_one_condemns() {
        let (signer, checkpoint) = ours();
        let stranger = Signer::from_seed("iemand.anders", &[8; 32]).unwrap();
        let (note, other) = (signer.sign(&checkpoint), stranger.sign(&checkpoint));
        let line = note.split_once("\n\n").unwrap().1;
        let both = format!("{other}{line}");
        assert_eq!(open(&both, &signer.vkey()), Ok(checkpoint.clone()));
        assert!(matches!(open(&other, &signer.vkey()), Err(NoteError::Unsigned(_))));

        // A good signature beside a false one of the same key does not save the note.
        let elsewhere = signer.sign(&Checkpoint { size: 43, ..checkpoint });
        let false_line = elsewhere.split_once("\n\n").unwrap().1;
        let mixed = format!("{note}{false_line}");
        assert!(matches!(open(&mixed, &signer.vkey()), Err(NoteError::BadSignature(_))));
    }

    #[test]
    fn a_log_cannot_speak_for_another_log() {
        let (signer, checkpoint) = ours();
        let note = signer.sign(&Checkpoint { origin: "een.ander/2026".to_owned(), ..checkpoint });
        assert!(matches!(open(&note, &signer.vkey()), Err(NoteError::Origin { .. })));
    }

    #[test]
    fn only_the_exact_three_lines_are_a_checkpoint() {
        let (_, checkpoint) = ours();
        let text = checkpoint.text();
        assert_eq!(Checkpoint::parse(&text), Ok(checkpoint));
        for wrong in [
            String::new(),
            text.trim_end().to_owned(),
            format!("{text}extensie\n"),
            text.replace("logboek.voorbeeld.nl/2026", ""),
            text.replace("\n42", "\n042"),
            text.replace("\n42", "\n9223372036854775808"),
            text.replace("=\n", "\n"),
        ] {
            assert!(matches!(Checkpoint::parse(&wrong), Err(NoteError::Checkpoint(_))), "{wrong}");
        }
    }
}
