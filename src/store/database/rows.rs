//! Many rows in one statement, and several statements in one round trip to the database.
//!
//! A statement takes rows from a relation that is handed in; in its text that relation is written `{v}`. For SQLite it becomes a
//! list of `VALUES`, and the statements of a script follow each other. For PostgreSQL it becomes one array a column, so that the
//! text is the same however many rows there are, and the statements of a script become parts of one statement (`WITH`).

mod arrays;
mod cell;

use std::fmt::Write;

use sqlx::{Arguments, AssertSqlSafe, Encode, Type, any::AnyArguments, query::Query};

use self::arrays::OneColumn;
pub(in crate::store) use self::cell::Cell;
use super::dialect::Dialect;
use crate::store::{Db, DbConnection, DbRow, StoreError};

/// Values in one statement of SQLite at most; it takes 32,766. One with more rows is cut into several.
const MOST_CELLS: usize = 16_384;
/// With SQLite a text with more values is not kept prepared: hardly another one has as many.
const MOST_PREPARED: usize = 512;

/// A column of rows that are handed in: what it holds and its name.
#[derive(Clone, Copy)]
pub(in crate::store) enum Column<'c> {
    Int(&'c str),
    Text(&'c str),
    Bytes(&'c str),
}

impl<'c> Column<'c> {
    pub(in crate::store) fn name(self) -> &'c str {
        match self {
            Self::Int(name) | Self::Text(name) | Self::Bytes(name) => name,
        }
    }
}

/// Rows that are handed in.
pub(in crate::store) struct Rows<'c> {
    columns: &'c [Column<'c>],
    cells: Vec<Cell>,
}

impl<'c> Rows<'c> {
    /// Rows of these items.
    pub(in crate::store) fn of<T, const N: usize>(
        columns: &'c [Column<'c>; N],
        items: impl IntoIterator<Item = T>,
        row: impl FnMut(T) -> [Cell; N],
    ) -> Self {
        Self::of_cells(columns, items.into_iter().flat_map(row).collect())
    }

    /// Rows of these cells, one row after the other.
    pub(in crate::store) fn of_cells(columns: &'c [Column<'c>], cells: Vec<Cell>) -> Self {
        Self { columns, cells }
    }

    /// As many rows at a time as a statement takes; nothing where there are none.
    fn chunks(self, dialect: Dialect) -> Vec<Self> {
        let columns = self.columns;
        let most = match dialect {
            Dialect::Sqlite => MOST_CELLS / columns.len() * columns.len(),
            Dialect::Postgres => usize::MAX,
        };
        let (mut chunks, mut cells) = (Vec::new(), self.cells);
        while !cells.is_empty() {
            let rest = cells.split_off(most.min(cells.len()));
            chunks.push(Self { columns, cells });
            cells = rest;
        }
        chunks
    }
}

/// Statements that go to the database together.
pub(in crate::store) struct Script {
    dialect: Dialect,
    sql: String,
    statements: usize,
    arguments: AnyArguments,
    bells: Option<String>,
}

impl Script {
    pub(in crate::store) fn new(dialect: Dialect) -> Self {
        Self { dialect, sql: String::new(), statements: 0, arguments: AnyArguments::default(), bells: None }
    }

    /// Tells other gateways, when the transaction commits, at which postvakken something arrived; an empty text means at any.
    pub(in crate::store) fn ring(&mut self, bells: String) {
        self.bells = Some(bells).filter(|_| self.dialect == Dialect::Postgres);
    }

    /// Adds an `INSERT` of rows into a table whose columns are called as theirs. `also` comes at its end.
    pub(in crate::store) fn insert(&mut self, table: &str, rows: Rows<'_>, also: &str) {
        let names: Vec<&str> = rows.columns.iter().map(|column| column.name()).collect();
        let names = names.join(", ");
        if self.dialect == Dialect::Postgres {
            return self.statement(&format!("INSERT INTO {table} ({names}) SELECT {names} FROM {{v}} {also}"), rows);
        }
        for rows in rows.chunks(self.dialect) {
            self.begin_statement();
            self.push(&format!("INSERT INTO {table} ({names}) "));
            self.values(rows.columns.len(), rows.cells.into_iter());
            self.push(" ");
            self.push(also);
        }
    }

    /// Adds a statement on rows; where there are no rows it adds nothing. For very many rows it adds the statement several times, each time
    /// on some of them.
    pub(in crate::store) fn statement(&mut self, sql: &str, rows: Rows<'_>) {
        for rows in rows.chunks(self.dialect) {
            self.begin_statement();
            self.with_rows(sql, rows);
            if self.dialect == Dialect::Postgres {
                self.push(")");
            }
        }
    }

    /// Carries out all its statements, in one round trip.
    pub(in crate::store) async fn execute(mut self, tx: &mut DbConnection) -> Result<(), StoreError> {
        match self.bells.take() {
            Some(bells) => {
                let number = self.bind(bells);
                self.push(&format!(" SELECT pg_notify('ketenpoort', ${number})"));
            }
            None if self.statements == 0 => return Ok(()),
            None if self.dialect == Dialect::Postgres => self.push(" SELECT 1"),
            None => {}
        }
        self.query().execute(tx).await?;
        Ok(())
    }

    /// What it finds, in one round trip.
    async fn find(self, connection: &mut DbConnection) -> Result<Vec<DbRow>, StoreError> {
        if self.sql.is_empty() {
            return Ok(Vec::new());
        }
        Ok(self.query().fetch_all(connection).await?)
    }

    fn query(self) -> Query<'static, Db, AnyArguments> {
        let prepared = self.dialect == Dialect::Postgres || self.arguments.len() <= MOST_PREPARED;
        sqlx::query_with(AssertSqlSafe(self.sql), self.arguments).persistent(prepared)
    }

    fn begin_statement(&mut self) {
        match self.dialect {
            Dialect::Sqlite if self.statements > 0 => self.push("; "),
            Dialect::Sqlite => {}
            Dialect::Postgres => {
                let before = if self.statements == 0 { "WITH" } else { "," };
                let number = self.statements;
                write!(self.sql, "{before} s{number} AS (").expect("a String takes everything");
            }
        }
        self.statements += 1;
    }

    fn push(&mut self, sql: &str) {
        self.sql.push_str(sql);
    }

    fn with_rows(&mut self, sql: &str, rows: Rows<'_>) {
        let (before, after) = sql.split_once("{v}").expect("a statement on rows says where they go");
        self.push(before);
        match self.dialect {
            Dialect::Sqlite => {
                let names = rows.columns.iter().zip(1..).map(|(column, at)| format!("column{at} AS {}", column.name()));
                let names: Vec<String> = names.collect();
                self.push(&format!("(SELECT {} FROM (", names.join(", ")));
                self.values(rows.columns.len(), rows.cells.into_iter());
                self.push(")) AS v");
            }
            Dialect::Postgres => self.arrays(rows),
        }
        self.push(after);
    }

    /// `VALUES` and a placeholder for each.
    fn values(&mut self, columns: usize, cells: impl Iterator<Item = Cell>) {
        self.push("VALUES ");
        for (at, cell) in cells.enumerate() {
            let before = match at % columns {
                0 if at == 0 => "(?",
                0 => "), (?",
                _ => ", ?",
            };
            self.push(before);
            match cell {
                Cell::Null => self.bind(None::<i64>),
                Cell::Int(number) => self.bind(number),
                Cell::Text(text) => self.bind(text),
                Cell::Bytes(bytes) => self.bind(bytes),
            };
        }
        self.push(")");
    }

    /// One array a column. Bytes go as one value, with where each begins and how long it is.
    fn arrays(&mut self, Rows { columns, cells }: Rows<'_>) {
        let mut whole: Vec<OneColumn> = columns.iter().map(|_| OneColumn::default()).collect();
        for (at, cell) in cells.into_iter().enumerate() {
            whole[at % columns.len()].push(cell);
        }
        let (mut shown, mut from, mut names) = (Vec::new(), Vec::new(), Vec::new());
        for (column, OneColumn { values, lengths, bytes }) in columns.iter().zip(whole) {
            let (name, values) = (column.name(), self.bind(values.end()));
            if let Column::Bytes(_) = column {
                let (lengths, bytes) = (self.bind(lengths.end()), self.bind(bytes));
                shown.push(format!("substring(${bytes}::bytea FROM {name}_van FOR {name}_lang) AS {name}"));
                from.push(format!("${values}::int[], ${lengths}::int[]"));
                names.push(format!("{name}_van, {name}_lang"));
            } else {
                let kind = if matches!(column, Column::Int(_)) { "bigint" } else { "text" };
                shown.push(name.to_owned());
                from.push(format!("${values}::{kind}[]"));
                names.push(name.to_owned());
            }
        }
        let [shown, from, names] = [shown, from, names].map(|parts| parts.join(", "));
        self.push(&format!("(SELECT {shown} FROM unnest({from}) AS u ({names})) AS v"));
    }

    /// Binds a value; gives its number.
    fn bind<T: for<'q> Encode<'q, Db> + Type<Db>>(&mut self, value: T) -> usize {
        self.arguments.add(value).expect("text, numbers and bytes can always be bound");
        self.arguments.len()
    }
}

/// What a statement finds for rows that are handed in.
pub(in crate::store) async fn fetch(
    connection: &mut DbConnection,
    sql: &str,
    rows: Rows<'_>,
) -> Result<Vec<DbRow>, StoreError> {
    fetch_all(connection, [(sql, rows)]).await
}

/// What statements find, each for rows of its own, in one round trip, or in some where there are very many rows. All of them have the
/// same columns.
pub(in crate::store) async fn fetch_all<const N: usize>(
    connection: &mut DbConnection,
    statements: [(&str, Rows<'_>); N],
) -> Result<Vec<DbRow>, StoreError> {
    let dialect = Dialect::of(connection);
    let (mut script, mut found) = (Script::new(dialect), Vec::new());
    for (sql, rows) in statements {
        for rows in rows.chunks(dialect) {
            if dialect == Dialect::Sqlite && script.arguments.len() + rows.cells.len() > MOST_CELLS {
                found.extend(std::mem::replace(&mut script, Script::new(dialect)).find(connection).await?);
            }
            if !script.sql.is_empty() {
                script.push(" UNION ALL ");
            }
            script.with_rows(sql, rows);
        }
    }
    found.extend(script.find(connection).await?);
    Ok(found)
}

#[cfg(test)]
mod tests {
    use sqlx::{ConnectOptions, Row, any::AnyConnectOptions};

    use super::*;

    const COLUMNS: [Column<'_>; 3] = [Column::Int("a"), Column::Text("b"), Column::Bytes("c")];

    #[tokio::test]
    async fn whatever_is_in_rows_and_however_many_there_are_arrives() {
        sqlx::any::install_default_drivers();
        let options: AnyConnectOptions = "sqlite::memory:".parse().unwrap();
        let mut connection = options.connect().await.unwrap();
        sqlx::query("CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT, c BLOB)").execute(&mut connection).await.unwrap();
        // More than one statement takes.
        let most = i64::try_from(MOST_CELLS).unwrap();
        let row = |at: i64| match at % 3 {
            0 => [at.into(), "'\"\\{}, \n\u{e9}".into(), vec![0, 255].into()],
            1 => [at.into(), Cell::Null, Cell::Null],
            _ => [at.into(), "".into(), Vec::new().into()],
        };
        let mut script = Script::new(Dialect::Sqlite);
        script.insert("t", Rows::of(&COLUMNS, 0..most, row), "");
        script.statement("DELETE FROM t WHERE a IN (SELECT v.a FROM {v})", Rows::of(&COLUMNS, [3], row));
        script.statement("DELETE FROM t WHERE a IN (SELECT v.a FROM {v})", Rows::of(&COLUMNS, [], row));
        script.execute(&mut connection).await.unwrap();
        // More than one statement takes of these too.
        let many = || Rows::of(&[Column::Int("a")], 1000..most, |a| [a.into()]);
        assert_eq!(
            fetch(&mut connection, "SELECT t.a FROM {v} JOIN t ON t.a = v.a", many()).await.unwrap().len(),
            15_384
        );
        let twice = || Rows::of(&COLUMNS, 1000..most - 1, row);
        let mut script = Script::new(Dialect::Sqlite);
        script.statement("UPDATE t SET b = 'weg' FROM {v} WHERE t.a = v.a", twice());
        script.statement("DELETE FROM t WHERE b = 'weg' AND a IN (SELECT v.a FROM {v})", twice());
        script.execute(&mut connection).await.unwrap();
        assert_eq!(fetch(&mut connection, "SELECT t.a FROM {v} JOIN t ON t.a = v.a", many()).await.unwrap().len(), 1);
        let asked = [0, 1, 2, 3, most - 1];
        let sql = "SELECT t.a, t.b, t.c FROM {v} JOIN t ON t.a = v.a";
        let found =
            fetch_all(&mut connection, [(sql, Rows::of(&COLUMNS, asked, row)), (sql, Rows::of(&COLUMNS, [], row))]);
        let mut found: Vec<(i64, Option<String>, Option<Vec<u8>>)> =
            found.await.unwrap().iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect();
        found.sort();
        let text = Some("'\"\\{}, \n\u{e9}".to_owned());
        let empty = (Some(String::new()), Some(Vec::new()));
        assert_eq!(found[0], (0, text.clone(), Some(vec![0, 255])));
        assert_eq!(found[1], (1, None, None));
        assert_eq!(found[2], (2, empty.0, empty.1));
        assert_eq!(found[3], (most - 1, text, Some(vec![0, 255])));
        assert_eq!(found.len(), 4);
    }

    #[test]
    fn for_postgresql_a_text_is_the_same_however_many_rows_there_are() {
        let text = |rows: Vec<[Cell; 3]>| {
            let mut script = Script::new(Dialect::Postgres);
            script.insert("t", Rows::of(&COLUMNS, rows, |row| row), "");
            script.sql
        };
        let one = text(vec![[1.into(), "x".into(), vec![1].into()]]);
        let two = text(vec![[1.into(), Cell::Null, vec![].into()], [2.into(), "\"\\".into(), Cell::Null]]);
        assert_eq!(one, two);
    }
}
