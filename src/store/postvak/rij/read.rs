//! Reading rows of the postvak: with content or without, one or many, the damaged ones apart.

use std::collections::HashMap;

use sqlx::{Row, any::AnyArguments, query::Query};

use super::{
    PostvakRij,
    sql::{rows_for, rows_sql, sealed_sql},
};
use crate::{
    domain::{Adres, BerichtId},
    sleutels::{Opener, Opening, WrapContext},
    store::{
        Db, DbConnection, DbRow, StoreError,
        database::{
            dialect::Dialect,
            rows::{Column, Rows, fetch},
        },
        values::{bericht_id, int, uint},
    },
};

/// What is read of a row: with content or without.
pub(in crate::store) trait ReadRow: Sized {
    /// The statement that reads one row, by its index.
    const ONE: &'static str;
    /// The statement that reads one row, by its bericht, partner and loket.
    const AT: &'static str;
    /// The statement that reads rows, by indexes that are handed in.
    const MANY: &'static str;

    /// Reads it from a row that such a statement gives.
    fn read(row: &DbRow) -> Result<Self, StoreError>;
}

impl ReadRow for PostvakRij {
    const ONE: &'static str = rows_sql!("", "WHERE p.log_index = $1");
    const AT: &'static str = rows_sql!("", "WHERE p.bericht = $1 AND p.partner = $2 AND p.loket = $3");
    const MANY: &'static str = rows_for!("", "WHERE p.log_index = v.log_index");

    fn read(row: &DbRow) -> Result<Self, StoreError> {
        Self::decode(row).map_err(|error| in_row(row, error))
    }
}

/// A bericht for one ontvanger, with its content.
pub(in crate::store) struct Verzegeld {
    pub(in crate::store) rij: PostvakRij,
    /// The wrapped data key, as long as it is kept.
    sleutel: Option<Vec<u8>>,
    /// The sealed content, as long as it is kept.
    inhoud: Option<Vec<u8>>,
}

impl ReadRow for Verzegeld {
    const ONE: &'static str = sealed_sql!("WHERE p.log_index = $1");
    const AT: &'static str = sealed_sql!("WHERE p.bericht = $1 AND p.partner = $2 AND p.loket = $3");
    const MANY: &'static str = rows_for!(", p.sleutel, b.inhoud", "WHERE p.log_index = v.log_index");

    fn read(row: &DbRow) -> Result<Self, StoreError> {
        let rij = PostvakRij::read(row)?;
        let bytes = |column| row.try_get(column).map_err(|error| in_row(row, StoreError::Database(error)));
        Ok(Self { rij, sleutel: bytes("sleutel")?, inhoud: bytes("inhoud")? })
    }
}

impl Verzegeld {
    /// Opens its content, as its ontvanger.
    pub(in crate::store) fn open(&self, opener: &dyn Opener) -> Opening {
        let (Some(wrapped), Some(sealed)) = (&self.sleutel, &self.inhoud) else { return Opening::Damaged };
        let PostvakRij { bericht, afzender, ontvanger, .. } = &self.rij;
        let (adres, stempel) = (&ontvanger.adres, &ontvanger.stempel);
        opener.open(&WrapContext { bericht: *bericht, afzender, ontvanger: adres, stempel }, wrapped, sealed)
    }
}

/// A row that was looked at: its index, and what it holds or what is wrong with it.
pub(in crate::store) type EachRow<T> = (u64, Result<T, StoreError>);

/// Reads many rows, the damaged ones apart. Bytes that are no valid text make a statement fail as a whole; then each row is asked
/// for by itself.
pub(in crate::store) async fn read_each<T: ReadRow>(
    connection: &mut DbConnection,
    rows: Query<'_, Db, AnyArguments>,
    indexes: Query<'_, Db, AnyArguments>,
) -> Result<Vec<EachRow<T>>, StoreError> {
    let dialect = Dialect::of(connection);
    match rows.fetch_all(&mut *connection).await {
        Ok(rows) => looked(&rows),
        Err(error) if dialect.is_in_trouble(&error) => Err(error.into()),
        Err(_) => {
            let indexes = indexes.fetch_all(&mut *connection).await?;
            let indexes = indexes.iter().map(|row| Ok(uint(row.try_get("log_index")?)));
            one_by_one(connection, indexes.collect::<Result<Vec<u64>, sqlx::Error>>()?).await
        }
    }
}

/// Reads rows by their indexes, the damaged ones apart, and without those that are not there.
pub(in crate::store) async fn read_many<T: ReadRow>(
    connection: &mut DbConnection,
    indexes: &[u64],
) -> Result<HashMap<u64, Result<T, StoreError>>, StoreError> {
    let dialect = Dialect::of(connection);
    let asked = Rows::of(&[Column::Int("log_index")], indexes, |log_index| [int(*log_index).into()]);
    let found = match fetch(connection, T::MANY, asked).await {
        Ok(rows) => looked(&rows)?,
        // With SQLite only: with PostgreSQL text is always valid, and an error ends the transaction.
        Err(StoreError::Database(error)) if dialect == Dialect::Sqlite && !dialect.is_in_trouble(&error) => {
            one_by_one(connection, indexes.to_vec()).await?
        }
        Err(error) => return Err(error),
    };
    Ok(found.into_iter().collect())
}

fn looked<T: ReadRow>(rows: &[DbRow]) -> Result<Vec<EachRow<T>>, StoreError> {
    rows.iter().map(|row| Ok((uint(row.try_get("log_index")?), T::read(row)))).collect()
}

async fn one_by_one<T: ReadRow>(
    connection: &mut DbConnection,
    indexes: Vec<u64>,
) -> Result<Vec<EachRow<T>>, StoreError> {
    let mut looked = Vec::with_capacity(indexes.len());
    for log_index in indexes {
        looked.push((log_index, read_one(connection, log_index).await?));
    }
    Ok(looked)
}

/// A row, or what is wrong with it.
async fn read_one<T: ReadRow>(
    connection: &mut DbConnection,
    log_index: u64,
) -> Result<Result<T, StoreError>, StoreError> {
    let dialect = Dialect::of(connection);
    match sqlx::query(T::ONE).bind(int(log_index)).fetch_one(&mut *connection).await {
        Ok(row) => Ok(T::read(&row)),
        Err(error) if dialect.is_in_trouble(&error) => Err(error.into()),
        Err(error) => {
            let bericht = sqlx::query_scalar("SELECT bericht FROM postvak WHERE log_index = $1").bind(int(log_index));
            let bericht: Vec<u8> = bericht.fetch_one(connection).await?;
            let which = format!("{log_index} (bericht {})", bericht_id(&bericht, "postvak")?);
            Ok(Err(StoreError::inconsistent("postvak", "een kolom", format!("{which}: {error}"))))
        }
    }
}

/// Says of an error in which row it is.
fn in_row(row: &DbRow, error: StoreError) -> StoreError {
    let log_index: i64 = row.try_get("log_index").unwrap_or(-1);
    let bericht = row.try_get::<Vec<u8>, _>("bericht").ok().and_then(|id| bericht_id(&id, "postvak").ok());
    let which = bericht.map_or_else(|| log_index.to_string(), |bericht| format!("{log_index} (bericht {bericht})"));
    match error {
        StoreError::Database(error) => StoreError::inconsistent("postvak", "een kolom", format!("{which}: {error}")),
        StoreError::Inconsistent { table, column, .. } => StoreError::inconsistent(table, column, which),
        other => other,
    }
}

/// The row of a bericht at an address.
pub(in crate::store) async fn find_at<T: ReadRow>(
    tx: &mut DbConnection,
    bericht: BerichtId,
    adres: &Adres,
) -> Result<Option<T>, StoreError> {
    let row = sqlx::query(T::AT)
        .bind(bericht.0.as_bytes().to_vec())
        .bind(adres.partner.as_str())
        .bind(adres.loket.as_str())
        .fetch_optional(tx)
        .await?;
    row.as_ref().map(T::read).transpose()
}

/// All rows of a bericht, in the order of its ontvangers.
pub(in crate::store) async fn rows_of(
    tx: &mut DbConnection,
    bericht: BerichtId,
) -> Result<Vec<PostvakRij>, StoreError> {
    const ROWS: &str = rows_sql!("", "WHERE p.bericht = $1 ORDER BY p.log_index");
    let rows = sqlx::query(ROWS).bind(bericht.0.as_bytes().to_vec()).fetch_all(tx).await?;
    rows.iter().map(PostvakRij::read).collect()
}
