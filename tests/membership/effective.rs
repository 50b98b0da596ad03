//! An act takes effect for the next call on every open connection, the moment that the command
//! has returned, and nobody whom it does not concern notices.

use tokio::time::Instant;

use super::load::{Load, Went};
use crate::support::hub::Hub;
use crate::support::provider::{Provider, echo};
use crate::support::wait::until;
use crate::support::world::{CONSUMER, PROVIDER, SERVICE, call, members};

const BYSTANDER: &str = "H40/lgsp";
/// Open connections of the system that the acts are about; the hub has two cores.
const CONNECTIONS: usize = 6;

/// A command that returned, and what every call must meet that begins later.
struct Done {
    what: String,
    began: Instant,
    returned: Instant,
    expected: Option<&'static str>,
}

#[tokio::test(flavor = "multi_thread")]
async fn an_act_holds_for_the_next_call_on_every_connection_and_for_nobody_else() {
    let mut hub = Hub::init();
    hub.serve().await;
    let [subject, bystander] = [CONSUMER, BYSTANDER].map(|system| hub.issue(system));
    let provider = Provider::serve(&hub, &hub.issue(PROVIDER), echo);
    let catalogue = members()
        .member("H40", "")
        .system(BYSTANDER, &[], "")
        .system(PROVIDER, &[provider.address], "")
        .service(PROVIDER, SERVICE, "")
        .service(PROVIDER, "ndxp.test.v1.OtherService", "")
        .grant(CONSUMER, PROVIDER, SERVICE, "")
        .grant(BYSTANDER, PROVIDER, "ndxp.test.v1.OtherService", "");
    hub.apply(&catalogue);
    let mut subjects = Vec::new();
    for _ in 0..CONNECTIONS {
        subjects.push(Load::start(&hub, &subject, &call()).await);
    }
    let others = crate::support::call::Call::to("/ndxp.test.v1.OtherService/Echo");
    let bystander = Load::start(&hub, &bystander, &others).await;

    let service = format!("{PROVIDER}/{SERVICE}");
    let grant = format!("{CONSUMER}>{PROVIDER}/{SERVICE}");
    let why = ["--reason", "tested"];
    // The act, and what the subject's calls meet from then on.
    let rows: [(&[&str], Option<&str>); 13] = [
        (&["system", "suspend", CONSUMER], Some("SYSTEM_SUSPENDED")),
        (&["system", "resume", CONSUMER], None),
        (&["access", "revoke", &grant], Some("NO_GRANT")),
        (
            &[
                "access",
                "request",
                "--consumer",
                CONSUMER,
                "--provider",
                PROVIDER,
                "--service",
                SERVICE,
            ],
            Some("NO_GRANT"),
        ),
        (&["access", "approve", &grant], None),
        (&["member", "suspend", "H26"], Some("SYSTEM_SUSPENDED")),
        (&["member", "resume", "H26"], None),
        (
            &["service", "disable", &service, "--notice", "n"],
            Some("SERVICE_DISABLED"),
        ),
        (&["service", "enable", &service], None),
        (
            &[
                "service",
                "maintenance",
                &service,
                "--from",
                "2020-01-01",
                "--until",
                "2999-12-31",
            ],
            Some("IN_MAINTENANCE"),
        ),
        (&["service", "maintenance", &service, "--end"], None),
        (&["access", "revoke", &grant], Some("NO_GRANT")),
        (&["access", "list"], Some("NO_GRANT")),
    ];
    let mut done = Vec::new();
    for (arguments, expected) in rows {
        let arguments: Vec<&str> = match arguments {
            ["access", "list"] => arguments.to_vec(),
            _ => arguments.iter().copied().chain(why).collect(),
        };
        let began = Instant::now();
        hub.act(&arguments).await.success();
        let returned = Instant::now();
        done.push(Done {
            what: arguments.join(" "),
            began,
            returned,
            expected,
        });
        // Every connection meets the act before the next one comes.
        for load in &subjects {
            let made = load.calls() + 2;
            until("two calls of a connection", async || {
                (load.calls() >= made).then_some(())
            })
            .await;
        }
    }

    for load in subjects {
        check(&load.stop().await, &done);
    }
    check_unnoticed(&bystander.stop().await, &done);
    hub.verify();
    hub.stop().await;
}

/// A call that began after a command had returned, and ended before the next one began, meets
/// what the command made of it.
#[track_caller]
fn check(calls: &[Went], done: &[Done]) {
    for (index, act) in done.iter().enumerate() {
        let until = done.get(index + 1).map(|next| next.began);
        let meant = calls.iter().filter(|call| {
            call.began > act.returned && until.is_none_or(|until| call.ended < until)
        });
        let mut met = 0;
        for call in meant {
            let late = call.began - act.returned;
            assert_eq!(
                call.refused.as_deref(),
                act.expected,
                "{late:?} after {}",
                act.what
            );
            met += 1;
        }
        assert!(met > 0, "no call of a connection met {}", act.what);
    }
}

/// Nobody's call failed, and acts held none up: beside them, as many calls began and ended as there
/// were acts. How long they took is for a bench to say.
#[track_caller]
fn check_unnoticed(calls: &[Went], done: &[Done]) {
    let refused: Vec<_> = calls.iter().filter(|it| it.refused.is_some()).collect();
    assert!(refused.is_empty(), "{refused:#?}");
    let beside = |call: &&Went| {
        let mut acts = done.iter();
        acts.any(|act| act.began < call.began && call.ended < act.returned)
    };
    let beside = calls.iter().filter(beside).count();
    assert!(
        beside >= done.len(),
        "{beside} calls began and ended beside {} acts",
        done.len()
    );
}
