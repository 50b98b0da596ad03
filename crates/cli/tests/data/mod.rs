//! A data directory as a hub leaves it: a few calls around midnight of 21 July 2022, each
//! outcome and a test among them, at times and with ids that are always the same.

use std::path::Path;
use std::sync::Arc;

use ndxp_journal::{FileDisk, Journal, Options};
use ndxp_model::{Instant, ManualClock, TransactionId};
use ndxp_proto::journal::v1::entry::Body;
use ndxp_proto::journal::v1::{
    BaselineImported, BaselineRow, Call, Connection, Fault, HubStarted, HubStopped, Measure,
    Outcome, RegistryChanged, SystemConnected, TransactionClosed, TransactionOpened,
};
use ndxp_proto::registry::v1::{
    Change, Grant, Member, MemberClass, Service, State, System, SystemKind, change,
};

/// 2022-07-21 23:59:50 in Viet Nam: calls begin ten seconds before midnight.
const START_US: i64 = 1_658_422_790_000_000;
const SECOND_US: i64 = 1_000_000;

const SERVICE: &str = "ndxp.example.population.v1.PopulationService";

/// Makes the directory with its journal, closed.
pub fn write(data: &Path) {
    write_entries(data, entries());
}

/// The same of a hub that has taken over opening balances, and nothing else.
pub fn write_imports(data: &Path) {
    let row = |from_day, to_day, (connection, measure), value| BaselineRow {
        from_day,
        to_day,
        connection,
        measure,
        value,
        source: 1,
    };
    let import = |note: &str, file: &str, rows| {
        Body::BaselineImported(BaselineImported {
            actor: "spiffe://ndxp.local/operator/operator".to_owned(),
            note: note.to_owned(),
            file: file.to_owned(),
            file_sha256: vec![0xab; 32],
            connections: vec![connection()],
            measures: vec!["records".to_owned()],
            sources: vec!["Báo cáo 105/BC-BTTTT, 29/7/2022".to_owned()],
            rows,
        })
    };
    let (year, month) = ((Some(18_628), Some(18_993)), (Some(19_144), Some(19_174)));
    let history = vec![
        row(None, year.0, (0, 0), 29_143_309),
        row(year.0, year.1, (0, 0), 180_919_031),
        row(month.0, month.1, (1, 1), 51_234),
    ];
    let undated = vec![row(None, None, (1, 0), 7)];
    let entries = vec![
        (
            0,
            import("bàn giao theo công văn 12", "before.csv", history),
        ),
        (60, import("", "-", undated)),
    ];
    write_entries(data, entries);
}

fn write_entries(data: &Path, entries: Vec<(i64, Body)>) {
    let clock = Arc::new(ManualClock::at(Instant::from_micros(START_US)));
    let options = Options::new(data.join("journal"));
    let journal = Journal::open(options, Arc::new(FileDisk), clock.clone(), Arc::new(())).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        let (lane, driver) = journal.lane();
        let driver = tokio::spawn(driver);
        for (after_s, body) in entries {
            clock.set(Instant::from_micros(START_US + after_s * SECOND_US));
            lane.append(&body).await.unwrap();
        }
        driver.abort();
    });
    journal.close();
}

/// Seconds since the start, and what happened then. The place in the list is the sequence.
fn entries() -> Vec<(i64, Body)> {
    let start = HubStarted {
        hub_node: "hub-1".to_owned(),
        version: "0.1.0".to_owned(),
    };
    vec![
        (0, Body::HubStarted(start)),
        (1, Body::RegistryChanged(registry())),
        (
            2,
            Body::SystemConnected(SystemConnected {
                system: "G01/population".to_owned(),
            }),
        ),
        (8, opened(1)),
        (9, closed(1, 4, Outcome::Completed, Fault::None, "", 1_250)),
        (9, opened(2)),
        // Closed on the next day: counted where it was settled.
        (
            11,
            closed(2, 6, Outcome::ProviderError, Fault::Provider, "", 2_000_000),
        ),
        (12, refused(3)),
        (13, opened(4)),
        (14, closed(4, 9, Outcome::Completed, Fault::None, "", 900)),
        (15, opened(5)),
        (
            20,
            closed(
                5,
                11,
                Outcome::TimedOut,
                Fault::Provider,
                "PROVIDER_TIMEOUT",
                5_000_000,
            ),
        ),
        (21, marked_as_test(opened(6))),
        (
            21,
            marked_as_test(closed(6, 13, Outcome::Completed, Fault::None, "", 800)),
        ),
        // Left open when the hub stopped.
        (22, opened(7)),
        (
            23,
            Body::HubStopped(HubStopped {
                hub_node: "hub-1".to_owned(),
            }),
        ),
    ]
}

fn registry() -> RegistryChanged {
    let member = |code: &str, name: &str, class: MemberClass| {
        change::Item::Member(Member {
            code: code.to_owned(),
            name_vi: name.to_owned(),
            class: class.into(),
            state: State::Active.into(),
            ..Member::default()
        })
    };
    let system = |id: &str, kind: SystemKind, endpoints: &[&str]| {
        change::Item::System(System {
            id: id.to_owned(),
            kind: kind.into(),
            endpoints: endpoints
                .iter()
                .map(|&endpoint| endpoint.to_owned())
                .collect(),
            state: State::Active.into(),
            ..System::default()
        })
    };
    let connection = connection();
    let items = vec![
        member("G01", "Bộ Công an", MemberClass::Ministry),
        member("H26", "Hà Nội", MemberClass::Province),
        system(
            "G01/population",
            SystemKind::Database,
            &["10.1.0.1:8443", "10.1.0.2:8443"],
        ),
        system("H26/lgsp", SystemKind::Lgsp, &[]),
        change::Item::Service(Service {
            provider: connection.provider.clone(),
            name: connection.service.clone(),
            measures: vec!["records".to_owned()],
            ..Service::default()
        }),
        change::Item::Grant(Grant {
            id: format!(
                "{}>{}/{}",
                connection.consumer, connection.provider, connection.service
            ),
            consumer: connection.consumer,
            provider: connection.provider,
            service: connection.service,
            rate_per_second_max: 50,
            ..Grant::default()
        }),
    ];
    RegistryChanged {
        actor: "spiffe://ndxp.local/operator/operator".to_owned(),
        note: String::new(),
        changes: items
            .into_iter()
            .map(|item| Change { item: Some(item) })
            .collect(),
        ..RegistryChanged::default()
    }
}

fn connection() -> Connection {
    Connection {
        consumer: "H26/lgsp".to_owned(),
        provider: "G01/population".to_owned(),
        service: SERVICE.to_owned(),
    }
}

/// 018221b3-8770-7000-8000-00000000000N: made at the start.
fn id(number: u8) -> Vec<u8> {
    let made_at = Instant::from_micros(START_US);
    TransactionId::new(made_at, number.into())
        .as_bytes()
        .to_vec()
}

fn call(method: &str) -> Call {
    Call {
        connection: Some(connection()),
        method: method.to_owned(),
        grant: format!("H26/lgsp>G01/population/{SERVICE}"),
        case: "H26-220722-0001".to_owned(),
        hub_node: "hub-1".to_owned(),
        ..Call::default()
    }
}

fn opened(number: u8) -> Body {
    let call = Some(call("VerifyBatch"));
    Body::Opened(TransactionOpened {
        transaction_id: id(number),
        call,
    })
}

fn closed(
    number: u8,
    opened_sequence: u64,
    outcome: Outcome,
    fault: Fault,
    reason: &str,
    total_us: u64,
) -> Body {
    Body::Closed(TransactionClosed {
        transaction_id: id(number),
        opened_sequence,
        connection: Some(connection()),
        outcome: outcome.into(),
        grpc_status: match outcome {
            Outcome::Completed => 0,
            Outcome::TimedOut => 4,
            _ => 5,
        },
        fault: fault.into(),
        reason: reason.to_owned(),
        request_bytes: 100,
        response_bytes: 1_000,
        request_messages: 1,
        response_messages: 3,
        request_digest: vec![0xab; 32],
        response_digest: vec![0xcd; 32],
        total_us,
        provider_us: total_us / 2,
        measures: vec![Measure {
            name: "records".to_owned(),
            value: 250,
        }],
        ..TransactionClosed::default()
    })
}

fn refused(number: u8) -> Body {
    let mut call = call("Delete");
    let connection = Connection {
        provider: String::new(),
        ..connection()
    };
    call.connection = Some(connection.clone());
    call.grant.clear();
    Body::Closed(TransactionClosed {
        transaction_id: id(number),
        connection: Some(connection),
        outcome: Outcome::Refused.into(),
        grpc_status: 7,
        fault: Fault::Consumer.into(),
        reason: "NO_GRANT".to_owned(),
        total_us: 90,
        refused_call: Some(Box::new(call)),
        ..TransactionClosed::default()
    })
}

fn marked_as_test(mut body: Body) -> Body {
    match &mut body {
        Body::Opened(opened) => opened.call.get_or_insert_default().test = true,
        Body::Closed(closed) => closed.test = true,
        _ => {}
    }
    body
}
