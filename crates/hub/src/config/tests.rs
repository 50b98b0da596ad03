//! What the file may say, and what is answered when it says something else.

use super::*;

fn parse(text: &str) -> Result<Config, ConfigErrors> {
    Config::parse(Path::new("/etc/ndxp/ndxp.toml"), text)
}

fn uncommented(text: &str) -> String {
    let line = |line: &str| match line.strip_prefix('#') {
        Some(rest) if !rest.starts_with(' ') => rest.to_owned(),
        _ => line.to_owned(),
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn an_empty_file_is_the_defaults() {
    let config = parse("").unwrap();
    assert_eq!(config.hub.node, "hub-1");
    assert_eq!(config.hub.zone.name(), "Asia/Ho_Chi_Minh");
    assert_eq!(config.exchange.listen.to_string(), "0.0.0.0:7443");
    assert_eq!(config.hub.data_dir, Path::new("/etc/ndxp/data"));
    assert_eq!(config.limits.deadline_default, Duration::from_secs(60));
    assert_eq!(config.client.exchange.to_string(), "localhost:7443");
    assert_eq!(config.client.authority, config.tls.authority);
}

#[test]
fn the_template_states_the_defaults_as_written_and_uncommented() {
    let text = template("hub-1", "ndxp.local");
    // The list of the authority that `ndxp init` makes beside the file is no default.
    let mut defaults = parse("").unwrap();
    defaults.tls.revoked = Some("/etc/ndxp/pki/authority/crl.pem".into());
    let defaults = format!("{defaults:#?}");
    assert_eq!(format!("{:#?}", parse(&text).unwrap()), defaults);
    assert_eq!(
        format!("{:#?}", parse(&uncommented(&text)).unwrap()),
        defaults
    );
}

#[test]
fn the_template_names_every_key_of_every_section() {
    let text = uncommented(&template("n", "d"));
    let root = DeTable::parse(&text).unwrap().into_inner();
    for section in SECTIONS {
        let errors = parse(&format!(
            "[{section}]\nzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz = 1"
        ))
        .unwrap_err();
        let remedy = &errors.errors[0].remedy;
        let known = remedy.strip_prefix("known here: ").unwrap();
        let mut known: Vec<&str> = known.split(", ").collect();
        known.sort_unstable();
        let table = root.get(section).unwrap().get_ref().as_table().unwrap();
        let named: Vec<&str> = table.keys().map(|key| key.get_ref().as_ref()).collect();
        assert_eq!(named, known, "[{section}]");
    }
}

#[test]
fn client_addresses_follow_the_listeners_and_paths_the_file() {
    let config = parse(
        "exchange.listen = \"[::]:1\"\ncontrol.listen = \"10.1.2.3:2\"\n\
         tls.authority = \"/etc/pki/ca.pem\"\ntls.key = \"k.pem\"",
    )
    .unwrap();
    assert_eq!(config.client.exchange.to_string(), "localhost:1");
    assert_eq!(config.client.control.to_string(), "10.1.2.3:2");
    assert_eq!(config.client.authority, Path::new("/etc/pki/ca.pem"));
    assert_eq!(config.tls.key, Path::new("/etc/ndxp/k.pem"));
}

#[test]
fn a_path_starts_once_at_the_folder_of_a_file_that_is_named_relatively() {
    let config = Config::parse(Path::new("hub/ndxp.toml"), "tls.authority = \"ca.pem\"").unwrap();
    assert_eq!(config.tls.authority, Path::new("hub/ca.pem"));
    assert_eq!(config.client.authority, Path::new("hub/ca.pem"));
    assert_eq!(config.client.key, Path::new("hub/pki/operator/key.pem"));
}

#[track_caller]
fn check_refused(text: &str, expected: &[&str]) {
    let errors = parse(text).unwrap_err().to_string();
    assert_eq!(errors.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn every_fault_names_file_line_key_value_and_remedy() {
    let rows: [(&str, &[&str]); 17] = [
        (
            "[hub]\nnoed = \"a\"",
            &["/etc/ndxp/ndxp.toml:2: hub.noed = \"a\": unknown key; did you mean node?"],
        ),
        (
            "\n[exchang]\nlisten = \"x\"",
            &["/etc/ndxp/ndxp.toml:2: exchang: unknown section; did you mean exchange?"],
        ),
        (
            "node = \"a\"",
            &[
                "/etc/ndxp/ndxp.toml:1: node = \"a\": unknown key; known here: hub, exchange, \
               control, observe, tls, journal, limits, client",
            ],
        ),
        (
            "tls = 3",
            &["/etc/ndxp/ndxp.toml:1: tls = 3: is no section; write it as a section, [tls]"],
        ),
        (
            "[limits]\ndeadline_ms_max = 0",
            &[
                "/etc/ndxp/ndxp.toml:2: limits.deadline_ms_max = 0: is not between 1 and 3600000; \
                 write a whole number from 1 to 3600000",
            ],
        ),
        (
            "[limits]\nscans_max = -1",
            &[
                "/etc/ndxp/ndxp.toml:2: limits.scans_max = -1: is not between 1 and 64; \
               write a whole number from 1 to 64",
            ],
        ),
        (
            "[limits]\nscans_max = 99999999999999999999999",
            &[
                "/etc/ndxp/ndxp.toml:2: limits.scans_max = 99999999999999999999999: is not between \
               1 and 64; write a whole number from 1 to 64",
            ],
        ),
        (
            "[limits]\nscans_max = \"4\"",
            &[
                "/etc/ndxp/ndxp.toml:2: limits.scans_max = \"4\": is not a whole number; \
               write a whole number",
            ],
        ),
        (
            "[limits]\ndeadline_ms_default = 2_000\ndeadline_ms_max = 1_000",
            &[
                "/etc/ndxp/ndxp.toml:2: limits.deadline_ms_default = 2000: is above \
               deadline_ms_max, 1000; write a default that is at most the maximum",
            ],
        ),
        (
            "[hub]\ntime_zone = \"Asia/Hanoi\"",
            &[
                "/etc/ndxp/ndxp.toml:2: hub.time_zone = \"Asia/Hanoi\": time zone \"Asia/Hanoi\" is \
               not valid: an IANA time zone such as Asia/Ho_Chi_Minh; write a value of that form",
            ],
        ),
        (
            "[hub]\nnode = \"Hub 1\"",
            &[
                "/etc/ndxp/ndxp.toml:2: hub.node = \"Hub 1\": is not valid; write 1 to 63 \
               lower-case letters, digits and hyphens",
            ],
        ),
        (
            "[hub]\ntrust_domain = \"ndxp..vn\"",
            &[
                "/etc/ndxp/ndxp.toml:2: hub.trust_domain = \"ndxp..vn\": is not valid; write \
               lower-case labels joined by dots, such as ndxp.gov.vn",
            ],
        ),
        (
            "[control]\nlisten = \"localhost:7444\"",
            &[
                "/etc/ndxp/ndxp.toml:2: control.listen = \"localhost:7444\": is not a numeric \
               address and a port, such as 0.0.0.0:7443 or [::]:7443; write a value of that form",
            ],
        ),
        (
            "[client]\ncontrol = \"hub\"",
            &[
                "/etc/ndxp/ndxp.toml:2: client.control = \"hub\": is not host:port, such as \
               ndxp.gov.vn:7443 or [::1]:7443; write a value of that form",
            ],
        ),
        (
            "[tls]\nkey = \"\"\ncertificate = 1",
            &[
                "/etc/ndxp/ndxp.toml:2: tls.key = \"\": is empty; write a path",
                "/etc/ndxp/ndxp.toml:3: tls.certificate = 1: is not a path in quotes; write a \
                 path in quotes",
            ],
        ),
        (
            "[journal]\nsegment_bytes = 0x10\n[hub]\ncores = 1.5\n",
            &[
                "/etc/ndxp/ndxp.toml:2: journal.segment_bytes = 0x10: is not between 1048576 and \
                 1073741824; write a whole number from 1048576 to 1073741824",
                "/etc/ndxp/ndxp.toml:4: hub.cores = 1.5: is not a whole number; write a whole number",
            ],
        ),
        (
            "[hub]\nnode = \"a\"\nnode = \"b\"",
            &[
                "/etc/ndxp/ndxp.toml:3: is no TOML: duplicate key; write sections as [name] and \
               keys as name = value",
            ],
        ),
    ];
    for (text, expected) in rows {
        check_refused(text, expected);
    }
}

#[test]
fn listeners_do_not_share_a_port() {
    check_refused(
        "[exchange]\nlisten = \"127.0.0.1:7445\"",
        &[
            "/etc/ndxp/ndxp.toml:2: exchange.listen = 127.0.0.1:7445: is also the address of \
           observe.listen; give each listener a port of its own",
        ],
    );
}

#[test]
fn listeners_may_leave_the_port_to_the_machine() {
    let text = "exchange.listen = \"127.0.0.1:0\"\ncontrol.listen = \"127.0.0.1:0\"";
    assert_eq!(parse(text).unwrap().control.listen.port(), 0);
}

#[test]
fn a_file_that_is_not_there_is_named_with_a_remedy() {
    let errors = Config::load(Path::new("/nowhere/ndxp.toml")).unwrap_err();
    let text = errors.to_string();
    assert!(
        text.starts_with("/nowhere/ndxp.toml: cannot be read: "),
        "{text}"
    );
    assert!(text.contains("ndxp init"), "{text}");
}
