//! A registry with everything in it that a call can be refused for.

use tokio::net::TcpSocket;

use crate::support::catalogue::Catalogue;
use crate::support::consumer::Consumer;
use crate::support::hub::Hub;
use crate::support::provider::{Exchange, Provider, echo};
use crate::support::world::CONSUMER;

/// The service that may be called.
pub const PERMITTED: &str = "ndxp.test.v1.Permitted";

pub struct Registered {
    pub hub: Hub,
    pub consumer: Consumer,
    _providers: [Provider; 2],
    /// A port that is taken and where nobody listens.
    _away: TcpSocket,
}

impl Registered {
    pub async fn start() -> Self {
        let hub = Hub::start().await;
        let providers = ["G01/a", "G01/b"]
            .map(|system| Provider::serve(&hub, &hub.issue(system), hang_or_echo));
        let away = TcpSocket::new_v4().expect("a socket can be made");
        away.bind(([127, 0, 0, 1], 0).into())
            .expect("a port is free");
        let address = away.local_addr().expect("it is bound");
        let [a, b] = [providers[0].address, providers[1].address];
        let members = Catalogue::new()
            .member("H26", "")
            .member("H40", "state = \"suspended\"")
            .member("G01", "")
            .system(CONSUMER, &[], "")
            .system("H26/suspended", &[], "state = \"suspended\"")
            .system("H40/lgsp", &[], "")
            .system("G01/a", &[a], "")
            .system("G01/b", &[b], "")
            .system("G01/away", &[address], "");
        hub.apply(&grants(services(members)));
        let consumer = Consumer::connect(&hub, &hub.issue(CONSUMER)).await;
        Self {
            hub,
            consumer,
            _providers: providers,
            _away: away,
        }
    }

    pub async fn stop(self) {
        self.hub.stop().await;
    }
}

pub fn path(service: &str) -> String {
    format!("/{service}/Call")
}

fn services(catalogue: Catalogue) -> Catalogue {
    let rows = [
        ("G01/a", "Permitted", "measures = [\"records\"]"),
        ("G01/a", "Shared", ""),
        ("G01/b", "Shared", ""),
        (
            "G01/a",
            "Disabled",
            "disabled = true\nnotice = \"bảo trì đến 22 giờ\"",
        ),
        ("G01/a", "Ungranted", ""),
        ("G01/a", "OneMethod", ""),
        ("G01/a", "Expired", ""),
        ("G01/a", "NotYet", ""),
        ("G01/a", "Rated", ""),
        ("G01/a", "Single", ""),
        ("G01/a", "Slow", "deadline_ms_max = 200"),
        ("G01/away", "Away", ""),
    ];
    rows.into_iter()
        .fold(catalogue, |catalogue, (provider, service, further)| {
            catalogue.service(provider, &format!("ndxp.test.v1.{service}"), further)
        })
}

fn grants(catalogue: Catalogue) -> Catalogue {
    let rows = [
        ("G01/a", "Permitted", ""),
        ("G01/a", "Shared", ""),
        ("G01/b", "Shared", ""),
        ("G01/a", "Disabled", ""),
        ("G01/a", "OneMethod", "methods = [\"Allowed\"]"),
        ("G01/a", "Expired", "valid_until = \"2020-12-31\""),
        ("G01/a", "NotYet", "valid_from = \"2999-01-01\""),
        ("G01/a", "Rated", "rate_per_second_max = 1"),
        ("G01/a", "Single", "concurrency_max = 1"),
        ("G01/a", "Slow", ""),
        ("G01/away", "Away", ""),
    ];
    rows.into_iter()
        .fold(catalogue, |catalogue, (provider, service, further)| {
            catalogue.grant(
                CONSUMER,
                provider,
                &format!("ndxp.test.v1.{service}"),
                further,
            )
        })
}

/// Calls to a method `Hang` are never answered.
async fn hang_or_echo(exchange: Exchange) {
    if exchange.head.uri.path().ends_with("/Hang") {
        let mut respond = exchange.respond;
        // Until the hub gives the call up.
        let _given_up = std::future::poll_fn(|cx| respond.poll_reset(cx)).await;
    } else {
        echo(exchange).await;
    }
}
