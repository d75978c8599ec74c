//! TLS: who may connect, and who that is.
//!
//! TLS 1.3 only, client certificates only, no resumption. The verified leaf is the only source of an identity (promise 4).
//! tonic's own TLS has no revocation lists and no handshake deadline, hence an accept loop of our own ([`accept`]).

pub mod accept;
pub mod identity;
pub mod settings;

use std::{io, path::PathBuf};

/// TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("{path}: {source}. Controleer het pad in [tls] of [[ca]].")]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file does not hold what it should.
    #[error("{path}: {what}")]
    Content {
        /// Which file.
        path: PathBuf,
        /// What is wrong and what is asked.
        what: String,
    },
}
