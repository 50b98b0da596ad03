//! Refused attempts at administrative acts are on record: who, as what, and why not.

use serde_json::Value;

use crate::support::hub::Hub;
use crate::support::world::{CONSUMER, PROVIDER, SERVICE, members};

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_that_is_refused_is_on_record_with_who_and_why() {
    let hub = Hub::start().await;
    let catalogue = members()
        .member("H40", "")
        .system("H40/lgsp", &[], "")
        .system(PROVIDER, &[], "")
        .service(PROVIDER, SERVICE, "");
    hub.apply(&catalogue);
    let [consumer, provider, stranger] = [CONSUMER, PROVIDER, "H40/lgsp"].map(|system| {
        let folder = hub.issue(system).folder;
        folder.to_str().unwrap().to_owned()
    });
    let auditor = hub.home().join("auditor").to_str().unwrap().to_owned();
    hub.run(&["cert", "issue", "--auditor", "thanh-tra", "--out", &auditor])
        .success();
    let request =
        format!("access request --consumer {CONSUMER} --provider {PROVIDER} --service {SERVICE}");
    let approve = format!("access approve {CONSUMER}>{PROVIDER}/{SERVICE}");
    let revoke = format!("access revoke {CONSUMER}>{PROVIDER}/{SERVICE}");
    let suspend = format!("system suspend {CONSUMER}");
    let run = |act: &str, folder: &str| {
        let act: Vec<&str> = act.split(' ').collect();
        hub.run(&[&act[..], &["--reason", "tried", "--as", folder]].concat())
    };

    // With whose certificate, what, as what, and by which RPC; all are refused.
    let rows = [
        (&auditor, &suspend, "auditor", "Transition"),
        (&consumer, &suspend, "member H26", "Transition"),
        (&stranger, &request, "member H40", "RequestAccess"),
        (&provider, &request, "member G01", "RequestAccess"),
        (&consumer, &approve, "member H26", "DecideAccess"),
        (&stranger, &revoke, "member H40", "RevokeAccess"),
        (&stranger, &suspend, "member H40", "Transition"),
    ];
    run(&request, &consumer).success();
    for (folder, act, ..) in rows {
        let ran = run(act, folder);
        assert_eq!(ran.exit, Some(1), "{act}: {}", ran.stderr);
    }
    // What an operator gets wrong is on record too.
    let ran = hub.run(&["system", "resume", CONSUMER]);
    assert_ne!(ran.exit, Some(0), "{}", ran.stdout);

    let log = hub.run(&["audit", "--refused", "-o", "json"]).success();
    let log: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(log.len(), rows.len() + 1, "{log:#?}");
    for (entry, (folder, act, role, rpc)) in log.iter().zip(rows) {
        let text = |key: &str| entry[key].as_str().unwrap_or_default().to_owned();
        let named = std::path::Path::new(folder).file_name().unwrap();
        let actor = match named.to_str().unwrap() {
            "auditor" => "/auditor/thanh-tra".to_owned(),
            folder => format!("/member/{}", folder.replace('-', "/system/")),
        };
        assert!(text("actor").ends_with(&actor), "{act}: {entry:#}");
        assert_eq!(
            (text("role").as_str(), text("rpc").as_str()),
            (role, rpc),
            "{act}"
        );
        assert!(!text("refused").is_empty(), "{act}: {entry:#}");
    }
    let last = log.last().unwrap();
    assert_eq!(
        (&last["role"], &last["rpc"]),
        (&"operator".into(), &"Transition".into()),
        "{last:#}"
    );
    // And the acts themselves have changed nothing.
    let systems = hub.run(&["get", "systems", "-o", "json"]).success();
    assert!(!systems.contains("suspended"), "{systems}");
    hub.stop().await;
}
