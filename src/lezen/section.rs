//! A TOML table that is read.
//!
//! serde stops at the first mistake; a privacy officer who edits a convenant wants all of them. A [`Section`] hands out
//! typed values, notes what is wrong, and at its end names the keys that nobody asked for.

use std::{
    borrow::Cow,
    cell::{Cell, RefCell},
    collections::BTreeSet,
    ops::RangeInclusive,
    path::{Path, PathBuf},
    rc::Rc,
    str::FromStr,
};

use jiff::civil::Date;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    Mistakes,
    fout::Fout,
    namen::{nearest, short},
};

/// What is asked of a value.
#[derive(Clone, Debug)]
pub struct Vorm {
    /// Dutch, between "moet" and "zijn".
    pub nl: Cow<'static, str>,
    /// English, after "must be".
    pub en: Cow<'static, str>,
}

impl Vorm {
    /// A form that never changes.
    #[must_use]
    pub const fn fixed(nl: &'static str, en: &'static str) -> Self {
        Self { nl: Cow::Borrowed(nl), en: Cow::Borrowed(en) }
    }
}

const TABLES: Vorm = Vorm::fixed("een of meer tabellen", "one or more tables");

/// A file being read.
struct Source {
    file: PathBuf,
    /// Where each line but the first starts, in bytes.
    lines: Vec<usize>,
    mistakes: Mistakes,
    /// Names that were compared with others.
    compared: Cell<usize>,
}

impl Source {
    fn line(&self, at: usize) -> usize {
        self.lines.partition_point(|start| *start <= at) + 1
    }

    fn mistake(&self, line: usize, fout: Fout) {
        self.mistakes.on_line(&self.file, line, fout);
    }
}

/// One table of a file.
pub struct Section<'t> {
    source: Rc<Source>,
    table: &'t DeTable<'t>,
    line: usize,
    what: String,
    asked: RefCell<BTreeSet<&'static str>>,
}

/// A value and the line it stands on.
#[derive(Clone, Debug)]
pub struct Located<T> {
    /// The value.
    pub value: T,
    /// Its line, from 1.
    pub line: usize,
}

/// Reads the text of a file with `read`; that it is no TOML is noted and gives `None`.
pub fn read_toml<T>(
    file: &Path,
    text: &str,
    mistakes: &Mistakes,
    read: impl FnOnce(Section<'_>) -> Option<T>,
) -> Option<T> {
    let lines = text.bytes().zip(1..).filter(|(byte, _)| *byte == b'\n').map(|(_, after)| after).collect();
    let source = Rc::new(Source { file: file.to_owned(), lines, mistakes: mistakes.clone(), compared: Cell::new(0) });
    let (root, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let line = error.span().map_or(0, |span| source.line(span.start));
        source.mistake(line, Fout::GeenToml { reden: error.message().to_owned() });
    }
    if !errors.is_empty() {
        return None;
    }
    read(Section { source, table: root.get_ref(), line: 1, what: "het bestand".to_owned(), asked: RefCell::default() })
}

impl<'t> Section<'t> {
    /// The line on which the table starts.
    #[must_use]
    pub fn line(&self) -> usize {
        self.line
    }

    /// Notes a mistake on a line of this file.
    pub fn mistake(&self, line: usize, fout: Fout) {
        self.source.mistake(line, fout);
    }

    /// Whether a key is there.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    fn get(&self, key: &'static str) -> Option<(&'t DeValue<'t>, usize)> {
        self.asked.borrow_mut().insert(key);
        let value = self.table.get(key)?;
        Some((value.get_ref(), self.source.line(value.span().start)))
    }

    fn missing<T>(&self, key: &str) -> Option<T> {
        self.mistake(self.line, Fout::Ontbreekt { sleutel: key.to_owned(), waarin: self.what.clone() });
        None
    }

    /// Notes that a value is not what is asked of it.
    pub fn wrong<T>(&self, line: usize, key: &str, vorm: &Vorm) -> Option<T> {
        let (gevraagd, wanted) = (vorm.nl.clone().into_owned(), vorm.en.clone().into_owned());
        self.mistake(line, Fout::VerkeerdeVorm { sleutel: key.to_owned(), gevraagd, wanted });
        None
    }

    /// A text that may be absent.
    pub fn optional_text(&self, key: &'static str) -> Option<Located<String>> {
        let (value, line) = self.get(key)?;
        match value.as_str() {
            Some(text) if !text.trim().is_empty() && text.len() <= 2000 && !text.chars().any(disturbs) => {
                Some(Located { value: text.to_owned(), line })
            }
            _ => {
                let vorm = Vorm::fixed(
                    "een niet-lege tekst van hoogstens 2000 tekens, op een regel en zonder stuurtekens",
                    "a text of 1 to 2000 characters, on one line and without control characters",
                );
                self.wrong(line, key, &vorm)
            }
        }
    }

    /// A text that must be there.
    pub fn text(&self, key: &'static str) -> Option<Located<String>> {
        if self.get(key).is_none() { self.missing(key) } else { self.optional_text(key) }
    }

    /// A text of a certain form.
    pub fn parsed<T: FromStr>(&self, key: &'static str, vorm: &Vorm) -> Option<Located<T>> {
        if self.get(key).is_none() { self.missing(key) } else { self.optional_parsed(key, vorm) }
    }

    /// A text of a certain form, that may be absent.
    pub fn optional_parsed<T: FromStr>(&self, key: &'static str, vorm: &Vorm) -> Option<Located<T>> {
        let text = self.optional_text(key)?;
        match text.value.parse() {
            Ok(value) => Some(Located { value, line: text.line }),
            Err(_) => self.wrong(text.line, key, vorm),
        }
    }

    /// A list of texts of a certain form; must be there and not empty unless `optional`.
    pub fn list<T: FromStr>(&self, key: &'static str, vorm: &Vorm, optional: bool) -> Vec<Located<T>> {
        let Some((value, line)) = self.get(key) else {
            if !optional {
                self.missing::<()>(key);
            }
            return Vec::new();
        };
        let items: Vec<&'t Spanned<DeValue<'t>>> = if let DeValue::Array(items) = value {
            items.iter().collect()
        } else {
            self.wrong::<()>(line, key, &Vorm::fixed("een lijst", "a list"));
            return Vec::new();
        };
        if items.is_empty() && !optional {
            self.wrong::<()>(
                line,
                key,
                &Vorm::fixed("een lijst met ten minste een waarde", "a list with at least one value"),
            );
        }
        let parse = |item: &'t Spanned<DeValue<'t>>| {
            let line = self.source.line(item.span().start);
            if let Some(Ok(value)) = item.get_ref().as_str().map(str::parse) {
                return Some(Located { value, line });
            }
            let (nl, en) = (format!("een lijst van {}", vorm.nl), format!("a list of {}", vorm.en));
            self.wrong(line, key, &Vorm { nl: nl.into(), en: en.into() })
        };
        if items.len() > MOST_ITEMS {
            self.wrong::<()>(
                line,
                key,
                &Vorm::fixed("een lijst van hoogstens 1000 waarden", "a list of at most 1000 values"),
            );
            return Vec::new();
        }
        let mut seen = BTreeSet::new();
        for item in &items {
            let text = item.get_ref().as_str().unwrap_or_default();
            if !seen.insert(text) {
                let line = self.source.line(item.span().start);
                self.mistake(line, Fout::Dubbel { wat: key.to_owned(), naam: short(text) });
            }
        }
        items.into_iter().filter_map(parse).collect()
    }

    /// A whole number that may be absent, and its line; `None` inside where it is another value.
    pub fn number(&self, key: &'static str) -> Option<(Option<u64>, usize)> {
        let (value, line) = self.get(key)?;
        Some((value.as_integer().and_then(|number| number.as_str().replace('_', "").parse().ok()), line))
    }

    /// A whole number in a range, that may be absent.
    pub fn optional_number(&self, key: &'static str, range: RangeInclusive<u64>) -> Option<Located<u64>> {
        let (number, line) = self.number(key)?;
        match number {
            Some(value) if range.contains(&value) => Some(Located { value, line }),
            _ => {
                let (van, tot) = (range.start(), range.end());
                let nl = format!("een geheel getal van {van} tot en met {tot}");
                let en = format!("a whole number from {van} to {tot}");
                self.wrong(line, key, &Vorm { nl: nl.into(), en: en.into() })
            }
        }
    }

    /// `true` or `false`, or `default` when absent.
    pub fn flag(&self, key: &'static str, default: bool) -> bool {
        let Some((value, line)) = self.get(key) else { return default };
        value
            .as_bool()
            .or_else(|| self.wrong(line, key, &Vorm::fixed("true of false", "true or false")))
            .unwrap_or(default)
    }

    /// A day that may be absent: a TOML date or the same as text.
    pub fn optional_date(&self, key: &'static str) -> Option<Located<Date>> {
        let (value, line) = self.get(key)?;
        let text = match value {
            DeValue::Datetime(moment) => moment.to_string(),
            DeValue::String(text) => text.to_string(),
            _ => String::new(),
        };
        match crate::domain::bericht::civil_date(&text) {
            Some(value) => Some(Located { value, line }),
            None => self.wrong(line, key, &Vorm::fixed("een dag als 2026-11-30", "a day like 2026-11-30")),
        }
    }

    /// A day that must be there.
    pub fn date(&self, key: &'static str) -> Option<Located<Date>> {
        if self.get(key).is_none() { self.missing(key) } else { self.optional_date(key) }
    }

    /// The table under this key, if there is one.
    pub fn optional_section(&self, key: &'static str) -> Option<Self> {
        let (value, line) = self.get(key)?;
        match value {
            DeValue::Table(table) => Some(self.inner(table, line, format!("[{key}]"))),
            _ => self.wrong(line, key, &Vorm::fixed("een tabel", "a table")),
        }
    }

    /// The table under this key.
    pub fn section(&self, key: &'static str) -> Option<Self> {
        if self.get(key).is_none() { self.missing(&format!("[{key}]")) } else { self.optional_section(key) }
    }

    /// All tables `[[key]]`.
    pub fn sections(&self, key: &'static str) -> Vec<Self> {
        let Some((value, line)) = self.get(key) else { return Vec::new() };
        let DeValue::Array(items) = value else {
            self.wrong::<()>(line, key, &TABLES);
            return Vec::new();
        };
        // One inside another is named as it is written: [[partner.loket]].
        let outer = self.what.strip_prefix("[[").and_then(|what| what.strip_suffix("]]"));
        let what = outer.map_or_else(|| format!("[[{key}]]"), |outer| format!("[[{outer}.{key}]]"));
        let inner = |item: &'t Spanned<DeValue<'t>>| {
            let line = self.source.line(item.span().start);
            match item.get_ref() {
                DeValue::Table(table) => Some(self.inner(table, line, what.clone())),
                _ => self.wrong(line, key, &TABLES),
            }
        };
        items.iter().filter_map(inner).collect()
    }

    fn inner(&self, table: &'t DeTable<'t>, line: usize, what: String) -> Self {
        Self { source: Rc::clone(&self.source), table, line, what, asked: RefCell::default() }
    }

    /// What was probably meant, or what there is, in Dutch and English. In a file with very many mistakes only the first ones are
    /// compared with what there is.
    #[must_use]
    pub fn nearest<'k>(&self, name: &str, known: impl Iterator<Item = &'k str> + Clone) -> (String, String) {
        let before = self.source.compared.get();
        let left = MOST_COMPARED.saturating_sub(before);
        self.source.compared.set(before + known.clone().take(left).count());
        nearest(name, known, left)
    }

    /// Notes every key that nobody asked for, with the nearest one that exists.
    pub fn finish(self) {
        let asked = self.asked.borrow();
        for key in self.table.keys() {
            let name: &str = key.get_ref();
            if asked.contains(name) {
                continue;
            }
            let (bedoeld, meant) = self.nearest(name, asked.iter().copied());
            let line = self.source.line(key.span().start);
            let waarin = self.what.clone();
            self.mistake(line, Fout::OnbekendeSleutel { sleutel: short(name), waarin, bedoeld, meant });
        }
    }
}

/// Characters that control a terminal or turn the direction of what is read.
fn disturbs(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Values in a list, at most.
pub const MOST_ITEMS: usize = 1000;
/// Names of a file that are compared with others, at most: each takes some microseconds.
const MOST_COMPARED: usize = 100_000;
