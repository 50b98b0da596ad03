//! The participants of a national day: 85 LGSPs that call 10 databases.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use h2::client::SendRequest;
use http::{HeaderValue, Request};
use ndxp_proto::registry::v1::Catalogue;
use rustls::ClientConfig;

use crate::bench::catalogue::{PATH, catalogue};
use crate::bench::hub::Grounds;
use crate::bench::{caller, echo};

/// 63 provinces and 22 ministries.
pub const LGSPS: u64 = 85;
const PROVINCES: u64 = 63;
const DATABASES: u64 = 10;
const MESSAGE_BYTES: u32 = 256;
/// Calls between two words on how far it is.
const SAY_EVERY: u64 = 100_000;

/// What a hub asks for in RetryInfo when it is nearly full.
const REPEATED_AFTER: Duration = Duration::from_millis(100);

/// How the calls went.
pub struct Carried {
    pub took: Duration,
    /// Refused because the hub was nearly full, and repeated: attempts beside the calls.
    pub refused: u64,
}

pub struct National {
    consumers: Vec<(String, Arc<ClientConfig>)>,
    databases: Vec<(String, SocketAddr)>,
}

impl National {
    /// Certificates for all, and a provider of each database.
    pub fn prepare(grounds: &Grounds) -> anyhow::Result<Self> {
        let consumers = (1..=LGSPS).map(|place| {
            let system = match place.checked_sub(PROVINCES) {
                None | Some(0) => format!("H{place:02}/lgsp"),
                Some(ministry) => format!("G{ministry:02}/lgsp"),
            };
            let (tls, _) = grounds.system(&system)?;
            Ok((system, tls))
        });
        let databases = (1..=DATABASES).map(|place| {
            let system = format!("G{:02}/database", 50 + place);
            let (_, tls) = grounds.system(&system)?;
            Ok((system, echo::start_apart(Some(tls))?))
        });
        Ok(Self {
            consumers: consumers.collect::<anyhow::Result<_>>()?,
            databases: databases.collect::<anyhow::Result<_>>()?,
        })
    }

    pub fn catalogue(&self) -> anyhow::Result<Catalogue> {
        let consumers: Vec<_> = self.consumers.iter().map(|(id, _)| id.as_str()).collect();
        let databases = self.databases.iter().map(|(id, at)| (id.as_str(), *at));
        let databases: Vec<_> = databases.collect();
        catalogue(&consumers, &databases)
    }

    /// Carries so many calls, shared evenly; every answer is checked, and one that is wrong ends it.
    /// What is refused because of load is repeated, as the contract of members says.
    pub async fn call(
        &self,
        hub: SocketAddr,
        calls: u64,
        in_flight: u32,
    ) -> anyhow::Result<Carried> {
        let (done, refused) = (Arc::default(), Arc::<AtomicU64>::default());
        let requests: Arc<[Request<()>]> = self
            .databases
            .iter()
            .map(|(database, _)| request(database))
            .collect::<anyhow::Result<_>>()?;
        let mut callers = Vec::new();
        for (place, (_, tls)) in (0..).zip(&self.consumers) {
            let sender = caller::connect(hub, tls).await?;
            let own = calls / LGSPS + u64::from(place < calls % LGSPS);
            let left = Arc::new(AtomicU64::new(own));
            for _ in 0..in_flight {
                callers.push(Caller {
                    sender: sender.clone(),
                    requests: Arc::clone(&requests),
                    left: Arc::clone(&left),
                    done: Arc::clone(&done),
                    refused: Arc::clone(&refused),
                });
            }
        }
        let began = Instant::now();
        let running: Vec<_> = callers
            .into_iter()
            .map(|it| tokio::spawn(it.call_all()))
            .collect();
        for caller in running {
            caller.await??;
        }
        Ok(Carried {
            took: began.elapsed(),
            refused: refused.load(Ordering::Relaxed),
        })
    }
}

/// One of an LGSP's calls after the other.
struct Caller {
    sender: SendRequest<Bytes>,
    /// One for each database.
    requests: Arc<[Request<()>]>,
    /// What the LGSP has still to call.
    left: Arc<AtomicU64>,
    done: Arc<AtomicU64>,
    refused: Arc<AtomicU64>,
}

impl Caller {
    async fn call_all(self) -> anyhow::Result<()> {
        let message = caller::grpc_message(MESSAGE_BYTES);
        for request in self.requests.iter().cycle() {
            let taken = self
                .left
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                    left.checked_sub(1)
                });
            if taken.is_err() {
                break;
            }
            while let Err(error) = caller::call(&self.sender, request, &message).await {
                if !error.is::<caller::Overloaded>() {
                    return Err(error);
                }
                self.refused.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(REPEATED_AFTER).await;
            }
            let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
            if done.is_multiple_of(SAY_EVERY) {
                eprintln!("{done} calls …");
            }
        }
        Ok(())
    }
}

fn request(database: &str) -> anyhow::Result<Request<()>> {
    let mut request = caller::request(PATH);
    let database = HeaderValue::from_str(database)?;
    request.headers_mut().insert("ndxp-provider", database);
    Ok(request)
}
