//! The house has floors, and a crate knows only those below it. The table here is the one in
//! `docs/architecture.md`; an arrow that runs up, or a crate on no floor, fails.

use std::process::Command;

use serde_json::Value;

/// Crate, and the floor on which it stands.
const FLOORS: [(&str, u8); 16] = [
    ("proto", 0),
    ("model", 0),
    ("http2", 0),
    ("journal", 1),
    ("baseline", 1),
    ("registry", 2),
    ("counters", 2),
    ("report", 3),
    ("gateway", 3),
    ("hub", 4),
    ("sim", 4),
    ("fuzz", 5),
    ("cli", 5),
    // Only for tests: a disk for the journal's, and above the hub whoever plays with all of it.
    ("sim-disk", 2),
    ("simulation", 5),
    // Only measured: the hot pieces of a call, without the hub around them.
    ("workload", 4),
];

/// Crates that know less than their floor allows, and all that they may know.
const CONFINED: [(&str, &[&str]); 4] = [
    // Rules and sums of opening balances are pure: they know what is said, not where it is kept.
    ("baseline", &["proto", "model"]),
    // They meet in the journal: a slow query can never hold up a call.
    (
        "gateway",
        &["proto", "model", "http2", "journal", "registry"],
    ),
    // Participants know only the wire; the history writer knows only the journal.
    ("sim", &["proto", "model", "journal"]),
    // It is a disk, and knows no more than what is asked of one.
    ("sim-disk", &["journal"]),
];

/// A package of the workspace.
struct Package {
    /// Name without the prefix `ndxp-`.
    name: String,
    folder: String,
    /// Packages of the workspace that it is built on; test-only ones left out.
    knows: Vec<String>,
}

#[test]
fn every_crate_stands_on_a_floor_and_every_floor_holds() {
    let packages = packages();
    let mut standing: Vec<&str> = packages.iter().map(|it| it.name.as_str()).collect();
    let mut wanted: Vec<&str> = FLOORS.iter().map(|(name, _)| *name).collect();
    standing.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(standing, wanted, "crates and the floor table differ");
}

#[test]
fn a_crate_knows_only_lower_floors() {
    let wrong: Vec<String> = packages()
        .iter()
        .flat_map(|package| package.knows.iter().map(|known| (&package.name, known)))
        .filter(|(name, known)| floor(known) >= floor(name))
        .map(|(name, known)| format!("{name} → {known}"))
        .collect();
    assert!(wrong.is_empty(), "arrows that do not run down: {wrong:?}");
}

#[test]
fn a_confined_crate_knows_no_more_than_it_may() {
    for (name, allowed) in CONFINED {
        let packages = packages();
        let package = packages.iter().find(|it| it.name == name);
        let package = package.unwrap_or_else(|| panic!("no crate {name}"));
        for known in &package.knows {
            assert!(allowed.contains(&known.as_str()), "{name} knows {known}");
        }
    }
}

#[test]
fn a_crate_is_named_as_its_folder() {
    for package in packages() {
        assert_eq!(package.folder, format!("crates/{}", package.name));
    }
}

fn floor(name: &str) -> u8 {
    let row = FLOORS.iter().find(|(it, _)| *it == name);
    row.unwrap_or_else(|| panic!("crate {name} is on no floor"))
        .1
}

fn packages() -> Vec<Package> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--no-deps",
            "--format-version",
            "1",
            "--offline",
        ])
        .current_dir(root)
        .output()
        .expect("cargo runs, for it runs this test");
    let talk = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo metadata: {talk}");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo prints JSON");
    let root = text(&metadata, "workspace_root");
    items(&metadata, "packages")
        .map(|package| {
            let manifest = text(package, "manifest_path");
            let folder = manifest
                .strip_prefix(root)
                .and_then(|path| path.strip_prefix('/'))
                .and_then(|path| path.strip_suffix("/Cargo.toml"))
                .expect("a member's manifest lies in the workspace");
            Package {
                name: local(package).expect("every package is named ndxp-…"),
                folder: folder.to_owned(),
                knows: items(package, "dependencies")
                    .filter(|it| it.get("kind").and_then(Value::as_str) != Some("dev"))
                    .filter_map(local)
                    .collect(),
            }
        })
        .collect()
}

/// The name without its prefix, of a package or a dependency of this workspace.
fn local(named: &Value) -> Option<String> {
    text(named, "name").strip_prefix("ndxp-").map(str::to_owned)
}

fn items<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    let list = value.get(key).and_then(Value::as_array);
    list.expect("cargo prints a list here").iter()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    let text = value.get(key).and_then(Value::as_str);
    text.expect("cargo prints a string here")
}
