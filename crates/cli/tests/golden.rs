//! What `ndxp` says to a newcomer and to somebody who got something wrong, held in files under
//! `tests/golden`: run with `NDXP_GOLDEN=write` to write them anew, and read the difference.

#![expect(clippy::unwrap_used, reason = "a test that cannot run has failed")]

mod baseline;
mod data;
mod report;
mod stats;

use std::path::Path;
use std::process::Command;

use ndxp_counters::Counters;

/// Runs each line of commands in turn in one folder and compares all that they said.
#[track_caller]
fn check(name: &str, folder: &Path, commands: &[&str]) {
    let said: String = commands.iter().map(|line| run(folder, line)).collect();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{name}.txt"));
    if std::env::var_os("NDXP_GOLDEN").is_some_and(|mode| mode == "write") {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, &said).unwrap();
        return;
    }
    let wanted = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        said == wanted,
        "{} differs; look at it, and run with NDXP_GOLDEN=write if this is meant\n{said}",
        file.display()
    );
}

#[track_caller]
fn check_in_empty_folder(name: &str, commands: &[&str]) {
    check(name, tempfile::tempdir().unwrap().path(), commands);
}

fn run(folder: &Path, line: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_ndxp"))
        .args(line.split_whitespace())
        .current_dir(folder)
        .env_clear()
        .env("COLUMNS", "100")
        .output()
        .unwrap();
    let mut said = format!("$ ndxp {line}\n");
    for (stream, bytes) in [("", &output.stdout), ("! ", &output.stderr)] {
        for text in String::from_utf8(bytes.clone()).unwrap().lines() {
            said.push_str(format!("{stream}{text}").trim_end());
            said.push('\n');
        }
    }
    // The system's temporary folder is another each time.
    let place = folder.canonicalize().unwrap();
    said = said.replace(place.to_str().unwrap(), "/tmp/here");
    let status = output.status.code().unwrap();
    said + &format!("[exit status {status}]\n\n")
}

#[test]
fn help_of_every_command() {
    check_in_empty_folder("help", &["--help", "--version"]);
    for command in [
        "demo",
        "init",
        "serve",
        "apply",
        "export",
        "audit",
        "get",
        "transactions",
        "stats",
        "top",
        "report",
        "verify",
        "doctor",
        "backup",
        "simulate",
        "completions",
    ] {
        check_help(command, &[""]);
    }
}

#[test]
fn help_of_every_command_of_a_family() {
    check_help("cert", &["", "issue", "renew", "revoke", "list"]);
    const LIFE: [&str; 7] = [
        "", "propose", "approve", "decline", "suspend", "resume", "close",
    ];
    check_help("member", &LIFE);
    let availability = ["disable", "enable", "maintenance"];
    check_help("system", &[LIFE.as_slice(), &availability].concat());
    check_help("baseline", &["", "import", "list"]);
    check_help("journal", &["", "inspect"]);
    check_help("directory", &["", "callable", "offered", "whoami"]);
    check_help(
        "service",
        &[
            "",
            "disable",
            "enable",
            "maintenance",
            "descriptors",
            "descriptors put",
            "descriptors get",
        ],
    );
    check_help(
        "access",
        &["", "request", "approve", "decline", "revoke", "list"],
    );
}

/// The help of a command and of those below it, in one file.
#[track_caller]
fn check_help(command: &str, below: &[&str]) {
    let lines: Vec<String> = below
        .iter()
        .map(|below| format!("{command} {below} --help"))
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    check_in_empty_folder(&format!("help-{command}"), &lines);
}

#[test]
fn a_new_hub_is_made_once_and_nothing_is_written_over() {
    check_in_empty_folder(
        "init",
        &[
            "init hub",
            "init hub",
            "init other --node Not_A_Node",
            "cert issue --config hub/ndxp.toml --system H26/lgsp --out H26-lgsp",
            "cert issue --config hub/ndxp.toml --system H26/lgsp --out H26-lgsp",
            "cert issue --config hub/ndxp.toml --system h26 --out other",
            "cert issue --config hub/ndxp.toml --out other",
            "cert issue --authority nowhere --system H26/lgsp --out other",
        ],
    );
}

#[test]
fn wrong_arguments_and_configurations_exit_64() {
    check_in_empty_folder(
        "usage",
        &[
            "serf",
            "get",
            "get everything",
            "transactions --id 7",
            "transactions --limit 0",
            "transactions --follow --from 2022-07-22",
            "transactions --follow --data nowhere",
            "get members",
            "get members --config nowhere.toml",
            "verify --data nowhere",
            "apply -f nowhere.toml",
            "apply",
            "get members --data nowhere --as H26-lgsp",
            "backup copy --data nowhere",
            "backup --check nowhere",
            "journal inspect nowhere",
            "completions tcsh",
        ],
    );
}

#[test]
fn acts_on_the_registry_say_what_they_need() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("ndxp.toml"), "").unwrap();
    check(
        "acts",
        folder.path(),
        &[
            "member propose h26 --name-vi x --class province",
            "member propose H26 --name-vi x --class district",
            "member suspend H26",
            "member close H26 --successor H05",
            "system propose H26 --kind lgsp",
            "system decline H26/lgsp",
            "system approve H26",
            "service disable G01/population/vn.gov.v1.A",
            "service disable vn.gov.v1.A --notice x",
            "service maintenance G01/population/vn.gov.v1.A",
            "service maintenance G01/population/vn.gov.v1.A --from 2026-12-31",
            "service maintenance G01/population/vn.gov.v1.A --from tomorrow --until 2026-12-31",
            "service maintenance G01/population/vn.gov.v1.A --from 2026-12-31 --until 2026-12-30",
            "service descriptors put G01/population/vn.gov.v1.A -f nowhere.binpb",
            "service descriptors get G01/population/vn.gov.v1.A --out ndxp.toml",
            "access request --consumer H26/lgsp --provider G01/population",
            "access request --consumer H26/lgsp --provider G01/population --service a.v1.B \
             --valid-until never",
            "access approve",
            "access approve H26/lgsp",
            "access approve H26/lgsp>G01/population/a.v1.B --consumer H26/lgsp",
            "access decline H26/lgsp>G01/population/a.v1.B",
            "access revoke --consumer H26/lgsp --provider G01/population --reason x",
            "audit --limit 0",
            "audit --from 2022-07-22 --to 2022-07-21",
        ],
    );
}

#[test]
fn certificates_that_cannot_be_issued_renewed_or_revoked_say_why() {
    check_in_empty_folder(
        "cert",
        &[
            "init hub",
            "cert issue --config hub/ndxp.toml --system H26/lgsp --out H26-lgsp",
            "cert issue --config hub/ndxp.toml --system H26/lgsp --out H26-lgsp",
            "cert renew nowhere --config hub/ndxp.toml",
            "cert revoke H29/lgsp --config hub/ndxp.toml --reason lost",
            "cert revoke H26/lgsp --config hub/ndxp.toml",
        ],
    );
}

/// Serial numbers and times are others each time: what the records say is checked instead.
#[test]
fn a_renewed_certificate_is_another_and_both_can_be_revoked() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    run(folder, "init hub");
    run(
        folder,
        "cert issue --config hub/ndxp.toml --system H26/lgsp --out H26-lgsp",
    );
    let ndxp = |line: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_ndxp"))
            .args(line.split_whitespace())
            .args(["--config", "hub/ndxp.toml", "-o", "json"])
            .current_dir(folder)
            .env_clear()
            .output()
            .unwrap();
        let status = output.status.code().unwrap();
        let value = serde_json::from_slice(&output.stdout).unwrap_or(serde_json::Value::Null);
        (status, value)
    };
    let (_, all) = ndxp("cert list");
    let holders = |records: &serde_json::Value| {
        let records = records.as_array().unwrap().iter();
        let mut holders: Vec<_> = records
            .map(|it| format!("{} {}", it["holder"].as_str().unwrap(), it["state"]))
            .collect();
        holders.sort();
        holders
    };
    let three = [
        "hub hub-1 \"valid\"",
        "operator operator \"valid\"",
        "system H26/lgsp \"valid\"",
    ];
    assert_eq!(holders(&all), three);
    let (_, none) = ndxp("cert list --expires-within 30");
    assert_eq!(none, serde_json::json!([]));

    let before = std::fs::read_to_string(folder.join("H26-lgsp/cert.pem")).unwrap();
    let (status, renewed) = ndxp("cert renew H26-lgsp --days 20");
    assert_eq!(status, 0);
    assert_eq!(renewed["state"], "expires");
    let after = std::fs::read_to_string(folder.join("H26-lgsp/cert.pem")).unwrap();
    assert_ne!(before, after);

    // The holder now has two: which is meant must be said.
    let (status, _) = ndxp("cert revoke H26/lgsp --reason lost");
    assert_eq!(status, 64);
    let serial = renewed["serial"].as_str().unwrap();
    let (status, tried) = ndxp(&format!("cert revoke {serial} --reason lost --dry-run"));
    assert_eq!((status, &tried[0]["state"]), (0, &"expires".into()));
    let (status, revoked) = ndxp("cert revoke H26/lgsp --all --reason lost");
    assert_eq!(status, 0);
    let states = ["system H26/lgsp \"revoked\""; 2];
    assert_eq!(holders(&revoked), states);
    let (_, left) = ndxp("cert list");
    assert_eq!(holders(&left), three[..2]);
    let (status, _) = ndxp("cert renew H26-lgsp");
    assert_eq!(status, 64);
}

#[test]
fn a_wrong_configuration_or_catalogue_is_refused_by_line_key_and_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write(
        "ndxp.toml",
        "[hub]\nnode = 7\n\n[exchange]\nlistn = \"0.0.0.0:1\"\n",
    );
    write("sound.toml", "");
    std::fs::create_dir(folder.path().join("empty")).unwrap();
    write(
        "catalogue.yaml",
        "member:\n  - code: H26\n    klass: province\n",
    );
    write(
        "catalogue.toml",
        "[[member]]\ncode = \"h26\"\nklass = \"province\"\n",
    );
    check(
        "refused",
        folder.path(),
        &[
            "serve",
            "get members",
            "apply -f catalogue.toml --config sound.toml",
            "apply -f catalogue.yaml --config sound.toml",
            "apply -f empty --config sound.toml",
            "apply -f nowhere.toml --config sound.toml",
            "get members --config sound.toml --as nowhere",
        ],
    );
}

#[test]
fn a_hub_that_is_not_there_exits_69() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), "init hub");
    let config = folder.path().join("hub/ndxp.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    // [client] is the last section; nobody listens on port 1.
    std::fs::write(&config, text + "control = \"127.0.0.1:1\"\n").unwrap();
    check(
        "unavailable",
        folder.path(),
        &["verify --config hub/ndxp.toml"],
    );
    let beside = folder.path().join("hub");
    check("unavailable-beside", &beside, &["get members"]);
}

#[test]
fn a_data_directory_answers_without_a_hub() {
    let folder = tempfile::tempdir().unwrap();
    data::write(&folder.path().join("data"));
    check(
        "offline",
        folder.path(),
        &[
            "get members --data data",
            "get systems --data data",
            "get services --data data",
            "get grants --data data",
            "get grants --data data --as-of 2022-07-21T23 -o json",
            "get systems --data data --member H26",
            "get members --data data --member 000.00.00.G01",
            "get members --data data --member H99",
            "get coverage --data data",
            "get coverage --data data --as-of 2022-07-21T23",
            "access list --data data --state active --member G01",
            "access list --data data --state requested",
            "export --data data",
            "export --data data -o yaml",
            "audit --data data",
            "audit --data data --refused",
            "transactions --data data",
            "transactions --data data --from 2022-07-22 --outcome completed -o json",
            "transactions --data data --to 2022-07-21 --provider G01",
            "transactions --data data --from 22/7/2022",
            "stats --data data --from 2022-07-22 --to 2022-07-21",
            "transactions --data data --id 018221b3-8770-7000-8000-000000000002",
            "transactions --data data --id 018221b3-8770-7000-8000-00000000ffff",
            "stats --data data --by day",
            "stats --data data --by outcome --from 2022-07-22 --to 2022-07-22 -o csv",
            "stats --data data --by connection -o csv",
            "report --data data --as-of 2022-07-22 -o table --lang en",
            "report --data data --month 2022-08 --as-of 2022-07-22",
            "report --data data --month 2022-13",
            "verify --data data",
            "verify --data data -o json",
        ],
    );
}

#[test]
fn counters_that_a_hub_holds_are_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    data::write(&data);
    let reader = ndxp_journal::Reader::open(&data.join("journal")).unwrap();
    let zone = ndxp_model::Zone::viet_nam();
    let held = Counters::open_offline(data.join("counters"), zone, reader, |_, _| {}).unwrap();
    check("held", folder.path(), &["verify --data data"]);
    held.stop();
}
