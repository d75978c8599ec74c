//! How long files and functions may be, of the program, its tests and its benches.

use crate::{
    assert_one, report,
    source::{Source, all_rust_sources},
    text::{is_word, item, words},
};

const MOST_FILE_LINES: usize = 400;
const MOST_FUNCTION_LINES: usize = 60;

#[test]
fn files_and_functions_stay_short() {
    report(all_rust_sources().iter().flat_map(|source| long_file(source).into_iter().chain(long_functions(source))));
}

fn long_file(source: &Source) -> Option<String> {
    let lines = source.raw.lines().count();
    let exempt = source.path == "src/proto.rs";
    (lines > MOST_FILE_LINES && !exempt)
        .then(|| format!("{}:{lines}: has {lines} lines, more than {MOST_FILE_LINES}; split it", source.path))
}

fn long_functions(source: &Source) -> Vec<String> {
    let mut breaches = Vec::new();
    for (at, word) in words(&source.code) {
        if word != "fn" {
            continue;
        }
        let name: String =
            source.code[at + 2..].trim_start().chars().take_while(|c| is_word(*c) || *c == '$').collect();
        if name.is_empty() {
            continue; // A function type, `fn(u8)`.
        }
        let lines = source.code[item(&source.code, at)].lines().count();
        if lines > MOST_FUNCTION_LINES {
            let rule = format!("`fn {name}` has {lines} lines, more than {MOST_FUNCTION_LINES}; split it");
            breaches.push(source.breach(at, &rule));
        }
    }
    breaches
}

#[test]
fn a_long_file_is_caught() {
    let at = |lines: usize| long_file(&Source::new("src/x.rs", &"\n".repeat(lines)));
    assert_eq!(at(MOST_FILE_LINES), None);
    assert!(at(MOST_FILE_LINES + 1).is_some_and(|breach| breach.contains("401 lines")));
}

#[test]
fn a_long_function_is_caught() {
    let function = |body: usize| {
        let body = "    g(\"}\", '}'); // }\n".repeat(body);
        let raw = format!("type F = fn(u8) -> u8;\ntrait T {{ fn t(x: [u8; 3]); }}\nfn f(x: [u8; 3]) {{\n{body}}}\n");
        long_functions(&Source::new("src/x.rs", &raw))
    };
    assert_eq!(function(MOST_FUNCTION_LINES - 2), Vec::<String>::new());
    assert_one(&function(MOST_FUNCTION_LINES - 1), "src/x.rs:3", "`fn f` has 61 lines");
    let raw = format!("proptest! {{\n#[test]\nfn f(x in 0..3_u8) {{\n{}}}\n}}", "    g();\n".repeat(60));
    assert_one(&long_functions(&Source::new("tests/regels/x.rs", &raw)), "tests/regels/x.rs:3", "`fn f` has 62 lines");
}
