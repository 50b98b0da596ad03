//! What `deploy/` ships is held against the hub: dashboards and alerts name metrics that it exports,
//! the unit passes systemd's own check and leaves little open, and the build script's load is one that there is.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::hub::Hub;
use crate::support::wait::until;

/// `required` makes a missing systemd-analyze a failure.
const WANTED: &str = "NDXP_TEST_SYSTEMD";
/// In tenths, as `systemd-analyze security` scores: 0 is closed, 100 is open. The unit needs the
/// network.
const EXPOSURE_MAX: u32 = 15;

/// Exported from the first failure of an endpoint on; `abuse::circuits` reads it there.
const NOT_FROM_THE_START: &str = "ndxp_provider_circuit";

fn deploy(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../deploy")
        .join(path)
}

fn read(path: &str) -> String {
    fs::read_to_string(deploy(path)).unwrap()
}

/// Every `ndxp_…` in the text, without what Prometheus appends for histograms.
fn named(text: &str) -> BTreeSet<String> {
    text.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'))
        .filter(|word| word.starts_with("ndxp_"))
        .map(|word| {
            let suffix = ["_bucket", "_sum", "_count"].iter();
            suffix
                .filter_map(|suffix| word.strip_suffix(suffix))
                .next()
                .unwrap_or(word)
                .to_owned()
        })
        .collect()
}

/// Queries of every panel.
fn queries(dashboard: &Value) -> Vec<&str> {
    let panels = dashboard["panels"].as_array().unwrap();
    panels
        .iter()
        .flat_map(|panel| panel["targets"].as_array().unwrap())
        .map(|target| target["expr"].as_str().unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn dashboards_and_alerts_name_metrics_that_the_hub_exports() {
    let hub = Hub::start().await;
    // The ends of certificates are looked up behind the start.
    let exported = until("the ends of certificates among the metrics", async || {
        let metrics = hub.observed("/metrics").await;
        let types = metrics
            .lines()
            .filter_map(|line| line.strip_prefix("# TYPE "));
        let names = types.filter_map(|line| line.split(' ').next().map(str::to_owned));
        let names: BTreeSet<String> = names.chain([NOT_FROM_THE_START.to_owned()]).collect();
        names
            .contains("ndxp_certificate_expires_seconds")
            .then_some(names)
    })
    .await;
    let dashboard = read("compose/grafana/dashboards/ndxp.json");
    let dashboard: Value = serde_json::from_str(&dashboard).unwrap();
    let shown: BTreeSet<String> = queries(&dashboard).into_iter().flat_map(named).collect();
    let alerted = named(&read("compose/prometheus/alerts.yaml"));
    let unknown: Vec<_> = shown
        .union(&alerted)
        .filter(|name| !exported.contains(*name))
        .collect();
    assert!(unknown.is_empty(), "not exported: {unknown:?}");
    // And nothing that the hub exports is shown nowhere.
    let hidden: Vec<_> = exported.difference(&shown).collect();
    assert!(hidden.is_empty(), "on no panel: {hidden:?}");
    hub.stop().await;
}

#[test]
fn the_unit_passes_the_check_of_systemd() {
    if Command::new("systemd-analyze")
        .arg("--version")
        .output()
        .is_err()
    {
        let required = std::env::var(WANTED).is_ok_and(|wanted| wanted == "required");
        assert!(!required, "systemd-analyze is not installed");
        println!("skipped: systemd-analyze is not installed");
        return;
    }
    let unit = read("systemd/ndxp.service");
    // Where the program is installed, the unit finds it; here it is where it was built.
    let here = unit.replace("/usr/local/bin/ndxp", env!("CARGO_BIN_EXE_ndxp"));
    assert_ne!(here, unit);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ndxp.service");
    fs::write(&path, here).unwrap();
    let verify = Command::new("systemd-analyze")
        .args(["--man=no", "verify"])
        .arg(&path)
        .output()
        .unwrap();
    let complaints = String::from_utf8_lossy(&verify.stderr);
    let ours: Vec<_> = complaints
        .lines()
        .filter(|line| line.contains("ndxp"))
        .collect();
    assert!(verify.status.success() && ours.is_empty(), "{ours:?}");

    let security = Command::new("systemd-analyze")
        .args(["security", "--offline=true"])
        .arg(format!("--threshold={EXPOSURE_MAX}"))
        .arg(&path)
        .output()
        .unwrap();
    let report = String::from_utf8_lossy(&security.stdout);
    assert!(security.status.success(), "{report}");
}

/// The unit, the image and the compose file say the same of the ports and of what may be written.
#[test]
fn the_container_runs_unprivileged_with_a_root_that_it_cannot_write() {
    let containerfile = read("container/Containerfile");
    assert!(containerfile.contains("USER 65532:65532"));
    for port in ["7443", "7444", "7445"] {
        assert!(containerfile.contains(port), "{port} is not exposed");
    }
    let compose = read("compose/compose.yaml");
    let hub = compose.split("\n  prometheus:").next().unwrap();
    for line in [
        "user: \"65532:65532\"",
        "read_only: true",
        "cap_drop: [ALL]",
        "no-new-privileges:true",
    ] {
        assert!(hub.contains(line), "the hub's service lacks {line}");
    }
    assert!(!compose.contains("privileged: true"));
}

/// Building twice takes longer than all tests; what can be known without it is.
#[test]
fn the_build_script_is_sound_and_its_load_is_one_that_there_is() {
    let script = deploy("build");
    let sound = Command::new("sh").arg("-n").arg(&script).status().unwrap();
    assert!(sound.success());
    let script = read("build");
    let load = script
        .lines()
        .filter_map(|line| line.strip_prefix("\"$ndxp\" "));
    let mut commands = 0;
    for command in load {
        // What stands before it is checked.
        let help = Command::new(env!("CARGO_BIN_EXE_ndxp"))
            .args(command.split(' '))
            .arg("--help")
            .output()
            .unwrap();
        let complaint = String::from_utf8_lossy(&help.stderr);
        assert!(help.status.success(), "{command}: {complaint}");
        commands += 1;
    }
    assert!(commands > 0);
    let containerfile = read("container/Containerfile");
    assert!(containerfile.contains("deploy/build") && containerfile.contains("guided/ndxp"));
}
