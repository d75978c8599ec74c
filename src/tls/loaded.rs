//! Loaded: certificate, key, CA's and revocation lists as they were read last. They are read again while the gateway runs, and count for
//! who connects from then on, and for who stays.

use std::sync::Arc;

use rustls::ServerConfig;

use super::{accept::Spoken, identity::Identifier};

/// What was read, as handshakes need it.
pub struct Loaded {
    /// Knows who holds a certificate.
    pub(super) identifier: Arc<Identifier>,
    grpc: Arc<ServerConfig>,
    both: Arc<ServerConfig>,
}

impl Loaded {
    /// These settings, with the identifier that they ask.
    #[must_use]
    pub fn new(tls: ServerConfig, identifier: Arc<Identifier>) -> Self {
        let mut both = tls.clone();
        both.alpn_protocols.push(b"http/1.1".to_vec());
        Self { identifier, grpc: Arc::new(tls), both: Arc::new(both) }
    }

    /// The settings with what is spoken at a port, for ALPN (RFC 7301).
    pub(super) fn offered(&self, spoken: Spoken) -> Arc<ServerConfig> {
        Arc::clone(match spoken {
            Spoken::Http2 => &self.grpc,
            Spoken::Http1And2 => &self.both,
        })
    }
}
