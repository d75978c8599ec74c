//! Dienst (service): what is said to the service manager that runs this process, and what that hands it: `sd_notify(3)`,
//! `sd_listen_fds(3)`. Without one nothing is said, and nothing was handed.

use std::{collections::HashMap, convert::Infallible, env, future::pending, net::TcpListener, time::Duration};

use listenfd::ListenFd;
use sd_notify::NotifyState;
use tokio::time::interval;

use super::Failure;
use crate::gateway::{Aanloop, SOCKETS};

/// How often a start says that it is still under way, and asks for three times so much more time.
const STILL_BEGINS: Duration = Duration::from_secs(5);

fn say(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(%error, "the service manager does not hear this process");
    }
}

/// It serves.
pub(super) fn ready(status: &str) {
    say(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// It reads its files again; until [`ready`] is said.
pub(super) fn reloading() {
    // The moment of it is asked for by systemd 253 and later, for `Type=notify-reload`.
    match NotifyState::monotonic_usec_now() {
        Ok(now) => say(&[NotifyState::Reloading, now]),
        Err(_) => say(&[NotifyState::Reloading]),
    }
}

/// It finishes what is under way.
pub(super) fn stopping() {
    say(&[NotifyState::Stopping, NotifyState::Status("stopt: wat onderweg is wordt afgemaakt")]);
}

/// Says, as long as a start takes (it waits for its database, changes its schema, reads the whole logboek), that this takes longer. Never ends.
pub(super) async fn tell_of(aanloop: &Aanloop) -> Infallible {
    let mut tick = interval(STILL_BEGINS);
    let more = u32::try_from((3 * STILL_BEGINS).as_micros()).unwrap_or(u32::MAX);
    loop {
        tick.tick().await;
        let status = if aanloop.waits() { "wacht op de database" } else { "begint" };
        say(&[NotifyState::ExtendTimeoutUsec(more), NotifyState::Status(status)]);
    }
}

/// Tells the watchdog, twice in its time, that the threads that answer still turn. Never ends.
pub(super) async fn watchdog() -> Infallible {
    let Some(within) = sd_notify::watchdog_enabled() else { return pending().await };
    let mut tick = interval(within / 2);
    loop {
        tick.tick().await;
        say(&[NotifyState::Watchdog]);
    }
}

/// The open sockets that it was handed, by name (`FileDescriptorName=` in the unit of the socket).
pub(super) fn sockets() -> Result<HashMap<&'static str, TcpListener>, Failure> {
    let names = env::var("LISTEN_FDNAMES").unwrap_or_default();
    let mut handed = ListenFd::from_env();
    let mut sockets = HashMap::new();
    for at in 0..handed.len() {
        let name = names.split(':').nth(at).unwrap_or_default();
        let known = SOCKETS.into_iter().find(|known| *known == name).ok_or_else(|| {
            Failure::Usage(format!(
                "de dienstbeheerder gaf een socket met de naam {name:?}; hier kan: {}. Zet FileDescriptorName in de unit van de socket.",
                SOCKETS.join(", ")
            ))
        })?;
        let wrong =
            |why: String| Failure::Usage(format!("socket {known} van de dienstbeheerder is niet te gebruiken: {why}"));
        let socket = handed.take_tcp_listener(at).map_err(|error| wrong(error.to_string()))?;
        let socket = socket.ok_or_else(|| wrong("hij is al genomen".to_owned()))?;
        if sockets.insert(known, socket).is_some() {
            return Err(wrong("er zijn er twee van die naam; hier kan er een, dus geef een ListenStream".to_owned()));
        }
    }
    Ok(sockets)
}
