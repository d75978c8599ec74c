//! Nothing stands in the program that the program does not use. The compiler finds that of what is private; here it is found of all.
//!
//! A path is followed to what it names. Of what is called on a value only the name is known, so that two methods of one name hide each
//! other.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    assert_one,
    items::{Impl, Item, impls, items},
    paths::{Crate, Import, Module, paths},
    report,
    source::{Source, rust_sources, source, sources_below},
    text::{spaces, words},
};

const LATER: &str = "a part of the format of the logboek, for the witnesses that come later";

/// What only tests use, by file and name, and why it stands in the program all the same.
const FOR_TESTS: &[(&str, &str, &str)] = &[
    ("src/lezen/fout.rs", "list::TABLE", "its test holds docs/fouten.md to it, and writes that anew"),
    ("src/logboek/checkpoint.rs", "cosignature_time", LATER),
    ("src/logboek/note.rs", "WitnessKey", LATER),
    ("src/pki/ca.rs", "DevCa::crl_pem", "tests of revocation lists need a CA that issues some"),
];

#[test]
fn the_program_uses_what_stands_in_it() {
    let mut sources = rust_sources();
    // It names what the generated code uses.
    sources.push(source("build.rs"));
    let tests: Vec<Source> = sources_below("tests", "rs").into_iter().chain(sources_below("benches", "rs")).collect();
    report(unused(&sources, &tests, FOR_TESTS));
}

fn unused(sources: &[Source], tests: &[Source], for_tests: &[(&str, &str, &str)]) -> Vec<String> {
    let all = Crate::new(sources);
    let mut program = Program::new(&all);
    // What only unused items use is unused too.
    while program.blank_unused(&all) {}
    program.judged(&tested(sources, tests), for_tests)
}

/// The words of tests.
fn tested<'a>(sources: &'a [Source], tests: &'a [Source]) -> BTreeSet<&'a str> {
    let in_program = |source: &'a Source| {
        let program = if source.path.ends_with("/tests.rs") { spaces(&source.code) } else { source.without_tests() };
        words(&source.code).filter(move |(at, _)| program[*at..].starts_with(' '))
    };
    let in_tests = tests.iter().flat_map(|source| words(&source.code));
    sources.iter().flat_map(in_program).chain(in_tests).map(|(_, word)| word).collect()
}

/// A file as the program sees it.
struct File<'a> {
    module: Vec<String>,
    source: &'a Source,
    /// Without tests, without `use`, and without what is unused.
    code: String,
    items: Vec<Item>,
    impls: Vec<Impl>,
}

struct Program<'a> {
    files: Vec<File<'a>>,
    /// By the number of the file and that of the item in it.
    unused: BTreeSet<(usize, usize)>,
}

/// Where something is named: in which file, at which place, and after which name and `::`, if any.
struct Mention {
    file: usize,
    at: usize,
    after: Option<String>,
}

/// Everything that is named.
#[derive(Default)]
struct Named {
    /// By a path: the module that defines it, and its name there.
    by_path: BTreeMap<(Vec<String>, String), Vec<Mention>>,
    /// After a dot or `::`.
    of_something: BTreeMap<String, Vec<Mention>>,
}

impl<'a> Program<'a> {
    fn new(all: &Crate<'a>) -> Self {
        let is_read = |source: &Source| source.path != "src/proto.rs" && !source.path.ends_with("/tests.rs");
        let file = |(path, module): (&Vec<String>, &Module<'a>)| {
            let source = module.source;
            // build.rs names in literals what it tells others to use.
            let code = if source.path == "build.rs" { source.text.clone() } else { module.code.clone() };
            File { module: path.clone(), source, items: items(&code), impls: impls(&code), code }
        };
        let files = all.0.iter().filter(|(_, module)| is_read(module.source)).map(file).collect();
        Self { files, unused: BTreeSet::new() }
    }

    /// Finds what nothing names but itself, and takes it out. Whether there was something.
    fn blank_unused(&mut self, all: &Crate) -> bool {
        let mut named = Named::default();
        for (number, file) in self.files.iter().enumerate() {
            named.read(all, number, file);
        }
        let is_free = |item: &&Item| item.of.is_none();
        let free = self.files.iter().flat_map(|file| file.items.iter().filter(is_free));
        let types: BTreeSet<&str> = free.map(|item| item.name.as_str()).collect();
        let every = self.files.iter().enumerate().flat_map(|(at, file)| (0..file.items.len()).map(move |of| (at, of)));
        let is_new = |number: &(usize, usize)| !self.unused.contains(number) && !self.is_used(*number, &named, &types);
        let found: Vec<(usize, usize)> = every.filter(is_new).collect();
        for (file, item) in &found {
            let (file, item) = (&mut self.files[*file], *item);
            let item = &file.items[item];
            let own = file.impls.iter().filter(|of| item.of.is_none() && of.of == item.name);
            for range in own.map(|of| &of.body).chain([&item.body]) {
                file.code.replace_range(range.clone(), &spaces(&file.code[range.clone()]));
            }
        }
        self.unused.extend(&found);
        !found.is_empty()
    }

    fn is_used(&self, (number, item): (usize, usize), named: &Named, types: &BTreeSet<&str>) -> bool {
        let file = &self.files[number];
        let item = &file.items[item];
        let is_outside = |mention: &&Mention| self.is_outside(mention, number, item);
        match &item.of {
            _ if item.name == "main" => true,
            None => {
                let mentions = named.by_path.get(&(file.module.clone(), item.name.clone()));
                mentions.into_iter().flatten().any(|mention| is_outside(&mention))
            }
            Some(of) => {
                let mut mentions = named.of_something.get(&item.name).into_iter().flatten().filter(is_outside);
                mentions.any(|mention| self.may_mean(mention, of, item, types))
            }
        }
    }

    /// Whether this names an item from outside of it: a type also from outside of its `impl` blocks.
    fn is_outside(&self, mention: &Mention, file: usize, item: &Item) -> bool {
        let is_inside = mention.file == file && item.body.contains(&mention.at);
        let is_own = |of: &Impl| item.of.is_none() && of.of == item.name && of.body.contains(&mention.at);
        !is_inside && !self.files[mention.file].impls.iter().any(is_own)
    }

    /// Whether a name after a dot or `::` can be this one of this type.
    fn may_mean(&self, mention: &Mention, of: &str, item: &Item, types: &BTreeSet<&str>) -> bool {
        match mention.after.as_deref() {
            None => item.is_method,
            Some("Self") => {
                let within = self.files[mention.file].impls.iter().find(|of| of.body.contains(&mention.at));
                within.is_none_or(|within| within.of == of)
            }
            // A name that no type of ours has is that of a parameter, or another name of a type.
            Some(after) => after == of || !types.contains(after),
        }
    }

    fn judged(&self, tested: &BTreeSet<&str>, for_tests: &[(&str, &str, &str)]) -> Vec<String> {
        let mut breaches = Vec::new();
        let mut listed: BTreeSet<(&str, &str)> = for_tests.iter().map(|(path, name, _)| (*path, *name)).collect();
        let unused = self.unused.iter().map(|(file, item)| (self.files[*file].source, &self.files[*file].items[*item]));
        for (source, item) in unused.filter(|(_, item)| item.is_public) {
            let name = item.of.as_ref().map_or_else(|| item.name.clone(), |of| format!("{of}::{}", item.name));
            let so_far = listed.len();
            listed.retain(|listed| *listed != (source.path.as_str(), name.as_str()));
            if !tested.contains(item.name.as_str()) {
                breaches.push(source.breach(item.at, &format!("nothing uses `{name}`; remove it")));
            } else if listed.len() == so_far {
                let rule = format!("only tests use `{name}`; remove it, or say in FOR_TESTS why it stands here");
                breaches.push(source.breach(item.at, &rule));
            }
        }
        let stale =
            |(path, name)| format!("{path}:1: not only tests use `{name}`, or it is gone; take it out of FOR_TESTS");
        breaches.extend(listed.into_iter().map(stale));
        breaches
    }
}

impl Named {
    fn read(&mut self, all: &Crate, number: usize, file: &File) {
        let mention = |at: usize, after: Option<&str>| Mention { file: number, at, after: after.map(str::to_owned) };
        let imports = &all.0[&file.module].imports;
        let globs: Vec<&[String]> =
            imports.iter().filter_map(|import| import.path.strip_suffix(&["*".to_owned()])).collect();
        let is_renamed = |import: &&Import| import.name != "*" && import.path.last() != Some(&import.name);
        for import in imports.iter().filter(is_renamed) {
            if let Some(defined) = all.defined(&file.module, &import.path) {
                self.by_path.entry(defined).or_default().push(mention(import.at, None));
            }
        }
        let definitions: BTreeSet<usize> = file.items.iter().map(|item| item.at).collect();
        for (at, path) in paths(&file.code) {
            let (before, rest) = (file.code[..at].trim_end(), file.code[at + path[0].len()..].trim_start());
            if before.ends_with('.') && !before.ends_with("..") {
                // A field is not called.
                if rest.starts_with(['(', ':']) {
                    self.of_something.entry(path[0].clone()).or_default().push(mention(at, None));
                }
                continue;
            }
            // The end of a path with generics in it, of which the type is not known here.
            if before.ends_with("::") {
                self.of_something.entry(path[0].clone()).or_default().push(mention(at, Some("")));
            }
            for pair in path.windows(2) {
                self.of_something.entry(pair[1].clone()).or_default().push(mention(at, Some(&pair[0])));
            }
            if definitions.contains(&at) {
                continue;
            }
            for path in globs.iter().map(|glob| [*glob, &path].concat()).chain([path.clone()]) {
                if let Some(defined) = all.defined(&file.module, &path) {
                    self.by_path.entry(defined).or_default().push(mention(at, None));
                }
            }
        }
    }
}

fn given(program: &[(&str, &str)], test: &str, for_tests: &[(&str, &str, &str)]) -> Vec<String> {
    let root = ("src/main.rs", "fn main() { ketenpoort::a::start(); }");
    let sources: Vec<Source> = program.iter().chain([&root]).map(|(path, raw)| Source::new(path, raw)).collect();
    unused(&sources, &[Source::new("tests/a.rs", test)], for_tests)
}

#[test]
fn what_nothing_uses_is_caught_of_every_kind() {
    for dead in [
        "pub fn dood() {}",
        "pub(crate) const fn dood() -> u8 { dood() }",
        "pub(in crate::a) struct Dood { pub a: u8 }\nimpl Dood { fn b() -> Dood { Dood::b() } }\nimpl Clone for Dood {}",
        "pub enum Dood { A }",
        "pub const DOOD: [u8; 3] = [0; 3];",
        "pub(super) type Dood = u8;",
        "pub trait Dood { fn a(&self); }",
        "impl B { pub fn dood(&self) { self.dood(); let dood = self.dood; } }",
        "impl<'a, T: Into<u8>> super::a::B { pub async fn dood(a: u8) -> u8 { C::dood() } }",
    ] {
        let rest = "pub fn start() { B::c(); C::dood(); let x = b.dood; }\npub struct B; impl B { fn c() {} }\n\
            pub struct C; impl C { fn dood() {} }\n\
            #[cfg(test)] mod tests { use super::*; }";
        let raw = format!("//! [`dood`], [`DOOD`] and [`Dood`].\npub use b::x;\n{dead}\n{rest}");
        let found = given(&[("src/a.rs", &raw)], "", &[]);
        assert_one(&found, "src/a.rs:3", "nothing uses");
    }
}

#[test]
fn what_only_tests_use_is_caught_unless_it_is_listed() {
    let raw = "pub fn start() {}\npub fn proef() -> B { B }\npub struct B;\n#[cfg(test)] mod tests { fn f() { super::klein(); } }\n\
        fn klein() {}";
    let test = "use ketenpoort::a::proef; fn f() { let B = proef(); }";
    let why = |name: &'static str| ("src/a.rs", name, "why");
    let found = given(&[("src/a.rs", raw)], test, &[why("B")]);
    assert_one(&found, "src/a.rs:2", "only tests use `proef`");
    assert_eq!(given(&[("src/a.rs", raw)], test, &[why("B"), why("proef")]), Vec::<String>::new());
    let stale = given(&[("src/a.rs", raw)], test, &[why("B"), why("proef"), why("start")]);
    assert_one(&stale, "src/a.rs:1", "not only tests use `start`");
}

#[test]
fn what_is_used_by_a_path_a_dot_another_name_or_the_build_passes() {
    let program = [
        ("src/lib.rs", "pub mod a; mod b;"),
        (
            "src/a.rs",
            "mod c; pub use c::{A, d}; use c::e as f; use c::g::*; use c as h; use super::b;\n\
            pub fn start<T: E>(b: B) { d(|x| f(x)).i().j::<u8>(); k(); h::l(); T::m(); <A as E>::n(); b::b(A::O, p!()) }",
        ),
        (
            "src/a/c.rs",
            "pub(super) struct A; impl A { pub fn i(&self) {} pub(crate) fn j<F: Fn(u8)>(self) {}\n\
            pub fn m() { Self::q(); } pub(super) fn n() {} pub const O: u8 = 1; pub fn q() {} }\n\
            pub fn d() {} pub const fn e() {} pub(in crate::a) fn l() {} pub mod g;",
        ),
        (
            "src/a/c/g.rs",
            "pub fn k() {} pub struct Codec; impl Codec { pub fn deep() {} } impl E for Codec { fn a() { Self::deep() } }",
        ),
        ("src/b.rs", "pub fn b() { b(); } pub trait E {} impl E for A { const B: u8 = 1; fn m() {} type C = u8; }"),
        ("build.rs", "fn main() { codec(\"crate::a::c::g::Codec\"); }"),
    ];
    assert_eq!(given(&program, "", &[]), Vec::<String>::new());
}
