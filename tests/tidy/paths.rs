//! Paths in the code, and the file that defines what each of them names: through groups, `super`, other names, and re-exports.

use std::collections::BTreeMap;

use crate::{
    source::Source,
    text::{is_word, spaces, words},
};

/// One name of a `use`.
#[derive(Clone)]
pub struct Import {
    /// Where its `use` stands.
    pub at: usize,
    /// As it is written, without groups.
    pub path: Vec<String>,
    /// How it is called here.
    pub name: String,
    /// Whether it is passed on: `pub use`, of whatever visibility.
    pub is_passed_on: bool,
}

/// A module that is a file.
pub struct Module<'a> {
    pub source: &'a Source,
    /// Without tests and without `use`.
    pub code: String,
    pub imports: Vec<Import>,
}

/// The modules of the crate by their path from its root.
pub struct Crate<'a>(pub BTreeMap<Vec<String>, Module<'a>>);

/// Deeper than re-exports go; what goes further refers to itself.
const MAX_DEPTH: u8 = 16;

impl<'a> Crate<'a> {
    pub fn new(sources: &'a [Source]) -> Self {
        let module = |source: &'a Source| {
            let (imports, code) = imports(&source.without_tests());
            // main.rs is a root of its own, from which nobody imports.
            let path = if source.path == "src/main.rs" { vec!["main"] } else { source.module_path() };
            (path.into_iter().map(str::to_owned).collect(), Module { source, code, imports })
        };
        Self(sources.iter().map(module).collect())
    }

    /// Everything that this module names by a path: where, and the module that defines it. What is only passed on is named by
    /// whoever imports it from here.
    pub fn named_in(&self, module: &[String]) -> Vec<(usize, &Module<'a>)> {
        let of = &self.0[module];
        let is_used = |import: &&Import| !import.is_passed_on || words(&of.code).any(|(_, word)| word == import.name);
        let imported = of.imports.iter().filter(is_used).map(|import| (import.at, import.path.clone()));
        let defining = |(at, path): (usize, Vec<String>)| {
            let (defined_in, name) = self.defined(module, &path)?;
            let is_module = self.0.contains_key(&child(&defined_in, &name));
            (!is_module).then(|| (at, &self.0[&defined_in]))
        };
        let long = paths(&of.code).into_iter().filter(|(_, path)| path.len() > 1);
        imported.chain(long).filter_map(defining).collect()
    }

    /// The module that defines what a path names, written in `from`, and its name there. What is not of the crate seems to be defined
    /// where it is named.
    pub fn defined(&self, from: &[String], path: &[String]) -> Option<(Vec<String>, String)> {
        self.resolve(from, path, MAX_DEPTH)
    }

    fn resolve(&self, from: &[String], path: &[String], depth: u8) -> Option<(Vec<String>, String)> {
        let (first, rest) = path.split_first()?;
        match first.as_str() {
            // main.rs is a crate of its own and knows the library by name.
            "crate" | "ketenpoort" => self.below(Vec::new(), rest, depth),
            "self" => self.below(from.to_vec(), rest, depth),
            "super" => {
                let supers = path.iter().take_while(|name| *name == "super").count();
                self.below(from[..from.len().checked_sub(supers)?].to_vec(), &path[supers..], depth)
            }
            _ => self.below(from.to_vec(), path, depth),
        }
    }

    fn below(&self, mut module: Vec<String>, path: &[String], depth: u8) -> Option<(Vec<String>, String)> {
        let depth = depth.checked_sub(1)?;
        for (at, name) in path.iter().enumerate() {
            let (below, rest) = (child(&module, name), &path[at + 1..]);
            // A module and what it defines can have one name, and then the last of a path is the second.
            if self.0.contains_key(&below) && !rest.is_empty() {
                module = below;
                continue;
            }
            let mut imports = self.0.get(&module)?.imports.iter().filter(|import| import.name == *name).peekable();
            if imports.peek().is_none() {
                return Some((module, name.clone()));
            }
            return imports.find_map(|import| self.resolve(&module, &[&import.path, rest].concat(), depth));
        }
        None
    }
}

fn child(module: &[String], name: &str) -> Vec<String> {
    [module, &[name.to_owned()]].concat()
}

/// The imports of a source, and the source without them.
pub fn imports(code: &str) -> (Vec<Import>, String) {
    let (mut found, mut without) = (Vec::new(), code.to_owned());
    for (at, _) in words(code).filter(|(_, word)| *word == "use") {
        let tree = &code[at + "use".len()..];
        let Some(end) = tree.find(';').filter(|_| tree.starts_with(char::is_whitespace)) else { continue };
        let before = code[..at].trim_end();
        let visibility = before.rsplit([';', '{', '}', ']']).next().unwrap_or(before).trim_start();
        let is_passed_on = visibility.starts_with("pub");
        for mut path in leaves(&tree[..end]) {
            let name = match path.as_slice() {
                [.., of, last] if last == "self" => of.clone(),
                [.., middle, alias] if middle == "as" => alias.clone(),
                [.., last] => last.clone(),
                [] => continue,
            };
            if path.last().is_some_and(|last| last == "self") && path.len() > 1 {
                path.pop();
            }
            if let Some(alias) = path.iter().position(|word| word == "as") {
                path.truncate(alias);
            }
            found.push(Import { at, path, name, is_passed_on });
        }
        let whole = at..at + "use".len() + end + 1;
        without.replace_range(whole.clone(), &spaces(&code[whole]));
    }
    (found, without)
}

/// Every path of a tree `a::{b, c::{d, e as f}}`. Another name is the last word of its path, after `as`.
fn leaves(tree: &str) -> Vec<Vec<String>> {
    let (mut found, mut path, mut groups) = (Vec::new(), Vec::new(), Vec::new());
    let mut rest = tree;
    while let Some(c) = rest.chars().next() {
        let length = rest.find(|c| !is_word(c)).unwrap_or(rest.len()).max(c.len_utf8());
        match c {
            '{' => groups.push(path.len()),
            ',' | '}' => {
                if path.len() > groups.last().copied().unwrap_or(0) {
                    found.push(path.clone());
                }
                if c == '}' {
                    groups.pop();
                }
                path.truncate(groups.last().copied().unwrap_or(0));
            }
            '*' => path.push("*".to_owned()),
            c if is_word(c) => path.push(rest[..length].to_owned()),
            _ => {}
        }
        rest = &rest[length..];
    }
    if !path.is_empty() {
        found.push(path);
    }
    found
}

/// The paths that stand in code; a single name is one too.
pub fn paths(code: &str) -> Vec<(usize, Vec<String>)> {
    let mut found: Vec<(usize, Vec<String>)> = Vec::new();
    let mut end_of_last = None;
    for (at, word) in words(code) {
        match found.last_mut().filter(|_| end_of_last.is_some_and(|end: usize| code[end..at].trim() == "::")) {
            Some((_, path)) => path.push(word.to_owned()),
            None => found.push((at, vec![word.to_owned()])),
        }
        end_of_last = Some(at + word.len());
    }
    found
}
