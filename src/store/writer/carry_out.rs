//! How each event is carried out.
//!
//! Events are borrowed here: when a transaction fails it is undone, and its other events are carried out again.

use std::sync::Arc;

use super::{
    change, dagsleutel, dossier,
    event::{Event, Judged, Reply},
    next_logboek, voorstel, wis,
};
use crate::store::{
    NotDone, StoreError,
    ledger::append::Commit,
    postvak::{
        accept, confirm, consult, damage, expire, find,
        known::Wanted,
        lease::{self, Leased},
        release, withdraw,
        work::Work,
    },
};

/// Sends the answer of an event, once its transaction is durable.
pub(super) type Answer = Box<dyn FnOnce(Option<&Arc<Commit>>) + Send>;

/// The answer of an event that was carried out, refused or outdated. What the store could not do gives no answer, and fails the
/// transaction.
fn answer<T: Send + 'static>(reply: &Reply<T>, done: Result<T, NotDone>) -> Result<Answer, StoreError> {
    let reply = reply.clone();
    match done {
        Ok(value) => Ok(Box::new(move |commit| reply.send(Ok((value, commit.cloned()))))),
        Err(NotDone::Failed(error)) => Err(error),
        Err(not_done) => Ok(Box::new(move |_| reply.send(Err(not_done)))),
    }
}

/// Does it, as long as what the event was judged by is still so.
async fn judged<T>(holds: bool, done: impl Future<Output = Result<T, NotDone>>) -> Result<T, NotDone> {
    if holds { done.await } else { Err(NotDone::Outdated) }
}

/// Carries out one event in the transaction under way. Its answer may be sent only once that is durable. The futures of rare events
/// are boxed, so that frequent ones do not carry their size along.
pub(super) async fn carry_out(work: &mut Work<'_>, event: &Event) -> Result<Answer, StoreError> {
    let holds = event
        .judged()
        .is_none_or(|Judged { versie, dag }| versie == work.versie() && dag.is_none_or(|dag| dag == work.today()));
    match event {
        Event::Accept(accept, reply) => answer(reply, judged(holds, accept::accept(work, accept)).await),
        Event::Follow(reply) => answer(reply, Ok(())),
        Event::Log(alone, reply) => answer(reply, Ok(alone.append(&mut work.log)?)),
        Event::Lease(lease, reply) => {
            let leased = judged(holds, lease::lease(work, lease)).await;
            // Held as soon as it is durable, whether or not somebody still waits for it.
            let handed_out = leased.as_ref().map(Leased::leases).unwrap_or_default();
            let (holder, answer) = (Arc::clone(&lease.holder), answer(reply, leased)?);
            Ok(Box::new(move |commit| {
                holder.hold(&handed_out);
                answer(commit);
            }))
        }
        Event::Confirm(confirm, reply) => answer(reply, judged(holds, confirm::confirm(work, confirm)).await),
        Event::Consult(consult, reply) => answer(reply, judged(holds, Box::pin(consult::consult(work, consult))).await),
        Event::Withdraw(withdraw, reply) => {
            answer(reply, judged(holds, Box::pin(withdraw::withdraw(work, withdraw))).await)
        }
        Event::Find(find, reply) => answer(reply, judged(holds, Box::pin(find::find(work, find))).await),
        Event::Expire(expire, reply) => answer(reply, judged(holds, expire::expire(work, expire)).await),
        Event::Damage(damage, reply) => answer(reply, judged(holds, Box::pin(damage::damage(work, damage))).await),
        Event::Change(change, reply) => answer(reply, judged(holds, Box::pin(change::change(work, change))).await),
        Event::Propose(propose, reply) => {
            answer(reply, judged(holds, Box::pin(voorstel::propose(work, propose))).await)
        }
        Event::Decide(decide, reply) => answer(reply, judged(holds, Box::pin(voorstel::decide(work, decide))).await),
        Event::OpenDossier(open, reply) => answer(reply, dossier::open(work, open)),
        Event::InDossier(done, reply) => answer(reply, Box::pin(dossier::in_dossier(work, done)).await),
        Event::Erase(erase, reply) => answer(reply, Box::pin(wis::erase(work, erase)).await),
        Event::NextLogboek(next, reply) => answer(reply, Box::pin(next_logboek::next_logboek(work, next)).await),
        Event::NobodyToWarn(nobody, reply) => {
            work.log.append(None, nobody.regel.clone())?;
            work.of_bericht(nobody.bericht).is_warned = true;
            answer(reply, Ok(()))
        }
        Event::EndAsk(verzoek, adres, reply) => answer(reply, Ok(release::end_ask(work, *verzoek, adres).await?)),
        Event::Release(adres, leases, reply) => answer(reply, Ok(release::release(work, adres, leases).await?)),
        Event::DayKey(day, wrapped, reply) => answer(reply, Ok(dagsleutel::add(work, *day, wrapped).await?)),
    }
}

/// What events ask, to be looked up at once. Earlier berichten are looked up only where a new bericht is judged by them.
pub(super) fn wanted(batch: &[Event]) -> Wanted<'_> {
    let mut wanted = Wanted::default();
    for event in batch {
        if let Some(accept) = event.accepts() {
            wanted.requests.push(accept.request());
            wanted.postvakken.extend(accept.counted().cloned());
            wanted.earlier.extend(accept.judged_after());
        }
        match event {
            Event::Confirm(confirm, _) => {
                wanted.at.push((confirm.bericht, &confirm.adres));
                wanted.postvakken.insert(confirm.adres.clone());
            }
            Event::Lease(lease, _) => *wanted.posts.entry(&lease.post).or_default() += lease.most,
            Event::Expire(expire, _) => wanted.indexes.push(expire.log_index),
            Event::Release(_, leases, _) => wanted.indexes.extend(leases.iter().map(|of| of.log_index)),
            Event::EndAsk(verzoek, ..) => wanted.reserved.push(*verzoek),
            _ => {}
        }
    }
    wanted
}
