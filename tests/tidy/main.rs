//! Reads the source and holds it to the architecture, a file a rule: which module may import which ([`imports`]), in what order the
//! store knows its own rooms and files ([`store`]), that every file is a module ([`orphans`]) and everything in it is used ([`dead`]),
//! how long files and functions may be ([`lengths`]), what is pure and who reads the clock ([`pure`]), which words we use
//! ([`vocabulary`]), that no private key is in the repository ([`keys`]), and that alerts ask for what a gateway tells ([`deploy`]).
//!
//! A scan of text, not a compiler: it blanks comments and literals ([`text`]) and looks at what is left ([`source`]), here and there at
//! what a path names ([`paths`]) and what is defined ([`items`]). That is enough for rules which nobody tries to evade, and it says at
//! once which line breaks which rule. The last tests of each file feed its rule a small source that breaks it, so that a rule cannot fall
//! silent.

mod dead;
mod deploy;
mod imports;
mod items;
mod keys;
mod lengths;
mod orphans;
mod paths;
mod pure;
mod source;
mod store;
mod text;
mod vocabulary;

fn report(breaches: impl IntoIterator<Item = String>) {
    let breaches: Vec<String> = breaches.into_iter().collect();
    assert!(breaches.is_empty(), "{} rule(s) of tests/tidy broken:\n{}", breaches.len(), breaches.join("\n"));
}

/// One breach, at this line, that names this.
fn assert_one(breaches: &[String], place: &str, named: &str) {
    let [breach] = breaches else { panic!("expected one breach at {place}, found {breaches:#?}") };
    assert!(breach.starts_with(&format!("{place}: ")), "{breach} is not at {place}");
    assert!(breach.contains(named), "{breach} does not name {named}");
}
