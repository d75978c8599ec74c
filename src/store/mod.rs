//! The store: the only SQL.
//!
//! One writer task gathers what waits into one transaction ([`writer`]); readers use a read-only pool. What is written is
//! always written together with its logregels ([`append`]). SQLite and PostgreSQL differ in `dialect` alone. Not here: who may do what (`domain`, `exchange`).

pub mod accept;
pub mod append;
mod batch;
pub mod berichten;
pub mod copy;
pub mod counters;
pub mod dagsleutels;
mod dialect;
pub mod documenten;
mod earlier;
pub mod event;
mod insert;
pub mod lease;
mod listen;
pub mod open;
pub mod passed;
mod postgres;
pub mod postvak;
pub mod proofs;
pub mod rij;
mod rows;
pub mod schade;
mod source;
mod sqlite;
pub mod toestand;
pub mod verify;
pub mod verval;
pub mod wachtend;
pub mod wake;
pub mod withdraw;
mod work;
pub mod writer;
pub mod zoek;

pub use accept::{Accept, Accepted, Pseudoniem};
pub use berichten::{Correctie, StoredBericht};
pub use dagsleutels::SharedDayKeys;
pub use documenten::{Change, Changed, Wijziging};
pub use event::{Durable, Event, Outdated, Reply};
pub use lease::{Lease, Leased};
pub use open::{Database, Store};
pub use postvak::{Consult, Consulted};
pub use rij::{Actor, PostvakRij};
pub use schade::Damage;
pub use toestand::Toestand;
pub use verval::Expire;
pub use withdraw::{Withdraw, Withdrawn};
pub use writer::Writer;
pub use zoek::{Find, Found};

use jiff::Timestamp;

use crate::{domain::Twijfel, logboek::RegelError};

/// A connection, whichever the database.
pub(crate) type DbConnection = sqlx::AnyConnection;
/// Connections for reading.
pub type Pool = sqlx::AnyPool;
type DbRow = sqlx::any::AnyRow;
type Db = sqlx::Any;

/// The store did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database refused or failed; nothing was changed.
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
    /// A row does not hold what it should.
    #[error(
        "database: {table}.{column} van rij {row} is beschadigd; draai logboek verify en zet een reservekopie terug"
    )]
    Inconsistent {
        /// Which table.
        table: &'static str,
        /// Which column.
        column: &'static str,
        /// Which row.
        row: String,
    },
    /// The clock cannot be believed, and nothing was written.
    #[error("{}. Tot dan legt deze poort niets vast", .0.uitleg())]
    Clock(Twijfel),
    /// The database did not answer in time.
    #[error(
        "de database antwoordt niet binnen {seconds} s: is de server bereikbaar, en volgt een standby die in \
         synchronous_standby_names staat?"
    )]
    Unanswered {
        /// How long it was waited for.
        seconds: u64,
    },
    /// A regel cannot be written as it is.
    #[error("een logregel is niet vast te leggen: {0}")]
    Regel(#[from] RegelError),
    /// What the program takes for granted did not hold; nothing of this was written.
    #[error("de poort sprak zichzelf tegen: {0}. Meld dit aan de makers")]
    Broken(String),
    /// Nobody knows whether the transaction was carried out; repeating is safe.
    #[error("de poort kon dit niet vastleggen; herhalen is veilig")]
    NotWritten,
    /// The state of the logboek is unknown: stop, and start again into the same recovery as always.
    #[error(
        "de toestand van het logboek is onbekend na een schrijffout: {0}. De poort stopt; controleer de schijf en start opnieuw"
    )]
    Fatal(String),
}

impl StoreError {
    fn inconsistent(table: &'static str, column: &'static str, row: impl std::fmt::Display) -> Self {
        let row = row.to_string();
        Self::Inconsistent { table, column, row }
    }
}

/// Microseconds since 1970, as the database keeps moments.
fn micros(moment: Timestamp) -> i64 {
    moment.as_microsecond()
}

/// A moment as it stands in a logregel: UTC with exactly six decimals.
#[must_use]
pub fn tijd(micros: i64) -> String {
    let moment = Timestamp::from_microsecond(micros).unwrap_or(Timestamp::MAX);
    moment.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}

/// An index or size as the database keeps it.
fn int(number: u64) -> i64 {
    i64::try_from(number).expect("a logboek stays far below 2^63 regels")
}

/// An index or size from the database.
fn uint(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
