//! The store: the only SQL.
//!
//! Seven rooms, each of which knows only rooms before it. [`database`] opens SQLite or PostgreSQL, and puts statements in the words
//! of either. [`ledger`] appends to the logboek, and proves what stands in it. [`postvak`] is what happens to berichten, in a
//! transaction under way. [`reading`] looks without changing anything. [`writer`] is the one task that carries out what callers
//! hand in: many events in one transaction, which are answered once that transaction is durable. [`verify`] recomputes everything,
//! and believes nothing. [`zoeken`] is a projection of the logboek beside the database, by which regels are found.
//!
//! Not here: who may do what (`domain`, `exchange`).

pub mod database;
mod error;
pub mod ledger;
pub mod postvak;
pub mod reading;
mod values;
pub mod verify;
pub mod writer;
pub mod zoeken;

pub use database::{
    copy,
    open::{Database, OpenError},
};
pub use error::{NotDone, StoreError};
pub use ledger::append::{Commit, Committed};
pub use postvak::{
    accept::Accepted,
    actor::Actor,
    bell::Bell,
    confirm::Confirm,
    consult::{Consult, Consulted},
    damage::Damage,
    expire::Expire,
    find::{Find, Found},
    lease::{HeldLease, Holder, Lease, Leased, Place, Post},
    new::{Accept, AcceptOntvanger},
    rij::PostvakRij,
    withdraw::{Withdraw, Withdrawn, WithdrawnAt},
};
pub use reading::berichten::StoredBericht;
pub use writer::{
    Store, Writer,
    alone::Alone,
    change::{Change, Changed, Wijziging},
    dossier::{InDossier, OpenDossier},
    event::{Durable, Event, NobodyToWarn, Reply},
    next_logboek::{Closed, NextLogboek},
    shared_keys::SharedDayKeys,
    voorstel::{Besluit, Decide, Handtekening, Propose},
    wis::Erase,
};

/// A connection, whichever the database.
pub(crate) type DbConnection = sqlx::AnyConnection;
/// Connections for reading.
pub type Pool = sqlx::AnyPool;
type DbRow = sqlx::any::AnyRow;
type Db = sqlx::Any;

/// Hears how far something long has come: so many of so many.
pub type Progress<'p> = &'p (dyn Fn(u64, u64) + Send + Sync);
