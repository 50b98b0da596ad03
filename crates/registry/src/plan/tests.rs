//! Plans: what would change, told field by field, and what is refused.

use std::fmt::Write as _;

use super::*;
use crate::fixture::{SMALL, apply, parse, registry};
use crate::limits::MEMBERS_MAX;

mod bad_input;

/// The differences as lines: `+ item` for an added one, `item: field: before → after`.
fn told(plan: &Plan) -> Vec<String> {
    let mut lines = Vec::new();
    for difference in &plan.differences {
        if difference.added {
            lines.push(format!("+ {}", difference.item));
        }
        for field in &difference.fields {
            let v1::FieldDifference {
                field,
                before,
                after,
            } = field;
            lines.push(format!("{}: {field}: {before} → {after}", difference.item));
        }
    }
    lines
}

#[track_caller]
fn check(standing: &[&str], wanted: &str, expected: &[&str]) {
    let registry = registry(standing);
    let plan = registry.plan(&parse(wanted)).unwrap();
    assert_eq!(told(&plan), expected);
    let replaces = |change: &&v1::Change| match &change.item {
        Some(v1::change::Item::Grant(grant)) => grant.state() == v1::GrantState::Replaced,
        _ => false,
    };
    let replaced = plan.changes.iter().filter(replaces).count();
    assert_eq!(plan.changes.len() - replaced, plan.differences.len());
}

#[track_caller]
fn check_refused(standing: &[&str], wanted: &str, expected: &[&str]) {
    let errors = registry(standing).plan(&parse(wanted)).unwrap_err();
    let lines: Vec<String> = errors.to_string().lines().map(str::to_owned).collect();
    assert_eq!(lines, expected);
}

#[test]
fn planning_what_stands_changes_nothing() {
    check(&[SMALL], SMALL, &[]);
    check(&[], "", &[]);
}

#[test]
fn an_exported_registry_can_be_planned_and_changes_nothing() {
    let registry = registry(&[SMALL]);
    let exported = v1::Catalogue {
        members: registry.members(),
        systems: registry.systems(),
        services: registry.services(),
        grants: registry.grants(),
    };
    assert_eq!(registry.plan(&exported), Ok(Plan::default()));
}

const MEMBERS: &str = r#"
    [[member]]
    code = "H26"
    name_vi = "Hà Nội"
    class = "province"
    [[member]]
    code = "G01"
    name_vi = "Bộ Công an"
    class = "ministry"
"#;

const SYSTEMS: &str = r#"
    [[system]]
    id = "H26/lgsp"
    kind = "lgsp"
    [[system]]
    id = "G01/population"
    kind = "database"
    endpoints = ["a:1", "b:1"]
"#;

const SERVICE: &str = r#"
    [[service]]
    provider = "G01/population"
    name = "test.Population"
    measures = ["records", "amount_vnd"]
"#;

const GRANT: &str = r#"
    [[grant]]
    consumer = "H26/lgsp"
    provider = "G01/population"
    service = "test.Population"
    methods = ["B", "A"]
    valid_from = "2026-01-01"
    rate_per_second_max = 100
"#;

#[test]
fn added_items_are_told_with_the_fields_that_are_set_in_the_order_of_their_keys() {
    check(
        &[],
        &[GRANT, SERVICE, SYSTEMS, MEMBERS].concat(),
        &[
            "+ member G01",
            "member G01: name_vi:  → Bộ Công an",
            "member G01: class:  → ministry",
            "member G01: state:  → active",
            "+ member H26",
            "member H26: name_vi:  → Hà Nội",
            "member H26: class:  → province",
            "member H26: state:  → active",
            "+ system G01/population",
            "system G01/population: kind:  → database",
            "system G01/population: endpoints:  → a:1, b:1",
            "system G01/population: state:  → active",
            "+ system H26/lgsp",
            "system H26/lgsp: kind:  → lgsp",
            "system H26/lgsp: state:  → active",
            "+ service G01/population/test.Population",
            "service G01/population/test.Population: measures:  → amount_vnd, records",
            "+ grant H26/lgsp>G01/population/test.Population",
            "grant H26/lgsp>G01/population/test.Population: methods:  → A, B",
            "grant H26/lgsp>G01/population/test.Population: valid_from:  → 2025-12-31T17:00:00Z",
            "grant H26/lgsp>G01/population/test.Population: rate_per_second_max:  → 100",
        ],
    );
}

#[test]
fn changed_items_are_told_field_by_field() {
    let standing = [MEMBERS, SYSTEMS, SERVICE, GRANT].concat();
    let rows: [(&str, &[&str]); 6] = [
        (
            "[[member]]\ncode = \"H26\"\nname_vi = \"Thủ đô\"\nname_en = \"Ha Noi\"\n\
             class = \"agency\"\nstate = \"suspended\"",
            &[
                "member H26: name_vi: Hà Nội → Thủ đô",
                "member H26: name_en:  → Ha Noi",
                "member H26: class: province → agency",
                "member H26: state: active → suspended",
            ],
        ),
        (
            "[[system]]\nid = \"G01/population\"\nkind = \"information_system\"\nname = \"Dân cư\"\n\
             endpoints = [\"b:1\", \"a:1\"]",
            &[
                "system G01/population: kind: database → information_system",
                "system G01/population: name:  → Dân cư",
                "system G01/population: endpoints: a:1, b:1 → b:1, a:1",
            ],
        ),
        (
            "[[service]]\nprovider = \"G01/population\"\nname = \"test.Population\"\n\
             disabled = true\nnotice = \"bảo trì\"\ndeadline_ms_max = 5",
            &[
                "service G01/population/test.Population: disabled:  → true",
                "service G01/population/test.Population: notice:  → bảo trì",
                "service G01/population/test.Population: measures: amount_vnd, records → ",
                "service G01/population/test.Population: deadline_ms_max:  → 5",
            ],
        ),
        (
            "[[service]]\nprovider = \"G01/population\"\nname = \"test.Population\"\n\
             measures = [\"amount_vnd\", \"records\"]",
            &[],
        ),
        (
            "[[grant]]\nconsumer = \"H26/lgsp\"\nprovider = \"G01/population\"\n\
             service = \"test.Population\"\nvalid_until = \"2026-12-31\"\nconcurrency_max = 7",
            &[
                "grant H26/lgsp>G01/population/test.Population: methods: A, B → ",
                "grant H26/lgsp>G01/population/test.Population: valid_from: \
                 2025-12-31T17:00:00Z → ",
                "grant H26/lgsp>G01/population/test.Population: valid_until:  → \
                 2026-12-31T17:00:00Z",
                "grant H26/lgsp>G01/population/test.Population: rate_per_second_max: 100 → ",
                "grant H26/lgsp>G01/population/test.Population: concurrency_max:  → 7",
            ],
        ),
        (&GRANT.replace("\"B\", \"A\"", "\"A\", \"B\""), &[]),
    ];
    for (wanted, expected) in rows {
        check(&[&standing], wanted, expected);
    }
}

#[test]
fn a_suspension_is_lifted_by_saying_so_and_not_by_saying_nothing() {
    let suspended = "[[system]]\nid = \"H26/lgsp\"\nkind = \"lgsp\"\nstate = \"suspended\"";
    let silent = "[[system]]\nid = \"H26/lgsp\"\nkind = \"lgsp\"\nname = \"x\"";
    let lifted = "[[system]]\nid = \"H26/lgsp\"\nkind = \"lgsp\"\nstate = \"active\"";
    check(
        &[MEMBERS, suspended],
        silent,
        &["system H26/lgsp: name:  → x"],
    );
    check(
        &[MEMBERS, suspended],
        lifted,
        &["system H26/lgsp: state: suspended → active"],
    );
}

#[test]
fn references_may_go_to_what_stands_or_to_the_same_catalogue() {
    check(
        &[MEMBERS, SYSTEMS, SERVICE],
        GRANT,
        &[
            "+ grant H26/lgsp>G01/population/test.Population",
            "grant H26/lgsp>G01/population/test.Population: methods:  → A, B",
            "grant H26/lgsp>G01/population/test.Population: valid_from:  → 2025-12-31T17:00:00Z",
            "grant H26/lgsp>G01/population/test.Population: rate_per_second_max:  → 100",
        ],
    );
}

#[test]
fn dangling_references_are_refused() {
    const LABEL: &str = "catalogue: grant H26/lgsp>G01/population/test.Population";
    check_refused(
        &[],
        SYSTEMS,
        &[
            "catalogue: system H26/lgsp: id = \"H26/lgsp\": there is no member H26; register the \
             member H26 before, or in the same catalogue",
            "catalogue: system G01/population: id = \"G01/population\": there is no member G01; \
             register the member G01 before, or in the same catalogue",
        ],
    );
    check_refused(
        &[MEMBERS],
        SERVICE,
        &[
            "catalogue: service G01/population/test.Population: provider = \"G01/population\": \
             there is no system G01/population; register the system G01/population before, or in \
             the same catalogue",
        ],
    );
    check_refused(
        &[MEMBERS, SYSTEMS],
        GRANT,
        &[&format!(
            "{LABEL}: service = \"test.Population\": G01/population offers no such service; \
             register the service for G01/population before, or in the same catalogue"
        )],
    );
    check_refused(
        &[MEMBERS],
        GRANT,
        &[
            &format!(
                "{LABEL}: consumer = \"H26/lgsp\": there is no system H26/lgsp; register the \
                 system H26/lgsp before, or in the same catalogue"
            ),
            &format!(
                "{LABEL}: provider = \"G01/population\": there is no system G01/population; \
                 register the system G01/population before, or in the same catalogue"
            ),
        ],
    );
}

#[test]
fn a_certificate_cannot_be_registered_for_a_second_system() {
    let fingerprint = "26".repeat(32);
    let second = format!(
        "[[system]]\nid = \"H29/lgsp\"\nkind = \"lgsp\"\nfingerprints = [\"{fingerprint}\"]\n"
    );
    let expected = format!(
        "catalogue: system H29/lgsp: fingerprints = \"{fingerprint}\": is claimed by H26/lgsp too; \
         a certificate proves one system only: take it from one of the two"
    );
    check_refused(&[SMALL], &second, &[&expected]);

    let taken = format!("{second}[[system]]\nid = \"H26/lgsp\"\nkind = \"lgsp\"\n");
    check(
        &[SMALL],
        &taken,
        &[
            &format!("system H26/lgsp: fingerprints: {fingerprint} → "),
            &format!("system H29/lgsp: fingerprints:  → {fingerprint}"),
        ],
    );
    let both = format!("{taken}fingerprints = [\"{fingerprint}\"]\n");
    let errors = crate::fixture::refused(&both);
    assert_eq!(errors.len(), 1, "{errors:?}");
}

/// A catalogue that came as a message was not checked by the file's reader.
#[test]
fn a_catalogue_that_came_as_a_message_is_checked_as_a_file_is() {
    let empty = Registry::empty();
    let mut wanted = parse(&[MEMBERS, SYSTEMS, SERVICE, GRANT].concat());
    wanted.members[0].name_vi.clear();
    wanted.members[1].class = 9;
    wanted.systems[0].kind = 0;
    wanted.systems[1].state = -1;
    wanted.systems.push(wanted.systems[0].clone());
    wanted.services[0].deadline_ms_max = u64::MAX;
    wanted.grants[0].id = "another".to_owned();
    wanted.grants[0].valid_from_us = -1;
    wanted.grants[0].valid_until_us = i64::MAX;
    let errors = empty.plan(&wanted).unwrap_err();
    let found: Vec<(String, String)> = errors
        .errors
        .iter()
        .map(|error| (error.item.clone(), format!("{} {}", error.key, error.value)))
        .collect();
    let grant = "grant H26/lgsp>G01/population/test.Population";
    let expected = [
        ("member H26", "name_vi \"\""),
        ("member G01", "class 9"),
        ("system H26/lgsp", "kind 0"),
        ("system G01/population", "state -1"),
        ("system H26/lgsp", "kind 0"),
        ("system H26/lgsp", " "),
        (
            "service G01/population/test.Population",
            "deadline_ms_max 18446744073709551615",
        ),
        (grant, "id \"another\""),
        (grant, "valid_from -1"),
        (grant, "valid_until 9223372036854775807"),
    ];
    let expected = expected.map(|(item, field)| (item.to_owned(), field.to_owned()));
    assert_eq!(found, expected);
}

#[test]
fn the_registry_grows_up_to_its_limits_only() {
    let mut text = String::new();
    for number in 0..=MEMBERS_MAX {
        let code = format!("H26.{number}");
        write!(
            text,
            "[[member]]\ncode=\"{code}\"\nname_vi=\"x\"\nclass=\"agency\"\n"
        )
        .unwrap();
    }
    check_refused(
        &[],
        &text,
        &[
            "catalogue: members: there would be 20001, more than 20000; register fewer, or raise the \
           limit in the source",
        ],
    );
    let last = text.rfind("[[member]]").unwrap();
    let mut full = registry(&[&text[..last]]);
    assert!(full.plan(&parse(&text[last..])).is_err());
    apply(&mut full, &parse(&text[..last].replace("\"x\"", "\"y\"")));
}

#[test]
fn one_act_fits_into_one_entry_of_the_journal() {
    let mut text = String::new();
    let name = "ệ".repeat(200);
    for number in 0..1_700 {
        let code = format!("H26.{number}");
        write!(
            text,
            "[[member]]\ncode=\"{code}\"\nname_vi=\"{name}\"\nclass=\"agency\"\n"
        )
        .unwrap();
    }
    let errors = Registry::empty().plan(&parse(&text)).unwrap_err();
    let [error] = errors.errors.as_slice() else {
        panic!("{errors}");
    };
    assert!(
        matches!(
            error.problem,
            Problem::TooMuchAtOnce {
                max: CHANGES_BYTES_MAX,
                ..
            }
        ),
        "{error}"
    );

    let mut part = parse(&text);
    part.members.truncate(1_600);
    let plan = Registry::empty().plan(&part).unwrap();
    let claimed: usize = plan.changes.iter().map(encoded_bytes).sum();
    let act = ndxp_proto::journal::v1::RegistryChanged {
        changes: plan.changes,
        ..Default::default()
    };
    assert!(
        act.encoded_len() <= claimed,
        "the bound is above the entry's bytes"
    );
}
