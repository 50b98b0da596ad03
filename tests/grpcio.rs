//! An independent implementation of gRPC on both sides of the hub: Python's grpcio calls a grpcio
//! provider through it, in every way that gRPC has.

use serde_json::Value;

use crate::support::hub::Hub;
use crate::support::python::{PythonProvider, consume, has_grpcio};
use crate::support::wait::until;
use crate::support::world::{CONSUMER, PROVIDER, members};

const SERVICE: &str = "ndxp.test.v1.GrpcioService";

#[tokio::test(flavor = "multi_thread")]
async fn grpcio_consumes_and_provides_through_the_hub() {
    if !has_grpcio() {
        return;
    }
    let hub = Hub::start().await;
    let provider = PythonProvider::start("provider.py", &hub.issue(PROVIDER));
    let catalogue = members()
        .system(PROVIDER, &[([127, 0, 0, 1], provider.port).into()], "")
        .service(PROVIDER, SERVICE, "")
        .service(PROVIDER, "ndxp.test.v1.Ungranted", "")
        .grant(CONSUMER, PROVIDER, SERVICE, "");
    hub.apply(&catalogue);

    let address = format!("localhost:{}", hub.exchange().port());
    let held = consume("check.py", &hub.issue(CONSUMER), &["--hub", &address]);
    let rules = held.lines().count();
    assert_eq!(rules, 12, "rules of the consumer's script that hold");

    until("the last call settled", async || {
        (hub.verify()["in_flight"] == 0).then_some(())
    })
    .await;
    let answer = hub
        .run(&["stats", "--by", "outcome", "-o", "json"])
        .success();
    let counts: Value = serde_json::from_str(&answer).unwrap();
    let outcomes = &counts["total"]["outcomes"];
    let expected = [
        ("completed", 11),
        ("provider_error", 2),
        ("refused", 1),
        ("timed_out", 1),
        ("cancelled", 1),
        ("unreachable", 0),
        ("interrupted", 0),
    ];
    for (outcome, count) in expected {
        assert_eq!(outcomes[outcome], count, "{outcome}: {counts:#}");
    }
    drop(provider);
    hub.stop().await;
}
