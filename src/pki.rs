//! Development certificates in the shape of PKIoverheid: root CA, issuing CA (TSP), leaf.
//!
//! An organisation is known by its OIN in `subject.serialNumber`, so development and tests need
//! certificates that carry one. This module makes them:
//!
//! - [`dev_identities`] is the one table of who exists in development;
//! - [`DevCa`] issues leaves, and CRLs to revoke them;
//! - [`write_dev`] lays the whole set in a directory (`ketenpoort certs dev --out DIR`).
//!
//! What it deliberately does not do: it never reads the clock (the caller passes the moment), it
//! makes no certificate for production (those come from a TSP), and it checks nobody's
//! certificate: admission does that, and must not lean on code that also makes them.
//!
//! Invariants: the private keys of a [`DevCa`] live only in the process and are never written to
//! disk, so nobody can add a leaf to a directory afterwards; every OIN has the test prefix
//! `00000099`; an existing file is never overwritten.
//!
//! How to add a development identity: one row in the table in `identities.rs`, and its row in
//! `certs-dev/README.md` (a test compares the two).

mod bundle;
mod ca;
mod directory;
mod identities;
mod serial_numbers;
#[cfg(test)]
mod tests;

use std::io;
use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};

pub use bundle::PASSWORD;
pub use ca::{DevCa, Issued, LeafSpec};
pub use directory::write_dev;
pub use identities::{DevIdentity, dev_identities};

/// Why development certificates could not be made; each message says what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum PkiError {
    /// A file or directory of the set stands there already; nothing was overwritten.
    #[error(
        "{} exists already and development keys are never overwritten: choose another directory \
         for --out, or remove the old one yourself", path.display()
    )]
    AlreadyThere {
        /// What stands there.
        path: PathBuf,
    },

    /// The operating system refused to make a directory of the set.
    #[error(
        "cannot create the directory {}: choose a place for --out where you may write",
        path.display()
    )]
    CreateDirectory {
        /// The directory that was asked for.
        path: PathBuf,
        /// Why, from the operating system.
        source: io::Error,
    },

    /// A file of the set could not be written, at all or in full.
    #[error(
        "cannot write {}: the set is incomplete, so remove the directory, solve the cause and run \
         again", path.display()
    )]
    Write {
        /// The file that was asked for.
        path: PathBuf,
        /// Why, from the operating system.
        source: io::Error,
    },

    /// The file for a browser could not be made.
    #[error("cannot make a PKCS #12 file: {what}; please report this")]
    Bundle {
        /// What went wrong.
        what: String,
    },

    /// A key or certificate could not be made, mostly for a text that its field cannot hold.
    #[error(
        "cannot make a certificate for {subject}: serial numbers must be PrintableString and SANs \
         ASCII"
    )]
    Certificate {
        /// Whose it was to be: organisation of a leaf, common name of a CA.
        subject: String,
        /// Why, from rcgen.
        source: rcgen::Error,
    },

    /// A [`LeafSpec`] asks for more `serialNumber` attributes than this module can make.
    #[error(
        "{count} serialNumber attributes are asked for {subject}: ask for at most {most}",
        most = serial_numbers::MOST_SERIAL_NUMBERS
    )]
    TooManySerialNumbers {
        /// Organisation of the leaf.
        subject: String,
        /// How many it asks for.
        count: usize,
    },

    /// A CRL could not be made or signed.
    #[error("cannot make a CRL of {issuer}: next_update must lie after this_update")]
    Crl {
        /// Which of the two CAs it was to be of.
        issuer: &'static str,
        /// Why, from rcgen.
        source: rcgen::Error,
    },

    /// A moment before 1970, or one whose term ends beyond what can be counted.
    #[error("{moment} gives no validity a certificate can hold: check the clock of this machine")]
    Moment {
        /// The moment that was asked for.
        moment: Timestamp,
    },
}

/// `moment` plus `span`, or the error that a certificate cannot hold it.
fn after(moment: Timestamp, span: SignedDuration) -> Result<Timestamp, PkiError> {
    moment.checked_add(span).map_err(|_| PkiError::Moment { moment })
}
