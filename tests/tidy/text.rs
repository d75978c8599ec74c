//! Rust as text: comments and literals blanked, words, and where an item ends.

use std::ops::Range;

/// The range of the item at `from`: up to its closing brace, or to the semicolon of an item without a body.
pub fn item(code: &str, from: usize) -> Range<usize> {
    let (mut braces, mut others) = (0_usize, 0_usize);
    for (at, c) in code[from..].char_indices() {
        match c {
            '(' | '[' => others += 1,
            ')' | ']' => others = others.saturating_sub(1),
            '{' => braces += 1,
            '}' => {
                braces = braces.saturating_sub(1);
                if braces == 0 && others == 0 {
                    return from..from + at + 1;
                }
            }
            ';' if braces == 0 && others == 0 => return from..from + at + 1,
            _ => {}
        }
    }
    from..code.len()
}

/// Every identifier, keyword and number, with its place.
pub fn words(code: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut from = 0;
    std::iter::from_fn(move || {
        let start = from + code[from..].find(is_word)?;
        let end = code[start..].find(|c| !is_word(c)).map_or(code.len(), |length| start + length);
        from = end;
        Some((start, &code[start..end]))
    })
}

pub fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// `LegalBasis`, `LEGAL_BASIS` and `legal_basis` become `legal_basis`.
pub fn snake_case(word: &str) -> String {
    let mut snake = String::new();
    let mut before = '_';
    for c in word.chars() {
        if c.is_uppercase() && before.is_lowercase() {
            snake.push('_');
        }
        snake.extend(c.to_lowercase());
        before = c;
    }
    snake
}

/// Replaces comments by spaces, and with `literals` the inside of strings and characters too; lines and places stay.
pub fn blank(source: &str, literals: bool) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    let mut before = ' ';
    while let Some(c) = rest.chars().next() {
        let (length, hide) = match token(rest, before) {
            Token::Comment(length) => (length, true),
            Token::Literal(length) => (length, literals),
            Token::Code => (c.len_utf8(), false),
        };
        let (part, left) = rest.split_at(length);
        if hide {
            out.push_str(&spaces(part));
        } else {
            out.push_str(part);
        }
        before = part.chars().next_back().unwrap_or(before);
        rest = left;
    }
    out
}

/// As many spaces as there are bytes, so that every place stays where it was; line ends stay too.
pub fn spaces(part: &str) -> String {
    part.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }).collect()
}

enum Token {
    Comment(usize),
    Literal(usize),
    Code,
}

fn token(rest: &str, before: char) -> Token {
    if rest.starts_with("//") {
        return Token::Comment(rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return Token::Comment(block_comment(rest));
    }
    if rest.starts_with('"') {
        return Token::Literal(quoted(rest, '"'));
    }
    if rest.starts_with('\'') {
        return character(rest);
    }
    // r"..", r#".."#, br".." and cr"..", but not r#type and not the end of a name.
    let raw = rest.trim_start_matches(['b', 'c']);
    if !is_word(before) && rest.len() - raw.len() <= 1 && raw.starts_with('r') {
        let hashes = raw[1..].len() - raw[1..].trim_start_matches('#').len();
        if raw[1 + hashes..].starts_with('"') {
            let end = format!("\"{}", "#".repeat(hashes));
            let opened = rest.len() - raw.len() + 1 + hashes + 1;
            return Token::Literal(rest[opened..].find(&end).map_or(rest.len(), |at| opened + at + end.len()));
        }
    }
    Token::Code
}

fn block_comment(rest: &str) -> usize {
    let mut depth = 0;
    let bytes = rest.as_bytes();
    let mut at = 0;
    while at + 1 < bytes.len() {
        match &bytes[at..at + 2] {
            b"/*" => depth += 1,
            b"*/" => depth -= 1,
            _ => {
                at += 1;
                continue;
            }
        }
        at += 2;
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

fn quoted(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// A character, or the tick of a lifetime.
fn character(rest: &str) -> Token {
    let mut inside = rest[1..].chars();
    match (inside.next(), inside.next()) {
        (Some('\\'), _) | (Some(_), Some('\'')) => Token::Literal(quoted(rest, '\'')),
        _ => Token::Code,
    }
}
