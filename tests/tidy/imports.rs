//! Which module may import which.
//!
//! To add a module: a row in [`EDGES`].

use std::collections::BTreeSet;

use crate::{
    assert_one, report,
    source::{Source, rust_sources},
    text::{is_word, words},
};

/// What a module may import from the other top-level modules.
enum Allowed {
    Only(&'static [&'static str]),
    Anything,
}
use Allowed::{Anything, Only};

/// The table of allowed edges, lowest module first. ARCHITECTURE.md shows the same as a drawing.
const EDGES: &[(&str, Allowed)] = &[
    ("domain", Only(&[])),
    ("proto", Only(&[])),
    ("files", Only(&[])),
    ("clock", Only(&["domain"])),
    ("proceslog", Only(&[])),
    ("uitgaand", Only(&[])),
    ("telemetry", Only(&["uitgaand"])),
    ("pki", Only(&["domain"])),
    ("tls", Only(&["domain", "files", "telemetry"])),
    ("lezen", Only(&["domain"])),
    ("documenten", Only(&["domain", "lezen"])),
    ("config", Only(&["documenten", "domain", "lezen", "telemetry", "uitgaand"])),
    ("check", Only(&["config", "domain", "lezen", "tls"])),
    ("logboek", Only(&["domain"])),
    ("sleutels", Only(&["domain", "files", "logboek"])),
    ("store", Only(&["config", "documenten", "domain", "files", "logboek", "sleutels", "telemetry"])),
    ("jobs", Only(&[])),
    (
        "exchange",
        Only(&["check", "documenten", "domain", "jobs", "lezen", "logboek", "sleutels", "store", "telemetry"]),
    ),
    // What it must know of the store, exchange tells it in words of its own.
    ("grpc", Only(&["documenten", "domain", "exchange", "logboek", "proto", "telemetry", "tls"])),
    ("web", Only(&["check", "documenten", "domain", "exchange", "grpc", "logboek", "proto"])),
    (
        "gateway",
        Only(&[
            "check",
            "clock",
            "config",
            "documenten",
            "domain",
            "exchange",
            "files",
            "grpc",
            "jobs",
            "lezen",
            "logboek",
            "pki",
            "proceslog",
            "proto",
            "sleutels",
            "store",
            "telemetry",
            "tls",
            "uitgaand",
            "web",
        ]),
    ),
    ("client", Only(&["domain", "proto", "tls"])),
    ("demo", Anything),
    ("cli", Anything),
    // The map of the crate names every module.
    ("lib", Anything),
    ("main", Only(&["cli"])),
];

#[test]
fn imports_run_one_way() {
    let sources = rust_sources();
    let modules: BTreeSet<&str> = sources.iter().map(Source::module).collect();
    report(sources.iter().flat_map(|source| forbidden_imports(source, &modules)));
}

fn forbidden_imports(source: &Source, modules: &BTreeSet<&str>) -> Vec<String> {
    let module = source.module();
    if source.path.ends_with("/tests.rs") {
        return Vec::new();
    }
    let Some((_, allowed)) = EDGES.iter().find(|(name, _)| *name == module) else {
        return vec![source.breach(0, &format!("module `{module}` has no row in EDGES of tests/tidy"))];
    };
    let Only(allowed) = allowed else { return Vec::new() };
    let mut breaches = Vec::new();
    for (at, target) in crate_paths(&source.without_tests(), &source.module_path()) {
        if !modules.contains(target.as_str()) {
            let rule = format!("`{target}` is no module; import a name from the module that defines it");
            breaches.push(source.breach(at, &rule));
        } else if target != module && !allowed.contains(&target.as_str()) {
            let rule = format!("`{module}` may not import `{target}`; it may import: {}", listed(allowed));
            breaches.push(source.breach(at, &rule));
        }
    }
    breaches
}

pub fn listed(modules: &[&str]) -> String {
    if modules.is_empty() { "nothing".to_owned() } else { modules.join(", ") }
}

/// The crate's own paths in `code`: where they stand and to which top-level module they go.
fn crate_paths(code: &str, module_path: &[&str]) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut supers = 0;
    for (at, word) in words(code) {
        let rest = code[at + word.len()..].trim_start();
        let Some(rest) = rest.strip_prefix("::") else {
            supers = 0;
            continue;
        };
        supers = if word == "super" { supers + 1 } else { 0 };
        // main.rs is a crate of its own and knows the library by name.
        let by_name = word == "ketenpoort" && module_path.is_empty();
        let from_root = word == "crate" || by_name || (supers > 0 && supers >= module_path.len());
        if from_root {
            found.extend(first_names(rest).into_iter().filter(|name| name != "super").map(|name| (at, name)));
        }
    }
    found
}

/// The first name of a path, or of each path in a group `{a::b, c::{d, e}}`.
fn first_names(rest: &str) -> Vec<String> {
    let rest = rest.trim_start();
    let Some(group) = rest.strip_prefix('{') else {
        let name: String = rest.chars().take_while(|c| is_word(*c)).collect();
        return if name.is_empty() { Vec::new() } else { vec![name] };
    };
    let mut names = Vec::new();
    let (mut depth, mut fresh) = (1, true);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => fresh = true,
            c if fresh && is_word(c) => {
                names.push(group[at..].chars().take_while(|c| is_word(*c)).collect());
                fresh = false;
            }
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    names
}

fn imports(path: &str, raw: &str) -> Vec<String> {
    let modules: BTreeSet<&str> = EDGES.iter().map(|(name, _)| *name).collect();
    forbidden_imports(&Source::new(path, raw), &modules)
}

#[test]
fn an_import_against_the_direction_is_caught_in_every_form() {
    let place = "src/store/writer.rs:2";
    for form in [
        "use crate::exchange::Send;",
        "use crate::{domain::Oin, exchange::{Send, domain}};",
        "fn f(x: &crate::exchange::Send) {}",
        "use super::super::exchange::Send;",
        "use super::super::{domain, exchange};",
        "macro_rules! m { () => { $crate::exchange::send() } }",
    ] {
        assert_one(&imports("src/store/writer.rs", &format!("\n{form}\n")), place, "may not import `exchange`");
    }
    assert_one(&imports("src/domain/mod.rs", "use super::clock::SystemClock;"), "src/domain/mod.rs:1", "`clock`");
    assert_one(&imports("src/clock.rs", "use super::store::Store;"), "src/clock.rs:1", "`store`");
    assert_one(&imports("src/main.rs", "use ketenpoort::store::Store;"), "src/main.rs:1", "`store`");
}

#[test]
fn a_name_of_the_crate_root_and_a_module_without_a_row_are_caught() {
    assert_one(&imports("src/tls/mod.rs", "use crate::Gateway;"), "src/tls/mod.rs:1", "`Gateway` is no module");
    assert_one(&imports("src/nieuw.rs", "\nfn f() {}"), "src/nieuw.rs:1", "`nieuw` has no row");
}

#[test]
fn allowed_imports_tests_comments_and_literals_pass() {
    let source = r##"
        //! See [`crate::exchange`].
        use crate::{domain::{Adres, Oin}, logboek::{self, tree}, store::writer};
        use super::{writer, postvak};
        /* crate::grpc /* nested */ crate::grpc */
        const A: &str = "crate::grpc"; const B: &str = r#"use crate::grpc"; "#; const C: char = '"';
        fn life<'a>(x: &'a str) -> &'a str { x }
        #[cfg(test)]
        use crate::demo::seed;
        #[cfg(test)]
        mod tests { use crate::gateway::run; fn f() { if true {} } }
        use crate::sleutels::KeyStore;
    "##;
    assert_eq!(imports("src/store/berichten.rs", source), Vec::<String>::new());
    let after = format!("{source}\nuse crate::cli::Args;");
    assert_one(&imports("src/store/berichten.rs", &after), "src/store/berichten.rs:14", "`cli`");
    assert_eq!(imports("src/cli/demo.rs", "use crate::{gateway, client, store};"), Vec::<String>::new());
}
