//! Where connections stand until their peer is known. Whoever begins a handshake and says no more
//! costs a place here; where all are taken, the newest comes in and the oldest of the crowd that
//! takes most of them goes. So thousands of half-open connections make room for one another, and
//! an agency that comes from elsewhere is let in as ever.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

/// The room of the whole hub, asked once for each connection.
#[derive(Debug)]
pub struct Anteroom {
    room: Mutex<Room<Arc<Notify>>>,
}

/// A place in the room, free again when dropped.
#[derive(Debug)]
pub struct Waiting<'a> {
    anteroom: &'a Anteroom,
    ticket: u64,
    dismissed: Arc<Notify>,
}

/// Who stands in the room, in the order in which they came. Pure.
#[derive(Debug)]
struct Room<T> {
    places: usize,
    next: u64,
    standing: BTreeMap<u64, (IpAddr, T)>,
}

impl Anteroom {
    #[must_use]
    pub fn new(places: usize) -> Self {
        Self {
            room: Mutex::new(Room::new(places)),
        }
    }

    /// A place for a connection from this address; somebody else may lose theirs.
    pub fn enter(&self, from: IpAddr) -> Waiting<'_> {
        let dismissed = Arc::<Notify>::default();
        let (ticket, leaves) = self.with(|room| room.enter(from, Arc::clone(&dismissed)));
        if let Some(leaves) = leaves {
            leaves.notify_one();
        }
        Waiting {
            anteroom: self,
            ticket,
            dismissed,
        }
    }

    fn with<T>(&self, work: impl FnOnce(&mut Room<Arc<Notify>>) -> T) -> T {
        work(&mut self.room.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Waiting<'_> {
    /// Waits until the place is needed for somebody else.
    pub async fn dismissed(&self) {
        self.dismissed.notified().await;
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.anteroom.with(|room| room.leave(self.ticket));
    }
}

impl<T> Room<T> {
    fn new(places: usize) -> Self {
        Self {
            places: places.max(1),
            next: 0,
            standing: BTreeMap::new(),
        }
    }

    /// Lets one in, and says who has to go for it.
    fn enter(&mut self, from: IpAddr, what: T) -> (u64, Option<T>) {
        let leaves = if self.standing.len() >= self.places {
            let oldest = self.oldest_of_the_crowd();
            oldest.and_then(|oldest| self.standing.remove(&oldest))
        } else {
            None
        };
        let ticket = self.next;
        self.next += 1;
        self.standing.insert(ticket, (crowd(from), what));
        (ticket, leaves.map(|(_, what)| what))
    }

    fn leave(&mut self, ticket: u64) {
        self.standing.remove(&ticket);
    }

    /// Of the addresses that stand here most often the one that has stood longest. One look at
    /// each place, of which there are few hundred, and only while all are taken.
    fn oldest_of_the_crowd(&self) -> Option<u64> {
        let mut crowds: HashMap<IpAddr, (usize, u64)> = HashMap::new();
        for (ticket, (from, _)) in &self.standing {
            crowds.entry(*from).or_insert((0, *ticket)).0 += 1;
        }
        let oldest_first = |ticket: u64| std::cmp::Reverse(ticket);
        crowds
            .into_values()
            .max_by_key(|(standing, oldest)| (*standing, oldest_first(*oldest)))
            .map(|(_, oldest)| oldest)
    }
}

/// Whoever has one address of IPv6 has the 2^64 beside it.
pub fn crowd(from: IpAddr) -> IpAddr {
    match from.to_canonical() {
        IpAddr::V4(from) => IpAddr::V4(from),
        IpAddr::V6(from) => {
            let [a, b, c, d, ..] = from.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Who comes to a room of three, and who has to go each time; by their place in the row.
    #[track_caller]
    fn check(rows: &[(&str, Option<usize>)]) {
        let mut room = Room::new(3);
        for (at, (from, expected)) in rows.iter().enumerate() {
            let (_, leaves) = room.enter(from.parse().unwrap(), at);
            assert_eq!(leaves, *expected, "when {from} came as number {at}");
            assert!(room.standing.len() <= 3);
        }
    }

    #[test]
    fn the_oldest_of_the_greatest_crowd_makes_room() {
        let (a, b, c, d) = ("10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4");
        check(&[(a, None), (a, None), (a, None), (a, Some(0)), (a, Some(1))]);
        // A crowd never drives out one who came alone.
        check(&[(a, None), (b, None), (b, None), (b, Some(1)), (b, Some(2))]);
        check(&[(b, None), (a, None), (b, None), (c, Some(0))]);
        // All alone: whoever has stood longest.
        check(&[(a, None), (b, None), (c, None), (d, Some(0)), (a, Some(1))]);
    }

    #[test]
    fn addresses_of_one_network_are_one_crowd() {
        let near = [
            "2001:db8::1",
            "2001:db8::2:1",
            "2001:db8::3",
            "2001:db8:0:1::1",
        ];
        check(&[
            (near[3], None),
            (near[0], None),
            (near[1], None),
            (near[2], Some(1)),
        ]);
        // The same machine by both names of its address.
        let (a, b) = ("::ffff:10.0.0.1", "10.0.0.1");
        check(&[("10.0.0.9", None), (a, None), (b, None), (a, Some(1))]);
    }

    #[test]
    fn a_place_that_was_left_is_free() {
        let mut room = Room::new(1);
        let from = "10.0.0.1".parse().unwrap();
        let (first, none) = room.enter(from, "first");
        assert_eq!(none, None);
        room.leave(first);
        let (_, none) = room.enter(from, "second");
        assert_eq!(none, None);
        // Once dismissed, leaving takes nobody else's place.
        let (_, dismissed) = room.enter(from, "third");
        assert_eq!(dismissed, Some("second"));
        room.leave(1);
        assert_eq!(room.standing.len(), 1);
    }
}
