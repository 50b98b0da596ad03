//! The ladder: the hub, and relays from which one step after the other is left out. A rung is started
//! for one run and stopped behind it: it begins with nothing, has the machine to itself, and is gone
//! before what the hub does from time to time begins.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;

use super::relay;
use crate::bench::caller::Load;
use crate::bench::catalogue::catalogue;
use crate::bench::echo;
use crate::bench::hub::Grounds;
pub use crate::bench::peers::ways::{CONSUMER, PROVIDER};
use crate::bench::peers::ways::{HUB, Way};

/// One of the ladder.
pub struct Rung {
    /// As `ndxp bench relay` knows it.
    pub name: &'static str,
    pub text: &'static str,
    /// What it has and the next one has not.
    pub step: &'static str,
}

/// From the top; the last one's step is what cannot be left out.
pub const LADDER: [Rung; 5] = [
    Rung {
        name: HUB,
        text: "hub: everything on",
        step: "TLS",
    },
    Rung {
        name: "plain",
        text: "plain: without TLS",
        step: "counters",
    },
    Rung {
        name: "uncounted",
        text: "uncounted: without counters, too",
        step: "journal",
    },
    Rung {
        name: "unjournaled",
        text: "unjournaled: without the journal, too",
        step: "the exchange",
    },
    Rung {
        name: "bare",
        text: "bare: HTTP/2 passed on",
        step: "HTTP/2 and sockets",
    },
];

/// What the rungs stand on: their folder, and a provider on either kind of connection.
pub struct Ground {
    grounds: Grounds,
    consumer: Arc<ClientConfig>,
    secured: SocketAddr,
    plain: SocketAddr,
}

impl Ground {
    pub fn prepare() -> anyhow::Result<Self> {
        let grounds = Grounds::prepare()?;
        let (consumer, _) = grounds.system(CONSUMER)?;
        let (_, provider) = grounds.system(PROVIDER)?;
        Ok(Self {
            grounds,
            consumer,
            secured: echo::start_apart(Some(provider))?,
            plain: echo::start_apart(None)?,
        })
    }

    /// Serves a rung, and what it is to be put under.
    pub async fn start(&self, rung: &Rung, measured: Duration) -> anyhow::Result<(Way, Load)> {
        self.grounds.forget()?;
        let named = (rung.name, rung.text.to_owned());
        let (way, tls) = match rung.name {
            HUB => {
                let catalogue = catalogue(&[CONSUMER], &[(PROVIDER, self.secured)])?;
                let hub = self.grounds.serve(catalogue).await?;
                let (address, pid) = (hub.exchange, hub.pid);
                let tls = Some(Arc::clone(&self.consumer));
                (Way::through(named, address, pid, hub), tls)
            }
            _ => {
                let config = self.grounds.config_file();
                let (address, relay) = relay::start(rung.name, &config, self.plain, &[])?;
                let pid = relay.0.id();
                (Way::through(named, address, pid, relay), None)
            }
        };
        let load = Load::full(way.address, tls, measured);
        Ok((way, load))
    }
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::*;
    use crate::bench::steps::relay::Kind;

    #[test]
    fn below_the_hub_the_ladder_has_every_relay_in_the_order_of_what_is_left_out() {
        let relays = Kind::value_variants().iter();
        let relays: Vec<_> = relays
            .map(|kind| kind.to_possible_value().unwrap().get_name().to_owned())
            .collect();
        let rungs: Vec<_> = LADDER.iter().map(|rung| rung.name).collect();
        assert_eq!(rungs.split_first(), Some((&HUB, &rungs[1..])));
        assert_eq!(rungs[1..], relays);
    }
}
