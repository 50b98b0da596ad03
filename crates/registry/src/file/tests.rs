use std::path::Path;

use ndxp_model::MemberCode;

use super::*;
use crate::fixture::{SMALL, parse, refused};
use crate::limits::ERRORS_LISTED_MAX;
use crate::{Place, Registry};

#[test]
fn a_file_says_what_the_contract_carries() {
    let catalogue = parse(
        r#"
        [[member]]
        code = "G01"
        name_vi = "Bộ Công an"
        name_en = "Ministry of Public Security"
        class = "ministry"
        state = "suspended"
        [[system]]
        id = "G01/population"
        kind = "database"
        name = "Dân cư"
        endpoints = ["b:2", "a:1"]
        fingerprints = ["0000000000000000000000000000000000000000000000000000000000000001"]
        [[service]]
        provider = "G01/population"
        name = "test.Population"
        disabled = true
        notice = "bảo trì"
        measures = ["records"]
        deadline_ms_max = 30_000
        [[grant]]
        consumer = "H26/lgsp"
        provider = "G01/population"
        service = "test.Population"
        methods = ["B", "A"]
        valid_from = 2026-01-01
        valid_until = "2026-12-31T23:59:59+07:00"
        rate_per_second_max = 0x64
        concurrency_max = 10
        "#,
    );
    let member = v1::Member {
        code: "G01".to_owned(),
        name_vi: "Bộ Công an".to_owned(),
        name_en: "Ministry of Public Security".to_owned(),
        class: v1::MemberClass::Ministry.into(),
        state: v1::State::Suspended.into(),
    };
    let system = v1::System {
        id: "G01/population".to_owned(),
        kind: v1::SystemKind::Database.into(),
        name: "Dân cư".to_owned(),
        endpoints: vec!["b:2".to_owned(), "a:1".to_owned()],
        fingerprints: vec![format!("{:064}", 1)],
        state: v1::State::Unspecified.into(),
    };
    let service = v1::Service {
        provider: "G01/population".to_owned(),
        name: "test.Population".to_owned(),
        disabled: true,
        notice: "bảo trì".to_owned(),
        measures: vec!["records".to_owned()],
        deadline_ms_max: 30_000,
    };
    let grant = v1::Grant {
        id: String::new(),
        consumer: "H26/lgsp".to_owned(),
        provider: "G01/population".to_owned(),
        service: "test.Population".to_owned(),
        methods: vec!["B".to_owned(), "A".to_owned()],
        // 2025-12-31T17:00:00Z and 2026-12-31T16:59:59Z.
        valid_from_us: 1_767_200_400_000_000,
        valid_until_us: 1_798_736_399_000_000,
        rate_per_second_max: 100,
        concurrency_max: 10,
    };
    let expected = v1::Catalogue {
        members: vec![member],
        systems: vec![system],
        services: vec![service],
        grants: vec![grant],
    };
    assert_eq!(catalogue, expected);
}

#[test]
fn an_empty_file_is_an_empty_catalogue() {
    assert_eq!(parse(""), v1::Catalogue::default());
    assert_eq!(parse("# nothing\n"), v1::Catalogue::default());
}

/// The error lines of the text.
#[track_caller]
fn check(text: &str, expected: &str) {
    assert_eq!(refused(text).join("\n"), expected);
}

#[test]
fn what_is_not_toml_is_named_with_its_line() {
    check(
        "[[member]]\ncode = \"H26\nname_vi = \"Hà Nội\"",
        "c.toml:2: is not TOML: invalid basic string, expected `\"`; write TOML 1.0",
    );
    check(
        "[[member]]\ncode = \"H26\"\ncode = \"H27\"",
        "c.toml:3: \"code\": is not TOML: duplicate key; write TOML 1.0",
    );
}

#[test]
fn a_file_of_the_wrong_shape_is_refused() {
    check(
        "[[members]]\ncode = \"H26\"",
        "c.toml:1: \"members\": no such key; did you mean member?",
    );
    check(
        "[[nothing_of_the_kind]]",
        "c.toml:1: \"nothing_of_the_kind\": no such key; known are member, system, service, grant",
    );
    check(
        "\n[member]\ncode = \"H26\"",
        "c.toml:2: member number 1: is a table; write a table of its own under a head in double brackets, \
         such as [[member]]",
    );
    check(
        "member = [\n1]",
        "c.toml:2: member number 1: 1: is a number; write a table of its own under a head in double brackets, \
         such as [[member]]",
    );
}

const MEMBER: &str = "[[member]]\ncode = \"H26\"\nname_vi = \"Hà Nội\"\nclass = \"province\"\n";
const SYSTEM: &str = "[[system]]\nid = \"H26/lgsp\"\nkind = \"lgsp\"\n";
const SERVICE: &str = "[[service]]\nprovider = \"G01/population\"\nname = \"test.Population\"\n";
const GRANT: &str = "[[grant]]\nconsumer = \"H26/lgsp\"\nprovider = \"G01/population\"\n\
                     service = \"test.Population\"\n";

/// The item with a line more, which stands at line 4 or, in a grant, line 5.
#[track_caller]
fn check_line(item: &str, line: &str, expected: &str) {
    check(&format!("{item}{line}\n"), expected);
}

#[test]
fn a_mistyped_key_is_told_its_neighbour() {
    check(
        "[[member]]\ncode = \"H26\"\nname_vn = \"x\"\nname_vi = \"Hà Nội\"\nclass = \"province\"",
        "c.toml:3: member H26: \"name_vn\": no such key; did you mean name_vi?",
    );
    check_line(
        SYSTEM,
        "endpoint = [\"a:1\"]",
        "c.toml:4: system H26/lgsp: \"endpoint\": no such key; did you mean endpoints?",
    );
    check_line(
        GRANT,
        "id = \"x\"",
        "c.toml:5: grant H26/lgsp>G01/population/test.Population: \"id\": no such key; known are \
         consumer, provider, service, methods, valid_from, valid_until, rate_per_second_max, \
         concurrency_max",
    );
}

#[test]
fn a_missing_key_is_named() {
    check(
        "\n[[member]]\nname_vi = \"Hà Nội\"\nclass = \"province\"",
        "c.toml:2: member number 1: code: the key is missing; write the member's code, such as H26",
    );
    assert_eq!(
        refused("[[system]]\n[[grant]]"),
        [
            "c.toml:1: system number 1: id: the key is missing; write member/system, such as \
             H26/lgsp",
            "c.toml:1: system number 1: kind: the key is missing; write lgsp, database or \
             information_system",
            "c.toml:2: grant number 1: consumer: the key is missing; write the system that may call",
            "c.toml:2: grant number 1: provider: the key is missing; write the system that offers \
             the service",
            "c.toml:2: grant number 1: service: the key is missing; write the full name of the \
             gRPC service",
        ]
    );
}

#[test]
fn a_value_of_the_wrong_type_is_named() {
    let rows = [
        (
            MEMBER,
            "name_en = 5",
            "c.toml:4: member H26: name_en = 5: is a number; write a text in \
             quotes",
        ),
        (
            SYSTEM,
            "endpoints = \"a:1\"",
            "c.toml:4: system H26/lgsp: endpoints = \"a:1\": is a text; write a list of texts, such as [\"a\", \"b\"]",
        ),
        (
            SYSTEM,
            "endpoints = [\n\"a:1\",\n2.5]",
            "c.toml:6: system H26/lgsp: endpoints = 2.5: is a number with a fraction; write a list of texts, such as [\"a\", \"b\"]",
        ),
        (
            SERVICE,
            "disabled = \"yes\"",
            "c.toml:4: service G01/population/test.Population: disabled = \"yes\": is a text; write true or false",
        ),
        (
            SERVICE,
            "deadline_ms_max = -1",
            "c.toml:4: service G01/population/test.Population: deadline_ms_max = -1: does not \
             have the form that is wanted; write a whole number, 0 or more",
        ),
        (
            SERVICE,
            "deadline_ms_max = true",
            "c.toml:4: service G01/population/test.Population: deadline_ms_max = true: is a truth \
             value; write a whole number, 0 or more",
        ),
    ];
    for (item, line, expected) in rows {
        let item = if item == MEMBER {
            "[[member]]\ncode = \"H26\"\nname_vi = \"Hà Nội\"\nLINE\nclass = \"province\"\n"
                .replace("LINE", line)
        } else {
            format!("{item}{line}\n")
        };
        check(&item, expected);
    }
}

#[test]
fn a_member_is_checked() {
    let member = |code: &str, more: &str| {
        format!("[[member]]\ncode = \"{code}\"\nname_vi = \"x\"\nclass = \"province\"\n{more}")
    };
    check(
        &member("000.00.00.H53", ""),
        "c.toml:2: member 000.00.00.H53: code = \"000.00.00.H53\": is the old form of a code, \
         which reads right to left; write H53",
    );
    check(
        &member("h53", ""),
        "c.toml:2: member h53: code = \"h53\": does not have the form that is wanted; write a code \
         such as H26 or H26.12: a letter, two digits, then groups of digits and capitals behind \
         full stops; at most 35 characters",
    );
    check(
        &member("H26", "state = \"gone\""),
        "c.toml:5: member H26: state = \"gone\": is none of the words that are known; write active \
         or suspended",
    );
    check(
        &member("H26", &format!("name_en = \"{}\"", "x".repeat(201))),
        &format!(
            "c.toml:5: member H26: name_en = \"{}\"…: has 201 characters, more than 200; shorten it",
            "x".repeat(80)
        ),
    );
    check(
        &member("H26", "name_en = \"a\\nb\""),
        "c.toml:5: member H26: name_en = \"a\\nb\": holds a control character such as a line break; \
         write it in one line of plain text",
    );
    check(
        "[[member]]\ncode = \"H26\"\nname_vi = \" \"\nclass = \"city\"",
        "c.toml:3: member H26: name_vi = \" \": does not have the form that is wanted; write the member's name in \
         Vietnamese\n\
         c.toml:4: member H26: class = \"city\": is none of the words that are known; write \
         province, ministry, agency or enterprise",
    );
}

#[test]
fn a_system_is_checked() {
    check(
        "[[system]]\nid = \"000.00.00.H53/lgsp\"\nkind = \"lgsp\"",
        "c.toml:2: system 000.00.00.H53/lgsp: id = \"000.00.00.H53/lgsp\": is the old form of a \
         code, which reads right to left; write H53/lgsp",
    );
    check(
        "[[system]]\nid = \"H53/LGSP\"\nkind = \"lgsp\"",
        "c.toml:2: system H53/LGSP: id = \"H53/LGSP\": does not have the form that is wanted; write \
         member/system such as H26/lgsp; behind the stroke lower-case letters, digits and hyphens, \
         at most 63 characters",
    );
    check_line(
        SYSTEM,
        "endpoints = [\n  \"a:1\",\n  \"https://a:1\",\n]",
        "c.toml:6: system H26/lgsp: endpoints = \"https://a:1\": does not have the form that is \
         wanted; write host:port without a scheme or path, such as lgsp.hanoi.example:9001, \
         10.0.0.5:9001 or [2001:db8::5]:9001",
    );
    check_line(
        SYSTEM,
        "endpoints = [\"a:1\", \"a:1\"]",
        "c.toml:4: system H26/lgsp: endpoints = \"a:1\": stands twice in the list; take one of the \
         two out",
    );
    check_line(
        SYSTEM,
        &format!("endpoints = [{}]", "\"a:1\",".repeat(17)),
        "c.toml:4: system H26/lgsp: endpoints: lists 17, more than 16; list at most 16",
    );
    check_line(
        SYSTEM,
        "fingerprints = [\"AB:CD\"]",
        "c.toml:4: system H26/lgsp: fingerprints = \"AB:CD\": does not have the form that is \
         wanted; write 64 lower-case hexadecimal digits, as openssl x509 -noout -fingerprint \
         -sha256 prints them, without the colons",
    );
    let claimed = format!("fingerprints = [\"{}\"]\n", "ab".repeat(32));
    check(
        &format!("{SYSTEM}{claimed}[[system]]\nid = \"H27/lgsp\"\nkind = \"lgsp\"\n{claimed}"),
        &format!(
            "c.toml:8: system H27/lgsp: fingerprints = \"{}\": is claimed by H26/lgsp too; a \
             certificate proves one system only: take it from one of the two",
            "ab".repeat(32)
        ),
    );
}

#[test]
fn a_service_is_checked() {
    check(
        "[[service]]\nprovider = \"G01\"\nname = \"a/b\"",
        "c.toml:2: service G01/a/b: provider = \"G01\": does not have the form that is wanted; \
         write member/system such as H26/lgsp; behind the stroke lower-case letters, digits and \
         hyphens, at most 63 characters\n\
         c.toml:3: service G01/a/b: name = \"a/b\": does not have the form that is wanted; write \
         the full name of the gRPC service, such as \
         ndxp.example.population.v1.PopulationService; at most 255 characters",
    );
    check_line(
        SERVICE,
        "measures = [\"Records\"]",
        "c.toml:4: service G01/population/test.Population: measures = \"Records\": does not have \
         the form that is wanted; write a lower-case letter, then lower-case letters, digits and \
         underscores, such as records or amount_vnd; at most 63 characters",
    );
    check_line(
        SERVICE,
        "deadline_ms_max = 86_400_001",
        "c.toml:4: service G01/population/test.Population: deadline_ms_max = 86400001: is more \
         than 86400000; write at most 86400000",
    );
    check_line(
        SERVICE,
        "deadline_ms_max = 99999999999999999999",
        "c.toml:4: service G01/population/test.Population: deadline_ms_max = \
         99999999999999999999: is more than 18446744073709551615; write at most \
         18446744073709551615",
    );
}

#[test]
fn a_grant_is_checked() {
    const LABEL: &str = "grant H26/lgsp>G01/population/test.Population";
    check(
        "[[grant]]\nconsumer = \"H26/lgsp\"\nprovider = \"H26/lgsp\"\nservice = \"test.A\"",
        "c.toml:3: grant H26/lgsp>H26/lgsp/test.A: provider = \"H26/lgsp\": consumer and provider \
         are the same system; take the grant out; a system needs no hub to call itself",
    );
    let rows = [
        (
            "methods = [\"Verify\", \"test.Population/Verify\"]",
            "methods = \"test.Population/Verify\": does not have the form that is wanted; write \
             the method's name alone, such as VerifyIdentity, without service or stroke; at most \
             255 characters",
        ),
        (
            "rate_per_second_max = 4294967296",
            "rate_per_second_max = 4294967296: is more than 4294967295; write at most 4294967295",
        ),
        (
            "valid_from = \"1/1/2026\"",
            "valid_from = \"1/1/2026\": does not have the form that is wanted; write a date such \
             as 2026-12-31, which is local and means the whole day, or an instant with its offset \
             such as 2026-12-31T17:00:00+07:00",
        ),
        (
            "valid_until = 2026-12-31T17:00:00",
            "valid_until = 2026-12-31T17:00:00: does not have the form that is wanted; write a \
             date such as 2026-12-31, which is local and means the whole day, or an instant with \
             its offset such as 2026-12-31T17:00:00+07:00",
        ),
    ];
    for (line, expected) in rows {
        check_line(GRANT, line, &format!("c.toml:5: {LABEL}: {expected}"));
    }
    check_line(
        GRANT,
        "valid_from = \"2026-02-02\"\nvalid_until = \"2026-02-01\"",
        "c.toml:6: grant H26/lgsp>G01/population/test.Population: valid_until: the grant ends at \
         2026-02-01T17:00:00Z, not after its start at 2026-02-01T17:00:00Z; move valid_until \
         behind valid_from",
    );
}

#[test]
fn an_item_that_stands_twice_is_named_with_both_places() {
    for (item, label, second) in [
        (MEMBER, "member H26", 5),
        (SYSTEM, "system H26/lgsp", 4),
        (SERVICE, "service G01/population/test.Population", 4),
        (GRANT, "grant H26/lgsp>G01/population/test.Population", 5),
    ] {
        check(
            &format!("{item}{item}"),
            &format!(
                "c.toml:{second}: {label}: stands twice; it stands first at c.toml:1; join the \
                 two, or take one out"
            ),
        );
    }
}

#[test]
fn all_errors_are_told_in_the_order_of_the_file() {
    let lines = refused(
        "[[grant]]\nconsumer = \"x\"\nprovider = \"G01/population\"\nservice = \"test.A\"\n\
         colour = \"red\"\n[[member]]\ncode = \"H1\"\nname_vi = \"x\"\nclass = 1\n[[sistem]]\n",
    );
    let places: Vec<&str> = lines
        .iter()
        .filter_map(|line| line.split(": ").next())
        .collect();
    assert_eq!(
        places,
        ["c.toml:2", "c.toml:5", "c.toml:7", "c.toml:9", "c.toml:10"],
        "{lines:#?}"
    );
}

#[test]
fn errors_beyond_what_a_person_reads_are_counted() {
    let text = "[[member]]\ncode = \"x\"\nname_vi = \"x\"\nclass = \"province\"\n"
        .repeat(ERRORS_LISTED_MAX);
    // Each is malformed, and all but the first stand twice.
    let errors = parse_catalogue("c.toml", &text, &Zone::viet_nam()).unwrap_err();
    assert_eq!(errors.errors.len(), ERRORS_LISTED_MAX);
    assert_eq!(errors.omitted, ERRORS_LISTED_MAX - 1);
    assert!(errors.to_string().ends_with("\nand 99 more"), "{errors}");
}

#[test]
fn a_file_beyond_the_limit_is_not_even_parsed() {
    let text = "#".repeat(FILE_BYTES_MAX + 1);
    check(
        &text,
        "c.toml:1: the file has 10000001 bytes, more than 10000000; split it into several files",
    );
    parse(&text[1..]);
}

#[test]
fn every_error_is_one_line_whatever_the_file_says() {
    for seed in 0..20 {
        let mut random = fastrand::Rng::with_seed(seed);
        for _ in 0..50 {
            let mut bytes = SMALL.as_bytes().to_vec();
            for _ in 0..random.usize(1..8) {
                let at = random.usize(..bytes.len());
                match random.u8(..4) {
                    0 => bytes[at] = random.u8(..),
                    1 => drop(bytes.remove(at)),
                    2 => bytes.insert(at, *random.choice(b"\"'[]{}=,.#\n\\0-Tz").unwrap()),
                    _ => bytes.truncate(at.max(1)),
                }
            }
            let text = String::from_utf8_lossy(&bytes);
            let Err(errors) = parse_catalogue("c.toml", &text, &Zone::viet_nam()) else {
                continue;
            };
            let lines = errors.to_string().lines().count();
            let expected = errors.errors.len() + usize::from(errors.omitted > 0);
            assert_eq!(lines, expected, "seed {seed}: {errors}");
            let line_max = text.lines().count() + 1;
            for error in &errors.errors {
                let Place::Line { line, .. } = &error.place else {
                    panic!("seed {seed}: {error} has no line");
                };
                assert!((1..=line_max).contains(line), "seed {seed}: {error}");
            }
        }
    }
}

fn example(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/example");
    std::fs::read_to_string(path.join(name)).unwrap()
}

#[test]
fn the_example_catalogue_can_be_applied_to_an_empty_registry() {
    let catalogue = parse(&example("catalogue.toml"));
    let plan = Registry::empty().plan(&catalogue).unwrap();
    let items = catalogue.members.len()
        + catalogue.systems.len()
        + catalogue.services.len()
        + catalogue.grants.len();
    assert_eq!(plan.changes.len(), items);
}

#[test]
fn the_example_members_have_codes_and_classes_that_can_be_registered() {
    let text = example("members.csv");
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("code,name,class,successor_2025,source"));
    let rows: Vec<Vec<&str>> = lines.map(|line| line.split(',').collect()).collect();
    let codes: Vec<MemberCode> = rows.iter().map(|row| row[0].parse().unwrap()).collect();
    for row in &rows {
        assert_eq!(row.len(), 5, "{row:?}");
        assert!(
            words::CLASSES.iter().any(|(word, _)| *word == row[2]),
            "{row:?}"
        );
        let successor = row[3];
        assert!(
            successor.is_empty() || codes.iter().any(|code| code.as_str() == successor),
            "{row:?}"
        );
    }
    let provinces = rows.iter().filter(|row| row[2] == "province").count();
    assert_eq!(provinces, 63);
}
