//! Handing out of a postvak: what may leave is leased, opened and logged; what may not is refused, and waits.
//!
//! Content is opened before `afgeleverd` is logged, so that the logboek says of nobody that it got what cannot be read. What cannot be
//! handed out keeps nothing else from its ontvanger: it is passed over and reported.

use std::{collections::BTreeSet, sync::Arc};

use jiff::{SignedDuration, civil::Date};

pub use super::post::{Place, Post};
use super::{
    actor::Actor,
    leasable::PAGE,
    rij::{PostvakRij, Refused, read::Verzegeld},
    work::Work,
};
use crate::{
    domain::{BerichtId, Toestand, VanKracht, Weigering},
    logboek::{Logregel, Soort},
    sleutels::{Opened, Opener, Opening},
    store::{NotDone, StoreError},
};

/// Rows that one lease judges without handing them out, and the rest of those that were looked up with them.
const MOST_JUDGED: usize = 256;

/// Asks for berichten to hand out.
pub struct Lease {
    /// From which postvak, and what of it.
    pub post: Post,
    /// At most so many, 1 to 64.
    pub most: usize,
    /// How long they are held.
    pub held_for: SignedDuration,
    /// Who receives.
    pub actor: Actor,
    /// What allows it now.
    pub van_kracht: Arc<VanKracht>,
    /// Opens content.
    pub opener: Arc<dyn Opener>,
    /// Who holds what is handed out, from the moment that it is durable, also when nobody waits for the answer any more.
    pub holder: Arc<dyn Holder>,
}

/// A bericht that somebody holds until a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldLease {
    /// The bericht.
    pub bericht: BerichtId,
    /// Index of its regel `aanvaard`.
    pub log_index: u64,
    /// Which attempt at delivery this is.
    pub poging: u32,
}

/// Holds leases, and gives them back when it goes.
pub trait Holder: Send + Sync {
    /// These were handed out.
    fn hold(&self, leases: &[HeldLease]);
}

/// What was handed out, and what was met that could not be.
#[derive(Default)]
pub struct Leased {
    /// Each with its content.
    pub handed: Vec<(PostvakRij, Opened)>,
    /// What no longer opens.
    pub damaged: Vec<PostvakRij>,
    /// Days whose key was not at hand.
    pub unknown: BTreeSet<Date>,
    /// What is wrong with rows that cannot be read at all.
    pub unreadable: Vec<StoreError>,
    /// Where a lease that goes on from here finds more, if this one stopped before the end.
    pub more_after: Option<Place>,
    /// How many were judged and not handed out.
    judged: usize,
}

impl Leased {
    /// What was handed out, to be held.
    pub(in crate::store) fn leases(&self) -> Vec<HeldLease> {
        let held = |(rij, _): &(PostvakRij, Opened)| HeldLease {
            bericht: rij.bericht,
            log_index: rij.log_index,
            poging: rij.poging,
        };
        self.handed.iter().map(held).collect()
    }
}

/// Hands out.
pub(in crate::store) async fn lease(work: &mut Work<'_>, lease: &Lease) -> Result<Leased, NotDone> {
    let most = lease.most.min(PAGE);
    let mut leased = Leased::default();
    while leased.handed.len() < most && (leased.judged < MOST_JUDGED || work.has_next_of(&lease.post)) {
        let Some((log_index, row)) = work.next_of(&lease.post, most).await? else { break };
        if work.has_changed(log_index) {
            continue;
        }
        let offered = match row {
            Ok(verzegeld) => offer(work, lease, verzegeld, &mut leased).await,
            Err(error) => Err(error),
        };
        match offered {
            // Its columns cannot be read, or are too long for a regel: nothing was changed for it.
            Err(error @ (StoreError::Inconsistent { table: "postvak" | "berichten", .. } | StoreError::Regel(_))) => {
                leased.unreadable.push(error);
            }
            offered => offered?,
        }
    }
    let is_cut_short = leased.judged >= MOST_JUDGED || work.is_cut(&lease.post);
    leased.more_after = is_cut_short.then(|| work.place_in(&lease.post));
    Ok(leased)
}

/// Hands out one bericht, or notes why not.
async fn offer(
    work: &mut Work<'_>,
    lease: &Lease,
    verzegeld: Verzegeld,
    leased: &mut Leased,
) -> Result<(), StoreError> {
    let now = work.now();
    if let Err(weigering) = verzegeld.rij.may_be_handed(&lease.van_kracht, now) {
        leased.judged += 1;
        // A gateway that cannot read what is in force leaves a refusal to one that can.
        if lease.van_kracht.gelezen_versie() != lease.van_kracht.versie() {
            return Ok(());
        }
        return refuse(work, lease, verzegeld.rij, &weigering).await;
    }
    let opening = verzegeld.open(lease.opener.as_ref());
    let mut rij = verzegeld.rij;
    match opening {
        Opening::Opened(opened) => {
            rij.poging += 1;
            rij.held_until =
                now.saturating_add(lease.held_for).expect("a duration without calendar units can be added");
            let regel = Logregel { poging: Some(rij.poging), ..rij.regel(Soort::Afgeleverd, &lease.actor) };
            work.step(&mut rij, Toestand::Afgeleverd, &lease.actor, regel).await?;
            leased.handed.push((rij, opened));
        }
        Opening::Damaged => {
            leased.judged += 1;
            leased.damaged.push(rij);
        }
        Opening::NoKey => {
            leased.judged += 1;
            leased.unknown.insert(rij.last_day());
        }
    }
    Ok(())
}

/// Refuses one bericht. A regel says so where it was not refused before, or for another reason. It is judged again by another
/// version of what is in force, and on another day.
async fn refuse(
    work: &mut Work<'_>,
    lease: &Lease,
    mut rij: PostvakRij,
    weigering: &Weigering,
) -> Result<(), StoreError> {
    let code = weigering.code();
    let refused = Refused { code: code.to_owned(), versie: lease.van_kracht.gelezen_versie(), dag: work.today() };
    let before = rij.refused.replace(refused);
    if rij.toestand == Toestand::Geweigerd && before.is_some_and(|before| before.code == code) {
        work.put(&rij);
        return Ok(());
    }
    let regel = Logregel { weigering: Some(code.to_owned()), ..rij.regel(Soort::Geweigerd, &lease.actor) };
    work.step(&mut rij, Toestand::Geweigerd, &lease.actor, regel).await?;
    Ok(())
}
