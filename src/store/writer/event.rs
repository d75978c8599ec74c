//! What can be written, and where its answer goes.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::{Timestamp, civil::Date};
use tokio::sync::oneshot;

use super::{
    alone::Alone,
    change::{Change, Changed},
    dossier::{InDossier, OpenDossier},
    next_logboek::{Closed, NextLogboek},
    voorstel::{Decide, Propose, Regels},
    wis::Erase,
};
use crate::{
    domain::{Adres, BerichtId},
    logboek::Logregel,
    sleutels::dagsleutels::Wrapped,
    store::{
        NotDone,
        ledger::append::Commit,
        postvak::{
            accept::Accepted,
            confirm::Confirm,
            consult::{Consult, Consulted},
            damage::Damage,
            expire::Expire,
            find::{Find, Found},
            lease::{HeldLease, Lease, Leased},
            new::Accept,
            withdraw::{Withdraw, Withdrawn},
        },
    },
};

/// A reply, and the commit that made it durable (none where nothing was logged).
pub type Durable<T> = (T, Option<Arc<Commit>>);

/// Where a reply goes, once. When the last copy of this is dropped without one, whoever waits hears `Unknown`.
pub struct Reply<T>(Arc<Mutex<Option<oneshot::Sender<Replied<T>>>>>);

type Replied<T> = Result<Durable<T>, NotDone>;

impl<T> Clone for Reply<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Reply<T> {
    /// A reply, and where it arrives.
    pub(super) fn new() -> (Self, oneshot::Receiver<Replied<T>>) {
        let (sender, receiver) = oneshot::channel();
        (Self(Arc::new(Mutex::new(Some(sender)))), receiver)
    }

    pub(super) fn send(&self, reply: Replied<T>) {
        let sender = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        // A caller that has gone away is no fault: what was written stays written.
        if let Some(sender) = sender {
            drop(sender.send(reply));
        }
    }
}

/// Something to write.
pub enum Event {
    /// An admitted bericht.
    Accept(Arc<Accept>, Reply<Accepted>),
    /// Nothing of its own: the transaction follows what other gateways wrote, and the first one of a run begins with `gestart`.
    Follow(Reply<()>),
    /// A regel that stands alone. Gives its index and its bytes.
    Log(Box<Alone>, Reply<(u64, Vec<u8>)>),
    /// Hand out.
    Lease(Box<Lease>, Reply<Leased>),
    /// Confirm. Gives the moment of the first confirmation.
    Confirm(Box<Confirm>, Reply<Timestamp>),
    /// Read one bericht.
    Consult(Box<Consult>, Reply<Consulted>),
    /// Take back.
    Withdraw(Box<Withdraw>, Reply<Withdrawn>),
    /// Look for scenario's.
    Find(Box<Find>, Reply<Vec<Found>>),
    /// End what has lapsed.
    Expire(Box<Expire>, Reply<()>),
    /// End what is damaged. Gives whether it was ended now.
    Damage(Box<Damage>, Reply<bool>),
    /// A scenario lapses soon, and its afzender is no deelnemer any more.
    NobodyToWarn(Box<NobodyToWarn>, Reply<()>),
    /// An Ask at this address waits no longer: what is kept for it is for any reader.
    EndAsk(BerichtId, Adres, Reply<()>),
    /// Give leases of a postvak back.
    Release(Adres, Vec<HeldLease>, Reply<()>),
    /// Add a wrapped day key that gateways share, unless there is one.
    DayKey(Date, Wrapped, Reply<()>),
    /// Put in force, and withdraw.
    Change(Box<Change>, Reply<Changed>),
    /// Propose a change of what is in force.
    Propose(Box<Propose>, Reply<Regels>),
    /// Decide about a proposal.
    Decide(Box<Decide>, Reply<Regels>),
    /// Open a dossier of inzage.
    OpenDossier(Box<OpenDossier>, Reply<Regels>),
    /// Decide, extend or close in a dossier. Gives the regel.
    InDossier(Box<InDossier>, Reply<(u64, Vec<u8>)>),
    /// Erase what is known of a person.
    Erase(Box<Erase>, Reply<Regels>),
    /// Close the logboek, and begin the next one.
    NextLogboek(Box<NextLogboek>, Reply<Closed>),
}

/// A scenario of which nobody can be warned that it lapses.
pub struct NobodyToWarn {
    /// The scenario.
    pub bericht: BerichtId,
    /// The regel that says so: a warning that was refused.
    pub regel: Logregel,
}

/// By what an event was judged. It may be carried out only as long as that is so.
pub(super) struct Judged {
    /// The version of what is in force.
    pub(super) versie: u64,
    /// The day, Europe/Amsterdam, where a stamp rests on it.
    pub(super) dag: Option<Date>,
}

impl Judged {
    fn of(accept: &Accept) -> Self {
        Self { versie: accept.toegelaten.versie(), dag: Some(accept.toegelaten.dag()) }
    }

    fn by(versie: u64) -> Self {
        Self { versie, dag: None }
    }
}

impl Event {
    /// By what it was judged, if by anything that changes.
    pub(super) fn judged(&self) -> Option<Judged> {
        match self {
            Self::Accept(accept, _) => Some(Judged::of(accept)),
            Self::Lease(lease, _) => Some(Judged::by(lease.van_kracht.versie())),
            Self::Confirm(confirm, _) => Some(Judged::by(confirm.versie)),
            Self::Consult(consult, _) => Some(Judged::by(consult.van_kracht.versie())),
            Self::Find(find, _) => Some(Judged::by(find.van_kracht.versie())),
            Self::Withdraw(withdraw, _) => {
                Some(Judged { versie: withdraw.versie, dag: withdraw.verzoek.as_ref().map(|of| of.toegelaten.dag()) })
            }
            Self::Change(change, _) => Some(Judged::by(change.basis)),
            Self::Propose(propose, _) => Some(Judged::by(propose.basis)),
            Self::Decide(decide, _) => Some(Judged::by(decide.basis)),
            Self::Expire(..) | Self::Damage(..) => self.accepts().map(Judged::of),
            Self::Follow(..)
            | Self::Log(..)
            | Self::NobodyToWarn(..)
            | Self::EndAsk(..)
            | Self::Release(..)
            | Self::DayKey(..)
            | Self::OpenDossier(..)
            | Self::InDossier(..)
            | Self::Erase(..)
            | Self::NextLogboek(..) => None,
        }
    }

    /// The bericht that this event wants accepted: what a caller sends, or what the gateway sends because of the event.
    pub(super) fn accepts(&self) -> Option<&Accept> {
        match self {
            Self::Accept(accept, _) => Some(accept),
            Self::Expire(expire, _) => expire.melding.as_deref(),
            Self::Damage(damage, _) => damage.melding.as_deref(),
            Self::Withdraw(withdraw, _) => withdraw.verzoek.as_deref(),
            _ => None,
        }
    }

    /// Whether it has a transaction to itself: a transaction writes in one logboek.
    pub(super) fn is_alone(&self) -> bool {
        matches!(self, Self::NextLogboek(..))
    }

    /// Sealed content that it carries, bytes.
    pub(super) fn bytes(&self) -> usize {
        self.accepts().map_or(0, |accept| accept.inhoud.len())
    }

    /// What kind it is, for the process log.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Accept(..) => "accept",
            Self::Follow(..) => "follow",
            Self::Log(..) => "log",
            Self::Lease(..) => "lease",
            Self::Confirm(..) => "confirm",
            Self::Consult(..) => "consult",
            Self::Withdraw(..) => "withdraw",
            Self::Find(..) => "find",
            Self::Expire(..) => "expire",
            Self::Damage(..) => "damage",
            Self::NobodyToWarn(..) => "nobody to warn",
            Self::EndAsk(..) => "end of an ask",
            Self::Release(..) => "release",
            Self::DayKey(..) => "day key",
            Self::Change(..) => "change",
            Self::Propose(..) => "propose",
            Self::Decide(..) => "decide",
            Self::OpenDossier(..) => "open a dossier",
            Self::InDossier(..) => "in a dossier",
            Self::Erase(..) => "erase",
            Self::NextLogboek(..) => "next logboek",
        }
    }
}
