//! Maintenance: callers are told that, why, and until when, and nothing is switched off by hand.

use crate::support::call::message;
use crate::support::provider::echo;
use crate::support::refusal::{check, check_journaled};
use crate::support::world::{CONSUMER, PROVIDER, SERVICE, World, call};

#[tokio::test(flavor = "multi_thread")]
async fn callers_are_told_the_notice_and_the_end() {
    let world = World::start(echo).await;
    let hub = &world.hub;
    let service = format!("{PROVIDER}/{SERVICE}");
    // What is in maintenance, from, until, and whether calls are refused by now.
    let rows = [
        (
            ["service", service.as_str()],
            "2020-01-01",
            "2999-12-31",
            true,
        ),
        (["system", PROVIDER], "2020-01-01", "2999-12-31", true),
        (["service", &service], "2999-01-01", "2999-12-31", false),
    ];
    for ([kind, key], from, until, refused) in rows {
        let window = [
            "--from",
            from,
            "--until",
            until,
            "--notice",
            "nâng cấp máy chủ",
        ];
        hub.act(&[&[kind, "maintenance", key][..], &window].concat())
            .await
            .success();
        let answer = world.consumer.call(&call(), message(b"")).await;
        if refused {
            let parties = [CONSUMER, PROVIDER, SERVICE];
            let refusal = check(&answer, "IN_MAINTENANCE", parties);
            let said = &refusal.status.message;
            // The end of that day in Hà Nội.
            for part in ["nâng cấp máy chủ", "2999-12-31T17:00:00Z"] {
                assert!(said.contains(part), "{said:?} does not say {part}");
            }
            let wait = refusal.retry.and_then(|retry| retry.retry_delay).unwrap();
            assert!(wait.seconds > 900 * 365 * 86_400, "{wait:?}");
            check_journaled(
                &hub.settled(answer.transaction_id()).await,
                "IN_MAINTENANCE",
                parties,
            );
        } else {
            assert_eq!(answer.grpc_status(), 0, "{answer:?}");
        }
        hub.act(&[kind, "maintenance", key, "--end"])
            .await
            .success();
        let answer = world.consumer.call(&call(), message(b"")).await;
        assert_eq!(answer.grpc_status(), 0, "{answer:?}");
    }
    world.hub.stop().await;
}
