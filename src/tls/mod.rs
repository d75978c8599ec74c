//! TLS: who may connect, and who that is.
//!
//! TLS 1.3 only, client certificates only, no resumption. The verified leaf is the only source of an identity.
//! tonic's own TLS has no revocation lists and no handshake deadline, hence an accept loop of our own ([`accept`]).

//!
//! Files are read whole or refused (`pem`); of several revocation lists the newest of the right key counts (`crl`); a
//! client's chain is held to a size before any path is built, and judged off the threads that answer calls (`handshake`);
//! who waits for a handshake has a place of its own (`waiting`), also behind a balancer (`proxy`). Who is refused is
//! counted for the logboek (`refused`). What was read from files is read again while the gateway runs ([`loaded`]). Who signs for a party does so with the key of its certificate ([`handtekening`]).

pub mod accept;
pub mod ca;
pub mod crl;
mod door;
mod handshake;
pub mod handtekening;
pub mod identity;
pub mod loaded;
pub mod opgehaald;
mod pem;
mod proxy;
mod refused;
pub mod settings;
mod waiting;

use std::{io, path::PathBuf};

pub use handshake::Handshakes;
pub use refused::{Refusal, Refused};

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
    /// A line of a file is not what it should be.
    #[error("{path}:{line}: {what}")]
    Line {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// What is wrong and what to do.
        what: String,
    },
}

impl TlsError {
    /// The same without the file, for who names that already.
    #[must_use]
    pub fn reden(&self) -> String {
        match self {
            Self::Io { source, .. } => source.to_string(),
            Self::Content { what, .. } => what.clone(),
            Self::Line { line, what, .. } => format!("regel {line}: {what}"),
        }
    }
}
