//! The smallest world in which a call can pass: a hub, one province, one national database, one
//! service and one grant.

use super::call::Call;
use super::catalogue::Catalogue;
use super::consumer::Consumer;
use super::credentials::Credentials;
use super::hub::Hub;
use super::provider::{Exchange, Provider};

pub const CONSUMER: &str = "H26/lgsp";
pub const PROVIDER: &str = "G01/population";
pub const SERVICE: &str = "ndxp.test.v1.EchoService";

pub struct World {
    pub hub: Hub,
    pub credentials: Credentials,
    pub consumer: Consumer,
    pub provider: Provider,
}

impl World {
    pub async fn start<F>(handler: impl Fn(Exchange) -> F + Clone + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self::start_with(Hub::init(), "", handler).await
    }

    /// In a hub that is configured, with further lines about the service.
    pub async fn start_with<F>(
        mut hub: Hub,
        service: &str,
        handler: impl Fn(Exchange) -> F + Clone + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        hub.serve().await;
        let credentials = hub.issue(CONSUMER);
        let provider = Provider::serve(&hub, &hub.issue(PROVIDER), handler);
        let catalogue = members()
            .system(PROVIDER, &[provider.address], "")
            .service(PROVIDER, SERVICE, service)
            .grant(CONSUMER, PROVIDER, SERVICE, "");
        hub.apply(&catalogue);
        let consumer = Consumer::connect(&hub, &credentials).await;
        Self {
            hub,
            credentials,
            consumer,
            provider,
        }
    }

    /// Connects the consumer anew, to a hub that was started again.
    pub async fn consumer_again(&self) -> Consumer {
        Consumer::connect(&self.hub, &self.credentials).await
    }
}

/// The two members and the province's LGSP.
pub fn members() -> Catalogue {
    let members = Catalogue::new().member("H26", "").member("G01", "");
    members.system(CONSUMER, &[], "")
}

/// A call to the world's service.
pub fn call() -> Call {
    Call::to(format!("/{SERVICE}/Echo"))
}
