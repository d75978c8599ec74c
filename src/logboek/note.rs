//! Keys and signed notes: C2SP signed-note, for both kinds of key that checkpoints meet.
//!
//! Signatures of keys we do not know are ignored, a bad one of a key we do know condemns the whole
//! note, as signed-note asks. What the text of a note means is not decided here.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::{Engine, engine::general_purpose::STANDARD};

use super::tree::sha256;

/// Longest note that is looked at, in bytes: the sixteen signatures every reader must accept, some
/// of them post-quantum (near 5 kB), fit with room to spare. Source: C2SP signed-note, "Format".
pub const MOST_NOTE_BYTES: usize = 128 * 1024;

/// What is wrong with a note, a checkpoint or a key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// Longer than [`MOST_NOTE_BYTES`]; nothing of it was parsed.
    #[error("de nota is langer dan {MOST_NOTE_BYTES} bytes")]
    TooLong,
    /// Not of the form of C2SP signed-note; says what is wrong with it.
    #[error("dit is geen ondertekende nota: {0}")]
    Note(&'static str),
    /// The text of the note is not of the form of C2SP tlog-checkpoint; says which line is wrong.
    #[error("dit is geen checkpoint: {0}")]
    Checkpoint(&'static str),
    /// A name that no key may have. Source: C2SP signed-note, "Format".
    #[error("de naam van een sleutel is niet leeg en heeft geen spatie, stuurteken of plus")]
    Name,
    /// No vkey, or one of another signature type than asked for; says what is wrong with it.
    #[error("dit is geen sleutel van de soort die hier hoort: {0}")]
    Key(&'static str),
    /// Well formed, but without a signature of the key with this name and id; holds the name of the key.
    #[error("de nota draagt geen handtekening van {0}")]
    Unsigned(String),
    /// A signature that claims this key does not verify, which condemns the note; holds the name of the key.
    #[error("de handtekening van {0} is vals")]
    BadSignature(String),
    /// Signed by the right key, but speaking for another log.
    #[error("het checkpoint is van logboek {found}, de sleutel van logboek {expected}")]
    Origin {
        /// Name of the key that was asked for.
        expected: String,
        /// Origin line of the checkpoint.
        found: String,
    },
}

/// Key of a log: plain Ed25519 (C2SP signed-note, type 0x01).
pub type VerifyKey = NoteKey<0x01>;

/// Key of a witness: timestamped cosignatures (C2SP tlog-cosignature, type 0x04).
pub type WitnessKey = NoteKey<0x04>;

/// An Ed25519 key under a name, of one signature type: a key for one purpose cannot be handed in
/// for another. Written as a vkey: `name+hex(key id)+base64(type || public key)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteKey<const TYPE: u8> {
    name: String,
    id: [u8; 4],
    public: [u8; 32],
}

impl<const TYPE: u8> NoteKey<TYPE> {
    pub(super) fn new(name: &str, public: [u8; 32]) -> Result<Self, NoteError> {
        if !valid_name(name) {
            return Err(NoteError::Name);
        }
        // C2SP signed-note, "Signatures": the first four bytes are the key ID.
        let [a, b, c, d, ..] = sha256(&[name.as_bytes(), b"\n", &[TYPE], &public]);
        Ok(Self { name: name.to_owned(), id: [a, b, c, d], public })
    }

    /// The same public key under another name: of the log before, or after.
    ///
    /// # Errors
    /// [`NoteError::Name`] when no reader would accept that name.
    pub fn named(&self, name: &str) -> Result<Self, NoteError> {
        Self::new(name, self.public)
    }

    /// Name on the signature lines; for a log's key also its origin.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The public key itself.
    #[must_use]
    pub fn public(&self) -> &[u8; 32] {
        &self.public
    }

    /// The four bytes a signature of this key begins with.
    pub(super) fn id(&self) -> &[u8] {
        &self.id
    }

    pub(super) fn verify(&self, message: &str, signature: &[u8]) -> Result<(), NoteError> {
        UnparsedPublicKey::new(&ED25519, &self.public)
            .verify(message.as_bytes(), signature)
            .map_err(|_| NoteError::BadSignature(self.name.clone()))
    }
}

impl<const TYPE: u8> fmt::Display for NoteKey<TYPE> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = STANDARD.encode([&[TYPE][..], &self.public].concat());
        write!(f, "{}+{}+{key}", self.name, hex::encode(self.id))
    }
}

impl<const TYPE: u8> FromStr for NoteKey<TYPE> {
    type Err = NoteError;

    fn from_str(vkey: &str) -> Result<Self, NoteError> {
        // Base64 itself may hold a plus; a name may not.
        let parts: Vec<&str> = vkey.splitn(3, '+').collect();
        let [name, id, key] = parts[..] else {
            return Err(NoteError::Key("zij heeft de vorm naam+id+sleutel"));
        };
        let key = STANDARD.decode(key).map_err(|_| NoteError::Key("zij is geen base64"))?;
        let Some((&kind, public)) = key.split_first() else {
            return Err(NoteError::Key("zij is leeg"));
        };
        if kind != TYPE {
            return Err(NoteError::Key("haar soort handtekening is een andere"));
        }
        let public = public.try_into().map_err(|_| NoteError::Key("zij is geen 32 bytes"))?;
        let parsed = Self::new(name, public)?;
        // In one way only: eight lowercase digits.
        if hex::encode(parsed.id) == id {
            Ok(parsed)
        } else {
            Err(NoteError::Key("haar id hoort niet bij haar naam en sleutel"))
        }
    }
}

/// C2SP signed-note, "Format".
fn valid_name(name: &str) -> bool {
    let barred = |c: char| c.is_whitespace() || c.is_control() || c == '+';
    !name.is_empty() && !name.contains(barred)
}

/// A note taken apart, nothing verified yet.
pub(super) struct Note<'a> {
    text: &'a str,
    /// Name, and key id and signature in one.
    signatures: Vec<(&'a str, Vec<u8>)>,
}

impl<'a> Note<'a> {
    /// C2SP signed-note, "Format".
    pub(super) fn parse(note: &'a str) -> Result<Self, NoteError> {
        if note.len() > MOST_NOTE_BYTES {
            return Err(NoteError::TooLong);
        }
        if note.bytes().any(|byte| byte < b' ' && byte != b'\n') {
            return Err(NoteError::Note("zij heeft een stuurteken"));
        }
        // The text may hold empty lines, so the last one is the border.
        let border = note.rfind("\n\n").ok_or(NoteError::Note("zij heeft geen lege regel"))?;
        let (text, lines) = (&note[..=border], &note[border + 2..]);
        let lines = lines.strip_suffix('\n').ok_or(NoteError::Note("zij eindigt niet op een regeleinde"))?;
        let signatures = lines.split('\n').map(signature_line).collect::<Option<_>>();
        let signatures =
            signatures.ok_or(NoteError::Note("een regel met een handtekening heeft niet de goede vorm"))?;
        Ok(Self { text, signatures })
    }

    /// What is signed, its last newline included.
    pub(super) fn text(&self) -> &'a str {
        self.text
    }

    /// The signatures that say they are of this key.
    pub(super) fn of<const TYPE: u8>(&self, key: &NoteKey<TYPE>) -> Result<Vec<&[u8]>, NoteError> {
        // Name and id together say which key it is; one of them alone is somebody else's.
        let signatures: Vec<&[u8]> = (self.signatures.iter())
            .filter(|(name, _)| *name == key.name)
            .filter_map(|(_, bytes)| bytes.strip_prefix(&key.id))
            .collect();
        if signatures.is_empty() {
            return Err(NoteError::Unsigned(key.name.clone()));
        }
        Ok(signatures)
    }
}

fn signature_line(line: &str) -> Option<(&str, Vec<u8>)> {
    let (name, signature) = line.strip_prefix("\u{2014} ")?.split_once(' ')?;
    let signature = STANDARD.decode(signature).ok()?;
    (valid_name(name) && signature.len() > 4).then_some((name, signature))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the signed-note documentation of Go (`golang.org/x/mod/sumdb/note`).
    const GO_KEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    const GO_NOTE: &str = "\
If you think cryptography is the answer to your problem,
then you don't know what your problem is.

— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=
";
    /// The test vector of C2SP signed-note.
    const C2SP_KEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
    const C2SP_NOTE: &str = "\
This is an example message.

— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=
";

    #[test]
    fn the_published_notes_verify_with_their_published_keys() {
        for (note, vkey) in [(GO_NOTE, GO_KEY), (C2SP_NOTE, C2SP_KEY)] {
            let key: VerifyKey = vkey.parse().unwrap();
            assert_eq!(key.to_string(), vkey);
            let note = Note::parse(note).unwrap();
            let signatures = note.of(&key).unwrap();
            assert_eq!(signatures.len(), 1);
            key.verify(note.text(), signatures[0]).unwrap();
            key.verify(&note.text().to_uppercase(), signatures[0]).unwrap_err();
        }
    }

    #[test]
    fn the_last_empty_line_is_the_border() {
        let note = C2SP_NOTE.replace("This", "Eerst dit.\n\nThis");
        let note = Note::parse(&note).unwrap();
        assert_eq!(note.text(), "Eerst dit.\n\nThis is an example message.\n");
    }

    #[test]
    fn malformed_notes_and_keys_are_refused() {
        let line = C2SP_NOTE.rsplit_once("\n\n").unwrap().1;
        for wrong in [
            "",
            "\n\n",
            "tekst\n\n",
            "tekst\n\n\n",
            C2SP_NOTE.trim_end(),
            &C2SP_NOTE.replace("example ", "example\t"),
            &C2SP_NOTE.replace('\u{2014}', "-"),
            &C2SP_NOTE.replace("example.com/foo", "example+foo"),
            &format!("tekst\n\n— naam AAAA\n{line}"),
            &format!("{C2SP_NOTE}\r\n"),
        ] {
            assert!(matches!(Note::parse(wrong), Err(NoteError::Note(_))), "{wrong:?}");
        }
        let long = format!("{}{C2SP_NOTE}", "x".repeat(MOST_NOTE_BYTES));
        assert_eq!(Note::parse(&long).err(), Some(NoteError::TooLong));

        for wrong in [
            "",
            "naam",
            &C2SP_KEY.replace("530d903a", "530d903b"),
            &C2SP_KEY.replace("foo", "fop"),
            &C2SP_KEY.replace("2k", "2"),
            &C2SP_KEY.replace("example", "exam ple"),
        ] {
            wrong.parse::<VerifyKey>().unwrap_err();
        }
        // The same bytes are a key of one type only.
        C2SP_KEY.parse::<WitnessKey>().unwrap_err();
    }
}
