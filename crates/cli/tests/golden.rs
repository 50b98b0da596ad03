//! What `ndxp` says to a newcomer and to somebody who got something wrong, held in files under
//! `tests/golden`: run with `NDXP_GOLDEN=write` to write them anew, and read the difference.

#![expect(clippy::unwrap_used, reason = "a test that cannot run has failed")]

mod data;

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
        "cert",
        "cert issue",
        "apply",
        "get",
        "transactions",
        "stats",
        "report",
        "verify",
        "completions",
    ] {
        check_in_empty_folder(
            &format!("help-{}", command.replace(' ', "-")),
            &[&format!("{command} --help")],
        );
    }
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
            "get members --data nowhere --as H26-lgsp",
            "completions tcsh",
        ],
    );
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
