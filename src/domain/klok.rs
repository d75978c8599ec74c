//! Klok (clock): the one place that decides whether the wall clock may be believed.
//!
//! Somebody can set the wall clock, and a network can set it wrongly; what a gateway destroys by a wrong day is gone. So the
//! wall clock is compared with what nobody can set (the time since the machine was started, sleep included) and with what was
//! known before: the moment that was remembered beside the keys, the last regel of the logboek, and the clock of the
//! database where it has one.
//!
//! As long as they disagree the clock is in doubt ([`Twijfel`]): nothing is written, so that nothing lapses and the time of the
//! logboek does not move. A clock that is put right again is believed by itself. A step that lasts ends by the clock of the
//! database, or by the word of an operator. After every doubt, and after every start of the machine, lapsing waits one hour.
//!
//! Not here: reading and writing what is remembered (`sleutels::wacht`), and asking the database (`exchange::klok`, and each
//! transaction of the store).

mod twijfel;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

pub use self::twijfel::Twijfel;
use super::Clock;

/// How far a clock may be from another one. A configuration cannot allow more between a gateway and its database.
const APART: SignedDuration = SignedDuration::from_secs(60);
/// How far the clock may be behind the last regel: two gateways may each be [`APART`] from the database, in opposite directions.
const BEHIND_LAST_REGEL: SignedDuration = SignedDuration::from_secs(120);
/// A smaller difference between two readings is no step.
const NO_STEP: SignedDuration = SignedDuration::from_secs(1);
/// After a start of the machine nothing but the last regel tells the time. A longer silence than this asks for an operator.
const SILENCE: SignedDuration = SignedDuration::from_hours(7 * 24);
/// How far a remembered moment may be ahead of the wall clock, or behind the last regel. Even a clock that was set a year wrong
/// stays within this.
const YEAR: SignedDuration = SignedDuration::from_hours(400 * 24);
/// Lapsing waits so long after a doubt.
const CALM: SignedDuration = SignedDuration::from_hours(1);

/// A doubt that the word of an operator ended, and what it takes to take that word back.
#[derive(Clone, Debug)]
pub struct Ended {
    /// The doubt.
    pub twijfel: Twijfel,
    anchor: Option<Reading>,
}

/// What is remembered of the clock beside the keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Herinnering {
    /// Which start of the machine it was.
    pub boot: String,
    /// How long after that start.
    pub since_boot: SignedDuration,
    /// What the wall clock said then, as far as it was believed.
    pub moment: Timestamp,
    /// Until how long after that start lapsing waits.
    pub lapse_from: SignedDuration,
}

impl Herinnering {
    /// Whether a gateway can have remembered this. Certificates are judged by the moment that is reckoned from it, so that an
    /// impossible moment would lock everybody out, the operator too.
    fn is_plausible(&self, wall: Timestamp, last_regel: Option<Timestamp>) -> bool {
        let not_long_before = last_regel.is_none_or(|last| last.duration_since(self.moment) <= YEAR);
        self.moment.duration_since(wall) <= YEAR && not_long_before
    }
}

/// Both clocks at one moment.
#[derive(Clone, Copy, Debug)]
struct Reading {
    wall: Timestamp,
    since_boot: SignedDuration,
}

impl Reading {
    /// How far the wall clock moved against the other one since `before`.
    fn drift_since(&self, before: &Self) -> SignedDuration {
        self.wall.duration_since(before.wall).saturating_sub(self.since_boot.saturating_sub(before.since_boot))
    }
}

/// The clock of a gateway.
pub struct Klok {
    clock: Arc<dyn Clock>,
    boot: String,
    state: Mutex<State>,
}

struct State {
    /// When both clocks were believed together; none as long as nothing was since the machine started.
    anchor: Option<Reading>,
    /// How far the wall clock is from the anchor: small steps, which are believed.
    step: SignedDuration,
    doubt: Option<Twijfel>,
    /// Nothing lapses before so long after the start of the machine.
    lapse_from: SignedDuration,
    /// The latest moment that is known from before: the last regel, or what was remembered.
    known: Option<Timestamp>,
    /// The last regel that was seen.
    last_regel: Option<Timestamp>,
}

impl Klok {
    /// Begins with what is remembered and with the last regel of the logboek, as far as there are any.
    #[must_use]
    pub fn start(clock: Arc<dyn Clock>, herinnering: Option<Herinnering>, last_regel: Option<Timestamp>) -> Self {
        let boot = clock.boot();
        let now = read(clock.as_ref());
        let herinnering = herinnering.filter(|known| known.is_plausible(now.wall, last_regel));
        let known = herinnering.as_ref().map(|known| known.moment).max(last_regel);
        // Of another start, or from a file that cannot be of this one: only its moment says something.
        let of_this_start =
            herinnering.filter(|known| known.boot == boot && !boot.is_empty() && known.since_boot <= now.since_boot);
        let fresh = known.is_none();
        let (anchor, lapse_from) = match of_this_start {
            Some(known) => {
                // No gateway makes lapsing wait for longer than the calm.
                let lapse_from = known.lapse_from.min(now.since_boot.saturating_add(CALM));
                (Some(Reading { wall: known.moment, since_boot: known.since_boot }), lapse_from)
            }
            // Until somebody had the time to put the clock of a started machine right.
            None if !fresh => (None, now.since_boot.saturating_add(CALM)),
            None => (Some(now), SignedDuration::ZERO),
        };
        let mut state = State { anchor, step: SignedDuration::ZERO, doubt: None, lapse_from, known, last_regel };
        state.look(now);
        Self { clock, boot, state: Mutex::new(state) }
    }

    /// The present moment. In doubt it is reckoned from when the clock was last believed, where that is known; it is never before
    /// what is known.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let (state, now) = self.look();
        state.moment(now)
    }

    /// What the wall clock says, believed or not: to be shown to who decides about it, and for nothing else.
    #[must_use]
    pub fn wall(&self) -> Timestamp {
        self.clock.now()
    }

    /// Whether the clock may be believed.
    ///
    /// # Errors
    /// Why not.
    pub fn trust(&self) -> Result<(), Twijfel> {
        match &self.look().0.doubt {
            None => Ok(()),
            Some(twijfel) => Err(twijfel.clone()),
        }
    }

    /// Whether what has passed its houdbaarheid may be ended now.
    #[must_use]
    pub fn may_lapse(&self) -> bool {
        let (state, now) = self.look();
        state.doubt.is_none() && now.since_boot >= state.lapse_from
    }

    /// What the database says of the time. It ends a step that lasts when both agree, and is a doubt of its own when not.
    pub fn heard_database(&self, theirs: Timestamp, most_apart_seconds: u64) {
        let (mut state, now) = self.look();
        let apart = now.wall.duration_since(theirs).abs();
        if apart.as_secs().unsigned_abs() > most_apart_seconds {
            // A step heals by itself, and stays what is said; of the database the newest word counts.
            if matches!(state.doubt, None | Some(Twijfel::Database { .. })) {
                state.doubt = Some(Twijfel::Database { seconds: apart.as_secs() });
            }
        } else if matches!(
            state.doubt,
            Some(Twijfel::Sprong { .. } | Twijfel::Vooruit { .. } | Twijfel::Database { .. })
        ) {
            state.believe(now);
        }
    }

    /// The last regel of the logboek, which another gateway may have written.
    pub fn heard_logboek(&self, last: Timestamp) {
        let (mut state, now) = self.look();
        state.last_regel = state.last_regel.max(Some(last));
        state.look(now);
    }

    /// An operator says that the clock is right. Gives the doubt that this ended, if there was one.
    ///
    /// # Errors
    /// The doubt that no word can end.
    pub fn believe(&self) -> Result<Option<Ended>, Twijfel> {
        let (mut state, now) = self.look();
        let Some(twijfel) = state.doubt.clone() else { return Ok(None) };
        if !twijfel.ends_by_word() {
            return Err(twijfel);
        }
        let ended = Ended { twijfel, anchor: state.anchor };
        state.believe(now);
        state.look(now);
        // It may still be before the last regel, against which no word helps.
        match state.doubt.clone() {
            None => Ok(Some(ended)),
            Some(stays) => {
                state.anchor = ended.anchor;
                Err(stays)
            }
        }
    }

    /// The word of an operator did not reach the logboek, and does not count.
    pub fn take_back(&self, ended: &Ended) {
        let (mut state, now) = self.look();
        state.anchor = ended.anchor;
        state.look(now);
    }

    /// What to remember of it; nothing as long as nothing was believed since the machine started.
    #[must_use]
    pub fn remember(&self) -> Option<Herinnering> {
        let (state, now) = self.look();
        let anchor = state.anchor?;
        let passed = now.since_boot.saturating_sub(anchor.since_boot);
        Some(Herinnering {
            boot: self.boot.clone(),
            since_boot: now.since_boot,
            moment: anchor.wall.saturating_add(passed).expect("a duration keeps within the range of moments"),
            lapse_from: state.lapse_from,
        })
    }

    fn look(&self) -> (MutexGuard<'_, State>, Reading) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = read(self.clock.as_ref());
        state.look(now);
        (state, now)
    }
}

/// Reads both clocks, close together: a process can be stopped in between.
fn read(clock: &dyn Clock) -> Reading {
    let mut before = clock.since_boot();
    for _ in 0..100 {
        let wall = clock.now();
        let since_boot = clock.since_boot();
        if since_boot.saturating_sub(before) < SignedDuration::from_millis(100) {
            return Reading { wall, since_boot };
        }
        before = since_boot;
    }
    Reading { wall: clock.now(), since_boot: before }
}

impl State {
    /// Compares both clocks, and what is known, once more.
    fn look(&mut self, now: Reading) {
        match self.doubt {
            // Only the database itself ends it.
            Some(Twijfel::Database { .. }) => {}
            Some(_) => {
                let twijfel = self.disagrees(now);
                if twijfel.is_none() {
                    self.heal(now);
                }
                self.doubt = twijfel;
            }
            None => {
                self.doubt = self.disagrees(now);
                if self.doubt.is_none() {
                    self.note_step(now);
                }
            }
        }
    }

    /// With what the wall clock disagrees. Against the last regel it is held first: no word ends that.
    fn disagrees(&self, now: Reading) -> Option<Twijfel> {
        let behind = |known: Timestamp| known.duration_since(now.wall);
        if let Some(last) = self.last_regel.filter(|last| behind(*last) > BEHIND_LAST_REGEL) {
            return Some(Twijfel::Achter { seconds: behind(last).as_secs() });
        }
        if let Some(anchor) = &self.anchor {
            let drift = now.drift_since(anchor);
            return (drift.abs() > APART).then(|| Twijfel::Sprong { seconds: drift.as_secs() });
        }
        let known = self.known?;
        if behind(known) > BEHIND_LAST_REGEL {
            return Some(Twijfel::Sprong { seconds: -behind(known).as_secs() });
        }
        let ahead = now.wall.duration_since(known);
        (ahead > SILENCE).then(|| Twijfel::Vooruit { days: ahead.as_hours() / 24 })
    }

    /// The clock agrees again by itself.
    fn heal(&mut self, now: Reading) {
        self.anchor.get_or_insert(now);
        self.lapse_from = self.lapse_from.max(now.since_boot.saturating_add(CALM));
    }

    /// A small step is believed, but what it would end waits; after the calm it is the new measure. So somebody who moves the
    /// clock by many small steps gains a minute an hour.
    fn note_step(&mut self, now: Reading) {
        let anchor = *self.anchor.get_or_insert(now);
        let drift = now.drift_since(&anchor);
        if drift.saturating_sub(self.step).abs() > NO_STEP {
            self.step = drift;
            self.lapse_from = self.lapse_from.max(now.since_boot.saturating_add(CALM));
        } else if self.step != SignedDuration::ZERO && now.since_boot >= self.lapse_from {
            (self.anchor, self.step) = (Some(now), SignedDuration::ZERO);
        }
    }

    /// The clock as it stands is right.
    fn believe(&mut self, now: Reading) {
        (self.anchor, self.step, self.doubt) = (Some(now), SignedDuration::ZERO, None);
        self.lapse_from = self.lapse_from.max(now.since_boot.saturating_add(CALM));
    }

    fn moment(&self, now: Reading) -> Timestamp {
        match (&self.doubt, self.anchor) {
            (Some(_), Some(anchor)) => {
                let passed = now.since_boot.saturating_sub(anchor.since_boot);
                anchor.wall.saturating_add(passed).expect("a duration keeps within the range of moments")
            }
            // A clock that stands before what is known is certainly wrong.
            (Some(_), None) => now.wall.max(self.known.unwrap_or(now.wall)),
            (None, _) => now.wall,
        }
    }
}

#[cfg(test)]
mod tests;
