//! A control port on loopback with its own authority, journal and counters, for the tests of
//! its services: real handshakes, real streams.

use std::net::SocketAddr;

use ndxp_journal::{FileDisk, Journal, Options};
use ndxp_model::{Instant, ManualClock, Sequence, SystemClock, TransactionId};
use ndxp_proto::journal::v1::entry::Body;
use ndxp_proto::journal::v1::{self, journal_service_client::JournalServiceClient};
use ndxp_proto::registry::v1 as registry;
use ndxp_proto::registry::v1::registry_service_client::RegistryServiceClient;
use ndxp_proto::statistics::v1::statistics_service_client::StatisticsServiceClient;
use ndxp_registry::Act;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};

use super::*;
use crate::authority::{Authority, Hosts, Issued, Validity};
use crate::config::Config;
use crate::keeper::{Keeper, recover};
use crate::role::{Actor, Role};
use crate::tls::LiveTls;

/// The instant at which the journal begins: 22/7/2022, 9:00 in Viet Nam.
pub const BEGIN: Instant = Instant::from_micros(1_658_455_200_000_000);

pub struct House {
    pub folder: TempDir,
    pub authority: Authority,
    pub clock: Arc<ManualClock>,
    pub journal: Journal,
    pub lane: ndxp_journal::Lane,
    pub keeper: Arc<Keeper>,
    pub live: Arc<LiveTls>,
    pub counters: Counters,
    pub seen: Arc<Seen>,
    pub address: SocketAddr,
    pub stop: watch::Sender<bool>,
    pub serving: JoinHandle<Result<(), ControlError>>,
}

impl House {
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// With limits other than the defaults.
    pub async fn with(change: impl FnOnce(&mut Limits)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::create("ndxp.local", &SystemClock).unwrap();
        let days = Validity::days(&SystemClock, 1);
        let hub = authority
            .issue_hub("hub-1", &Hosts::default(), days)
            .unwrap();
        hub.save(&folder.path().join("pki/hub")).unwrap();
        authority
            .save(&folder.path().join("pki/authority"))
            .unwrap();
        let revoked = "tls.revoked = \"pki/authority/crl.pem\"";
        let mut config = Config::parse(&folder.path().join("ndxp.toml"), revoked).unwrap();
        change(&mut config.limits);
        let clock = Arc::new(ManualClock::at(BEGIN));
        let options = Options::new(folder.path().join("journal"));
        let disk = Arc::new(FileDisk);
        let journal = Journal::open(options, disk, clock.clone(), Arc::new(())).unwrap();
        let (lane, driver) = journal.lane();
        tokio::spawn(driver);
        let checkpoint = folder.path().join("registry.checkpoint");
        let recovered = recover(&checkpoint, &journal.reader()).unwrap();
        let keeper = Keeper::new(
            recovered,
            lane.clone(),
            checkpoint,
            clock.clone(),
            tokio::runtime::Handle::current(),
        );
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = watch::channel(false);
        let zone = config.hub.zone.clone();
        let counters = folder.path().join("counters");
        let counters = Counters::start(counters, zone.clone(), journal.follow(), |_, _| {});
        let counters = counters.unwrap();
        let seen = Arc::<Seen>::default();
        let live = LiveTls::start(&config, Arc::new(SystemClock)).unwrap();
        let control = Control {
            keeper: Arc::clone(&keeper),
            follow: journal.follow(),
            counters: counters.clone(),
            zone,
            clock: clock.clone(),
            data_dir: folder.path().to_owned(),
            health: Health::default(),
            tls: live.control(),
            trusted: live.trusted(),
            seen: Arc::clone(&seen),
            healths: healths(clock.clone()),
            trust_domain: config.hub.trust_domain.clone(),
            limits: config.limits,
            stop: stopped,
        };
        let serving = tokio::spawn(control.serve(listener));
        Self {
            folder,
            authority,
            clock,
            journal,
            lane,
            keeper,
            live,
            counters,
            seen,
            address,
            stop,
            serving,
        }
    }

    pub fn operator(&self) -> Issued {
        self.authority
            .issue_operator("a", Validity::days(&SystemClock, 1))
            .unwrap()
    }

    pub fn auditor(&self) -> Issued {
        self.authority
            .issue_auditor("a", Validity::days(&SystemClock, 1))
            .unwrap()
    }

    pub fn system(&self, id: &str) -> Issued {
        let days = Validity::days(&SystemClock, 1);
        self.authority
            .issue_system(&id.parse().unwrap(), &Hosts::default(), days)
            .unwrap()
    }

    /// A connection that shows the certificate.
    pub async fn channel(&self, issued: &Issued) -> Result<Channel, tonic::transport::Error> {
        let tls = ClientTlsConfig::new()
            .ca_certificate(Certificate::from_pem(self.authority.certificate_pem()))
            .identity(Identity::from_pem(&issued.certificate_pem, &issued.key_pem))
            .domain_name("localhost");
        let endpoint = Endpoint::from_shared(format!("https://{}", self.address)).unwrap();
        endpoint.tls_config(tls).unwrap().connect().await
    }

    pub async fn registry(&self, issued: &Issued) -> RegistryServiceClient<Channel> {
        RegistryServiceClient::new(self.channel(issued).await.unwrap())
    }

    pub async fn reader(&self, issued: &Issued) -> JournalServiceClient<Channel> {
        JournalServiceClient::new(self.channel(issued).await.unwrap())
    }

    pub async fn statistics(&self, issued: &Issued) -> StatisticsServiceClient<Channel> {
        StatisticsServiceClient::new(self.channel(issued).await.unwrap())
    }

    /// Registers members with one system `lgsp` each; entry 1 of the journal.
    pub async fn register(&self, codes: &[&str]) {
        self.applied(members(codes)).await;
    }

    /// Applies a catalogue as an operator.
    pub async fn applied(&self, catalogue: registry::Catalogue) {
        let actor = Actor {
            identity: "spiffe://ndxp.local/operator/a".into(),
            role: Role::Operator,
        };
        let act = Act::Apply(registry::ApplyRequest {
            catalogue: Some(catalogue),
            ..Default::default()
        });
        self.keeper.act(act, actor).await.unwrap();
    }

    /// One whole transaction; answers its id and the sequence of its closing.
    pub async fn transact(&self, consumer: &str, provider: &str) -> (TransactionId, Sequence) {
        let mut all = self.transact_many(consumer, provider, 1).await;
        all.pop().expect("one was asked for")
    }

    /// Transactions that are in flight together: all opened, then all closed.
    pub async fn transact_many(
        &self,
        consumer: &str,
        provider: &str,
        many: usize,
    ) -> Vec<(TransactionId, Sequence)> {
        let connection = v1::Connection {
            consumer: consumer.to_owned(),
            provider: provider.to_owned(),
            service: "a.B".to_owned(),
        };
        let now = ndxp_model::Clock::now(&*self.clock);
        let open = |_| {
            let id = TransactionId::new(now, next_number());
            let opened = v1::TransactionOpened {
                transaction_id: id.as_bytes().to_vec(),
                call: Some(v1::Call {
                    connection: Some(connection.clone()),
                    method: "C".to_owned(),
                    ..Default::default()
                }),
            };
            (id, self.lane.append(&Body::Opened(opened)))
        };
        let opening: Vec<_> = (0..many).map(open).collect();
        let mut closing = Vec::new();
        for (id, opened) in opening {
            let closed = v1::TransactionClosed {
                transaction_id: id.as_bytes().to_vec(),
                opened_sequence: opened.await.unwrap().sequence.get(),
                connection: Some(connection.clone()),
                outcome: v1::Outcome::Completed.into(),
                total_us: 1_000,
                ..Default::default()
            };
            closing.push((id, self.lane.append(&Body::Closed(closed))));
        }
        let mut transactions = Vec::new();
        for (id, closed) in closing {
            transactions.push((id, closed.await.unwrap().sequence));
        }
        transactions
    }
}

pub fn members(codes: &[&str]) -> registry::Catalogue {
    let member = |code: &&str| registry::Member {
        code: (*code).to_owned(),
        name_vi: format!("Tỉnh {code}"),
        class: registry::MemberClass::Province.into(),
        ..Default::default()
    };
    let system = |code: &&str| registry::System {
        id: format!("{code}/lgsp"),
        kind: registry::SystemKind::Lgsp.into(),
        ..Default::default()
    };
    registry::Catalogue {
        members: codes.iter().map(member).collect(),
        systems: codes.iter().map(system).collect(),
        ..Default::default()
    }
}

/// Ids need only differ within a test.
fn next_number() -> u128 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(1);
    u128::from(NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Of endpoints that nobody has called.
fn healths(clock: Arc<ManualClock>) -> Arc<Healths> {
    let circuits = prometheus::Opts::new("circuits", "of a test");
    let circuits = prometheus::IntGaugeVec::new(circuits, &["provider", "endpoint"]).unwrap();
    Healths::new(clock, circuits)
}
