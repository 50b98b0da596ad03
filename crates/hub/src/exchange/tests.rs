//! What a system learns on the exchange port, asked through the routes as the gateway asks.

use ndxp_gateway::Seen;
use ndxp_journal::{FileDisk, Journal, Options};
use ndxp_model::{Instant, ManualClock, SystemId};
use ndxp_proto::exchange::v1::directory_service_server::DirectoryService as _;
use ndxp_proto::exchange::v1::{
    GetDescriptorsRequest, ListCallableRequest, ListOfferedRequest, PutDescriptorsRequest,
    ServiceState, WhoAmIRequest,
};
use ndxp_proto::registry::v1;
use ndxp_registry::Act;
use prost::Message as _;
use prost_types::{
    DescriptorProto, FileDescriptorProto, FileDescriptorSet, MethodDescriptorProto,
    ServiceDescriptorProto,
};
use tempfile::TempDir;
use tokio::runtime::Handle;
use tonic::Code;

use super::*;
use crate::keeper::recover;
use crate::role::{Actor, Role};

pub(super) const NOW: Instant = Instant::from_micros(1_700_000_000_000_000);
const HOUR_US: i64 = 3_600_000_000;

pub(super) struct House {
    _folder: TempDir,
    _journal: Journal,
    pub keeper: Arc<Keeper>,
    pub clock: Arc<ManualClock>,
    directory: Directory,
}

impl House {
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(NOW));
        let options = Options::new(folder.path().join("journal"));
        let disk = Arc::new(FileDisk);
        let journal = Journal::open(options, disk, clock.clone(), Arc::new(())).unwrap();
        let (lane, driver) = journal.lane();
        tokio::spawn(driver);
        let checkpoint = folder.path().join("registry.checkpoint");
        let registry = recover(&checkpoint, &journal.reader()).unwrap();
        let keeper = Keeper::new(registry, lane, checkpoint, clock.clone(), Handle::current());
        let house = Self {
            _folder: folder,
            _journal: journal,
            directory: Directory {
                keeper: Arc::clone(&keeper),
                seen: Arc::<Seen>::default(),
                clock: clock.clone(),
            },
            keeper,
            clock,
        };
        house.apply(catalogue()).await;
        house
    }

    pub async fn act(&self, act: Act) {
        let operator = Actor {
            identity: "spiffe://ndxp.local/operator/a".into(),
            role: Role::Operator,
        };
        self.keeper.act(act, operator).await.unwrap();
    }

    pub async fn apply(&self, catalogue: v1::Catalogue) {
        self.act(Act::Apply(v1::ApplyRequest {
            catalogue: Some(catalogue),
            note: "why".to_owned(),
            ..Default::default()
        }))
        .await;
    }

    pub async fn put(&self, system: &str, service: &str, set: Vec<u8>) -> Result<u64, Status> {
        let request = PutDescriptorsRequest {
            service: service.to_owned(),
            file_descriptor_set: set,
            ..Default::default()
        };
        let answer = self.directory.put_descriptors(asked(Some(system), request));
        answer.await.map(|answer| answer.into_inner().sequence)
    }

    async fn offered(&self, system: &str, request: ListOfferedRequest) -> Vec<(String, u32)> {
        let answer = self.directory.list_offered(asked(Some(system), request));
        let services = answer.await.unwrap().into_inner().services;
        let told = |it: ndxp_proto::exchange::v1::Offered| (it.service, it.requested_version);
        services.into_iter().map(told).collect()
    }

    /// The state, notice and windows of a service as H26/lgsp is told of it.
    async fn state(&self, service: &str) -> (ServiceState, String, usize) {
        let request = ListCallableRequest {
            service: service.to_owned(),
        };
        let answer = self
            .directory
            .list_callable(asked(Some("H26/lgsp"), request));
        let listed = answer.await.unwrap().into_inner().services;
        let [callable] = listed.as_slice() else {
            panic!("{listed:?}")
        };
        let windows = callable.maintenance.len();
        (callable.state(), callable.notice.clone(), windows)
    }
}

pub(super) fn grant(consumer: &str, service: &str) -> v1::Grant {
    v1::Grant {
        consumer: consumer.to_owned(),
        provider: "G01/population".to_owned(),
        service: service.to_owned(),
        ..Default::default()
    }
}

/// G01/population offers a.B, a.C and a.D; H26/lgsp may call the first two.
fn catalogue() -> v1::Catalogue {
    let member = |code: &str| v1::Member {
        code: code.to_owned(),
        name_vi: format!("Cơ quan {code}"),
        name_en: format!("Agency {code}"),
        class: v1::MemberClass::Province.into(),
        ..Default::default()
    };
    let system = |id: &str| v1::System {
        id: id.to_owned(),
        kind: v1::SystemKind::Lgsp.into(),
        ..Default::default()
    };
    let service = |name: &str| v1::Service {
        provider: "G01/population".to_owned(),
        name: name.to_owned(),
        measures: vec!["records".to_owned()],
        deadline_ms_max: 9_000,
        ..Default::default()
    };
    let first = v1::Grant {
        methods: vec!["Verify".to_owned()],
        valid_until_us: NOW.as_micros() + HOUR_US,
        rate_per_second_max: 5,
        deadline_ms_max: 2_000,
        ..grant("H26/lgsp", "a.B")
    };
    v1::Catalogue {
        members: vec![member("H26"), member("G01")],
        systems: vec![system("H26/lgsp"), system("G01/population")],
        services: vec![service("a.B"), service("a.C"), service("a.D")],
        grants: vec![first, grant("H26/lgsp", "a.C")],
    }
}

pub(super) fn asked<T>(system: Option<&str>, message: T) -> Request<T> {
    let mut request = Request::new(message);
    if let Some(system) = system {
        request.extensions_mut().insert(caller_named(system));
    }
    request
}

pub(super) fn caller_named(system: &str) -> Caller {
    let system: SystemId = system.parse().unwrap();
    let proof = format!("spiffe://ndxp.local/{system}");
    Caller { system, proof }
}

/// A file with a message `Note` of one field, and a service in the package `a`.
pub(super) fn descriptors(file: &str, service: &str, methods: &[&str], field: &str) -> Vec<u8> {
    let method = |name: &&str| MethodDescriptorProto {
        name: Some((*name).to_owned()),
        input_type: Some(format!(".a.{service}Note")),
        output_type: Some(format!(".a.{service}Note")),
        ..Default::default()
    };
    let message = DescriptorProto {
        name: Some(format!("{service}Note")),
        field: vec![prost_types::FieldDescriptorProto {
            name: Some(field.to_owned()),
            number: Some(1),
            label: Some(1),
            r#type: Some(9),
            ..Default::default()
        }],
        ..Default::default()
    };
    let file = FileDescriptorProto {
        name: Some(file.to_owned()),
        package: Some("a".to_owned()),
        message_type: vec![message],
        service: vec![ServiceDescriptorProto {
            name: Some(service.to_owned()),
            method: methods.iter().map(method).collect(),
            ..Default::default()
        }],
        ..Default::default()
    };
    FileDescriptorSet { file: vec![file] }.encode_to_vec()
}

#[tokio::test]
async fn a_system_learns_whom_the_hub_takes_it_for() {
    let house = House::new().await;
    let directory = &house.directory;
    let found = directory.who_am_i(asked(Some("H26/lgsp"), WhoAmIRequest {}));
    let found = found.await.unwrap().into_inner();
    assert_eq!(
        (found.system.as_str(), found.proof.as_str()),
        ("H26/lgsp", "spiffe://ndxp.local/H26/lgsp")
    );
    let refused = directory.who_am_i(asked(None, WhoAmIRequest {})).await;
    assert_eq!(refused.unwrap_err().code(), Code::Unauthenticated);
}

#[tokio::test]
async fn a_system_learns_what_it_may_call_and_nothing_of_others() {
    let house = House::new().await;
    let list = async |system: &str, service: &str| {
        let request = ListCallableRequest {
            service: service.to_owned(),
        };
        let answer = house.directory.list_callable(asked(Some(system), request));
        answer.await.map(|answer| answer.into_inner().services)
    };
    let all = list("H26/lgsp", "").await.unwrap();
    let names: Vec<_> = all.iter().map(|it| it.service.as_str()).collect();
    assert_eq!(names, ["a.B", "a.C"]);
    let first = &all[0];
    assert_eq!(first.provider, "G01/population");
    assert_eq!(first.methods, ["Verify"]);
    assert_eq!(first.measures, ["records"]);
    assert_eq!(first.valid_until_us, NOW.as_micros() + HOUR_US);
    assert_eq!((first.rate_per_second_max, first.concurrency_max), (5, 0));
    assert_eq!((first.version, first.has_descriptors), (1, false));
    // The shorter of the grant's and the service's.
    assert_eq!(
        [all[0].deadline_ms_max, all[1].deadline_ms_max],
        [2_000, 9_000]
    );
    assert_eq!(list("H26/lgsp", "a.C").await.unwrap().len(), 1);
    assert!(list("H26/lgsp", "a.D").await.unwrap().is_empty());
    assert!(list("G01/population", "").await.unwrap().is_empty());
    let refused = list("H26/lgsp", "a/b").await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert!(refused.message().starts_with("service: "), "{refused}");
}

#[tokio::test]
async fn a_caller_is_told_why_calls_are_not_taken() {
    let house = House::new().await;
    let quiet = (ServiceState::Active, String::new(), 0);
    assert_eq!(house.state("a.B").await, quiet);
    let now = NOW.as_micros();
    let window = |from: i64, until: i64, notice: &str| v1::MaintenanceWindow {
        from_us: now + from,
        until_us: now + until,
        notice: notice.to_owned(),
    };
    let maintenance = |windows| {
        Act::SetMaintenance(v1::SetMaintenanceRequest {
            kind: v1::ItemKind::Service.into(),
            key: "G01/population/a.B".to_owned(),
            windows,
            ..Default::default()
        })
    };
    let windows = vec![window(HOUR_US, 2 * HOUR_US, "đêm")];
    house.act(maintenance(windows)).await;
    assert_eq!(
        house.state("a.B").await,
        (ServiceState::Active, String::new(), 1)
    );
    house.clock.set(Instant::from_micros(now + HOUR_US));
    let during = (ServiceState::InMaintenance, "đêm".to_owned(), 1);
    // The grant for a.B has ended by then, and is told all the same.
    assert_eq!(house.state("a.B").await, during);
    assert_eq!(house.state("a.C").await, quiet);
    house.clock.set(Instant::from_micros(now + 2 * HOUR_US));
    assert_eq!(house.state("a.B").await, quiet, "what is over is not told");

    let disable = |kind: v1::ItemKind, key: &str| {
        Act::SetAvailability(v1::SetAvailabilityRequest {
            kind: kind.into(),
            key: key.to_owned(),
            disabled: true,
            notice: format!("tắt {key}"),
            ..Default::default()
        })
    };
    house
        .act(disable(v1::ItemKind::System, "G01/population"))
        .await;
    let disabled = |notice: &str| (ServiceState::Disabled, notice.to_owned(), 0);
    assert_eq!(house.state("a.B").await, disabled("tắt G01/population"));
    house
        .act(disable(v1::ItemKind::Service, "G01/population/a.B"))
        .await;
    assert_eq!(house.state("a.B").await, disabled("tắt G01/population/a.B"));
    let suspend = Act::Transition(v1::TransitionRequest {
        kind: v1::ItemKind::Member.into(),
        key: "G01".to_owned(),
        action: v1::Action::Suspend.into(),
        reason: "sự cố".to_owned(),
        ..Default::default()
    });
    house.act(suspend).await;
    assert_eq!(house.state("a.B").await.0, ServiceState::ProviderInactive);
}

#[tokio::test]
async fn a_system_learns_what_it_could_ask_for_page_by_page() {
    let house = House::new().await;
    let all = ListOfferedRequest::default();
    assert_eq!(
        house.offered("H26/lgsp", all.clone()).await,
        [("a.D".to_owned(), 0)]
    );
    assert!(
        house
            .offered("G01/population", all.clone())
            .await
            .is_empty(),
        "its own"
    );
    let request = Act::RequestAccess(v1::RequestAccessRequest {
        grant: Some(grant("H26/lgsp", "a.D")),
        ..Default::default()
    });
    house.act(request).await;
    assert_eq!(
        house.offered("H26/lgsp", all).await,
        [("a.D".to_owned(), 1)]
    );

    // To one that holds nothing, all are offered.
    let mut another = catalogue();
    another.systems.push(v1::System {
        id: "H26/portal".to_owned(),
        kind: v1::SystemKind::Lgsp.into(),
        ..Default::default()
    });
    house.apply(another).await;
    let mut page = ListOfferedRequest {
        page_size: 2,
        ..Default::default()
    };
    let mut pages = Vec::new();
    loop {
        let answer = house
            .directory
            .list_offered(asked(Some("H26/portal"), page.clone()));
        let answer = answer.await.unwrap().into_inner();
        let names = answer.services.into_iter().map(|it| it.service);
        pages.push(names.collect::<Vec<_>>());
        page.page_token = answer.next_page_token;
        if page.page_token.is_empty() {
            break;
        }
    }
    assert_eq!(pages, [vec!["a.B", "a.C"], vec!["a.D"]]);
    let rows = [(1_001, "", "page_size"), (1, "x", "page_token")];
    for (page_size, token, part) in rows {
        let request = ListOfferedRequest {
            page_size,
            page_token: token.to_owned(),
            ..Default::default()
        };
        let answer = house
            .directory
            .list_offered(asked(Some("H26/lgsp"), request));
        let refused = answer.await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        assert!(refused.message().starts_with(part), "{refused}");
    }
}

#[tokio::test]
async fn a_provider_gives_its_contract_and_a_consumer_fetches_it() {
    let house = House::new().await;
    let set = descriptors("b.proto", "B", &["Verify"], "name");
    let get = || {
        let request = GetDescriptorsRequest {
            service: "a.B".to_owned(),
            provider: String::new(),
        };
        house
            .directory
            .get_descriptors(asked(Some("H26/lgsp"), request))
    };
    assert_eq!(get().await.unwrap_err().code(), Code::NotFound);
    let sequence = house
        .put("G01/population", "a.B", set.clone())
        .await
        .unwrap();
    assert_eq!(sequence, 2);
    let given = get().await.unwrap().into_inner();
    assert_eq!(
        (given.provider.as_str(), given.file_descriptor_set),
        ("G01/population", set)
    );
    // A system speaks for what it offers itself, and for nothing else.
    let foreign = descriptors("b.proto", "B", &["Verify"], "name");
    let refused = house.put("H26/lgsp", "a.B", foreign).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument, "{refused}");
    let breaking = descriptors("b.proto", "B", &["Other"], "name");
    let refused = house
        .put("G01/population", "a.B", breaking)
        .await
        .unwrap_err();
    assert!(refused.message().contains("Verify"), "{refused}");
}

#[tokio::test]
async fn the_port_offers_the_directory_health_and_reflection_and_no_more() {
    let house = House::new().await;
    let seen = Arc::default();
    let own = exchange_services(
        &house.keeper,
        &seen,
        house.clock.clone(),
        &Health::default(),
    );
    for name in [
        DIRECTORY,
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
    ] {
        assert!(own.offers(name), "{name}");
    }
    for name in [
        "ndxp.registry.v1.RegistryService",
        "ndxp.journal.v1.JournalService",
        "",
    ] {
        assert!(!own.offers(name), "{name}");
    }
}
