//! Imports within the store: room by room, and file by file without a circle.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    assert_one,
    imports::listed,
    paths::Crate,
    report,
    source::{Source, rust_sources},
};

/// What each room of the store may import of the others, lowest first. Files outside a room are below all of them.
const ROOMS: &[(&str, &[&str])] = &[
    ("database", &[]),
    ("ledger", &["database"]),
    ("postvak", &["database", "ledger"]),
    ("reading", &["database", "ledger", "postvak"]),
    ("writer", &["database", "ledger", "postvak"]),
    ("verify", &["database", "ledger", "postvak", "reading", "writer"]),
    ("zoeken", &["database", "reading"]),
];

/// Imports of the store from file to file, each with where it stands first.
type Edges<'a> = BTreeMap<&'a str, BTreeMap<&'a str, (&'a Source, usize)>>;

#[test]
fn the_rooms_of_the_store_know_only_those_before_them() {
    let sources = rust_sources();
    report(upward(&edges(&Crate::new(&sources))));
}

#[test]
fn no_imports_of_the_store_make_a_circle() {
    let sources = rust_sources();
    let all = Crate::new(&sources);
    report(circles(&edges(&all)));
}

fn edges<'a>(all: &Crate<'a>) -> Edges<'a> {
    let mut edges = Edges::new();
    let is_of_the_store =
        |source: &Source| source.path.starts_with("src/store/") && !source.path.ends_with("/tests.rs");
    for (path, module) in all.0.iter().filter(|(_, module)| is_of_the_store(module.source)) {
        let of = edges.entry(&module.source.path).or_default();
        for (at, target) in all.named_in(path) {
            if is_of_the_store(target.source) && target.source.path != module.source.path {
                of.entry(&target.source.path).or_insert((module.source, at));
            }
        }
    }
    edges
}

/// The room of a file: a directory of the store.
fn room(path: &str) -> Option<&str> {
    path.strip_prefix("src/store/")?.split_once('/').map(|(room, _)| room)
}

fn upward(edges: &Edges) -> Vec<String> {
    let mut breaches = Vec::new();
    for (from, targets) in edges {
        let here = room(from).unwrap_or("no room");
        let allowed = match ROOMS.iter().find(|(name, _)| *name == here) {
            Some((_, allowed)) => *allowed,
            None if room(from).is_none() => &[],
            None => {
                breaches.push(format!("{from}:1: room `{here}` has no row in ROOMS of tests/tidy/store.rs"));
                continue;
            }
        };
        for (to, (source, at)) in targets {
            if let Some(target) = room(to).filter(|target| *target != here && !allowed.contains(target)) {
                let rule = format!("`{here}` may not import `{target}` ({to}); it may import: {}", listed(allowed));
                breaches.push(source.breach(*at, &rule));
            }
        }
    }
    breaches
}

/// The shortest circle through each file that is on one, each once.
fn circles(edges: &Edges) -> Vec<String> {
    let mut known: BTreeSet<BTreeSet<&str>> = BTreeSet::new();
    let mut breaches = Vec::new();
    for start in edges.keys() {
        let Some(circle) = way(edges, start, start) else { continue };
        if known.insert(circle.iter().copied().collect()) {
            let (source, at) = edges[start][circle[1]];
            breaches.push(source.breach(at, &format!("imports in a circle: {}", circle.join(" -> "))));
        }
    }
    breaches
}

/// The files of the shortest way of one import or more, with both ends.
fn way<'e>(edges: &'e Edges, from: &'e str, to: &str) -> Option<Vec<&'e str>> {
    let mut ways: Vec<Vec<&str>> = vec![vec![from]];
    let mut seen = BTreeSet::new();
    while !ways.is_empty() {
        let mut longer = Vec::new();
        for way in ways {
            let Some(targets) = way.last().and_then(|last| edges.get(last)) else { continue };
            for target in targets.keys() {
                let way = [way.as_slice(), &[*target]].concat();
                if *target == to {
                    return Some(way);
                }
                if seen.insert(*target) {
                    longer.push(way);
                }
            }
        }
        ways = longer;
    }
    None
}

/// Sources below src/store.
fn given(files: &[(&str, &str)]) -> Vec<Source> {
    let files = [("mod.rs", "mod error; pub mod postvak;\npub use error::StoreError;\npub use postvak::rij::Rij;")]
        .into_iter()
        .chain(files.iter().copied());
    files.map(|(path, raw)| Source::new(&format!("src/store/{path}"), raw)).collect()
}

#[test]
fn an_import_of_a_room_above_is_caught_in_every_form() {
    for form in [
        "use crate::store::postvak::rij::Rij;",
        "use crate::{domain::Oin, store::{Pool, postvak::{rij::{self, Rij as R}}}};",
        // Passed on by src/store/mod.rs, and by the room.
        "use crate::store::Rij;",
        "use super::super::{Rij, StoreError};",
        "use crate::store::postvak::Rij;",
        "fn f(_: &crate::store::postvak::rij::Rij) {}",
        "use crate::store::postvak; fn f(_: postvak::rij::Rij) {}",
        "pub use crate::store::postvak::rij::Rij; fn f(_: Rij) {}",
    ] {
        let sources = given(&[
            ("error.rs", "pub enum StoreError {}"),
            ("database/rows.rs", &format!("\n{form}")),
            ("postvak/mod.rs", "pub mod rij;\npub use self::rij::Rij;"),
            ("postvak/rij.rs", "use crate::store::{StoreError, database::rows::Rows};"),
        ]);
        let found = upward(&edges(&Crate::new(&sources)));
        assert_one(
            &found,
            "src/store/database/rows.rs:2",
            "`database` may not import `postvak` (src/store/postvak/rij.rs)",
        );
    }
    let sources = given(&[("values.rs", "use super::reading::find;"), ("reading/mod.rs", "pub fn find() {}")]);
    assert_one(&upward(&edges(&Crate::new(&sources))), "src/store/values.rs:1", "`no room` may not import `reading`");
    let sources = given(&[("writer/mod.rs", "pub fn a() {}"), ("reading/mod.rs", "\n\nuse super::writer::a;")]);
    assert_one(&upward(&edges(&Crate::new(&sources))), "src/store/reading/mod.rs:3", "`writer`");
    let sources = given(&[("nieuw/mod.rs", "use super::reading::find;"), ("reading/mod.rs", "pub fn find() {}")]);
    assert_one(&upward(&edges(&Crate::new(&sources))), "src/store/nieuw/mod.rs:1", "`nieuw` has no row");
}

#[test]
fn a_circle_is_caught_with_its_files_in_order() {
    let sources = given(&[
        ("error.rs", "use super::postvak::work::Work;"),
        ("postvak/mod.rs", "mod rij; pub mod work; pub use rij::Rij;"),
        ("postvak/rij.rs", "use crate::store::StoreError; pub struct Rij;"),
        ("postvak/work.rs", "use super::Rij; pub struct Work;"),
    ]);
    let all = Crate::new(&sources);
    let circle = "src/store/error.rs -> src/store/postvak/work.rs -> src/store/postvak/rij.rs -> src/store/error.rs";
    assert_one(&circles(&edges(&all)), "src/store/error.rs:1", circle);
}

#[test]
fn what_is_only_passed_on_or_for_tests_makes_no_circle() {
    let sources = given(&[
        ("error.rs", "pub enum StoreError {}"),
        ("postvak/mod.rs", "pub mod rij; pub mod work;\npub(crate) use self::work::Work; pub use rij::*;"),
        (
            "postvak/rij.rs",
            "use super::super::StoreError; #[cfg(test)] mod tests { use crate::store::Rij; use super::super::Work; }",
        ),
        ("postvak/work.rs", "use crate::store::{self, Rij}; // super::Work\nfn f() { store::open(); }"),
    ]);
    let all = Crate::new(&sources);
    assert_eq!(circles(&edges(&all)), Vec::<String>::new());
}
