//! Refusals for who calls whom: strangers, the suspended, and those without a grant.

use super::refused;
use super::registered::{PERMITTED, Registered, path};
use crate::support::call::{Call, message};
use crate::support::consumer::Consumer;
use crate::support::world::CONSUMER;

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_known_or_suspended_is_told_so_and_no_more() {
    let world = Registered::start().await;
    // Certificate, reason, what is said, consumer in the record.
    let rows = [
        ("H99/lgsp", "UNKNOWN_SYSTEM", "H99/lgsp", ""),
        (
            "H26/suspended",
            "SYSTEM_SUSPENDED",
            "H26/suspended",
            "H26/suspended",
        ),
        ("H40/lgsp", "SYSTEM_SUSPENDED", "H40", "H40/lgsp"),
    ];
    for (system, reason, says, consumer) in rows {
        let connection = Consumer::connect(&world.hub, &world.hub.issue(system)).await;
        let call = (&Call::to(path(PERMITTED)), message(b""));
        refused(
            &world,
            &connection,
            call,
            (reason, says),
            [consumer, "", ""],
        )
        .await;
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_call_what_is_told_why() {
    let world = Registered::start().await;
    // Service, method, provider named, reason, what is said, provider in the record.
    let rows = [
        (
            "Nobody",
            "Call",
            None,
            "UNKNOWN_SERVICE",
            "ndxp.test.v1.Nobody",
            "",
        ),
        (
            "Nobody",
            "Call",
            Some("G01/a"),
            "UNKNOWN_SERVICE",
            "G01/a",
            "",
        ),
        (
            "Permitted",
            "Call",
            Some("G01/b"),
            "UNKNOWN_SERVICE",
            "G01/b",
            "",
        ),
        (
            "Shared",
            "Call",
            None,
            "AMBIGUOUS_PROVIDER",
            "G01/a, G01/b",
            "",
        ),
        (
            "Disabled",
            "Call",
            None,
            "SERVICE_DISABLED",
            "bảo trì đến 22 giờ",
            "G01/a",
        ),
        (
            "Ungranted",
            "Call",
            None,
            "NO_GRANT",
            "H26/lgsp holds no grant",
            "G01/a",
        ),
        ("OneMethod", "Another", None, "NO_GRANT", "Another", "G01/a"),
        // Names differ where a letter's case does.
        ("OneMethod", "allowed", None, "NO_GRANT", "allowed", "G01/a"),
        ("OneMethod", "ALLOWED", None, "NO_GRANT", "ALLOWED", "G01/a"),
        (
            "permitted",
            "Call",
            None,
            "UNKNOWN_SERVICE",
            "ndxp.test.v1.permitted",
            "",
        ),
        (
            "Expired",
            "Call",
            None,
            "GRANT_EXPIRED",
            "2020-12-31T17:00:00Z",
            "G01/a",
        ),
        (
            "NotYet",
            "Call",
            None,
            "GRANT_EXPIRED",
            "2998-12-31T17:00:00Z",
            "G01/a",
        ),
    ];
    for (service, method, named, reason, says, provider) in rows {
        let service = format!("ndxp.test.v1.{service}");
        let mut call = Call::to(format!("/{service}/{method}"));
        if let Some(system) = named {
            call = call.provider(system);
        }
        let parties = [CONSUMER, provider, service.as_str()];
        let call = (&call, message(b""));
        refused(&world, &world.consumer, call, (reason, says), parties).await;
    }
    let allowed = Call::to("/ndxp.test.v1.OneMethod/Allowed");
    assert_eq!(
        world
            .consumer
            .call(&allowed, message(b""))
            .await
            .grpc_status(),
        0
    );
    for system in ["G01/a", "G01/b"] {
        let shared = Call::to("/ndxp.test.v1.Shared/Call").provider(system);
        assert_eq!(
            world
                .consumer
                .call(&shared, message(b""))
                .await
                .grpc_status(),
            0
        );
    }
    world.stop().await;
}
