//! The demonstration, whole and short: it must end with three equal counts, say so in either
//! language, and leave nothing behind.

use std::path::Path;
use std::process::{Command, Output};

fn demo(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ndxp"))
        .args(["demo", "--seconds", "2"])
        .args(arguments)
        // Where it makes its folder.
        .env("TMPDIR", folder)
        .env_remove("NDXP_CONFIG")
        .output()
        .expect("the binary is built")
}

#[track_caller]
fn check(arguments: &[&str], wanted: &[&str]) {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let output = demo(folder.path(), arguments);
    let said = String::from_utf8(output.stdout).expect("text");
    let talk = String::from_utf8(output.stderr).expect("text");
    assert!(output.status.success(), "{said}\n{talk}");
    for part in wanted {
        assert!(said.contains(part), "no {part:?} in\n{said}");
    }
    assert_eq!(talk.lines().count(), 1, "surprises: {talk}");
    let mut left = std::fs::read_dir(folder.path()).expect("the folder is there");
    assert!(left.next().is_none(), "something is left behind");
}

#[test]
fn three_counts_are_equal_and_nothing_is_left_behind() {
    check(&[], &["\nBẰNG NHAU: ", "85 LGSP", "Mười kết nối"]);
    check(
        &["--lang", "en", "--seed", "7"],
        &["\nEQUAL: ", "85 LGSPs", "The ten busiest connections"],
    );
}
