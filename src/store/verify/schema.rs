//! The schema: what stands in a database must be what the migrations of this version make, and nothing else. A trigger that somebody
//! planted would write where no gateway looks.

use std::collections::BTreeSet;

use sqlx::{Connection, Row};

use super::error::VerifyError;
use crate::store::{
    DbConnection, DbRow,
    database::{dialect::Dialect, open::plain_schema},
};

/// Something of a schema: what it is, its name, and its words or its type.
type Part = (String, String, String);

/// Compares the schema of a database with that of this version.
pub(super) async fn verify(tx: &mut DbConnection) -> Result<(), VerifyError> {
    let plain = plain_schema().await;
    let mut plain = plain.map_err(|error| VerifyError::Schema { what: error.to_string() })?;
    let (wanted, found) = match Dialect::of(tx) {
        Dialect::Sqlite => (parts(&mut plain, SQLITE).await?, parts(tx, SQLITE).await?),
        Dialect::Postgres => {
            let columns = parts(&mut plain, COLUMNS_OF_SQLITE).await?;
            let wanted: BTreeSet<Part> = columns.into_iter().map(as_in_postgres).collect();
            (wanted, parts(tx, POSTGRES).await?)
        }
    };
    drop(plain.close().await);
    let stray = found.difference(&wanted).next().map(|part| ("hoort niet bij deze versie van ketenpoort", part));
    let lost = || wanted.difference(&found).next().map(|part| ("ontbreekt of is veranderd", part));
    match stray.or_else(lost) {
        Some((what, (kind, name, _))) => Err(VerifyError::Schema { what: format!("{kind} {name} {what}") }),
        None => Ok(()),
    }
}

const SQLITE: &str = "SELECT type, name, coalesce(sql, '') AS words FROM sqlite_master \
                      WHERE NOT (type = 'table' AND name IN ('_sqlx_migrations', 'sqlite_sequence', 'sqlite_stat1', 'sqlite_stat4')) \
                      AND NOT (type = 'index' AND sql IS NULL AND name LIKE 'sqlite\\_autoindex\\_%' ESCAPE '\\')";
const COLUMNS_OF_SQLITE: &str = "SELECT 'kolom' AS type, m.name || '.' || c.name AS name, c.type AS words \
     FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
     AND m.name <> '_sqlx_migrations'";
/// Besides columns: whatever could do something by itself, or show something else.
const POSTGRES: &str = "SELECT 'kolom' AS type, CAST(table_name || '.' || column_name AS TEXT) AS name, CAST(data_type AS TEXT) AS words \
     FROM information_schema.columns WHERE table_schema = current_schema() AND table_name <> '_sqlx_migrations' \
     AND table_name IN (SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema() AND table_type = 'BASE TABLE') \
     UNION ALL SELECT 'trigger', CAST(tgname AS TEXT), '' FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid \
     JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = current_schema() AND NOT tgisinternal \
     UNION ALL SELECT 'view', CAST(table_name AS TEXT), '' FROM information_schema.views WHERE table_schema = current_schema() \
     UNION ALL SELECT 'rule', CAST(rulename AS TEXT), '' FROM pg_rules WHERE schemaname = current_schema() \
     UNION ALL SELECT 'policy', CAST(policyname AS TEXT), '' FROM pg_policies WHERE schemaname = current_schema() \
     UNION ALL SELECT 'functie', CAST(proname AS TEXT), '' FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace \
     WHERE n.nspname = current_schema()";

fn as_in_postgres((kind, name, words): Part) -> Part {
    let words = match words.as_str() {
        "BIGINT" | "INTEGER" => "bigint",
        "BLOB" => "bytea",
        _ => "text",
    };
    (kind, name, words.to_owned())
}

async fn parts(connection: &mut DbConnection, sql: &'static str) -> Result<BTreeSet<Part>, VerifyError> {
    let rows = sqlx::query(sql).fetch_all(connection).await?;
    let part = |row: &DbRow| Ok((row.try_get("type")?, row.try_get("name")?, row.try_get("words")?));
    rows.iter().map(part).collect()
}
