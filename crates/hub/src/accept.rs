//! Takes connections off a port within a bound. What comes above it is closed at once, unheard,
//! so that a flood costs the hub no memory and those inside keep their places.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A port and the number of connections it may hold.
pub(crate) struct Door {
    listener: TcpListener,
    port: &'static str,
    places: Arc<Semaphore>,
}

/// A connection's place; free again when dropped.
pub(crate) struct Place(#[expect(dead_code, reason = "held for its drop")] OwnedSemaphorePermit);

/// After the machine has refused a connection (no descriptor is left, mostly), the next try
/// waits this long instead of turning in a circle.
const AFTER_ERROR: Duration = Duration::from_millis(100);

impl Door {
    pub(crate) fn new(listener: TcpListener, port: &'static str, connections_max: usize) -> Self {
        let places = Arc::new(Semaphore::new(connections_max.min(Semaphore::MAX_PERMITS)));
        Self {
            listener,
            port,
            places,
        }
    }

    /// The next connection that finds a place.
    pub(crate) async fn next(&self) -> (TcpStream, Place) {
        loop {
            match self.listener.accept().await {
                Ok((stream, peer)) => match Arc::clone(&self.places).try_acquire_owned() {
                    Ok(permit) => return (stream, Place(permit)),
                    Err(_) => {
                        tracing::warn!(port = self.port, %peer, "connection above the limit closed");
                    }
                },
                Err(error) => {
                    tracing::warn!(port = self.port, %error, "connection not accepted");
                    tokio::time::sleep(AFTER_ERROR).await;
                }
            }
        }
    }
}
