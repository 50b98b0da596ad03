//! The file as a whole: its shape, its errors, the example. Its items are in `items`.

use std::path::Path;

use ndxp_model::MemberCode;

use super::*;
use crate::fixture::{SMALL, parse, refused};
use crate::limits::ERRORS_LISTED_MAX;
use crate::{Place, Registry};

mod items;
mod yaml;

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
        ..Default::default()
    };
    let system = v1::System {
        id: "G01/population".to_owned(),
        kind: v1::SystemKind::Database.into(),
        name: "Dân cư".to_owned(),
        endpoints: vec!["b:2".to_owned(), "a:1".to_owned()],
        fingerprints: vec![format!("{:064}", 1)],
        ..Default::default()
    };
    let service = v1::Service {
        provider: "G01/population".to_owned(),
        name: "test.Population".to_owned(),
        disabled: true,
        notice: "bảo trì".to_owned(),
        measures: vec!["records".to_owned()],
        deadline_ms_max: 30_000,
        ..Default::default()
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
        ..Default::default()
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
