//! Who waits for a handshake: so many in all, and so many from one address.
//!
//! A stranger can open sockets and say nothing. Where there is no room left the one that has been silent for longest makes
//! room, so that silence keeps nobody out; who is in the middle of a handshake is never sent away.

use std::{
    collections::{BTreeMap, HashMap},
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::oneshot;

/// Handshakes that wait, in all.
const MOST: usize = 512;
/// Of these from one address, so that a stranger cannot shut everyone out.
const MOST_OF_ADDRESS: usize = 64;

/// Everyone who waits for a handshake.
#[derive(Default)]
pub(super) struct Waiting(Mutex<Places>);

#[derive(Default)]
struct Places {
    next: u64,
    /// In the order in which they came.
    all: BTreeMap<u64, Waiter>,
    addresses: HashMap<IpAddr, usize>,
}

struct Waiter {
    /// `None` where a balancer has not said yet who it is.
    address: Option<IpAddr>,
    silent: bool,
    /// When this goes, the waiter hears that it must make room.
    _stays: oneshot::Sender<()>,
}

/// A place, as long as it lives.
pub(super) struct Place {
    waiting: Arc<Waiting>,
    number: u64,
}

impl Waiting {
    /// A place, and what ends when it must be given to somebody else; `None` when there is no room and nobody is silent.
    pub(super) fn enter(self: &Arc<Self>, address: Option<IpAddr>) -> Option<(Place, oneshot::Receiver<()>)> {
        let mut places = self.places();
        if places.all.len() >= MOST && !places.make_room(|_| true) {
            return None;
        }
        if address.is_some_and(|address| !places.has_room(address)) {
            return None;
        }
        let number = places.next;
        places.next += 1;
        let (stays, goes) = oneshot::channel();
        places.all.insert(number, Waiter { address, silent: true, _stays: stays });
        if let Some(address) = address {
            *places.addresses.entry(address).or_default() += 1;
        }
        Some((Place { waiting: Arc::clone(self), number }, goes))
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Counts it with an address that was not known yet; false when that has no room and nobody of it is silent.
    pub(super) fn belongs_to(&self, address: IpAddr) -> bool {
        let mut places = self.waiting.places();
        if !places.has_room(address) {
            return false;
        }
        // Gone already where it had to make room; its owner hears that.
        if let Some(waiter) = places.all.get_mut(&self.number) {
            waiter.address = Some(address);
            *places.addresses.entry(address).or_default() += 1;
        }
        true
    }

    /// It said something: from now on it need not make room.
    pub(super) fn spoke(&self) {
        if let Some(waiter) = self.waiting.places().all.get_mut(&self.number) {
            waiter.silent = false;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.waiting.places().remove(self.number);
    }
}

impl Places {
    /// Whether there is room for one more of an address, if need be by sending its oldest silent one away.
    fn has_room(&mut self, address: IpAddr) -> bool {
        self.addresses.get(&address).copied().unwrap_or(0) < MOST_OF_ADDRESS
            || self.make_room(|waiter| waiter.address == Some(address))
    }

    /// Sends the oldest silent one of some away; false when none of them is silent.
    fn make_room(&mut self, of: impl Fn(&Waiter) -> bool) -> bool {
        let oldest = self.all.iter().find(|(_, waiter)| waiter.silent && of(waiter)).map(|(number, _)| *number);
        oldest.is_some_and(|number| {
            self.remove(number);
            true
        })
    }

    fn remove(&mut self, number: u64) {
        let Some(Waiter { address: Some(address), .. }) = self.all.remove(&number) else { return };
        if let Some(count) = self.addresses.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                self.addresses.remove(&address);
            }
        }
    }
}

/// By what somebody is counted: an IPv4 address, also where it is written as IPv6, or the /64 of an IPv6 address, of which
/// everybody has billions.
pub(super) fn counted_as(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    fn everybody_speaks(some: &[(Place, oneshot::Receiver<()>)]) {
        for (place, _) in some {
            place.spoke();
        }
    }

    fn gone(goes: &mut oneshot::Receiver<()>) -> bool {
        !matches!(goes.try_recv(), Err(oneshot::error::TryRecvError::Empty))
    }

    #[test]
    fn the_oldest_silent_one_of_an_address_makes_room_and_nobody_else() {
        let waiting = Arc::new(Waiting::default());
        let (_other, mut other_goes) = waiting.enter(Some(address(1))).unwrap();
        let mut some: Vec<_> = (0..MOST_OF_ADDRESS).map(|_| waiting.enter(Some(address(2))).unwrap()).collect();
        some[0].0.spoke();
        let (newest, mut newest_goes) = waiting.enter(Some(address(2))).unwrap();
        let went: Vec<bool> = some.iter_mut().map(|(_, goes)| gone(goes)).collect();
        assert_eq!(went.iter().filter(|gone| **gone).count(), 1);
        assert!(went[1] && !gone(&mut other_goes) && !gone(&mut newest_goes));
        // When everybody is talking the newcomer finds no room.
        newest.spoke();
        everybody_speaks(&some);
        assert!(waiting.enter(Some(address(2))).is_none());
        assert!(waiting.enter(Some(address(3))).is_some());
        drop(newest);
        assert!(waiting.enter(Some(address(2))).is_some());
    }

    #[test]
    fn the_oldest_silent_one_of_all_makes_room_when_every_place_is_taken() {
        let waiting = Arc::new(Waiting::default());
        let of = |number: usize| address(u8::try_from(number / MOST_OF_ADDRESS).unwrap());
        let mut some: Vec<_> = (0..MOST).map(|number| waiting.enter(Some(of(number))).unwrap()).collect();
        assert!(waiting.enter(Some(address(200))).is_some());
        assert!(gone(&mut some[0].1) && !gone(&mut some[1].1));
        everybody_speaks(&some);
        let last = waiting.enter(Some(address(200))).unwrap();
        last.0.spoke();
        assert!(waiting.enter(Some(address(201))).is_none());
        drop(some);
        drop(last);
        assert!(waiting.places().all.is_empty() && waiting.places().addresses.is_empty());
    }

    #[test]
    fn who_comes_by_a_balancer_is_counted_once_it_is_known() {
        let waiting = Arc::new(Waiting::default());
        let known: Vec<_> = (0..MOST_OF_ADDRESS).map(|_| waiting.enter(Some(address(2))).unwrap()).collect();
        let (place, _goes) = waiting.enter(None).unwrap();
        everybody_speaks(&known);
        assert!(!place.belongs_to(address(2)));
        assert!(place.belongs_to(address(3)));
    }

    #[test]
    fn an_address_is_counted_by_what_one_owner_has() {
        let counted = |text: &str| counted_as(text.parse().unwrap()).to_string();
        assert_eq!(counted("192.0.2.7"), "192.0.2.7");
        assert_eq!(counted("::ffff:192.0.2.7"), "192.0.2.7");
        assert_eq!(counted("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(counted("2001:db8:1:2::9"), "2001:db8:1:2::");
    }
}
