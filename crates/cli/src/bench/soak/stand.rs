//! How the hub stands, told to everybody who calls it.

use std::net::SocketAddr;

use tokio::sync::watch;

/// What becomes of the hub.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Change {
    /// It is, or will be, stopped; what fails from here on is nobody's fault.
    Stops,
    Serves(SocketAddr),
    /// The soak is over.
    Over,
}

#[derive(Clone, Debug)]
pub struct Stand {
    told: watch::Sender<(u64, Change)>,
}

/// A hub that serves, as long as it is the same.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Serving {
    pub exchange: SocketAddr,
    change: u64,
}

impl Stand {
    pub fn new() -> Self {
        let (told, _) = watch::channel((0, Change::Stops));
        Self { told }
    }

    pub fn change(&self, change: Change) {
        self.told.send_modify(|told| *told = (told.0 + 1, change));
    }

    /// Waits for a hub that serves; `None` when the soak is over.
    pub async fn serving(&self) -> Option<Serving> {
        let mut heard = self.told.subscribe();
        let told = heard.wait_for(|(_, change)| *change != Change::Stops);
        match *told.await.ok()? {
            (change, Change::Serves(exchange)) => Some(Serving { exchange, change }),
            _ => None,
        }
    }

    /// Whether it is still the same that serves.
    pub fn still(&self, serving: Serving) -> bool {
        self.told.borrow().0 == serving.change
    }
}
