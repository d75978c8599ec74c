//! What differs in the words of SQLite and PostgreSQL: transactions, the lock, the schema, errors. Other queries of the store are
//! one text in the subset that both know; `rows` says how rows are handed to them.

use std::borrow::Cow;

use sqlx::{
    AssertSqlSafe, Connection, SqlSafeStr, Transaction,
    migrate::{Migration, MigrationType, Migrator},
};

use crate::store::{Db, DbConnection, StoreError};

/// Which database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Dialect {
    Sqlite,
    Postgres,
}

/// Begins a transaction that reads, and sees one moment throughout. PostgreSQL does not end its statements for taking long.
pub(in crate::store) async fn snapshot(connection: &mut DbConnection) -> Result<Transaction<'_, Db>, sqlx::Error> {
    let dialect = Dialect::of(connection);
    let mut tx = connection.begin_with(dialect.begin_snapshot()).await?;
    if dialect == Dialect::Postgres {
        sqlx::query("SET LOCAL statement_timeout = 0").execute(&mut *tx).await?;
    }
    Ok(tx)
}

/// The schema: number, name and words of each migration, as its file is called.
const SCHEMA: &[(i64, &str, &str)] = &[
    (1, "begin", include_str!("migrations/0001_begin.sql")),
    (2, "poorten", include_str!("migrations/0002_poorten.sql")),
];

impl Dialect {
    pub(in crate::store) fn of(connection: &DbConnection) -> Self {
        if connection.backend_name() == "PostgreSQL" { Self::Postgres } else { Self::Sqlite }
    }

    /// Begins a transaction that writes.
    pub(in crate::store) fn begin(self) -> &'static str {
        match self {
            // A deferred transaction that upgrades later gets SQLITE_BUSY whatever the timeout.
            Self::Sqlite => "BEGIN IMMEDIATE",
            Self::Postgres => "BEGIN ISOLATION LEVEL READ COMMITTED",
        }
    }

    /// Begins a transaction that reads, and sees one moment throughout.
    fn begin_snapshot(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN DEFERRED",
            Self::Postgres => "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY",
        }
    }

    /// Reads the head of the logboek, and keeps every other writer of any gateway out until the transaction ends. With SQLite the
    /// beginning of the transaction has done so already; with PostgreSQL the lock on this row does it.
    ///
    /// It is the first statement of a transaction. Every later statement sees all that was committed before the lock was had (READ
    /// COMMITTED). Where the database has a clock of its own, its time in microseconds comes with the head. It is the time at which
    /// the lock was had, hence the two steps.
    pub(in crate::store) fn lock_head(self) -> &'static str {
        match self {
            Self::Sqlite => "SELECT sleutels, nummer, naam, eerste, nota, NULL AS nu FROM logboek WHERE id = 1",
            Self::Postgres => {
                "WITH hoofd AS MATERIALIZED \
                 (SELECT sleutels, nummer, naam, eerste, nota FROM logboek WHERE id = 1 FOR UPDATE) \
                 SELECT sleutels, nummer, naam, eerste, nota, \
                 CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT) AS nu FROM hoofd"
            }
        }
    }

    /// The database's own time in microseconds, where it has a clock of its own.
    pub(in crate::store) fn time(self) -> Option<&'static str> {
        (self == Self::Postgres).then_some("SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)")
    }

    /// The migrations.
    pub(in crate::store) fn schema(self) -> Migrator {
        let in_words = |(version, name, sql): &(i64, &'static str, &'static str)| {
            let sql = match self {
                Self::Sqlite => sql.into_sql_str(),
                Self::Postgres => AssertSqlSafe(of_postgres(sql)).into_sql_str(),
            };
            Migration::new(*version, (*name).into(), MigrationType::Simple, sql, false)
        };
        Migrator { migrations: Cow::Owned(SCHEMA.iter().map(in_words).collect()), ..Migrator::DEFAULT }
    }

    /// Whether the database itself, or the way to it, is in trouble: it is full, busy, stopping, or gone. Else the statement is at
    /// fault.
    pub(in crate::store) fn is_in_trouble(self, error: &sqlx::Error) -> bool {
        use sqlx::Error;
        let refused = match error {
            Error::Database(refused) => refused,
            // What came back cannot be read, or what was to be sent cannot be written.
            Error::RowNotFound
            | Error::TypeNotFound { .. }
            | Error::ColumnIndexOutOfBounds { .. }
            | Error::ColumnNotFound(_)
            | Error::ColumnDecode { .. }
            | Error::Encode(_)
            | Error::Decode(_)
            | Error::AnyDriverError(_) => return false,
            _ => return true,
        };
        let code = refused.code().unwrap_or_default();
        match self {
            // BUSY, LOCKED, NOMEM, READONLY, IOERR, FULL, CANTOPEN and PROTOCOL; https://sqlite.org/rescode.html
            Self::Sqlite => {
                code.parse::<i32>().is_ok_and(|code| matches!(code & 0xff, 5 | 6 | 7 | 8 | 10 | 13 | 14 | 15))
            }
            // Connection, rolled back for another, resources, locks, operator, system; and read-only after a failover. Appendix A
            // of the manual.
            Self::Postgres => {
                ["08", "40", "53", "55", "57", "58"].iter().any(|class| code.starts_with(class)) || code == "25006"
            }
        }
    }

    /// What a failed commit means.
    ///
    /// With PostgreSQL nothing that a gateway remembers rests on the outcome. The next transaction reads the head anew under its
    /// lock, and gets that lock only when a commit that is still under way has ended. With SQLite the file itself is in doubt after
    /// an I/O error: nobody knows what is on the disk, and the next start has to find out.
    pub(in crate::store) fn commit_failed(self, error: sqlx::Error) -> StoreError {
        const SQLITE_BUSY: i32 = 5;
        const SQLITE_FULL: i32 = 13;
        if self == Self::Postgres {
            return StoreError::Database(error);
        }
        let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
        match code.and_then(|code| code.parse::<i32>().ok()).map(|code| code & 0xff) {
            // A full or busy database refuses a commit and keeps the old state.
            Some(SQLITE_BUSY | SQLITE_FULL) => StoreError::Database(error),
            _ => StoreError::Fatal(format!(
                "na een schrijffout is onbekend hoever het logboek is ({error}). Controleer de schijf en start opnieuw"
            )),
        }
    }
}

/// The words of a migration as PostgreSQL knows them.
fn of_postgres(sql: &str) -> String {
    let words = [(" BLOB", " BYTEA"), (" INTEGER PRIMARY KEY", " BIGINT PRIMARY KEY"), (" WITHOUT ROWID", "")];
    words.into_iter().fold(sql.to_owned(), |sql, (sqlite, postgres)| sql.replace(sqlite, postgres))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gateways of the version before serve on beside a migration.
    #[test]
    fn a_migration_takes_the_place_of_a_writer_and_only_adds() {
        for (_, name, sql) in SCHEMA.iter().skip(1) {
            let statements: String = sql.lines().filter(|line| !line.starts_with("--")).collect::<Vec<_>>().join("\n");
            assert!(statements.trim_start().starts_with("UPDATE logboek SET id = id;"), "{name} does not lock first");
            for taken in ["DROP ", "RENAME ", "DELETE ", "ALTER COLUMN", "ALTER TYPE"] {
                assert!(!statements.contains(taken), "{name}: {taken}");
            }
        }
        assert!(SCHEMA.len() > 1);
    }

    #[test]
    fn every_file_with_a_migration_is_carried_out() {
        let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store/database/migrations");
        let entries = std::fs::read_dir(directory).unwrap();
        let mut files: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        files.sort();
        let known: Vec<String> = SCHEMA.iter().map(|(number, name, _)| format!("{number:04}_{name}.sql")).collect();
        assert_eq!(files, known);
    }
}
