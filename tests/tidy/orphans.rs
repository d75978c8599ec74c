//! Every source is declared as a module somewhere: what is not, nobody compiles.

use std::{
    collections::BTreeSet,
    path::{Component, Path, PathBuf},
};

use crate::{
    assert_one, report,
    source::{Source, all_rust_sources},
    text::words,
};

#[test]
fn every_source_is_a_module_of_something() {
    report(orphans(&all_rust_sources()));
}

fn orphans(sources: &[Source]) -> Vec<String> {
    let declared: BTreeSet<PathBuf> = sources.iter().flat_map(declared_in).collect();
    let is_orphan = |source: &&Source| !is_root(&source.path) && !declared.contains(Path::new(&source.path));
    let rule = "no `mod` declares this file, so that nobody compiles it; declare it or remove it";
    sources.iter().filter(is_orphan).map(|source| source.breach(0, rule)).collect()
}

/// What cargo compiles by itself.
fn is_root(path: &str) -> bool {
    let parts: Vec<&str> = path.split('/').collect();
    match parts.as_slice() {
        ["src", file] => ["lib.rs", "main.rs"].contains(file),
        ["tests" | "benches", _] | ["tests" | "benches", _, "main.rs"] => true,
        _ => false,
    }
}

/// The files that this source may mean by its `mod name;`, and the one by each with a path of its own.
fn declared_in(source: &Source) -> Vec<PathBuf> {
    let path = Path::new(&source.path);
    let folder = path.parent().unwrap_or(Path::new(""));
    let stem = path.file_stem().unwrap_or_default();
    let below = if is_root(&source.path) || stem == "mod" { folder.to_owned() } else { folder.join(stem) };
    let mut found = Vec::new();
    for (at, _) in words(&source.code).filter(|(_, word)| *word == "mod") {
        let rest = source.code[at + "mod".len()..].trim_start();
        let Some((_, name)) = words(rest).next().filter(|(_, name)| rest[name.len()..].trim_start().starts_with(';'))
        else {
            continue;
        };
        match own_path(&source.text[..at]) {
            Some(own) => found.push(flat(&folder.join(own))),
            None => found.extend([below.join(format!("{name}.rs")), below.join(name).join("mod.rs")]),
        }
    }
    found
}

/// The path in `#[path = ".."]`, where that is among the attributes that end here.
fn own_path(before: &str) -> Option<&str> {
    let attributes = &before[before.rfind([';', '}']).map_or(0, |at| at + 1)..];
    let (_, path) = attributes.rsplit_once("#[path = \"")?;
    path.split('"').next()
}

/// Without `..`.
fn flat(path: &Path) -> PathBuf {
    let mut flat = PathBuf::new();
    for part in path.components() {
        if part == Component::ParentDir {
            flat.pop()
        } else {
            flat.push(part);
            true
        };
    }
    flat
}

#[test]
fn a_file_that_nobody_declares_is_caught() {
    let raw = [
        ("src/lib.rs", "pub mod a; pub(crate) mod b;"),
        ("src/main.rs", ""),
        ("src/a.rs", "mod c; #[cfg(test)]\nmod tests;"),
        ("src/a/c.rs", "// mod e;"),
        ("src/a/tests.rs", ""),
        ("src/b/mod.rs", "mod d { const A: &str = \"mod e;\"; }"),
        ("benches/admission.rs", ""),
        ("tests/gateway/main.rs", "mod send;\n#[path = \"../support/postgres.rs\"]\n#[allow(x)]\nmod postgres;"),
        ("tests/gateway/send.rs", ""),
        ("tests/support/postgres.rs", ""),
    ];
    let with = |path: &str| -> Vec<String> {
        let sources = raw.iter().copied().chain([(path, "")]).map(|(path, raw)| Source::new(path, raw));
        orphans(&sources.collect::<Vec<_>>())
    };
    assert_eq!(with("tests/tidy.rs"), Vec::<String>::new());
    for orphan in [
        "src/d.rs",
        "src/c.rs",
        "src/a/e.rs",
        "src/b/e.rs",
        "src/b/d.rs",
        "tests/gateway/postgres.rs",
        "tests/support/a.rs",
    ] {
        assert_one(&with(orphan), &format!("{orphan}:1"), "no `mod` declares this file");
    }
}
