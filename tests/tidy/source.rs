//! The files of the repository, and each source with what its rules look at.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::text::{blank, item, spaces};

/// A source file.
pub struct Source {
    /// Relative to the repository, with slashes.
    pub path: String,
    pub raw: String,
    /// Comments blanked.
    pub text: String,
    /// Comments and literals blanked.
    pub code: String,
}

impl Source {
    pub fn new(path: &str, raw: &str) -> Self {
        let (text, code) = (blank(raw, false), blank(raw, true));
        Self { path: path.to_owned(), raw: raw.to_owned(), text, code }
    }

    /// The top-level module that the file belongs to.
    pub fn module(&self) -> &str {
        let path = self.path.strip_prefix("src/").unwrap_or(&self.path);
        path.split_once('/').map_or_else(|| path.trim_end_matches(".rs"), |(module, _)| module)
    }

    /// The path of the file's module, from the crate's root down.
    pub fn module_path(&self) -> Vec<&str> {
        let path = self.path.strip_prefix("src/").unwrap_or(&self.path).trim_end_matches(".rs");
        path.split('/').filter(|part| !["mod", "lib", "main"].contains(part)).collect()
    }

    /// The code, with every item under `#[cfg(test)]` blanked.
    pub fn without_tests(&self) -> String {
        let mut code = self.code.clone();
        for (at, attribute) in self.code.match_indices("#[cfg(test)]") {
            let body = item(&self.code, at + attribute.len());
            code.replace_range(body.clone(), &spaces(&self.code[body]));
        }
        code
    }

    pub fn breach(&self, at: usize, rule: &str) -> String {
        let line = self.code[..at].matches('\n').count() + 1;
        format!("{}:{line}: {rule}", self.path)
    }
}

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub fn rust_sources() -> Vec<Source> {
    let sources = sources_below("src", "rs");
    assert!(sources.iter().any(|source| source.path == "src/domain/mod.rs"), "the scan did not find src/domain/mod.rs");
    sources
}

/// Those of the tests and benches too.
pub fn all_rust_sources() -> Vec<Source> {
    rust_sources().into_iter().chain(sources_below("tests", "rs")).chain(sources_below("benches", "rs")).collect()
}

pub fn sources_below(folder: &str, extension: &str) -> Vec<Source> {
    let mut files = Vec::new();
    walk(&root().join(folder), &mut files);
    files.retain(|file| file.extension().is_some_and(|found| found == extension));
    files.sort();
    assert!(!files.is_empty(), "no .{extension} file below {folder}");
    files.iter().map(|file| source(&relative(file).to_string_lossy())).collect()
}

pub fn source(path: &str) -> Source {
    let raw = fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    Source::new(path, &raw)
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
pub fn repository_files() -> Vec<PathBuf> {
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
