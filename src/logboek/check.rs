//! Verifying the bytes of a logregel: what an auditor asks of every leaf, whoever wrote it.
//!
//! The bytes are judged as they stand. Encoding them again and comparing would be shorter, and would
//! refuse every leaf with a key of a later writer.

use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::regel::{Logregel, RegelError};

/// The keys in their fixed order; a test holds them to the fields above.
const KEYS: [&str; 48] = [
    "v",
    "tijd",
    "soort",
    "bericht",
    "gesprek",
    "afzender",
    "ontvanger",
    "rol",
    "actor",
    "berichtsoort",
    "grondslag",
    "regel",
    "verwerkingsactiviteit",
    "convenant",
    "convenant_oud",
    "houdbaar_tot_en_met",
    "aantal",
    "poging",
    "weigering",
    "in_antwoord_op",
    "vervangt",
    "trace",
    "betrokkene",
    "medewerker",
    "reden",
    "inhoud",
    "document",
    "oorzaak",
    "getoetst",
    "doelgroep",
    "gemeente",
    "antwoord_voor",
    "uitkomst",
    "organisatie",
    "adres",
    "gesloten",
    "ondertekend",
    "onthouden",
    "bewaard",
    "voorstel",
    "vanaf",
    "identiteit",
    "handtekening",
    "bekeken",
    "gewist",
    "dossier",
    "tot",
    "besluit",
];

/// Verifies one leaf as an auditor does: everything the format promises of the bytes, and that time
/// does not run back from the `tijd` of the leaf before it.
///
/// # Errors
/// [`RegelError`] naming the first promise that is broken.
pub fn check_leaf(leaf: &[u8], previous_tijd: Option<&str>) -> Result<Logregel, RegelError> {
    let regel = Logregel::from_leaf(leaf)?;
    if has_outer_whitespace(leaf) {
        return Err(RegelError::Whitespace);
    }
    check_key_order(leaf)?;
    check_stamp(&regel)?;
    match previous_tijd {
        // Of one fixed form, so the order of the text is the order of time.
        Some(previous) if regel.tijd.as_str() < previous => {
            Err(RegelError::TijdRunsBack { tijd: regel.tijd, previous: previous.to_owned() })
        }
        _ => Ok(regel),
    }
}

/// Version and time, which the writer asks of its own lines too.
pub(super) fn check_stamp(regel: &Logregel) -> Result<(), RegelError> {
    if regel.v != 1 {
        return Err(RegelError::Version(regel.v));
    }
    if !is_tijd(&regel.tijd) {
        return Err(RegelError::Tijd(regel.tijd.clone()));
    }
    Ok(())
}

/// `YYYY-MM-DDThh:mm:ss.ffffffZ`, each number within its range. That the day exists in its month is
/// the clock's affair; a time that runs back is caught either way.
fn is_tijd(tijd: &str) -> bool {
    const FORM: &[u8; 27] = b"0000-00-00T00:00:00.000000Z";
    let formed = tijd.len() == FORM.len()
        && tijd.bytes().zip(FORM).all(|(byte, form)| match form {
            b'0' => byte.is_ascii_digit(),
            _ => byte == *form,
        });
    formed
        && ("01"..="12").contains(&&tijd[5..7])
        && ("01"..="31").contains(&&tijd[8..10])
        && &tijd[11..13] < "24"
        && &tijd[14..16] < "60"
        && &tijd[17..19] < "60"
}

/// In valid JSON a newline never stands inside a string, so this finds every one.
fn has_outer_whitespace(json: &[u8]) -> bool {
    let (mut in_string, mut escaped) = (false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => in_string = !in_string,
            b' ' | b'\t' | b'\r' | b'\n' if !in_string => return true,
            _ => {}
        }
    }
    false
}

/// Known keys stand in their order, each once; between them any unknown one may stand.
fn check_key_order(leaf: &[u8]) -> Result<(), RegelError> {
    let Keys(keys) = serde_json::from_slice(leaf)?;
    let mut expected = KEYS.iter();
    for key in keys {
        if KEYS.contains(&key.as_str()) && !expected.any(|known| *known == key) {
            return Err(RegelError::KeyOrder(key));
        }
    }
    Ok(())
}

/// The keys of a JSON object as they stand; a map type would sort or merge them.
struct Keys(Vec<String>);

impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(KeysVisitor)
    }
}

struct KeysVisitor;

impl<'de> Visitor<'de> for KeysVisitor {
    type Value = Keys;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a logregel")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Keys, A::Error> {
        let mut keys = Vec::new();
        while let Some((key, IgnoredAny)) = map.next_entry()? {
            keys.push(key);
        }
        Ok(Keys(keys))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Soort;
    use super::super::regel::tests::{TIJD, full};
    use super::*;

    fn leaf(rest: &str) -> Vec<u8> {
        format!(r#"{{"v":1,"tijd":"{TIJD}","soort":"beheerd"{rest}}}"#).into_bytes()
    }

    #[test]
    fn every_key_of_a_logregel_is_known_in_its_order() {
        let leaf = full().to_leaf().unwrap();
        let Keys(keys) = serde_json::from_slice(&leaf).unwrap();
        assert_eq!(keys, KEYS);
        assert_eq!(check_leaf(&leaf, Some(TIJD)).unwrap(), full());
    }

    #[test]
    fn unknown_keys_are_ignored_wherever_they_stand() {
        let rest = r#","later":{"v":[1,null]},"actor":"a","nog":"x y","inhoud":"h","slot":1.5e3"#;
        let regel = check_leaf(&leaf(rest), None).unwrap();
        assert_eq!((regel.actor.unwrap(), regel.inhoud.unwrap()), ("a".into(), "h".into()));
    }

    #[test]
    fn a_soort_of_a_later_writer_is_passed_over() {
        let later = String::from_utf8(leaf("")).unwrap().replace("beheerd", "van_later");
        assert_eq!(check_leaf(later.as_bytes(), None).unwrap().soort, Soort::Onbekend);
    }

    #[test]
    fn keys_out_of_order_or_twice_are_refused() {
        let swapped = leaf(r#","rol":"r","bericht":"b""#);
        assert!(matches!(check_leaf(&swapped, None), Err(RegelError::KeyOrder(key)) if key == "bericht"));
        Logregel::from_leaf(&swapped).unwrap();
        check_leaf(&leaf(r#","rol":"r","rol":"r""#), None).unwrap_err();
        check_leaf(&leaf(r#","v":1"#), None).unwrap_err();
    }

    #[test]
    fn whitespace_stands_only_inside_strings() {
        check_leaf(&leaf(r#","reden":"met \" en \\ en spatie""#), None).unwrap();
        for (from, to) in [("{", "{ "), (":1", ": 1"), (",\"s", ",\n\"s"), ("}", "}\n"), ("}", "\t}")] {
            let text = String::from_utf8(leaf("")).unwrap().replace(from, to);
            let outcome = check_leaf(text.as_bytes(), None);
            assert!(matches!(outcome, Err(RegelError::Whitespace)), "{text}");
        }
    }

    #[test]
    fn time_never_runs_back_and_has_one_form() {
        for (previous, allowed) in [
            (None, true),
            (Some("2026-03-01T12:34:56.000006Z"), true),
            (Some(TIJD), true),
            (Some("2026-03-01T12:34:56.000008Z"), false),
        ] {
            let outcome = check_leaf(&leaf(""), previous);
            let runs_back = matches!(outcome, Err(RegelError::TijdRunsBack { .. }));
            assert_eq!((outcome.is_ok(), runs_back), (allowed, !allowed), "{previous:?}");
        }
        for wrong in [
            "",
            "2026-03-01T12:34:56Z",
            "2026-03-01T12:34:56.0000071Z",
            "2026-03-01 12:34:56.000007Z",
            "2026-03-01T12:34:56.000007z",
            "2026-13-01T12:34:56.000007Z",
            "2026-03-00T12:34:56.000007Z",
            "2026-03-32T12:34:56.000007Z",
            "2026-03-01T24:00:00.000000Z",
            "2026-03-01T12:60:00.000000Z",
            "2026-03-01T12:34:60.000000Z",
            "2026-03-01T12:34:5\u{e9}.00007Z",
        ] {
            let text = String::from_utf8(leaf("")).unwrap().replace(TIJD, wrong);
            assert!(matches!(check_leaf(text.as_bytes(), None), Err(RegelError::Tijd(_))), "{wrong}");
        }
    }

    #[test]
    fn what_is_no_logregel_is_refused() {
        let array = format!(r#"[1,"{TIJD}","beheerd"]"#);
        let outcome = Logregel::from_leaf(array.as_bytes());
        assert!(matches!(outcome, Err(RegelError::NoObject)));
        let other = String::from_utf8(leaf("")).unwrap();
        for wrong in [
            array.as_bytes(),
            b"",
            b"{}",
            b"\xef\xbb\xbf{}",
            &leaf("")[1..],
            &leaf(r#","nieuw":"\u{1}""#),
            other.replace("\"beheerd\"", "7").as_bytes(),
            other.replace(r#""v":1"#, r#""v":2"#).as_bytes(),
            other.replace(r#""v":1"#, r#""v":"1""#).as_bytes(),
            format!("{other}{other}").as_bytes(),
            &[&other.as_bytes()[..other.len() - 1], b",\"x\":\"\xff\"}"].concat(),
        ] {
            check_leaf(wrong, None).expect_err(&String::from_utf8_lossy(wrong));
        }
    }
}
