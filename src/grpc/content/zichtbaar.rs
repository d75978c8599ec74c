//! Zichtbaar (visible): whether a reader sees all of a text. What nobody sees can carry a message past whoever judges the text, or make it read
//! as another one. By the properties of Unicode.

use icu_properties::{
    CodePointMapData, CodePointSetData,
    props::{DefaultIgnorableCodePoint, GeneralCategory as Category},
};

/// Accents on one letter, at most.
const MOST_ACCENTS: usize = 3;

/// Whether a reader sees every character: nothing that is ignored, controls, turns what is read, is for private use, or is nothing yet.
pub(super) fn is_visible(text: &str) -> bool {
    let (category, ignored) =
        (CodePointMapData::<Category>::new(), CodePointSetData::new::<DefaultIgnorableCodePoint>());
    let mut accents = 0;
    text.chars().all(|c| {
        let kind = category.get(c);
        accents = if matches!(kind, Category::NonspacingMark | Category::EnclosingMark) { accents + 1 } else { 0 };
        // A line break and a tab are seen. The braille pattern of no dots and the place of an object are not.
        let is_blank = matches!(c, '\u{2800}' | '\u{fffc}');
        let is_hidden = matches!(
            kind,
            Category::Control
                | Category::Format
                | Category::PrivateUse
                | Category::Surrogate
                | Category::Unassigned
                | Category::LineSeparator
                | Category::ParagraphSeparator
        );
        matches!(c, '\n' | '\t') || (!is_hidden && !is_blank && !ignored.contains(c) && accents <= MOST_ACCENTS)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_is_visible() {
        for text in [
            "",
            "er staat een ander in",
            "José van 't Hof-Ünlü",
            "Łukasz Żółć",
            "أحمد",
            "王小明",
            "12 % & \u{20ac} 5\n\tx",
            "a\u{0301}\u{0323}",
        ] {
            assert!(is_visible(text), "{text}");
        }
    }

    #[test]
    fn what_nobody_sees_is_not() {
        let hidden = "\u{0}\u{7f}\u{85}\u{ad}\u{34f}\u{61c}\u{115f}\u{17b4}\u{180b}\u{180e}\u{200b}\u{200e}\u{2028}\u{202e}\u{2060}\u{2067}\u{2800}\u{3164}\u{fe0f}\u{feff}\u{ffa0}\u{fff9}\u{fffc}\u{e000}\u{378}\u{13430}\u{1bca0}\u{1d173}\u{e0041}\u{e0100}";
        for c in hidden.chars() {
            assert!(!is_visible(&format!("voor{c}na")), "{}", c.escape_unicode());
        }
        assert!(!is_visible(&format!("a{}", "\u{0301}".repeat(20))));
    }
}
