//! gRPC's public interoperability cases through the hub, with Python's grpcio as client and as
//! server: each case must show the client what it shows without a hub, and the journal must say
//! how each of its calls ended and how much it carried.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::support::catalogue::Catalogue;
use crate::support::credentials::Credentials;
use crate::support::hub::Hub;
use crate::support::python::{PythonProvider, consume, has_grpcio};
use crate::support::wait::until;
use crate::support::world::{CONSUMER, PROVIDER, members};

const TEST_SERVICE: &str = "grpc.testing.TestService";
const UNIMPLEMENTED_SERVICE: &str = "grpc.testing.UnimplementedService";

/// Cases whose calls are the same each time, and what the journal holds of them, in any order:
/// method, outcome, gRPC status, and thousands of bytes there and back. The sizes tell what was
/// compressed: 271,828 zeros take some hundred bytes then.
const CASES: [(&str, &[&str]); 18] = [
    ("empty_unary", &["EmptyCall completed 0, 0>0"]),
    ("large_unary", &["UnaryCall completed 0, 271>314"]),
    (
        "client_streaming",
        &["StreamingInputCall completed 0, 74>0"],
    ),
    (
        "server_streaming",
        &["StreamingOutputCall completed 0, 0>93"],
    ),
    ("ping_pong", &["FullDuplexCall completed 0, 74>93"]),
    ("empty_stream", &["FullDuplexCall completed 0, 0>0"]),
    (
        "custom_metadata",
        &[
            "FullDuplexCall completed 0, 271>314",
            "UnaryCall completed 0, 271>314",
        ],
    ),
    (
        "status_code_and_message",
        &[
            "FullDuplexCall provider_error 2, 0>0",
            "UnaryCall provider_error 2, 0>0",
        ],
    ),
    (
        "special_status_message",
        &["UnaryCall provider_error 2, 0>0"],
    ),
    (
        "unimplemented_method",
        &["UnimplementedCall provider_error 12, 0>0"],
    ),
    // Registered, and not served: the provider says so itself.
    (
        "unimplemented_service",
        &["UnimplementedCall provider_error 12, 0>0"],
    ),
    (
        "cancel_after_begin",
        // The other call is the witness that this one has begun.
        &[
            "EmptyCall completed 0, 0>0",
            "StreamingInputCall cancelled 1, 0>0",
        ],
    ),
    (
        "cancel_after_first_response",
        &["FullDuplexCall cancelled 1, 27>31"],
    ),
    (
        "timeout_on_sleeping_server_that_has_begun",
        &["FullDuplexCall timed_out 4, 27>0"],
    ),
    (
        "client_compressed_unary",
        &[
            "UnaryCall completed 0, 0>314",
            "UnaryCall completed 0, 271>314",
            "UnaryCall provider_error 3, 271>0",
        ],
    ),
    (
        "server_compressed_unary",
        &[
            "UnaryCall completed 0, 271>0",
            "UnaryCall completed 0, 271>314",
        ],
    ),
    (
        "client_compressed_streaming",
        &[
            "StreamingInputCall completed 0, 46>0",
            "StreamingInputCall provider_error 3, 27>0",
        ],
    ),
    (
        "server_compressed_streaming",
        &["StreamingOutputCall completed 0, 0>92"],
    ),
];

/// Its deadline of a millisecond may pass before the call leaves the client, on its way, or at the
/// server; what the client sees is the same.
const OUT_OF_TIME_ANYWHERE: &str = "timeout_on_sleeping_server";
const OUT_OF_TIME: [&str; 2] = ["timed_out", "cancelled"];

/// The hub answers for a service that nobody has registered, and UNIMPLEMENTED would say that a
/// provider was asked.
const UNREGISTERED: &str = "unregistered_service";

/// What the client prints of a case.
#[derive(Debug, Deserialize)]
struct Ran {
    case: String,
    seen: Value,
    failure: Option<String>,
}

/// How the cases are run: against the server itself, or against the hub before it.
struct Client {
    credentials: Credentials,
}

impl Client {
    fn run(&self, port: u16, cases: &[&str]) -> Vec<Ran> {
        let server = format!("127.0.0.1:{port}");
        let target = ["--server", &server, "--name", "localhost"];
        let arguments: Vec<&str> = target.iter().chain(cases).copied().collect();
        let said = consume("interop/client.py", &self.credentials, &arguments);
        let ran = said.lines().map(serde_json::from_str);
        let ran: Vec<Ran> = ran.collect::<Result<_, _>>().expect("each line is a case");
        assert_eq!(ran.len(), cases.len());
        ran
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_interoperability_case_goes_through_the_hub_as_without_it() {
    if !has_grpcio() {
        return;
    }
    let hub = Hub::start().await;
    let client = Client {
        credentials: hub.issue(CONSUMER),
    };
    let server = PythonProvider::start("interop/server.py", &hub.issue(PROVIDER));
    let known = catalogue(&server);
    hub.apply(&known);
    let unregistered = client.run(hub.exchange().port(), &[UNREGISTERED]);
    let known = known.service(PROVIDER, UNIMPLEMENTED_SERVICE, "").grant(
        CONSUMER,
        PROVIDER,
        UNIMPLEMENTED_SERVICE,
        "",
    );
    hub.apply(&known);

    let names = CASES.iter().map(|(name, _)| *name);
    let names: Vec<&str> = names.chain([OUT_OF_TIME_ANYWHERE]).collect();
    let direct = client.run(server.port, &names);
    let through = client.run(hub.exchange().port(), &names);
    until("the last call settled", async || {
        (hub.verify()["in_flight"] == 0).then_some(())
    })
    .await;

    let mut wrong = Vec::new();
    let failures = direct.iter().chain(&through).chain(&unregistered);
    for ran in failures {
        let failure = ran.failure.as_deref();
        wrong.extend(failure.map(|failure| format!("{}: {failure}", ran.case)));
    }
    for (direct, through) in direct.iter().zip(&through) {
        if direct.seen != through.seen {
            let (case, direct, through) = (&direct.case, &direct.seen, &through.seen);
            wrong.push(format!("{case}: seen {through} instead of {direct}"));
        }
    }
    wrong.extend(misjournaled(&hub));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    drop(server);
    hub.stop().await;
}

fn catalogue(server: &PythonProvider) -> Catalogue {
    members()
        .system(PROVIDER, &[([127, 0, 0, 1], server.port).into()], "")
        .service(PROVIDER, TEST_SERVICE, "")
        .grant(CONSUMER, PROVIDER, TEST_SERVICE, "")
}

/// Cases of which the journal holds something else than it should.
fn misjournaled(hub: &Hub) -> Vec<String> {
    let mut journaled = journaled(hub);
    let mut take = |case: &str| journaled.remove(case).unwrap_or_default();
    let mut wrong = Vec::new();
    for (case, expected) in CASES {
        let found = take(case);
        if found != expected {
            wrong.push(format!("{case}: journaled {found:#?}, not {expected:#?}"));
        }
    }
    let found = take(UNREGISTERED);
    if found != ["UnimplementedCall refused 5, 0>0"] {
        wrong.push(format!("{UNREGISTERED}: journaled {found:#?}"));
    }
    let found = take(OUT_OF_TIME_ANYWHERE);
    let fits = |it: &String| OUT_OF_TIME.iter().any(|outcome| it.contains(outcome));
    if found.len() > 1 || !found.iter().all(fits) {
        wrong.push(format!("{OUT_OF_TIME_ANYWHERE}: journaled {found:#?}"));
    }
    wrong.extend(journaled.keys().map(|case| format!("{case}: no such case")));
    wrong
}

/// The transactions of each case, as in [`CASES`].
fn journaled(hub: &Hub) -> BTreeMap<String, Vec<String>> {
    let lines = hub.run(&["transactions", "-o", "json"]).success();
    let mut of_case: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in lines.lines() {
        let transaction: Value = serde_json::from_str(line).expect("-o json prints JSON");
        let text = |name: &str| transaction[name].as_str().unwrap_or_default().to_owned();
        let number = |name: &str| transaction[name].as_u64().unwrap_or_default();
        let thousands = |name: &str| number(name) / 1_000;
        let line = format!(
            "{} {} {}, {}>{}",
            text("method"),
            text("outcome"),
            number("grpc_status"),
            thousands("request_bytes"),
            thousands("response_bytes"),
        );
        of_case.entry(text("case")).or_default().push(line);
    }
    of_case.values_mut().for_each(|lines| lines.sort_unstable());
    of_case
}
