//! Names in sentences: short enough to be read, and what was probably meant by one that does not exist.

/// Names that are suggested together, and characters of one, at most: a sentence must stay readable, and fit in an answer.
const MOST_NAMES: usize = 12;
const MOST_CHARACTERS: usize = 64;

/// A name from a file, short enough to be shown.
#[must_use]
pub fn short(name: &str) -> String {
    match name.char_indices().nth(MOST_CHARACTERS) {
        Some((end, _)) => format!("{}...", &name[..end]),
        None => name.to_owned(),
    }
}

/// Names as they stand in a sentence: the first ones, and that there are more.
#[must_use]
pub fn listed<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let mut names: Vec<String> = names.take(MOST_NAMES + 1).map(short).collect();
    let more = names.len() > MOST_NAMES;
    names.truncate(MOST_NAMES);
    names.join(", ") + if more { ", ..." } else { "" }
}

/// What was probably meant of the first `most`, or what there is.
pub(super) fn nearest<'k>(name: &str, known: impl Iterator<Item = &'k str> + Clone, most: usize) -> (String, String) {
    let near = known
        .clone()
        .take(most)
        // Comparing costs the product of both lengths.
        .filter(|known| name.len() <= MOST_CHARACTERS && known.len() <= MOST_CHARACTERS)
        .map(|known| (strsim::damerau_levenshtein(known, name), known))
        .filter(|(distance, _)| *distance <= 3 && *distance * 2 <= name.len())
        .min();
    if let Some((_, near)) = near {
        (format!("bedoelt u {near}?"), format!("do you mean {near}?"))
    } else {
        let all = listed(known);
        (format!("hier kan: {all}"), format!("possible here: {all}"))
    }
}
