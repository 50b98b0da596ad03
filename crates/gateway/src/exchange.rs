//! The life of a transaction, top to bottom:
//! identify → route → authorise → admit → open → forward → settle.
//!
//! A passed check is a type that only the check can make: [`Identified`] → [`Permitted`] →
//! [`Opened`]. Forwarding takes only the last.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use ndxp_http2::{RecvStream, SendResponse};
use ndxp_journal::Append;
use ndxp_model::{Connection, Instant, Outcome, Reason, Refusal, Sequence, TransactionId};
use ndxp_proto::journal::v1;
use ndxp_proto::journal::v1::entry::Body;
use ndxp_registry::{Limits, Registry, Route, SystemRecord};
use tokio::sync::mpsc;
use tokio::time::Instant as Monotonic;

use crate::admission::{Allowance, Asking, Permit};
use crate::answer;
use crate::core::Core;
use crate::cut::Before;
use crate::deadline::parse_timeout;
use crate::forward::{Noticed, Passage, Standing, forward};
use crate::metadata::{self, OwnedKeys, Stated};
use crate::meter::{Framing, Meter};
use crate::path::CallPath;
use crate::peer::Peer;
use crate::record;
use crate::settle::{close_late, closing, late, passes, refuse, settle};
use crate::stamp::Stamp;
use crate::stream::{Downlink, Inlet, Uplink};
use crate::upstream::Pool;

/// A request as it came in.
pub struct Incoming {
    pub head: http::request::Parts,
    pub inlet: Inlet,
    pub downlink: Downlink,
    /// Dropped when the call is over: its connection waits for that.
    pub in_flight: mpsc::Sender<Infallible>,
}

impl Incoming {
    #[must_use]
    pub fn new(
        request: http::Request<RecvStream>,
        respond: SendResponse,
        in_flight: mpsc::Sender<Infallible>,
    ) -> Self {
        let (head, body) = request.into_parts();
        Self {
            head,
            inlet: Inlet::new(body),
            downlink: Downlink::new(respond),
            in_flight,
        }
    }
}

/// What is known of a call from its first step on; complete enough to be refused at any of them.
pub struct Facts {
    pub id: TransactionId,
    pub arrived: Monotonic,
    pub call: v1::Call,
}

/// The consumer is a system that the registry knows and has not suspended.
struct Identified {
    consumer: Arc<SystemRecord>,
}

/// The call has a provider, a grant and a place.
struct Permitted {
    route: Route,
    pool: Arc<Pool>,
    stated: Stated,
    deadline: Monotonic,
    message_bytes_max: u64,
    /// The cuts that it has been asked of the registry behind.
    before: Before,
    /// Held until the call is settled.
    _permit: Permit,
}

/// The call stands in the journal.
pub struct Opened {
    pub id: TransactionId,
    pub sequence: Sequence,
    permitted: Permitted,
}

impl Opened {
    #[must_use]
    pub fn deadline(&self) -> Monotonic {
        self.permitted.deadline
    }
}

/// Who answers a call that has passed.
enum Passed {
    /// Boxed, because it is handed from step to step, and each would keep a copy.
    ToProvider(Box<Opened>),
    ToTheHub(Permit),
}

/// Carries one call. Never fails: every way out is written down and answered.
///
/// There are as many of these futures as calls in flight, so what it takes is kept once and lent to
/// each step; what few calls need stands apart, in boxes.
#[expect(
    clippy::manual_async_fn,
    reason = "an async fn keeps its arguments twice"
)]
pub fn exchange(
    core: Arc<Core>,
    peer: Arc<Peer>,
    mut incoming: Incoming,
) -> impl Future<Output = ()> + Send {
    async move {
        // Whoever has withdrawn a call before it was looked at has made none: a flood of such calls
        // must not fill the journal.
        if incoming.downlink.is_gone().await {
            peer.conduct.note_reset();
            core.metrics.withdrawn.inc();
            return;
        }
        let mut facts = core.facts();
        let _counted = core.metrics.call_in_flight();
        match carry(&core, &peer, &mut incoming, &mut facts).await {
            Ok(Passed::ToProvider(opened)) => {
                let unrecorded = transact((&core, &peer), &mut facts, &opened, &mut incoming).await;
                if let Some(ending) = unrecorded {
                    tokio::spawn(close_late(core, *opened, ending));
                }
            }
            Ok(Passed::ToTheHub(_permit)) => {
                Box::pin(crate::own::serve(&core, &peer, incoming)).await;
            }
            Err(refusal) => Box::pin(refuse(&core, &peer, facts, refusal, incoming)).await,
        }
    }
}

/// All that stands before the provider.
async fn carry(
    core: &Core,
    peer: &Peer,
    Incoming { head, inlet, .. }: &mut Incoming,
    facts: &mut Facts,
) -> Result<Passed, Refusal> {
    let now = core.clock.now();
    let before = core.cuts.before();
    let permitted = {
        let registry = core.registry.load();
        // Who calls: first, because a stranger is told nothing.
        let identified = identify(&registry, peer, facts)?;
        // What is called: read once; from here on only what was read counts.
        let path = read_path(head, facts)?;
        // Even a test that is refused for its other metadata is not counted.
        facts.call.test = metadata::is_test(&head.headers);
        let stated = metadata::take_stated(&mut head.headers, core.limits.metadata_bytes_max)?;
        if core.own.offers(path.service.as_str()) {
            let permit = admit(core, peer, &identified, None, now)?;
            return Ok(Passed::ToTheHub(permit));
        }
        record::note_stated(&mut facts.call, &stated);
        // Who answers, and may the caller: one look-up, because a grant is for a route.
        let route = route(&registry, &identified, &path, &stated, now, facts)?;
        check_measures(&route, &stated)?;
        let bounds = Bounds::of(core, &identified, &route);
        metadata::check_size(stated.metadata_bytes, bounds.metadata_bytes_max)?;
        let deadline = facts.arrived + allowed_time(core, head, bounds.time_max)?;
        // Is there room: last of the checks, so that no refused call takes a place.
        let pool = core.upstreams.pool(&route.provider, &core.admission);
        let permit = admit(core, peer, &identified, Some((&route, &pool)), now)?;
        Permitted {
            route,
            pool,
            stated,
            deadline,
            message_bytes_max: bounds.message_bytes_max,
            before,
            _permit: permit,
        }
    };
    // Written down before the provider sees a byte.
    let committed = inlet.while_waiting(open(core, facts)).await;
    let committed = committed.map_err(|error| {
        // The journal itself has said so once; here it would be said for every call.
        tracing::debug!(%error, "the journal did not take an opening");
        Refusal::new(Reason::JournalUnavailable, error.to_string())
    })?;
    Ok(Passed::ToProvider(Box::new(Opened {
        id: facts.id,
        sequence: committed.sequence,
        permitted,
    })))
}

fn identify(registry: &Registry, peer: &Peer, facts: &mut Facts) -> Result<Identified, Refusal> {
    let consumer = peer.system(registry).inspect_err(|_| {
        // A suspended system is known; the record says who tried.
        if let Some(system) = peer.known_as(registry) {
            system.clone_into(&mut record::connection(&mut facts.call).consumer);
        }
    })?;
    record::connection(&mut facts.call).consumer = consumer.id.as_str().to_owned();
    Ok(Identified { consumer })
}

fn read_path(head: &http::request::Parts, facts: &mut Facts) -> Result<CallPath, Refusal> {
    let malformed = |detail: &str| Err(Refusal::new(Reason::MalformedRequest, detail));
    if head.method != http::Method::POST {
        return malformed(&format!("method {} is not POST", head.method));
    }
    let content_type = head
        .headers
        .get(http::header::CONTENT_TYPE)
        .map(|it| it.as_bytes());
    if !content_type.is_some_and(|it| it.starts_with(b"application/grpc")) {
        return malformed("content-type is not application/grpc");
    }
    let path = CallPath::parse(head.uri.path_and_query().map_or("", |path| path.as_str()))?;
    record::connection(&mut facts.call).service = path.service.as_str().to_owned();
    facts.call.method.clone_from(&path.method);
    Ok(path)
}

fn route(
    registry: &Registry,
    identified: &Identified,
    path: &CallPath,
    stated: &Stated,
    now: Instant,
    facts: &mut Facts,
) -> Result<Route, Refusal> {
    let (consumer, provider) = (&identified.consumer.id, stated.provider.as_deref());
    let service = path.service.as_str();
    let route = registry
        .route(consumer, service, &path.method, provider, now)
        .inspect_err(|_| {
            // A call that may not pass was for somebody all the same.
            if let Some(provider) = registry.provider_of(service, provider) {
                provider.clone_into(&mut record::connection(&mut facts.call).provider);
            }
        })?;
    record::connection(&mut facts.call).provider = route.provider.id.as_str().to_owned();
    facts.call.grant = route.grant.id.to_string();
    if let Some(principal) = &route.grant.on_behalf_of {
        facts.call.on_behalf_of = principal.to_string();
    }
    Ok(route)
}

fn check_measures(route: &Route, stated: &Stated) -> Result<(), Refusal> {
    let declared = &route.service.measures;
    match stated
        .measures
        .iter()
        .find(|it| !declared.contains(&it.name))
    {
        None => Ok(()),
        Some(unknown) => {
            let detail = format!(
                "measure {:?} is not declared by {}; declared are: {}",
                unknown.name,
                route.service.name,
                declared.join(", ")
            );
            Err(Refusal::new(Reason::MalformedRequest, detail))
        }
    }
}

/// What one call may use: the least that the hub, the service, the consumer and the grant allow.
struct Bounds {
    metadata_bytes_max: usize,
    message_bytes_max: u64,
    time_max: Duration,
}

impl Bounds {
    fn of(core: &Core, identified: &Identified, route: &Route) -> Self {
        let mut bounds = Self {
            metadata_bytes_max: core.limits.metadata_bytes_max,
            message_bytes_max: core.limits.message_bytes_max,
            time_max: core.limits.deadline_max,
        };
        if let Some(max) = route.service.deadline_max {
            bounds.time_max = bounds.time_max.min(max);
        }
        bounds.narrow(&identified.consumer.limits);
        bounds.narrow(&route.grant.limits);
        bounds
    }

    fn narrow(&mut self, limits: &Limits) {
        if let Some(max) = limits.metadata_bytes_max {
            let max = usize::try_from(max.get()).unwrap_or(usize::MAX);
            self.metadata_bytes_max = self.metadata_bytes_max.min(max);
        }
        if let Some(max) = limits.message_bytes_max {
            self.message_bytes_max = self.message_bytes_max.min(max.get());
        }
        if let Some(max) = limits.deadline_max {
            self.time_max = self.time_max.min(max);
        }
    }
}

/// The caller's own timeout, within what is allowed.
fn allowed_time(
    core: &Core,
    head: &http::request::Parts,
    max: Duration,
) -> Result<Duration, Refusal> {
    let wanted = match head.headers.get(metadata::GRPC_TIMEOUT) {
        Some(value) => parse_timeout(value.as_bytes())?,
        None => core.limits.deadline_default,
    };
    Ok(wanted.min(max))
}

/// A place with the consumer, the grant and the hub; a call to the hub itself needs no grant.
fn admit(
    core: &Core,
    peer: &Peer,
    identified: &Identified,
    to_provider: Option<(&Route, &Pool)>,
    now: Instant,
) -> Result<Permit, Refusal> {
    let allowance = |limits: &Limits| {
        let (rate, burst) = (limits.rate_per_second_max, limits.burst_max);
        Allowance::new(rate, burst, limits.concurrency_max)
    };
    let system = &identified.consumer;
    let consumer = Asking {
        id: &system.id,
        allowance: allowance(&system.limits).or(core.limits.consumer),
    };
    let grant = to_provider.map(|(route, _)| Asking {
        id: &route.grant.id,
        allowance: allowance(&route.grant.limits),
    });
    let provider = to_provider.map(|(route, pool)| (&route.provider.id, &pool.gate));
    let gate = peer.gate_of(&system.id, &core.admission);
    core.admission.admit(&gate, consumer, grant, provider, now)
}

/// The opening on its way into the journal.
fn open(core: &Core, facts: &mut Facts) -> Append {
    // The lane encodes at once; lending the call to the entry spares a copy of all its texts.
    let entry = Body::Opened(v1::TransactionOpened {
        transaction_id: facts.id.as_bytes().to_vec(),
        call: Some(std::mem::take(&mut facts.call)),
    });
    let append = core.lane.append(&entry);
    if let Body::Opened(opened) = entry {
        facts.call = opened.call.unwrap_or_default();
    }
    append
}

/// From the opened journal entry to the settled one; the ending comes back where the journal may take
/// it later.
async fn transact(
    (core, peer): (&Core, &Peer),
    facts: &mut Facts,
    opened: &Opened,
    Incoming {
        head,
        inlet,
        downlink,
        ..
    }: &mut Incoming,
) -> Option<Body> {
    let Opened { id, permitted, .. } = opened;
    let salt = core.salts.salt(*id);
    let stamp = Stamp::new(*id, salt, &facts.call.trace_id);
    let route = &permitted.route;
    let owned = OwnedKeys {
        stamp: &stamp,
        consumer: route.connection.consumer.as_str(),
        on_behalf_of: &facts.call.on_behalf_of,
    };
    metadata::annotate_request(&mut head.headers, &permitted.stated, owned);
    let framing = Framing::new(permitted.message_bytes_max);
    let mut uplink = Uplink::new(inlet, Meter::new(salt.as_bytes()), framing);
    let mut answer_meter = Meter::new(salt.as_bytes());
    let mut noticed = Noticed {
        measures: permitted.stated.measures.clone(),
        ..Noticed::default()
    };
    let mut ending = {
        let method = &facts.call.method;
        let passage = Passage {
            provider: &route.provider.id,
            pool: &permitted.pool,
            head,
            stamp: &stamp,
            deadline: permitted.deadline,
            answer_message_bytes_max: core.limits.message_bytes_max,
            standing: Standing {
                connection: &route.connection,
                cuts: &core.cuts,
                before: permitted.before,
                permitted: &|| still_permitted(core, peer, route, method),
            },
        };
        let upstreams = &core.upstreams;
        let (meter, noticed) = (&mut answer_meter, &mut noticed);
        forward(upstreams, &passage, &mut uplink, downlink, meter, noticed).await
    };
    if ending.outcome == Outcome::Cancelled {
        peer.conduct.note_reset();
    }
    let declared = &route.service.measures;
    noticed.measures.retain(|it| declared.contains(&it.name));
    let measured = (uplink.meter.measured(), answer_meter.measured());
    let entry = closing(facts, opened, &ending, noticed, measured);
    // The consumer's answer ends only after the ending is durable.
    let settled = settle(core, opened, &mut ending, &entry, downlink).await;
    let error = settled.err()?;
    passes(error).then(|| late(entry, downlink.is_held()))
}

/// Whether the call would pass if it came now.
fn still_permitted(core: &Core, peer: &Peer, route: &Route, method: &str) -> Result<(), Refusal> {
    let registry = core.registry.load();
    peer.system(&registry)?;
    let Connection {
        consumer,
        provider,
        service,
    } = &*route.connection;
    let (service, provider) = (service.as_str(), Some(provider.as_str()));
    registry
        .route(consumer, service, method, provider, core.clock.now())
        .map(drop)
}

/// The parties of a call as its refusal names them.
pub fn parties(connection: Option<&v1::Connection>) -> answer::Parties<'_> {
    connection.map_or_else(answer::Parties::default, |connection| answer::Parties {
        consumer: &connection.consumer,
        provider: &connection.provider,
        service: &connection.service,
    })
}
