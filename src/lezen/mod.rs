//! Lezen (reading): texts that people write in TOML, read so that every mistake in them is told at once, with file and line.
//!
//! [`bestand`] opens a file, [`section`] reads what stands in it, [`fout`] is the closed list of what can be wrong, and
//! [`namen`] puts names in sentences. Who reads something hands the same [`Mistakes`] to every text that belongs to it and
//! asks for their [`outcome`](Mistakes::outcome) at the end.
//!
//! Not here: which keys a text has and what they mean. [`config`](crate::config) knows that of `ketenpoort.toml`, and
//! [`documenten`](crate::documenten) of what can be in force. [`Fout`] does name what they find: one list keeps every code unique,
//! and is one table in `docs/fouten.md`.
//!
//! - A mistake never ends the reading: what follows it is read as well.
//! - A key that nobody asked for is a mistake.
//! - What is told is bounded, however large or strange a text is: of a file only so many bytes are read, only so many mistakes on
//!   lines are kept, and names in a sentence are cut short.

pub mod bestand;
pub mod fout;
pub mod namen;
pub mod section;

use std::{
    cell::RefCell,
    fmt,
    path::{Path, PathBuf},
    rc::Rc,
};

use self::fout::Fout;

/// Mistakes that are kept, at most: a text that is no convenant can hold a million.
const MOST_MISTAKES: usize = 10_000;

/// One mistake in a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mistake {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1; 0 where the file as a whole is meant.
    pub line: usize,
    /// What is wrong and what is asked.
    pub fout: Fout,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.file.display(), self.fout.uitleg()),
            line => write!(f, "{}:{line}: {}", self.file.display(), self.fout.uitleg()),
        }
    }
}

/// Everything that is wrong with what was read: why a configuration, or documents, cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct Fouten(pub Vec<Mistake>);

/// Every mistake found so far, shared by all texts that are read together.
#[derive(Clone, Debug, Default)]
pub struct Mistakes(Rc<RefCell<Vec<Mistake>>>);

impl Mistakes {
    /// Notes what is wrong on a line of a file.
    fn on_line(&self, file: &Path, line: usize, fout: Fout) {
        let mut found = self.0.borrow_mut();
        if found.len() < MOST_MISTAKES {
            found.push(Mistake { file: file.to_owned(), line, fout });
        }
    }

    /// Notes what is wrong with a file as a whole.
    pub fn of_file(&self, file: &Path, fout: Fout) {
        self.extend([Mistake { file: file.to_owned(), line: 0, fout }]);
    }

    /// Notes what was found elsewhere.
    pub fn extend(&self, found: impl IntoIterator<Item = Mistake>) {
        self.0.borrow_mut().extend(found);
    }

    /// Whether nothing is wrong so far.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }

    /// How the reading ended; takes what was noted.
    ///
    /// # Errors
    /// [`Fouten`] with every mistake, by file and line.
    pub fn outcome(&self) -> Result<(), Fouten> {
        let mut found = self.0.take();
        found.sort();
        if found.is_empty() { Ok(()) } else { Err(Fouten(found)) }
    }
}
