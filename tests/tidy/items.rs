//! What a source defines: functions, types, constants, and the `impl` blocks of types.

use std::ops::Range;

use crate::text::{is_word, item, words};

/// Something that is defined at the top of a module, or in the `impl` of a type.
pub struct Item {
    pub name: String,
    /// Where its name stands.
    pub at: usize,
    /// From its keyword to its end.
    pub body: Range<usize>,
    pub is_public: bool,
    /// The type that it is of, if any.
    pub of: Option<String>,
    /// Whether it is called on a value.
    pub is_method: bool,
}

/// An `impl` block.
pub struct Impl {
    /// Of which type.
    pub of: String,
    /// Whether it is of a trait, which says what must be in it.
    pub is_of_trait: bool,
    pub body: Range<usize>,
}

const KEYWORDS: &[&str] = &["fn", "struct", "enum", "trait", "type", "const", "static"];
const MODIFIERS: &[&str] = &["const", "async", "unsafe", "extern"];

/// What is defined here, without what traits ask for and what is defined inside functions.
pub fn items(code: &str) -> Vec<Item> {
    let impls = impls(code);
    let mut found: Vec<Item> = Vec::new();
    let mut without: Vec<Range<usize>> = impls.iter().filter(|of| of.is_of_trait).map(|of| of.body.clone()).collect();
    for (at, keyword) in words(code).filter(|(_, word)| KEYWORDS.contains(word)) {
        // A lifetime, a pointer, a parameter that is a constant, a raw name.
        let before = code[..at].trim_end();
        let is_part = before.ends_with(['\'', '*', '<', ',', '#', '.', '(', '$']);
        let after = &code[at + keyword.len()..];
        let name: String = after.trim_start().chars().take_while(|c| is_word(*c)).collect();
        let is_other =
            name.is_empty() || name == "_" || KEYWORDS.contains(&name.as_str()) || MODIFIERS.contains(&name.as_str());
        if is_part || is_other || without.iter().any(|range| range.contains(&at)) {
            continue;
        }
        let body = item(code, at);
        if keyword == "fn" || keyword == "trait" {
            without.push(at + 1..body.end);
        }
        let of = impls.iter().find(|of| of.body.contains(&at)).map(|of| of.of.clone());
        let is_method = keyword == "fn" && takes_self(&code[body.clone()]);
        let is_public = is_public(before);
        let at = at + keyword.len() + after.len() - after.trim_start().len();
        found.push(Item { name, at, body, is_public, of, is_method });
    }
    found
}

/// Whether `pub` or `pub(..)` stands at the end, before `const`, `async` and the like.
fn is_public(mut before: &str) -> bool {
    while let Some(shorter) = MODIFIERS.iter().find_map(|word| before.strip_suffix(word)) {
        before = shorter.trim_end().trim_end_matches(['"', ' ']);
    }
    if before.ends_with(')') {
        before = before[..before.rfind('(').unwrap_or(0)].trim_end();
    }
    before.ends_with("pub") && !before[..before.len() - 3].ends_with(is_word)
}

/// Whether the first parameter of this function is itself.
fn takes_self(function: &str) -> bool {
    let head = &function[..function.find('{').unwrap_or(function.len())];
    // The parentheses of a bound among the generics hold no `self`.
    head.split('(').skip(1).any(|part| {
        let first = part.split([',', ')', ':']).next().unwrap_or(part);
        words(first).last().is_some_and(|(_, word)| word == "self")
    })
}

/// Every `impl` block; not `impl Trait` in the place of a type.
pub fn impls(code: &str) -> Vec<Impl> {
    let is_block = |at: &usize| {
        let before = code[..*at].trim_end();
        before.is_empty() || before.ends_with(['}', ';', ']', '{']) || before.ends_with("unsafe")
    };
    let places = words(code).filter(|(_, word)| *word == "impl").map(|(at, _)| at).filter(is_block);
    places.map(|at| impl_at(code, item(code, at))).collect()
}

fn impl_at(code: &str, body: Range<usize>) -> Impl {
    let whole = &code[body.clone()];
    let head = &whole["impl".len()..whole.find('{').unwrap_or(whole.len())];
    let (mut depth, mut of, mut is_of_trait) = (0_u32, String::new(), false);
    let mut last = '<';
    let mut names = words(head).peekable();
    for (at, c) in head.char_indices() {
        match c {
            '<' => depth += 1,
            '>' if last != '-' => depth = depth.saturating_sub(1),
            _ => {}
        }
        last = c;
        if names.peek().is_some_and(|(start, _)| *start == at)
            && let Some((_, name)) = names.next()
            && depth == 0
        {
            match name {
                "for" => is_of_trait = true,
                "where" => break,
                name => name.clone_into(&mut of),
            }
        }
    }
    Impl { of, is_of_trait, body }
}
