//! The words of statements about rows of the postvak.
//!
//! Columns are named: with a star a prepared statement would break when a newer version adds one. A name of a toestand stands in a
//! statement as it is, because an index on some of them serves only a statement with the very same words.

/// The toestanden of what has not ended ([`Toestand::is_current`]); in the words of the index `postvak_houdbaar`.
///
/// [`Toestand::is_current`]: crate::domain::Toestand::is_current
macro_rules! current {
    () => {
        "('wacht', 'gereserveerd', 'afgeleverd', 'bevestigd', 'geweigerd')"
    };
}
pub(in crate::store) use current;

/// The toestanden of what is held for somebody until a moment; in the words of the index `postvak_uitgereikt`.
macro_rules! held {
    () => {
        "('gereserveerd', 'afgeleverd')"
    };
}
pub(in crate::store) use held;

/// A statement that reads rows of the postvak with what is needed of their bericht. First comes what is wanted besides, then what is
/// looked through before the postvak, then the rest of the statement, in parts.
macro_rules! rows_from {
    ($also:expr, $first:literal, $($rest:expr),+) => {
        concat!(
            "SELECT p.log_index, p.bericht, p.partner, p.loket, p.oin, p.grondslag, p.regel, p.convenant, p.verwerkingsactiviteit, \
             p.houdbaar_tot_en_met, p.bewaar_inhoud, p.in_antwoord_op, p.toestand, p.verplaatst_door, p.beeindigd_door, p.poging, \
             p.gelezen, p.lease_tot, p.weigering, p.beoordeeld_versie, p.beoordeeld_dag, p.bevestigd, p.terugkoppeling_open, \
             p.vernietiging, b.afzender_partner, b.afzender_loket, b.afzender_oin, b.berichtsoort, b.gesprek, \
             b.in_antwoord_op AS volgt, b.vervangt, b.tijd, b.spoor, \
             (SELECT count(*) FROM postvak k WHERE k.bericht = p.bericht AND k.sleutel IS NOT NULL) AS sleutels",
            $also,
            " FROM ",
            $first,
            "postvak p JOIN berichten b ON b.id = p.bericht ",
            $($rest),+
        )
    };
}
pub(in crate::store) use rows_from;

/// The same of the postvak alone.
macro_rules! rows_sql {
    ($also:expr, $($rest:expr),+) => {
        crate::store::postvak::rij::sql::rows_from!($also, "", $($rest),+)
    };
}
pub(in crate::store) use rows_sql;

/// The same for rows that are handed in (`{v}`), which are looked through first: left to choose, SQLite can go through the whole postvak.
macro_rules! rows_for {
    ($also:expr, $($rest:expr),+) => {
        crate::store::postvak::rij::sql::rows_from!($also, "{v} CROSS JOIN ", $($rest),+)
    };
}
pub(in crate::store) use rows_for;

/// The same with what it takes to open content.
macro_rules! sealed_sql {
    ($($rest:expr),+) => {
        crate::store::postvak::rij::sql::rows_sql!(", p.sleutel, b.inhoud", $($rest),+)
    };
}
pub(in crate::store) use sealed_sql;

/// Rows without content, as a statement.
macro_rules! select_rows {
    ($($rest:expr),+) => {
        sqlx::query(crate::store::postvak::rij::sql::rows_sql!("", $($rest),+))
    };
}
pub(in crate::store) use select_rows;

/// Two texts for [`read_each`]: what gives rows without content, and what gives only their indexes.
///
/// [`read_each`]: super::read::read_each
macro_rules! rows_and_indexes {
    ($($rest:expr),+) => {
        (
            crate::store::postvak::rij::sql::rows_sql!("", $($rest),+),
            concat!("SELECT p.log_index FROM postvak p JOIN berichten b ON b.id = p.bericht ", $($rest),+),
        )
    };
}
pub(in crate::store) use rows_and_indexes;

/// The same of rows with what it takes to open content.
macro_rules! sealed_and_indexes {
    ($($rest:expr),+) => {
        (
            crate::store::postvak::rij::sql::sealed_sql!($($rest),+),
            concat!("SELECT p.log_index FROM postvak p JOIN berichten b ON b.id = p.bericht ", $($rest),+),
        )
    };
}
pub(in crate::store) use sealed_and_indexes;

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use crate::domain::Toestand;

    /// Everything between single quotes.
    fn quoted(words: &str) -> Vec<&str> {
        words.split('\'').skip(1).step_by(2).collect()
    }

    /// The names that a condition compares a toestand with, if this is what follows the word.
    fn compared(after: &str) -> Vec<&str> {
        let after = after.trim_start();
        if let Some(list) = after.strip_prefix("NOT IN (").or_else(|| after.strip_prefix("IN (")) {
            return quoted(list.split(')').next().unwrap_or_default());
        }
        let name = after.strip_prefix("= ").or_else(|| after.strip_prefix("<> "));
        name.filter(|name| name.starts_with('\'')).map_or(Vec::new(), |name| quoted(name)[..1].to_vec())
    }

    fn sources(below: &Path, found: &mut Vec<String>) {
        for entry in fs::read_dir(below).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources(&path, found);
            } else {
                found.push(fs::read_to_string(path).unwrap());
            }
        }
    }

    #[test]
    fn statements_name_toestanden_that_there_are() {
        let mut files = Vec::new();
        sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store"), &mut files);
        let names = files.iter().flat_map(|file| file.split("toestand").skip(1).flat_map(compared));
        let names: Vec<&str> = names.collect();
        assert!(names.len() > 20, "the statements were not found");
        for name in names {
            assert!(name.parse::<Toestand>().is_ok(), "{name:?} is no toestand");
        }
    }

    #[test]
    fn what_has_not_ended_is_the_same_in_sql_and_in_the_domain() {
        let current = Toestand::ALL.into_iter().filter(|toestand| toestand.is_current());
        assert_eq!(quoted(current!()), current.map(Toestand::as_str).collect::<Vec<_>>());
    }
}
