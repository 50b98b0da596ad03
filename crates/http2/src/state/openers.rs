//! Requests that wait until the other side takes another stream, first come, first served.

use std::collections::VecDeque;
use std::task::{Context, Waker};

/// A place in the queue.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Ticket(u64);

/// Who waits, and who was told to go on and has not.
#[derive(Debug, Default)]
pub struct Openers {
    waiting: VecDeque<(Ticket, Waker)>,
    /// Their places are kept for them.
    granted: Vec<Ticket>,
    next: u64,
}

impl Openers {
    /// Places that are kept for those who were told.
    #[must_use]
    pub fn granted(&self) -> usize {
        self.granted.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    #[must_use]
    pub fn is_granted(&self, ticket: Ticket) -> bool {
        self.granted.contains(&ticket)
    }

    pub fn wait(&mut self, ticket: Option<Ticket>, cx: &Context<'_>) -> Ticket {
        if let Some(ticket) = ticket
            && let Some(place) = self.place(ticket)
            && let Some((_, waker)) = self.waiting.get_mut(place)
        {
            waker.clone_from(cx.waker());
            return ticket;
        }
        let ticket = Ticket(self.next);
        self.next += 1;
        self.waiting.push_back((ticket, cx.waker().clone()));
        ticket
    }

    /// Tells as many as there are places.
    pub fn grant(&mut self, places: usize) {
        for _ in 0..places {
            let Some((ticket, waker)) = self.waiting.pop_front() else {
                return;
            };
            self.granted.push(ticket);
            waker.wake();
        }
    }

    /// Whoever held the ticket is in the queue no more, nor has a place that is kept.
    pub fn give_up(&mut self, ticket: Ticket) {
        match self.granted.iter().position(|it| *it == ticket) {
            Some(place) => {
                self.granted.swap_remove(place);
            }
            None => {
                let place = self.place(ticket);
                place.and_then(|place| self.waiting.remove(place));
            }
        }
    }

    /// Where in the queue a ticket stands: their numbers rise.
    fn place(&self, ticket: Ticket) -> Option<usize> {
        let found = self.waiting.binary_search_by_key(&ticket.0, |(it, _)| it.0);
        found.ok()
    }

    /// Nobody will be told any more; all find out why.
    pub fn dismiss(&mut self) {
        for (_, waker) in self.waiting.drain(..) {
            waker.wake();
        }
    }
}
