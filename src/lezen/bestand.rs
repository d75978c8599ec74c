//! Files with a text that somebody wrote: opened only where they are plain files, and read no further than such a text can be.

use std::{
    fs,
    io::{self, Read},
    path::Path,
};

use toml_parser::{
    Source,
    lexer::{Token, TokenKind},
};

use super::{Mistakes, fout::Fout};

/// A text in bytes, at most: a convenant of some five hundred rules. Reading one takes several times as much memory.
pub const MOST_BYTES: u64 = 512 << 10;
/// Keys, tables and lists in a text, at most. Each takes about a kibibyte while the text is read, however few bytes it is written in.
pub const MOST_PARTS: usize = 32_768;

/// The text of a file, or `None` where it is larger than a text may be. Devices and pipes, which need not end, are none.
///
/// # Errors
/// When it cannot be read or is no text.
pub fn read_bounded(file: &Path) -> io::Result<Option<String>> {
    if !fs::metadata(file)?.is_file() {
        return Err(io::Error::other("dit is geen gewoon bestand"));
    }
    let mut text = String::new();
    let mut opened = fs::File::open(file)?.take(MOST_BYTES + 1);
    // The bytes first: cut off in the middle of a character, a text that is too large would seem to be none.
    let mut bytes = Vec::new();
    opened.read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MOST_BYTES {
        return Ok(None);
    }
    bytes.as_slice().read_to_string(&mut text)?;
    Ok(Some(text))
}

/// The text of a file; that it cannot be read is noted and gives `None`.
#[must_use]
pub fn read(file: &Path, mistakes: &Mistakes) -> Option<String> {
    let fout = match read_bounded(file) {
        Ok(Some(text)) => return Some(text),
        Ok(None) => too_large(),
        Err(error) => Fout::Onleesbaar { reden: error.to_string() },
    };
    mistakes.of_file(file, fout);
    None
}

/// What is wrong with a text of more than [`MOST_BYTES`].
#[must_use]
pub fn too_large() -> Fout {
    Fout::TeGroot { kibibytes: MOST_BYTES >> 10 }
}

/// Why a text is not to be read, because that would take more memory than it is worth.
#[must_use]
pub fn too_much(text: &str) -> Option<Fout> {
    if text.len() as u64 > MOST_BYTES {
        return Some(too_large());
    }
    let is_part = |token: &Token| {
        matches!(
            token.kind(),
            TokenKind::Dot | TokenKind::Equals | TokenKind::LeftSquareBracket | TokenKind::LeftCurlyBracket
        )
    };
    let parts = Source::new(text).lex().filter(is_part).count();
    (parts > MOST_PARTS).then_some(Fout::TeVeelDelen { hoogstens: MOST_PARTS })
}
