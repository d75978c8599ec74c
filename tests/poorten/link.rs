//! A link between one gateway and the database, that can be cut: a socket of its own, handed on to that of the server.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        UnixListener, UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::JoinHandle,
};

use crate::{poorten::Poorten, postgres::Cluster};

/// What a link does with what passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Hands on.
    Open,
    /// Ends every connection, and each new one at once.
    Closed,
    /// Hands nothing on, and ends nothing: as when a cable is pulled.
    Silent,
    /// Ends a connection when it says COMMIT, which the server does not hear.
    DropsCommit,
    /// Hands COMMIT on, and ends the connection before the answer is heard.
    DropsAnswer,
}

/// A running link. Ends with its last owner.
pub struct Link {
    dir: TempDir,
    state: watch::Sender<State>,
    dropped: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

impl Link {
    /// To the socket of a server, in a directory of its own under the same name.
    pub fn to(server: &Path) -> Self {
        let dir = tempfile::Builder::new().prefix("kp-link-").tempdir_in("/tmp").unwrap();
        let listener = UnixListener::bind(dir.path().join(server.file_name().unwrap())).unwrap();
        let state = watch::Sender::new(State::Open);
        let dropped = Arc::default();
        let task = tokio::spawn(serve(listener, server.to_owned(), state.clone(), Arc::clone(&dropped)));
        Self { dir, state, dropped, task }
    }

    /// The directory of its socket.
    pub fn dir(&self) -> PathBuf {
        self.dir.path().to_owned()
    }

    /// How many connections ended at a commit.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::SeqCst)
    }

    pub fn set(&self, state: State) {
        self.state.send_replace(state);
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: UnixListener, server: PathBuf, state: watch::Sender<State>, dropped: Arc<AtomicU64>) {
    loop {
        let Ok((client, _)) = listener.accept().await else { return };
        let (server, state, dropped) = (server.clone(), state.clone(), Arc::clone(&dropped));
        tokio::spawn(async move {
            // An end that is gone is what a link is for.
            drop(connect(client, &server, state, &dropped).await);
        });
    }
}

async fn connect(
    client: UnixStream,
    server: &Path,
    state: watch::Sender<State>,
    dropped: &AtomicU64,
) -> io::Result<()> {
    if *state.borrow() == State::Closed {
        return Ok(());
    }
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = UnixStream::connect(server).await?.into_split();
    let said_commit = Arc::new(watch::Sender::new(false));
    let up = hand_on(from_client, to_server, state.subscribe(), Arc::clone(&said_commit), Some(dropped));
    let down = hand_on(from_server, to_client, state.subscribe(), said_commit, None);
    let mut closed = state.subscribe();
    tokio::select! {
        ended = up => ended,
        ended = down => ended,
        _ = closed.wait_for(|state| *state == State::Closed) => Ok(()),
    }
}

/// Hands on one direction until it ends.
async fn hand_on(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut state: watch::Receiver<State>,
    said_commit: Arc<watch::Sender<bool>>,
    up: Option<&AtomicU64>,
) -> io::Result<()> {
    let mut bytes = vec![0; 64 << 10];
    loop {
        let read = from.read(&mut bytes).await?;
        if read == 0 {
            return Ok(());
        }
        // While it is silent what was said waits, as in the buffers of a network.
        let now = *state.wait_for(|state| *state != State::Silent).await.map_err(io::Error::other)?;
        // A simple query: its length, then its text.
        let commits = up.is_some() && bytes[..read].windows(7).any(|word| word == b"COMMIT\0");
        if commits {
            said_commit.send_replace(true);
        }
        match now {
            State::DropsCommit if commits => {
                up.map(|dropped| dropped.fetch_add(1, Ordering::SeqCst));
                return Ok(());
            }
            State::DropsAnswer if up.is_none() && *said_commit.borrow() => return Ok(()),
            _ => to.write_all(&bytes[..read]).await?,
        }
        if commits && now == State::DropsAnswer {
            up.map(|dropped| dropped.fetch_add(1, Ordering::SeqCst));
        }
        if up.is_none() {
            said_commit.send_replace(false);
        }
    }
}

/// So many gateways, each with a link of its own to the database.
pub fn linked(cluster: &Cluster, count: usize) -> (Vec<Link>, Poorten) {
    let database = cluster.database();
    let links: Vec<Link> = (0..count).map(|_| Link::to(&cluster.socket())).collect();
    let urls: Vec<String> = links.iter().map(|link| cluster.url_through(&link.dir(), &database)).collect();
    let poorten = Poorten::prepare(&urls);
    for at in 0..count {
        poorten.configure(at, "# [grenzen]\n# lease_seconds = 60", "[grenzen]\nlease_seconds = 3");
    }
    (links, poorten)
}
