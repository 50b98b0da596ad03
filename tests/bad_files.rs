//! Files that an operator got wrong: each fault is named with its file, line, key and value and
//! with a remedy, the exit status is 64, and nothing is done by halves.

use std::fs;

use crate::support::hub::Hub;
use crate::support::process::Run;

/// Refused as wrong usage, with all of this said.
#[track_caller]
fn check_refused(refused: &Run, says: &[&str]) {
    assert_eq!(
        (refused.exit, refused.stdout.as_str()),
        (Some(64), ""),
        "{refused:?}"
    );
    for part in says {
        assert!(
            refused.stderr.contains(part),
            "{part:?} is not said: {}",
            refused.stderr
        );
    }
}

/// The number of the line that begins with this.
#[track_caller]
fn line_of(text: &str, beginning: &str) -> usize {
    let found = text.lines().position(|line| line.starts_with(beginning));
    1 + found.unwrap_or_else(|| panic!("no line begins with {beginning:?}"))
}

#[test]
fn a_wrong_configuration_is_refused_before_anything_is_made() {
    let hub = Hub::init();
    let file = hub.home().join("ndxp.toml");
    let good = fs::read_to_string(&file).unwrap();
    // What stands there, what is written instead, and what is said besides file and line.
    let rows = [
        (
            "cores = ",
            "cores = \"two\"",
            vec!["hub.cores = \"two\"", "write a whole number"],
        ),
        (
            "cores = ",
            "cores = 5_000",
            vec!["hub.cores = 5", "from 0 to 1024"],
        ),
        (
            "cores = ",
            "corse = 2",
            vec!["hub.corse = 2", "unknown key", "cores"],
        ),
        ("cores = ", "cores = 2\ncores = 3", vec!["duplicate key"]),
        (
            "[hub]",
            "[hubs]",
            vec!["hubs", "unknown section", "did you mean hub?"],
        ),
        (
            "#time_zone",
            "time_zone = \"Asia/Hanoi\"",
            vec!["hub.time_zone = \"Asia/Hanoi\""],
        ),
        (
            "#segment_bytes",
            "segment_bytes = 1",
            vec!["journal.segment_bytes = 1", "1048576"],
        ),
        (
            "#handshake_ms_max",
            "handshake_ms_max = 1.5",
            vec!["limits.handshake_ms_max = 1.5"],
        ),
        (
            "node = ",
            "node = \"Hub 1\"",
            vec!["hub.node = \"Hub 1\"", "lower-case letters"],
        ),
        (
            "listen = ",
            "listen = \"localhost\"",
            vec!["exchange.listen = \"localhost\""],
        ),
    ];
    for (beginning, instead, says) in rows {
        let line = line_of(&good, beginning);
        let mut lines: Vec<&str> = good.lines().collect();
        lines[line - 1] = instead;
        fs::write(&file, lines.join("\n")).unwrap();
        let line = line + instead.lines().count() - 1;
        let place = format!("ndxp.toml:{line}: ");
        let refused = hub.run(&["serve"]);
        check_refused(&refused, &[says, vec![place.as_str()]].concat());
    }
    for (key, says) in [
        ("certificate", "tls.certificate"),
        ("authority", "tls.authority"),
    ] {
        fs::write(&file, &good).unwrap();
        hub.set("tls", key, "\"nowhere.pem\"");
        check_refused(
            &hub.run(&["serve"]),
            &[says, "nowhere.pem", "check the path"],
        );
    }
    assert!(
        !hub.home().join("data").exists(),
        "a refused configuration leaves no data"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_catalogue_changes_nothing() {
    let hub = Hub::start().await;
    let file = hub.home().join("wrong.toml");
    let path = file.to_str().unwrap();
    let good = "\
[[member]]
code = \"H26\"
name_vi = \"Hà Nội\"
class = \"province\"

[[system]]
id = \"H26/lgsp\"
kind = \"lgsp\"
";
    // What follows the good part, whether the file alone shows it, and what is said.
    let rows = [
        (
            "colour = \"red\"",
            true,
            vec!["system H26/lgsp", "\"colour\"", "endpoints"],
        ),
        (
            "name = 7",
            true,
            vec!["system H26/lgsp", "name = 7", "write a text in quotes"],
        ),
        (
            "state = \"asleep\"",
            true,
            vec![
                "state = \"asleep\"",
                "active, suspended, proposed, declined or closed",
            ],
        ),
        (
            "endpoints = [\"nowhere\"]",
            true,
            vec!["endpoints", "\"nowhere\""],
        ),
        (
            "[[systems]]",
            true,
            vec!["\"systems\"", "did you mean system?"],
        ),
        (
            "[[member]]\ncode = \"H26\"",
            true,
            vec!["member H26: stands twice", "wrong.toml:1"],
        ),
        (
            "[[member]]\ncode = \"000.00.00.H26\"",
            true,
            vec!["code = \"000.00.00.H26\"", "H26"],
        ),
        ("[[system", true, vec![]),
        (
            "[[system]]\nid = \"H99/lgsp\"\nkind = \"lgsp\"",
            false,
            vec!["id = \"H99/lgsp\"", "there is no member H99", "register"],
        ),
        (
            "[[grant]]\nconsumer = \"H26/lgsp\"\nprovider = \"G01/a\"\nservice = \"a.B\"",
            false,
            vec![
                "provider = \"G01/a\"",
                "there is no system G01/a",
                "register",
            ],
        ),
    ];
    for (wrong, by_file, says) in rows {
        fs::write(&file, format!("{good}{wrong}\n")).unwrap();
        let place = if by_file { "wrong.toml:" } else { "" };
        for arguments in [
            &["apply", "-f", path][..],
            &["apply", "-f", path, "--dry-run"],
        ] {
            check_refused(&hub.run(arguments), &[says.clone(), vec![place]].concat());
        }
        let members = hub.run(&["get", "members", "-o", "json"]).success();
        assert_eq!(members.trim(), "[]", "{wrong}: something was applied");
    }
    hub.stop().await;
}
