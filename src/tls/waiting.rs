//! Who waits for a handshake: so many in all, and so many from one address.
//!
//! A stranger can open sockets and say nothing, or begin a handshake and never end it. Where there is no room left the one that has
//! been silent for longest makes room; and where nobody is silent, the one that has been at it for longest: of that address, or where
//! every place is taken of the address that holds the most. A handshake takes some milliseconds, so that this meets who never ends.

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
    /// A place, and what ends when it must be given to somebody else.
    pub(super) fn enter(self: &Arc<Self>, address: Option<IpAddr>) -> (Place, oneshot::Receiver<()>) {
        let mut places = self.places();
        if let Some(address) = address {
            places.make_room_for(address);
        }
        if places.all.len() >= MOST {
            places.make_room();
        }
        let number = places.next;
        places.next += 1;
        let (stays, goes) = oneshot::channel();
        places.all.insert(number, Waiter { address, silent: true, _stays: stays });
        if let Some(address) = address {
            *places.addresses.entry(address).or_default() += 1;
        }
        (Place { waiting: Arc::clone(self), number }, goes)
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Counts it with an address that was not known yet.
    pub(super) fn belongs_to(&self, address: IpAddr) {
        let mut places = self.waiting.places();
        places.make_room_for(address);
        // Gone already where it had to make room; its owner hears that.
        if let Some(waiter) = places.all.get_mut(&self.number) {
            waiter.address = Some(address);
            *places.addresses.entry(address).or_default() += 1;
        }
    }

    /// It said something: from now on who is silent makes room before it.
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
    /// Makes room for one more of an address, where it has as many as it may.
    fn make_room_for(&mut self, address: IpAddr) {
        if self.addresses.get(&address).copied().unwrap_or(0) >= MOST_OF_ADDRESS {
            let of_it = |waiter: &Waiter| waiter.address == Some(address);
            let goes = self.oldest(|waiter| waiter.silent && of_it(waiter)).or_else(|| self.oldest(of_it));
            if let Some(number) = goes {
                self.remove(number);
            }
        }
    }

    /// Makes room for one more, where every place is taken.
    fn make_room(&mut self) {
        let most = self.addresses.iter().max_by_key(|(_, count)| **count).map(|(address, _)| *address);
        let goes = self.oldest(|waiter| waiter.silent).or_else(|| self.oldest(|waiter| waiter.address == most));
        if let Some(number) = goes {
            self.remove(number);
        }
    }

    fn oldest(&self, of: impl Fn(&Waiter) -> bool) -> Option<u64> {
        self.all.iter().find(|(_, waiter)| of(waiter)).map(|(number, _)| *number)
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
        let (_other, mut other_goes) = waiting.enter(Some(address(1)));
        let mut some: Vec<_> = (0..MOST_OF_ADDRESS).map(|_| waiting.enter(Some(address(2)))).collect();
        some[0].0.spoke();
        let (newest, mut newest_goes) = waiting.enter(Some(address(2)));
        let went: Vec<bool> = some.iter_mut().map(|(_, goes)| gone(goes)).collect();
        assert_eq!(went.iter().filter(|gone| **gone).count(), 1);
        assert!(went[1] && !gone(&mut other_goes) && !gone(&mut newest_goes));
        // When everybody has said something, who has been at it for longest goes.
        newest.spoke();
        everybody_speaks(&some);
        let (_next, _next_goes) = waiting.enter(Some(address(2)));
        assert!(gone(&mut some[0].1) && !gone(&mut some[2].1) && !gone(&mut newest_goes) && !gone(&mut other_goes));
    }

    #[test]
    fn the_oldest_silent_one_of_all_makes_room_when_every_place_is_taken() {
        let waiting = Arc::new(Waiting::default());
        let of = |number: usize| address(u8::try_from(number / MOST_OF_ADDRESS).unwrap());
        let mut some: Vec<_> = (0..MOST).map(|number| waiting.enter(Some(of(number)))).collect();
        let (one_more, mut one_more_goes) = waiting.enter(Some(address(200)));
        assert!(gone(&mut some[0].1) && !gone(&mut some[1].1));
        everybody_speaks(&some);
        one_more.spoke();
        // Half handshakes of others keep nobody out: one of an address that holds the most goes.
        let (last, mut last_goes) = waiting.enter(Some(address(201)));
        let went: Vec<bool> = some.iter_mut().map(|(_, goes)| gone(goes)).collect();
        assert_eq!(went.iter().filter(|gone| **gone).count(), 2);
        assert!(!gone(&mut one_more_goes) && !gone(&mut last_goes));
        drop((some, one_more, last));
        assert!(waiting.places().all.is_empty() && waiting.places().addresses.is_empty());
    }

    #[test]
    fn who_comes_by_a_balancer_is_counted_once_it_is_known() {
        let waiting = Arc::new(Waiting::default());
        let mut known: Vec<_> = (0..MOST_OF_ADDRESS).map(|_| waiting.enter(Some(address(2)))).collect();
        let (place, mut goes) = waiting.enter(None);
        place.belongs_to(address(2));
        assert!(gone(&mut known[0].1) && !gone(&mut known[1].1) && !gone(&mut goes));
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
