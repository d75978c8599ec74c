//! What can be written, and how each of it is carried out.
//!
//! An event is carried out by reference: a transaction that fails is undone, and its other events are carried out again.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::civil::Date;
use tokio::sync::oneshot;

use super::{
    StoreError,
    accept::{self, Accept, Accepted},
    append::Commit,
    dagsleutels,
    documenten::{self, Change, Changed},
    lease::{self, Lease, Leased},
    postvak::{self, Consult, Consulted},
    rij::Actor,
    schade::{self, Damage},
    verval::{self, Expire},
    withdraw::{self, Withdraw, Withdrawn},
    work::Work,
    zoek::{self, Find, Found},
};
use crate::{
    domain::{Adres, BerichtId, Weigering},
    logboek::{Logregel, Soort},
    sleutels::dagsleutels::Wrapped,
};

/// A reply, and the commit that made it durable (none where nothing was logged).
pub type Durable<T> = (T, Option<Arc<Commit>>);

/// Where a reply goes, once. Whoever waits for it hears that nothing was written when the last copy of this is dropped.
pub struct Reply<T>(Arc<Mutex<Option<oneshot::Sender<Durable<T>>>>>);

impl<T> Clone for Reply<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Reply<T> {
    /// A reply, and where it arrives.
    pub(super) fn new() -> (Self, oneshot::Receiver<Durable<T>>) {
        let (sender, receiver) = oneshot::channel();
        (Self(Arc::new(Mutex::new(Some(sender)))), receiver)
    }

    fn send(&self, reply: Durable<T>) {
        let sender = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        // A caller that has gone away is no fault: what was written stays written.
        if let Some(sender) = sender {
            drop(sender.send(reply));
        }
    }
}

/// What is in force changed since it was read: read it again, then judge again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outdated;

/// Something to write.
pub enum Event {
    /// An admitted bericht.
    Accept(Arc<Accept>, Reply<Result<Accepted, Weigering>>),
    /// An act of beheer that changes no document: a regel `beheerd`. Gives its index and its bytes.
    Act(Box<Actor>, Reply<(u64, Vec<u8>)>),
    /// Nothing but `gestart`, which the first transaction of a run begins with.
    Start(Reply<()>),
    /// A regel that stands alone: `geweigerd`.
    Log(Box<Logregel>, Option<BerichtId>, Reply<()>),
    /// Hand out.
    Lease(Box<Lease>, Reply<Result<Leased, Outdated>>),
    /// Confirm; judged by this version of what is in force.
    Acknowledge(BerichtId, Adres, Box<Actor>, u64, Reply<Result<Result<i64, Weigering>, Outdated>>),
    /// Read again.
    Consult(Box<Consult>, Reply<Result<Result<Consulted, Weigering>, Outdated>>),
    /// Take back.
    Withdraw(Box<Withdraw>, Reply<Result<Result<Withdrawn, Weigering>, Outdated>>),
    /// Look for scenario's.
    Find(Box<Find>, Reply<Result<Vec<Found>, Outdated>>),
    /// End what has lapsed.
    Expire(Box<Expire>, Reply<Result<(), Outdated>>),
    /// End what is damaged. Gives whether it was ended now.
    Damage(Box<Damage>, Reply<Result<bool, Outdated>>),
    /// A scenario lapses soon, and its afzender is no deelnemer any more.
    NobodyToWarn(BerichtId, Reply<()>),
    /// An Ask at this address waits no longer: its reserved answers are for any reader.
    EndAsk(BerichtId, Adres, Reply<()>),
    /// Give leases of a postvak back: index of the regel `aanvaard`, and which `poging`.
    Release(Adres, Vec<(u64, u32)>, Reply<()>),
    /// Add a wrapped day key that gateways share, unless there is one.
    DayKey(Date, Wrapped, Reply<()>),
    /// Put in force, and withdraw.
    Change(Box<Change>, Reply<Result<Changed, Outdated>>),
}

impl Event {
    /// Sealed content that it carries, bytes.
    pub(super) fn bytes(&self) -> usize {
        self.accept().map_or(0, |accept| accept.inhoud.len())
    }

    /// What kind it is, for the process log.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Accept(..) => "accept",
            Self::Act(..) => "act",
            Self::Start(..) => "start",
            Self::Log(..) => "log",
            Self::Lease(..) => "lease",
            Self::Acknowledge(..) => "acknowledge",
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
        }
    }

    /// What it wants confirmed, and where.
    pub(super) fn confirms(&self) -> Option<(BerichtId, &Adres)> {
        if let Self::Acknowledge(bericht, adres, ..) = self { Some((*bericht, adres)) } else { None }
    }

    /// The bericht that it wants accepted.
    pub(super) fn accept(&self) -> Option<&Accept> {
        if let Self::Accept(accept, _) = self { Some(accept) } else { None }
    }
}

/// What is sent once a transaction is durable.
pub(super) type Answer = Box<dyn FnOnce(Option<&Arc<Commit>>) + Send>;

fn answer<T: Send + 'static>(reply: &Reply<T>, value: T) -> Answer {
    let reply = reply.clone();
    Box::new(move |commit| reply.send((value, commit.cloned())))
}

/// Carries out one event in the transaction under way. Its answer is of use once that is durable.
pub(super) async fn apply(work: &mut Work<'_>, event: &Event) -> Result<Answer, StoreError> {
    let versie = work.versie();
    Ok(match event {
        Event::Accept(accept, reply) => answer(reply, accept::accept(work, accept).await?),
        Event::Act(actor, reply) => {
            let regel = actor.regel(Soort::Beheerd);
            answer(reply, actor.log(&mut work.log, None, regel)?)
        }
        Event::Start(reply) => answer(reply, ()),
        Event::Log(regel, bericht, reply) => {
            work.log.append(*bericht, (**regel).clone())?;
            answer(reply, ())
        }
        Event::Lease(lease, reply) if lease.van_kracht.versie() != versie => answer(reply, Err(Outdated)),
        Event::Lease(lease, reply) => answer(reply, Ok(lease::lease(work, lease).await?)),
        Event::Acknowledge(_, _, _, judged_by, reply) if *judged_by != versie => answer(reply, Err(Outdated)),
        Event::Acknowledge(bericht, adres, actor, _, reply) => {
            answer(reply, Ok(postvak::acknowledge(work, *bericht, adres, actor).await?))
        }
        Event::Consult(consult, reply) if consult.van_kracht.versie() != versie => answer(reply, Err(Outdated)),
        Event::Consult(consult, reply) => answer(reply, Ok(postvak::consult(work, consult).await?)),
        Event::Withdraw(withdraw, reply) => answer(reply, withdraw::withdraw(work, withdraw).await?),
        Event::Find(find, reply) => answer(reply, zoek::find(work, find).await?),
        Event::Expire(expire, reply) => answer(reply, verval::expire(work, expire).await?),
        Event::Damage(damage, reply) => answer(reply, schade::damage(work, damage).await?),
        Event::Change(change, reply) => answer(reply, documenten::change(work, change).await?),
        Event::DayKey(day, wrapped, reply) => answer(reply, dagsleutels::add(work, *day, wrapped).await?),
        Event::NobodyToWarn(bericht, reply) => {
            verval::warned(work.database().await?, *bericht).await?;
            answer(reply, ())
        }
        Event::EndAsk(verzoek, adres, reply) => {
            postvak::end_ask(work, *verzoek, adres).await?;
            answer(reply, ())
        }
        Event::Release(adres, leases, reply) => {
            postvak::release(work, adres, leases).await?;
            answer(reply, ())
        }
    })
}
