//! A provider that shows the test each call as it arrived and answers as the test wants.

use tokio::sync::mpsc;

use crate::support::provider::Exchange;
use crate::support::wait::within;

/// Calls as they arrived, in their order.
pub struct Arrivals(mpsc::Receiver<Exchange>);

impl Arrivals {
    /// Where calls arrive, and the handler that takes them there.
    pub fn new() -> (
        Self,
        impl Fn(Exchange) -> Taken + Clone + Send + Sync + 'static,
    ) {
        let (taken, arrivals) = mpsc::channel(64);
        let take = move |exchange| {
            let taken = taken.clone();
            let taking: Taken = Box::pin(async move {
                // The test has ended when nobody looks any more.
                let _ended = taken.send(exchange).await;
            });
            taking
        };
        (Self(arrivals), take)
    }

    /// The next call.
    pub async fn next(&mut self) -> Exchange {
        let arrival = within("a call at the provider", self.0.recv()).await;
        arrival.expect("the provider lives")
    }

    /// Nothing has arrived that was not looked at.
    pub fn assert_none(&mut self) {
        assert!(
            self.0.try_recv().is_err(),
            "a call has reached the provider"
        );
    }
}

pub type Taken = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;
