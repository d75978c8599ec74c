//! Reload: certificate, key, CA's and revocation lists are read again while the gateway runs, when somebody says so or when their files
//! changed. What cannot be used changes nothing, and is said. Which files these are stands in the configuration, which is read at the start.

use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use jiff::Timestamp;
use tokio::sync::{Notify, watch};

use super::{GatewayError, ends::Ends, look::look, open::Certificates};
use crate::{
    config::Config,
    domain::{Klok, Oin, VanKracht},
    logboek::sha256_hex,
    tls::{loaded::Loaded, settings},
};

/// Reads the files again.
pub(super) struct Reloader {
    config: Config,
    productie: bool,
    /// Under which the gateway sends; another one would be another gateway.
    oin: Oin,
    in_force: watch::Receiver<Arc<VanKracht>>,
    klok: Arc<Klok>,
    loaded: watch::Sender<Arc<Loaded>>,
    ends: Ends,
    /// Told when all lists that are fetched must be fetched now.
    pub(super) fetch: Arc<Notify>,
    /// One reads at a time.
    state: Mutex<State>,
}

/// What is known of the files.
struct State {
    /// Of the content that counts.
    loaded: String,
    when: Timestamp,
    /// Of content that could not be used.
    refused: Option<String>,
    /// What the files looked like, and of which content that was.
    seen: Option<(Vec<Look>, String)>,
}

/// What a look at a file tells without reading it: length, moment of its last change, and number. Nothing where there is none.
type Look = Option<(u64, i64, i64, u64)>;

/// What came of the last reading.
#[derive(Clone, Copy)]
pub(super) struct Stand {
    /// When what counts was read.
    pub(super) when: Timestamp,
    /// Whether the files hold something else since, which cannot be used.
    pub(super) is_refused: bool,
}

impl Reloader {
    /// After the files were read for the first time.
    pub(super) fn new(
        (config, productie): (&Config, bool),
        in_force: watch::Receiver<Arc<VanKracht>>,
        klok: Arc<Klok>,
        certificates: Certificates,
    ) -> Result<(Self, watch::Receiver<Arc<Loaded>>), GatewayError> {
        let oin = settings::own_oin(&config.certificaat)?;
        let (loaded, ends) = certificates.into_loaded(&klok);
        let (loaded, receiver) = watch::channel(Arc::new(loaded));
        let state = State { loaded: content(config), when: klok.now(), refused: None, seen: None };
        let (config, ends, state) = (config.clone(), Ends::new(ends), Mutex::new(state));
        Ok((Self { config, productie, oin, in_force, klok, loaded, ends, fetch: Arc::default(), state }, receiver))
    }

    /// When what was read ends.
    pub(super) fn ends(&self) -> Ends {
        self.ends.clone()
    }

    pub(super) fn stand(&self) -> Stand {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        Stand { when: state.when, is_refused: state.refused.is_some() }
    }

    /// Reads the files again, whatever they hold, and has lists that are fetched fetched. It reads and computes: not for a thread that answers.
    ///
    /// # Errors
    /// [`GatewayError`], each with what to do; then what counted counts on.
    pub(super) fn reload(&self) -> Result<(), GatewayError> {
        // What comes of it is read when it is there, like any file that changed.
        self.fetch.notify_one();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let content = content(&self.config);
        self.take(&mut state, content)
    }

    /// Reads them again where they hold something else than what counts, and did so at the look before this one too: who is writing a file
    /// is not done yet.
    ///
    /// # Errors
    /// The same, once for each content.
    pub(super) fn reload_if_changed(&self) -> Result<(), GatewayError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let looks: Vec<Look> = files(&self.config).map(|file| seen(file).ok()).collect();
        let content = match state.seen.take() {
            Some((before, content)) if before == looks => content,
            _ => {
                state.seen = Some((looks, content(&self.config)));
                return Ok(());
            }
        };
        state.seen = Some((looks, content.clone()));
        if content == state.loaded {
            // Put back.
            state.refused = None;
            return Ok(());
        }
        if state.refused.as_ref() == Some(&content) {
            return Ok(());
        }
        self.take(&mut state, content)
    }

    fn take(&self, state: &mut State, content: String) -> Result<(), GatewayError> {
        match self.read() {
            Ok(certificates) => {
                let (loaded, ends) = certificates.into_loaded(&self.klok);
                self.ends.replace(ends);
                self.loaded.send_replace(Arc::new(loaded));
                (state.loaded, state.when, state.refused) = (content, self.klok.now(), None);
                tracing::info!("certificate, key, CA's and revocation lists were read again, and count");
                Ok(())
            }
            Err(error) => {
                state.refused = Some(content);
                Err(error)
            }
        }
    }

    /// What the files hold, as a start would take it.
    fn read(&self) -> Result<Certificates, GatewayError> {
        look(&self.config, self.productie, (self.klok.now(), self.klok.trust().is_err()), None).map_err(|error| {
            if let GatewayError::Bevindingen(all) = error { GatewayError::NietHerlezen(all) } else { error }
        })?;
        let found = settings::own_oin(&self.config.certificaat)?;
        if found != self.oin {
            let what = format!(
                "{}: het certificaat is van OIN {found}, en deze poort stuurt onder {}. Zet een certificaat van die OIN neer, of start de \
                 poort opnieuw als zij een andere moet worden",
                self.config.certificaat.display(),
                self.oin
            );
            return Err(GatewayError::NietHerlezen(vec![what]));
        }
        Certificates::read(&self.config, self.in_force.clone())
    }
}

/// The files, in a fixed order.
fn files(config: &Config) -> impl Iterator<Item = &Path> {
    let cas = config
        .cas
        .iter()
        .flat_map(|ca| std::iter::once(&ca.bestand).chain(&ca.crl).chain(ca.opgehaald.iter().map(|of| &of.bestand)));
    [&config.certificaat, &config.sleutel].into_iter().chain(cas).map(std::path::PathBuf::as_path)
}

fn seen(file: &Path) -> io::Result<(u64, i64, i64, u64)> {
    let of = fs::metadata(file)?;
    Ok((of.len(), of.mtime(), of.mtime_nsec(), of.ino()))
}

/// A hash over what all files hold; what cannot be read counts as nothing.
fn content(config: &Config) -> String {
    let each = files(config).map(|file| fs::read(file).map_or_else(|_| String::new(), |bytes| sha256_hex(&bytes)));
    sha256_hex(each.collect::<Vec<_>>().join(" ").as_bytes())
}
