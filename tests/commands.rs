//! What an operator and a member's people do at the command line: files out and in again, every
//! act tried before it is done, contracts put and fetched.

use std::fs;
use std::path::Path;

use prost::Message as _;
use prost_types::{
    DescriptorProto, FileDescriptorProto, FileDescriptorSet, MethodDescriptorProto,
    ServiceDescriptorProto,
};
use serde_json::Value;

use crate::support::hub::Hub;
use crate::support::world::{CONSUMER, PROVIDER, SERVICE, members};

/// A hub with two members, a service, and no grant.
async fn hub() -> Hub {
    let hub = Hub::start().await;
    let catalogue = members()
        .system(PROVIDER, &[], "")
        .service(PROVIDER, SERVICE, "");
    hub.apply(&catalogue);
    hub
}

fn offer() -> String {
    format!("{PROVIDER}/{SERVICE}")
}

fn grant() -> String {
    format!("{CONSUMER}>{PROVIDER}/{SERVICE}")
}

#[track_caller]
fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("-o json prints JSON")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("temporary folders have plain names")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_exported_changes_nothing_when_it_is_applied() {
    let hub = hub().await;
    let request = [
        "access",
        "request",
        "--consumer",
        CONSUMER,
        "--provider",
        PROVIDER,
        "--service",
        SERVICE,
        "--valid-until",
        "2090-12-31",
        "--purpose",
        "một \"cửa\"",
    ];
    hub.run(&request).success();
    hub.run(&["access", "approve", &grant()]).success();
    hub.run(&["service", "disable", &offer(), "--notice", "đến 22 giờ"])
        .success();
    let maintenance = [
        "system",
        "maintenance",
        PROVIDER,
        "--from",
        "2090-12-31T22:00",
        "--until",
        "2091-01-01T06:00",
    ];
    hub.run(&maintenance).success();

    let folder = hub.home().join("registry");
    fs::create_dir(&folder).unwrap();
    for form in ["toml", "yaml"] {
        let file = folder.join(format!("all.{form}"));
        fs::write(&file, hub.run(&["export", "-o", form]).success()).unwrap();
        for named in [&file, &folder] {
            let again = [
                "apply",
                "-f",
                text(named),
                "--prune",
                "--note",
                "as it stands",
            ];
            let said = hub.run(&again).success();
            assert_eq!(
                said.trim(),
                "nothing to do: the registry holds all of this already",
                "{form}"
            );
        }
        fs::remove_file(&file).unwrap();
    }
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pruning_takes_away_what_is_not_named_and_wants_a_reason() {
    let hub = hub().await;
    let path = hub.write_catalogue(&members());
    let prune = ["apply", "-f", text(&path), "--prune"];
    let refused = hub.run(&prune);
    assert_eq!(refused.exit, Some(64), "{}", refused.stderr);
    let tried = hub
        .run(&[&prune[..], &["--note", "x", "--dry-run"]].concat())
        .success();
    let removed = format!("- system {PROVIDER}");
    assert!(tried.contains(&removed), "{tried}");
    assert!(tried.ends_with("2 removed; nothing was done\n"), "{tried}");
    assert!(!tried.contains('\x1b'), "no colours into a pipe: {tried:?}");
    hub.run(&[&prune[..], &["--note", "x"]].concat()).success();
    let systems = json(&hub.run(&["get", "systems", "-o", "json"]).success());
    let ids: Vec<_> = systems
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["id"])
        .collect();
    assert_eq!(ids, [CONSUMER]);
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_hub_finds_wrong_is_told_with_file_and_line() {
    let hub = hub().await;
    let folder = hub.home().join("registry");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("a.toml"), "# nothing\n").unwrap();
    let grant = format!(
        "grant:\n  - consumer: {CONSUMER}\n    provider: {PROVIDER}\n    service: a.v1.B\n"
    );
    fs::write(folder.join("b.yaml"), grant).unwrap();
    let refused = hub.run(&["apply", "-f", text(&folder)]);
    assert_eq!(refused.exit, Some(64));
    let place = format!("{}:4: ", folder.join("b.yaml").display());
    assert!(refused.stderr.contains(&place), "{}", refused.stderr);
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_act_can_be_tried_and_then_changes_nothing() {
    let hub = hub().await;
    let (offer, grant) = (offer(), grant());
    let parties = [
        "--consumer",
        CONSUMER,
        "--provider",
        PROVIDER,
        "--service",
        SERVICE,
    ];
    // What is tried; what then is done, so that there is something for the next to be tried on.
    let acts: [(&[&str], bool); 14] = [
        (
            &[
                "member",
                "propose",
                "H40",
                "--name-vi",
                "x",
                "--class",
                "province",
            ],
            true,
        ),
        (&["member", "decline", "H40", "--reason", "x"], false),
        (&["member", "approve", "H40"], true),
        (
            &[
                "member",
                "close",
                "H40",
                "--successor",
                "H26",
                "--reason",
                "x",
            ],
            true,
        ),
        (
            &["system", "propose", "H26/kho", "--kind", "database"],
            true,
        ),
        (&["system", "approve", "H26/kho"], true),
        (
            &["system", "suspend", "H26/kho", "--reason", "x", "--cut"],
            true,
        ),
        (&["system", "resume", "H26/kho"], true),
        (&["service", "disable", &offer, "--notice", "x"], true),
        (&["service", "enable", &offer], true),
        (
            &[
                "service",
                "maintenance",
                &offer,
                "--from",
                "2090-01-01",
                "--until",
                "2090-01-01",
            ],
            true,
        ),
        (&["service", "maintenance", &offer, "--end"], true),
        (&["access", "approve", &grant], true),
        (&["access", "revoke", &grant, "--reason", "x"], true),
    ];
    hub.run(&[&["access", "request"], &parties[..], &["--dry-run"]].concat())
        .success();
    let request = ["access", "request", "-o", "json"];
    let requested = json(&hub.run(&[&request[..], &parties].concat()).success());
    assert_eq!(requested["grant"]["version"], 1, "{requested}");
    for (act, is_done) in acts {
        let before = hub.run(&["export"]).success();
        let tried = json(
            &hub.run(&[act, &["--dry-run", "-o", "json"]].concat())
                .success(),
        );
        assert_eq!(tried["sequence"], Value::Null, "{act:?}");
        assert_eq!(
            tried["differences"].as_array().unwrap().len(),
            1,
            "{act:?}: {tried}"
        );
        let after = hub.run(&["export"]).success();
        assert_eq!(before, after, "{act:?}");
        if is_done {
            let done = json(&hub.run(&[act, &["-o", "json"]].concat()).success());
            assert_eq!(done["differences"], tried["differences"], "{act:?}");
            assert!(done["sequence"].is_u64(), "{act:?}: {done}");
        }
    }
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_done_says_what_and_why_not() {
    let hub = hub().await;
    let rows: [(&[&str], &str); 3] = [
        (
            &["member", "suspend", "H99", "--reason", "x"],
            "error: key = \"H99\": there is no such member",
        ),
        (
            &["member", "resume", "H26"],
            "error: member H26: action = \"resume\": resume is not permitted while it is active",
        ),
        (
            &["access", "revoke", &grant(), "--reason", "x"],
            "error: id = ",
        ),
    ];
    for (act, wanted) in rows {
        let refused = hub.run(act);
        assert_eq!(refused.exit, Some(64), "{act:?}");
        assert!(
            refused.stderr.starts_with(wanted),
            "{act:?}: {}",
            refused.stderr
        );
    }
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_acts_with_its_own_certificate_and_sees_its_own_grants() {
    let hub = hub().await;
    let [consumer, provider] = [CONSUMER, PROVIDER].map(|system| hub.issue(system).folder);
    let request = [
        "access",
        "request",
        "--as",
        text(&consumer),
        "--consumer",
        CONSUMER,
        "--provider",
        PROVIDER,
        "--service",
        SERVICE,
    ];
    let directory = |of: &str| {
        let ask = ["directory", of, "-o", "json", "--as", text(&consumer)];
        json(&hub.run(&ask).success())
    };
    assert_eq!(directory("whoami")["system"], CONSUMER);
    assert_eq!(directory("callable"), Value::from(Vec::<Value>::new()));
    assert_eq!(directory("offered")[0]["provider"], PROVIDER);
    hub.run(&request).success();
    assert_eq!(directory("offered")[0]["requested_version"], 1);
    let listed = |whose: &Path| {
        let list = ["access", "list", "-o", "json", "--as", text(whose)];
        json(&hub.run(&list).success())
    };
    assert_eq!(listed(&provider)[0]["state"], "requested");
    hub.run(&["access", "approve", &grant(), "--as", text(&provider)])
        .success();
    let listed = listed(&consumer);
    assert_eq!(listed[0]["state"], "active");
    assert_eq!(listed[0]["requested_by"], "member H26");
    assert_eq!(listed[0]["decided_by"], "member G01");
    let callable = directory("callable");
    assert_eq!(callable[0]["service"], SERVICE);
    assert_eq!(callable[0]["state"], "active");
    assert_eq!(directory("offered"), Value::from(Vec::<Value>::new()));
    hub.stop().await;
}

/// A contract of the service with these methods, all of one message.
fn contract(methods: &[&str]) -> Vec<u8> {
    let (package, service) = SERVICE.rsplit_once('.').unwrap();
    let message = format!(".{package}.Text");
    let method = |name: &&str| MethodDescriptorProto {
        name: Some((*name).to_owned()),
        input_type: Some(message.clone()),
        output_type: Some(message.clone()),
        ..MethodDescriptorProto::default()
    };
    let file = FileDescriptorProto {
        name: Some("echo.proto".to_owned()),
        package: Some(package.to_owned()),
        message_type: vec![DescriptorProto {
            name: Some("Text".to_owned()),
            ..DescriptorProto::default()
        }],
        service: vec![ServiceDescriptorProto {
            name: Some(service.to_owned()),
            method: methods.iter().map(method).collect(),
            ..ServiceDescriptorProto::default()
        }],
        syntax: Some("proto3".to_owned()),
        ..FileDescriptorProto::default()
    };
    FileDescriptorSet { file: vec![file] }.encode_to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn descriptors_are_put_by_their_provider_and_fetched_as_they_were() {
    let hub = hub().await;
    let provider = hub.issue(PROVIDER).folder;
    let (offer, home) = (offer(), hub.home());
    let put = |file: &str, bytes: &[u8], further: &[&str]| {
        let path = home.join(file);
        fs::write(&path, bytes).unwrap();
        let put = ["service", "descriptors", "put", &offer, "-f", text(&path)];
        hub.run(&[&put[..], &["--as", text(&provider)], further].concat())
    };
    put("two.binpb", &contract(&["Echo", "Upper"]), &[]).success();
    let services = json(&hub.run(&["get", "services", "-o", "json"]).success());
    assert_eq!(services[0]["methods"], Value::from(vec!["Echo", "Upper"]));

    let broken = put("one.binpb", &contract(&["Echo"]), &[]);
    assert_ne!(broken.exit, Some(0));
    assert!(broken.stderr.contains("Upper"), "{}", broken.stderr);
    let wrong = put("wrong.binpb", b"no descriptors", &[]);
    assert_eq!(wrong.exit, Some(64), "{}", wrong.stderr);

    let out = home.join("fetched.binpb");
    let get = ["service", "descriptors", "get", &offer, "--out", text(&out)];
    hub.run(&get).success();
    assert_eq!(fs::read(&out).unwrap(), contract(&["Echo", "Upper"]));
    assert_eq!(hub.run(&get).exit, Some(64), "nothing is written over");

    put("one.binpb", &contract(&["Echo"]), &["--allow-incompatible"]).success();
    hub.stop().await;
}
