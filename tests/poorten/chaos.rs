//! Gateways that are killed, paused and cut off from the database, under load and over midnight.

use std::{env, sync::Arc, time::Duration};

use jiff::{SignedDuration, ToSpan, tz::TimeZone};
use ketenpoort::{
    clock::{SystemClock, SystemRng},
    domain::{Clock, Rng},
    proto::{self, receive_response::Antwoord},
};
use tokio::time::sleep;

use crate::{
    faketime,
    history::{Load, check, day, mostly_allowed, of_number, template_once},
    link::{State, linked},
    poorten::Poorten,
    postgres::Cluster,
    traffic::Postvak,
};

/// A number below `below` that nobody chose.
fn random(below: u64) -> u64 {
    let mut bytes = [0; 8];
    SystemRng.fill(&mut bytes);
    u64::from_le_bytes(bytes) % below
}

fn some_time(most_millis: u64) -> Duration {
    Duration::from_millis(random(most_millis))
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_happens_to_gateways_what_was_acknowledged_is_there_and_what_was_refused_is_not() {
    let kills = if env::var_os("KETENPOORT_LANG").is_some() { 500 } else { 50 };
    let cluster = Cluster::start(&[]);
    let (links, mut poorten) = linked(&cluster, 3);
    for at in 0..3 {
        poorten.serve(at);
    }
    let load = Load::start(&poorten, 6, SignedDuration::ZERO, Arc::new(mostly_allowed));
    load.more(20).await;
    for kill in 0..kills {
        let at = usize::try_from(random(3)).unwrap();
        match kill % 5 {
            1 => {
                poorten.signal(at, "-STOP");
                sleep(some_time(4500)).await;
                poorten.signal(at, "-CONT");
            }
            2 => {
                links[at].set(State::Silent);
                sleep(some_time(2500)).await;
                links[at].set(State::Open);
            }
            3 => {
                links[at].set(State::Closed);
                sleep(some_time(1000)).await;
                links[at].set(State::Open);
            }
            _ => {}
        }
        sleep(some_time(150)).await;
        let killed = usize::try_from(random(3)).unwrap();
        poorten.kill(killed);
        sleep(some_time(300)).await;
        poorten.launch(killed);
        load.more(5).await;
    }
    let history = load.finish(|_| false).await;
    println!("{} acknowledged over {kills} kills", history.acknowledged.len());
    check(&history, &poorten.regels(0), &poorten.vkey());
}

/// Every clock of it is so far ahead that midnight in Amsterdam comes after this time.
fn before_midnight(left: SignedDuration) -> SignedDuration {
    let now = SystemClock.now();
    let today = now.to_zoned(TimeZone::get("Europe/Amsterdam").unwrap());
    let midnight = today.tomorrow().unwrap().start_of_day().unwrap().timestamp();
    midnight.duration_since(now) - left
}

/// For the loket that nobody reads until midnight.
const LATE: &str = "zvh-zeeland";

#[tokio::test(flavor = "multi_thread")]
async fn nothing_arrives_after_its_last_day_at_whichever_gateway() {
    let ahead = before_midnight(SignedDuration::from_secs(12));
    let environment = faketime::set_by(&format!("+{}s", ahead.as_secs()));
    let ahead = SignedDuration::from_secs(ahead.as_secs());
    let there = move || SystemClock.now().saturating_add(ahead).unwrap();
    let cluster = Cluster::start_in(&[], environment.clone());
    let (_links, mut poorten) = linked(&cluster, 3);
    for at in 0..3 {
        poorten.environment(at, &environment);
        poorten.serve(at);
    }
    let first_day = day(there());
    let make = move |number: u64| {
        let mut check = template_once("bekendheidscheck");
        let until = there().saturating_add(4.hours()).unwrap();
        check["inhoud"]["bekendheidscheck"]["antwoord_nodig_voor"] = until.to_string().into();
        if number.is_multiple_of(2) {
            check["houdbaar_tot_en_met"] = day(there()).into();
        }
        if number.is_multiple_of(3) && number % 10 != 9 {
            check["ontvangers"][0]["partner"] = LATE.into();
        }
        of_number(check, number)
    };
    let load = Load::start(&poorten, 4, ahead, Arc::new(make));
    load.more(30).await;
    until_async(|| there().saturating_add(1.seconds()).unwrap(), &first_day).await;
    // Over midnight one is stopped with what it has in hand, and one is gone.
    poorten.signal(0, "-STOP");
    poorten.kill(1);
    until_async(|| there().saturating_sub(2.seconds()).unwrap(), &first_day).await;
    poorten.signal(0, "-CONT");
    poorten.launch(1);
    load.more(30).await;
    let second_day = day(there());
    assert!(second_day > first_day);
    let late = receive_all(&poorten, LATE).await;
    assert!(late.iter().all(|last_day| *last_day >= second_day) && !late.is_empty(), "{late:?}");
    let lapsed = move |bewijs: &proto::Ontvangstbewijs| {
        let aanvaarding = &bewijs.aanvaardingen[0];
        let last_day = &aanvaarding.stempel.as_ref().unwrap().houdbaar_tot_en_met;
        *last_day < second_day || aanvaarding.ontvanger.as_ref().unwrap().partner == LATE
    };
    let history = load.finish(lapsed).await;
    check(&history, &poorten.regels(2), &poorten.vkey());
    let in_vain = history
        .acknowledged
        .iter()
        .filter(|sent| sent.bewijs.aanvaardingen[0].stempel.as_ref().unwrap().houdbaar_tot_en_met == first_day);
    assert!(in_vain.count() > 10, "little had its last day, so this shows little");
}

/// Waits until this moment is after that day.
async fn until_async(moment: impl Fn() -> jiff::Timestamp, after: &str) {
    while day(moment()).as_str() <= after {
        sleep(Duration::from_millis(10)).await;
    }
}

/// Reads a postvak at every gateway until it is empty. Gives the last day of each bericht.
async fn receive_all(poorten: &Poorten, partner: &str) -> Vec<String> {
    let mut last_days = Vec::new();
    for at in 0..poorten.count() {
        let mut postvak = Postvak::open(&mut poorten.client(at, partner).await, "algemeen", 1000).await;
        while let Antwoord::Aflevering(aflevering) = postvak.hear().await {
            last_days.push(aflevering.stempel.unwrap().houdbaar_tot_en_met);
        }
    }
    last_days
}
