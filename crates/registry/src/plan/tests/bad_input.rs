//! Whatever bad input an operator's file can hold, each with the answer: file, line, key, value
//! and remedy, and nothing applied. Descriptor sets are in the tests of acts.

use ndxp_model::Zone;

use super::*;
use crate::{CatalogueFile, parse_catalogues};

/// A closed member with a successor.
const STANDING: &str = r#"
[[member]]
code = "H02"
name_vi = "Hà Giang"
class = "province"
state = "closed"
successor = "H26"
[[system]]
id = "H02/lgsp"
kind = "lgsp"
"#;

/// Beside the fixture: the closed member, and a service whose methods are known.
fn standing() -> Registry {
    let mut closed = parse(STANDING);
    let systems = std::mem::take(&mut closed.systems);
    let mut registry = registry(&[SMALL]);
    apply(&mut registry, &closed);
    for system in systems {
        let active = v1::State::Active.into();
        let item = Some(v1::change::Item::System(v1::System {
            state: active,
            ..system
        }));
        registry.put(&v1::Change { item });
    }
    let mut service = registry
        .service("G24/insurance", "test.Shared")
        .unwrap()
        .clone();
    service.methods = vec!["Get".to_owned(), "Put".to_owned()];
    let item = Some(v1::change::Item::Service(service));
    registry.put(&v1::Change { item });
    registry
}

/// What the operator is told of the file.
fn answer(registry: &Registry, text: &str) -> String {
    let file = CatalogueFile {
        name: "c.toml",
        text,
    };
    match parse_catalogues(&[file], &Zone::viet_nam()) {
        Err(errors) => errors.to_string(),
        Ok(parsed) => match registry.plan(&parsed.catalogue) {
            Err(errors) => parsed.lines.placed(&errors.to_string()),
            Ok(plan) => panic!("taken: {plan:?}\n{text}"),
        },
    }
}

fn member(code: &str, more: &str) -> String {
    format!("[[member]]\ncode = \"{code}\"\nname_vi = \"x\"\nclass = \"province\"\n{more}\n")
}

fn grant(consumer: &str, provider: &str, service: &str, more: &str) -> String {
    format!(
        "[[grant]]\nconsumer = \"{consumer}\"\nprovider = \"{provider}\"\nservice = \"{service}\"\n\
         {more}\n"
    )
}

fn population(more: &str) -> String {
    grant("H29/lgsp", "G01/population", "test.Population", more)
}

#[track_caller]
fn check_all(rows: Vec<(&str, String, &str)>) {
    let registry = standing();
    for (what, text, expected) in rows {
        let told = answer(&registry, &text);
        assert!(told.contains(expected), "{what}: {told}\nlacks\n{expected}");
    }
    assert!(registry == standing(), "nothing is half applied");
}

#[test]
fn bad_members_and_systems_are_answered_with_place_value_and_remedy() {
    let fingerprint = "26".repeat(32);
    check_all(vec![
        (
            "a code of the wrong form",
            member("H2", ""),
            "c.toml:2: member H2: code = \"H2\": does not have the form that is wanted; write a code",
        ),
        (
            "an unknown code",
            "[[system]]\nid = \"H99/lgsp\"\nkind = \"lgsp\"".to_owned(),
            "c.toml:2: system H99/lgsp: id = \"H99/lgsp\": there is no member H99; register the",
        ),
        (
            "a duplicate code",
            member("H30", "") + &member("H30", ""),
            "c.toml:6: member H30: stands twice; it stands first at c.toml:1; join the two",
        ),
        (
            "an alias of another's",
            member("H30", "aliases = [\"000.00.00.H30\"]")
                + &member("H31", "aliases = [\"000.00.00.H30\"]"),
            "c.toml:10: member H31: aliases = \"000.00.00.H30\": is an alias of member H30 too",
        ),
        (
            "a cycle of one",
            member("H30", "state = \"closed\"\nsuccessor = \"H30\""),
            "c.toml:6: member H30: successor = \"H30\": the succession comes back to where it began",
        ),
        (
            "a cycle of two",
            member("H30", "state = \"closed\"\nsuccessor = \"H31\"")
                + &member("H31", "state = \"closed\"\nsuccessor = \"H30\""),
            "c.toml:6: member H30: successor = \"H31\": the succession comes back to where it \
             began, through H31; name one who carries on in the end",
        ),
        (
            "a successor that is not there",
            member("H30", "state = \"closed\"\nsuccessor = \"H99\""),
            "c.toml:6: member H30: successor = \"H99\": there is no member H99",
        ),
        (
            "a successor of what is open",
            member("H30", "successor = \"H26\""),
            "c.toml:5: member H30: successor = \"H26\": only what is closed has a successor",
        ),
        (
            "a step that no life takes",
            member("H02", "state = \"active\""),
            "c.toml:5: member H02: state = \"active\": cannot go from closed to active",
        ),
        (
            "a system of a closed member",
            "[[system]]\nid = \"H02/portal\"\nkind = \"lgsp\"".to_owned(),
            "c.toml:2: system H02/portal: id = \"H02/portal\": the member H02 is closed",
        ),
        (
            "a fingerprint claimed twice",
            format!(
                "[[system]]\nid = \"H29/lgsp\"\nkind = \"lgsp\"\nfingerprints = [\"{fingerprint}\"]"
            ),
            "c.toml:4: system H29/lgsp: fingerprints = \"2626",
        ),
        (
            "an unknown field",
            member("H30", "colour = \"red\""),
            "c.toml:5: member H30: \"colour\": no such key; known are code",
        ),
        (
            "an unknown field of a window",
            "[[service]]\nprovider = \"G24/insurance\"\nname = \"test.Cards\"\n\
             maintenance = [{ from = \"2026-01-01\", til = \"2026-01-02\" }]"
                .to_owned(),
            "c.toml:4: service G24/insurance/test.Cards: \"til\": no such key; did you mean until?",
        ),
        (
            "a file of 10 MB and more",
            "#".repeat(10_000_001),
            "c.toml:1: the file has 10000001 bytes, more than 10000000; split it into several files",
        ),
    ]);
}

#[test]
fn bad_grants_are_answered_with_place_value_and_remedy() {
    check_all(vec![
        (
            "a grant to oneself",
            grant("G01/population", "G01/population", "test.Population", ""),
            "c.toml:3: grant G01/population>G01/population/test.Population: provider = \
             \"G01/population\": consumer and provider are the same system; take the grant out",
        ),
        (
            "a grant to a closed member",
            grant("H02/lgsp", "G01/population", "test.Population", ""),
            "c.toml:2: grant H02/lgsp>G01/population/test.Population: consumer = \"H02/lgsp\": the \
             member H02 is closed; take part with an item that is open",
        ),
        (
            "an end before its start",
            population("valid_from = \"2026-02-01\"\nvalid_until = \"2026-01-01\""),
            "c.toml:6: grant H29/lgsp>G01/population/test.Population: valid_until: the grant ends \
             at 2026-01-01T17:00:00Z, not after its start at 2026-01-31T17:00:00Z; move",
        ),
        (
            "overlapping versions",
            population("valid_until = \"2026-06-30\"") + &population("valid_from = \"2026-06-30\""),
            "c.toml:6: grant H29/lgsp>G01/population/test.Population: overlaps the version that \
             stands first at c.toml:1; end the one before the other begins",
        ),
        (
            "a version twice",
            population("") + &population("concurrency_max = 3"),
            "c.toml:6: grant H29/lgsp>G01/population/test.Population: stands twice; it stands first",
        ),
        (
            "a method that the service does not have",
            grant(
                "H29/lgsp",
                "G24/insurance",
                "test.Shared",
                "methods = [\"Get\", \"Delete\"]",
            ),
            "c.toml:5: grant H29/lgsp>G24/insurance/test.Shared: methods = \"Delete\": the service \
             has no such method; the service has Get, Put",
        ),
        (
            "acting for a member that is not there",
            population("on_behalf_of = \"H29.12\""),
            "c.toml:5: grant H29/lgsp>G01/population/test.Population: on_behalf_of = \"H29.12\": \
             there is no member H29.12",
        ),
    ]);
}

#[test]
fn one_wrong_item_keeps_all_others_out() {
    let registry = standing();
    let text = member("H30", "") + &member("H2", "");
    assert!(answer(&registry, &text).contains("c.toml:7: member H2"));
    let text = member("H30", "") + "[[system]]\nid = \"H99/lgsp\"\nkind = \"lgsp\"";
    assert!(answer(&registry, &text).contains("there is no member H99"));
}
