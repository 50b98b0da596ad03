//! What `ndxp bench peers` says where a proxy is missing, and where one does not serve; that every
//! rung of `ndxp bench steps` carries calls, and that none is lost beside `ndxp bench bystander`'s abuse; and
//! that `ndxp bench counters` says what its targets come to.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::support::process::ndxp;

/// Runs the shortest comparison of CPU with nothing in PATH but what the folder holds.
fn compare(path: &Path) -> Output {
    ndxp()
        .args(["bench", "peers", "--only", "1", "--seconds", "1"])
        .args(["--rounds", "1", "-o", "json"])
        .env("PATH", path)
        .output()
        .expect("ndxp runs")
}

/// What a bench says of itself, once it has succeeded, and what it told meanwhile.
fn measured(arguments: &[&str]) -> (Value, String) {
    let mut bench = ndxp();
    bench.arg("bench").args(arguments).args(["-o", "json"]);
    let said = bench.output().expect("ndxp runs");
    let talk = String::from_utf8_lossy(&said.stderr).into_owned();
    assert!(said.status.success(), "{talk}");
    let seen = serde_json::from_slice(&said.stdout).expect("-o json prints JSON");
    (seen, talk)
}

#[test]
fn what_is_not_installed_is_not_measured_and_no_figure_stands_for_it() {
    let empty = tempfile::tempdir().unwrap();
    let said = compare(empty.path());
    let talk = String::from_utf8_lossy(&said.stderr);
    assert!(said.status.success(), "{talk}");
    let record: Value = serde_json::from_slice(&said.stdout).expect("-o json prints JSON");
    let targets = record["targets"].as_array().unwrap();
    assert_eq!(targets.len(), 7, "{record:#}");
    for target in targets {
        assert!(target["value"].is_null() && target["met"].is_null());
        let why = target["not_measured"].as_str().unwrap();
        assert!(why.ends_with("is not installed"), "{why}");
    }
    let rounds = record["rounds"].as_array().unwrap();
    let ways: Vec<_> = rounds.iter().map(|round| &round["way"]).collect();
    assert_eq!(ways, ["direct", "h2 relay", "hub"]);
    let hub = &rounds[2];
    assert!(hub["calls_per_second"].as_f64().unwrap() > 0.0, "{hub}");
    assert!(hub["cpu_us"].as_f64().unwrap() > 0.0, "{hub}");
}

#[test]
fn with_a_proxy_that_does_not_serve_nothing_is_compared() {
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("haproxy");
    fs::write(&broken, "#!/bin/sh\necho HAProxy version 9.9.9\n").unwrap();
    fs::set_permissions(&broken, fs::Permissions::from_mode(0o755)).unwrap();
    let said = compare(folder.path());
    let talk = String::from_utf8_lossy(&said.stderr);
    assert!(!said.status.success() && said.stdout.is_empty(), "{talk}");
    assert!(talk.contains("haproxy does not serve"), "{talk}");
}

#[test]
fn each_step_of_a_call_can_be_left_out_and_calls_are_carried_still() {
    let (seen, talk) = measured(&["steps", "--seconds", "1", "--rounds", "1"]);
    let rounds = seen["rounds"].as_array().unwrap();
    let rungs: Vec<_> = rounds.iter().map(|round| &round["way"]).collect();
    assert_eq!(
        rungs,
        ["hub", "plain", "uncounted", "unjournaled", "bare"],
        "{talk}"
    );
    for rung in rounds {
        assert!(rung["calls_per_second"].as_f64().unwrap() > 0.0, "{rung}");
    }
    let steps = seen["steps"].as_array().unwrap();
    let steps: Vec<_> = steps.iter().map(|step| &step["step"]).collect();
    assert_eq!(
        steps,
        [
            "TLS",
            "counters",
            "journal",
            "the exchange",
            "of it: identify and route",
            "of it: digests of both directions",
            "HTTP/2 and sockets",
        ]
    );
}

#[test]
fn beside_abuse_a_bystanders_calls_are_carried_and_what_they_took_is_said() {
    let what = ["bystander", "--only", "control frames"];
    let how_long = ["--seconds", "1", "--rounds", "2"];
    // A call that fails would end it.
    let (seen, _) = measured(&[&what[..], &how_long].concat());
    let samples = seen["samples"].as_array().unwrap();
    let beside: Vec<_> = samples.iter().map(|sample| &sample["beside"]).collect();
    assert_eq!(beside, ["control frames", "control frames"]);
    for stretch in samples.iter().flat_map(|it| [&it["quiet"], &it["abused"]]) {
        assert!(stretch["calls"].as_u64().unwrap() > 0, "{stretch}");
        let [p50, p99] = ["p50_ms", "p99_ms"].map(|it| stretch[it].as_f64().unwrap());
        assert!(0.0 < p50 && p50 <= p99, "{stretch}");
    }
}

#[test]
fn a_kind_of_abuse_that_there_is_not_is_refused_with_those_that_there_are() {
    let said = ndxp()
        .args(["bench", "bystander", "--only", "kindness"])
        .output()
        .expect("ndxp runs");
    let talk = String::from_utf8_lossy(&said.stderr);
    assert_eq!(said.status.code(), Some(64), "{talk}");
    for part in ["--only", "kindness", "rapid resets"] {
        assert!(talk.contains(part), "{part} in {talk}");
    }
}

#[test]
fn the_counters_are_held_against_their_targets() {
    let backlog = ["counters", "--transactions", "2000", "--connections", "10"];
    let offered = ["--rate", "1000", "--seconds", "1"];
    let (seen, _) = measured(&[&backlog[..], &offered].concat());
    let [cpu, lag] = ["6a", "6b"].map(|id| {
        let targets = seen["targets"].as_array().unwrap();
        targets.iter().find(|target| target["id"] == id).unwrap()
    });
    assert!(cpu["value"].is_number() && cpu["met"].is_boolean(), "{cpu}");
    // Fewer were offered than the target is for.
    assert!(lag["value"].is_null() && lag["met"].is_null(), "{lag}");
}
