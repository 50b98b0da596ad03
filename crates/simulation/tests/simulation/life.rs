//! One life of the hub: from its start on what the last one left to its end, in order or not. All of
//! it but the counters' thread runs on this thread, and in virtual time.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use h2::client::SendRequest;
use ndxp_counters::{Counters, Source, SourceError, Watermark};
use ndxp_gateway::{Shared, Stage};
use ndxp_hub::keeper::{self, Keeper};
use ndxp_hub::role::{Actor, Role};
use ndxp_journal::{
    AppendError, ByHand, Health, InFlight, Journal, Lane, Options, Reader, SweepError, sweep,
};
use ndxp_model::{Clock, Sequence, Zone};
use ndxp_proto::journal::v1::entry::Body;
use ndxp_proto::journal::v1::{Entry, HubStarted, HubStopped};
use ndxp_registry::{Act, CertificateIdentity, Registry};
use ndxp_sim_disk::SimDisk;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::clock::WorldClock;
use crate::consumer::{self, Plan};
use crate::invariant::Invariant;
use crate::mutation::{self, Mutation};
use crate::outside::{Outside, PIPE_BYTES};
use crate::shared::shared;

/// Who calls; the last is a stranger.
pub const CONSUMERS: [&str; 3] = ["H26/lgsp", "H29/lgsp", "H99/lgsp"];
/// Small, so that a world sees many of them.
const SEGMENT_BYTES: u64 = 16 << 10;
/// Real time, for the counters' thread: long enough never to be what a run depends on.
const COUNTED_WITHIN: Duration = Duration::from_secs(60);
/// Turns of whatever is ready, so that all of it has been done.
pub const TURNS: usize = 64;

/// What a life stands on.
pub struct Ground {
    pub clock: Arc<WorldClock>,
    pub disk: SimDisk,
    /// The counters' store and the registry's checkpoint, on the machine's own disk.
    pub folder: tempfile::TempDir,
    pub outside: Outside,
    pub mutation: Option<Mutation>,
    /// Between two turns of the journal's writer: how slow its disk is.
    pub turn_ms: Arc<AtomicU64>,
    /// For the mutations of what the counters follow: how much of the journal they are about.
    pub spoilt: Sequence,
}

pub struct Life {
    // Dropped in this order: tasks, the journal's writer, and last who follows it.
    runtime: Runtime,
    hand: Arc<Mutex<Option<ByHand>>>,
    consumers: Vec<Consumer>,
    stage: Stage,
    stop: watch::Sender<bool>,
    lane: Lane,
    pub shared: Arc<Shared>,
    pub keeper: Arc<Keeper>,
    journal: Journal,
    counters: Counters,
    outside: Outside,
    /// How many entries the counters see more than there are.
    counted_twice: u64,
    /// The registry at the start.
    begun: Arc<Registry>,
}

/// A consumer's connection.
struct Consumer {
    send: SendRequest<Bytes>,
    driver: JoinHandle<Result<(), h2::Error>>,
}

impl Life {
    /// Starts the hub as `Hub::start` does. `None` when something was found wrong already.
    pub fn start(ground: &Ground) -> Option<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        let entered = runtime.enter();
        ground.clock.begin();
        let Ground {
            outside, mutation, ..
        } = ground;
        let clock = Arc::clone(&ground.clock) as Arc<dyn Clock>;
        let (journal, hand) = open(ground)?;
        let reader = journal.reader();
        let (lane, driver) = journal.lane();
        tokio::spawn(driver);
        let checkpoint = ground.folder.path().join("registry.checkpoint");
        let registry = keeper::recover(&checkpoint, &reader).unwrap();
        let handle = runtime.handle().clone();
        let keeper = Keeper::new(registry, lane.clone(), checkpoint, clock.clone(), handle);
        let begun = keeper.current();
        let counters = count(ground, &journal);
        let leftover = leftover(ground, &counters, &reader);
        let hand = Arc::new(Mutex::new(Some(hand)));
        tokio::spawn(turn(Arc::clone(&hand), Arc::clone(&ground.turn_ms)));
        let swept = settle(outside.clone(), lane.clone(), reader, leftover);
        tokio::spawn(swept);
        tokio::spawn(lane.append(&Body::HubStarted(HubStarted::default())));

        let shared = shared(outside, &keeper, clock);
        let gateways = mutation::lane(*mutation, &journal, &lane);
        let stage = Stage::new(Arc::clone(&shared), gateways);
        let (stop, _) = watch::channel(false);
        drop(entered);
        let mut life = Self {
            runtime,
            hand,
            consumers: Vec::new(),
            stage,
            stop,
            lane,
            shared,
            keeper,
            journal,
            counters,
            outside: outside.clone(),
            counted_twice: mutation::counted_twice(*mutation, ground.spoilt),
            begun,
        };
        for name in CONSUMERS {
            let consumer = life.connect(name);
            life.consumers.push(consumer);
        }
        Some(life)
    }

    /// Time goes on, and whatever is due happens.
    pub fn pass(&self, ms: u64) {
        self.runtime.block_on(async {
            sleep(Duration::from_millis(ms)).await;
            turns(TURNS).await;
        });
    }

    /// What is ready now happens, or the first of it.
    pub fn turns(&self, number: usize) {
        self.runtime.block_on(turns(number));
    }

    pub fn call(&self, consumer: usize, plan: Plan) {
        let send = self.consumers[consumer].send.clone();
        let outside = self.outside.clone();
        self.runtime.spawn(consumer::call(outside, send, plan));
    }

    pub fn reconnect(&mut self, consumer: usize) {
        self.consumers[consumer].driver.abort();
        self.consumers[consumer] = self.connect(CONSUMERS[consumer]);
    }

    /// An operator acts, and the ledger hears of what was acknowledged.
    pub fn act(&self, act: Act) {
        let (keeper, outside) = (Arc::clone(&self.keeper), self.outside.clone());
        self.runtime.spawn(async move {
            let operator = Actor {
                identity: "spiffe://simulation/operator/an".into(),
                role: Role::Operator,
            };
            let (rpc, acted) = (act.rpc(), keeper.act(act, operator).await);
            let sequence = acted.map(|acted| acted.sequence);
            outside
                .trace
                .note(format!("{rpc}: {:?}", sequence.as_ref().ok()));
            if let Ok(Some(sequence)) = sequence {
                outside.ledger().act_acknowledged(sequence);
            }
        });
    }

    /// Packs what is sealed, as far as the disk allows.
    pub fn pack(&self, ground: &Ground) {
        while let Ok(Some(_)) = self.journal.pack(&mut || true) {
            ground.outside.trace.meet("packed segments");
        }
    }

    pub fn health(&self) -> Health {
        self.journal.health()
    }

    /// The counters, once they have caught up with all that is durable.
    pub fn counted(&self) -> Result<&Counters, String> {
        let end = self.journal.position().sequence;
        let end = Sequence::new(end.get() + self.counted_twice);
        let asking = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        let reached = asking.block_on(async {
            tokio::time::timeout(COUNTED_WITHIN, self.counters.reached(end)).await
        });
        match reached {
            Ok(Ok(_)) => Ok(&self.counters),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_elapsed) => Err(format!("entry {end} is not counted: {:?}", self.counters)),
        }
    }

    /// Saves the registry's checkpoint.
    pub fn checkpoint(&self, ground: &Ground) {
        let current = self.keeper.current();
        let mut registry = mutation::checkpoint(ground.mutation, &self.begun, &current);
        registry.advance(self.journal.position().sequence);
        let path = ground.folder.path().join("registry.checkpoint");
        registry.save(&path).unwrap();
    }

    /// As SIGTERM does.
    pub fn stop(self, ground: &Ground) {
        self.stop.send_replace(true);
        self.pass(2_500);
        let stopped = self.lane.append(&Body::HubStopped(HubStopped::default()));
        self.runtime.spawn(stopped);
        self.pass(100);
        self.checkpoint(ground);
        self.counters.stop();
        self.outside.ledger().catch_up();
        if let Some(hand) = self.hand.lock().unwrap().take() {
            hand.close();
        }
        self.end(ground);
    }

    /// As SIGKILL does.
    pub fn end(self, ground: &Ground) {
        ground.clock.end();
        let Self {
            runtime,
            hand,
            counters,
            ..
        } = self;
        drop(runtime);
        drop(hand.lock().unwrap().take());
        drop(counters);
    }

    fn connect(&self, name: &str) -> Consumer {
        let identity = CertificateIdentity {
            system: Some(name.parse().unwrap()),
            fingerprint: [0; 32],
        };
        let (near, far) = tokio::io::duplex(PIPE_BYTES);
        let (stage, stop) = (self.stage.clone(), self.stop.subscribe());
        self.runtime.spawn(async move {
            // How a consumer's connection ends is nobody's concern here.
            let _over = stage.serve(far, identity, stop).await;
        });
        let shaken = self.runtime.block_on(h2::client::handshake(near));
        let (send, connection) = shaken.unwrap();
        let driver = self.runtime.spawn(connection);
        Consumer { send, driver }
    }
}

/// The journal, with all that it has acknowledged.
fn open(ground: &Ground) -> Option<(Journal, ByHand)> {
    let options = Options {
        directory: "/journal".into(),
        segment_bytes: SEGMENT_BYTES,
    };
    let clock = Arc::clone(&ground.clock);
    let disk = mutation::disk(ground.mutation, &ground.disk);
    let outside = &ground.outside;
    let (journal, hand) = match Journal::open_by_hand(options, disk, clock, Arc::new(())) {
        Ok(opened) => opened,
        Err(error) => {
            let detail = format!("the journal is not opened: {error}");
            outside
                .ledger()
                .violate(Invariant::AcknowledgedIsDurable, detail);
            return None;
        }
    };
    let found = journal.recovery();
    if found.torn_bytes > 0 {
        outside.trace.meet("a torn tail");
    }
    if found.sealed_segments > 0 {
        outside.trace.meet("sealed segments");
    }
    let mut ledger = outside.ledger();
    ledger.restarted(journal.reader());
    ledger.violation().is_none().then_some((journal, hand))
}

fn count(ground: &Ground, journal: &Journal) -> Counters {
    let source = mutation::source(ground.mutation, journal.follow(), ground.spoilt);
    let folder = ground.folder.path().join("counters");
    Counters::start(folder, Zone::viet_nam(), Following(source), |_, _| {}).unwrap()
}

/// The journal's writer, as slow as its disk is.
async fn turn(hand: Arc<Mutex<Option<ByHand>>>, turn_ms: Arc<AtomicU64>) {
    loop {
        sleep(Duration::from_millis(turn_ms.load(Ordering::Relaxed))).await;
        match &mut *hand.lock().unwrap() {
            Some(hand) => drop(hand.turn()),
            None => return,
        }
    }
}

async fn turns(number: usize) {
    for _ in 0..number {
        tokio::task::yield_now().await;
    }
}

/// What was open at the last stop, found as the hub finds it: what the counters know, folded on.
fn leftover(ground: &Ground, counters: &Counters, reader: &Reader) -> InFlight {
    let (through, open) = match mutation::spoils_the_counters(ground.mutation) {
        true => (Sequence::NONE, Vec::new()),
        false => counters.open_transactions().unwrap(),
    };
    let mut open = InFlight::new(open);
    for entry in reader.entries(through.next(), Sequence::new(u64::MAX)) {
        open.apply(&entry.unwrap());
    }
    mutation::leftover(ground.mutation, open)
}

/// Settles it, as soon as the journal takes it.
async fn settle(outside: Outside, lane: Lane, reader: Reader, mut open: InFlight) {
    let mut from = reader.position().unwrap().sequence;
    loop {
        match sweep(&lane, &reader, &open).await {
            Ok(swept) => {
                outside.trace.note(format!("swept {swept}"));
                return outside.ledger().swept();
            }
            Err(SweepError::Append(AppendError::OutOfSpace | AppendError::Overloaded)) => {
                sleep(Duration::from_secs(1)).await;
            }
            // Poisoned: the next start finds it again.
            Err(_) => return,
        }
        let known: Vec<_> = open.open().collect();
        for entry in reader.entries(from.next(), Sequence::new(u64::MAX)) {
            let entry = entry.unwrap();
            from = Sequence::new(entry.sequence);
            open.apply(&entry);
        }
        open = InFlight::new(open.open().filter(|it| known.contains(it)));
    }
}

/// A source behind a pointer.
struct Following(Box<dyn Source>);

impl Source for Following {
    fn position(&self) -> Result<Watermark, SourceError> {
        self.0.position()
    }

    fn wait_beyond(&self, after: Sequence, timeout: Duration) -> bool {
        self.0.wait_beyond(after, timeout)
    }

    fn entries(
        &self,
        from: Sequence,
        through: Sequence,
    ) -> Box<dyn Iterator<Item = Result<Entry, SourceError>> + '_> {
        self.0.entries(from, through)
    }
}
