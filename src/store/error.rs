//! What can go wrong in the store, and why an event was not carried out.

use crate::{
    domain::{Twijfel, Weigering},
    logboek::{Fork, RegelError},
};

/// The store did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database refused or failed. Nothing was changed, unless it was the commit that failed: with PostgreSQL its outcome is
    /// then unknown.
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
    /// A text of what is in force that no regel of the logboek put in force.
    #[error(
        "de rij bij logregel {log_index} is niet bewezen: {why}. Wat van kracht is geldt alleen zoals het logboek het vastlegde; draai \
         logboek verify, en zoek uit wie in de database schreef"
    )]
    Unproven {
        /// Which row.
        log_index: u64,
        /// What is wrong with it.
        why: String,
    },
    /// The clock cannot be believed, and nothing was written.
    #[error("{}. Tot dan legt deze poort niets vast", .0.uitleg())]
    Clock(Twijfel),
    /// The database did not answer in time. If it was to commit, the outcome is unknown.
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
    /// The caller cannot know whether the transaction was carried out; repeating is safe.
    #[error("of de poort dit heeft vastgelegd is onbekend; herhalen is veilig")]
    Unknown,
    /// What stands in the database does not follow what this gateway signed or saw. The gateway stops.
    #[error(transparent)]
    Fork(#[from] Box<Fork>),
    /// Nothing may be written any more: the database is in doubt or has become another one, or a part of the gateway ended by
    /// itself. The gateway stops; the next start runs the same code as every start.
    #[error("de poort stopt vanzelf: {0}")]
    Fatal(String),
}

impl From<Fork> for StoreError {
    fn from(fork: Fork) -> Self {
        Self::Fork(Box::new(fork))
    }
}

impl StoreError {
    pub(in crate::store) fn inconsistent(
        table: &'static str,
        column: &'static str,
        row: impl std::fmt::Display,
    ) -> Self {
        let row = row.to_string();
        Self::Inconsistent { table, column, row }
    }
}

/// Why an event was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum NotDone {
    /// It is not allowed, and its caller hears why. Whatever can refuse comes before the first thing that is written.
    #[error("geweigerd: {}", .0.code())]
    Refused(Weigering),
    /// It was judged by what is no longer so: what is in force changed, midnight passed, or a bericht was received meanwhile. Judge
    /// again, by what is so now.
    #[error("intussen is er iets veranderd waar dit op rustte")]
    Outdated,
    /// The store could not do it.
    #[error(transparent)]
    Failed(#[from] StoreError),
}

impl From<Weigering> for NotDone {
    fn from(weigering: Weigering) -> Self {
        Self::Refused(weigering)
    }
}

impl From<sqlx::Error> for NotDone {
    fn from(error: sqlx::Error) -> Self {
        Self::Failed(error.into())
    }
}
