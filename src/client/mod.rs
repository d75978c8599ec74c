//! A partner's client: a profile on disk, a connection over mutual TLS, typed failures.
//!
//! Used by the command line and the demo, and public for partners who write Rust.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use serde::Deserialize;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;
use tonic::{
    Code, Status,
    transport::{Channel, Endpoint, Uri},
};
use tonic_types::StatusExt;

use crate::{
    proto::client::ExchangeServiceClient,
    tls::{TlsError, handtekening, settings},
};

/// A profile directory: `cert.pem`, `key.pem`, `ca.pem` and `profiel.toml`.
#[derive(Clone, Debug)]
pub struct Profile {
    dir: PathBuf,
    settings: ProfileFile,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProfileFile {
    adres: String,
    loket: String,
    medewerker: String,
}

/// Why a client cannot do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The profile is unusable.
    #[error("profiel {path}: {what}")]
    Profile {
        /// Which file.
        path: PathBuf,
        /// What is wrong and what is asked.
        what: String,
    },
    /// Its certificates are unusable.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The gateway refused: an expected answer.
    #[error("{0}")]
    Refused(Geweigerd),
    /// The gateway cannot be reached, or closed the connection.
    #[error("{adres} is niet bereikbaar: {what}")]
    Unreachable {
        /// Where.
        adres: String,
        /// What happened.
        what: String,
    },
}

/// A refusal as the gateway sent it.
#[derive(Clone, Debug)]
pub struct Geweigerd {
    /// The weigering, `lower_snake`; empty where the answer is not one of the gateway's.
    pub weigering: String,
    /// What is wrong and what to do.
    pub uitleg: String,
    /// Fields to blame: path and what is asked.
    pub velden: Vec<(String, String)>,
}

impl fmt::Display for Geweigerd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "geweigerd ({}): {}", self.weigering, self.uitleg)?;
        self.velden.iter().try_for_each(|(veld, uitleg)| write!(f, "\n  {veld}: {uitleg}"))
    }
}

impl Profile {
    /// Reads a profile directory.
    ///
    /// # Errors
    /// [`ClientError::Profile`].
    pub fn load(dir: &Path) -> Result<Self, ClientError> {
        let path = dir.join("profiel.toml");
        let wrong = |what: String| ClientError::Profile { path: path.clone(), what };
        let text = fs::read_to_string(&path)
            .map_err(|error| wrong(format!("niet te lezen: {error}. Geef met --profile een map uit profielen/.")))?;
        let settings: ProfileFile = toml::from_str(&text).map_err(|error| wrong(error.message().to_owned()))?;
        Ok(Self { dir: dir.to_owned(), settings })
    }

    /// Where the gateway is.
    #[must_use]
    pub fn adres(&self) -> &str {
        &self.settings.adres
    }

    /// The loket that is used when none is named.
    #[must_use]
    pub fn loket(&self) -> &str {
        &self.settings.loket
    }

    /// The staff reference that is used when none is named.
    #[must_use]
    pub fn medewerker(&self) -> &str {
        &self.settings.medewerker
    }

    /// Signs a text with the key of this profile.
    ///
    /// # Errors
    /// [`ClientError::Tls`] when the key cannot be read or cannot sign.
    pub fn sign(&self, text: &str) -> Result<Vec<u8>, ClientError> {
        Ok(handtekening::sign(&self.dir.join("key.pem"), text)?)
    }

    /// Connects over mutual TLS.
    ///
    /// # Errors
    /// [`ClientError`], also when the gateway does not accept the certificate.
    pub async fn connect(&self) -> Result<ExchangeServiceClient<Channel>, ClientError> {
        let channel = self.channel().await?;
        Ok(ExchangeServiceClient::new(channel).max_decoding_message_size(16 << 20))
    }

    /// The connection itself, for a service of one's own.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn channel(&self) -> Result<Channel, ClientError> {
        let file = |name| self.dir.join(name);
        let tls = settings::client(&file("cert.pem"), &file("key.pem"), &file("ca.pem"))?;
        let connector = TlsConnector::from(Arc::new(tls));
        let wrong = |what: &str| ClientError::Profile { path: file("profiel.toml"), what: what.to_owned() };
        let uri: Uri = self.settings.adres.parse().map_err(|_| wrong("adres is geen URL als https://poort:7443"))?;
        let host = uri.host().ok_or_else(|| wrong("adres noemt geen machine"))?.trim_matches(['[', ']']).to_owned();
        let port = uri.port_u16().unwrap_or(7443);
        let name = ServerName::try_from(host.clone()).map_err(|_| wrong("adres noemt geen machine"))?;
        let connect = tower::service_fn(move |_: Uri| {
            let (connector, host, name) = (connector.clone(), host.clone(), name.clone());
            async move {
                let stream = TcpStream::connect((host, port)).await?;
                stream.set_nodelay(true)?;
                let mut stream = BufReader::new(connector.connect(name, stream).await?);
                // In TLS 1.3 the gateway's verdict on our certificate comes after our side of the handshake: its first
                // bytes are the HTTP/2 settings, or the alert that says why we are refused.
                if stream.fill_buf().await?.is_empty() {
                    return Err(io::Error::from(io::ErrorKind::ConnectionReset));
                }
                Ok::<_, io::Error>(TokioIo::new(stream))
            }
        });
        // TLS is the connector's; to tonic the connection is plain HTTP/2.
        Endpoint::from(uri)
            .connect_timeout(Duration::from_secs(10))
            .initial_stream_window_size(1 << 20)
            .initial_connection_window_size(4 << 20)
            .connect_with_connector(connect)
            .await
            .map_err(|error| self.unreachable(&error))
    }

    fn unreachable(&self, error: &dyn std::error::Error) -> ClientError {
        ClientError::Unreachable { adres: self.settings.adres.clone(), what: causes(error) }
    }

    /// Makes a failed call a refusal or an unreachable gateway.
    #[must_use]
    pub fn failure(&self, status: &Status) -> ClientError {
        let details = status.get_error_details();
        if let Some(info) = details.error_info() {
            let velden = details.bad_request().map(|request| &request.field_violations);
            let velden = velden.into_iter().flatten().map(|veld| (veld.field.clone(), veld.description.clone()));
            return ClientError::Refused(Geweigerd {
                weigering: info.reason.to_ascii_lowercase(),
                uitleg: details.localized_message().map_or(status.message(), |said| &said.message).to_owned(),
                velden: velden.collect(),
            });
        }
        match status.code() {
            Code::Unavailable | Code::Unknown | Code::Internal | Code::Cancelled => self.unreachable(status),
            code => ClientError::Refused(Geweigerd {
                weigering: String::new(),
                uitleg: format!("{code:?}: {}", status.message()),
                velden: Vec::new(),
            }),
        }
    }
}

/// An error with all its causes, and what to do where TLS says who was refused.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let cause = error.to_string();
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
        source = error.source();
    }
    let hint = [
        ("AccessDenied", "De poort kent dit certificaat niet: vraag beheer om een identiteit voor uw OIN."),
        ("UnknownCA", "De poort vertrouwt de uitgever van dit certificaat niet."),
        ("CertificateExpired", "Uw certificaat is verlopen: vraag een nieuw aan."),
        ("CertificateRevoked", "Uw certificaat is ingetrokken."),
        ("UnknownIssuer", "De poort heeft een certificaat van een CA die niet in ca.pem staat."),
    ];
    match hint.into_iter().find(|(sign, _)| text.contains(sign)) {
        Some((_, hint)) => format!("{text}. {hint}"),
        None => text,
    }
}
