//! Each way in which a clock can be wrong, and how that ends.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use jiff::{SignedDuration, Timestamp};

use super::{Herinnering, Klok, Twijfel};
use crate::domain::Clock;

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// Two clocks, in seconds.
#[derive(Default)]
struct Machine {
    passed: AtomicI64,
    set: AtomicI64,
    boot: AtomicI64,
}

impl Machine {
    fn pass(&self, seconds: i64) {
        self.passed.fetch_add(seconds, Ordering::SeqCst);
    }

    fn step(&self, seconds: i64) {
        self.set.fetch_add(seconds, Ordering::SeqCst);
    }
}

fn start_of_test() -> Timestamp {
    "2026-11-25T12:00:00Z".parse().unwrap()
}

fn later(seconds: i64) -> Timestamp {
    start_of_test() + SignedDuration::from_secs(seconds)
}

impl Clock for Machine {
    fn now(&self) -> Timestamp {
        later(self.passed.load(Ordering::SeqCst) + self.set.load(Ordering::SeqCst))
    }

    fn since_boot(&self) -> SignedDuration {
        SignedDuration::from_secs(1000 + self.passed.load(Ordering::SeqCst))
    }

    fn boot(&self) -> String {
        self.boot.load(Ordering::SeqCst).to_string()
    }
}

fn machine() -> Arc<Machine> {
    Arc::new(Machine::default())
}

fn klok(machine: &Arc<Machine>, herinnering: Option<Herinnering>, last_regel: Option<Timestamp>) -> Klok {
    Klok::start(machine.clone(), herinnering, last_regel)
}

fn word(klok: &Klok) -> Result<Option<Twijfel>, Twijfel> {
    klok.believe().map(|ended| ended.map(|ended| ended.twijfel))
}

#[test]
fn time_that_passes_is_believed_and_what_is_due_lapses_at_once() {
    let machine = machine();
    let klok = klok(&machine, None, None);
    for _ in 0..100 {
        machine.pass(DAY);
        assert_eq!(klok.trust(), Ok(()));
        assert!(klok.may_lapse());
        assert_eq!(klok.now(), machine.now());
    }
}

#[test]
fn a_blip_in_either_direction_heals_by_itself_and_lapsing_waits_an_hour() {
    for seconds in [61, 26 * HOUR, 95 * DAY, 365 * DAY, -61, -26 * HOUR, -95 * DAY, -365 * DAY] {
        let machine = machine();
        let klok = klok(&machine, None, None);
        machine.pass(10);
        machine.step(seconds);
        assert_eq!(klok.trust(), Err(Twijfel::Sprong { seconds }));
        assert!(!klok.may_lapse());
        machine.pass(5);
        // Reckoned on from when it was believed: nothing that asks for the day is misled.
        assert_eq!(klok.now(), later(15));
        machine.step(-seconds);
        assert_eq!(klok.trust(), Ok(()));
        machine.pass(HOUR - 1);
        assert!(!klok.may_lapse());
        machine.pass(1);
        assert!(klok.may_lapse());
    }
}

#[test]
fn a_step_of_seconds_is_believed_and_only_makes_lapsing_wait() {
    let machine = machine();
    let klok = klok(&machine, None, None);
    machine.step(3);
    assert_eq!(klok.trust(), Ok(()));
    assert!(!klok.may_lapse());
    machine.pass(HOUR);
    assert!(klok.may_lapse());
}

#[test]
fn many_small_steps_gain_a_minute_an_hour_and_no_more() {
    let machine = machine();
    let klok = klok(&machine, None, None);
    for _ in 0..12 {
        machine.step(5);
        machine.pass(1);
        assert_eq!(klok.trust(), Ok(()));
    }
    machine.step(5);
    assert_eq!(klok.trust(), Err(Twijfel::Sprong { seconds: 65 }));
}

#[test]
fn a_step_that_lasts_ends_by_the_database_or_by_the_word_of_an_operator() {
    let machine = machine();
    let klok = klok(&machine, None, None);
    machine.step(95 * DAY);
    machine.pass(10 * DAY);
    assert!(klok.trust().is_err());
    // A database that says something else does not end it.
    klok.heard_database(later(10 * DAY), 60);
    assert!(klok.trust().is_err());
    klok.heard_database(machine.now(), 60);
    assert_eq!(klok.trust(), Ok(()));
    assert!(!klok.may_lapse());

    machine.step(-DAY);
    assert_eq!(word(&klok), Ok(Some(Twijfel::Sprong { seconds: -DAY })));
    assert_eq!(klok.trust(), Ok(()));
    assert_eq!(word(&klok), Ok(None));
    assert_eq!(klok.now(), machine.now());
    assert!(!klok.may_lapse());
}

#[test]
fn a_word_that_could_not_be_logged_does_not_count() {
    let machine = machine();
    let klok = klok(&machine, None, None);
    machine.step(DAY);
    let ended = klok.believe().unwrap().unwrap();
    klok.take_back(&ended);
    assert_eq!(klok.trust(), Err(Twijfel::Sprong { seconds: DAY }));
    assert_eq!(klok.now(), start_of_test());
}

#[test]
fn no_word_helps_against_the_logboek_or_the_database() {
    let machine = machine();
    let klok = klok(&machine, None, None);
    klok.heard_logboek(later(30 * HOUR));
    assert_eq!(word(&klok), Err(Twijfel::Achter { seconds: 30 * HOUR }));
    machine.pass(30 * HOUR);
    assert_eq!(klok.trust(), Ok(()));
    klok.heard_database(machine.now() + SignedDuration::from_secs(90), 60);
    assert_eq!(word(&klok), Err(Twijfel::Database { seconds: 90 }));
    klok.heard_database(machine.now(), 60);
    assert_eq!(klok.trust(), Ok(()));
    // Set back before the last regel, and said to be right.
    klok.heard_logboek(machine.now());
    machine.step(-HOUR);
    assert_eq!(word(&klok), Err(Twijfel::Achter { seconds: HOUR }));
    machine.step(HOUR);
    assert_eq!(klok.trust(), Ok(()));
}

#[test]
fn a_start_of_the_same_machine_remembers_what_the_clock_was() {
    let machine = machine();
    let herinnering = klok(&machine, None, None).remember();
    machine.pass(3 * DAY);
    let honest = klok(&machine, herinnering.clone(), Some(later(0)));
    assert_eq!(honest.trust(), Ok(()));
    assert!(honest.may_lapse());
    machine.step(26 * HOUR);
    let stepped = klok(&machine, herinnering, Some(later(0)));
    assert_eq!(stepped.trust(), Err(Twijfel::Sprong { seconds: 26 * HOUR }));
    assert_eq!(stepped.now(), later(3 * DAY));
}

#[test]
fn a_stop_during_the_hour_of_waiting_does_not_end_it() {
    let machine = machine();
    let first = klok(&machine, None, None);
    machine.step(DAY);
    assert!(first.trust().is_err());
    machine.step(-DAY);
    assert_eq!(first.trust(), Ok(()));
    let second = klok(&machine, first.remember(), Some(later(0)));
    machine.pass(HOUR - 1);
    assert!(!second.may_lapse());
    machine.pass(1);
    assert!(second.may_lapse());
}

#[test]
fn a_start_in_doubt_remembers_nothing_of_the_wrong_time() {
    let machine = machine();
    let first = klok(&machine, None, None);
    machine.step(95 * DAY);
    let second = klok(&machine, first.remember(), Some(later(0)));
    assert!(second.trust().is_err());
    let third = klok(&machine, second.remember(), Some(later(0)));
    assert!(third.trust().is_err());
    machine.step(-95 * DAY);
    assert_eq!(third.trust(), Ok(()));
}

#[test]
fn after_a_start_of_the_machine_the_last_regel_is_what_is_known() {
    let machine = machine();
    let herinnering = klok(&machine, None, None).remember();
    machine.boot.store(1, Ordering::SeqCst);
    for remembered in [herinnering.clone(), None] {
        let last = Some(later(-HOUR));
        machine.set.store(6 * DAY, Ordering::SeqCst);
        let near = klok(&machine, remembered.clone(), last);
        assert_eq!(near.trust(), Ok(()));
        assert!(!near.may_lapse(), "somebody must have the time to put the clock of a started machine right");

        machine.set.store(95 * DAY, Ordering::SeqCst);
        let far = klok(&machine, remembered.clone(), last);
        assert!(matches!(far.trust(), Err(Twijfel::Vooruit { days: 95 })), "{:?}", far.trust());
        assert_eq!(far.remember(), None);
        // Put right, it is believed by itself.
        machine.set.store(60, Ordering::SeqCst);
        assert_eq!(far.trust(), Ok(()));
        assert!(far.remember().is_some());

        machine.set.store(-30 * HOUR, Ordering::SeqCst);
        let behind = klok(&machine, remembered, last);
        assert!(matches!(behind.trust(), Err(Twijfel::Achter { .. })), "{:?}", behind.trust());
        machine.set.store(0, Ordering::SeqCst);
        assert_eq!(behind.trust(), Ok(()));
    }
}

#[test]
fn what_another_gateway_or_machine_remembered_is_no_anchor() {
    let machine = machine();
    machine.boot.store(1, Ordering::SeqCst);
    let far_after_boot = Herinnering {
        boot: "1".to_owned(),
        since_boot: SignedDuration::from_hours(5000),
        moment: later(-95 * DAY),
        lapse_from: SignedDuration::ZERO,
    };
    let other = Herinnering { boot: "2".to_owned(), since_boot: SignedDuration::ZERO, ..far_after_boot.clone() };
    for herinnering in [far_after_boot, other] {
        // Its moment is long ago, and the last regel is of today.
        let klok = klok(&machine, Some(herinnering), Some(later(-60)));
        assert_eq!(klok.trust(), Ok(()));
        assert!(!klok.may_lapse());
    }
}

#[test]
fn a_machine_that_tells_no_start_remembers_nothing() {
    struct Nameless(Arc<Machine>);
    impl Clock for Nameless {
        fn now(&self) -> Timestamp {
            self.0.now()
        }
        fn since_boot(&self) -> SignedDuration {
            self.0.since_boot()
        }
        fn boot(&self) -> String {
            String::new()
        }
    }
    let machine = machine();
    let herinnering = Klok::start(Arc::new(Nameless(machine.clone())), None, None).remember();
    let klok = Klok::start(Arc::new(Nameless(machine)), herinnering, Some(later(0)));
    assert_eq!(klok.trust(), Ok(()));
    assert!(!klok.may_lapse());
}

#[test]
fn a_memory_that_cannot_be_counts_for_nothing() {
    let machine = machine();
    let herinnering = |moment: &str, lapse_from| Herinnering {
        boot: "0".to_owned(),
        since_boot: SignedDuration::from_secs(900),
        moment: moment.parse().unwrap(),
        lapse_from,
    };
    for moment in ["9999-12-30T22:00:00Z", "-009999-01-03T02:00:00Z", "1970-01-01T00:00:00Z"] {
        let klok = klok(&machine, Some(herinnering(moment, SignedDuration::ZERO)), Some(later(-60)));
        assert_eq!(klok.trust(), Ok(()), "{moment}");
        assert_eq!(klok.now(), machine.now());
        assert!(!klok.may_lapse());
    }
    let forever = herinnering("2026-11-25T11:58:20Z", SignedDuration::from_hours(1_000_000));
    let klok = klok(&machine, Some(forever), Some(later(-60)));
    assert_eq!(klok.trust(), Ok(()));
    machine.pass(HOUR);
    assert!(klok.may_lapse());
}
