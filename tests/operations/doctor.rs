//! `ndxp doctor` names everything that keeps a hub from serving, with a remedy, and a hub that
//! serves is told from a stranger on its ports.

use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use ndxp_journal::{FileDisk, Journal, Options};
use ndxp_model::{Clock as _, ManualClock, SystemClock};
use ndxp_proto::journal::v1::SystemConnected;
use ndxp_proto::journal::v1::entry::Body;
use serde_json::Value;

use crate::support::hub::Hub;

/// A hub that has not been served, small enough for any limit of open files.
fn hub() -> Hub {
    let hub = Hub::init();
    hub.set("limits", "connections_max", "100");
    hub.set("limits", "control_connections_max", "10");
    hub.set("limits", "observe_connections_max", "10");
    hub
}

/// The findings, and whether the exit status says that there is a failure.
#[track_caller]
fn examine(hub: &Hub) -> (Vec<Value>, bool) {
    let answer = hub.run(&["doctor", "-o", "json"]);
    let failed = match answer.exit {
        Some(0) => false,
        Some(1) => true,
        _ => panic!("{answer:?}"),
    };
    let said: Value = serde_json::from_str(&answer.stdout).unwrap();
    assert_eq!(said["healthy"], !failed);
    (said["findings"].as_array().unwrap().clone(), failed)
}

/// The finding of this state about this subject that says this.
#[track_caller]
fn check(hub: &Hub, what: &str, state: &str, subject: &str, says: &str) {
    let (findings, failed) = examine(hub);
    let found = findings.iter().find(|it| {
        let part = |name: &str, wanted: &str| it[name].as_str().unwrap().contains(wanted);
        it["state"] == state && part("subject", subject) && part("value", says)
    });
    let found = found.unwrap_or_else(|| panic!("{what}: {findings:#?}"));
    assert_eq!(failed, state == "failure", "{what}: {findings:#?}");
    let remedy = found["remedy"].as_str();
    assert_eq!(
        remedy.is_some(),
        state != "ok",
        "{what}: a remedy for what is wrong"
    );
}

#[test]
fn a_new_hub_is_healthy_and_nothing_is_left_behind() {
    let hub = hub();
    let before = fs::read_dir(hub.home()).unwrap().count();
    let (findings, failed) = examine(&hub);
    assert!(!failed, "{findings:#?}");
    for area in [
        "configuration",
        "files",
        "certificates",
        "data",
        "disk",
        "clock",
        "ports",
        "open_files",
    ] {
        assert!(
            findings.iter().any(|it| it["area"] == area),
            "{area}: {findings:#?}"
        );
    }
    assert_eq!(fs::read_dir(hub.home()).unwrap().count(), before);
    let text = hub.run(&["doctor"]).success();
    assert!(text.contains("healthy"), "{text}");
    assert!(!text.contains("BEGIN"), "no key is shown");
    check(
        &hub,
        "init",
        "warning",
        "authority's key",
        "lies on this machine",
    );
}

/// Old segments are to be moved there.
fn archives(hub: &Hub, to: &str) {
    hub.set("journal", "keep_days", "90");
    hub.set("journal", "archive_dir", &format!("\"{to}\""));
}

/// The journal says that they were.
fn has_archive(hub: &Hub, at: &str) {
    let journal = hub.home().join("data/journal");
    fs::create_dir_all(&journal).unwrap();
    fs::set_permissions(hub.home().join("data"), Permissions::from_mode(0o700)).unwrap();
    fs::write(
        journal.join("archive"),
        hub.home().join(at).to_str().unwrap(),
    )
    .unwrap();
}

#[test]
fn an_archive_is_looked_at_where_there_is_to_be_one() {
    let hub = hub();
    let (findings, _) = examine(&hub);
    let about = |findings: &[Value]| {
        let subjects = findings.iter().map(|it| it["subject"].as_str().unwrap());
        subjects.filter(|it| it.contains("old")).count()
    };
    assert_eq!(about(&findings), 0, "{findings:#?}");
    archives(&hub, "old");
    check(&hub, "new", "ok", "journal.archive_dir", "is not there yet");
    fs::create_dir(hub.home().join("old")).unwrap();
    fs::set_permissions(hub.home().join("old"), Permissions::from_mode(0o700)).unwrap();
    check(&hub, "its mode", "ok", "journal.archive_dir", "mode 0700");
    check(&hub, "its owner", "ok", "write in", "may");
    let (findings, _) = examine(&hub);
    let room = |it: &&Value| {
        let subject = it["subject"].as_str().unwrap();
        subject.starts_with("space on") && subject.ends_with("/old")
    };
    // How much there is, and so its state, is this machine's affair.
    let room = findings.iter().find(room).expect("its room");
    assert_eq!(room["area"], "disk");
    assert!(room["value"].as_str().unwrap().contains("room for"));
    assert_eq!(fs::read_dir(hub.home().join("old")).unwrap().count(), 0);
}

#[test]
fn every_ill_is_named_with_a_remedy() {
    let mode = |path: &Path, mode: u32| {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    };
    let copy = |hub: &Hub, from: &str, to: &str| {
        fs::copy(hub.home().join(from), hub.home().join(to)).unwrap();
    };
    type Befall<'a> = &'a dyn Fn(&Hub);
    let rows: [(&str, Befall<'_>, &str, &str, &str); 19] = [
        (
            "a key that others can read",
            &|hub| mode(&hub.home().join("pki/hub/key.pem"), 0o640),
            "failure",
            "tls.key",
            "mode 0640",
        ),
        (
            "a key that is not there",
            &|hub| fs::remove_file(hub.home().join("pki/operator/key.pem")).unwrap(),
            "failure",
            "client.key",
            "No such file",
        ),
        (
            "another's key",
            &|hub| copy(hub, "pki/operator/key.pem", "pki/hub/key.pem"),
            "failure",
            "tls.certificate",
            "tls.key",
        ),
        (
            "a certificate that is none",
            &|hub| fs::write(hub.home().join("pki/hub/cert.pem"), "nothing").unwrap(),
            "failure",
            "tls.certificate",
            "holds no certificate",
        ),
        (
            "an empty list of what was revoked",
            &|hub| fs::write(hub.home().join("pki/authority/crl.pem"), "").unwrap(),
            "failure",
            "tls.revoked",
            "empty",
        ),
        (
            "another node's certificate",
            &|hub| hub.set("hub", "node", "\"hub-2\""),
            "failure",
            "tls.certificate",
            "spiffe://ndxp.local/hub/hub-2",
        ),
        (
            "another trust domain",
            &|hub| hub.set("hub", "trust_domain", "\"ndxp.gov.vn\""),
            "warning",
            "tls.certificate",
            "names nobody",
        ),
        (
            "a certificate of another authority",
            &|hub| {
                let other = Hub::init();
                for file in ["ca.pem", "cert.pem", "key.pem"] {
                    let from = other.home().join("pki/operator").join(file);
                    fs::copy(from, hub.home().join("pki/operator").join(file)).unwrap();
                }
            },
            "failure",
            "client.certificate",
            "is not believed by tls.authority",
        ),
        (
            "a certificate that ends soon",
            &|hub| {
                let folder = hub.folder_of("soon");
                let issue = [
                    "cert",
                    "issue",
                    "--operator",
                    "soon",
                    "--out",
                    &folder,
                    "--days",
                    "5",
                ];
                hub.run(&issue).success();
                for file in ["cert.pem", "key.pem"] {
                    let from = Path::new(&folder).join(file);
                    fs::copy(from, hub.home().join("pki/operator").join(file)).unwrap();
                }
            },
            "warning",
            "client.certificate",
            "in 4 days",
        ),
        (
            "a data directory for all to read",
            &|hub| {
                fs::create_dir(hub.home().join("data")).unwrap();
                mode(&hub.home().join("data"), 0o755);
            },
            "warning",
            "hub.data_dir",
            "may read it",
        ),
        (
            "a data directory for all to change",
            &|hub| {
                fs::create_dir(hub.home().join("data")).unwrap();
                mode(&hub.home().join("data"), 0o777);
            },
            "failure",
            "hub.data_dir",
            "may change it",
        ),
        (
            "a data directory that is a file",
            &|hub| fs::write(hub.home().join("data"), "").unwrap(),
            "failure",
            "hub.data_dir",
            "is no folder",
        ),
        (
            "a journal that was damaged",
            &|hub| {
                fs::create_dir_all(hub.home().join("data/journal")).unwrap();
                let segment = "data/journal/00000000000000000001.segment";
                fs::write(hub.home().join(segment), "no segment").unwrap();
            },
            "failure",
            "journal",
            "its head is damaged",
        ),
        (
            "an archive for all to read",
            &|hub| {
                archives(hub, "old");
                fs::create_dir(hub.home().join("old")).unwrap();
                mode(&hub.home().join("old"), 0o755);
            },
            "warning",
            "journal.archive_dir",
            "may read it",
        ),
        (
            "an archive that is a file",
            &|hub| {
                archives(hub, "old");
                fs::write(hub.home().join("old"), "").unwrap();
            },
            "failure",
            "journal.archive_dir",
            "is no folder",
        ),
        (
            "an archive in which nobody can write",
            &|hub| archives(hub, "/proc/1/old"),
            "failure",
            "write in /proc/1",
            "",
        ),
        (
            "an archive whose disk is not mounted",
            &|hub| {
                archives(hub, "old");
                has_archive(hub, "old");
            },
            "failure",
            "journal",
            "old",
        ),
        (
            "another archive than the journal's",
            &|hub| {
                archives(hub, "new");
                has_archive(hub, "old");
                fs::create_dir(hub.home().join("old")).unwrap();
            },
            "failure",
            "journal.archive_dir",
            "the journal's archive is in",
        ),
        (
            "an address of another machine",
            &|hub| hub.set("control", "listen", "\"192.0.2.1:7444\""),
            "failure",
            "control.listen 192.0.2.1:7444",
            "assign",
        ),
    ];
    for (what, befall, state, subject, says) in rows {
        let hub = hub();
        befall(&hub);
        check(&hub, what, state, subject, says);
    }
}

#[test]
fn a_configuration_with_faults_is_told_fault_by_fault() {
    let hub = hub();
    hub.set("hub", "node", "7");
    hub.set("limits", "scans_max", "0");
    let (findings, failed) = examine(&hub);
    assert!(failed);
    let told: Vec<_> = findings
        .iter()
        .map(|it| it["value"].as_str().unwrap())
        .collect();
    assert_eq!(told.len(), 2, "{findings:#?}");
    assert!(told[0].starts_with("hub.node = 7: "), "{told:?}");
    assert!(told[1].starts_with("limits.scans_max = 0: "), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_was_set_back_is_noticed() {
    let hub = hub();
    let ahead = SystemClock.now().saturating_add(Duration::from_secs(3_600));
    let options = Options::new(hub.home().join("data/journal"));
    let clock = Arc::new(ManualClock::at(ahead));
    let journal = Journal::open(options, Arc::new(FileDisk), clock, Arc::new(())).unwrap();
    let (lane, driver) = journal.lane();
    tokio::spawn(driver);
    let body = Body::SystemConnected(SystemConnected {
        system: "H26/lgsp".to_owned(),
    });
    lane.append(&body).await.unwrap();
    check(
        &hub,
        "an hour back",
        "failure",
        "time",
        "s before the journal's last entry",
    );
}

#[test]
fn a_limit_of_open_files_below_the_configuration_is_a_failure() {
    let hub = hub();
    hub.set("limits", "connections_max", "10_000");
    let config = hub.home().join("ndxp.toml");
    let limited = "ulimit -S -n 1024 && exec \"$0\" doctor -o json --config \"$1\"";
    let ran = Command::new("sh")
        .args(["-c", limited, env!("CARGO_BIN_EXE_ndxp")])
        .arg(config)
        .output()
        .unwrap();
    assert_eq!(ran.status.code(), Some(1));
    let said: Value = serde_json::from_slice(&ran.stdout).unwrap();
    let findings = said["findings"].as_array().unwrap();
    let found = findings
        .iter()
        .find(|it| it["area"] == "open_files")
        .unwrap();
    assert_eq!(found["state"], "failure", "{found:#}");
    assert!(
        found["value"].as_str().unwrap().starts_with("1024; "),
        "{found:#}"
    );
    assert!(found["remedy"].as_str().unwrap().contains("LimitNOFILE"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_hub_is_told_from_another_hub_and_from_a_stranger() {
    let mut running = hub();
    running.serve().await;
    for port in ["exchange", "control", "observe"] {
        let subject = format!("{port}.listen");
        check(
            &running,
            "own hub",
            "ok",
            &subject,
            "held by the running hub: ndxp, process",
        );
    }
    check(
        &running,
        "its limit",
        "ok",
        "limit of process",
        "enough for",
    );

    // A hub of another name, believed by the same authority, that is to have the same port.
    let other = hub();
    copy_folder(&running.home().join("pki"), &other.home().join("pki"));
    let folder = running.home().join("hub-2");
    let issue = [
        "cert",
        "issue",
        "--hub",
        "hub-2",
        "--out",
        folder.to_str().unwrap(),
    ];
    running.run(&issue).success();
    copy_folder(&folder, &other.home().join("pki/hub"));
    other.set("hub", "node", "\"hub-2\"");
    other.set("exchange", "listen", &format!("\"{}\"", running.exchange()));
    check(
        &other,
        "another hub",
        "failure",
        "exchange.listen",
        "another hub, hub-1: ndxp",
    );
    running.stop().await;

    let stranger = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = hub();
    let address = stranger.local_addr().unwrap();
    taken.set("observe", "listen", &format!("\"{address}\""));
    check(
        &taken,
        "a stranger",
        "failure",
        "observe.listen",
        "something that is not this hub",
    );
}

fn copy_folder(from: &Path, to: &Path) {
    let copied = Command::new("cp")
        .arg("-a")
        .arg(from.join("."))
        .arg(to)
        .status();
    assert!(copied.unwrap().success());
}
