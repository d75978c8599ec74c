//! Which words we use.
//!
//! To add a word: a row in [`WORDS`].

use crate::{
    assert_one, report,
    source::{Source, rust_sources, sources_below},
    text::{snake_case, words},
};

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

#[test]
fn domain_words_have_no_english_synonym() {
    let mut sources = rust_sources();
    sources.extend(sources_below("proto", "proto"));
    report(sources.iter().flat_map(banned_words));
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
    for code in ["/// The recipient's inbox.", "cert.recipient()", "key_agreement()", "Sender", "basis", "mailboxing"] {
        assert_eq!(banned_words(&Source::new("src/a.rs", code)), Vec::<String>::new(), "{code}");
    }
}
