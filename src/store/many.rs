//! Statements over many rows.
//!
//! Like sqlx's `QueryBuilder`, which for either database writes `?` where a value goes: PostgreSQL knows only `$1`. SQLite knows both, but
//! takes each `$1` for a name, and looks through all of them for each value.

use std::fmt::Write;

use sqlx::{Arguments, AssertSqlSafe, Encode, Type, any::AnyArguments, query::Query};

use super::{Db, DbConnection, dialect::Dialect};

/// Rows in one statement. Few sizes, so that few statements are prepared.
const SIZES: [usize; 4] = [64, 16, 4, 1];

/// Divides rows over statements.
pub(super) fn in_sizes<T>(mut rows: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let size = SIZES.into_iter().find(|size| *size <= rows.len())?;
        let (some, others) = rows.split_at(size);
        rows = others;
        Some(some)
    })
}

/// Inserts rows, `into` this table and its columns.
pub(super) async fn insert_all<T>(
    tx: &mut DbConnection,
    into: &'static str,
    rows: &[T],
    bind: impl Fn(&mut Row<'_>, &T),
) -> Result<(), sqlx::Error> {
    let dialect = Dialect::of(tx);
    for some in in_sizes(rows) {
        Many::new(dialect, into).values(some, &bind).build().execute(&mut *tx).await?;
    }
    Ok(())
}

/// A statement under way. Its text is the program's own; values are bound, never written into it.
pub(super) struct Many {
    dialect: Dialect,
    sql: String,
    arguments: AnyArguments,
}

impl Many {
    pub(super) fn new(dialect: Dialect, sql: impl Into<String>) -> Self {
        Self { dialect, sql: sql.into(), arguments: AnyArguments::default() }
    }

    pub(super) fn push(mut self, sql: &'static str) -> Self {
        self.sql.push_str(sql);
        self
    }

    /// `VALUES` and one row for each item.
    pub(super) fn values<T>(
        mut self,
        items: impl IntoIterator<Item = T>,
        mut bind: impl FnMut(&mut Row<'_>, T),
    ) -> Self {
        self.sql.push_str("VALUES ");
        for (at, item) in items.into_iter().enumerate() {
            self.sql.push_str(if at == 0 { "(" } else { ", (" });
            bind(&mut Row { many: &mut self, first: true }, item);
            self.sql.push(')');
        }
        self
    }

    /// A list in parentheses.
    pub(super) fn list<T>(mut self, items: impl IntoIterator<Item = T>) -> Self
    where
        T: for<'q> Encode<'q, Db> + Type<Db>,
    {
        self.sql.push('(');
        let mut row = Row { many: &mut self, first: true };
        for item in items {
            row.bind(item);
        }
        self.sql.push(')');
        self
    }

    pub(super) fn build(self) -> Query<'static, Db, AnyArguments> {
        sqlx::query_with(AssertSqlSafe(self.sql), self.arguments)
    }
}

/// A row under way.
pub(super) struct Row<'m> {
    many: &'m mut Many,
    first: bool,
}

impl Row<'_> {
    pub(super) fn bind<'q, T: Encode<'q, Db> + Type<Db>>(&mut self, value: T) -> &mut Self {
        let Many { dialect, sql, arguments } = &mut *self.many;
        arguments.add(value).expect("text, numbers and bytes can always be bound");
        let comma = if self.first { "" } else { ", " };
        match dialect {
            Dialect::Sqlite => write!(sql, "{comma}?"),
            Dialect::Postgres => write!(sql, "{comma}${}", arguments.len()),
        }
        .expect("a String takes everything");
        self.first = false;
        self
    }
}
