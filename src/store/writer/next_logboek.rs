//! Closing a logboek, and beginning the next one: its first regel names the head with which the one before it was closed.

use crate::{
    domain::houdbaarheid::amsterdam_date,
    logboek::{LogboekNaam, Logregel, Soort},
    store::{
        NotDone,
        ledger::{append::Appender, follow::logboeken},
        postvak::{actor::Actor, work::Work},
    },
};

/// The next logboek.
pub struct NextLogboek {
    /// Which one is closed; if another one is written by now, nothing is done.
    pub nummer: u32,
    /// How the logboeken of this gateway are called.
    pub naam: LogboekNaam,
    /// Who decided it and why; the gateway itself where the year is over.
    pub actor: Actor,
}

/// A logboek that was closed.
pub struct Closed {
    /// Its last checkpoint.
    pub nota: String,
    /// How the next one is called.
    pub next: String,
    /// Index and bytes of the first regel of that one.
    pub regel: (u64, Vec<u8>),
}

/// Closes the logboek. The transaction does nothing else.
pub(in crate::store) async fn next_logboek(work: &mut Work<'_>, next: &NextLogboek) -> Result<Closed, NotDone> {
    let head = work.head();
    if head.nummer != next.nummer || head.grootte() == 0 {
        return Err(NotDone::Outdated);
    }
    let now = work.now();
    let used: Vec<String> = logboeken(work.database().await?).await?.into_iter().map(|logboek| logboek.naam).collect();
    let naam = next.naam.next(&used, amsterdam_date(now).year());
    work.log = Appender::begin(&head.next_logboek(&naam, head.nummer + 1, 0), now);
    let regel = Logregel { gesloten: Some(head.in_regel()), ..next.actor.regel(Soort::Beheerd) };
    let regel = next.actor.log(&mut work.log, None, regel)?;
    Ok(Closed { nota: head.nota.clone(), next: naam, regel })
}
