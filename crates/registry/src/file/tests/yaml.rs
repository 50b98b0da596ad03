//! YAML beside TOML: the same catalogue, the same errors; and what YAML alone can get wrong.

use super::*;
use crate::file::{CatalogueFile, parse_catalogues};

fn parse_yaml(text: &str) -> v1::Catalogue {
    parse_catalogue("c.yaml", text, &Zone::viet_nam()).unwrap_or_else(|e| panic!("{e}"))
}

#[track_caller]
fn check_yaml(text: &str, expected: &str) {
    let refused = parse_catalogue("c.yaml", text, &Zone::viet_nam()).unwrap_err();
    assert_eq!(refused.to_string(), expected);
}

#[test]
fn both_languages_say_the_same() {
    let yaml = r#"
# Fixture
member:
  - code: H26
    name_vi: Hà Nội
    class: province
    aliases: [000.00.00.H26]
  - {code: G01, name_vi: "Bộ \"Công\" an", class: ministry, state: suspended}
system:
- id: H26/lgsp
  kind: lgsp
  endpoints:
    - a:1
    - "b:2"
  rate_per_second_max: 1000
  maintenance:
    - from: 2026-01-01T00:00:00+07:00
      until: 2026-01-02
      notice: nâng cấp
grant:
  - consumer: H26/lgsp
    provider: G01/population
    service: test.Population
    valid_from: 2026-01-01
    concurrency_max: 0x10
"#;
    let toml = r#"
[[member]]
code = "H26"
name_vi = "Hà Nội"
class = "province"
aliases = ["000.00.00.H26"]
[[member]]
code = "G01"
name_vi = "Bộ \"Công\" an"
class = "ministry"
state = "suspended"
[[system]]
id = "H26/lgsp"
kind = "lgsp"
endpoints = ["a:1", "b:2"]
rate_per_second_max = 1000
maintenance = [{ from = "2026-01-01T00:00:00+07:00", until = "2026-01-02", notice = "nâng cấp" }]
[[grant]]
consumer = "H26/lgsp"
provider = "G01/population"
service = "test.Population"
valid_from = "2026-01-01"
concurrency_max = 16
"#;
    assert_eq!(parse_yaml(yaml), parse(toml));
    for empty in ["", "# nothing\n", "---\n", "member: []\n"] {
        assert_eq!(parse_yaml(empty), v1::Catalogue::default(), "{empty:?}");
    }
}

const MEMBER: &str = "member:\n  - code: H26\n    name_vi: x\n    class: province\n";

#[test]
fn errors_are_those_of_toml() {
    let rows = [
        (
            "    colour: red\n",
            "c.yaml:5: member H26: \"colour\": no such key; known are code, name_vi, name_en, \
             class, state, aliases, successor",
        ),
        (
            "    state: gone\n",
            "c.yaml:5: member H26: state = \"gone\": is none of the words that are known; write \
             active, suspended, proposed, declined or closed",
        ),
        (
            "    name_en: 12\n",
            "c.yaml:5: member H26: name_en = 12: is a number; write a text in quotes",
        ),
        (
            "    name_en: ~\n",
            "c.yaml:5: member H26: name_en = ~: is nothing; write a text in quotes",
        ),
        (
            "    aliases: [H26]\n",
            "c.yaml:5: member H26: aliases = \"H26\": does not have the form that is wanted; \
             write the old form of a code, which reads right to left, such as 000.00.00.H53",
        ),
    ];
    for (line, expected) in rows {
        check_yaml(&format!("{MEMBER}{line}"), expected);
    }
    check_yaml(
        &format!("{MEMBER}  - code: H26\n    name_vi: y\n    class: agency\n"),
        "c.yaml:5: member H26: stands twice; it stands first at c.yaml:2; join the two, or take \
         one out",
    );
    check_yaml(
        "member:\n  code: H26\n",
        "c.yaml:2: member number 1: is a table; write a list of tables under the kind, such as \
         member:",
    );
}

#[test]
fn what_is_not_plain_yaml_is_named_with_its_line() {
    let rows = [
        (
            "member:\n  - code: &a H26\n",
            "c.yaml:2: \"&a H26\": is not YAML: anchors are not taken",
        ),
        ("a: &a [1]\nb: *a\n", "c.yaml:1: "),
        ("member:\n  - code: !!int 26\n", "tags are not taken"),
        (
            "member: []\nmember: []\n",
            "c.yaml:2: \"member\": is not YAML: duplicate key",
        ),
        (
            "member: []\n---\nmember: []\n",
            "c.yaml:2: \"---\": is not YAML: a second document",
        ),
        ("- a\n", "the document is a list, not a table of kinds"),
        ("[[[[[[[[[[[[1]]]]]]]]]]]]\n", "nest too deeply"),
        ("member: [\n", "is not YAML: "),
        ("? [a]\n: b\n", "a key is a text"),
        ("member:\n\t- x\n", "is not YAML: "),
    ];
    for (text, expected) in rows {
        let refused = parse_catalogue("c.yaml", text, &Zone::viet_nam()).unwrap_err();
        let told = refused.to_string();
        assert!(told.contains(expected), "{text:?}: {told}");
        assert_eq!(told.lines().count(), 1, "{told}");
        assert!(told.ends_with("write YAML 1.2"), "{told}");
    }
}

#[test]
fn deep_nesting_and_long_texts_end_soon() {
    for text in [
        "[".repeat(100_000),
        "- ".repeat(100_000),
        "{a: ".repeat(100_000),
    ] {
        let refused = parse_catalogue("c.yaml", &text, &Zone::viet_nam());
        assert!(refused.is_err());
    }
    let text = "#".repeat(FILE_BYTES_MAX + 1);
    check_yaml(
        &text,
        "c.yaml:1: the file has 10000001 bytes, more than 10000000; split it into several files",
    );
}

#[test]
fn several_files_are_one_catalogue() {
    let file = |name: &'static str, text: &'static str| CatalogueFile { name, text };
    let member = "[[member]]\ncode = \"H26\"\nname_vi = \"x\"\nclass = \"province\"\n";
    let yaml = "system:\n  - {id: H26/lgsp, kind: lgsp}\n";
    let zone = Zone::viet_nam();
    let files = [file("a.toml", member), file("b.yml", yaml)];
    let parsed = parse_catalogues(&files, &zone).unwrap();
    assert_eq!(
        (
            parsed.catalogue.members.len(),
            parsed.catalogue.systems.len()
        ),
        (1, 1)
    );

    let twice = [
        file("a.toml", member),
        file("b.yaml", MEMBER),
        file("c.toml", "x = 1"),
    ];
    let told = parse_catalogues(&twice, &zone).unwrap_err().to_string();
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(
        lines,
        [
            "b.yaml:2: member H26: stands twice; it stands first at a.toml:1; join the two, or take \
             one out",
            "c.toml:1: \"x\": no such key; known are member, system, service, grant",
        ]
    );
}

#[test]
fn errors_of_the_hub_are_told_with_file_and_line() {
    let text = "\n[[system]]\nid = \"H99/lgsp\"\nkind = \"lgsp\"\nname = \"x\"\n\n[[grant]]\n\
                consumer = \"H99/lgsp\"\nprovider = \"G01/none\"\nservice = \"test.A\"\n";
    let zone = Zone::viet_nam();
    let file = CatalogueFile {
        name: "c.toml",
        text,
    };
    let parsed = parse_catalogues(&[file], &zone).unwrap();
    let errors = Registry::empty().plan(&parsed.catalogue).unwrap_err();
    let told = parsed.lines.placed(&errors.to_string());
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(
        lines,
        [
            "c.toml:3: system H99/lgsp: id = \"H99/lgsp\": there is no member H99; register the \
             member H99 before, or in the same catalogue",
            "c.toml:9: grant H99/lgsp>G01/none/test.A: provider = \"G01/none\": there is no system \
             G01/none; register the system G01/none before, or in the same catalogue",
        ]
    );
    assert_eq!(parsed.lines.placed("something else"), "something else");
}

#[test]
fn every_error_is_one_line_whatever_the_file_says() {
    let sound = crate::write_catalogue(&parse(SMALL), crate::CatalogueFormat::Yaml);
    for seed in 0..20 {
        let mut random = fastrand::Rng::with_seed(seed);
        for _ in 0..50 {
            let mut bytes = sound.as_bytes().to_vec();
            for _ in 0..random.usize(1..8) {
                let at = random.usize(..bytes.len());
                match random.u8(..4) {
                    0 => bytes[at] = random.u8(..),
                    1 => drop(bytes.remove(at)),
                    2 => bytes.insert(at, *random.choice(b"\"'[]{}:,.#\n\\0-\t&*!|>%@?~").unwrap()),
                    _ => bytes.truncate(at.max(1)),
                }
            }
            let text = String::from_utf8_lossy(&bytes);
            let Err(errors) = parse_catalogue("c.yaml", &text, &Zone::viet_nam()) else {
                continue;
            };
            let told = errors.to_string();
            let expected = errors.errors.len() + usize::from(errors.omitted > 0);
            assert_eq!(told.lines().count(), expected, "seed {seed}: {told}");
            let in_file = |error: &crate::CatalogueError| matches!(error.place, Place::Line { .. });
            assert!(errors.errors.iter().all(in_file), "seed {seed}: {told}");
        }
    }
}
