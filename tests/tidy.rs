//! Reads the source and holds it to the architecture: which module may import which, how long files and functions
//! may be, what is pure, which words we use, who reads the clock, and that no private key is in the repository.
//!
//! A scan of text, not a compiler: it blanks comments and literals and looks at what is left. That is enough for
//! rules which nobody tries to evade, and it says at once which line breaks which rule. The last tests feed each rule
//! a small source that breaks it, so that a rule cannot fall silent.
//!
//! To add a module: a row in [`EDGES`]. To add a word: a row in [`WORDS`].

use std::{
    collections::BTreeSet,
    fs, io,
    ops::Range,
    path::{Path, PathBuf},
    process::Command,
};

const MAX_FILE_LINES: usize = 400;
const MAX_FUNCTION_LINES: usize = 60;

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
    ("pki", Only(&["domain"])),
    ("tls", Only(&["domain", "files"])),
    ("lezen", Only(&["domain"])),
    ("documenten", Only(&["domain", "lezen"])),
    ("config", Only(&["documenten", "domain", "lezen"])),
    ("check", Only(&["config", "domain", "lezen", "tls"])),
    ("logboek", Only(&["domain"])),
    ("sleutels", Only(&["domain", "files"])),
    ("store", Only(&["config", "domain", "files", "logboek", "sleutels"])),
    ("exchange", Only(&["check", "documenten", "domain", "lezen", "logboek", "sleutels", "store"])),
    // Of store only its errors, to give each its status.
    ("grpc", Only(&["documenten", "domain", "exchange", "logboek", "proto", "store", "tls"])),
    (
        "gateway",
        Only(&[
            "check",
            "clock",
            "config",
            "documenten",
            "domain",
            "exchange",
            "grpc",
            "lezen",
            "logboek",
            "pki",
            "proto",
            "sleutels",
            "store",
            "tls",
        ]),
    ),
    ("client", Only(&["domain", "proto", "tls"])),
    ("demo", Anything),
    ("cli", Anything),
    // The map of the crate names every module.
    ("lib", Anything),
    ("main", Only(&["cli"])),
];

/// Modules that must stay pure, and the names that would make them impure.
const PURE: &[(&str, &[&str])] =
    &[("domain", &["tokio", "sqlx", "tonic", "async", "serde"]), ("logboek", &["tokio", "sqlx", "tonic", "async"])];

/// English synonyms of domain words, as they stand inside an identifier, each with the word we use.
/// Plurals are meant too. A name after a dot is spared: it may be another crate's method. Not here: `sender` and
/// `receiver`, the words of channels, and `validity`, a word of X.509.
const WORDS: &[(&str, &str)] = &[
    ("addressee", "ontvanger"),
    ("covenant", "convenant"),
    ("data_subject", "betrokkene"),
    ("inbox", "postvak"),
    ("inboxes", "postvak"),
    ("legal_base", "grondslag"),
    ("legal_basis", "grondslag"),
    ("legal_ground", "grondslag"),
    ("log_book", "logboek"),
    ("logbook", "logboek"),
    ("mail_box", "postvak"),
    ("mailbox", "postvak"),
    ("mailboxes", "postvak"),
    ("message_kind", "berichtsoort"),
    ("message_type", "berichtsoort"),
    ("recipient", "ontvanger"),
    ("retention", "houdbaarheid"),
    ("shelf_life", "houdbaarheid"),
];

/// The same for words that are common inside other names ("key agreement"): only as a whole identifier.
const WHOLE_WORDS: &[(&str, &str)] = &[("agreement", "convenant"), ("oversight", "toezicht")];

/// Calls that read the machine's clock, which is for `clock.rs` alone.
const CLOCK_READS: &[&str] = &["Timestamp::now", "Zoned::now", "SystemTime::now", "Uuid::now_v7"];

#[test]
fn imports_run_one_way() {
    let sources = rust_sources();
    let modules: BTreeSet<&str> = sources.iter().map(Source::module).collect();
    report(sources.iter().flat_map(|source| forbidden_imports(source, &modules)));
}

#[test]
fn files_and_functions_stay_short() {
    report(rust_sources().iter().flat_map(|source| long_file(source).into_iter().chain(long_functions(source))));
}

#[test]
fn domain_and_logboek_are_pure() {
    report(rust_sources().iter().flat_map(impure_names));
}

#[test]
fn domain_words_have_no_english_synonym() {
    let mut sources = rust_sources();
    sources.extend(sources_below("proto", "proto"));
    report(sources.iter().flat_map(banned_words));
}

#[test]
fn only_the_clock_reads_the_time() {
    report(rust_sources().iter().flat_map(clock_reads));
}

#[test]
fn no_private_key_is_in_the_repository() {
    let files = repository_files();
    assert!(files.iter().any(|file| file.ends_with("Cargo.toml")), "the list of repository files is not complete");
    let found = files.iter().filter_map(|file| match fs::read(root().join(file)) {
        Ok(content) => private_key_line(&content).map(|line| {
            format!("{}:{line}: holds a private key; keys are made at run time and never kept here", file.display())
        }),
        // Listed by git and removed since, or a link to a directory: nothing to read.
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::IsADirectory) => None,
        Err(error) => Some(format!("{}:1: cannot be read: {error}", file.display())),
    });
    report(found);
}

fn forbidden_imports(source: &Source, modules: &BTreeSet<&str>) -> Vec<String> {
    let module = source.module();
    if source.path.ends_with("/tests.rs") {
        return Vec::new();
    }
    let Some((_, allowed)) = EDGES.iter().find(|(name, _)| *name == module) else {
        return vec![source.breach(0, &format!("module `{module}` has no row in EDGES of tests/tidy.rs"))];
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

fn listed(modules: &[&str]) -> String {
    if modules.is_empty() { "nothing".to_owned() } else { modules.join(", ") }
}

fn long_file(source: &Source) -> Option<String> {
    let lines = source.raw.lines().count();
    let exempt = source.path == "src/proto.rs";
    (lines > MAX_FILE_LINES && !exempt)
        .then(|| format!("{}:{lines}: has {lines} lines, more than {MAX_FILE_LINES}; split it", source.path))
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
        if lines > MAX_FUNCTION_LINES {
            let rule = format!("`fn {name}` has {lines} lines, more than {MAX_FUNCTION_LINES}; split it");
            breaches.push(source.breach(at, &rule));
        }
    }
    breaches
}

fn impure_names(source: &Source) -> Vec<String> {
    let Some((module, banned)) = PURE.iter().find(|(name, _)| *name == source.module()) else { return Vec::new() };
    words(&source.code)
        .filter(|(_, word)| banned.iter().any(|name| word == name || (*name == "serde" && *word == "serde_json")))
        .map(|(at, word)| source.breach(at, &format!("`{module}` is pure and may not use `{word}`")))
        .collect()
}

fn banned_words(source: &Source) -> Vec<String> {
    let mut breaches = Vec::new();
    for (at, word) in words(&source.text) {
        if source.text[..at].ends_with('.') {
            continue;
        }
        let snake = snake_case(word);
        let inside =
            |banned: &str| format!("_{snake}_").replace("s_", "_").contains(&format!("_{}_", without_s(banned)));
        let whole = |banned: &str| without_s(&snake) == banned;
        let found = WORDS.iter().find(|(banned, _)| inside(banned));
        if let Some((banned, ours)) = found.or_else(|| WHOLE_WORDS.iter().find(|(banned, _)| whole(banned))) {
            let rule = format!("`{word}`: the domain word for `{banned}` is `{ours}`, one word everywhere");
            breaches.push(source.breach(at, &rule));
        }
    }
    breaches
}

/// Without the `s` of a plural, at the end of each part.
fn without_s(word: &str) -> String {
    format!("{word}_").replace("s_", "_").trim_end_matches('_').to_owned()
}

fn clock_reads(source: &Source) -> Vec<String> {
    if source.path == "src/clock.rs" {
        return Vec::new();
    }
    CLOCK_READS
        .iter()
        .flat_map(|call| source.code.match_indices(call))
        .filter(|(at, call)| !source.code[at + call.len()..].starts_with(is_word))
        .map(|(at, call)| source.breach(at, &format!("`{call}` is for src/clock.rs alone; take a `domain::Clock`")))
        .collect()
}

/// The line of the first private key in PEM form. The needle is put together here, so that this file holds none.
fn private_key_line(content: &[u8]) -> Option<usize> {
    let (begin, end) = (["-----", "BEGIN "].concat(), ["PRIVATE ", "KEY-----"].concat());
    let text = String::from_utf8_lossy(content);
    let at = text.lines().position(|line| line.find(&begin).is_some_and(|at| line[at..].contains(&end)))?;
    Some(at + 1)
}

/// A source file.
struct Source {
    /// Relative to the repository, with slashes.
    path: String,
    raw: String,
    /// Comments blanked.
    text: String,
    /// Comments and literals blanked.
    code: String,
}

impl Source {
    fn new(path: &str, raw: &str) -> Self {
        let (text, code) = (blank(raw, false), blank(raw, true));
        Self { path: path.to_owned(), raw: raw.to_owned(), text, code }
    }

    /// The top-level module that the file belongs to.
    fn module(&self) -> &str {
        let path = self.path.strip_prefix("src/").unwrap_or(&self.path);
        path.split_once('/').map_or_else(|| path.trim_end_matches(".rs"), |(module, _)| module)
    }

    /// The path of the file's module, from the crate's root down.
    fn module_path(&self) -> Vec<&str> {
        let path = self.path.strip_prefix("src/").unwrap_or(&self.path).trim_end_matches(".rs");
        path.split('/').filter(|part| !["mod", "lib", "main"].contains(part)).collect()
    }

    /// The code, with every item under `#[cfg(test)]` blanked.
    fn without_tests(&self) -> String {
        let mut code = self.code.clone();
        for (at, attribute) in self.code.match_indices("#[cfg(test)]") {
            let body = item(&self.code, at + attribute.len());
            code.replace_range(body.clone(), &spaces(&self.code[body]));
        }
        code
    }

    fn breach(&self, at: usize, rule: &str) -> String {
        let line = self.code[..at].matches('\n').count() + 1;
        format!("{}:{line}: {rule}", self.path)
    }
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

/// The range of the item at `from`: up to its closing brace, or to the semicolon of an item without a body.
fn item(code: &str, from: usize) -> Range<usize> {
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
fn words(code: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut from = 0;
    std::iter::from_fn(move || {
        let start = from + code[from..].find(is_word)?;
        let end = code[start..].find(|c| !is_word(c)).map_or(code.len(), |length| start + length);
        from = end;
        Some((start, &code[start..end]))
    })
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// `LegalBasis`, `LEGAL_BASIS` and `legal_basis` become `legal_basis`.
fn snake_case(word: &str) -> String {
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
fn blank(source: &str, literals: bool) -> String {
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
fn spaces(part: &str) -> String {
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

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn rust_sources() -> Vec<Source> {
    let sources = sources_below("src", "rs");
    assert!(sources.iter().any(|source| source.path == "src/domain/mod.rs"), "the scan did not find src/domain/mod.rs");
    sources
}

fn sources_below(folder: &str, extension: &str) -> Vec<Source> {
    let mut files = Vec::new();
    walk(&root().join(folder), &mut files);
    files.retain(|file| file.extension().is_some_and(|found| found == extension));
    files.sort();
    assert!(!files.is_empty(), "no .{extension} file below {folder}");
    files
        .iter()
        .map(|file| {
            let raw = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            Source::new(&relative(file).to_string_lossy(), &raw)
        })
        .collect()
}

fn relative(file: &Path) -> PathBuf {
    file.strip_prefix(root()).expect("the walk starts below the root").to_owned()
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for entry in entries {
        let path = entry.expect("a directory that opens can be listed").path();
        if path.is_symlink() || path.ends_with(".git") || path == root().join("target") {
            continue;
        }
        if path.is_dir() { walk(&path, files) } else { files.push(path) }
    }
}

/// What git tracks; without git, as from a source archive, every file outside `target`.
fn repository_files() -> Vec<PathBuf> {
    let listed = Command::new("git").args(["ls-files", "-z"]).current_dir(root()).output();
    if let Ok(output) = listed
        && output.status.success()
        && !output.stdout.is_empty()
    {
        let names = String::from_utf8_lossy(&output.stdout).into_owned();
        return names.split_terminator('\0').map(PathBuf::from).collect();
    }
    let mut files = Vec::new();
    walk(root(), &mut files);
    files.iter().map(|file| relative(file)).collect()
}

fn report(breaches: impl IntoIterator<Item = String>) {
    let breaches: Vec<String> = breaches.into_iter().collect();
    assert!(breaches.is_empty(), "{} rule(s) of tests/tidy.rs broken:\n{}", breaches.len(), breaches.join("\n"));
}

mod scanner {
    //! The rules can fail: each is given a source that breaks it.

    use super::*;

    fn imports(path: &str, raw: &str) -> Vec<String> {
        let modules: BTreeSet<&str> = EDGES.iter().map(|(name, _)| *name).collect();
        forbidden_imports(&Source::new(path, raw), &modules)
    }

    /// One breach, at this line, that names this.
    fn assert_one(breaches: &[String], place: &str, named: &str) {
        let [breach] = breaches else { panic!("expected one breach at {place}, found {breaches:#?}") };
        assert!(breach.starts_with(&format!("{place}: ")), "{breach} is not at {place}");
        assert!(breach.contains(named), "{breach} does not name {named}");
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

    #[test]
    fn a_long_file_is_caught() {
        let at = |lines: usize| long_file(&Source::new("src/x.rs", &"\n".repeat(lines)));
        assert_eq!(at(MAX_FILE_LINES), None);
        assert!(at(MAX_FILE_LINES + 1).is_some_and(|breach| breach.contains("401 lines")));
    }

    #[test]
    fn a_long_function_is_caught() {
        let function = |body: usize| {
            let body = "    g(\"}\", '}'); // }\n".repeat(body);
            let raw =
                format!("type F = fn(u8) -> u8;\ntrait T {{ fn t(x: [u8; 3]); }}\nfn f(x: [u8; 3]) {{\n{body}}}\n");
            long_functions(&Source::new("src/x.rs", &raw))
        };
        assert_eq!(function(MAX_FUNCTION_LINES - 2), Vec::<String>::new());
        assert_one(&function(MAX_FUNCTION_LINES - 1), "src/x.rs:3", "`fn f` has 61 lines");
    }

    #[test]
    fn an_impure_name_is_caught() {
        for (path, code) in [
            ("src/domain/a.rs", "async fn f() {}"),
            ("src/domain/a.rs", "use serde::Serialize;"),
            ("src/domain/a.rs", "fn f() { serde_json::json!(1); }"),
            ("src/logboek/a.rs", "fn f(x: tokio::sync::Mutex<()>) {}"),
            ("src/logboek/a.rs", "use sqlx::Row;"),
            ("src/logboek/a.rs", "use tonic::Status;"),
        ] {
            let breaches = impure_names(&Source::new(path, code));
            assert_one(&breaches, &format!("{path}:1"), "is pure");
        }
        for (path, code) in [("src/domain/a.rs", "// no tokio"), ("src/store/a.rs", "async fn f() {}")] {
            assert_eq!(impure_names(&Source::new(path, code)), Vec::<String>::new());
        }
    }

    #[test]
    fn an_english_synonym_is_caught_in_rust_sql_and_proto() {
        for code in [
            "struct LegalBasis;",
            "let legal_basis_id = 1;",
            "const MESSAGE_TYPE: u8 = 1;",
            "fn recipients() {}",
            "fn inboxes() {}",
            "let q = \"select mailbox from x\";",
            "string recipient = 1;",
            "struct Agreement;",
            "let retention_days = 90;",
            "struct DataSubjects;",
        ] {
            assert_one(&banned_words(&Source::new("src/a.rs", code)), "src/a.rs:1", "the domain word for");
        }
        for code in
            ["/// The recipient's inbox.", "cert.recipient()", "key_agreement()", "Sender", "basis", "mailboxing"]
        {
            assert_eq!(banned_words(&Source::new("src/a.rs", code)), Vec::<String>::new(), "{code}");
        }
    }

    #[test]
    fn a_reading_of_the_clock_is_caught() {
        for code in ["Timestamp::now()", "std::time::SystemTime::now()", "Uuid::now_v7()", "map(jiff::Zoned::now)"] {
            assert_one(&clock_reads(&Source::new("src/a.rs", &format!("\n{code}"))), "src/a.rs:2", "clock.rs alone");
            assert_eq!(clock_reads(&Source::new("src/clock.rs", code)), Vec::<String>::new());
        }
        assert_eq!(clock_reads(&Source::new("src/a.rs", "clock.now(); // Timestamp::now()")), Vec::<String>::new());
    }

    #[test]
    fn a_private_key_is_caught() {
        let key = |kind: &str| format!("text\n-----{}{kind}{}-----\nMIIE", "BEGIN ", "PRIVATE KEY");
        for kind in ["", "EC ", "RSA ", "ENCRYPTED ", "OPENSSH "] {
            assert_eq!(private_key_line(key(kind).as_bytes()), Some(2), "{kind}");
        }
        assert_eq!(private_key_line(b"-----BEGIN CERTIFICATE-----\nMIIE"), None);
    }
}
